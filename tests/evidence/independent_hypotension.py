"""Hypotension episodes counted straight from the charted tables, on data frames: nothing of Vigil is used in here.

The description it follows. A *reading* is a charted systolic or mean pressure within its plausible range. An *episode*
of a rule is a run of readings that begins with one below the limit and goes on until one at or above the reset limit,
in which the onset delay has passed and at least two readings 30 s or more apart were taken, at least 80 % of them below
the limit. It is confirmed at the first instant at which all of that holds, and ends with the reading at or above the
reset limit. After more than two hours without a reading everything begins anew.

Three rules that the engine documents besides can be applied one by one (`Also`); an episode that differs is explained
by those of them that make the difference go away, never by words alone.

The tables are charted by the minute. Two values of one minute are one reading, the first; the second may end an
episode, or begin one, all the same. What comes first is the measurement whose first row comes first in the file. A
table charted more finely is refused rather than counted wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import permutations
from pathlib import Path

import polars as pl

LEAST_READINGS = 2
LEAST_SHARE = 0.8
ABANDONED_BELOW_SHARE = 0.5
READING_APART_MS = 30_000
SILENCE_MS = 2 * 3_600_000

PLAUSIBLE_MMHG = {"sbp": (40.0, 280.0), "dbp": (20.0, 200.0), "map": (30.0, 230.0)}
"""Inclusive, for pressures of a cuff or of unstated site (contract, nomenclature)."""

CONNECTED_ABOVE = 10.0
"""mmHg: at or below it no patient is connected."""


@dataclass(frozen=True, slots=True)
class LowPressure:
    """One rule: what is too low, and when it is high enough again."""

    rule_id: str
    signal: str
    below: float
    """mmHg"""
    reset_at: float
    """mmHg"""
    onset_delay_s: int


RULES = (
    LowPressure("hypotension.map_below_65", "map", 65.0, 68.0, 120),
    LowPressure("hypotension.sbp_below_90", "sbp", 90.0, 94.0, 120),
    LowPressure("hypotension.map_below_60", "map", 60.0, 63.0, 60),
    LowPressure("hypotension.sbp_below_80", "sbp", 80.0, 84.0, 60),
    LowPressure("hypotension.map_below_50", "map", 50.0, 53.0, 0),
)


class Also(StrEnum):
    """A rule that the engine documents besides the description above."""

    ARTEFACT = "artefact"
    """Of pressures charted together none is believed when one is implausible, or the mean lies outside diastolic to
    systolic. Where all three were charted, lie in that order, systolic and diastolic above 10 mmHg, and what is
    implausible is only too low, the others are doubtful instead: they count, and never end an episode."""
    ABANDONED = "abandoned"
    """A run that is not confirmed is given up by a reading after which fewer than half were below the limit, or, the
    onset delay having passed, fewer than 80 %. That reading, or the next one below the limit, begins a new run."""
    SILENCE = "silence"
    """What is confirmed outlasts any silence: only a reading clears."""


@dataclass(frozen=True, slots=True)
class Count:
    """What was counted for one rule, and what the counting met on the way."""

    episodes: pl.DataFrame
    """`stay`, `onset_ms`, `confirmed_ms`, `end_ms` (null when no reading ended it), `last_ms` (its last reading)."""
    abandonments: pl.DataFrame
    """`stay`, `row` (of the file), `onset_ms` (of the run), `at_ms`, `readings`, `readings_below`: which reading gave a
    run up."""


def read_pressures(folder: Path) -> pl.DataFrame:
    """The charted pressures, implausible ones left out.

    Returns:
        `stay`, `at_ms`, `row` (of the file), `signal`, `value` (mmHg), `sbp`, `dbp`, `map` (as charted together with
        it, null where not), `is_artefact` (those three cannot all be true), `is_doubtful` (one of them is too low to
        be plausible, as in the sickest patients); by stay, time and measurement.

    Raises:
        ValueError: readings of one stay lie closer together than this count can tell apart.
    """
    compressed, plain = folder / "vitals.csv.gz", folder / "vitals.csv"
    table = pl.read_csv(compressed if compressed.is_file() else plain, infer_schema=False).with_row_index("row")
    instant = pl.col("recorded_dttm").str.to_datetime("%Y-%m-%d %H:%M:%S%:z", time_unit="ms", time_zone="UTC")
    charted = (
        table.filter(pl.col("vital_category").is_in(list(PLAUSIBLE_MMHG)))
        .select(
            "row",
            stay="hospitalization_id",
            at_ms=instant.to_physical(),
            signal="vital_category",
            value=pl.col("vital_value").cast(pl.Float64, strict=False),
        )
        .filter(pl.col("value").is_finite())
        .sort("stay", "at_ms", "row")
        .with_columns(nth=pl.int_range(pl.len()).over("stay", "at_ms", "signal"))
    )
    _refuse_finer_than_a_minute(charted)
    first_row = pl.col("row").min().over("stay", "at_ms", "nth")
    paired = _with_means_paired(charted).with_columns(first_row=first_row).sort("stay", "at_ms", "first_row", "row")
    members = {signal: pl.col("value").filter(pl.col("signal") == signal).first() for signal in PLAUSIBLE_MMHG}
    together = paired.group_by("stay", "at_ms", "nth").agg(**members)
    return (
        paired.join(together, on=["stay", "at_ms", "nth"], how="left", maintain_order="left")
        .filter(
            pl.any_horizontal(
                (pl.col("signal") == signal) & _is_plausible("value", signal) for signal in PLAUSIBLE_MMHG
            )
        )
        .with_columns(
            has_implausible=pl.any_horizontal(~_is_plausible(signal, signal) for signal in PLAUSIBLE_MMHG),
            is_in_order=pl.col("map").is_between("dbp", "sbp"),
        )
        .with_columns(is_doubtful=(pl.col("has_implausible") & _is_merely_low()).fill_null(value=False))
        .with_columns(
            is_artefact=(pl.col("has_implausible") & ~pl.col("is_doubtful"))
            | ~pl.col("is_in_order").fill_null(value=True)
        )
        .select("stay", "at_ms", "row", "signal", "value", *PLAUSIBLE_MMHG, "is_artefact", "is_doubtful")
    )


def silences(pressures: pl.DataFrame, signal: str) -> pl.DataFrame:
    """Times of more than two hours without a reading: `stay`, `from_ms`, `to_ms`."""
    readings = pressures.filter(pl.col("signal") == signal)
    return (
        readings.select("stay", to_ms="at_ms", from_ms=pl.col("at_ms").shift(1).over("stay"))
        .filter(pl.col("to_ms") - pl.col("from_ms") > SILENCE_MS)
        .select("stay", "from_ms", "to_ms")
    )


def count(pressures: pl.DataFrame, rule: LowPressure, also: frozenset[Also] = frozenset()) -> Count:
    """Counts the episodes of one rule.

    Args:
        pressures: as `read_pressures` returns them.
        rule: what is too low.
        also: rules to apply besides the description.
    """
    readings = pressures.filter(pl.col("signal") == rule.signal)
    may_end = pl.lit(value=True)
    if Also.ARTEFACT in also:
        readings = readings.filter(~pl.col("is_artefact"))
        may_end = ~pl.col("is_doubtful")
    judged = readings.select(
        "stay",
        "at_ms",
        "row",
        below=pl.col("value") < rule.below,
        ends=(pl.col("value") >= rule.reset_at) & may_end,
        after_silence=(pl.col("at_ms").diff().over("stay") > SILENCE_MS).fill_null(value=False),
    )
    runs = _runs(judged, [], rule)
    given_up = [_given_up(runs, rule)]
    while Also.ABANDONED in also and given_up[-1].height:
        runs = _runs(judged, given_up, rule)
        given_up.append(_given_up(runs, rule))
    met = pl.concat(given_up).sort("stay", "at_ms") if Also.ABANDONED in also else given_up[0].clear()
    return Count(_episodes(runs, outlast_silence=Also.SILENCE in also), met)


def _is_plausible(column: str, signal: str) -> pl.Expr:
    """Whether the value is believable as that signal; what was not charted is nothing to disbelieve."""
    return pl.col(column).is_between(*PLAUSIBLE_MMHG[signal]).fill_null(value=True)


def _is_merely_low() -> pl.Expr:
    """Whether the three charted together are a patient's, though some may be too low to be plausible."""
    none_too_high = pl.all_horizontal(pl.col(signal) <= high for signal, (_, high) in PLAUSIBLE_MMHG.items())
    return none_too_high & pl.col("is_in_order") & (pl.col("sbp") > CONNECTED_ABOVE) & (pl.col("dbp") > CONNECTED_ABOVE)


