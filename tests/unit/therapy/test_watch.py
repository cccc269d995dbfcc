"""Pressors that stop, and pumps that sound an alarm."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.criteria.facts import Sample
from streaming.therapy.drugs import Drug
from streaming.therapy.findings import FindingKind, InfusionFinding, InfusionLimits
from streaming.therapy.infusion import Pump
from streaming.therapy.watch import NOT_INFUSING, OCCLUDED, OFFLINE, PumpWatch, Stop, rising_finding
from tests.support.talking_pump import TalkingPump, at

LIMITS = InfusionLimits()
HOUR_S = 3600


class Watched:
    """Pumps and who watches them."""

    def __init__(self) -> None:
        self.watch = PumpWatch()
        self.talking: dict[str, TalkingPump] = {}

    def say(
        self, seconds: float, pump: str = "pump1", *, dose: float | None = 1.0, peak: float | None = 1.0, **said: Any
    ) -> None:
        talking = self.talking.setdefault(pump, TalkingPump(pump))
        before = talking.pump.drug
        report = talking.say(seconds, **said)
        assert report is not None
        stop = Stop(before, at(seconds), NOT_INFUSING, dose, peak) if before is not None else None
        self.watch.take(talking.pump, report, stop)

    def run(self, seconds: float, pump: str = "pump1", *, label: str = "Levophed") -> None:
        self.say(seconds, pump, label=label, status=True, rate=5.0, conc=0.064)

    def halt(self, seconds: float, pump: str = "pump1", *, dose: float | None = 1.0, peak: float | None = 1.0) -> None:
        self.say(seconds, pump, dose=dose, peak=peak, status=False)

    @property
    def pumps(self) -> dict[str, Pump]:
        return {name: talking.pump for name, talking in self.talking.items()}

    def found(self, seconds: float) -> list[InfusionFinding]:
        return self.watch.findings(self.pumps, at(seconds), LIMITS)

    def held(self, seconds: float) -> list[tuple[str, str]]:
        return [(each.kind.value, each.subject) for each in self.found(seconds) if each.holds]


def test_a_stop_that_a_person_charts_is_known_to_people() -> None:
    ward = Watched()
    ward.talking["chart"] = TalkingPump("chart", is_charted=True)
    ward.run(0, "chart")
    ward.halt(10, "chart")

    assert ward.found(20) == []


def test_a_pressor_that_stops_is_told() -> None:
    ward = Watched()
    ward.run(0)
    assert ward.held(5) == []
    ward.halt(10)

    (finding,) = ward.found(20)
    assert finding.holds
    assert (finding.kind, finding.since_ms) == (FindingKind.PRESSOR_STOPPED, at(10))
    assert finding.evidence["text"] == "pump1: norepinephrine stopped from 1 µg/kg/min (not infusing)"


def test_a_drug_that_does_not_matter_for_the_circulation_may_stop() -> None:
    ward = Watched()
    ward.run(0, label="D5W")
    ward.halt(10)
    ward.run(20, label="channel A")
    ward.halt(30)

    assert ward.found(40) == []


@pytest.mark.parametrize(
    ("dose", "peak", "is_told"),
    [
        (0.02, 0.02, False),
        (0.021, 0.021, True),
        (0.1, 0.3, False),
        (0.101, 0.3, True),
        (None, 1.0, True),
        (0.1, None, True),
    ],
)
def test_the_end_of_a_weaning_is_not_told(dose: float | None, peak: float | None, is_told: bool) -> None:
    ward = Watched()
    ward.run(0)
    ward.halt(10, dose=dose, peak=peak)

    assert bool(ward.held(10)) is is_told


def test_a_pressor_that_runs_again_is_over() -> None:
    ward = Watched()
    ward.run(0)
    ward.halt(10)
    ward.run(20)

    assert ward.found(20) == []


def test_a_pressor_that_runs_on_another_pump_is_over() -> None:
    ward = Watched()
    ward.run(0)
    ward.halt(10)
    ward.run(20, "pump2", label="dopamine")
    assert ward.held(20) == [("pressor_stopped", "pump1")]

    ward.say(30, "pump2", dose=5.0, peak=5.0, label="noradrenaline", status=True, rate=5.0)
    assert ward.held(30) == [("pressor_stopped", "pump2")]  # dopamine was on it


def test_a_pump_that_is_given_another_drug_while_it_runs_has_stopped_the_first() -> None:
    ward = Watched()
    ward.run(0)
    ward.run(10, label="D5W")

    assert ward.held(10) == [("pressor_stopped", "pump1")]


def test_a_stop_is_told_for_an_hour() -> None:
    ward = Watched()
    ward.run(0)
    ward.halt(10)

    assert ward.watch.changes_ms(LIMITS) == [at(10 + HOUR_S) + 1]
    assert ward.held(10 + HOUR_S)
    assert not ward.held(11 + HOUR_S)


def test_a_pump_that_says_it_is_offline_has_stopped_however_little_it_gave() -> None:
    ward = Watched()
    ward.run(0)
    ward.watch.stopped("pump1", Stop(Drug.NOREPINEPHRINE, at(5), OFFLINE, 0.01, 0.01))

    (finding,) = ward.found(5)
    assert finding.holds
    assert finding.evidence["reason"] == "offline"


@pytest.mark.parametrize(("label", "kind"), [("Levophed", "pressor_occluded"), ("Proleukin", "pump_alarm")])
def test_an_occluded_line_is_told_until_it_ends(label: str, kind: str) -> None:
    ward = Watched()
    ward.run(0, label=label)
    ward.watch.event("pump1", OCCLUDED, "start", at(10))
    ward.watch.event("pump1", OCCLUDED, "tpoint", at(12))

    (finding,) = ward.found(20)
    assert (finding.kind.value, finding.holds, finding.since_ms) == (kind, True, at(10))
    ward.watch.event("pump1", OCCLUDED, "end", at(30))
    assert ward.found(30) == []


def test_an_alarm_is_over_when_fluid_flows_again_after_it() -> None:
    ward = Watched()
    ward.run(0)
    ward.say(10, volume=1.0)
    ward.watch.event("pump1", OCCLUDED, "start", at(15))
    ward.watch.event("pump2", OCCLUDED, "start", at(15))
    ward.say(20, volume=1.2)
    assert len(ward.held(20)) == 2  # that was delivered before

    ward.say(30, volume=1.3)
    assert [each.evidence["pump"] for each in ward.found(30)] == ["pump2"]


def test_other_alarms_of_pumps_are_told_and_other_events_are_not() -> None:
    ward = Watched()
    ward.watch.event("pump1", "MDC_EVT_FLUID_LINE_AIR", "start", at(0))
    ward.watch.event("pump1", "MDC_EVT_BATT_LO", "start", at(0))

    (finding,) = ward.found(0)
    assert finding.subject == "pump1 MDC_EVT_FLUID_LINE_AIR"
    assert finding.evidence["text"] == "pump1: air in the line"
    assert not ward.held(HOUR_S + 1)


def test_what_a_pump_left_behind_did_is_forgotten() -> None:
    ward = Watched()
    ward.run(0)
    ward.halt(10)
    ward.watch.event("pump1", OCCLUDED, "start", at(10))
    ward.watch.event("pump2", OCCLUDED, "start", at(10))

    ward.watch.leave("pump1")

    assert ward.held(10) == [("pump_alarm", f"pump2 {OCCLUDED}")]


@pytest.mark.parametrize(
    ("before", "now", "holds"),
    [
        (0.8, 1.0, True),
        (0.81, 1.0, False),
        (0.0, 0.2, True),
        (0.0, 0.1, False),
        (1.0, 0.5, False),
        (0.5, 0.65, False),
        (2.0, 2.4, False),
    ],
)
def test_a_rise_counts_from_a_quarter_and_from_what_matters(before: float, now: float, holds: bool) -> None:
    finding = rising_finding(Drug.PHENYLEPHRINE, Sample(at(0), now), before, at(60), LIMITS)

    assert finding.holds is holds
    assert finding.since_ms == (at(0) if holds else at(60))


@pytest.mark.parametrize(("now", "before"), [(None, 0.5), (Sample(at(0), 1.0), None)])
def test_a_rate_that_is_unknown_does_not_rise(now: Sample | None, before: float | None) -> None:
    finding = rising_finding(Drug.PHENYLEPHRINE, now, before, at(60), LIMITS)

    assert not finding.holds
    assert finding.evidence["text"] == "phenylephrine: rate unknown"
