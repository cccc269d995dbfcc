"""Rhythms that monitors reported as events, in order of time. Bounded: the last `EVENTS_MAX` are kept.

An end completes the event that began: it may be the first to say how many beats it had. An end of something whose
beginning nobody reported is an event by itself.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from streaming.criteria.facts import RhythmEvent
from streaming.nomenclature import EVENTS
from streaming.observation import EventMessage

EVENTS_MAX = 512
_at_ms = attrgetter("at_ms")


class Rhythms:
    """The rhythm events of one stay."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: list[RhythmEvent] = []

    def take(self, device: str, rhythm: str, message: EventMessage, at_ms: int) -> None:
        """Take an event of a device."""
        beats, duration_s = _number(message, "beats"), _number(message, "duration_s")
        if beats is None and duration_s is None and message.event in EVENTS:
            duration_s = EVENTS[message.event].least_duration_s
        is_end = message.phase == "end"
        event = RhythmEvent(
            rhythm,
            at_ms,
            round(beats) if beats is not None else None,
            duration_s,
            device,
            ended_ms=at_ms if is_end else None,
            is_lasting=message.phase == "start",
        )
        began = self._began(event) if is_end else None
        if began is not None:
            self._events.remove(began)
            event = replace(
                began,
                beats=event.beats if event.beats is not None else began.beats,
                duration_s=event.duration_s if event.duration_s is not None else began.duration_s,
                ended_ms=at_ms,
                is_lasting=False,
            )
        insort(self._events, event, key=_at_ms)
        del self._events[:-EVENTS_MAX]

    def since(self, from_ms: int) -> Sequence[RhythmEvent]:
        """Events after an instant, oldest first."""
        return self._events[bisect_right(self._events, from_ms, key=_at_ms) :]

    def _began(self, end: RhythmEvent) -> RhythmEvent | None:
        """The event that ends here."""
        for event in reversed(self._events):
            if event.rhythm == end.rhythm and event.device == end.device and event.at_ms <= end.at_ms:
                return event
        return None


def _number(message: EventMessage, name: str) -> float | None:
    value = message.attributes.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
