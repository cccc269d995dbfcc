"""From the `example` tables of an infusion rule to stories, with complaints that name file, rule, example and field.

A pump is told in a few words; each is one of its metrics. `dose = 105` is a program: so many percent of the order in a
bag of 50 mL over 15 minutes, begun; other words beside it say what differs. It tells nothing of its own and runs
nothing: `streaming.rules.infusion_examples` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeGuard

from streaming.criteria.criterion import DoseLimits
from streaming.criteria.dose_limits import read_dose_limits
from streaming.criteria.predicates import read_flag
from streaming.nomenclature import METRICS, MetricKind
from streaming.rules.fields import OUTCOMES
from streaming.rules.kinds import InfusionExample, PumpWord
from streaming.rules.table import ProfileError, Table
from streaming.therapy.findings import InfusionLimits
from streaming.therapy.infusion import CONCENTRATION, DOSE_RATE, LABEL, RATE, STATUS, TO_BE_INFUSED, VOLUME, WEIGHT
from streaming.therapy.watch import PUMP_ALARMS
from streaming.units import conversion

METRIC_OF: Mapping[str, str] = MappingProxyType(
    {
        "drug": LABEL,
        "status": STATUS,
        "rate": RATE,
        "dose_rate": DOSE_RATE,
        "concentration": CONCENTRATION,
        "volume": VOLUME,
        "to_be_infused": TO_BE_INFUSED,
        "weight": WEIGHT,
    }
)
"""What a pump says, in short."""
STATUS_WORDS: Mapping[str, str] = MappingProxyType(
    {"infusing": "pump-status-infusing", "stopped": "pump-status-not-infusing"}
)
SILENT = "silent"
OFFLINE = "offline"
CHART = "chart"
"""The pump of this name is no pump: a person writes down what one does."""
EVENT_PHASES = ("start", "end", "tpoint")
DECISIONS = ("proceed", "indeterminate", "hold", "discontinue")
BAG_ML = 50.0
DOSE_MIN = 15.0
ORDER: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "dose_iu_per_kg": (600_000, 1, 10_000_000),
        "interval_h": (8, 0.5, 168),
        "max_doses": (14, 1, 100),
        "duration_min": (15, 1, 1440),
    }
)
"""Field of an order → (what it is unless said otherwise, least, most)."""
MINUTES_MAX = 3 * 24 * 60
DOSES_BEFORE_MAX = 100
_USUAL = InfusionLimits()
USUAL_DOSES: Mapping[str, Any] = MappingProxyType(
    {
        "per_cycle": _USUAL.cycle_doses_max,
        "per_course": _USUAL.course_doses_max,
        "min_interval_h": _USUAL.interval_low_h,
        "min_duration_min": _USUAL.duration_min_low,
        "max_duration_min": _USUAL.duration_min_high,
        "tolerance_pct": _USUAL.dose_within_percent,
        "concentration_low_mg_ml": _USUAL.concentration_low_mg_ml,
        "concentration_high_mg_ml": _USUAL.concentration_high_mg_ml,
        "max_pause_min": _USUAL.paused_max_min,
        "given_up_after_min": _USUAL.given_up_after_min,
        "weight_tolerance_pct": _USUAL.weight_within_percent,
        "told_for_h": _USUAL.told_for_h,
        "pressor_rise_pct": _USUAL.rising_percent,
        "weaned_to_share": _USUAL.weaned_to_share,
        "weaned_to": {drug.value: rate for drug, rate in _USUAL.weaned_to.items()},
        "reference": "usual",
    }
)
"""A `[doses]` table with the usual numbers."""
_Says = Mapping[str, PumpWord] | str


def read_story(where: str, body: Mapping[str, Any]) -> InfusionExample:
    """Read one example of an infusion rule.

    Raises:
        ProfileError: It is none.
    """
    table = Table(f"{where}, example", dict(body))
    story = table.text("story")
    table.where = f"{where}, example {story!r}"
    weight_kg = table.optional_number("dosing_weight_kg", low=25, high=350)
    order = _order(table.table("order")) if read_flag(table, "course", default=True) else None
    example = InfusionExample(
        story=story,
        order=order,
        dosing_weight_kg=80.0 if weight_kg is None else weight_kg,
        doses_before=table.integer("doses_before", low=0, high=DOSES_BEFORE_MAX) if "doses_before" in table else 0,
        pumps=_pumps(table.table("pumps")),
        weighed=tuple((at, _kilograms(table, kg)) for at, kg in _timed(table, "weighed")),
        decisions=_decisions(table),
        doses=_doses(table),
        expect=tuple((at, _word(table, "expect", said, OUTCOMES)) for at, said in _timed(table, "expect")),
    )
    table.end()
    _check(table, example)
    return example


def stated_doses(where: str, doses: Mapping[str, Any]) -> DoseLimits:
    """The limits on doses of an example: the usual ones but for those it names.

    Raises:
        ProfileError: They are none.
    """
    fields = {**USUAL_DOSES, **doses}
    if isinstance(doses.get("weaned_to"), dict):
        fields["weaned_to"] = {**USUAL_DOSES["weaned_to"], **doses["weaned_to"]}
    return read_dose_limits(Table(f"{where}, `doses`", fields))


def dose_words(percent: float, order: Mapping[str, float] | None, weight_kg: float) -> dict[str, PumpWord]:
    """What a pump says that begins a dose of so many percent of the order, or of the usual order without one."""
    iu_per_kg = order["dose_iu_per_kg"] if order is not None else ORDER["dose_iu_per_kg"][0]
    volume_ml = BAG_ML * percent / 100
    return {
        "drug": "Proleukin",
        "status": "infusing",
        "concentration": (iu_per_kg * weight_kg / BAG_ML, "[IU]/mL"),
        "rate": volume_ml / DOSE_MIN * 60,
        "volume": 0.0,
        "to_be_infused": volume_ml,
    }


# --- fields -----------------------------------------------------------------------------------------------------------


def _order(table: Table) -> Mapping[str, float]:
    order = {}
    for name, (usual, low, high) in ORDER.items():
        said = table.optional_number(name, low=low, high=high)
        order[name] = usual if said is None else said
    first = table.optional_number("first_dose_min", low=-MINUTES_MAX, high=MINUTES_MAX)
    table.end()
    return order if first is None else order | {"first_dose_min": first}


def _doses(table: Table) -> Mapping[str, Any]:
    body = table.table("doses")
    doses = {name: body.take(name) for name in body.names()}
    stated_doses(table.where, doses)
    return doses


def _decisions(table: Table) -> tuple[tuple[float, str], ...]:
    """One for the whole story, or `[minute, decision]` pairs."""
    if "decision" not in table:
        return ()
    field = table.take("decision")
    if isinstance(field, str):
        return ((-float(MINUTES_MAX), _word(table, "decision", field, DECISIONS)),)
    pairs = _pairs(table, "decision", field)
    return tuple((at, _word(table, "decision", said, DECISIONS)) for at, said in pairs)


def _word(table: Table, name: str, said: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(said, str) or said not in allowed:
        raise table.error(name, f"is {said!r}; it must be one of {', '.join(allowed)}")
    return said


def _kilograms(table: Table, said: object) -> float:
    if not _is_number(said) or not 10 <= said <= 700:
        raise table.error("weighed", f"is {said!r}; it must be a number of kg from 10 to 700")
    return float(said)


def _timed(table: Table, name: str) -> list[tuple[float, object]]:
    return _pairs(table, name, table.take(name)) if name in table else []


def _pairs(table: Table, name: str, field: object) -> list[tuple[float, object]]:
    """`[minute, …]` pairs, in order of time."""
    pairs: list[Any] = field if isinstance(field, list) else [None]
    if not all(isinstance(each, list) and len(each) == 2 and _is_number(each[0]) for each in pairs):
        raise table.error(name, "must be a list of [minute, what]")
    minutes = [float(at) for at, _ in pairs]
    if minutes != sorted(minutes) or any(abs(at) > MINUTES_MAX for at in minutes):
        raise table.error(name, f"must be in order of time, within {MINUTES_MAX} minutes of 0")
    return [(float(at), what) for at, what in pairs]


def _is_number(said: object) -> TypeGuard[float]:
    return isinstance(said, int | float) and not isinstance(said, bool)


# --- pumps ------------------------------------------------------------------------------------------------------------


def _pumps(table: Table) -> Mapping[str, tuple[tuple[float, _Says], ...]]:
    return {name: tuple((at, _says(table, name, what)) for at, what in _timed(table, name)) for name in table.names()}


def _says(table: Table, pump: str, what: object) -> _Says:
    if isinstance(what, str):
        event, _, phase = what.partition(" ")
        is_event = event in PUMP_ALARMS and phase in EVENT_PHASES
        if pump != CHART and (what in (SILENT, OFFLINE) or is_event):
            return what
        events = ", ".join(PUMP_ALARMS)
        raise table.error(pump, f"is {what!r}; it must be a table, silent, offline, or one of {events} and its phase")
    if not isinstance(what, dict):
        raise table.error(pump, "must say something at each minute")
    words = Table(f"{table.where}, `{pump}`", what)
    return {name: _pump_word(words, name) for name in words.names()}


def _pump_word(table: Table, name: str) -> PumpWord:
    if name == "dose":
        return table.number(name, low=1, high=1000)
    if name not in METRIC_OF:
        raise table.error(name, f"is no word of a pump; there are dose, {', '.join(METRIC_OF)}")
    if name == "status":
        return table.text(name, STATUS_WORDS)
    return table.text(name) if METRICS[METRIC_OF[name]].kind is not MetricKind.NUMERIC else _number(table, name)


def _number(table: Table, name: str) -> float | tuple[float, str]:
    """A number in the metric's own unit, or a number with its unit, as a pump may send it."""
    spec, said = METRICS[METRIC_OF[name]], table.take(name)
    both: list[Any] = said if isinstance(said, list) and len(said) == 2 else [said, spec.unit]
    value, unit = both
    into = conversion(spec, unit) if isinstance(unit, str) else None
    if not _is_number(value) or into is None:
        raise table.error(name, f"must be a number of {spec.unit}, or a number with a unit that fits")
    low, high = (spec.other_units or {}).get(into.unit, (spec.low, spec.high))
    if not low <= into.apply(value) <= high:
        raise table.error(name, f"must be a number from {low:g} to {high:g} {into.unit}")
    return float(value) if unit == spec.unit else (float(value), str(unit))


def _check(table: Table, example: InfusionExample) -> None:
    if not example.expect:
        raise ProfileError(f"{table.where}: must expect something")
    last = example.expect[-1][0]
    ends = {"weighed": example.weighed, "decision": example.decisions, **example.pumps}
    for name, said in ends.items():
        if said and said[-1][0] > last:
            raise table.error(name, f"goes on after the last outcome that is expected, at {last:g} min")
