"""The journal: order, contiguity, group commit, what is refused, and what a full disk does."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.journal import Journal, JournalReader, JournalUnavailable, Row
from storage.ports import EntryKind, JournalEntry
from storage.sqlite_file import StoreUnusable

TOPIC = "icu/v1/icu/b01/mon1/obs"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def row(received_ms: int, payload: bytes = b"{}") -> Row:
    return EntryKind.MESSAGE, TOPIC, payload, received_ms


def writer_connection(journal: Journal) -> sqlite3.Connection:
    """The connection of the writer thread, to be touched only while no append is under way."""
    return journal._writer._connection


async def test_append_returns_the_first_offset_and_the_rest_follow_without_gaps(journal: Journal) -> None:
    first = await journal.append([row(10, b"a"), row(11, b"b")])
    second = await journal.append([(EntryKind.COMMAND, "admit", b"c", 11), (EntryKind.TICK, "", b"", 12)])

    assert (first, second) == (1, 3)
    assert journal.read(0) == [
        JournalEntry(1, 10, EntryKind.MESSAGE, TOPIC, b"a"),
        JournalEntry(2, 11, EntryKind.MESSAGE, TOPIC, b"b"),
        JournalEntry(3, 11, EntryKind.COMMAND, "admit", b"c"),
        JournalEntry(4, 12, EntryKind.TICK, "", b""),
    ]
    assert (journal.head_offset, journal.last_received_ms) == (4, 12)


async def test_read_returns_what_follows_an_offset_and_no_more_than_asked_for(journal: Journal) -> None:
    await journal.append([row(n) for n in range(10)])

    assert [entry.offset for entry in journal.read(3, 4)] == [4, 5, 6, 7]
    assert journal.read(10) == []


async def test_appends_made_at_once_are_stored_in_order_and_in_fewer_commits(journal: Journal) -> None:
    commits: list[str] = []
    writer_connection(journal).set_trace_callback(commits.append)

    firsts = await asyncio.gather(*(journal.append([row(1, b"%d" % n), row(1, b"%d'" % n)]) for n in range(300)))

    assert firsts == list(range(1, 601, 2))
    assert [entry.payload for entry in journal.read(0)] == [
        payload for n in range(300) for payload in (b"%d" % n, b"%d'" % n)
    ]
    inserts = [statement for statement in commits if statement.startswith("INSERT")]
    assert 1 <= len(inserts) < 30


@pytest.mark.parametrize("count", [1, 2, 3, 1023, 1024, 1025, 5000])
async def test_append_stores_a_batch_whole_whatever_its_size(journal: Journal, count: int) -> None:
    await journal.append([row(0, b"before")])

    first = await journal.append([row(n, b"%d" % n) for n in range(count)])

    assert first == 2
    assert [entry.payload for entry in journal.read(1, count + 1)] == [b"%d" % n for n in range(count)]
    assert journal.head_offset == count + 1


async def test_received_time_that_goes_backwards_is_refused_and_its_neighbours_are_stored(journal: Journal) -> None:
    await journal.append([row(100)])

    outcomes = await asyncio.gather(
        journal.append([row(100, b"before")]),
        journal.append([row(101, b"wrong"), row(99, b"wrong")]),
        journal.append([row(100, b"after")]),
        return_exceptions=True,
    )

    assert [outcomes[0], outcomes[2]] == [2, 3]
    assert isinstance(outcomes[1], ValueError)
    assert [entry.payload for entry in journal.read(1)] == [b"before", b"after"]
    assert journal.last_received_ms == 100


async def test_received_time_is_still_watched_after_a_restart(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    await journal.append([row(100)])
    journal.close()

    again = Journal.open(tmp_path / "journal.db")
    with pytest.raises(ValueError, match="99 lies before its predecessor's 100"):
        await again.append([row(99)])
    again.close()


async def test_row_that_cannot_be_stored_fails_alone(journal: Journal) -> None:
    outcomes = await asyncio.gather(
        journal.append([row(1, b"before")]),
        journal.append([(EntryKind.MESSAGE, "lone surrogate \ud800", b"", 1)]),
        journal.append([row(1, b"after")]),
        return_exceptions=True,
    )

    assert [outcomes[0], outcomes[2]] == [1, 2]
    assert isinstance(outcomes[1], UnicodeEncodeError)
    assert [entry.payload for entry in journal.read(0)] == [b"before", b"after"]


async def test_append_of_nothing_is_refused(journal: Journal) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        await journal.append([])


async def test_full_disk_is_reported_stores_nothing_and_is_got_over(journal: Journal) -> None:
    await journal.append([row(1, b"before")])
    (pages,) = writer_connection(journal).execute("PRAGMA page_count").fetchone()
    writer_connection(journal).execute(f"PRAGMA max_page_count = {pages + 8}")

    with pytest.raises(JournalUnavailable, match=r"journal\.db: database or disk is full") as failure:
        await journal.append([row(2, bytes(1000)) for _ in range(2000)])
    assert failure.value.path.name == "journal.db"
    assert (journal.head_offset, journal.last_received_ms) == (1, 1)
    assert [entry.payload for entry in journal.read(0)] == [b"before"]

    assert await journal.append([row(2, b"small enough")]) == 2
    writer_connection(journal).execute("PRAGMA max_page_count = 1000000")
    assert await journal.append([row(3, bytes(1000)) for _ in range(2000)]) == 3
    assert [entry.offset for entry in journal.read(0, 5000)] == list(range(1, 2003))


async def test_append_is_committed_when_it_returns(journal: Journal, tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "journal.db")
    for n in range(1, 20):
        await journal.append([row(n)])
        assert reader.head() == (n, n)
    reader.close()


async def test_journal_commits_with_fsync_and_is_alone_in_writing(journal: Journal, tmp_path: Path) -> None:
    connection = writer_connection(journal)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)

    with pytest.raises(StoreUnusable, match="another process has it open; end the other gateway"):
        Journal.open(tmp_path / "journal.db")
    reader = JournalReader(tmp_path / "journal.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM entry")
    reader.close()


async def test_reader_never_checkpoints(journal: Journal, tmp_path: Path) -> None:
    await journal.append([row(1, bytes(4000)) for _ in range(100)])
    size = (tmp_path / "journal.db").stat().st_size
    reader = JournalReader(tmp_path / "journal.db")
    with pytest.raises(sqlite3.OperationalError):
        reader._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    reader.close()

    assert (tmp_path / "journal.db").stat().st_size == size


async def test_journal_is_checkpointed_by_its_writer_so_that_the_wal_stays_small(
    journal: Journal, tmp_path: Path
) -> None:
    for n in range(60):
        await journal.append([row(n, bytes(4000)) for _ in range(100)])

    assert (tmp_path / "journal.db-wal").stat().st_size < 16_000_000
    assert (tmp_path / "journal.db").stat().st_size > 16_000_000


async def test_journal_is_read_in_another_thread_while_it_is_written(journal: Journal) -> None:
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        while not done.is_set() or journal.read(len(seen), 1):
            seen.extend(entry.offset for entry in journal.read(len(seen), 50))

    follower = threading.Thread(target=follow)
    follower.start()
    for n in range(200):
        await journal.append([row(n), row(n)])
    done.set()
    await asyncio.to_thread(follower.join)

    assert seen == list(range(1, 401))


async def test_caller_that_is_cancelled_leaves_the_journal_in_order(journal: Journal) -> None:
    cancelled = asyncio.ensure_future(journal.append([row(1, b"cancelled")]))
    await asyncio.sleep(0)
    cancelled.cancel()
    kept = await journal.append([row(1, b"kept")])

    assert [entry.payload for entry in journal.read(0)] == [b"cancelled", b"kept"]
    assert kept == 2


async def test_fact_about_the_directory_is_kept_over_a_restart(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    assert journal.get_meta("clock_speed") is None
    await asyncio.gather(journal.append([row(1)]), journal.set_meta("clock_speed", "60"), journal.append([row(2)]))
    await journal.set_meta("clock_speed", "30")
    journal.close()

    again = Journal.open(tmp_path / "journal.db")
    assert again.get_meta("clock_speed") == "30"
    assert again.head_offset == 2
    again.close()


async def test_closed_journal_refuses_appends_and_has_stored_those_before(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    under_way = asyncio.ensure_future(journal.append([row(1)]))
    await asyncio.sleep(0)
    journal.close()
    journal.close()

    assert await under_way == 1
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.append([row(2)])


def test_file_that_is_no_database_is_refused_by_name_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database, and long enough to be looked at as one" * 100)

    with pytest.raises(StoreUnusable, match=r"journal\.db: cannot be used .*restore it from a backup"):
        Journal.open(path)


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()

    with pytest.raises(StoreUnusable, match="it is not this store's file"):
        Journal.open(path)


def test_layout_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal.open(path).close()
    later = sqlite3.connect(path)
    later.execute("PRAGMA user_version = 99")
    later.close()

    with pytest.raises(StoreUnusable, match="it has layout 99 and this version of Vigil knows 1"):
        Journal.open(path)


def test_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="make the directory exist and writable"):
        Journal.open(tmp_path / "nowhere" / "journal.db")


def test_reader_refuses_what_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="cannot be opened for reading"):
        JournalReader(tmp_path / "journal.db")

    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreUnusable, match="it is not this store's file"):
        JournalReader(tmp_path / "other.db")


async def test_journal_of_a_gateway_that_was_killed_is_read_without_writing_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.db")
    await journal.append([row(1, b"kept")])
    left_behind = tmp_path / "left"
    left_behind.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        (left_behind / name).write_bytes((tmp_path / name).read_bytes())
    journal.close()

    reader = JournalReader(left_behind / "journal.db")
    assert [entry.payload for entry in reader.read(0)] == [b"kept"]
    assert reader.head() == (1, 1)
    reader.close()
