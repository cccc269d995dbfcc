"""The doses of aldesleukin: what the pumps say was given, against what was ordered.

A dose begins when a pump labelled with the drug infuses, or its volume rises. It is over when the volume to be infused
is in, when the pump has stopped for more than five minutes, or when nothing was heard of it for as long. What runs
within the hour after a dose that was not given in full goes on with that dose, reprogrammed or on another pump as it
may be: then too much is seen as too much, and not as two doses. Which dose it is follows from the time: the nearest one
due, never one that was begun before.

Invariants: a dose that is over is so at its last delivery, whoever asks and whenever, so that the answers do not depend
on when they are asked for; the volume is the sum of the differences of the totals, in millionths of a mL, so that a
pump that counts from 0 again loses nothing. A concentration that nobody told leaves the amount of drug unknown: it is
never taken from the order.

Whether a dose may be given is not decided here, nor whether one that was not begun was held: that is told
(`hold`). Findings about doses are `streaming.therapy.findings`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streaming.commands import Course
from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.therapy.infusion import (
    CONCENTRATION,
    NOISE_ML,
    RATE,
    REMAINING,
    TO_BE_INFUSED,
    VOLUME,
    Pump,
    Report,
)
from streaming.therapy.stretches import MICRO

STOPPED_MS = 5 * MINUTE_MS
"""A dose that stood still for longer is over. [D]"""
GOES_ON_WITHIN_MS = HOUR_MS
"""What runs so long after a dose that was not given in full goes on with it. [D]"""
STARTED_BEFORE_MAX_MS = 2 * HOUR_MS
"""How far back the start of an infusion is reckoned that was running when the pump was first heard. [D]"""
IU_PER_MG = 18_000_000 / 1.1
"""18 million IU are 1.1 mg [V]."""
GIVEN_FROM_PERCENT = 95.0
"""Clinical notes 1.4: dose within 5 % of the order. [D]"""
FULL_ML = 0.05
"""So close to the volume to be infused is all of it: pumps round. [D]"""
DOSES_MAX = 256
"""Doses kept; nobody gets more than 28 in a course."""


class DoseStatus(StrEnum):
    """Where a dose stands (contract, section 3)."""

    DUE = "due"
    RUNNING = "running"
    GIVEN = "given"
    PARTIAL = "partial"
    HELD = "held"
    MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered."""

    dose_iu_per_kg: float
    interval_ms: int
    max_doses: int
    """In this cycle."""
    duration_min: float
    first_dose_ms: int
    cycle: int | None
    ordered_ms: int

    def due_ms(self, number: int) -> int:
        """When a dose is due; they count from 1."""
        return self.first_dose_ms + (number - 1) * self.interval_ms

    def nearest(self, at_ms: int) -> int:
        """The dose that is due nearest to an instant; one that lies in the middle is the later one's."""
        return (at_ms - self.first_dose_ms + self.interval_ms // 2) // self.interval_ms + 1

    def missed_ms(self, number: int) -> int:
        """When a dose that was not begun is missed: an infusion is nearer to the next one from then on."""
        return self.due_ms(number) + self.interval_ms - self.interval_ms // 2

    def is_same_cycle(self, other: Order) -> bool:
        """Whether it corrects the other order rather than following it."""
        if self.cycle is not None and other.cycle is not None:
            return self.cycle == other.cycle
        return self.first_dose_ms < other.due_ms(other.max_doses + 1)


def order_of(course: Course, ordered_ms: int) -> Order:
    """The order that a course command gives."""
    return Order(
        dose_iu_per_kg=course.dose_iu_per_kg,
        interval_ms=round(course.interval_h * HOUR_MS),
        max_doses=course.max_doses,
        duration_min=course.duration_min,
        first_dose_ms=course.first_dose_ms,
        cycle=course.cycle,
        ordered_ms=ordered_ms,
    )


class Dose:
    """One dose as its pump tells it."""

    __slots__ = (
        "_banked_iu",
        "_banked_micro",
        "_ended_ms",
        "_paused_ms",
        "_paused_since_ms",
        "_ran_ms",
        "_silent_after_ms",
        "_volume_micro",
        "cycle",
        "due_ms",
        "heard_ms",
        "is_complete",
        "iu_per_ml",
        "number",
        "ordered_iu",
        "planned_ml",
        "pump",
        "rate_ml_h",
        "reprogrammed_ms",
        "started_ms",
    )

    def __init__(self, pump: Pump, number: int, cycle: int, started_ms: int, ordered_iu: float | None) -> None:
        self.pump = pump.name
        self.number = number
        """Within its cycle, from 1."""
        self.cycle = cycle
        """Which cycle of this stay, from 0."""
        self.due_ms: int | None = None
        """None without an order."""
        self.started_ms = started_ms
        self.ordered_iu = ordered_iu
        self.is_complete = False
        """Whether the volume to be infused is in."""
        self.reprogrammed_ms: int | None = None
        """When the pump was first reprogrammed before the dose was in."""
        self.iu_per_ml: float | None = None
        """Concentration now; None when the pump did not tell."""
        self.planned_ml: float | None = None
        """Volume to be infused, as programmed now."""
        self.rate_ml_h: float | None = None
        """The last rate at which it ran."""
        self._volume_micro = 0
        self._banked_micro = 0
        self._banked_iu = 0.0
        """What was given at concentrations before the present one."""
        self.heard_ms = self._ran_ms = started_ms
        """When its pump was last heard."""
        self._silent_after_ms = max(STOPPED_MS, pump.fresh_ms if pump.is_charted else 0)
        self._paused_since_ms: int | None = None
        self._paused_ms = 0
        self._ended_ms: int | None = None

    # --- what there is to know ----------------------------------------------------------------------------------------

    @property
    def volume_ml(self) -> float:
        """Volume given so far."""
        return self._volume_micro / MICRO

    @property
    def dose_iu(self) -> float | None:
        """Drug given so far; None when its concentration is unknown."""
        rest_micro = self._volume_micro - self._banked_micro
        if rest_micro == 0:
            return self._banked_iu
        return self._banked_iu + rest_micro / MICRO * self.iu_per_ml if self.iu_per_ml is not None else None

    @property
    def percent_of_order(self) -> float | None:
        """Share of the order given so far, two decimals; None when either is unknown."""
        return _percent(self.dose_iu, self.ordered_iu)

    @property
    def planned_percent(self) -> float | None:
        """Share of the order that is programmed; None when volume, concentration or order is unknown."""
        if self.planned_ml is None or self.iu_per_ml is None:
            return None
        return _percent(self.planned_ml * self.iu_per_ml, self.ordered_iu)

    @property
    def planned_min(self) -> float | None:
        """Duration that is programmed: volume to be infused / rate; None when either is unknown."""
        return round(self.planned_ml / self.rate_ml_h * 60, 6) if self.planned_ml and self.rate_ml_h else None

    @property
    def is_full(self) -> bool:
        """Whether so much was given that it counts as given."""
        percent = self.percent_of_order
        return self.is_complete if percent is None else percent >= GIVEN_FROM_PERCENT

    def ended_ms(self, now_ms: int) -> int | None:
        """When it was over; None while it runs."""
        if self._ended_ms is not None:
            return self._ended_ms
        if self._paused_since_ms is not None and now_ms - self._paused_since_ms > STOPPED_MS:
            return self._paused_since_ms
        return self.heard_ms if now_ms - self.heard_ms > self._silent_after_ms else None

    def paused_ms(self, now_ms: int) -> int:
        """How long it stood still between its start and its end, or until now."""
        since_ms = self._paused_since_ms
        if since_ms is None or self.ended_ms(now_ms) is not None:
            return self._paused_ms
        return self._paused_ms + now_ms - since_ms

    def interrupted_ms(self, now_ms: int) -> int:
        """How long it stood still altogether before it was in: the stop that ended it counts too, until now."""
        since_ms = self._paused_since_ms
        return self._paused_ms if since_ms is None or self.is_full else self._paused_ms + now_ms - since_ms

    def is_standing(self, now_ms: int) -> bool:
        """Whether it stands still or is over."""
        return self._paused_since_ms is not None or self.ended_ms(now_ms) is not None

    def is_lost(self, now_ms: int) -> bool:
        """Whether it is over only because its pump is heard no more: whether it runs on nobody knows."""
        return self._ended_ms is None and self._paused_since_ms is None and self.ended_ms(now_ms) is not None

    def changes_ms(self, now_ms: int) -> int | None:
        """When time alone will end it; None when it is over."""
        if self.ended_ms(now_ms) is not None:
            return None
        over_ms = self.heard_ms + self._silent_after_ms
        if self._paused_since_ms is not None:
            over_ms = min(over_ms, self._paused_since_ms + STOPPED_MS)
        return over_ms + 1

    def status(self, now_ms: int) -> DoseStatus:
        """Running, given or partial."""
        if self.ended_ms(now_ms) is None:
            return DoseStatus.RUNNING
        return DoseStatus.GIVEN if self.is_full else DoseStatus.PARTIAL

    # --- what its pump says -------------------------------------------------------------------------------------------

    def may_go_on(self, report: Report) -> bool:
        """Whether what its pump says now is of this dose."""
        if report.is_relabelled or report.at_ms - self._ran_ms > GOES_ON_WITHIN_MS:
            return False
        return not (report.began_anew and self.is_full)

    def may_move(self, report: Report) -> bool:
        """Whether what begins to run on another pump goes on with this dose: it stands still and is not all in."""
        at_ms = report.at_ms
        return self.is_standing(at_ms) and not self.is_full and at_ms - self._ran_ms <= GOES_ON_WITHIN_MS

    def take(self, pump: Pump, report: Report, delivered_ml: float) -> None:
        """Take a report of its pump."""
        at_ms = report.at_ms
        if (report.is_reprogrammed or pump.name != self.pump) and not self.is_full and self.reprogrammed_ms is None:
            self.reprogrammed_ms = at_ms
        self.pump = pump.name
        self._volume_micro += round(delivered_ml * MICRO)
        self._take_program(pump)
        self.heard_ms = max(self.heard_ms, at_ms)
        if pump.is_infusing or delivered_ml > NOISE_ML:
            self._ran_ms = self.heard_ms
        if self._is_all_in(pump):
            self._finish(at_ms)
        elif pump.is_infusing:
            self._ended_ms = None
            self._resume(at_ms)
        elif self._paused_since_ms is None:
            self._paused_since_ms = at_ms

    def end(self, now_ms: int) -> None:
        """It will not go on: something else is on the pump, or the pump has stayed behind."""
        if self._ended_ms is None:
            self._ended_ms = self.ended_ms(now_ms) or self._paused_since_ms or self._ran_ms

    def _finish(self, at_ms: int) -> None:
        self.is_complete = True
        if self._ended_ms is None:
            self._resume(at_ms)
            self._ended_ms = at_ms

    def _resume(self, at_ms: int) -> None:
        if self._paused_since_ms is not None:
            self._paused_ms += at_ms - self._paused_since_ms
            self._paused_since_ms = None

    def _is_all_in(self, pump: Pump) -> bool:
        if self._volume_micro == 0:
            return False
        remaining, total = pump.number(REMAINING), pump.number(VOLUME)
        if remaining is not None:
            return remaining <= FULL_ML
        return self.planned_ml is not None and total is not None and total >= self.planned_ml - FULL_ML

    def _take_program(self, pump: Pump) -> None:
        self.planned_ml = pump.number(TO_BE_INFUSED)
        rate = pump.number(RATE)
        if rate and pump.is_infusing:
            self.rate_ml_h = rate
        iu_per_ml = concentration_iu_per_ml(pump)
        if iu_per_ml == self.iu_per_ml:
            return
        given_iu = self.dose_iu
        if self.iu_per_ml is not None and given_iu is not None:
            # What was given up to now was given at the concentration up to now.
            self._banked_iu, self._banked_micro = given_iu, self._volume_micro
        self.iu_per_ml = iu_per_ml


class DoseRecord:
    """All doses of one stay."""

    __slots__ = ("_doses", "_held", "_running", "cycle", "order", "weight_kg")

    def __init__(self, weight_kg: float) -> None:
        self.weight_kg = weight_kg
        """Dosing weight."""
        self.order: Order | None = None
        self.cycle = 0
        """Which cycle of this stay, from 0."""
        self._doses: list[Dose] = []
        self._running: dict[str, Dose] = {}
        """The last dose of each pump."""
        self._held: dict[int, int] = {}
        """Doses of this cycle that were held, and since when."""

    # --- orders -------------------------------------------------------------------------------------------------------

    def take_order(self, order: Order) -> None:
        """A course is ordered, or corrected."""
        if self.order is not None and not order.is_same_cycle(self.order):
            self.cycle += 1
            self._held = {}
        self.order = order

    def hold(self, number: int, at_ms: int) -> None:
        """A dose that was due is not given because of what the criteria say."""
        self._held.setdefault(number, at_ms)

    @property
    def held_doses(self) -> int:
        """Doses of this cycle that were held and not given after all."""
        begun = {dose.number: None for dose in self.of_cycle}
        return sum(number not in begun for number in self._held)

    # --- pumps --------------------------------------------------------------------------------------------------------

    def take(self, pump: Pump, report: Report) -> None:
        """Take a report of a pump that gives the drug."""
        dose = self._running.get(pump.name)
        if dose is not None and not dose.may_go_on(report):
            self.leave(pump.name, report.at_ms)
            dose = None
        delivered_ml = _of_this_drug(pump, report)
        if dose is None:
            if not pump.is_infusing and delivered_ml <= NOISE_ML:
                return
            dose, report = self._begin(pump, report, delivered_ml), report._replace(is_reprogrammed=False)
            if report.is_first:
                # Heard for the first time: a pump that came along with the patient has this much of the dose behind it.
                delivered_ml = max(0.0, delivered_ml - dose.volume_ml)
        dose.take(pump, report, delivered_ml)

    def leave(self, pump: str, at_ms: int) -> None:
        """A pump gives another drug now, or stays behind when the patient moves."""
        dose = self._running.pop(pump, None)
        if dose is not None:
            dose.end(at_ms)

    def _begin(self, pump: Pump, report: Report, delivered_ml: float) -> Dose:
        last = self.last
        if last is not None and last.cycle == self.cycle and last.may_move(report):
            self._running = {name: dose for name, dose in self._running.items() if dose is not last}
            self._running[pump.name] = last
            return last
        dose = self._new_dose(pump, report.at_ms - _ran_before_ms(pump, report, delivered_ml))
        self._doses.append(dose)
        self._running[pump.name] = dose
        if len(self._doses) > DOSES_MAX:
            del self._doses[0]
        return dose

    def _new_dose(self, pump: Pump, started_ms: int) -> Dose:
        number, order = self.last_number + 1, self.order
        if order is None:
            return Dose(pump, number, self.cycle, started_ms, None)
        number = max(number, order.nearest(started_ms))
        dose = Dose(pump, number, self.cycle, started_ms, order.dose_iu_per_kg * self.weight_kg)
        dose.due_ms = order.due_ms(number)
        return dose

    # --- what there is to know ----------------------------------------------------------------------------------------

    @property
    def all(self) -> tuple[Dose, ...]:
        """Every dose that was begun, in that order."""
        return tuple(self._doses)

    @property
    def of_cycle(self) -> list[Dose]:
        """Those of this cycle."""
        return [dose for dose in self._doses if dose.cycle == self.cycle]

    @property
    def last(self) -> Dose | None:
        """The one begun last."""
        return self._doses[-1] if self._doses else None

    @property
    def last_number(self) -> int:
        """The highest number begun in this cycle; 0 before the first."""
        return max((dose.number for dose in self._doses if dose.cycle == self.cycle), default=0)

    @property
    def interval_began_ms(self) -> int | None:
        """Start of the last dose of this cycle, else of the course; None without either."""
        begun = self.of_cycle
        if begun:
            return begun[-1].started_ms
        return min(self.order.first_dose_ms, self.order.ordered_ms) if self.order is not None else None

    def next_due(self, now_ms: int) -> tuple[int, int] | None:
        """(number, when due) of the dose that comes next; None without an order or when the cycle is over."""
        order = self.order
        if order is None:
            return None
        number = max(1, self.last_number + 1, order.nearest(now_ms))
        while number in self._held:
            number += 1
        return (number, order.due_ms(number)) if number <= order.max_doses else None

    def rows(self, now_ms: int) -> list[dict[str, Any]]:
        """Every dose begun, held, missed or due, in order, for people; instants in milliseconds."""
        rows = [_row_of(dose, now_ms) for dose in self._doses if dose.cycle != self.cycle]
        begun = {dose.number: dose for dose in self.of_cycle}
        expected = range(1, self.order.max_doses + 1) if self.order is not None else range(0)
        for number in sorted(dict.fromkeys([*expected, *begun])):
            dose = begun.get(number)
            rows.append(_row_of(dose, now_ms) if dose is not None else self._row_not_begun(number, now_ms))
        return rows

    def _row_not_begun(self, number: int, now_ms: int) -> dict[str, Any]:
        assert self.order is not None
        status = DoseStatus.DUE
        if number in self._held:
            status = DoseStatus.HELD
        elif number < self.last_number or now_ms >= self.order.missed_ms(number):
            status = DoseStatus.MISSED
        nothing = dict.fromkeys(("started_ms", "ended_ms", "volume_ml", "dose_iu", "percent_of_order", "pump"))
        due_ms = self.order.due_ms(number)
        return {"number": number, "due_ms": due_ms, **nothing, "status": status.value, "pauses_s": 0.0}

    def due_ms(self, now_ms: int) -> int | None:
        """When time alone next changes a dose: it stands still for too long, is heard no more, or is missed."""
        dues = [dose.changes_ms(now_ms) for dose in self._running.values()]
        upcoming = self.next_due(now_ms)
        if upcoming is not None and self.order is not None:
            dues.append(self.order.missed_ms(upcoming[0]))
        return min((due for due in dues if due is not None), default=None)


def concentration_iu_per_ml(pump: Pump) -> float | None:
    """Concentration of the drug on the pump; None when it did not tell."""
    said = pump.said(CONCENTRATION)
    if said is None or isinstance(said.value, str):
        return None
    return said.value if said.unit == "[IU]/mL" else said.value * IU_PER_MG


def _of_this_drug(pump: Pump, report: Report) -> float:
    """How much of what a report says was delivered belongs to the drug on the pump now."""
    if report.is_first:
        return (pump.number(VOLUME) or 0.0) if pump.is_infusing else 0.0
    return 0.0 if report.is_relabelled and not report.began_anew else report.delivered_ml


def _ran_before_ms(pump: Pump, report: Report, delivered_ml: float) -> int:
    """How long an infusion had been running when its pump was first heard."""
    rate = pump.number(RATE)
    if not report.is_first or not rate:
        return 0
    return min(STARTED_BEFORE_MAX_MS, round(delivered_ml / rate * HOUR_MS))


def _percent(iu: float | None, ordered_iu: float | None) -> float | None:
    return round(100 * iu / ordered_iu, 2) if iu is not None and ordered_iu else None


def _row_of(dose: Dose, now_ms: int) -> dict[str, Any]:
    dose_iu = dose.dose_iu
    return {
        "number": dose.number,
        "due_ms": dose.due_ms,
        "started_ms": dose.started_ms,
        "ended_ms": dose.ended_ms(now_ms),
        "volume_ml": round(dose.volume_ml, 2),
        "dose_iu": round(dose_iu) if dose_iu is not None else None,
        "percent_of_order": dose.percent_of_order,
        "pump": dose.pump,
        "status": dose.status(now_ms).value,
        "pauses_s": dose.paused_ms(now_ms) / 1000,
    }
