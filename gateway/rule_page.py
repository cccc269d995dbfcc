"""The generated part of `docs/alarm-rules.md`: every alarm rule that comes with the service, from its profile.

    python -m gateway.rule_page docs/alarm-rules.md

rewrites the file between its `<!-- generated: … -->` marks and leaves the rest alone. A test fails when the file is not
what this module would make of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from gateway.generated_parts import Parts, renew_files, renewed
from gateway.rule_rows import limit_words
from gateway.rulesets import load_alarm_profile
from streaming.rules.kinds import AlarmProfile, InfusionRule, Rule, StayRule

_HEAD = ("rule", "what is wrong", "after", "priority", "harm, develops", "source")


def describe(document: str) -> str:
    """The document with its generated parts renewed.

    Raises:
        KeyError: a mark names a part that there is none of.
    """
    return renewed(document, _PARTS)


def _lines(profile: AlarmProfile) -> Iterator[str]:
    yield _row(_HEAD)
    yield _row(("---",) * len(_HEAD))
    for rule in profile.rules:
        severity = f"{rule.harm}, {rule.develops}"
        after = f"{rule.onset_delay_s:g} s" if rule.onset_delay_s else "–"
        yield _row((f"`{rule.id}`", _wrong(rule), after, rule.priority, severity, rule.reference))


def _wrong(rule: Rule) -> str:
    only = isinstance(rule, StayRule | InfusionRule) and rule.is_of_course
    return limit_words(rule) + ("; only under a course" if only else "")


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _rules() -> str:
    return "\n".join(_lines(load_alarm_profile()))


_PARTS: Parts = {"rules": _rules}


def main(arguments: list[str]) -> int:
    """Renews the documents named; exit status 2 without any."""
    return renew_files(arguments, _PARTS, "gateway.rule_page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
