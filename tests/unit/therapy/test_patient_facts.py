"""What is known of an admitted patient, from messages to the answers that the criteria get."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from alerts.ward import Ward
from gateway.frames import signals_of
from gateway.rulesets import load_rulebook
from streaming.criteria.decision import DecisionChanged
from streaming.criteria.facts import Facts, Reading
from streaming.identity import CHART_DEVICE, DeviceId
from streaming.observation import EventMessage, MetricReading, MetricValue, Validity
from streaming.therapy.doses import DoseStatus
from streaming.therapy.drugs import Drug
from streaming.therapy.findings import FindingKind, is_infusing
from streaming.therapy.infusions import PUMPS_MAX
from streaming.therapy.patient_facts import PatientFacts
from streaming.truth import Truth
from tests.support.bedside import (
    ABP_MAP,
    ABP_SYS,
    BED,
    CUFF_DIA,
    CUFF_MAP,
    CUFF_SYS,
    HR,
    OTHER_BED,
    PULSE,
    SPO2,
    TEMP,
    Bedside,
    cuff,
    line,
    ms,
    questionable,
)

MINUTE, HOUR = 60, 3600
WEIGHT = "MDC_MASS_BODY_ACTUAL"
URINE_HOUR, URINE_BAG = "MDC_FLOW_URINE_PREV_HR", "MDC_VOL_URINE_COL"
CREATININE, HCO3 = "loinc:2160-0", "loinc:1963-8"
PHENYLEPHRINE = "phenylephrine_ug_kg_min"
PRESSOR: Mapping[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Neo-Synephrine",
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
    "MDC_FLOW_FLUID_PUMP_CURRENT": 4.8,
    "MDC_CONC_DRUG": 0.2,
    "MDC_VOL_FLUID_DELIV_TOTAL": 0.0,
}
DOSE: Mapping[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Proleukin",
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
    "MDC_FLOW_FLUID_PUMP_CURRENT": 200.0,
    "MDC_CONC_DRUG": MetricReading(value=960_000.0, unit="[IU]/mL"),
    "MDC_VOL_FLUID_TBI": 50.0,
    "MDC_VOL_FLUID_DELIV_TOTAL": 0.0,
}


@pytest.fixture
def bedside() -> Bedside:
    return Bedside()


def facts_of(bedside: Bedside, at_s: float, bed: Any = BED) -> PatientFacts:
    patient = bedside.ward.beds[bed].patient
    assert patient is not None
    patient.facts.now_ms = ms(at_s)
    return patient.facts


def current(bedside: Bedside, signal: str, at_s: float, fresh_s: float | None = None) -> Reading | None:
    return facts_of(bedside, at_s).current(signal, None if fresh_s is None else round(fresh_s * 1000))


def value(bedside: Bedside, signal: str, at_s: float) -> float | str | None:
    reading = current(bedside, signal, at_s)
    return reading.value if reading is not None else None


def pump(bedside: Bedside, at_s: float, said: Mapping[str, MetricValue], *, device: str = "pump1", **more: Any) -> None:
    bedside.obs(at_s, {**said, **more}, device=device)


def test_the_facts_answer_what_the_criteria_ask(bedside: Bedside) -> None:
    facts: Facts = facts_of(bedside, 10)

    assert facts.now_ms == ms(10)
    assert facts.dosing_weight_kg == 80
    assert facts.baseline == {"weight": 80}
    assert facts.limits == {}
    assert facts.interval_began_ms is None
    assert facts.held_doses == 0
    assert facts.current("sbp") is None
    assert facts.current("site:skin") is None
    assert facts.before("map", ms(10)) is None
    assert facts.highest("map", ms(0)) is None
    assert facts.lowest(PHENYLEPHRINE, ms(0)) is None
    assert facts.total("urine_ml", 1000) == (0.0, 0.0, 1000)
    assert facts.total("sweat_ml", 1000) == (0.0, 0.0, 1000)
    assert facts.minutes_below("map", 65, 1000) == facts.average_below("map", 65, 1000) == (0.0, 0.0, 1000)
    assert facts.minutes_below("hr", 65, 1000) == facts.average_below("hr", 65, 1000) == (0.0, 0.0, 1000)
    assert facts.state_since("site:skin") is None
    assert facts.count("site:skin", ["normal"], 0) == 0
    assert facts.rhythm_events(0) == []
    assert facts.rhythm_watch_ends_ms() is None


# --- the present ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metrics", "signal", "limit_s"),
    [
        (line(80), "sbp", 5 * MINUTE),
        (cuff(80), "sbp", 30 * MINUTE),
        ({HR: 80}, "hr", 5 * MINUTE),
        ({SPO2: 97}, "spo2", 5 * MINUTE),
        ({TEMP: 37}, "temp", 4 * HOUR),
        ({WEIGHT: 81.0}, "weight", 26 * HOUR),
        ({CREATININE: 1.0}, "creatinine", 26 * HOUR),
        ({"site:mental_status": "normal"}, "site:mental_status", 12 * HOUR),
        ({"site:skin": "normal"}, "site:skin", 26 * HOUR),
    ],
)
def test_a_value_speaks_until_it_is_older_than_its_limit(
    bedside: Bedside, metrics: Mapping[str, MetricValue], signal: str, limit_s: int
) -> None:
    bedside.obs(10, metrics)

    assert current(bedside, signal, 10 + limit_s) is not None
    assert current(bedside, signal, 10 + limit_s + 0.001) is None
    assert current(bedside, signal, 15, fresh_s=5) is not None
    assert current(bedside, signal, 15.001, fresh_s=5) is None


def test_the_line_speaks_before_the_cuff_and_the_cuff_when_the_line_is_too_old(bedside: Bedside) -> None:
    bedside.obs(0, cuff(70))
    bedside.obs(10, line(72))

    reading = current(bedside, "sbp", 20)
    assert reading is not None
    assert (reading.source, reading.device, reading.unit, reading.at_ms) == (ABP_SYS, "mon1", "mm[Hg]", ms(10))
    later = current(bedside, "sbp", 10 + 5 * MINUTE + 1)
    assert later is not None
    assert later.source == CUFF_SYS


def test_while_line_and_cuff_contradict_each_other_the_lower_one_speaks(bedside: Bedside) -> None:
    bedside.obs(0, line(90))
    bedside.obs(1, cuff(60, 1))

    assert value(bedside, "map", 2) == 60


def test_of_equal_sources_of_a_monitored_signal_the_one_that_spoke_goes_on(bedside: Bedside) -> None:
    bedside.obs(0, {HR: 80}, device="mon1")
    bedside.obs(1, {HR: 90}, device="mon2")

    assert value(bedside, "hr", 2) == 80


def test_of_equal_sources_of_a_laboratory_value_the_later_one_speaks_and_both_are_kept(bedside: Bedside) -> None:
    bedside.obs(0, {CREATININE: 1.0}, device="lab")
    bedside.chart(HOUR, {CREATININE: 2.0})
    bedside.obs(2 * HOUR, {CREATININE: MetricReading(value=1.5, determined_ms=ms(HOUR / 2))}, device="lab")

    assert value(bedside, "creatinine", 2 * HOUR) == 2.0
    facts = facts_of(bedside, 2 * HOUR)
    assert facts.before("creatinine", ms(HOUR / 2)) == (ms(HOUR / 2), 1.5)
    assert facts.before("creatinine", ms(0)) == (ms(0), 1.0)
    assert facts.highest("creatinine", ms(0)) == (ms(HOUR), 2.0)


def test_of_cuff_readings_the_later_one_speaks_whoever_took_it(bedside: Bedside) -> None:
    bedside.chart(0, {CUFF_SYS: 121, CUFF_DIA: 70, CUFF_MAP: 87})
    bedside.obs(600, {CUFF_SYS: 84, CUFF_DIA: 44, CUFF_MAP: 57})
    assert (value(bedside, "sbp", 700), value(bedside, "map", 700)) == (84, 57)

    bedside.chart(900, {CUFF_SYS: 102, CUFF_DIA: 60, CUFF_MAP: 74})
    assert (value(bedside, "sbp", 1000), value(bedside, "map", 1000)) == (102, 74)

    bedside.obs(1200, {CUFF_SYS: 88, CUFF_DIA: 50, CUFF_MAP: 63}, device="mon2")
    assert (value(bedside, "sbp", 1300), value(bedside, "map", 1300)) == (88, 63)


def test_a_charted_line_speaks_before_no_later_cuff_of_a_device_and_a_running_line_before_both(
    bedside: Bedside,
) -> None:
    bedside.chart(0, line(90))
    bedside.obs(600, cuff(80))
    assert value(bedside, "map", 601) == 80

    bedside.obs(720, line(75), device="mon2")
    bedside.chart(721, line(90))

    assert value(bedside, "map", 722) == 75


def test_a_dose_is_held_for_a_cuff_reading_taken_after_a_better_one_was_charted() -> None:
    bedside = Bedside(admitted=False)
    bedside.ward = Ward(load_rulebook())
    bedside.admit(0)
    bedside.chart(0, {CUFF_SYS: 121, CUFF_DIA: 70, CUFF_MAP: 87})
    bedside.obs(607, {CUFF_SYS: 84, CUFF_DIA: 44, CUFF_MAP: 57})

    (changed,) = [each for each in bedside.latest if isinstance(each, DecisionChanged)]
    (pressure,) = [each for each in changed.criteria if each["id"] == "cardiovascular.sbp"]
    assert (changed.decision, pressure["state"], pressure["value"]) == ("hold", "met", 84)


def test_a_doubtful_value_is_of_the_present_and_not_of_the_past(bedside: Bedside) -> None:
    bedside.obs(0, {CREATININE: questionable(9.0)}, device="lab")
    bedside.obs(0, {HR: questionable(150)})

    for signal in ("creatinine", "hr"):
        reading = current(bedside, signal, 1)
        assert reading is not None
        assert reading.validity is Validity.QUESTIONABLE
        assert facts_of(bedside, 1).before(signal, ms(1)) is None


def test_a_value_that_is_not_available_now_speaks_until_it_is_too_old(bedside: Bedside) -> None:
    bedside.obs(0, {SPO2: 95})
    bedside.obs(1, {SPO2: None})

    assert value(bedside, "spo2", 10) == 95


# --- the patient comes, moves and leaves ------------------------------------------------------------------------------


def test_what_the_devices_say_when_the_patient_comes_is_theirs() -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(0, line(70) | {HR: 90, CREATININE: 1.2, "site:rhythm": "sinus", WEIGHT: 82.0})
    pump(bedside, 0, PRESSOR)
    bedside.admit(10)

    assert value(bedside, "map", 10) == 70
    assert value(bedside, PHENYLEPHRINE, 10) == 0.2
    facts = facts_of(bedside, 10)
    assert facts.before("creatinine", ms(10)) == (ms(0), 1.2)
    assert facts.before("shock_index", ms(10)) is not None
    assert facts.state_since("site:rhythm") == ms(0)
    assert facts.current("weight_gain_pct") is not None


def test_what_devices_had_determined_before_the_patient_came_is_somebody_elses() -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(0, {CREATININE: 1.2}, device="lab")
    bedside.admit(HOUR)
    bedside.obs(HOUR + 10, {CREATININE: MetricReading(value=9.0, determined_ms=ms(-HOUR))}, device="lab")
    bedside.obs(HOUR + 10, {"site:skin": "normal"}, device="nurse")
    bedside.obs(
        HOUR + 20, {"site:skin": MetricReading(value="moist_desquamation", determined_ms=ms(-60))}, device="nurse"
    )

    facts = facts_of(bedside, HOUR + 30)
    assert facts.before("creatinine", ms(0) - 1) is None
    assert facts.count("site:skin", ["moist_desquamation"], 0) == 0


def test_what_a_person_charts_of_the_time_before_is_the_patients(bedside: Bedside) -> None:
    bedside.chart(10, {CREATININE: 0.9}, determined_s=-HOUR)
    bedside.chart(20, {HCO3: 24.0})
    bedside.chart(30, {HCO3: 22.0, "site:ecg": "normal"}, determined_s=-HOUR)

    facts = facts_of(bedside, 30)
    assert facts.before("creatinine", ms(0)) == (ms(-HOUR), 0.9)
    assert facts.before("bicarbonate", ms(0)) == (ms(-HOUR), 22.0)
    assert facts.state_since("site:ecg") == ms(-HOUR)


def test_the_past_goes_along_when_the_patient_moves(bedside: Bedside) -> None:
    bedside.obs(0, line(60) | {HR: 100}, device="mon1")
    bedside.chart(5, {CREATININE: 1.1, "site:mental_status": "confusion"})
    bedside.chart(6, {"MDC_DRUG_NAME_LABEL": "dopamine", "MDC_RATE_DOSE": 3.0})
    pump(bedside, 6, PRESSOR)
    pump(bedside, 16, PRESSOR, MDC_VOL_FLUID_DELIV_TOTAL=4.0)
    bedside.obs(20, line(90), device="mon9", bed=OTHER_BED)
    bedside.transfer(30)

    facts = facts_of(bedside, 40, OTHER_BED)
    assert facts.before("map", ms(10)) == (ms(0), 60)
    assert facts.state_since("site:mental_status") == ms(5)
    assert facts.current("creatinine") is not None
    assert facts.current("dopamine_ug_kg_min") is not None
    for signal, expected in (("map", 90), (PHENYLEPHRINE, 0.0), ("dopamine_ug_kg_min", 3.0)):
        reading = facts.current(signal)
        assert reading is not None
        assert reading.value == expected
    assert facts.total("intake_ml", 60_000).amount == 4.0
    assert BED in bedside.ward.beds
    assert bedside.ward.beds[BED].patient is None


def test_between_two_beds_nothing_is_current(bedside: Bedside) -> None:
    bedside.obs(0, {HR: 80})
    patient = bedside.ward.beds[BED].release_patient(ms(10))
    assert patient is not None

    assert patient.facts.current("hr") is None
    assert patient.facts.rhythm_watch_ends_ms() is None
    patient.facts.take(ms(20) + 60_000)  # nothing to look at, nothing goes wrong
    assert patient.facts.before("hr", ms(20)) == (ms(0), 80)


# --- the past ---------------------------------------------------------------------------------------------------------


def test_of_a_monitored_signal_one_value_a_minute_is_kept(bedside: Bedside) -> None:
    bedside.every_second(range(0, 181), lambda at_s: {HR: 80 + at_s % 7, PULSE: 70})

    facts = facts_of(bedside, 180)
    assert facts.before("hr", ms(59)) == (ms(0), 80)
    assert facts.before("hr", ms(60)) == (ms(60), 84)
    assert facts.highest("hr", ms(1)) == (ms(180), 85)
    assert facts.lowest("hr", ms(1)) == (ms(0), 80)


def test_a_value_that_is_not_reported_again_is_not_kept_again(bedside: Bedside) -> None:
    bedside.obs(0, cuff(80))
    bedside.every_second(range(1, 130), {HR: 70})

    assert facts_of(bedside, 130).before("sbp", ms(130)) == (ms(0), 110)


def test_the_shock_index_is_kept_of_believed_values_of_one_time(bedside: Bedside) -> None:
    bedside.obs(0, line(75) | {HR: 60})
    bedside.obs(60, line(55) | {HR: questionable(100)})
    assert value(bedside, "shock_index", 60) == 1.0
    bedside.obs(120, line(55) | {HR: 110})

    facts = facts_of(bedside, 120)
    assert facts.before("shock_index", ms(119)) == (ms(0), 0.5)
    assert facts.before("shock_index", ms(700)) == (ms(120), 1.1)
    reading = facts.current("shock_index")
    assert reading is not None
    assert (reading.value, reading.unit, reading.at_ms) == (1.1, "1", ms(120))
    bedside.obs(600, {HR: 120})
    assert current(bedside, "shock_index", 600) is None  # the pressure is too old
    assert facts_of(bedside, 600).before("shock_index", ms(600)) == (ms(120), 1.1)


def test_a_signal_that_is_reported_less_often_than_it_speaks_is_kept_all_the_same(bedside: Bedside) -> None:
    for minute in range(5):
        bedside.obs(minute * 60 + 10, {HR: 80 + minute}, device="mon1")
        bedside.obs(minute * 60 + 59, {SPO2: 97}, device="mon2")
        bedside.obs(minute * 60 + 61, {SPO2: 96}, device="mon2")

    assert facts_of(bedside, 310).highest("hr", ms(0)) == (ms(250), 84)


def test_minutes_below_a_limit_count_every_pressure(bedside: Bedside) -> None:
    bedside.every_second(range(0, 600), lambda at_s: line(60 if 120 <= at_s < 300 else 80))

    facts = facts_of(bedside, 600)
    below = facts.minutes_below("map", 65, 600_000)
    assert (below.amount, below.coverage, below.longest_gap_ms) == (3.0, 1.0, 0)
    average = facts.average_below("map", 65, 600_000)
    assert average.amount == pytest.approx(5 * 180 / 600)


def test_a_doubtful_pressure_covers_nothing(bedside: Bedside) -> None:
    bedside.obs(0, line(80))
    bedside.obs(60, {name: questionable(value) for name, value in line(60).items()})  # type: ignore[arg-type]
    bedside.obs(120, line(80))

    below = facts_of(bedside, 180).minutes_below("map", 65, 180_000)
    assert (below.amount, below.coverage, below.longest_gap_ms) == (0.0, 2 / 3, 60_000)


def test_questions_change_no_later_answer() -> None:
    quiet, curious = Bedside(), Bedside()
    for bedside in (quiet, curious):
        for at_s in range(0, 400, 1):
            bedside.obs(at_s + 0.3, line(62 + at_s % 9) | {HR: 80 + at_s % 5}, device_s=lambda at_s: at_s - 0.05)
            if bedside is curious and at_s % 13 == 0:
                facts = facts_of(bedside, at_s + 0.9)
                facts.minutes_below("map", 65, 240_000)
                facts.highest("hr", ms(at_s - 200))
                facts.derived(ms(at_s + 0.9))

    one, other = facts_of(quiet, 401), facts_of(curious, 401)
    assert one.minutes_below("map", 65, 240_000) == other.minutes_below("map", 65, 240_000)
    assert one.average_below("map", 65, 240_000) == other.average_below("map", 65, 240_000)
    assert one.highest("hr", ms(100)) == other.highest("hr", ms(100))


def test_the_facts_survive_a_snapshot(bedside: Bedside) -> None:
    bedside.every_second(range(0, 200), lambda at_s: line(60 + at_s % 11))
    pump(bedside, 200, PRESSOR)
    facts = facts_of(bedside, 210)

    copy = pickle.loads(pickle.dumps(facts))

    assert copy.minutes_below("map", 65, 180_000) == facts.minutes_below("map", 65, 180_000)
    assert copy.current(PHENYLEPHRINE) == facts.current(PHENYLEPHRINE)
    assert copy.before("map", ms(130)) == facts.before("map", ms(130))


# --- states and events ------------------------------------------------------------------------------------------------


def test_a_charted_state_lasts_since_it_was_first_charted_without_another_in_between(bedside: Bedside) -> None:
    for hours, state in ((0, "none"), (8, "intubated"), (16, "intubated")):
        bedside.chart(hours * HOUR, {"site:ventilation": state})

    facts = facts_of(bedside, 20 * HOUR)
    assert facts.state_since("site:ventilation") == ms(8 * HOUR)
    assert facts.count("site:ventilation", ["intubated"], ms(0)) == 2
    assert facts_of(bedside, 29 * HOUR).state_since("site:ventilation") is None  # nobody has charted it for too long


def rhythm(
    bedside: Bedside, at_s: float, event: str, phase: str = "tpoint", device: str = "mon1", **attributes: Any
) -> None:
    device_id = DeviceId(BED.unit, BED.bed, device)
    message = EventMessage("boot", bedside.next_seq(device_id), ms(at_s), event, phase, attributes=attributes)
    bedside.message(at_s, device_id, message)


def test_rhythm_events_are_known_with_their_length(bedside: Bedside) -> None:
    rhythm(bedside, 10, "MDC_EVT_ECG_V_TACHY", "start")
    rhythm(bedside, 14, "MDC_EVT_ECG_V_TACHY", "end", beats=8)
    rhythm(bedside, 20, "MDC_EVT_BATT_LO")
    rhythm(bedside, 21, "MDC_EVT_NOT_KNOWN")

    (event,) = facts_of(bedside, 30).rhythm_events(ms(0))
    assert (event.rhythm, event.at_ms, event.beats, event.device) == ("vt", ms(10), 8, "mon1")


def test_an_ecg_that_counts_beats_watches_the_rhythm_until_it_is_silent(bedside: Bedside) -> None:
    bedside.obs(0, {PULSE: 80})
    assert facts_of(bedside, 1).rhythm_watch_ends_ms() is None
    bedside.obs(10, {HR: 80})
    assert facts_of(bedside, 10 + 5 * MINUTE).rhythm_watch_ends_ms() is not None
    assert facts_of(bedside, 11 + 5 * MINUTE).rhythm_watch_ends_ms() is None


def test_a_heart_rate_that_somebody_charts_watches_nothing(bedside: Bedside) -> None:
    bedside.chart(0, {HR: 80})

    assert value(bedside, "hr", 1) == 80
    assert facts_of(bedside, 1).rhythm_watch_ends_ms() is None


# --- weight, urine, balance -------------------------------------------------------------------------------------------


def test_weight_gain_counts_from_the_frozen_baseline(bedside: Bedside) -> None:
    bedside.obs(0, {WEIGHT: 84.0}, device="scale")
    bedside.obs(24 * HOUR, {WEIGHT: 88.0}, device="scale")

    reading = current(bedside, "weight_gain_pct", 24 * HOUR)
    assert reading is not None
    assert (reading.value, reading.unit, reading.source, reading.validity) == (10.0, "%", WEIGHT, Validity.VALID)
    facts = facts_of(bedside, 24 * HOUR)
    assert facts.before("weight_gain_pct", ms(HOUR)) == (ms(0), 5.0)
    assert facts.highest("weight_gain_pct", ms(0)) == (ms(24 * HOUR), 10.0)
    assert current(bedside, "weight_gain_pct", 51 * HOUR) is None


@pytest.mark.parametrize("weight_kg", [176.0, 90.0])
def test_an_implausible_weight_is_questionable_and_not_of_the_past(bedside: Bedside, weight_kg: float) -> None:
    bedside.obs(0, {WEIGHT: 81.0}, device="scale")
    bedside.obs(24 * HOUR, {WEIGHT: weight_kg}, device="scale")

    for signal in ("weight", "weight_gain_pct"):
        reading = current(bedside, signal, 24 * HOUR)
        assert reading is not None
        assert reading.validity is Validity.QUESTIONABLE
    assert facts_of(bedside, 24 * HOUR).before("weight", ms(25 * HOUR)) == (ms(0), 81.0)
    frame = signals_of(bedside.ward.beds[BED], ms(24 * HOUR))
    assert frame["weight"]["validity"] == frame["weight_gain_pct"]["validity"] == "questionable"


def test_urine_of_eight_hours_is_known_from_six_and_a_half_on(bedside: Bedside) -> None:
    for hour in range(1, 7):
        bedside.obs(hour * HOUR, {URINE_HOUR: 20.0}, device="urometer")
    assert current(bedside, "urine_ml_8h", 6 * HOUR) is None
    assert value(bedside, "urine_ml_h", 6 * HOUR) == 20.0
    for hour in (7, 8, 9):
        bedside.obs(hour * HOUR, {URINE_HOUR: 10.0}, device="urometer")

    reading = current(bedside, "urine_ml_8h", 9.5 * HOUR)
    assert reading is not None
    assert (reading.value, reading.unit, reading.at_ms) == (130.0, "mL", ms(9 * HOUR))
    assert current(bedside, "urine_ml_8h", 10.6 * HOUR) is not None
    assert current(bedside, "urine_ml_8h", 10.7 * HOUR) is None
    assert current(bedside, "urine_ml_8h", 9.5 * HOUR, fresh_s=60) is None
    facts = facts_of(bedside, 9 * HOUR)
    assert facts.total("urine_ml", 8 * HOUR * 1000).amount == 130.0
    assert facts.before("urine_ml_8h", ms(8.5 * HOUR)) == (ms(8 * HOUR), 140.0)
    assert facts.highest("urine_ml_h", ms(8.5 * HOUR)) == (ms(8 * HOUR), 10.0)


def test_urine_from_a_bag_that_is_read_now_and_then(bedside: Bedside) -> None:
    for half_hours, volume in ((0, 300.0), (1, 310.0), (2, 330.0), (3, 10.0), (4, 20.0)):
        bedside.obs(half_hours * HOUR / 2, {URINE_BAG: volume}, device="urometer")

    reading = current(bedside, "urine_ml_h", 2 * HOUR)
    assert reading is not None
    assert (reading.value, reading.unit, reading.at_ms, reading.source) == (20.0, "mL/h", ms(2 * HOUR), "urine")
    assert current(bedside, "urine_ml_h", 4 * HOUR + 1) is None
    assert current(bedside, "urine_ml_h", 2 * HOUR + 60, fresh_s=30) is None
    assert facts_of(bedside, 2 * HOUR).highest("urine_ml_h", ms(0)) == (ms(1.5 * HOUR), 30.0)
    bedside.obs(2 * HOUR + 10, {URINE_BAG: None}, device="urometer")
    assert value(bedside, "urine_ml_h", 2 * HOUR + 10) == 20.0


def test_a_bag_read_twice_in_a_night_tells_no_hourly_flow(bedside: Bedside) -> None:
    bedside.chart(0, {URINE_BAG: 0.0})
    bedside.chart(600, {URINE_BAG: 5.0})

    assert current(bedside, "urine_ml_h", 600) is None
    assert facts_of(bedside, 600).before("urine_ml_h", ms(600)) is None


def test_diarrhoea_adds_up_over_shifts(bedside: Bedside) -> None:
    bedside.chart(8 * HOUR, {"site:diarrhea_ml_8h": 1000.0})
    bedside.chart(16 * HOUR, {"site:diarrhea_ml_8h": 1200.0})

    facts = facts_of(bedside, 16 * HOUR)
    assert facts.total("site:diarrhea_ml_8h", 16 * HOUR * 1000) == (2200.0, 1.0, 0)
    assert value(bedside, "site:diarrhea_ml_8h", 16 * HOUR) == 1200.0


def test_the_balance_is_what_the_pumps_gave_minus_urine(bedside: Bedside) -> None:
    for hour in range(25):
        bedside.chart(hour * HOUR, {"MDC_DRUG_NAME_LABEL": "D5W", "MDC_FLOW_FLUID_PUMP_CURRENT": 100.0})
        if hour:
            bedside.obs(hour * HOUR, {URINE_HOUR: 40.0}, device="urometer")

    reading = current(bedside, "fluid_balance_ml_24h", 24 * HOUR)
    assert reading is not None
    assert (reading.value, reading.unit) == (1440.0, "mL")
    assert current(bedside, "fluid_balance_ml_24h", 24 * HOUR, fresh_s=0) is not None
    assert current(bedside, "fluid_balance_ml_24h", 30 * HOUR) is None
    facts = facts_of(bedside, 24 * HOUR)
    assert facts.before("fluid_balance_ml_24h", ms(24 * HOUR)) == (ms(24 * HOUR), 1440.0)
    assert facts.before("fluid_balance_ml_24h", ms(10 * HOUR)) is None
    assert facts.highest("fluid_balance_ml_24h", ms(0)) is None


# --- infusions --------------------------------------------------------------------------------------------------------


def test_a_pressor_is_known_with_its_past(bedside: Bedside) -> None:
    for minute in range(0, 91):
        rate = 4.8 if minute < 30 else 12.0 if minute < 60 else 7.2
        pump(bedside, minute * MINUTE, PRESSOR, MDC_FLOW_FLUID_PUMP_CURRENT=rate)

    reading = current(bedside, PHENYLEPHRINE, 90 * MINUTE)
    assert reading is not None
    assert (reading.value, reading.unit, reading.at_ms) == (0.3, "ug/kg/min", ms(90 * MINUTE))
    facts = facts_of(bedside, 90 * MINUTE)
    assert facts.before(PHENYLEPHRINE, ms(29 * MINUTE)) == (ms(0), 0.2)
    assert facts.highest(PHENYLEPHRINE, ms(0)) == (ms(30 * MINUTE), 0.5)
    assert facts.lowest(PHENYLEPHRINE, ms(40 * MINUTE)) == (ms(60 * MINUTE), 0.3)
    rising = next(found for found in facts.findings() if found.kind is FindingKind.PRESSOR_RISING)
    assert not rising.holds
    assert current(bedside, PHENYLEPHRINE, 90 * MINUTE + 121) is None
    assert current(bedside, PHENYLEPHRINE, 90 * MINUTE + 10, fresh_s=5) is None


def test_a_pressor_that_rises_is_found_and_before_the_stay_there_was_none(bedside: Bedside) -> None:
    for minute in range(0, 71, 2):
        pump(bedside, minute * MINUTE, PRESSOR)

    def rising(at_s: float) -> bool:
        found = facts_of(bedside, at_s).findings()
        return any(each.holds for each in found if each.kind is FindingKind.PRESSOR_RISING)

    assert not rising(59 * MINUTE)  # nobody knows what ran an hour ago
    assert not rising(70 * MINUTE)
    pump(bedside, 72 * MINUTE, PRESSOR, MDC_FLOW_FLUID_PUMP_CURRENT=12.0)
    assert rising(72 * MINUTE)
    assert facts_of(bedside, 72 * MINUTE).due_ms() == ms(74 * MINUTE) + 1
    assert not rising(74 * MINUTE + 1)  # the pump is silent: unknown


@pytest.mark.parametrize(("stopped_min", "rises"), [(1, False), (10, False), (11, True)])
def test_a_pressor_that_runs_on_after_a_stop_rises_an_hour_later_only_if_the_stop_was_long(
    bedside: Bedside, stopped_min: int, rises: bool
) -> None:
    for minute in range(91):
        stands = 30 <= minute < 30 + stopped_min
        status = "pump-status-not-infusing" if stands else "pump-status-infusing"
        rate = 0.0 if stands else 12.0
        pump(bedside, minute * MINUTE, PRESSOR, MDC_FLOW_FLUID_PUMP_CURRENT=rate, MDC_PUMP_INFUSING_STATUS=status)

    facts = facts_of(bedside, 90 * MINUTE)
    assert facts.before(PHENYLEPHRINE, ms(30 * MINUTE)) == ((ms(30 * MINUTE), 0.0) if rises else (ms(0), 0.5))
    rising = next(found for found in facts.findings() if found.kind is FindingKind.PRESSOR_RISING)
    assert rising.holds is rises


def test_a_pressor_begun_an_hour_into_the_stay_rises_from_nothing(bedside: Bedside) -> None:
    pump(bedside, 61 * MINUTE, PRESSOR)

    rising = next(each for each in facts_of(bedside, 61 * MINUTE).findings() if each.kind is FindingKind.PRESSOR_RISING)
    assert rising.holds
    assert rising.evidence["an_hour_ago"] == 0.0


def test_a_pressor_of_unknown_rate_is_shown_as_not_available(bedside: Bedside) -> None:
    bedside.obs(5, {"MDC_DRUG_NAME_LABEL": "phenylephrine", "MDC_FLOW_FLUID_PUMP_CURRENT": 5.0}, device="pump1")

    frame = signals_of(bedside.ward.beds[BED], ms(10))
    assert (frame[PHENYLEPHRINE]["value"], frame[PHENYLEPHRINE]["validity"]) == (None, "not_available")
    assert frame[PHENYLEPHRINE]["at"] == "2026-09-21T14:13:25.000Z"
    assert "dopamine_ug_kg_min" not in frame


def test_a_rate_that_did_not_change_for_an_hour_is_due_for_nothing_but_its_age(bedside: Bedside) -> None:
    for minute in range(0, 122, 2):
        pump(bedside, minute * MINUTE, PRESSOR)

    assert facts_of(bedside, 121 * MINUTE).due_ms() == ms(122 * MINUTE) + 1


def test_a_pump_that_stops_or_goes_offline_is_found(bedside: Bedside) -> None:
    pump(bedside, 0, PRESSOR)
    bedside.status(10, "online", device="pump1", kind="pump")
    bedside.status(20, "offline", device="pump1", kind="pump")
    bedside.status(20, "offline", device="pump7", kind="pump")

    (stopped,) = [found for found in facts_of(bedside, 30).findings() if found.kind is FindingKind.PRESSOR_STOPPED]
    assert (stopped.holds, stopped.evidence["reason"], stopped.since_ms) == (True, "offline", ms(20))
    pump(bedside, 40, PRESSOR)
    assert not [found for found in facts_of(bedside, 40).findings() if found.kind is FindingKind.PRESSOR_STOPPED]
    pump(bedside, 50, PRESSOR, MDC_PUMP_INFUSING_STATUS="pump-status-not-infusing")
    bedside.status(60, "offline", device="pump1", kind="pump")
    (stopped,) = [found for found in facts_of(bedside, 60).findings() if found.kind is FindingKind.PRESSOR_STOPPED]
    assert stopped.evidence["reason"] == "not infusing"


def test_an_occluded_pressor_is_found_and_the_event_of_a_monitor_is_none_of_a_pump(bedside: Bedside) -> None:
    pump(bedside, 0, PRESSOR)
    rhythm(bedside, 10, "MDC_EVT_FLUID_LINE_OCCL", "start", device="pump1")
    rhythm(bedside, 10, "MDC_EVT_FLUID_LINE_OCCL", "start", device="mon1")
    bedside.status(10, "online", device="pump8", kind="pump")
    rhythm(bedside, 11, "MDC_EVT_DOOR_POSN_ERR", "start", device="pump8")

    found = [(each.kind.value, each.evidence["pump"]) for each in facts_of(bedside, 12).findings() if each.holds]
    assert found == [("pressor_occluded", "pump1"), ("pump_alarm", "pump8")]


def test_doses_follow_from_the_order_and_the_pump(bedside: Bedside) -> None:
    bedside.course(HOUR)
    facts = facts_of(bedside, HOUR)
    assert facts.interval_began_ms == ms(HOUR)
    assert facts.doses.next_due(ms(HOUR)) == (1, ms(HOUR))
    assert is_infusing(Drug.ALDESLEUKIN, facts.infusions.pumps, ms(HOUR)) is Truth.FALSE

    for minute in range(16):
        pump(bedside, HOUR + minute * MINUTE, DOSE, MDC_VOL_FLUID_DELIV_TOTAL=minute * 50 / 15)
        assert is_infusing(Drug.ALDESLEUKIN, facts.infusions.pumps, ms(HOUR + minute * MINUTE)) is Truth.TRUE
    silent_ms = ms(HOUR + 18 * MINUTE)
    assert is_infusing(Drug.ALDESLEUKIN, facts.infusions.pumps, silent_ms) is Truth.UNKNOWN

    (dose,) = facts.doses.all
    assert dose.status(ms(2 * HOUR)) is DoseStatus.GIVEN
    assert dose.percent_of_order == 100.0
    assert facts.interval_began_ms == ms(HOUR)
    assert not [found for found in facts.findings() if found.holds]
    pump(bedside, HOUR + 20 * MINUTE, PRESSOR)  # another drug on the pump
    assert dose.ended_ms(ms(2 * HOUR)) == ms(HOUR + 15 * MINUTE)


def test_each_drug_that_is_charted_is_a_line_of_its_own(bedside: Bedside) -> None:
    bedside.chart(0, {"MDC_DRUG_NAME_LABEL": "phenylephrine", "MDC_RATE_DOSE": 0.7})
    bedside.chart(60, {"MDC_DRUG_NAME_LABEL": "Levophed", "MDC_RATE_DOSE": 0.1})
    bedside.chart(120, {"MDC_DRUG_NAME_LABEL": "propofol", "MDC_RATE_DOSE": 30.0})

    assert value(bedside, PHENYLEPHRINE, 11 * HOUR) == 0.7
    assert value(bedside, "norepinephrine_ug_kg_min", 11 * HOUR) == 0.1
    assert current(bedside, PHENYLEPHRINE, 13 * HOUR) is None
    names = [each.name for each in facts_of(bedside, 120).infusions.pumps]
    assert names == [f"{CHART_DEVICE} {drug}" for drug in ("phenylephrine", "norepinephrine", "propofol")]


def test_the_number_of_pumps_looked_at_is_bounded(bedside: Bedside) -> None:
    for n in range(PUMPS_MAX + 3):
        pump(bedside, n, PRESSOR, device=f"pump{n}")

    assert len(facts_of(bedside, 100).infusions.pumps) == PUMPS_MAX


def test_time_alone_changes_nothing_of_a_stay_without_pumps_and_orders(bedside: Bedside) -> None:
    assert facts_of(bedside, 10).due_ms() is None


def test_a_repeated_message_of_a_pump_brings_nothing(bedside: Bedside) -> None:
    pump(bedside, 0, PRESSOR)
    before = facts_of(bedside, 1).infusions.pumps[0].at_ms
    bedside.obs(5, {"MDC_TIME_PD_REMAIN": 100}, device="pump1")

    assert facts_of(bedside, 6).infusions.pumps[0].at_ms == before


# --- for people -------------------------------------------------------------------------------------------------------


def test_derived_signals_are_shown_once_they_were_known(bedside: Bedside) -> None:
    assert signals_of(bedside.ward.beds[BED], ms(0)) == {}
    bedside.obs(10, line(75) | {HR: 60})
    pump(bedside, 10, PRESSOR)
    for hour in range(1, 9):
        bedside.obs(hour * HOUR, {URINE_HOUR: 20.0}, device="urometer")

    frame = signals_of(bedside.ward.beds[BED], ms(20))
    assert frame[PHENYLEPHRINE] == {
        "value": 0.2,
        "unit": "ug/kg/min",
        "at": "2026-09-21T14:13:30.000Z",
        "source": "pumps",
        "device": "pump1",
        "validity": "valid",
        "artefact": None,
        "fresh_for_s": 120.0,
    }
    assert frame["shock_index"]["value"] == 0.5
    assert frame["urine_ml_h"]["source"] == URINE_HOUR
    later = signals_of(bedside.ward.beds[BED], ms(8 * HOUR))
    assert later["urine_ml_8h"]["value"] == 160.0
    assert (later[PHENYLEPHRINE]["value"], later[PHENYLEPHRINE]["validity"]) == (None, "not_available")
    assert later["shock_index"]["validity"] == "not_available"
    assert ABP_MAP not in later


def test_a_bed_without_a_patient_shows_no_derived_signals() -> None:
    bedside = Bedside(admitted=False)
    bedside.obs(10, line(75) | {HR: 60})

    assert list(signals_of(bedside.ward.beds[BED], ms(10))) == ["sbp", "dbp", "map", "hr"]
