"""The charted stays before and after delays and the alarm policy: how many alarms, and whether any low pressure of two
minutes or more goes unannounced.

Three ways to judge the same recordings: every verdict an alarm at once (no onset delay, no policy), with the onset
delays of the rules, and with the alarm policy of a live ward besides. An *alarm* counts each time it begins to be
announced, once, under the priority of the worst it came to (`gateway.backtest.alarm_tally`).

The low pressures are those of the independent count (`independent_hypotension`). An episode is *announced* when an
alarm of family hypotension calls at some instant from its confirmation to its end: its signal is on, neither
explained away nor switched off nor merely kept after its condition had passed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from alerts.alarm import AlarmTransition, SignalState
from alerts.rulebook import Rulebook
from gateway.backtest.alarm_tally import AlarmTally
from gateway.fold import Fold
from gateway.replay import apply_entry
from gateway.rulesets import load_alarm_policy, load_alarm_profile
from simulators.recordings.formats import FORMATS, ImportRequest
from simulators.recordings.stay import StayRecording
from streaming.freshness import CHARTED_VITAL_MS
from streaming.rules.kinds import AlarmProfile
from tests.evidence.independent_hypotension import RULES, Also, count, read_pressures
from tests.evidence.replays import observed_span_ms

FAMILY = "hypotension"
LEAST_MS = 120_000
"""Of an episode: from its first low reading to the one that ends it, or to its last."""
JOBS, FEW = 2, 8
"""Processes; so few recordings are judged in this one."""
AT_ONCE, DELAYED, GROUPED = "at once", "with delays", "grouped"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LowEpisode:
    """A low pressure of the independent count."""

    stay: str
    rule_id: str
    onset_ms: int
    confirmed_ms: int
    until_ms: int
    """The reading that ended it, else its last."""


@dataclass(frozen=True, slots=True)
class StayAlarms:
    """What was announced at one stay, judged in one way."""

    stay: str
    announced: Counter[tuple[str, str]]
    """By priority and family."""
    calling: tuple[Span, ...]
    """When an alarm of family hypotension called: from, to (exclusive), in order of their beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """All stays, judged in one way."""

    name: str
    rules: Rulebook
    stays: tuple[StayAlarms, ...]

    @property
    def announced(self) -> Counter[tuple[str, str]]:
        """All stays together, by priority and family."""
        return sum((stay.announced for stay in self.stays), Counter())


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingEvidence:
    """What the stays showed."""

    ways: tuple[Judged, ...]
    admitted_ms: int
    observed_ms: int
    """How long a vital sign was current."""
    documented: tuple[LowEpisode, ...]
    """Low pressures counted with everything that the engine documents."""
    described: tuple[LowEpisode, ...]
    """Those counted from the description alone."""

    def way(self, name: str) -> Judged:
        """One of the ways."""
        return next(way for way in self.ways if way.name == name)


@dataclass(slots=True)
class Coverage:
    """Which episodes were announced."""

    prompt: list[LowEpisode] = field(default_factory=list)
    """When they were confirmed, or before."""
    late: list[tuple[LowEpisode, int]] = field(default_factory=list)
    """Afterwards, by so many milliseconds."""
    missed: list[LowEpisode] = field(default_factory=list)


def gather_grouping(folder: Path, stays: Collection[str] | None = None) -> GroupingEvidence:
    """Judges every stay of the tables in `folder`, or those named, in each way."""
    recordings = recordings_of(folder, stays)
    entries = [recording.entries for recording in recordings]
    named = {recording.stay for recording in recordings}
    pressures = read_pressures(folder).filter(pl.col("stay").is_in(list(named)))
    return GroupingEvidence(
        ways=tuple(Judged(name=name, rules=rules, stays=judged(recordings, rules)) for name, rules in ways_to_judge()),
        admitted_ms=sum(each[-1].received_ms - each[0].received_ms for each in entries),
        observed_ms=sum(observed_span_ms(each, CHARTED_VITAL_MS) for each in entries),
        documented=low_episodes(pressures, frozenset(Also)),
        described=low_episodes(pressures, frozenset()),
    )


def recordings_of(folder: Path, stays: Collection[str] | None = None) -> Sequence[StayRecording]:
    """Every stay of the tables in `folder`, or those named, as `vigil import` makes them."""
    recordings, _ = FORMATS["mimic-csv"](ImportRequest(path=folder, stays=stays))
    return recordings


