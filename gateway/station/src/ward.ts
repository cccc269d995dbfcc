/* What the page knows of the ward: the beds as the feed last described them, in signals that the components read.
 *
 * Invariant: a frame is taken whole or not at all; whoever reads in between sees the frame before.
 */

import { batch, computed, signal, type Signal } from "@preact/signals";

import { compareUrgency, isNew, type Placed } from "./alarms";
import { FeedClock } from "./clock";
import { compareNatural } from "./format";
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
/** Moves on when any bed changed. */
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
    for (const key of frame.removed ?? []) beds.delete(key);
    for (const bed of frame.beds) put(bed);
    placeBeds();
    change.value += 1;
  });
}

function keepOnly(keys: Set<string>): void {
  for (const key of beds.keys()) if (!keys.has(key)) beds.delete(key);
}

function put(bed: BedFrame): void {
  const key = keyOf(bed);
  const known = beds.get(key);
  if (known) known.value = bed;
  else beds.set(key, signal(bed));
}

function placeBeds(): void {
  isPlaced.value = true;
  const before = order.peek();
  if (before.length === beds.size && before.every((key) => beds.has(key))) return;
  const found = [...beds.values()].map((bed) => bed.peek());
  found.sort((a, b) => compareNatural(a.unit, b.unit) || compareNatural(a.bed, b.bed));
  order.value = found.map(keyOf);
}
