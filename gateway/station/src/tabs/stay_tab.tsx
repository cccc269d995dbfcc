/* The stay itself: its facts, the course of doses, transfer and discharge. */

import { useRef, useState } from "preact/hooks";

import { admissionInFull, discharge, orderCourse, transfer, wordsOf } from "../api";
import { dayTimeText, signalName } from "../format";
import { useLoaded } from "../loading";
import { localMinute, NumberField, numbersOf, TextField, textOf, type NumberShape } from "../parts/fields";
import { go } from "../routes";
import { Barred } from "../parts/sign_in";
import { whyNot, type Act } from "../session";
import { tell } from "../telling";
import type { AdmissionInFull, BedFrame } from "../types";
import { clock, isLive, keyOf } from "../ward";

const COURSE: readonly NumberShape[] = [
  { name: "dose_iu_per_kg", label: "Dose, IU/kg", low: 1, high: 10_000_000, step: 1, required: true, value: "600000" },
  { name: "interval_h", label: "Interval, h", low: 0.5, high: 168, step: 0.5, required: true, value: "8" },
  { name: "max_doses", label: "Doses", low: 1, high: 100, step: 1, required: true, value: "14" },
  { name: "duration_min", label: "Duration of a dose, min", low: 1, high: 1440, step: 1, required: true, value: "15" },
  { name: "cycle", label: "Cycle (optional)", low: 1, high: 100, step: 1 },
];
const PLACE = "[A-Za-z0-9_\\-]{1,32}";

function pairs(numbers: Record<string, number>): string {
  return Object.entries(numbers).map(([name, value]) => `${signalName(name)} ${value}`).join(", ") || "none";
}

function Facts({ stay }: { stay: AdmissionInFull }) {
  const rows: [string, string][] = [
    ["Admission", stay.admission_id], ["Profile of criteria", stay.profile ?? "the gateway's default"],
    ["Baseline", pairs(stay.baseline ?? {})], ["Own limits", pairs(stay.limits ?? {})],
    ["Admitted", dayTimeText(stay.admitted_at)],
  ];
  return <dl class="evidence">{rows.map(([term, words]) => <div key={term} class="evidence-row"><dt>{term}</dt><dd>{words}</dd></div>)}</dl>;
}

/** A form that does one thing, and says whether it did. */
function Doing({ title, id, act, children, confirm, action, onSubmit }: {
  title: string; id: string; act: Act; children?: preact.ComponentChildren; confirm?: string; action: string;
  onSubmit: (form: HTMLFormElement) => Promise<string>;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState("");
  const [confirmed, setConfirmed] = useState(confirm === undefined);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (!confirmed) {
      setConfirmed(true);
      setProblem(confirm!);
      return;
    }
    try {
      tell(await onSubmit(form.current!));
      setProblem("");
    } catch (error) {
      setProblem(`${action}: not done. ${wordsOf(error)}`);
    } finally {
      setConfirmed(confirm === undefined);
    }
  }
  return (
    <form class="doing" id={id} ref={form} onSubmit={submit}>
      <fieldset>
        <legend>{title}</legend>
        {children && <div class="fields">{children}</div>}
        <p class="problem" role="alert">{problem}</p>
        <Barred act={act} />
        <div class="ask-buttons"><button type="submit" class={confirmed && confirm !== undefined ? "primary" : ""} disabled={!isLive.value || whyNot(act) !== ""}>{action}</button></div>
      </fieldset>
    </form>
  );
}

export function StayTab({ bed }: { bed: BedFrame }) {
  const admissionId = bed.admission!.admission_id;
  const stay = useLoaded(admissionId, () => admissionInFull(admissionId));
  const [openedMs] = useState(() => clock.now() ?? Date.now());

  async function order(form: HTMLFormElement): Promise<string> {
    const first = new Date(textOf(form, "first_dose_at")).toISOString();
    await orderCourse(admissionId, { drug: textOf(form, "drug"), ...numbersOf(form, COURSE), first_dose_at: first });
    return "Course ordered";
  }
  async function move(form: HTMLFormElement): Promise<string> {
    const to = { unit: textOf(form, "unit"), bed: textOf(form, "bed") };
    await transfer(admissionId, to);
    go("bed", keyOf(to));
    return `Transferred to ${to.unit} ${to.bed}`;
  }
  async function leave(): Promise<string> {
    await discharge(admissionId);
    go("ward");
    return "Discharged";
  }
  return (
    <>
      {stay.answer ? <Facts stay={stay.answer} /> : <p>{stay.problem || "loading"}</p>}
      <p><button type="button" onClick={() => go("handover", keyOf(bed))}>Handover sheet</button></p>
      <Doing title="Order a course" id="order-course" act="order_course" action="Order" onSubmit={order}>
        <TextField name="drug" label="Drug" value="aldesleukin" required />
        {COURSE.map((shape) => <NumberField key={shape.name} {...shape} />)}
        <label class="field"><span>First dose</span>
          <input type="datetime-local" name="first_dose_at" required defaultValue={localMinute(openedMs + 2 * 3_600_000)} />
        </label>
      </Doing>
      <Doing title="Transfer to another bed" id="transfer" act="transfer" action="Transfer" onSubmit={move}>
        <TextField name="unit" label="Unit" value={bed.unit} required pattern={PLACE} />
        <TextField name="bed" label="Bed" required pattern={PLACE} />
      </Doing>
      <Doing title="Discharge" id="discharge" act="discharge" action="Discharge" confirm="This ends the stay: no alarms are evaluated for this patient any more. Touch again to discharge." onSubmit={leave} />
    </>
  );
}
