/* The panel of one bed: trends, every signal, devices, alarms with their evidence. Or the form that admits a patient.
 *
 * It stands beside the ward and not over it: the other beds stay in view and their alarms within reach.
 */

import { AdmitForm } from "./admit.js";
import { alarmInFull, alarmsOf, seriesOf } from "./api.js";
import { FLAGS, headline, isNew, priorityOf } from "./alarms.js";
import { button, el, setMark, setText } from "./dom.js";
import { evidenceOf } from "./evidence.js";
import { ageWords, clockText, dayTimeText, instantMs } from "./format.js";
import { signalRows } from "./sectors.js";
import { Trend } from "./trend.js";

const TREND_SIGNALS = ["map", "hr", "spo2"];
const HOURS = [1, 6, 24];
const REFRESH_MS = 30_000;

/** What makes the list of alarms worth fetching again. */
function stateOf(bed) {
  return (bed.alarms ?? []).map((alarm) => `${alarm.alarm_id} ${alarm.signal} ${alarm.condition}`).join();
}

export class Panel {
  #root;
  #clock;
  #labelOf;
  #actor;
  #onResize;
  #bed = null;
  #hours = 1;
  #trends = [];
  #signals = null;
  #devices = null;
  #alarms = null;
  #alarmState = "";
  #loadedMs = 0;
  #opener = null;

  constructor({ root, clock, labelOf, actor, onResize }) {
    this.#root = root;
    this.#clock = clock;
    this.#labelOf = labelOf;
    this.#actor = actor;
    this.#onResize = onResize;
    root.addEventListener("keydown", (key) => key.key === "Escape" && this.close());
    new ResizeObserver(() => this.#trends.forEach((trend) => trend.draw())).observe(root);
  }

  #reveal(bed, ...sections) {
    this.#opener ??= document.activeElement;
    this.#bed = bed;
    this.#root.replaceChildren(...sections);
    this.#root.hidden = false;
    this.#root.scrollTop = 0;
    this.#onResize();
    this.#root.focus();
  }

  close() {
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#bed = null;
    this.#trends = [];
    this.#onResize();
    this.#opener?.focus();
    this.#opener = null;
  }

