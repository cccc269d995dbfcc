/* How much people are called: alarms per bed and day, by rule, how long they waited (GET /alarm-burden). */

import { useState } from "preact/hooks";

import { FLAGS } from "../alarms";
import { alarmBurden } from "../api";
import { dayTimeText, instantText } from "../format";
import { useLoaded } from "../loading";
import type { AlarmBurden } from "../types";
import { clock, units } from "../ward";

const DAYS = [1, 7, 28] as const;
const DAY_MS = 86_400_000;

function Figure({ words, value, unit = "" }: { words: string; value: number | null; unit?: string }) {
  return <div class="figure"><dt>{words}</dt><dd><strong>{value === null ? "–" : Number(value.toPrecision(3))}</strong> {value === null ? "" : unit}</dd></div>;
}

function Rules({ burden }: { burden: AlarmBurden }) {
  const rows = [...burden.by_rule].sort((a, b) => b.alarms - a.alarms);
  const most = rows[0]?.alarms ?? 1;
  return (
    <table>
      <thead><tr><th>Rule</th><th>Priority</th><th>Alarms</th><th>Per bed and day</th><th class="bar-column"><span class="unseen">Share</span></th></tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.rule_id} ${row.priority}`} data-priority={row.priority}>
            <th scope="row">{row.rule_id}</th>
            <td><span class="line-flag">{FLAGS[row.priority]}</span> {row.priority}</td>
            <td>{row.alarms}</td>
            <td>{row.per_bed_day === null ? "–" : row.per_bed_day}</td>
            <td class="bar-column"><progress class="bar-share" max={most} value={row.alarms} aria-hidden="true" /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function BurdenPage() {
  const [days, setDays] = useState<number>(1);
  const [unit, setUnit] = useState("");
  const { answer, problem } = useLoaded(`${days} ${unit}`, () => {
    const toMs = clock.now() ?? Date.now();
    return alarmBurden(instantText(toMs - days * DAY_MS), instantText(toMs), unit);
  });
  return (
    <main class="sheet-page" id="burden-page" aria-label="Alarm burden">
      <section class="sheet">
        <header class="sheet-head">
          <h1>Alarm burden</h1>
          <p>{answer ? `${dayTimeText(answer.from)} to ${dayTimeText(answer.to)}` : problem || "loading"}</p>
          <button type="button" class="no-print" onClick={() => window.print()}>Print</button>
        </header>
        <div class="filters no-print">
          <div class="hours" role="group" aria-label="Days">
            {DAYS.map((count) => <button key={count} type="button" class="hour" aria-pressed={days === count} onClick={() => setDays(count)}>{count === 1 ? "1 day" : `${count} days`}</button>)}
          </div>
          <label class="search"><span class="unseen">Unit</span>
            <select value={unit} onChange={(change) => setUnit(change.currentTarget.value)}>
              <option value="">all units</option>
              {units.value.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
        </div>
        {answer && (
          <>
            <dl class="figures">
              <Figure words="Alarms per bed and day" value={answer.alarms_per_bed_day} />
              <Figure words="Alarms" value={answer.alarms} />
              <Figure words="Bed-days" value={answer.bed_days} />
              <Figure words="Acknowledged" value={answer.acknowledged} />
              <Figure words="Until acknowledged, median" value={answer.seconds_to_acknowledge.median} unit="s" />
              <Figure words="Until acknowledged, 90 %" value={answer.seconds_to_acknowledge.p90} unit="s" />
              <Figure words="Over within 17 s" value={answer.shorter_than_17_s === null ? null : answer.shorter_than_17_s * 100} unit="%" />
            </dl>
            <Rules burden={answer} />
          </>
        )}
      </section>
    </main>
  );
}
