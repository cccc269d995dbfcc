"""Rhythms that monitors reported as events."""

from __future__ import annotations

from streaming.observation import EventMessage
from streaming.therapy.rhythms import EVENTS_MAX, Rhythms
from tests.support.talking_pump import at


def event(phase: str = "start", **attributes: float | str | bool | None) -> EventMessage:
    return EventMessage("boot", 0, None, "MDC_EVT_ECG_V_TACHY", phase, attributes=attributes)


def test_events_since_an_instant_come_oldest_first_whatever_their_order_of_arrival() -> None:
    rhythms = Rhythms()
    for seconds in (30, 10, 20):
        rhythms.take("mon1", "vt", event(beats=5), at(seconds))

    assert [each.at_ms for each in rhythms.since(at(10))] == [at(20), at(30)]
    assert len(rhythms.since(at(0))) == 3


def test_the_end_completes_what_began() -> None:
    rhythms = Rhythms()
    rhythms.take("mon1", "vt", event(), at(0))
    rhythms.take("mon1", "af", event(), at(1))
    rhythms.take("mon2", "vt", event(beats=3), at(2))
    rhythms.take("mon1", "vt", event("end", beats=7, duration_s=3.5), at(4))

    (first, *others) = rhythms.since(at(-1))
    assert (first.rhythm, first.at_ms, first.beats, first.duration_s) == ("vt", at(0), 7, 3.5)
    assert [(each.rhythm, each.beats) for each in others] == [("af", None), ("vt", 3)]


def test_an_end_that_says_nothing_leaves_what_the_start_said() -> None:
    rhythms = Rhythms()
    rhythms.take("mon1", "vt", event(beats=7, duration_s=3.5), at(0))
    rhythms.take("mon1", "vt", event("end"), at(4))

    (only,) = rhythms.since(at(-1))
    assert (only.beats, only.duration_s) == (7, 3.5)


def test_an_end_without_a_beginning_is_an_event() -> None:
    rhythms = Rhythms()
    rhythms.take("mon1", "vt", event("end", beats=9), at(4))

    (only,) = rhythms.since(at(-1))
    assert (only.at_ms, only.beats) == (at(4), 9)


def test_a_run_lasts_from_its_start_to_its_end() -> None:
    rhythms = Rhythms()
    rhythms.take("mon1", "vt", event(), at(0))
    (lasting,) = rhythms.since(at(-1))
    rhythms.take("mon1", "vt", event("end"), at(4))
    rhythms.take("mon1", "vt", event("tpoint"), at(9))
    ended, told_once = rhythms.since(at(-1))

    assert (lasting.is_lasting, lasting.ended_ms) == (True, None)
    assert (ended.is_lasting, ended.ended_ms) == (False, at(4))
    assert (told_once.is_lasting, told_once.ended_ms) == (False, None)


def test_sustained_tachycardia_lasts_thirty_seconds_unless_the_monitor_says_how_long() -> None:
    rhythms = Rhythms()
    said: list[dict[str, float | str | bool | None]] = [{}, {"beats": 12}, {"duration_s": 45.0}]
    for seconds, attributes in enumerate(said):
        message = EventMessage("boot", 0, None, "MDC_EVT_ECG_V_TACHY_SUST", "tpoint", attributes=attributes)
        rhythms.take("mon1", "vt", message, at(seconds))

    assert [(each.beats, each.duration_s) for each in rhythms.since(at(-1))] == [(None, 30), (12, None), (None, 45)]


def test_attributes_that_are_no_numbers_say_nothing() -> None:
    rhythms = Rhythms()
    rhythms.take("mon1", "vt", event(beats="many", duration_s=True), at(0))

    (only,) = rhythms.since(at(-1))
    assert (only.beats, only.duration_s) == (None, None)


def test_the_number_of_events_kept_is_bounded() -> None:
    rhythms = Rhythms()
    for seconds in range(EVENTS_MAX + 10):
        rhythms.take("mon1", "vt", event(), at(seconds))

    assert len(rhythms.since(at(-1))) == EVENTS_MAX
    assert rhythms.since(at(-1))[-1].at_ms == at(EVENTS_MAX + 9)
