"""Weight gain and pressors reckoned straight from the charted tables, on data frames: nothing of Vigil is used in here.

The descriptions it follows.

*Weight gain*: of each stay's charted weights within 25 to 350 kg the first is the baseline; a threshold is crossed by
the first weighing whose gain over it, in per cent, reaches the threshold.

*Pressors*: an order's rate holds from a row until the order's next row, a row that stops it makes it 0; rows of one
minute count in file order. The dose of a drug is the sum over the stay's orders, each rounded to a millionth, by steps
between the instants at which it changes. From the steps come the highest dose and the time above zero.

Rules that the engine documents besides can be applied one by one (`Also`), so that a difference is explained by the
rule that makes it go away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polars as pl

THRESHOLDS_PCT = (5.0, 10.0, 15.0, 20.0)
PLAUSIBLE_KG = (25.0, 350.0)
JUMP_KG = 5.0
CONFIRMED_WITHIN_KG = 2.0
CONFIRMED_AFTER_MS = 3_600_000
POUND = (2.0, 2.4)
"""Ratio of two weights that differ as kilograms and pounds do."""
CHARTED_RATE_MS = 12 * 3_600_000
PRESSORS = {
    "norepinephrine": ("mcg/kg/min", 1.0),
    "phenylephrine": ("mcg/kg/min", 1.0),
    "dopamine": ("mcg/kg/min", 1.0),
    "vasopressin": ("units/hour", 1 / 60),
}
"""Unit in the table, and what it is multiplied by: µg/kg/min, and for vasopressin units/min."""


class Also(StrEnum):
    """A rule that the engine documents besides the descriptions above."""

    DOUBT = "doubt"
    """A weight more than 5 kg away from the last believed one counts when a second, an hour or more later, is within
    2 kg of it; one that differs from the baseline as kilograms and pounds do never counts."""
    AGE = "age"
    """A rate written down more than twelve hours ago says nothing any more."""


@dataclass(frozen=True, slots=True, order=True)
class Crossing:
    """The first weighing at which a gain was reached."""

    stay: str
    threshold_pct: float
    at_ms: int


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A dose of a drug over a stretch of time, more than 0."""

    stay: str
    drug: str
    from_ms: int
    to_ms: int
    dose: float
    """µg/kg/min; units/min for vasopressin. In whole millionths."""


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """A table with its rows numbered, everything as text."""
    compressed = folder / f"{name}.csv.gz"
    path = compressed if compressed.is_file() else folder / f"{name}.csv"
    return pl.read_csv(path, infer_schema=False).with_row_index("row")


def crossings(folder: Path, also: frozenset[Also] = frozenset()) -> set[Crossing]:
    """Every threshold of every stay that was reached."""
    weights = (
        read_table(folder, "vitals")
        .filter(pl.col("vital_category") == "weight_kg")
        .select(
            "row",
            stay="hospitalization_id",
            at_ms=_instant("recorded_dttm"),
            kg=pl.col("vital_value").cast(pl.Float64, strict=False),
        )
        .filter(pl.col("kg").is_between(*PLAUSIBLE_KG))
        .sort("stay", "at_ms", "row")
    )
    gains = weights.with_columns(baseline=pl.col("kg").first().over("stay"))
    if Also.DOUBT in also:
        gains = gains.filter(pl.Series(_believed(gains.select("stay", "at_ms", "kg", "baseline").iter_rows())))
    gain = (pl.col("kg") / pl.col("baseline") - 1) * 100 + 1e-9
    found: set[Crossing] = set()
    for threshold in THRESHOLDS_PCT:
        reached = gains.filter(gain >= threshold).group_by("stay").agg(pl.col("at_ms").min())
        found |= {Crossing(stay, threshold, at_ms) for stay, at_ms in reached.iter_rows()}
    return found


