"""From a TOML table to a predicate: `{ kind = "limit", signal = "sbp", below = 90 }`.

Every kind names its fields; what is missing, misspelt or impossible is an error that says where. Durations are written
in seconds (`window_s`), kept in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streaming.criteria.kinds import (
    LEAST_COVERAGE,
    Absent,
    AllOf,
    AnyKnown,
    AnyOf,
    AtLeastOf,
    BaselineChange,
    Bounds,
    Burden,
    Consecutive,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    Limit,
    LowFlow,
    OrAlso,
    Predicate,
    Recurrence,
    RhythmEventSeen,
    RhythmIs,
    RhythmPresent,
    RiseFromLowest,
    StateIs,
    StateLasting,
    Trend,
    WindowTotal,
)
from streaming.nomenclature import CHARTED_STATES, METRICS, SIGNAL_UNITS
from streaming.rules.table import ProfileError, Table

TOTALS = ("urine_ml", "intake_ml", "site:diarrhea_ml_8h")
"""What `Facts.total` adds up."""
BASELINES = ("sbp", "map", "hr", "creatinine", "weight")
NUMBERS = tuple(name for name in SIGNAL_UNITS if name not in CHARTED_STATES)
RHYTHM = "site:rhythm"
UNDECIDING = frozenset({"unknown"})
"""Charted values that say that nobody knows."""
YEAR_S = 366 * 86_400
_LOWER = ("above", "at_least")
_UPPER = ("below", "at_most")


def parse_predicate(fields: object, where: str) -> Predicate:
    """Read one predicate and whatever it is made of.

    Raises:
        ProfileError: It is none; the message names `where` and the field.
    """
    table = Table(where, fields)
    kind = table.text("kind", _KINDS)
    predicate = _KINDS[kind](table)
    table.end()
    return predicate


def _bounds(table: Table) -> Bounds:
    """The first bound in the file is the one shown."""
    names = [name for name in table.names() if name in (*_LOWER, *_UPPER)]
    lower, upper = [n for n in names if n in _LOWER], [n for n in names if n in _UPPER]
    if not names or len(lower) > 1 or len(upper) > 1:
        raise ProfileError(
            f"{table.where}: needs one of `above`, `at_least`, one of `below`, `at_most`, or one of each for a band"
        )
    values = {name: table.number(name) for name in names}
    if lower and upper and values[lower[0]] >= values[upper[0]]:
        raise ProfileError(f"{table.where}: `{lower[0]}` must be less than `{upper[0]}`")
    return Bounds(
        above=values.get("above"),
        at_least=values.get("at_least"),
        below=values.get("below"),
        at_most=values.get("at_most"),
        shown=values[names[0]],
    )


def _ms(table: Table, name: str, *, low: float = 1) -> int:
    return round(table.number(name, low=low, high=YEAR_S) * 1000)


def _optional_ms(table: Table, name: str) -> int | None:
    return _ms(table, name) if name in table else None


def _flag(table: Table, name: str) -> bool:
    return read_flag(table, name, default=False)


def read_flag(table: Table, name: str, *, default: bool) -> bool:
    """`true` or `false`; `default` where there is none."""
    if name not in table:
        return default
    field = table.take(name)
    if not isinstance(field, bool):
        raise table.error(name, "must be true or false")
    return field


def _coverage(table: Table) -> float:
    found = table.optional_number("least_coverage", low=0, high=1)
    return LEAST_COVERAGE if found is None else found


def _states(table: Table, signal: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The states that hold, and those that clear: all others of the enumeration unless they are named."""
    allowed = METRICS[signal].values
    assert allowed is not None
    states = table.texts("is", sorted(allowed))
    if not states:
        raise table.error("is", "must name at least one state")
    clear = table.texts("clear", sorted(allowed)) or tuple(sorted(allowed - UNDECIDING - set(states)))
    both = sorted(set(states) & set(clear))
    if both:
        raise table.error("clear", f"names {', '.join(both)}, which `is` names as well")
    return states, clear


