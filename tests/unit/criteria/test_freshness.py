"""How old an input of a dose criterion may be, as the contract lists it (section 9)."""

from __future__ import annotations

import pytest

from streaming.criteria.freshness import usual_fresh_ms
from tests.support.bedside import ABP_SYS, CUFF_SYS, HR, SPO2
from tests.support.plain_facts import PlainFacts

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.mark.parametrize(
    ("signal", "source", "limit_ms"),
    [
        ("sbp", ABP_SYS, 5 * MINUTE_MS),
        ("spo2", SPO2, 5 * MINUTE_MS),
        ("hr", HR, 5 * MINUTE_MS),
        ("phenylephrine_ug_kg_min", "infusion", 5 * MINUTE_MS),
        ("sbp", CUFF_SYS, 30 * MINUTE_MS),
        ("urine_ml_h", "MDC_FLOW_URINE_PREV_HR", 2 * HOUR_MS),
        ("temp", "MDC_TEMP", 4 * HOUR_MS),
        ("o2_flow", "o2_flow", 12 * HOUR_MS),
        ("fio2", "fio2", 12 * HOUR_MS),
        ("site:mental_status", "site:mental_status", 12 * HOUR_MS),
        ("site:infection", "site:infection", 12 * HOUR_MS),
        *((f"site:{name}", f"site:{name}", 26 * HOUR_MS) for name in ("skin", "stool_blood", "ecg", "gi")),
        *(
            (name, name, 26 * HOUR_MS)
            for name in ("weight", "weight_gain_pct", "creatinine", "bicarbonate", "bilirubin")
        ),
        *((name, name, 26 * HOUR_MS) for name in ("platelets", "troponin", "glucose", "potassium", "albumin")),
    ],
)
def test_an_input_is_known_up_to_its_limit_and_not_a_millisecond_longer(
    signal: str, source: str, limit_ms: int
) -> None:
    facts = PlainFacts()
    facts.say(signal, 1.0, source=source)

    facts.now_ms += limit_ms
    assert facts.current(signal) is not None
    facts.now_ms += 1
    reading = facts.current(signal)
    assert reading is None or reading.source == "no pump"
    assert usual_fresh_ms(signal, source) == limit_ms
