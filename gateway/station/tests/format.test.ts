import { expect, test } from "vitest";

import { ageWords, compareNatural, hoursText, minutesText, pressureSource, unitText, valueText } from "../src/format";

test("an age is cut off and never looks younger than it is", () => {
  expect([0, 4.9, 5, 119.9, 120, 7199, 7200, 172800].map(ageWords)).toEqual(
    ["< 5 s", "< 5 s", "5 s", "119 s", "2 min", "119 min", "2 h", "2 d"]);
});

test("a countdown never runs below nothing, and shows the second that has begun", () => {
  expect([hoursText(-5), hoursText(3599), hoursText(29_400)]).toEqual(["0:00 h", "0:59 h", "8:10 h"]);
  expect([minutesText(-1), minutesText(0.2), minutesText(61)]).toEqual(["0:00", "0:01", "1:01"]);
});

test("values, units and the source of a pressure read as the ward says them", () => {
  expect([valueText(37.84, "temp"), valueText(0.1234, "unknown"), valueText("sinus_tachycardia", "rhythm")]).toEqual(
    ["37.8", "0.123", "sinus tachycardia"]);
  expect([unitText("mm[Hg]"), unitText("10*3/uL"), unitText(undefined)]).toEqual(["mmHg", "10³/µL", ""]);
  expect(["MDC_PRESS_CUFF_SYS", "MDC_PRESS_BLD_ART_ABP_SYS", undefined].map(pressureSource)).toEqual(
    ["NIBP", "ABP", "source?"]);
});

test("b2 comes before b10", () => {
  expect(["b10", "b2", "a"].sort(compareNatural)).toEqual(["a", "b2", "b10"]);
});
