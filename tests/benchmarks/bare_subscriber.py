"""What the gateway is compared with: a subscriber on plain aiomqtt that does nothing but count.

    python -m tests.benchmarks.bare_subscriber PORT

Prints the count so far each second. The library acknowledges for it.
"""

from __future__ import annotations

import asyncio
import sys

import aiomqtt
import uvloop
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


async def count(port: int) -> None:
    """Count for ever."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = 2000
    counted = 0

    async def tell() -> None:
        while True:
            print(counted, flush=True)  # noqa: T201
            await asyncio.sleep(0.25)

    async with aiomqtt.Client(
        "127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, properties=properties, identifier="bare"
    ) as client:
        await client.subscribe("icu/#", qos=1)
        telling = asyncio.create_task(tell())
        async for _ in client.messages:
            counted += 1
        await telling


if __name__ == "__main__":
    uvloop.run(count(int(sys.argv[1])))
