/* The fluid chart: urine hour by hour, the eight-hour totals against their limits, balance and weight. */

import { fluidsOf, seriesOf } from "../api";
import { clockText, instantMs, unitText } from "../format";
import { useLoaded } from "../loading";
import { readingOf } from "../readings";
import type { BedFrame, Bolus, FluidHour, SeriesRow } from "../types";
import { beat, clock } from "../ward";
import { Pumps } from "./signals_tab";

const HOURS = 24;
const HOURS_LISTED = 12;
const HOUR_MS = 3_600_000;
const FACTS = ["urine_ml_h", "urine_ml_8h", "fluid_balance_ml_24h", "weight", "weight_gain_pct"] as const;

export interface HourBar {
  fromMs: number;
  ml: number | null;
}

/** Urine by the hour: the mean rate of each hour; null where none was told. */
export function hourBars(rows: readonly SeriesRow[], toMs: number): HourBar[] {
  const lastHourMs = Math.floor(toMs / HOUR_MS) * HOUR_MS;
  return Array.from({ length: HOURS }, (_, index) => {
    const fromMs = lastHourMs - (HOURS - 1 - index) * HOUR_MS;
    const within = rows.filter((row) => instantMs(row.t) >= fromMs && instantMs(row.t) < fromMs + HOUR_MS);
    const count = within.reduce((sum, row) => sum + row.n, 0);
    const ml = count > 0 ? within.reduce((sum, row) => sum + row.mean * row.n, 0) / count : null;
    return { fromMs, ml };
  });
}

function UrineChart({ bars }: { bars: HourBar[] }) {
  const most = Math.max(100, ...bars.map((bar) => bar.ml ?? 0));
  return (
    <figure class="urine" role="img" aria-label={`Urine of ${HOURS} hours, up to ${Math.round(most)} mL/h`}>
      <figcaption class="trend-caption"><strong>Urine</strong> {`mL in each hour, 0 to ${Math.round(most)}`}</figcaption>
      <svg viewBox={`0 0 ${HOURS * 20} 100`} preserveAspectRatio="none" class="spark urine-bars">
        {bars.map((bar, index) => (
          <rect
            key={bar.fromMs} class={bar.ml === null ? "bar-none" : bar.ml < 20 ? "bar-low" : "bar"}
            x={index * 20 + 2} width={16} y={bar.ml === null ? 97 : 100 - (bar.ml / most) * 100} height={bar.ml === null ? 3 : Math.max(1, (bar.ml / most) * 100)}
          />
        ))}
      </svg>
      <div class="urine-hours">{bars.filter((_, index) => index % 4 === 0).map((bar) => <span key={bar.fromMs}>{clockText(bar.fromMs).slice(0, 5)}</span>)}</div>
    </figure>
  );
}

/** What is not known is said, never 0; what is known of a part only carries its share of the hour. */
function amountWords(ml: number | null, coverage: number): string {
  if (ml === null) return "not told";
  return `${Math.round(ml)} mL${coverage < 0.8 ? ` (${Math.round(coverage * 100)} % known)` : ""}`;
}

function HoursTable({ hours }: { hours: FluidHour[] }) {
  return (
    <table class="hours-table">
      <caption class="unseen">Intake, urine and balance by the hour</caption>
      <thead><tr><th scope="col">from</th><th scope="col">pumps</th><th scope="col">urine</th><th scope="col">balance</th><th scope="col">of which</th></tr></thead>
      <tbody>
        {hours.map((hour) => (
          <tr key={hour.from}>
            <th scope="row">{clockText(instantMs(hour.from)).slice(0, 5)}</th>
            <td>{amountWords(hour.intake_ml, hour.intake_coverage)}</td>
            <td>{amountWords(hour.urine_ml, hour.urine_coverage)}</td>
            <td>{hour.balance_ml === null ? "not known" : `${hour.balance_ml > 0 ? "+" : ""}${Math.round(hour.balance_ml)} mL`}</td>
            <td>{hour.by_pump.map((share) => `${share.label ?? share.pump} ${Math.round(share.ml)}`).join(", ")}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Boluses({ boluses }: { boluses: Bolus[] }) {
  return (
    <>
      <h2>Boluses</h2>
      <ul class="pump-list boluses">
        {[...boluses].reverse().map((bolus) => (
          <li key={`${bolus.pump} ${bolus.from}`}>
            {`${clockText(instantMs(bolus.from)).slice(0, 5)}–${clockText(instantMs(bolus.to)).slice(0, 5)}  ${Math.round(bolus.ml)} mL ${bolus.label ?? bolus.drug}`}
          </li>
        ))}
      </ul>
    </>
  );
}

export function FluidsTab({ bed }: { bed: BedFrame }) {
  void beat.value;
  const admissionId = bed.admission!.admission_id;
  const hour = Math.floor((clock.now() ?? 0) / HOUR_MS);
  const urine = useLoaded(`${admissionId} urine ${hour}`, () => {
    const toMs = clock.now() ?? Date.now();
    return seriesOf(admissionId, "urine_ml_h", toMs - HOURS * HOUR_MS, toMs, 600);
  });
  const fluids = useLoaded(`${admissionId} fluids ${hour}`, () => fluidsOf(admissionId));
  return (
    <>
      <h2>Fluids</h2>
      <dl class="fluid-facts">
        {FACTS.map((key) => {
          const signal = bed.signals?.[key];
          const reading = readingOf(signal, key, clock);
          return (
            <div key={key} data-state={reading.state}>
              <dt>{NAMES[key]}</dt>
              <dd><strong>{reading.text}</strong> {unitText(signal?.unit)} <span class="under-text">{reading.words}</span></dd>
            </div>
          );
        })}
      </dl>
      {urine.problem && <p class="problem">{urine.problem}</p>}
      {urine.answer && <UrineChart bars={hourBars(urine.answer, clock.now() ?? Date.now())} />}
      <h2>By the hour</h2>
      {fluids.problem && <p class="problem">{fluids.problem}</p>}
      {fluids.answer && <HoursTable hours={fluids.answer.hours.slice(-HOURS_LISTED).reverse()} />}
      {fluids.answer && fluids.answer.boluses.length > 0 && <Boluses boluses={fluids.answer.boluses} />}
      <h2>Infusions</h2>
      <Pumps admissionId={admissionId} />
    </>
  );
}

const NAMES: Record<(typeof FACTS)[number], string> = {
  urine_ml_h: "Urine, last hour", urine_ml_8h: "Urine, 8 h", fluid_balance_ml_24h: "Balance, 24 h", weight: "Weight",
  weight_gain_pct: "Weight gain",
};
