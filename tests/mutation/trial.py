"""Trials in forked processes: tests are collected once, each mutant gets a copy of the process.

- The baseline runs every test once, in a copy too, and notes how long it took and which lines it ran.
- A mutant is tried by the tests that run its line, the quick ones first, until one fails.
- A trial ends by processor time (a busy machine makes no mutant time out), and by the clock as a backstop.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.graft import graft
from tests.mutation.operators import Mutant, mutated

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
_EXIT_SURVIVED, _EXIT_KILLED = 0, 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the tests do without any fault."""

    seconds: dict[str, float]
    """Processor time by test."""
    tests_by_line: dict[str, dict[int, list[str]]]
    """By module, from the root of the repository."""
    failed: list[str]

    def reaching(self, mutant: Mutant) -> list[str]:
        """The tests that run its line, the quick ones first; all tests for a line that runs at import alone."""
        by_line = self.tests_by_line.get(mutant.path, {})
        reach = {*by_line.get(mutant.line, ()), *by_line.get(mutant.statement_line, ())} or set(self.seconds)
        return sorted(reach - set(self.failed), key=lambda name: (self.seconds[name], name))


def _is_passed(item: pytest.Item, after: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=after))


def _in_a_copy(work: Callable[[], int], limit_s: float) -> int | None:
    """Run something in a forked process; its exit status, None when it took too long or died."""
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (round(limit_s) + 1, round(limit_s) + 2))
        status = 99
        try:
            status = work()
        finally:
            os._exit(status)
    deadline_s = time.monotonic() + 10 * limit_s
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline_s:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def take_baseline(items: Sequence[pytest.Item], root: Path, packages: Sequence[str], kept_at: Path) -> Baseline:
    """Run every test once."""

    def work() -> int:
        measured = coverage.Coverage(data_file=None, include=[f"{root}/{each}" for each in packages], config_file=False)
        measured.start()
        seconds, failed = {}, []
        for item, after in zip(items, [*items[1:], None], strict=True):
            measured.switch_context(item.nodeid)
            began_s = time.process_time()
            if not _is_passed(item, after):
                failed.append(item.nodeid)
            seconds[item.nodeid] = time.process_time() - began_s
        measured.stop()
        found = measured.get_data()
        lines = {
            str(Path(name).relative_to(root)): {
                line: [each for each in contexts if each in seconds]
                for line, contexts in found.contexts_by_lineno(name).items()
            }
            for name in found.measured_files()
        }
        kept_at.write_text(json.dumps({"seconds": seconds, "lines": lines, "failed": failed}), encoding="utf-8")
        return _EXIT_SURVIVED

    status = _in_a_copy(work, limit_s=1800)
    if status != _EXIT_SURVIVED:
        raise RuntimeError(f"the baseline ended with {status}")
    return read_baseline(kept_at)


def read_baseline(kept_at: Path) -> Baseline:
    """A baseline as it was kept."""
    kept = json.loads(kept_at.read_text(encoding="utf-8"))
    lines = {path: {int(line): names for line, names in by_line.items()} for path, by_line in kept["lines"].items()}
    return Baseline(seconds=kept["seconds"], tests_by_line=lines, failed=kept["failed"])


def try_mutant(mutant: Mutant, source: str, tests: Sequence[pytest.Item], limit_s: float) -> tuple[str, str]:
    """Whether one of the tests notices; which one."""
    reader, writer = os.pipe()

    def work() -> int:
        module = sys.modules[mutant.path.removesuffix(".py").replace("/", ".")]
        try:
            graft(module, mutated(source, mutant))
        except Exception as error:  # noqa: BLE001 - a module that cannot be imported any more is noticed by whoever does
            os.write(writer, f"import: {type(error).__name__}".encode())
            return _EXIT_KILLED
        for item, after in zip(tests, [*tests[1:], None], strict=True):
            if not _is_passed(item, after):
                os.write(writer, item.nodeid.encode()[:4000])
                return _EXIT_KILLED
        return _EXIT_SURVIVED

    status = _in_a_copy(work, limit_s)
    os.close(writer)
    noticed_by = os.read(reader, 4096).decode()
    os.close(reader)
    if status == _EXIT_SURVIVED:
        return SURVIVED, ""
    return (KILLED, noticed_by) if status == _EXIT_KILLED else (TIMED_OUT, f"exit status {status}")
