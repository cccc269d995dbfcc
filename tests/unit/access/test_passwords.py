"""How passwords are judged, kept and compared."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
from base64 import b64decode
from collections.abc import Iterator

import pytest

from gateway.access import passwords
from gateway.access.passwords import COST, Cost, PasswordDesk, TooManyWaiting, hashed, is_right, unfit_because
from tests.support.signing_in import CHEAP, PASSWORD


@pytest.fixture
def desk() -> Iterator[PasswordDesk]:
    opened = PasswordDesk(CHEAP)
    yield opened
    opened.close()


def test_password_is_kept_as_scrypts_hash_with_its_own_parameters_and_salt() -> None:
    kept = hashed(PASSWORD, Cost(log2_n=4, r=2, p=3))
    _, name, parameters, salt, digest = kept.split("$")

    assert (name, parameters) == ("scrypt", "ln=4,r=2,p=3")
    wanted = hashlib.scrypt(PASSWORD.encode(), salt=b64decode(salt + "=="), n=16, r=2, p=3, dklen=32)
    assert b64decode(digest + "=") == wanted
    assert kept != hashed(PASSWORD, Cost(log2_n=4, r=2, p=3)), "salted"


def test_password_is_compared_with_the_parameters_it_was_kept_with() -> None:
    kept = hashed(PASSWORD, Cost(log2_n=3, r=4, p=2))

    assert is_right(PASSWORD, kept)
    assert not is_right(PASSWORD + "x", kept)
    assert not is_right("", kept)


def test_one_password_typed_at_two_keyboards_is_one() -> None:
    assert is_right("cafe\u0301 au lait fort", hashed("caf\u00e9 au lait fort", CHEAP))


@pytest.mark.parametrize("kept", ["", "plain", "$scrypt$ln=15$a$b", "$argon2id$v=19$a$b"])
def test_what_was_never_kept_by_us_is_no_password(kept: str) -> None:
    with pytest.raises(ValueError, match="no kept password"):
        is_right(PASSWORD, kept)


def test_shipped_cost_is_one_of_those_that_are_advised() -> None:
    """OWASP's table of equals: N=2^15, r=8, p=3, in 32 MiB."""
    assert Cost(log2_n=15, r=8, p=3) == COST
    assert 32 * 2**20 <= COST.memory_bytes < 33 * 2**20


@pytest.mark.parametrize(
    ("password", "is_fit"),
    [
        ("elevenchars", False),
        ("twelve chars", True),
        ("aaaaaaaaaaaaaaaa", False),
        ("jo-from-ward-3", False),
        ("пароль длинный", True),
        ("x" * 255 + "yz", False),
        ("only lower case letters", True),
    ],
)
def test_password_must_be_long_and_nothing_else(password: str, is_fit: bool) -> None:
    assert (unfit_because(password, "Jo-from-ward-3") is None) is is_fit


async def test_a_name_that_nobody_has_is_compared_as_long_and_never_right(desk: PasswordDesk) -> None:
    kept = hashed(PASSWORD, CHEAP)

    assert await desk.is_right(PASSWORD, kept)
    assert not await desk.is_right(PASSWORD, None)
    assert not await desk.is_right("", None)


async def test_unknown_names_take_the_time_of_known_ones() -> None:
    cost = Cost(log2_n=13, r=8, p=1)
    slow, kept = PasswordDesk(cost), hashed(PASSWORD, cost)
    try:
        took = {None: [], kept: []}  # type: dict[str | None, list[float]]
        for _ in range(5):
            for each, times in took.items():
                began_s = time.perf_counter()
                await slow.is_right("wrong all along", each)
                times.append(time.perf_counter() - began_s)
    finally:
        slow.close()

    quickest = [min(times) for times in took.values()]
    assert max(quickest) < 2 * min(quickest)
    assert min(quickest) > 0.005, "it was hashed at all"


async def test_passwords_are_compared_where_a_sandbox_forbids_to_step_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the systemd unit does, by its filter of system calls."""

    def forbidden(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "setpriority", forbidden)
    desk = PasswordDesk(CHEAP)
    try:
        assert await desk.is_right(PASSWORD, hashed(PASSWORD, CHEAP))
    finally:
        desk.close()


async def test_hashing_runs_on_one_thread_that_lets_all_others_pass_and_so_many_wait_at_most(
    desk: PasswordDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, go_on = [], threading.Event()

    def slowly(_password: str, _kept: str) -> bool:
        threads.append((threading.get_ident(), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        go_on.wait(10)
        return True

    monkeypatch.setattr(passwords, "is_right", slowly)
    waiting = [asyncio.create_task(desk.is_right("a", "b")) for _ in range(passwords.WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting):
        await desk.is_right("a", "b")
    go_on.set()

    assert await asyncio.gather(*waiting) == [True] * passwords.WAITING_MAX
    assert len(set(threads)) == 1
    assert threads[0][0] != threading.get_ident()
    assert threads[0][1] == 19
    assert await desk.is_right("a", "b"), "there is room again"
