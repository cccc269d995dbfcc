"""What a scenario lays down for one bed of a course: where it begins, what the patient is like, what goes wrong when.

Values, checked when they are read (`simulators.scenario`). Times are simulated seconds after the start of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulators.artefacts import ArtefactKind
from simulators.body.state import HappeningKind
from simulators.care.nurse import Protocol


class FaultKind(StrEnum):
    """What may go wrong with a device, its clock, its connection or its program."""

    CLOCK_STEP = "clock_step"
    """`value`: seconds by which the clock is set; 3600 is a change of summer time by mistake."""
    CLOCK_DRIFT = "clock_drift"
    """`value`: parts per million; far more than quartz, so that it shows within a run."""
    CLOCK_ROLLOVER = "clock_rollover"
    """A 32-bit counter of milliseconds begins anew: the clock falls back by 49.7 days."""
    RESTART = "restart"
    """Off and on again: a new boot id."""
    DISCONNECT = "disconnect"
    """No connection for `for_s`; what it says is kept and comes in a burst afterwards. Its last will is published."""
    LOSS = "loss"
    """What it says for `for_s` is lost for good."""
    DUPLICATES = "duplicates"
    """For `for_s` a share `value` of its messages comes twice."""
    REORDER = "reorder"
    """For `for_s` a share `value` of its messages comes a second late, after the next."""
    TRUNCATE = "truncate"
    """For `for_s` a share `value` of its payloads is cut off in the middle."""
    OCCLUSION = "occlusion"
    AIR = "air"
    DOOR = "door"
    BATTERY = "battery"
    POUNDS_FOR_KILOGRAMS = "pounds_for_kilograms"
    """The next dose is programmed for the weight in pounds: 2.2 times the dose."""
    HOURS_FOR_MINUTES = "hours_for_minutes"
    """The next dose is programmed for 150 minutes."""
    WRONG_CONCENTRATION = "wrong_concentration"
    """The next dose is programmed with `value` times the bag's concentration: the pump reckons so much less volume."""
    DOSE_AGAINST_HOLD = "dose_against_hold"
    """A dose is started at `at_s` whatever the criteria say, and without a signature."""
    EXTRA_DOSE = "extra_dose"
    """A dose is started at `at_s` though none is left in the course."""
    SCALE_IN_POUNDS = "scale_in_pounds"
    """The scale shows pounds and calls them kilograms; afterwards somebody puts it right and weighs again."""
    ADMITTED_IN_POUNDS = "admitted_in_pounds"
    """The weight in the order is in pounds, called kilograms, from the admission on: every dose is 2.2 times too large
    and looks as ordered."""
    SCALE_OFFSET = "scale_offset"
    """Something of `value` kg stands on the scale; afterwards it is taken away and weighed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHappening:
    """Something that befalls the patient."""

    kind: HappeningKind
    at_s: float
    for_s: float
    depth: float = 0.0
    ramp_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """Something that goes wrong with the equipment, or with who uses it."""

    kind: FaultKind
    at_s: float
    for_s: float = 0.0
    device: str = "mon1"
    value: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArtefact:
    """A spoilt stretch of line or oximeter."""

    kind: ArtefactKind
    at_s: float
    for_s: float
    draw: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class BedPlan:
    """One bed."""

    start_h: float
    """Hours of the course at the start of the run; negative: the first dose is still to come."""
    has_arterial_line: bool = True
    has_course: bool = True
    protocol: Protocol = Protocol.LABEL
    obeys_permit: bool = True
    """Live only: the pump with the drug starts under a valid permit alone. Offline there is nobody to give one."""
    hazards: bool = False
    """Whether doses may bring complications by chance."""
    volumetric: bool = False
    """The dose runs on a volumetric pump, which keeps the vein open afterwards, rather than from a syringe."""
    artefacts_per_h: float = 0.0
    traits: Mapping[str, float] = field(default_factory=dict)
    happenings: tuple[PlannedHappening, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    artefacts: tuple[PlannedArtefact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOutage:
    """Nobody at any bed reaches the broker."""

    at_s: float
    for_s: float
