"""A pump as a device: it reports what one or more programs of `simulators.care.infusion` show, and their alarms.

It speaks every `period_s` while idle, every `running_s` while it infuses, and at once when something changes: started,
complete, near its end, stopped by an occlusion, air, an open door or an empty battery, or kept from starting because
there is no permit (the text says why). After a volume is in, a volumetric pump keeps the vein open for some minutes.

It deliberately computes no dose: it displays what was typed in, right or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.care.infusion import MIU_PER_MG, Infusion, Stop
from simulators.devices import Device, Message, Metrics, Place

_INFUSING = {True: "pump-status-infusing", False: "pump-status-not-infusing"}
_EVENT_OF: Mapping[Stop, tuple[str, str, str]] = {
    Stop.OCCLUSION: ("MDC_EVT_FLUID_LINE_OCCL", "high", "downstream occlusion"),
    Stop.AIR: ("MDC_EVT_FLUID_LINE_AIR", "high", "air in line"),
    Stop.DOOR: ("MDC_EVT_DOOR_POSN_ERR", "high", "door open"),
    Stop.BATTERY: ("MDC_EVT_BATT_LO", "high", "battery empty"),
    Stop.NO_PERMIT: ("MDC_EVT_PUMP_GENERAL_ALARM", "low", "no permit"),
}
_NEAR_END_SHARE = 0.1
"""Near end is raised at a tenth of the volume (clinical notes 6.1 [S])."""


class SmartPump(Device):
    """One channel as telemetry."""

    kind = "pump"

    def __init__(
        self,
        place: Place,
        channel: Infusion,
        *,
        seed: str,
        start_ms: int,
        model: str = "Simulated syringe pump",
        period_s: int = 60,
        running_s: int = 20,
        clock_offset_ms: int | None = None,
    ) -> None:
        """Connects the telemetry to a channel.

        Args:
            place: where it stands.
            channel: what it reports.
            seed: see `Device`.
            start_ms: see `Device`.
            model: what it calls itself.
            period_s: between reports while idle, s.
            running_s: between reports while it infuses, s.
            clock_offset_ms: see `Device`.
        """
        super().__init__(place, seed=seed, start_ms=start_ms, clock_offset_ms=clock_offset_ms)
        self.model = model
        self.channel = channel
        self.why_not = ""
        """Why there is no permit, for the event's text."""
        self._period_ms, self._running_ms = period_s * 1000, running_s * 1000
        self._was = self._look()
        self._was_near = False

    def changed(self) -> bool:
        """Whether it has something to say before its time."""
        return self._look() != self._was

    def hurry(self, at_ms: int) -> None:
        """Speaks at `at_ms` rather than later."""
        self.next_due_ms = min(self.next_due_ms, at_ms)

    def _look(self) -> tuple[bool, Stop | None, bool, int]:
        channel = self.channel
        return (channel.is_infusing, channel.stop, channel.is_complete, channel.programs)

    def _due_after(self, at_ms: int) -> int:
        return at_ms + (self._running_ms if self.channel.is_infusing else self._period_ms)

    def _speak(self, at_ms: int) -> list[Message]:
        messages = [*self._events(at_ms), self._obs(at_ms, self.reading())]
        self._was = self._look()
        return messages

    def _events(self, at_ms: int) -> list[Message]:
        channel = self.channel
        was_infusing, was_stop, was_complete, _ = self._was
        events = []
        if was_stop is not None and channel.stop is not was_stop:
            events.append(self._stopped(at_ms, was_stop, "end"))
        if channel.stop is not None and channel.stop is not was_stop:
            events.append(self._stopped(at_ms, channel.stop, "start"))
        if channel.is_infusing and not was_infusing:
            events.append(self._event(at_ms, "MDC_EVT_PUMP_DELIV_START", "tpoint"))
        if channel.is_complete and not was_complete:
            events.append(self._event(at_ms, "MDC_EVT_PUMP_DELIV_COMP", "tpoint", priority="medium"))
        return events + self._near_end(at_ms)

    def _near_end(self, at_ms: int) -> list[Message]:
        channel = self.channel
        left_ml = channel.to_be_infused_ml - channel.delivered_ml
        is_near = channel.is_infusing and 0.0 < left_ml <= _NEAR_END_SHARE * channel.to_be_infused_ml
        changed, self._was_near = is_near and not self._was_near, is_near
        return [self._event(at_ms, "MDC_EVT_VOL_INFUS_NEAR_COMP", "tpoint", priority="low")] if changed else []

    def _stopped(self, at_ms: int, stop: Stop, phase: str) -> Message:
        event, priority, text = _EVENT_OF[stop]
        why = f"{text}: {self.why_not}" if stop is Stop.NO_PERMIT and self.why_not else text
        return self._event(at_ms, event, phase, priority=priority, text=why)

    def remembered(self, at_ms: int, then_ms: int, shown: Metrics) -> Message:
        """Says at `at_ms` what it displayed at `then_ms`, from its memory."""
        time = self._own_time(then_ms)
        timed: Metrics = {
            name: {**value, "time": time} if isinstance(value, dict) else {"value": value, "time": time}
            for name, value in shown.items()
        }
        return self._obs(at_ms, timed)

    def reading(self) -> Metrics:
        """What the display shows now."""
        channel = self.channel
        shown: Metrics = {
            "MDC_DRUG_NAME_LABEL": channel.label,
            "MDC_PUMP_INFUSING_STATUS": _INFUSING[channel.is_infusing],
            "MDC_FLOW_FLUID_PUMP_CURRENT": round(channel.flow_ml_h, 1),
            "MDC_VOL_FLUID_DELIV_TOTAL": round(channel.delivered_ml, 2),
        }
        if channel.to_be_infused_ml > 0.0:
            left_ml = max(0.0, channel.to_be_infused_ml - channel.delivered_ml)
            shown["MDC_VOL_FLUID_TBI"] = round(channel.to_be_infused_ml, 2)
            shown["MDC_VOL_FLUID_TBI_REMAIN"] = round(left_ml, 2)
        if channel.shown_mg_per_ml > 0.0:
            shown["MDC_CONC_DRUG"] = _concentration(channel)
            shown["MDC_RATE_DOSE"] = round(channel.shown_rate, 4)
            shown["MDC_ATTR_PT_WEIGHT"] = channel.shown_weight_kg
        return shown


def _concentration(channel: Infusion) -> dict[str, float | int | str | None] | float:
    if channel.is_in_units:
        return {"value": round(channel.shown_mg_per_ml * MIU_PER_MG * 1e6), "unit": "[IU]/mL"}
    return channel.shown_mg_per_ml
