/* What a person may chart, and what is to be asked about before it is sent. Pure.
 *
 * `chartable.json` is checked against the gateway's own table of metrics (tests/contract), so that the two cannot drift.
 */

import chartable from "./chartable.json";
import { unitText, valueText } from "./format";
import type { BedFrame } from "./types";

export interface ChartNumber {
  ref_id: string;
  group: string;
  title: string;
  unit: string;
  low: number;
  high: number;
  /** Outside of it the form asks again. */
  usual: [number, number];
  signal: string | null;
}

export interface ChartState {
  ref_id: string;
  title: string;
  values: string[];
  signal: string | null;
}

export const NUMBERS = chartable.numbers as unknown as readonly ChartNumber[];
export const STATES = chartable.states as unknown as readonly ChartState[];
export const GROUPS = [...new Set(NUMBERS.map((each) => each.group))];

/** A weight this share away from the last one is a mistake of units more often than a change. */
const WEIGHT_APART = 0.1;
const WEIGHT = "MDC_MASS_BODY_ACTUAL";

/** The entries that were typed, by metric; a text that is no number is a problem. */
export function metricsOf(typed: ReadonlyMap<string, string>): { metrics: Record<string, unknown>; problems: string[] } {
  const metrics: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [refId, text] of typed) {
    const shape = NUMBERS.find((each) => each.ref_id === refId);
    if (text.trim() === "") continue;
    if (!shape) {
      metrics[refId] = text;
      continue;
    }
    const value = Number(text.replace(",", "."));
    if (!Number.isFinite(value)) problems.push(`${shape.title}: "${text}" is no number`);
    else if (value < shape.low || value > shape.high) {
      problems.push(`${shape.title}: ${value} is outside of ${shape.low} to ${shape.high} ${unitText(shape.unit)}`);
    } else metrics[refId] = value;
  }
  return { metrics, problems };
}

/** What is possible and unlikely: to be looked at once more. */
export function doubtsAbout(metrics: Record<string, unknown>, bed: BedFrame): string[] {
  const doubts: string[] = [];
  for (const shape of NUMBERS) {
    const value = metrics[shape.ref_id];
    if (typeof value !== "number") continue;
    const [low, high] = shape.usual;
    if (value < low || value > high) doubts.push(`${shape.title} ${valueText(value, shape.signal ?? "")} ${unitText(shape.unit)} is unusual`);
  }
  const weight = metrics[WEIGHT];
  const before = lastWeight(bed);
  if (typeof weight === "number" && before !== null && Math.abs(weight - before) / before > WEIGHT_APART) {
    doubts.push(`the weight differs by more than ${WEIGHT_APART * 100} % from ${valueText(before, "weight")} kg: in pounds?`);
  }
  return doubts;
}

function lastWeight(bed: BedFrame): number | null {
  const known = bed.signals?.weight?.value;
  return typeof known === "number" ? known : (bed.admission?.baseline_weight_kg ?? null);
}
