/* What the gateway sends, as far as the page uses it (contract, sections 3, 4, 6, 7). What may be absent is optional. */

export type Priority = "high" | "medium" | "low";
export type Validity = "valid" | "questionable" | "invalid" | "calibrating" | "not_available";

export interface SignalFrame {
  value: number | string | null;
  unit?: string;
  at: string;
  source?: string;
  device?: string | null;
  validity: Validity;
  artefact?: string | null;
  fresh_for_s: number;
}

export interface AlarmPart {
  rule_id: string;
  title: string;
  priority: Priority;
  condition: string;
  text: string;
}

export interface AlarmFrame {
  alarm_id: string;
  rule_id: string;
  family: string;
  title: string;
  kind: "physiological" | "technical";
  priority: Priority;
  condition: "present" | "indeterminate" | "absent";
  signal: "on" | "latched" | "acknowledged" | "off";
  onset_at: string;
  announced_at: string;
  signalled_at?: string;
  cleared_at?: string;
  text?: string;
  evidence?: { text?: string } & Record<string, unknown>;
  acknowledged?: { by: string; at: string; note: string | null };
  audio_paused_until?: string;
  escalation_level?: number;
  next_escalation_at?: string | null;
  flapping?: boolean;
  parts?: AlarmPart[];
  inhibited_by?: string | null;
  unit?: string | null;
  bed?: string | null;
  admission_id?: string | null;
}

export interface Transition {
  n: number;
  at: string;
  phase: string;
  from: string;
  to: string;
  actor: string;
}

export interface AlarmInFull extends AlarmFrame {
  transitions?: Transition[];
  deliveries?: { receiver: string; phase: string; state: string; due_at: string; remark?: string | null }[];
}

export interface DeviceFrame {
  device: string;
  kind: string;
  model?: string | null;
  state: string;
  last_seen_at?: string | null;
  clock_offset_s?: number | null;
}

export interface LimitsOff {
  family?: string;
  rule_id?: string;
  rules: string[];
  reason: string;
  by: string;
  since: string;
  until: string;
}

export interface Explained {
  rule_id: string;
  text: string;
  inhibited_by: string;
}

export interface AdmissionFrame {
  admission_id: string;
  patient_id: string;
  name: string | null;
  admitted_at: string;
  baseline_weight_kg: number;
  dosing_weight_kg: number;
}

export type DecisionWord = "proceed" | "hold" | "discontinue" | "indeterminate";

export interface DosingFrame {
  decision: DecisionWord;
  computed: DecisionWord;
  summary: string;
  doses_begun: number;
  doses_held: number;
  max_doses: number | null;
  last: { number: number; started_at: string; ended_at: string | null; status: string } | null;
  next: { number: number; due_at: string } | null;
  pressors_hour_ago?: Record<string, number>;
}

export interface BedFrame {
  unit: string;
  bed: string;
  admission: AdmissionFrame | null;
  signals: Record<string, SignalFrame>;
  alarms: AlarmFrame[];
  devices: DeviceFrame[];
  limits_off?: LimitsOff[];
  explained?: Explained[];
  dosing?: DosingFrame | null;
}

export interface ServiceState {
  journal?: string;
  lag_s?: number;
  why?: string;
}

export interface Frame {
  type: "snapshot" | "delta" | "heartbeat";
  n: number;
  at: string;
  version?: string;
  clock_speed?: number;
  beds?: BedFrame[];
  removed?: string[];
  house_alarms?: AlarmFrame[];
  service?: ServiceState;
}

export interface Dose {
  number: number;
  due_at: string | null;
  started_at: string | null;
  ended_at: string | null;
  volume_ml: number | null;
  dose_iu: number | null;
  percent_of_order: number | null;
  pump: string | null;
  status: string;
  pauses_s?: number;
}

export interface Criterion {
  id: string;
  class: string;
  title?: string;
  state: "met" | "recovering" | "clear" | "unknown";
  resumable?: boolean;
  since: string | null;
  value: number | string | null;
  unit: string;
  limit: number | string | null;
  source_signal: string | null;
  source?: string | null;
  at: string | null;
  coverage: number | null;
  resume: string | null;
  reference: string | null;
  verified?: boolean;
  required?: boolean;
  text?: string;
}

export interface DoseDecision {
  decision: DecisionWord;
  computed: DecisionWord;
  evaluated_at: string;
  profile: { id: string; version: string; sha256: string };
  next_dose: { number: number; due_at: string; gate: string } | null;
  summary: string;
  signature?: {
    decision: string; computed: string; by: string; at: string; reason: string | null; override: boolean; stands: boolean;
  } | null;
  criteria: Criterion[];
}

export interface Infusion {
  pump: string;
  drug: string | null;
  label: string | null;
  is_charted: boolean;
  is_infusing: boolean;
  is_silent: boolean;
  infusing_since: string | null;
  rate_ml_h: number | null;
  dose_rate: number | null;
  dose_unit: string | null;
  concentration: number | string | null;
  concentration_unit: string | null;
  delivered_ml: number | null;
  to_be_infused_ml: number | null;
  at: string | null;
}

export interface AdmissionInFull {
  admission_id: string;
  patient_id: string;
  name: string | null;
  unit: string;
  bed: string;
  profile: string | null;
  limits: Record<string, number>;
  baseline: Record<string, number>;
  baseline_weight_kg: number;
  dosing_weight_kg: number;
  admitted_at: string;
  discharged_at: string | null;
  infusions?: Infusion[];
}

/** Null where nobody knows. */
export interface FluidHour {
  from: string;
  to: string;
  intake_ml: number | null;
  intake_coverage: number;
  urine_ml: number | null;
  urine_coverage: number;
  balance_ml: number | null;
  by_pump: { pump: string; drug: string | null; label: string | null; ml: number }[];
}

export interface Bolus {
  pump: string;
  drug: string;
  label: string | null;
  from: string;
  to: string;
  ml: number;
}

export interface FluidChart {
  hours: FluidHour[];
  boluses: Bolus[];
}

export interface SeriesRow {
  t: string;
  min: number;
  mean: number;
  max: number;
  n: number;
}

export interface AlarmBurden {
  from: string;
  to: string;
  unit: string | null;
  bed_days: number;
  alarms: number;
  alarms_per_bed_day: number | null;
  by_rule: { rule_id: string; priority: Priority; alarms: number; per_bed_day: number | null }[];
  acknowledged: number;
  seconds_to_acknowledge: { median: number | null; p90: number | null };
  shorter_than_17_s: number | null;
}
