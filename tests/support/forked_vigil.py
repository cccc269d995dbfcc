"""`vigil` as a child process that need not import everything anew: forked from a server that has.

A gateway started as a command takes a second and more of processor time to import what it needs, a forked one none. It
is a process of its own all the same, with its own id, which may be killed, stopped and limited; it dies with the tests.
Tests that start the gateway many times start it so; that the installed command does the same is shown by those that
start that.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from unittest import mock

from tests.support.sources import REPOSITORY

_PRELOADED = ("gateway.cli", "gateway.app", "simulators.cli", "tests.support.early_acknowledgement")
_context = get_context("forkserver")
_context.set_forkserver_preload(list(_PRELOADED))


def keeping_compiled(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child of ours: where Python may not keep compiled modules, it keeps them in pytest's cache.

    Compiling all that a gateway imports takes longer than everything else about its start.
    """
    kept = dict(environ)
    if kept.pop("PYTHONDONTWRITEBYTECODE", ""):
        kept["PYTHONPYCACHEPREFIX"] = str(REPOSITORY / ".pytest_cache" / "compiled")
    return kept


class ForkedVigil:
    """One run of a command, with the part of `subprocess.Popen` that the tests use."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        entry: str,
        cwd: Path,
        environ: Mapping[str, str],
        stdout: Path,
        stderr: Path,
    ) -> None:
        """Starts it.

        Args:
            arguments: the command line, without the program.
            entry: `module:function` to call.
            cwd: working directory.
            environ: the whole environment.
            stdout: file for standard output, written from its beginning.
            stderr: file for standard error, appended to.
        """
        self._process: ForkServerProcess = _context.Process(
            target=_run, args=(list(arguments), entry, str(cwd), dict(environ), str(stdout), str(stderr))
        )
        with (
            mock.patch.dict(os.environ, keeping_compiled(os.environ), clear=True),  # the server starts with the first
            mock.patch.dict(sys.modules, {"__main__": ModuleType("__main__")}),  # else the child imports pytest as well
        ):
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Exit status, None while it runs."""
        if self.returncode is None:
            self.returncode = self._process.exitcode
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Exit status, once it has ended."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(["vigil"], timeout)
        return status

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)


def _die_with_the_tests() -> None:
    """Whoever kills the test runner leaves no gateway behind."""
    tests = parent_process()
    assert tests is not None
    wait([tests.sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _run(arguments: list[str], entry: str, cwd: str, environ: dict[str, str], stdout: str, stderr: str) -> None:
    """In the child."""
    threading.Thread(target=_die_with_the_tests, daemon=True).start()
    for path, flags, descriptor in ((stdout, os.O_TRUNC, 1), (stderr, os.O_APPEND, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    sys.argv = ["vigil", *arguments]
    module, _, function = entry.partition(":")
    getattr(import_module(module), function)()
