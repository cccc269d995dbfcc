/* One sector a bed: numerals, their ages, devices, the bed's alarms.
 *
 * Rules
 *   - Every sector has the same places for the same things, filled or not: a value is found without looking for it.
 *   - Values are redrawn from the bed's last frame at every tick, so that age and staleness never wait for the network.
 *   - All lamps of one priority flash together (`flashTogether`).
 */

import { AckButton } from "./acknowledge.js";
import { detail, FLAGS, hasGone, headline, isNew, priorityOf, ranked, signalOf } from "./alarms.js";
import { button, el, setMark, setText } from "./dom.js";
import { instantMs, minuteText, pressureSource, pressureSourceWords, signalName, unitText } from "./format.js";
import { freshnessOf, pairOf, readingOf } from "./readings.js";

const CELLS = [
  { key: "map", label: "MAP", unit: "mmHg", rank: "major" },
  { key: "hr", label: "HR", unit: "/min", rank: "major" },
  { key: "spo2", label: "SpO₂", unit: "%", rank: "major" },
  { key: "bp", label: "Sys/Dia", unit: "mmHg", rank: "minor" },
  { key: "rr", label: "RR", unit: "/min", rank: "minor" },
  { key: "temp", label: "Temp", unit: "°C", rank: "minor" },
];

/** A wall of lamps out of step is a wall nobody can look at: every flash counts from the same instant. */
export function flashTogether(ward) {
  ward.addEventListener("animationstart", (start) => {
    for (const animation of start.target.getAnimations()) animation.startTime = 0;
  });
}

const NOT_LIVE = { level: "old", words: "not live" };

/** Long alarm texts are set smaller, the longest on two lines: none is cut short while there is room. */
function lengthOf(words) {
  if (words.length <= 16) return null;
  return words.length <= 22 ? "long" : "longer";
}

/** Alarms named beside the most urgent one; further ones are counted. */
const MOST_OTHERS = 2;

class Cell {
  #number = el("span", "number", "–");
  #unit;
  #words = el("span", "words", "none yet");

