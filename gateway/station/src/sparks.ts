/* The last two hours of MAP of every bed, for the line in its sector: fetched one after the other, so that thirty-two beds
 * never ask the gateway all at once. */

import { signal, type Signal } from "@preact/signals";

import { seriesOf } from "./api";
import { instantMs } from "./format";
import { bedSignal, clock, isLive, order } from "./ward";

const WINDOW_MS = 2 * 3_600_000;
const POINTS = 72;
const EACH_MS = 45_000;

export interface Spark {
  fromMs: number;
  toMs: number;
  points: readonly { t: number; mean: number }[];
}

const sparks = new Map<string, Signal<Spark | null>>();
const fetchedMs = new Map<string, number>();

export function sparkOf(admissionId: string): Signal<Spark | null> {
  const known = sparks.get(admissionId) ?? signal<Spark | null>(null);
  sparks.set(admissionId, known);
  return known;
}

function next(): string | null {
  const ids = order.peek().flatMap((key) => bedSignal(key)?.peek().admission?.admission_id ?? []);
  for (const id of sparks.keys()) {
    if (!ids.includes(id)) {
      sparks.delete(id);
      fetchedMs.delete(id);
    }
  }
  const longest = ids.sort((a, b) => (fetchedMs.get(a) ?? 0) - (fetchedMs.get(b) ?? 0))[0];
  if (longest === undefined || performance.now() - (fetchedMs.get(longest) ?? -Infinity) < EACH_MS) return null;
  return longest;
}

let isFetching = false;

/** Call it often: fetches the line that is the oldest, when it is time. */
export function refreshSparks(): void {
  const nowMs = clock.now();
  if (isFetching || !isLive.peek() || document.hidden || nowMs === null) return;
  const id = next();
  if (id === null) return;
  isFetching = true;
  fetchedMs.set(id, performance.now());
  seriesOf(id, "map", nowMs - WINDOW_MS, nowMs, POINTS).then((rows) => {
    const points = rows.map((row) => ({ t: instantMs(row.t), mean: row.mean })).filter((row) => Number.isFinite(row.mean));
    sparkOf(id).value = { fromMs: nowMs - WINDOW_MS, toMs: nowMs, points };
  }, () => undefined /* the numeral stands without its line */).finally(() => {
    isFetching = false;
    refreshSparks();
  });
}
