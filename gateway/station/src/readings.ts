/* What a signal amounts to at this moment: its text, its age, and how far it may be trusted. Pure.
 *
 * A value that must not be believed is never shown as if it were current: not available and invalid read as a dash with
 * the word, a value older than its limit is marked stale, and one dated ahead of the gateway is marked too - its age
 * could otherwise never grow.
 */

import type { FeedClock } from "./clock";
import { ageWords, instantMs, valueText } from "./format";
import type { SignalFrame } from "./types";

/** States in order of trouble. */
const STATES = ["fresh", "questionable", "stale", "ahead", "withheld", "never"] as const;
export type ReadingState = (typeof STATES)[number];

export interface Reading {
  state: ReadingState;
  text: string;
  words: string;
  ageS: number;
}

export interface Freshness {
  level: "current" | "part" | "old" | "none";
  words: string;
}

/** Younger than this, a reason needs no age beside it. */
const JUST_NOW_S = 5;
const NO_READING: Reading = { state: "never", text: "–", words: "none yet", ageS: Infinity };
const WITHHELD: Record<string, string> = { invalid: "invalid", not_available: "no value", calibrating: "calibrating" };

type AgeSource = Pick<FeedClock, "ageS" | "aheadToleranceS">;

/** The reading of `signal` (an entry of a bed's `signals`, or undefined) at the clock's present time. */
export function readingOf(signal: SignalFrame | undefined, key: string, clock: AgeSource): Reading {
  if (!signal) return NO_READING;
  const atMs = instantMs(signal.at);
  const ageS = Number.isFinite(atMs) ? clock.ageS(atMs) : Infinity;
  const age = ageWords(ageS);
  if (signal.validity in WITHHELD || signal.value === null || signal.value === undefined) {
    const reason = WITHHELD[signal.validity] ?? "no value";
    return { state: "withheld", text: "–", words: ageS < JUST_NOW_S ? reason : `${reason} · ${age}`, ageS };
  }
  const text = valueText(signal.value, key);
  if (ageS === Infinity) return { state: "stale", text, words: "age unknown", ageS };
  if (ageS < -clock.aheadToleranceS) return { state: "ahead", text, words: "dated ahead", ageS };
  if (ageS > signal.fresh_for_s) return { state: "stale", text, words: `${age} old`, ageS };
  if (signal.validity !== "valid") return { state: "questionable", text: `${text}?`, words: `doubtful · ${age}`, ageS };
  return { state: "fresh", text, words: age, ageS };
}

/** Two readings shown as one (systolic/diastolic): as troubled and as old as the worse of them. */
export function pairOf(first: Reading, second: Reading): Reading {
  const worse = STATES.indexOf(second.state) > STATES.indexOf(first.state) ? second : first;
  const older = second.ageS > first.ageS ? second : first;
  const shown = worse.state === "fresh" ? older : worse;
  if (first.state === "never" && second.state === "never") return first;
  const text = `${first.text}/${second.text}`;
  return { ...shown, text: first.text.endsWith("?") && second.text.endsWith("?") ? text.replace("?", "") : text };
}

/** Whether a value may be read as the present one. */
export function isCurrent(reading: Reading): boolean {
  return reading.state === "fresh" || reading.state === "questionable";
}

/** How current a bed's readings are, with words for it. */
export function freshnessOf(readings: Reading[]): Freshness {
  const reported = readings.filter((reading) => reading.state !== "never");
  const good = reported.filter(isCurrent);
  const bad = reported.length - good.length;
  if (reported.length === 0) return { level: "none", words: "no values" };
  if (bad === 0) return { level: "current", words: "current" };
  if (good.length === 0) return { level: "old", words: "nothing current" };
  return { level: "part", words: `${bad} not current` };
}
