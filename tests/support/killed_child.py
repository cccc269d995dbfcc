"""A child process that writes to a store and reports on its standard output, until it is killed at a random moment."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def reports_until_killed(module: str, arguments: Sequence[str], chance: random.Random, *, at_most: int) -> list[str]:
    """Runs a module, kills it (SIGKILL) after some of its lines, and returns all whole lines that it wrote.

    Args:
        module: to be run with `python -m`; it writes lines without end.
        arguments: for its command line.
        chance: says after how many lines the child dies.
        at_most: the most lines to wait for.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert child.stdout is not None
    with child, contextlib.closing(child.stdout):
        lines = [child.stdout.readline() for _ in range(chance.randint(1, at_most))]
        child.kill()
        lines += child.stdout.readlines()
    assert child.returncode == -9, f"the child ended by itself, with {child.returncode}"
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def report(line: str) -> None:
    """Writes a line to standard output at once, in one system call."""
    os.write(1, f"{line}\n".encode())
