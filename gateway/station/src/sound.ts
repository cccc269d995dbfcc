/* The sound of alarms: which burst is due, and its pulses. Pure: `speaker.ts` makes the noise.
 *
 * Rules (IEC 60601-1-8, table 3, as clinical.md 8.1 gives it)
 *   - One burst at a time: that of the most urgent alarm that is unacknowledged and not paused. High: ten pulses, every
 *     5 to 6 s; medium: three, 10 s apart; low: two, 20 s apart.
 *   - Pulses of a burst last 150 ms (high: 75 to 200 ms) or 200 ms (medium, low: 125 to 250 ms).
 *   - High alarms have the melody of their category, played twice; medium its first three notes. A category without a
 *     melody here is general.
 */

import { hasGone, isNew, priorityOf } from "./alarms";
import type { AlarmFrame, Priority } from "./types";

export interface Pulse {
  /** Seconds after the burst begins. */
  atS: number;
  durationS: number;
  hz: number;
}

export type Category = "cardiovascular" | "drug_delivery" | "general";

const C4 = 261.63;
const D4 = 293.66;
const E4 = 329.63;
const G4 = 392.0;
const C5 = 523.25;

const MELODIES: Record<Category, readonly number[]> = {
  cardiovascular: [C4, E4, G4, G4, C5],
  drug_delivery: [C5, D4, G4, C5, D4],
  general: [C4, C4, C4, C4, C4],
};

const CARDIOVASCULAR = new Set(["hypotension", "hypertension", "tachycardia", "bradycardia", "arrhythmia"]);
const DRUG_DELIVERY = new Set(["dose", "dose_during_hold", "dose_decision", "pressor", "pump"]);

const HIGH_PULSE_S = 0.15;
const HIGH_GAP_S = 0.1;
/** Between the third and the fourth pulse of each half. */
const HIGH_REST_S = 0.3;
/** Between the two halves. */
const HIGH_HALF_S = 0.6;
const PULSE_S = 0.2;
const GAP_S = 0.2;

/** Silence between two bursts, in seconds. */
export const INTERBURST_S: Record<Priority, number> = { high: 4, medium: 9, low: 19 };

export function categoryOf(alarm: Pick<AlarmFrame, "family">): Category {
  if (CARDIOVASCULAR.has(alarm.family)) return "cardiovascular";
  return DRUG_DELIVERY.has(alarm.family) ? "drug_delivery" : "general";
}

/** The pulses of one burst. */
export function burst(priority: Priority, category: Category): Pulse[] {
  const melody = MELODIES[category];
  if (priority === "low") return steady([E4, C4]);
  if (priority === "medium") return steady(melody.slice(0, 3));
  const half = halfOf(melody);
  const last = half.at(-1)!;
  const secondS = last.atS + last.durationS + HIGH_HALF_S;
  return [...half, ...half.map((pulse) => ({ ...pulse, atS: pulse.atS + secondS }))];
}

function steady(notes: readonly number[]): Pulse[] {
  return notes.map((hz, index) => ({ atS: index * (PULSE_S + GAP_S), durationS: PULSE_S, hz }));
}

function halfOf(melody: readonly number[]): Pulse[] {
  let atS = 0;
  return melody.map((hz, index) => {
    const pulse = { atS, durationS: HIGH_PULSE_S, hz };
    atS += HIGH_PULSE_S + (index === 2 ? HIGH_REST_S : HIGH_GAP_S);
    return pulse;
  });
}

/** How long a burst sounds. */
export function lengthS(pulses: readonly Pulse[]): number {
  const last = pulses.at(-1);
  return last ? last.atS + last.durationS : 0;
}

/** Whether an alarm is to be heard now. */
export function isAudible(alarm: AlarmFrame, pausedS: number, isTouched: boolean): boolean {
  return isNew(alarm) && pausedS <= 0 && !isTouched;
}

/** The alarm that is heard: the most urgent of those that may be; of equals, one that still holds. */
export function loudest(audible: readonly AlarmFrame[]): AlarmFrame | null {
  const order: Priority[] = ["high", "medium", "low"];
  const rank = (alarm: AlarmFrame): number => order.indexOf(priorityOf(alarm)) * 2 + Number(hasGone(alarm));
  return [...audible].sort((a, b) => rank(a) - rank(b))[0] ?? null;
}
