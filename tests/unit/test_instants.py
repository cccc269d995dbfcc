"""Instants as text: RFC 3339 and nothing else, to the millisecond, there and back."""

from __future__ import annotations

import pytest

from streaming.instants import _REMEMBERED_SECONDS, MAX_MS, MIN_MS, format_ms, parse_instant

INSTANT_MS = 1_795_428_672_345

VALID = [
    ("2026-11-23T10:11:12.345Z", INSTANT_MS),
    ("2026-11-23t10:11:12.345z", INSTANT_MS),
    ("2026-11-23T10:11:12.345+00:00", INSTANT_MS),
    ("2026-11-23T10:11:12.345-00:00", INSTANT_MS),
    ("2026-11-23T11:11:12.345+01:00", INSTANT_MS),
    ("2026-11-23T15:41:12.345+05:30", INSTANT_MS),
    ("2026-11-22T23:11:12.345-11:00", INSTANT_MS),
    ("2026-11-24T10:10:12.345+23:59", INSTANT_MS),
    ("2026-11-23T10:11:12Z", INSTANT_MS - 345),
    ("2026-11-23T10:11:12+00:00", INSTANT_MS - 345),
    ("2026-11-23T10:11:12.3Z", INSTANT_MS - 45),
    ("2026-11-23T10:11:12.34Z", INSTANT_MS - 5),
    ("2026-11-23T10:11:12.3456Z", INSTANT_MS),
    ("2026-11-23T10:11:12.345999999999999999Z", INSTANT_MS),
    ("1970-01-01T00:00:00Z", 0),
    ("1969-12-31T23:59:59.999Z", -1),
    ("2000-02-29T00:00:00Z", 951_782_400_000),
    ("0001-01-01T00:00:00Z", MIN_MS),
    ("9999-12-31T23:59:59.999Z", MAX_MS),
    ("2016-12-31T23:59:60Z", 1_483_228_799_999),
    ("2016-12-31T23:59:60.5Z", 1_483_228_799_999),
    ("2017-01-01T00:59:60+01:00", 1_483_228_799_999),
    ("2016-12-31T15:59:60-08:00", 1_483_228_799_999),
]


@pytest.mark.parametrize(("text", "expected"), VALID)
def test_rfc3339_text_is_its_instant(text: str, expected: int) -> None:
    assert expected == parse_instant(text)


@pytest.mark.parametrize("text", ["2026-11-23T10:11:12.345+01:00", "2026-11-23T10:11:12.5Z", "2026-11-23T10:11:12Z"])
def test_text_of_a_second_seen_before_is_parsed_as_if_it_were_new(text: str) -> None:
    new = parse_instant(text)
    parse_instant("2026-11-23T10:11:12.000Z")

    assert new == parse_instant(text)


@pytest.mark.parametrize(
    "tail", ["", ".345", ".345z ", ".3٤5Z", ",345Z", ".345Z\n", "+0100", " Z", ".Z", "+24:00", "+00:60", "Z+00:00"]
)
def test_bad_tail_after_a_second_seen_before_is_rejected(tail: str) -> None:
    assert parse_instant("2026-11-23T10:11:12Z") is not None

    assert parse_instant("2026-11-23T10:11:12" + tail) is None


@pytest.mark.parametrize(
    "text", ["2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z"]
)
def test_a_day_that_does_not_exist_is_rejected(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize("text", ["2026-11-23T10:11:60Z", "2026-11-23T23:58:60Z", "2026-11-23T23:59:60+01:00"])
def test_leap_second_anywhere_but_at_the_end_of_a_day_in_utc_is_rejected(text: str) -> None:
    assert parse_instant(text) is None


@pytest.mark.parametrize(
    ("instant_ms", "expected"),
    [
        (INSTANT_MS, "2026-11-23T10:11:12.345Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (7, "1970-01-01T00:00:00.007Z"),
        (MIN_MS, "0001-01-01T00:00:00.000Z"),
        (MAX_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_instant_is_formatted_in_utc_with_three_decimals(instant_ms: int, expected: str) -> None:
    assert expected == format_ms(instant_ms)


@pytest.mark.parametrize("instant_ms", [MIN_MS - 1, MAX_MS + 1])
def test_instant_outside_four_digit_years_cannot_be_formatted(instant_ms: int) -> None:
    with pytest.raises(ValueError, match=r"ordinal|year"):
        format_ms(instant_ms)


def test_seconds_beyond_what_is_remembered_are_formatted_and_parsed_as_the_first_was() -> None:
    first_ms = 1_790_000_000_000
    text = format_ms(first_ms)

    for second in range(_REMEMBERED_SECONDS + 1):
        later_ms = first_ms + second * 1000
        assert parse_instant(format_ms(later_ms)) == later_ms

    assert format_ms(first_ms) == text
    assert parse_instant(text) == first_ms
