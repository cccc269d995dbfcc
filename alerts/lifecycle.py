"""The lifecycle of an alarm's signal: one table, every transition in it.

Rules
- Condition and signal are apart: what is wrong may pass while what is announced stays (latched), and what is announced
  may be acknowledged while what is wrong stays.
- A high-priority physiological alarm latches: it ends only when somebody has seen it.
- Acknowledging concerns this alarm and no other: a later instance is a new alarm and sounds. It concerns what there was
  to see: what becomes worse, and a condition that begins later and is no lesser, is announced again. So is what begins
  while an alarm is on: a pause of the sound is for what there was before.
- Not knowing clears nothing: UNKNOWN and KNOWN change the condition, never the signal.
- A high priority falls only after somebody has seen it.
- A move that is not in the table, or whose guard does not hold, is illegal: it raises `IllegalMoveError` and changes
  nothing.

Theory of operation
- The state is the signal. An event is what the rules, a person or the passing of time did; a guard is a fact about the
  alarm at that moment. Of the ways out of a state on an event the first whose guard holds is taken.
- The condition, the priority and the text of an alarm are not states: `alerts.evidence` writes them before the move; an
  alarm of which only those change moves from its state to the same state, in phase `update`.
- Timers are no part of this table: `alerts.timers` reckons the instants at which OVERDUE and REMIND happen.

`docs/alarms.md` shows the table and its diagram, generated from it by `alerts.describe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from alerts.alarm import Kind, Phase, Priority, SignalState


class AlarmEvent(StrEnum):
    """What can happen to an alarm."""

    ONSET = "onset"
    """A condition begins that has to be heard: the first, one that returns, or one that joins later."""
    WORSENED = "worsened"
    """The priority rises."""
    EASED = "eased"
    """The priority falls."""
    CHANGED = "changed"
    """A part came or went; nothing that has to be heard."""
    UNKNOWN = "unknown"
    KNOWN = "known"
    CLEARED = "cleared"
    ACKNOWLEDGE = "acknowledge"
    OVERDUE = "overdue"
    """Nobody has acknowledged in time."""
    REMIND = "remind"
    """Acknowledged long ago, and still there."""
    EXPLAINED = "explained"
    """Another technical condition is the reason: that one is announced, this one is not any more."""
    SWITCHED_OFF = "switched_off"
    """Somebody switched the alarm limits off, for a reason and a time."""
    WITHDRAWN = "withdrawn"
    """The patient has left: there is nothing to announce any more."""


class Guard(StrEnum):
    """What has to be so for a move."""

    ALWAYS = "always"
    LATCHING = "latching"
    """High and physiological."""
    DAMPED = "damped"
    """It has come and gone too often to be ended at once."""
    NOT_HIGH = "not high"
    NOT_LATCHING = "not latching"


class Move(NamedTuple):
    """Where an event leads, and what kind of transition that is."""

    to: SignalState
    phase: Phase
    guard: Guard = Guard.ALWAYS


@dataclass(frozen=True, slots=True)
class Standing:
    """The facts about an alarm that guards ask for, as they are before the move."""

    is_latching: bool = False
    is_damped: bool = False
    is_high: bool = False

    def meets(self, guard: Guard) -> bool:
        """Whether the guard holds."""
        match guard:
            case Guard.ALWAYS:
                return True
            case Guard.LATCHING:
                return self.is_latching
            case Guard.NOT_LATCHING:
                return not self.is_latching
            case Guard.DAMPED:
                return self.is_damped
            case Guard.NOT_HIGH:
                return not self.is_high


class IllegalMoveError(ValueError):
    """The event cannot happen in this state: a fault of ours, never of the input."""

    def __init__(self, signal: SignalState, event: AlarmEvent) -> None:
        super().__init__(f"an alarm that is {signal} cannot take {event}")
        self.signal = signal
        self.event = event


_S, _E, _P, _G = SignalState, AlarmEvent, Phase, Guard
MOVES: Mapping[tuple[SignalState, AlarmEvent], tuple[Move, ...]] = MappingProxyType(
    {
        (_S.OFF, _E.ONSET): (Move(_S.ON, _P.START),),
        (_S.ON, _E.ONSET): (Move(_S.ON, _P.UPDATE),),
        (_S.ON, _E.WORSENED): (Move(_S.ON, _P.ESCALATE),),
        (_S.ON, _E.EASED): (Move(_S.ON, _P.DEESCALATE, _G.NOT_HIGH),),
        (_S.ON, _E.CHANGED): (Move(_S.ON, _P.UPDATE),),
        (_S.ON, _E.UNKNOWN): (Move(_S.ON, _P.UPDATE),),
        (_S.ON, _E.KNOWN): (Move(_S.ON, _P.UPDATE),),
        (_S.ON, _E.CLEARED): (
            Move(_S.LATCHED, _P.UPDATE, _G.LATCHING),
            Move(_S.ON, _P.UPDATE, _G.DAMPED),
            Move(_S.OFF, _P.END),
        ),
        (_S.ON, _E.ACKNOWLEDGE): (Move(_S.ACKNOWLEDGED, _P.ACKNOWLEDGE),),
        (_S.ON, _E.OVERDUE): (Move(_S.ON, _P.ESCALATE),),
        (_S.ON, _E.EXPLAINED): (Move(_S.OFF, _P.END, _G.NOT_LATCHING),),
        (_S.ON, _E.SWITCHED_OFF): (Move(_S.OFF, _P.END, _G.NOT_LATCHING),),
        (_S.ON, _E.WITHDRAWN): (Move(_S.OFF, _P.END),),
        (_S.ACKNOWLEDGED, _E.ONSET): (Move(_S.ON, _P.UPDATE),),
        (_S.ACKNOWLEDGED, _E.WORSENED): (Move(_S.ON, _P.ESCALATE),),
        (_S.ACKNOWLEDGED, _E.EASED): (Move(_S.ACKNOWLEDGED, _P.DEESCALATE),),
        (_S.ACKNOWLEDGED, _E.CHANGED): (Move(_S.ACKNOWLEDGED, _P.UPDATE),),
        (_S.ACKNOWLEDGED, _E.UNKNOWN): (Move(_S.ACKNOWLEDGED, _P.UPDATE),),
        (_S.ACKNOWLEDGED, _E.KNOWN): (Move(_S.ACKNOWLEDGED, _P.UPDATE),),
        (_S.ACKNOWLEDGED, _E.CLEARED): (
            Move(_S.ACKNOWLEDGED, _P.UPDATE, _G.DAMPED),
            Move(_S.OFF, _P.END),
        ),
        (_S.ACKNOWLEDGED, _E.REMIND): (Move(_S.ON, _P.UPDATE),),
        (_S.ACKNOWLEDGED, _E.EXPLAINED): (Move(_S.OFF, _P.END),),
        (_S.ACKNOWLEDGED, _E.SWITCHED_OFF): (Move(_S.OFF, _P.END),),
        (_S.ACKNOWLEDGED, _E.WITHDRAWN): (Move(_S.OFF, _P.END),),
        (_S.LATCHED, _E.ONSET): (Move(_S.ON, _P.UPDATE),),
        (_S.LATCHED, _E.ACKNOWLEDGE): (Move(_S.OFF, _P.END),),
        (_S.LATCHED, _E.WITHDRAWN): (Move(_S.OFF, _P.END),),
    }
)


def is_latching(kind: Kind, priority: Priority) -> bool:
    """Whether the signal outlives its condition until somebody has seen it."""
    return kind is Kind.PHYSIOLOGICAL and priority is Priority.HIGH


def move(signal: SignalState, event: AlarmEvent, standing: Standing) -> Move:
    """Where `event` leads from `signal`.

    Raises:
        IllegalMoveError: The table has no such move, or none whose guard holds.
    """
    for way in MOVES.get((signal, event), ()):
        if standing.meets(way.guard):
            return way
    raise IllegalMoveError(signal, event)
