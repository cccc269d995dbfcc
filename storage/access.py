"""Accounts, sessions and tokens of those who may act, in `access.db`: rows, and nothing of what they mean.

Invariants:
- No password and no token is in it: hashes only.
- Each change is one transaction, durable when the call returns.
- A change of an account gives it another `epoch`, and ends its sessions in the same transaction; one that is removed
  and made again has another one, too.
- Several processes may have it open: the gateway, and `vigil access` beside it.

It deliberately knows no role, compares no password and reads no clock.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from storage.ports import StorageProblem
from storage.sqlite_file import Schema, open_shared

FILE = "access.db"
SESSIONS_MAX = 100
"""Of one account: a display whose browser forgets everything signs in anew each time. Beyond, the oldest end."""

_SCHEMA = Schema(
    application_id=0x56414343,  # "VACC"
    version=1,
    ddl="""
        CREATE TABLE account (
            key TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            role TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('person', 'display', 'program')),
            password TEXT,
            token_sha256 BLOB UNIQUE,
            expires_ms INTEGER,
            created_ms INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            CHECK ((kind = 'program') = (token_sha256 IS NOT NULL)),
            CHECK ((kind = 'program') = (password IS NULL))
        ) WITHOUT ROWID;
        CREATE TABLE session (
            token_sha256 BLOB PRIMARY KEY,
            account TEXT NOT NULL REFERENCES account (key),
            opened_ms INTEGER NOT NULL,
            watch_until_ms INTEGER
        ) WITHOUT ROWID;
        CREATE INDEX session_account ON session (account, opened_ms)
    """,
    remedy_if_damaged="restore it from a backup, or move it away and make the accounts anew with `vigil access add`",
)


class AccessUnavailable(StorageProblem):
    """The accounts cannot be read or written now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody or something that may sign in or shows a token."""

    key: str
    """Its name in the one form in which names are compared."""
    name: str
    role: str
    kind: str
    """`person`, `display` or `program`."""
    password: str | None
    """As hashed; None for a program."""
    token_sha256: bytes | None
    """Of a program."""
    expires_ms: int | None
    """When the token ends; None for never, and for people."""
    created_ms: int
    epoch: int = 0
    """Given by the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser at which somebody has signed in."""

    token_sha256: bytes
    account: str
    """The account's key."""
    opened_ms: int
    watch_until_ms: int | None
    """Until when it shows patients; None for a display."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRows:
    """Everything at one moment."""

    accounts: tuple[Account, ...]
    sessions: tuple[Session, ...]
    reading: int
    """Counts up: of two, the greater was read later."""


class AccessStore:
    """The file. Every call blocks, some milliseconds as a rule; calls from several threads take turns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        self._seen: int | None = None
        self._reading = 0

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or create it.

        Raises:
            StoreUnusable: it cannot be used.
        """
        return cls(open_shared(path, _SCHEMA))

    def close(self) -> None:
        """Close it."""
        with self._turn:
            self._connection.close()

    def rows_if_changed(self) -> AccessRows | None:
        """Everything, if another process has changed anything since the last call, or there was none; else None.

        Raises:
            AccessUnavailable: it cannot be read.
        """
        with self._transaction("DEFERRED") as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._seen:
                return None
            rows = self._rows(connection)
            self._seen = version
            return rows

    def rows(self) -> AccessRows:
        """Everything.

        Raises:
            AccessUnavailable: it cannot be read.
        """
        with self._transaction("DEFERRED") as connection:
            return self._rows(connection)

    def add(self, account: Account) -> bool:
        """Add an account; False if there is one of that key.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        row = (
            *(account.key, account.name, account.role, account.kind, account.password),
            *(account.token_sha256, account.expires_ms, account.created_ms, _new_epoch()),
        )
        with self._transaction() as connection:
            added = connection.execute("INSERT OR IGNORE INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            return added.rowcount == 1

    def set_password(self, key: str, password: str) -> bool:
        """Give a person or display another password, and end its sessions; False if there is none of that key.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        return self._change(
            key, "UPDATE account SET password = ?, epoch = ? WHERE key = ? AND kind <> 'program'", password
        )

    def set_role(self, key: str, role: str) -> bool:
        """Give an account another role, and end its sessions; False if there is none of that key.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        return self._change(key, "UPDATE account SET role = ?, epoch = ? WHERE key = ?", role)

    def remove(self, key: str) -> bool:
        """Remove an account and end its sessions; False if there is none of that key.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("DELETE FROM session WHERE account = ?", (key,))
            return connection.execute("DELETE FROM account WHERE key = ?", (key,)).rowcount == 1

    def open_session(self, session: Session, epoch: int, *, instead_of: bytes | None = None) -> bool:
        """Keep a new session; False if its account is no longer what it was at that epoch.

        Ends on the way the session that it replaces, all that are over, and of that account the oldest beyond
        `SESSIONS_MAX`.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        with self._transaction() as connection:
            over = "DELETE FROM session WHERE token_sha256 = ? OR watch_until_ms <= ?"
            connection.execute(over, (instead_of, session.opened_ms))
            opened = connection.execute(
                "INSERT INTO session SELECT ?, key, ?, ? FROM account WHERE key = ? AND epoch = ?",
                (session.token_sha256, session.opened_ms, session.watch_until_ms, session.account, epoch),
            )
            connection.execute(
                "DELETE FROM session WHERE token_sha256 IN (SELECT token_sha256 FROM session WHERE account = ? "
                "ORDER BY opened_ms DESC LIMIT -1 OFFSET ?)",
                (session.account, SESSIONS_MAX),
            )
            return opened.rowcount == 1

    def close_session(self, token_sha256: bytes) -> None:
        """End a session.

        Raises:
            AccessUnavailable: it cannot be written.
        """
        with self._transaction() as connection:
            connection.execute("DELETE FROM session WHERE token_sha256 = ?", (token_sha256,))

    def _change(self, key: str, statement: str, value: str) -> bool:
        with self._transaction() as connection:
            changed = connection.execute(statement, (value, _new_epoch(), key)).rowcount == 1
            if changed:
                connection.execute("DELETE FROM session WHERE account = ?", (key,))
            return changed

    def _rows(self, connection: sqlite3.Connection) -> AccessRows:
        self._reading += 1
        return AccessRows(
            accounts=tuple(Account(**row) for row in _named(connection, "SELECT * FROM account ORDER BY key")),
            sessions=tuple(Session(**row) for row in _named(connection, "SELECT * FROM session")),
            reading=self._reading,
        )

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        try:
            with self._turn:
                self._connection.execute(f"BEGIN {kind}")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.rollback()
                    raise
                self._connection.commit()
        except sqlite3.Error as error:
            raise AccessUnavailable(f"{FILE}: {error}") from error


def _named(connection: sqlite3.Connection, query: str) -> Iterator[dict[str, Any]]:
    rows = connection.execute(query)
    names = [column[0] for column in rows.description]
    return (dict(zip(names, row, strict=True)) for row in rows)


def _new_epoch() -> int:
    return secrets.randbits(62)
