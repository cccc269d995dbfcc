"""Every scenario plays into a real gateway over MQTT and scores itself; offline it scores the same.

`make test` plays a few, side by side; `make scenarios` plays all, and for as long as each lasts.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulators.oracle.score import Score
from simulators.scenario import load_scenario, scenario_names
from tests.support.live_scenarios import Played, play_live, score_offline

ALL = os.environ.get("VIGIL_ALL_SCENARIOS") == "1"
"""`make scenarios` sets it."""
QUICK_LIVE = ["af-day-3", "vt-run", "kg-lb-overdose"]
QUICK_OFFLINE = ["dose-against-hold", "broker-outage", "clock-chaos"]
COURSES = [name for name in scenario_names() if load_scenario(name).is_course]
LIVE_BATCHES = (
    [
        [name for name in COURSES if load_scenario(name).beds == 1],
        [name for name in COURSES if 1 < load_scenario(name).beds <= 6],
        [name for name in COURSES if load_scenario(name).beds == 12],
        [name for name in COURSES if load_scenario(name).beds > 12],
    ]
    if ALL
    else [QUICK_LIVE]
)


def _complaints(score: Score) -> str:
    lines = [f"missed {m.bed} {m.families} {m.why} since {m.onset_at}" for m in score.missed]
    lines += [f"forbidden {f.bed} {f.rule_id} at {f.at}: {f.why}" for f in score.false_alarms if f.why]
    lines += [
        f"dose {w.number} {w.bed} at {w.at}: {w.said}, allowed {w.allowed}: {w.why}" for w in score.wrong_decisions
    ]
    return f"{score.scenario}: " + "; ".join(lines)


@pytest.mark.timeout(1200 if ALL else 240)
@pytest.mark.parametrize("names", LIVE_BATCHES, ids=lambda names: "+".join(names)[:60])
def test_scenarios_played_live_side_by_side_announce_every_must_and_nothing_forbidden(
    tmp_path: Path, names: list[str]
) -> None:
    played = play_live(tmp_path, names, speed=60.0, within_s=600.0)

    assert [run.failed for run in played] == [{}] * len(names)
    assert [_complaints(run.score) for run in played if not run.score.is_passed] == []
    assert sum(run.score.must for run in played) >= len(names) - 1
    for run in played:
        _same_offline(tmp_path, run)


def _same_offline(folder: Path, live: Played) -> None:
    """The same musts and decisions, found in the same way, as in a run without a broker."""
    if load_scenario(live.name).outages:
        return  # a recording is also told that the broker was gone
    live_s = load_scenario(live.name).live_s
    offline, truth = score_offline(folder, live.name, duration_s=live_s, unit=live.unit)
    families = {name: (each.must, each.found) for name, each in offline.families.items() if each.must}

    assert {name: (each.must, each.found) for name, each in live.score.families.items() if each.must} == families
    assert [(d.number, d.allowed) for d in live.truth.decisions] == [(d.number, d.allowed) for d in truth.decisions]
    assert offline.is_passed, _complaints(offline)


@pytest.mark.timeout(1200 if ALL else 240)
@pytest.mark.parametrize("name", scenario_names() if ALL else QUICK_OFFLINE)
def test_scenario_without_a_broker_announces_every_must_and_nothing_forbidden(tmp_path: Path, name: str) -> None:
    score, truth = score_offline(tmp_path, name, duration_s=None if ALL else min(3600.0, load_scenario(name).live_s))

    assert score.is_passed, _complaints(score)
    assert truth.end_ms > truth.start_ms


def test_score_of_a_gateway_that_says_nothing_is_a_failure(tmp_path: Path) -> None:
    """The negative control: what is announced by nobody is missed."""
    from simulators.oracle.heard import Heard
    from simulators.oracle.score import score

    _, truth = score_offline(tmp_path, "vt-run", duration_s=1800.0)
    silent = score(truth, Heard())

    assert silent.sensitivity == 0.0
    assert silent.missed
    assert [wrong.said for wrong in silent.wrong_decisions] == [None]
    assert not silent.is_passed
