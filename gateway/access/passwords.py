"""Passwords: which will do, and how they are kept: salted, hashed by scrypt with their parameters beside them.

Theory of operation. scrypt with N=2^15, r=8, p=3 takes 32 MiB and about 0.4 s of one processor here (N=2^17, p=1, as
strong by OWASP's table, takes 128 MiB and 0.7 s). Nothing of it may hold up an alarm, so hashing has one thread, whose
priority is the lowest there is, and so many may wait for it; the event loop never hashes.

Invariants. A comparison takes the same time whether or not there is such an account. A new setting of the parameters
is for new passwords: each hash is checked with its own. No password is logged, kept or repeated in an error.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

LENGTH_MIN = 12
LENGTH_MAX = 256
WAITING_MAX = 16
"""Sign-ins that may wait to be hashed: a change of shifts, and about seven seconds."""
_SALT_BYTES = 16
_HASH_BYTES = 32
_ENCODED = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What scrypt is told: memory is 128 * 2^log2_n * r bytes."""

    log2_n: int = 15
    r: int = 8
    p: int = 3

    @property
    def memory_bytes(self) -> int:
        """What one hash needs, with scrypt's own overhead."""
        return 128 * self.r * ((1 << self.log2_n) + self.p + 2)


COST = Cost()


class TooManyWaiting(Exception):  # noqa: N818 - named for the state it reports
    """So many sign-ins wait already that another one would wait too long."""


def unfit_because(password: str, name: str) -> str | None:
    """Why a password will not do; None when it will. Length counts, composition does not (NIST SP 800-63B, 5.1.1.2)."""
    if len(_normal(password)) < LENGTH_MIN:
        return f"a password has at least {LENGTH_MIN} characters"
    if len(password) > LENGTH_MAX:
        return f"a password has at most {LENGTH_MAX} characters"
    if password.casefold() == name.casefold() or len(set(password)) == 1:
        return "a password is neither the name nor one sign again and again"
    return None


def hashed(password: str, cost: Cost = COST) -> str:
    """What is kept of a password: `$scrypt$ln=…,r=…,p=…$SALT$HASH`."""
    salt = secrets.token_bytes(_SALT_BYTES)
    parts = (base64.b64encode(each).decode().rstrip("=") for each in (salt, _scrypt(password, salt, cost)))
    return f"$scrypt$ln={cost.log2_n},r={cost.r},p={cost.p}${'$'.join(parts)}"


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept.

    Raises:
        ValueError: what was kept is none of ours.
    """
    found = _ENCODED.fullmatch(kept)
    if found is None:
        raise ValueError("this is no kept password")
    cost = Cost(log2_n=int(found[1]), r=int(found[2]), p=int(found[3]))
    salt, wanted = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in found.groups()[3:])
    return hmac.compare_digest(_scrypt(password, salt, cost), wanted)


class PasswordDesk:
    """Compares passwords on its own slow thread, one at a time."""

    def __init__(self, cost: Cost = COST) -> None:
        self._nobodys = hashed(secrets.token_urlsafe(), cost)
        """Compared with for names that nobody has."""
        self._pool = ThreadPoolExecutor(1, "passwords", initializer=_step_back)
        self._waiting = 0

    async def is_right(self, password: str, kept: str | None) -> bool:
        """Whether the password is the kept one; False, as late, where none is kept.

        Raises:
            TooManyWaiting: `WAITING_MAX` wait already.
        """
        if self._waiting >= WAITING_MAX:
            raise TooManyWaiting
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            agrees = await loop.run_in_executor(self._pool, is_right, password, kept or self._nobodys)
        finally:
            self._waiting -= 1
        return agrees and kept is not None

    def close(self) -> None:
        """End the thread, after what it is at."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _step_back() -> None:
    """Whatever evaluates alarms goes first. Of a thread only on Linux; elsewhere the call is of the whole process.

    Where a sandbox forbids it there is one thread all the same.
    """
    if os.uname().sysname == "Linux":
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def _normal(password: str) -> str:
    """One form of what different keyboards write differently (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _scrypt(password: str, salt: bytes, cost: Cost) -> bytes:
    return hashlib.scrypt(
        _normal(password).encode("utf-8", "surrogatepass"),
        salt=salt,
        n=1 << cost.log2_n,
        r=cost.r,
        p=cost.p,
        maxmem=cost.memory_bytes * 2,
        dklen=_HASH_BYTES,
    )
