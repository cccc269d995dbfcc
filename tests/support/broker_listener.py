"""Listens at a broker and remembers, in order, what it heard, so that a test can wait for what must come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiomqtt

WITHIN_S = 30.0
"""How long a test waits for what must come; far longer than it takes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message."""

    topic: str
    payload: bytes
    retained: bool
    """Whether it was lying there already when we subscribed."""


class BrokerListener:
    """What has been heard so far."""

    def __init__(self) -> None:
        self.messages: list[Heard] = []
        self._more = asyncio.Event()

    def on(self, end: str) -> list[Heard]:
        """Those whose topic ends so."""
        return [heard for heard in self.messages if heard.topic.endswith(end)]

    async def until(self, is_enough: Callable[[], bool], within_s: float = WITHIN_S) -> None:
        """Waits until the condition holds, looking again with every message.

        Raises:
            AssertionError: it did not come to hold in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while not is_enough():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"not heard within {within_s:g} s; {len(self.messages)} messages so far") from None

    def take(self, message: aiomqtt.Message) -> None:
        """Remembers one message."""
        payload = message.payload if isinstance(message.payload, bytes) else b""
        self.messages.append(Heard(str(message.topic), payload, bool(message.retain)))
        self._more.set()


@asynccontextmanager
async def listening(port: int, topic: str = "icu/#", *, session: str | None = None) -> AsyncIterator[BrokerListener]:
    """A listener that has subscribed (QoS 1); with a `session` name the broker queues for it while it is away."""
    listener = BrokerListener()
    client = aiomqtt.Client("127.0.0.1", port, identifier=session, clean_session=session is None, timeout=WITHIN_S)
    async with client:
        await client.subscribe(topic, qos=1)

        async def read() -> None:
            async for message in client.messages:
                listener.take(message)

        reading = asyncio.create_task(read())
        try:
            yield listener
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def remember_session(port: int, session: str, topic: str = "icu/#") -> None:
    """Subscribes under a session name and leaves: from now on the broker queues for it."""
    async with listening(port, topic, session=session):
        pass


async def say(port: int, topic: str, payload: bytes) -> None:
    """Publishes one message (QoS 1) and waits for the acknowledgement."""
    async with aiomqtt.Client("127.0.0.1", port, timeout=WITHIN_S) as client:
        await client.publish(topic, payload, qos=1)