def ways_to_judge() -> list[tuple[str, Rulebook]]:
    """Name and rules of each."""
    alarms = load_alarm_profile()
    return [
        (AT_ONCE, Rulebook(alarms=with_onset_delays(alarms, lambda _: 0.0))),
        (DELAYED, Rulebook(alarms=alarms)),
        (GROUPED, Rulebook(alarms=alarms, policy=load_alarm_policy())),
    ]


def with_onset_delays(alarms: AlarmProfile, delay_s: Callable[[str], float | None]) -> AlarmProfile:
    """The same rules with other onset delays of those about the patient.

    Args:
        alarms: the rules.
        delay_s: from a family to seconds; None leaves a rule as it is.
    """

    def of(family: str, usual_s: float) -> float:
        other_s = delay_s(family)
        return usual_s if other_s is None else other_s

    return replace(
        alarms,
        limit_rules=tuple(
            replace(rule, onset_delay_s=of(rule.family, rule.onset_delay_s)) for rule in alarms.limit_rules
        ),
        stay_rules=tuple(
            replace(rule, onset_delay_s=of(rule.family, rule.onset_delay_s)) for rule in alarms.stay_rules
        ),
    )


def judged(recordings: Sequence[StayRecording], rules: Rulebook) -> tuple[StayAlarms, ...]:
    """Every recording, folded alone."""
    if len(recordings) <= FEW:
        return tuple(_judged(recording, rules) for recording in recordings)
    with ProcessPoolExecutor(JOBS, mp_context=get_context("spawn")) as pool:
        return tuple(pool.map(_judged, recordings, [rules] * len(recordings)))


def _judged(recording: StayRecording, rules: Rulebook) -> StayAlarms:
    fold, tally, calls = Fold(rules), AlarmTally(), _Calls()
    for entry in recording.entries:
        for effect in apply_entry(fold, entry):
            if isinstance(effect, AlarmTransition):
                tally.take(effect)
                calls.take(effect)
    announced = Counter((each.priority, each.family) for each in tally.announcements)
    return StayAlarms(recording.stay, announced, calls.until(recording.entries[-1].received_ms + 1))


class _Calls:
    """When alarms of family hypotension call."""

    def __init__(self) -> None:
        self._since_ms: dict[str, int] = {}
        self._over: list[Span] = []

    def take(self, transition: AlarmTransition) -> None:
        """Takes the next transition of the stay."""
        if transition.alarm.family != FAMILY:
            return
        alarm_id = transition.alarm.alarm_id
        if transition.to is SignalState.ON:
            self._since_ms.setdefault(alarm_id, transition.at_ms)
        elif alarm_id in self._since_ms:
            self._over.append((self._since_ms.pop(alarm_id), transition.at_ms))

    def until(self, end_ms: int) -> tuple[Span, ...]:
        """All of them; those that still call end then."""
        return tuple(sorted([*self._over, *((since_ms, end_ms) for since_ms in self._since_ms.values())]))


def low_episodes(pressures: pl.DataFrame, also: frozenset[Also]) -> tuple[LowEpisode, ...]:
    """The low pressures of two minutes or more, under every rule.

    Args:
        pressures: as `read_pressures` returns them.
        also: rules to apply besides the description.
    """
    found: list[LowEpisode] = []
    for rule in RULES:
        rows = count(pressures, rule, also).episodes.select("stay", "onset_ms", "confirmed_ms", "end_ms", "last_ms")
        found += [
            LowEpisode(stay, rule.rule_id, onset_ms, confirmed_ms, last_ms if end_ms is None else end_ms)
            for stay, onset_ms, confirmed_ms, end_ms, last_ms in rows.iter_rows()
        ]
    return tuple(each for each in found if each.until_ms - each.onset_ms >= LEAST_MS)


def covered(episodes: Iterable[LowEpisode], stays: Iterable[StayAlarms]) -> Coverage:
    """Which of the episodes were announced."""
    calling = {stay.stay: stay.calling for stay in stays}
    coverage = Coverage()
    for episode in episodes:
        waited_ms = _waited_ms(episode, calling[episode.stay])
        if waited_ms is None:
            coverage.missed.append(episode)
        elif waited_ms == 0:
            coverage.prompt.append(episode)
        else:
            coverage.late.append((episode, waited_ms))
    return coverage


def _waited_ms(episode: LowEpisode, calling: Sequence[Span]) -> int | None:
    """How long after its confirmation an episode was announced; None when it was not."""
    firsts = [
        max(0, from_ms - episode.confirmed_ms)
        for from_ms, to_ms in calling
        if from_ms <= episode.until_ms and to_ms > episode.confirmed_ms
    ]
    return min(firsts, default=None)
