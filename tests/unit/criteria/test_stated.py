"""The plain patient: what it answers where nobody asks it in the other tests."""

from __future__ import annotations

import pytest

from streaming.criteria.facts import Sample
from streaming.criteria.stated import usual_source
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, PlainFacts, say


def test_extremes_include_the_value_in_force_at_the_beginning() -> None:
    facts = PlainFacts()
    say(facts, {"sbp": [(5, 80), (3, 120), (1, 100)]})

    assert facts.lowest("sbp", BEGIN_MS - 4 * HOUR_MS) == Sample(BEGIN_MS - 5 * HOUR_MS, 80)
    assert facts.highest("sbp", BEGIN_MS - 2 * HOUR_MS) == Sample(BEGIN_MS - 3 * HOUR_MS, 120)
    assert facts.lowest("map", BEGIN_MS) is None


def test_a_total_counts_what_each_value_stands_for_and_no_hour_twice() -> None:
    facts = PlainFacts()
    say(facts, {"urine_ml_h": [(1.5, 60), (1, 60), (0, 30)], "site:diarrhea_ml_8h": [(8, 800), (0, 400)]})

    assert facts.total("urine_ml", 2 * HOUR_MS) == (90.0, 1.0, 0)
    assert facts.total("urine_ml", 4 * HOUR_MS) == (120.0, 0.625, 0)
    assert facts.total("site:diarrhea_ml_8h", 16 * HOUR_MS).amount == 1200


@pytest.mark.parametrize(
    ("signal", "source"),
    [("sbp", "MDC_PRESS_BLD_ART_ABP_SYS"), ("spo2", "MDC_PULS_OXIM_SAT_O2"), ("shock_index", "shock_index")],
)
def test_a_value_comes_from_the_metric_that_speaks_first(signal: str, source: str) -> None:
    assert usual_source(signal) == source
