"""`vigil` with one fault, for negative controls: the records' offset is written in a transaction of its own.

`main` runs in place of the command's. With `VIGIL_CONTROL` set to `before` (as it is by default) the offset is written
before what it stands for, with `after` afterwards; a moment passes in between. With `together` the same moment passes
inside the one transaction, as it should be, and no kill may do any harm.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

import gateway.app
import gateway.cli
from storage.records import Records, store
from storage.records.tables import PROJECTION_OFFSETS

APART_S = 0.1
OFFSET_APART = "tests.support.offset_apart:main"
CONTROL = "VIGIL_CONTROL"
_upsert, _read_applied_offset = store._upsert, store._read_applied_offset


class OffsetApart(Records):
    """Writes what it is told, and the offset at another time."""

    order = "before"
    known = 0
    """The offset that this process believes in while it writes."""

    async def apply(
        self,
        batch: Sequence[tuple[int, Sequence[object]]],
        outcome_lines: Sequence[tuple[int, str]],
        up_to_offset: int,
        *,
        force: bool = False,
    ) -> None:
        OffsetApart.known = self.applied_offset
        if not batch or self.order == "together":
            await super().apply(batch, outcome_lines, up_to_offset, force=force)
            return
        if self.order == "before":
            await self._write_offset(up_to_offset)
            await asyncio.sleep(APART_S)
        await super().apply(batch, outcome_lines, up_to_offset, force=force)
        if self.order == "after":
            await asyncio.sleep(APART_S)
            await self._write_offset(up_to_offset)

    async def _write_offset(self, offset: int) -> None:
        async with self._writing() as connection:
            await _upsert(connection, PROJECTION_OFFSETS, [{"name": store.PROJECTION, "offset": offset}])


async def _upsert_rows(connection: AsyncConnection, table: Any, rows: Any) -> None:
    """As the store's own, but for the offset: that waits, or is left out."""
    if table is PROJECTION_OFFSETS:
        if OffsetApart.order != "together":
            return
        await asyncio.sleep(APART_S)
    await _upsert(connection, table, rows)


async def _believed_offset(connection: AsyncConnection, *, for_update: bool = False) -> int:
    """While it writes, what the process believes; at its start, what was written."""
    if for_update and OffsetApart.order != "together":
        return OffsetApart.known
    return await _read_applied_offset(connection, for_update=for_update)


def main() -> None:
    """The command `vigil` with the fault."""
    OffsetApart.order = os.environ.pop(CONTROL, "before")
    setattr(store, "_upsert", _upsert_rows)  # noqa: B010 - names of modules, for this process alone
    setattr(store, "_read_applied_offset", _believed_offset)  # noqa: B010
    setattr(gateway.app, "Records", OffsetApart)  # noqa: B010
    gateway.cli.main()
