/* What the page knows of the ward: the beds as the feed last described them, in signals that the components read.
 *
 * Invariants
 *   - A frame is taken whole or not at all; whoever reads in between sees the frame before.
 *   - Of a bed in which only numbers changed, the frame waits for the next `drawNumbers`, half a second at the longest
 *     (`pace.ts`); the newest frame replaces one that waits, and one that says more than numbers waits for nobody.
 */

import { batch, computed, signal, type Signal } from "@preact/signals";

import { compareUrgency, isNew, type Placed } from "./alarms";
import { FeedClock } from "./clock";
import { compareNatural } from "./format";
import { urgentPartOf } from "./pace";
import type { AlarmFrame, BedFrame, Frame, ServiceState } from "./types";

export const clock = new FeedClock();
/** Moves on every second. Every component that shows something that time changes reads it itself: one that reads no
 * signal is drawn again only when its properties differ. */
export const beat = signal(0);
/** Keys of all beds, in the order people expect. */
export const order: Signal<readonly string[]> = signal([]);
export const house: Signal<readonly AlarmFrame[]> = signal([]);
/** What the gateway says is wrong with itself; null while nothing is. */
export const service: Signal<ServiceState | null> = signal(null);
export const isLive = signal(false);
export const version: Signal<string | null> = signal(null);
/** Whether a snapshot has been drawn: an empty ward is empty only then. */
export const isPlaced = signal(false);

const beds = new Map<string, Signal<BedFrame>>();
const urgentParts = new Map<string, string>();
/** Frames in which only numbers changed since what is drawn. */
const waiting = new Map<string, BedFrame>();
/** Moves on when any bed changed in more than numbers. */
const change = signal(0);

export function keyOf(bed: { unit: string; bed: string }): string {
  return `${bed.unit}/${bed.bed}`;
}

export function bedSignal(key: string): Signal<BedFrame> | undefined {
  return beds.get(key);
}

export function allBeds(): BedFrame[] {
  return order.value.flatMap((key) => beds.get(key)?.value ?? []);
}

export const units = computed(() => [...new Set(order.value.map((key) => beds.get(key)!.peek().unit))].sort(compareNatural));

/** The bed's own name; with its unit where the ward shows more than one. */
export function labelOf(bed: { unit: string; bed: string }): string {
  return units.value.length > 1 ? `${bed.unit} ${bed.bed}` : bed.bed;
}

/** Every announced alarm of every bed and of the house, most urgent first. */
export const placedAlarms = computed<Placed[]>(() => {
  void change.value;
  const found: Placed[] = [];
  for (const key of order.value) {
    const bed = beds.get(key)!.peek();
    for (const alarm of bed.alarms ?? []) if (alarm.signal !== "off") found.push({ bed, alarm });
  }
  return found.sort((a, b) => compareUrgency(a.alarm, b.alarm));
});

export const freshCount = computed(() => placedAlarms.value.filter(({ alarm }) => isNew(alarm)).length);

/** Takes a frame of the feed. */
export function takeFrame(frame: Frame): void {
  batch(() => {
    service.value = frame.service ?? null;
    if (frame.type === "heartbeat") return;
    if (frame.house_alarms) house.value = frame.house_alarms;
    else if (frame.type === "snapshot") house.value = [];
    if (!Array.isArray(frame.beds)) throw new Error("frame without beds");
    if (frame.type === "snapshot") keepOnly(new Set(frame.beds.map(keyOf)));
    for (const key of frame.removed ?? []) remove(key);
    const changed = frame.beds.filter((bed) => put(bed, frame.type === "snapshot"));
    placeBeds();
    if (changed.length > 0 || frame.type === "snapshot" || frame.removed) change.value += 1;
  });
}

/** Lets the numbers be drawn that have come since the last time. */
export function drawNumbers(): void {
  if (waiting.size === 0) return;
  batch(() => {
    for (const [key, bed] of waiting) beds.get(key)!.value = bed;
    waiting.clear();
  });
}

function keepOnly(keys: Set<string>): void {
  for (const key of beds.keys()) if (!keys.has(key)) remove(key);
}

function remove(key: string): void {
  beds.delete(key);
  urgentParts.delete(key);
  waiting.delete(key);
}

/** Whether the bed changed at once; else its numbers wait. */
function put(bed: BedFrame, atOnce: boolean): boolean {
  const key = keyOf(bed);
  const known = beds.get(key);
  const urgentPart = urgentPartOf(bed);
  if (known && !atOnce && urgentParts.get(key) === urgentPart) {
    waiting.set(key, bed);
    return false;
  }
  waiting.delete(key);
  urgentParts.set(key, urgentPart);
  if (known) known.value = bed;
  else beds.set(key, signal(bed));
  return true;
}

function placeBeds(): void {
  isPlaced.value = true;
  const before = order.peek();
  if (before.length === beds.size && before.every((key) => beds.has(key))) return;
  const found = [...beds.values()].map((bed) => bed.peek());
  found.sort((a, b) => compareNatural(a.unit, b.unit) || compareNatural(a.bed, b.bed));
  order.value = found.map(keyOf);
}
