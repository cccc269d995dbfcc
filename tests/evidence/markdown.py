"""Tables and times as the evidence pages write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; columns whose name begins with `#` are numbers and stand right."""
    names = [name.removeprefix("#") for name in header]
    rules = ["---:" if name.startswith("#") else "---" for name in header]
    return "\n".join(_row(cells) for cells in [names, rules, *rows])


def details(summary: str, body: str) -> str:
    """What is there to be opened."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def minute(at_ms: int) -> str:
    """`2180-07-23 19:11`, UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def later(at_ms: int, than_ms: int) -> str:
    """The same without the date where it is that of the other instant."""
    day, time = minute(at_ms).split()
    return time if day == minute(than_ms).split()[0] else f"{day[5:]} {time}"


def thousands(number: float) -> str:
    """`24 043`, with a narrow space that does not break."""
    return f"{number:,.0f}".replace(",", "\u202f")


def page(*parts: str) -> str:
    """The parts as paragraphs."""
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
