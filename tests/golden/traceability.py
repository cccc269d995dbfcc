"""Generates `docs/traceability.md`: row of the clinical notes → criterion → limit → tests.

python -m tests.golden.traceability docs/traceability.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from streaming.criteria.criterion import Criterion, DosingProfile
from streaming.criteria.words import predicate_words
from tests.golden.criteria.rows import Row
from tests.golden.criteria.tables import TABLES
from tests.support.plain_facts import profile

TEST = "tests/golden/test_criteria.py"
HEAD = f"""# Traceability of the dose criteria

Every hold, resume, discontinue, relative and absolute row of the clinical notes (sections 2 and 3.1 to 3.4), the
criterion that carries it, its limit, and the tests at its boundary. Generated from the profiles and the golden tables
by `make docs`; a test holds it current, and another holds the quotes against the notes.

Each test is `{TEST}::test_criterion_stands_as_the_table_says[PROFILE CRITERION SAYS WHERE]`; the last column lists
WHERE. *Charted* names the state that a person charts where telemetry cannot decide the row. Numbers that the notes
could not verify say so.
"""
COUNTS = """
## Rules about counts

| says | profile | field | tests |
| --- | --- | --- | --- |
| any relative criterion → hold | `jitc-2014`, `community-2015` | `class` | `test_one_relative_criterion_holds` |
| three relative or any absolute → discontinue | `jitc-2014`, `community-2015` | `relative_to_discontinue` | \
`test_three_relative_criteria_at_once_discontinue`, `test_one_absolute_criterion_discontinues` |
| three held doses → discontinue | `community-2015` | `held_doses_to_discontinue` | \
`test_the_third_held_dose_discontinues_in_the_community_profile` |
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(name) for name in TABLES) + COUNTS


def _section(name: str) -> str:
    rules = profile(name)
    lines = [
        f"\n## {rules.title} (`{rules.id}` {rules.version})\n",
        "| section | says | row of the notes | criterion | limit | charted | tests |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_line(rules, row) for row in TABLES[name]]
    return "\n".join(lines) + "\n"


def _line(rules: DosingProfile, row: Row) -> str:
    criterion = rules.criterion(row.criterion)
    assert criterion is not None, row.criterion
    charted = ", ".join(f"`{each}`" for each in row.charted.split(", ")) if row.charted else ""
    tests = "; ".join(case.where for case in row.cases)
    quote = row.quote.replace("**", "").replace("|", "\\|")
    limit = limit_words(criterion, row.says)
    return f"| {row.section} | {row.says} | {quote} | `{row.criterion}` | {limit} | {charted} | {tests} |"


def limit_words(criterion: Criterion, says: str) -> str:
    """The limit in force, marked where its number was not verified."""
    if says == "resume":
        words = "never: the course is over" if criterion.ends_course else _resume_words(criterion)
        return words if criterion.is_resume_verified else f"{words} (not verified)"
    words = predicate_words(criterion.met)
    return words if criterion.is_verified else f"{words} (not verified)"


def _resume_words(criterion: Criterion) -> str:
    words: str = predicate_words(criterion.resume) if criterion.resume is not None else "no longer met"
    return words


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
