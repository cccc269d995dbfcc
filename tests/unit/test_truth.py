"""Three-valued truth: the whole tables, and that what is unknown decides nothing."""

from __future__ import annotations

from itertools import product

import pytest

from streaming.truth import Truth, all_of, any_of, negation

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN


@pytest.mark.parametrize("first", Truth)
@pytest.mark.parametrize("second", Truth)
def test_all_of_is_the_least_and_any_of_the_greatest(first: Truth, second: Truth) -> None:
    order = [FALSE, UNKNOWN, TRUE]

    assert all_of([first, second]) is min(first, second, key=order.index)
    assert any_of([first, second]) is max(first, second, key=order.index)


def test_of_nothing_all_are_true_and_none_is() -> None:
    assert all_of([]) is TRUE
    assert any_of([]) is FALSE


@pytest.mark.parametrize(("truth", "expected"), [(TRUE, FALSE), (FALSE, TRUE), (UNKNOWN, UNKNOWN)])
def test_negation_keeps_what_is_unknown(truth: Truth, expected: Truth) -> None:
    assert negation(truth) is expected
    assert negation(negation(truth)) is truth


def test_not_all_is_any_not() -> None:
    for truths in product(Truth, repeat=3):
        assert negation(all_of(truths)) is any_of(negation(truth) for truth in truths)


def test_a_decided_answer_stays_when_the_unknown_becomes_known() -> None:
    for truths in product(Truth, repeat=3):
        for combine in (all_of, any_of):
            answer = combine(truths)
            settled = {
                combine(known)
                for known in product(*([[TRUE, FALSE] if truth is UNKNOWN else [truth] for truth in truths]))
            }
            assert settled == ({answer} if answer is not UNKNOWN else {TRUE, FALSE}), truths
