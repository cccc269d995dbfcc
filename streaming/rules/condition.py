"""The state machine of one condition: onset delay, confirmation, reset limit, clear delay, and not knowing.

Theory of operation.

    ABSENT ──beyond──▶ PENDING ──long enough, confirmed──▶ PRESENT ──within──▶ CLEARING ──long enough──▶ ABSENT
                          │ within, or not confirmed            ▲                  │ beyond or between
                          ▼                                     └──────────────────┘
                        ABSENT

- A condition begins at the *determination time* of the first value beyond the limit. It is confirmed when values beyond
  the limit span the onset delay, at least `least_readings` distinct readings were taken since, and at least
  `least_share` of them were beyond the limit: one stray value never raises an alarm, one that is merely no longer
  beyond the limit does not restart its clock, and a series that only grazes the limit never confirms.
- What has spanned the onset delay with too small a share begins anew with the next value beyond the limit: the hour in
  which a pressure grazed its limit must not delay the alarm when it has fallen for good.
- Only a reading clears. Time alone, silence, values of doubtful validity, and a value older than what is known (a cuff
  reading of ten minutes ago, when the line goes) never do.
- Not knowing keeps the phase and sets `indeterminate`; it ends with the next reading. What was pending on a continuous
  source begins anew when the time without a value was longer than the onset delay: nobody knows what was in between.

This module knows no limits, units or rules: it is told how a reading was judged.
"""

from __future__ import annotations

from enum import Enum

from streaming.rules.kinds import Verdict

GAP_FORGOTTEN_MS = 7_200_000
"""After so long without a reading, what was pending begins anew, cuff readings too. [D]"""


class ConditionPhase(Enum):
    """Where a condition stands."""

    ABSENT = "absent"
    PENDING = "pending"
    PRESENT = "present"
    CLEARING = "clearing"


class Change(Enum):
    """What a step changed for those who listen."""

    PRESENT = "present"
    ABSENT = "absent"
    INDETERMINATE = "indeterminate"
    DETERMINATE = "determinate"


