/* The form that admits a patient to a bed (POST /admissions).
 *
 * Weights decide doses and alarms, and a pound taken for a kilogram is the classic error: both weights are asked for in
 * kg, within the range of people, and two weights far apart are asked about before they are sent.
 */

import { admit, profiles } from "./api.js";
import { el, setText } from "./dom.js";

const BASELINE = [
  ["sbp", "Systolic pressure, mmHg", 40, 260, 1], ["map", "MAP, mmHg", 30, 200, 1],
  ["hr", "Heart rate, /min", 20, 250, 1], ["creatinine", "Creatinine, mg/dL", 0.1, 20, 0.01],
];
const LIMITS = [
  ["sbp_alarm", "Systolic alarm below, mmHg", 40, 200, 1], ["map_alarm", "MAP alarm below, mmHg", 30, 150, 1],
  ["sbp_hold", "Hold dose below systolic, mmHg", 40, 200, 1], ["hr_high", "Heart rate alarm above, /min", 60, 250, 1],
  ["hr_low", "Heart rate alarm below, /min", 20, 100, 1], ["spo2_low", "SpO₂ alarm below, %", 50, 100, 1],
];
const WEIGHT_KG = [25, 300];
/** The dosing weight and the baseline weight of one patient differ by this share only by mistake. */
const WEIGHTS_APART = 0.2;

function textField(name, label, { required = false, value = "", pattern = null } = {}) {
  const input = el("input");
  Object.assign(input, { name, required, value, autocomplete: "off", maxLength: 64 });
  if (pattern) input.pattern = pattern;
  return el("label", "field", el("span", "", label), input);
}

function numberField(name, label, low, high, step, required = false) {
  const input = el("input");
  Object.assign(input, { name, type: "number", min: low, max: high, step, required, inputMode: "decimal" });
  return el("label", "field", el("span", "", label), input);
}

function group(legend, fields, isFolded) {
  const inside = el("div", "fields", ...fields);
  if (!isFolded) return el("fieldset", "", el("legend", "", legend), inside);
  return el("details", "folded", el("summary", "", legend), inside);
}

export class AdmitForm {
  #bed;
  #actor;
  #onAdmitted;
  #problem = el("p", "problem");
  #profile = el("select");
  #send = el("button", "primary", "Admit");
  #hasConfirmed = false;

  constructor({ bed, actor, onAdmitted }) {
    this.#bed = bed;
    this.#actor = actor;
    this.#onAdmitted = onAdmitted;
    this.#problem.setAttribute("role", "alert");
    this.#profile.name = "profile";
    this.#send.type = "submit";
    this.node = this.#form();
    this.node.addEventListener("submit", (submit) => {
      submit.preventDefault();
      this.#submit();
    });
    this.node.addEventListener("input", () => {
      this.#hasConfirmed = false;
      setText(this.#send, "Admit");
    });
    this.#offerProfiles();
  }

  #form() {
    const place = { required: true, pattern: "[A-Za-z0-9_\\-]{1,32}" };
    const [low, high] = WEIGHT_KG;
    return el("form", "admit-form",
      group("Patient and bed", [
        textField("unit", "Unit", { ...place, value: this.#bed?.unit ?? "" }),
        textField("bed", "Bed", { ...place, value: this.#bed?.bed ?? "" }),
        textField("patient_id", "Patient id", { required: true }),
        textField("name", "Name (optional)"),
        numberField("dosing_weight_kg", "Dosing weight, kg", low, high, 0.1, true),
        numberField("baseline_weight_kg", "Baseline weight, kg", low, high, 0.1, true),
      ]),
      group("Baseline before the first dose (as far as known)", BASELINE.map((field) => numberField(...field))),
      group("Limits of this patient (the profile's, where left empty)", LIMITS.map((field) => numberField(...field)), true),
      el("label", "field", el("span", "", "Profile of criteria"), this.#profile),
      this.#problem,
      el("div", "ask-buttons", this.#send),
    );
  }

  async #offerProfiles() {
    this.#profile.append(new Option("The gateway's default", ""));
    const offered = await profiles().catch(() => []); // the default stands without the list
    for (const profile of offered) this.#profile.append(new Option(profile.title ?? profile.id, profile.id));
  }

  focus() {
    const first = [...this.node.elements].find((field) => field.name && field.required && !field.value);
    first?.focus();
  }

  #numbers(fields) {
    const found = fields.map(([name]) => [name, this.node.elements[name].valueAsNumber]);
    return Object.fromEntries(found.filter(([, number]) => Number.isFinite(number)));
  }

  #admission() {
    const text = (name) => this.node.elements[name].value.trim();
    const limits = this.#numbers(LIMITS);
    return {
      patient_id: text("patient_id"), unit: text("unit"), bed: text("bed"),
      dosing_weight_kg: this.node.elements.dosing_weight_kg.valueAsNumber,
      baseline_weight_kg: this.node.elements.baseline_weight_kg.valueAsNumber,
      baseline: this.#numbers(BASELINE),
      ...(text("name") ? { name: text("name") } : {}),
      ...(this.#profile.value ? { profile: this.#profile.value } : {}),
      ...(Object.keys(limits).length > 0 ? { limits } : {}),
    };
  }

  #doubt({ dosing_weight_kg: dosing, baseline_weight_kg: baseline }) {
    if (Math.abs(dosing - baseline) / Math.max(dosing, baseline) <= WEIGHTS_APART) return null;
    return `The two weights differ by more than ${WEIGHTS_APART * 100} %: ${dosing} kg and ${baseline} kg. ` +
      "Is one of them in pounds? Touch again to admit all the same.";
  }

  async #submit() {
    const admission = this.#admission();
    const doubt = this.#doubt(admission);
    if (doubt && !this.#hasConfirmed) {
      setText(this.#problem, doubt);
      setText(this.#send, "Weights are right, admit");
      this.#hasConfirmed = true;
      return;
    }
    this.#send.disabled = true;
    try {
      await admit(admission, this.#actor());
      this.#onAdmitted();
    } catch (error) {
      setText(this.#problem, `Not admitted: ${error.message}`);
    } finally {
      this.#send.disabled = false;
    }
  }
}
