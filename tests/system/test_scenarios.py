"""Scenarios play into a real gateway over MQTT and score themselves; offline they score the same.

A few, side by side; `make scenarios` plays all of them (`tests.evidence.scenarios`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.oracle.heard import Heard
from simulators.oracle.score import score
from simulators.scenario import load_scenario
from tests.support.live_scenarios import complaints, differences, play_live, score_offline

LIVE = ["af-day-3", "vt-run", "kg-lb-overdose"]
OFFLINE_S = {
    "dose-against-hold": 2700.0,
    "broker-outage": 1500.0,
    "clock-chaos": 1500.0,
    "scale-in-pounds": 1300.0,
    "wrong-concentration": 1200.0,
}
"""For how long: the main event is in it."""


@pytest.mark.timeout(240)
def test_scenarios_played_live_side_by_side_announce_every_must_and_score_as_they_do_offline(tmp_path: Path) -> None:
    played = play_live(tmp_path, LIVE, speed=60.0, within_s=600.0)

    assert [run.failed for run in played] == [{}] * len(LIVE)
    assert [line for run in played for line in complaints(run.score)] == []
    assert all(run.score.must for run in played)
    for run in played:
        offline, truth = score_offline(tmp_path, run.name, duration_s=load_scenario(run.name).live_s, unit=run.unit)
        assert offline.is_passed, complaints(offline)
        assert differences(run, offline, truth) == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", OFFLINE_S)
def test_scenario_without_a_broker_announces_every_must_and_nothing_forbidden(tmp_path: Path, name: str) -> None:
    found, truth = score_offline(tmp_path, name, duration_s=OFFLINE_S[name])

    assert found.is_passed, complaints(found)
    assert found.must
    assert truth.end_ms > truth.start_ms


def test_score_of_a_gateway_that_says_nothing_is_a_failure(tmp_path: Path) -> None:
    """The negative control: what is announced by nobody is missed."""
    _, truth = score_offline(tmp_path, "vt-run", duration_s=1800.0)
    silent = score(truth, Heard())

    assert silent.sensitivity == 0.0
    assert silent.missed
    assert [wrong.said for wrong in silent.wrong_decisions] == [None]
    assert not silent.is_passed
    assert len(complaints(silent)) == len(silent.missed) + len(silent.wrong_decisions)
