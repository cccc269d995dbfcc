/* Alarms: their order of urgency and their words. Pure.
 *
 * Rules
 *   - Unacknowledged (signal `on` or `latched`) comes before acknowledged; within each, priority; within that, what still
 *     holds before what is only latched; then the newest.
 *   - Priority is told by colour, by sign (!!! !! !) and by word: never by colour alone.
 *   - A priority this page does not know is shown as high.
 *   - An indeterminate condition is "? cannot be judged", and never looks cleared.
 */

import type { FeedClock } from "./clock";
import { ageWords, instantMs, minutesText, minuteText } from "./format";
import type { AlarmFrame, BedFrame, Priority } from "./types";

export const PRIORITIES: readonly Priority[] = ["high", "medium", "low"];
export const FLAGS: Record<Priority, string> = { high: "!!!", medium: "!!", low: "!" };

export type Standing = "new" | "acknowledged" | "ended";

/** An alarm with its bed; null for one of no patient. */
export interface Placed {
  bed: BedFrame | null;
  alarm: AlarmFrame;
}

export function priorityOf(alarm: AlarmFrame): Priority {
  return PRIORITIES.includes(alarm.priority) ? alarm.priority : "high";
}

export function isNew(alarm: AlarmFrame): boolean {
  return alarm.signal === "on" || alarm.signal === "latched";
}

/** A latched alarm whose condition no longer holds. */
export function hasGone(alarm: AlarmFrame): boolean {
  return alarm.condition === "absent";
}

export function standingOf(alarm: AlarmFrame): Standing {
  if (alarm.signal === "off") return "ended";
  return isNew(alarm) ? "new" : "acknowledged";
}

function rank(alarm: AlarmFrame): number {
  return (isNew(alarm) ? 0 : PRIORITIES.length) + PRIORITIES.indexOf(priorityOf(alarm));
}

export function compareUrgency(a: AlarmFrame, b: AlarmFrame): number {
  return rank(a) - rank(b) || Number(hasGone(a)) - Number(hasGone(b)) || instantMs(b.onset_at) - instantMs(a.onset_at);
}

/** Alarms that are announced, most urgent first. */
export function ranked(alarms: readonly AlarmFrame[]): AlarmFrame[] {
  return alarms.filter((alarm) => alarm.signal !== "off").sort(compareUrgency);
}

/** What happened, with its limit: "MAP 58 < 65", marked where it cannot be judged. */
export function headline(alarm: AlarmFrame): string {
  const text = alarm.text || alarm.evidence?.text || alarm.title || alarm.rule_id;
  return alarm.condition === "indeterminate" ? `? ${text}` : text;
}

/** Seconds of gateway time for which the alarm's sound is paused; 0 when it is not. */
export function pauseLeftS(alarm: AlarmFrame, clock: FeedClock): number {
  if (!alarm.audio_paused_until) return 0;
  return Math.max(0, -clock.ageS(instantMs(alarm.audio_paused_until)));
}

/** Priority, title and standing in words. */
export function detail(alarm: AlarmFrame, clock: FeedClock): string {
  const parts = [priorityOf(alarm).toUpperCase()];
  const pausedS = pauseLeftS(alarm, clock);
  if (alarm.condition === "indeterminate") parts.push("cannot be judged");
  if (hasGone(alarm)) parts.push("condition gone");
  if (pausedS > 0 && isNew(alarm)) parts.push(`sound paused ${minutesText(pausedS)}`);
  if (alarm.signal === "acknowledged") parts.push(acknowledgement(alarm));
  parts.push(`${ageWords(clock.ageS(instantMs(alarm.onset_at)))}`);
  if ((alarm.escalation_level ?? 0) > 0) parts.push(`escalated ${alarm.escalation_level}×`);
  const callS = alarm.next_escalation_at ? -clock.ageS(instantMs(alarm.next_escalation_at)) : -1;
  if (isNew(alarm) && callS > 0) parts.push(`escalates in ${minutesText(callS)}`);
  if (alarm.title && alarm.title !== alarm.text) parts.push(alarm.title);
  return parts.join(" · ");
}

/** By whom it was acknowledged and when. */
export function acknowledgement(alarm: AlarmFrame): string {
  const seen = alarm.acknowledged;
  return seen ? `✓ ${seen.by} ${minuteText(instantMs(seen.at))}` : "✓ acknowledged";
}

const FAMILY_CELLS: Record<string, string> = {
  hypotension: "map", hypertension: "map", tachycardia: "hr", bradycardia: "hr", arrhythmia: "hr",
  desaturation: "spo2", respiratory: "rr", temperature: "temp", weight_gain: "weight_gain_pct",
  fluid_balance: "fluid_balance_ml_24h", oliguria: "urine_ml_8h", pressor: "pressor",
};
const WORD_CELLS: Record<string, string> = {
  hr: "hr", map: "map", sbp: "bp", dbp: "bp", "spo₂": "spo2", spo2: "spo2", rr: "rr", temp: "temp", t: "temp",
};

/** The cell that a physiological alarm is about, so that its numeral can be marked; null when there is none. */
export function cellOf(alarm: AlarmFrame): string | null {
  if (alarm.kind !== "physiological") return null;
  const word = headline(alarm).replace(/^\? /, "").split(" ")[0]?.toLowerCase() ?? "";
  return WORD_CELLS[word] ?? FAMILY_CELLS[alarm.family] ?? null;
}

/** What makes an alarm news for a screen reader: it, its priority, and each time it is called again. */
export function announcementKey(alarm: AlarmFrame): string {
  return `${alarm.alarm_id} ${alarm.priority} ${alarm.signalled_at ?? ""} ${alarm.escalation_level ?? 0}`;
}

/** What somebody looks for in a list of alarms. */
export interface Filters {
  hours: number;
  priority: Priority | "all";
  kind: "all" | "physiological" | "technical";
  standing: "all" | "active" | "ended";
  text: string;
}

/** Whether an alarm is one of those asked for. */
export function passes(alarm: AlarmFrame, { priority, kind, standing, text }: Filters): boolean {
  if (priority !== "all" && priorityOf(alarm) !== priority) return false;
  if (kind !== "all" && alarm.kind !== kind) return false;
  if (standing !== "all" && (standingOf(alarm) === "ended") !== (standing === "ended")) return false;
  const words = [alarm.title, headline(alarm), alarm.family, alarm.rule_id, alarm.unit ?? "", alarm.bed ?? ""].join(" ");
  return words.toLowerCase().includes(text.trim().toLowerCase());
}
