import { describe, expect, test } from "vitest";

import { burst, categoryOf, INTERBURST_S, isAudible, lengthS, loudest, type Category } from "../src/sound";
import type { AlarmFrame, Priority } from "../src/types";

const CATEGORIES: Category[] = ["cardiovascular", "drug_delivery", "general"];

/** IEC 60601-1-8, table 3, as clinical.md 8.1 gives it: pulses, their length in ms, silence between bursts in s. */
const TABLE: Record<Priority, { pulses: [number, number]; ms: [number, number]; betweenS: [number, number] }> = {
  high: { pulses: [10, 10], ms: [75, 200], betweenS: [2.5, 15] },
  medium: { pulses: [3, 3], ms: [125, 250], betweenS: [2.5, 30] },
  low: { pulses: [1, 2], ms: [125, 250], betweenS: [15, Infinity] },
};

function within(value: number, [low, high]: [number, number]): boolean {
  return value >= low && value <= high;
}

describe.each(Object.keys(TABLE) as Priority[])("the burst of a %s alarm", (priority) => {
  test.each(CATEGORIES)("keeps to the table, %s", (category) => {
    const pulses = burst(priority, category);
    expect(within(pulses.length, TABLE[priority].pulses)).toBe(true);
    expect(pulses.every((pulse) => within(pulse.durationS * 1000, TABLE[priority].ms))).toBe(true);
    expect(within(INTERBURST_S[priority], TABLE[priority].betweenS)).toBe(true);
    expect(pulses.every((pulse) => within(pulse.hz, [150, 1000]))).toBe(true);
    pulses.slice(1).forEach((pulse, index) => {
      expect(pulse.atS).toBeGreaterThan(pulses[index]!.atS + pulses[index]!.durationS);
    });
  });
});

test("a high burst says its melody twice, a medium one its first three notes", () => {
  const notes = burst("high", "cardiovascular").map((pulse) => Math.round(pulse.hz));
  expect(notes).toEqual([262, 330, 392, 392, 523, 262, 330, 392, 392, 523]);
  expect(burst("high", "drug_delivery").slice(0, 5).map((pulse) => Math.round(pulse.hz))).toEqual([523, 294, 392, 523, 294]);
  expect(burst("medium", "cardiovascular").map((pulse) => Math.round(pulse.hz))).toEqual([262, 330, 392]);
  expect(lengthS(burst("high", "general"))).toBeLessThan(5);
});

test("families have the melody of their category", () => {
  const families = ["hypotension", "arrhythmia", "pressor", "dose_during_hold", "weight_gain", "system"];
  expect(families.map((family) => categoryOf({ family }))).toEqual(
    ["cardiovascular", "cardiovascular", "drug_delivery", "drug_delivery", "general", "general"]);
});

function alarm(some: Partial<AlarmFrame>): AlarmFrame {
  return {
    alarm_id: "a", rule_id: "r", family: "hypotension", title: "t", kind: "physiological", priority: "high", condition: "present",
    signal: "on", onset_at: "2026-11-23T10:00:00Z", announced_at: "2026-11-23T10:00:00Z", ...some,
  };
}

test("acknowledged, paused and touched alarms are silent; a latched one is not", () => {
  expect(isAudible(alarm({}), 0, false)).toBe(true);
  expect(isAudible(alarm({ signal: "latched", condition: "absent" }), 0, false)).toBe(true);
  expect(isAudible(alarm({ signal: "acknowledged" }), 0, false)).toBe(false);
  expect(isAudible(alarm({}), 12, false)).toBe(false);
  expect(isAudible(alarm({}), 0, true)).toBe(false);
});

test("the loudest alarm is the most urgent; of equals one that still holds", () => {
  const gone = alarm({ alarm_id: "gone", signal: "latched", condition: "absent" });
  const low = alarm({ alarm_id: "low", priority: "low" });
  expect(loudest([low, gone, alarm({ alarm_id: "holds" })])?.alarm_id).toBe("holds");
  expect(loudest([low])?.alarm_id).toBe("low");
  expect(loudest([])).toBeNull();
});
