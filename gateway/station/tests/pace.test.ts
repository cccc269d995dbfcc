import { beforeEach, expect, test } from "vitest";

import { urgentPartOf } from "../src/pace";
import type { AlarmFrame, BedFrame, Frame, SignalFrame } from "../src/types";
import { bedSignal, drawNumbers, placedAlarms, takeFrame } from "../src/ward";

const HR: SignalFrame = { value: 101, at: "2026-11-23T10:00:00.000Z", validity: "valid", fresh_for_s: 30, source: "MDC_ECG_HEART_RATE" };
const ALARM = {
  alarm_id: "a1", rule_id: "tachycardia.hr", family: "tachycardia", title: "Tachycardia", kind: "physiological", priority: "medium",
  condition: "present", signal: "on", onset_at: HR.at, announced_at: HR.at,
} satisfies AlarmFrame;

function bed(some: Partial<BedFrame> = {}): BedFrame {
  return { unit: "icu", bed: "b01", admission: null, signals: { hr: HR }, alarms: [], devices: [], ...some };
}

let n = 0;
function take(type: Frame["type"], ...beds: BedFrame[]): void {
  n += 1;
  takeFrame({ type, n, at: HR.at, beds });
}

function drawnHr(): unknown {
  return bedSignal("icu/b01")?.peek().signals.hr?.value;
}

beforeEach(() => take("snapshot", bed()));

test("a number that changed waits for the next drawing, and the newest one is drawn", () => {
  take("delta", bed({ signals: { hr: { ...HR, value: 102 } } }));
  take("delta", bed({ signals: { hr: { ...HR, value: 103 } } }));
  expect(drawnHr()).toBe(101);
  drawNumbers();
  expect(drawnHr()).toBe(103);
});

test.each<[string, Partial<BedFrame>]>([
  ["an alarm", { alarms: [ALARM] }],
  ["a doubt", { signals: { hr: { ...HR, value: 140, validity: "questionable" } } }],
  ["a value that is none", { signals: { hr: { ...HR, value: null } } }],
  ["a word for a value", { signals: { hr: { ...HR, value: "fast" } } }],
  ["another source", { signals: { hr: { ...HR, value: 140, source: "MDC_PULS_OXIM_PULS_RATE" } } }],
  ["a signal more", { signals: { hr: { ...HR, value: 140 }, rr: HR } }],
  ["a device that went", { devices: [{ device: "mon1", kind: "monitor", state: "offline" }] }],
])("%s is drawn with its frame, and the numbers with it", (_what, some) => {
  take("delta", bed({ signals: { hr: { ...HR, value: 102 } } }));
  take("delta", bed(some));
  expect(bedSignal("icu/b01")?.peek()).toEqual(bed(some));
  drawNumbers();
  expect(bedSignal("icu/b01")?.peek()).toEqual(bed(some));
});

test("alarms of the ward follow a frame at once though numbers of another bed wait", () => {
  take("snapshot", bed(), bed({ bed: "b02" }));
  take("delta", bed({ signals: { hr: { ...HR, value: 102 } } }), bed({ bed: "b02", alarms: [ALARM] }));
  expect(placedAlarms.value.map(({ bed: placed }) => placed?.bed)).toEqual(["b02"]);
  expect(drawnHr()).toBe(101);
});

test("a bed that left is not drawn by a number that waited", () => {
  take("delta", bed({ signals: { hr: { ...HR, value: 102 } } }));
  n += 1;
  takeFrame({ type: "delta", n, at: HR.at, beds: [], removed: ["icu/b01"] });
  drawNumbers();
  expect(bedSignal("icu/b01")).toBeUndefined();
});

test("when a device was last heard is no reason to draw", () => {
  const device = { device: "mon1", kind: "monitor", state: "online" };
  const [before, after] = ["10:00:00", "10:00:01"].map((time) => bed({ devices: [{ ...device, last_seen_at: `2026-11-23T${time}Z` }] }));
  expect(urgentPartOf(before!)).toBe(urgentPartOf(after!));
});
