/* How numbers, ages, units and instants read. Pure: no document, no clock.
 *
 * Ages are given in one unit only, cut off and never rounded up to a younger-looking unit; below five seconds they are
 * "< 5 s", so that a calm wall does not count 0 1 0 1 in every corner.
 */

const DECIMALS = {
  hr: 0, map: 0, sbp: 0, dbp: 0, spo2: 0, rr: 0, temp: 1, cvp: 0, etco2: 0, weight: 1, weight_gain_pct: 1,
  urine_ml_h: 0, urine_ml_8h: 0, fluid_balance_ml_24h: 0, shock_index: 2, creatinine: 2,
};

const UNITS = {
  "mm[Hg]": "mmHg", Cel: "°C", "ug/kg/min": "µg/kg/min", "10*3/uL": "10³/µL", "[IU]/mL": "IU/mL", "[IU]": "IU",
  "{ratio}": "", 1: "",
};

const SIGNAL_NAMES = {
  hr: "Heart rate", map: "Mean arterial pressure", sbp: "Systolic pressure", dbp: "Diastolic pressure", spo2: "SpO₂",
  rr: "Respiratory rate", temp: "Temperature", cvp: "CVP", etco2: "EtCO₂", weight: "Weight",
  weight_gain_pct: "Weight gain", urine_ml_h: "Urine", urine_ml_8h: "Urine, 8 h", shock_index: "Shock index",
  fluid_balance_ml_24h: "Fluid balance, 24 h", o2_flow: "O₂ flow", fio2: "FiO₂",
};

/** Age in seconds of the gateway's time, in words. */
export function ageWords(ageS) {
  if (ageS < 5) return "< 5 s";
  if (ageS < 120) return `${Math.floor(ageS)} s`;
  if (ageS < 7200) return `${Math.floor(ageS / 60)} min`;
  if (ageS < 172800) return `${Math.floor(ageS / 3600)} h`;
  return `${Math.floor(ageS / 86400)} d`;
}

/** A value of a signal as text; a charted state (a word) is itself. */
export function valueText(value, signal) {
  if (typeof value !== "number") return String(value).replaceAll("_", " ");
  const decimals = DECIMALS[signal];
  if (decimals !== undefined) return value.toFixed(decimals);
  return String(Number(value.toPrecision(3)));
}

/** A UCUM unit as people read it. */
export function unitText(ucum) {
  if (typeof ucum !== "string") return "";
  return UNITS[ucum] ?? ucum;
}

/** The signal's name for a list; a signal without one is shown by its own word. */
export function signalName(signal) {
  return SIGNAL_NAMES[signal] ?? String(signal).replaceAll("_", " ");
}

/** Where a pressure comes from: arterial line or cuff. Read from the IEEE 11073 reference id. */
export function pressureSource(refId) {
  const id = String(refId ?? "").toUpperCase();
  if (/CUFF|NONINV|NIBP/.test(id)) return "NIBP";
  if (/ART|ABP/.test(id)) return "ABP";
  return "source?";
}

/** The source of a pressure in full, for titles and the bed panel. */
export function pressureSourceWords(refId) {
  return { NIBP: "cuff (NIBP)", ABP: "arterial line (ABP)", "source?": "source unknown" }[pressureSource(refId)];
}

/** RFC 3339 to milliseconds since 1970, NaN when it is no instant. */
export function instantMs(text) {
  return typeof text === "number" ? text : Date.parse(text);
}

function two(number) {
  return String(number).padStart(2, "0");
}

/** hh:mm:ss of the browser's time zone. */
export function clockText(ms) {
  if (!Number.isFinite(ms)) return "--:--:--";
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** hh:mm, for axes and lists. */
export function minuteText(ms) {
  return clockText(ms).slice(0, 5);
}

/** Day and hh:mm of an RFC 3339 instant. */
export function dayTimeText(text) {
  const ms = instantMs(text);
  if (!Number.isFinite(ms)) return "unknown time";
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${minuteText(ms)}`;
}

/** Orders b2 before b10. */
export function compareNatural(a, b) {
  return String(a).localeCompare(String(b), "en", { numeric: true, sensitivity: "base" });
}
