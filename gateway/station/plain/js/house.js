/* The line of alarms that are of no patient: the broker is lost, the gateway itself is not well.
 *
 * Rules
 *   - Each alarm has its line, most urgent first, with what is wrong and the unit it is about.
 *   - It is there exactly as long as the gateway says so; acknowledged, it stays, and says by whom.
 */

import { AckButton } from "./acknowledge.js";
import { FLAGS, headline, isNew, priorityOf, ranked } from "./alarms.js";
import { el, setMark } from "./dom.js";

export class HouseBar {
  #root;
  #acknowledger;
  #buttons = new Map();

  constructor({ root, acknowledger }) {
    this.#root = root;
    this.#acknowledger = acknowledger;
  }

  /** @param {object[]} alarms every alarm of the house, as the feed describes it */
  update(alarms) {
    const order = ranked(alarms);
    for (const id of this.#buttons.keys()) if (!order.some((alarm) => alarm.alarm_id === id)) this.#buttons.delete(id);
    this.#root.replaceChildren(...order.map((alarm) => this.#line(alarm)));
    this.#root.hidden = order.length === 0;
  }

  #line(alarm) {
    const words = headline(alarm);
    const seen = isNew(alarm) ? "" : `✓ ${alarm.acknowledged?.by ?? "acknowledged"}`;
    const line = el("p", "house-line", el("span", "line-flag", FLAGS[priorityOf(alarm)]),
      el("span", "house-what", `${alarm.title}: ${words}`), el("span", "house-seen", seen), this.#buttonOf(alarm, words));
    setMark(line, "priority", priorityOf(alarm));
    setMark(line, "standing", isNew(alarm) ? "new" : "acknowledged");
    return line;
  }

  #buttonOf(alarm, words) {
    const made = this.#buttons.get(alarm.alarm_id) ?? new AckButton(this.#acknowledger);
    this.#buttons.set(alarm.alarm_id, made);
    made.show(isNew(alarm) ? alarm : null, words);
    return made.node;
  }
}
