/* The words in which a piece of an alarm's evidence is told: its term, its value with unit, in the order people ask. Pure.
 *
 * Nothing is left out: what has no words of its own keeps those of the gateway.
 */

import { isCode, metricName } from "./metrics";
import { dayTimeText, instantMs, signalName, unitText } from "./format";

/** What a person asks first stands first. */
const ORDER = [
  "text", "detail", "value", "limit", "limit_s", "limit_percent", "reset_limit", "worst", "signal", "at", "since", "source", "device",
  "validity", "clears_when", "onset_delay_s",
];
/** How it was judged, for whoever checks it: last. */
const LAST = ["reference", "profile", "policy", "rule", "parts"];

const TERMS: Record<string, string> = {
  text: "finding", worst: "furthest value", at: "determined at", reset_limit: "resets at", limit_percent: "limit",
  onset_delay_s: "must last", clears_when: "clears when", clock_offset_ms: "device clock off by", readings_beyond: "readings beyond limit",
  profile: "alarm rules", policy: "alarm policy", announced_for: "announced for",
};
/** Numbers in the unit that stands beside them. */
const IN_UNIT = new Set(["value", "limit", "reset_limit", "worst", "arterial_map", "cuff_map", "an_hour_ago"]);
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

export type Piece =
  | { kind: "text"; text: string; exact?: string }
  | { kind: "instant"; text: string; exact: string }
  | { kind: "code"; text: string; exact: string };

function place(key: string): number {
  if (LAST.includes(key)) return 1000 + LAST.indexOf(key);
  return ORDER.includes(key) ? ORDER.indexOf(key) : 500;
}

/** The entries of a piece of evidence in the order of telling; the unit goes with its numbers, and what is empty goes. */
export function orderedEntries(evidence: object): [string, unknown][] {
  const entries = Object.entries(evidence);
  const hasNumber = entries.some(([key, value]) => IN_UNIT.has(key) && typeof value === "number");
  const told = entries.filter(([key, value]) => !(key === "unit" && hasNumber) && value !== "" && value !== null);
  return told.sort(([a], [b]) => place(a) - place(b));
}

export function termOf(key: string): string {
  const plain = key.replace(/_(s|ms|min|ml)$/, "").replaceAll("_", " ");
  return TERMS[key] ?? plain;
}

/** Units in a sentence as people write them. */
export function readable(sentence: string): string {
  return sentence.replaceAll("mm[Hg]", "mmHg").replaceAll("ug/kg/min", "µg/kg/min").replaceAll("10*3/uL", "10³/µL");
}

function numberPiece(key: string, value: number, unit: string): Piece {
  const shown = Number(value.toPrecision(4));
  const of = (text: string): Piece => (shown === value ? { kind: "text", text } : { kind: "text", text, exact: String(value) });
  if (key === "coverage") return of(`${Math.round(value * 100)} %`);
  if (key.endsWith("_percent")) return of(`${shown} %`);
  if (key === "clock_offset_ms") return { kind: "text", text: `${Number((value / 1000).toFixed(1))} s`, exact: `${value} ms` };
  const own = /_(s|ms|min|ml)$/.exec(key)?.[1]?.replace("ml", "mL");
  return of(`${shown} ${own ?? (IN_UNIT.has(key) ? unitText(unit) : "")}`.trim());
}

/** Day and second of an instant in the browser's time zone. */
export function secondText(text: string): string {
  const seconds = new Date(instantMs(text)).getSeconds();
  return `${dayTimeText(text)}:${String(seconds).padStart(2, "0")}`;
}

/** One plain value of the evidence in words. `unit` is that of the piece it stands in. */
export function pieceOf(key: string, value: unknown, unit = ""): Piece {
  if (typeof value === "number") return numberPiece(key, value, unit);
  if (value === null || value === undefined) return { kind: "text", text: "none" };
  const text = String(value);
  if (INSTANT.test(text) && Number.isFinite(instantMs(text))) return { kind: "instant", text: secondText(text), exact: text };
  if (isCode(text)) return { kind: "code", text: metricName(text) ?? "", exact: text };
  if (key === "signal") return { kind: "text", text: signalName(text), exact: text };
  if (key === "sha256") return { kind: "text", text: `${text.slice(0, 12)}…`, exact: text };
  return { kind: "text", text: readable(text) };
}
