/* The form that admits a patient to a bed (POST /admissions), beside the ward.
 *
 * Weights decide doses and alarms, and a pound taken for a kilogram is the classic error: both weights are asked for in
 * kg, within the range of people, and two weights far apart are asked about before they are sent.
 */

import { useEffect, useRef, useState } from "preact/hooks";

import { admit, profiles, wordsOf } from "../api";
import { NumberField, TextField, numbersOf, textOf, type NumberShape } from "../parts/fields";
import { Barred } from "../parts/sign_in";
import { go } from "../routes";
import { whyNot } from "../session";
import { WardPage } from "./ward_page";

const BASELINE: readonly NumberShape[] = [
  { name: "sbp", label: "Systolic pressure, mmHg", low: 30, high: 300, step: 1 },
  { name: "map", label: "MAP, mmHg", low: 20, high: 250, step: 1 },
  { name: "hr", label: "Heart rate, /min", low: 20, high: 300, step: 1 },
  { name: "creatinine", label: "Creatinine, mg/dL", low: 0.1, high: 25, step: 0.01 },
];
const LIMITS: readonly NumberShape[] = [
  { name: "sbp_alarm", label: "Systolic alarm below, mmHg", low: 30, high: 300, step: 1 },
  { name: "map_alarm", label: "MAP alarm below, mmHg", low: 20, high: 250, step: 1 },
  { name: "sbp_hold", label: "Hold dose below systolic, mmHg", low: 30, high: 300, step: 1 },
  { name: "hr_high", label: "Heart rate alarm above, /min", low: 20, high: 300, step: 1 },
  { name: "hr_low", label: "Heart rate alarm below, /min", low: 20, high: 300, step: 1 },
  { name: "spo2_low", label: "SpO₂ alarm below, %", low: 40, high: 100, step: 1 },
];
const WEIGHTS: readonly NumberShape[] = [
  { name: "dosing_weight_kg", label: "Dosing weight, kg", low: 25, high: 300, step: 0.1, required: true },
  { name: "baseline_weight_kg", label: "Baseline weight, kg", low: 25, high: 300, step: 0.1, required: true },
];
/** The dosing weight and the baseline weight of one patient differ by this share only by mistake. */
const WEIGHTS_APART = 0.2;
const PLACE = "[A-Za-z0-9_\\-]{1,32}";

interface Weights {
  dosing_weight_kg?: number;
  baseline_weight_kg?: number;
}

/** What to ask about before weights are believed; null when nothing. */
export function weightsDoubt({ dosing_weight_kg: dosing = 0, baseline_weight_kg: baseline = 0 }: Weights): string | null {
  if (Math.abs(dosing - baseline) / Math.max(dosing, baseline) <= WEIGHTS_APART) return null;
  return `The two weights differ by more than ${WEIGHTS_APART * 100} %: ${dosing} kg and ${baseline} kg. ` +
    "Is one of them in pounds? Touch again to admit all the same.";
}

function admissionOf(form: HTMLFormElement) {
  const limits = numbersOf(form, LIMITS);
  const name = textOf(form, "name");
  const profile = textOf(form, "profile");
  return {
    patient_id: textOf(form, "patient_id"), unit: textOf(form, "unit"), bed: textOf(form, "bed"),
    ...numbersOf(form, WEIGHTS) as Weights,
    baseline: numbersOf(form, BASELINE),
    ...(name ? { name } : {}),
    ...(profile ? { profile } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

export function AdmitPage({ bedKey }: { bedKey: string | null }) {
  return (
    <>
      <WardPage />
      <aside class="panel" id="panel" aria-label="Admit a patient" onKeyDown={(key) => key.key === "Escape" && go("ward")}>
        <header class="panel-head">
          <div>
            <h1>Admit a patient</h1>
            <p class="panel-under">Alarms are evaluated from the moment of admission.</p>
          </div>
          <button type="button" class="close" onClick={() => go("ward")}>Close</button>
        </header>
        <AdmitForm bedKey={bedKey} />
      </aside>
    </>
  );
}

function AdmitForm({ bedKey }: { bedKey: string | null }) {
  const [unit = "", bed = ""] = bedKey?.split("/") ?? [];
  const form = useRef<HTMLFormElement>(null);
  const [offered, setOffered] = useState<{ id: string; title?: string }[]>([]);
  const [problem, setProblem] = useState("");
  const [confirmed, setConfirmed] = useState(false);
  const [isSending, setSending] = useState(false);

  useEffect(() => {
    profiles().then(setOffered, () => undefined /* the default stands without the list */);
    const fields = [...(form.current?.elements ?? [])] as HTMLInputElement[];
    fields.find((field) => field.name && field.required && !field.value)?.focus();
  }, []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const admission = admissionOf(form.current!);
    const doubt = weightsDoubt(admission);
    if (doubt && !confirmed) {
      setProblem(doubt);
      setConfirmed(true);
      return;
    }
    setSending(true);
    try {
      await admit(admission);
      go("ward");
    } catch (error) {
      setProblem(`Not admitted: ${wordsOf(error)}`);
    } finally {
      setSending(false);
    }
  }

  return (
    <form class="admit-form" ref={form} onSubmit={submit} onInput={() => setConfirmed(false)}>
      <fieldset>
        <legend>Patient and bed</legend>
        <div class="fields">
          <TextField name="unit" label="Unit" value={unit} required pattern={PLACE} />
          <TextField name="bed" label="Bed" value={bed} required pattern={PLACE} />
          <TextField name="patient_id" label="Patient id" required />
          <TextField name="name" label="Name (optional)" />
          {WEIGHTS.map((shape) => <NumberField key={shape.name} {...shape} />)}
        </div>
      </fieldset>
      <fieldset>
        <legend>Baseline before the first dose (as far as known)</legend>
        <div class="fields">{BASELINE.map((shape) => <NumberField key={shape.name} {...shape} />)}</div>
      </fieldset>
      <details class="folded">
        <summary>Limits of this patient (the profile's, where left empty)</summary>
        <div class="fields">{LIMITS.map((shape) => <NumberField key={shape.name} {...shape} />)}</div>
      </details>
      <label class="field">
        <span>Profile of criteria</span>
        <select name="profile">
          <option value="">The gateway's default</option>
          {offered.map((each) => <option key={each.id} value={each.id}>{each.title ?? each.id}</option>)}
        </select>
      </label>
      <p class="problem" role="alert">{problem}</p>
      <Barred act="admit" />
      <div class="ask-buttons">
        <button type="submit" class="primary" disabled={isSending || whyNot("admit") !== ""}>{confirmed ? "Weights are right, admit" : "Admit"}</button>
      </div>
    </form>
  );
}
