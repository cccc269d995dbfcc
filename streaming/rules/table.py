"""One TOML table of a profile being read: typed access, and a complaint about whatever is wrong or left over.

Every complaint says where: the file, the rule, the field, and what would be right. A field that nobody asked for is an
error, since a mistyped limit must not vanish.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LARGEST = 1e15
"""No number of a profile is greater, infinity least of all."""


class ProfileError(ValueError):
    """A profile that cannot be used: says which file, which rule, which field, and what would be right."""


class Table:
    """The fields of one table; each is taken once, and `end` complains about the rest."""

    def __init__(self, where: str, fields: object) -> None:
        """Begin to read `fields`, which stand at `where`.

        Raises:
            ProfileError: They are no table.
        """
        if not isinstance(fields, dict):
            raise ProfileError(f"{where}: must be a table")
        self.where = where
        self._left: dict[str, Any] = dict(fields)

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def error(self, name: str, what: str) -> ProfileError:
        """The complaint that field `name` `what`."""
        return ProfileError(f"{self.where}: `{name}` {what}")

    def text(self, name: str, allowed: Iterable[str] | None = None) -> str:
        """A text that is not empty; one of `allowed` where that is given."""
        field = self._take(name)
        if not isinstance(field, str) or not field:
            raise self.error(name, "must be a non-empty text")
        self._check(name, field, allowed)
        return field

    def optional_text(self, name: str) -> str | None:
        """The same, or None where there is none."""
        return self.text(name) if name in self._left else None

    def texts(self, name: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
        """A list of texts; empty where there is none."""
        field = self._left.pop(name, [])
        if not isinstance(field, list) or not all(isinstance(each, str) for each in field):
            raise self.error(name, "must be a list of texts")
        for each in field:
            self._check(name, each, allowed)
        return tuple(field)

    def number(self, name: str, *, low: float = float("-inf"), high: float = float("inf")) -> float:
        """A finite number from `low` to `high`."""
        field = self._take(name)
        is_number = isinstance(field, int | float) and not isinstance(field, bool)
        if not is_number or not low <= field <= high or abs(field) > LARGEST:
            raise self.error(name, f"must be a number from {low:g} to {high:g}")
        return float(field)

    def optional_number(self, name: str, *, low: float = float("-inf"), high: float = float("inf")) -> float | None:
        """The same, or None where there is none."""
        return self.number(name, low=low, high=high) if name in self._left else None

    def integer(self, name: str, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        field = self._take(name)
        if not isinstance(field, int) or isinstance(field, bool) or not low <= field <= high:
            raise self.error(name, f"must be a whole number from {low} to {high}")
        return field

    def table(self, name: str) -> Table:
        """A table; an empty one where there is none."""
        return Table(f"{self.where}, `{name}`", self._left.pop(name, {}))

    def tables(self, name: str) -> list[dict[str, Any]]:
        """An array of tables; empty where there is none."""
        field = self._left.pop(name, [])
        if not isinstance(field, list) or not all(isinstance(each, dict) for each in field):
            raise self.error(name, "must be an array of tables")
        return field

    def names(self) -> list[str]:
        """Names of the fields not taken yet, in the order of the file."""
        return list(self._left)

    def take(self, name: str) -> object:
        """A field as it stands, for a check of one's own.

        Raises:
            ProfileError: There is none.
        """
        return self._take(name)

    def end(self) -> None:
        """All that is known has been taken.

        Raises:
            ProfileError: Something is left.
        """
        if self._left:
            raise ProfileError(f"{self.where}: unknown field {', '.join(map(repr, sorted(self._left)))}")

    def _take(self, name: str) -> Any:
        if name not in self._left:
            raise self.error(name, "is missing")
        return self._left.pop(name)

    def _check(self, name: str, field: str, allowed: Iterable[str] | None) -> None:
        words = None if allowed is None else list(allowed)
        if words is not None and field not in words:
            raise self.error(name, f"is {field!r}; it must be one of {', '.join(words)}")
