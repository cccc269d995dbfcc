/* What the codes of metrics are called (IEEE 11073-10101, LOINC, the site's own).
 *
 * `metric_names.json` is checked against the gateway's nomenclature (tests/contract), so that the two cannot drift.
 */

import names from "./metric_names.json";

const NAMES: Readonly<Record<string, string>> = names;
const CODE = /^(MDC_[A-Z0-9_]+|(loinc|site):\S+)$/;

/** Whether a text is the code of a metric, known or not. */
export function isCode(text: string): boolean {
  return CODE.test(text);
}

/** The metric's plain name; null for a code that has none here. */
export function metricName(code: string): string | null {
  return Object.hasOwn(NAMES, code) ? NAMES[code]! : null;
}
