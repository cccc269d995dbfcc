/* Whatever JSON an alarm gives as its evidence, laid out as terms and descriptions. Text only, bounded in depth and length. */

import { el } from "./dom.js";

const DEEPEST = 4;
const MOST_ENTRIES = 40;

function termText(key) {
  return String(key).replaceAll("_", " ");
}

function isPlain(value) {
  return value === null || typeof value !== "object";
}

/** An element showing `value`. */
export function evidenceOf(value, depth = 0) {
  if (isPlain(value)) return el("span", "", value === null ? "none" : String(value));
  if (depth >= DEEPEST) return el("span", "", JSON.stringify(value));
  if (Array.isArray(value)) return listOf(value, depth);
  const list = el("dl", "evidence");
  for (const [key, entry] of Object.entries(value).slice(0, MOST_ENTRIES)) {
    list.append(el("dt", "", termText(key)), el("dd", "", evidenceOf(entry, depth + 1)));
  }
  return list;
}

function listOf(entries, depth) {
  const more = entries.length > MOST_ENTRIES ? `, and ${entries.length - MOST_ENTRIES} more` : "";
  const shown = entries.slice(0, MOST_ENTRIES);
  if (shown.every(isPlain)) return el("span", "", shown.join(", ") + more);
  const list = el("ul", "evidence-list");
  for (const entry of shown) list.append(el("li", "", evidenceOf(entry, depth + 1)));
  if (more) list.append(el("li", "", more.slice(2)));
  return list;
}
