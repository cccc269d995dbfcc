/* What this browser remembers between visits: who acts here, names hidden, theme, sound. Losing it costs nothing. */

const PREFIX = "vigil.";

export function remembered(name: string, otherwise: string): string {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise; // storage may be switched off by policy
  }
}

export function remember(name: string, text: string): void {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // Storage may be switched off by policy: the setting then lasts as long as the page.
  }
}