  constructor({ key, label, unit, rank }) {
    this.key = key;
    this.#unit = el("span", "unit", unit);
    this.node = el("div", `cell ${rank}`, ...(rank === "major" ? this.#stacked(label) : this.#beside(label)));
    this.node.dataset.signal = key;
  }

  #stacked(label) {
    return [el("span", "label", label, " ", this.#unit), this.#number, this.#words];
  }

  #beside(label) {
    return [el("span", "label", label), this.#words, el("span", "numeral", this.#number, this.#unit)];
  }

  /** @param alarm the most urgent alarm about this signal, if any */
  show(reading, unit, source, alarm) {
    setText(this.#number, reading.text);
    const isSourced = source && !["never", "withheld"].includes(reading.state);
    setText(this.#words, isSourced ? `${source} · ${reading.words}` : reading.words);
    if (unit) setText(this.#unit, unit);
    setMark(this.node, "state", reading.state);
    setMark(this.node, "alarm", alarm ? priorityOf(alarm) : null);
    setMark(this.node, "standing", alarm ? (isNew(alarm) ? "new" : "acknowledged") : null);
  }
}

/** The bed's readings at this moment, by cell. */
function readingsOf(signals, clock) {
  const read = (key) => readingOf(signals[key], key, clock);
  return {
    map: read("map"), hr: read("hr"), spo2: read("spo2"), rr: read("rr"), temp: read("temp"),
    bp: pairOf(read("sbp"), read("dbp")),
  };
}

/** Sources of the pressures; the pair names its own only where it differs from the mean's. */
function sourcesOf(signals) {
  const pair = signals.sbp ?? signals.dbp;
  const mean = signals.map && pressureSource(signals.map.source);
  const pairSource = pair && pressureSource(pair.source);
  return { map: mean, bp: pairSource === mean ? undefined : pairSource };
}

export class Sector {
  #clock;
  #bed = null;
  #label = button("bed", "");
  #name = el("span", "name");
  #light = el("span", "light");
  #fresh = el("span", "fresh-words");
  #cells = new Map();
  #devices = el("span", "devices");
  #others = el("span", "others");
  #lamp = el("span", "lamp");
  #flag = el("span", "flag");
  #what = el("span", "what");
  #detail = el("span", "detail");
  #ack;
  #admit;
  #shown = null;

  constructor({ clock, acknowledger, onOpen, onAdmit }) {
    this.#clock = clock;
    this.#ack = new AckButton(acknowledger);
    this.#admit = button("admit", "Admit", (click) => {
      click.stopPropagation();
      onAdmit(this.#bed);
    });
    this.#lamp.setAttribute("aria-hidden", "true");
    this.node = el("article", "sector", this.#lamp, this.#face());
    this.node.addEventListener("click", () => onOpen(this.#bed));
  }

  #face() {
    const values = el("div", "values");
    for (const shape of CELLS) {
      const cell = new Cell(shape);
      this.#cells.set(shape.key, cell);
      values.append(cell.node);
    }
    const head = el("header", "head", this.#label, this.#name, el("span", "fresh", this.#light, this.#fresh));
    const strip = el("div", "strip", this.#flag, el("span", "says", this.#what, this.#detail), this.#ack.node, this.#admit);
    return el("div", "face", head, values, el("div", "under", this.#devices, this.#others), strip);
  }

  /** Takes the bed as the feed has just described it. */
  update(bed, label) {
    this.#bed = bed;
    setText(this.#label, label);
    this.#label.setAttribute("aria-label", `Bed ${label}, open details`);
    setText(this.#name, bed.admission ? (bed.admission.name ?? bed.admission.patient_id) : "");
    setMark(this.node, "admitted", bed.admission ? "yes" : "no");
    this.#showDevices(bed.devices ?? [], bed.limits_off ?? []);
    this.#showAlarms(ranked(bed.alarms ?? []));
    this.tick();
  }

  #showDevices(devices, limitsOff) {
    const off = devices.filter((device) => device.state !== "online");
    const on = devices.length - off.length;
    const chips = off.map((device) => {
      const chip = el("span", "device", `✕ ${device.device} ${device.state}`);
      chip.dataset.state = "off";
      return chip;
    });
    if (devices.length === 0) chips.push(el("span", "device", "no devices"));
    else if (on > 0) chips.push(el("span", "device", off.length > 0 ? `+${on}` : on === 1 ? "1 device" : `${on} devices`));
    // Limits that somebody switched off are never off unseen: which, until when, and by whom.
    for (const each of limitsOff) {
      const until = minuteText(instantMs(each.until));
      const chip = el("span", "device", `⊘ ${each.family ?? each.rule_id} limits off until ${until}, ${each.by}`);
      chip.dataset.state = "limits-off";
      chip.title = each.reason;
      chips.unshift(chip);
    }
    this.#devices.replaceChildren(...chips);
  }

  #showAlarms([first, ...others]) {
    this.#shown = first ?? null;
    const standing = first ? (isNew(first) ? "new" : "acknowledged") : null;
    setMark(this.node, "priority", first ? priorityOf(first) : null);
    setMark(this.node, "standing", standing);
    setMark(this.node, "gone", first && hasGone(first) ? "yes" : null);
    this.#flag.textContent = first ? FLAGS[priorityOf(first)] : "";
    const words = first ? `${this.#label.textContent} ${headline(first)}` : "";
    this.#ack.show(first && isNew(first) ? first : null, words);
    this.#admit.hidden = Boolean(first || this.#bed.admission);
    this.#others.replaceChildren(...others.slice(0, MOST_OTHERS).map((alarm) => this.#otherChip(alarm)));
    if (others.length > MOST_OTHERS) this.#others.append(el("span", "more", `+${others.length - MOST_OTHERS}`));
  }

  #otherChip(alarm) {
    const chip = el("span", "other", `${FLAGS[priorityOf(alarm)]} ${headline(alarm)}`);
    setMark(chip, "priority", priorityOf(alarm));
    setMark(chip, "standing", isNew(alarm) ? "new" : "acknowledged");
    return chip;
  }

  /** Redraws everything that time changes. */
  tick() {
    const readings = readingsOf(this.#bed.signals ?? {}, this.#clock);
    this.#showValues(readings);
    const fresh = this.#clock.isLive ? freshnessOf(Object.values(readings)) : NOT_LIVE;
    setMark(this.#light, "level", fresh.level);
    setText(this.#fresh, fresh.words);
    setText(this.#what, this.#headline(fresh));
    setMark(this.#what, "length", lengthOf(this.#what.textContent));
    setText(this.#detail, this.#shown ? detail(this.#shown, this.#clock) : this.#calmDetail(fresh));
    this.#ack.tick();
  }

  #showValues(readings) {
    const signals = this.#bed.signals ?? {};
    const alarmed = new Map();
    // A latched alarm whose condition has gone says nothing about the value on the screen now.
    const standing = ranked(this.#bed.alarms ?? []).filter((alarm) => !hasGone(alarm));
    for (const alarm of standing.reverse()) alarmed.set(signalOf(alarm), alarm);
    const sources = sourcesOf(signals);
    for (const cell of this.#cells.values()) {
      const unit = unitText((signals[cell.key] ?? signals.sbp)?.unit);
      cell.show(readings[cell.key], signals[cell.key] || cell.key === "bp" ? unit : "", sources[cell.key], alarmed.get(cell.key));
    }
  }

  #headline(fresh) {
    if (this.#shown) return headline(this.#shown);
    if (!this.#bed.admission) return "Not admitted";
    if (fresh === NOT_LIVE) return "Alarms unknown";
    return fresh.level === "current" ? "No alarms" : "No alarms, values missing";
  }

  #calmDetail(fresh) {
    if (!this.#bed.admission) return "no alarms are evaluated";
    if (fresh === NOT_LIVE) return "the display is not live";
    return fresh.level === "current" ? "" : "see the ages above";
  }

  /** Marks the sector whose panel is open. */
  mark(isOpened) {
    this.node.classList.toggle("opened", isOpened);
  }

  scrollTo() {
    this.node.scrollIntoView({ block: "nearest" });
    this.#label.focus({ preventScroll: true });
  }
}

/** Words for every signal of a bed, for the bed panel: name, value, unit, where from, how old. */
export function signalRows(bed, clock) {
  const signals = bed.signals ?? {};
  return Object.keys(signals).map((key) => {
    const signal = signals[key];
    const reading = readingOf(signal, key, clock);
    const isPressure = ["map", "sbp", "dbp"].includes(key);
    return {
      key, reading, name: signalName(key), unit: unitText(signal.unit),
      from: [isPressure ? pressureSourceWords(signal.source) : "", signal.device].filter(Boolean).join(" · "),
    };
  });
}