def _believed(rows: Iterable[tuple[str, int, float, float]]) -> Iterator[bool]:
    """Whether each weighing counts, in order of stay and time."""
    stay: str | None = None
    believed: float | None = None
    doubted: tuple[int, float] | None = None
    for this_stay, at_ms, kg, baseline in rows:
        if this_stay != stay:
            stay, believed, doubted = this_stay, None, None
        low, high = POUND
        ratio = kg / baseline
        is_pound = low <= ratio <= high or low <= 1 / ratio <= high
        is_near = believed is None or abs(kg - believed) <= JUMP_KG
        is_second = (
            doubted is not None
            and at_ms - doubted[0] >= CONFIRMED_AFTER_MS
            and abs(kg - doubted[1]) <= CONFIRMED_WITHIN_KG
        )
        counts = not is_pound and (is_near or is_second)
        if counts:
            believed, doubted = kg, None
        elif doubted is None or abs(kg - doubted[1]) > CONFIRMED_WITHIN_KG:
            doubted = (at_ms, kg)
        yield counts


def pressor_steps(folder: Path, ends_ms: dict[str, int], also: frozenset[Also] = frozenset()) -> list[Step]:
    """The doses above zero of every pressor and stay, in order.

    Args:
        folder: Of the tables.
        ends_ms: When each stay ends; only these stays are looked at.
        also: Rules to apply besides the description.
    """
    rows = (
        read_table(folder, "infusions")
        .filter(pl.col("med_category").is_in(list(PRESSORS)), pl.col("hospitalization_id").is_in(list(ends_ms)))
        .select(
            "row",
            stay="hospitalization_id",
            drug="med_category",
            order="med_order_id",
            unit="med_dose_unit",
            at_ms=_instant("admin_dttm"),
            dose=pl.when(pl.col("mar_action_category") == "stop")
            .then(0.0)
            .otherwise(pl.col("med_dose").cast(pl.Float64, strict=False)),
        )
        .filter(pl.col("dose").is_finite())
        .sort("stay", "drug", "order", "at_ms", "row")
    )
    _refuse_other_units(rows)
    factor = pl.col("drug").replace_strict({drug: by for drug, (_, by) in PRESSORS.items()}, return_dtype=pl.Float64)
    order = ["stay", "drug", "order"]
    until = rows.with_columns(
        dose=(pl.col("dose") * factor).map_elements(_in_millionths, return_dtype=pl.Float64),
        end_ms=pl.col("stay").replace_strict(ends_ms, return_dtype=pl.Int64),
    ).with_columns(to_ms=pl.col("at_ms").shift(-1).over(order).fill_null(pl.col("end_ms")))
    if Also.AGE in also:
        until = until.with_columns(to_ms=pl.min_horizontal("to_ms", pl.col("at_ms") + CHARTED_RATE_MS))
    running = until.filter((pl.col("dose") > 0) & (pl.col("to_ms") > pl.col("at_ms")))
    return _summed(running)


def _summed(running: pl.DataFrame) -> list[Step]:
    """Orders that run at once added up: steps between any two instants at which one begins or ends."""
    changes = pl.concat(
        [
            running.select("stay", "drug", "at_ms", change=pl.col("dose")),
            running.select("stay", "drug", at_ms="to_ms", change=-pl.col("dose")),
        ]
    )
    sums = (
        changes.group_by("stay", "drug", "at_ms")
        .agg(pl.col("change").sum())
        .sort("stay", "drug", "at_ms")
        .with_columns(
            dose=pl.col("change").cum_sum().over("stay", "drug"), to_ms=pl.col("at_ms").shift(-1).over("stay", "drug")
        )
        .filter((pl.col("dose") > 5e-7) & pl.col("to_ms").is_not_null())
        .select("stay", "drug", "at_ms", "to_ms", pl.col("dose").map_elements(_in_millionths, return_dtype=pl.Float64))
    )
    return merged(Step(*row) for row in sums.iter_rows())


def merged(steps: Iterable[Step]) -> list[Step]:
    """Steps of the same dose that touch, as one."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if last is not None and (last.stay, last.drug, last.to_ms, last.dose) == (
            step.stay,
            step.drug,
            step.from_ms,
            step.dose,
        ):
            found[-1] = Step(last.stay, last.drug, last.from_ms, step.to_ms, last.dose)
        else:
            found.append(step)
    return found


def _in_millionths(dose: float) -> float:
    return round(dose, 6)


def _instant(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S%:z", time_unit="ms", time_zone="UTC").to_physical()


def _refuse_other_units(rows: pl.DataFrame) -> None:
    units = set(rows.select("drug", "unit").unique().iter_rows())
    if unknown := sorted(units - {(drug, unit) for drug, (unit, _) in PRESSORS.items()}):
        raise ValueError(f"pressors in other units than expected: {unknown}")
