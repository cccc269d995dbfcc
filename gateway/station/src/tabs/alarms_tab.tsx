/* The alarms of this stay: those that stand, what they explain, limits that are off, and what was. */

import { useState } from "preact/hooks";

import { headline } from "../alarms";
import { switchLimitsOff, wordsOf } from "../api";
import { dayTimeText, instantMs, minuteText } from "../format";
import type { Loaded } from "../loading";
import { AlarmLine } from "../parts/alarm_line";
import { Barred } from "../parts/sign_in";
import { whyNot } from "../session";
import { tell } from "../telling";
import type { AlarmFrame, BedFrame } from "../types";

const FAMILIES = ["hypotension", "hypertension", "tachycardia", "bradycardia", "desaturation", "respiratory", "temperature"];

function LimitsOffForm({ bed }: { bed: BedFrame }) {
  const [family, setFamily] = useState(FAMILIES[0]!);
  const [minutes, setMinutes] = useState(15);
  const [reason, setReason] = useState("");
  const admissionId = bed.admission!.admission_id;
  async function change(which: string, why: string, seconds: number): Promise<void> {
    try {
      await switchLimitsOff(admissionId, which, why, seconds);
      setReason("");
    } catch (error) {
      tell(`Limits not changed: ${wordsOf(error)}`);
    }
  }
  return (
    <>
      {(bed.limits_off ?? []).map((each) => (
        <p key={each.family ?? each.rule_id} class="off-line">
          {`⊘ ${each.family ?? each.rule_id} off until ${minuteText(instantMs(each.until))}, by ${each.by}: ${each.reason}`}
          {each.family && <button type="button" disabled={whyNot("switch_limits_off") !== ""} onClick={() => void change(each.family!, "switched on again", 0)}>On again</button>}
        </p>
      ))}
      <details class="folded">
        <summary>Switch limits off for a while</summary>
        <form
          class="fields"
          onSubmit={(submit) => {
            submit.preventDefault();
            void change(family, reason, minutes * 60);
          }}
        >
          <label class="field"><span>Limits of</span>
            <select value={family} onChange={(change_) => setFamily(change_.currentTarget.value)}>
              {FAMILIES.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
          <label class="field"><span>Minutes</span>
            <select value={minutes} onChange={(change_) => setMinutes(Number(change_.currentTarget.value))}>
              {[5, 15, 30, 60].map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
          <label class="field"><span>Reason</span>
            <input value={reason} required maxLength={200} onInput={(input) => setReason(input.currentTarget.value)} />
          </label>
          <button type="submit" disabled={whyNot("switch_limits_off") !== ""}>Switch off</button>
        </form>
        <Barred act="switch_limits_off" />
      </details>
    </>
  );
}

/** The alarm that stands of that rule in its own words; the rule's id where there is none. */
function wordsFor(bed: BedFrame, ruleId: string): string {
  const alarm = (bed.alarms ?? []).find((each) => each.rule_id === ruleId);
  return alarm ? headline(alarm) : ruleId;
}

export function AlarmsTab({ bed, alarms }: { bed: BedFrame; alarms: Loaded<AlarmFrame[]> }) {
  const explained = bed.explained ?? [];
  const list = alarms.answer;
  return (
    <>
      {explained.length > 0 && (
        <section class="explained-list">
          <h2>Held back: explained by an alarm that stands</h2>
          <ul>{explained.map((each) => <li key={each.rule_id}>{`${each.text} (explained by ${wordsFor(bed, each.inhibited_by)})`}</li>)}</ul>
        </section>
      )}
      <LimitsOffForm bed={bed} />
      <h2>Alarms of this stay, since {dayTimeText(bed.admission!.admitted_at)}</h2>
      {alarms.problem && <p class="problem">{alarms.problem}</p>}
      <div class="alarm-list">
        {list === null ? "loading" : list.length === 0 ? "None so far." : list.map((alarm) => <AlarmLine key={alarm.alarm_id} alarm={alarm} hasDay />)}
      </div>
    </>
  );
}
