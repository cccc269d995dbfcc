import { expect, test } from "vitest";

import { freshnessOf, pairOf, readingOf } from "../src/readings";
import { alarmSpans, columnsOf, doseSpans, rangeOf } from "../src/trends";
import type { SignalFrame } from "../src/types";

const NOW_MS = Date.parse("2026-11-23T10:00:00Z");
const clock = { ageS: (atMs: number) => (NOW_MS - atMs) / 1000, aheadToleranceS: 5 };

function reading(some: Partial<SignalFrame>, secondsAgo = 1) {
  const at = new Date(NOW_MS - secondsAgo * 1000).toISOString();
  return readingOf({ value: 101, at, validity: "valid", fresh_for_s: 30, ...some }, "hr", clock);
}

test("a value is fresh until its limit and says its age after it", () => {
  expect(reading({}, 30)).toMatchObject({ state: "fresh", text: "101", words: "30 s" });
  expect(reading({}, 31)).toMatchObject({ state: "stale", text: "101", words: "31 s old" });
});

test("what must not be believed is never a plain number", () => {
  expect(reading({ validity: "invalid" })).toMatchObject({ state: "withheld", text: "–" });
  expect(reading({ value: null })).toMatchObject({ state: "withheld", text: "–" });
  expect(reading({ validity: "questionable" })).toMatchObject({ state: "questionable", text: "101?" });
  expect(reading({ at: "no instant" })).toMatchObject({ state: "stale", words: "age unknown" });
  expect(reading({}, -60)).toMatchObject({ state: "ahead", words: "dated ahead" });
  expect(readingOf(undefined, "hr", clock)).toMatchObject({ state: "never", text: "–" });
});

test("a pair is as troubled and as old as its worse half", () => {
  const [fresh, stale] = [reading({}), reading({}, 90)];
  expect(pairOf(fresh, stale)).toMatchObject({ state: "stale", text: "101/101", words: "90 s old" });
  expect(freshnessOf([fresh, stale])).toEqual({ level: "part", words: "1 not current" });
  expect(freshnessOf([])).toEqual({ level: "none", words: "no values" });
});

function row(minute: number, mean: number | null) {
  return { t: new Date(NOW_MS + minute * 60_000).toISOString(), min: mean ?? NaN, mean: mean ?? NaN, max: mean ?? NaN, n: 1 };
}

test("a hole in a trend stays open, and a rate that holds has none", () => {
  const rows = [row(0, 70), row(1, 71), row(2, 72), row(30, 73), row(31, 74)];
  expect(columnsOf(rows)[3]).toEqual([70, 71, 72, null, 73, 74]);
  expect(columnsOf(rows, true)[3]).toEqual([70, 71, 72, 73, 74]);
  expect(columnsOf([row(0, null)])[0]).toEqual([]);
});

test("a dose that runs and an alarm that stands reach to the present", () => {
  const at = "2026-11-23T09:50:00.000Z";
  const dose = { number: 1, due_at: at, started_at: at, ended_at: null, volume_ml: 1, dose_iu: 1, percent_of_order: 1, pump: "p", status: "running" };
  expect(doseSpans([dose, { ...dose, started_at: null }], NOW_MS)).toEqual([{ fromS: NOW_MS / 1000 - 600, toS: NOW_MS / 1000, label: "dose 1" }]);
  expect(alarmSpans([], NOW_MS)).toEqual([]);
});

test("an axis shows the usual range at least", () => {
  expect(rangeOf([50, 100], 60, 80)).toEqual([50, 100]);
  expect(rangeOf([50, 100], 40, 80)[0]).toBeLessThan(40);
  expect(rangeOf([50, 100], null, null)).toEqual([50, 100]);
});
