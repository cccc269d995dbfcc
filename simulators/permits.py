"""The permits that Vigil publishes, as a pump reads them: retained at `icu/v1/{unit}/{bed}/vigil/permit` (contract, 5).

An expired, missing or unreadable permit is none. Times are the simulated clock's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from streaming.instants import parse_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What was last said about a bed."""

    decision: str
    dose_number: int
    valid_until_ms: int
    criteria: tuple[str, ...] = ()


def parse_permit(payload: bytes) -> Permit | None:
    """A permit, or None where there is none to be read."""
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or not isinstance(until := body.get("valid_until"), str):
        return None
    until_ms, decision, number = parse_instant(until), body.get("decision"), body.get("dose_number")
    if until_ms is None or not isinstance(decision, str) or not isinstance(number, int):
        return None
    criteria = body.get("criteria")
    named = tuple(str(each) for each in criteria) if isinstance(criteria, list) else ()
    return Permit(decision=decision, dose_number=number, valid_until_ms=until_ms, criteria=named)


@dataclass(slots=True)
class Permits:
    """The last permit of every bed of a unit."""

    now_ms: Callable[[], int]
    _of: dict[str, Permit | None] = field(default_factory=dict)

    def hear(self, bed: str, payload: bytes) -> None:
        """Takes a message of a bed's permit topic."""
        self._of[bed] = parse_permit(payload)

    def why_not(self, bed: str, slot: int) -> str:
        """Why the dose of a slot may not be started at a bed now; empty when it may."""
        permit = self._of.get(bed)
        if permit is None:
            return "none was given"
        if permit.valid_until_ms <= self.now_ms():
            return "expired"
        if permit.decision != "proceed":
            return f"decision {permit.decision}" + (f" ({', '.join(permit.criteria[:3])})" if permit.criteria else "")
        if permit.dose_number != slot:
            return f"it is for dose {permit.dose_number}, not {slot}"
        return ""
