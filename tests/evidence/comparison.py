"""The engine's hypotension episodes against the independent count: what agrees, and why each difference is one.

An episode agrees when onset, confirmation and end are the same instants on both sides. Where they are not, the
independent count is repeated with the rules that the engine documents besides its description, one, two and three at a
time; the smallest set with which it says just what the engine says is the explanation. A difference that no set
explains is an error of one of the two, and is reported as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from tests.evidence.independent_hypotension import RULES, Also, Count, LowPressure, count, silences
from tests.evidence.replays import Episode

Explanation = frozenset[Also]
EXPLANATIONS: tuple[Explanation, ...] = tuple(
    frozenset(chosen) for size in range(1, len(Also) + 1) for chosen in combinations(Also, size)
)
"""Smallest first."""
NO_MORE_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule met in the readings of one difference."""

    also: Also
    from_ms: int
    """When what it met began."""
    at_ms: int
    text: str
    """Without its times."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One stretch of one stay in which the two do not say the same of a rule."""

    rule: LowPressure
    stay: str
    independent: tuple[Episode, ...]
    engine: tuple[Episode, ...]
    because: Explanation | None
    """None when nothing explains it."""
    findings: tuple[Finding, ...]
    readings: tuple[tuple[int, float], ...]
    """(time, mmHg) from where the two part."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One rule over all stays."""

    rule: LowPressure
    independent: tuple[Episode, ...]
    engine: tuple[Episode, ...]
    with_all_rules: tuple[Episode, ...]
    """The independent count with everything that the engine documents."""
    differences: tuple[Difference, ...]

    @property
    def same(self) -> int:
        """Episodes that are the same on both sides."""
        return len(set(self.independent) & set(self.engine))

    @property
    def same_with_all_rules(self) -> int:
        """The same, where the independent count applies all rules."""
        return len(set(self.with_all_rules) & set(self.engine))


def compare(pressures: pl.DataFrame, engine: Mapping[str, Sequence[Episode]]) -> list[Agreement]:
    """Compares every rule.

    Args:
        pressures: as `read_pressures` returns them.
        engine: the engine's episodes by rule, all stays together.
    """
    return [_RuleComparison(pressures, rule, engine.get(rule.rule_id, ())).result() for rule in RULES]


@dataclass(frozen=True, slots=True)
class _Window:
    """From where to where two accounts of one stay differ, both inclusive."""

    stay: str
    from_ms: int
    to_ms: int

    def overlaps(self, episode: Episode, last_ms: int) -> bool:
        return episode.stay == self.stay and episode.onset_ms <= self.to_ms and last_ms >= self.from_ms


