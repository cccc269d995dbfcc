"""What delays and the alarm policy make of charted stays: fewer alarms, and no low pressure that goes unannounced."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.rulebook import Rulebook
from gateway.rulesets import load_alarm_policy, load_alarm_profile
from tests.evidence.grouping import (
    DELAYED,
    FAMILY,
    GROUPED,
    GroupingEvidence,
    LowEpisode,
    StayAlarms,
    covered,
    gather_grouping,
    judged,
    recordings_of,
    with_onset_delays,
)
from tests.evidence.grouping_page import grouping_page, stay_by_stay
from tests.support.mimic_tables import shared_recordings
from tests.support.sources import REPOSITORY

COMMITTED = REPOSITORY / "docs" / "evidence" / "mimic-grouping.md"
SOME_STAYS = ("22059910", "23251352", "24490144", "27984218")
"""Short ones with low pressures under every limit; all are judged when the page is made."""
ABSURD_S = 6 * 3600.0
NOBODY = StayAlarms("1", announced=Counter(), calling=())

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("charted stays")]


@pytest.fixture(scope="module")
def tables() -> Path:
    return shared_recordings("mimic-iv-demo")


@pytest.fixture(scope="module")
def evidence(tables: Path) -> GroupingEvidence:
    return gather_grouping(tables, SOME_STAYS)


def test_every_low_pressure_of_two_minutes_is_announced_under_the_policy_of_a_live_ward(
    evidence: GroupingEvidence,
) -> None:
    grouped = evidence.way(GROUPED).stays
    documented = covered(evidence.documented, grouped)

    assert len({episode.rule_id for episode in evidence.documented}) == 5
    assert len(evidence.documented) > 20
    assert (documented.missed, documented.late) == ([], [])
    assert covered(evidence.described, grouped).missed == []


def test_the_policy_announces_less_than_half_as_often_and_raises_no_priority(evidence: GroupingEvidence) -> None:
    plain, grouped = (evidence.way(name).announced for name in (DELAYED, GROUPED))
    low_plain = sum(number for (_, family), number in plain.items() if family == FAMILY)
    low_grouped = sum(number for (_, family), number in grouped.items() if family == FAMILY)

    assert low_grouped <= low_plain / 2
    assert grouped.total() < plain.total()
    assert all(grouped["high", family] <= plain["high", family] for _, family in grouped)


def test_low_pressures_are_missed_when_the_onset_delay_is_absurd(tables: Path, evidence: GroupingEvidence) -> None:
    """The control: six hours of delay, under the same policy."""
    slow = with_onset_delays(load_alarm_profile(), lambda family: ABSURD_S if family == FAMILY else None)

    stays = judged(recordings_of(tables, SOME_STAYS), Rulebook(alarms=slow, policy=load_alarm_policy()))

    assert len(covered(evidence.documented, stays).missed) > 10


def test_committed_page_on_grouping_says_of_some_stays_what_their_recordings_say_now(
    evidence: GroupingEvidence,
) -> None:
    committed = COMMITTED.read_text(encoding="utf-8").splitlines()
    rows = [line for line in stay_by_stay(evidence).splitlines() if line.startswith("| 2")]

    assert len(rows) == len(SOME_STAYS)
    assert [row for row in rows if row not in committed] == []


def test_the_page_names_a_low_pressure_that_was_not_announced_or_only_later(evidence: GroupingEvidence) -> None:
    *others, grouped = evidence.ways
    silent = replace(grouped, stays=tuple(replace(stay, calling=()) for stay in grouped.stays))

    text = grouping_page(replace(evidence, ways=(*others, silent)))

    assert text.count("| never |") == len(evidence.described)
    assert "| never |" not in grouping_page(evidence)


@pytest.mark.parametrize(
    ("calling", "prompt", "late", "missed"),
    [
        ((), 0, 0, 1),
        (((0, 100),), 0, 0, 1),  # ends when the episode is confirmed
        (((0, 101),), 1, 0, 0),
        (((100, 150),), 1, 0, 0),
        (((160, 170),), 0, 1, 0),
        (((160, 170), (90, 120)), 1, 0, 0),
        (((200, 300),), 0, 1, 0),
        (((201, 300),), 0, 0, 1),  # calls only when it is over
    ],
)
def test_an_episode_is_announced_when_an_alarm_calls_between_its_confirmation_and_its_end(
    calling: tuple[tuple[int, int], ...], prompt: int, late: int, missed: int
) -> None:
    episode = LowEpisode("1", "hypotension.map_below_65", 0, 100, 200)

    coverage = covered([episode], [replace(NOBODY, calling=calling)])

    assert (len(coverage.prompt), len(coverage.late), len(coverage.missed)) == (prompt, late, missed)
