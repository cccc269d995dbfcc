"""How Vigil opens a SQLite file: one connection that writes and checkpoints, read-only ones for everything else.

Invariants:
- A writer holds an exclusive lock on `FILE.lock` for as long as it is open, so that no second process can write or
  checkpoint (the WAL-reset race needs two; `storage.sqlite_version`).
- A writer is in WAL mode with `synchronous=FULL`, verified by asking SQLite after setting it: a transaction is on the
  disk when its commit returns.
- A reader is opened `mode=ro`. SQLite lets such a connection neither write nor checkpoint.
- The one exception is a file that several processes write (`open_shared`): it has no WAL.

It deliberately knows no table.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from storage.ports import StorageProblem
from storage.sqlite_version import check_sqlite_version

_WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024
SHARED_WAIT_S = 5.0
"""How long a process waits for another one that writes the same file."""


class StoreUnusable(StorageProblem):
    """A file of the data directory cannot be used; the message says what to do about it."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path = path
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a file must hold to be ours."""

    application_id: int
    """SQLite's `PRAGMA application_id`: tells our files from others and from each other."""
    version: int
    """`PRAGMA user_version`."""
    ddl: str
    """Statements that make the tables in an empty file."""
    remedy_if_damaged: str
    """What a person can do when the file cannot be read."""


@dataclass(slots=True)
class WriterFile:
    """The only connection that may write or checkpoint a file, and the lock that makes it the only one."""

    path: Path
    connection: sqlite3.Connection
    _lock_fd: int

    def close(self) -> None:
        """Checkpoints, closes and lets the next process in."""
        self.connection.close()
        os.close(self._lock_fd)


def open_writer(path: Path, schema: Schema, *, cached_statements: int = 128) -> WriterFile:
    """Opens or creates a file for writing, in autocommit mode, usable from any one thread at a time.

    Raises:
        StoreUnusable: another process has it open, it is not ours, is damaged, or SQLite is less durable than asked.
        SqliteTooOld: the linked SQLite is older than supported.
    """
    check_sqlite_version()
    lock_fd = _lock(path)
    try:
        connection = _connect_writer(path, schema, cached_statements)
    except BaseException:
        os.close(lock_fd)
        raise
    return WriterFile(path, connection, lock_fd)


def open_reader(path: Path, schema: Schema) -> sqlite3.Connection:
    """A connection that can neither write nor checkpoint, usable from any one thread at a time.

    Raises:
        StoreUnusable: there is no such file, it is not ours, or it cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise StoreUnusable(path, f"cannot be opened for reading ({error})", "check the path and its rights") from error
    try:
        connection.execute("PRAGMA query_only = ON")
        _check_ours(path, connection, schema)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnusable(path, f"cannot be read ({error})", schema.remedy_if_damaged) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_shared(path: Path, schema: Schema) -> sqlite3.Connection:
    """Opens or creates a small file that several processes may write, in autocommit mode, usable from one thread at a
    time. Only its owner can read it.

    With a rollback journal in place of a WAL: two writers of a WAL are what the WAL-reset race needs. A reader waits
    for a writer, some milliseconds; so this is for what is written seldom.

    Raises:
        StoreUnusable: it is not ours, is damaged, or SQLite is less durable than asked.
        SqliteTooOld: the linked SQLite is older than supported.
    """
    check_sqlite_version()
    fd = _open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # two that create it at once would both make the tables
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return _connect_shared(path, schema)
    finally:
        os.close(fd)


def _connect_shared(path: Path, schema: Schema) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=SHARED_WAIT_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StoreUnusable(path, f"cannot be opened ({error})", "check the file's rights") from error
    try:
        _set_verified(path, connection, "journal_mode", "delete", "delete")
        _set_verified(path, connection, "synchronous", "EXTRA", 3)
        _make_ours(path, connection, schema)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnusable(path, f"cannot be used ({error})", schema.remedy_if_damaged) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _open_lock(path: Path) -> int:
    """The file beside `path` on which locks are held: never the file itself, for closing it again would end the locks
    that SQLite holds on it in this process."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        return os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        remedy = "make the directory exist and writable for the user that Vigil runs as"
        raise StoreUnusable(path, f"its lock {lock_path.name} cannot be made ({error.strerror})", remedy) from error


def _lock(path: Path) -> int:
    fd = _open_lock(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise StoreUnusable(
            path, "another process has it open", "end the other gateway, or give this one another --data directory"
        ) from error
    return fd


def _connect_writer(path: Path, schema: Schema, cached_statements: int) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=cached_statements
        )
    except sqlite3.Error as error:
        raise StoreUnusable(path, f"cannot be opened ({error})", "check the directory's rights and space") from error
    try:
        _make_durable(path, connection)
        _make_ours(path, connection, schema)
        _sync_directory(path.parent)
    except sqlite3.Error as error:
        connection.close()
        raise StoreUnusable(path, f"cannot be used ({error})", schema.remedy_if_damaged) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _make_durable(path: Path, connection: sqlite3.Connection) -> None:
    _set_verified(path, connection, "journal_mode", "wal", "wal")
    _set_verified(path, connection, "synchronous", "FULL", 2)
    _set_verified(path, connection, "journal_size_limit", _WAL_SIZE_LIMIT_BYTES, _WAL_SIZE_LIMIT_BYTES)


def _set_verified(
    path: Path, connection: sqlite3.Connection, pragma: str, wanted: str | int, expected: str | int
) -> None:
    connection.execute(f"PRAGMA {pragma} = {wanted}")
    (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
    if found != expected:
        remedy = "put the data directory on a local disk with a file system that supports shared memory and locks"
        raise StoreUnusable(path, f"SQLite set {pragma} to {found!r} instead of {expected!r}", remedy)


def _make_ours(path: Path, connection: sqlite3.Connection, schema: Schema) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables == 0 and application_id == 0:
        _create(connection, schema)
    _check_ours(path, connection, schema)


def _check_ours(path: Path, connection: sqlite3.Connection, schema: Schema) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != schema.application_id:
        raise StoreUnusable(path, "it is not this store's file", "give Vigil a --data directory of its own")
    if version != schema.version:
        problem = f"it has layout {version} and this version of Vigil knows {schema.version}"
        raise StoreUnusable(path, problem, "run the version of Vigil that wrote it, or `vigil db upgrade`")


def _create(connection: sqlite3.Connection, schema: Schema) -> None:
    connection.executescript(
        f"BEGIN; {schema.ddl}; PRAGMA application_id = {schema.application_id};"
        f"PRAGMA user_version = {schema.version}; COMMIT"
    )


def _sync_directory(directory: Path) -> None:
    """So that the file itself, not only what is in it, survives a loss of power."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
