"""The independent count on tables so small that each answer can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.evidence.independent_hypotension import RULES, Also, Count, count, read_pressures
from tests.support.mimic_tables import write_tables

MAP_BELOW_65, SBP_BELOW_80, MAP_BELOW_50 = RULES[0], RULES[3], RULES[4]
STAY = "7"

Minutes = list[tuple[int, int, int | None]]
"""(onset, confirmed, end), minutes since midnight."""


def _at(minute: int) -> str:
    return f"2150-01-{1 + minute // 1440:02d} {minute // 60 % 24:02d}:{minute % 60:02d}:00+00:00"


def _pressures(folder: Path, *rows: tuple[int, str, float]) -> pl.DataFrame:
    """Rows of (minute, signal, mmHg)."""
    lines = [f"{STAY},{_at(minute)},{signal},{value}" for minute, signal, value in rows]
    return read_pressures(write_tables(folder, vitals=lines))


def _means(folder: Path, *means: tuple[int, float]) -> pl.DataFrame:
    return _pressures(folder, *((minute, "map", value) for minute, value in means))


def _minutes(counted: Count) -> Minutes:
    midnight = pl.datetime(2150, 1, 1, time_zone="UTC", time_unit="ms").to_physical()
    since = (pl.col("onset_ms", "confirmed_ms", "end_ms") - midnight) // 60_000
    return counted.episodes.select(since).rows()


def test_two_low_readings_an_hour_apart_are_an_episode_confirmed_by_the_second(tmp_path: Path) -> None:
    pressures = _means(tmp_path, (0, 80), (60, 64), (120, 60), (180, 67.9), (240, 68))

    assert _minutes(count(pressures, MAP_BELOW_65)) == [(60, 120, 240)]


def test_one_low_reading_is_no_episode(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (0, 80), (60, 40), (120, 70)), MAP_BELOW_65)) == []


def test_a_reading_at_the_limit_is_not_below_it(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (0, 65), (60, 65), (120, 65)), MAP_BELOW_65)) == []


def test_readings_a_minute_apart_are_confirmed_when_the_onset_delay_is_over(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (10, 60), (11, 61), (60, 80)), MAP_BELOW_65)) == [(10, 12, 60)]


def test_a_reset_before_the_onset_delay_is_over_leaves_no_episode(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (10, 60), (11, 90), (12, 60), (13, 90)), MAP_BELOW_65)) == []


def test_fewer_than_four_in_five_readings_below_the_limit_are_not_enough(tmp_path: Path) -> None:
    grazing = [(0, 60), (60, 66), (120, 60), (180, 60)]

    assert _minutes(count(_means(tmp_path, *grazing), MAP_BELOW_65)) == []
    assert _minutes(count(_means(tmp_path, *grazing, (240, 60)), MAP_BELOW_65)) == [(0, 240, None)]


def test_two_values_of_one_minute_are_one_reading(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (60, 60), (60, 58), (120, 80)), MAP_BELOW_65)) == []


def test_the_second_value_of_a_minute_may_end_an_episode(tmp_path: Path) -> None:
    assert _minutes(count(_means(tmp_path, (0, 60), (60, 58), (60, 80)), MAP_BELOW_65)) == [(0, 60, 60)]


def test_after_more_than_two_hours_without_a_reading_everything_begins_anew(tmp_path: Path) -> None:
    just, over = _means(tmp_path / "a", (0, 60), (120, 60)), _means(tmp_path / "b", (0, 60), (121, 60), (180, 60))

    assert _minutes(count(just, MAP_BELOW_65)) == [(0, 120, None)]
    assert _minutes(count(over, MAP_BELOW_65)) == [(121, 180, None)]


def test_silence_divides_an_episode_unless_what_is_confirmed_outlasts_it(tmp_path: Path) -> None:
    pressures = _means(tmp_path, (0, 60), (60, 60), (300, 60), (360, 60), (420, 80))

    assert _minutes(count(pressures, MAP_BELOW_65)) == [(0, 60, None), (300, 360, 420)]
    assert _minutes(count(pressures, MAP_BELOW_65, frozenset({Also.SILENCE}))) == [(0, 60, 420)]


def test_an_episode_that_outlasts_silence_ends_with_a_first_reading_that_resets(tmp_path: Path) -> None:
    pressures = _means(tmp_path, (0, 60), (60, 60), (300, 80), (360, 60))

    assert _minutes(count(pressures, MAP_BELOW_65, frozenset({Also.SILENCE}))) == [(0, 60, 300)]


def test_a_run_that_was_given_up_begins_anew_with_the_next_low_reading(tmp_path: Path) -> None:
    pressures = _means(tmp_path, (0, 60), (60, 66), (120, 60), (180, 60), (240, 80))
    counted = count(pressures, MAP_BELOW_65, frozenset({Also.ABANDONED}))

    assert _minutes(count(pressures, MAP_BELOW_65)) == []
    assert _minutes(counted) == [(120, 180, 240)]
    assert counted.abandonments.select("readings", "readings_below").rows() == [(2, 1)]


def test_a_triple_whose_mean_lies_outside_counts_unless_it_is_told_not_to(tmp_path: Path) -> None:
    rows = [(minute, "map", 40) for minute in (0, 60)]
    rows += [(60, "sbp", 90), (60, "dbp", 50)]
    pressures = _pressures(tmp_path, *rows)

    assert _minutes(count(pressures, MAP_BELOW_50)) == [(0, 60, None)]
    assert _minutes(count(pressures, MAP_BELOW_50, frozenset({Also.ARTEFACT}))) == []


def test_an_implausible_reading_counts_for_nothing_and_its_companions_only_without_the_artefact_rule(
    tmp_path: Path,
) -> None:
    pressures = _pressures(tmp_path, (0, "map", 29), (0, "sbp", 58), (0, "dbp", 201), (60, "map", 40), (60, "dbp", 19))

    assert pressures.select("signal", "is_artefact").rows() == [("sbp", True), ("map", True)]


@pytest.mark.parametrize(
    ("sbp", "dbp", "mean", "is_doubtful"),
    [
        (58, 21, 27, True),
        (90, 19, 37, True),
        (58, 21, 30, False),  # nothing is implausible
        (58, 10, 27, False),
        (58, 21, 20, False),
        (281, 19, 70, False),
    ],
)
def test_a_triple_of_which_some_are_too_low_is_doubtful_if_it_can_be_a_patients(
    tmp_path: Path, sbp: float, dbp: float, mean: float, is_doubtful: bool
) -> None:
    pressures = _pressures(tmp_path, (0, "sbp", sbp), (0, "dbp", dbp), (0, "map", mean))

    assert pressures["is_doubtful"].unique().to_list() == [is_doubtful]
    assert not (pressures["is_doubtful"] & pressures["is_artefact"]).any()


def test_a_doubtful_reading_counts_and_never_ends_an_episode_unless_it_is_taken_for_a_plain_one(tmp_path: Path) -> None:
    low = [(minute, signal, value) for minute in (0, 60) for signal, value in (("sbp", 58), ("dbp", 21), ("map", 27))]
    high = [(120, "sbp", 130), (120, "dbp", 19), (120, "map", 70)]
    pressures = _pressures(tmp_path, *low, *high, (180, "sbp", 120))

    assert _minutes(count(pressures, SBP_BELOW_80)) == [(0, 60, 120)]
    assert _minutes(count(pressures, SBP_BELOW_80, frozenset({Also.ARTEFACT}))) == [(0, 60, 180)]


def test_a_mean_charted_alone_before_a_triple_is_none_of_it(tmp_path: Path) -> None:
    pressures = _pressures(tmp_path, (0, "map", 31), (0, "sbp", 92), (0, "dbp", 65), (0, "map", 71))

    assert pressures.select("signal", "value", "is_artefact").rows() == [
        ("map", 31.0, False),
        ("sbp", 92.0, False),
        ("dbp", 65.0, False),
        ("map", 71.0, False),
    ]


def test_readings_closer_together_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    lines = [f"7,2150-01-01 10:00:{second:02d}+00:00,map,60" for second in (0, 20)]

    with pytest.raises(ValueError, match="less than 30 s apart"):
        read_pressures(write_tables(tmp_path, vitals=lines))
