"""When a stay is looked at: what is reported, what crosses a bound, what time changes; and what is not looked at."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.rulebook import Rulebook
from alerts.ward import Ward
from gateway.rulesets import load_rulebook
from streaming.commands import Chart, Course
from streaming.criteria.decision import DecisionChanged
from streaming.identity import DeviceId
from streaming.observation import Decoded, MetricValue, ObsMessage, StatusMessage
from tests.support.bedside import BED, to_admit
from tests.support.plain_facts import WELL

BEGIN_MS = 1_790_000_000_000
MINUTE_MS = 60_000
RULES: Rulebook = load_rulebook()
CHECKLIST = {name: value for name, value in WELL.items() if name.startswith("site:")}
SBP = "MDC_PRESS_BLD_ART_ABP_SYS"
VITALS: Mapping[str, MetricValue] = {
    "MDC_ECG_HEART_RATE": 88,
    SBP: 118,
    "MDC_PRESS_BLD_ART_ABP_DIA": 66,
    "MDC_PRESS_BLD_ART_ABP_MEAN": 83,
    "MDC_PULS_OXIM_SAT_O2": 97,
    "MDC_RESP_RATE": 16,
}


class Watched:
    """One patient on label-2024, with a monitor, and every decision that was told."""

    def __init__(self) -> None:
        self.ward = Ward(RULES)
        self.told: list[DecisionChanged] = []
        self._seq = 0
        self.take(self.ward.command(to_admit(profile="label-2024"), "admit", {}, BEGIN_MS))

    def take(self, effects: list[object]) -> None:
        self.told += [each for each in effects if isinstance(each, DecisionChanged)]

    def monitor(self, at_ms: int, device: str = "mon1", **changed: float) -> None:
        metrics = dict(VITALS) | {SBP: changed.get("sbp", 118.0)}
        self.report(at_ms, metrics, device)

    def report(self, at_ms: int, metrics: Mapping[str, MetricValue], device: str = "mon1") -> None:
        self._seq += 1
        message = ObsMessage("boot", self._seq, BEGIN_MS + at_ms, metrics)
        decoded = Decoded(DeviceId("icu", "b01", device), message)
        self.take(self.ward.message(decoded, f"icu/v1/icu/b01/{device}/obs", BEGIN_MS + at_ms))

    def status(self, at_ms: int, device: str, kind: str) -> None:
        decoded = Decoded(DeviceId("icu", "b01", device), StatusMessage("online", kind))
        self.take(self.ward.message(decoded, f"icu/v1/icu/b01/{device}/status", BEGIN_MS + at_ms))

    def chart(self, at_ms: int, metrics: Mapping[str, MetricValue]) -> None:
        command = Chart(admission_id="adm-1", determined_ms=None, metrics=metrics, actor="nurse")
        self.take(self.ward.command(command, "chart", {}, BEGIN_MS + at_ms))

    def tick(self, at_ms: int) -> None:
        self.take(self.ward.advance(BEGIN_MS + at_ms))

    def state(self, criterion: str) -> str:
        desk = self.ward.desk("adm-1")
        assert desk is not None
        found = {state.criterion.id: state.state for state in desk.book.states}
        return found[criterion].value


def test_a_charted_state_is_looked_at_at_once() -> None:
    watched = Watched()
    watched.chart(10, {"site:stool_blood": "negative"})

    assert watched.state("gi.stool_blood") == "clear"


def test_a_pressure_that_falls_below_its_bound_is_met_within_its_confirmation() -> None:
    watched = Watched()
    for second in range(60):
        watched.monitor(second * 1000)
    assert watched.state("cardiovascular.sbp") == "clear"
    for second in range(60, 72):
        watched.monitor(second * 1000, sbp=84)

    assert watched.state("cardiovascular.sbp") == "met"
    assert watched.told[-1].at_ms - BEGIN_MS == 70_000


def test_values_that_cross_no_bound_are_not_looked_at_each_time() -> None:
    watched = Watched()
    desk = watched.ward.desk("adm-1")
    assert desk is not None
    (state,) = (each for each in desk.book.states if each.criterion.id == "cardiovascular.sbp")
    for second in range(120):
        watched.monitor(second * 1000, sbp=110 + second % 7)

    assert state.finding.value == 110  # the value first judged, not the latest
    shown = {each["id"]: each["value"] for each in desk.view(BEGIN_MS + 119_000)["criteria"]}
    assert shown["cardiovascular.sbp"] == 110 + 119 % 7  # people see the latest


def test_a_line_that_is_silent_for_minutes_is_unknown_and_known_again_in_the_same_band() -> None:
    watched = Watched()
    for second in range(5):
        watched.monitor(second * 1000)
    watched.tick(4_000 + 5 * MINUTE_MS)
    assert watched.state("cardiovascular.sbp") == "clear"
    watched.tick(4_001 + 5 * MINUTE_MS)
    assert watched.state("cardiovascular.sbp") == "unknown"
    watched.monitor(6 * MINUTE_MS + 1_500)

    assert watched.state("cardiovascular.sbp") == "clear"


def test_a_pressure_written_down_each_hour_is_known_for_as_long_as_it_may_be_each_time() -> None:
    watched = Watched()
    watched.status(0, "paper", "chart")
    for hour in range(3):
        at_ms = hour * 60 * MINUTE_MS + 1_000
        watched.report(at_ms, {SBP: 118, "MDC_PRESS_BLD_ART_ABP_DIA": 66, "MDC_PRESS_BLD_ART_ABP_MEAN": 83}, "paper")
        assert watched.state("cardiovascular.sbp") == "clear"
        watched.tick(at_ms + 30 * MINUTE_MS)
        assert watched.state("cardiovascular.sbp") == "unknown"


def test_a_pressor_that_is_heard_no_more_is_unknown_when_its_rate_may_be_believed_no_longer() -> None:
    watched = Watched()
    watched.report(
        1_000,
        {
            "MDC_DRUG_NAME_LABEL": "phenylephrine",
            "MDC_RATE_DOSE": 0.4,
            "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
        },
        "pump1",
    )
    facts = watched.ward.beds[BED].patient
    assert facts is not None
    assert facts.facts.changes_ms <= BEGIN_MS + 1_000 + 2 * MINUTE_MS + 1
    watched.tick(3 * MINUTE_MS)

    assert facts.facts.current("phenylephrine_ug_kg_min") is None
    assert facts.facts.changes_ms > BEGIN_MS + 3 * MINUTE_MS


def test_a_dose_that_falls_due_under_a_hold_is_held_at_that_instant() -> None:
    watched = Watched()
    course = Course(
        admission_id="adm-1",
        drug="aldesleukin",
        dose_iu_per_kg=600_000,
        interval_h=8,
        max_doses=14,
        duration_min=15,
        first_dose_ms=BEGIN_MS + 30 * MINUTE_MS,
        cycle=1,
        actor="dr",
    )
    watched.take(watched.ward.command(course, "course", {}, BEGIN_MS + 10))
    watched.chart(20, CHECKLIST | {"site:stool_blood": "positive"})
    watched.tick(31 * MINUTE_MS)

    desk = watched.ward.desk("adm-1")
    assert desk is not None
    (first, *_) = desk.dose_rows(BEGIN_MS + 31 * MINUTE_MS)
    assert (first["number"], first["status"]) == (1, "held")


def test_a_burst_costs_one_look_a_second() -> None:
    watched = Watched()
    watched.chart(0, {"site:stool_blood": "negative"})
    for n in range(20):
        watched.report(100 + n, {"loinc:2160-0": 1.0 + n / 100}, "lab1")
    assert watched.state("renal.creatinine") == "unknown"
    watched.tick(1_100)

    assert watched.state("renal.creatinine") == "clear"
