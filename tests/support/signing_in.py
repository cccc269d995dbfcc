"""Accounts for tests: their passwords are hashed at the least cost there is, or a suite would wait for them."""

from __future__ import annotations

from pathlib import Path

from gateway.access.accounts import new_token, person, program
from gateway.access.passwords import Cost, hashed
from gateway.access.roles import Role
from storage.access import FILE, AccessStore

CHEAP = Cost(log2_n=2, r=1, p=1)
PASSWORD = "four horses on a hill"
T0_MS = 1_795_428_000_000


def accounts(data_dir: Path) -> AccessStore:
    """The accounts of a data directory, one for each role, named as the role, and a display `wall`; all `PASSWORD`."""
    store = AccessStore.open(data_dir / FILE)
    for role in Role:
        add_person(store, role.value, role)
    add_person(store, "wall", Role.VIEWER, is_display=True)
    return store


def add_person(store: AccessStore, name: str, role: Role, *, is_display: bool = False) -> None:
    """Somebody whose password is `PASSWORD`."""
    assert store.add(person(name, role, hashed(PASSWORD, CHEAP), T0_MS, is_display=is_display))


def add_program(store: AccessStore, name: str, role: Role, expires_ms: int | None = None) -> str:
    """A program; its token."""
    token = new_token()
    assert store.add(program(name, role, token, T0_MS, expires_ms))
    return token
