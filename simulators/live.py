"""Plays a stage into a running gateway: messages over MQTT, what people ask over HTTP, permits back to the pumps.

Invariants:
  - A message is published at its arrival's instant of the simulated clock or a little later, never before; those of a
    bed in order.
  - What is asked of Vigil about a bed is asked in order; the admissions are answered before any device speaks.
  - What the network does to messages was done before (`simulators.wire_faults`): the connections of a live run hold.

It deliberately does not wait for answers later on: a nurse's chart delays no monitor.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.wire.topics import permit_topic
from simulators.course_bed import Asked
from simulators.permits import Permits
from simulators.playback import PATHS
from simulators.publisher import Publisher
from simulators.service import Service
from simulators.session import Session
from simulators.stage import Stage
from streaming.identity import BedId

_SLOT_MS = 10
"""Real milliseconds by which an arrival may be late, so that the run wakes a hundred times a second at most."""
_WINDOW = 500
_ATTEMPTS = 60
_BETWEEN_ATTEMPTS_S = 0.5


@dataclass(slots=True)
class AskedCounts:
    """What became of what was asked."""

    done: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """By command and reason."""


class LiveRun:
    """One stage on its way into a gateway."""

    def __init__(
        self, session: Session, stage: Stage, service: Service | None, notice: Callable[[str], None], *, obeys: bool
    ) -> None:
        """Connects.

        Args:
            session: clock and connections.
            stage: set up with the session's clock.
            service: where commands go; None: nobody asks for anything.
            notice: told of what was refused.
            obeys: whether pumps start under a permit alone, where their plan does not say otherwise.
        """
        self.counts = AskedCounts()
        self.behind_s = 0.0
        """Real seconds by which the worst arrival was late: with more than two this machine does not keep up with the
        speed, and what a gateway makes of such a run says nothing."""
        self._session, self._stage, self._service, self._notice = session, stage, service, notice
        self._senders = {bed.bed: session.plain_sender(_WINDOW, f"{bed.unit}-{bed.bed}") for bed in stage.beds}
        self._queues: dict[str, asyncio.Queue[Asked]] = {bed.admission_id: asyncio.Queue() for bed in stage.beds}
        if obeys and stage.course_beds:
            self._obey_permits()
        session.gateway_time.on_step = stage.shift

    async def play(self, duration_s: float | None, progress: Callable[[], None]) -> None:
        """Plays it, for so many simulated seconds or for ever."""
        clock, is_open = self._session.clock, False
        async with asyncio.TaskGroup() as tasks:
            askers = [tasks.create_task(self._ask_in_turn(queue)) for queue in self._queues.values()]
            for act in self._stage.acts(duration_s):
                if act.is_pause:
                    await self._all_asked()
                    # What it took to admit everybody is not the devices' delay: they begin now.
                    self._stage.shift(clock.now_ms() - self._stage.now_ms)
                    is_open = True
                    continue
                if act.at_ms > clock.now_ms():
                    await clock.sleep_until_ms(act.at_ms + round(_SLOT_MS * clock.speed))
                    progress()
                elif is_open:
                    self.behind_s = max(self.behind_s, (clock.now_ms() - act.at_ms) / 1000.0 / clock.speed)
                if act.message is not None:
                    self._sender_of(act.message.topic).publish(act.message)
                elif act.asked is not None and "admission_id" in act.asked.body:
                    self._queues[act.asked.body["admission_id"]].put_nowait(act.asked)
            await self._all_asked()
            for asker in askers:
                asker.cancel()

    def _sender_of(self, topic: str) -> Publisher:
        return self._senders[topic.split("/")[3]]

    def _obey_permits(self) -> None:
        permits = Permits(self._session.clock.now_ms)
        topics = {}
        for bed in self._stage.course_beds:
            bed.permit_says = lambda slot, bed=bed.bed: permits.why_not(bed, slot)  # type: ignore[misc]
            topics[permit_topic(BedId(bed.unit, bed.bed))] = lambda payload, bed=bed.bed: permits.hear(bed, payload)
        self._session.listen(topics)

    async def _all_asked(self) -> None:
        for queue in self._queues.values():
            await queue.join()

    async def _ask_in_turn(self, queue: asyncio.Queue[Asked]) -> None:
        while True:
            asked = await queue.get()
            try:
                await self._ask(asked)
            finally:
                queue.task_done()

    async def _ask(self, asked: Asked) -> None:
        if self._service is None:
            self.counts.failed[f"{asked.command}: no service was named"] += 1
            return
        body = {key: value for key, value in asked.body.items() if key not in {"admission_id", "actor"}}
        ours = str(asked.body["admission_id"])
        theirs = self._stage.admissions.get(ours)
        if asked.command == "admit":
            await self._admit(self._service, ours, body)
        elif theirs is None:
            self.counts.failed[f"{asked.command}: its admission did not come about"] += 1
        else:
            path = PATHS[asked.command].format(admission_id=theirs)
            answer = await self._service.post(path, body, actor=str(asked.body.get("actor", "simulator")))
            self._settle(asked.command, is_success=answer.is_success, detail=answer.detail)

    async def _admit(self, service: Service, ours: str, body: dict[str, object]) -> None:
        answer = await service.post("/admissions", body, actor="simulator")
        for _ in range(_ATTEMPTS):
            if not answer.is_silence:
                break
            await asyncio.sleep(_BETWEEN_ATTEMPTS_S)
            answer = await service.post("/admissions", body, actor="simulator")
        if answer.is_success and isinstance(theirs := answer.body.get("admission_id"), str):
            self._stage.admissions[ours] = theirs
        self._settle("admit", is_success=answer.is_success, detail=answer.detail)

    def _settle(self, command: str, *, is_success: bool, detail: str) -> None:
        if is_success:
            self.counts.done += 1
            return
        self.counts.failed[f"{command}: {detail}"] += 1
        self._notice(f"{command} refused: {detail}")
