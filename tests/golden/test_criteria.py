"""Every criterion of every profile at its boundary, against tables written by hand from the clinical notes."""

from __future__ import annotations

import pytest

from streaming.criteria.criterion import Criterion
from streaming.criteria.state import CriterionState
from tests.golden.criteria.rows import Case, Row
from tests.golden.criteria.tables import TABLES
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, PROFILES, PlainFacts, profile, say


def outcome(criterion: Criterion, case: Case) -> str:
    """The state that follows, `resumable` where only the signature is missing."""
    facts = PlainFacts(
        baseline=case.baseline,
        limits=case.limits,
        interval_began_ms=BEGIN_MS - 8 * HOUR_MS,
        monitor_seen_ms=BEGIN_MS if case.monitor else None,
        events=list(case.events),
    )
    say(facts, case.given)
    state = CriterionState(criterion, facts.now_ms)
    state.update(facts)
    if case.after is not None:
        assert state.state.value == "met", "what is better must have been worse"
        facts.now_ms += round(case.hours * HOUR_MS)
        facts.monitor_seen_ms = facts.now_ms if case.monitor else None
        say(facts, case.after)
        for last_ms in (0, criterion.confirm_ms, criterion.dwell_ms):
            facts.now_ms += last_ms
            state.update(facts)
    return "resumable" if state.resumable else state.state.value


EVERY_CASE = [
    pytest.param(name, row, case, id=f"{name} {row.criterion} {row.says} {case.where}")
    for name, rows in TABLES.items()
    for row in rows
    for case in row.cases
]


@pytest.mark.parametrize(("name", "row", "case"), EVERY_CASE)
def test_criterion_stands_as_the_table_says(name: str, row: Row, case: Case) -> None:
    criterion = profile(name).criterion(row.criterion)

    assert criterion is not None
    assert case.expect == outcome(criterion, case)


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_of_a_profile_has_a_row_and_every_row_a_criterion(name: str) -> None:
    assert {criterion.id for criterion in profile(name).criteria} == {row.criterion for row in TABLES[name]}


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_is_seen_met_clear_and_unknown(name: str) -> None:
    seen: dict[str, set[str]] = {}
    for row in TABLES[name]:
        seen.setdefault(row.criterion, set()).update(case.expect for case in row.cases)

    assert {key: found for key, found in seen.items() if not {"met", "clear", "unknown"} <= found} == {}


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_that_can_be_resumed_is_seen_resumable(name: str) -> None:
    resumable = {
        each.id for each in profile(name).criteria if not each.criterion_class.is_final and not each.ends_course
    }
    seen = {row.criterion for row in TABLES[name] if any(case.expect == "resumable" for case in row.cases)}

    assert resumable == seen


@pytest.mark.parametrize("name", PROFILES)
def test_class_of_a_criterion_is_the_column_that_the_row_stands_in(name: str) -> None:
    classes = {each.id: each.criterion_class.value for each in profile(name).criteria}
    said = {(row.criterion, row.says) for row in TABLES[name] if row.says != "resume"}

    assert {(key, classes[key]) for key, _ in said} == said
