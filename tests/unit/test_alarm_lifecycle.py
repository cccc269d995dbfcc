"""The lifecycle table: every move in it, every move not in it, and the documents that show it."""

from __future__ import annotations

import re
from itertools import product

import pytest

from alerts import lifecycle
from alerts.alarm import Kind, Phase, Priority, SignalState
from alerts.lifecycle import LATCH, MOVES, AlarmEvent, IllegalMoveError, Move, is_latching, move
from tests.support.sources import REPOSITORY

ALL = list(product(SignalState, AlarmEvent))
LEGAL = [(signal, event) for signal, event in ALL if (signal, event) in MOVES]
ILLEGAL = [(signal, event) for signal, event in ALL if (signal, event) not in MOVES]
OFF, ON, ACKNOWLEDGED, LATCHED = (SignalState(word) for word in ("off", "on", "acknowledged", "latched"))


@pytest.mark.parametrize(("signal", "event"), LEGAL)
def test_every_move_of_the_table_can_be_made(signal: SignalState, event: AlarmEvent) -> None:
    assert move(signal, event, latching=False) == MOVES[signal, event]


@pytest.mark.parametrize(("signal", "event"), LEGAL)
def test_latching_changes_one_move_only(signal: SignalState, event: AlarmEvent) -> None:
    is_the_one = (signal, event) == (ON, AlarmEvent.CLEARED)

    assert move(signal, event, latching=True) == (LATCH if is_the_one else MOVES[signal, event])
    assert Move(LATCHED, Phase.UPDATE) == LATCH


@pytest.mark.parametrize("latching", [False, True])
@pytest.mark.parametrize(("signal", "event"), ILLEGAL)
def test_a_move_that_is_not_in_the_table_is_refused(signal: SignalState, event: AlarmEvent, latching: bool) -> None:
    before = dict(MOVES)

    with pytest.raises(IllegalMoveError) as caught:
        move(signal, event, latching=latching)

    assert (caught.value.signal, caught.value.event) == (signal, event)
    assert str(caught.value) == f"an alarm that is {signal.value} cannot take {event.value}"
    assert dict(MOVES) == before


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MOVES[OFF, AlarmEvent.CLEARED] = Move(OFF, Phase.END)  # type: ignore[index]


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("priority", Priority)
def test_only_high_physiological_alarms_latch(kind: Kind, priority: Priority) -> None:
    assert is_latching(kind, priority) is (kind is Kind.PHYSIOLOGICAL and priority is Priority.HIGH)


# --- what the table says, whatever it says ----------------------------------------------------------------------------


def test_an_alarm_begins_with_a_start_and_only_an_end_is_off() -> None:
    for (signal, event), (to, phase) in MOVES.items():
        assert (phase is Phase.START) is (signal is OFF), (signal, event)
        assert (phase is Phase.END) is (to is OFF), (signal, event)


def test_not_knowing_never_changes_what_is_announced() -> None:
    for (signal, event), (to, _) in MOVES.items():
        if event in (AlarmEvent.UNKNOWN, AlarmEvent.KNOWN):
            assert to is signal


def test_whatever_is_announced_ends_when_the_patient_leaves() -> None:
    assert {signal for signal, event in MOVES if event is AlarmEvent.WITHDRAWN} == set(SignalState) - {OFF}


def test_from_every_state_there_is_a_way_to_off() -> None:
    reached = {OFF}
    for _ in SignalState:
        reached |= {signal for (signal, _), (to, _) in MOVES.items() if to in reached}

    assert reached == set(SignalState)


# --- the table in words -----------------------------------------------------------------------------------------------

COLUMNS = (
    (AlarmEvent.ONSET,),
    (AlarmEvent.CLEARED,),
    (AlarmEvent.ACKNOWLEDGE,),
    (AlarmEvent.UNKNOWN, AlarmEvent.KNOWN),
    (AlarmEvent.WITHDRAWN,),
)
DEFAULT_PHASES = {OFF: Phase.END, ACKNOWLEDGED: Phase.ACKNOWLEDGE}


def drawn(signal: SignalState, cell: str) -> tuple[Move | None, bool]:
    """What a cell says: the move (None for –), and whether it also says that a latching alarm becomes latched."""
    cell = cell.strip().replace("stays", signal.value)
    says_latched = cell.startswith("latched update") or "latched (update)" in cell
    found = re.search(
        r"(?:^|or |^latched update or )(on|off|acknowledged) *\(?(start|update|end|acknowledge)?\)?", cell
    )
    if found is None:
        return None, says_latched
    to = SignalState(found[1])
    return Move(to, Phase(found[2]) if found[2] else DEFAULT_PHASES[to]), says_latched


def check(rows: dict[SignalState, list[str]]) -> None:
    assert set(rows) == set(SignalState)
    for signal, cells in rows.items():
        assert len(cells) == len(COLUMNS)
        for cell, events in zip(cells, COLUMNS, strict=True):
            expected, says_latched = drawn(signal, cell)
            assert [MOVES.get((signal, event)) for event in events] == [expected] * len(events), (signal, cell)
            assert says_latched is ((signal, events[0]) == (ON, AlarmEvent.CLEARED)), (signal, cell)


def test_the_table_in_the_docstring_is_the_table() -> None:
    lines = (lifecycle.__doc__ or "").splitlines()
    header = next(place for place, line in enumerate(lines) if "ONSET" in line and "WITHDRAWN" in line)
    titles = ["ONSET", "CLEARED", "ACKNOWLEDGE", "UNKNOWN / KNOWN", "WITHDRAWN"]
    starts = [lines[header].index(title) for title in titles]
    bounds = list(zip(starts, [*starts[1:], 200], strict=True))
    rows: dict[SignalState, list[str]] = {}
    for line in lines[header + 1 :]:
        if not line.strip():
            break
        name = line[: starts[0]].strip()
        cells = [line[begin:end].strip() for begin, end in bounds]
        if name:
            rows[SignalState(name)] = cells
        else:
            latest = rows[next(reversed(rows))]
            latest[:] = [f"{above} {below}".strip() for above, below in zip(latest, cells, strict=True)]

    check(rows)


def documented() -> dict[SignalState, list[str]]:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    lines = text[text.index("| signal | onset |") :].splitlines()
    rows = {}
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[SignalState(name)] = cells
    return rows


def test_the_table_in_the_documentation_is_the_table() -> None:
    check(documented())


@pytest.mark.parametrize(
    ("signal", "column", "cell"),
    [
        (OFF, 0, "–"),
        (ON, 1, "off (end)"),
        (ON, 2, "off (end)"),
        (ACKNOWLEDGED, 0, "on (update)"),
        (ACKNOWLEDGED, 3, "on (update)"),
        (LATCHED, 2, "acknowledged"),
    ],
)
def test_a_table_that_says_otherwise_is_noticed(signal: SignalState, column: int, cell: str) -> None:
    rows = documented()
    rows[signal][column] = cell

    with pytest.raises(AssertionError):
        check(rows)
