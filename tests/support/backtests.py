"""What tests of the backtest need: a recording on the disk, and figures made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alerts.rulebook import Rulebook
from gateway.backtest.arms import Arm
from gateway.backtest.figures import Announcement, ArmFigures, DecisionSpan, DueDose, StayFigures
from gateway.backtest.run import figures_of
from gateway.rulesets import load_rulebook
from gateway.wire.recording import write_recording
from tests.support.bedside import IL2
from tests.support.recordings import Recording

T0_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def written(recording: Recording, path: Path) -> Path:
    """The recording in a file."""
    write_recording(path, recording.entries)
    return path


def plain_arm(profile: str = "label-2024") -> Arm:
    """A dosing profile with every verdict of the shipped alarm rules announced as it is: no policy groups any."""
    return Arm(name=profile, rules=Rulebook(alarms=IL2, dosing=load_rulebook().dosing, forced_dosing=profile))


def run_alone(recording: Recording, folder: Path, profile: str = "label-2024") -> ArmFigures:
    """The figures of one recording under one profile."""
    return run_under([plain_arm(profile)], recording, folder)[0]


def run_under(arms: Sequence[Arm], recording: Recording, folder: Path) -> tuple[ArmFigures, ...]:
    """The same under several."""
    return figures_of(written(recording, folder / "made.ndjson"), arms).arms


def span(at_h: float, decision: str, *because: str) -> DecisionSpan:
    """A decision from so many hours after `T0_MS`."""
    is_known = decision != "indeterminate"
    return DecisionSpan(
        from_ms=T0_MS + round(at_h * HOUR_MS),
        decision=decision,
        computed=decision,
        holding=because if is_known else (),
        final=because if decision == "discontinue" else (),
        unknown=() if is_known else because,
    )


def due(number: int, at_h: float, decision: str, *because: str) -> DueDose:
    """A dose that fell due."""
    return DueDose(number=number, due_ms=T0_MS + round(at_h * HOUR_MS), decision=decision, because=because)


def announcement(
    at_s: float, lasted_s: float | None, rule_id: str = "hypotension.map_below_65", **fields: Any
) -> Announcement:
    """An alarm, announced so many seconds after `T0_MS`."""
    at_ms = T0_MS + round(at_s * 1000)
    family = rule_id.partition(".")[0]
    given: dict[str, Any] = {"family": family, "priority": "medium", "kind": "physiological", "acknowledged_ms": None}
    return Announcement(
        rule_id=rule_id,
        announced_ms=at_ms,
        until_ms=None if lasted_s is None else at_ms + round(lasted_s * 1000),
        **(given | fields),
    )


def stay(hours: float, admission_id: str = "adm-1", recording: str = "made.ndjson", **fields: Any) -> StayFigures:
    """A stay of so many hours from `T0_MS`."""
    given: dict[str, Any] = {
        "bed": "icu/b01", "is_discharged": True, "covered_ms": {}, "covered_any_ms": 0, "announcements": (),
        "spans": (), "unknown_ms": {}, "holding_ms": {}, "due": (), "doses": (), "signed": 0, "detections": (),
        "annotated": (), "false_alarms": {},
    }  # fmt: skip
    ended_ms = T0_MS + round(hours * HOUR_MS)
    return StayFigures(
        recording=recording, admission_id=admission_id, admitted_ms=T0_MS, ended_ms=ended_ms, **(given | fields)
    )


def arm_figures(*stays: StayFigures) -> ArmFigures:
    """A recording with these stays."""
    return ArmFigures(
        stays=stays, received=0, evaluated=0, duplicate=0, rejected=0, metrics_rejected=0, commands_refused=0,
        signatures_refused=0,
    )  # fmt: skip
