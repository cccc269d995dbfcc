/* Alarms: their order of urgency, their words, the bar over all beds, and their announcement to screen readers.
 *
 * Rules
 *   - Unacknowledged (signal `on` or `latched`) comes before acknowledged; within each, priority; within that, what still
 *     holds before what is only latched; then the newest.
 *   - Priority is told by colour, by sign (!!! !! !) and by word: never by colour alone.
 *   - A priority this page does not know is shown as high.
 *   - An indeterminate condition is "? cannot be judged", and never looks cleared.
 */

import { button, el, setMark, setText } from "./dom.js";
import { ageWords, instantMs, minuteText } from "./format.js";

export const PRIORITIES = ["high", "medium", "low"];
export const FLAGS = { high: "!!!", medium: "!!", low: "!" };

export function priorityOf(alarm) {
  return PRIORITIES.includes(alarm.priority) ? alarm.priority : "high";
}

export function isNew(alarm) {
  return alarm.signal === "on" || alarm.signal === "latched";
}

/** A latched alarm whose condition no longer holds. */
export function hasGone(alarm) {
  return alarm.condition === "absent";
}

function rank(alarm) {
  return (isNew(alarm) ? 0 : PRIORITIES.length) + PRIORITIES.indexOf(priorityOf(alarm));
}

/** Alarms that are announced, most urgent first. */
export function ranked(alarms) {
  const announced = alarms.filter((alarm) => alarm.signal !== "off");
  return announced.sort(
    (a, b) => rank(a) - rank(b) || hasGone(a) - hasGone(b) || instantMs(b.onset_at) - instantMs(a.onset_at));
}

/** What happened, with its limit: "MAP 58 < 65", marked where it cannot be judged. */
export function headline(alarm) {
  const text = alarm.text || alarm.evidence?.text || alarm.title || alarm.rule_id;
  return alarm.condition === "indeterminate" ? `? ${text}` : text;
}

/** Priority, title and standing in words. */
export function detail(alarm, clock) {
  const parts = [priorityOf(alarm).toUpperCase()];
  if (alarm.condition === "indeterminate") parts.push("cannot be judged");
  if (hasGone(alarm)) parts.push("condition gone");
  if (alarm.signal === "acknowledged") parts.push(acknowledgement(alarm.acknowledged));
  parts.push(`${ageWords(clock.ageS(instantMs(alarm.onset_at)))}`);
  if (alarm.title && alarm.title !== alarm.text) parts.push(alarm.title);
  return parts.join(" · ");
}

function acknowledgement(acknowledged) {
  if (!acknowledged) return "✓ acknowledged";
  return `✓ ${acknowledged.by} ${minuteText(instantMs(acknowledged.at))}`;
}

const FAMILY_SIGNALS = {
  hypotension: "map", hypertension: "map", tachycardia: "hr", bradycardia: "hr", arrhythmia: "hr",
  desaturation: "spo2", respiratory: "rr", temperature: "temp",
};

/** The signal that a physiological alarm is about, so that its numeral can be marked; null when there is none. */
export function signalOf(alarm) {
  if (alarm.kind !== "physiological") return null;
  const word = headline(alarm).replace(/^\? /, "").split(" ")[0].toLowerCase();
  const named = { hr: "hr", map: "map", sbp: "bp", dbp: "bp", "spo₂": "spo2", spo2: "spo2", rr: "rr", temp: "temp", t: "temp" };
  return named[word] ?? FAMILY_SIGNALS[alarm.family] ?? null;
}

/** The line over all beds: how many of each priority, and the most urgent one that nobody has acknowledged. */
export class AlarmBar {
  #counts = new Map();
  #urgent = button("urgent", "");
  #bedLabel = el("span", "urgent-bed");
  #what = el("span", "urgent-what");
  #detail = el("span", "urgent-detail");
  #ack;
  #most = null;
  #clock;

  constructor({ root, clock, ackButton, onGoTo }) {
    this.#clock = clock;
    this.#ack = ackButton;
    const counts = el("div", "counts");
    for (const priority of PRIORITIES) counts.append(this.#counter(priority));
    this.#urgent.append(this.#bedLabel, el("span", "urgent-words", this.#what, this.#detail));
    this.#urgent.addEventListener("click", () => this.#most && onGoTo(this.#most.bed));
    root.append(counts, this.#urgent, this.#ack.node);
  }

  #counter(priority) {
    const number = el("span", "count-number", "0");
    const fresh = el("span", "count-new");
    const node = el("div", "count", el("span", "count-flag", FLAGS[priority]), number,
      el("span", "count-words", el("span", "count-priority", priority), fresh));
    node.dataset.priority = priority;
    this.#counts.set(priority, { node, number, fresh });
    return node;
  }

  /** @param {{bed: object, alarm: object}[]} all every announced alarm with its bed */
  update(all, labelOf) {
    for (const priority of PRIORITIES) this.#count(priority, all.filter(({ alarm }) => priorityOf(alarm) === priority));
    const order = ranked(all.map(({ alarm }) => alarm));
    const first = order.length > 0 && isNew(order[0]) ? order[0] : null;
    this.#most = first && all.find(({ alarm }) => alarm === first);
    setMark(this.#urgent, "priority", first && priorityOf(first));
    setText(this.#bedLabel, first ? labelOf(this.#most.bed) : "");
    setText(this.#what, first ? headline(first) : order.length > 0 ? "All alarms acknowledged" : "No alarms");
    this.#urgent.disabled = !first;
    this.#ack.show(first, first ? `${labelOf(this.#most.bed)} ${headline(first)}` : "");
    this.tick();
  }

  #count(priority, found) {
    const { node, number, fresh } = this.#counts.get(priority);
    const unacknowledged = found.filter(({ alarm }) => isNew(alarm)).length;
    setText(number, String(found.length));
    setText(fresh, unacknowledged > 0 ? `${unacknowledged} new` : "");
    setMark(node, "standing", found.length === 0 ? "none" : unacknowledged > 0 ? "new" : "acknowledged");
  }

  tick() {
    setText(this.#detail, this.#most ? detail(this.#most.alarm, this.#clock) : "");
    this.#ack.tick();
  }
}

/** Says each alarm to a screen reader once for each time it is announced: high ones at once, the others when it has
 * finished speaking. */
export class Announcer {
  #said = new Set();
  #high;
  #other;

  constructor({ high, other }) {
    this.#high = high;
    this.#other = other;
  }

  update(all, labelOf) {
    const news = all.filter(({ alarm }) => isNew(alarm));
    const keyOf = (alarm) => `${alarm.alarm_id} ${alarm.priority} ${alarm.signalled_at ?? ""} ${alarm.escalation_level ?? 0}`;
    const unsaid = news.filter(({ alarm }) => !this.#said.has(keyOf(alarm)));
    this.#said = new Set(news.map(({ alarm }) => keyOf(alarm)));
    if (unsaid.length === 0) return;
    const words = ({ bed, alarm }) => `${priorityOf(alarm)}: bed ${labelOf(bed)}, ${headline(alarm)}`;
    const high = unsaid.filter(({ alarm }) => priorityOf(alarm) === "high");
    const other = unsaid.filter(({ alarm }) => priorityOf(alarm) !== "high");
    if (high.length > 0) setText(this.#high, high.map(words).join(". "));
    if (other.length > 0) setText(this.#other, other.map(words).join(". "));
  }
}
