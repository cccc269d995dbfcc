/* Which changes of a bed may wait a moment to be drawn: numbers and their times, nothing else. Pure.
 *
 * Nobody reads a numeral that changes four times a second, and drawing 32 beds is what this page costs. Whatever else a
 * frame brings - an alarm, a decision, a device that went, a value that is doubtful now - is drawn with the frame.
 */

import type { BedFrame } from "./types";

/** What of a bed is drawn at once when it changes, as text to compare. */
export function urgentPartOf({ signals, devices, ...rest }: BedFrame): string {
  const trust = Object.entries(signals ?? {}).map(
    ([name, { value, at: _at, ...about }]) => [name, typeof value === "number" ? "a number" : value, about]);
  const states = (devices ?? []).map(({ device, state }) => [device, state]);
  return JSON.stringify([rest, trust, states]);
}