def _limit(table: Table) -> Limit:
    predicate = Limit(
        signal=table.text("signal", NUMBERS),
        bounds=_bounds(table),
        patient_limit=table.optional_text("patient_limit"),
        is_per_kg=_flag(table, "per_kg"),
        fresh_ms=_optional_ms(table, "fresh_s"),
    )
    if predicate.patient_limit is not None and (predicate.bounds.is_band or predicate.is_per_kg):
        raise table.error("patient_limit", "cannot replace a band, nor a limit per kilogram")
    return predicate


def _baseline_change(table: Table) -> BaselineChange:
    return BaselineChange(
        signal=table.text("signal", NUMBERS),
        baseline=table.text("baseline", BASELINES),
        bounds=_bounds(table),
        is_percent=_flag(table, "percent"),
    )


def _trend(table: Table) -> Trend:
    predicate = Trend(
        signal=table.text("signal", NUMBERS),
        bounds=_bounds(table),
        over_ms=_ms(table, "over_s"),
        assumed=table.optional_number("assumed"),
        baseline=table.text("baseline", BASELINES) if "baseline" in table else None,
        is_per_hour=_flag(table, "per_hour"),
    )
    if predicate.assumed is not None and predicate.baseline is not None:
        raise table.error("assumed", "cannot stand beside `baseline`")
    return predicate


def _fall_from_peak(table: Table) -> FallFromPeak:
    return FallFromPeak(signal=table.text("signal", NUMBERS), bounds=_bounds(table), within_ms=_ms(table, "within_s"))


def _rise_from_lowest(table: Table) -> RiseFromLowest:
    return RiseFromLowest(signal=table.text("signal", NUMBERS), bounds=_bounds(table), within_ms=_ms(table, "within_s"))


def _window_total(table: Table) -> WindowTotal:
    return WindowTotal(
        signal=table.text("signal", TOTALS),
        bounds=_bounds(table),
        window_ms=_ms(table, "window_s"),
        is_per_kg=_flag(table, "per_kg"),
        least_coverage=_coverage(table),
    )


def _low_flow(table: Table) -> LowFlow:
    return LowFlow(
        signal=table.text("signal", NUMBERS),
        total=table.text("total", TOTALS),
        below=table.number("below", low=0),
        window_ms=_ms(table, "window_s", low=7200),
        is_per_kg=_flag(table, "per_kg"),
        least_coverage=_coverage(table),
    )


def _burden(table: Table) -> Burden:
    return Burden(
        signal=table.text("signal", NUMBERS),
        limit=table.number("limit", low=0),
        is_average=table.text("measure", ("minutes", "average")) == "average",
        bounds=_bounds(table),
        window_ms=_ms(table, "window_s"),
        least_coverage=_coverage(table),
        patient_limit=table.optional_text("patient_limit"),
    )


def _state(table: Table) -> StateIs:
    signal = table.text("signal", CHARTED_STATES)
    states, clear = _states(table, signal)
    return StateIs(signal=signal, states=states, clear=clear, fresh_ms=_optional_ms(table, "fresh_s"))


def _lasting(table: Table) -> StateLasting:
    signal = table.text("signal", CHARTED_STATES)
    states, clear = _states(table, signal)
    return StateLasting(signal=signal, states=states, clear=clear, longer_than_ms=_ms(table, "longer_than_s"))


def _rhythm(table: Table) -> RhythmIs:
    states, clear = _states(table, RHYTHM)
    return RhythmIs(states=states, clear=clear, within_ms=_ms(table, "within_s"))


def _rhythm_event(table: Table) -> RhythmEventSeen:
    rhythms = sorted(METRICS[RHYTHM].values or ())
    predicate = RhythmEventSeen(
        rhythms=table.texts("rhythms", rhythms),
        beats_at_least=table.integer("beats_at_least", low=1, high=10_000),
        duration_at_least_s=table.number("duration_at_least_s", low=0),
        duration_below_s=table.number("duration_below_s", low=0),
        charted=table.texts("charted", rhythms),
        within_ms=_ms(table, "within_s"),
    )
    if not predicate.rhythms:
        raise table.error("rhythms", "must name at least one rhythm")
    if predicate.duration_below_s > predicate.duration_at_least_s:
        raise table.error("duration_below_s", "must not exceed `duration_at_least_s`")
    return predicate


