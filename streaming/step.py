"""One step of the engine: what it is about and what it has found so far. Lives for one journal entry."""

from __future__ import annotations

from streaming.effects import Sample
from streaming.outcome import OutcomeChanged


class Step:
    """Collects what one entry leads to. `now_ms` is the entry's time of receipt, or the instant a timer is due."""

    __slots__ = ("effects", "found", "metrics", "now_ms", "signals")

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.effects: list[object] = []
        self.found: list[OutcomeChanged] = []
        self.metrics: list[Sample] = []
        self.signals: list[Sample] = []
