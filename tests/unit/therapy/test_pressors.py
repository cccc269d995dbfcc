"""How much of a pressor runs."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.observation import Validity
from streaming.therapy.drugs import Drug
from streaming.therapy.infusion import GONE_MS
from streaming.therapy.pressors import dose_of, pressor, unit_of
from tests.support.talking_pump import TalkingPump, at

WEIGHT_KG = 80.0


def running(name: str = "pump1", seconds: float = 0, *, is_charted: bool = False, **said: Any) -> TalkingPump:
    talking = TalkingPump(name, is_charted=is_charted)
    program: dict[str, Any] = {"label": "phenylephrine", "status": True} | said
    talking.say(seconds, **program)
    return talking


def rate(*talking: TalkingPump, drug: Drug = Drug.PHENYLEPHRINE, seconds: float = 0) -> float | str | None:
    reading = pressor(drug, [each.pump for each in talking], at(seconds), WEIGHT_KG)
    return reading.value if reading is not None else None


def test_a_drug_that_no_pump_reports_is_not_being_infused() -> None:
    reading = pressor(Drug.DOPAMINE, [], at(5), WEIGHT_KG)

    assert reading is not None
    assert (reading.value, reading.unit, reading.at_ms, reading.source) == (0.0, "ug/kg/min", at(5), "no pump")


def test_the_rate_that_the_pump_sends_counts() -> None:
    assert rate(running(dose_rate=0.7, rate=99.0, conc=0.2)) == 0.7


def test_without_it_the_rate_is_flow_times_concentration_by_dosing_weight() -> None:
    # 4.8 mL/h x 0.2 mg/mL = 0.96 mg/h = 16 ug/min, of 80 kg
    assert rate(running(rate=4.8, conc=0.2, weight=100.0)) == 0.2


def test_a_rate_in_a_unit_that_does_not_fit_is_reckoned_instead() -> None:
    assert rate(running(dose_rate=(5.0, "[IU]/min"), rate=4.8, conc=0.2)) == 0.2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"dose_rate": (0.04, "[IU]/min")}, 0.04),
        ({"dose_rate": (0.0005, "[IU]/kg/min")}, 0.04),
        ({"rate": 12.0, "conc": (0.2, "[IU]/mL")}, 0.04),
        ({"rate": 12.0, "conc": 0.2}, None),
        ({"dose_rate": 0.1}, None),
    ],
)
def test_vasopressin_is_dosed_in_units_per_minute(said: dict[str, Any], expected: float | None) -> None:
    assert rate(running(label="Vasostrict", **said), drug=Drug.VASOPRESSIN) == expected
    assert unit_of(Drug.VASOPRESSIN) == "[IU]/min"


@pytest.mark.parametrize(
    "said",
    [{}, {"rate": 4.8}, {"conc": 0.2}, {"rate": 4.8, "conc": (10.0, "[IU]/mL")}, {"dose_rate": (1.0, "[IU]/min")}],
)
def test_an_infusion_that_does_not_say_how_much_makes_the_rate_unknown(said: dict[str, Any]) -> None:
    assert rate(running(**said)) is None


def test_a_pump_that_does_not_infuse_gives_nothing_however_long_ago_it_said_so() -> None:
    idle = running(status=False, rate=4.8, conc=0.2)

    assert rate(idle, seconds=7200) == 0.0


def test_an_infusing_pump_that_is_silent_makes_the_rate_unknown_and_a_day_later_it_is_gone() -> None:
    talking = running(dose_rate=0.7)

    assert rate(talking, seconds=120) == 0.7
    assert rate(talking, seconds=121) is None
    assert rate(talking, seconds=GONE_MS / 1000 + 1) == 0.0


def test_pumps_of_one_drug_add_up_and_the_oldest_report_dates_the_sum() -> None:
    one, other = running("pump1", dose_rate=0.5), running("pump2", 30, dose_rate=0.25)
    idle, another = running("pump3", 40, status=False), running("pump4", 40, label="dopamine", dose_rate=3.0)

    reading = pressor(Drug.PHENYLEPHRINE, [each.pump for each in (one, other, idle, another)], at(60), WEIGHT_KG)

    assert reading is not None
    assert (reading.value, reading.at_ms, reading.device) == (0.75, at(0), "pump1,pump2,pump3")
    assert rate(one, other, running("pump5"), seconds=60) is None


def test_what_is_charted_speaks_only_while_no_pump_reports_the_drug() -> None:
    charted = running("@chart phenylephrine", is_charted=True, dose_rate=1.0)

    assert rate(charted, seconds=3600) == 1.0
    assert rate(charted, running("pump1", 3600, dose_rate=0.4), seconds=3600) == 0.4


def test_a_questionable_value_makes_the_rate_questionable() -> None:
    talking = TalkingPump()
    talking.say(0, validity=Validity.QUESTIONABLE, label="phenylephrine", dose_rate=0.4)

    reading = pressor(Drug.PHENYLEPHRINE, [talking.pump], at(0), WEIGHT_KG)

    assert reading is not None
    assert reading.validity is Validity.QUESTIONABLE


def test_a_pump_with_an_unknown_drug_has_no_rate_of_one() -> None:
    talking = running(label="channel A", dose_rate=1.0)

    assert dose_of(talking.pump, at(0), WEIGHT_KG) is None
    assert rate(talking) == 0.0
