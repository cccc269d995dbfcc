"""The alarm book of one admission (or of a unit's house): its alarms as they stand, and every transition numbered.

Identity: one alarm per cause at a time. A cause is a rule with its subject, or a group of the policy. An alarm's id is
derived from the admission, the cause, the first onset and the number of its first transition, so that the same journal
gives the same ids.

Invariants
- What is wrong and what is announced are apart: `alerts.conditions` holds the former, this module reckons from it which
  alarms there should be, compares with those there are, and makes the moves of `alerts.lifecycle` that lie between. The
  order in which verdicts of one instant come in changes nothing.
- Every timer is an instant, reckoned when its reason begins: `due_ms` says when `take` has to be called next. Whether
  time passes in ticks or at one stroke changes nothing.
- A high priority falls only when somebody has seen it; a high condition that begins is announced whatever has been
  acknowledged before, and a lesser one unless it is less than what is announced, or keeps coming and going.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from alerts.alarm import Acknowledgement, Alarm, AlarmTransition, ConditionState, Kind, Priority, SignalState
from alerts.cause import Cause
from alerts.conditions import PRIORITY_RANK, CauseKey, Conditions, Member, SwitchedOff, leading
from alerts.current import Current, as_it_was
from alerts.damping import Onsets
from alerts.evidence import EvidenceWriter
from alerts.lifecycle import AlarmEvent, Standing, is_latching, move
from alerts.numbering import Numbering
from alerts.policy import PLAIN, AlarmPolicy
from alerts.timers import set_timers
from streaming.durations import NEVER_DUE_MS
from streaming.identity import BedId
from streaming.outcome import OutcomeChanged

VIGIL = "vigil"
"""The actor of what nobody did."""
HOUSE = "house"
"""What stands for the admission in the ids of alarms that have none."""


class AlarmBook:
    """Alarms of one admission, or of the house of one unit. Instants are gateway milliseconds."""

    def __init__(
        self,
        admission_id: str | None,
        bed: BedId | None,
        policy: AlarmPolicy = PLAIN,
        *,
        unit: str | None = None,
        numbering: Numbering | None = None,
    ) -> None:
        """Begin a book.

        Args:
            admission_id: Whose alarms these are; None for those of the house.
            bed: Where the patient is; None for those of the house.
            policy: What becomes of verdicts.
            unit: Of a house, the unit; None for the whole service.
            numbering: Shared by the books of one house.
        """
        self.admission_id = admission_id
        self.bed = bed
        self.policy = policy
        self.unit = unit
        self.conditions = Conditions(policy, is_house=admission_id is None)
        self.causes: dict[CauseKey, Cause] = {}
        self.due_ms = NEVER_DUE_MS
        """When `take` has to be called next, though nothing was found."""
        self.audio_paused: tuple[int, int] | None = None
        """Since when and until when the sound of the alarms announced before is paused."""
        self._numbering = numbering or Numbering()
        self._onsets = Onsets(policy.damping)
        self._evidence = EvidenceWriter(policy, self.conditions, self._onsets)

    @property
    def active(self) -> dict[CauseKey, Alarm]:
        """Alarms that are announced, by cause, in order of their beginning."""
        return {key: cause.alarm for key, cause in self.causes.items()}

    # --- verdicts and time --------------------------------------------------------------------------------------------

    def take(self, found: Sequence[OutcomeChanged], now_ms: int, current: Current = as_it_was) -> list[AlarmTransition]:
        """Take the verdicts of one instant, and let time pass up to it.

        Args:
            found: What changed.
            now_ms: The instant.
            current: What conditions look like at that instant: what people are called for again is told as it is then.
        """
        if not found and now_ms < self.due_ms:
            return []
        for each in found:
            self.conditions.take(each)
        order = () if self.policy.groups else [(each.rule.id, each.subject) for each in found]
        return self._settled(now_ms, order, current)

    def _settled(
        self, now_ms: int, order: Sequence[CauseKey] = (), current: Current = as_it_was
    ) -> list[AlarmTransition]:
        """Make alarms what the conditions ask for, then run what is due: by name, or without groups in the order of the
        verdicts."""
        self.conditions.let_pass(now_ms)
        done = self._reconciled(now_ms, {key: place for place, key in enumerate(order)}, current)
        done += [each for key in sorted(self.causes) for each in self._timed(self.causes[key], now_ms, current)]
        dues = [cause.due_ms for cause in self.causes.values()]
        self.due_ms = max(now_ms + 1, min([self.conditions.due_ms, *dues]))
        return done

    def _reconciled(self, now_ms: int, place: Mapping[CauseKey, int], current: Current) -> list[AlarmTransition]:
        begun = self._assign(now_ms)
        done = []
        for key in sorted(self.causes.keys() | begun.keys(), key=lambda key: (place.get(key, 0), key)):
            cause = self.causes.get(key)
            step = self._begin(key, begun[key], now_ms) if cause is None else self._compare(cause, now_ms, current)
            if step is not None:
                done.append(step)
        return done

    def _assign(self, now_ms: int) -> dict[CauseKey, list[Member]]:
        """Give every condition that is heard its cause; those of causes that have no alarm yet."""
        begun: dict[CauseKey, list[Member]] = {}
        for member in self.conditions.members.values():
            if member.cause is not None or not self.conditions.is_heard(member):
                continue
            key = member.cause = self._cause_of(member, now_ms)
            if key in self.causes:
                self.causes[key].members[member.key] = member
            else:
                begun.setdefault(key, []).append(member)
        return begun

    def _cause_of(self, member: Member, now_ms: int) -> CauseKey:
        group = self.policy.group_of(member.rule)
        if group is None:
            return member.key
        if group.is_per_subject:
            return (group.id, member.subject)
        if group.joins_within_s is None:
            return (group.id, "")
        within_ms = round(group.joins_within_s * 1000)
        for key, cause in self.causes.items():
            if cause.group is group and now_ms - cause.alarm.announced_at_ms <= within_ms:
                return key
        return (group.id, str(now_ms))

    # --- one alarm ----------------------------------------------------------------------------------------------------

    def _begin(self, key: CauseKey, members: list[Member], now_ms: int) -> AlarmTransition:
        first = leading(members)
        cause = Cause(key, self.policy.group_of(first.rule), self._new_alarm(key, first, members, now_ms))
        cause.members = {member.key: member for member in members}
        self._onsets.note(cause, now_ms)
        changed = self._evidence.drawn(cause, members)
        cause.heard = {each.key for each in members}
        cause.begun = {each.key: [now_ms] for each in members}
        self.causes[key] = cause
        return self._step(cause, changed, AlarmEvent.ONSET, now_ms, VIGIL)

    def _compare(self, cause: Cause, now_ms: int, current: Current) -> AlarmTransition | None:
        """The move between an alarm and what it should be; None when it is that."""
        held = [member for member in cause.members.values() if self.conditions.is_heard(member)]
        if not held:
            return self._nothing_held(cause, now_ms)
        has_news = self._has_news(cause, held, now_ms)
        was_absent = cause.alarm.condition is ConditionState.ABSENT
        if was_absent:
            self._onsets.note(cause, now_ms)
            cause.quiet_until_ms = None
        cause.heard = {each.key for each in held}
        changed = self._evidence.drawn(cause, held)
        found = _event(cause.alarm, changed, has_news=has_news)
        if found is None:
            return None
        return self._step(cause, self._evidence.seen(cause, changed, current), found, now_ms, VIGIL)

    def _has_news(self, cause: Cause, held: list[Member], now_ms: int) -> bool:
        """Whether a part has begun since the last look that has to be heard on its own."""
        news = [self._is_news(cause, each, now_ms) for each in held if each.key not in cause.heard]
        return any(news)  # each was asked: every beginning is noted

    def _is_news(self, cause: Cause, member: Member, now_ms: int) -> bool:
        """A high condition always is. A lesser one is when it is no less than what the alarm says already, unless it
        keeps coming and going."""
        keeps_returning = self._onsets.note_part(cause, member, now_ms)
        if member.priority is Priority.HIGH:
            return True
        if cause.group is None or cause.quiet_until_ms is not None or keeps_returning:
            return False
        is_lesser = PRIORITY_RANK[member.priority] < PRIORITY_RANK[cause.alarm.priority]
        return not is_lesser and not cause.is_outdone(member)

    def _nothing_held(self, cause: Cause, now_ms: int) -> AlarmTransition | None:
        alarm = cause.alarm
        cause.heard = set()
        if alarm.signal is SignalState.LATCHED or cause.quiet_until_ms is not None:
            return None
        silenced = [member for member in cause.members.values() if member.is_held]
        if silenced and not (alarm.is_unseen_and_high and alarm.kind is Kind.PHYSIOLOGICAL):
            return self._silence(cause, silenced, now_ms)
        self._onsets.damp(cause, now_ms)
        changed = replace(
            alarm,
            condition=alarm.condition if silenced else ConditionState.ABSENT,
            cleared_at_ms=now_ms,
            is_flapping=alarm.is_flapping or cause.quiet_until_ms is not None,
        )
        return self._step(cause, self._evidence.written(cause, changed), AlarmEvent.CLEARED, now_ms, VIGIL)

    def _silence(self, cause: Cause, silenced: list[Member], now_ms: int) -> AlarmTransition:
        """End an alarm of which nothing is heard any more though something is held."""
        reasons = [reason for member in silenced if (reason := self.conditions.explained_by(member)) is not None]
        event = AlarmEvent.EXPLAINED if reasons else AlarmEvent.SWITCHED_OFF
        changed = replace(cause.alarm, cleared_at_ms=now_ms, inhibited_by=reasons[0] if reasons else None)
        return self._step(cause, self._evidence.written(cause, changed), event, now_ms, VIGIL)

    # --- people -------------------------------------------------------------------------------------------------------

    def acknowledge(
        self, alarm_id: str, at_ms: int, by: str, note: str | None, current: Current = as_it_was
    ) -> list[AlarmTransition]:
        """Somebody has seen the alarm; nothing when somebody already had.

        Raises:
            KeyError: There is no such active alarm.
        """
        cause = next((each for each in self.causes.values() if each.alarm.alarm_id == alarm_id), None)
        if cause is None:
            raise KeyError(alarm_id)
        if cause.alarm.signal is SignalState.ACKNOWLEDGED:
            return []
        seen = self._evidence.seen(cause, cause.alarm, current)
        changed = replace(seen, acknowledged=Acknowledgement(by=by, at_ms=at_ms, note=note))
        done = [self._step(cause, changed, AlarmEvent.ACKNOWLEDGE, at_ms, by)]
        return done + self._settled(at_ms, current=current)

    def switch_off(self, off: SwitchedOff) -> list[AlarmTransition]:
        """Somebody switches limits off until an instant; one that has passed ends it."""
        self.conditions.limits_off[off.scope, off.name] = off
        return self._settled(off.from_ms)

    def pause_audio(self, now_ms: int, until_ms: int) -> None:
        """The sound of the alarms announced so far is paused; nothing that is seen changes."""
        self.audio_paused = (now_ms, until_ms) if until_ms > now_ms else None

    def audio_paused_until_ms(self, alarm: Alarm, now_ms: int) -> int | None:
        """Until when the alarm's sound is paused; None when it sounds."""
        if self.audio_paused is None:
            return None
        since_ms, until_ms = self.audio_paused
        return until_ms if now_ms < until_ms and signalled_at_ms(alarm) <= since_ms else None

    def withdraw(self, at_ms: int, actor: str, kind: Kind | None = None) -> list[AlarmTransition]:
        """End every alarm (of that kind): the patient leaves, or moves away from the equipment of the old bed."""
        leaving = [cause for cause in self.causes.values() if kind is None or cause.alarm.kind is kind]
        done = []
        for cause in leaving:
            ended = replace(cause.alarm, cleared_at_ms=cause.alarm.cleared_at_ms or at_ms)
            done.append(self._step(cause, ended, AlarmEvent.WITHDRAWN, at_ms, actor))
        self.conditions.forget(kind)
        return done

    def move_to(self, bed: BedId) -> None:
        """The patient is in another bed."""
        self.bed = bed
        for cause in self.causes.values():
            cause.alarm = replace(cause.alarm, bed=bed)

    def shown(self, key: CauseKey, current: Current) -> Alarm:
        """An active alarm with what its parts look like now, for whoever looks: nothing is noted."""
        return self._evidence.shown(self.causes[key], current)

    # --- timers -------------------------------------------------------------------------------------------------------

    def _timed(self, cause: Cause, now_ms: int, current: Current) -> list[AlarmTransition]:
        """What is due at one alarm."""
        done = []
        if cause.quiet_until_ms is not None and cause.quiet_until_ms <= now_ms:
            cause.quiet_until_ms = None
            return [self._step(cause, cause.alarm, AlarmEvent.CLEARED, now_ms, VIGIL)]
        is_there = cause.alarm.condition is not ConditionState.ABSENT
        if is_there and cause.remind_ms is not None and cause.remind_ms <= now_ms:
            seen = self._evidence.seen(cause, cause.alarm, current)
            done.append(self._step(cause, seen, AlarmEvent.REMIND, now_ms, VIGIL))
        while (due_ms := cause.alarm.next_escalation_at_ms) is not None and due_ms <= now_ms:
            seen = self._evidence.seen(cause, cause.alarm, current)
            changed = replace(seen, escalation_level=cause.alarm.escalation_level + 1)
            done.append(self._step(cause, changed, AlarmEvent.OVERDUE, now_ms, VIGIL))
        return done

    # --- steps --------------------------------------------------------------------------------------------------------

    def _new_alarm(self, key: CauseKey, first: Member, members: list[Member], now_ms: int) -> Alarm:
        onset_ms = min(each.onset_ms for each in members)
        return Alarm(
            alarm_id=self._new_id(key, onset_ms),
            admission_id=self.admission_id,
            bed=self.bed,
            rule_id=first.rule.id,
            family=first.rule.family,
            title=first.rule.title,
            kind=first.kind,
            priority=first.priority,
            condition=ConditionState.PRESENT,
            signal=SignalState.OFF,
            onset_at_ms=onset_ms,
            announced_at_ms=now_ms,
            cleared_at_ms=None,
            acknowledged=None,
            escalation_level=0,
            evidence={},
            house_unit=self.unit if self.bed is None else None,
        )

    def _new_id(self, key: CauseKey, onset_ms: int) -> str:
        whose = self.admission_id if self.admission_id is not None else f"{HOUSE} {self.unit or ''}"
        parts = (whose, *key, str(onset_ms), str(self._numbering.last + 1))
        return "alm-" + sha256("\n".join(parts).encode()).hexdigest()[:20]

    def _step(self, cause: Cause, alarm: Alarm, event: AlarmEvent, at_ms: int, actor: str) -> AlarmTransition:
        before = cause.alarm
        standing = Standing(
            is_latching=is_latching(before.kind, before.priority),
            is_damped=cause.quiet_until_ms is not None,
            is_high=before.priority is Priority.HIGH,
        )
        to, phase, _ = move(before.signal, event, standing)
        cause.alarm = replace(alarm, signal=to)
        set_timers(cause, before.signal, event, at_ms, self.policy)
        if to is SignalState.OFF:
            self._close(cause)
        return AlarmTransition(
            n=self._numbering.next(),
            at_ms=at_ms,
            phase=phase,
            from_=before.signal,
            to=to,
            actor=actor,
            alarm=cause.alarm,
        )

    def _close(self, cause: Cause) -> None:
        self.causes.pop(cause.key, None)
        for member in cause.members.values():
            member.cause = None
            if not member.is_held:
                self.conditions.members.pop(member.key, None)


def signalled_at_ms(alarm: Alarm) -> int:
    """When the alarm was last announced."""
    return alarm.announced_at_ms if alarm.signalled_at_ms is None else alarm.signalled_at_ms


def _event(alarm: Alarm, changed: Alarm, *, has_news: bool) -> AlarmEvent | None:
    """What happened to an alarm of which something is held, the strongest first."""
    if PRIORITY_RANK[changed.priority] > PRIORITY_RANK[alarm.priority]:
        return AlarmEvent.WORSENED
    if alarm.signal is SignalState.LATCHED or has_news:
        return AlarmEvent.ONSET
    if PRIORITY_RANK[changed.priority] < PRIORITY_RANK[alarm.priority]:
        return AlarmEvent.EASED
    if changed.condition is not alarm.condition:
        return AlarmEvent.UNKNOWN if changed.condition is ConditionState.INDETERMINATE else AlarmEvent.KNOWN
    return AlarmEvent.CHANGED if _shown(changed) != _shown(alarm) else None


def _shown(alarm: Alarm) -> tuple[str, list[tuple[str, ...]]]:
    parts = alarm.evidence.get("parts", [])
    return alarm.rule_id, [(part["rule_id"], part["subject"], part["condition"]) for part in parts]
