"""What is kept of one stay: a series for each signal that was measured, and the states that were charted.

Invariants
- Only what is believed is kept.
- What comes each second is kept once a minute, as it was when the first message of the minute had come; minutes are
  counted from the admission, so that a shift of all times shifts all answers.
- A value that is not reported again is not kept again.

It goes along when the patient moves. Pressors are kept by `streaming.therapy.infusions`, every value of the mean
pressure by `streaming.therapy.mean_pressure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from streaming.durations import MINUTE_MS
from streaming.therapy.history import SampledHistory, SignalHistory, StateHistory
from streaming.therapy.shock_index import SHOCK_INDEX, shock_index_to_keep
from streaming.therapy.speakers import last_to_speak

if TYPE_CHECKING:
    from streaming.signals import SignalSlot

SAMPLED = ("hr", "map", "sbp", "spo2")
"""Continuous signals of which the past is kept, once a minute: what spoke for the patient."""


class Kept:
    """The series and states of one stay. Instants are gateway milliseconds."""

    __slots__ = ("_began_ms", "_series", "_states", "next_sample_ms")

    def __init__(self, began_ms: int) -> None:
        self._began_ms = began_ms
        self.next_sample_ms = began_ms
        """When what comes each second is kept next."""
        self._series: dict[str, SignalHistory] = {}
        self._states: dict[str, StateHistory] = {}

    @property
    def has_series(self) -> bool:
        """Whether anything was measured."""
        return bool(self._series)

    def series(self, signal: str) -> SignalHistory | None:
        """The values of a signal; None when there were none."""
        return self._series.get(signal)

    def states(self, signal: str) -> StateHistory | None:
        """What was charted of a state; None when nothing was."""
        return self._states.get(signal)

    def add(self, signal: str, at_ms: int, value: float) -> None:
        """Keep a value that is measured now and then, late or not."""
        series = self._series.get(signal)
        if series is None:
            series = self._series[signal] = SignalHistory(self._began_ms)
        series.add(at_ms, value)

    def chart(self, signal: str, at_ms: int, state: str) -> None:
        """Keep a state that somebody charted."""
        states = self._states.get(signal)
        if states is None:
            states = self._states[signal] = StateHistory()
        states.add(at_ms, state)

    def sample(self, slots: Mapping[str, SignalSlot], now_ms: int) -> None:
        """Keep what the continuous signals say now."""
        self.next_sample_ms = now_ms + MINUTE_MS - (now_ms - self._began_ms) % MINUTE_MS
        for signal in SAMPLED:
            slot = slots.get(signal)
            source = last_to_speak(slot) if slot is not None else None
            if source is not None and not source.validity:
                self._sample(signal, source.at_ms, source.value)  # type: ignore[arg-type]  # these signals are numbers
        index = shock_index_to_keep(slots.get("hr"), slots.get("sbp"))
        if index is not None:
            self._sample(SHOCK_INDEX, index.at_ms, index.value)

    def _sample(self, signal: str, at_ms: int, value: float) -> None:
        series = self._series.get(signal)
        if series is None:
            series = self._series[signal] = SampledHistory(self._began_ms)
        if at_ms > series.last_ms:
            series.add(at_ms, value)
