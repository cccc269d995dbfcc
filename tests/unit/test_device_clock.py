"""The model of a device's clock: offset, drift, steps, buffers, and one wrong time among right ones."""

from __future__ import annotations

import pytest

from streaming.clock import STEP_SAMPLES, DeviceClock

T0_MS = 1_790_000_000_000
SECOND_MS = 1000


def feed(clock: DeviceClock, *, offset_ms: int, seconds: range, delay_ms: int = 0) -> list[int]:
    """One message a second from a device that is `offset_ms` behind; returns how wrong each corrected time is."""
    return [
        clock.correct(T0_MS + second * SECOND_MS - offset_ms, T0_MS + second * SECOND_MS + delay_ms)
        - (T0_MS + second * SECOND_MS)
        for second in seconds
    ]


def test_the_first_message_is_dated_at_its_receipt() -> None:
    clock = DeviceClock()

    assert clock.offset_ms is None
    assert clock.correct(T0_MS - 90_000, T0_MS) == T0_MS
    assert clock.offset_ms == 90_000


@pytest.mark.parametrize("offset_ms", [0, 90_000, -90_000, 26 * 365 * 86_400_000])
def test_a_constant_offset_is_taken_out_to_the_millisecond(offset_ms: int) -> None:
    clock = DeviceClock()

    assert feed(clock, offset_ms=offset_ms, seconds=range(300)) == [0] * 300
    assert clock.offset_ms == offset_ms


def test_a_message_that_waited_in_a_buffer_is_dated_when_it_was_made() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=200, seconds=range(10))

    waited_ms = clock.correct(T0_MS + 10 * SECOND_MS - 200, T0_MS + 45 * SECOND_MS)

    assert waited_ms == T0_MS + 10 * SECOND_MS
    assert clock.offset_ms == 200


def test_a_burst_from_a_buffer_is_no_step() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=0, seconds=range(10))

    at_once_ms = T0_MS + 600 * SECOND_MS
    wrong = [
        clock.correct(T0_MS + second * SECOND_MS, at_once_ms + place) - (T0_MS + second * SECOND_MS)
        for place, second in enumerate(range(10, 600))
    ]

    assert max(map(abs, wrong)) <= 600
    assert clock.steps == 0


def test_the_smallest_delay_wins() -> None:
    clock = DeviceClock()
    for second, delay_ms in enumerate([400, 90, 250, 30, 700]):
        clock.correct(T0_MS + second * SECOND_MS, T0_MS + second * SECOND_MS + delay_ms)

    assert clock.offset_ms == 30


@pytest.mark.parametrize("drift_ms_per_minute", [-30, 30])
def test_drift_is_followed_within_the_window(drift_ms_per_minute: int) -> None:
    clock = DeviceClock()
    for second in range(3600):
        true_ms = T0_MS + second * SECOND_MS
        clock.correct(true_ms - second * drift_ms_per_minute // 60, true_ms)

    assert clock.offset_ms == pytest.approx(60 * drift_ms_per_minute, abs=2 * abs(drift_ms_per_minute) + 1)


def test_a_clock_set_back_an_hour_is_recognised_after_a_few_messages() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=0, seconds=range(100))

    wrong = feed(clock, offset_ms=3_600_000, seconds=range(100, 120))

    assert clock.steps == 1
    assert clock.offset_ms == 3_600_000
    assert wrong[STEP_SAMPLES:] == [0] * (20 - STEP_SAMPLES)
    assert all(error == -3_600_000 for error in wrong[: STEP_SAMPLES - 1]), "until then it looks buffered"


def test_a_clock_set_forward_an_hour_is_followed_with_the_second_message() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=0, seconds=range(100))

    assert feed(clock, offset_ms=-3_600_000, seconds=range(100, 110)) == [0] * 10
    assert clock.offset_ms == -3_600_000


@pytest.mark.parametrize("wrong_by_ms", [23 * 3_600_000, 60_000, 6_000])
def test_one_message_dated_into_the_future_moves_nothing_that_follows(wrong_by_ms: int) -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=100, seconds=range(20))

    at_ms = clock.correct(T0_MS + 20 * SECOND_MS - 100 + wrong_by_ms, T0_MS + 20 * SECOND_MS)

    assert at_ms == T0_MS + 20 * SECOND_MS
    assert feed(clock, offset_ms=100, seconds=range(21, 40)) == [0] * 19
    assert clock.offset_ms == 100


def test_one_message_dated_into_the_past_moves_nothing_that_follows() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=100, seconds=range(20))

    clock.correct(T0_MS - 86_400_000, T0_MS + 20 * SECOND_MS)

    assert feed(clock, offset_ms=100, seconds=range(21, 40)) == [0] * 19


def test_an_estimate_from_a_message_that_had_waited_is_corrected_by_those_that_had_not() -> None:
    clock = DeviceClock()
    clock.correct(T0_MS - 600_000, T0_MS)
    assert clock.offset_ms == 600_000

    assert feed(clock, offset_ms=0, seconds=range(1, 4)) == [0, 0, 0]
    assert clock.offset_ms == 0


def test_of_two_leaps_the_smaller_is_believed() -> None:
    clock = DeviceClock()
    feed(clock, offset_ms=0, seconds=range(5))

    clock.correct(T0_MS + 5 * SECOND_MS + 60_000, T0_MS + 5 * SECOND_MS)
    clock.correct(T0_MS + 6 * SECOND_MS + 3_600_000, T0_MS + 6 * SECOND_MS)

    assert clock.offset_ms == -60_000


def test_corrected_time_is_never_after_receipt_under_jitter() -> None:
    clock = DeviceClock()
    jitters_ms = [second * 7919 % 1700 for second in range(600)]
    received_ms = [T0_MS + second * SECOND_MS for second in range(600)]

    corrected_ms = [clock.correct(at - jitter, at) for at, jitter in zip(received_ms, jitters_ms, strict=True)]

    assert all(corrected <= at for corrected, at in zip(corrected_ms, received_ms, strict=True))
    assert clock.offset_ms is not None
    assert 0 <= clock.offset_ms <= 100


def test_a_stuck_clock_is_not_held_to_be_a_step_and_the_window_follows_it() -> None:
    clock = DeviceClock()
    for second in range(200):
        clock.correct(T0_MS, T0_MS + second * SECOND_MS)

    assert clock.steps == 0
    assert clock.offset_ms is not None
    assert 100 * SECOND_MS <= clock.offset_ms <= 200 * SECOND_MS
