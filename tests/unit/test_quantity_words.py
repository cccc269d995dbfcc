"""Quantities as people read them: no false precision, and none that says more than was reached."""

from __future__ import annotations

import pytest

from streaming.quantity_words import minutes_words, number_words, quantity_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (84, "84"),
        (84.0, "84"),
        (0.7, "0.7"),
        (281.25, "281.25"),
        (0.005, "0.005"),
        (0.0398, "0.04"),
        (0, "0"),
        (-3.5, "-3.5"),
    ],
)
def test_numbers_have_no_needless_decimals(value: float, words: str) -> None:
    assert number_words(value) == words


def test_quantities_have_the_units_of_people() -> None:
    assert quantity_words(0.4, "ug/kg/min") == "0.4 µg/kg/min"
    assert quantity_words(1.5042, "ug/kg/min") == "1.5 µg/kg/min"
    assert quantity_words(0.9, "1") == "0.9"
    assert quantity_words("moist_desquamation", "") == "moist desquamation"
    assert quantity_words(3, "L/min") == "3 L/min"
    assert quantity_words(111.58, "%") == "111.6 %"
    assert quantity_words(30.04, "mL") == "30 mL"


@pytest.mark.parametrize(
    ("minutes", "words"), [(27.06, "27"), (29.99, "29"), (10, "10"), (4.96, "4.9"), (5.0, "5"), (0.5, "0.5")]
)
def test_minutes_that_were_not_reached_are_not_told(minutes: float, words: str) -> None:
    assert minutes_words(minutes) == words
    assert quantity_words(minutes, "min") == f"{words} min"
