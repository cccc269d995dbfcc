"""What a permit says, from the fold's state alone."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.ward import Ward
from gateway.permit import Permit, permit_object, permits_of
from gateway.rulesets import load_rulebook
from streaming.commands import Sign
from streaming.instants import parse_instant
from tests.support.bedside import BED, HR, OTHER_BED, SPO2, Bedside, cuff, ms
from tests.support.dosing_ward import CHECKLIST

RULES = load_rulebook("alarms-il2", "label-2024")
DUE_S = 1800
DAY_S = 86_400


def bedside(*, course: bool = True, checked: bool = True) -> Bedside:
    """A patient whose criteria are clear at 60 s, where they are checked; the first dose is due at `DUE_S`."""
    made = Bedside(admitted=False)
    made.ward = Ward(RULES)
    made.admit(0)
    made.obs(1, {HR: 82.0, SPO2: 97.0, **cuff(88, 0)})
    if checked:
        made.chart(2, dict(CHECKLIST))
    if course:
        made.course(DUE_S)
        made.tick(DUE_S)
    made.obs(DUE_S + 60, {HR: 82.0, SPO2: 97.0, **cuff(88, DUE_S + 60)})
    made.tick(DUE_S + 62)
    return made


def permit(made: Bedside, why: str = "") -> Permit:
    return permits_of(made.ward, why)[BED]


def test_a_permit_says_proceed_only_while_the_gateway_speaks_for_the_present() -> None:
    made = bedside()

    current, behind = permit(made), permit(made, "the engine is 3.0 s behind")

    assert (current.decision, current.computed, current.criteria) == ("proceed", "proceed", ())
    assert (behind.decision, behind.computed) == ("indeterminate", "indeterminate")
    assert behind.why_not_current == "the engine is 3.0 s behind"


def test_a_hold_stays_a_hold_whether_the_gateway_is_current_or_not() -> None:
    made = bedside()
    made.chart(DUE_S + 70, {"site:mental_status": "confusion"})

    assert permit(made).decision == permit(made, "the journal is refusing").decision == "hold"
    assert permit(made).criteria == ("neurologic.mental_status",)


def test_a_permit_is_never_proceed_where_something_required_is_unknown() -> None:
    made = bedside(checked=False)

    assert permit(made).decision == "indeterminate"
    assert "skin.bullous_dermatitis" in permit(made).criteria


def test_a_permit_under_a_signed_override_shows_what_the_criteria_say_too() -> None:
    made = bedside()
    made.chart(DUE_S + 70, {"site:mental_status": "confusion"})
    sign = Sign(admission_id="adm-1", decision="proceed", reason="known delirium", actor="doctor")
    made.command(DUE_S + 80, sign)

    assert (permit(made).decision, permit(made).computed) == ("proceed", "hold")


def test_a_permit_is_not_given_where_the_criteria_were_not_looked_at_when_they_had_to_be() -> None:
    made = bedside()
    desk = made.ward.desk("adm-1")
    assert desk is not None
    desk.due_ms = made.ward.now_ms - 2_000

    assert permit(made).decision == "indeterminate"
    assert "looked at" in permit(made).why_not_current


@pytest.mark.parametrize("course", [True, False])
def test_a_bed_has_a_permit_while_it_has_a_course(course: bool) -> None:
    assert (BED in permits_of(bedside(course=course).ward, "")) == course


def test_a_permit_ends_with_the_course() -> None:
    made = bedside()
    made.tick(DUE_S + 4 * DAY_S)
    before = permit(made)
    made.tick(DUE_S + 6 * DAY_S)

    assert before.dose_number == 13
    assert permits_of(made.ward, "") == {}


def test_a_permit_moves_with_the_patient_and_ends_when_the_patient_leaves() -> None:
    made = bedside()
    made.transfer(DUE_S + 70)
    moved = permits_of(made.ward, "")
    made.discharge(DUE_S + 80)

    assert set(moved) == {OTHER_BED}
    assert permits_of(made.ward, "") == {}


def test_a_permit_is_published_as_the_contract_has_it() -> None:
    now_ms = ms(DUE_S + 62)

    body: dict[str, Any] = permit_object(permit(bedside()), now_ms)

    until_ms = parse_instant(body.pop("valid_until"))
    assert until_ms is not None
    assert 0 < until_ms - now_ms <= 15_000
    assert {"decision", "admission_id", "dose_number", "criteria", "profile_sha256"} <= set(body)
    assert "why" not in body
