"""What a profile may write in a predicate: each number from its least to its greatest, and not beyond."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.criteria.kinds import RhythmPresent
from streaming.criteria.predicates import parse_predicate
from streaming.rules.table import ProfileError

YEAR_S = 366 * 24 * 3600
TOTAL = {"kind": "total", "signal": "urine_ml", "below": 100, "window_s": 3600}
LOW_FLOW = {"kind": "low_flow", "signal": "urine_ml_h", "total": "urine_ml", "below": 10, "window_s": 7200}
BURDEN = {"kind": "burden", "signal": "map", "limit": 65, "measure": "minutes", "above": 5, "window_s": 3600}
RUN = {
    "kind": "rhythm_event", "rhythms": ["vt"], "beats_at_least": 5, "duration_at_least_s": 3, "duration_below_s": 0,
    "charted": ["vt"], "within_s": 3600,
}  # fmt: skip
PRESENT = {"kind": "rhythm_present", "is": ["vt"], "told_s": 60, "lasting_s": 3600}
AGAIN = {"kind": "recurrence", "signal": "site:vomiting", "is": ["none"], "times": 2, "within_s": 3600}
TWICE = {"kind": "consecutive", "signal": "sbp", "below": 90, "apart_from_s": 60, "apart_to_s": 3600}
LIMIT = {"kind": "limit", "signal": "sbp", "below": 90, "fresh_s": 60}
LIMITS = [{"kind": "limit", "signal": "sbp", "below": each} for each in range(1, 103)]
SOME = {"kind": "at_least_n_of", "times": 1, "of": LIMITS}


@pytest.mark.parametrize(
    ("predicate", "field", "allowed", "refused"),
    [
        (LIMIT, "fresh_s", (1, YEAR_S), (0.5, YEAR_S + 1)),
        (TOTAL, "window_s", (1, YEAR_S), (0, YEAR_S + 1)),
        (TOTAL, "least_coverage", (0, 0.8, 1), (-0.5, 1.5)),
        (LOW_FLOW, "below", (0, 10), (-0.5,)),
        (LOW_FLOW, "window_s", (7200, YEAR_S), (7199,)),
        (BURDEN, "limit", (0, 65), (-0.5,)),
        (RUN, "beats_at_least", (1, 10_000), (0, 10_001)),
        (RUN | {"duration_below_s": 0}, "duration_at_least_s", (0, 3), (-0.5,)),
        (RUN, "duration_below_s", (0, 3), (-0.5, 3.1)),
        (PRESENT, "beats_at_least", (1, 10_000), (0, 10_001)),
        (PRESENT, "duration_at_least_s", (0, 3), (-0.5,)),
        (AGAIN, "times", (1, 100), (0, 101)),
        (TWICE, "apart_from_s", (1, 3600), (3601,)),
        (SOME, "times", (1, 100), (0, 101)),
        (SOME | {"of": LIMITS[:3]}, "times", (1, 3), (4,)),
    ],
)
def test_a_number_is_taken_within_its_range_and_refused_by_name_beyond(
    predicate: dict[str, Any], field: str, allowed: tuple[float, ...], refused: tuple[float, ...]
) -> None:
    for value in allowed:
        assert parse_predicate(predicate | {field: value}, "here") is not None
    for value in refused:
        with pytest.raises(ProfileError, match="here.*`(apart_from_s|times|duration_below_s|" + field + ")`"):
            parse_predicate(predicate | {field: value}, "here")


def test_a_band_has_room_between_its_bounds() -> None:
    assert parse_predicate({"kind": "limit", "signal": "sbp", "at_least": 90, "at_most": 90.5}, "here") is not None
    with pytest.raises(ProfileError, match="`at_least` must be less than `at_most`"):
        parse_predicate({"kind": "limit", "signal": "sbp", "at_least": 90, "at_most": 90}, "here")


def test_a_rhythm_of_which_no_length_is_asked_is_present_from_its_first_beat() -> None:
    found = parse_predicate(PRESENT, "here")

    assert isinstance(found, RhythmPresent)
    assert (found.beats_at_least, found.duration_at_least_s) == (1, 0.0)


@pytest.mark.parametrize("name", ["per_kg", "percent", "per_hour"])
def test_what_is_not_asked_for_is_not_so(name: str) -> None:
    kinds = {
        "per_kg": ({"kind": "limit", "signal": "sbp", "below": 90}, "is_per_kg"),
        "percent": ({"kind": "baseline_change", "signal": "sbp", "baseline": "sbp", "below": -20}, "is_percent"),
        "per_hour": ({"kind": "trend", "signal": "sbp", "below": -20, "over_s": 3600}, "is_per_hour"),
    }
    predicate, field = kinds[name]

    assert getattr(parse_predicate(predicate, "here"), field) is False
    assert getattr(parse_predicate(predicate | {name: True}, "here"), field) is True
