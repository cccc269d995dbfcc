"""Whether a weight can be believed."""

from __future__ import annotations

import pytest

from streaming.therapy.weights import Weights
from tests.support.talking_pump import at

DAY_S = 86_400
HOUR_S = 3600


def test_the_first_weight_is_believed_however_much_was_gained_before() -> None:
    weights = Weights(80.0)

    assert weights.take(at(0), 92.0)
    assert not weights.is_doubtful(at(0), 92.0)


@pytest.mark.parametrize("weight_kg", [176.4, 160.0, 192.0, 36.3, 40.0, 33.4, 198.0])
def test_a_weight_in_the_wrong_unit_is_never_believed(weight_kg: float) -> None:
    weights = Weights(80.0)
    weights.take(at(0), 81.0)

    for day in range(1, 4):
        assert not weights.take(at(day * DAY_S), weight_kg)
    assert weights.is_doubtful(at(3 * DAY_S), weight_kg)


@pytest.mark.parametrize(("weight_kg", "is_believed"), [(86.0, True), (86.1, False), (76.0, True), (75.9, False)])
def test_a_weight_that_jumps_by_more_than_five_kilograms_is_doubtful(weight_kg: float, is_believed: bool) -> None:
    weights = Weights(80.0)
    weights.take(at(0), 81.0)

    assert weights.take(at(DAY_S), weight_kg) is is_believed
    assert weights.is_doubtful(at(DAY_S), weight_kg) is not is_believed


def test_a_doubtful_weight_does_not_make_the_next_one_doubtful() -> None:
    weights = Weights(80.0)
    weights.take(at(0), 81.0)
    weights.take(at(DAY_S), 120.0)

    assert weights.take(at(DAY_S + 60), 81.5)


def test_a_jump_that_another_weighing_confirms_is_believed() -> None:
    weights = Weights(80.0)
    weights.take(at(0), 81.0)
    weights.take(at(DAY_S), 90.0)
    assert not weights.take(at(DAY_S + 60), 90.5)  # the same scale a minute later
    assert weights.take(at(DAY_S + HOUR_S), 91.0)

    assert not weights.is_doubtful(at(DAY_S + HOUR_S), 91.0)
    assert weights.take(at(2 * DAY_S), 94.0)


def test_two_jumps_that_do_not_agree_confirm_nothing() -> None:
    weights = Weights(80.0)
    weights.take(at(0), 81.0)
    weights.take(at(DAY_S), 90.0)

    assert not weights.take(at(2 * DAY_S), 95.0)
    assert weights.take(at(2 * DAY_S + HOUR_S), 95.0)


def test_a_weight_that_comes_late_is_judged_and_changes_nothing() -> None:
    weights = Weights(80.0)
    weights.take(at(DAY_S), 81.0)

    assert weights.take(at(0), 80.5)
    assert not weights.take(at(0), 95.0)
    assert weights.is_doubtful(at(0), 95.0)
    assert weights.take(at(2 * DAY_S), 82.0)


@pytest.mark.parametrize(
    ("baseline_kg", "weight_kg"),
    [(80.0, 197.5), (80.0, 220.5), (176.4, 80.0), (176.4, 92.0)],
    ids=["gained-12-%", "gained-25-%", "order-in-pounds", "order-in-pounds-gained-15-%"],
)
def test_pounds_are_known_though_the_patient_has_gained_and_nothing_was_weighed_before(
    baseline_kg: float, weight_kg: float
) -> None:
    weights = Weights(baseline_kg)

    assert not weights.take(at(0), weight_kg)
    assert not weights.take(at(DAY_S), weight_kg)
    assert weights.last_in_pounds(baseline_kg) == (at(DAY_S), weight_kg)


def test_a_weighing_that_agrees_ends_what_was_said_of_pounds() -> None:
    weights = Weights(80.0)
    weights.take(at(0), 176.4)
    assert weights.last_in_pounds(80.0) is not None

    assert weights.take(at(HOUR_S), 81.0)
    assert weights.last_in_pounds(80.0) is None
    assert weights.last_in_pounds(176.4) == (at(HOUR_S), 81.0)  # the order's weight is another than before treatment
