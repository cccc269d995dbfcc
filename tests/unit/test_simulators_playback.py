"""What playback does to a payload: instants move, everything else stays."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.playback import moved

_HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"time": "2150-01-01T10:00:00Z"}, {"time": "2150-01-01T11:00:00.000Z"}),
        ({"time": "2150-01-01T10:00:00.250+02:00"}, {"time": "2150-01-01T09:00:00.250Z"}),
        ({"time": 1_000}, {"time": 3_601_000}),
        ({"time": True}, {"time": True}),
        ({"time": "half past ten"}, {"time": "half past ten"}),
        ({"time": None}, {"time": None}),
        ({"time": "9999-12-31T23:59:00Z"}, {"time": "9999-12-31T23:59:00Z"}),
        ({"seq": 4, "metrics": {"a": 1, "b": None}}, {"seq": 4, "metrics": {"a": 1, "b": None}}),
        (
            {"metrics": {"a": {"value": 1, "time": 0}, "b": {"value": 2}}},
            {"metrics": {"a": {"value": 1, "time": _HOUR_MS}, "b": {"value": 2}}},
        ),
        ({"metrics": ["time"]}, {"metrics": ["time"]}),
        ({"first_dose_at": "2150-01-01T10:00:00Z"}, {"first_dose_at": "2150-01-01T11:00:00.000Z"}),
    ],
)
def test_instants_of_a_body_move_by_an_hour_and_nothing_else_changes(
    body: dict[str, Any], expected: dict[str, Any]
) -> None:
    original = str(body)

    assert moved(body, _HOUR_MS) == expected
    assert str(body) == original
