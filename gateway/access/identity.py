"""Who a request comes from, as far as that was proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.access.roles import Permission, Role, allows


class Means(StrEnum):
    """By what somebody proved who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - the name of a means, no secret
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person, a display or a program, and what it may do now."""

    name: str
    """As journal and audit write it: 1 to 64 printable characters."""
    role: Role
    means: Means
    is_acting: bool = True
    """Whether it may act now. False: whoever sits there has to sign in again first; to look is allowed."""
    acts_for_s: float | None = None
    """So many seconds without an act, and it is no longer acting; None: for as long as it lasts."""
    watches_for_s: float | None = None
    """So many seconds, and a person's session is over; None: for as long as it lasts."""
    is_display: bool = False
    """A display on the wall that nobody has signed in at: whoever acts there signs in first, whatever its own role."""
    proof: bytes = b""
    """SHA-256 of the session's or program's token; what its end is found by."""
    epoch: int = 0
    """Of the account when this was said: another one since means that the account was changed."""

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it."""
        return allows(self.role, permission)
