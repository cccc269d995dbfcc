"""What runs on one channel of a pump: a program, what came of it, and what is wrong with it.

Volumes are mL, rates mL/h, dose rates ug/kg/min. What reaches the patient follows from the rate and from what is truly
in the bag and what the patient truly weighs; what is displayed follows from what somebody typed in. The two differ when
somebody made a mistake. It deliberately says nothing: `simulators.smart_pump` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MIU_PER_MG = 18.0 / 1.1
"""18 million IU are 1.1 mg (clinical notes 1.2 [V])."""


class Stop(StrEnum):
    """Why a channel stands still though it was started (clinical notes 6.1)."""

    OCCLUSION = "occlusion"
    AIR = "air"
    DOOR = "door"
    BATTERY = "battery"
    NO_PERMIT = "no_permit"


@dataclass(slots=True, kw_only=True)
class Infusion:
    """One channel. A new program starts the totals at 0 (`program`)."""

    label: str
    """As the pump displays it; empty before anything is programmed."""
    mg_per_ml: float = 0.0
    """True concentration."""
    shown_mg_per_ml: float = 0.0
    """As typed in."""
    is_in_units: bool = False
    """Displayed in [IU]/mL: aldesleukin."""
    weight_kg: float = 80.0
    """True weight of the patient."""
    shown_weight_kg: float = 80.0
    """As typed in."""
    to_be_infused_ml: float = 0.0
    rate_ml_h: float = 0.0
    """As programmed."""
    is_started: bool = False
    stop: Stop | None = None
    delivered_ml: float = 0.0
    """Since programming."""
    programs: int = 0
    """How often it was programmed."""
    keeps_open_ml_h: float = 0.0
    """What a volumetric pump goes on with when the volume is in, until it is stopped (KVO)."""

    @property
    def is_infusing(self) -> bool:
        """Whether fluid flows."""
        return self.is_started and self.stop is None and self.flow_wanted_ml_h > 0.0

    @property
    def flow_wanted_ml_h(self) -> float:
        """What would flow if nothing stood in the way."""
        return self.keeps_open_ml_h if self.is_complete else self.rate_ml_h

    @property
    def is_complete(self) -> bool:
        """Whether the volume to be infused is in."""
        return self.to_be_infused_ml > 0.0 and self.delivered_ml >= self.to_be_infused_ml - 1e-6

    @property
    def flow_ml_h(self) -> float:
        """What flows now."""
        return self.flow_wanted_ml_h if self.is_infusing else 0.0

    @property
    def given_rate(self) -> float:
        """What reaches the patient now, ug/kg/min."""
        return self.flow_ml_h * self.mg_per_ml * 1000.0 / 60.0 / self.weight_kg

    @property
    def shown_rate(self) -> float:
        """What the pump displays, ug/kg/min."""
        return self.flow_ml_h * self.shown_mg_per_ml * 1000.0 / 60.0 / self.shown_weight_kg

    def program(
        self, *, rate_ml_h: float, to_be_infused_ml: float, shown_weight_kg: float, shown_mg_per_ml: float
    ) -> None:
        """A new program: totals go back to 0, nothing runs yet."""
        self.rate_ml_h, self.to_be_infused_ml = rate_ml_h, to_be_infused_ml
        self.shown_weight_kg, self.shown_mg_per_ml = shown_weight_kg, shown_mg_per_ml
        self.delivered_ml = 0.0
        self.is_started = False
        self.programs += 1

    def titrate(self, dose_rate: float) -> None:
        """Sets a weight-based rate in ug/kg/min as the pump reckons it; 0 stops it. It starts by itself."""
        flow = dose_rate * self.shown_weight_kg * 60.0 / 1000.0 / self.shown_mg_per_ml
        self.rate_ml_h = round(flow, 1)
        self.is_started = self.rate_ml_h > 0.0

    def run(self, dt_s: float) -> float:
        """Lets it run; returns the mL that were delivered."""
        if not self.is_infusing:
            return 0.0
        volume = self.flow_wanted_ml_h * dt_s / 3600.0
        if self.to_be_infused_ml > 0.0 and not self.is_complete:
            volume = min(volume, self.to_be_infused_ml - self.delivered_ml)
        self.delivered_ml += volume
        return volume
