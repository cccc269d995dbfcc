"""Alarms about the stay and the infusions, from messages to transitions, through the ward."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from alerts.alarm import Alarm
from alerts.ward import Ward
from gateway.frames import admission_state
from gateway.rulesets import load_rulebook
from streaming.commands import Course, Sign
from streaming.effects import SamplesAccepted
from streaming.identity import DeviceId
from streaming.observation import EventMessage, MetricReading, MetricValue, StatusMessage
from tests.support.bedside import BED, HR, SPO2, Bedside, line, ms, to_admit
from tests.support.plain_facts import WELL

MINUTE, HOUR = 60, 3600
WEIGHT, URINE, CREATININE = "MDC_MASS_BODY_ACTUAL", "MDC_FLOW_URINE_PREV_HR", "loinc:2160-0"
CHECKLIST = {name: value for name, value in WELL.items() if name.startswith("site:")}
DOSE: Mapping[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Proleukin",
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
    "MDC_FLOW_FLUID_PUMP_CURRENT": 200.0,
    "MDC_CONC_DRUG": MetricReading(value=960_000.0, unit="[IU]/mL"),
    "MDC_VOL_FLUID_TBI": 50.0,
    "MDC_VOL_FLUID_DELIV_TOTAL": 0.0,
}
"""48 million IU: the dose of 80 kg, in 15 minutes."""
PRESSOR: Mapping[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Levophed",
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
    "MDC_RATE_DOSE": 0.3,
    "MDC_VOL_FLUID_DELIV_TOTAL": 0.0,
}
STOPPED: Mapping[str, MetricValue] = {
    "MDC_PUMP_INFUSING_STATUS": "pump-status-not-infusing",
    "MDC_FLOW_FLUID_PUMP_CURRENT": 0.0,
}


class Treated(Bedside):
    """A patient of whom everything is known and clear, and whose course has begun."""

    def __init__(self, *, course: bool = True, baseline: Mapping[str, float] | None = None) -> None:
        super().__init__(admitted=False)
        self.ward = Ward(load_rulebook())
        self.command(0, to_admit(baseline=baseline or {}))
        self.status(0, "online", device="pump1", kind="pump")
        if course:
            self.command(1, _course())
        self.well(1)

    def well(self, at_s: float, **metrics: float) -> None:
        """What the pre-dose checklist says, and the monitor."""
        self.chart(at_s, {**CHECKLIST, CREATININE: 0.9, "loinc:1963-8": 25, URINE: 60.0, **metrics})
        self.obs(at_s, {HR: 82, SPO2: 97, **line(85)})

    def pump(self, at_s: float, said: Mapping[str, MetricValue], *, device: str = "pump1") -> None:
        self.obs(at_s, said, device=device)

    def infuse(self, from_s: float, to_s: float, said: Mapping[str, MetricValue] = DOSE, rate: float = 200.0) -> None:
        """A pump that reports each 30 s."""
        at_s = from_s
        while at_s <= to_s:
            self.pump(at_s, {**said, "MDC_VOL_FLUID_DELIV_TOTAL": rate * (at_s - from_s) / HOUR})
            at_s += 30

    def rhythm(self, at_s: float, event: str, phase: str = "tpoint", **attributes: Any) -> None:
        device = DeviceId(BED.unit, BED.bed, "mon1")
        message = EventMessage("boot", self.next_seq(device), ms(at_s), event, phase, attributes=attributes)
        self.message(at_s, device, message)

    def sign(self, at_s: float, decision: str) -> None:
        self.command(at_s, Sign(admission_id="adm-1", decision=decision, reason="seen at the bedside", actor="dr"))

    def rule_ids(self) -> set[str]:
        return {alarm.rule_id for alarm in self.active("")}


def _course() -> Course:
    return Course(
        admission_id="adm-1", drug="aldesleukin", dose_iu_per_kg=600_000, interval_h=8, max_doses=14, duration_min=15,
        first_dose_ms=ms(10 * MINUTE), cycle=None, actor="dr",
    )  # fmt: skip


def text(alarm: Alarm) -> str:
    return str(alarm.evidence["text"])


# --- doses ------------------------------------------------------------------------------------------------------------


def test_a_dose_as_ordered_under_a_clear_decision_raises_nothing() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 25 * MINUTE)

    assert bedside.starts("dose") == []


def test_a_dose_that_runs_while_the_decision_is_hold_is_a_high_alarm_at_once() -> None:
    bedside = Treated()
    bedside.well(10 * MINUTE)
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    bedside.chart(12 * MINUTE + 5, {"site:mental_status": "confusion"})

    alarm = bedside.alarm("dose_during_hold")
    assert bedside.starts("dose_during_hold") == [12 * MINUTE + 5]
    assert (alarm.priority, alarm.kind, alarm.family) == ("high", "physiological", "dose_during_hold")
    assert text(alarm).startswith("Dose 1 running while decision is HOLD: ")
    assert "mental status" in text(alarm)
    assert alarm.evidence["pumps"] == ["pump1"]
    assert bedside.alarm("dose_decision").rule_id == "dose_decision.hold"


def test_the_alarm_of_a_dose_during_a_hold_ends_when_the_pump_stops() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    bedside.chart(12 * MINUTE + 5, {"site:mental_status": "confusion"})
    bedside.pump(12 * MINUTE + 20, STOPPED)
    bedside.tick(12 * MINUTE + 22)

    changes = [(change.condition, change.to) for change in bedside.changes("dose_during_hold")]
    assert changes == [("present", "on"), ("absent", "latched")]


def test_a_pump_that_falls_silent_leaves_the_alarm_of_the_hold_open() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    bedside.chart(12 * MINUTE + 5, {"site:mental_status": "confusion"})
    bedside.tick(14 * MINUTE + 5)

    alarm = bedside.alarm("dose_during_hold")
    assert (alarm.condition, alarm.signal) == ("indeterminate", "on")
    assert text(alarm).endswith("not known now")


def test_an_override_ends_the_alarm_of_the_hold_at_once() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    bedside.chart(12 * MINUTE + 5, {"site:mental_status": "confusion"})
    bedside.sign(12 * MINUTE + 10, "proceed")

    assert bedside.changes("dose_during_hold")[-1][:1] + bedside.changes("dose_during_hold")[-1][3:] == (
        12 * MINUTE + 10,
        "absent",
        "latched",
    )
    assert bedside.active("dose_decision") == []


def test_without_a_course_no_decision_is_announced() -> None:
    bedside = Treated(course=False)
    bedside.chart(5 * MINUTE, {"site:mental_status": "confusion"})
    bedside.tick(10 * MINUTE)

    assert bedside.starts("dose_decision") == []


def test_a_course_that_must_be_discontinued_is_an_alarm_of_its_own() -> None:
    bedside = Treated()
    bedside.rhythm(5 * MINUTE, "MDC_EVT_ECG_V_TACHY", beats=12)
    bedside.tick(5 * MINUTE + 5)

    assert bedside.alarm("dose_decision").rule_id == "dose_decision.discontinue"
    assert bedside.alarm("dose_decision").priority == "medium"


@pytest.mark.parametrize(("weight_kg", "fires"), [(80.0, False), (88.0, False), (88.1, True), (176.4, True)])
def test_a_weight_in_pounds_on_the_pump_is_seen(weight_kg: float, fires: bool) -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 11 * MINUTE, {**DOSE, "MDC_ATTR_PT_WEIGHT": weight_kg})

    assert bool(bedside.starts("dose.weight_mismatch")) is fires


@pytest.mark.parametrize("weight_kg", [176.4, 196.0, 36.3])
def test_a_scale_and_an_order_that_differ_as_pounds_and_kilograms_are_an_alarm_until_they_agree(
    weight_kg: float,
) -> None:
    bedside = Treated()
    bedside.obs(10 * MINUTE, {WEIGHT: weight_kg}, device="scale1")
    bedside.tick(11 * MINUTE)

    assert len(bedside.starts("dose.weight_mismatch")) == 1
    assert bedside.active("weight_gain") == []
    bedside.obs(20 * MINUTE, {WEIGHT: 81.0}, device="scale1")
    bedside.tick(21 * MINUTE)
    assert bedside.active("dose.weight_mismatch") == []


def test_a_weight_that_merely_jumps_is_no_alarm_about_pounds() -> None:
    bedside = Treated()
    bedside.obs(10 * MINUTE, {WEIGHT: 95.0}, device="scale1")
    bedside.tick(11 * MINUTE)

    assert bedside.starts("dose.weight_mismatch") == []


def test_a_dose_for_pounds_is_a_wrong_dose_while_it_runs() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 11 * MINUTE, {**DOSE, "MDC_VOL_FLUID_TBI": 110.0}, rate=440)

    alarm = bedside.alarm("dose.wrong_dose")
    assert bedside.starts("dose.wrong_dose")[0] < 11 * MINUTE
    assert (alarm.priority, alarm.evidence["percent_programmed"]) == ("high", 220.0)


@pytest.mark.parametrize(
    ("tbi", "told"),
    [(47.5, []), (47.4, [("dose.short", "medium")]), (52.5, []), (52.6, [("dose.wrong_dose", "high")])],
)
def test_a_dose_within_five_percent_is_right(tbi: float, told: list[tuple[str, str]]) -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 11 * MINUTE, {**DOSE, "MDC_VOL_FLUID_TBI": tbi})

    assert [(alarm.rule_id, alarm.priority.value) for alarm in bedside.active("dose.")] == told


def test_two_pumps_at_once_are_seen_and_a_second_that_falls_silent_is_not_forgotten() -> None:
    bedside = Treated()
    for at_s in (600, 630):
        bedside.pump(at_s, {**DOSE, "MDC_VOL_FLUID_DELIV_TOTAL": at_s - 599})
        bedside.pump(at_s + 1, {**DOSE, "MDC_VOL_FLUID_DELIV_TOTAL": at_s - 599}, device="pump2")
    assert bedside.alarm("dose.two_channels").priority == "high"
    for at_s in (660, 690, 720, 750, 780):
        bedside.pump(at_s, {**DOSE, "MDC_VOL_FLUID_DELIV_TOTAL": at_s - 599})

    assert bedside.alarm("dose.two_channels").condition == "indeterminate"


# --- pressors and pumps -----------------------------------------------------------------------------------------------


def test_a_pressor_that_stops_is_a_high_alarm() -> None:
    bedside = Treated()
    for at_s in range(600, 700, 30):
        bedside.pump(at_s, PRESSOR)
    bedside.pump(700, {**STOPPED, "MDC_RATE_DOSE": 0.0})
    bedside.tick(720)

    alarm = bedside.alarm("pressor.stopped")
    assert bedside.starts("pressor.stopped") == [710.0]
    assert (alarm.priority, alarm.onset_at_ms) == ("high", ms(700))
    assert text(alarm) == "pump1: norepinephrine stopped from 0.3 µg/kg/min (not infusing)"


def test_a_pressor_that_goes_on_at_once_was_only_changed() -> None:
    bedside = Treated()
    for at_s in range(600, 700, 30):
        bedside.pump(at_s, PRESSOR)
    bedside.pump(700, {**STOPPED, "MDC_RATE_DOSE": 0.0})
    bedside.pump(705, PRESSOR, device="pump2")
    bedside.tick(720)

    assert bedside.starts("pressor.stopped") == []


def test_an_occluded_pressor_and_an_alarm_of_another_pump_are_told_apart() -> None:
    bedside = Treated()
    bedside.pump(600, PRESSOR)
    device = DeviceId(BED.unit, BED.bed, "pump2")
    bedside.message(601, device, StatusMessage("online", "pump"))
    for name, at_s in (("pump1", 610), ("pump2", 620)):
        pump = DeviceId(BED.unit, BED.bed, name)
        event = EventMessage("boot", bedside.next_seq(pump), ms(at_s), "MDC_EVT_FLUID_LINE_OCCL", "start")
        bedside.message(at_s, pump, event)
    bedside.tick(640)

    assert (bedside.alarm("pressor.occluded").priority, bedside.alarm("pump.alarm").priority) == ("high", "medium")
    assert bedside.starts("pressor.occluded") == [610.0]
    assert bedside.starts("pump.alarm") == [630.0]


def test_a_bolus_that_does_not_raise_the_pressure_is_told() -> None:
    bedside = Treated()
    saline: dict[str, MetricValue] = {
        "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
        "MDC_FLOW_FLUID_PUMP_CURRENT": 500.0,
    }
    for at_s in range(60, 2 * HOUR, 60):
        bedside.obs(at_s, {HR: 100, SPO2: 97, **line(62 if at_s > HOUR else 66)})
        if at_s > HOUR:
            bedside.pump(at_s, {**saline, "MDC_VOL_FLUID_DELIV_TOTAL": (at_s - HOUR) * 500 / HOUR})
    bedside.tick(2 * HOUR)

    alarm = bedside.alarm("hypotension.bolus")
    assert alarm.priority == "medium"
    assert text(alarm).startswith("MAP 62 mmHg below 65, MAP 66 → 62 mmHg in 1 h, intake ")


@pytest.mark.parametrize(("silent_from_s", "condition"), [(32.5 * MINUTE, "indeterminate"), (HOUR, "absent")])
def test_an_episode_ends_while_the_line_says_so_and_never_in_silence(silent_from_s: float, condition: str) -> None:
    bedside = Treated()
    for at_s in range(30, HOUR, 10):
        if at_s < silent_from_s:
            bedside.obs(at_s, {HR: 100, SPO2: 97, **line(55 if at_s < 28 * MINUTE else 80)})
    bedside.tick(HOUR)

    told = dict.fromkeys(each.condition for each in bedside.changes("hypotension.acute_episode"))
    assert list(told) == ["present", condition]


# --- the stay ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weight_kg", "rules"),
    [
        (83.9, set()),
        (84.0, {"weight_gain.5_percent"}),
        (88.3, {"weight_gain.10_percent"}),
        (92.0, {"weight_gain.15_percent"}),
        (96.0, {"weight_gain.20_percent"}),
    ],
)
def test_a_weight_gain_is_told_once_at_its_highest_step(weight_kg: float, rules: set[str]) -> None:
    bedside = Treated()
    for day in range(1, 5):
        bedside.chart(day * 24 * HOUR, {WEIGHT: 80 + (weight_kg - 80) * day / 4})

    assert {alarm.rule_id for alarm in bedside.active("weight_gain")} - {"weight_gain.rate"} == rules


def test_a_weight_gain_says_from_what_to_what() -> None:
    bedside = Treated()
    for day in range(1, 5):
        bedside.chart(day * 24 * HOUR, {WEIGHT: 80 + 8.3 * day / 4})

    alarm = bedside.alarm("weight_gain.10")
    assert text(alarm) == "Weight +10.4 % since baseline (80 → 88.3 kg)"
    assert alarm.evidence["limit"] == 10
    assert alarm.evidence["profile"]["id"] == "alarms-il2"


def test_a_doubtful_weight_raises_nothing() -> None:
    bedside = Treated()
    bedside.chart(HOUR, {WEIGHT: 80.0})
    bedside.chart(2 * HOUR, {WEIGHT: 176.0})

    assert bedside.starts("weight_gain") == []


def test_a_day_of_little_urine_is_told_by_its_step_and_a_good_shift_ends_it() -> None:
    bedside = Treated()
    for hour in range(1, 17):
        bedside.chart(hour * HOUR, {URINE: 15.0})
    bedside.tick(16 * HOUR + 1)
    assert [alarm.rule_id for alarm in bedside.active("oliguria")] == ["oliguria.urine_below_160_8h"]
    assert text(bedside.alarm("oliguria")) == "Urine of 8 h 120 mL below 160"

    for hour in range(17, 26):
        bedside.chart(hour * HOUR, {URINE: 80.0})
    assert bedside.active("oliguria") == []


def test_an_empty_bladder_bag_that_nobody_empties_is_not_good_urine() -> None:
    bedside = Treated()
    for hour in range(1, 10):
        bedside.chart(hour * HOUR, {URINE: 15.0})
    bedside.tick(14 * HOUR)

    assert bedside.alarm("oliguria").condition == "indeterminate"


def test_a_creatinine_that_rises_is_told_by_its_step() -> None:
    bedside = Treated(baseline={"creatinine": 0.9})
    told = []
    for day, value in enumerate((1.0, 1.35, 2.5, 4.5), start=1):
        bedside.chart(day * 24 * HOUR, {CREATININE: value})
        told.append([alarm.rule_id for alarm in bedside.active("renal")])

    assert told == [[], ["renal.injury_stage_1"], ["renal.creatinine_2_5"], ["renal.creatinine_4_5"]]


# --- rhythm -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "attributes", "fires"),
    [
        ("MDC_EVT_ECG_V_TACHY", {"beats": 5}, True),
        ("MDC_EVT_ECG_V_TACHY", {"beats": 4}, False),
        ("MDC_EVT_ECG_V_TACHY_SUST", {}, True),
        ("MDC_EVT_ECG_V_TACHY_NON_SUST", {"duration_s": 0.9}, False),
    ],
)
def test_a_run_of_ventricular_tachycardia_is_a_high_alarm_at_once(
    event: str, attributes: Mapping[str, Any], fires: bool
) -> None:
    bedside = Treated(course=False)
    bedside.rhythm(100, event, **attributes)

    assert bedside.starts("arrhythmia.vt") == ([100.0] if fires else [])


def test_a_run_that_ends_stays_latched_and_one_of_fibrillation_ends_with_sinus_rhythm() -> None:
    bedside = Treated(course=False)
    bedside.rhythm(100, "MDC_EVT_ECG_V_TACHY", "start", beats=12)
    bedside.rhythm(105, "MDC_EVT_ECG_V_TACHY", "end", beats=12)
    bedside.rhythm(110, "MDC_EVT_ECG_ATR_FIB", "start")
    bedside.every_second(range(111, 500, 4), {HR: 120, SPO2: 97})
    bedside.chart(500, {"site:rhythm": "sinus"})

    assert text(bedside.alarm("arrhythmia.vt")) == "Ventricular tachycardia, 12 beats"
    assert bedside.alarm("arrhythmia.vt").signal == "latched"
    assert bedside.starts("arrhythmia.af") == [110.0]
    assert bedside.changes("arrhythmia.af")[-1] == (500.0, "arrhythmia.af", "end", "absent", "off")


# --- as a whole -------------------------------------------------------------------------------------------------------


def test_what_is_under_way_outlives_a_snapshot() -> None:
    bedside = Treated()
    for at_s in range(600, 700, 30):
        bedside.pump(at_s, PRESSOR)
    bedside.pump(700, {**STOPPED, "MDC_RATE_DOSE": 0.0})
    bedside.ward = pickle.loads(pickle.dumps(bedside.ward))
    bedside.tick(720)

    assert bedside.starts("pressor.stopped") == [710.0]


def test_a_patient_without_a_course_is_not_told_what_only_a_course_makes_meaningful() -> None:
    bedside = Treated(course=False, baseline={"sbp": 160.0})
    for at_s in range(60, 3600, 60):
        bedside.obs(at_s, {HR: 90, SPO2: 97, **line(85)})

    assert bedside.rule_ids() <= {"signal_stale"}


def test_the_state_of_an_admission_tells_the_estimated_leak() -> None:
    bedside = Treated(baseline={"sbp": 160.0})
    for day in range(1, 4):
        bedside.chart(day * 24 * HOUR, {WEIGHT: 80 + 3 * day})
        bedside.obs(day * 24 * HOUR, {HR: 90, **line(85)})
    state = admission_state(bedside.ward, "adm-1")

    assert state is not None
    leak = state["leak_estimate"]
    assert (leak["estimated"], leak["grade"], leak["unknown"]) == (True, 2, ["urine"])


def norepinephrine_series(bedside: Treated) -> list[tuple[int, float]]:
    accepted = (each for each in bedside.effects if isinstance(each, SamplesAccepted))
    samples = (sample for each in accepted for sample in each.signals)
    return [(at_ms, value) for name, at_ms, value, _ in samples if name == "norepinephrine_ug_kg_min"]


def test_what_the_pumps_give_of_a_pressor_is_a_series_of_the_stay() -> None:
    bedside = Treated()
    bedside.pump(60, PRESSOR)
    bedside.pump(120, {**PRESSOR, "MDC_RATE_DOSE": 0.4})
    bedside.pump(180, {**PRESSOR, **STOPPED})

    assert norepinephrine_series(bedside) == [(ms(60), 0.3), (ms(120), 0.4), (ms(180), 0.0)]


def test_a_pump_that_stayed_behind_when_the_patient_moved_adds_nothing_to_the_series() -> None:
    bedside = Treated()
    bedside.pump(60, PRESSOR)
    bedside.transfer(90)
    bedside.pump(120, PRESSOR)

    assert norepinephrine_series(bedside) == [(ms(60), 0.3)]
