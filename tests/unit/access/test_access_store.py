"""The file of accounts: several processes, one truth."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
from pathlib import Path

import pytest

from gateway.access.accounts import key_of, span_ms, unfit_name_because
from gateway.access.roles import Role
from storage.access import FILE, SESSIONS_MAX, AccessStore, AccessUnavailable, Session
from storage.sqlite_file import StoreUnusable
from tests.support.signing_in import T0_MS, accounts, add_person


@pytest.fixture
def store(tmp_path: Path) -> AccessStore:
    return accounts(tmp_path)


def epoch_of(store: AccessStore, key: str) -> int:
    return next(account.epoch for account in store.rows().accounts if account.key == key)


def session(number: int, account: str = "nurse", watch_until_ms: int | None = None) -> Session:
    return Session(
        token_sha256=number.to_bytes(32, "big"),
        account=account,
        opened_ms=T0_MS + number,
        watch_until_ms=watch_until_ms,
    )


def open_session(store: AccessStore, one: Session, instead_of: bytes | None = None) -> bool:
    return store.open_session(one, epoch_of(store, one.account), instead_of=instead_of)


def test_file_is_its_owners_alone_and_has_no_wal(store: AccessStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    with sqlite3.connect(tmp_path / FILE) as beside:
        assert beside.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_two_names_that_read_alike_are_one(store: AccessStore) -> None:
    assert key_of("M. Roſſi") == key_of("m. rossi") == key_of("Ｍ. ROSSI")
    with pytest.raises(AssertionError):
        add_person(store, "NURSE", Role.NURSE)


@pytest.mark.parametrize(
    ("name", "is_fit"),
    [
        ("M. Rossi", True),
        ("<img src=x onerror=alert(1)>", True),
        ("王芳", True),
        ("", False),
        (" jo", False),
        ("jo\n", False),
        ("jo\u202eoj", False),
        ("x" * 65, False),
        ("VIGIL", False),
        ("anonymous", False),
    ],
)
def test_name_is_printable_and_nobodys_of_the_house(name: str, is_fit: bool) -> None:
    assert (unfit_name_because(name) is None) is is_fit


@pytest.mark.parametrize(
    ("text", "hours"), [("12h", 12), ("90d", 2160), ("4w", 672), ("0d", None), ("d", None), ("1y", None), ("-1d", None)]
)
def test_span_of_a_token_is_hours_days_or_weeks(text: str, hours: int | None) -> None:
    assert span_ms(text) == (None if hours is None else hours * 3_600_000)


def test_change_of_another_connection_is_noticed_and_ones_own_is_not(store: AccessStore, tmp_path: Path) -> None:
    other = AccessStore.open(tmp_path / FILE)
    assert store.rows_if_changed() is not None
    assert store.rows_if_changed() is None
    open_session(store, session(1))
    assert store.rows_if_changed() is None

    other.set_role("nurse", "viewer")
    rows = store.rows_if_changed()

    assert rows is not None
    assert {account.name: account.role for account in rows.accounts}["nurse"] == "viewer"
    assert rows.sessions == ()
    assert store.rows_if_changed() is None


def test_change_of_an_account_ends_its_sessions_and_no_others(store: AccessStore) -> None:
    open_session(store, session(1))
    open_session(store, session(2, "physician"))
    before = epoch_of(store, "nurse")

    assert store.set_password("nurse", "…")
    assert [each.account for each in store.rows().sessions] == ["physician"]
    assert epoch_of(store, "nurse") != before
    assert store.remove("physician")
    assert store.rows().sessions == ()


def test_nobody_is_changed_where_there_is_nobody(store: AccessStore) -> None:
    assert not store.set_password("nobody", "…")
    assert not store.set_role("nobody", "nurse")
    assert not store.remove("nobody")


def test_session_is_not_opened_for_an_account_that_was_changed_meanwhile(store: AccessStore) -> None:
    epoch = epoch_of(store, "nurse")
    store.set_password("nurse", "…")

    assert not store.open_session(session(1), epoch)
    assert store.rows().sessions == ()


def test_new_session_ends_the_one_it_replaces_and_those_that_are_over(store: AccessStore) -> None:
    for number in (1, 2, 3):
        open_session(store, session(number, watch_until_ms=T0_MS + 10 if number == 2 else None))
    assert open_session(store, session(20), instead_of=session(1).token_sha256)

    left = {int.from_bytes(each.token_sha256, "big") for each in store.rows().sessions}
    assert left == {3, 20}


def test_sessions_of_an_account_are_bounded_and_the_oldest_end(store: AccessStore) -> None:
    for number in range(SESSIONS_MAX + 3):
        assert open_session(store, session(number, "wall"))

    left = {int.from_bytes(each.token_sha256, "big") for each in store.rows().sessions}
    assert left == set(range(3, SESSIONS_MAX + 3))


def _add_many(path: Path, prefix: str) -> None:
    store = AccessStore.open(path)
    for number in range(20):
        add_person(store, f"{prefix}{number}", Role.NURSE)
    store.close()


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(tmp_path / FILE, prefix)) for prefix in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(AccessStore.open(tmp_path / FILE).rows().accounts) == 40


def test_file_that_is_none_of_ours_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to look like one" * 20)

    with pytest.raises(StoreUnusable, match="vigil access add"):
        AccessStore.open(tmp_path / FILE)


def test_store_that_cannot_be_read_says_so(store: AccessStore) -> None:
    store.close()

    with pytest.raises(AccessUnavailable):
        store.rows()
