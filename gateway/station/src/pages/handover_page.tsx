/* Handover sheets, one patient a sheet, for the screen and for paper: what the next shift has to know.
 *
 * A sheet says when it was made and, where a value is not current, how old it is: on paper nothing ages by itself.
 */

import "../bed.css";

import { useMemo } from "preact/hooks";

import { acknowledgement, FLAGS, headline, isNew, ranked } from "../alarms";
import { admissionInFull, alarmsPage, doseDecision, dosesOf } from "../api";
import { readable } from "../evidence_words";
import { dayTimeText, instantMs, instantText, minuteText, pressureSource, signalName, unitText, valueText } from "../format";
import { useLoaded } from "../loading";
import { courseWords, DecisionChip } from "../parts/course_line";
import { readingOf } from "../readings";
import { go } from "../routes";
import { DoseLine } from "../tabs/doses_tab";
import { orderedCriteria } from "../tabs/decision_tab";
import { pumpWords } from "../tabs/signals_tab";
import type { BedFrame } from "../types";
import { allBeds, clock, isLive, keyOf, labelOf } from "../ward";

const VITALS = ["map", "sbp", "dbp", "hr", "spo2", "rr", "temp"] as const;
const STAY = [
  "weight", "weight_gain_pct", "urine_ml_8h", "fluid_balance_ml_24h", "creatinine", "platelets", "bilirubin", "bicarbonate", "troponin",
  "o2_flow", "site:mental_status",
] as const;
const SHIFT_H = 12;

/** On paper a time of yesterday needs its day. */
function whenText(at: string, nowMs: number | null): string {
  const isToday = nowMs !== null && dayTimeText(at).slice(0, 10) === dayTimeText(nowMs).slice(0, 10);
  return isToday ? minuteText(instantMs(at)) : dayTimeText(at).slice(5);
}

function SignalCells({ bed, keys }: { bed: BedFrame; keys: readonly string[] }) {
  return (
    <dl class="sheet-values">
      {keys.filter((key) => bed.signals?.[key]).map((key) => {
        const signal = bed.signals[key]!;
        const reading = readingOf(signal, key, clock);
        const source = ["map", "sbp", "dbp"].includes(key) ? ` ${pressureSource(signal.source)}` : "";
        return (
          <div key={key} data-state={reading.state}>
            <dt>{signalName(key)}</dt>
            <dd><strong>{reading.text}</strong> {unitText(signal.unit)}{source}<span class="under-text">{`at ${whenText(signal.at, clock.now())}${reading.state === "fresh" ? "" : `, ${reading.words}`}`}</span></dd>
          </div>
        );
      })}
    </dl>
  );
}

