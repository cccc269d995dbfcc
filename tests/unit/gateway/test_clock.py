"""Gateway time: never backwards, whatever the system's clock does; at its own speed in a demo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import clock
from gateway.clock import GatewayClock

T0_MS = 1_795_428_000_000


class Wall:
    """A system clock that is set by the test."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def time_ns(self) -> int:
        return self.now_ms * 1_000_000


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """In place of the system's, which no test may set."""
    fake = Wall(T0_MS)
    monkeypatch.setattr(clock, "time", fake)
    return fake


def test_gateway_time_is_the_systems(wall: Wall) -> None:
    gateway_time = GatewayClock()
    wall.now_ms += 1234

    assert gateway_time.now_ms() == T0_MS + 1234
    assert gateway_time.stepped_back_ms == 0


def test_time_stands_still_when_the_system_clock_is_set_back_until_it_has_caught_up(wall: Wall) -> None:
    gateway_time = GatewayClock()
    gateway_time.now_ms()
    wall.now_ms -= 3_600_000

    assert gateway_time.now_ms() == T0_MS
    assert gateway_time.stepped_back_ms == 3_600_000
    wall.now_ms += 3_600_000 - 1
    assert gateway_time.now_ms() == T0_MS
    wall.now_ms += 2
    assert gateway_time.now_ms() == T0_MS + 1
    assert gateway_time.stepped_back_ms == 0


def test_time_does_not_begin_before_the_journals_end(wall: Wall) -> None:
    gateway_time = GatewayClock(not_before_ms=T0_MS + 5000)

    assert gateway_time.now_ms() == T0_MS + 5000
    assert gateway_time.stepped_back_ms == 5000


def test_a_system_clock_that_is_set_ahead_is_followed(wall: Wall) -> None:
    gateway_time = GatewayClock()
    wall.now_ms += 86_400_000

    assert gateway_time.now_ms() == T0_MS + 86_400_000


@pytest.mark.parametrize("ahead_ms", [0, 10_000_000])
def test_at_another_speed_time_goes_on_from_the_journals_end(wall: Wall, ahead_ms: int) -> None:
    gateway_time = GatewayClock(speed=60.0, not_before_ms=T0_MS + ahead_ms)
    wall.now_ms += 1000

    assert gateway_time.now_ms() == T0_MS + ahead_ms + 60_000
    assert gateway_time.stepped_back_ms == 0


def test_waiting_is_counted_in_the_systems_seconds(wall: Wall) -> None:
    assert GatewayClock(speed=60.0).seconds_until(T0_MS + 60_000) == pytest.approx(1.0)
    assert GatewayClock().seconds_until(T0_MS + 500) == pytest.approx(0.5)
    assert GatewayClock().seconds_until(T0_MS - 500) == 0.0


@given(
    speed=st.sampled_from([1.0, 0.5, 10.0, 60_000.0]),
    not_before=st.integers(0, 2 * T0_MS),
    steps=st.lists(st.integers(-10_000_000, 10_000_000), max_size=30),
)
def test_no_sequence_of_settings_makes_time_go_back(speed: float, not_before: int, steps: list[int]) -> None:
    fake = Wall(T0_MS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "time", fake)
        gateway_time = GatewayClock(speed=speed, not_before_ms=not_before)
        latest = not_before
        for step in steps:
            fake.now_ms += step
            now = gateway_time.now_ms()
            assert now >= latest
            assert (gateway_time.stepped_back_ms > 0) <= (now == latest)
            latest = now
