"""The generated parts of `docs/alarms.md`: the lifecycle table, its diagram and the shipped policy, from the code.

    python -m gateway.alarm_page docs/alarms.md

rewrites the file between its `<!-- generated: … -->` marks and leaves the rest alone. A test fails when the file is not
what this module would make of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from alerts.describe import lifecycle_diagram, lifecycle_table, policy_tables
from gateway.rulesets import DEFAULT_ALARM_POLICY, load_alarm_policy

_PART = re.compile(r"(<!-- generated: (?P<part>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PARTS: Mapping[str, Callable[[], str]] = {
    "lifecycle": lifecycle_table,
    "diagram": lifecycle_diagram,
    "policy": lambda: policy_tables(load_alarm_policy(DEFAULT_ALARM_POLICY)),
}


def renewed(document: str) -> str:
    """The document with its generated parts renewed.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return _PART.sub(lambda found: f"{found[1]}\n{_PARTS[found['part']]()}\n\n{found[3]}", document)


def main(arguments: list[str]) -> int:
    """Renews the documents named; exit status 2 without any."""
    if not arguments:
        sys.stderr.write("usage: python -m gateway.alarm_page FILE…\n")
        return 2
    for path in map(Path, arguments):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
