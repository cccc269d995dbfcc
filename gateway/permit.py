"""The permit of each bed with a course: is the next dose to be given? Retained at `icu/v1/{unit}/{bed}/vigil/permit`.

Invariants
- A permit says `proceed` only when that is the decision in force, the engine is current (`gateway.standing`), the
  criteria were looked at when they had to be, and the way to the devices is open and has been for `SETTLE_S` (what the
  broker kept meanwhile comes first). Otherwise it says what is stronger: the decision in force, or `indeterminate`.
- Renewed each `RENEW_S`, valid for `VALID_S`: when the gateway falls silent, whoever obeys it has no permit soon.
- It changes as soon as the fold says so. When the course is over, or the patient leaves or moves, the retained message
  is taken away; a gateway that starts takes away what an earlier one left at beds without a course.

It is a projection of the fold's state, never journaled, and advice: nothing here commands a pump.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from alerts.dosing import DoseDesk
from alerts.stay import Stay
from alerts.ward import Ward
from gateway.standing import standing_of
from gateway.wire.topics import permit_topic
from streaming.criteria.decision import Decision
from streaming.identity import BedId
from streaming.instants import format_ms

if TYPE_CHECKING:
    from gateway.pipeline import Pipeline

_T = TypeVar("_T")

RENEW_S = 4.5
"""Below the five seconds of the contract (section 5), by gateway time."""
VALID_S = 14
"""Below the fifteen seconds of the contract, by gateway time: a consumer's clock may be a little behind."""
SETTLE_S = 2.0
"""So long after the broker was found again is nothing permitted: first comes what it kept. [D]"""
OVERDUE_MAX_MS = 1_000
"""The criteria may be looked at so much later than they were due. [D]"""
LOOK_S = 0.25
"""Between two looks at the time while nothing happens."""
PAUSE_S = 0.1
"""Between two rounds while something happens: three milliseconds each for a hundred beds with courses."""
FASTEST_RENEWAL_S = 0.05
"""Where the gateway's clock runs fast."""
AT_ONCE = 50
"""Permits under way to the broker at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What a bed is told; `valid_until` is added when it is sent."""

    decision: str
    computed: str
    """What the criteria say; differs from `decision` where a signature overrides."""
    admission_id: str
    dose_number: int
    """The dose that runs, else the next one."""
    criteria: tuple[str, ...]
    """Ids of those that are met or unknown."""
    profile_sha256: str | None
    why_not_current: str
    """Why the decision in force is not said as it is; empty in health."""


def permits_of(ward: Ward, why_not_current: str) -> dict[BedId, Permit]:
    """The permit of every bed with a course that is not over.

    Args:
        ward: The fold's state.
        why_not_current: Why nothing may be permitted now; empty when something may.
    """
    found = {}
    for stay in ward.stays.values():
        permit = _permit_of(ward, stay, why_not_current) if stay.course is not None else None
        if permit is not None:
            found[stay.admission.bed] = permit
    return found


def _permit_of(ward: Ward, stay: Stay, why_not_current: str) -> Permit | None:
    admission_id = stay.admission.admission_id
    desk = ward.desk(admission_id)
    number = dose_number(desk, ward.now_ms) if desk is not None else 1
    if number is None:
        return None
    why = why_not_current or _why_not_looked_at(desk, ward.now_ms)
    book = desk.book if desk is not None else None
    return Permit(
        decision=_said(book.decision if book is not None else Decision.INDETERMINATE, why),
        computed=_said(book.computed if book is not None else Decision.INDETERMINATE, why),
        admission_id=admission_id,
        dose_number=number,
        criteria=book.open_criteria if book is not None else (),
        profile_sha256=book.profile.sha256 if book is not None else None,
        why_not_current=why,
    )


def dose_number(desk: DoseDesk, now_ms: int) -> int | None:
    """The dose that a permit is about: the one that runs, else the next; None when the course is over."""
    doses = desk.facts.infusions.doses
    last = doses.last
    if last is not None and last.cycle == doses.cycle and last.ended_ms(now_ms) is None:
        return last.number
    upcoming = doses.next_due(now_ms)
    return upcoming[0] if upcoming is not None else None


def _said(decision: Decision, why_not_current: str) -> str:
    """A decision, or not knowing where it is no longer about now; what holds goes on holding."""
    unknown = Decision.INDETERMINATE
    return (unknown if why_not_current and decision.strength < unknown.strength else decision).value


