"""Fields that every kind of rule in an alarm profile has, read in one way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from streaming.rules.priority import DEVELOPS, HARMS, PRIORITIES, priority_of
from streaming.rules.table import ProfileError, Table

DAY_S = 86_400
OUTCOMES = ("absent", "present", "indeterminate")
"""What a test vector may expect."""


def rule_table(source: str, body: Mapping[str, Any], kind: str) -> Table:
    """The table of a rule, named by its id in every complaint.

    Raises:
        ProfileError: It has no id.
    """
    name = body.get("id")
    if not isinstance(name, str) or not name:
        title = f" ({body['title']})" if isinstance(body.get("title"), str) else ""
        raise ProfileError(f"{source}: a {kind}{title} has no `id`")
    return Table(f"{source}, rule {name!r}", body)


class Severity(NamedTuple):
    """How loud, and why."""

    priority: str
    harm: str
    develops: str


def read_severity(table: Table) -> Severity:
    """Priority, and the harm and the time to it that make it so.

    Raises:
        ProfileError: The priority is not the one that follows from the other two.
    """
    found = Severity(table.text("priority", PRIORITIES), table.text("harm", HARMS), table.text("develops", DEVELOPS))
    follows = priority_of(found.harm, found.develops)
    if found.priority != follows:
        why = f"`harm` {found.harm!r} that `develops` {found.develops!r} makes {follows!r} (IEC 60601-1-8)"
        raise table.error("priority", f"is {found.priority!r}; {why}")
    return found
