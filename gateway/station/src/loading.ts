/* What a page fetches beside the feed: fetched again when its question changes, and every so often while the page is live.
 * What was fetched before stays until something newer has come; that it could not be renewed is said beside it. */

import { useEffect, useRef, useState } from "preact/hooks";

import { wordsOf } from "./api";
import { isLive } from "./ward";

export interface Loaded<T> {
  answer: T | null;
  /** Why the last attempt brought nothing; empty when it did. */
  problem: string;
  again: () => void;
}

const REFRESH_MS = 30_000;

/** `question` names what is asked for: another one, another answer. */
export function useLoaded<T>(question: string, ask: () => Promise<T>, everyMs = REFRESH_MS): Loaded<T> {
  const [state, setState] = useState<{ question: string; answer: T | null; problem: string }>(
    { question, answer: null, problem: "" });
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;

  useEffect(() => {
    let isWanted = true;
    latest.current().then(
      (answer) => isWanted && setState({ question, answer, problem: "" }),
      (error: unknown) => isWanted && setState((before) => ({ ...before, problem: `Not loaded: ${wordsOf(error)}` })),
    );
    return () => {
      isWanted = false;
    };
  }, [question, round]);

  useEffect(() => {
    const timer = setInterval(() => {
      if (isLive.peek() && !document.hidden) setRound((count) => count + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  return { answer: state.answer, problem: state.problem, again: () => setRound((count) => count + 1) };
}
