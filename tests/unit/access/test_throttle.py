"""Waiting after failed attempts, with time as an input."""

from __future__ import annotations

from gateway.access.throttle import Pace, Throttle

PACE = Pace(free=3, first_wait_s=1.0, longest_wait_s=60.0, forgotten_after_s=900.0)


def waits_of(throttle: Throttle, attempts: int, *, now_s: float = 0.0) -> list[float]:
    """What each attempt has to wait for, made as soon as it is heard."""
    waits = []
    for _ in range(attempts):
        wait_s = throttle.wait_s("jo", now_s)
        waits.append(wait_s)
        now_s += wait_s
        throttle.charge("jo", now_s)
    return waits


def test_first_failures_cost_nothing_then_each_doubles_the_wait_up_to_a_minute() -> None:
    assert waits_of(Throttle(PACE), 13) == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_wait_passes_with_time_and_an_attempt_too_early_is_told_what_is_left() -> None:
    throttle = Throttle(PACE)
    for _ in range(6):
        throttle.charge("jo", 100.0)

    assert [throttle.wait_s("jo", now_s) for now_s in (100.0, 101.0, 103.5, 104.0)] == [4.0, 3.0, 0.5, 0.0]


def test_failures_are_forgotten_after_a_while_so_that_nobody_is_locked_out() -> None:
    throttle = Throttle(PACE)
    for _ in range(10_000):
        throttle.charge("jo", 0.0)

    assert throttle.wait_s("jo", 0.0) == 60.0
    assert throttle.wait_s("jo", 60.0) == 0.0
    throttle.charge("jo", 1000.0)
    assert throttle.wait_s("jo", 1000.0) == 0.0


def test_whoever_was_right_is_forgiven_and_others_keep_their_wait() -> None:
    throttle = Throttle(PACE)
    for key in ("jo", "al"):
        for _ in range(5):
            throttle.charge(key, 0.0)
    throttle.forgive("jo")

    assert throttle.wait_s("jo", 0.0) == 0.0
    assert throttle.wait_s("al", 0.0) == 2.0


def test_refunded_attempt_counts_as_none() -> None:
    throttle = Throttle(PACE)
    for _ in range(4):
        throttle.charge("jo", 0.0)
    assert throttle.wait_s("jo", 0.0) == 1.0
    throttle.refund("jo")
    throttle.refund("nobody")

    assert throttle.wait_s("jo", 0.0) == 0.0


def test_memory_is_bounded_and_loses_the_oldest_first() -> None:
    throttle = Throttle(PACE, keys_max=2)
    for key in ("first", "second", "third"):
        for _ in range(5):
            throttle.charge(key, 0.0)

    assert [throttle.wait_s(key, 0.0) for key in ("first", "second", "third")] == [0.0, 2.0, 2.0]
