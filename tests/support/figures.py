"""Figures that a test measured, for people: `pytest -s` or `pytest -rP` shows them."""

from __future__ import annotations

import sys


def tell(line: str) -> None:
    """Writes one line to standard output, which pytest keeps with the test."""
    sys.stdout.write(f"{line}\n")
