import { expect, test } from "vitest";

import { doubtsAbout, metricsOf, NUMBERS, STATES } from "../src/charting";
import type { BedFrame } from "../src/types";

const BED = {
  unit: "icu", bed: "b01", signals: {}, alarms: [], devices: [],
  admission: { admission_id: "adm-1", patient_id: "P1", name: null, admitted_at: "", baseline_weight_kg: 80, dosing_weight_kg: 80 },
} satisfies BedFrame;
const WEIGHT = "MDC_MASS_BODY_ACTUAL";

function typed(entries: Record<string, string>) {
  return metricsOf(new Map(Object.entries(entries)));
}

test("only what was filled in is charted, numbers as numbers, with either decimal sign", () => {
  expect(typed({ [WEIGHT]: "82,5", MDC_TEMP: " ", "site:skin": "normal" })).toEqual(
    { metrics: { [WEIGHT]: 82.5, "site:skin": "normal" }, problems: [] });
});

test("what is impossible is not charted, and the form says what was", () => {
  const { metrics, problems } = typed({ [WEIGHT]: "1760", MDC_TEMP: "warm" });
  expect(metrics).toEqual({});
  expect(problems).toEqual(["body weight: 1760 is outside of 25 to 350 kg", 'temperature: "warm" is no number']);
});

test("a weight in pounds and an unusual value are asked about", () => {
  expect(doubtsAbout({ [WEIGHT]: 82 }, BED)).toEqual([]);
  expect(doubtsAbout({ [WEIGHT]: 176 }, BED).join()).toContain("in pounds?");
  expect(doubtsAbout({ MDC_TEMP: 42 }, BED)).toEqual(["temperature 42.0 °C is unusual"]);
});

test("every metric that can be charted is offered once", () => {
  const names = [...NUMBERS, ...STATES].map((each) => each.ref_id);
  expect(new Set(names).size).toBe(names.length);
});
