"""What comes late is put where it belongs, and takes back nothing that is known already."""

from __future__ import annotations

from streaming.criteria.facts import Sample
from streaming.therapy.history import KEPT_MAX, SignalHistory, StateHistory
from tests.support.bedside import BED, Bedside, ms

MINUTE = 60_000
HOUR_S = 3600


def test_a_late_value_takes_the_place_of_an_earlier_one_of_its_minute() -> None:
    history = SignalHistory(0)
    for at_ms, value in ((10_000, 5.0), (2 * MINUTE, 6.0), (50_000, 7.0), (30_000, 8.0)):
        history.add(at_ms, value)

    assert history.before(MINUTE) == Sample(50_000, 7.0), "the last of its minute, whichever came last"
    assert history.before(49_999) is None
    assert history.last == Sample(2 * MINUTE, 6.0)


def test_a_late_value_hides_all_lower_ones_before_it() -> None:
    history = SignalHistory(0)
    for at_ms, value in ((10_000, 9.0), (60_000, 6.5), (90_000, 6.0), (180_000, 3.0), (130_000, 7.0)):
        history.add(at_ms, value)

    assert history.highest(-1) == Sample(10_000, 9.0)
    assert history.highest(100_000) == Sample(130_000, 7.0)
    assert history.highest(130_000) == Sample(130_000, 7.0), "it is in force at that instant"
    assert history.highest(150_000) == Sample(130_000, 7.0)


def test_a_late_value_gives_way_to_a_higher_one_of_its_minute_that_came_before_it() -> None:
    history = SignalHistory(0)
    for at_ms, value in ((10_000, 9.0), (120_000, 3.0), (30_000, 5.0)):
        history.add(at_ms, value)

    assert history.highest(-1) == Sample(10_000, 9.0)
    assert history.lowest(-1) == Sample(120_000, 3.0)


def test_a_state_charted_late_between_two_of_its_own_moves_no_beginning() -> None:
    states = StateHistory()
    for minute, state in ((0, "a"), (2, "b"), (6, "b"), (10, "b"), (8, "b")):
        states.add(minute * MINUTE, state)

    assert states.since() == 2 * MINUTE
    assert states.count(["b"], -1) == 4


def test_another_state_charted_late_moves_the_beginning_behind_it() -> None:
    states = StateHistory()
    for minute, state in ((2, "b"), (6, "b"), (10, "b"), (4, "a")):
        states.add(minute * MINUTE, state)

    assert states.since() == 6 * MINUTE


def test_a_late_charting_of_the_present_state_leaves_a_beginning_that_is_no_longer_kept() -> None:
    states = StateHistory()
    for charting in range(KEPT_MAX + KEPT_MAX // 2):
        states.add(charting * 2 * MINUTE, "intubated")

    states.add((2 * KEPT_MAX + 1) * MINUTE, "intubated")

    assert states.since() == 0
    assert states.count(["intubated"], -1) < KEPT_MAX + KEPT_MAX // 2


def test_a_dose_that_was_held_counts_among_the_facts() -> None:
    bedside = Bedside()
    bedside.course(HOUR_S)
    patient = bedside.ward.beds[BED].patient
    assert patient is not None
    facts = patient.facts
    assert facts.held_doses == 0

    facts.hold_dose(1, ms(HOUR_S))

    assert facts.held_doses == 1
    assert facts.doses.next_due(ms(HOUR_S)) == (2, ms(9 * HOUR_S))