def _refuse_finer_than_a_minute(readings: pl.DataFrame) -> None:
    apart = readings.select(pl.col("at_ms").diff().over("stay")).to_series()
    if ((apart > 0) & (apart < READING_APART_MS)).any():
        raise ValueError("readings lie less than 30 s apart: which of them count cannot be told by the minute")


def _with_means_paired(charted: pl.DataFrame) -> pl.DataFrame:
    """The same with `nth` of each mean that of the systolic and diastolic values it was measured with.

    The second systolic value of a minute belongs to its second diastolic one; which mean belongs to them the table does
    not say. It is taken that as many means as possible lie between diastolic and systolic, and of such choices the one
    that follows the diastolic values most closely. A mean too many stands alone.
    """
    minute = ["stay", "at_ms"]
    is_mean = pl.col("signal") == "map"
    doubtful = charted.filter((is_mean.sum().over(minute) > 1) | (pl.col("nth").max().over(minute) > 0))
    found = [pair for _, rows in doubtful.group_by(minute, maintain_order=True) for pair in _paired(rows)]
    paired = pl.DataFrame(found, schema={"row": charted.schema["row"], "of": charted.schema["nth"]}, orient="row")
    return (
        charted.join(paired, on="row", how="left", maintain_order="left")
        .with_columns(nth=pl.coalesce("of", "nth"))
        .drop("of")
    )


