/* The one line in which the page answers whoever touched it. */

import { signal } from "@preact/signals";

const TOLD_MS = 6000;

export const told = signal("");
let timer = 0;

export function tell(words: string): void {
  told.value = words;
  clearTimeout(timer);
  timer = window.setTimeout(() => (told.value = ""), TOLD_MS);
}
