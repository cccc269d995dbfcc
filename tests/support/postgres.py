"""A real PostgreSQL server on a free loopback port, for tests of the records.

`Postgres(postgres_binaries())` accepts connections when it has been made. The server refuses to run as root, so its
files are given to an account that is not. Durability is off: what is tested is SQL.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

_ACCOUNTS = ("postgres", "nobody")
_START_DEADLINE_S = 60


def postgres_binaries() -> Path | None:
    """Where the newest installed server's programs are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    """One server process on 127.0.0.1. Whoever starts one calls `stop()`."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._account = _account()
        self._directory = Path(tempfile.mkdtemp(prefix="vigil-postgres-"))
        self._numbers = itertools.count(1)
        self._port = _free_port()
        if self._account is not None:
            shutil.chown(self._directory, self._account)
        self._start()

    def _start(self) -> None:
        self._run(
            *("initdb", "--pgdata", str(self._directory / "cluster"), "--username", "vigil", "--auth", "trust"),
            *("--encoding", "UTF8", "-N"),
        )
        self.come_back()

    def come_back(self) -> None:
        """Start the server, at first or after `crash`; it accepts connections when this returns."""
        cluster = str(self._directory / "cluster")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._directory} -F"
        log = str(self._directory / "log")
        self._run("pg_ctl", "-D", cluster, "-o", options, "-l", log, "-w", "-t", str(_START_DEADLINE_S), "start")

    def new_database(self) -> str:
        """URL of a fresh, empty database."""
        name = f"vigil_{next(self._numbers)}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "vigil", name)
        return f"postgresql://vigil@127.0.0.1:{self._port}/{name}"

    def crash(self) -> None:
        """End the server at once; its files stay."""
        self._run("pg_ctl", "-D", str(self._directory / "cluster"), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """End the server and remove its files."""
        self.crash()
        shutil.rmtree(self._directory)

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._binaries / program), *arguments]
        # The server inherits the standard streams, so that they may not be pipes somebody waits on.
        done = subprocess.run(
            command,
            user=self._account,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            msg = f"{program} ended with status {done.returncode}"
            raise RuntimeError(msg)


def _account() -> str | None:
    """An account to run under; None to stay who we are."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _ACCOUNTS if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
