"""`vigil` with one fault, for negative controls: messages are acknowledged before they are committed.

`main` runs in place of the command's. The gateway then acknowledges what has come and commits it a little later, as one
does that acknowledges on receipt and writes in groups. With `VIGIL_CONTROL` set to `late` the little later comes too,
but before the acknowledgement: the order is right again, and nothing may be lost.
"""

from __future__ import annotations

import asyncio
import os

import gateway.app
import gateway.cli
from gateway.pipeline import Pipeline

GROUP_S = 0.1
EARLY = "tests.support.early_acknowledgement:main"
CONTROL = "VIGIL_CONTROL"


class GroupingPipeline(Pipeline):
    """Writes in groups, by the clock."""

    order = "early"

    async def _write_batch(self) -> None:
        deliveries, commands, rows = self._gather()
        if self.order == "early":
            self.door.acknowledge(deliveries)
        await asyncio.sleep(GROUP_S)
        first = await self._commit(rows)
        if self.order == "late":
            self.door.acknowledge(deliveries)
        self._hand_over(rows, first, commands)


def main() -> None:
    """The command `vigil` with the fault."""
    GroupingPipeline.order = os.environ.pop(CONTROL, "early")
    setattr(gateway.app, "Pipeline", GroupingPipeline)  # noqa: B010 - a module's name, for this process alone
    gateway.cli.main()
