"""Technical conditions of one admitted bed: what reports, or should, and cannot be relied upon.

Unknown is never normal: a silent device, a signal without a current value, values that cannot be true, sources that
contradict each other, a clock that is wrong and numbers that are missing are conditions of their own, with their own
alarms. Unlike a patient's, they are known at every moment, so time may confirm and clear them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streaming.device import Device
from streaming.identity import CHART_DEVICE
from streaming.instants import format_ms
from streaming.outcome import OutcomeChanged, RuleOutcome
from streaming.patient import OUTCOME_OF_CHANGE, SIGNAL_LABELS, number
from streaming.rules.condition import Change, ConditionPhase
from streaming.rules.kinds import AlarmProfile, EquipmentRule
from streaming.rules.timed import TimedCondition
from streaming.signals import Channel, SignalSlot
from streaming.therapy.infusion import LABEL, PUMP_METRICS

MONITOR_REMEMBERED_MS = 24 * 3_600_000
"""A monitor of this bed that was heard so long ago is still expected when a patient comes. [D]"""
BATTERY_EVENT = "MDC_EVT_BATT_LO"
BATTERY_TOLD_MS = 30 * 60_000
"""So long a low battery stands that a device has told of without saying when it ends (`tpoint`). [D]"""
Key = tuple[str, str]
"""(kind of equipment rule, subject)"""


class EquipmentWatch:
    """The equipment rules of one admission."""

    def __init__(self, profile: AlarmProfile, reported: Iterable[str] = ()) -> None:
        """Watch a bed for an admission during which the signals `reported` have been seen already, in another bed."""
        self._profile = profile
        self._rules = {rule.kind: rule for rule in profile.equipment_rules}
        self._conditions: dict[Key, TimedCondition] = {}
        self._evidence: dict[Key, dict[str, Any]] = {}
        self._gaps_seen: dict[str, int] = {}
        self._expected: dict[str, None] = {}
        """Devices whose absence is worth a word."""
        stale = self._rules.get("signal_stale")
        self._watched_signals = {name: None for name in reported if stale is not None and name in stale.signals}

    def expect(self, device: Device, now_ms: int) -> None:
        """A patient comes to this bed: which of its devices should be there? Those that are, and the monitor even when
        it is switched off; not the pump that left with somebody else and will not be back."""
        is_monitor_of_this_bed = device.kind == "monitor" and now_ms - device.last_received_ms <= MONITOR_REMEMBERED_MS
        if is_monitor_of_this_bed or not self._is_gone(device, now_ms):
            self._expected[device.id.device] = None

    def device_state(self, device: Device, now_ms: int) -> list[OutcomeChanged]:
        """Look again whether the device is gone: it said so, or has been silent for too long."""
        rule = self._rules.get("device_offline")
        if rule is None:
            return []
        is_gone = self._is_gone(device, now_ms)
        if not is_gone:
            self._expected[device.id.device] = None
        elif device.id.device not in self._expected:
            device.is_suspect = True  # its next message makes it one of this stay's
            return []
        if device.state == "offline":
            since_ms, text = device.state_since_ms, f"{device.id.device} says it is offline"
        else:
            since_ms, text = device.last_received_ms, f"{device.id.device} silent"
        found = self._hold(
            rule,
            device.id.device,
            is_gone,
            since_ms,
            now_ms,
            {
                "text": text,
                "device": device.id.device,
                "device_kind": device.kind,
                "last_received_at": format_ms(device.last_received_ms) if device.last_received_ms >= 0 else None,
                "clears_when": "the device sends again",
            },
        )
        device.is_suspect = self.is_offline(device)
        return found

    def _is_gone(self, device: Device, now_ms: int) -> bool:
        rule = self._rules.get("device_offline")
        silent_ms = self._silent_after_ms(rule, device) if rule is not None else None
        is_silent = silent_ms is not None and now_ms - device.last_received_ms >= silent_ms
        return device.state == "offline" or is_silent

    def is_offline(self, device: Device) -> bool:
        """Whether the device is held to be gone, or about to be."""
        condition = self._conditions.get(("device_offline", device.id.device))
        return condition is not None and condition.phase is not ConditionPhase.ABSENT

    def signal_known(self, slot: SignalSlot, now_ms: int) -> list[OutcomeChanged]:
        """The signal has a current value."""
        rule = self._rules.get("signal_stale")
        if rule is None or slot.name not in rule.signals:
            return []
        self._watched_signals[slot.name] = None
        return self._hold(rule, slot.name, False, now_ms, now_ms, {"text": "value is current again"})

    def signal_unknown(self, slot: SignalSlot, since_ms: int, now_ms: int) -> list[OutcomeChanged]:
        """The signal has no current value, though it has been reported during this stay."""
        rule = self._rules.get("signal_stale")
        if rule is None or slot.name not in self._watched_signals:
            return []
        label = SIGNAL_LABELS.get(slot.name, slot.name)
        evidence = {
            "text": f"{label}: no current value",
            "signal": slot.name,
            "devices": sorted({channel.device.device for channel in slot.candidates} - {CHART_DEVICE}),
            "since": format_ms(since_ms),
            "clears_when": f"a believable {label} is reported",
        }
        return self._hold(rule, slot.name, True, since_ms, now_ms, evidence)

    def clock(self, device: Device, now_ms: int, speed: float) -> list[OutcomeChanged]:
        """Look again at the device's clock, on a gateway clock of that speed (1 but in a demo or test)."""
        rule = self._rules.get("clock_skew")
        offset_ms = device.clock.offset_ms
        if rule is None or rule.above_s is None or offset_ms is None:
            return []
        condition = self._conditions.get((rule.kind, device.id.device))
        limit_s = rule.reset_s if condition is not None and condition.is_present else rule.above_s
        holds = abs(offset_ms) > (limit_s if limit_s is not None else rule.above_s) * 1000 * speed
        direction = "slow" if offset_ms > 0 else "fast"
        evidence = {
            "text": f"{device.id.device}: clock {number(abs(offset_ms) / 1000)} s {direction}",
            "device": device.id.device,
            "clock_offset_ms": offset_ms,
            "limit_s": rule.above_s * speed,
            "clears_when": f"offset at or below {number((rule.reset_s or rule.above_s) * speed)} s",
        }
        return self._hold(rule, device.id.device, holds, now_ms, now_ms, evidence)

    def believable(self, channel: Channel, now_ms: int) -> list[OutcomeChanged]:
        """Look again whether the channel reports only what cannot be true."""
        rule = self._rules.get("implausible")
        if rule is None:
            return []
        since_ms = channel.invalid_since_ms
        subject = f"{channel.device.device} {channel.name}"
        evidence = {
            "text": f"{channel.device.device}: {channel.name} not believable"
            + (f" ({channel.artefact.replace('_', ' ')})" if channel.artefact else ""),
            "device": channel.device.device,
            "signal": channel.signal,
            "source": channel.name,
            "artefact": channel.artefact,
            "clears_when": "a believable value is reported",
        }
        return self._hold(
            rule, subject, since_ms is not None, now_ms if since_ms is None else since_ms, now_ms, evidence
        )

    def sources(self, means: tuple[float, float, int] | None, now_ms: int) -> list[OutcomeChanged]:
        """Arterial line and cuff contradict each other (line and cuff in mmHg, since when), or agree (None)."""
        rule = self._rules.get("sources_disagree")
        if rule is None:
            return []
        evidence: dict[str, Any] = {"text": "arterial line and cuff agree again"}
        since_ms = now_ms
        if means is not None:
            arterial, cuff, since_ms = means
            evidence = {
                "text": f"MAP line {number(arterial)}, cuff {number(cuff)}",
                "arterial_map": arterial,
                "cuff_map": cuff,
                "unit": "mm[Hg]",
                "limit": rule.above,
                "clears_when": f"the two are within {number(rule.above or 0)} mm[Hg]",
            }
        return self._hold(rule, "map", means is not None, since_ms, now_ms, evidence)

    def numbering(self, device: Device, now_ms: int) -> list[OutcomeChanged]:
        """Look again for holes in the device's numbering: a new one holds until it fills or has been told."""
        rule = self._rules.get("sequence_gap")
        if rule is None:
            return []
        name = device.id.device
        missing = device.sequence.missing
        told = min(self._gaps_seen.get(name, 0), missing)  # what came after all is not owed to the next loss
        self._gaps_seen[name] = told
        evidence = {
            "text": f"{name}: {missing - told} messages lost",
            "device": name,
            "lost": missing - told,
            "lost_in_all": missing,
            "clears_when": f"no further loss for {number(rule.clear_delay_s)} s",
        }
        found = self._hold(rule, name, missing > told, now_ms, now_ms, evidence)
        return found + self._told_of_gap(rule, name, missing, now_ms)

    def battery(self, device: Device, phase: str, at_ms: int, now_ms: int) -> list[OutcomeChanged]:
        """A pump has said something of its battery: that it is low from now on or at this moment, or is no longer."""
        rule = self._rules.get("battery_low")
        if rule is None or not _is_pump(device):
            return []
        name, label = device.id.device, device.channels.get(LABEL)
        drug = f" ({label.value})" if label is not None and label.value is not None else ""
        evidence = {
            "text": f"{name}: battery low{drug}",
            "device": name,
            "event": BATTERY_EVENT,
            "clears_when": "the pump says that it is charged",
        }
        since_ms = min(at_ms, now_ms)
        if phase == "end" and (rule.kind, name) not in self._conditions:
            return []
        found = self._hold(rule, name, True, since_ms, now_ms, evidence)
        if phase == "start":
            return found
        over_ms = now_ms if phase == "end" else now_ms + BATTERY_TOLD_MS
        return found + self._hold(rule, name, False, over_ms, now_ms, None)

    def fault(self, text: str, now_ms: int) -> list[OutcomeChanged]:
        """The engine failed on something from this bed: until it has not for a while, what is shown may be wrong."""
        rule = self._rules.get("cannot_evaluate")
        if rule is None:
            return []
        evidence = {"text": text, "clears_when": f"no further fault for {number(rule.clear_delay_s)} s"}
        found = self._hold(rule, "engine", True, now_ms, now_ms, evidence)
        return found + self._hold(rule, "engine", False, now_ms, now_ms, None)

    def broker(self, now_ms: int, *, lost: bool) -> list[OutcomeChanged]:
        """The way by which devices reach us is down, or up again."""
        rule = self._rules.get("broker_lost")
        if rule is None:
            return []
        evidence = {
            "text": "connection to the message broker lost: no device is heard",
            "clears_when": "the broker is connected again",
        }
        return self._hold(rule, "broker", lost, now_ms, now_ms, evidence)

    def expect_numbering_from(self, device: Device) -> None:
        """Losses before this admission are not this patient's."""
        self._gaps_seen[device.id.device] = device.sequence.missing

    def time_passed(self, now_ms: int, devices: dict[str, Device]) -> list[OutcomeChanged]:
        """Let time confirm and clear."""
        found: list[OutcomeChanged] = []
        for key in [key for key, condition in self._conditions.items() if _is_due(condition, now_ms)]:
            rule, change = self._rules[key[0]], self._conditions[key].time_passed(now_ms)
            assert change is not None, "what is due changes"
            found.append(self._outcome(rule, key, change, now_ms))
            if rule.kind == "sequence_gap" and change is Change.PRESENT:
                found += self._told_of_gap(rule, key[1], devices[key[1]].sequence.missing, now_ms)
        return found

    def due_ms(self, devices: dict[str, Device], now_ms: int) -> int | None:
        """When time alone will next change something."""
        dues = [condition.due_ms for condition in self._conditions.values()]
        dues += [self._silence_due_ms(device, now_ms) for device in devices.values()]
        return min((due for due in dues if due is not None), default=None)

    def silent_devices(self, devices: dict[str, Device], now_ms: int) -> list[OutcomeChanged]:
        """Look again at every device whose silence has become too long."""
        found: list[OutcomeChanged] = []
        for device in devices.values():
            due_ms = self._silence_limit_ms(device)
            if due_ms is not None and due_ms <= now_ms and not self.is_offline(device):
                found += self.device_state(device, now_ms)
        return found

    def _silence_limit_ms(self, device: Device) -> int | None:
        rule = self._rules.get("device_offline")
        silent_ms = self._silent_after_ms(rule, device) if rule is not None else None
        if silent_ms is None or device.id.device not in self._expected:
            return None
        return device.last_received_ms + silent_ms

    def _silence_due_ms(self, device: Device, now_ms: int) -> int | None:
        limit_ms = self._silence_limit_ms(device)
        if limit_ms is None or (limit_ms <= now_ms and self.is_offline(device)):
            return None
        return limit_ms

    @staticmethod
    def _silent_after_ms(rule: EquipmentRule, device: Device) -> int | None:
        seconds = rule.silent_after_s.get(device.kind)
        if seconds is None or not device.has_measured:
            return None
        return max(round(seconds * 1000), device.patience_ms)

    def _told_of_gap(self, rule: EquipmentRule, name: str, missing: int, now_ms: int) -> list[OutcomeChanged]:
        """Once announced, a loss is history: only a further one holds the condition."""
        condition = self._conditions.get((rule.kind, name))
        if condition is None or not condition.is_present or missing <= self._gaps_seen.get(name, 0):
            return []
        self._gaps_seen[name] = missing
        return self._hold(rule, name, False, now_ms, now_ms, None)

    def _hold(
        self,
        rule: EquipmentRule,
        subject: str,
        holds: bool,
        since_ms: int,
        now_ms: int,
        evidence: dict[str, Any] | None,
    ) -> list[OutcomeChanged]:
        key = (rule.kind, subject)
        condition = self._conditions.get(key)
        if condition is None:
            if not holds:
                return []
            condition = self._conditions[key] = TimedCondition(
                onset_delay_ms=round(rule.onset_delay_s * 1000), clear_delay_ms=round(rule.clear_delay_s * 1000)
            )
        if holds and evidence is not None:
            self._evidence[key] = evidence
        change = condition.hold(holds, since_ms, now_ms)
        return [self._outcome(rule, key, change, now_ms)] if change is not None else []

    def evidence_now(self, rule: EquipmentRule, subject: str) -> dict[str, Any] | None:
        """What a condition under way rests on, as it was last looked at; None when there is none."""
        key = (rule.kind, subject)
        return self._evidence_of(rule, key) if key in self._conditions else None

    def _evidence_of(self, rule: EquipmentRule, key: Key) -> dict[str, Any]:
        profile = self._profile
        return {
            "profile": {"id": profile.id, "version": profile.version, "sha256": profile.sha256},
            "onset_delay_s": rule.onset_delay_s,
            "since": format_ms(self._conditions[key].since_ms),
            "reference": rule.reference,
        } | self._evidence.get(key, {})

    def _outcome(self, rule: EquipmentRule, key: Key, change: Change, now_ms: int) -> OutcomeChanged:
        outcome = OutcomeChanged(
            rule=rule,
            subject=key[1],
            outcome=OUTCOME_OF_CHANGE[change],
            at_ms=now_ms,
            onset_ms=self._conditions[key].since_ms,
            evidence=self._evidence_of(rule, key),
        )
        if outcome.outcome is RuleOutcome.ABSENT:
            del self._conditions[key]
            self._evidence.pop(key, None)
        return outcome


def _is_pump(device: Device) -> bool:
    """A device that reports a metric of a pump is a pump, whatever it says it is."""
    return device.kind == "pump" or any(metric in device.channels for metric in PUMP_METRICS)


def _is_due(condition: TimedCondition, now_ms: int) -> bool:
    due_ms = condition.due_ms
    return due_ms is not None and due_ms <= now_ms
