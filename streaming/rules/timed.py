"""The state machine of a technical condition: whether it holds is known at every moment, so time alone confirms and
clears.

It differs from `streaming.rules.condition` in just that: a device is silent or it is not, whereas a patient whose
monitor is silent is unknown.
"""

from __future__ import annotations

from streaming.rules.condition import Change, ConditionPhase


class TimedCondition:
    """One technical condition of one device or signal. All instants are gateway milliseconds."""

    __slots__ = ("clear_delay_ms", "clear_since_ms", "onset_delay_ms", "phase", "since_ms")

    def __init__(self, *, onset_delay_ms: int, clear_delay_ms: int) -> None:
        self.onset_delay_ms = onset_delay_ms
        self.clear_delay_ms = clear_delay_ms
        self.phase = ConditionPhase.ABSENT
        self.since_ms = 0
        self.clear_since_ms = 0

    @property
    def is_present(self) -> bool:
        """Whether it holds, the clear delay included."""
        return self.phase is ConditionPhase.PRESENT or self.phase is ConditionPhase.CLEARING

    @property
    def due_ms(self) -> int | None:
        """When time alone will change something."""
        if self.phase is ConditionPhase.PENDING:
            return self.since_ms + self.onset_delay_ms
        if self.phase is ConditionPhase.CLEARING:
            return self.clear_since_ms + self.clear_delay_ms
        return None

    def hold(self, holds: bool, since_ms: int, now_ms: int) -> Change | None:
        """Say whether it holds, and since when."""
        if holds:
            if self.phase is ConditionPhase.ABSENT:
                self.phase = ConditionPhase.PENDING
                self.since_ms = since_ms
            elif self.phase is ConditionPhase.CLEARING:
                self.phase = ConditionPhase.PRESENT
        elif self.phase is ConditionPhase.PENDING:
            self.phase = ConditionPhase.ABSENT
        elif self.phase is ConditionPhase.PRESENT:
            self.phase = ConditionPhase.CLEARING
            self.clear_since_ms = since_ms
        return self.time_passed(now_ms)

    def time_passed(self, now_ms: int) -> Change | None:
        """Let time confirm or clear."""
        due_ms = self.due_ms
        if due_ms is None or due_ms > now_ms:
            return None
        if self.phase is ConditionPhase.PENDING:
            self.phase = ConditionPhase.PRESENT
            return Change.PRESENT
        self.phase = ConditionPhase.ABSENT
        return Change.ABSENT