  #title(words, under) {
    const close = button("close", "Close", () => this.close());
    return el("header", "panel-head", el("div", "", el("h1", "", ...words), el("p", "panel-under", under)), close);
  }

  /** The form that admits a patient; `bed` fills in where. */
  openAdmission(bed) {
    this.#trends = [];
    const form = new AdmitForm({ bed, actor: this.#actor, onAdmitted: () => this.close() });
    this.#reveal(null, this.#title(["Admit a patient"], "Alarms are evaluated from the moment of admission."), form.node);
    form.focus();
  }

  openBed(bed) {
    this.#signals = el("tbody");
    this.#devices = el("ul", "device-list");
    this.#alarms = el("div", "alarm-list", "loading");
    this.#alarmState = stateOf(bed);
    this.#trends = [];
    const sections = [this.#title(["Bed ", el("span", "panel-bed", this.#labelOf(bed))], this.#patientWords(bed))];
    if (bed.admission) sections.push(this.#trendSection());
    else sections.push(el("p", "notice", "Not admitted. No alarms are evaluated and no trends are kept for a patient."));
    if (bed.admission) sections.push(el("section", "panel-part", el("h2", "", "Alarms of this stay"), this.#alarms));
    sections.push(
      el("section", "panel-part", el("h2", "", "Signals"), el("table", "signals", this.#signals)),
      el("section", "panel-part", el("h2", "", "Devices"), this.#devices),
    );
    this.#reveal(bed, ...sections);
    this.update(bed);
    this.#load();
  }

  #patientWords(bed) {
    const admission = bed.admission;
    const words = el("span", "");
    if (!admission) return words;
    const name = el("span", "private", `${admission.name ?? "no name"} · ${admission.patient_id}`);
    const rest = ` · admitted ${dayTimeText(admission.admitted_at)} · dosing weight ${admission.dosing_weight_kg} kg` +
      ` · baseline weight ${admission.baseline_weight_kg} kg`;
    words.append(name, rest);
    return words;
  }

  #trendSection() {
    this.#trends = TREND_SIGNALS.map((signal) => new Trend(signal));
    const choice = el("div", "hours");
    choice.setAttribute("role", "group");
    choice.setAttribute("aria-label", "Window");
    for (const hours of HOURS) {
      const pick = button("hour", `${hours} h`, () => {
        this.#hours = hours;
        for (const other of choice.children) other.setAttribute("aria-pressed", String(other === pick));
        this.#load();
      });
      pick.setAttribute("aria-pressed", String(hours === this.#hours));
      choice.append(pick);
    }
    const head = el("div", "trend-head", el("h2", "", "Trends"), choice);
    return el("section", "panel-part trends", head, ...this.#trends.map((trend) => trend.node));
  }

  /** The shown bed as the feed describes it now. */
  update(bed) {
    if (bed.admission?.admission_id !== this.#bed.admission?.admission_id) {
      this.openBed(bed);
      return;
    }
    this.#bed = bed;
    if (stateOf(bed) !== this.#alarmState) this.#loadAlarms();
    this.#alarmState = stateOf(bed);
    this.tick();
  }

  isShowing(bed) {
    return this.#bed !== null && this.#bed.unit === bed.unit && this.#bed.bed === bed.bed;
  }

  /** Closes when the shown bed is none of these any more. */
  closeUnlessIn(beds) {
    if (this.#bed !== null && !beds.some((bed) => this.isShowing(bed))) this.close();
  }

  tick() {
    if (this.#bed === null) return;
    this.#showSignals();
    this.#showDevices();
    if (this.#clock.isLive && performance.now() - this.#loadedMs > REFRESH_MS) this.#load();
  }

  #showSignals() {
    const rows = signalRows(this.#bed, this.#clock);
    while (this.#signals.children.length < rows.length) {
      this.#signals.append(el("tr", "", el("th"), el("td", "signal-value"), el("td", "signal-age"), el("td", "signal-from")));
    }
    while (this.#signals.children.length > rows.length) this.#signals.lastChild.remove();
    rows.forEach((row, index) => {
      const line = this.#signals.children[index];
      const [name, value, age, from] = line.children;
      setText(name, row.name);
      setText(value, `${row.reading.text} ${row.unit}`.trim());
      setText(age, row.reading.words);
      setText(from, row.from);
      setMark(line, "state", row.reading.state);
    });
  }

  #showDevices() {
    const lines = (this.#bed.devices ?? []).map((device) => {
      const seen = device.last_seen_at ? `last seen ${ageWords(this.#clock.ageS(instantMs(device.last_seen_at)))} ago` : "never seen";
      const offset = Number.isFinite(device.clock_offset_s) ? ` · clock ${device.clock_offset_s.toFixed(1)} s off` : "";
      return `${device.device} (${device.kind}) ${device.state} · ${seen}${offset}`;
    });
    while (this.#devices.children.length < lines.length) this.#devices.append(el("li"));
    while (this.#devices.children.length > lines.length) this.#devices.lastChild.remove();
    lines.forEach((line, index) => setText(this.#devices.children[index], line));
  }

  #load() {
    this.#loadedMs = performance.now();
    if (!this.#bed?.admission) return;
    this.#trends.forEach((trend, index) => this.#loadTrend(trend, TREND_SIGNALS[index]));
    this.#loadAlarms();
  }

  async #loadTrend(trend, signal) {
    const bed = this.#bed;
    const hours = this.#hours;
    const toMs = this.#clock.now();
    const fromMs = toMs - hours * 3_600_000;
    try {
      const rows = await seriesOf(bed.admission.admission_id, signal, fromMs, toMs);
      if (hours === this.#hours) trend.show(rows, fromMs, toMs, bed.signals?.[signal]?.unit);
    } catch (error) {
      trend.fail(`not loaded: ${error.message}`);
    }
  }

  async #loadAlarms() {
    const list = this.#alarms;
    const admission = this.#bed.admission;
    if (!admission) return;
    try {
      const alarms = await alarmsOf(admission.admission_id);
      const open = new Set([...list.querySelectorAll("details[open]")].map((line) => line.dataset.alarm));
      const lines = alarms.map((alarm) => this.#alarmLine(alarm, open.has(alarm.alarm_id)));
      list.replaceChildren(...(lines.length > 0 ? lines : ["None so far."]));
    } catch (error) {
      list.replaceChildren(`Not loaded: ${error.message}`);
    }
  }

  #alarmLine(alarm, isOpen) {
    const words = headline(alarm);
    const flag = el("span", "line-flag", FLAGS[priorityOf(alarm)]);
    const when = el("span", "line-when", clockText(instantMs(alarm.onset_at)));
    const standing = alarm.signal === "off" ? "ended" : isNew(alarm) ? "not acknowledged" : "acknowledged";
    const summary = el("summary", "", flag, when, el("span", "line-what", words), el("span", "line-standing", standing));
    const body = el("div", "line-body");
    const line = el("details", "alarm-line", summary, body);
    line.dataset.alarm = alarm.alarm_id;
    setMark(line, "priority", priorityOf(alarm));
    setMark(line, "standing", alarm.signal === "off" ? "ended" : isNew(alarm) ? "new" : "acknowledged");
    line.addEventListener("toggle", () => line.open && this.#loadEvidence(body, alarm.alarm_id));
    line.open = isOpen;
    return line;
  }

  async #loadEvidence(body, alarmId) {
    try {
      const alarm = await alarmInFull(alarmId);
      const steps = (alarm.transitions ?? []).map((step) =>
        el("li", "", `${clockText(instantMs(step.at))} ${step.phase}: ${step.from} → ${step.to}, by ${step.actor}`));
      body.replaceChildren(
        el("p", "line-title", `${alarm.title} · ${alarm.rule_id}`),
        el("h3", "", "Why"), evidenceOf(alarm.evidence ?? null),
        el("h3", "", "What happened to it"), el("ol", "steps", ...steps),
      );
    } catch (error) {
      body.replaceChildren(`Not loaded: ${error.message}`);
    }
  }
}
