"""Dosing profiles: what the shipped ones say of themselves, what is wrong with a bad one, what a site may change."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from streaming.criteria.asking import TO_HOLD
from streaming.criteria.criterion import Counting, CriterionClass
from streaming.criteria.evaluate import evaluate
from streaming.criteria.examples import check_example, outcome
from streaming.criteria.kinds import Limit
from streaming.criteria.predicates import PREDICATE_KINDS
from streaming.criteria.profile import (
    ProfileError,
    is_dosing_file,
    is_site_file,
    parse_dosing_profile,
    parse_site_profile,
    site_base,
)
from streaming.truth import Truth
from tests.support.plain_facts import FOLDER, PROFILES, PlainFacts, profile

CRITERION = """
[[criterion]]
id = "a.b"
class = "hold"
title = "SBP"
met = { kind = "limit", signal = "sbp", below = 90, patient_limit = "sbp_hold" }
resume_text = "SBP back"
reference = "somewhere"
evidence = "V"
"""
HEAD = """
[profile]
id = "p"
version = "1"
title = "P"
counting = "label"
gates_min = [120, 30, 0]
[patient_limits]
sbp_hold = { low = 70, high = 130, unit = "mm[Hg]" }
[doses]
per_cycle = 14
per_course = 28
min_interval_h = 7.5
min_duration_min = 12
max_duration_min = 20
tolerance_pct = 5
concentration_low_mg_ml = 0.03
concentration_high_mg_ml = 0.07
max_pause_min = 5
given_up_after_min = 15
weight_tolerance_pct = 10
told_for_h = 1
pressor_rise_pct = 25
weaned_to_share = 0.5
reference = "label"
[doses.weaned_to]
phenylephrine = 0.2
norepinephrine = 0.02
dopamine = 1
vasopressin = 0.01
epinephrine = 0.02
dobutamine = 1
"""
SMALL = HEAD + CRITERION


def error_of(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_dosing_profile(text, "p.toml")
    return str(caught.value)


def with_met(met: str, more: str = "") -> str:
    return SMALL.replace('{ kind = "limit", signal = "sbp", below = 90, patient_limit = "sbp_hold" }', met) + more


# --- the shipped profiles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROFILES)
def test_every_test_vector_of_a_shipped_profile_holds(name: str) -> None:
    found = [
        (criterion.id, failure)
        for criterion in profile(name).criteria
        for example in criterion.examples
        if (failure := check_example(criterion, example)) is not None
    ]

    assert found == []


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_of_a_shipped_profile_has_test_vectors_of_every_kind(name: str) -> None:
    lacking = {
        criterion.id: missing
        for criterion in profile(name).criteria
        if (missing := {"clear", "met", "unknown"} - {example.expect for example in criterion.examples})
    }

    assert lacking == {}


@pytest.mark.parametrize("name", PROFILES)
def test_a_shipped_profile_is_named_as_its_file_and_hashed_over_its_text(name: str) -> None:
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")

    assert (profile(name).id, profile(name).sha256) == (name, sha256(text.encode()).hexdigest())


def test_criteria_of_the_label_profiles_are_those_of_the_contract() -> None:
    hold = {
        "cardiovascular.rhythm", "cardiovascular.sbp", "respiratory.spo2", "neurologic.mental_status",
        "infection.sepsis", "renal.creatinine", "renal.oliguria", "hepatic.failure", "gi.stool_blood",
        "skin.bullous_dermatitis",
    }  # fmt: skip
    discontinue = {
        "cardiovascular.vt", "cardiovascular.arrhythmia_refractory", "cardiovascular.ischemia",
        "cardiovascular.tamponade", "respiratory.intubation", "renal.dialysis", "neurologic.coma",
        "neurologic.seizures", "gi.catastrophe",
    }  # fmt: skip

    def of_class(name: str, wanted: CriterionClass) -> set[str]:
        return {each.id for each in profile(name).criteria if each.criterion_class is wanted}

    assert of_class("label-2024", CriterionClass.HOLD) == hold
    assert of_class("label-legacy", CriterionClass.HOLD) == hold | {"cardiovascular.ecg"}
    assert of_class("label-2024", CriterionClass.DISCONTINUE) == discontinue
    assert of_class("label-legacy", CriterionClass.DISCONTINUE) == discontinue


CONSENSUS = {
    "cardiac.tachycardia", "cardiac.ischemia", "cardiac.arrhythmia", "cardiac.troponin", "hemodynamic.phenylephrine",
    "hemodynamic.pressors", "renal.urine", "renal.creatinine", "renal.bicarbonate", "pulmonary.oxygen",
    "pulmonary.dyspnea", "pulmonary.rales", "pulmonary.intubation", "neuro.state", "gi.diarrhea", "gi.vomiting",
    "gi.distention", "gi.bilirubin", "hemorrhage.blood", "hemorrhage.platelets", "musculoskeletal.weight_gain",
    "musculoskeletal.tightness", "infection.state", "skin.desquamation",
}  # fmt: skip


def test_criteria_of_the_consensus_profiles_are_those_of_the_contract_with_their_column() -> None:
    ids = [each.id.rpartition(".") for name in ("jitc-2014", "community-2015") for each in profile(name).criteria]

    assert {stem for stem, _, _ in ids} == CONSENSUS
    for name in ("jitc-2014", "community-2015"):
        assert all(each.id.endswith(f".{each.criterion_class.value}") for each in profile(name).criteria)


@pytest.mark.parametrize("name", PROFILES)
def test_every_criterion_is_required_and_says_where_it_is_from(name: str) -> None:
    assert all(each.is_required and each.reference and each.resume_text for each in profile(name).criteria)


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        (
            "label-2024",
            {"infection.sepsis", "renal.creatinine", "renal.oliguria", "hepatic.failure", "skin.bullous_dermatitis"},
        ),
        (
            "jitc-2014",
            {"cardiac.troponin.absolute", "renal.bicarbonate.relative", "gi.vomiting.relative", "neuro.state.absolute"},
        ),
        ("community-2015", {"cardiac.troponin.absolute", "renal.bicarbonate.relative"}),
    ],
)
def test_numbers_that_the_notes_could_not_verify_are_marked(name: str, marked: set[str]) -> None:
    assert {each.id for each in profile(name).criteria if not each.is_verified} == marked


def test_the_systolic_pressure_to_resume_is_marked_in_the_current_label() -> None:
    criterion = profile("label-2024").criterion("cardiovascular.sbp")

    assert criterion is not None
    assert (criterion.is_verified, criterion.is_resume_verified) == (True, False)


@pytest.mark.parametrize(
    ("name", "cycle", "course"), [("label-2024", 14, 28), ("jitc-2014", 14, 28), ("til-2024", 6, 6)]
)
def test_dose_limits_are_those_of_the_notes(name: str, cycle: int, course: int) -> None:
    doses = profile(name).doses

    assert (doses.per_cycle, doses.per_course, doses.min_interval_h, doses.tolerance_pct) == (cycle, course, 7.5, 5)
    assert (doses.min_duration_min, doses.max_duration_min) == (12, 20)
    assert (doses.concentration_low_mg_ml, doses.concentration_high_mg_ml) == (0.03, 0.07)
    assert not doses.is_verified


def test_counting_is_as_the_notes_say() -> None:
    counted = {
        name: (
            profile(name).counting,
            profile(name).relative_to_discontinue,
            profile(name).held_doses_to_discontinue,
            profile(name).gates_min,
        )
        for name in PROFILES
    }

    assert counted == {
        "community-2015": (Counting.CONSENSUS, 3, 3, (120, 30, 0)),
        "jitc-2014": (Counting.CONSENSUS, 3, None, (120, 30, 0)),
        "label-2024": (Counting.LABEL, None, None, (120, 30, 0)),
        "label-legacy": (Counting.LABEL, None, None, (120, 30, 0)),
        "til-2024": (Counting.LABEL, None, None, (120, 30, 0)),
    }


def test_a_patients_limits_are_bounded_by_the_profile() -> None:
    rules = profile("label-2024")

    assert rules.limits_out_of_range({"sbp_hold": 70, "hr_high": 900}) == []
    assert rules.limits_out_of_range({"sbp_hold": 69.9}) == [
        "sbp_hold = 69.9 mm[Hg] is outside 70 to 130, which profile label-2024 allows"
    ]
    assert rules.criterion("no.such") is None


# --- test vectors -----------------------------------------------------------------------------------------------------

EXAMPLE = """
[[criterion.example]]
given = { sbp = [[1, 120], [0, 84]] }
expect = "met"
[[criterion.example]]
given = { sbp = 84 }
later = { sbp = 95 }
later_h = 0.5
monitor = false
limits = { sbp_hold = 100 }
baseline = { sbp = 130 }
expect = "resumable"
"""


def test_a_test_vector_that_fails_says_what_was_found() -> None:
    criterion = parse_dosing_profile(SMALL + EXAMPLE, "p.toml").criteria[0]

    assert [outcome(criterion, example) for example in criterion.examples] == ["met", "met"]
    assert [check_example(criterion, example) for example in criterion.examples] == [
        None,
        "expected resumable, found met (given sbp 84; later sbp 95)",
    ]


def test_a_test_vector_of_nothing_says_so() -> None:
    text = SMALL + '[[criterion.example]]\ngiven = {}\nexpect = "met"\n'
    criterion = parse_dosing_profile(text, "p.toml").criteria[0]

    assert check_example(criterion, criterion.examples[0]) == "expected met, found unknown (given nothing)"


@pytest.mark.parametrize(
    ("vector", "complaint"),
    [
        ('given = { sbpp = 1 }\nexpect = "met"', "`sbpp` is no signal"),
        ('given = { sbp = "low" }\nexpect = "met"', "`sbp` must be a value of that signal"),
        ('given = { sbp = true }\nexpect = "met"', "`sbp` must be a value of that signal"),
        ('given = { sbp = [[1, 2, 3]] }\nexpect = "met"', "`sbp` must be a value of that signal"),
        ('given = { sbp = [["now", 3]] }\nexpect = "met"', "`sbp` must be a value of that signal"),
        ('given = { "site:skin" = "purple" }\nexpect = "met"', "`site:skin` must be a value of that signal"),
        ('given = {}\nexpect = "true"', "`expect` is 'true'"),
        ('given = {}\nbaseline = { spo2 = 97 }\nexpect = "met"', "`spo2` is not one of sbp, map"),
        ('given = {}\nsurprise = 1\nexpect = "met"', "unknown field 'surprise'"),
        ('given = {}\nbeats = 0\nexpect = "met"', "`beats` must be a whole number"),
    ],
)
def test_a_bad_test_vector_is_told(vector: str, complaint: str) -> None:
    message = error_of(f"{SMALL}\n[[criterion.example]]\n{vector}\n")

    assert message.startswith("p.toml, criterion 'a.b', example")
    assert complaint in message


# --- what is wrong with a bad one -------------------------------------------------------------------------------------


def test_the_small_profile_is_right() -> None:
    parsed = parse_dosing_profile(SMALL, "p.toml")

    assert parsed.criteria[0].resume is None
    assert (parsed.criteria[0].dwell_ms, parsed.criteria[0].confirm_ms) == (0, 0)


def replaced(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[profile", "p.toml: Expected"),
        (HEAD, "p.toml: needs at least one [[criterion]]"),
        (SMALL + CRITERION, "p.toml, criterion 'a.b': stands twice"),
        (replaced('id = "a.b"\n', ""), "p.toml: a criterion has no `id`"),
        (replaced('title = "SBP"\n', ""), "p.toml, criterion 'a.b': `title` is missing"),
        (replaced('class = "hold"', 'class = "pause"'), "p.toml, criterion 'a.b': `class` is 'pause'"),
        (replaced('class = "hold"', 'class = "relative"'), "does not go with counting 'label'"),
        (replaced('counting = "label"', 'counting = "consensus"'), "does not go with counting 'consensus'"),
        (replaced('counting = "label"', 'counting = "label"\nrelative_to_discontinue = 3'), "belongs to `counting"),
        (replaced("[120, 30, 0]", "[30, 120, 0]"), "`gates_min` must be minutes before the dose, descending to 0"),
        (replaced("[120, 30, 0]", "[120, 30]"), "`gates_min` must be"),
        (replaced("[120, 30, 0]", "30"), "`gates_min` must be"),
        (replaced("[120, 30, 0]", "[true, 0]"), "`gates_min` must be"),
        (replaced("per_cycle = 14", "per_cycle = 14.5"), "p.toml, `doses`: `per_cycle` must be a whole number"),
        (replaced("sbp_hold = { low", "sbp_floor = { low"), "patient limit 'sbp_hold' is not in [patient_limits]"),
        (replaced('evidence = "V"', 'evidence = "X"'), "`evidence` is 'X'"),
        (replaced('evidence = "V"', 'evidence = "V"\nverified = 1'), "`verified` must be true or false"),
        (replaced('evidence = "V"', 'evidence = "V"\nconfirm_s = 11'), "`confirm_s` must be a number from 0 to 10"),
        (replaced('evidence = "V"', 'evidence = "V"\ntext = "{weight}"'), "`text` has {weight}; there are title"),
        (replaced('evidence = "V"', 'evidence = "V"\nlimit = 3'), "unknown field 'limit'"),
        (
            replaced('class = "hold"', 'class = "discontinue"\ndwell_s = 5'),
            "`resume` has no place here: what discontinues is lifted by a signature alone",
        ),
        (
            replaced("resume_text", 'ends_course = true\nresume = { kind = "absent", signal = "sbp" }\nresume_text'),
            "`resume` has no place here: the course is over",
        ),
    ],
)
def test_a_bad_profile_is_told_with_file_criterion_and_field(text: str, complaint: str) -> None:
    assert complaint in error_of(text)


@pytest.mark.parametrize(
    ("met", "complaint"),
    [
        ("3", "must be a table"),
        ('{ kind = "guess" }', "`kind` is 'guess'; it must be one of limit"),
        ('{ kind = "limit", signal = "sbpp", below = 90 }', "`signal` is 'sbpp'"),
        ('{ kind = "limit", signal = "sbp" }', "needs one of `above`, `at_least`, one of `below`, `at_most`"),
        ('{ kind = "limit", signal = "sbp", below = 90, at_most = 80 }', "needs one of"),
        ('{ kind = "limit", signal = "sbp", above = 90, at_least = 80 }', "needs one of"),
        ('{ kind = "limit", signal = "sbp", above = 90, below = 80 }', "`above` must be less than `below`"),
        ('{ kind = "limit", signal = "sbp", below = "90" }', "`below` must be a number"),
        ('{ kind = "limit", signal = "sbp", below = 90, fresh_s = 0 }', "`fresh_s` must be a number from 1"),
        (
            '{ kind = "limit", signal = "sbp", at_least = 80, below = 90, patient_limit = "sbp_hold" }',
            "`patient_limit` cannot replace a band",
        ),
        ('{ kind = "state", signal = "site:skin", is = [] }', "`is` must name at least one state"),
        ('{ kind = "state", signal = "site:skin", is = ["purple"] }', "`is` is 'purple'"),
        ('{ kind = "state", signal = "site:skin", is = ["normal"], clear = ["normal"] }', "`clear` names normal"),
        ('{ kind = "state", signal = "sbp", is = ["low"] }', "`signal` is 'sbp'"),
        (
            '{ kind = "trend", signal = "creatinine", above = 0, over_s = 60, assumed = 0, baseline = "creatinine" }',
            "`assumed` cannot stand beside `baseline`",
        ),
        ('{ kind = "trend", signal = "creatinine", above = 0, over_s = 60, per_hour = 1 }', "`per_hour` must be true"),
        ('{ kind = "total", signal = "sbp", below = 1, window_s = 60 }', "`signal` is 'sbp'"),
        (
            '{ kind = "low_flow", signal = "urine_ml_h", total = "urine_ml", below = 10, window_s = 3600 }',
            "`window_s` must be a number from 7200",
        ),
        ('{ kind = "burden", signal = "map", limit = 65, measure = "sum", above = 1, window_s = 60 }', "is 'sum'"),
        (
            '{ kind = "rhythm_event", rhythms = [], beats_at_least = 5, duration_at_least_s = 3, duration_below_s = 1, '
            "charted = [], within_s = 60 }",
            "`rhythms` must name at least one rhythm",
        ),
        (
            '{ kind = "rhythm_event", rhythms = ["vt"], beats_at_least = 5, duration_at_least_s = 1, '
            "duration_below_s = 3, charted = [], within_s = 60 }",
            "`duration_below_s` must not exceed `duration_at_least_s`",
        ),
        (
            '{ kind = "consecutive", signal = "hr", above = 1, apart_from_s = 60, apart_to_s = 30 }',
            "`apart_from_s` must not exceed `apart_to_s`",
        ),
        ('{ kind = "all_of", of = [{ kind = "absent", signal = "hr" }] }', "`of` must hold at least two predicates"),
        (
            '{ kind = "all_of", of = [{ kind = "absent", signal = "hr" }, { kind = "absent", signal = "h" }] }',
            "met, of[1]: `signal` is 'h'",
        ),
        (
            '{ kind = "at_least_n_of", times = 3, of = [{ kind = "absent", signal = "hr" }, '
            '{ kind = "absent", signal = "rr" }] }',
            "`times` must not exceed the number of parts, 2",
        ),
        ('{ kind = "absent", signal = "hr", within_s = 3 }', "unknown field 'within_s'"),
    ],
)
def test_a_bad_predicate_is_told_with_its_place(met: str, complaint: str) -> None:
    message = error_of(with_met(met))

    assert message.startswith("p.toml, criterion 'a.b', met")
    assert complaint in message


def test_every_kind_of_predicate_stands_in_a_table_of_its_own() -> None:
    assert len(PREDICATE_KINDS) == len(set(PREDICATE_KINDS)) == 24


# --- what a site may change -------------------------------------------------------------------------------------------

SITE = """
[site]
profile = "p"
id = "p-mercy"
version = "1"
title = "P at Mercy"
approver = "Dr. Curie"
approved_on = "2026-11-01"
"""
CHANGE = """
[[override]]
criterion = "a.b"
field = "met.below"
value = 85
reason = "younger patients"
"""


def site(changes: str = CHANGE, head: str = SITE, base: str = SMALL) -> Any:
    return parse_site_profile(head + changes, "mercy.toml", base, "p.toml")


def test_a_site_changes_a_limit_and_somebody_answers_for_it() -> None:
    changed = site()

    assert (changed.id, changed.title, changed.based_on, changed.approver) == (
        "p-mercy",
        "P at Mercy",
        "p",
        "Dr. Curie",
    )
    criterion = changed.criteria[0]
    assert criterion.approver == "Dr. Curie"
    assert isinstance(criterion.met, Limit)
    assert criterion.met.bounds.below == 85


def test_a_site_leaves_alone_what_it_does_not_name() -> None:
    other = CRITERION.replace("a.b", "c.d")
    changed = site(base=SMALL + other)

    assert [each.approver for each in changed.criteria] == ["Dr. Curie", None]
    assert changed.doses == parse_dosing_profile(SMALL, "p.toml").doses


def test_the_hash_of_a_sites_profile_is_over_both_texts() -> None:
    hashes = {
        site().sha256,
        site(CHANGE.replace("85", "84.5")).sha256,
        site(base=SMALL + "\n").sha256,
        parse_dosing_profile(SMALL, "p.toml").sha256,
    }

    assert len(hashes) == 4


def test_a_site_changes_dose_limits_and_what_is_required_and_nested_numbers() -> None:
    nested = with_met(
        '{ kind = "any_of", of = [{ kind = "absent", signal = "hr" }, { kind = "limit", signal = "sbp", below = 90 }] }'
    )
    changed = site(
        CHANGE.replace("met.below", "met.of.1.below")
        + '[[override]]\ncriterion = "a.b"\nfield = "required"\nvalue = false\nreason = "r"\n'
        + '[[override]]\nfield = "per_cycle"\nvalue = 12\nreason = "r"\n'
        + '[[override]]\nfield = "concentration_high_mg_ml"\nvalue = 0.15\nreason = "syringe"\n',
        base=nested,
    )

    facts = PlainFacts()
    facts.say("hr", 80)
    facts.say("sbp", 86)
    assert evaluate(changed.criteria[0].met, facts, TO_HOLD).truth is Truth.FALSE
    assert not changed.criteria[0].is_required
    assert (changed.doses.per_cycle, changed.doses.concentration_high_mg_ml) == (12, 0.15)


@pytest.mark.parametrize(
    ("changes", "head", "complaint"),
    [
        ("", SITE, "`override` must hold at least one change"),
        (CHANGE, SITE.replace('approver = "Dr. Curie"\n', ""), "mercy.toml, `site`: `approver` is missing"),
        (CHANGE, SITE.replace('approved_on = "2026-11-01"\n', ""), "`approved_on` is missing"),
        (CHANGE.replace('reason = "younger patients"\n', ""), SITE, "override: `reason` is missing"),
        (CHANGE.replace("a.b", "a.c"), SITE, "`criterion` is 'a.c', which the profile does not have"),
        (CHANGE.replace("met.below", "met.above"), SITE, "`field` is 'met.above', which is no number of a.b"),
        (CHANGE.replace("met.below", "met.signal"), SITE, "`field` is 'met.signal', which is no number of a.b"),
        (CHANGE.replace("met.below", "met.of.1.below"), SITE, "`field` is 'met.of.1.below': there is no 'of'"),
        (CHANGE.replace("met.below", "gates_min.x"), SITE, "there is no 'gates_min'"),
        (CHANGE.replace("met.below", "met"), SITE, "`field` is 'met', which is no number of a.b"),
        (CHANGE.replace("= 85", '= "85"'), SITE, "`value` must be a number"),
        (CHANGE + "unit = 3\n", SITE, "unknown field 'unit'"),
        (CHANGE, SITE + 'profile_sha256 = "abc"\n', "`profile_sha256` is not the hash of p.toml"),
        (CHANGE, SITE + "[surprise]\n", "unknown field 'surprise'"),
    ],
)
def test_a_bad_site_file_is_told(changes: str, head: str, complaint: str) -> None:
    with pytest.raises(ProfileError) as caught:
        site(changes, head)

    assert str(caught.value).startswith("mercy.toml")
    assert complaint in str(caught.value)


def test_a_site_file_may_pin_the_profile_it_was_written_for() -> None:
    pinned = f'{SITE}profile_sha256 = "{parse_dosing_profile(SMALL, "p.toml").sha256}"\n'

    assert site(head=pinned).id == "p-mercy"


def test_a_site_file_is_told_from_a_profile_and_names_its_base() -> None:
    assert is_site_file(SITE + CHANGE, "mercy.toml")
    assert not is_site_file(SMALL, "p.toml")
    assert [is_dosing_file(text, "a.toml") for text in (SITE, SMALL, '[profile]\nid = "a"\n')] == [True, True, False]
    assert site_base(SITE + CHANGE, "mercy.toml") == "p"


def test_a_template_of_a_sentence_is_kept() -> None:
    text = replaced('evidence = "V"', 'evidence = "V"\ntext = "{title} {value}"')

    assert parse_dosing_profile(text, "p.toml").criteria[0].text == "{title} {value}"
