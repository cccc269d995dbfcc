/* The doses of the course: a line of time, and each with when, how much, how long, and why not. */

import { instantMs, dayTimeText, minuteText } from "../format";
import type { Loaded } from "../loading";
import type { Dose } from "../types";

const SIGNS: Record<string, string> = { given: "●", running: "▶", partial: "◐", held: "❚❚", missed: "✕", due: "○" };

function percent(dose: Dose): string {
  return dose.percent_of_order === null ? "" : `${Math.round(dose.percent_of_order)} %`;
}

function minutes(dose: Dose): string {
  if (!dose.started_at || !dose.ended_at) return "";
  return `${Math.round((instantMs(dose.ended_at) - instantMs(dose.started_at)) / 60_000)} min`;
}

function amount(dose: Dose): string {
  return dose.dose_iu === null ? "" : `${(dose.dose_iu / 1_000_000).toFixed(1)} MIU`;
}

export function DoseLine({ doses }: { doses: readonly Dose[] }) {
  return (
    <ol class="dose-line" aria-label="Doses of the course">
      {doses.map((dose, index) => (
        <li key={index} data-status={dose.status} title={`dose ${dose.number}: ${dose.status} ${percent(dose)}`}>
          <span class="dose-sign" aria-hidden="true">{SIGNS[dose.status] ?? "?"}</span>
          <span class="dose-number">{dose.number}</span>
          <span class="dose-when">{minuteText(instantMs(dose.started_at ?? dose.due_at))}</span>
          <span class="unseen">{dose.status}</span>
        </li>
      ))}
    </ol>
  );
}

export function DosesTab({ doses }: { doses: Loaded<Dose[]> }) {
  if (!doses.answer) return <p>{doses.problem || "loading"}</p>;
  if (doses.answer.length === 0) return <p>No course ordered and no dose given. A course is ordered under Stay.</p>;
  return (
    <>
      <h2>Doses</h2>
      {doses.problem && <p class="problem">{doses.problem}</p>}
      <DoseLine doses={doses.answer} />
      <div class="table-wrap" tabIndex={0} role="region" aria-label="Doses">
        <table class="doses">
          <thead><tr><th>Dose</th><th>Status</th><th>Due</th><th>Begun</th><th>Ran</th><th>Amount</th><th>Of order</th><th>Pump</th></tr></thead>
          <tbody>
            {doses.answer.map((dose, index) => (
              <tr key={index} data-status={dose.status}>
                <th scope="row">{dose.number}</th>
                <td>{`${SIGNS[dose.status] ?? ""} ${dose.status}`}{(dose.pauses_s ?? 0) > 0 && ` (paused ${Math.round(dose.pauses_s!)} s)`}</td>
                <td>{dose.due_at ? dayTimeText(dose.due_at).slice(5) : "–"}</td>
                <td>{dose.started_at ? dayTimeText(dose.started_at).slice(5) : "–"}</td>
                <td>{minutes(dose)}</td>
                <td>{amount(dose)}</td>
                <td>{percent(dose)}</td>
                <td>{dose.pump ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
