/* One sector a bed: numerals, their ages, the course, devices, the bed's alarms.
 *
 * Rules
 *   - Every sector has the same places for the same things, filled or not: a value is found without looking for it.
 *   - Values are redrawn from the bed's last frame at every beat, so that age and staleness never wait for the network.
 *   - All lamps of one priority flash together (`flashTogether`).
 */

import type { Signal } from "@preact/signals";

import { cellOf, detail, FLAGS, hasGone, headline, isNew, pauseLeftS, priorityOf, ranked, standingOf } from "../alarms";
import { instantMs, minutesText, minuteText, pressureSource, unitText } from "../format";
import { freshnessOf, pairOf, readingOf, type Freshness, type Reading } from "../readings";
import { go } from "../routes";
import type { AlarmFrame, BedFrame } from "../types";
import { beat, clock, isLive, keyOf, labelOf } from "../ward";
import { AckButton } from "./ack_button";
import { CourseLine } from "./course_line";
import { SparkLine } from "./spark_line";
import { pressorReading, StayFacts } from "./stay_facts";

const MAJOR = [
  { key: "map", label: "MAP", unit: "mmHg" },
  { key: "hr", label: "HR", unit: "/min" },
  { key: "spo2", label: "SpO₂", unit: "%" },
] as const;
const MINOR = [
  { key: "bp", label: "Sys/Dia", unit: "mmHg" },
  { key: "rr", label: "RR", unit: "/min" },
  { key: "temp", label: "Temp", unit: "°C" },
] as const;

const NOT_LIVE: Freshness = { level: "old", words: "not live" };
/** Alarms named beside the most urgent one; further ones are counted. */
const MOST_OTHERS = 2;

/** A wall of lamps out of step is a wall nobody can look at: every flash counts from the same instant. */
export function flashTogether(root: HTMLElement): void {
  root.addEventListener("animationstart", (start) => {
    for (const animation of (start.target as HTMLElement).getAnimations()) animation.startTime = 0;
  });
}

/** Long alarm texts are set smaller, the longest on two lines: none is cut short while there is room. */
function lengthOf(words: string): string | undefined {
  if (words.length <= 16) return undefined;
  return words.length <= 22 ? "long" : "longer";
}

type CellReadings = Record<string, Reading>;

function readingsOf(bed: BedFrame): CellReadings {
  const read = (key: string): Reading => readingOf(bed.signals?.[key], key, clock);
  return {
    map: read("map"), hr: read("hr"), spo2: read("spo2"), rr: read("rr"), temp: read("temp"),
    bp: pairOf(read("sbp"), read("dbp")),
  };
}

/** Sources of the pressures; the pair names its own only where it differs from the mean's. */
function sourcesOf({ signals = {} }: BedFrame): Record<string, string | undefined> {
  const pair = signals.sbp ?? signals.dbp;
  const mean = signals.map && pressureSource(signals.map.source);
  const pairSource = pair && pressureSource(pair.source);
  return { map: mean, bp: pairSource === mean ? undefined : pairSource };
}

interface CellProps {
  label: string;
  signal: string;
  unit: string;
  reading: Reading;
  source: string | undefined;
  alarm: AlarmFrame | undefined;
  rank: "major" | "minor";
}

function Cell({ label, signal, unit, reading, source, alarm, rank }: CellProps) {
  const isSourced = source !== undefined && reading.state !== "never" && reading.state !== "withheld";
  const words = <span class="words">{isSourced ? `${source} · ${reading.words}` : reading.words}</span>;
  const number = <span class="number">{reading.text}</span>;
  const marks = {
    "data-signal": signal, "data-state": reading.state,
    "data-alarm": alarm ? priorityOf(alarm) : undefined, "data-standing": alarm ? standingOf(alarm) : undefined,
  };
  if (rank === "major") {
    return (
      <div class="cell major" {...marks}>
        <span class="label">{label} <span class="unit">{unit}</span></span>
        {number}
        {words}
      </div>
    );
  }
  return (
    <div class="cell minor" {...marks}>
      <span class="label">{label}</span>
      {words}
      <span class="numeral">{number}<span class="unit">{unit}</span></span>
    </div>
  );
}

function Values({ bed, readings, alarmed }: { bed: BedFrame; readings: CellReadings; alarmed: Map<string, AlarmFrame> }) {
  const sources = sourcesOf(bed);
  const cell = (shape: { key: string; label: string; unit: string }, rank: "major" | "minor") => {
    const frame = bed.signals?.[shape.key] ?? (shape.key === "bp" ? bed.signals?.sbp : undefined);
    const unit = frame ? unitText(frame.unit) || shape.unit : shape.unit;
    return (
      <Cell
        key={shape.key} rank={rank} label={shape.label} signal={shape.key} unit={unit}
        reading={readings[shape.key]!} source={sources[shape.key]} alarm={alarmed.get(shape.key)}
      />
    );
  };
  return <div class="values">{MAJOR.map((shape) => cell(shape, "major"))}{MINOR.map((shape) => cell(shape, "minor"))}</div>;
}

