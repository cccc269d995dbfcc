import { expect, test } from "vitest";

import { FeedClock, WakeWatch } from "../src/clock";

function fakeTime() {
  const time = { t: 0, wall: 0 };
  return { time, clock: new FeedClock(() => time.t), watch: new WakeWatch(() => time.t, () => time.wall) };
}

test("a value ages by the page's own clock after the frame that brought it", () => {
  const { time, clock } = fakeTime();
  clock.hear(1000, true);
  time.t = 2000;
  expect([clock.ageS(0), clock.isLive]).toEqual([3, true]);
});

test("a silent feed is not live", () => {
  const { time, clock } = fakeTime();
  clock.hear(0, true);
  time.t = 2600;
  expect(clock.isLive).toBe(false);
});

test("a fast gateway's seconds count as many", () => {
  const { time, clock } = fakeTime();
  clock.speed = 60;
  clock.hear(0, true);
  time.t = 1000;
  expect(clock.ageS(0)).toBe(60);
});

test("a frame kept back for ten seconds makes nothing live and nothing younger; the next one in time does", () => {
  const { time, clock } = fakeTime();
  clock.hear(0, true);
  time.t = 10_000;
  clock.hear(500, false);
  const late = [clock.isLive, clock.ageS(0)];
  clock.hear(10_000, true);
  expect([...late, clock.isLive]).toEqual([false, 10, true]);
});

test("a gateway clock that was set back is believed on the next connection and not before", () => {
  const { time, clock } = fakeTime();
  clock.hear(3_600_000, true);
  time.t = 1000;
  clock.hear(1000, true);
  const before = clock.isLive;
  clock.resettle();
  clock.hear(1000, true);
  expect([before, clock.isLive, clock.ageS(0)]).toEqual([false, true, 1]);
});

test("doubt ends with the next frame", () => {
  const { clock } = fakeTime();
  clock.hear(0, true);
  clock.doubt();
  const doubted = clock.isLive;
  clock.hear(0, true);
  expect([doubted, clock.isLive]).toEqual([false, true]);
});

test("a page that slept notices: by its own clock, or by the wall clock where its own stood still", () => {
  const { time, watch } = fakeTime();
  time.t = time.wall = 250;
  const well = watch.sleptSinceLastTick();
  time.t = time.wall = 5000;
  const gap = watch.sleptSinceLastTick();
  time.wall = 90_000;
  time.t = 5250;
  expect([well, gap, watch.sleptSinceLastTick()]).toEqual([false, true, true]);
});
