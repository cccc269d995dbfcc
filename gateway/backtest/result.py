"""A whole backtest: what was run, under what, and what came of it; and the same as JSON.

The same recordings under the same profiles give the same JSON, byte for byte, whatever the number of processes: it
holds no time of day and no duration of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.backtest.arms import Arm
from gateway.backtest.compare import Comparison, compare
from gateway.backtest.figures import DAY_MS, RecordingFailure, RecordingFigures, StayFigures
from gateway.backtest.run import Outcome
from gateway.backtest.totals import Burden, DetectionFigures, Totals, percentile, time_in_each, totals_of
from streaming.instants import format_ms

SIDES = ("A", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """The outcome of a run."""

    arms: tuple[Arm, ...]
    totals: tuple[Totals, ...]
    """One for each arm."""
    comparison: Comparison | None
    recordings: tuple[str, ...]
    """Those of which there are figures."""
    failures: tuple[RecordingFailure, ...]


def backtest_of(arms: Sequence[Arm], outcomes: Sequence[Outcome]) -> Backtest:
    """Sum up what the run of the recordings gave, in their order."""
    found = [outcome for outcome in outcomes if isinstance(outcome, RecordingFigures)]
    totals = tuple(totals_of(outcome.arms[place] for outcome in found) for place in range(len(arms)))
    return Backtest(
        arms=tuple(arms),
        totals=totals,
        comparison=compare(totals[0].stays, totals[1].stays) if len(arms) > 1 else None,
        recordings=tuple(outcome.recording for outcome in found),
        failures=tuple(outcome for outcome in outcomes if isinstance(outcome, RecordingFailure)),
    )


def as_json(backtest: Backtest) -> dict[str, Any]:
    """Everything, JSON-ready; durations in seconds, shares 0 to 1."""
    body: dict[str, Any] = {
        "recordings": list(backtest.recordings),
        "failures": [{"recording": each.recording, "reason": each.reason} for each in backtest.failures],
    }
    for side, arm, totals in zip(SIDES, backtest.arms, backtest.totals, strict=False):
        body[side] = _arm(arm) | _totals(totals)
    if backtest.comparison is not None:
        body["comparison"] = _comparison(backtest.comparison)
    return body


def _arm(arm: Arm) -> dict[str, Any]:
    parts = [{"kind": kind, "id": name, "sha256": sha256} for kind, name, sha256 in arm.identity]
    return {"profile": arm.name, "rules": parts}


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "stays": len(totals.stays),
        "bed_days": totals.bed_ms / DAY_MS,
        "covered_bed_days": totals.covered_ms / DAY_MS,
        "covered_s": _seconds(totals.covered_by_vital_ms),
        "messages": dict(totals.counts),
        "alarms": {
            "all": asdict(totals.all_alarms),
            "by_priority": {name: asdict(burden) for name, burden in totals.by_priority.items()},
            "by_kind": {name: asdict(burden) for name, burden in totals.by_kind.items()},
            "by_rule": [
                {"rule_id": row.rule_id, "family": row.family, "priority": row.priority, "kind": row.kind}
                | _burden(row.burden)
                for row in totals.by_rule
            ],
        },
        "decision_s": _seconds(totals.decision_ms),
        "criteria": [
            {"id": row.criterion_id, "unknown_s": row.unknown_ms / 1000, "holding_s": row.holding_ms / 1000}
            for row in totals.criteria
        ],
        "due_doses": dict(totals.due),
        "doses": dict(totals.doses),
        "detection": [_detection(row) for row in totals.detections],
        "by_stay": [_stay(stay) for stay in totals.stays],
    }


def _burden(burden: Burden) -> dict[str, Any]:
    return asdict(burden)


def _detection(row: DetectionFigures) -> dict[str, Any]:
    return {
        "family": row.family,
        "labels": row.labels,
        "detected": row.detected,
        "missed": row.missed,
        "median_delay_s": _in_seconds(percentile(row.delays_ms, 0.5)),
        "p90_delay_s": _in_seconds(percentile(row.delays_ms, 0.9)),
        "delays_s": [each / 1000 for each in row.delays_ms],
        "false_alarms": row.false_alarms,
        "false_per_bed_day": row.false_per_bed_day,
    }


def _stay(stay: StayFigures) -> dict[str, Any]:
    return {
        "recording": stay.recording,
        "admission_id": stay.admission_id,
        "bed": stay.bed,
        "admitted_at": format_ms(stay.admitted_ms),
        "ended_at": format_ms(stay.ended_ms),
        "discharged": stay.is_discharged,
        "covered_s": stay.covered_any_ms / 1000,
        "alarms": len(stay.announcements),
        "decision_s": _seconds(time_in_each(stay)) if stay.spans else {},
        "due_doses": [
            {
                "number": dose.number,
                "due_at": format_ms(dose.due_ms),
                "decision": dose.decision,
                "because": list(dose.because),
            }
            for dose in stay.due
        ],
        "doses": [
            {
                "number": dose.number,
                "due_at": None if dose.due_ms is None else format_ms(dose.due_ms),
                "started_at": None if dose.started_ms is None else format_ms(dose.started_ms),
                "status": dose.status,
                "percent_of_order": dose.percent_of_order,
                "decision_at_start": dose.decision_at_start,
            }
            for dose in stay.doses
        ],
        "signed": stay.signed,
    }


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "differing_s": comparison.differing_ms / 1000,
        "time": [{"A": a, "B": b, "s": ms / 1000} for (a, b), ms in sorted(comparison.pair_ms.items())],
        "due_doses": [{"A": a, "B": b, "doses": n} for (a, b), n in sorted(comparison.doses_due.items())],
        "doses_that_differ": [
            {
                "recording": dose.recording,
                "admission_id": dose.admission_id,
                "number": dose.number,
                "due_at": format_ms(dose.due_ms),
                "A": dose.a,
                "B": dose.b,
                "because": list(dose.because),
                "given": dose.was_given,
            }
            for dose in comparison.doses
        ],
        "criteria": [
            {"side": side, "id": criterion, "s": ms / 1000} for (side, criterion), ms in comparison.criteria_ms.items()
        ],
        "alarms": {"both": comparison.alike, "only_A": dict(comparison.only_a), "only_B": dict(comparison.only_b)},
        "by_stay": [
            {
                "recording": stay.recording,
                "admission_id": stay.admission_id,
                "differing_s": stay.differing_ms / 1000,
                "time": [{"A": a, "B": b, "s": ms / 1000} for (a, b), ms in sorted(stay.pair_ms.items())],
            }
            for stay in comparison.stays
        ],
    }


def _seconds(durations_ms: Mapping[str, int]) -> dict[str, float]:
    return {name: ms / 1000 for name, ms in durations_ms.items()}


def _in_seconds(duration_ms: float | None) -> float | None:
    return None if duration_ms is None else duration_ms / 1000
