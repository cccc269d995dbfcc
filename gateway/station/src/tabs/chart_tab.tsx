/* Charting: what a person measured or saw (POST …/observations). Only what is filled in is sent.
 *
 * What is impossible is not sent; what is unlikely is asked about once before it is.
 */

import { useRef, useState } from "preact/hooks";

import { chart, wordsOf } from "../api";
import { doubtsAbout, GROUPS, metricsOf, NUMBERS, STATES } from "../charting";
import { instantMs, minuteText, unitText, valueText } from "../format";
import { localMinute } from "../parts/fields";
import { Barred } from "../parts/sign_in";
import { whyNot } from "../session";
import { tell } from "../telling";
import type { BedFrame } from "../types";
import { clock, isLive } from "../ward";

function last(bed: BedFrame, signal: string | null): string {
  const frame = signal ? bed.signals?.[signal] : undefined;
  if (!frame || frame.value === null) return "";
  return `${valueText(frame.value, signal!)} at ${minuteText(instantMs(frame.at))}`;
}

export function ChartTab({ bed }: { bed: BedFrame }) {
  const admissionId = bed.admission!.admission_id;
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState("");
  const [confirmed, setConfirmed] = useState(false);
  const [openedMs] = useState(() => clock.now() ?? Date.now());

  function typed(): Map<string, string> {
    const entries = [...new FormData(form.current!).entries()];
    return new Map(entries.filter(([name]) => name !== "time").map(([name, text]) => [name, String(text)]));
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const { metrics, problems } = metricsOf(typed());
    const doubts = doubtsAbout(metrics, bed);
    if (problems.length > 0) return setProblem(`Not charted: ${problems.join("; ")}.`);
    if (Object.keys(metrics).length === 0) return setProblem("Nothing is filled in.");
    if (doubts.length > 0 && !confirmed) {
      setConfirmed(true);
      return setProblem(`Is this right? ${doubts.join("; ")}. Touch again to chart it.`);
    }
    const local = String(new FormData(form.current!).get("time") ?? "");
    const atMs = local === localMinute(openedMs) ? (clock.now() ?? openedMs) : new Date(local).getTime();
    try {
      await chart(admissionId, new Date(atMs).toISOString(), metrics);
      tell(`Charted ${Object.keys(metrics).length} ${Object.keys(metrics).length === 1 ? "value" : "values"}`);
      form.current!.reset();
      setProblem("");
      setConfirmed(false);
    } catch (error) {
      setProblem(`Not charted: ${wordsOf(error)}`);
    }
    return undefined;
  }

  return (
    <form class="chart-form" ref={form} noValidate onSubmit={submit} onInput={() => setConfirmed(false)}>
      <label class="field chart-time"><span>Determined at</span>
        <input type="datetime-local" name="time" defaultValue={localMinute(openedMs)} required />
      </label>
      {GROUPS.map((group) => (
        <fieldset key={group}>
          <legend>{group}</legend>
          <div class="fields">
            {NUMBERS.filter((each) => each.group === group).map((each) => (
              <label key={each.ref_id} class="field">
                <span>{`${each.title}, ${unitText(each.unit)}`}</span>
                <input name={each.ref_id} inputMode="decimal" autocomplete="off" maxLength={10} placeholder={`${each.low} to ${each.high}`} />
                <span class="under-text">{last(bed, each.signal)}</span>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
      <fieldset>
        <legend>Charted states</legend>
        <div class="fields">
          {STATES.map((each) => (
            <label key={each.ref_id} class="field">
              <span>{each.title}</span>
              <select name={each.ref_id}>
                <option value="">–</option>
                {each.values.map((value) => <option key={value} value={value}>{value.replaceAll("_", " ")}</option>)}
              </select>
              <span class="under-text">{last(bed, each.signal)}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <div class="chart-send">
        <p class="problem" role="alert">{problem}</p>
        <Barred act="chart" />
        <button type="submit" class="primary" disabled={!isLive.value || whyNot("chart") !== ""}>{confirmed ? "It is right, chart it" : "Chart"}</button>
      </div>
    </form>
  );
}
