"""Waiting in tests: until a state that has no event of its own has come about, and for as long as a block lasts.

A test never sleeps for something to have happened by then: it looks until it has, and fails when it never does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Protocol

WITHIN_S = 45.0
LOOK_EVERY_S = 0.005


class Runs(Protocol):
    """A service that runs until it is cancelled."""

    async def run(self) -> None:
        """Run for ever."""


async def until(is_so: Callable[[], object], *, within_s: float = WITHIN_S) -> None:
    """Return when it is so.

    Raises:
        TimeoutError: it did not come about in time.
    """
    async with asyncio.timeout(within_s):
        while not is_so():
            await asyncio.sleep(LOOK_EVERY_S)


@contextlib.asynccontextmanager
async def running(service: Runs) -> AsyncIterator[None]:
    """The service for as long as the block lasts, cut off at its end; what it died of before is raised then."""
    task = asyncio.create_task(service.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
