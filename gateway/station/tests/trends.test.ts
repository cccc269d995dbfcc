import { expect, test } from "vitest";

import { columnsOf, gainWords, pointsOf, rangeOf, shapesOf, TRENDS } from "../src/trends";
import type { BedFrame, SeriesRow, SignalFrame } from "../src/types";

const SIGNAL: SignalFrame = { value: 1, at: "", validity: "valid", fresh_for_s: 1 };

function bedWith(...names: string[]): BedFrame {
  const admission = { admission_id: "adm-1", patient_id: "P1", name: null, admitted_at: "", baseline_weight_kg: 80, dosing_weight_kg: 80 };
  return { unit: "icu", bed: "b01", admission, signals: Object.fromEntries(names.map((name) => [name, SIGNAL])), alarms: [], devices: [] };
}

function row(minute: number, mean: number): SeriesRow {
  return { t: new Date(minute * 60_000).toISOString(), min: mean - 1, mean, max: mean + 1, n: 1 };
}

test("every signal of the bed that can be drawn is, and three places are always there", () => {
  expect(shapesOf(bedWith("weight", "cvp", "etco2", "site:rhythm"), {}).map((shape) => shape.signal)).toEqual(
    ["map", "hr", "spo2", "cvp", "etco2", "weight"]);
  const all = TRENDS.map((shape) => shape.signal);
  expect(shapesOf(bedWith(...all), {}).map((shape) => shape.signal)).toEqual(all);
});

test("the line of a limit is that of the patient, and of a weight the baseline", () => {
  const marks = (limits: Record<string, number>) => Object.fromEntries(shapesOf(bedWith("weight"), limits).map((shape) => [shape.signal, shape.mark]));
  expect(marks({})).toEqual({ map: 65, hr: undefined, spo2: 90, weight: 80 });
  expect(marks({ map_alarm: 60, hr_high: 140 })).toEqual({ map: 60, hr: 140, spo2: 90, weight: 80 });
});

test("a value that stands alone is a point, among few every one, among many only it", () => {
  expect(pointsOf([null, 5, null])).toEqual([1]);
  expect(pointsOf([1, 2, 3])).toEqual([0, 1, 2]);
  expect(pointsOf([...Array<number>(60).fill(1), null, 5, null, ...Array<number>(60).fill(1)])).toEqual([61]);
  expect(pointsOf([])).toEqual([]);
});

test("nothing is drawn over a hole, but a rate holds until the next is told", () => {
  const rows = [row(0, 70), row(1, 71), row(2, 72), row(30, 60)];
  expect(columnsOf(rows)[3]).toEqual([70, 71, 72, null, 60]);
  expect(columnsOf(rows, true)[3]).toEqual([70, 71, 72, 60]);
});

test("an axis shows the usual range, widened to what was measured", () => {
  expect(rangeOf([50, 100], 60, 90)).toEqual([50, 100]);
  expect(rangeOf([50, 100], null, null)).toEqual([50, 100]);
  const [low, high] = rangeOf([50, 100], 40, 90);
  expect(low).toBeLessThan(40);
  expect(high).toBe(100);
});

test("a weight is told as a gain on the baseline", () => {
  expect([gainWords(82.5, 80), gainWords(78, 80)]).toEqual(["+3.1 % of baseline 80 kg", "-2.5 % of baseline 80 kg"]);
});
