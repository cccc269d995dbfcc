/* One bed: trends beside everything else there is to know and to do about the patient. */

import "../bed.css";

import { useMemo, useState } from "preact/hooks";

import { alarmsOf, dosesOf } from "../api";
import { dayTimeText } from "../format";
import { useLoaded } from "../loading";
import { DecisionChip, courseWords } from "../parts/course_line";
import { TrendsPanel } from "../parts/trends_panel";
import { go } from "../routes";
import { AlarmsTab } from "../tabs/alarms_tab";
import { ChartTab } from "../tabs/chart_tab";
import { DecisionTab } from "../tabs/decision_tab";
import { DosesTab } from "../tabs/doses_tab";
import { FluidsTab } from "../tabs/fluids_tab";
import { SignalsTab } from "../tabs/signals_tab";
import { StayTab } from "../tabs/stay_tab";
import type { BedFrame } from "../types";
import { beat, bedSignal, isPlaced, labelOf, order } from "../ward";
import { BedStrip } from "../parts/bed_strip";

const TABS = ["Alarms", "Decision", "Doses", "Chart", "Fluids", "Signals", "Stay"] as const;
type TabName = (typeof TABS)[number];

/** The tab that an arrow key leads to; null for any other key. */
function tabAfter(tab: TabName, key: string): TabName | null {
  const to: Record<string, number> = { ArrowRight: TABS.indexOf(tab) + 1, ArrowLeft: TABS.indexOf(tab) - 1, Home: 0, End: -1 };
  const at = to[key];
  return at === undefined ? null : TABS.at(at % TABS.length)!;
}

/** What makes the list of alarms worth fetching again. */
function alarmState(bed: BedFrame): string {
  return (bed.alarms ?? []).map((alarm) => `${alarm.alarm_id} ${alarm.signal} ${alarm.condition}`).join();
}

function doseState(bed: BedFrame): string {
  const { last, next, doses_begun: begun, max_doses: most } = bed.dosing ?? {};
  return [last?.number, last?.status, last?.ended_at, next?.number, begun, most].join();
}

export function BedPage({ bedKey }: { bedKey: string }) {
  void order.value; // a bed may come and go
  const source = bedSignal(bedKey);
  if (!source) return <GoneBed bedKey={bedKey} />;
  return <BedView key={source.value.admission?.admission_id ?? "none"} bed={source.value} />;
}

function GoneBed({ bedKey }: { bedKey: string }) {
  return (
    <section class="empty" aria-label="Bed">
      <h1>{isPlaced.value ? `No bed ${bedKey.replace("/", " ")}` : "Waiting for the gateway"}</h1>
      <p>{isPlaced.value ? "No device reports from it and nobody is admitted to it." : ""}</p>
      <button type="button" class="primary" onClick={() => go("ward")}>All beds</button>
    </section>
  );
}

/** Back to the ward; from a field only out of the field, so that nothing typed is lost. */
function leave(key: KeyboardEvent): void {
  const from = key.target as HTMLElement;
  if (from.matches("input, select, textarea")) from.blur();
  else go("ward");
}

function BedView({ bed }: { bed: BedFrame }) {
  const [tab, setTab] = useState<TabName>(bed.admission ? "Alarms" : "Signals");
  return (
    <main class="bed-page" id="bed-page" aria-label="Bed" onKeyDown={(key) => key.key === "Escape" && leave(key)}>
      <BedHead bed={bed} />
      {bed.admission ? <Admitted bed={bed} tab={tab} onTab={setTab} /> : <NotAdmitted bed={bed} />}
    </main>
  );
}

function BedHead({ bed }: { bed: BedFrame }) {
  void beat.value;
  const admission = bed.admission;
  return (
    <header class="bed-head">
      <h1>Bed <span class="bed-head-name">{labelOf(bed)}</span></h1>
      {admission && (
        <p class="bed-patient">
          <strong class="private">{admission.name ?? "no name"}</strong>
          <span class="private">{admission.patient_id}</span>
          <span>{`admitted ${dayTimeText(admission.admitted_at)}`}</span>
          <span>{`dosing weight ${admission.dosing_weight_kg} kg, baseline ${admission.baseline_weight_kg} kg`}</span>
        </p>
      )}
      {bed.dosing && (
        <p class="bed-course"><DecisionChip decision={bed.dosing.decision} /> <span>{courseWords(bed.dosing)}</span></p>
      )}
      <button type="button" class="close" autofocus onClick={() => go("ward")}>All beds</button>
      <BedStrip bed={bed} />
    </header>
  );
}

function NotAdmitted({ bed }: { bed: BedFrame }) {
  return (
    <div class="bed-columns">
      <section class="bed-tabs">
        <p class="notice">Not admitted. No alarms are evaluated and no trends are kept for a patient.</p>
        <button type="button" class="primary" onClick={() => go("admit", `${bed.unit}/${bed.bed}`)}>Admit a patient</button>
        <SignalsTab bed={bed} infusions={null} />
      </section>
    </div>
  );
}

function Admitted({ bed, tab, onTab }: { bed: BedFrame; tab: TabName; onTab: (tab: TabName) => void }) {
  const admissionId = bed.admission!.admission_id;
  const alarms = useLoaded(`${admissionId} ${alarmState(bed)}`, () => alarmsOf(admissionId));
  const doses = useLoaded(`${admissionId} ${doseState(bed)}`, () => dosesOf(admissionId));
  const knownAlarms = useMemo(() => alarms.answer ?? bed.alarms ?? [], [alarms.answer]);
  const knownDoses = useMemo(() => doses.answer ?? [], [doses.answer]);
  function walk(key: KeyboardEvent): void {
    const next = tabAfter(tab, key.key);
    if (next === null) return;
    key.preventDefault();
    onTab(next);
    document.getElementById(`tab-${next}`)?.focus();
  }
  return (
    <div class="bed-columns">
      <TrendsPanel bed={bed} alarms={knownAlarms} doses={knownDoses} />
      <section class="bed-tabs">
        <div class="tabs" role="tablist" aria-label="About this bed" onKeyDown={walk}>
          {TABS.map((name) => (
            <button
              key={name} type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="tab-body"
              tabIndex={tab === name ? 0 : -1} onClick={() => onTab(name)}
            >
              {name}
            </button>
          ))}
        </div>
        <div class="tab-body" id="tab-body" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
          {tab === "Alarms" && <AlarmsTab bed={bed} alarms={alarms} />}
          {tab === "Decision" && <DecisionTab bed={bed} />}
          {tab === "Doses" && <DosesTab doses={doses} />}
          {tab === "Chart" && <ChartTab bed={bed} />}
          {tab === "Fluids" && <FluidsTab bed={bed} />}
          {tab === "Signals" && <SignalsTab bed={bed} infusions={admissionId} />}
          {tab === "Stay" && <StayTab bed={bed} />}
        </div>
      </section>
    </div>
  );
}