def _paired(rows: pl.DataFrame) -> list[tuple[int, int]]:
    """For each mean of one minute: its row, and the `nth` of the pressures it belongs to."""
    placed = list(rows.select("row", "signal", "value", "nth").with_row_index("place").iter_rows())
    means = [(place, row, value) for place, row, signal, value, _ in placed if signal == "map"]
    sides = {(signal, nth): (place, value) for place, _, signal, value, nth in placed if signal != "map"}
    pairs = {nth for _, nth in sides}
    alone = range(len(pairs), len(pairs) + max(0, len(means) - len(pairs)))
    unbounded = (None, None)

    def misfit(order: tuple[int, ...]) -> tuple[int, int]:
        outside = away = 0
        for (place, _, value), nth in zip(means, order, strict=False):
            low_place, low = sides.get(("dbp", nth), unbounded)
            high_place, high = sides.get(("sbp", nth), unbounded)
            outside += (low is not None and value < low) or (high is not None and value > high)
            beside = low_place if low_place is not None else high_place
            away += abs(place - beside) if beside is not None else 0
        return outside, away

    best = min(permutations([*sorted(pairs), *alone], len(means)), key=misfit)
    return [(row, nth) for (_, row, _), nth in zip(means, best, strict=True)]


def _runs(judged: pl.DataFrame, given_up: list[pl.DataFrame], rule: LowPressure) -> pl.DataFrame:
    """The readings that belong to a run (`stay`, `stretch`, `part`), each with how the run stands after it.

    A stretch reaches from one reset to the next; silences and readings that give a run up divide it into parts.
    """
    run = ["stay", "stretch", "part"]
    rows_given_up = [row for frame in given_up for row in frame["row"]]
    divides = pl.col("after_silence") | pl.col("row").is_in(rows_given_up)
    counts_below = pl.col("counts") & pl.col("below")
    next_ms = pl.col("at_ms").shift(-1).over(run)
    return (
        judged.with_columns(
            stretch=pl.col("ends").shift(1, fill_value=False).cum_sum().over("stay"),
            part=divides.cum_sum().over("stay"),
        )
        .with_columns(
            reset_ms=pl.col("at_ms").filter("ends").first().over("stay", "stretch"),
            stretch_last_ms=pl.col("at_ms").last().over("stay", "stretch"),
        )
        .filter(pl.col("below").cum_sum().over(run) > 0)
        .with_columns(
            onset_ms=pl.col("at_ms").first().over(run),
            counts=~pl.col("ends") & (pl.col("at_ms").diff().over(run) != 0).fill_null(value=True),
        )
        .with_columns(
            readings=pl.col("counts").cum_sum().over(run),
            readings_below=counts_below.cum_sum().over(run),
            confirmable_ms=pl.max_horizontal("at_ms", pl.col("onset_ms") + rule.onset_delay_s * 1000),
        )
        .with_columns(has_share=pl.col("readings_below") >= LEAST_SHARE * pl.col("readings"))
        .with_columns(
            is_confirmed=~pl.col("ends")
            & pl.col("has_share")
            & (pl.col("readings") >= LEAST_READINGS)
            & (pl.col("confirmable_ms") <= next_ms).fill_null(value=True)
        )
    )


def _given_up(runs: pl.DataFrame, rule: LowPressure) -> pl.DataFrame:
    """In each run that was not confirmed before, the first reading that gives it up."""
    run = ["stay", "stretch", "part"]
    is_delay_over = pl.col("at_ms") - pl.col("onset_ms") >= rule.onset_delay_s * 1000
    is_few = pl.col("readings_below") < ABANDONED_BELOW_SHARE * pl.col("readings")
    return (
        runs.filter((pl.col("is_confirmed").cum_sum().over(run) == 0) & ~pl.col("ends"))
        .filter(is_few | (is_delay_over & ~pl.col("has_share")))
        .group_by(run, maintain_order=True)
        .agg(pl.col("row", "onset_ms", "at_ms", "readings", "readings_below").first())
        .select("stay", "row", "onset_ms", "at_ms", "readings", "readings_below")
    )


def _episodes(runs: pl.DataFrame, *, outlast_silence: bool) -> pl.DataFrame:
    """The confirmed runs; where they outlast silence, all that follows one up to the next reset is part of it."""
    by_run = runs.group_by("stay", "stretch", "part", maintain_order=True).agg(
        pl.col("onset_ms", "reset_ms", "stretch_last_ms").first(),
        confirmed_ms=pl.col("confirmable_ms").filter("is_confirmed").min(),
        end_ms=pl.col("at_ms").filter("ends").first(),
        last_ms=pl.col("at_ms").last(),
    )
    if outlast_silence:
        by_run = (
            by_run.filter(pl.col("confirmed_ms").is_not_null())
            .unique(["stay", "stretch"], keep="first", maintain_order=True)
            .with_columns(end_ms="reset_ms", last_ms="stretch_last_ms")
        )
    return (
        by_run.filter(pl.col("confirmed_ms").is_not_null())
        .select("stay", "onset_ms", "confirmed_ms", "end_ms", "last_ms")
        .sort("stay", "onset_ms")
    )
