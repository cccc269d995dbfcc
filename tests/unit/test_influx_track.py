"""How far the export counts as arrived: it lags, falls back, and makes progress on a line that breaks often."""

from __future__ import annotations

from storage.series.influx import _Track


def test_cursor_is_settled_once_it_was_reached_long_enough_ago() -> None:
    track = _Track(60.0)
    track.reached(10, 0.0)
    track.reached(20, 30.0)

    assert not track.settle(59.0)
    assert track.settle(60.0)
    assert (track.settled, track.cursor) == (10, 20)
    assert track.settle(90.0)
    assert track.settled == 20


def test_break_goes_back_to_what_is_settled_and_forgets_what_came_after() -> None:
    track = _Track(60.0)
    track.reached(10, 0.0)
    track.settle(60.0)
    track.reached(20, 61.0)
    track.broke()

    assert track.cursor == 10
    assert not track.settle(1000.0)


def test_outage_of_many_tries_counts_as_one_break() -> None:
    track = _Track(60.0)
    track.reached(10, 0.0)
    for _ in range(100):
        track.broke()
    track.reached(10, 100.0)

    assert not track.settle(129.0)
    assert track.settle(130.0)


def test_line_that_breaks_every_twenty_seconds_makes_progress() -> None:
    track = _Track(120.0)
    now_s = 0.0
    for _ in range(20):
        for _ in range(20):
            track.reached(track.cursor + 1, now_s)
            track.settle(now_s)
            now_s += 1.0
        track.broke()

    assert track.settled > 60


def test_margin_is_whole_again_after_a_while_without_a_break() -> None:
    track = _Track(60.0)
    for _ in range(2):
        track.reached(1, 0.0)
        track.broke()
    for second in range(200):
        track.reached(second, float(second))
        track.settle(float(second))

    assert track.settled == 199 - 60


def test_receiver_that_never_keeps_a_connection_is_doubted_a_few_times_and_then_believed() -> None:
    track = _Track(60.0)
    heeded = []
    for second in range(1000):
        if track.doubted():
            heeded.append(second)
        else:
            track.reached(second, float(second))
            track.settle(float(second))

    assert heeded[:3] == [0, 1, 2]
    assert len(heeded) < 500
    assert track.settled > 900
