/* Whatever JSON an alarm gives as its evidence, laid out as terms and descriptions. Text only, bounded in depth and length.
 *
 * Instants are local, with the exact one as their title; a code stands behind the metric's plain name (`evidence_words.ts`).
 */

import type { ComponentChildren } from "preact";

import { orderedEntries, pieceOf, termOf, type Piece } from "../evidence_words";

const DEEPEST = 4;
const MOST_ENTRIES = 40;

function isPlain(value: unknown): boolean {
  return value === null || typeof value !== "object";
}

/** A set of rules in one line: which, and the beginning of its hash. */
function isRules(value: unknown): value is { id: string; version: string; sha256: string } {
  return typeof value === "object" && value !== null && Object.keys(value).sort().join() === "id,sha256,version";
}

function Plain({ piece }: { piece: Piece }) {
  if (piece.kind === "instant") return <time dateTime={piece.exact} title={piece.exact}>{piece.text}</time>;
  if (piece.kind === "code") return <span>{piece.text} <code class="code">{piece.exact}</code></span>;
  return <span title={piece.exact}>{piece.text}</span>;
}

interface EvidenceProps {
  value: unknown;
  /** What it is of, and the unit of the piece that it stands in. */
  name?: string;
  unit?: string;
  depth?: number;
}

export function Evidence({ value, name = "", unit = "", depth = 0 }: EvidenceProps): ComponentChildren {
  if (isPlain(value)) return <Plain piece={pieceOf(name, value, unit)} />;
  if (isRules(value)) return <span title={`sha256 ${value.sha256}`}>{`${value.id} v${value.version} (sha256 ${value.sha256.slice(0, 12)}…)`}</span>;
  if (depth >= DEEPEST) return <span>{JSON.stringify(value)}</span>;
  if (Array.isArray(value)) return <Entries entries={value} name={name} unit={unit} depth={depth} />;
  const own = (value as { unit?: unknown }).unit;
  return (
    <dl class="evidence">
      {orderedEntries(value as object).slice(0, MOST_ENTRIES).map(([key, entry]) => (
        <div key={key} class="evidence-row" data-term={key}>
          <dt>{termOf(key)}</dt>
          <dd><Evidence value={entry} name={key} unit={typeof own === "string" ? own : ""} depth={depth + 1} /></dd>
        </div>
      ))}
    </dl>
  );
}

function Entries({ entries, name, unit, depth }: { entries: unknown[]; name: string; unit: string; depth: number }) {
  const more = entries.length > MOST_ENTRIES ? `and ${entries.length - MOST_ENTRIES} more` : "";
  const shown = entries.slice(0, MOST_ENTRIES);
  const isList = shown.some((entry) => !isPlain(entry));
  return (
    <ul class={isList ? "evidence-list" : "evidence-words"}>
      {shown.map((entry, index) => <li key={index}><Evidence value={entry} name={name} unit={unit} depth={depth + 1} /></li>)}
      {more && <li>{more}</li>}
    </ul>
  );
}
