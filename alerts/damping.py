"""How often alarms and their parts began lately, and from when on they come and go too often.

An alarm that does is kept after its end until it has been quiet for long enough; one part that does is no news in an
alarm that is announced already. What latches needs no damping: it stays until somebody has seen it. Without damping in
the policy nothing is counted.
"""

from __future__ import annotations

from alerts.cause import Cause
from alerts.conditions import CauseKey, Member
from alerts.lifecycle import is_latching
from alerts.policy import Damping


class Onsets:
    """The beginnings of one book's alarms, as far back as damping looks. Instants are gateway milliseconds."""

    def __init__(self, damping: Damping | None) -> None:
        self._damping = damping
        self._lately: dict[CauseKey, list[int]] = {}

    def note(self, cause: Cause, now_ms: int) -> None:
        """An alarm begins, or begins again."""
        if self._damping is not None:
            self._lately[_counted_as(cause)] = [*self._since(self._damping, cause, now_ms), now_ms]

    def note_part(self, cause: Cause, member: Member, now_ms: int) -> bool:
        """A part of an alarm begins; whether it has done so too often."""
        damping = self._damping
        if damping is None:
            return False
        since_ms = now_ms - _ms(damping.within_s)
        begun = [*(at_ms for at_ms in cause.begun.get(member.key, ()) if at_ms > since_ms), now_ms]
        cause.begun[member.key] = begun
        return len(begun) > damping.onsets

    def damp(self, cause: Cause, now_ms: int) -> None:
        """An alarm ends: put the end off when it has come and gone too often."""
        damping = self._damping
        if damping is None or is_latching(cause.alarm.kind, cause.alarm.priority):
            return
        if len(self._since(damping, cause, now_ms)) > damping.onsets:
            cause.quiet_until_ms = now_ms + _ms(damping.quiet_s)

    def count(self, cause: Cause) -> int:
        """How often it began when that was last noted."""
        return len(self._lately.get(_counted_as(cause), ()))

    def _since(self, damping: Damping, cause: Cause, now_ms: int) -> list[int]:
        since_ms = now_ms - _ms(damping.within_s)
        return [at_ms for at_ms in self._lately.get(_counted_as(cause), ()) if at_ms > since_ms]


def _counted_as(cause: Cause) -> CauseKey:
    """Under which name its beginnings are counted: those of a group whose conditions join are one kind."""
    return cause.key if cause.group is None or cause.group.is_per_subject else (cause.group.id, "")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
