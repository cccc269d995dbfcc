/* Says each alarm to a screen reader once for each time it is announced: high ones at once, the others when it has
 * finished speaking. */

import { effect, signal } from "@preact/signals";

import { announcementKey, headline, isNew, priorityOf, type Placed } from "../alarms";
import { labelOf, placedAlarms } from "../ward";

const high = signal("");
const other = signal("");
let said = new Set<string>();

function words({ bed, alarm }: Placed): string {
  const where = bed ? `bed ${labelOf(bed)}` : "the station";
  return `${priorityOf(alarm)}: ${where}, ${headline(alarm)}`;
}

export function startAnnouncing(): void {
  effect(() => {
    const news = placedAlarms.value.filter(({ alarm }) => isNew(alarm));
    const unsaid = news.filter(({ alarm }) => !said.has(announcementKey(alarm)));
    said = new Set(news.map(({ alarm }) => announcementKey(alarm)));
    if (unsaid.length === 0) return;
    const urgent = unsaid.filter(({ alarm }) => priorityOf(alarm) === "high");
    const rest = unsaid.filter(({ alarm }) => priorityOf(alarm) !== "high");
    if (urgent.length > 0) high.value = urgent.map(words).join(". ");
    if (rest.length > 0) other.value = rest.map(words).join(". ");
  });
}

export function Announcer() {
  return (
    <>
      <p class="unseen" id="announce-high" role="alert">{high}</p>
      <p class="unseen" id="announce-other" role="status">{other}</p>
    </>
  );
}
