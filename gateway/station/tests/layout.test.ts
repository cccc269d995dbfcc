import { expect, test } from "vitest";

import { arrangement } from "../src/layout";

test.each([1, 2, 4, 8, 12, 16, 24, 32])("%i beds fit on a 1080p wall without scrolling", (count) => {
  const { columns, rows, sectorWidth, sectorHeight, scale } = arrangement(count, 1896, 930);
  expect(columns * rows).toBeGreaterThanOrEqual(count);
  expect(columns * (sectorWidth + 8) - 8).toBeLessThanOrEqual(1896.01);
  expect(rows * (sectorHeight + 8) - 8).toBeLessThanOrEqual(930.01);
  expect(scale).toBeGreaterThan(0.7);
});

test("a phone scrolls: one column, large enough to read", () => {
  const { columns, scale, shape } = arrangement(8, 374, 600);
  expect([columns, shape]).toEqual([1, "tall"]);
  expect(scale).toBeGreaterThan(1);
});
