"""The gateway's sign of life on `icu/v1/vigil/heartbeat`, and who listens for it.

A beat each second, QoS 0, says more than that the process lives: whether what comes in is recorded, how far the engine
is behind, when the last device message came. So a listener finds out a gateway that is silent (`SILENT_S`), and one
that speaks and does nothing too.

`watch` is for a supervisor or a nurse-call relay: it ends with the reason as soon as there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from gateway.mqtt import BrokerAddress, listen
from gateway.standing import standing_of
from gateway.wire.topics import HEARTBEAT_TOPIC
from streaming.instants import format_ms

if TYPE_CHECKING:
    from gateway.pipeline import Pipeline

BEAT_S = 1.0
SILENT_S = 3.0
"""After so long without a beat the gateway counts as silent."""
LAG_MAX_S = 5.0
"""An engine that is further behind for `SILENT_S` counts as stuck."""
RETRY_S = 0.5


def beat_of(pipeline: Pipeline, version: str, house_alarms: int) -> dict[str, Any]:
    """One beat, as it is published."""
    clock, standing = pipeline.clock, standing_of(pipeline)
    now_ms, last_ms = clock.now_ms(), pipeline.last_message_ms
    return {
        "at": format_ms(now_ms),
        "speed": clock.speed,
        "version": version,
        "journal": standing.journal,
        "journal_offset": pipeline.journal.head_offset,
        "offset": pipeline.fold.offset,
        "lag_s": round(standing.lag_s, 3),
        "last_message_age_s": None if last_ms is None else round((now_ms - last_ms) / 1000, 3),
        "beds": len(pipeline.fold.ward.stays),
        "house_alarms": house_alarms,
    }


async def publish_beats(pipeline: Pipeline, version: str, house_alarms: Callable[[], int]) -> None:
    """Beat for ever. Simulated devices set their clocks by it."""
    while True:
        beat = beat_of(pipeline, version, house_alarms())
        await pipeline.door.publish(HEARTBEAT_TOPIC, orjson.dumps(beat))
        await asyncio.sleep(BEAT_S)


# --- listening --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a watch ended."""

    beats: int
    """How many were heard."""
    trouble: str
    """What is wrong, for people; empty when the watch ended in time with nothing wrong."""
    last: dict[str, Any] | None
    """The last beat heard."""


async def watch(
    address: BrokerAddress, *, for_s: float | None, silent_s: float = SILENT_S, lag_max_s: float = LAG_MAX_S
) -> Verdict:
    """Listen until something is wrong, or for `for_s` seconds.

    A broker that cannot be reached is silence too: whoever watches hears nothing of the gateway.

    Args:
        address: Where the broker is.
        for_s: How long to listen; None for ever.
        silent_s: How long there may be no beat, or only such as tell of trouble.
        lag_max_s: How far the engine may be behind.
    """
    beats: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    listening = asyncio.create_task(_collect(address, beats))
    try:
        return await _judge(beats, for_s, silent_s, lag_max_s)
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _collect(address: BrokerAddress, beats: asyncio.Queue[dict[str, Any]]) -> None:
    while True:
        with contextlib.suppress(ConnectionError):
            async for beat in _beats(address):
                beats.put_nowait(beat)
        await asyncio.sleep(RETRY_S)


async def _beats(address: BrokerAddress) -> AsyncIterator[dict[str, Any]]:
    async for payload in listen(address, HEARTBEAT_TOPIC):
        with contextlib.suppress(orjson.JSONDecodeError):
            beat = orjson.loads(payload)
            if isinstance(beat, dict):
                yield beat


async def _judge(
    beats: asyncio.Queue[dict[str, Any]], for_s: float | None, silent_s: float, lag_max_s: float
) -> Verdict:
    loop = asyncio.get_running_loop()
    end_s = float("inf") if for_s is None else loop.time() + for_s
    heard_s = well_s = loop.time()
    count, last, trouble = 0, None, ""
    while True:
        until_s = min(end_s, heard_s + silent_s)
        try:
            async with asyncio.timeout_at(until_s):
                last = await beats.get()
        except TimeoutError:
            is_silent = heard_s + silent_s <= end_s
            silence = f"no heartbeat for {loop.time() - heard_s:.1f} s" if is_silent else ""
            return Verdict(beats=count, trouble=silence, last=last)
        count += 1
        heard_s = loop.time()
        trouble = trouble_in(last, lag_max_s)
        well_s = well_s if trouble else heard_s
        if heard_s - well_s > silent_s:
            return Verdict(beats=count, trouble=trouble, last=last)


def trouble_in(beat: dict[str, Any], lag_max_s: float = LAG_MAX_S) -> str:
    """What a beat says is wrong; empty for nothing."""
    journal, lag_s = beat.get("journal", "writable"), beat.get("lag_s", 0.0)
    if journal != "writable":
        return f"the gateway lives and its journal is {journal}: nothing that comes in is recorded"
    if not isinstance(lag_s, int | float) or lag_s > lag_max_s:
        return f"the gateway lives and its engine is {lag_s} s behind"
    return ""
