"""One look at the truth of a bed, every ten simulated seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulators.physiology import VitalSigns


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSample:
    """What is true at one instant. What only a treated patient has is at its resting value elsewhere."""

    at_ms: int
    signs: VitalSigns
    rhythm: str = "sinus"
    artefact: str | None = None
    """Kind of the artefact that spoils line or oximeter."""
    has_line: bool = True
    is_connected: bool = True
    """Whether the monitor reaches the broker."""
    sbp0: float = 128.0
    has_course: bool = False
    holds: tuple[str, ...] = ()
    """Rows of the label that certainly withhold the dose now."""
    may_hold: bool = False
    """Whether some row of the label is met, or nearly."""
    is_stopped: bool = False
    """Whether the label ends the course."""
    il2_infusing: bool = False
    signed_after_hold: bool = True
    """Whether a clinician has signed `proceed` since the last hold."""
    is_held_unsigned: bool = False
    """Whether some row of the label has certainly held since that signature: a hold is left by a signature alone."""
    mistake: str | None = None
    """What is wrong with the dose that runs, or ran within the hour."""
    stopped_channels: tuple[str, ...] = ()
    """Channels that stand still because of an occlusion, air or an open door."""
    drained_channels: tuple[str, ...] = ()
    """Channels that stand still because their battery is empty."""
    stopped_pressors: tuple[str, ...] = ()
    """Of these the pressors that should run."""
    waits_for_permit: bool = False
    pressor_changed: bool = False
    """Whether a pressor's rate differs from some rate of the 100 minutes before."""
    urine_8h_ml: float = 10_000.0
    urine_hour_ml: float = 100.0
    creatinine: float = 0.9
    """Last result."""
    creatinine0: float = 0.9
    weight_gain_pct: float = 0.0
    weighed_gain_pct: float = 0.0
    """At the last weighing, as the scale showed it."""
    weight_mistake: str | None = None
    """How pounds are taken for kilograms: by the scale at the last weighing, or in the order."""
    weight_offset_kg: float = 0.0
    """What stood on the scale beside the patient at the last weighing."""
    gain_24h_kg: float = 0.0
    clock_errors_s: dict[str, float] = field(default_factory=dict)
    """Of each device, its clock minus true time."""
    is_down: tuple[str, ...] = ()
    """Devices that do not reach the broker."""
    oxygen_l_min: float = 0.0
    platelets: float = 250.0
    mental: str = "normal"
