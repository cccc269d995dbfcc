import { expect, test } from "vitest";

import { cellOf, detail, headline, isNew, passes, ranked, standingOf } from "../src/alarms";
import { FeedClock } from "../src/clock";
import type { AlarmFrame } from "../src/types";

const AT = "2026-11-23T10:00:00.000Z";

function alarm(some: Partial<AlarmFrame>): AlarmFrame {
  return {
    alarm_id: "a", rule_id: "hypotension.map", family: "hypotension", title: "Hypotension", kind: "physiological", priority: "high",
    condition: "present", signal: "on", onset_at: AT, announced_at: AT, text: "MAP 58 < 65", ...some,
  };
}

function clockAt(secondsLater: number): FeedClock {
  const clock = new FeedClock(() => 0);
  clock.hear(Date.parse(AT) + secondsLater * 1000, true);
  return clock;
}

test("unacknowledged comes first, then priority, then what still holds, then the newest", () => {
  const seen = alarm({ alarm_id: "seen", signal: "acknowledged" });
  const low = alarm({ alarm_id: "low", priority: "low" });
  const gone = alarm({ alarm_id: "gone", signal: "latched", condition: "absent", onset_at: "2026-11-23T10:05:00Z" });
  const older = alarm({ alarm_id: "older", onset_at: "2026-11-23T09:00:00Z" });
  const off = alarm({ alarm_id: "off", signal: "off" });
  const order = ranked([seen, low, gone, off, older, alarm({ alarm_id: "newest" })]).map((each) => each.alarm_id);
  expect(order).toEqual(["newest", "older", "gone", "low", "seen"]);
});

test("a priority that nobody knows is high, and what cannot be judged never looks cleared", () => {
  const strange = alarm({ priority: "urgent" as never, condition: "indeterminate" });
  expect(headline(strange)).toBe("? MAP 58 < 65");
  expect(detail(strange, clockAt(42))).toContain("HIGH · cannot be judged · 42 s");
});

test("standing, pause and escalation are told in words", () => {
  expect([standingOf(alarm({})), standingOf(alarm({ signal: "off" })), isNew(alarm({ signal: "latched" }))]).toEqual(["new", "ended", true]);
  const called = alarm({ escalation_level: 1, next_escalation_at: "2026-11-23T10:02:00Z", audio_paused_until: "2026-11-23T10:01:30Z" });
  expect(detail(called, clockAt(60))).toBe("HIGH · sound paused 0:30 · 60 s · escalated 1× · escalates in 1:00 · Hypotension");
  const seen = alarm({ signal: "acknowledged", acknowledged: { by: "M. Rossi", at: AT, note: null }, next_escalation_at: "2026-11-23T10:02:00Z" });
  expect(detail(seen, clockAt(60))).not.toContain("escalates");
});

test("an alarm marks the numeral that it is about, and a technical one none", () => {
  expect(cellOf(alarm({}))).toBe("map");
  expect(cellOf(alarm({ text: "SBP 84 < 90" }))).toBe("bp");
  expect(cellOf(alarm({ text: "over limit", family: "weight_gain" }))).toBe("weight_gain_pct");
  expect(cellOf(alarm({ kind: "technical" }))).toBeNull();
});

test("filters of the list of alarms", () => {
  const all = { hours: 8, priority: "all", kind: "all", standing: "all", text: "" } as const;
  expect(passes(alarm({ bed: "b07" }), { ...all, text: " B07 " })).toBe(true);
  expect(passes(alarm({}), { ...all, text: "b07" })).toBe(false);
  expect(passes(alarm({}), { ...all, priority: "low" })).toBe(false);
  expect(passes(alarm({}), { ...all, kind: "technical" })).toBe(false);
  expect([passes(alarm({ signal: "off" }), { ...all, standing: "ended" }), passes(alarm({}), { ...all, standing: "ended" })]).toEqual([true, false]);
});
