"""The numbers of transitions: from 1, without gaps. The books of one house share theirs."""

from __future__ import annotations


class Numbering:
    """Gives each transition the next number."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """The next number."""
        self.last += 1
        return self.last
