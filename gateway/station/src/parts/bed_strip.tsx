/* The bed's present values and its most urgent alarm, in a line under the head of its page. */

import { detail, FLAGS, headline, isNew, pauseLeftS, priorityOf, ranked, standingOf } from "../alarms";
import { pauseAudio, wordsOf } from "../api";
import { minutesText, pressureSource, unitText } from "../format";
import { pairOf, readingOf, type Reading } from "../readings";
import { whyNot } from "../session";
import { tell } from "../telling";
import type { AlarmFrame, BedFrame } from "../types";
import { beat, clock, isLive, labelOf } from "../ward";
import { AckButton } from "./ack_button";

const PAUSE_S = 120;

function Value({ label, reading, unit, source }: { label: string; reading: Reading; unit: string; source?: string | undefined }) {
  return (
    <div class="strip-value" data-state={reading.state}>
      <span class="label">{label}</span>
      <span class="number">{reading.text}</span>
      <span class="unit">{unit}</span>
      <span class="words">{source && reading.state !== "never" ? `${source} · ${reading.words}` : reading.words}</span>
    </div>
  );
}

/** Pauses the sound of the present alarms of a bed; while paused, the time left, and the way to end it. */
export function PauseButton({ bed }: { bed: BedFrame }) {
  void beat.value;
  const pausedS = Math.max(0, ...(bed.alarms ?? []).map((alarm) => pauseLeftS(alarm, clock)));
  const admissionId = bed.admission!.admission_id;
  const barred = whyNot("pause_audio");
  const sounding = (bed.alarms ?? []).filter(isNew).length;
  async function pause(seconds: number): Promise<void> {
    try {
      await pauseAudio(admissionId, seconds);
    } catch (error) {
      tell(`Sound not ${seconds > 0 ? "paused" : "resumed"}: ${wordsOf(error)}`);
    }
  }
  return (
    <button
      type="button" class="pause" id="pause" data-paused={pausedS > 0 ? "yes" : "no"} disabled={!isLive.value || (pausedS === 0 && sounding === 0) || barred !== ""}
      title={barred || undefined}
      onClick={() => void pause(pausedS > 0 ? 0 : PAUSE_S)}
    >
      {pausedS > 0 ? `🔇 Paused ${minutesText(pausedS)} · resume` : "Pause sound 2 min"}
    </button>
  );
}

function Alarm({ bed, alarm }: { bed: BedFrame; alarm: AlarmFrame | undefined }) {
  void beat.value;
  if (!alarm) return <p class="bed-alarm">{isLive.value ? "No alarms" : "Alarms unknown: the display is not live"}</p>;
  return (
    <p class="bed-alarm" data-priority={priorityOf(alarm)} data-standing={standingOf(alarm)}>
      <span class="line-flag">{FLAGS[priorityOf(alarm)]}</span>
      <span class="bed-alarm-what"><strong>{headline(alarm)}</strong><span>{detail(alarm, clock)}</span></span>
      {isNew(alarm) && <AckButton alarm={alarm} words={`${labelOf(bed)} ${headline(alarm)}`} />}
    </p>
  );
}

export function BedStrip({ bed }: { bed: BedFrame }) {
  void beat.value;
  const frame = (key: string) => bed.signals?.[key];
  const read = (key: string) => readingOf(frame(key), key, clock);
  const source = (key: string) => {
    const found = frame(key);
    return found ? pressureSource(found.source) : undefined;
  };
  const [first] = ranked(bed.alarms ?? []);
  return (
    <div class="bed-strip">
      <Value label="MAP" reading={read("map")} unit="mmHg" source={source("map")} />
      <Value label="Sys/Dia" reading={pairOf(read("sbp"), read("dbp"))} unit="mmHg" source={source("sbp")} />
      <Value label="HR" reading={read("hr")} unit="/min" />
      <Value label="SpO₂" reading={read("spo2")} unit="%" />
      <Value label="RR" reading={read("rr")} unit="/min" />
      <Value label="Temp" reading={read("temp")} unit={unitText("Cel")} />
      {bed.admission && <Alarm bed={bed} alarm={first} />}
      {bed.admission && <PauseButton bed={bed} />}
    </div>
  );
}
