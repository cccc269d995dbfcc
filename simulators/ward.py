"""A simulated ward: the beds of a scenario with their patients and devices, and who speaks next.

Invariants:
  - Scenario, number of beds, unit, seed and start instant decide every byte that the ward will ever say.
  - Messages come in the order of the instants at which they are due; a device's own in the order of their `seq`.

It deliberately neither waits nor publishes: `simulators.session` does.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass

from simulators.devices import Device, Message, Place
from simulators.meters import Scale, Urometer
from simulators.monitor import Monitor
from simulators.physiology import Episode, Patient, Traits
from simulators.pump import PRESSORS, DosePump, PressorPump
from simulators.scenario import Scenario

SURNAMES = (
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper", "Katsura", "Larch",
    "Maple", "Nutmeg", "Oak", "Poplar", "Quince", "Rowan", "Spruce", "Tulip", "Umbrella", "Viburnum", "Willow", "Yew",
)  # fmt: skip
"""Trees: nobody can take them for patients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBed:
    """One bed, its patient and what stands there."""

    unit: str
    bed: str
    patient_id: str
    name: str
    """Synthetic, and recognisable as such."""
    patient: Patient
    devices: tuple[Device, ...]

    @property
    def monitor(self) -> Monitor:
        """The one among them."""
        return next(device for device in self.devices if isinstance(device, Monitor))


class Ward:
    """The beds, and the messages that are due."""

    def __init__(self, scenario: Scenario, *, beds: int, unit: str, seed: int, start_ms: int) -> None:
        """Sets the ward up.

        Args:
            scenario: what it is like.
            beds: how many, >= 1.
            unit: name of the unit in topics.
            seed: the same seed, the same patients.
            start_ms: simulated time at which the devices are switched on, milliseconds since 1970 UTC.
        """
        self.beds = tuple(_bed(scenario, number, beds, unit, seed, start_ms) for number in range(1, beds + 1))
        self.devices = tuple(device for bed in self.beds for device in bed.devices)
        self._queue: list[tuple[int, int]] = []
        self._line_up()

    @property
    def next_due_ms(self) -> int:
        """When somebody speaks next."""
        return self._queue[0][0]

    def due(self, until_ms: int) -> Iterator[tuple[Device, Message]]:
        """What is said up to and including `until_ms`, and by whom."""
        while self._queue[0][0] <= until_ms:
            _, number = self._queue[0]
            device = self.devices[number]
            messages = device.step()
            heapq.heapreplace(self._queue, (device.next_due_ms, number))
            for message in messages:
                yield device, message

    def shift(self, by_ms: int) -> None:
        """Moves everybody's time line: the one simulated clock has been set by so much."""
        for device in self.devices:
            device.shift(by_ms)
        self._line_up()

    def _line_up(self) -> None:
        self._queue = [(device.next_due_ms, number) for number, device in enumerate(self.devices)]
        heapq.heapify(self._queue)


def _bed(scenario: Scenario, number: int, of: int, unit: str, seed: int, start_ms: int) -> SimulatedBed:
    bed = f"b{number:0{max(2, len(str(of)))}d}"
    patient = _patient(scenario, number, f"{seed}:{unit}:{bed}")
    surname = SURNAMES[(number - 1) % len(SURNAMES)]
    again = (number - 1) // len(SURNAMES)
    return SimulatedBed(
        unit=unit,
        bed=bed,
        patient_id=f"SIM-{seed}-{unit}-{bed}",
        name=f"Demo {surname}" + (f" {again + 1}" if again else ""),
        patient=patient,
        devices=tuple(_devices(scenario, number, Place(unit=unit, bed=bed, device=""), patient, str(seed), start_ms)),
    )


def _patient(scenario: Scenario, number: int, seed: str) -> Patient:
    rng = random.Random(f"patient:{seed}")
    course_h = None if scenario.course_h is None else rng.uniform(*scenario.course_h)
    scripted = tuple(
        Episode(
            kind=script.kind,
            start_s=script.start_s,
            target=script.target,
            onset_s=script.onset_s,
            hold_s=script.hold_s,
            recovery_s=script.recovery_s,
        )
        for script in scenario.scripted
        if script.bed == number
    )
    return Patient(
        seed=seed, traits=Traits.drawn(seed), course_h=course_h, rates=scenario.episodes_per_h, scripted=scripted
    )


def _devices(
    scenario: Scenario, number: int, at: Place, patient: Patient, seed: str, start_ms: int
) -> Iterator[Device]:
    def place(device: str) -> Place:
        return Place(unit=at.unit, bed=at.bed, device=device)

    yield Monitor(
        place("mon1"),
        patient,
        has_arterial_line=scenario.has_arterial_line(number),
        artefacts_per_h=scenario.artefacts_per_h,
        seed=seed,
        start_ms=start_ms,
    )
    if scenario.course_h is not None:
        yield DosePump(place("pump1"), patient, seed=seed, start_ms=start_ms)
    if scenario.has_pressor(number):
        drug = sorted(PRESSORS)[number % len(PRESSORS)]
        yield PressorPump(place("pump2"), patient, drug=drug, seed=seed, start_ms=start_ms)
    yield Scale(place("scale1"), patient, seed=seed, start_ms=start_ms)
    yield Urometer(place("uro1"), patient, seed=seed, start_ms=start_ms)
