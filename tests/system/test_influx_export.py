"""The export arrives: at a server that comes late, dies and comes back, and past lines that a server refuses."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.series.influx import LINES_PER_WRITE, InfluxExporter, InfluxTarget
from storage.series.store import SeriesStore
from streaming.identity import DeviceId
from tests.support.refusing_server import RefusingServer
from tests.support.series_model import accepted
from tests.support.victoria import StoredSamples, VictoriaMetrics, start_victoria
from tests.support.waiting import running, until

MONITOR = DeviceId("icu", "b01", "mon1")
START_MS = 1_700_000_040_000
METRIC = ("icu", "b01", "mon1", "MDC_ECG_HEART_RATE")
SIGNAL = ("icu", "b01", "vigil", "hr")
DEADLINE_S = 45.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    opened = SeriesStore.open(tmp_path / "series.db")
    yield opened
    opened.close()


def add_seconds(store: SeriesStore, first: int, last: int) -> None:
    """A metric and a signal a second; the value tells the second."""
    for second in range(first, last):
        t_ms, value = START_MS + second * 1000, float(second)
        store.add(accepted(MONITOR, [(METRIC[3], t_ms, value, 0)], [(SIGNAL[3], t_ms, value, 0)]))


def expected(last: int) -> StoredSamples:
    values = {START_MS + second * 1000: float(second) for second in range(last)}
    return {METRIC: values, SIGNAL: values}


def exporter_to(store: SeriesStore, url: str, *, rewind_s: float = 60.0) -> InfluxExporter:
    target = InfluxTarget(url=url, token="secret", org="hospital", bucket="vigil", timeout_s=5.0)
    return InfluxExporter(store.outbox(), target, poll_s=0.05, rewind_s=rewind_s)


async def until_stored(victoria: VictoriaMetrics, wanted: StoredSamples) -> None:
    """Waits until the server has what it should have; says what differs if that never comes."""
    stored: StoredSamples = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE_S):
            while (stored := await asyncio.to_thread(victoria.stored)) != wanted:
                await asyncio.sleep(0.1)
    assert stored == wanted


async def test_everything_arrives_at_a_server_that_was_down_at_first(store: SeriesStore, tmp_path: Path) -> None:
    with start_victoria(tmp_path, running=False) as victoria:
        exporter = exporter_to(store, victoria.url)
        add_seconds(store, 0, 100)
        await store.flush(1)
        async with running(exporter):
            await until(lambda: exporter.retries >= 2)
            assert (exporter.lines_sent, exporter.lag_rows > 0) == (0, True)
            assert "Cannot connect" in (exporter.last_error or "")

            await asyncio.to_thread(victoria.start)
            add_seconds(store, 100, 150)
            await store.flush(2)
            await until_stored(victoria, expected(150))
            await until(lambda: exporter.lag_rows == 0 and exporter.last_error is None)

    assert exporter.lines_sent == 300


async def test_nothing_is_missing_when_the_server_is_killed_in_the_middle_and_comes_back(
    store: SeriesStore, tmp_path: Path
) -> None:
    with start_victoria(tmp_path) as victoria:
        exporter = exporter_to(store, victoria.url)
        async with running(exporter):
            add_seconds(store, 0, 200)
            await store.flush(1)
            await until(lambda: exporter.lines_sent >= 400)
            await asyncio.to_thread(victoria.kill)
            add_seconds(store, 200, 300)
            await store.flush(2)
            await until(lambda: exporter.retries >= 1)
            await asyncio.to_thread(victoria.start)
            add_seconds(store, 300, 350)
            await store.flush(3)
            await until_stored(victoria, expected(350))


async def test_nothing_is_missing_when_the_server_dies_and_comes_back_between_two_writes(
    store: SeriesStore, tmp_path: Path
) -> None:
    with start_victoria(tmp_path) as victoria:
        exporter = exporter_to(store, victoria.url)
        async with running(exporter):
            add_seconds(store, 0, 200)
            await store.flush(1)
            await until(lambda: exporter.lines_sent >= 400)
            await asyncio.to_thread(victoria.kill)
            await asyncio.to_thread(victoria.start)
            add_seconds(store, 200, 300)
            await store.flush(2)
            await until_stored(victoria, expected(300))

    assert exporter.retries == 0


async def test_acknowledged_lines_are_lost_in_a_kill_when_nothing_is_sent_again(
    store: SeriesStore, tmp_path: Path
) -> None:
    with start_victoria(tmp_path) as victoria:
        exporter = exporter_to(store, victoria.url, rewind_s=0.0)
        async with running(exporter):
            add_seconds(store, 0, 200)
            await store.flush(1)
            await until(lambda: exporter.lines_sent >= 400)
            await asyncio.to_thread(victoria.kill)
            add_seconds(store, 200, 300)
            await store.flush(2)
            await until(lambda: exporter.retries >= 1)
            await asyncio.to_thread(victoria.start)
            await until(lambda: exporter.lines_sent >= 600)
            stored = await asyncio.to_thread(victoria.stored)

    assert stored != expected(300)


async def test_restarted_exporter_sends_the_last_minute_again_and_goes_on(store: SeriesStore, tmp_path: Path) -> None:
    with start_victoria(tmp_path) as victoria:
        first = exporter_to(store, victoria.url)
        add_seconds(store, 0, 100)
        await store.flush(1)
        async with running(first):
            await until(lambda: first.lines_sent >= 200)
        await asyncio.to_thread(victoria.kill)
        await asyncio.to_thread(victoria.start)
        add_seconds(store, 100, 150)
        await store.flush(2)
        second = exporter_to(store, victoria.url)
        async with running(second):
            await until_stored(victoria, expected(150))
            await until(lambda: second.lag_rows == 0)

    assert second.lines_sent == 300


async def test_cursor_is_stored_once_what_it_passes_is_safe(store: SeriesStore) -> None:
    with RefusingServer(lambda lines: 204) as server:
        exporter = exporter_to(store, server.url, rewind_s=0.2)
        add_seconds(store, 0, 50)
        await store.flush(1)
        async with running(exporter):
            await until(lambda: exporter.lag_rows == 0 and exporter.lines_sent == 100)
            first_part = await store.outbox().last_chunk()
            assert await store.outbox().cursor() == 0
            async with asyncio.timeout(DEADLINE_S):
                while await store.outbox().cursor() < first_part:
                    add_seconds(store, 50, 51)
                    await store.flush(2)
        assert set(server.taken) == set(server.taken[:102])
        again = exporter_to(store, server.url)
        async with running(again):
            await until(lambda: again.lag_rows == 0 and again.lines_sent > 0)

    in_flight = len(server.taken) - exporter.lines_sent - again.lines_sent
    assert in_flight in (0, 2), "what the server took as the exporter was stopped was not counted, and came again"
    assert set(server.taken[-again.lines_sent :]) == set(server.taken[100:102])
    assert all(path.startswith("/api/v2/write?") and "precision=ms" in path for path in server.paths)


async def test_refused_lines_are_set_aside_with_the_reason_and_those_behind_go_on(store: SeriesStore) -> None:
    def refuse_poison(lines: list[str]) -> int:
        return 400 if any("poison" in line for line in lines) else 204

    with RefusingServer(refuse_poison) as server:
        exporter = exporter_to(store, server.url)
        add_seconds(store, 0, 40)
        poison = [("poison", START_MS + n, float(n), 0) for n in range(3)]
        store.add(accepted(DeviceId("icu", "b02", "mon1"), poison))
        await store.flush(1)
        add_seconds(store, 40, 60)
        await store.flush(2)
        async with running(exporter):
            await until(lambda: exporter.lines_rejected == 3 and len(server.taken) >= 120)
        rejected = await store.outbox().rejected(10)

    assert len(server.taken) == len(set(server.taken)) == 120
    assert sorted(line.line for line in rejected) == [
        f"vitals,bed=b02,device=mon1,metric=poison,unit=icu value={n}.0,validity=0i {START_MS + n}" for n in range(3)
    ]
    assert {line.reason for line in rejected} == {'400 {"message":"refused by rule"}'}
    assert exporter.last_error is None


async def test_partial_write_sets_aside_only_what_was_refused(store: SeriesStore) -> None:
    with RefusingServer(lambda lines: 204) as server:

        def take_part(lines: list[str]) -> int:
            good = [line for line in lines if "poison" not in line]
            server.taken += good if len(good) < len(lines) else []
            return 204 if len(good) == len(lines) else 422

        server.rule = take_part
        exporter = exporter_to(store, server.url)
        add_seconds(store, 0, 20)
        store.add(accepted(MONITOR, [("poison", START_MS, 1.0, 0)]))
        await store.flush(1)
        async with running(exporter):
            await until(lambda: exporter.lag_rows == 0 and exporter.lines_rejected == 1)
        (rejected,) = await store.outbox().rejected(10)

    assert len(set(server.taken)) == 40
    assert "metric=poison" in rejected.line
    assert rejected.reason.startswith("422")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_answer_that_blames_no_line_is_tried_again_and_no_line_is_set_aside(
    store: SeriesStore, status: int
) -> None:
    with RefusingServer(lambda lines: status) as server:
        exporter = exporter_to(store, server.url)
        add_seconds(store, 0, 10)
        await store.flush(1)
        async with running(exporter):
            await until(lambda: exporter.retries >= 2)
            assert (exporter.last_error or "").startswith(str(status))
            server.rule = lambda lines: 204
            await until(lambda: exporter.lines_sent == 20)
        rejected = await store.outbox().rejected(10)

    assert (rejected, exporter.lines_rejected, len(server.taken)) == ([], 0, 20)


async def test_write_has_no_more_lines_than_agreed(store: SeriesStore) -> None:
    with RefusingServer(lambda lines: 204) as server:
        exporter = exporter_to(store, server.url)
        t_ms = [START_MS + n for n in range(12_000)]
        store.add(accepted(MONITOR, [("MDC_ECG_HEART_RATE", t, 1.0, 0) for t in t_ms]))
        await store.flush(1)
        async with running(exporter):
            await until(lambda: len(server.taken) == 12_000)

    assert [lines for lines, _ in server.answers] == [LINES_PER_WRITE, LINES_PER_WRITE, 2_000]


async def test_numbers_are_sent_whole_and_always_as_floats(store: SeriesStore) -> None:
    values = [5.0, 1e-7, -123456789.123, 1e16, 0.1 + 0.2]
    with RefusingServer(lambda lines: 204) as server:
        exporter = exporter_to(store, server.url)
        store.add(accepted(MONITOR, [("MDC_TEMP", START_MS + n, value, 1) for n, value in enumerate(values)]))
        await store.flush(1)
        async with running(exporter):
            await until(lambda: len(server.taken) == len(values))

    fields = [line.split(" ")[1] for line in server.taken]
    assert fields == [
        "value=5.0,validity=1i",
        "value=1e-07,validity=1i",
        "value=-123456789.123,validity=1i",
        "value=1e+16,validity=1i",
        "value=0.30000000000000004,validity=1i",
    ]


async def test_names_are_escaped_so_that_the_server_reads_them_back(store: SeriesStore, tmp_path: Path) -> None:
    odd = "site:odd name, with=signs"
    values = {START_MS: 5.0, START_MS + 1: 36.6, START_MS + 2: -0.25}
    with start_victoria(tmp_path) as victoria:
        exporter = exporter_to(store, victoria.url)
        store.add(accepted(MONITOR, [(odd, t_ms, value, 1) for t_ms, value in values.items()]))
        await store.flush(1)
        async with running(exporter):
            await until_stored(victoria, {("icu", "b01", "mon1", odd): values})
