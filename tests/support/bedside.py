"""A bedside for tests of the engine: a ward, a bed, a patient, and messages at given seconds.

Seconds count from `T0_MS` on the gateway's clock. Unless a test says otherwise, devices have the right time and no
message is under way for any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from alerts.alarm import Alarm, AlarmTransition
from alerts.ward import Ward
from gateway.rulesets import load_alarm_profile
from streaming.commands import Acknowledge, Admit, Chart, Command, Course, Discharge, Link, Transfer
from streaming.effects import CommandApplied, CommandRefused, InputRejected, Sample, SamplesAccepted
from streaming.identity import BedId, DeviceId
from streaming.observation import (
    Decoded,
    DeviceMessage,
    EventMessage,
    MetricReading,
    MetricValue,
    ObsMessage,
    Rejected,
    StatusMessage,
    Validity,
)
from streaming.rules.kinds import AlarmProfile

T0_MS = 1_790_000_000_000
BED = BedId("icu", "b01")
OTHER_BED = BedId("icu", "b02")
IL2 = load_alarm_profile("alarms-il2")

HR, SPO2, RR, TEMP = "MDC_ECG_HEART_RATE", "MDC_PULS_OXIM_SAT_O2", "MDC_RESP_RATE", "MDC_TEMP"
PULSE = "MDC_PULS_OXIM_PULS_RATE"
ABP_SYS, ABP_DIA, ABP_MAP = (f"MDC_PRESS_BLD_ART_ABP_{part}" for part in ("SYS", "DIA", "MEAN"))
CUFF_SYS, CUFF_DIA, CUFF_MAP = (f"MDC_PRESS_CUFF_{part}" for part in ("SYS", "DIA", "MEAN"))


def line(mean: float) -> dict[str, MetricValue]:
    """A credible arterial-line triple around a mean, mm[Hg]; its systolic is not low unless the mean is very low."""
    return {ABP_SYS: mean + 45, ABP_DIA: mean - 20, ABP_MAP: mean}


def cuff(mean: float, at_s: float | None = None, **fields: Any) -> dict[str, MetricValue]:
    """A credible cuff triple around a mean; with the time at which it was determined, if given."""
    triple = {CUFF_SYS: mean + 30, CUFF_DIA: mean - 15, CUFF_MAP: mean}
    if at_s is not None:
        fields["determined_ms"] = ms(at_s)
    return {name: MetricReading(value=value, **fields) if fields else value for name, value in triple.items()}


def to_admit(**said: Any) -> Admit:
    """The command for a patient of 80 kg of whom nothing is known but what is said here."""
    usual = {
        "admission_id": "adm-1",
        "patient_id": "p-1",
        "bed": BED,
        "name": None,
        "dosing_weight_kg": 80,
        "baseline_weight_kg": 80,
        "profile": None,
        "actor": "nurse",
    }
    return Admit(**(usual | said))


def questionable(value: float) -> MetricReading:
    """A value that the device doubts."""
    return MetricReading(value=value, validity=Validity.QUESTIONABLE)


def ms(at_s: float) -> int:
    """Gateway milliseconds of a second of the test."""
    return T0_MS + round(at_s * 1000)


def seconds(at_ms: int) -> float:
    """And back."""
    return (at_ms - T0_MS) / 1000


class Change(NamedTuple):
    """An alarm transition, as tests compare it."""

    at_s: float
    rule_id: str
    phase: str
    condition: str
    to: str


class Bedside:
    """A ward in which one patient lies in `BED`."""

    def __init__(
        self, *, profile: AlarmProfile = IL2, admitted: bool = True, limits: Mapping[str, float] | None = None
    ) -> None:
        self.ward = Ward(profile)
        self.effects: list[object] = []
        """Of all entries so far."""
        self.latest: list[object] = []
        """Of the latest entry."""
        self._next_seq: dict[tuple[DeviceId, str], int] = {}
        if admitted:
            self.admit(0, limits=limits)

    # --- entries ------------------------------------------------------------------------------------------------------

    def obs(
        self,
        at_s: float,
        metrics: Mapping[str, MetricValue],
        *,
        device: str = "mon1",
        bed: BedId = BED,
        boot: str = "boot",
        seq: int | None = None,
        device_s: float | Callable[[float], float | None] | None = lambda at_s: at_s,
    ) -> list[object]:
        """An observation received at `at_s`; numbered next unless `seq` is given; `device_s` is the device's clock."""
        device_id = DeviceId(bed.unit, bed.bed, device)
        seq = self.next_seq(device_id, boot) if seq is None else seq
        said_s = device_s(at_s) if callable(device_s) else device_s
        message = ObsMessage(boot, seq, None if said_s is None else ms(said_s), metrics)
        return self.message(at_s, device_id, message)

    def next_seq(self, device_id: DeviceId, boot: str = "boot") -> int:
        """The device's next sequence number; asking uses it up."""
        seq = self._next_seq.get((device_id, boot), 0)
        self._next_seq[device_id, boot] = seq + 1
        return seq

    def every_second(
        self, span: Iterable[int], metrics: Mapping[str, MetricValue] | Callable[[int], Mapping[str, MetricValue]]
    ) -> None:
        """The monitor reports each second."""
        for at_s in span:
            self.obs(at_s, metrics(at_s) if callable(metrics) else metrics)

    def status(
        self, at_s: float, state: str, *, device: str = "mon1", kind: str = "monitor", bed: BedId = BED
    ) -> list[object]:
        """The device, or its will, says what it is."""
        return self.message(at_s, DeviceId(bed.unit, bed.bed, device), StatusMessage(state, kind))

    def event(
        self, at_s: float, event: str, phase: str = "tpoint", *, device: str = "mon1", seq: int | None = None
    ) -> list[object]:
        """A device event."""
        device_id = DeviceId(BED.unit, BED.bed, device)
        seq = self.next_seq(device_id) if seq is None else seq
        return self.message(at_s, device_id, EventMessage("boot", seq, ms(at_s), event, phase))

    def message(self, at_s: float, device: DeviceId, message: DeviceMessage) -> list[object]:
        """Any message that follows the grammar."""
        topic = f"icu/v1/{device.unit}/{device.bed}/{device.device}/obs"
        return self._note(self.ward.message(Decoded(device, message), topic, ms(at_s)))

    def garbage(self, at_s: float, *, device: str | None = "mon1") -> list[object]:
        """A message that does not follow the grammar."""
        device_id = None if device is None else DeviceId(BED.unit, BED.bed, device)
        return self._note(self.ward.reject(Rejected("not_json", "no JSON", device_id), "icu/v1/x", ms(at_s)))

    def tick(self, at_s: float) -> list[object]:
        """Time has come this far."""
        return self._note(self.ward.advance(ms(at_s)))

    def command(self, at_s: float, command: Command) -> CommandApplied | CommandRefused:
        """A command, and what became of it."""
        name = type(command).__name__.lower()
        effects = self._note(self.ward.command(command, name, {}, ms(at_s)))
        (answer,) = (each for each in effects if isinstance(each, CommandApplied | CommandRefused))
        return answer

    def admit(
        self,
        at_s: float,
        *,
        bed: BedId = BED,
        admission_id: str = "adm-1",
        limits: Mapping[str, float] | None = None,
    ) -> CommandApplied | CommandRefused:
        """A patient comes."""
        return self.command(at_s, to_admit(bed=bed, admission_id=admission_id, limits=limits or {}))

    def transfer(self, at_s: float, bed: BedId = OTHER_BED) -> CommandApplied | CommandRefused:
        """The patient moves."""
        return self.command(at_s, Transfer(admission_id="adm-1", bed=bed, actor="nurse"))

    def discharge(self, at_s: float, admission_id: str = "adm-1") -> CommandApplied | CommandRefused:
        """The patient leaves."""
        return self.command(at_s, Discharge(admission_id=admission_id, actor="nurse"))

    def chart(
        self, at_s: float, metrics: Mapping[str, MetricValue], *, determined_s: float | None = None
    ) -> CommandApplied | CommandRefused:
        """Values that somebody determined."""
        determined_ms = None if determined_s is None else ms(determined_s)
        return self.command(
            at_s, Chart(admission_id="adm-1", determined_ms=determined_ms, metrics=metrics, actor="nurse")
        )

    def acknowledge(self, at_s: float, alarm_id: str) -> CommandApplied | CommandRefused:
        """Somebody has seen an alarm."""
        return self.command(at_s, Acknowledge(alarm_id=alarm_id, note="seen", actor="nurse"))

    def link(self, at_s: float, *, is_up: bool) -> CommandApplied | CommandRefused:
        """The broker came or went."""
        return self.command(at_s, Link(is_up=is_up, actor="vigil"))

    def course(self, at_s: float, admission_id: str = "adm-1") -> CommandApplied | CommandRefused:
        """A course is ordered."""
        command = Course(
            admission_id=admission_id,
            drug="aldesleukin",
            dose_iu_per_kg=600_000,
            interval_h=8,
            max_doses=14,
            duration_min=15,
            first_dose_ms=ms(at_s),
            cycle=None,
            actor="nurse",
        )
        return self.command(at_s, command)

    def _note(self, effects: list[object]) -> list[object]:
        self.latest = effects
        self.effects += effects
        return effects

    # --- what came of it ----------------------------------------------------------------------------------------------

    @property
    def transitions(self) -> list[AlarmTransition]:
        """Every alarm transition so far."""
        return [each for each in self.effects if isinstance(each, AlarmTransition)]

    def changes(self, rule_id: str = "") -> list[Change]:
        """Transitions of the rules whose id begins so."""
        return [
            Change(
                seconds(each.at_ms),
                each.alarm.rule_id,
                each.phase.value,
                each.alarm.condition.value,
                each.to.value,
            )
            for each in self.transitions
            if each.alarm.rule_id.startswith(rule_id)
        ]

    def starts(self, rule_id: str = "") -> list[float]:
        """Seconds at which alarms of these rules began."""
        return [change.at_s for change in self.changes(rule_id) if change.phase == "start"]

    def active(self, rule_id: str) -> list[Alarm]:
        """Alarms of these rules that are announced now."""
        alarms = (alarm for stay in self.ward.stays.values() for alarm in stay.book.active.values())
        return [alarm for alarm in alarms if alarm.rule_id.startswith(rule_id)]

    def alarm(self, rule_id: str) -> Alarm:
        """The one alarm of these rules that is announced now."""
        (alarm,) = self.active(rule_id)
        return alarm

    @property
    def rejections(self) -> list[InputRejected]:
        """Every rejection so far, of messages and of single metrics."""
        return [each for each in self.effects if isinstance(each, InputRejected)]

    @property
    def stored(self) -> list[Sample]:
        """Metric samples of the latest entry."""
        return [sample for each in self.latest if isinstance(each, SamplesAccepted) for sample in each.metrics]

    @property
    def spoken(self) -> list[Sample]:
        """Signal samples of the latest entry."""
        return [sample for each in self.latest if isinstance(each, SamplesAccepted) for sample in each.signals]

    def speaker(self, signal: str, bed: BedId = BED) -> tuple[str, float | str | None] | None:
        """Metric and value that speak for a signal, or None when nobody does."""
        slot = self.ward.beds[bed].slots.get(signal)
        return None if slot is None or slot.source is None else (slot.source.name, slot.source.value)
