"""All infusions of one stay: the pumps at the bed, the doses, the pressors, and what is wrong with any of them.

A device that reports a metric of a pump is a pump, whatever it says it is. What a person charts is a pump for each drug
charted: charting one does not end the other. When the patient moves, the pumps of the bed stay behind; what they have
delivered counts all the same.

It is told the instant of every question; nothing here looks at a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streaming.criteria.facts import Reading, Sample, Total
from streaming.durations import HOUR_MS
from streaming.identity import CHART_DEVICE
from streaming.observation import EventMessage, Validity
from streaming.therapy.doses import DoseRecord
from streaming.therapy.drugs import Drug, drug_named
from streaming.therapy.findings import (
    InfusionFinding,
    InfusionLimits,
    dose_findings,
    doses_change_ms,
    pump_findings,
)
from streaming.therapy.fluids import intake
from streaming.therapy.history import SignalHistory
from streaming.therapy.infusion import FRESH_MS, GONE_MS, LABEL, PUMP_METRICS, Pump, Report
from streaming.therapy.pressors import SIGNAL_OF, dose_of, pressor, ran_at
from streaming.therapy.watch import NOT_INFUSING, OFFLINE, PumpWatch, Stop, rising_finding

if TYPE_CHECKING:
    from streaming.device import Device

_NEVER_TOLD = (0.0, Validity.NOT_AVAILABLE)
PUMPS_MAX = 64
"""Pumps of one stay, those left behind included; what further ones say is not looked at. [D]"""


class Infusions:
    """The pumps of one stay and what came of them."""

    __slots__ = ("_began_ms", "_left", "_pumps", "_rates", "_samples", "_told", "_watch", "_weight_kg", "doses")

    def __init__(self, began_ms: int, weight_kg: float) -> None:
        self._began_ms = began_ms
        self._weight_kg = weight_kg
        """Dosing weight."""
        self.doses = DoseRecord(weight_kg)
        self._pumps: dict[str, Pump] = {}
        self._left: list[Pump] = []
        """Those that stayed behind when the patient moved."""
        self._rates: dict[Drug, SignalHistory] = {}
        """How much of each pressor ran."""
        self._samples: list[tuple[str, int, float, Validity]] = []
        """What the reports since `take_samples` made of the pressors, for the time series."""
        self._told: dict[Drug, tuple[float | str, Validity] | None] = {}
        """What was known of each pressor when `rates_changed` was last asked."""
        self._watch = PumpWatch()

    # --- what comes in ------------------------------------------------------------------------------------------------

    def take(self, device: Device, now_ms: int) -> bool:
        """Look at a device after a message of it; False when it said nothing new of an infusion.

        While a dose runs, each report is new: it says how much is in.
        """
        channels = device.channels
        if not any(metric in channels for metric in PUMP_METRICS):
            return False
        name, since_ms = device.id.device, -1
        label = channels.get(LABEL)
        if name == CHART_DEVICE and label is not None and label.value is not None:
            name, since_ms = f"{CHART_DEVICE} {drug_named(str(label.value)) or label.value}", label.at_ms
        pump = self._pump(name)
        if pump is None:
            return False
        drug_before, was_silent = pump.drug, pump.is_silent(now_ms)
        stop = self._stop_of(pump, now_ms, NOT_INFUSING) if pump.may_stop(channels) else None
        report = pump.take(channels, is_charted=device.kind == "chart", since_ms=since_ms)
        if report is None:
            return False
        self._watch.take(pump, report, stop._replace(at_ms=report.at_ms) if stop is not None else None)
        self._take_dose(pump, report, drug_before)
        if report.is_another_program or was_silent:
            self._note_rates(report, dict.fromkeys((drug_before, pump.drug)), now_ms)
        self._sample(pump, report, now_ms)
        is_giving = pump.drug is Drug.ALDESLEUKIN and (pump.is_infusing or report.was_infusing)
        return is_giving or was_silent or report.began_anew or report.is_another_program

    def event(self, device: Device, message: EventMessage, at_ms: int) -> None:
        """Take an event of a pump."""
        self._watch.event(device.id.device, message.event, message.phase, at_ms)

    def offline(self, device: Device, now_ms: int) -> None:
        """A device says that it is gone."""
        pump = self._pumps.get(device.id.device)
        stop = self._stop_of(pump, now_ms, OFFLINE) if pump is not None else None
        if stop is not None:
            self._watch.stopped(device.id.device, stop)

    def leave_bed(self, now_ms: int) -> None:
        """The patient moves."""
        for name, pump in list(self._pumps.items()):
            if name.startswith(CHART_DEVICE):
                continue
            self.doses.leave(name, now_ms)
            self._watch.leave(name)
            pump.leave()
            self._left.append(self._pumps.pop(name))

    # --- what there is to know ----------------------------------------------------------------------------------------

    @property
    def pumps(self) -> tuple[Pump, ...]:
        """Every pump at the bed that has said something during the stay."""
        return tuple(self._pumps.values())

    @property
    def every_pump(self) -> tuple[Pump, ...]:
        """Those of `pumps`, and those that stayed behind when the patient moved."""
        return (*self._pumps.values(), *self._left)

    def rate(self, drug: Drug, now_ms: int) -> Reading | None:
        """How much of a pressor runs; None when that is unknown."""
        return pressor(drug, self._pumps.values(), now_ms, self._weight_kg)

    def rates_changed(self, now_ms: int) -> list[str]:
        """The signals of the pressors of which something else is known than when this was last asked."""
        changed = []
        for drug, signal in SIGNAL_OF.items():
            reading = self.rate(drug, now_ms)
            told = (reading.value, reading.validity) if reading is not None else None
            if self._told.get(drug, _NEVER_TOLD) != told:
                self._told[drug] = told
                changed.append(signal)
        return changed

    def take_samples(self) -> list[tuple[str, int, float, Validity]]:
        """(signal, instant, value, validity) of the pressors, for each report since the last call."""
        samples, self._samples = self._samples, []
        return samples

    def rates(self, drug: Drug) -> SignalHistory | None:
        """How much of a pressor ran, a value for each change; None when no pump ever reported it."""
        return self._rates.get(drug)

    def fresh_ms(self, drug: Drug) -> int:
        """How long what the pumps say of a drug is believed."""
        return max((pump.fresh_ms for pump in self._pumps.values() if pump.drug is drug), default=FRESH_MS)

    def last_ms(self, drug: Drug) -> int | None:
        """When a pump last said something of a drug, or its rate changed; None when none ever did."""
        said = [pump.at_ms for pump in self._pumps.values() if pump.drug is drug]
        history = self._rates.get(drug)
        if history is not None:
            said.append(history.last_ms)
        return max(said, default=None)

    def intake(self, from_ms: int, to_ms: int) -> Total:
        """mL that the pumps have delivered."""
        return intake([*self._pumps.values(), *self._left], self._began_ms, from_ms, to_ms)

    def findings(self, now_ms: int, limits: InfusionLimits) -> list[InfusionFinding]:
        """What is wrong now. A pair of kind and subject that is not listed does not hold."""
        found = dose_findings(self.doses, now_ms, limits)
        found += pump_findings(self._pumps.values(), self._weight_kg, now_ms, limits)
        found += self._watch.findings(self._pumps, now_ms, limits)
        return found + [self._rising(drug, history, now_ms, limits) for drug, history in self._rates.items()]

    def silences(self, now_ms: int) -> list[tuple[str, bool, bool]]:
        """(pump, whether what it said is too old to be believed, whether it is no longer at the bed)."""
        return [(name, pump.is_silent(now_ms), pump.is_gone(now_ms)) for name, pump in self._pumps.items()]

    def due_ms(self, now_ms: int, limits: InfusionLimits) -> int | None:
        """When time alone next changes an answer; None when only an entry can."""
        dues = [self.findings_due_ms(now_ms, limits), self.silence_due_ms(now_ms)]
        return min((due for due in dues if due is not None), default=None)

    def silence_due_ms(self, now_ms: int) -> int | None:
        """When a pump that is heard no more will be too old to be believed, or no longer at the bed."""
        dues = [pump.at_ms + after_ms + 1 for pump in self._pumps.values() for after_ms in (pump.fresh_ms, GONE_MS)]
        return min((due for due in dues if due > now_ms), default=None)

    def findings_due_ms(self, now_ms: int, limits: InfusionLimits) -> int | None:
        """When time alone next changes what is found, the silence of pumps left out."""
        dues = [self.doses.due_ms(now_ms), *doses_change_ms(self.doses, now_ms, limits)]
        dues += self._watch.changes_ms(limits)
        for history in self._rates.values():
            changed = history.after(now_ms - HOUR_MS)
            dues.append(changed.at_ms + HOUR_MS if changed is not None else None)
        return min((due for due in dues if due is not None and due > now_ms), default=None)

    # --- a report -----------------------------------------------------------------------------------------------------

    def _pump(self, name: str) -> Pump | None:
        pump = self._pumps.get(name)
        if pump is None and len(self._pumps) + len(self._left) < PUMPS_MAX:
            pump = self._pumps[name] = Pump(name)
        return pump

    def _take_dose(self, pump: Pump, report: Report, drug_before: Drug | None) -> None:
        if pump.drug is Drug.ALDESLEUKIN:
            self.doses.take(pump, report)
        elif drug_before is Drug.ALDESLEUKIN:
            self.doses.leave(pump.name, report.at_ms)

    def _note_rates(self, report: Report, drugs: Iterable[Drug | None], now_ms: int) -> None:
        """Keep how much of the pressors runs now, where it has changed."""
        for drug in drugs:
            if drug is None or drug not in SIGNAL_OF:
                continue
            reading = self.rate(drug, now_ms)
            if reading is None or isinstance(reading.value, str):
                continue
            history = self._rates.setdefault(drug, SignalHistory(self._began_ms))
            if history.last is None or history.last.value != reading.value:
                history.add(report.at_ms, reading.value)

    def _sample(self, pump: Pump, report: Report, now_ms: int) -> None:
        signal = SIGNAL_OF.get(pump.drug) if pump.drug is not None else None
        reading = self.rate(pump.drug, now_ms) if pump.drug is not None and signal is not None else None
        if signal is not None and reading is not None and not isinstance(reading.value, str):
            self._samples.append((signal, report.at_ms, reading.value, reading.validity))

    def _stop_of(self, pump: Pump, now_ms: int, reason: str) -> Stop | None:
        """What is to be noted if the pump stops now."""
        if pump.drug is None or not pump.is_infusing:
            return None
        history = self._rates.get(pump.drug)
        peak = history.highest(now_ms - HOUR_MS) if history is not None else None
        dose = dose_of(pump, now_ms, self._weight_kg)
        return Stop(pump.drug, now_ms, reason, dose, peak.value if peak is not None else None)

    def _rising(self, drug: Drug, history: SignalHistory, now_ms: int, limits: InfusionLimits) -> InfusionFinding:
        an_hour_ago_ms = now_ms - HOUR_MS
        earlier = ran_at(history, an_hour_ago_ms)
        before = earlier.value if earlier is not None else None
        if before is None and an_hour_ago_ms >= self._began_ms:
            before = 0.0  # no pump reported it
        now: Sample | None = history.last if self.rate(drug, now_ms) is not None else None
        return rising_finding(drug, now, before, now_ms, limits)
