"""The forms in which accounts come and go: names, tokens, and what the store keeps of them."""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

from gateway.access.roles import Role
from gateway.wire.codec import NAME_MAX
from storage.access import Account

TOKEN_PREFIX = "vigil_"  # noqa: S105 - so that whoever finds one knows what it is
_TOKEN_BYTES = 32
_RESERVED = frozenset({"vigil", "anonymous", "station"})
"""Whom journal and audit write for the gateway itself, and for nobody."""
_SPAN = re.compile(r"([1-9]\d{0,3})([hdw])")
_HOUR_MS = 3_600_000
_UNIT_MS = {"h": _HOUR_MS, "d": 24 * _HOUR_MS, "w": 168 * _HOUR_MS}


def key_of(name: str) -> str:
    """The one form in which names are compared: two that people would read as one are one."""
    return unicodedata.normalize("NFKC", name).casefold()


def unfit_name_because(name: str) -> str | None:
    """Why nobody can be called so; None when somebody can."""
    if not (0 < len(name) <= NAME_MAX and name.isprintable() and name == name.strip()):
        return f"a name has 1 to {NAME_MAX} printable characters, and no space at its ends"
    if key_of(name) in _RESERVED:
        return f"{name} is what the log calls the gateway, or nobody"
    return None


def new_token() -> str:
    """256 bits of chance."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What is kept of a token. It is as long as chance: no salt, and no slowness, is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def span_ms(text: str) -> int | None:
    """Milliseconds of `12h`, `90d` or `4w`; None for anything else."""
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNIT_MS[found[2]] if found else None


def person(name: str, role: Role, password: str, created_ms: int, *, is_display: bool = False) -> Account:
    """An account that signs in; `password` as hashed."""
    return Account(
        key=key_of(name),
        name=name,
        role=role.value,
        kind="display" if is_display else "person",
        password=password,
        token_sha256=None,
        expires_ms=None,
        created_ms=created_ms,
    )


def program(name: str, role: Role, token: str, created_ms: int, expires_ms: int | None) -> Account:
    """An account that shows a token."""
    return Account(
        key=key_of(name),
        name=name,
        role=role.value,
        kind="program",
        password=None,
        token_sha256=token_hash(token),
        expires_ms=expires_ms,
        created_ms=created_ms,
    )
