"""Values made fit for a column, so that one odd value never aborts a whole batch.

Both databases refuse or bend some values that Python holds: SQLite an integer of more than 64 bits, PostgreSQL a NUL in
text, both a lone surrogate; SQLite keeps NaN as NULL. What is read here has been validated at the wire; this is the
last wall, not the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import orjson

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INT32_MAX = 2**31 - 1


def fit_int(value: int) -> int:
    """`value`, or the nearest that 64 bits hold."""
    return min(max(value, _INT64_MIN), _INT64_MAX)


def fit_small_int(value: int) -> int:
    """`value`, or the nearest that 32 bits hold."""
    return min(max(value, -_INT32_MAX), _INT32_MAX)


def fit_instant(value: int | None) -> int | None:
    """An instant or its absence."""
    return None if value is None else fit_int(value)


def fit_float(value: float) -> float | None:
    """`value` when it is finite, else None."""
    return value if math.isfinite(value) else None


def fit_text(text: str) -> str:
    """`text`, with U+FFFD for what no database takes."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def fit_text_or_none(text: str | None) -> str | None:
    """Text or its absence."""
    return None if text is None else fit_text(text)


def fit_json(value: Mapping[str, object]) -> str:
    """`value` as JSON text with sorted keys; numbers JSON has no form for become null."""
    try:
        return _compact(value)
    except TypeError:  # an integer of more than 64 bits or a lone surrogate
        return _compact(_fitted(value))


def read_json(text: str) -> dict[str, object]:
    """What `fit_json` wrote."""
    loaded: dict[str, object] = orjson.loads(text)
    return loaded


def _compact(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _fitted(value: object) -> object:
    match value:
        case str():
            return fit_text(value)
        case bool():
            return value
        case int():
            return fit_int(value)
        case Mapping():
            return {fit_text(str(key)): _fitted(item) for key, item in value.items()}
        case list() | tuple():
            return [_fitted(item) for item in value]
        case _:
            return value
