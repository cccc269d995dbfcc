/* Acknowledging alarms: one touch, a few seconds in which to take it back or to add a note, then the gateway is told.
 *
 * Rules
 *   - A touch is not an acknowledgement. The alarm looks acknowledged when the feed says so, and not before: it goes on
 *     flashing until then.
 *   - Within UNDO_MS the touch can be taken back; nobody was told of it. While somebody types a note, that time stands
 *     still, for HOLD_LONGEST_MS at most.
 *   - Nothing is acknowledged from a page that is not live. What is under way when the page goes away is sent at once.
 */

import { signal } from "@preact/signals";

import { acknowledgeAlarm, Refused, wordsOf } from "./api";
import { tell } from "./telling";
import { isLive } from "./ward";

export const UNDO_MS = 3000;
const HOLD_LONGEST_MS = 60_000;
const SENT_MS = 3000;

export interface Touched {
  alarmId: string;
  words: string;
  note: string;
  dueMs: number;
  touchedMs: number;
  /** Somebody types a note: the time stands still. */
  isHeld: boolean;
}

/** Touched and not yet sent, in the order of the touches. */
export const touched = signal<readonly Touched[]>([]);
const sent = new Map<string, number>();

export type Stage = "idle" | "touched" | "sent";

export function stageOf(alarmId: string): Stage {
  if (touched.value.some((each) => each.alarmId === alarmId)) return "touched";
  return performance.now() - (sent.get(alarmId) ?? -Infinity) < SENT_MS ? "sent" : "idle";
}

/** Real milliseconds until a touched alarm is acknowledged. */
export function undoLeftMs(alarmId: string): number {
  const found = touched.value.find((each) => each.alarmId === alarmId);
  return found ? Math.max(0, found.dueMs - performance.now()) : 0;
}

export function touch(alarmId: string, words: string): void {
  if (!isLive.peek() || stageOf(alarmId) !== "idle") return;
  const nowMs = performance.now();
  const one: Touched = { alarmId, words, note: "", dueMs: nowMs + UNDO_MS, touchedMs: nowMs, isHeld: false };
  touched.value = [...touched.value, one];
}

export function takeBack(alarmId: string): void {
  touched.value = touched.value.filter((each) => each.alarmId !== alarmId);
}

export function writeNote(alarmId: string, note: string): void {
  change(alarmId, (one) => ({ ...one, note, isHeld: true }));
}

/** The note is written, or left: the time runs again. */
export function releaseNote(alarmId: string): void {
  change(alarmId, (one) => ({ ...one, isHeld: false, dueMs: performance.now() + UNDO_MS / 2 }));
}

export function sendNow(alarmId: string): void {
  const found = touched.value.find((each) => each.alarmId === alarmId);
  if (found) void send(found);
}

function change(alarmId: string, how: (one: Touched) => Touched): void {
  touched.value = touched.value.map((each) => (each.alarmId === alarmId ? how(each) : each));
}

/** Call it often: sends what is due. */
export function sendDue(): void {
  const nowMs = performance.now();
  for (const one of touched.value) {
    const isHeld = one.isHeld && nowMs - one.touchedMs < HOLD_LONGEST_MS;
    if (!isHeld && nowMs >= one.dueMs) void send(one);
  }
}

/** The page goes away. */
export function sendAll(): void {
  for (const one of touched.value) void send(one, { keepalive: true });
}

async function send({ alarmId, words, note }: Touched, options: RequestInit = {}): Promise<void> {
  takeBack(alarmId);
  if (!isLive.peek()) {
    tell(`Not acknowledged (${words}): this display is not live.`);
    return;
  }
  sent.set(alarmId, performance.now());
  try {
    await acknowledgeAlarm(alarmId, note.trim(), options);
  } catch (error) {
    tell(`Not acknowledged (${words}): ${wordsOf(error)}`);
    if (!(error instanceof Refused)) console.warn("acknowledge:", wordsOf(error));
    sent.delete(alarmId);
  }
}
