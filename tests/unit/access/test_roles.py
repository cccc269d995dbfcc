"""The table of roles, and its page."""

from __future__ import annotations

import pytest

from gateway.access.page import describe_access
from gateway.access.roles import ACTS, MAY, WORDS, Permission, Role, allows
from gateway.web.permissions import NEEDED, asked
from tests.support.sources import REPOSITORY


def test_table_has_every_role_and_words_for_every_permission() -> None:
    assert set(MAY) == set(Role)
    assert set(WORDS) == set(Permission)
    assert set().union(*MAY.values()) == set(Permission)


def test_only_those_who_treat_patients_act_on_them() -> None:
    who = {permission: {role for role in Role if allows(role, permission)} for permission in ACTS}

    assert who[Permission.SIGN_DECISION] == {Role.PHYSICIAN}
    assert who[Permission.ORDER_COURSE] == {Role.PHYSICIAN, Role.PHARMACIST}
    assert all(
        roles == {Role.NURSE, Role.PHYSICIAN}
        for permission, roles in who.items()
        if permission not in {Permission.SIGN_DECISION, Permission.ORDER_COURSE}
    )
    assert len(ACTS) == 9


def test_who_looks_after_the_machine_or_only_watches_acts_on_nobody() -> None:
    assert not MAY[Role.ENGINEER] & ACTS
    assert not MAY[Role.VIEWER] & ACTS


def test_every_post_is_an_act_and_every_act_a_post() -> None:
    assert {needed for (method, _), needed in NEEDED.items() if method == "POST"} == ACTS
    assert not {needed for (method, _), needed in NEEDED.items() if method != "POST"} & ACTS


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/api/v1/rules/label/renal.creatinine", Permission.READ),
        ("POST", "/api/v1/admissions/a-1/dose-decision/sign", Permission.SIGN_DECISION),
        ("POST", "/api/v1/admissions/a-1/dose-decision", None),
        ("POST", "/api/v1/admissions/a-1/dose-decision/sign/", None),
        ("GET", "/api/v1/admissions/a/b", None),
        ("GET", "/metricsfoo", None),
        ("GET", "/health/other", None),
        ("PATCH", "/api/v1/admissions", None),
    ],
)
def test_path_needs_what_the_table_says_and_else_is_closed(method: str, path: str, needed: Permission | None) -> None:
    found = asked(method, path)

    assert (found.is_open, found.needed) == (False, needed)


def test_page_shows_the_table() -> None:
    page = REPOSITORY / "docs" / "access.md"

    assert page.read_text() == describe_access(page.read_text()), "run `make docs`"


def test_page_that_says_something_else_is_caught() -> None:
    page = (REPOSITORY / "docs" / "access.md").read_text()
    row = next(line for line in page.splitlines() if line.startswith("| sign decisions on doses"))

    assert describe_access(page.replace(row, row.replace("–", "yes"))) == page
