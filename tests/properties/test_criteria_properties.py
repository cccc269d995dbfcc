"""What holds of every dose decision, whatever the patient: never proceed on what is unknown, nothing clears by silence,
no flicker, the worse patient never gets the weaker decision."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.criteria.attention import BEATS, slide_ms
from streaming.criteria.decision import Decision, DecisionBook
from streaming.criteria.kinds import leaves
from streaming.criteria.state import CriterionState, State
from streaming.durations import NEVER_DUE_MS
from streaming.nomenclature import METRICS
from streaming.observation import Validity
from tests.golden.criteria.tables import TABLES
from tests.support.plain_facts import BEGIN_MS, HOUR_MS, PROFILES, WELL, PlainFacts, Value, profile, say, well

NUMBERS: Mapping[str, tuple[float, ...]] = {
    "sbp": (70, 89.9, 90, 118),
    "spo2": (85, 90, 90.1, 97),
    "hr": (80, 100, 120, 130, 131),
    "creatinine": (0.9, 2.5, 3.0, 4.0, 4.6),
    "bicarbonate": (17, 18, 24),
    "bilirubin": (1, 7, 8),
    "platelets": (20, 30, 50, 200),
    "troponin": (0.01, 0.05),
    "potassium": (4, 5.6),
    "o2_flow": (0, 3, 4, 5),
    "fio2": (21, 40),
    "weight_gain_pct": (0, 15, 15.1),
    "urine_ml_h": (0, 9, 10, 20, 60, 400),
    "site:diarrhea_ml_8h": (0, 1000),
    "phenylephrine_ug_kg_min": (0, 0.3, 0.6, 0.9, 1.6),
    "norepinephrine_ug_kg_min": (0, 0.05),
}
STATES = {signal: tuple(sorted(METRICS[signal].values or ())) for signal in WELL if signal.startswith("site:")}
STATES.pop("site:diarrhea_ml_8h")
SAYINGS = st.sampled_from([*NUMBERS, *STATES]).flatmap(
    lambda signal: st.tuples(st.just(signal), st.sampled_from({**NUMBERS, **STATES}[signal]))
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 5, 60, 600, 3600, 6 * 3600]),
        SAYINGS,
        st.sampled_from([Validity.VALID, Validity.VALID, Validity.QUESTIONABLE]),
        st.booleans(),
    ),
    max_size=30,
)
NAMES = st.sampled_from(PROFILES)
BEGINNINGS = st.sampled_from(["unknown", "well"])


def beginning(kind: str) -> PlainFacts:
    return well() if kind == "well" else PlainFacts()


def advance(facts: PlainFacts, step: tuple[int, tuple[str, float | str], Validity, bool]) -> None:
    seconds, (signal, value), validity, watched = step
    facts.now_ms += seconds * 1000
    if watched:
        facts.monitor_seen_ms = facts.now_ms
    facts.say(signal, value, validity=validity)


@settings(max_examples=60, deadline=None)
@given(NAMES, BEGINNINGS, STEPS)
def test_the_decision_is_never_proceed_while_a_required_criterion_is_unknown_or_holds(
    name: str, kind: str, steps: list[tuple[int, tuple[str, float | str], Validity, bool]]
) -> None:
    facts = beginning(kind)
    book = DecisionBook("adm", profile(name), facts.now_ms)
    for step in [(0, ("hr", 80.0), Validity.VALID, True), *steps]:
        advance(facts, step)
        book.update(facts)
        found = {state.state for state in book.states}

        assert (book.decision is Decision.PROCEED) <= (found == {State.CLEAR})
        assert (State.UNKNOWN in found) <= (book.decision is not Decision.PROCEED)


@settings(max_examples=60, deadline=None)
@given(NAMES, STEPS, st.lists(st.integers(1, 8 * 3600), min_size=1, max_size=12))
def test_silence_clears_nothing(
    name: str, steps: list[tuple[int, tuple[str, float | str], Validity, bool]], silences_s: list[int]
) -> None:
    facts = well()
    book = DecisionBook("adm", profile(name), facts.now_ms)
    book.update(facts)
    for step in steps:
        advance(facts, step)
        book.update(facts)
    clear = {state.criterion.id for state in book.states if state.state is State.CLEAR}
    for silence_s in silences_s:
        facts.now_ms = min(facts.now_ms + silence_s * 1000, book.due_ms(facts))
        book.update(facts)
        now_clear = {state.criterion.id for state in book.states if state.state is State.CLEAR}

        assert now_clear <= clear
        clear = now_clear


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([84.0, 89.9, 90.0, 96.0]), min_size=20, max_size=200))
def test_a_stream_never_toggles_a_criterion_faster_than_its_confirmation(values: list[float]) -> None:
    criterion = profile("label-2024").criterion("cardiovascular.sbp")
    assert criterion is not None
    facts = PlainFacts()
    state = CriterionState(criterion, facts.now_ms)
    changed_ms: list[int] = []
    for value in values:
        facts.now_ms += 1000
        facts.say("sbp", value)
        before = state.state
        state.update(facts)
        if state.state is not before and before is not State.UNKNOWN:
            changed_ms.append(facts.now_ms)

    assert all(later - earlier >= criterion.confirm_ms for earlier, later in pairwise(changed_ms))


@settings(max_examples=60, deadline=None)
@given(st.integers(11, 60), st.integers(0, 30))
def test_what_persists_is_met_within_ten_seconds(low_s: int, normal_s: int) -> None:
    criterion = profile("label-2024").criterion("cardiovascular.sbp")
    assert criterion is not None
    facts = PlainFacts()
    state = CriterionState(criterion, facts.now_ms)
    for second in range(normal_s + low_s):
        facts.now_ms += 1000
        facts.say("sbp", 118 if second < normal_s else 84)
        state.update(facts)
        if second >= normal_s + 10:
            assert state.state is State.MET


def bad_givens(name: str) -> dict[str, Mapping[str, Value]]:
    """For each criterion of a profile, something that meets it."""
    found: dict[str, Mapping[str, Value]] = {}
    for row in TABLES[name]:
        for case in row.cases:
            if case.expect == "met" and case.after is None and case.given and not case.limits and not case.events:
                found.setdefault(row.criterion, case.given)
    return found


BAD = {name: bad_givens(name) for name in PROFILES}


@settings(max_examples=60, deadline=None)
@given(NAMES.flatmap(lambda name: st.tuples(st.just(name), st.lists(st.sampled_from(sorted(BAD[name])), max_size=5))))
def test_one_more_criterion_met_never_weakens_the_decision(chosen: tuple[str, list[str]]) -> None:
    name, criteria = chosen
    strength = Decision.PROCEED.strength
    facts = well()
    said: set[str] = set()
    for criterion_id in criteria:
        given_values = BAD[name][criterion_id]
        if said & set(given_values):
            continue
        said |= set(given_values)
        for signal in given_values:
            facts.readings.pop(signal, None)
        say(facts, given_values)
        book = DecisionBook("adm", profile(name), facts.now_ms)
        book.update(facts)

        assert book.decision.strength >= strength
        assert {each.state.value for each in book.states if each.criterion.id == criterion_id} == {"met"}
        strength = book.decision.strength


@settings(max_examples=30, deadline=None)
@given(NAMES, STEPS, st.integers(0, 30))
def test_looking_twice_and_being_kept_in_between_change_nothing(
    name: str, steps: list[tuple[int, tuple[str, float | str], Validity, bool]], kept_at: int
) -> None:
    facts = well()
    once, twice = (DecisionBook("adm", profile(name), facts.now_ms) for _ in range(2))
    once.update(facts)
    twice.update(facts)
    for number, step in enumerate(steps):
        advance(facts, step)
        told = once.update(facts)
        assert twice.update(facts) == told
        assert twice.update(facts) is None
        if number == kept_at:
            twice = pickle.loads(pickle.dumps(twice))

    assert once.view(facts, None) == twice.view(facts, None)


@settings(max_examples=30, deadline=None)
@given(NAMES, STEPS, st.integers(-3 * HOUR_MS, 400 * HOUR_MS))
def test_all_times_shifted_shift_the_outcome(
    name: str, steps: list[tuple[int, tuple[str, float | str], Validity, bool]], shift_ms: int
) -> None:
    def outcomes(shift_ms: int) -> list[object]:
        facts = PlainFacts(now_ms=BEGIN_MS + shift_ms)
        book = DecisionBook("adm", profile(name), facts.now_ms)
        seen: list[object] = []
        for step in steps:
            advance(facts, step)
            book.update(facts)
            seen.append(
                (book.decision, book.due_ms(facts) - shift_ms, [state.since_ms - shift_ms for state in book.states])
            )
        return seen

    assert outcomes(0) == outcomes(shift_ms)


@settings(max_examples=40, deadline=None)
@given(NAMES, BEGINNINGS, STEPS)
def test_asking_only_what_may_have_changed_finds_what_asking_everything_finds(
    name: str, kind: str, steps: list[tuple[int, tuple[str, float | str], Validity, bool]]
) -> None:
    facts = beginning(kind)
    lazy, eager = (DecisionBook("adm", profile(name), facts.now_ms) for _ in range(2))
    slides = [any(slide_ms(leaf) != NEVER_DUE_MS for leaf in leaves(state.criterion.met)) for state in lazy.states]
    for book in (lazy, eager):
        book.update(facts)
    for step in steps:
        until_ms = facts.now_ms + step[0] * 1000
        while lazy.due_ms(facts) < until_ms:
            facts.now_ms = lazy.due_ms(facts)
            lazy.update(facts, ())
            eager.update(facts)
        facts.now_ms = max(facts.now_ms, until_ms)
        advance(facts, (0, *step[1:]))
        signal = step[1][0]
        seen = (BEATS,) if step[3] else ()
        lazy.update(facts, (signal, signal.removesuffix("_h"), "urine_ml_8h", "weight_gain_pct", *seen))
        eager.update(facts)

        assert [state.state for state, slid in zip(lazy.states, slides, strict=True) if not slid] == [
            state.state for state, slid in zip(eager.states, slides, strict=True) if not slid
        ]
