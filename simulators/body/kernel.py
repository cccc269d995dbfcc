"""What one dose of interleukin-2 does over the hours, and how much more the later doses do.

Pure functions of hours. They deliberately know no patient: how strongly a body answers is in its traits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

LAG_H = 1.0
"""Nothing before: interferon-gamma rises after an hour (Konrad 1992 [V])."""
PEAK_H = 4.0
"""Hours after the dose (Konrad 1992 [V])."""
GONE_AFTER_H = 30.0
"""Less than 0.2 % of the peak is left; [D]."""


def cytokines(since_dose_h: float) -> float:
    """Effect of one dose, 0..1: nothing for 1 h, 1 at 4 h, one half at 9 h (clinical notes 4.2, 4.5 [D])."""
    x = (since_dose_h - LAG_H) / (PEAK_H - LAG_H)
    return x * math.exp(1.0 - x) if x > 0 else 0.0


def sensitisation(dose_number: int) -> float:
    """How much more the n-th dose does than the first: 1 for n = 1, towards 4 (Konrad 1992 [V], form [D])."""
    return 1.0 + 3.0 * (1.0 - math.exp(-(dose_number - 1) / 3.0))


def activity(doses: Iterable[tuple[int, float, float]], t_h: float) -> float:
    """All doses together at `t_h`, 0 to about 5.2 for ordered doses (an overdose counts by its share of the order).

    Args:
        doses: (number, start in hours, share of the order) of each dose given.
        t_h: The instant, hours on the same axis.
    """
    return sum(
        sensitisation(number) * share * cytokines(t_h - start_h)
        for number, start_h, share in doses
        if 0.0 < t_h - start_h < GONE_AFTER_H
    )
