"""`vigil` with one fault, for negative controls: messages are acknowledged before they are committed.

Run in place of `vigil` (`python -m tests.support.early_acknowledgement gateway …`). It acknowledges what has come and
commits it a little later, as a gateway does that acknowledges on receipt and writes in groups. With `VIGIL_CONTROL` set
to `late` the little later comes too, but before the acknowledgement: the order is right again, and nothing may be lost.
"""

from __future__ import annotations

import asyncio
import os

import gateway.app
from gateway.cli import main
from gateway.pipeline import Pipeline

GROUP_S = 0.1
ORDER = os.environ.pop("VIGIL_CONTROL", "early")


class GroupingPipeline(Pipeline):
    """Writes in groups, by the clock."""

    async def _write_batch(self) -> None:
        deliveries, commands, rows = self._gather()
        if ORDER == "early":
            self.door.acknowledge(deliveries)
        await asyncio.sleep(GROUP_S)
        first = await self._commit(rows)
        if ORDER == "late":
            self.door.acknowledge(deliveries)
        self._hand_over(rows, first, commands)


if __name__ == "__main__":
    setattr(gateway.app, "Pipeline", GroupingPipeline)  # noqa: B010
    main()
