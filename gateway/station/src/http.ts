/* Requests to the gateway, and what can become of them: an answer, a refusal, or nothing. */

import { signal } from "@preact/signals";

import { plainJson } from "./plain_json";

const BASE = "/api/v1";
const ANSWER_WITHIN_MS = 5000;

interface Problem {
  title?: unknown;
  detail?: unknown;
  reason?: unknown;
}

/** The gateway answered, and said no. */
export class Refused extends Error {
  readonly status: number;
  /** Machine-readable; empty where the answer has none. */
  readonly reason: string;

  constructor(status: number, problem: Problem | null) {
    const said = [problem?.title, problem?.detail].filter((part) => typeof part === "string").join(": ");
    super(said || `answer ${status}`);
    this.status = status;
    this.reason = typeof problem?.reason === "string" ? problem.reason : "";
  }
}

/** No answer: nobody knows whether the request was carried out. */
export class Unreachable extends Error {
  constructor() {
    super("no answer from the gateway");
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Counts the answers that said that nobody is signed in at this browser (any more). */
export const turnedAway = signal(0);

/** A header carries ASCII; anything else in a person's name goes percent-encoded (UTF-8). */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]|%/gu, (sign) => encodeURIComponent(sign));
}

async function answerOf(path: string, options: RequestInit, withinMs: number): Promise<Response> {
  try {
    return await fetch(BASE + path, { ...options, signal: AbortSignal.timeout(withinMs), cache: "no-store" });
  } catch {
    throw new Unreachable();
  }
}

export async function request<T>(path: string, options: RequestInit = {}, withinMs = ANSWER_WITHIN_MS): Promise<T> {
  const answer = await answerOf(path, options, withinMs);
  const body: unknown = await answer.text().then((text) => JSON.parse(plainJson(text))).catch(() => null);
  if (answer.ok) return body as T;
  const refused = new Refused(answer.status, body as Problem | null);
  if (refused.status === 401 && refused.reason === "sign_in") turnedAway.value += 1;
  throw refused;
}

export function posting(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}