class _RuleComparison:
    """One rule: the counts under each set of rules, made when they are asked for."""

    def __init__(self, pressures: pl.DataFrame, rule: LowPressure, engine: Iterable[Episode]) -> None:
        self._rule = rule
        self._pressures = pressures.filter(pl.col("signal") == rule.signal)
        self._engine = set(engine)
        self._counts: dict[Explanation, Count] = {}
        self._last_ms: dict[str, int] = dict(self._pressures.group_by("stay").agg(pl.col("at_ms").max()).iter_rows())
        independent = _episodes(self._count(frozenset()))
        self._independent = set(independent)
        self._run_last_ms = independent

    def result(self) -> Agreement:
        return Agreement(
            rule=self._rule,
            independent=tuple(sorted(self._independent, key=_order)),
            engine=tuple(sorted(self._engine, key=_order)),
            with_all_rules=tuple(sorted(_episodes(self._count(frozenset(Also))), key=_order)),
            differences=tuple(self._difference(window) for window in self._windows()),
        )

    def _count(self, also: Explanation) -> Count:
        if also not in self._counts:
            self._counts[also] = count(self._pressures, self._rule, also)
        return self._counts[also]

    def _until_ms(self, episode: Episode) -> int:
        """Its end, or the last reading that belongs to it."""
        if episode.end_ms is not None:
            return episode.end_ms
        return self._run_last_ms.get(episode, self._last_ms[episode.stay])

    def _windows(self) -> list[_Window]:
        """Where episodes of one side only lie; those that overlap lie in one window."""
        windows: list[_Window] = []
        for episode in sorted(self._independent ^ self._engine, key=_order):
            until_ms = self._until_ms(episode)
            if windows and windows[-1].overlaps(episode, until_ms):
                last = windows.pop()
                windows.append(_Window(last.stay, last.from_ms, max(last.to_ms, until_ms)))
            else:
                windows.append(_Window(episode.stay, episode.onset_ms, until_ms))
        return windows

    def _difference(self, window: _Window) -> Difference:
        agreed = self._independent & self._engine
        independent = _within(window, self._independent - agreed)
        engine = _within(window, self._engine - agreed)
        because = next((also for also in EXPLANATIONS if self._explains(also, window, agreed, engine)), None)
        since_ms = self._parted_ms(window)
        findings = self._findings(because, window, since_ms) if because is not None else ()
        return Difference(
            rule=self._rule,
            stay=window.stay,
            independent=independent,
            engine=engine,
            because=because,
            findings=findings,
            readings=self._readings(window, min([window.from_ms, *(found.from_ms for found in findings)])),
        )

    def _explains(self, also: Explanation, window: _Window, agreed: set[Episode], engine: tuple[Episode, ...]) -> bool:
        counted = _episodes(self._count(also))
        here = {
            episode
            for episode, last_ms in counted.items()
            if episode not in agreed and window.overlaps(episode, last_ms if episode.end_ms is None else episode.end_ms)
        }
        return here == set(engine)

    def _parted_ms(self, window: _Window) -> int:
        """The last reading before the window after which both sides knew of nothing: a reset, or one after silence."""
        before = self._of(window.stay).filter(pl.col("at_ms") <= window.from_ms)
        resets = before.filter(pl.col("value") >= self._rule.reset_at)["at_ms"]
        silent = self._silences(window.stay).filter(pl.col("to_ms") <= window.from_ms)["to_ms"]
        parted: list[int] = [*resets, *silent] or [*before["at_ms"].head(1), window.from_ms][:1]
        return max(parted)

    def _findings(self, because: Explanation, window: _Window, since_ms: int) -> tuple[Finding, ...]:
        found: list[Finding] = []
        if Also.ARTEFACT in because:
            found += self._artefacts(window, since_ms)
        if Also.ABANDONED in because:
            met = self._count(because).abandonments.filter(
                (pl.col("stay") == window.stay) & pl.col("at_ms").is_between(since_ms, window.to_ms)
            )
            found += [
                Finding(Also.ABANDONED, onset_ms, at_ms, f"{below} of {readings} readings below {self._rule.below:g}")
                for onset_ms, at_ms, readings, below in met.drop("stay", "row").iter_rows()
            ]
        if Also.SILENCE in because:
            met = self._silences(window.stay).filter(pl.col("to_ms").is_between(since_ms, window.to_ms))
            found += [
                Finding(Also.SILENCE, from_ms, to_ms, f"no {self._rule.signal.upper()} for {_hours(to_ms - from_ms)} h")
                for from_ms, to_ms in met.drop("stay").iter_rows()
            ]
        return tuple(sorted(found, key=lambda finding: finding.at_ms))

    def _artefacts(self, window: _Window, since_ms: int) -> list[Finding]:
        bad = self._of(window.stay).filter(
            pl.col("is_artefact") | pl.col("is_doubtful"), pl.col("at_ms").is_between(since_ms, window.to_ms)
        )
        return [
            Finding(Also.ARTEFACT, at_ms, at_ms, f"SBP {_shown(sbp)}, DBP {_shown(dbp)}, MAP {_shown(mean)}")
            for at_ms, sbp, dbp, mean in bad.select("at_ms", "sbp", "dbp", "map").iter_rows()
        ]

    def _silences(self, stay: str) -> pl.DataFrame:
        return silences(self._of(stay), self._rule.signal)

    def _of(self, stay: str) -> pl.DataFrame:
        return self._pressures.filter(pl.col("stay") == stay)

    def _readings(self, window: _Window, from_ms: int) -> tuple[tuple[int, float], ...]:
        here = self._of(window.stay).filter(pl.col("at_ms").is_between(from_ms, window.to_ms))
        return tuple((at_ms, value) for at_ms, value in here.select("at_ms", "value").iter_rows())


def _hours(duration_ms: int) -> str:
    return f"{duration_ms / 3_600_000:.1f}"


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _order(episode: Episode) -> tuple[str, int, int, int]:
    return (episode.stay, episode.onset_ms, episode.confirmed_ms, episode.end_ms or NO_MORE_MS)


def _within(window: _Window, episodes: Iterable[Episode]) -> tuple[Episode, ...]:
    here = (e for e in episodes if e.stay == window.stay and window.from_ms <= e.onset_ms <= window.to_ms)
    return tuple(sorted(here, key=_order))


def _episodes(counted: Count) -> dict[Episode, int]:
    """The episodes of a count, each with its last reading."""
    rows = counted.episodes.select("stay", "onset_ms", "confirmed_ms", "end_ms", "last_ms").iter_rows()
    return {Episode(stay, onset, confirmed, end): last for stay, onset, confirmed, end, last in rows}
