"""The dose decision: order, counts, signatures, overrides, what is shown."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from streaming.criteria.decision import (
    COVERED_DOSE_MS,
    Decision,
    DecisionBook,
    DecisionChanged,
    NextDose,
    Signature,
    SignatureRefused,
    Signed,
    gate_at,
)
from streaming.criteria.state import State
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, MINUTE_MS, PROFILES, PlainFacts, profile, run_of, say, well

PHE = "phenylephrine_ug_kg_min"


def book_of(name: str, facts: PlainFacts) -> DecisionBook:
    """A decision book that has looked once."""
    book = DecisionBook("adm-1", profile(name), facts.now_ms)
    assert book.update(facts) is not None
    return book


def later(facts: PlainFacts, minutes: float = 1, **values: object) -> PlainFacts:
    """Time passes, the monitor goes on watching, and something is said."""
    facts.now_ms += round(minutes * MINUTE_MS)
    facts.monitor_seen_ms = facts.now_ms
    say(facts, {name.replace("site_", "site:", 1): value for name, value in values.items()})  # type: ignore[misc]
    return facts


def looked(book: DecisionBook, facts: PlainFacts, minutes: float = 1, **values: object) -> Decision:
    """The decision after time has passed and something was said."""
    book.update(later(facts, minutes, **values))
    return book.decision


def signed(book: DecisionBook, facts: PlainFacts, decision: Decision, reason: str | None = None) -> Signed:
    taken = book.sign(facts, decision, reason, "dr-ada")
    assert isinstance(taken, Signed), taken
    return taken


def states(book: DecisionBook, *wanted: State) -> list[str]:
    return [each.criterion.id for each in book.states if each.state in wanted]


# --- the computed decision --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_a_patient_of_whom_everything_is_known_and_clear_may_proceed(name: str) -> None:
    book = book_of(name, well())

    assert (book.decision, book.summary(BEGIN_MS)) == (Decision.PROCEED, "every criterion is clear")


@pytest.mark.parametrize("name", PROFILES)
def test_a_patient_of_whom_nothing_is_known_is_indeterminate(name: str) -> None:
    facts = PlainFacts()
    book = book_of(name, facts)

    assert Decision.INDETERMINATE is book.decision
    assert book.summary(BEGIN_MS).startswith("not known: ")


def test_one_required_criterion_unknown_is_indeterminate() -> None:
    book = book_of("label-2024", well(site_skin=""))

    assert Decision.INDETERMINATE is book.decision
    assert states(book, State.UNKNOWN) == ["skin.bullous_dermatitis"]
    assert book.summary(BEGIN_MS) == "not known: skin"


def test_hold_is_stronger_than_indeterminate_and_discontinue_than_hold() -> None:
    facts = well(site_skin="", sbp=84.0)
    book = book_of("label-2024", facts)
    assert Decision.HOLD is book.decision

    assert Decision.DISCONTINUE is looked(book, facts, site_tamponade="present")


def test_decisions_are_ordered_by_strength() -> None:
    order = sorted(Decision, key=lambda each: each.strength)

    assert order == [Decision.PROCEED, Decision.INDETERMINATE, Decision.HOLD, Decision.DISCONTINUE]


def test_what_is_not_required_may_be_unknown() -> None:
    facts = well(site_skin="")
    rules = profile("label-2024")
    criteria = tuple(replace(each, is_required=each.id != "skin.bullous_dermatitis") for each in rules.criteria)
    book = DecisionBook("adm-1", replace(rules, criteria=criteria), facts.now_ms)
    book.update(facts)

    assert Decision.PROCEED is book.decision
    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), Signed)


def test_one_relative_criterion_holds() -> None:
    book = book_of("jitc-2014", well(creatinine=2.5))

    assert Decision.HOLD is book.decision


def test_two_relative_criteria_hold() -> None:
    book = book_of("jitc-2014", well(creatinine=2.5, platelets=40))

    assert Decision.HOLD is book.decision


@pytest.mark.parametrize("name", ["jitc-2014", "community-2015"])
def test_three_relative_criteria_at_once_discontinue(name: str) -> None:
    book = book_of(name, well(creatinine=2.5, platelets=40, bilirubin=8))

    assert Decision.DISCONTINUE is book.decision
    assert book.summary(BEGIN_MS).startswith("3 relative criteria at once; creatinine 2.5 mg/dL")


def test_three_relative_criteria_one_after_the_other_hold() -> None:
    facts = well(creatinine=2.5)
    book = book_of("jitc-2014", facts)
    assert Decision.HOLD is looked(book, facts, platelets=40)
    assert Decision.HOLD is looked(book, facts, creatinine=2.4)

    assert Decision.HOLD is looked(book, facts, bilirubin=8)
    assert states(book, State.RECOVERING).count("renal.creatinine.relative") == 1


def test_what_was_counted_out_stays_discontinued_when_fewer_are_met() -> None:
    facts = well(creatinine=2.5, platelets=40, bilirubin=8)
    book = book_of("jitc-2014", facts)

    assert Decision.DISCONTINUE is looked(book, facts, creatinine=2.4, platelets=60, bilirubin=6)
    assert book.summary(facts.now_ms).startswith("3 relative criteria at once; ")


def test_one_absolute_criterion_discontinues() -> None:
    book = book_of("jitc-2014", well(creatinine=3.0))

    assert Decision.DISCONTINUE is book.decision
    assert book.summary(BEGIN_MS) == "creatinine 3 mg/dL at least 3 since 01:46"


def test_what_discontinued_stays_discontinued_when_it_is_over() -> None:
    facts = well(hr=131)
    book = book_of("jitc-2014", facts)
    looked(book, facts, hr=80)

    assert Decision.DISCONTINUE is looked(book, facts, minutes=10, hr=80)
    assert states(book, State.MET) == ["cardiac.tachycardia.absolute"]


def test_the_third_held_dose_discontinues_in_the_community_profile() -> None:
    facts = well()
    book = book_of("community-2015", facts)
    facts.held_doses = 2
    assert Decision.PROCEED is looked(book, facts, hr=80)

    facts.held_doses = 3
    assert Decision.DISCONTINUE is looked(book, facts, hr=80)
    assert book.summary(facts.now_ms) == "3 doses held"


def test_held_doses_do_not_discontinue_elsewhere() -> None:
    facts = well()
    facts.held_doses = 9

    assert Decision.PROCEED is book_of("jitc-2014", facts).decision


# --- what is told -----------------------------------------------------------------------------------------------------


def test_the_first_look_is_told_and_no_other_that_changes_nothing() -> None:
    facts = well()
    book = DecisionBook("adm-1", profile("label-2024"), facts.now_ms)

    assert book.update(facts) is not None
    assert book.update(later(facts, 0.1, sbp=117, spo2=96)) is None


def test_a_criterion_that_changes_is_told_although_the_decision_stays() -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)

    changed = book.update(later(facts, spo2=85))

    assert changed is not None
    assert (changed.decision, changed.computed) == ("hold", "hold")
    assert facts.now_ms == changed.at_ms


def test_a_change_holds_what_the_contract_names() -> None:
    facts = well(sbp=[(0.2, 84)])
    facts.now_ms += 1
    facts.monitor_seen_ms = facts.now_ms
    facts.say("sbp", 84, at_ms=BEGIN_MS - 2 * MINUTE_MS)
    changed = DecisionBook("adm-1", profile("label-2024"), facts.now_ms).update(facts)

    assert isinstance(changed, DecisionChanged)
    pressure = next(each for each in changed.criteria if each["id"] == "cardiovascular.sbp")
    assert pressure == {
        "id": "cardiovascular.sbp",
        "class": "hold",
        "title": "SBP",
        "state": "met",
        "resumable": False,
        "since": "2001-09-09T01:44:40.000Z",
        "value": 84,
        "unit": "mm[Hg]",
        "limit": 90.0,
        "source_signal": "sbp",
        "source": "MDC_PRESS_BLD_ART_ABP_SYS",
        "at": "2001-09-09T01:44:40.000Z",
        "coverage": 1.0,
        "resume": "SBP ≥ 90 mmHg and pressor requirement stable or improving",
        "reference": "Proleukin label 2.4, Table 2 (2023-2024); clinical.md 2.1",
        "evidence": "V",
        "verified": True,
        "resume_verified": False,
        "approver": None,
        "required": True,
        "text": "SBP 84 mmHg, below 90 since 01:44, arterial line; "
        "resume: SBP ≥ 90 mmHg and pressor requirement stable or improving [number not verified]",
    }
    assert changed.profile == {"id": "label-2024", "version": "1", "sha256": profile("label-2024").sha256}
    assert changed.summary == "SBP 84 mmHg below 90 since 01:44"
    assert changed.signature is None


def test_a_criterion_of_which_nothing_is_known_says_which_signal_is_missing() -> None:
    changed = DecisionBook("adm-1", profile("label-2024"), BEGIN_MS).update(PlainFacts())

    assert changed is not None
    unknown = {each["id"]: each for each in changed.criteria}["respiratory.spo2"]
    assert tuple(unknown[name] for name in ("state", "value", "at", "source_signal", "coverage")) == (
        "unknown",
        None,
        None,
        "spo2",
        0.0,
    )
    assert unknown["text"] == "SpO2 not known: no value within its age limit"


def test_the_view_has_the_next_dose_and_its_gate() -> None:
    facts = well()
    book = book_of("label-2024", facts)

    view = book.view(facts, NextDose(number=5, due_ms=BEGIN_MS + 20 * MINUTE_MS))

    assert view["next_dose"] == {"number": 5, "due_at": "2001-09-09T02:06:40.000Z", "gate": "T-30"}
    assert (
        view["decision"],
        view["computed"],
        view["evaluated_at"],
    ) == ("proceed", "proceed", "2001-09-09T01:46:40.000Z")
    assert len(view["criteria"]) == 19  # type: ignore[arg-type]
    assert book.view(facts, None)["next_dose"] is None


@pytest.mark.parametrize(
    ("minutes", "gate"),
    [
        (300, "T-120"),
        (120.1, "T-120"),
        (120, "T-120"),
        (31, "T-120"),
        (30, "T-30"),
        (0.1, "T-30"),
        (0, "T0"),
        (-9, "T0"),
    ],
)
def test_the_gate_is_the_latest_that_was_reached_or_the_first(minutes: float, gate: str) -> None:
    assert gate == gate_at(profile("label-2024"), BEGIN_MS + round(minutes * MINUTE_MS), BEGIN_MS)


def test_open_criteria_are_those_met_or_unknown() -> None:
    facts = well(sbp=84, site_skin="")
    book = book_of("label-2024", facts)
    looked(book, facts, minutes=1, sbp=95, spo2=85)

    assert book.open_criteria == ("respiratory.spo2", "skin.bullous_dermatitis")


def test_a_profile_of_a_site_says_who_answers_for_it() -> None:
    rules = replace(profile("label-2024"), id="label-2024-mercy", based_on="label-2024", approver="Dr. Curie")
    changed = DecisionBook("adm-1", rules, BEGIN_MS).update(well())

    assert changed is not None
    assert (changed.profile["based_on"], changed.profile["approver"]) == ("label-2024", "Dr. Curie")


# --- signatures -------------------------------------------------------------------------------------------------------


def recovered() -> tuple[DecisionBook, PlainFacts]:
    """A hold of which only the signature is missing."""
    facts = well(sbp=84)
    book = book_of("label-2024", facts)
    assert Decision.HOLD is looked(book, facts, sbp=95)
    assert Decision.HOLD is looked(book, facts, sbp=96)
    return book, facts


def test_a_hold_is_left_by_a_signature_alone() -> None:
    book, facts = recovered()
    assert Decision.HOLD is looked(book, facts, minutes=3, sbp=100)
    assert book.summary(facts.now_ms).startswith("SBP recovering since ")

    taken = signed(book, facts, Decision.PROCEED)

    assert Decision.PROCEED is book.decision
    assert not taken.signature.is_override
    assert taken.changed is not None
    assert taken.changed.decision == "proceed"
    assert tuple(taken.changed.signature[key] for key in ("by", "override", "computed")) == ("dr-ada", False, "hold")  # type: ignore[index]
    assert book.summary(facts.now_ms) == "every criterion is clear"


def test_a_hold_that_may_be_resumed_beside_something_unknown_needs_a_reason() -> None:
    book, facts = recovered()
    facts.readings["site:skin"].clear()
    assert looked(book, facts, sbp=96) is Decision.HOLD

    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), SignatureRefused)


def test_a_hold_by_what_is_not_required_needs_a_reason_as_any_other() -> None:
    facts = well(sbp=84)
    rules = profile("label-2024")
    criteria = tuple(replace(each, is_required=each.id != "cardiovascular.sbp") for each in rules.criteria)
    book = DecisionBook("adm-1", replace(rules, criteria=criteria), facts.now_ms)
    book.update(facts)
    assert book.decision is Decision.HOLD

    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), SignatureRefused)


def test_lifting_a_signed_discontinuation_leaves_nothing_that_stands() -> None:
    facts = well()
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.DISCONTINUE, "patient's wish")

    signed(book, facts, Decision.PROCEED, "patient thinks again")

    assert book.summary(facts.now_ms) == "every criterion is clear"
    assert book.view(facts, None)["signature"]["stands"] is False  # type: ignore[index,call-overload]


def test_a_signature_before_the_dwell_has_passed_overrides() -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)
    looked(book, facts, sbp=95)

    refused = book.sign(facts, Decision.PROCEED, None, "dr-ada")

    assert isinstance(refused, SignatureRefused)
    assert refused.reason == "reason_required"
    assert refused.detail == "the decision is hold: signing proceed against it needs a reason"
    assert (book.decision, book.signature) == (Decision.HOLD, None)


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_an_override_needs_a_reason(reason: str | None) -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)

    assert isinstance(book.sign(facts, Decision.PROCEED, reason, "dr-ada"), SignatureRefused)


def test_an_override_is_the_decision_while_what_is_computed_goes_on_being_shown() -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)

    taken = signed(book, facts, Decision.PROCEED, "cuff reads 110")

    assert taken.signature == Signature(
        at_ms=BEGIN_MS,
        actor="dr-ada",
        decision=Decision.PROCEED,
        computed=Decision.HOLD,
        reason="cuff reads 110",
        is_override=True,
        covers=("cardiovascular.sbp",),
    )
    view = book.view(facts, None)
    assert (view["decision"], view["computed"]) == ("proceed", "hold")
    assert view["summary"] == "proceed signed by dr-ada (cuff reads 110); computed: SBP 84 mmHg below 90 since 01:46"
    assert view["signature"] == {
        "decision": "proceed",
        "computed": "hold",
        "by": "dr-ada",
        "at": "2001-09-09T01:46:40.000Z",
        "reason": "cuff reads 110",
        "override": True,
        "covers": ["cardiovascular.sbp"],
        "stands": True,
    }


def overridden(**values: object) -> tuple[DecisionBook, PlainFacts]:
    """A dose allowed against a hold."""
    facts = well(**{"sbp": 84, **values})  # type: ignore[arg-type]
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.PROCEED, "cuff reads 110")
    assert Decision.PROCEED is book.decision
    return book, facts


def test_an_override_stands_while_its_facts_do_and_when_they_get_better() -> None:
    book, facts = overridden()

    assert Decision.PROCEED is looked(book, facts, sbp=80)
    assert Decision.PROCEED is looked(book, facts, sbp=95)
    assert states(book, State.RECOVERING) == ["cardiovascular.sbp"]
    assert Decision.PROCEED is looked(book, facts, sbp=95)


def test_an_override_ends_when_another_criterion_is_met() -> None:
    book, facts = overridden()

    assert Decision.HOLD is looked(book, facts, sbp=84, spo2=85)
    assert book.view(facts, None)["signature"]["stands"] is False  # type: ignore[index,call-overload]


def test_an_override_ends_when_what_it_covered_comes_again() -> None:
    book, facts = overridden()
    looked(book, facts, sbp=95)

    assert Decision.HOLD is looked(book, facts, sbp=84)


def test_an_override_ends_when_something_required_becomes_unknown() -> None:
    book, facts = overridden()

    assert Decision.HOLD is looked(book, facts, minutes=6, sbp=84)
    assert states(book, State.UNKNOWN) == ["respiratory.spo2"]


def test_an_override_of_what_is_unknown_stands_until_it_is_known_to_be_met() -> None:
    facts = well(site_skin="")
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.PROCEED, "skin seen by the dermatologist")
    assert Decision.PROCEED is looked(book, facts, sbp=110, spo2=97)

    assert Decision.HOLD is looked(book, facts, sbp=110, spo2=97, site_skin="bullous_dermatitis")


def test_an_override_of_what_is_unknown_ends_when_it_was_known_and_is_not_any_more() -> None:
    facts = well(site_skin="")
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.PROCEED, "skin seen by the dermatologist")
    looked(book, facts, site_skin="normal")
    assert Decision.PROCEED is book.computed

    facts.readings["site:skin"].clear()

    assert Decision.INDETERMINATE is looked(book, facts, sbp=110, spo2=97)


def test_an_override_covers_the_dose_it_was_signed_for_and_ends_an_hour_after_that_began() -> None:
    book, facts = overridden()
    facts.interval_began_ms = facts.now_ms
    began_ms = facts.now_ms
    book.update(facts)
    assert Decision.PROCEED is book.decision

    assert began_ms + COVERED_DOSE_MS >= book.due_ms(facts) > facts.now_ms
    for _ in range(20):
        assert Decision.PROCEED is looked(book, facts, minutes=2.9, sbp=84, spo2=97)
    facts.now_ms = began_ms + COVERED_DOSE_MS - 1
    say(facts, {"sbp": 84, "spo2": 97})
    facts.monitor_seen_ms = facts.now_ms
    book.update(facts)
    assert Decision.PROCEED is book.decision
    assert began_ms + COVERED_DOSE_MS == book.due_ms(facts)

    facts.now_ms += 1
    assert Decision.HOLD is looked(book, facts, minutes=0, sbp=84)
    assert facts.now_ms < book.due_ms(facts)


def test_an_override_signed_before_any_course_stands_until_a_dose_begins() -> None:
    facts = well(sbp=84)
    facts.interval_began_ms = None
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.PROCEED, "cuff reads 110")

    assert Decision.PROCEED is looked(book, facts, sbp=84, spo2=97)


def test_an_override_ends_when_another_dose_is_held() -> None:
    book, facts = overridden()
    facts.held_doses = 1

    assert Decision.HOLD is looked(book, facts, sbp=84)


def test_a_discontinuation_is_lifted_by_a_signature_with_a_reason() -> None:
    facts = well()
    facts.events.append(run_of(7))
    book = book_of("label-2024", facts)
    assert Decision.DISCONTINUE is book.decision
    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), SignatureRefused)

    signed(book, facts, Decision.PROCEED, "artefact, seen by cardiology")

    assert (book.decision, book.computed) == (Decision.PROCEED, Decision.PROCEED)
    assert states(book, State.MET) == []
    facts.events.append(run_of(5, minutes_ago=-1))
    assert Decision.DISCONTINUE is looked(book, facts, minutes=2)


def test_a_discontinuation_whose_reason_still_holds_is_lifted_until_the_facts_change() -> None:
    facts = well(site_tamponade="present")
    book = book_of("label-2024", facts)

    signed(book, facts, Decision.PROCEED, "drained")

    assert (book.decision, book.computed) == (Decision.PROCEED, Decision.DISCONTINUE)
    assert Decision.DISCONTINUE is looked(book, facts, minutes=6, site_tamponade="present")


def test_a_discontinuation_can_be_lifted_to_a_hold() -> None:
    facts = well(site_tamponade="present")
    book = book_of("label-2024", facts)
    assert isinstance(book.sign(facts, Decision.HOLD, None, "dr-ada"), SignatureRefused)

    signed(book, facts, Decision.HOLD, "to be drained today")

    assert (book.decision, book.computed) == (Decision.HOLD, Decision.DISCONTINUE)
    assert book.summary(facts.now_ms).startswith("hold signed by dr-ada (to be drained today); computed: tamponade")


def test_what_was_counted_out_is_lifted_and_counts_anew() -> None:
    facts = well(creatinine=2.5, platelets=40, bilirubin=8)
    book = book_of("jitc-2014", facts)
    signed(book, facts, Decision.PROCEED, "all three chronic")
    assert (book.decision, book.computed) == (Decision.PROCEED, Decision.DISCONTINUE)

    assert Decision.PROCEED is looked(book, facts, bilirubin=6, sbp=118)
    assert Decision.HOLD is book.computed
    assert Decision.DISCONTINUE is looked(book, facts, bilirubin=8, sbp=118)


def test_held_doses_that_were_lifted_count_with_the_next_one() -> None:
    facts = well()
    facts.held_doses = 3
    book = book_of("community-2015", facts)
    signed(book, facts, Decision.PROCEED, "the holds were for want of a bed")
    assert (book.decision, book.computed) == (Decision.PROCEED, Decision.PROCEED)

    facts.held_doses = 4
    assert Decision.DISCONTINUE is looked(book, facts, hr=80)
    assert book.summary(facts.now_ms) == "4 doses held"


def test_a_signed_hold_stands_until_another_signature() -> None:
    facts = well()
    book = book_of("label-2024", facts)
    assert isinstance(book.sign(facts, Decision.HOLD, None, "dr-ada"), SignatureRefused)
    signed(book, facts, Decision.HOLD, "family asks to wait")
    assert Decision.HOLD is looked(book, facts, sbp=118)
    assert book.summary(facts.now_ms) == (
        "hold signed by dr-ada (family asks to wait); computed: every criterion is clear"
    )

    signed(book, facts, Decision.PROCEED)

    assert Decision.PROCEED is book.decision


def test_a_signed_hold_does_not_weaken_what_is_computed() -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)
    taken = signed(book, facts, Decision.HOLD)
    assert not taken.signature.is_override
    assert taken.changed is None
    assert book.summary(facts.now_ms) == "hold signed by dr-ada"

    assert Decision.DISCONTINUE is looked(book, facts, site_tamponade="present")
    assert book.summary(facts.now_ms).startswith("tamponade: present since ")


def test_a_signed_discontinuation_needs_a_reason_to_sign_and_to_lift() -> None:
    facts = well()
    book = book_of("label-2024", facts)
    assert isinstance(book.sign(facts, Decision.DISCONTINUE, None, "dr-ada"), SignatureRefused)
    signed(book, facts, Decision.DISCONTINUE, "patient's wish")
    assert Decision.DISCONTINUE is looked(book, facts, sbp=118)
    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), SignatureRefused)
    assert isinstance(book.sign(facts, Decision.HOLD, None, "dr-ada"), SignatureRefused)
    assert isinstance(book.sign(facts, Decision.DISCONTINUE, "again", "dr-ada"), Signed)

    signed(book, facts, Decision.HOLD, "patient thinks again")
    assert Decision.HOLD is looked(book, facts, sbp=118)
    signed(book, facts, Decision.PROCEED)
    assert Decision.PROCEED is looked(book, facts, sbp=118)


def test_signing_what_is_computed_changes_nothing_and_is_remembered() -> None:
    facts = well()
    book = book_of("label-2024", facts)

    taken = signed(book, facts, Decision.PROCEED)

    assert taken.changed is None
    assert book.signature == taken.signature
    assert Decision.PROCEED is book.decision


def test_a_signature_sees_what_has_happened_since_the_last_look() -> None:
    facts = well()
    book = book_of("label-2024", facts)
    say(facts, {"site:skin": "bullous_dermatitis"})

    assert isinstance(book.sign(facts, Decision.PROCEED, None, "dr-ada"), SignatureRefused)
    assert Decision.HOLD is book.decision


def test_an_override_of_an_unknown_run_begins_anew_from_the_signature() -> None:
    facts = well()
    facts.events.append(run_of(None))
    book = book_of("label-2024", facts)
    assert states(book, State.UNKNOWN) == ["cardiovascular.vt"]

    signed(book, facts, Decision.PROCEED, "seen on the strip: three beats")

    assert (book.decision, book.computed) == (Decision.PROCEED, Decision.PROCEED)


# --- time, and being kept ---------------------------------------------------------------------------------------------


def test_due_is_when_the_first_value_becomes_too_old_however_often_a_window_slides() -> None:
    facts = well()
    book = DecisionBook("adm-1", profile("label-2024"), facts.now_ms - 10_000)
    book.update(facts)

    assert book.due_ms(facts) == BEGIN_MS + 5 * MINUTE_MS + 1, "the windows are of hours, and need no look before"
    later(facts, 4.9)
    book.update(facts)
    assert book.due_ms(facts) == BEGIN_MS + 5 * MINUTE_MS + 1


def test_silence_makes_it_indeterminate_at_the_instant_that_was_due() -> None:
    facts = well()
    book = book_of("label-2024", facts)
    while book.decision is Decision.PROCEED:
        facts.now_ms = book.due_ms(facts)
        facts.monitor_seen_ms = facts.now_ms
        book.update(facts)

    assert (book.decision, facts.now_ms) == (Decision.INDETERMINATE, BEGIN_MS + 5 * MINUTE_MS + 1)


def test_a_book_that_was_kept_goes_on_as_one_that_was_not() -> None:
    facts = well(sbp=84)
    book = book_of("label-2024", facts)
    signed(book, facts, Decision.PROCEED, "cuff reads 110")
    looked(book, facts, minutes=0.05, sbp=95)
    kept: DecisionBook = pickle.loads(pickle.dumps(book))

    for sbp in (95, 84, 95, 96):
        later(facts, 0.2, sbp=sbp)
        assert kept.update(facts) == book.update(facts)
    assert kept.view(facts, None) == book.view(facts, None)


def test_all_times_shifted_shift_the_outcome() -> None:
    def course(shift_ms: int) -> list[tuple[int, str]]:
        facts = PlainFacts(now_ms=BEGIN_MS + shift_ms, monitor_seen_ms=BEGIN_MS + shift_ms)
        book = DecisionBook("adm-1", profile("label-2024"), facts.now_ms)
        told = []
        for step in range(40):
            say(facts, {"sbp": 84 + step % 12, "spo2": 97 - step % 9})
            changed = book.update(facts)
            if changed is not None:
                told.append((changed.at_ms - shift_ms, changed.decision))
            facts.now_ms = book.due_ms(facts)
        return told

    assert course(0) == course(5 * HOUR_MS + 12_345)
