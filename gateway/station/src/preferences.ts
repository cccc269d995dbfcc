/* Choices of whoever stands at this display, kept by the browser (`settings.ts`), as signals. */

import { effect, signal } from "@preact/signals";

import { remember, remembered } from "./settings";

export const actorName = signal(remembered("actor", ""));
export const namesHidden = signal(remembered("names", "shown") === "hidden");
/** Whether this display sounds alarms; a browser lets it only after a touch. */
export const soundWanted = signal(remembered("sound", "on") === "on");

const lightPreferred = matchMedia("(prefers-color-scheme: light)");
const systemTheme = signal(lightPreferred.matches ? "light" : "dark");
const chosenTheme = signal(remembered("theme", ""));

/** Who acts here, as the audit will say. */
export function actor(): string {
  return actorName.value || "station";
}

export function theme(): string {
  return chosenTheme.value || systemTheme.value;
}

export function changeActor(name: string): void {
  actorName.value = name;
  remember("actor", name);
}

export function toggleNames(): void {
  namesHidden.value = !namesHidden.value;
  remember("names", namesHidden.value ? "hidden" : "shown");
}

export function toggleSound(): void {
  soundWanted.value = !soundWanted.value;
  remember("sound", soundWanted.value ? "on" : "off");
}

export function toggleTheme(): void {
  chosenTheme.value = theme() === "dark" ? "light" : "dark";
  remember("theme", chosenTheme.value);
}

/** Keeps the document in the theme chosen, and follows the system until somebody chooses. */
export function showPreferences(): void {
  lightPreferred.addEventListener("change", (change) => (systemTheme.value = change.matches ? "light" : "dark"));
  effect(() => {
    document.documentElement.dataset.theme = theme();
  });
  effect(() => {
    document.body.classList.toggle("names-hidden", namesHidden.value);
  });
}