def _highest(table: Table) -> HighestInInterval:
    return HighestInInterval(
        signal=table.text("signal", NUMBERS), bounds=_bounds(table), longest_ms=_ms(table, "longest_s")
    )


def _interval_change(table: Table) -> IntervalChange:
    return IntervalChange(signal=table.text("signal", NUMBERS), bounds=_bounds(table), within_ms=_ms(table, "within_s"))


def _rhythm_present(table: Table) -> RhythmPresent:
    states, clear = _states(table, RHYTHM)
    return RhythmPresent(
        states=states,
        clear=clear,
        beats_at_least=table.integer("beats_at_least", low=1, high=10_000) if "beats_at_least" in table else 1,
        duration_at_least_s=table.optional_number("duration_at_least_s", low=0) or 0.0,
        told_ms=_ms(table, "told_s"),
        lasting_ms=_ms(table, "lasting_s"),
    )


def _recurrence(table: Table) -> Recurrence:
    signal = table.text("signal", CHARTED_STATES)
    states, _ = _states(table, signal)
    return Recurrence(
        signal=signal,
        states=states,
        times=table.integer("times", low=1, high=100),
        within_ms=_ms(table, "within_s"),
    )


def _consecutive(table: Table) -> Consecutive:
    predicate = Consecutive(
        signal=table.text("signal", NUMBERS),
        bounds=_bounds(table),
        apart_from_ms=_ms(table, "apart_from_s"),
        apart_to_ms=_ms(table, "apart_to_s"),
    )
    if predicate.apart_from_ms > predicate.apart_to_ms:
        raise table.error("apart_from_s", "must not exceed `apart_to_s`")
    return predicate


def _absent(table: Table) -> Absent:
    return Absent(signal=table.text("signal", SIGNAL_UNITS), fresh_ms=_optional_ms(table, "fresh_s"))


def _disagreement(table: Table) -> Disagreement:
    return Disagreement(
        signal=table.text("signal", NUMBERS),
        other=table.text("other", NUMBERS),
        bounds=_bounds(table),
        within_ms=_ms(table, "within_s"),
    )


def _parts(table: Table) -> tuple[Predicate, ...]:
    parts = table.tables("of")
    if len(parts) < 2:
        raise table.error("of", "must hold at least two predicates")
    return tuple(parse_predicate(part, f"{table.where}, of[{number}]") for number, part in enumerate(parts))


def _all_of(table: Table) -> AllOf:
    return AllOf(of=_parts(table))


def _any_of(table: Table) -> AnyOf:
    return AnyOf(of=_parts(table))


def _any_known(table: Table) -> AnyKnown:
    return AnyKnown(of=_parts(table))


def _or_also(table: Table) -> OrAlso:
    return OrAlso(of=_parts(table))


def _at_least_of(table: Table) -> AtLeastOf:
    times = table.integer("times", low=1, high=100)
    parts = _parts(table)
    if times > len(parts):
        raise table.error("times", f"must not exceed the number of parts, {len(parts)}")
    return AtLeastOf(times=times, of=parts)


_KINDS: Mapping[str, Callable[[Table], Predicate]] = {
    "limit": _limit,
    "baseline_change": _baseline_change,
    "trend": _trend,
    "fall_from_peak": _fall_from_peak,
    "rise_from_lowest": _rise_from_lowest,
    "total": _window_total,
    "low_flow": _low_flow,
    "burden": _burden,
    "state": _state,
    "lasting": _lasting,
    "rhythm": _rhythm,
    "rhythm_event": _rhythm_event,
    "rhythm_present": _rhythm_present,
    "highest_in_interval": _highest,
    "interval_change": _interval_change,
    "recurrence": _recurrence,
    "consecutive": _consecutive,
    "absent": _absent,
    "disagreement": _disagreement,
    "all_of": _all_of,
    "any_of": _any_of,
    "any_known": _any_known,
    "or_also": _or_also,
    "at_least_n_of": _at_least_of,
}

PREDICATE_KINDS: tuple[str, ...] = tuple(_KINDS)
"""The closed set, as a profile names it."""
