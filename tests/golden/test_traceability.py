"""The traceability page is what the profiles and the golden tables say, and nothing of the clinical notes is missing.

The notes are not part of the repository: where they are absent, the tests that read them are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.golden.criteria.tables import TABLES
from tests.golden.traceability import COUNTS, page
from tests.support.plain_facts import PROFILES
from tests.support.sources import REPOSITORY

PAGE = REPOSITORY / "docs" / "traceability.md"
NOTES = Path(__file__).parents[2].parent / "shared" / "design" / "clinical.md"
QUOTES = [row.quote for rows in TABLES.values() for row in rows]
COLUMNS = {"2.1": (1, 2), "2.2": (1, 2), "2.3": (1, 3), "3.1": (1, 2)}
"""Columns of each section's table that say what holds, resumes or discontinues."""
SAID_BY_NO_CRITERION = (
    "same cell as above in the copy read",
    "asymptomatic with full recovery",
    "same",
    "or",
    "verify in R2",
)
"""What stands in a cell beside the statements: references to other cells and to sources."""
TAGS = re.compile(r"\[(?:V|S|GK|D)\]|\[R\d+[a-z]?\]")
JOINTS = re.compile(r"\b(?:or|same)\b")


@pytest.fixture(scope="module")
def notes() -> str:
    if not NOTES.exists():
        pytest.skip("the clinical notes are not here")
    return plain(NOTES.read_text(encoding="utf-8"))


def plain(text: str) -> str:
    return text.replace("**", "")


def section(notes: str, number: str) -> str:
    found = re.search(rf"^#+ {re.escape(number)}[. ].*?(?=^#+ )", notes + "\n# ", re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group()


def cells(notes: str, number: str) -> Iterator[str]:
    lines = [line for line in section(notes, number).splitlines() if line.startswith("|")]
    for line in lines[2:]:
        columns = line.strip("|").split("|")
        for column in COLUMNS[number]:
            yield columns[column].strip()


def left_over(cell: str, quotes: list[str]) -> str:
    """What remains of a cell when every quote has been taken out."""
    rest = TAGS.sub("", cell)
    for words in sorted({*map(plain, quotes), *SAID_BY_NO_CRITERION}, key=len, reverse=True):
        rest = rest.replace(words, "")
    return re.sub(r"[\W_]+", " ", JOINTS.sub("", rest)).strip()


def test_the_page_is_current() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_every_profile_and_the_counts_are_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in PROFILES if f"(`{name}` " not in text] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", COUNTS))
    written = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))

    assert named
    assert {name for name in named if f"def {name}(" not in written} == set()


def test_every_quote_stands_in_the_notes_in_its_section(notes: str) -> None:
    rows = [row for rows in TABLES.values() for row in rows]

    assert [(row.section, row.quote) for row in rows if plain(row.quote) not in section(notes, row.section)] == []


@pytest.mark.parametrize("number", COLUMNS)
def test_every_statement_of_a_table_of_the_notes_has_a_row(notes: str, number: str) -> None:
    missing = {cell: left_over(cell, QUOTES) for cell in cells(notes, number)}

    assert {cell: rest for cell, rest in missing.items() if rest} == {}


@pytest.mark.parametrize(
    ("number", "begin"), [("3.2", "Same structure, differences that matter:"), ("3.4", "| hold |")]
)
def test_every_statement_of_a_line_of_the_notes_has_a_row(notes: str, number: str, begin: str) -> None:
    line = next(line for line in section(notes, number).splitlines() if line.startswith(begin))

    assert left_over(line.removeprefix(begin), QUOTES) == ""


def test_a_statement_without_a_row_is_noticed() -> None:
    quotes = [quote for quote in QUOTES if quote != "bilirubin > 7 mg/dL"]

    assert left_over("ileus/distention; bilirubin > 7 mg/dL", quotes) == "bilirubin 7 mg dL"
    assert left_over("ileus/distention; bilirubin > 7 mg/dL", QUOTES) == ""
