/* Whatever JSON an alarm gives as its evidence, laid out as terms and descriptions. Text only, bounded in depth and length. */

import type { ComponentChildren } from "preact";

const DEEPEST = 4;
const MOST_ENTRIES = 40;

function termText(key: string): string {
  return String(key).replaceAll("_", " ");
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== "object";
}

export function Evidence({ value, depth = 0 }: { value: unknown; depth?: number }): ComponentChildren {
  if (isPlain(value)) return <span>{value === null || value === undefined ? "none" : String(value)}</span>;
  if (depth >= DEEPEST) return <span>{JSON.stringify(value)}</span>;
  if (Array.isArray(value)) return <Entries entries={value} depth={depth} />;
  return (
    <dl class="evidence">
      {Object.entries(value as object).slice(0, MOST_ENTRIES).map(([key, entry]) => (
        <div key={key} class="evidence-row"><dt>{termText(key)}</dt><dd><Evidence value={entry} depth={depth + 1} /></dd></div>
      ))}
    </dl>
  );
}

function Entries({ entries, depth }: { entries: unknown[]; depth: number }) {
  const more = entries.length > MOST_ENTRIES ? `, and ${entries.length - MOST_ENTRIES} more` : "";
  const shown = entries.slice(0, MOST_ENTRIES);
  if (shown.every(isPlain)) return <span>{shown.join(", ") + more}</span>;
  return (
    <ul class="evidence-list">
      {shown.map((entry, index) => <li key={index}><Evidence value={entry} depth={depth + 1} /></li>)}
      {more && <li>{more.slice(2)}</li>}
    </ul>
  );
}
