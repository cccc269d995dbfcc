"""Public recordings imported and replayed as `vigil import` and `vigil replay` do, in-process, and what came of it.

An *alarm* is counted where one begins to be announced: from nothing, or again from latched after its condition had
passed. A *hypotension episode* is a condition of family `hypotension` from its first reading beyond the limit, over its
confirmation, to the reading that cleared it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import orjson

from gateway.fold import Fold
from gateway.outcomes import Summary, lines_of
from gateway.replay import apply_entry
from gateway.wire.recording import RecordedEntry
from simulators.recordings.formats import FORMATS, ImportRequest
from simulators.recordings.stay import ImportReport, StayRecording
from streaming.freshness import CHARTED_VITAL_MS, CONTINUOUS_MS
from streaming.instants import parse_instant
from streaming.rules.kinds import AlarmProfile
from tests.evidence.independent_treatment import Crossing, Step
from tests.evidence.treatment_traces import Tracer

HOUR_MS = 3_600_000
VITAL_DEVICES = ("vitals", "mon1")
"""The devices whose values are vital signs, as the importers name them."""


@dataclass(frozen=True, slots=True, order=True)
class Episode:
    """One episode of one rule at one stay."""

    stay: str
    onset_ms: int
    confirmed_ms: int
    end_ms: int | None
    """None when no reading ended it."""


@dataclass(slots=True)
class ReplayedStay:
    """What a replay of one stay said."""

    stay: str
    admitted_ms: int
    """How long the admission lasted."""
    ended_ms: int
    """When it ended."""
    observed_ms: int
    """How long of it a vital sign was current."""
    summary: dict[str, Any] = field(default_factory=dict)
    summary_line: bytes = b""
    alarms: Counter[str] = field(default_factory=Counter)
    """By rule."""
    announced: list[str] = field(default_factory=list)
    """What each alarm said when it began, `TIME RULE TEXT`."""
    rejected: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By metric, reason and detail."""
    episodes: dict[str, list[Episode]] = field(default_factory=dict)
    """Of family hypotension, by rule."""
    crossings: set[Crossing] = field(default_factory=set)
    """Weight gains reached."""
    pressor_steps: list[Step] = field(default_factory=list)
    """Doses of pressors above zero."""


@dataclass(frozen=True, slots=True)
class Replays:
    """A whole source replayed."""

    report: ImportReport
    stays: tuple[ReplayedStay, ...]

    @property
    def sha256(self) -> str:
        """Over the summary lines of all stays in their order, each with its newline."""
        return sha256(b"".join(stay.summary_line + b"\n" for stay in self.stays)).hexdigest()

    def total(self, key: str) -> int:
        """The sum of one figure of the summaries."""
        return sum(int(stay.summary[key]) for stay in self.stays)


def replay_all(source: str, folder: Path, profile: AlarmProfile) -> Replays:
    """Imports every stay of a folder and replays each alone.

    Args:
        source: the import format, `mimic-csv` or `bidmc`.
        folder: what the format reads.
        profile: the rules in force.
    """
    recordings, report = FORMATS[source](ImportRequest(path=folder))
    current_ms = CHARTED_VITAL_MS if source == "mimic-csv" else CONTINUOUS_MS
    return Replays(report, tuple(_replayed(recording, profile, current_ms) for recording in recordings))


def _replayed(recording: StayRecording, profile: AlarmProfile, current_ms: int) -> ReplayedStay:
    entries = recording.entries
    stay = ReplayedStay(
        stay=recording.stay,
        admitted_ms=entries[-1].received_ms - entries[0].received_ms,
        ended_ms=entries[-1].received_ms,
        observed_ms=observed_span_ms(entries, current_ms),
    )
    conditions = _Conditions(recording.stay)
    tracer = Tracer(recording.stay)
    for line in _lines(entries, profile, tracer):
        said = orjson.loads(line)
        match said["type"]:
            case "alarm":
                conditions.take(said)
                if begins(said):
                    stay.alarms[said["rule_id"]] += 1
                    stay.announced.append(f"{said['at']} {said['rule_id']} {said['evidence']['text']}")
            case "summary":
                stay.summary, stay.summary_line = said, line
            case _:
                stay.rejected[said.get("metric", "the message"), said["reason"], said["detail"]] += 1
    stay.episodes = conditions.episodes
    stay.crossings, stay.pressor_steps = tracer.crossings, tracer.steps
    return stay


def _lines(entries: Sequence[RecordedEntry], profile: AlarmProfile, tracer: Tracer) -> Iterator[bytes]:
    """What `gateway.replay` says, with the tracer looking on after each instant."""
    fold, summary = Fold(profile), Summary()
    for entry, following in zip_longest(entries, entries[1:]):
        for line in lines_of(apply_entry(fold, entry)):
            summary.add(line)
            yield line
        if following is not None:
            tracer.look(fold, entry.received_ms, following.received_ms)
    ward = fold.ward
    yield summary.line(
        received=ward.received, evaluated=ward.evaluated, duplicate=ward.duplicate, rejected=ward.rejected
    )


def observed_span_ms(entries: Iterable[RecordedEntry], current_ms: int) -> int:
    """How long the latest vital sign was no older than `current_ms`."""
    instants = [
        entry.received_ms
        for entry in entries
        if entry.topic is not None and entry.topic.endswith(tuple(f"/{device}/obs" for device in VITAL_DEVICES))
    ]
    return sum(min(after - before, current_ms) for before, after in pairwise(instants))


def begins(said: dict[str, Any]) -> bool:
    """Whether the transition begins an announcement."""
    return said["to"] == "on" and said["from"] in {"off", "latched"}


class _Conditions:
    """The hypotension conditions of one stay, read off the transitions of their alarms."""

    def __init__(self, stay: str) -> None:
        self._stay = stay
        self._present: dict[str, tuple[int, int]] = {}
        self.episodes: dict[str, list[Episode]] = {}

    def take(self, said: dict[str, Any]) -> None:
        """Takes one transition, in order."""
        rule_id = said["rule_id"]
        if said["family"] != "hypotension":
            return
        if begins(said):
            self._present[rule_id] = (_instant(said["evidence"]["since"]), _instant(said["at"]))
        elif rule_id in self._present and (said["condition"] == "absent" or said["to"] == "off"):
            onset_ms, confirmed_ms = self._present.pop(rule_id)
            end_ms = _instant(said["at"]) if said["condition"] == "absent" else None
            episode = Episode(self._stay, onset_ms, confirmed_ms, end_ms)
            self.episodes.setdefault(rule_id, []).append(episode)


def _instant(text: str) -> int:
    instant_ms = parse_instant(text)
    assert instant_ms is not None, text
    return instant_ms
