"""The pipeline on real stores: what is acknowledged is durable, what is durable is folded, what was folded is recorded
once; whatever is cut off, refused or away in between."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway import pipeline, snapshots
from storage.journal import Journal, JournalUnavailable, Row
from storage.ports import EntryKind
from storage.records import Records, RecordsUnavailable
from streaming.effects import CommandApplied, CommandRefused
from streaming.identity import BedId
from tests.support.pipeline_bench import DEADLINE_S, T0_MS, Bench, messages, undisturbed
from tests.support.telemetry import BRADYCARDIA, WELL
from tests.support.waiting import until


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench.open(tmp_path)
    yield opened
    await opened.close()


# --- writing ----------------------------------------------------------------------------------------------------------


async def test_a_message_is_durable_when_it_is_acknowledged(bench: Bench) -> None:
    durable_at_acknowledgement: list[int] = []
    bench.door.before_acknowledging = lambda: durable_at_acknowledgement.append(len(messages(bench.entries())))
    async with bench.running():
        for seq in range(250):
            bench.observe("b01", seq, WELL)
        await until(lambda: len(bench.door.acknowledged) == 250)

    assert durable_at_acknowledgement == [100, 200, 250]
    assert bench.door.acknowledged == list(range(1, 251))


async def test_what_vigil_publishes_itself_is_acknowledged_and_not_journaled(bench: Bench) -> None:
    async with bench.running():
        bench.door.deliver("icu/v1/vigil/heartbeat", b"{}")
        bench.door.deliver("icu/v1/icu/b01/vigil/alarm", b"{}")
        await until(lambda: len(bench.door.acknowledged) == 2)

    assert messages(bench.entries()) == []
    assert bench.pipeline.figures.own_topics == 2


async def test_values_of_metrics_that_are_not_known_are_stored_and_counted(bench: Bench) -> None:
    async with bench.running():
        bench.observe("b01", 0, {"MDC_ECG_HEART_RATE": 80, "X_FOO": 1, "loinc:9-9": 2.5})
        bench.observe("b01", 1, {"loinc:8867-4": 81, "X_FOO": 2})
        await bench.settled()

    assert (bench.pipeline.figures.values, bench.pipeline.figures.values_of_unknown) == (5, 3)


async def test_what_came_together_has_one_time_of_receipt_and_time_never_goes_back(bench: Bench) -> None:
    async with bench.running():
        for seq in range(20):
            bench.clock.at_ms = T0_MS + seq * 7
            bench.observe("b01", seq, WELL)
            await bench.settled()

    received = [entry.received_ms for entry in bench.entries()]
    assert received == sorted(received)
    assert received[-1] == T0_MS + 19 * 7


async def test_time_passes_when_nothing_arrives(bench: Bench) -> None:
    ticking = asyncio.create_task(bench.pipeline.run_ticks())
    async with bench.running():
        await bench.admit("b01")
        bench.door.deliver("icu/v1/icu/b01/mon1/status", b'{"state":"online","kind":"monitor"}')
        bench.observe("b01", 0, WELL)
        await bench.settled()
        bench.clock.at_ms += 120_000
        await until(lambda: bench.pipeline.fold.ward.now_ms == bench.clock.at_ms)
        await bench.settled()
        ticking.cancel()

    alarms = await bench.records.alarms()
    assert bench.entries()[-1].kind is EntryKind.TICK
    assert "device_offline" in {alarm.rule_id for alarm in alarms.items}


class RefusingJournal(Journal):
    """A journal whose disk is full for as long as the test says."""

    is_full = False

    async def append(self, rows: Sequence[Row]) -> int:
        if self.is_full:
            raise JournalUnavailable(Path("journal.db"), "database or disk is full")
        return await super().append(rows)


async def test_nothing_is_acknowledged_while_the_disk_refuses_and_everything_in_order_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "JOURNAL_RETRY_S", 0.01)  # half a second otherwise
    bench = await Bench.open(tmp_path, journal=RefusingJournal)
    assert isinstance(bench.journal, RefusingJournal)
    async with bench.running():
        bench.observe("b01", 0, WELL)
        await bench.settled()
        bench.journal.is_full = True
        for seq in range(1, 300):
            bench.observe("b01", seq, WELL)
        await until(lambda: bench.pipeline.figures.journal_failures > 3)
        assert not bench.pipeline.is_journal_writable
        assert bench.door.acknowledged == [1]
        bench.journal.is_full = False
        await until(lambda: len(bench.door.acknowledged) == 300)
        await bench.settled()

    assert bench.pipeline.is_journal_writable
    assert bench.door.acknowledged == list(range(1, 301))
    assert bench.pipeline.fold.ward.evaluated == 300
    await bench.close()


async def test_nothing_more_is_taken_while_too_much_waits_for_the_fold(bench: Bench) -> None:
    async with bench.running(folding=False):
        for seq in range(3000):
            bench.observe("b01", seq, WELL)
        await until(lambda: len(bench.door.acknowledged) > 1000)
        held = len(bench.door.inbox)
        folding = asyncio.create_task(bench.pipeline.run_folding())
        await until(lambda: len(bench.door.acknowledged) == 3000)
        await bench.settled()
        folding.cancel()

    assert held == 3000 - 1100
    assert bench.pipeline.pending_messages == 0
    assert bench.pipeline.fold.ward.evaluated == 3000


# --- commands ---------------------------------------------------------------------------------------------------------


async def test_a_command_is_answered_when_it_is_in_the_records(bench: Bench) -> None:
    async with bench.running():
        admission_id = await bench.admit("b01")

        record = await bench.records.admission(admission_id)

    assert record is not None
    assert record.admission.bed == BedId("icu", "b01")


async def test_a_command_that_cannot_be_carried_out_is_journaled_and_refused(bench: Bench) -> None:
    async with bench.running():
        await bench.admit("b01")
        again = await bench.submit(
            "admit", patient_id="q", unit="icu", bed="b01", dosing_weight_kg=80, baseline_weight_kg=80
        )
        nonsense = await bench.submit("discharge", admission_id=7)

    assert isinstance(again, CommandRefused)
    assert again.reason == "bed_taken"
    assert isinstance(nonsense, CommandRefused)
    assert [entry.name for entry in bench.entries()] == ["admit", "admit", "discharge"]


async def test_commands_and_messages_are_folded_in_the_order_of_the_journal(bench: Bench) -> None:
    async with bench.running():
        for seq in range(50):
            bench.observe("b01", seq, WELL)
        answers = await asyncio.gather(*(bench.admit(f"b{bed:02d}") for bed in range(10)))
        await bench.settled()

    assert len(set(answers)) == 10
    _, summary = undisturbed(bench.entries())
    assert (await bench.records.outcome_summary()).sha256 == summary.sha256


# --- records and series that are away ---------------------------------------------------------------------------------


class RefusingRecords(Records):
    """Records whose disk is full, or whose server is away, for as long as the test says."""

    is_away = False
    refusals: int = 0

    async def apply(self, *arguments: object, **named: object) -> None:
        if self.is_away:
            self.refusals += 1
            raise RecordsUnavailable("the records cannot be used (disk full)")
        await super().apply(*arguments, **named)  # type: ignore[arg-type]


async def test_records_that_are_away_hold_nothing_up_and_miss_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "RECORDS_RETRY_S", 0.01)  # half a second otherwise
    bench = await Bench.open(tmp_path, records=RefusingRecords)
    records = bench.records
    assert isinstance(records, RefusingRecords)
    async with bench.running():
        await bench.admit("b01")
        records.is_away = True
        waiting = asyncio.create_task(bench.admit("b02"))
        for seq in range(40):
            bench.observe("b01", seq, BRADYCARDIA)
            bench.clock.at_ms += 1000
            await until(lambda: not bench.door.inbox)
        bench.door.deliver("icu/v1/icu/b01/mon1/nonsense", b"")
        await until(lambda: bench.pipeline.fold.ward.rejected == 1 and records.refusals > 3)
        assert bench.pipeline.records_error
        assert not waiting.done()
        records.is_away = False
        await waiting
        await bench.settled()

    assert bench.pipeline.records_error == ""
    _, summary = undisturbed(bench.entries())
    assert (await bench.records.outcome_summary()).sha256 == summary.sha256
    assert {alarm.rule_id for alarm in (await bench.records.alarms()).items} == {
        "bradycardia.hr_below_40",
        "bradycardia.hr_below_50",
    }
    assert len((await bench.records.quarantine()).items) == 1
    await bench.close()


async def test_a_start_while_the_records_are_away_goes_on_without_them(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path)
    async with bench.running():
        await bench.admit("b01")
        for seq in range(40):
            bench.observe("b01", seq, BRADYCARDIA)
        await bench.settled()
    await bench.close()
    (tmp_path / "records.db").unlink()

    again = await Bench.open(tmp_path, records=RefusingRecords)
    assert isinstance(again.records, RefusingRecords)
    again.records.is_away = True
    await again.pipeline.recover()
    evaluated = again.pipeline.fold.ward.evaluated
    again.records.is_away = False
    await again.pipeline.settle()

    assert evaluated == 40
    _, summary = undisturbed(again.entries())
    assert (await again.records.outcome_summary()).sha256 == summary.sha256
    await again.close()


# --- recovery ---------------------------------------------------------------------------------------------------------


async def check_recovered(bench: Bench, delivered: dict[int, tuple[str, bytes]], acknowledged: set[int]) -> None:
    """Everything acknowledged is there; fold, records and series are what the journal alone comes to."""
    there = Counter(messages(bench.entries()))
    assert all(there[delivered[packet_id]] for packet_id in acknowledged)
    fold, summary = undisturbed(bench.entries())
    ward, whole = bench.pipeline.fold.ward, fold.ward
    assert (ward.received, ward.evaluated, ward.duplicate) == (whole.received, whole.evaluated, whole.duplicate)
    assert (await bench.records.outcome_summary()).sha256 == summary.sha256
    distinct = {message for message in there if b'"boot"' in message[1] and "b01" in message[0]}
    stored = await bench.series.samples(BedId("icu", "b01"), "MDC_ECG_HEART_RATE", 0, 1 << 60, 100_000, device="mon1")
    assert len(stored) == len(distinct)


async def live_for(
    bench: Bench, seqs: range, turns: int, chance: random.Random, *, delivered: dict[int, tuple[str, bytes]]
) -> None:
    """Feeds the pipeline and cuts it off after so many turns of the loop, with flushes and snapshots in between."""
    beside: list[asyncio.Task[None]] = []
    async with bench.running():
        for seq in seqs:
            bench.clock.at_ms += 500
            message = bench.observe(("b01", "b02")[seq % 2], seq, BRADYCARDIA if seq % 80 > 30 else WELL)
            delivered[message.packet_id] = (message.topic, message.payload)
            if chance.random() < 0.1:
                beside.append(asyncio.create_task(chance.choice((flush, save))(bench)))
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)


async def flush(bench: Bench) -> None:
    await bench.pipeline.flush_series()


async def save(bench: Bench) -> None:
    offset, state = bench.pipeline.fold.offset, bench.pipeline.fold.snapshot()
    await bench.pipeline.settle()
    await asyncio.to_thread(snapshots.save, bench.folder / "snapshots", offset, state)


@pytest.mark.parametrize("seed", range(3))
async def test_lives_cut_off_at_any_turn_of_the_loop_come_to_what_the_journal_alone_comes_to(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    bench = await Bench.open(tmp_path)
    async with bench.running():
        await bench.admit("b01")
        await bench.admit("b02")
    await bench.close()
    for life in range(8):
        bench = await Bench.open(tmp_path)
        await bench.pipeline.recover()
        delivered: dict[int, tuple[str, bytes]] = {}
        seqs = range(life * 50 - chance.randrange(20) * bool(life), life * 50 + 50)  # some come again
        await live_for(bench, seqs, chance.randrange(60), chance, delivered=delivered)
        acknowledged = set(bench.door.acknowledged)
        await bench.close()

        bench = await Bench.open(tmp_path)
        await bench.pipeline.recover()
        await check_recovered(bench, delivered, acknowledged)
        await bench.close()


async def test_an_acknowledgement_before_the_commit_would_be_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write_batch_early(self: pipeline.Pipeline) -> None:
        deliveries, commands, rows = self._gather()
        self.door.acknowledge(deliveries)
        self._hand_over(rows, await self._commit(rows), commands)

    monkeypatch.setattr(pipeline.Pipeline, "_write_batch", write_batch_early)  # the fault that the tests above look for
    bench = await Bench.open(tmp_path, journal=RefusingJournal)
    assert isinstance(bench.journal, RefusingJournal)
    delivered: dict[int, tuple[str, bytes]] = {}
    async with bench.running():
        bench.journal.is_full = True
        message = bench.observe("b01", 0, WELL)
        delivered[message.packet_id] = (message.topic, message.payload)
        await until(lambda: bench.door.acknowledged)
    acknowledged = set(bench.door.acknowledged)
    await bench.close()
    bench = await Bench.open(tmp_path)
    await bench.pipeline.recover()

    with pytest.raises(AssertionError):
        await check_recovered(bench, delivered, acknowledged)
    await bench.close()


async def test_each_projection_is_given_what_it_lacks_and_nothing_twice(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path)
    async with bench.running():
        await bench.admit("b01")
        for seq in range(100):
            bench.observe("b01", seq, BRADYCARDIA)
        await until(lambda: bench.pipeline.fold.ward.evaluated == 100)
        await bench.series.flush(bench.pipeline.fold.offset)  # the series are ahead of the records from here on
        ahead = bench.series.applied_offset
    await bench.close()

    again = await Bench.open(tmp_path)
    assert again.series.applied_offset == ahead
    await again.pipeline.recover()

    await check_recovered(again, {}, set())
    assert again.series.applied_offset == again.records.applied_offset == again.journal.head_offset
    await again.close()


async def test_recovering_again_changes_nothing(tmp_path: Path) -> None:
    bench = await Bench.open(tmp_path)
    async with bench.running():
        await bench.admit("b01")
        for seq in range(60):
            bench.clock.at_ms += 1000
            bench.observe("b01", seq, BRADYCARDIA)
            await until(lambda: not bench.door.inbox)
        await bench.settled()
    before = await bench.records.outcome_summary()
    await bench.close()
    for _ in range(2):
        bench = await Bench.open(tmp_path)
        await bench.pipeline.recover()
        assert await bench.records.outcome_summary() == before
        await check_recovered(bench, {}, set())
        await bench.close()
    assert before.lines > 0


@pytest.mark.parametrize("turns", range(8))
async def test_recording_ends_when_it_is_cancelled_in_the_moment_in_which_something_comes(
    bench: Bench, turns: int
) -> None:
    recording = asyncio.create_task(bench.pipeline.run_recording())
    await asyncio.sleep(0)
    bench.pipeline._unrecorded_more.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    recording.cancel()

    await asyncio.wait([recording], timeout=DEADLINE_S)
    assert recording.cancelled()


def test_what_a_command_comes_to_is_one_of_two() -> None:
    # The pipeline looks for exactly one of these among the effects of a command's entry.
    assert not issubclass(CommandApplied, CommandRefused)
    assert not issubclass(CommandRefused, CommandApplied)
