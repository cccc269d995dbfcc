"""How the gateway itself stands: is what it says of patients current, and if not, why.

One judgement for everybody who must not take old for new: the permit, the heartbeat, the feed, readiness.

Invariants
- The engine's lag is how far the fold's present is behind gateway time. A tick is journaled each second, so in health
  it is about a second at most; a disk that refuses or hangs, a busy fold and a task that stands still let it grow.
- Current means: journal writable, lag at most `LAG_MAX_S`, gateway time running with the system's.

Seconds here are the system's, at whatever speed the gateway's clock runs. It changes nothing and asks no disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.pipeline import Pipeline

LAG_MAX_S = 2.0
"""The engine may be so far behind and still speak for the present. [D]"""
COMMIT_MAX_S = 2.0
"""A commit that takes longer is as good as refused. [D]"""
CLOCK_BACK_MAX_MS = 1_000
"""The system clock may be so far behind what was given out. [D]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The gateway at one moment."""

    journal: str
    """`writable`, `refusing`, or `stalled`: a commit neither succeeds nor fails."""
    lag_s: float
    """How far the fold's present is behind."""
    why_not_current: str
    """For people; empty while what the engine says is current."""

    @property
    def is_current(self) -> bool:
        """Whether what the engine says is about now."""
        return not self.why_not_current

    @property
    def is_recording(self) -> bool:
        """Whether what comes in now becomes durable."""
        return self.journal == "writable"


def standing_of(pipeline: Pipeline) -> Standing:
    """How the gateway stands now."""
    journal = _journal_state(pipeline)
    clock = pipeline.clock
    lag_s = max(0, clock.now_ms() - pipeline.fold.ward.now_ms) / 1000 / clock.speed
    return Standing(journal=journal, lag_s=lag_s, why_not_current=_why(journal, lag_s, clock.stepped_back_ms))


def _journal_state(pipeline: Pipeline) -> str:
    if not pipeline.is_journal_writable:
        return "refusing"
    began_s = pipeline.commit_began_s
    return "stalled" if began_s is not None and perf_counter() - began_s > COMMIT_MAX_S else "writable"


def _why(journal: str, lag_s: float, stepped_back_ms: int) -> str:
    if journal != "writable":
        return f"the journal is {journal}: nothing new is taken"
    if lag_s > LAG_MAX_S:
        return f"the engine is {lag_s:.1f} s behind"
    if stepped_back_ms > CLOCK_BACK_MAX_MS:
        return f"the system clock is {stepped_back_ms / 1000:.1f} s behind what it said before"
    return ""
