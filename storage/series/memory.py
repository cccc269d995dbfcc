"""Samples that are not stored yet: a part of the series in memory, from one flush to the next.

Invariants:
- `add` only appends, on the event loop's thread; copying a list is one step of the interpreter, so the reader thread
  sees a prefix of what was added and never a torn sample.
- A part is stored by the flush whose number is its generation: a reader that finds that number in the database takes
  the samples from there, and otherwise from here, never from both.

It deliberately does not sort samples by series: that costs three times as much as keeping them by device, and is done
by the flush, in its own thread.
"""

from __future__ import annotations

from collections.abc import Iterator

from streaming.effects import Sample, SamplesAccepted
from streaming.identity import BedId, DeviceId

SIGNALS = ""
"""The name that stands for the device in a series of patient-level signals."""


class MemoryPart:
    """What was accepted between two flushes."""

    __slots__ = ("_by_owner", "_routes", "generation")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._by_owner: dict[DeviceId, list[Sample]] = {}
        self._routes: dict[DeviceId, tuple[list[Sample], list[Sample]]] = {}

    def add(self, effect: SamplesAccepted) -> None:
        """Keeps the samples of a message. Called for every message, on the event loop's thread."""
        try:
            metrics, signals = self._routes[effect.device]
        except KeyError:
            metrics, signals = self._route(effect.device)
        metrics += effect.metrics
        signals += effect.signals

    def of_owner(self, owner: DeviceId) -> list[Sample]:
        """A copy of the samples of a device, or of a bed's signals. Safe in any thread."""
        return list(self._by_owner.get(owner, ()))

    def owners(self) -> Iterator[tuple[DeviceId, list[Sample]]]:
        """Every owner with its samples. Safe in any thread."""
        return iter(list(self._by_owner.items()))

    def _route(self, device: DeviceId) -> tuple[list[Sample], list[Sample]]:
        metrics = self._by_owner.setdefault(device, [])
        signals = self._by_owner.setdefault(signals_of(device.bed_id), [])
        self._routes[device] = metrics, signals
        return metrics, signals

    def __len__(self) -> int:
        return sum(len(samples) for _, samples in self.owners())


def signals_of(bed: BedId) -> DeviceId:
    """The owner of a bed's signals."""
    return DeviceId(bed.unit, bed.bed, SIGNALS)