function Sheet({ bed }: { bed: BedFrame }) {
  const admission = bed.admission!;
  const id = admission.admission_id;
  const madeMs = useMemo(() => clock.now() ?? Date.now(), []);
  const stay = useLoaded(id, () => admissionInFull(id), 60_000);
  const doses = useLoaded(id, () => dosesOf(id), 60_000);
  const decision = useLoaded(id, () => doseDecision(id), 60_000);
  const alarms = useLoaded(id, () => alarmsPage({ admission_id: id, state: "all", since: instantText(madeMs - SHIFT_H * 3_600_000), limit: 50 }), 60_000);
  const open = orderedCriteria(decision.answer?.criteria ?? []).filter((each) => each.state !== "clear");
  const standing = ranked(bed.alarms ?? []);
  return (
    <article class="sheet" data-key={keyOf(bed)}>
      <header class="sheet-head">
        <h1>Bed {labelOf(bed)} <span class="private">{admission.name ?? ""}</span></h1>
        <p><span class="private">{admission.patient_id}</span> · {`admitted ${dayTimeText(admission.admitted_at)} · dosing weight ${admission.dosing_weight_kg} kg · baseline ${admission.baseline_weight_kg} kg`}</p>
        <p class="made">{`made ${dayTimeText(madeMs)}${isLive.value ? "" : " - NOT LIVE: values are old"}`}</p>
      </header>
      {bed.dosing && (
        <section>
          <h2>Next dose</h2>
          <p class="decision-head"><DecisionChip decision={bed.dosing.decision} /> <strong>{bed.dosing.summary}</strong></p>
          <p>{courseWords(bed.dosing)}</p>
          {doses.answer && <DoseLine doses={doses.answer} />}
          {open.length > 0 && (
            <ul class="sheet-list">
              {open.map((each) => <li key={each.id}><strong>{each.state}</strong> {readable(each.text ?? each.title ?? each.id)}{each.state !== "unknown" && each.resume ? `; clears: ${readable(each.resume)}` : ""}</li>)}
            </ul>
          )}
        </section>
      )}
      <section><h2>Now</h2><SignalCells bed={bed} keys={VITALS} /></section>
      <section><h2>Of the stay</h2><SignalCells bed={bed} keys={STAY} /></section>
      <section>
        <h2>Infusions</h2>
        {stay.answer ? <ul class="sheet-list">{(stay.answer.infusions ?? []).map((pump) => <li key={pump.pump}><strong>{pump.pump}</strong> {pumpWords(pump)}</li>)}</ul> : <p>{stay.problem || "loading"}</p>}
      </section>
      <section>
        <h2>Alarms that stand</h2>
        {standing.length === 0 ? <p>None.</p> : (
          <ul class="sheet-list">{standing.map((alarm) => <li key={alarm.alarm_id}><strong>{FLAGS[alarm.priority]} {headline(alarm)}</strong> {alarm.title} · {isNew(alarm) ? "not acknowledged" : acknowledgement(alarm)}{alarm.acknowledged?.note ? `: ${alarm.acknowledged.note}` : ""}</li>)}</ul>
        )}
        {(bed.limits_off ?? []).map((each) => <p key={each.family ?? each.rule_id}>{`⊘ ${each.family ?? each.rule_id} limits off until ${minuteText(instantMs(each.until))}, by ${each.by}: ${each.reason}`}</p>)}
      </section>
      <section>
        <h2>{`Alarms of the last ${SHIFT_H} h`}</h2>
        {alarms.answer ? <ShiftAlarms items={alarms.answer.items} /> : <p>{alarms.problem || "loading"}</p>}
      </section>
      <section class="remarks"><h2>Remarks</h2></section>
      <p class="made">Vigil advises; clinicians decide. Not a certified medical device.</p>
    </article>
  );
}

/** By what they were about: how many, and when the last. */
function ShiftAlarms({ items }: { items: { title: string; priority: "high" | "medium" | "low"; onset_at: string }[] }) {
  const groups = new Map<string, { flag: string; count: number; lastMs: number }>();
  for (const { title, priority, onset_at: at } of items) {
    const known = groups.get(title);
    groups.set(title, { flag: FLAGS[priority], count: (known?.count ?? 0) + 1, lastMs: Math.max(known?.lastMs ?? 0, instantMs(at)) });
  }
  if (groups.size === 0) return <p>None.</p>;
  const rows = [...groups].sort((a, b) => b[1].count - a[1].count);
  return <ul class="sheet-list shift-alarms">{rows.map(([title, { flag, count, lastMs }]) => <li key={title}>{`${flag} ${title}: ${valueText(count, "hr")}, last at ${whenText(instantText(lastMs), clock.now())}`}</li>)}</ul>;
}

export function HandoverPage({ bedKey }: { bedKey: string | null }) {
  const beds = allBeds().filter((bed) => bed.admission && (bedKey === null || keyOf(bed) === bedKey));
  return (
    <main class="sheet-page" id="handover-page" aria-label="Handover">
      <header class="sheet-tools no-print">
        <p>{bedKey === null ? `Handover of the unit: ${beds.length} ${beds.length === 1 ? "patient" : "patients"}` : "Handover of one bed"}</p>
        {bedKey !== null && <button type="button" onClick={() => go("handover")}>All beds</button>}
        <button type="button" class="primary" onClick={() => window.print()}>Print</button>
      </header>
      {beds.length === 0 && <p class="notice">Nobody is admitted.</p>}
      {beds.map((bed) => <Sheet key={bed.admission!.admission_id} bed={bed} />)}
    </main>
  );
}
