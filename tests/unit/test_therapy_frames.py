"""A patient's treatment as the display is told of it: the course in a line, the pumps, the pressors an hour ago."""

from __future__ import annotations

import pytest

from gateway.frames import admission_state, bed_frame
from gateway.therapy_frames import fluids_of
from streaming.observation import MetricValue
from tests.support.bedside import BED
from tests.unit.test_stay_alarms import HOUR, MINUTE, Treated

NOREPINEPHRINE: dict[str, MetricValue] = {
    "MDC_DRUG_NAME_LABEL": "Levophed",
    "MDC_CONC_DRUG": 0.064,
    "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
}


def frame_of(bedside: Treated) -> dict[str, object]:
    return bed_frame(bedside.ward, bedside.ward.beds[BED])


def test_the_frame_of_a_bed_says_where_the_course_stands_and_what_is_decided() -> None:
    bedside = Treated()
    before = frame_of(bedside)["dosing"]
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    during = frame_of(bedside)["dosing"]

    assert isinstance(before, dict)
    assert isinstance(during, dict)
    assert (before["doses_begun"], before["last"], before["max_doses"]) == (0, None, 14)
    assert before["next"]["number"] == 1
    assert before["summary"]
    assert (during["doses_begun"], during["last"]["number"], during["last"]["status"]) == (1, 1, "running")
    assert during["last"]["ended_at"] is None
    assert during["next"]["number"] == 2
    assert during["decision"] in {"proceed", "hold", "discontinue", "indeterminate"}


def test_without_a_course_there_is_no_dose_to_come() -> None:
    dosing = frame_of(Treated(course=False))["dosing"]

    assert isinstance(dosing, dict)
    assert (dosing["max_doses"], dosing["next"], dosing["last"]) == (None, None, None)


def test_the_frame_says_how_much_of_a_pressor_ran_an_hour_ago() -> None:
    bedside = Treated()
    for minute in range(5, 76):
        rate = 10.0 if minute < 40 else 20.0
        bedside.pump(minute * MINUTE, {**NOREPINEPHRINE, "MDC_FLOW_FLUID_PUMP_CURRENT": rate}, device="pump2")
    dosing = frame_of(bedside)["dosing"]

    assert isinstance(dosing, dict)
    ago = dosing["pressors_hour_ago"]["norepinephrine_ug_kg_min"]
    now = bed_frame(bedside.ward, bedside.ward.beds[BED])["signals"]["norepinephrine_ug_kg_min"]["value"]
    assert now == pytest.approx(2 * ago, rel=1e-4)
    assert ago > 0


def test_the_state_of_an_admission_lists_the_pumps_those_that_run_first() -> None:
    bedside = Treated()
    bedside.infuse(10 * MINUTE, 12 * MINUTE)
    bedside.pump(12 * MINUTE, {"MDC_PUMP_INFUSING_STATUS": "pump-status-not-infusing"}, device="apump")
    state = admission_state(bedside.ward, "adm-1")

    assert state is not None
    assert [(pump["pump"], pump["is_infusing"]) for pump in state["infusions"]] == [("pump1", True), ("apump", False)]
    assert state["infusions"][0]["drug"] == "aldesleukin"
    assert state["dosing"]["doses_begun"] == 1
    bedside.tick(HOUR)
    later = admission_state(bedside.ward, "adm-1")
    assert later is not None
    assert later["infusions"][0]["is_silent"] is True


def test_the_age_of_a_signal_is_counted_from_the_time_that_stands_with_it() -> None:
    bedside = Treated()
    bedside.obs(10, {"MDC_ECG_HEART_RATE": 80.0, "MDC_PULS_OXIM_SAT_O2": None, "MDC_RESP_RATE": 15.0})
    bedside.obs(20, {"MDC_RESP_RATE": None})
    bedside.tick(25)
    state = admission_state(bedside.ward, "adm-1")

    assert state is not None
    ages = {name: state["signals"][name]["age_s"] for name in ("hr", "spo2", "rr")}
    assert ages == {"hr": 15.0, "spo2": 15.0, "rr": 5.0}
    assert state["signals"]["spo2"]["value"] is None


def test_the_fluids_of_a_patient_are_told_by_the_hour_with_the_boluses() -> None:
    bedside = Treated()
    for minute in range(61):
        given = {"MDC_FLOW_FLUID_PUMP_CURRENT": 500.0, "MDC_VOL_FLUID_DELIV_TOTAL": minute * 500 / 60}
        saline: dict[str, MetricValue] = {**NOREPINEPHRINE, "MDC_DRUG_NAME_LABEL": "Saline", **given}
        bedside.pump(minute * MINUTE, saline, device="pump3")
    desk = bedside.ward.desk("adm-1")
    assert desk is not None
    told = fluids_of(desk.facts, 3, bedside.ward.now_ms)

    assert sum(hour["intake_ml"] or 0.0 for hour in told["hours"]) == pytest.approx(500.0, abs=0.1)
    assert told["hours"][0]["intake_ml"] is None
    assert told["hours"][-1].keys() >= {"from", "to", "urine_ml", "urine_coverage", "balance_ml", "intake_coverage"}
    assert told["hours"][-1]["by_pump"][0]["drug"] == "fluid"
    (bolus,) = told["boluses"]
    assert (bolus["pump"], bolus["label"], bolus["ml"]) == ("pump3", "Saline", pytest.approx(500.0, abs=0.1))
    assert bolus["from"] < bolus["to"]
