"""Which releases of SQLite are said to have the WAL-reset race, and which are refused."""

from __future__ import annotations

import sqlite3

import pytest

from storage.sqlite_version import SqliteTooOld, Version, check_sqlite_version, has_wal_reset_race


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 50, 6), (3, 51, 0), (3, 51, 2)])
def test_release_is_said_to_have_the_race_when_it_has(version: Version) -> None:
    assert has_wal_reset_race(version)


@pytest.mark.parametrize("version", [(3, 6, 23), (3, 44, 6), (3, 50, 7), (3, 50, 12), (3, 51, 3), (3, 52, 0)])
def test_release_is_said_to_be_free_of_the_race_when_it_is(version: Version) -> None:
    assert not has_wal_reset_race(version)


def test_linked_release_is_reported_as_the_library_itself_says() -> None:
    with sqlite3.connect(":memory:") as connection:
        (linked,) = connection.execute("SELECT sqlite_version()").fetchone()
    connection.close()

    assert check_sqlite_version().version == linked


def test_remark_names_the_race_and_what_must_not_be_done_when_the_release_has_it() -> None:
    found = check_sqlite_version((3, 40, 1))

    assert found.has_wal_reset_race
    assert "open no second writer" in found.remark


def test_release_is_refused_below_the_oldest_supported() -> None:
    with pytest.raises(SqliteTooOld, match=r"SQLite 3\.34\.1 is linked; Vigil needs 3\.35\.0"):
        check_sqlite_version((3, 34, 1))
