/* Trends: which signals, their usual range, and the rows of a series as uPlot wants them. Pure. */

import { instantMs } from "./format";
import type { AlarmFrame, Bolus, Dose, SeriesRow } from "./types";

export interface TrendShape {
  signal: string;
  label: string;
  unit: string;
  /** Range shown at least, so that noise does not fill the height. */
  usual: readonly [number, number];
  /** A limit worth a line. */
  mark?: number;
  /** A rate or a total is drawn as steps. */
  isStepped?: boolean;
  cells: readonly string[];
}

export const TRENDS: readonly TrendShape[] = [
  { signal: "map", label: "MAP", unit: "mmHg", usual: [50, 100], mark: 65, cells: ["map", "bp"] },
  { signal: "hr", label: "HR", unit: "/min", usual: [60, 120], cells: ["hr"] },
  { signal: "spo2", label: "SpO₂", unit: "%", usual: [85, 100], mark: 90, cells: ["spo2"] },
  { signal: "rr", label: "RR", unit: "/min", usual: [10, 30], cells: ["rr"] },
  { signal: "temp", label: "Temp", unit: "°C", usual: [36, 40], cells: ["temp"] },
  { signal: "urine_ml_h", label: "Urine", unit: "mL/h", usual: [0, 100], isStepped: true, cells: ["urine_ml_8h"] },
];

export const PRESSOR_TRENDS: readonly TrendShape[] = [
  { signal: "norepinephrine_ug_kg_min", label: "Norepi", unit: "µg/kg/min", usual: [0, 0.2], isStepped: true, cells: ["pressor"] },
  { signal: "phenylephrine_ug_kg_min", label: "Phenyl", unit: "µg/kg/min", usual: [0, 2], isStepped: true, cells: ["pressor"] },
  { signal: "dopamine_ug_kg_min", label: "Dopa", unit: "µg/kg/min", usual: [0, 10], isStepped: true, cells: ["pressor"] },
  { signal: "vasopressin_u_min", label: "Vaso", unit: "IU/min", usual: [0, 0.06], isStepped: true, cells: ["pressor"] },
];

export type Column = (number | null)[];
/** Seconds since 1970, then minimum, maximum, mean: the line is drawn last, over its band. */
export type Columns = [number[], Column, Column, Column];

/** A pause longer than this many of the usual distances between points is a hole, and is not drawn over. */
const HOLE = 3;

function usualDistance(instants: readonly number[]): number {
  const distances = instants.slice(1).map((at, index) => at - instants[index]!).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

/** The rows as columns, with an empty row in each hole: nothing is drawn where nothing was measured. */
export function columnsOf(rows: readonly SeriesRow[], isStepped = false): Columns {
  const known = rows.map((row) => ({ ...row, s: instantMs(row.t) / 1000 })).filter((row) => Number.isFinite(row.mean));
  const longest = usualDistance(known.map((row) => row.s)) * HOLE;
  const columns: Columns = [[], [], [], []];
  known.forEach((row, index) => {
    const before = known[index - 1];
    if (!isStepped && before && row.s - before.s > longest) push(columns, (row.s + before.s) / 2, null, null, null);
    push(columns, row.s, row.min, row.max, row.mean);
  });
  return columns;
}

function push(columns: Columns, s: number, min: number | null, max: number | null, mean: number | null): void {
  columns[0].push(s);
  columns[1].push(min);
  columns[2].push(max);
  columns[3].push(mean);
}

export interface Span {
  fromS: number;
  toS: number;
  label: string;
}

/** When each dose ran; one that runs ends at `nowMs`. */
export function doseSpans(doses: readonly Dose[], nowMs: number): Span[] {
  return doses.filter((dose) => dose.started_at !== null).map((dose) => ({
    fromS: instantMs(dose.started_at) / 1000,
    toS: (dose.ended_at ? instantMs(dose.ended_at) : nowMs) / 1000,
    label: `dose ${dose.number}`,
  }));
}

/** When each bolus ran. */
export function bolusSpans(boluses: readonly Bolus[]): Span[] {
  return boluses.map((bolus) => ({
    fromS: instantMs(bolus.from) / 1000,
    toS: instantMs(bolus.to) / 1000,
    label: `${Math.round(bolus.ml)} mL`,
  }));
}

export interface AlarmSpan extends Span {
  priority: string;
}

/** When each alarm was announced; one that stands ends at `nowMs`. */
export function alarmSpans(alarms: readonly AlarmFrame[], nowMs: number): AlarmSpan[] {
  return alarms.map((alarm) => ({
    fromS: instantMs(alarm.onset_at) / 1000,
    toS: (alarm.cleared_at ? instantMs(alarm.cleared_at) : nowMs) / 1000,
    label: alarm.title,
    priority: alarm.priority,
  }));
}

/** The range of an axis: the usual one, widened to what was measured. */
export function rangeOf(usual: readonly [number, number], low: number | null, high: number | null): [number, number] {
  const from = Math.min(usual[0], low ?? usual[0]);
  const to = Math.max(usual[1], high ?? usual[1]);
  const room = (to - from) * 0.06;
  return [from < usual[0] ? from - room : from, to > usual[1] ? to + room : to];
}
