"""What Vigil said in a run, read from its replay output: alarms by bed and family, decisions by bed and time.

The output is the contract's (section 8): one JSON object a line. It deliberately reads nothing else of Vigil.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from streaming.instants import parse_instant

_FOR_EVER_MS = 1 << 60
_WARD = "-"


class HeardError(ValueError):
    """A line is no line of a replay output."""


@dataclass(slots=True)
class HeardAlarm:
    """One stretch in which an alarm's condition was there."""

    bed: str
    """unit/bed; `-` for what is of no bed."""
    family: str
    rule_id: str
    priority: str
    alarm_id: str
    from_ms: int
    to_ms: int = _FOR_EVER_MS

    def is_present_within(self, from_ms: int, to_ms: int) -> bool:
        """Whether it is there at some instant of an interval."""
        return self.from_ms <= to_ms and self.to_ms >= from_ms


@dataclass(slots=True)
class Heard:
    """All of it."""

    alarms: list[HeardAlarm] = field(default_factory=list)
    decisions: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """By bed: (instant, decision), by time."""
    rejected: int = 0
    sha256: str = ""

    def decision_at(self, bed: str, at_ms: int) -> str | None:
        """The decision in force at an instant."""
        changes = self.decisions.get(bed, [])
        number = bisect_right(changes, (at_ms, "~"))
        return changes[number - 1][1] if number else None


def read_heard(lines: Iterable[bytes], bed_of: dict[str, str]) -> Heard:
    """Reads a replay output.

    Args:
        lines: of the output.
        bed_of: the bed (unit/bed) of each admission id.

    Raises:
        HeardError: something in it is not of the contract.
    """
    heard = Heard()
    open_alarms: dict[str, HeardAlarm] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _take(orjson.loads(line), heard, open_alarms, bed_of)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise HeardError(f"line {number} is no line of a replay: {error!r}") from None
    return heard


def _take(row: dict[str, Any], heard: Heard, open_alarms: dict[str, HeardAlarm], bed_of: dict[str, str]) -> None:
    kind = row["type"]
    if kind == "alarm":
        _take_alarm(row, heard, open_alarms)
    elif kind == "decision":
        heard.decisions[bed_of.get(row["admission_id"], row["admission_id"])].append((_ms(row["at"]), row["decision"]))
    elif kind in {"rejected", "metric_rejected"}:
        heard.rejected += 1
    elif kind == "summary":
        heard.sha256 = row["sha256"]


def _take_alarm(row: dict[str, Any], heard: Heard, open_alarms: dict[str, HeardAlarm]) -> None:
    at_ms, alarm_id = _ms(row["at"]), row["alarm_id"]
    is_there = row["phase"] != "end" and row["condition"] != "absent"
    known = open_alarms.get(alarm_id)
    if is_there and known is None:
        bed = f"{row['unit']}/{row['bed']}" if row.get("unit") and row.get("bed") else _WARD
        alarm = HeardAlarm(bed, row["family"], row["rule_id"], row["priority"], alarm_id, at_ms)
        open_alarms[alarm_id] = alarm
        heard.alarms.append(alarm)
    elif not is_there and known is not None:
        known.to_ms = at_ms
        del open_alarms[alarm_id]


def _ms(text: str) -> int:
    at_ms = parse_instant(text)
    if at_ms is None:
        raise HeardError(f"not an instant: {text!r}")
    return at_ms
