"""Which messages were seen: once and only once, losses counted, memory bounded."""

from __future__ import annotations

import random

import pytest

from streaming.sequence import BOOTS_KEPT, INTERVALS_KEPT, Arrival, SequenceLedger, SequenceTracker

IN_ORDER, OUT_OF_ORDER, DUPLICATE = Arrival.IN_ORDER, Arrival.OUT_OF_ORDER, Arrival.DUPLICATE


def arrivals(numbers: list[int]) -> list[Arrival]:
    tracker = SequenceTracker()
    return [tracker.accept(number) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([0, 1, 2], [OUT_OF_ORDER, IN_ORDER, IN_ORDER]),
        ([7, 8], [OUT_OF_ORDER, IN_ORDER]),
        ([0, 0], [OUT_OF_ORDER, DUPLICATE]),
        ([0, 1, 0, 2], [OUT_OF_ORDER, IN_ORDER, DUPLICATE, IN_ORDER]),
        ([0, 2, 1, 3], [OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER, IN_ORDER]),
        ([0, 2, 1, 1, 2], [OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER, DUPLICATE, DUPLICATE]),
        ([5, 3, 4, 4], [OUT_OF_ORDER, OUT_OF_ORDER, OUT_OF_ORDER, DUPLICATE]),
        ([5, 4, 5, 4], [OUT_OF_ORDER, OUT_OF_ORDER, DUPLICATE, DUPLICATE]),
        ([0, 9, 5, 6, 4], [OUT_OF_ORDER] * 5),
        ([2**63 - 1, 0, 2**63 - 1], [OUT_OF_ORDER, OUT_OF_ORDER, DUPLICATE]),
    ],
)
def test_a_number_is_accepted_once_however_it_comes(numbers: list[int], expected: list[Arrival]) -> None:
    assert arrivals(numbers) == expected


def test_every_number_is_accepted_exactly_once_in_a_long_shuffle_with_repeats() -> None:
    numbers = [number for number in range(500) for _ in range(2)]
    random.Random(7).shuffle(numbers)

    found = arrivals(numbers)

    accepted = [number for number, arrival in zip(numbers, found, strict=True) if arrival is not DUPLICATE]
    assert sorted(accepted) == list(range(500))


def test_what_is_missing_is_counted_and_given_back_when_it_comes() -> None:
    tracker = SequenceTracker()
    for number in (3, 4, 8, 10):
        tracker.accept(number)

    assert tracker.missing == 4  # 5, 6, 7 and 9
    assert tracker.highest == 10
    tracker.accept(9)
    tracker.accept(6)
    assert tracker.missing == 2


def test_nothing_is_missing_before_the_first_number_or_without_one() -> None:
    tracker = SequenceTracker()

    assert (tracker.missing, tracker.highest) == (0, None)
    tracker.accept(1000)
    assert tracker.missing == 0


def test_scattered_losses_are_given_up_oldest_first_and_stay_counted() -> None:
    tracker = SequenceTracker()
    for number in range(0, 2 * (INTERVALS_KEPT + 3), 2):
        tracker.accept(number)

    assert tracker.missing == INTERVALS_KEPT + 2
    assert tracker.abandoned == 3
    assert tracker.accept(1) is DUPLICATE, "the oldest hole was given up"
    assert tracker.accept(7) is OUT_OF_ORDER, "a younger one was not"
    assert tracker.missing == INTERVALS_KEPT + 1


def test_a_number_before_the_first_is_still_new_when_holes_were_given_up() -> None:
    tracker = SequenceTracker()
    for number in range(1000, 1000 + 2 * (INTERVALS_KEPT + 1), 2):
        tracker.accept(number)

    assert tracker.accept(999) is OUT_OF_ORDER
    assert tracker.accept(999) is DUPLICATE
    assert tracker.accept(10) is OUT_OF_ORDER


def test_a_new_boot_numbers_anew_and_an_old_one_is_remembered() -> None:
    ledger = SequenceLedger()

    assert ledger.tracker("a").accept(0) is OUT_OF_ORDER
    assert ledger.tracker("b").accept(0) is OUT_OF_ORDER
    assert ledger.tracker("a").accept(0) is DUPLICATE
    assert ledger.tracker("b").accept(0) is DUPLICATE


def test_losses_are_added_over_boots_and_stay_when_a_boot_is_forgotten() -> None:
    ledger = SequenceLedger()
    ledger.tracker("first").accept(0)
    ledger.tracker("first").accept(3)
    ledger.tracker("second").accept(0)
    ledger.tracker("second").accept(2)
    assert ledger.missing == 3

    for number in range(BOOTS_KEPT):
        ledger.tracker(f"later-{number}").accept(0)

    assert ledger.missing == 3
    assert ledger.tracker("first").accept(0) is OUT_OF_ORDER, "a forgotten boot cannot know its numbers"


def test_the_boot_in_use_is_not_forgotten_for_strangers() -> None:
    ledger = SequenceLedger()
    for number in range(3 * BOOTS_KEPT):
        ledger.tracker("present").accept(number)
        ledger.tracker(f"stranger-{number}").accept(0)

    assert ledger.tracker("present").accept(0) is DUPLICATE
    assert ledger.tracker("stranger-0").accept(0) is OUT_OF_ORDER
