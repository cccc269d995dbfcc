"""Adds to a series store and flushes without end, and reports the offsets that are applied; made to be killed.

Offset n is one message: the monitor's value n, n seconds into the recording, with one signal.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from storage.series.store import SeriesStore
from streaming.effects import SamplesAccepted
from streaming.identity import DeviceId
from tests.support.killed_child import report
from tests.support.series_model import accepted

START_MS = 1_700_000_000_000 // 3_600_000 * 3_600_000
MONITOR = DeviceId("icu", "b01", "mon1")
PER_FLUSH = 97


def message(offset: int) -> SamplesAccepted:
    t_ms = START_MS + offset * 1000
    return accepted(MONITOR, [("MDC_ECG_HEART_RATE", t_ms, float(offset), 0)], [("hr", t_ms, float(offset), 0)])


async def main(path: Path) -> None:
    store = SeriesStore.open(path)
    for flush in range(store.applied_offset // PER_FLUSH, 1_000_000):
        for offset in range(flush * PER_FLUSH + 1, (flush + 1) * PER_FLUSH + 1):
            store.add(message(offset))
        await store.flush((flush + 1) * PER_FLUSH)
        report(str(store.applied_offset))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
