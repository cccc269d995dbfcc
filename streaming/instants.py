"""Instants as text: RFC 3339 to milliseconds since 1970 UTC and back.

Invariants: parsing accepts RFC 3339 `date-time` and nothing else (an offset is required, `T` and `Z` in either case,
any number of decimals); it truncates to the millisecond, towards the past. A leap second (`23:59:60` UTC) becomes
59.999 s of the same minute. `parse_instant(format_ms(x)) == x` for every instant of the years 1 to 9999.

Both directions remember a bounded number of seconds: a ward's messages of one second share their
first nineteen characters, and what is remembered changes speed, never the answer.

It does not judge whether an instant is believable, and it does not know what time it is.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_DAY_MS = 86_400_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_REMEMBERED_SECONDS = 4096

_TAILS: dict[str, int] = {f".{ms:03d}Z": ms for ms in range(1000)} | {"Z": 0, "+00:00": 0}
"""What may follow a second remembered in UTC, and its milliseconds."""

_ms_by_second: dict[str, int] = {}
_second_by_number: dict[int, str] = {}

MIN_MS = -62_135_596_800_000
"""0001-01-01T00:00:00.000Z"""
MAX_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z"""


def parse_instant(text: str) -> int | None:
    """Milliseconds since 1970 UTC of an RFC 3339 date-time; None when `text` is none."""
    second_ms = _ms_by_second.get(text[:19])
    if second_ms is not None:
        tail_ms = _TAILS.get(text[19:])
        if tail_ms is not None:
            return second_ms + tail_ms
    return _parse_in_full(text)


def _parse_in_full(text: str) -> int | None:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, decimals, sign, offset_hour, offset_minute = found.groups()
    try:
        ordinal = date(int(year), int(month), int(day)).toordinal()
    except ValueError:  # no such day
        return None
    minute_ms = (ordinal - _EPOCH_DAY) * _DAY_MS + (int(hour) * 60 + int(minute)) * 60_000
    if sign is not None:
        offset_ms = (int(offset_hour) * 60 + int(offset_minute)) * 60_000
        minute_ms += offset_ms if sign == "-" else -offset_ms
    if second == "60":
        return minute_ms + 59_999 if minute_ms % _DAY_MS == _DAY_MS - 60_000 else None
    if sign is None:
        _remember(_ms_by_second, text[:19], minute_ms + int(second) * 1000)
    milliseconds = int(decimals[:3].ljust(3, "0")) if decimals else 0
    return minute_ms + int(second) * 1000 + milliseconds


def format_ms(instant_ms: int) -> str:
    """RFC 3339 in UTC with three decimals and `Z`.

    Args:
        instant_ms: Milliseconds since 1970 UTC, `MIN_MS` to `MAX_MS`.

    Raises:
        ValueError: outside the years 1 to 9999.
    """
    second, milliseconds = divmod(instant_ms, 1000)
    text = _second_by_number.get(second)
    if text is None:
        text = _format_second(second)
        _remember(_second_by_number, second, text)
    return f"{text}.{milliseconds:03d}Z"


def _format_second(second: int) -> str:
    days, of_day = divmod(second, 86_400)
    day = date.fromordinal(days + _EPOCH_DAY)
    return f"{day.isoformat()}T{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"


def _remember(memory: dict[_K, _V], key: _K, value: _V) -> None:
    if len(memory) >= _REMEMBERED_SECONDS:
        memory.clear()
    memory[key] = value
