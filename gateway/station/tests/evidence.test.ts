import { expect, test } from "vitest";

import { orderedEntries, pieceOf, secondText, termOf } from "../src/evidence_words";

const EVIDENCE = {
  profile: { id: "alarms-il2", version: "3", sha256: "ab" }, signal: "map", unit: "mm[Hg]", limit: 65, reset_limit: 68, worst: 58,
  clears_when: "MAP at or above 68 mm[Hg] for 30 s", text: "MAP 58 < 65", value: 58.25, detail: "", device: null,
};

test("what a person asks first stands first, the unit goes with its numbers and nothing empty is told", () => {
  expect(orderedEntries(EVIDENCE).map(([key]) => key)).toEqual(
    ["text", "value", "limit", "reset_limit", "worst", "signal", "clears_when", "profile"]);
});

test("a unit without a number beside it is told itself", () => {
  expect(orderedEntries({ unit: "min", text: "x" }).map(([key]) => key)).toEqual(["text", "unit"]);
});

test("numbers carry the unit of their piece or of their name, and the exact one where they were rounded", () => {
  expect(pieceOf("value", 58.25, "mm[Hg]")).toEqual({ kind: "text", text: "58.25 mmHg" });
  expect(pieceOf("value", 27.31545, "min")).toEqual({ kind: "text", text: "27.32 min", exact: "27.31545" });
  expect(pieceOf("onset_delay_s", 60, "mm[Hg]")).toEqual({ kind: "text", text: "60 s" });
  expect(pieceOf("coverage", 0.98, "min")).toEqual({ kind: "text", text: "98 %" });
  expect(pieceOf("clock_offset_ms", -1240)).toEqual({ kind: "text", text: "-1.2 s", exact: "-1240 ms" });
  expect(pieceOf("readings", 12, "mm[Hg]")).toEqual({ kind: "text", text: "12" });
});

test("an instant is told in local time, to the second, with the exact one beside it", () => {
  const exact = "2026-11-24T00:13:33.152Z";
  const local = new Date(exact);
  expect(pieceOf("at", exact)).toEqual({ kind: "instant", text: secondText(exact), exact });
  expect(secondText(exact)).toBe(`${local.getFullYear()}-11-${String(local.getDate()).padStart(2, "0")} ${String(local.getHours()).padStart(2, "0")}:13:33`);
  expect(pieceOf("text", "since 2026-11-24")).toEqual({ kind: "text", text: "since 2026-11-24" });
});

test("a code has the metric's plain name, one that nobody knows stands alone, and a signal its own name", () => {
  expect(pieceOf("source", "MDC_PRESS_BLD_ART_ABP_MEAN")).toEqual(
    { kind: "code", text: "arterial line, mean", exact: "MDC_PRESS_BLD_ART_ABP_MEAN" });
  expect(pieceOf("source", "MDC_UNHEARD_OF")).toEqual({ kind: "code", text: "", exact: "MDC_UNHEARD_OF" });
  expect(pieceOf("source", "constructor")).toEqual({ kind: "text", text: "constructor" });
  expect(pieceOf("signal", "map")).toEqual({ kind: "text", text: "Mean arterial pressure", exact: "map" });
});

test("units in sentences and terms without their units read as people write them", () => {
  expect(pieceOf("clears_when", "MAP at or above 68 mm[Hg] for 30 s")).toEqual({ kind: "text", text: "MAP at or above 68 mmHg for 30 s" });
  expect([termOf("onset_delay_s"), termOf("lost_in_all"), termOf("limit_percent")]).toEqual(["must last", "lost in all", "limit"]);
});
