/* What has been touched and not yet sent, with the place for a note and the way back. */

import { releaseNote, sendNow, takeBack, touched, undoLeftMs, writeNote } from "../acknowledging";
import { beat } from "../ward";

export function AckTray() {
  void beat.value;
  if (touched.value.length === 0) return null;
  return (
    <section class="ack-tray" id="ack-tray" aria-label="Being acknowledged">
      {touched.value.map((one) => (
        <form
          key={one.alarmId}
          class="ack-line"
          onSubmit={(submit) => {
            submit.preventDefault();
            sendNow(one.alarmId);
          }}
        >
          <span class="ack-words">
            Acknowledging <strong>{one.words}</strong>
            <span class="ack-left">{one.isHeld ? "waits for the note" : `in ${Math.ceil(undoLeftMs(one.alarmId) / 1000)} s`}</span>
          </span>
          <label class="ack-note">
            <span class="unseen">Note</span>
            <input
              placeholder="Note (optional)"
              maxLength={500}
              value={one.note}
              onFocus={() => writeNote(one.alarmId, one.note)}
              onInput={(input) => writeNote(one.alarmId, input.currentTarget.value)}
              onBlur={() => releaseNote(one.alarmId)}
            />
          </label>
          <button type="button" class="undo" onClick={() => takeBack(one.alarmId)}>Undo</button>
          <button type="submit" class="primary">Send now</button>
        </form>
      ))}
    </section>
  );
}
