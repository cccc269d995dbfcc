"""Series of test vectors: `80x10 60x121 _x30` is ten values of 80, then 121 of 60, then thirty seconds of silence."""

from __future__ import annotations

import re

SECONDS_MAX = 86_400
"""Length of a series."""
SILENCE_AFTER_S = 60
"""How long after its last value an outcome may still be asked for."""

_GROUP = re.compile(r"(_|-?\d+(?:\.\d+)?)(?:x(\d{1,5}))?", re.ASCII)


def expand(series: str) -> list[float | None]:
    """The values of a series, one a second from second 0; None for silence.

    Raises:
        ValueError: It is not of the form `value x count`, or longer than `SECONDS_MAX`.
    """
    values: list[float | None] = []
    for group in series.split():
        found = _GROUP.fullmatch(group)
        if found is None:
            raise ValueError(f"{group!r} is not a value or `_`, with `x` and a count")
        values += [None if found[1] == "_" else float(found[1])] * int(found[2] or 1)
        if len(values) > SECONDS_MAX:
            raise ValueError(f"longer than {SECONDS_MAX} s")
    return values
