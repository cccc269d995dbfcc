"""The limits of the clinical text on vital signs, each with a band of doubt around it.

A value beyond `certain` for `sustained_s` must be announced within `announce_s`; one beyond `possible` may be. The band
between is where a limit, a hysteresis or a monitor's noise may decide either way. Sources as in the clinical notes.
"""

from __future__ import annotations

from dataclasses import dataclass

CUFF_SUSTAINED_S = 2_400.0
"""With a cuff that measures every 5 to 15 minutes two readings lie in it for sure."""
CUFF_ANNOUNCE_S = 2_400.0
CUFF_DOUBT = 9.0
"""mm[Hg] by which a cuff may err upwards and downwards beyond the line's band (5.4 [V])."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalLimit:
    """One limit."""

    family: str
    signal: str
    """A field of `VitalSigns`."""
    is_low: bool
    """Whether what lies below is abnormal."""
    limit: float
    certain: float
    possible: float
    sustained_s: float
    announce_s: float
    source: str

    def is_certain(self, value: float, doubt: float = 0.0) -> bool:
        """Beyond the limit for any monitor, `doubt` added."""
        return value < self.certain - doubt if self.is_low else value > self.certain + doubt

    def is_possible(self, value: float, doubt: float = 0.0) -> bool:
        """Near enough to the limit for some monitor to show it beyond, `doubt` added."""
        return value < self.possible + doubt if self.is_low else value > self.possible - doubt


def _low(  # noqa: PLR0917 - rows of a table
    family: str, signal: str, limit: float, certain: float, possible: float, sustained_s: float, announce_s: float,
    source: str,
) -> VitalLimit:  # fmt: skip
    return VitalLimit(
        family=family, signal=signal, is_low=True, limit=limit, certain=certain, possible=possible,
        sustained_s=sustained_s, announce_s=announce_s, source=source,
    )  # fmt: skip


def _high(  # noqa: PLR0917 - rows of a table
    family: str, signal: str, limit: float, certain: float, possible: float, sustained_s: float, announce_s: float,
    source: str,
) -> VitalLimit:  # fmt: skip
    return VitalLimit(
        family=family, signal=signal, is_low=False, limit=limit, certain=certain, possible=possible,
        sustained_s=sustained_s, announce_s=announce_s, source=source,
    )  # fmt: skip


VITAL_LIMITS: tuple[VitalLimit, ...] = (
    _low("hypotension", "map", 65, 62, 69, 200, 300, "MAP < 65, warn after 2 min (5.1 [D]; Maheshwari 2018 [V])"),
    _low("hypotension", "map", 50, 47.5, 69, 60, 120, "MAP < 50 critical (5.1 [D]; MIMIC-II 2010 [V])"),
    _low("hypotension", "sbp", 90, 85, 96, 200, 300, "SBP < 90, warn after 2 min (5.1 [D]; label 2.4 [V])"),
    _high("hypertension", "sbp", 180, 188, 170, 200, 300, "SBP > 180 [D]"),
    _high("tachycardia", "hr", 130, 136, 124, 120, 240, "> 130 absolute criterion (3.1 [V])"),
    _high("tachycardia", "hr", 150, 157, 124, 60, 120, "> 140 calls for an ECG (3.5 [V]); 150 [D]"),
    _low("bradycardia", "hr", 50, 46, 55, 90, 180, "bradycardia needing treatment (2.1 [V]); 50 [D]"),
    _low("desaturation", "spo2", 90, 88, 92.6, 90, 180, "< 90 % (2.1 [V])"),
    _high("respiratory", "rr", 30, 33, 27, 120, 240, "RR > 30 (3.5 [V])"),
    _low("respiratory", "rr", 8, 6.5, 10, 90, 180, "NEWS2 3 points (5.3 [V])"),
    _high("temperature", "temp", 40, 40.35, 39.6, 200, 400, "> 40.0 (3.5 [V])"),
)
"""On vital signs that a monitor shows."""
