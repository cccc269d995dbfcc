/* What of the stay belongs on the wall: weight gain, fluid balance, urine, the pressor with an arrow. */

import { priorityOf, standingOf } from "../alarms";
import { unitText, valueText } from "../format";
import { readingOf, type Reading } from "../readings";
import type { AlarmFrame, BedFrame } from "../types";
import { clock } from "../ward";

const PRESSORS: readonly (readonly [string, string])[] = [
  ["norepinephrine_ug_kg_min", "Norepi"], ["phenylephrine_ug_kg_min", "Phenyl"],
  ["dopamine_ug_kg_min", "Dopa"], ["vasopressin_u_min", "Vaso"],
];
/** A change of a pressor smaller than this share of it is none. */
const STEADY_SHARE = 0.05;

export interface PressorShown {
  label: string;
  unit: string;
  reading: Reading;
  arrow: string;
  words: string;
}

/** The pressor to show: the one that runs; of several the first, and how many more. */
export function pressorReading(bed: BedFrame): PressorShown | null {
  const running = PRESSORS.filter(([signal]) => {
    const frame = bed.signals?.[signal];
    return frame !== undefined && frame.value !== 0;
  });
  const known = PRESSORS.find(([signal]) => bed.signals?.[signal] !== undefined);
  const shown = running[0] ?? known;
  if (!shown) return null;
  const [signal, label] = shown;
  const frame = bed.signals[signal]!;
  const more = running.length > 1 ? ` +${running.length - 1}` : "";
  const before = bed.dosing?.pressors_hour_ago?.[signal];
  const { arrow, words } = trend(frame.value, before);
  return { label: running.length > 0 ? `${label}${more}` : "Pressor", unit: unitText(frame.unit), reading: readingOf(frame, signal, clock), arrow, words };
}

function trend(value: unknown, before: number | undefined): { arrow: string; words: string } {
  if (typeof value !== "number" || before === undefined) return { arrow: "", words: "" };
  const change = value - before;
  if (Math.abs(change) <= STEADY_SHARE * Math.max(value, before)) return value > 0 ? { arrow: "→", words: "steady for an hour" } : { arrow: "", words: "" };
  return change > 0 ? { arrow: "↑", words: "more than an hour ago" } : { arrow: "↓", words: "less than an hour ago" };
}

interface FactProps {
  label: string;
  signal: string;
  text: string;
  unit: string;
  reading: Reading;
  alarm: AlarmFrame | undefined;
  after?: string;
  title?: string;
}

function Fact({ label, signal, text, unit, reading, alarm, after, title }: FactProps) {
  const isPlain = reading.state === "fresh" || reading.state === "never";
  return (
    <div
      class="fact" data-signal={signal} data-state={reading.state} title={title}
      data-alarm={alarm && priorityOf(alarm)} data-standing={alarm && standingOf(alarm)}
    >
      <span class="label">{label}</span>
      <span class="fact-value">
        <span class="number">{text}</span>
        <span class="unit">{unit}</span>
        {after && <span class="arrow">{after}</span>}
      </span>
      {!isPlain && <span class="words">{reading.words}</span>}
    </div>
  );
}

function signed(reading: Reading, value: unknown): string {
  return typeof value === "number" && value > 0 && reading.text !== "–" ? `+${reading.text}` : reading.text;
}

export function StayFacts({ bed, alarmed, pressor }: {
  bed: BedFrame; alarmed: Map<string, AlarmFrame>; pressor: PressorShown | null;
}) {
  const frame = (key: string) => bed.signals?.[key];
  const read = (key: string) => readingOf(frame(key), key, clock);
  const gain = read("weight_gain_pct");
  const balance = read("fluid_balance_ml_24h");
  const balanceMl = frame("fluid_balance_ml_24h")?.value;
  const litres = typeof balanceMl === "number" && balance.text !== "–" ? valueText(Math.round(balanceMl / 100) / 10, "temp") : "–";
  const urine = read("urine_ml_8h");
  const none: Reading = { state: "never", text: "–", words: "none yet", ageS: Infinity };
  return (
    <div class="facts">
      <Fact label="Weight" signal="weight_gain_pct" text={signed(gain, frame("weight_gain_pct")?.value)} unit="%" reading={gain} alarm={alarmed.get("weight_gain_pct")} />
      <Fact label="Bal 24 h" signal="fluid_balance_ml_24h" text={litres.startsWith("-") || litres === "–" ? litres : `+${litres}`} unit="L" reading={balance} alarm={alarmed.get("fluid_balance_ml_24h")} />
      <Fact label="Urine 8 h" signal="urine_ml_8h" text={urine.text} unit="mL" reading={urine} alarm={alarmed.get("urine_ml_8h")} />
      <Fact
        label={pressor?.label ?? "Pressor"} signal="pressor" text={pressor ? (pressor.reading.text === "0.00" ? "off" : pressor.reading.text) : "–"}
        unit={pressor && pressor.reading.text !== "0.00" ? pressor.unit : ""}
        reading={pressor?.reading ?? none} alarm={alarmed.get("pressor")} after={pressor?.arrow ?? ""}
        {...(pressor ? { title: `${pressor.label} ${pressor.reading.text} ${pressor.unit} ${pressor.words}` } : {})}
      />
    </div>
  );
}
