"""On whose behalf a predicate is asked: to hold a dose, or to resume; what a signature has dealt with; what was seen.

The same question is answered with more care when TRUE would allow something. It asks nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NEVER_MS = -1
"""Earlier than every instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """On whose behalf a predicate is asked."""

    is_resumption: bool = False
    """Whether TRUE would allow rather than hold."""
    after_ms: int = NEVER_MS
    """Events up to this instant have been dealt with by a signature."""
    peaks: Mapping[str, float] = field(default_factory=dict)
    """Highest values seen since the criterion was met, longer ago than any history reaches."""


TO_HOLD = Asking()
TO_RESUME = Asking(is_resumption=True)
