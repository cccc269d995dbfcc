"""The estimated grade of the leak: each part at its boundary, the whole, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.criteria.facts import Total
from streaming.observation import Validity
from streaming.therapy.leak import leak_estimate
from tests.support.plain_facts import PlainFacts, say

WELL = {"weight_gain_pct": 0.0, "sbp": 120.0, "urine_ml_8h": 500.0}


class Measured(PlainFacts):
    """Totals are what a test says they are."""

    totals: dict[str, Total] = {}  # noqa: RUF012 - set by each test on a class of its own

    def total(self, signal: str, window_ms: int) -> Total:
        return self.totals.get(signal, Total(0.0, 0.0))


def estimate(values: dict[str, Any], **totals: Total) -> dict[str, Any]:
    facts = type("Case", (Measured,), {"totals": totals})(baseline={"sbp": 128.0, "weight": 80.0})
    say(facts, WELL | values)
    return leak_estimate(facts)


def part(estimated: dict[str, Any], name: str) -> Any:
    return next(each["grade"] for each in estimated["parts"] if each["name"] == name)


@pytest.mark.parametrize(("gain", "grade"), [(-3, 0), (4.9, 0), (5, 1), (9.9, 1), (10, 2), (19.9, 2), (20, 3), (40, 3)])
def test_the_weight_has_the_grades_of_ctcae(gain: float, grade: int) -> None:
    assert part(estimate({"weight_gain_pct": gain}), "weight") == grade


@pytest.mark.parametrize(("shift_ml", "grade"), [(80, 0), (79, 3)])
def test_the_urine_of_a_shift_has_the_grades_of_ctcae(shift_ml: float, grade: int) -> None:
    assert part(estimate({"urine_ml_8h": shift_ml}), "urine") == grade


@pytest.mark.parametrize(
    ("day", "grade"), [(Total(239, 0.8), 4), (Total(240, 0.8), 0), (Total(239, 0.79), 0), (Total(100, 1), 4)]
)
def test_the_urine_of_a_day_counts_where_enough_of_it_is_known(day: Total, grade: int) -> None:
    assert part(estimate({}, urine_ml=day), "urine") == grade


@pytest.mark.parametrize(
    ("values", "grade"),
    [
        ({"sbp": 120}, 0),
        ({"sbp": 108.1}, 0),
        ({"sbp": 108}, 1),
        ({"sbp": 89}, 1),
        ({"sbp": 110, "phenylephrine_ug_kg_min": 0.3}, 3),
        ({"sbp": 80, "phenylephrine_ug_kg_min": 0.3}, 3),
        ({"sbp": 79, "phenylephrine_ug_kg_min": 0.3}, 4),
        ({"sbp": 110, "phenylephrine_ug_kg_min": 0.3, "dopamine_ug_kg_min": 2}, 4),
    ],
)
def test_the_pressure_is_graded_by_what_holds_it_up(values: dict[str, Any], grade: int) -> None:
    assert part(estimate(values), "pressure") == grade


def test_fluid_for_a_low_pressure_is_an_intervention() -> None:
    assert part(estimate({"sbp": 85}, intake_ml=Total(250, 1)), "pressure") == 2
    assert part(estimate({"sbp": 85}, intake_ml=Total(249, 1)), "pressure") == 1
    assert part(estimate({"sbp": 120}, intake_ml=Total(250, 1)), "pressure") == 0


def test_the_whole_is_the_highest_of_its_parts_and_says_that_it_is_estimated() -> None:
    estimated = estimate({"weight_gain_pct": 11.0, "sbp": 100.0})

    assert (estimated["grade"], estimated["estimated"], estimated["is_at_least"]) == (2, True, False)
    assert [each["text"] for each in estimated["parts"]] == ["weight +11.0 %", "SBP 100 mmHg", "urine 500 mL in 8 h"]


def test_what_is_not_known_is_listed_and_the_grade_is_at_least_the_rest() -> None:
    facts = PlainFacts()
    assert leak_estimate(facts) | {"parts": [], "reference": ""} == {
        "estimated": True, "grade": None, "is_at_least": True, "unknown": ["weight", "pressure", "urine"],
        "parts": [], "reference": "",
    }  # fmt: skip

    say(facts, {"weight_gain_pct": 12.0})
    estimated = leak_estimate(facts)
    assert (estimated["grade"], estimated["unknown"]) == (2, ["pressure", "urine"])


def test_a_pressor_of_unknown_rate_and_a_doubtful_weight_are_not_known() -> None:
    class Silent(PlainFacts):
        def _not_infused(self, signal: str) -> Any:
            return None

    facts = Silent()
    say(facts, {"sbp": 120.0})
    facts.say("weight_gain_pct", 40.0, validity=Validity.QUESTIONABLE)

    assert leak_estimate(facts)["unknown"] == ["weight", "pressure", "urine"]
    say(facts, {"phenylephrine_ug_kg_min": 0.3})
    assert part(leak_estimate(facts), "pressure") == 3
