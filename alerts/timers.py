"""When people are called again: for what nobody has seen, and for what somebody has seen and is still there.

Every timer is an instant, reckoned when its reason begins, so that it makes no difference whether time passes in ticks
or at one stroke. An escalation waits from the moment on at which somebody is waited for, not from the last call; a
reminder from the acknowledgement. Running them is `alerts.book`'s business.
"""

from __future__ import annotations

from dataclasses import replace

from alerts.alarm import Alarm, ConditionState, SignalState
from alerts.cause import Cause
from alerts.lifecycle import AlarmEvent
from alerts.policy import AlarmPolicy


def set_timers(cause: Cause, before: SignalState, event: AlarmEvent, now_ms: int, policy: AlarmPolicy) -> None:
    """Reckon when people are called again, after a step.

    Args:
        cause: With the alarm as the step has left it.
        before: The signal before the step.
        event: What made the step.
        now_ms: When.
        policy: Whose timers.
    """
    alarm = cause.alarm
    is_on, was_on = alarm.signal is SignalState.ON, before is SignalState.ON
    if is_on and (not was_on or event in (AlarmEvent.WORSENED, AlarmEvent.ONSET)):
        alarm = _announced(cause, before, event, now_ms, policy)
    elif event is AlarmEvent.ACKNOWLEDGE:
        cause.unseen_ms = None
    cause.remind_ms = _reminds_ms(cause, alarm, policy)
    cause.alarm = replace(alarm, next_escalation_at_ms=_escalates_ms(cause, alarm, policy))


def _announced(cause: Cause, before: SignalState, event: AlarmEvent, now_ms: int, policy: AlarmPolicy) -> Alarm:
    """The alarm, for which people are called from now on."""
    alarm = cause.alarm
    waits_on = before is SignalState.LATCHED or (before is SignalState.ON and event is AlarmEvent.ONSET)
    if not waits_on or cause.unseen_ms is None:
        cause.unseen_ms = now_ms
    cause.reminded = cause.reminded + 1 if event is AlarmEvent.REMIND else 0
    cause.announced_for = event
    told = {"announced_for": event.value} if policy.sha256 else {}
    return replace(
        alarm,
        evidence=alarm.evidence | told,
        signalled_at_ms=now_ms,
        acknowledged=None,
        escalation_level=0 if before is SignalState.ACKNOWLEDGED else alarm.escalation_level,
    )


def _reminds_ms(cause: Cause, alarm: Alarm, policy: AlarmPolicy) -> int | None:
    """When what somebody has acknowledged is announced again if it is still there."""
    timers, seen = policy.timers_of(alarm.priority), alarm.acknowledged
    if alarm.signal is not SignalState.ACKNOWLEDGED or seen is None or timers.remind_after_s is None:
        return None
    is_enough = timers.remind_times is not None and cause.reminded >= timers.remind_times
    if is_enough or alarm.family in policy.never_reminded:
        return None
    return seen.at_ms + round(timers.remind_after_s * 1000)


def _escalates_ms(cause: Cause, alarm: Alarm, policy: AlarmPolicy) -> int | None:
    """When it will be too late: only for what is on and not known to be gone."""
    late_after_s = policy.timers_of(alarm.priority).late_after_s(alarm.escalation_level)
    is_waiting = alarm.signal is SignalState.ON and alarm.condition is not ConditionState.ABSENT
    if not is_waiting or cause.unseen_ms is None or late_after_s is None:
        return None
    return cause.unseen_ms + round(late_after_s * 1000)
