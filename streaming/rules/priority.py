"""Alarm priority from what may happen and how soon: the matrix of IEC 60601-1-8, Table 1 [S] (clinical.md 8.1).

Each rule names the worst harm that is credible when nobody responds and how soon it develops, and the priority that
follows. A rule whose priority does not follow is an error in the profile: nobody makes an alarm loud by writing so.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HARMS = ("death", "irreversible", "reversible", "minor")
"""Death, irreversible injury, reversible injury, minor injury or discomfort."""
DEVELOPS = ("immediate", "prompt", "delayed")
"""Too soon for manual correction; usually late enough for it; much later."""
PRIORITIES = ("high", "medium", "low")

_OF_DEATH = ("high", "high", "medium")
_MATRIX: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "death": _OF_DEATH,
        "irreversible": _OF_DEATH,
        "reversible": ("high", "medium", "low"),
        "minor": ("medium", "low", "low"),
    }
)


def priority_of(harm: str, develops: str) -> str:
    """The priority that the matrix gives."""
    return _MATRIX[harm][DEVELOPS.index(develops)]
