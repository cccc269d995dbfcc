"""The generated parts of `docs/alarms.md`: the lifecycle table, its diagram and the shipped policy, from the code.

    python -m gateway.alarm_page docs/alarms.md

rewrites the file between its `<!-- generated: … -->` marks and leaves the rest alone. A test fails when the file is not
what this module would make of it.
"""

from __future__ import annotations

import sys

from alerts.describe import lifecycle_diagram, lifecycle_table, policy_tables
from gateway.generated_parts import Parts, renew_files, renewed
from gateway.rulesets import DEFAULT_ALARM_POLICY, load_alarm_policy

_PARTS: Parts = {
    "lifecycle": lifecycle_table,
    "diagram": lifecycle_diagram,
    "policy": lambda: policy_tables(load_alarm_policy(DEFAULT_ALARM_POLICY)),
}


def describe(document: str) -> str:
    """The document with its generated parts renewed.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return renewed(document, _PARTS)


def main(arguments: list[str]) -> int:
    """Renews the documents named; exit status 2 without any."""
    return renew_files(arguments, _PARTS, "gateway.alarm_page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
