/* The line of alarms that are of no patient: the broker is lost, the gateway itself is not well.
 *
 * Rules
 *   - Each alarm has its line, most urgent first, with what is wrong and the unit it is about.
 *   - It is there exactly as long as the gateway says so; acknowledged, it stays, and says by whom.
 */

import { acknowledgement, FLAGS, headline, isNew, priorityOf, ranked, standingOf } from "../alarms";
import { house } from "../ward";
import { AckButton } from "./ack_button";

export function HouseBar() {
  const alarms = ranked(house.value);
  return (
    <section class="house" id="house" aria-label="Alarms of the gateway" role="status" hidden={alarms.length === 0}>
      {alarms.map((alarm) => (
        <p key={alarm.alarm_id} class="house-line" data-priority={priorityOf(alarm)} data-standing={standingOf(alarm)}>
          <span class="line-flag">{FLAGS[priorityOf(alarm)]}</span>
          <span class="house-what">{`${alarm.title}: ${headline(alarm)}`}</span>
          <span class="house-seen">{isNew(alarm) ? "" : acknowledgement(alarm)}</span>
          {isNew(alarm) && <AckButton alarm={alarm} words={headline(alarm)} />}
        </p>
      ))}
    </section>
  );
}
