/* The line over all beds: how many of each priority, and the most urgent one that nobody has acknowledged. */

import { detail, FLAGS, headline, isNew, PRIORITIES, priorityOf, type Placed } from "../alarms";
import type { Priority } from "../types";
import { beat, clock, keyOf, labelOf, placedAlarms } from "../ward";
import { AckButton } from "./ack_button";

function Counter({ priority, found }: { priority: Priority; found: Placed[] }) {
  const unacknowledged = found.filter(({ alarm }) => isNew(alarm)).length;
  const standing = found.length === 0 ? "none" : unacknowledged > 0 ? "new" : "acknowledged";
  return (
    <div class="count" data-priority={priority} data-standing={standing}>
      <span class="count-flag">{FLAGS[priority]}</span>
      <span class="count-number">{found.length}</span>
      <span class="count-words">
        <span class="count-priority">{priority}</span>
        <span class="count-new">{unacknowledged > 0 ? `${unacknowledged} new` : ""}</span>
      </span>
    </div>
  );
}

export function AlarmBar({ onGoTo }: { onGoTo: (key: string) => void }) {
  void beat.value;
  const all = placedAlarms.value;
  const first = all[0] && isNew(all[0].alarm) ? all[0] : null;
  const label = first?.bed ? labelOf(first.bed) : "";
  const what = first ? headline(first.alarm) : all.length > 0 ? "All alarms acknowledged" : "No alarms";
  return (
    <section class="alarmbar" id="alarmbar" aria-label="Alarms of all beds">
      <div class="counts">
        {PRIORITIES.map((priority) => (
          <Counter key={priority} priority={priority} found={all.filter(({ alarm }) => priorityOf(alarm) === priority)} />
        ))}
      </div>
      <button
        type="button"
        class="urgent"
        data-priority={first ? priorityOf(first.alarm) : undefined}
        disabled={!first}
        onClick={() => first?.bed && onGoTo(keyOf(first.bed))}
      >
        <span class="urgent-bed">{label}</span>
        <span class="urgent-words">
          <span class="urgent-what">{what}</span>
          <span class="urgent-detail">{first ? detail(first.alarm, clock) : ""}</span>
        </span>
      </button>
      {first && <AckButton alarm={first.alarm} words={`${label} ${headline(first.alarm)}`} />}
    </section>
  );
}
