"""The lifecycle table: every move in it, every move not in it, and the document that shows it."""

from __future__ import annotations

from itertools import product

import pytest

from alerts.alarm import Kind, Phase, Priority, SignalState
from alerts.describe import lifecycle_diagram, lifecycle_table, policy_tables
from alerts.lifecycle import MOVES, AlarmEvent, Guard, IllegalMoveError, Move, Standing, is_latching, move
from alerts.policy import PLAIN
from gateway.alarm_page import describe, main
from tests.support.sources import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "alarms.md"
ALL = list(product(SignalState, AlarmEvent))
LEGAL = [(signal, event) for signal, event in ALL if (signal, event) in MOVES]
ILLEGAL = [(signal, event) for signal, event in ALL if (signal, event) not in MOVES]
STANDINGS = [
    Standing(is_latching=latching, is_damped=damped, is_high=high)
    for latching, damped, high in product([False, True], repeat=3)
]
OFF, ON, ACKNOWLEDGED, LATCHED = (SignalState(word) for word in ("off", "on", "acknowledged", "latched"))


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize(("signal", "event"), LEGAL)
def test_the_first_way_whose_guard_holds_is_taken(signal: SignalState, event: AlarmEvent, standing: Standing) -> None:
    ways = [way for way in MOVES[signal, event] if standing.meets(way.guard)]

    if ways:
        assert move(signal, event, standing) == ways[0]
    else:
        with pytest.raises(IllegalMoveError):
            move(signal, event, standing)


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize(("signal", "event"), ILLEGAL)
def test_a_move_that_is_not_in_the_table_is_refused(signal: SignalState, event: AlarmEvent, standing: Standing) -> None:
    before = dict(MOVES)

    with pytest.raises(IllegalMoveError) as caught:
        move(signal, event, standing)

    assert (caught.value.signal, caught.value.event) == (signal, event)
    assert str(caught.value) == f"an alarm that is {signal.value} cannot take {event.value}"
    assert dict(MOVES) == before


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MOVES[OFF, AlarmEvent.CLEARED] = (Move(OFF, Phase.END),)  # type: ignore[index]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("priority", Priority)
def test_only_high_physiological_alarms_latch(kind: Kind, priority: Priority) -> None:
    assert is_latching(kind, priority) is (kind is Kind.PHYSIOLOGICAL and priority is Priority.HIGH)


@pytest.mark.parametrize(
    ("standing", "to"),
    [
        (Standing(), OFF),
        (Standing(is_damped=True), ON),
        (Standing(is_latching=True, is_high=True), LATCHED),
        (Standing(is_latching=True, is_high=True, is_damped=True), LATCHED),
    ],
)
def test_what_clears_ends_is_kept_or_latches(standing: Standing, to: SignalState) -> None:
    assert move(ON, AlarmEvent.CLEARED, standing).to is to


def test_an_unseen_high_priority_does_not_fall() -> None:
    with pytest.raises(IllegalMoveError):
        move(ON, AlarmEvent.EASED, Standing(is_high=True))
    assert move(ACKNOWLEDGED, AlarmEvent.EASED, Standing(is_high=True)).to is ACKNOWLEDGED


# --- what the table says, whatever it says ----------------------------------------------------------------------------

WAYS = [(signal, event, way) for (signal, event), ways in MOVES.items() for way in ways]


def test_an_alarm_begins_with_a_start_and_only_an_end_is_off() -> None:
    for signal, event, way in WAYS:
        assert (way.phase is Phase.START) is (signal is OFF), (signal, event)
        assert (way.phase is Phase.END) is (way.to is OFF), (signal, event)


def test_not_knowing_never_changes_what_is_announced() -> None:
    for signal, event, way in WAYS:
        if event in (AlarmEvent.UNKNOWN, AlarmEvent.KNOWN, AlarmEvent.CHANGED):
            assert way.to is signal


def test_whatever_is_announced_ends_when_the_patient_leaves() -> None:
    assert {signal for signal, event in MOVES if event is AlarmEvent.WITHDRAWN} == set(SignalState) - {OFF}


def test_only_a_person_acknowledges_and_only_once() -> None:
    for signal, event, way in WAYS:
        if signal is not ACKNOWLEDGED and way.to is ACKNOWLEDGED:
            assert event is AlarmEvent.ACKNOWLEDGE
    assert (ACKNOWLEDGED, AlarmEvent.ACKNOWLEDGE) not in MOVES


def test_a_latched_alarm_is_ended_by_people_alone() -> None:
    ends = {event for signal, event, way in WAYS if signal is LATCHED and way.to is OFF}

    assert ends == {AlarmEvent.ACKNOWLEDGE, AlarmEvent.WITHDRAWN}


def test_what_latches_can_neither_be_explained_nor_switched_off_while_nobody_has_seen_it() -> None:
    for event in (AlarmEvent.EXPLAINED, AlarmEvent.SWITCHED_OFF):
        with pytest.raises(IllegalMoveError):
            move(ON, event, Standing(is_latching=True, is_high=True))


def test_the_last_way_out_of_a_state_is_open_or_the_only_one() -> None:
    for ways in MOVES.values():
        assert ways[-1].guard is Guard.ALWAYS or len(ways) == 1
        assert all(way.guard is not Guard.ALWAYS for way in ways[:-1])


def test_from_every_state_there_is_a_way_to_off() -> None:
    reached = {OFF}
    for _ in SignalState:
        reached |= {signal for signal, _, way in WAYS if way.to in reached}

    assert reached == set(SignalState)


# --- the table in the documentation -----------------------------------------------------------------------------------


def test_the_document_shows_the_table_and_the_policy_that_are_in_force() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")

    assert describe(text) == text, "run: python -m gateway.alarm_page docs/alarms.md"
    assert lifecycle_table() in text
    assert lifecycle_diagram() in text


def test_every_move_stands_in_the_table_and_in_the_diagram() -> None:
    cells = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in lifecycle_table().splitlines()[2:]}
    arrows = lifecycle_diagram()

    assert set(cells) == {f"`{event}`" for event in AlarmEvent}
    order = [word.strip(" *") for word in lifecycle_table().splitlines()[0].split("|")[2:-1]]
    for signal, event, way in WAYS:
        assert f"{way.to} ({way.phase})" in cells[f"`{event}`"][order.index(signal)]
        (arrow,) = (line for line in arrows.splitlines() if line.strip().startswith(f"{signal} --> {way.to}:"))
        assert event in arrow


def test_a_document_that_says_otherwise_is_noticed_and_renewed() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    wrong = text.replace("| `remind` | – | – | on (update) | – |", "| `remind` | – | – | off (end) | – |")

    assert wrong != text
    assert describe(wrong) == text


def test_without_a_document_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_policy_that_does_nothing_is_described_too() -> None:
    text = policy_tables(PLAIN)

    assert "Policy `plain`, version 1." in text
    assert "| high | – | – |" in text
    assert "Never reminded" not in text
