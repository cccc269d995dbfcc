"""The heart beats behind a monitor's numerics: each with an interval and pressures of its own; their mean is displayed.

A beat's pulse pressure goes with breathing and with the interval before it (a long one fills the heart), and every beat
has a little noise of its own. In atrial fibrillation the intervals are irregular, and so the pressures are. A monitor
shows the mean of the beats of the last seconds, which is why its numerics are smoother than the beats and lag by half
the window.

Deterministic: one seed and one sequence of looks, one sequence of beats. It deliberately draws no waveform.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass

from simulators.artefacts import Pressures
from simulators.physiology import VitalSigns

WINDOW_S = 5.0
"""Monitors average over some four to eight seconds or beats [GK]."""
SINUS_IRREGULARITY, AF_IRREGULARITY = 0.02, 0.18
"""Standard deviation of the intervals as a share of their mean [GK]."""
_BREATHING_SHARE = 0.05
"""Half the swing of the pulse pressure with a breath; twice as much is a sign of lost volume [GK]."""
_FILLING_SHARE = 0.5
"""How much of a longer interval shows in the pulse pressure [D]."""
_SYS_NOISE_MMHG, _DIA_NOISE_MMHG = 1.2, 0.8
_LEAST_WIDTH_MMHG = 8.0
_FASTEST_S, _SLOWEST_S = 0.25, 2.5
"""Of an interval: 240 and 24 beats a minute."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One."""

    at_s: float
    interval_s: float
    """Since the one before."""
    sys: float
    dia: float
    mean: float


class Beats:
    """The beats of one patient, as far as they are still displayed."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(f"beats:{seed}")
        self._beats: deque[Beat] = deque()
        self._next_s: float | None = None

    def until(self, t_s: float, signs: VitalSigns, irregularity: float) -> None:
        """Lets the heart beat up to an instant.

        Args:
            t_s: seconds of the run; never less than before.
            signs: what is true since the last look.
            irregularity: standard deviation of the intervals as a share of their mean, 0..0.3.
        """
        if self._next_s is None or t_s - self._next_s > WINDOW_S:
            self._next_s = t_s - WINDOW_S  # what was before is displayed no more
        while self._next_s <= t_s:
            self._beat(self._next_s, signs, irregularity)
        while len(self._beats) > 1 and self._beats[0].at_s < t_s - WINDOW_S:
            self._beats.popleft()

    @property
    def rate(self) -> float:
        """Beats a minute over the window."""
        return 60.0 * len(self._beats) / sum(beat.interval_s for beat in self._beats)

    @property
    def pressures(self) -> Pressures:
        """Means over the window, mm[Hg]."""
        count = len(self._beats)
        return Pressures(
            sys=sum(beat.sys for beat in self._beats) / count,
            dia=sum(beat.dia for beat in self._beats) / count,
            mean=sum(beat.mean for beat in self._beats) / count,
        )

    def _beat(self, at_s: float, signs: VitalSigns, irregularity: float) -> None:
        usual_s = 60.0 / signs.hr
        drawn_s = usual_s * (1.0 + irregularity * self._rng.gauss(0.0, 1.0))
        interval_s = min(_SLOWEST_S, max(_FASTEST_S, drawn_s))
        breath = math.sin(2.0 * math.pi * at_s * signs.rr / 60.0)
        filling = 1.0 + _FILLING_SHARE * (interval_s / usual_s - 1.0)
        width = (signs.sbp - signs.dbp) * filling * (1.0 + _BREATHING_SHARE * breath)
        width = max(_LEAST_WIDTH_MMHG, width + _SYS_NOISE_MMHG * self._rng.gauss(0.0, 1.0))
        share = (signs.map - signs.dbp) / (signs.sbp - signs.dbp)
        dia = signs.map - share * width + _DIA_NOISE_MMHG * self._rng.gauss(0.0, 1.0)
        self._beats.append(Beat(at_s, interval_s, dia + width, dia, dia + share * width))
        self._next_s = at_s + interval_s
