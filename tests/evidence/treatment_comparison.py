"""Weight gain and pressors: what the engine knows against the independent reckoning, and why each difference is one.

As for hypotension: where the two do not say the same, the reckoning is repeated with the rules that the engine
documents besides its description, one and then both; the smallest set with which it says what the engine says of that
place is the explanation. What nothing explains is an error of one of the two, and reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Generic, TypeVar

from tests.evidence.independent_treatment import Also, Crossing, Step, crossings, pressor_steps
from tests.evidence.replays import Replays

EXPLANATIONS = tuple(
    frozenset(chosen) for size in range(1, len(Also) + 1) for chosen in combinations(Also, size)
)  # smallest first
Found = TypeVar("Found", Crossing, Step)
Place = tuple[str, str]
"""Stay, and what of it: a threshold or a drug."""


@dataclass(frozen=True, slots=True)
class TreatmentDifference(Generic[Found]):
    """One stay and threshold, or stay and drug, of which the two do not say the same."""

    place: Place
    engine: tuple[Found, ...]
    independent: tuple[Found, ...]
    because: frozenset[Also] | None
    """None when nothing explains it."""


@dataclass(frozen=True, slots=True)
class TreatmentAgreement(Generic[Found]):
    """All of one kind."""

    engine: tuple[Found, ...]
    independent: tuple[Found, ...]
    with_all_rules: tuple[Found, ...]
    differences: tuple[TreatmentDifference[Found], ...]

    @property
    def same(self) -> int:
        """How many are the same on both sides."""
        return len(set(self.engine) & set(self.independent))

    @property
    def same_with_all_rules(self) -> int:
        """The same, where the reckoning applies all rules."""
        return len(set(self.engine) & set(self.with_all_rules))


def compare_weights(folder: Path, replays: Replays) -> TreatmentAgreement[Crossing]:
    """The first weighing at which each gain was reached."""
    engine = [each for stay in replays.stays for each in stay.crossings]
    return _compare(engine, lambda also: crossings(folder, also), lambda each: (each.stay, f"{each.threshold_pct:g} %"))


def compare_pressors(folder: Path, replays: Replays) -> TreatmentAgreement[Step]:
    """Every step of every pressor's dose."""
    engine = [each for stay in replays.stays for each in stay.pressor_steps]
    ends_ms = {stay.stay: stay.ended_ms for stay in replays.stays}
    return _compare(engine, lambda also: pressor_steps(folder, ends_ms, also), lambda each: (each.stay, each.drug))


def _compare(
    engine: Iterable[Found],
    reckon: Callable[[frozenset[Also]], Iterable[Found]],
    place_of: Callable[[Found], Place],
) -> TreatmentAgreement[Found]:
    ours = _by_place(engine, place_of)
    accounts = {also: _by_place(reckon(also), place_of) for also in (frozenset[Also](), *EXPLANATIONS)}
    plain = accounts[frozenset()]
    differing = [place for place in sorted(ours.keys() | plain.keys()) if ours.get(place) != plain.get(place)]
    return TreatmentAgreement(
        engine=_all(ours),
        independent=_all(plain),
        with_all_rules=_all(accounts[frozenset(Also)]),
        differences=tuple(
            TreatmentDifference(
                place=place,
                engine=ours.get(place, ()),
                independent=plain.get(place, ()),
                because=next(
                    (also for also in EXPLANATIONS if accounts[also].get(place, ()) == ours.get(place, ())), None
                ),
            )
            for place in differing
        ),
    )


def _by_place(found: Iterable[Found], place_of: Callable[[Found], Place]) -> Mapping[Place, tuple[Found, ...]]:
    by_place: dict[Place, list[Found]] = {}
    for each in sorted(found):
        by_place.setdefault(place_of(each), []).append(each)
    return {place: tuple(each) for place, each in by_place.items()}


def _all(by_place: Mapping[Place, tuple[Found, ...]]) -> tuple[Found, ...]:
    return tuple(each for _, found in sorted(by_place.items()) for each in found)
