"""The state machine of a condition that is asked about rather than read: onset delay, clear delay, and not knowing.

Rules

    ABSENT ──holds──▶ PENDING ──long enough──▶ PRESENT ──over──▶ CLEARING ──long enough──▶ ABSENT
                         │ over                   ▲                 │ holds, or not over
                         ▼                        └─────────────────┘
                       ABSENT

- A condition begins when what it rests on was determined. It is confirmed when it holds and has held for `LEAST_SHARE`
  of the time since, once the onset delay has passed; where it held for less, it begins anew. Times in between at which
  it neither held nor was over, or nobody knew, do not end what is pending and do not count for it.
- Only what says that it is over clears. Not knowing keeps the phase, sets `indeterminate` and confirms nothing; it ends
  with the next answer; what was about to clear has not.
- Time alone confirms and clears as far as the last answer still stands: `time_passed` is the caller's word for it.

It differs from `streaming.rules.condition`, which counts readings of one signal, in just that: the answers here come
from whole windows, events and charts, whenever somebody asks. What is found does not depend on how often that is, as
long as somebody asks when the answer changes.
"""

from __future__ import annotations

from enum import Enum

from streaming.rules.condition import Change, ConditionPhase

LEAST_SHARE = 0.8
"""Share of the onset delay for which it must have held; as for limit rules."""


class Answer(Enum):
    """What is said about a condition."""

    HOLDS = "holds"
    BETWEEN = "between"
    """It does not hold, and what would end it is not so either."""
    OVER = "over"
    UNKNOWN = "unknown"


class LastingCondition:
    """One condition of one subject. Instants are gateway milliseconds."""

    __slots__ = (
        "_held_ms",
        "_last",
        "_last_ms",
        "clear_delay_ms",
        "clear_since_ms",
        "indeterminate",
        "onset_delay_ms",
        "phase",
        "since_ms",
    )

    def __init__(self, *, onset_delay_ms: int, clear_delay_ms: int) -> None:
        self.onset_delay_ms = onset_delay_ms
        self.clear_delay_ms = clear_delay_ms
        self.phase = ConditionPhase.ABSENT
        self.indeterminate = False
        self.since_ms = 0
        """Since when it holds."""
        self.clear_since_ms = 0
        self._last = Answer.OVER
        self._last_ms = 0
        self._held_ms = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return self.phase is ConditionPhase.ABSENT

    @property
    def due_ms(self) -> int | None:
        """When time alone will change something, if the last answer stands until then."""
        if self.phase is ConditionPhase.PENDING and self._last is Answer.HOLDS:
            return self.since_ms + self.onset_delay_ms
        if self.phase is ConditionPhase.CLEARING:
            return self.clear_since_ms + self.clear_delay_ms
        return None

    def take(self, answer: Answer, since_ms: int, now_ms: int) -> Change | None:
        """Take an answer.

        Args:
            answer: What is said.
            since_ms: Since when it holds, as far as is known; not used of other answers.
            now_ms: The instant of the answer.
        """
        self._note(answer, now_ms)
        if self.phase is ConditionPhase.ABSENT:
            if answer is Answer.HOLDS:
                self._begin(min(since_ms, now_ms), now_ms)
            return self.time_passed(now_ms)
        if self.phase is ConditionPhase.PENDING:
            if answer is Answer.OVER:
                self.phase = ConditionPhase.ABSENT
            return self.time_passed(now_ms)
        if answer is Answer.UNKNOWN:
            return self._lose_sight()
        sees_again = Change.DETERMINATE if self.indeterminate else None
        self.indeterminate = False
        if answer is not Answer.OVER:
            self.phase = ConditionPhase.PRESENT
        elif self.phase is ConditionPhase.PRESENT:
            self.phase = ConditionPhase.CLEARING
            self.clear_since_ms = now_ms
        return self.time_passed(now_ms) or sees_again

    def time_passed(self, now_ms: int) -> Change | None:
        """Let time confirm or clear; the last answer still stands."""
        due_ms = self.due_ms
        if due_ms is None or due_ms > now_ms:
            return None
        if self.phase is ConditionPhase.CLEARING:
            self.phase = ConditionPhase.ABSENT
            return Change.ABSENT
        self._note(self._last, now_ms)
        if self._held_ms < LEAST_SHARE * (now_ms - self.since_ms):
            self._begin(now_ms, now_ms)
            return None
        self.phase = ConditionPhase.PRESENT
        return Change.PRESENT

    def _begin(self, since_ms: int, now_ms: int) -> None:
        self.phase = ConditionPhase.PENDING
        self.indeterminate = False
        self.since_ms = since_ms
        self._held_ms = now_ms - since_ms

    def _note(self, answer: Answer, now_ms: int) -> None:
        """Count the time since the last answer as that answer said."""
        if self._last is Answer.HOLDS:
            self._held_ms += now_ms - self._last_ms
        self._last, self._last_ms = answer, now_ms

    def _lose_sight(self) -> Change | None:
        self.phase = ConditionPhase.PRESENT
        if self.indeterminate:
            return None
        self.indeterminate = True
        return Change.INDETERMINATE
