/* Trends: which signals, their usual range, and the rows of a series as uPlot wants them. Pure. */

import { instantMs } from "./format";
import type { AlarmFrame, BedFrame, Bolus, Dose, SeriesRow } from "./types";

export interface TrendShape {
  signal: string;
  label: string;
  unit: string;
  /** Range shown at least, so that noise does not fill the height. */
  usual: readonly [number, number];
  /** A limit worth a line. */
  mark?: number;
  /** Drawn as steps: a rate holds until the next is told, or what is told is of the hour before. */
  step?: "holds" | "before";
  cells: readonly string[];
  /** Of each group the last has the times under it. */
  group: "vital" | "fluids" | "laboratory";
  /** Drawn higher than the others. */
  share?: number;
  /** Which limit of the patient's own takes the place of the mark. */
  limit?: string;
}

const VITAL = { group: "vital" } as const;
const FLUIDS = { group: "fluids" } as const;
const LABORATORY = { group: "laboratory", cells: [] } as const;
const PRESSOR = { ...VITAL, step: "holds", cells: ["pressor"] } as const;

/** In the order in which they stand. */
export const TRENDS: readonly TrendShape[] = [
  { signal: "map", label: "MAP", unit: "mmHg", usual: [50, 100], mark: 65, limit: "map_alarm", share: 2, cells: ["map", "bp"], ...VITAL },
  { signal: "norepinephrine_ug_kg_min", label: "Norepi", unit: "µg/kg/min", usual: [0, 0.2], ...PRESSOR },
  { signal: "phenylephrine_ug_kg_min", label: "Phenyl", unit: "µg/kg/min", usual: [0, 2], ...PRESSOR },
  { signal: "dopamine_ug_kg_min", label: "Dopa", unit: "µg/kg/min", usual: [0, 10], ...PRESSOR },
  { signal: "vasopressin_u_min", label: "Vaso", unit: "IU/min", usual: [0, 0.06], ...PRESSOR },
  { signal: "hr", label: "HR", unit: "/min", usual: [60, 120], limit: "hr_high", cells: ["hr"], ...VITAL },
  { signal: "spo2", label: "SpO₂", unit: "%", usual: [85, 100], mark: 90, limit: "spo2_low", cells: ["spo2"], ...VITAL },
  { signal: "rr", label: "RR", unit: "/min", usual: [10, 30], cells: ["rr"], ...VITAL },
  { signal: "temp", label: "Temp", unit: "°C", usual: [36, 40], cells: ["temp"], ...VITAL },
  { signal: "cvp", label: "CVP", unit: "mmHg", usual: [0, 12], cells: [], ...VITAL },
  { signal: "etco2", label: "EtCO₂", unit: "mmHg", usual: [25, 45], cells: [], ...VITAL },
  { signal: "o2_flow", label: "O₂ flow", unit: "L/min", usual: [0, 8], step: "holds", cells: [], ...VITAL },
  { signal: "urine_ml_h", label: "Urine", unit: "mL/h", usual: [0, 100], step: "before", cells: ["urine_ml_8h"], ...FLUIDS },
  { signal: "weight", label: "Weight", unit: "kg", usual: [60, 90], cells: ["weight_gain_pct"], ...FLUIDS },
  { signal: "creatinine", label: "Creatinine", unit: "mg/dL", usual: [0.5, 3], ...LABORATORY },
  { signal: "bilirubin", label: "Bilirubin", unit: "mg/dL", usual: [0, 5], ...LABORATORY },
  { signal: "platelets", label: "Platelets", unit: "10³/µL", usual: [0, 300], ...LABORATORY },
  { signal: "bicarbonate", label: "Bicarbonate", unit: "mmol/L", usual: [15, 30], ...LABORATORY },
  { signal: "potassium", label: "Potassium", unit: "mmol/L", usual: [3, 6], ...LABORATORY },
  { signal: "glucose", label: "Glucose", unit: "mg/dL", usual: [60, 200], ...LABORATORY },
  { signal: "albumin", label: "Albumin", unit: "g/dL", usual: [1.5, 5], ...LABORATORY },
  { signal: "troponin", label: "Troponin", unit: "ng/mL", usual: [0, 0.5], ...LABORATORY },
];

/** Drawn whether the bed has them now or not: a place that is empty says so. */
export const ALWAYS: ReadonlySet<string> = new Set(["map", "hr", "spo2"]);

/** The trends of a bed: limits of the patient's own for marks, the weight beside the baseline. */
export function shapesOf(bed: BedFrame, limits: Readonly<Record<string, number>>): TrendShape[] {
  const known = TRENDS.filter(({ signal }) => ALWAYS.has(signal) || bed.signals?.[signal]);
  return known.map((shape) => {
    if (shape.signal === "weight" && bed.admission) return besideBaseline(shape, bed.admission.baseline_weight_kg);
    const own = shape.limit === undefined ? undefined : limits[shape.limit];
    return own === undefined ? shape : { ...shape, mark: own };
  });
}

function besideBaseline(shape: TrendShape, baselineKg: number): TrendShape {
  return { ...shape, usual: [baselineKg * 0.98, baselineKg * 1.06], mark: baselineKg };
}

/** What a weight is of the baseline, in words. */
export function gainWords(weightKg: number, baselineKg: number): string {
  const percent = (weightKg / baselineKg - 1) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} % of baseline ${baselineKg} kg`;
}

export type Column = (number | null)[];
/** Seconds since 1970, then minimum, maximum, mean: the line is drawn last, over its band. */
export type Columns = [number[], Column, Column, Column];

/** A pause longer than this many of the usual distances between points is a hole, and is not drawn over. */
const HOLE = 3;

function usualDistance(instants: readonly number[]): number {
  const distances = instants.slice(1).map((at, index) => at - instants[index]!).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? 0;
}

/** Few points are drawn as points besides their line; among many, those that stand alone and would be no line. */
const FEW = 40;

/** Which points are drawn as points. */
export function pointsOf(values: Column): number[] {
  const isKnown = (index: number): boolean => values[index] !== null && values[index] !== undefined;
  const known = values.map((_, index) => index).filter(isKnown);
  return known.length <= FEW ? known : known.filter((index) => !isKnown(index - 1) && !isKnown(index + 1));
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
