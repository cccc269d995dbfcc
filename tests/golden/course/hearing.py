"""What Vigil says of the story: lines of a replay, with the nurse's rounds put in where there is something to see.

An acknowledgement carries the id of an alarm, which is Vigil's to give: the recording is completed as it is played, as
a nurse would, and can then be replayed as it stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from alerts.rulebook import Rulebook
from gateway.fold import Fold
from gateway.outcomes import lines_of
from gateway.replay import apply_entry
from gateway.wire.recording import RecordedEntry
from streaming.instants import parse_instant
from tests.golden.course import story
from tests.golden.course.telling import ADMISSION, Teller

RANK = {"low": 1, "medium": 2, "high": 3}
MINUTES_PER_HOUR = 60


@dataclass
class Heard:
    """What was said, and the recording with the rounds in it."""

    teller: Teller
    entries: list[RecordedEntry] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    @cached_property
    def _parsed(self) -> list[dict[str, Any]]:
        parsed = [orjson.loads(line) for line in self.lines]
        return [line | {"hour": self.hour(line["at"])} for line in parsed if "at" in line]

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Lines of one type, with the hour at which each was said; to be asked when all has been said."""
        return [line for line in self._parsed if line["type"] == kind]

    def hour(self, instant: str) -> float:
        """An instant as hour of the story."""
        at_ms = parse_instant(instant)
        assert at_ms is not None
        return self.teller.hour(at_ms)


def hear(teller: Teller, rules: Rulebook, until_h: float = story.DISCHARGED_H) -> Heard:
    """Play the story to a gateway's fold, up to an hour."""
    heard, fold = Heard(teller), Fold(rules)
    open_alarms: dict[str, str] = {}
    rounds = iter(_rounds(teller))
    next_round_ms = next(rounds)
    for entry in teller.recording():
        if entry.received_ms > teller.at_ms(until_h):
            break
        while next_round_ms <= entry.received_ms:
            for acknowledgement in _acknowledgements(open_alarms, next_round_ms):
                _take(heard, fold, acknowledgement, open_alarms)
            next_round_ms = next(rounds)
        _take(heard, fold, entry, open_alarms)
    return heard


def _take(heard: Heard, fold: Fold, entry: RecordedEntry, open_alarms: dict[str, str]) -> None:
    heard.entries.append(entry)
    for line in lines_of(apply_entry(fold, entry)):
        heard.lines.append(line)
        said = orjson.loads(line)
        if said["type"] == "alarm":
            open_alarms[said["alarm_id"]] = said["to"]


def _rounds(teller: Teller) -> Iterator[int]:
    hour = round(story.ADMITTED_H)
    while True:
        yield teller.at_ms(hour + story.ROUND_MINUTE / MINUTES_PER_HOUR) + 30_000
        hour += 1


def _acknowledgements(open_alarms: dict[str, str], at_ms: int) -> list[RecordedEntry]:
    to_see = [alarm_id for alarm_id, signal in open_alarms.items() if signal in ("on", "latched")]
    return [
        RecordedEntry(
            received_ms=at_ms,
            command="acknowledge",
            body={"admission_id": ADMISSION, "alarm_id": alarm_id, "actor": "nurse"},
        )
        for alarm_id in to_see
    ]


class Urgency:
    """How urgent the most urgent announced alarm of a family was, at each moment: 0 none, 1 low, 2 medium, 3 high."""

    def __init__(self, heard: Heard, family: str) -> None:
        self._hours: list[float] = []
        self._ranks: list[int] = []
        standing: dict[str, int] = {}
        for line in heard.said("alarm"):
            if line["family"] != family:
                continue
            if line["to"] == "off":
                standing.pop(line["alarm_id"], None)
            else:
                standing[line["alarm_id"]] = RANK[line["priority"]]
            self._hours.append(line["hour"])
            self._ranks.append(max(standing.values(), default=0))

    def at(self, hour: float) -> int:
        """At a moment, what was said at that moment included."""
        i = bisect_right(self._hours, hour)
        return self._ranks[i - 1] if i else 0

    def most(self, begin_h: float, end_h: float) -> int:
        """The most within a time, its beginning included."""
        within = [r for h, r in zip(self._hours, self._ranks, strict=True) if begin_h <= h < end_h]
        return max([self.at(begin_h), *within])
