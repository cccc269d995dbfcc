"""Requests that change something: judged as the wire judges them, then submitted to the service.

A command that the grammar rejects is answered with 422 and never journaled; one that is in order is journaled whatever
becomes of it, and the answer follows from what the fold made of it.
"""

from __future__ import annotations

from gateway.web.ports import JsonObject, Refused, Service
from gateway.web.problems import invalid_body, refused
from gateway.wire.commands import parse_command
from streaming.observation import Rejected


async def carry_out(service: Service, command: str, body: JsonObject, actor: str) -> str:
    """Submit a command; returns the id of the admission or alarm it was about.

    Raises:
        ProblemError: The body is no such command, or the command was refused.
    """
    judged = parse_command(command, {**body, "actor": actor}, service.now_ms())
    if isinstance(judged, Rejected):
        raise invalid_body(judged.reason, judged.detail)
    answer = await service.submit(command, body, actor)
    if isinstance(answer, Refused):
        raise refused(await _as_recorded(service, body, answer))
    return answer.subject_id


async def _as_recorded(service: Service, body: JsonObject, refusal: Refused) -> Refused:
    """The refusal; of what the fold holds no longer but the records still know, that it is over (409, not 404)."""
    match refusal.reason:
        case "no_such_admission" if await service.records.admission(body["admission_id"]):
            return Refused("already_discharged", "The patient has been discharged.")
        case "no_such_alarm" if await service.records.alarm(body["alarm_id"]):
            return Refused("already_ended", "The alarm has ended.")
        case _:
            return refusal
