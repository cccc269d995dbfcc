"""Effects as lines of a replay's output: NDJSON with sorted keys, the same bytes live and replayed (contract, 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import orjson

from alerts.alarm import AlarmTransition
from alerts.dosing import DoseChanged
from streaming.criteria.decision import DecisionChanged
from streaming.effects import CommandRefused, InputRejected
from streaming.instants import format_ms


def alarm_object(transition: AlarmTransition) -> dict[str, Any]:
    """A transition as JSON-ready object."""
    alarm = transition.alarm
    return {
        "n": transition.n,
        "at": format_ms(transition.at_ms),
        "alarm_id": alarm.alarm_id,
        "phase": transition.phase,
        "from": transition.from_,
        "to": transition.to,
        "actor": transition.actor,
        "admission_id": alarm.admission_id,
        "unit": alarm.unit,
        "bed": alarm.bed.bed if alarm.bed is not None else None,
        "rule_id": alarm.rule_id,
        "family": alarm.family,
        "title": alarm.title,
        "kind": alarm.kind,
        "priority": alarm.priority,
        "condition": alarm.condition,
        "onset_at": format_ms(alarm.onset_at_ms),
        "escalation_level": alarm.escalation_level,
        "evidence": alarm.evidence,
    }


def dose_object(row: Mapping[str, Any]) -> dict[str, Any]:
    """A dose as JSON-ready object: its instants as RFC 3339."""
    return {
        name.removesuffix("_ms") + "_at" if name.endswith("_ms") else name: (
            format_ms(value) if name.endswith("_ms") and value is not None else value
        )
        for name, value in row.items()
    }


def line_of(effect: object) -> bytes | None:
    """The line of one effect, without newline; None for an effect that has none."""
    if isinstance(effect, AlarmTransition):
        return _encode({"type": "alarm", **alarm_object(effect)})
    if isinstance(effect, InputRejected):
        body: dict[str, Any] = {
            "type": "rejected" if effect.metric is None else "metric_rejected",
            "received_at": format_ms(effect.received_ms),
            "topic": effect.topic,
            "reason": effect.reason,
            "detail": effect.detail,
        }
        if effect.metric is not None:
            body["metric"] = effect.metric
        return _encode(body)
    if isinstance(effect, DecisionChanged):
        return _encode(
            {
                "type": "decision",
                "at": format_ms(effect.at_ms),
                "admission_id": effect.admission_id,
                "decision": effect.decision,
                "computed": effect.computed,
                "summary": effect.summary,
                "profile": effect.profile,
                "criteria": effect.criteria,
                "signature": effect.signature,
            }
        )
    if isinstance(effect, DoseChanged):
        at = {"at": format_ms(effect.at_ms), "admission_id": effect.admission_id}
        return _encode({"type": "dose", **at, **dose_object(effect.row)})
    if isinstance(effect, CommandRefused):
        return _encode(
            {
                "type": "refused",
                "at": format_ms(effect.at_ms),
                "command": effect.command,
                "reason": effect.reason,
                "detail": effect.detail,
            }
        )
    return None


def lines_of(effects: Iterable[object]) -> list[bytes]:
    """The lines of some effects, in order."""
    return [line for line in map(line_of, effects) if line is not None]


class Summary:
    """The last line of a replay: what came in, what came of it, and the hash of all lines before."""

    def __init__(self) -> None:
        self._hash = sha256()
        self.alarms = 0
        self.decisions = 0

    def add(self, line: bytes) -> None:
        """Take a line, without newline."""
        self._hash.update(line)
        self._hash.update(b"\n")
        if b'"type":"alarm"' in line:
            self.alarms += 1
        elif b'"type":"decision"' in line:
            self.decisions += 1

    @property
    def sha256(self) -> str:
        """Hash over the lines so far, each with its newline."""
        return self._hash.hexdigest()

    def line(self, *, received: int, evaluated: int, duplicate: int, rejected: int) -> bytes:
        """The closing line, without newline."""
        return _encode(
            {
                "type": "summary",
                "received": received,
                "evaluated": evaluated,
                "duplicate": duplicate,
                "rejected": rejected,
                "alarms": self.alarms,
                "decisions": self.decisions,
                "sha256": self.sha256,
            }
        )


def _encode(body: dict[str, Any]) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