class Condition:
    """One condition of one patient. All instants are gateway milliseconds (device times corrected to it)."""

    __slots__ = (
        "beyond",
        "clear_delay_ms",
        "clear_since_ms",
        "indeterminate",
        "last_beyond",
        "last_ms",
        "least_readings",
        "least_share",
        "needs_reading",
        "onset_delay_ms",
        "phase",
        "readings",
        "since_ms",
    )

    def __init__(self, *, onset_delay_ms: int, clear_delay_ms: int, least_readings: int, least_share: float) -> None:
        self.onset_delay_ms = onset_delay_ms
        self.clear_delay_ms = clear_delay_ms
        self.least_readings = least_readings
        self.least_share = least_share
        self.phase = ConditionPhase.ABSENT
        self.indeterminate = False
        self.since_ms = 0
        """Determination time of the first value beyond the limit."""
        self.clear_since_ms = 0
        self.last_ms = 0
        self.last_beyond = False
        self.readings = 0
        self.beyond = 0
        """Readings since onset that were beyond the limit."""
        self.needs_reading = False
        """Whether the onset delay has passed without confirmation, so that time alone will not confirm any more."""

    @property
    def is_present(self) -> bool:
        """Whether the condition holds as far as is known (PRESENT, or on its way out)."""
        return self.phase is ConditionPhase.PRESENT or self.phase is ConditionPhase.CLEARING

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way, so that normal values need not be looked at."""
        return self.phase is ConditionPhase.ABSENT

    @property
    def due_ms(self) -> int | None:
        """When time may confirm a pending condition; None when only another reading can."""
        if self.phase is not ConditionPhase.PENDING or self.needs_reading:
            return None
        return self.since_ms + self.onset_delay_ms

    def read(self, verdict: Verdict, at_ms: int, *, min_gap_ms: int = 0, clears_at_once: bool = False) -> Change | None:
        """Take one reading.

        Args:
            verdict: How the value was judged.
            at_ms: Its determination time.
            min_gap_ms: Readings closer together than this count as one (a cuff's value sent again).
            clears_at_once: Whether one reading within the reset limit is enough (a cuff: averaged, and rare).
        """
        if self.phase is ConditionPhase.ABSENT:
            if verdict is not Verdict.BEYOND:
                return None
            self._begin(at_ms)
            return self._confirm(at_ms)
        if at_ms < self.last_ms:
            return None
        if self.phase is ConditionPhase.PENDING:
            return self._read_pending(verdict, at_ms, min_gap_ms)
        return self._read_present(verdict, at_ms, clears_at_once=clears_at_once)

    def time_passed(self, now_ms: int) -> Change | None:
        """Confirm by time alone: the last reading was beyond the limit and still speaks for the patient (caller's
        word)."""
        if self.phase is not ConditionPhase.PENDING or now_ms - self.since_ms < self.onset_delay_ms:
            return None
        self.needs_reading = True
        return self._confirm(now_ms) if self.last_beyond and not self.indeterminate else None

    def lose_sight(self) -> Change | None:
        """No value speaks for the patient any more: nothing is cleared and nothing confirmed."""
        if self.phase is ConditionPhase.ABSENT or self.indeterminate:
            return None
        self.indeterminate = True
        if self.phase is ConditionPhase.CLEARING:
            self.phase = ConditionPhase.PRESENT
        return Change.INDETERMINATE if self.phase is ConditionPhase.PRESENT else None

    def _begin(self, at_ms: int) -> None:
        self.phase = ConditionPhase.PENDING
        self.indeterminate = False
        self.since_ms = self.last_ms = at_ms
        self.readings = self.beyond = 1
        self.last_beyond = True
        self.needs_reading = False

    def _read_pending(self, verdict: Verdict, at_ms: int, min_gap_ms: int) -> Change | None:
        if verdict is Verdict.WITHIN:
            self.phase = ConditionPhase.ABSENT
            return None
        if self._is_forgotten(at_ms, is_continuous=min_gap_ms == 0):
            return self._read_anew(verdict, at_ms)
        self.indeterminate = False
        self.last_beyond = verdict is Verdict.BEYOND
        self.needs_reading = at_ms - self.since_ms >= self.onset_delay_ms
        if at_ms - self.last_ms >= min_gap_ms:
            self.readings += 1
            self.beyond += self.last_beyond
            self.last_ms = at_ms
        if self.beyond * 2 < self.readings or (self.needs_reading and not self._has_share):
            return self._read_anew(verdict, at_ms)
        return self._confirm(at_ms) if self.last_beyond else None

    def _is_forgotten(self, at_ms: int, *, is_continuous: bool) -> bool:
        gap_ms = at_ms - self.last_ms
        return gap_ms > GAP_FORGOTTEN_MS or (is_continuous and self.indeterminate and gap_ms > self.onset_delay_ms)

    def _read_anew(self, verdict: Verdict, at_ms: int) -> Change | None:
        """Forget what was pending and take the reading as the first."""
        self.phase = ConditionPhase.ABSENT
        return self.read(verdict, at_ms)

    @property
    def _has_share(self) -> bool:
        return self.beyond >= self.least_share * self.readings

    def _confirm(self, at_ms: int) -> Change | None:
        if at_ms - self.since_ms >= self.onset_delay_ms and self.readings >= self.least_readings and self._has_share:
            self.phase = ConditionPhase.PRESENT
            return Change.PRESENT
        return None

    def _read_present(self, verdict: Verdict, at_ms: int, *, clears_at_once: bool) -> Change | None:
        sees_again = Change.DETERMINATE if self.indeterminate else None
        self.indeterminate = False
        self.last_ms = at_ms
        if verdict is not Verdict.WITHIN:
            self.phase = ConditionPhase.PRESENT
            return sees_again
        if self.phase is ConditionPhase.PRESENT:
            self.phase = ConditionPhase.CLEARING
            self.clear_since_ms = at_ms
        if clears_at_once or at_ms - self.clear_since_ms >= self.clear_delay_ms:
            self.phase = ConditionPhase.ABSENT
            return Change.ABSENT
        return sees_again
