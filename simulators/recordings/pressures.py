"""Which of the pressures charted in one minute were measured together.

A table holds one pressure a row and does not say which belong to one measurement; a minute may hold those of a cuff and
of an arterial line. They matter as triples: a mean that lies outside its diastolic to systolic makes all three
unbelievable, so a wrong grouping turns two good measurements into two bad ones.

Rule: the systolic and diastolic pressures pair up in file order. Each pair gets one of the means as long as there are
any, so that as many means as possible lie between the two of their pair; of several such choices the one whose means
stand closest to their diastolic pressures in the file, then file order. Means left over were measured alone. A pair and
a mean that are the only ones belong together even when they contradict each other: that is for the gateway to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, zip_longest

SYSTOLIC, DIASTOLIC, MEAN = "MDC_PRESS_CUFF_SYS", "MDC_PRESS_CUFF_DIA", "MDC_PRESS_CUFF_MEAN"
_MOST_TRIED = 5
"""With more pairs or means than this in one minute, file order decides: choices grow as their factorial."""


@dataclass(frozen=True, slots=True)
class ChartedPressure:
    """One row."""

    metric: str
    value: float
    """mmHg, implausible ones included."""
    place: int
    """Among the pressures of its minute, in file order."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A systolic and a diastolic pressure of one measurement; at least one of them."""

    systolic: ChartedPressure | None
    diastolic: ChartedPressure | None

    def __iter__(self) -> Iterator[ChartedPressure]:
        return (pressure for pressure in (self.systolic, self.diastolic) if pressure is not None)

    def admits(self, mean: ChartedPressure) -> bool:
        """Whether the mean may belong to this pair."""
        is_high_enough = self.diastolic is None or mean.value >= self.diastolic.value
        return is_high_enough and (self.systolic is None or mean.value <= self.systolic.value)

    def distance(self, mean: ChartedPressure) -> int:
        """How many rows of pressures the mean stands away."""
        nearest = self.diastolic or self.systolic
        return abs(mean.place - nearest.place) if nearest is not None else 0


def measured_together(charted: Sequence[ChartedPressure]) -> list[list[ChartedPressure]]:
    """The pressures of one minute as measurements, in order of their first rows.

    Args:
        charted: in file order.
    """
    means = [pressure for pressure in charted if pressure.metric == MEAN]
    systolics = (pressure for pressure in charted if pressure.metric == SYSTOLIC)
    diastolics = (pressure for pressure in charted if pressure.metric == DIASTOLIC)
    pairs = [_Pair(systolic, diastolic) for systolic, diastolic in zip_longest(systolics, diastolics)]
    given = _give(means, pairs)
    groups = [[*pair, *([mean] if mean is not None else [])] for pair, mean in zip(pairs, given, strict=True)]
    groups += [[mean] for mean in means if mean not in given]
    return sorted(groups, key=lambda group: min(pressure.place for pressure in group))


def _give(means: Sequence[ChartedPressure], pairs: Sequence[_Pair]) -> tuple[ChartedPressure | None, ...]:
    """For each pair its mean, or None where there are fewer means than pairs."""
    candidates = [*means, *[None] * (len(pairs) - len(means))]
    if len(candidates) > _MOST_TRIED:
        return tuple(candidates[: len(pairs)])

    def cost(chosen: tuple[ChartedPressure | None, ...]) -> tuple[int, int]:
        matched = [(pair, mean) for pair, mean in zip(pairs, chosen, strict=True) if mean is not None]
        misfits = sum(not pair.admits(mean) for pair, mean in matched)
        return misfits, sum(pair.distance(mean) for pair, mean in matched)

    return min(permutations(candidates, len(pairs)), key=cost)
