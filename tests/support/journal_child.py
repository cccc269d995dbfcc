"""Appends to a journal without end from several tasks, and reports what was acknowledged; made to be killed.

With `early`, it is the negative control: it reports a payload before the append has returned, as a gateway does that
acknowledges on receipt.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from storage.journal import Journal, Row
from storage.ports import EntryKind
from tests.support.killed_child import report


async def append_for_ever(journal: Journal, run: str, task: int, *, early: bool) -> None:
    chance = random.Random(f"{run}.{task}")
    for call in range(1_000_000):
        names = [f"{run}.{task}.{call}.{n}" for n in range(chance.choice((1, 1, 3, 40)))]
        rows: list[Row] = [
            (EntryKind.MESSAGE, "icu/v1/icu/b01/mon1/obs", name.encode().ljust(500), journal.last_received_ms)
            for name in names
        ]
        if early:
            report(" ".join(names))
        await journal.append(rows)
        if not early:
            report(" ".join(names))


async def main(path: Path, run: str, *, early: bool) -> None:
    journal = Journal.open(path)
    async with asyncio.TaskGroup() as tasks:
        for task in range(4):
            tasks.create_task(append_for_ever(journal, run, task, early=early))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], early=sys.argv[3:] == ["early"]))
