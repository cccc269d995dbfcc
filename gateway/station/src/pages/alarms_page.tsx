/* All alarms: those that stand, and what was, with filters. */

import { useState } from "preact/hooks";

import { FLAGS, passes, PRIORITIES, type Filters } from "../alarms";
import { alarmsPage } from "../api";
import { useLoaded } from "../loading";
import { instantText } from "../format";
import { AlarmLine } from "../parts/alarm_line";
import { clock, placedAlarms } from "../ward";

const HOURS = [1, 8, 24, 168] as const;
const LIMIT = 200;

function Choice<T extends string | number>({ label, values, chosen, words, onChoose }: {
  label: string; values: readonly T[]; chosen: T; words: (value: T) => string; onChoose: (value: T) => void;
}) {
  return (
    <div class="hours" role="group" aria-label={label}>
      {values.map((value) => (
        <button key={value} type="button" class="hour" aria-pressed={value === chosen} onClick={() => onChoose(value)}>{words(value)}</button>
      ))}
    </div>
  );
}

export function AlarmsPage() {
  const [filters, setFilters] = useState<Filters>({ hours: 8, priority: "all", kind: "all", standing: "all", text: "" });
  const change = (some: Partial<Filters>) => setFilters((before) => ({ ...before, ...some }));
  const standing = placedAlarms.value.map(({ alarm }) => `${alarm.alarm_id} ${alarm.signal} ${alarm.condition}`).join();
  const { answer, problem } = useLoaded(`${filters.hours} ${standing}`, () => {
    const sinceMs = (clock.now() ?? Date.now()) - filters.hours * 3_600_000;
    return alarmsPage({ state: "all", since: instantText(sinceMs), limit: LIMIT });
  });
  const found = (answer?.items ?? []).filter((alarm) => passes(alarm, filters));
  return (
    <main class="sheet-page" id="alarms-page" aria-label="Alarms of all beds">
      <section class="sheet">
        <header class="sheet-head">
          <h1>Alarms</h1>
          <p>{answer ? `${found.length} of ${answer.items.length}${answer.next ? " (the latest)" : ""}` : problem || "loading"}</p>
        </header>
        <div class="filters">
          <Choice label="Since" values={HOURS} chosen={filters.hours} words={(hours) => (hours < 48 ? `${hours} h` : `${hours / 24} d`)} onChoose={(hours) => change({ hours })} />
          <Choice label="Priority" values={["all", ...PRIORITIES] as const} chosen={filters.priority} words={(each) => (each === "all" ? "all" : `${FLAGS[each]} ${each}`)} onChoose={(priority) => change({ priority })} />
          <Choice label="Kind" values={["all", "physiological", "technical"] as const} chosen={filters.kind} words={(each) => each} onChoose={(kind) => change({ kind })} />
          <Choice label="Standing" values={["all", "active", "ended"] as const} chosen={filters.standing} words={(each) => each} onChoose={(which) => change({ standing: which })} />
          <label class="search"><span class="unseen">Search</span>
            <input type="search" placeholder="Bed, rule, words" value={filters.text} onInput={(input) => change({ text: input.currentTarget.value })} />
          </label>
        </div>
        {problem && answer && <p class="problem">{problem}</p>}
        <div class="alarm-list">
          {answer && found.length === 0 && <p>None.</p>}
          {found.map((alarm) => <AlarmLine key={alarm.alarm_id} alarm={alarm} hasDay where={alarm.bed ? `${alarm.unit} ${alarm.bed}` : "the gateway"} />)}
        </div>
      </section>
    </main>
  );
}
