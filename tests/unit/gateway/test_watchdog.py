"""What the gateway finds wrong with itself, and what of that it journals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import orjson
import pytest

from gateway.announcer import AlarmAnnouncer
from gateway.clock import StepWatch
from gateway.mqtt import MqttDoor
from gateway.watchdog import Limits, PartCheck, Watchdog
from storage.records import RecordsUnavailable
from storage.series.store import SeriesUnavailable
from tests.support.pipeline_bench import Bench
from tests.support.waiting import until

LIMITS = Limits(
    engine_lag_s=5.0,
    loop_stall_s=2.0,
    commit_s=1.0,
    projection_lag_s=0.05,
    delivery_lag_s=0.05,
    disk_free_mb=0.0,
    disk_free_percent=0.0,
    clock_step_s=1.0,
)
PARTS = {"engine_lag", "journal_lag", "projection_lag", "disk_nearly_full", "clock_stepped", "delivery_failed"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench.open(tmp_path)
    yield opened
    await opened.close()


def watchdog(bench: Bench, limits: Limits = LIMITS, **more: Callable[[], list[str]]) -> Watchdog:
    announcer = AlarmAnnouncer(bench.records, bench.journal, cast(MqttDoor, bench.door))
    bench.pipeline.fold.ward.now_ms = bench.clock.at_ms
    return Watchdog(bench.pipeline, announcer, bench.folder, limits, **more)


async def unwell(dog: Watchdog) -> dict[str, str]:
    """What is wrong, by part."""
    await dog._look_at_disk()
    checks = dog.checks()
    assert {check.part for check in checks} == PARTS
    return {check.part: "; ".join(check.troubles) for check in checks if not check.is_well}


async def test_nothing_is_wrong_with_a_gateway_that_is_well(bench: Bench) -> None:
    assert await unwell(watchdog(bench)) == {}


async def test_an_engine_that_is_behind_is_found(bench: Bench) -> None:
    dog = watchdog(bench)
    bench.clock.at_ms += 6_000

    assert await unwell(dog) == {"engine_lag": "the engine is 6.0 s behind what was recorded"}


async def test_a_journal_that_refuses_is_found_and_no_engine_is_blamed_for_it(bench: Bench) -> None:
    dog = watchdog(bench)
    bench.clock.at_ms += 6_000
    bench.pipeline.is_journal_writable = False

    assert set(await unwell(dog)) == {"journal_lag"}


async def test_a_commit_that_hangs_is_found_while_it_does(bench: Bench) -> None:
    dog = watchdog(bench, replace(LIMITS, commit_s=0.01))
    assert await unwell(dog) == {}
    bench.pipeline.commit_began_s = time.perf_counter() - 1.0

    assert "took 1.0 s" in (await unwell(dog))["journal_lag"]


async def test_records_that_lack_what_was_said_are_found(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RecordsUnavailable("the server is away")

    dog = watchdog(bench)
    async with bench.running():
        await bench.admit("b01")
        monkeypatch.setattr(bench.records, "apply", refuse)  # a real server: tests/system/test_records_away.py
        admission = asyncio.create_task(bench.admit("b02"))
        await until(lambda: bench.pipeline.records_lag_s() > LIMITS.projection_lag_s)
        found = await unwell(dog)
        monkeypatch.undo()
        await admission
        await until(lambda: bench.pipeline.records_lag_s() == 0)

    assert "records" in found["projection_lag"]
    assert "the server is away" in found["projection_lag"]


async def test_series_that_cannot_be_written_are_found(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: int) -> None:
        raise SeriesUnavailable(bench.folder, "full")

    dog = watchdog(bench)
    monkeypatch.setattr(bench.series, "flush", refuse)  # a real full disk: tests/system/test_disk_full.py
    assert not await bench.pipeline.flush_series()
    await until(lambda: bench.pipeline.series_lag_s() > LIMITS.projection_lag_s)

    assert "the series are" in (await unwell(dog))["projection_lag"]


async def test_a_disk_that_is_nearly_full_is_found(bench: Bench) -> None:
    assert "MB" in (await unwell(watchdog(bench, replace(LIMITS, disk_free_mb=1e9))))["disk_nearly_full"]
    assert "%" in (await unwell(watchdog(bench, replace(LIMITS, disk_free_percent=100))))["disk_nearly_full"]


async def test_a_disk_that_is_gone_is_found(bench: Bench) -> None:
    dog = watchdog(bench)
    dog._data_dir = bench.folder / "gone"

    assert "cannot be looked at" in (await unwell(dog))["disk_nearly_full"]


@pytest.mark.parametrize("step_s", [3600, -3600])
async def test_a_clock_that_was_set_is_found(bench: Bench, monkeypatch: pytest.MonkeyPatch, step_s: int) -> None:
    dog = watchdog(bench)
    assert await unwell(dog) == {}
    real = time.time_ns
    # The machine's own clock is nobody's to set here.
    monkeypatch.setattr("gateway.clock.time.time_ns", lambda: real() + step_s * 1_000_000_000)

    assert f"{step_s:+.1f} s" in (await unwell(dog))["clock_stepped"]


def test_a_clock_that_runs_on_has_not_been_set() -> None:
    steps = StepWatch()

    assert abs(steps.step_s()) < 0.05


async def test_alarms_that_wait_to_be_announced_are_found(bench: Bench) -> None:
    dog = watchdog(bench)
    dog._announcer._waiting_since_s = time.perf_counter() - 20

    assert "over MQTT for 20 s" in (await unwell(dog))["delivery_failed"]


async def test_a_broker_that_is_gone_is_the_reason_why_alarms_wait_and_not_told_twice(bench: Bench) -> None:
    dog = watchdog(bench)
    dog._announcer._waiting_since_s = time.perf_counter() - 20
    bench.door.is_connected = False

    assert "delivery_failed" not in await unwell(dog)


async def test_notifications_that_are_not_delivered_are_found(bench: Bench) -> None:
    dog = watchdog(bench, deliveries=lambda: ["2 notifications to ward-phone wait since 10:00"])

    assert "ward-phone" in (await unwell(dog))["delivery_failed"]


def journaled(bench: Bench) -> list[tuple[str, bool]]:
    """Self-checks on their way to the journal."""
    bodies = (orjson.loads(command.body) for command in bench.pipeline._commands if command.name == "self_check")
    return [(body["part"], body["well"]) for body in bodies]


def found(is_well: bool) -> PartCheck:
    return PartCheck(part="disk_nearly_full", troubles=() if is_well else ("full",), figures={"free_mb": 3})


async def test_only_changes_are_journaled(bench: Bench) -> None:
    dog = watchdog(bench)

    for is_well in (True, True, False, False, False, True, True, False):
        dog._tell(found(is_well))

    assert journaled(bench) == [(found(True).part, is_well) for is_well in (False, True, False)]


async def test_what_was_wrong_before_the_process_began_is_told_to_be_well(bench: Bench) -> None:
    dog = watchdog(bench, unwell_before=lambda: ["disk_nearly_full"])

    dog._tell(found(True))
    dog._tell(found(True))

    assert journaled(bench) == [("disk_nearly_full", True)]


async def test_what_stays_wrong_is_told_again_now_and_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.watchdog.REFRESH_S", 0.0)  # a minute otherwise
    dog = watchdog(bench)

    dog._tell(found(False))
    dog._tell(found(False))
    bench.pipeline.is_journal_writable = False  # nothing piles up before a journal that refuses
    dog._tell(found(False))

    assert journaled(bench) == [("disk_nearly_full", False)] * 2