def _why_not_looked_at(desk: DoseDesk | None, now_ms: int) -> str:
    if desk is None:
        return "no dosing profile is in force"
    overdue_ms = now_ms - desk.due_ms
    return f"the criteria should have been looked at {overdue_ms} ms ago" if overdue_ms > OVERDUE_MAX_MS else ""


@dataclass(frozen=True, slots=True)
class _Sent:
    permit: Permit
    at_s: float
    """On the loop's clock."""


class PermitPublisher:
    """Keeps the permits at the broker. `run` in a task of its own."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._sent: dict[BedId, _Sent] = {}
        self._to_clear: set[BedId] = set()
        self._epoch = 0
        self._connected_s = 0.0
        self.folded = asyncio.Event()
        """Set when the fold has moved on."""
        self.published = 0
        """Permits acknowledged by the broker since the process began."""

    async def run(self) -> None:
        """Publish for ever."""
        speed = self._pipeline.clock.speed
        renew_s = max(FASTEST_RENEWAL_S, RENEW_S / speed)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_S, renew_s)):  # not wait_for, which may forget a cancellation
                    await self.folded.wait()
            self.folded.clear()
            if self._pipeline.door.is_connected:
                await self._round(renew_s)
            await asyncio.sleep(min(PAUSE_S, renew_s))

    async def _round(self, renew_s: float) -> None:
        now_s = asyncio.get_running_loop().time()
        ward = self._pipeline.fold.ward
        if self._pipeline.door.epoch != self._epoch:
            self._begin_connection(now_s, ward)
        permits = permits_of(ward, self._why_nothing_is_permitted(now_s))
        self._to_clear = (self._to_clear | self._sent.keys()) - permits.keys()
        due = {bed: permit for bed, permit in permits.items() if self._is_due(bed, permit, now_s, renew_s)}
        for portion in _portions(list(due.items())):
            await asyncio.gather(*(self._send(bed, permit, now_s) for bed, permit in portion))
        for beds in _portions(sorted(self._to_clear)):
            await asyncio.gather(*map(self._clear, beds))

    def _begin_connection(self, now_s: float, ward: Ward) -> None:
        """Whatever is retained there is an earlier connection's, or an earlier gateway's."""
        self._epoch = self._pipeline.door.epoch
        self._connected_s = now_s
        self._sent.clear()
        self._to_clear = set(ward.beds)

    def _why_nothing_is_permitted(self, now_s: float) -> str:
        standing = standing_of(self._pipeline)
        if not standing.is_current:
            return standing.why_not_current
        if not self._pipeline.fold.ward.is_link_up or now_s - self._connected_s < SETTLE_S:
            return "the broker was found again a moment ago"
        return ""

    def _is_due(self, bed: BedId, permit: Permit, now_s: float, renew_s: float) -> bool:
        sent = self._sent.get(bed)
        return sent is None or sent.permit != permit or now_s - sent.at_s >= renew_s

    async def _send(self, bed: BedId, permit: Permit, now_s: float) -> None:
        clock = self._pipeline.clock
        payload = orjson.dumps(permit_object(permit, clock.now_ms()), option=orjson.OPT_SORT_KEYS)
        expiry_s = ceil(VALID_S / clock.speed)
        if await self._pipeline.door.publish(permit_topic(bed), payload, qos=1, retain=True, expiry_s=expiry_s):
            self._sent[bed] = _Sent(permit, now_s)
            self.published += 1

    async def _clear(self, bed: BedId) -> None:
        if await self._pipeline.door.publish(permit_topic(bed), b"", qos=1, retain=True):
            self._sent.pop(bed, None)
            self._to_clear.discard(bed)


def permit_object(permit: Permit, now_ms: int) -> dict[str, Any]:
    """The permit as it is published (contract, section 5)."""
    body: dict[str, Any] = {
        "decision": permit.decision,
        "computed": permit.computed,
        "admission_id": permit.admission_id,
        "dose_number": permit.dose_number,
        "at": format_ms(now_ms),
        "valid_until": format_ms(now_ms + VALID_S * 1000),
        "criteria": permit.criteria,
        "profile_sha256": permit.profile_sha256,
    }
    return body | {"why": permit.why_not_current} if permit.why_not_current else body


def _portions(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[first : first + AT_ONCE] for first in range(0, len(items), AT_ONCE))
