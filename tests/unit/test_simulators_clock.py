"""The one simulated clock, and how it keeps to the gateway's."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from simulators.clock import SimulatedClock, system_ms
from simulators.gateway_time import GatewayTime, Heartbeat, parse_heartbeat
from streaming.instants import format_ms

_NOW_MS = 1_795_000_000_000


class _Machine:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def _clock(speed: float = 1.0) -> tuple[SimulatedClock, _Machine]:
    machine = _Machine()
    return SimulatedClock(speed=speed, start_ms=_NOW_MS, monotonic=machine), machine


def test_clock_starts_with_the_system_time() -> None:
    before = system_ms()

    assert before <= SimulatedClock().now_ms() <= system_ms()


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0])
def test_clock_runs_at_its_speed(speed: float) -> None:
    clock, machine = _clock(speed)
    machine.now_s += 10.0

    assert clock.now_ms() == _NOW_MS + round(10_000 * speed)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_clock_refuses_a_speed_that_is_none(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be above 0"):
        SimulatedClock(speed=speed)


def test_clock_slews_a_small_error_away_without_stopping_or_jumping() -> None:
    clock, machine = _clock(60.0)

    adjustment = clock.follow(_NOW_MS - 30_000, 60.0)
    readings = []
    for _ in range(300):
        machine.now_s += 0.1
        readings.append(clock.now_ms())
    steps = [b - a for a, b in itertools.pairwise(readings)]

    assert not adjustment.stepped
    assert adjustment.error_ms == -30_000
    assert min(steps) >= 6000 * 0.79
    assert max(steps) <= 6001
    assert readings[-1] == pytest.approx(_NOW_MS - 30_000 + 30_000 * 60, abs=2)


def test_clock_keeps_to_heartbeats_that_come_every_second() -> None:
    clock, machine = _clock(60.0)
    gateway_ms = _NOW_MS + 100_000
    for _ in range(60):
        clock.follow(gateway_ms, 60.0)
        machine.now_s += 1.0
        gateway_ms += 60_000

    assert clock.now_ms() == pytest.approx(gateway_ms, abs=600)


def test_clock_is_set_when_the_error_is_large() -> None:
    clock, _ = _clock(1.0)

    adjustment = clock.follow(_NOW_MS + 3_600_000, 1.0)

    assert adjustment.stepped
    assert clock.now_ms() == _NOW_MS + 3_600_000


def test_clock_takes_the_gateways_speed() -> None:
    clock, machine = _clock(1.0)

    assert clock.follow(_NOW_MS, 30.0).speed_changed
    machine.now_s += 2.0

    assert clock.now_ms() == _NOW_MS + 60_000


async def test_sleep_lasts_until_the_clock_shows_the_instant() -> None:
    clock = SimulatedClock(speed=1000.0)
    at_ms = clock.now_ms() + 50_000

    await asyncio.wait_for(clock.sleep_until_ms(at_ms), 5.0)

    assert clock.now_ms() >= at_ms


def test_heartbeat_is_read_from_its_json() -> None:
    payload = b'{"at":"2026-11-23T10:11:12.345Z","speed":60,"n":7}'

    heartbeat = parse_heartbeat(payload)

    assert heartbeat is not None
    assert format_ms(heartbeat.at_ms) == "2026-11-23T10:11:12.345Z"
    assert heartbeat.speed == 60.0
    assert parse_heartbeat(b'{"at":"2026-11-23T10:11:12.345Z"}') == Heartbeat(at_ms=heartbeat.at_ms, speed=1.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"speed":1}',
        b'{"at":17}',
        b'{"at":"yesterday"}',
        b'{"at":"2026-11-23T10:11:12Z","speed":0}',
        b'{"at":"2026-11-23T10:11:12Z","speed":true}',
        b'{"at":"2026-11-23T10:11:12Z","speed":"fast"}',
    ],
)
def test_heartbeat_that_is_none_is_ignored(payload: bytes) -> None:
    assert parse_heartbeat(payload) is None


async def test_gateway_time_tells_who_must_know_when_the_clock_is_set() -> None:
    clock, _ = _clock(60.0)
    notices: list[str] = []
    steps: list[int] = []
    gateway_time = GatewayTime(clock, notice=notices.append, on_step=steps.append)

    gateway_time.hear(b"nonsense")
    assert not await gateway_time.first(0.01)
    gateway_time.hear(b'{"at":"%s","speed":30}' % format_ms(_NOW_MS + 7_200_000).encode())

    assert await gateway_time.first(0.01)
    assert steps == [7_200_000]
    assert clock.speed == 30.0
    assert notices == ["the gateway's clock runs at speed 30, not 60: going with it"]

    gateway_time.hear(b'{"at":"%s","speed":30}' % format_ms(_NOW_MS).encode())

    assert steps == [7_200_000, -7_200_000]
    assert notices[1:] == ["clock set by -7200.0 s to agree with the gateway's"]
