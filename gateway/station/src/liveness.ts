/* Whether this page shows the present, and its word on it.
 *
 * Theory of operation. Three guards stand behind the word "live", each for what the one before it cannot see: the tick
 * (the feed is silent or late), the wake watch (the tick itself did not run), and the veil - an animation outside this
 * thread, wound back twice a second to the age of the last frame, that covers the page even if this script hangs. The
 * word stands in the body's class and in signals; what shows it without fail, class and veil, does not depend on what
 * draws the rest.
 */

import { batch, signal } from "@preact/signals";

import { LIVE_WITHIN_MS, WakeWatch } from "./clock";
import { Feed, type Connection } from "./feed";
import { clockText } from "./format";
import type { Frame } from "./types";
import { beat, clock, drawNumbers, freshCount, isLive, service, takeFrame as takeIntoWard, version } from "./ward";

const TICK_MS = 250;
/** Numbers are drawn every so many ticks, ages and countdowns with every second drawing: it costs more than looking. */
const NUMBER_TICKS = 2;
const BEAT_TICKS = 4;
/** The veil falls after this much silence: the longest that a dead page may look alive. */
const VEIL_MS = 3000;

const watch = new WakeWatch();
export const connection = signal<Connection>("connecting");
export const banner = signal<{ title: string; text: string }>({ title: "NOT LIVE", text: "the display has not started" });
export const feedNumber = signal<number | null>(null);
let hasFault = false;
let hasSlept = false;
let onRecovery: () => void = () => undefined;

const feed = new Feed({ path: "/api/v1/feed", onFrame: takeFrame, onConnection: takeConnection });
let veil: Animation | null = null;

function takeFrame(frame: Frame, atMs: number): void {
  if (frame.type === "snapshot") readHead(frame);
  clock.hear(atMs, frame.type !== "delta");
  try {
    takeIntoWard(frame);
  } catch (error) {
    fault(error instanceof Error ? error.message : String(error)); // what is shown is no longer what the gateway said
    throw error;
  }
  if (frame.type === "snapshot" && hasFault) {
    hasFault = false;
    onRecovery();
  }
  hasSlept = false;
  const wasLive = isLive.peek();
  showLiveness();
  if (!wasLive) drawTime();
}

function readHead(snapshot: Frame): void {
  if (version.peek() !== null && snapshot.version !== version.peek()) location.reload();
  version.value = snapshot.version ?? null;
  clock.speed = (snapshot.clock_speed ?? 0) > 0 ? snapshot.clock_speed! : 1;
}

function takeConnection(state: Connection): void {
  connection.value = state;
  if (state === "connecting") clock.resettle();
}

// --- the word --------------------------------------------------------------------------------------------------------

function whyNotLive(): string {
  if (hasFault) return "fault in this display - values shown are old";
  if (clock.heardAtMs === null) return "no word from the gateway yet";
  if (hasSlept) return "this display was asleep - values shown are old";
  if (clock.isLate) return "the feed runs late - values shown are old";
  return "values shown are old";
}

/** The connection is good, and what comes over it is not the present. */
function troubleTitle(): string {
  const journal = service.peek()?.journal;
  return journal && journal !== "writable" ? "NOT RECORDING" : "NOT CURRENT";
}

function showLiveness(): void {
  const live = clock.isLive && !hasFault;
  const trouble = service.peek();
  document.body.classList.toggle("not-live", !live);
  document.body.classList.toggle("troubled", live && trouble !== null);
  if (!live) {
    const heard = clock.heardAtMs;
    say(heard === null ? "NOT LIVE" : `NOT LIVE since ${clockText(heard)}`, whyNotLive());
  } else if (trouble !== null) {
    say(troubleTitle(), trouble.why ?? "");
  }
  isLive.value = live;
  const what = !live ? "NOT LIVE" : trouble !== null ? troubleTitle() : null;
  const fresh = freshCount.peek();
  const title = what === null ? `${fresh > 0 ? `(${fresh}) ` : ""}Vigil station` : `${what} - Vigil station`;
  if (document.title !== title) document.title = title;
}

function say(title: string, text: string): void {
  const shown = banner.peek();
  if (shown.title !== title || shown.text !== text) banner.value = { title, text };
}

// --- the guards ------------------------------------------------------------------------------------------------------

let askedMs = -Infinity;
function askAnew(): void {
  askedMs = performance.now();
  feed.reconnect();
}

/** An open socket that says nothing, or only old things, is replaced; not again before the new one could have answered. */
function replaceSilentConnection(): void {
  const isDumb = clock.heardAtMs !== null && (clock.silenceMs > LIVE_WITHIN_MS || clock.isLate);
  const isWaiting = connection.peek() === "waiting" || performance.now() - askedMs < 2 * LIVE_WITHIN_MS;
  if (isDumb && !isWaiting) askAnew();
}

/** A page that may have slept is not live, and hears from the gateway over a new connection before it is again. */
let hasAskedAwake = false;
function checkAwake(): void {
  if (watch.sleptSinceLastTick()) {
    hasSlept = true;
    hasAskedAwake = false;
    clock.doubt();
  }
  if (!hasSlept || hasAskedAwake || document.hidden) return;
  hasAskedAwake = true;
  askAnew();
}

let ticks = 0;
function tick(alsoDo: () => void): void {
  checkAwake();
  replaceSilentConnection();
  showLiveness();
  ticks += 1;
  if (ticks % NUMBER_TICKS === 0) drawTime();
  alsoDo();
}

function drawTime(): void {
  batch(() => {
    drawNumbers();
    if (ticks % BEAT_TICKS === 0) beat.value += 1;
    feedNumber.value = feed.n;
  });
  // The veil is held up by what was heard, to the instant: a page that hangs after this is covered in time.
  if (isLive.peek() && veil) veil.currentTime = Math.min(clock.silenceMs, VEIL_MS);
}

/** Something here went wrong: nothing counts until a fresh snapshot has been drawn without fault. */
export function fault(words: string): void {
  if (words.startsWith("ResizeObserver loop")) return; // a frame's delay in layout, told as an error
  console.error("display fault:", words);
  hasFault = true;
  showLiveness();
  feed.startOver();
}

/** Starts to listen. `onTick` is called four times a second; `onRecovered` after a fault, to draw everything anew. */
export function watchLiveness(onTick: () => void, onRecovered: () => void): void {
  onRecovery = onRecovered;
  veil = document.getElementById("veil")!.animate(
    [{ opacity: 0, easing: "step-end" }, { opacity: 1 }], { duration: VEIL_MS, fill: "forwards" });
  window.addEventListener("error", (error) => fault(error.message));
  window.addEventListener("unhandledrejection", (rejection) => fault(String(rejection.reason)));
  const wake = (): void => tick(onTick);
  for (const waking of ["visibilitychange", "resume"]) document.addEventListener(waking, wake);
  window.addEventListener("pageshow", wake);
  window.addEventListener("online", () => {
    if (!clock.isLive) askAnew();
  });
  feed.start();
  setInterval(wake, TICK_MS);
  wake();
}
