/* JSON from the gateway without the signs that would let a device's or a person's text change how the words around it read.
 *
 * Signs that turn the direction of writing act on everything that follows in the line: with one of them in a drug's label the
 * rate beside it would read backwards. They, and controls, are shown as U+FFFD. Marks (U+200E, U+200F) turn nothing and stay.
 */

const RAW = /[\u202a-\u202e\u2066-\u2069\u007f]/g;
/** An escaped backslash, which is passed over, or one of the signs, escaped. */
const ESCAPED = /\\(?:\\|u(?:00[01][0-9a-f]|007f|202[a-e]|206[6-9]))/gi;
const HAS_ANY = /[\u202a-\u202e\u2066-\u2069\u007f]|\\u(?:00[01]|007f|202|206)/i;

/** The text of a JSON document, mended. Almost always it is returned as it came. */
export function plainJson(text: string): string {
  if (!HAS_ANY.test(text)) return text;
  return text.replace(RAW, "\ufffd").replace(ESCAPED, (found) => (found === "\\\\" ? found : "\ufffd"));
}