function Devices({ bed }: { bed: BedFrame }) {
  const devices = bed.devices ?? [];
  const off = devices.filter((device) => device.state !== "online");
  const on = devices.length - off.length;
  const words = off.length > 0 ? `+${on}` : on === 1 ? "1 device" : `${on} devices`;
  return (
    <span class="devices">
      {/* Limits that somebody switched off are never off unseen: which, until when, and by whom. */}
      {(bed.limits_off ?? []).map((each) => (
        <span key={each.family ?? each.rule_id} class="device" data-state="limits-off" title={each.reason}>
          {`⊘ ${each.family ?? each.rule_id} limits off until ${minuteText(instantMs(each.until))}, ${each.by}`}
        </span>
      ))}
      {off.map((device) => (
        <span key={device.device} class="device" data-state="off">{`✕ ${device.device} ${device.state}`}</span>
      ))}
      {devices.length === 0 ? <span class="device">no devices</span> : on > 0 && <span class="device">{words}</span>}
    </span>
  );
}

function Others({ others, explained }: { others: AlarmFrame[]; explained: number }) {
  return (
    <span class="others">
      {others.slice(0, MOST_OTHERS).map((alarm) => (
        <span key={alarm.alarm_id} class="other" data-priority={priorityOf(alarm)} data-standing={standingOf(alarm)}>
          {`${FLAGS[priorityOf(alarm)]} ${headline(alarm)}`}
        </span>
      ))}
      {others.length > MOST_OTHERS && <span class="more">{`+${others.length - MOST_OTHERS}`}</span>}
      {explained > 0 && <span class="explained" title="Held back: the alarm that stands explains them">{`${explained} explained`}</span>}
    </span>
  );
}

/** The most urgent alarm of the bed, or that there is none. */
function Strip({ bed, label, first, fresh }: { bed: BedFrame; label: string; first: AlarmFrame | undefined; fresh: Freshness }) {
  void beat.value;
  const words = stripWords(bed, first, fresh);
  const pausedS = first && isNew(first) ? pauseLeftS(first, clock) : 0;
  return (
    <div class="strip">
      <span class="flag">{first ? FLAGS[priorityOf(first)] : ""}</span>
      <span class="says">
        <span class="what" data-length={lengthOf(words)}>{words}</span>
        <span class="detail">{first ? detail(first, clock) : calmDetail(bed, fresh)}</span>
      </span>
      {pausedS > 0 && <span class="paused" title="The sound of this alarm is paused">{`🔇 ${minutesText(pausedS)}`}</span>}
      {first && isNew(first) && <AckButton alarm={first} words={`${label} ${headline(first)}`} />}
      {!first && !bed.admission && (
        <button
          type="button"
          class="admit"
          onClick={(click) => {
            click.stopPropagation();
            go("admit", keyOf(bed));
          }}
        >
          Admit
        </button>
      )}
    </div>
  );
}

function stripWords(bed: BedFrame, first: AlarmFrame | undefined, fresh: Freshness): string {
  if (first) return headline(first);
  if (!bed.admission) return "Not admitted";
  if (fresh === NOT_LIVE) return "Alarms unknown";
  return fresh.level === "current" ? "No alarms" : "No alarms, values missing";
}

function calmDetail(bed: BedFrame, fresh: Freshness): string {
  if (!bed.admission) return "no alarms are evaluated";
  if (fresh === NOT_LIVE) return "the display is not live";
  return fresh.level === "current" ? "" : "see the ages above";
}

/** By cell, the most urgent alarm about it. */
function alarmedCells(alarms: AlarmFrame[]): Map<string, AlarmFrame> {
  const alarmed = new Map<string, AlarmFrame>();
  // A latched alarm whose condition has gone says nothing about the value on the screen now.
  for (const alarm of alarms.filter((each) => !hasGone(each)).reverse()) {
    const cell = cellOf(alarm);
    if (cell !== null) alarmed.set(cell, alarm);
  }
  return alarmed;
}

export function Sector({ bed: source }: { bed: Signal<BedFrame> }) {
  void beat.value;
  const bed = source.value;
  const label = labelOf(bed);
  const alarms = ranked(bed.alarms ?? []);
  const [first, ...others] = alarms;
  const readings = readingsOf(bed);
  const fresh = isLive.value ? freshnessOf(Object.values(readings)) : NOT_LIVE;
  const alarmed = alarmedCells(alarms);
  const name = bed.admission ? (bed.admission.name ?? bed.admission.patient_id) : "";
  return (
    <article
      class="sector"
      data-admitted={bed.admission ? "yes" : "no"}
      data-priority={first && priorityOf(first)}
      data-standing={first && standingOf(first)}
      data-gone={first && hasGone(first) ? "yes" : undefined}
      data-key={keyOf(bed)}
      onClick={() => go("bed", keyOf(bed))}
    >
      <span class="lamp" aria-hidden="true" />
      <div class="face">
        <header class="head">
          <button type="button" class="bed" aria-label={`Bed ${label}, open details`}>{label}</button>
          <span class="name">{name}</span>
          <span class="fresh"><span class="light" data-level={fresh.level} /><span class="fresh-words">{fresh.words}</span></span>
        </header>
        <Values bed={bed} readings={readings} alarmed={alarmed} />
        <div class="stay">
          {bed.admission ? <SparkLine admissionId={bed.admission.admission_id} /> : <span class="spark-none" />}
          <StayFacts bed={bed} alarmed={alarmed} pressor={pressorReading(bed)} />
        </div>
        <CourseLine bed={bed} />
        <div class="under"><Devices bed={bed} /><Others others={others} explained={(bed.explained ?? []).length} /></div>
        <Strip bed={bed} label={label} first={first} fresh={fresh} />
      </div>
    </article>
  );
}
