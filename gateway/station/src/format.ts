/* How numbers, ages, units and instants read. Pure: no document, no clock.
 *
 * Ages are given in one unit only, cut off and never rounded up to a younger-looking unit; below five seconds they are
 * "< 5 s", so that a calm wall does not count 0 1 0 1 in every corner.
 */

import { metricName } from "./metrics";

const DECIMALS: Record<string, number> = {
  hr: 0, map: 0, sbp: 0, dbp: 0, spo2: 0, rr: 0, temp: 1, cvp: 0, etco2: 0, weight: 1, weight_gain_pct: 1,
  urine_ml_h: 0, urine_ml_8h: 0, fluid_balance_ml_24h: 0, shock_index: 2, creatinine: 2,
  norepinephrine_ug_kg_min: 2, phenylephrine_ug_kg_min: 2, dopamine_ug_kg_min: 1, vasopressin_u_min: 3,
};

const UNITS: Record<string, string> = {
  "mm[Hg]": "mmHg", Cel: "°C", "ug/kg/min": "µg/kg/min", "10*3/uL": "10³/µL", "[IU]/mL": "IU/mL", "[IU]": "IU",
  "[IU]/min": "IU/min", "{ratio}": "", "{score}": "", 1: "",
};

const SIGNAL_NAMES: Record<string, string> = {
  hr: "Heart rate", map: "Mean arterial pressure", sbp: "Systolic pressure", dbp: "Diastolic pressure", spo2: "SpO₂",
  rr: "Respiratory rate", temp: "Temperature", cvp: "CVP", etco2: "EtCO₂", weight: "Weight",
  weight_gain_pct: "Weight gain", urine_ml_h: "Urine, per hour", urine_ml_8h: "Urine, 8 h", shock_index: "Shock index",
  fluid_balance_ml_24h: "Fluid balance, 24 h", o2_flow: "O₂ flow", fio2: "FiO₂", creatinine: "Creatinine", platelets: "Platelets", bilirubin: "Bilirubin", bicarbonate: "Bicarbonate", troponin: "Troponin",
  glucose: "Glucose", potassium: "Potassium", albumin: "Albumin", "site:mental_status": "Mental status",
  norepinephrine_ug_kg_min: "Norepinephrine", phenylephrine_ug_kg_min: "Phenylephrine",
  dopamine_ug_kg_min: "Dopamine", vasopressin_u_min: "Vasopressin",
};

/** Age in seconds of the gateway's time, in words. */
export function ageWords(ageS: number): string {
  if (ageS < 5) return "< 5 s";
  if (ageS < 120) return `${Math.floor(ageS)} s`;
  if (ageS < 7200) return `${Math.floor(ageS / 60)} min`;
  if (ageS < 172800) return `${Math.floor(ageS / 3600)} h`;
  return `${Math.floor(ageS / 86400)} d`;
}

/** A stretch of time as h:mm, for countdowns to a dose; never negative. */
export function hoursText(seconds: number): string {
  const minutes = Math.max(0, Math.floor(seconds / 60));
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
}

/** A stretch of time as m:ss, for countdowns that people watch. */
export function minutesText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}

/** A value of a signal as text; a charted state (a word) is itself. */
export function valueText(value: unknown, signal: string): string {
  if (typeof value !== "number") return String(value).replaceAll("_", " ");
  const decimals = DECIMALS[signal];
  if (decimals !== undefined) return value.toFixed(decimals);
  return String(Number(value.toPrecision(3)));
}

/** A UCUM unit as people read it. */
export function unitText(ucum: unknown): string {
  if (typeof ucum !== "string") return "";
  return UNITS[ucum] ?? ucum;
}

/** The signal's name for a list; one that is a charted state has the state's, one without any its own word. */
export function signalName(signal: string): string {
  return SIGNAL_NAMES[signal] ?? metricName(signal) ?? String(signal).replaceAll("_", " ");
}

export type PressureSource = "NIBP" | "ABP" | "source?";

/** Where a pressure comes from: arterial line or cuff. Read from the IEEE 11073 reference id. */
export function pressureSource(refId: unknown): PressureSource {
  const id = String(refId ?? "").toUpperCase();
  if (/CUFF|NONINV|NIBP/.test(id)) return "NIBP";
  if (/ART|ABP/.test(id)) return "ABP";
  return "source?";
}

/** The source of a pressure in full, for titles and the bed view. */
export function pressureSourceWords(refId: unknown): string {
  const words = { NIBP: "cuff (NIBP)", ABP: "arterial line (ABP)", "source?": "source unknown" };
  return words[pressureSource(refId)];
}

/** RFC 3339 to milliseconds since 1970, NaN when it is no instant. */
export function instantMs(text: unknown): number {
  return typeof text === "number" ? text : Date.parse(String(text));
}

/** Milliseconds since 1970 as RFC 3339 UTC. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** hh:mm:ss of the browser's time zone. */
export function clockText(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return "--:--:--";
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** hh:mm, for axes and lists. */
export function minuteText(ms: number): string {
  return clockText(ms).slice(0, 5);
}

/** Day and hh:mm of an RFC 3339 instant. */
export function dayTimeText(text: unknown): string {
  const ms = instantMs(text);
  if (!Number.isFinite(ms)) return "unknown time";
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${minuteText(ms)}`;
}

/** Orders b2 before b10. */
export function compareNatural(a: string, b: string): number {
  return String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
}
