/* An alarm in a list; opened, it says why it came and what happened to it. */

import { useState } from "preact/hooks";

import { acknowledgement, FLAGS, headline, priorityOf, standingOf } from "../alarms";
import { alarmInFull } from "../api";
import { clockText, dayTimeText, instantMs } from "../format";
import { secondText } from "../evidence_words";
import { useLoaded } from "../loading";
import type { AlarmFrame } from "../types";
import { Evidence } from "./evidence";

const STANDING_WORDS = { ended: "ended", new: "not acknowledged", acknowledged: "acknowledged" };

function Why({ alarm }: { alarm: AlarmFrame }) {
  const question = `${alarm.alarm_id} ${alarm.signal} ${alarm.condition}`;
  const { answer, problem } = useLoaded(question, () => alarmInFull(alarm.alarm_id));
  if (!answer) return <div class="line-body">{problem || "loading"}</div>;
  return (
    <div class="line-body">
      <p class="line-title">{`${answer.title} · ${answer.rule_id}`}</p>
      {answer.acknowledged && <p>{`${acknowledgement(answer)}${answer.acknowledged.note ? `: ${answer.acknowledged.note}` : ""}`}</p>}
      <h3>Why</h3>
      <Evidence value={answer.evidence ?? null} />
      <h3>What happened to it</h3>
      <ol class="steps">
        {(answer.transitions ?? []).map((step) => (
          <li key={step.n}><time dateTime={step.at} title={step.at}>{secondText(step.at)}</time>{` ${step.phase}: ${step.from} → ${step.to}, by ${step.actor}`}</li>
        ))}
      </ol>
      {(answer.deliveries ?? []).length > 0 && <h3>Who was told</h3>}
      <ol class="steps">
        {(answer.deliveries ?? []).map((each, index) => (
          <li key={index}>{`${each.receiver}: ${each.phase} ${each.state}${each.remark ? `, ${each.remark}` : ""}`}</li>
        ))}
      </ol>
    </div>
  );
}

export function AlarmLine({ alarm, where, hasDay = false }: { alarm: AlarmFrame; where?: string; hasDay?: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const standing = standingOf(alarm);
  const when = hasDay ? dayTimeText(alarm.onset_at) : clockText(instantMs(alarm.onset_at));
  return (
    <details
      class="alarm-line" data-alarm={alarm.alarm_id} data-priority={priorityOf(alarm)} data-standing={standing}
      onToggle={(toggle) => setOpen(toggle.currentTarget.open)}
    >
      <summary>
        <span class="line-flag">{FLAGS[priorityOf(alarm)]}</span>
        <span class="unseen">{priorityOf(alarm)}</span>
        <span class="line-when">{when}</span>
        {where && <span class="line-where">{where}</span>}
        <span class="line-what">{headline(alarm)}</span>
        <span class="line-standing">{STANDING_WORDS[standing]}</span>
      </summary>
      {isOpen && <Why alarm={alarm} />}
    </details>
  );
}
