"""Acknowledged means durable: a process that is killed at any moment loses nothing that it had acknowledged."""

from __future__ import annotations

import random
from pathlib import Path

from storage.journal import Journal
from tests.support.killed_child import reports_until_killed

KILLS = 25


def kill_repeatedly(path: Path, kills: int, *options: str) -> tuple[list[str], list[str]]:
    """(payloads acknowledged over all runs, payloads in the journal afterwards)."""
    chance = random.Random(20261123)
    acknowledged: list[str] = []
    for run in range(kills):
        lines = reports_until_killed(
            "tests.support.journal_child", [str(path), str(run), *options], chance, at_most=200
        )
        acknowledged += " ".join(lines).split()
    journal = Journal.open(path)
    entries = journal.read(0, journal.head_offset + 1)
    journal.close()

    assert [entry.offset for entry in entries] == list(range(1, len(entries) + 1))
    return acknowledged, [entry.payload.decode().strip() for entry in entries]


def test_every_acknowledged_row_is_present_once_after_kills_at_random_moments(tmp_path: Path) -> None:
    acknowledged, stored = kill_repeatedly(tmp_path / "journal.db", KILLS)

    assert len(acknowledged) > 10 * KILLS
    assert set(acknowledged) - set(stored) == set()
    assert len(stored) == len(set(stored))


def test_rows_are_lost_when_they_are_acknowledged_before_the_commit(tmp_path: Path) -> None:
    acknowledged, stored = kill_repeatedly(tmp_path / "journal.db", 6, "early")

    assert set(acknowledged) - set(stored) != set()
