"""The lifecycle of an alarm's signal: one table, every transition in it.

Rules
- Condition and signal are apart: what is wrong may pass while what is announced stays (latched), and what is announced
  may be acknowledged while what is wrong stays.
- A high-priority physiological alarm latches: it ends only when somebody has seen it.
- Acknowledging concerns this alarm and no other: a later instance is a new alarm and sounds.
- Not knowing clears nothing: UNKNOWN and KNOWN change the condition, never the signal.
- A move that is not in the table is illegal: it raises `IllegalMoveError` and changes nothing.

Theory of operation

    signal \\ event   ONSET        CLEARED          ACKNOWLEDGE          UNKNOWN / KNOWN   WITHDRAWN
    off              on  start    –                –                    –                 –
    on               –            latched update   acknowledged         on  update        off end
                                  or off end       acknowledge
    acknowledged     –            off end          –                    stays  update     off end
    latched          on  update   –                off end              –                 off end

`docs/architecture.md` shows the same table; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from alerts.alarm import Kind, Phase, Priority, SignalState


class AlarmEvent(StrEnum):
    """What can happen to an alarm."""

    ONSET = "onset"
    CLEARED = "cleared"
    ACKNOWLEDGE = "acknowledge"
    UNKNOWN = "unknown"
    KNOWN = "known"
    WITHDRAWN = "withdrawn"
    """The patient has left: there is nothing to announce any more."""


class Move(NamedTuple):
    """Where an event leads, and what kind of transition that is."""

    to: SignalState
    phase: Phase


class IllegalMoveError(ValueError):
    """The event cannot happen in this state: a fault of ours, never of the input."""

    def __init__(self, signal: SignalState, event: AlarmEvent) -> None:
        super().__init__(f"an alarm that is {signal} cannot take {event}")
        self.signal = signal
        self.event = event


_S, _E, _P = SignalState, AlarmEvent, Phase
MOVES: Mapping[tuple[SignalState, AlarmEvent], Move] = MappingProxyType(
    {
        (_S.OFF, _E.ONSET): Move(_S.ON, _P.START),
        (_S.ON, _E.CLEARED): Move(_S.OFF, _P.END),
        (_S.ON, _E.ACKNOWLEDGE): Move(_S.ACKNOWLEDGED, _P.ACKNOWLEDGE),
        (_S.ON, _E.UNKNOWN): Move(_S.ON, _P.UPDATE),
        (_S.ON, _E.KNOWN): Move(_S.ON, _P.UPDATE),
        (_S.ON, _E.WITHDRAWN): Move(_S.OFF, _P.END),
        (_S.ACKNOWLEDGED, _E.CLEARED): Move(_S.OFF, _P.END),
        (_S.ACKNOWLEDGED, _E.UNKNOWN): Move(_S.ACKNOWLEDGED, _P.UPDATE),
        (_S.ACKNOWLEDGED, _E.KNOWN): Move(_S.ACKNOWLEDGED, _P.UPDATE),
        (_S.ACKNOWLEDGED, _E.WITHDRAWN): Move(_S.OFF, _P.END),
        (_S.LATCHED, _E.ONSET): Move(_S.ON, _P.UPDATE),
        (_S.LATCHED, _E.ACKNOWLEDGE): Move(_S.OFF, _P.END),
        (_S.LATCHED, _E.WITHDRAWN): Move(_S.OFF, _P.END),
    }
)
LATCH = Move(SignalState.LATCHED, Phase.UPDATE)
"""What CLEARED does to a latching alarm that is ON, in place of the table's row."""


def is_latching(kind: Kind, priority: Priority) -> bool:
    """Whether the signal outlives its condition until somebody has seen it."""
    return kind is Kind.PHYSIOLOGICAL and priority is Priority.HIGH


def move(signal: SignalState, event: AlarmEvent, *, latching: bool) -> Move:
    """Where `event` leads from `signal`.

    Raises:
        IllegalMoveError: The table has no such move.
    """
    if latching and signal is SignalState.ON and event is AlarmEvent.CLEARED:
        return LATCH
    found = MOVES.get((signal, event))
    if found is None:
        raise IllegalMoveError(signal, event)
    return found
