/* The station: puts the parts together.
 *
 * Theory of operation. The feed hands on frames; the clock learns from each what time it is at the gateway and that the
 * page is live; the ward keeps each bed as last described. Four times a second everything that time changes is redrawn,
 * and the page asks itself whether it is still live. Three guards stand behind that word, each for what the one before
 * it cannot see: the tick (the feed is silent or late), the wake watch (the tick itself did not run), and the veil - an
 * animation outside this thread, restarted by every frame, that covers the page even if this script hangs.
 */

import { AckButton, Acknowledger } from "./acknowledge.js";
import { AlarmBar, Announcer, isNew } from "./alarms.js";
import { HouseBar } from "./house.js";
import { FeedClock, LIVE_WITHIN_MS, WakeWatch } from "./clock.js";
import { setMark, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { clockText, compareNatural } from "./format.js";
import { arrange } from "./layout.js";
import { Panel } from "./panel.js";
import { flashTogether, Sector } from "./sectors.js";
import { remember, remembered } from "./settings.js";

const TICK_MS = 250;
/** The veil falls after this much silence: the longest that a dead page may look alive. */
const VEIL_MS = 3000;
const TOAST_MS = 6000;

const byId = (id) => document.getElementById(id);
const ward = byId("ward");
const clock = new FeedClock();
const watch = new WakeWatch();
const sectors = new Map();
const beds = new Map();
let version = null;
let speed = 1;
let hasFault = false;
let isPlaced = false;
let hasSlept = false;
/** What the gateway says is wrong with itself; null while nothing is. */
let service = null;

// --- words -----------------------------------------------------------------------------------------------------------

let toastTimer = 0;
function tell(words) {
  setText(byId("toast"), words);
  byId("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => byId("toast").classList.remove("shown"), TOAST_MS);
}

const keyOf = (bed) => `${bed.unit}/${bed.bed}`;
const unitsOf = () => [...new Set([...beds.values()].map((bed) => bed.unit))].sort(compareNatural);
/** The bed's own name; with its unit where the ward shows more than one. */
const labelOf = (bed) => (unitsOf().length > 1 ? `${bed.unit} ${bed.bed}` : bed.bed);

// --- parts -----------------------------------------------------------------------------------------------------------

const actor = () => remembered("actor", "") || "station";
const isLive = () => clock.isLive && !hasFault;
const acknowledger = new Acknowledger({ actor, isLive, tell });
const alarmBar = new AlarmBar({
  root: byId("alarmbar"), clock, ackButton: new AckButton(acknowledger),
  onGoTo: (bed) => sectors.get(keyOf(bed))?.scrollTo(),
});
const announcer = new Announcer({ high: byId("announce-high"), other: byId("announce-other") });
const house = new HouseBar({ root: byId("house"), acknowledger });
const panel = new Panel({ root: byId("panel"), clock, labelOf, actor, onResize: layOut });
const feed = new Feed({ path: "/api/v1/feed", onFrame: takeFrame, onConnection: showConnection });

const veil = byId("veil").animate(
  [{ opacity: 0, easing: "step-end" }, { opacity: 1 }], { duration: VEIL_MS, fill: "forwards" });

function layOut() {
  arrange(ward, sectors.size);
  for (const [key, sector] of sectors) sector.mark(panel.isShowing(beds.get(key)));
}

// --- frames ----------------------------------------------------------------------------------------------------------

function takeFrame(frame, atMs) {
  if (frame.type === "snapshot") readHead(frame);
  service = frame.service ?? null;
  clock.hear(atMs, frame.type !== "delta");
  try {
    if (frame.type === "snapshot") takeSnapshot(frame);
    if (frame.type === "delta") takeDelta(frame);
  } catch (error) {
    fault(error.message); // what is on the screen is no longer what the gateway said
    throw error;
  }
  if (frame.type === "snapshot") hasFault = false;
  hasSlept = false;
  if (isLive()) veil.currentTime = 0;
  showLiveness();
}

function readHead(snapshot) {
  if (version !== null && snapshot.version !== version) location.reload();
  version = snapshot.version;
  speed = snapshot.clock_speed > 0 ? snapshot.clock_speed : 1;
  clock.speed = speed;
}

/** Alarms of no patient: of a unit's equipment, or of the gateway itself; a frame names them when they changed. */
function takeHouse(alarms) {
  if (!alarms) return;
  house.update(alarms);
}

function takeSnapshot(frame) {
  takeHouse(frame.house_alarms ?? []);
  beds.clear();
  for (const bed of frame.beds) beds.set(keyOf(bed), bed);
  showWard();
}

function takeDelta(frame) {
  takeHouse(frame.house_alarms);
  for (const key of frame.removed ?? []) beds.delete(key);
  for (const bed of frame.beds) beds.set(keyOf(bed), bed);
  showWard(frame.beds);
}

// --- the ward --------------------------------------------------------------------------------------------------------

function sectorFor(key) {
  const made = sectors.get(key) ?? new Sector({
    clock, acknowledger,
    onOpen: (bed) => panel.openBed(bed),
    onAdmit: (bed) => panel.openAdmission(bed),
  });
  sectors.set(key, made);
  return made;
}

/** Brings the sectors in line with the beds; `changed` narrows what is redrawn when no bed came or went. */
function showWard(changed = null) {
  const order = [...beds.values()].sort((a, b) => compareNatural(a.unit, b.unit) || compareNatural(a.bed, b.bed));
  const hasSameBeds = isPlaced && order.length === sectors.size && order.every((bed) => sectors.has(keyOf(bed)));
  for (const key of sectors.keys()) if (!beds.has(key)) sectors.delete(key);
  for (const bed of hasSameBeds && changed ? changed : order) {
    sectorFor(keyOf(bed)).update(bed, labelOf(bed));
    if (panel.isShowing(bed)) panel.update(bed);
  }
  if (!hasSameBeds) {
    panel.closeUnlessIn(order);
    placeSectors(order);
  }
  showAlarms();
}

function placeSectors(order) {
  isPlaced = true;
  ward.replaceChildren(...order.map((bed) => sectors.get(keyOf(bed)).node));
  ward.hidden = order.length === 0;
  byId("empty").hidden = order.length > 0;
  setText(byId("units"), unitsOf().join(" · "));
  layOut();
}

function showAlarms() {
  const all = [...beds.values()].flatMap((bed) =>
    (bed.alarms ?? []).filter((alarm) => alarm.signal !== "off").map((alarm) => ({ bed, alarm })));
  alarmBar.update(all, labelOf);
  announcer.update(all, labelOf);
}

// --- live or not -----------------------------------------------------------------------------------------------------

let connection = "connecting";
function showConnection(state) {
  connection = state;
  if (state === "connecting") clock.resettle();
}

function whyNotLive() {
  if (hasFault) return "fault in this display - values shown are old";
  if (clock.heardAtMs === null) return "no word from the gateway yet";
  if (hasSlept) return "this display was asleep - values shown are old";
  if (clock.isLate) return "the feed runs late - values shown are old";
  return "values shown are old";
}

/** The connection is good, and what comes over it is not the present. */
function troubleTitle() {
  return service.journal && service.journal !== "writable" ? "NOT RECORDING" : "NOT CURRENT";
}

function showLiveness() {
  const live = isLive();
  const wasLive = !document.body.classList.contains("not-live");
  document.body.classList.toggle("not-live", !live);
  setText(byId("server-clock"), live ? clockText(clock.now()) : "--:--:--");
  setText(byId("feed-state"), feedWords());
  setMark(byId("link-light"), "level", live ? "current" : "old");
  setText(byId("link-text"), live ? "Live" : connection === "connecting" ? "connecting" : "waiting to retry");
  if (!live) {
    const heard = clock.heardAtMs;
    setText(byId("banner-title"), heard === null ? "NOT LIVE" : `NOT LIVE since ${clockText(heard)}`);
    setText(byId("banner-text"), whyNotLive());
  } else if (service !== null) {
    setText(byId("banner-title"), troubleTitle());
    setText(byId("banner-text"), service.why ?? "");
  }
  document.body.classList.toggle("troubled", live && service !== null);
  if (live !== wasLive) tickWard();
  const fresh = [...beds.values()].flatMap((bed) => bed.alarms ?? []).filter(isNew).length;
  const what = !live ? "NOT LIVE" : service !== null ? troubleTitle() : null;
  const title = what === null ? `${fresh > 0 ? `(${fresh}) ` : ""}Vigil station` : `${what} - Vigil station`;
  if (document.title !== title) document.title = title;
}

function tickWard() {
  for (const sector of sectors.values()) sector.tick();
  alarmBar.tick();
  panel.tick();
}

let askedMs = -Infinity;
function askAnew() {
  askedMs = performance.now();
  feed.reconnect();
}

/** An open socket that says nothing, or only old things, is replaced; not again before the new one could have answered. */
function replaceSilentConnection() {
  const isDumb = clock.heardAtMs !== null && (clock.silenceMs > LIVE_WITHIN_MS || clock.isLate);
  const isWaiting = connection === "waiting" || performance.now() - askedMs < 2 * LIVE_WITHIN_MS;
  if (isDumb && !isWaiting) askAnew();
}

/** A page that may have slept is not live, and hears from the gateway over a new connection before it is again. */
let hasAskedAwake = false;
function checkAwake() {
  if (watch.sleptSinceLastTick()) {
    hasSlept = true;
    hasAskedAwake = false;
    clock.doubt();
  }
  if (!hasSlept || hasAskedAwake || document.hidden) return;
  hasAskedAwake = true;
  askAnew();
}

function tick() {
  checkAwake();
  replaceSilentConnection();
  tickWard();
  showLiveness();
}

function feedWords() {
  if (feed.n === null) return "no frame yet";
  return [`feed n ${feed.n}`, version && `version ${version}`, speed !== 1 && `clock at ${speed}×`].filter(Boolean).join(" · ");
}

/** Something here went wrong: nothing counts until a fresh snapshot has been drawn without fault. */
function fault(words) {
  if (words.startsWith("ResizeObserver loop")) return; // a frame's delay in layout, told as an error
  console.error("display fault:", words);
  hasFault = true;
  showLiveness();
  feed.startOver();
}

// --- controls --------------------------------------------------------------------------------------------------------

function showTheme() {
  const prefersLight = matchMedia("(prefers-color-scheme: light)").matches;
  const theme = remembered("theme", prefersLight ? "light" : "dark");
  document.documentElement.dataset.theme = theme;
  setText(byId("theme"), theme === "dark" ? "Light" : "Dark");
}

function showPrivacy() {
  const isHidden = remembered("names", "shown") === "hidden";
  document.body.classList.toggle("names-hidden", isHidden);
  byId("names").setAttribute("aria-pressed", String(isHidden));
}

function showActor() {
  setText(byId("actor"), `Acting as ${actor()}`);
}

function wireControls() {
  byId("admit").addEventListener("click", () => panel.openAdmission(null));
  byId("admit-first").addEventListener("click", () => panel.openAdmission(null));
  byId("names").addEventListener("click", () => {
    remember("names", document.body.classList.contains("names-hidden") ? "shown" : "hidden");
    showPrivacy();
  });
  byId("theme").addEventListener("click", () => {
    remember("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    showTheme();
  });
  byId("actor").addEventListener("click", () => {
    byId("actor-name").value = remembered("actor", "");
    byId("ask-actor").showModal();
  });
  byId("ask-actor").addEventListener("close", () => {
    if (byId("ask-actor").returnValue === "keep") remember("actor", byId("actor-name").value.trim());
    showActor();
  });
}

window.addEventListener("error", (error) => fault(error.message));
window.addEventListener("unhandledrejection", (rejection) => fault(String(rejection.reason)));
for (const waking of ["visibilitychange", "pageshow", "resume"]) document.addEventListener(waking, tick);
window.addEventListener("pageshow", tick);
window.addEventListener("online", () => clock.isLive || askAnew());
matchMedia("(prefers-color-scheme: light)").addEventListener("change", showTheme);
new ResizeObserver(layOut).observe(ward);

flashTogether(ward);
wireControls();
showTheme();
showPrivacy();
showActor();
feed.start();
setInterval(tick, TICK_MS);
tick();
