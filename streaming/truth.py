"""Three-valued truth (Kleene). Unknown is not false: it clears nothing and allows nothing.

How truths are put together stands in `streaming.criteria.evaluate`, beside what they rest on.
"""

from __future__ import annotations

from enum import Enum


class Truth(Enum):
    """TRUE, FALSE, or UNKNOWN because the values that would decide it are missing, stale or doubtful."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"
