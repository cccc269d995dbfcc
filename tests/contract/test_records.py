"""The contract of the records, the same for SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from alerts.alarm import Alarm, Phase, SignalState
from storage.records import InvalidCursorError, Records, SchemaOutdatedError, store, upgrade
from streaming.effects import CommandApplied, CommandRefused, SamplesAccepted
from streaming.identity import BedId, DeviceId
from tests.support.effects import (
    BED,
    T0_MS,
    acknowledged,
    admission,
    admission_changed,
    alarm,
    ended,
    rejected,
    replace_alarm,
    started,
)

SAMPLES = SamplesAccepted(
    DeviceId("icu", "b01", "mon1"), T0_MS, metrics=[("MDC_ECG_HEART_RATE", T0_MS, 80.0, 0)], signals=[]
)


Batch = list[tuple[int, list[object]]]


async def add_alarms(records: Records, alarms: list[Alarm], *, from_offset: int = 1) -> None:
    batch = [(from_offset + i, [started(from_offset + i, each)]) for i, each in enumerate(alarms)]
    await records.apply(batch, [], from_offset + len(alarms) - 1)


async def all_alarm_ids(records: Records, *, limit: int, **query: str) -> list[str]:
    ids: list[str] = []
    page = await records.alarms(limit=limit, **query)  # type: ignore[arg-type]
    ids += [each.alarm_id for each in page.items]
    while page.next is not None:
        page = await records.alarms(limit=limit, cursor=page.next, **query)  # type: ignore[arg-type]
        ids += [each.alarm_id for each in page.items]
    return ids


async def test_admission_comes_back_as_it_was_given(records: Records) -> None:
    given = admission()
    await records.apply([(1, [admission_changed("admit", given)])], [], 1)

    found = await records.admission("a-1")

    assert found is not None
    assert found.admission == given
    assert [(each.bed, each.from_ms, each.to_ms) for each in found.assignments] == [(BED, T0_MS, None)]


async def test_unknown_admission_is_none(records: Records) -> None:
    assert await records.admission("nobody") is None


async def test_transfer_and_discharge_close_the_bed_they_leave(records: Records) -> None:
    other = BedId("icu", "b02")
    first = admission()
    moved = replace(first, bed=other)
    gone = replace(moved, discharged_ms=T0_MS + 9_000)
    await records.apply([(1, [admission_changed("admit", first)])], [], 1)
    await records.apply(
        [
            (2, [admission_changed("transfer", moved, at_ms=T0_MS + 5_000)]),
            (3, [admission_changed("discharge", gone, at_ms=T0_MS + 9_000)]),
        ],
        [],
        3,
    )

    found = await records.admission("a-1")

    assert found is not None
    assert found.admission == gone
    assert [(each.bed, each.from_ms, each.to_ms) for each in found.assignments] == [
        (BED, T0_MS, T0_MS + 5_000),
        (other, T0_MS + 5_000, T0_MS + 9_000),
    ]


async def test_current_admissions_leave_out_who_was_discharged(records: Records) -> None:
    gone = admission("a-1", discharged_ms=T0_MS + 1)
    here = admission("a-2", bed=BedId("icu", "b02"), admitted_ms=T0_MS + 1)
    await records.apply([(1, [admission_changed("admit", gone)]), (2, [admission_changed("admit", here)])], [], 2)

    current = await records.admissions(state="current")
    everyone = await records.admissions()

    assert [each.admission.admission_id for each in current.items] == ["a-2"]
    assert [each.admission.admission_id for each in everyone.items] == ["a-2", "a-1"]


async def test_alarm_comes_back_as_it_stands_with_every_transition(records: Records) -> None:
    first = alarm()
    taken = acknowledged(2, first, at_ms=T0_MS + 4_000, note="seen")
    over = ended(3, taken.alarm, at_ms=T0_MS + 8_000)
    await records.apply([(1, [started(1, first)])], [], 1)
    await records.apply([(5, [taken]), (9, [over])], [], 9)

    found = await records.alarm("al-1")

    assert found is not None
    assert found.alarm == over.alarm
    assert [(each.n, each.phase, each.from_, each.to, each.actor) for each in found.transitions] == [
        (1, Phase.START, SignalState.OFF, SignalState.ON, "vigil"),
        (2, Phase.ACKNOWLEDGE, SignalState.ON, SignalState.ACKNOWLEDGED, "nurse"),
        (3, Phase.END, SignalState.ACKNOWLEDGED, SignalState.OFF, "vigil"),
    ]


async def test_unknown_alarm_is_none(records: Records) -> None:
    assert await records.alarm("none") is None


async def test_active_alarms_are_those_still_announced(records: Records) -> None:
    on, latched, over = (
        alarm("on"),
        alarm("latched", signal=SignalState.LATCHED),
        alarm("over", signal=SignalState.OFF),
    )
    await add_alarms(records, [on, latched, over])

    active = await records.alarms(state="active")

    assert {each.alarm_id for each in active.items} == {"on", "latched"}


async def test_alarms_are_chosen_by_admission_and_by_time(records: Records) -> None:
    await add_alarms(
        records,
        [
            alarm("early", announced_at_ms=T0_MS),
            alarm("late", announced_at_ms=T0_MS + 1),
            alarm("other", announced_at_ms=T0_MS + 1, admission_id="a-2"),
        ],
    )

    chosen = await records.alarms(admission_id="a-1", since_ms=T0_MS + 1)

    assert [each.alarm_id for each in chosen.items] == ["late"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_alarms_paged_are_complete_newest_first_whatever_the_page(records: Records, limit: int) -> None:
    same_time = [alarm(alarm_id, announced_at_ms=T0_MS) for alarm_id in ("a-b", "aa", "B", "b")]
    later = alarm("later", announced_at_ms=T0_MS + 1)
    await add_alarms(records, [*same_time, later])

    assert await all_alarm_ids(records, limit=limit) == ["later", "b", "aa", "a-b", "B"]


async def test_cursor_neither_repeats_nor_skips_when_alarms_are_added(records: Records) -> None:
    await add_alarms(records, [alarm(f"al-{i}", announced_at_ms=T0_MS + i) for i in range(4)])
    first = await records.alarms(limit=2)
    await add_alarms(records, [alarm("new", announced_at_ms=T0_MS + 100)], from_offset=50)

    second = await records.alarms(limit=2, cursor=first.next)

    assert [each.alarm_id for each in (*first.items, *second.items)] == ["al-3", "al-2", "al-1", "al-0"]
    assert second.next is None


@pytest.mark.parametrize("cursor", ["", "!", "e30", "WzEsMl0", "W10", "bm90IGpzb24", "\ud800", "é", "WzFlNDAwLCJhIl0"])
async def test_made_up_cursor_is_refused(records: Records, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        await records.alarms(cursor=cursor)


async def test_quarantine_lists_messages_and_single_metrics_newest_first(records: Records) -> None:
    metric = rejected(T0_MS + 5, reason="unknown_unit", metric="MDC_TEMP")
    topic = rejected(T0_MS + 9, reason="bad_topic", topic="icu/v1/x", device=None)
    await records.apply([(3, [SAMPLES, metric, metric]), (7, [topic])], [], 7)

    page = await records.quarantine()
    since = await records.quarantine(since_ms=T0_MS + 6)

    assert [(each.offset, each.ordinal, each.reason, each.metric, each.device) for each in page.items] == [
        (7, 0, "bad_topic", None, None),
        (3, 2, "unknown_unit", "MDC_TEMP", DeviceId("icu", "b01", "mon1")),
        (3, 1, "unknown_unit", "MDC_TEMP", DeviceId("icu", "b01", "mon1")),
    ]
    assert [each.offset for each in since.items] == [7]


async def test_quarantine_paged_is_complete(records: Records) -> None:
    await records.apply([(offset, [rejected()] * 3) for offset in (1, 2, 3)], [], 3)
    seen: list[tuple[int, int]] = []

    page = await records.quarantine(limit=2)
    seen += [(each.offset, each.ordinal) for each in page.items]
    while page.next:
        page = await records.quarantine(limit=2, cursor=page.next)
        seen += [(each.offset, each.ordinal) for each in page.items]

    assert seen == [(offset, ordinal) for offset in (3, 2, 1) for ordinal in (2, 1, 0)]


async def test_audit_tells_who_asked_for_what_and_what_came_of_it(records: Records) -> None:
    applied = CommandApplied(T0_MS, "acknowledge", "al-1", actor="nurse", body={"note": "seen"})
    refused = CommandRefused(
        T0_MS + 1, "acknowledge", "already_ended", "it has ended", actor="nurse", subject_id="al-1", body={"n": 1}
    )
    await records.apply([(1, [applied]), (2, [refused])], [], 2)

    page = await records.audit()

    assert [
        (each.offset, each.actor, each.subject_id, dict(each.body), each.outcome, each.reason) for each in page.items
    ] == [
        (2, "nurse", "al-1", {"n": 1}, "refused", "already_ended"),
        (1, "nurse", "al-1", {"note": "seen"}, "applied", None),
    ]
    assert [each.offset for each in (await records.audit(since_ms=T0_MS + 1)).items] == [2]


async def test_outcomes_come_back_in_order_with_the_hash_of_a_replay(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OUTCOMES_AT_ONCE", 3)  # several reads
    lines = [f'{{"n":{n},"type":"alarm"}}' for n in range(7)] + ['{"type":"decision","é":"\\u0000"}']
    await records.apply([], [(1, line) for line in lines[:4]], 1)
    early = await records.outcome_summary()
    await records.apply([], [(2, line) for line in lines[4:]], 2)

    summary = await records.outcome_summary()

    assert [line async for line in records.outcomes()] == lines
    assert [line async for line in records.outcomes(after=6)] == lines[6:]
    assert early.lines == 4
    assert early.sha256 == hashlib.sha256("".join(f"{line}\n" for line in lines[:4]).encode()).hexdigest()
    assert summary.lines == 8
    assert summary.by_type == {"alarm": 7, "decision": 1}
    assert summary.sha256 == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


async def test_summary_of_no_outcomes_is_the_hash_of_nothing(records: Records) -> None:
    summary = await records.outcome_summary()

    assert (summary.lines, summary.sha256) == (0, hashlib.sha256().hexdigest())


async def test_effects_applied_before_are_passed_over(records: Records) -> None:
    batch: Batch = [(1, [admission_changed("admit", admission())]), (2, [started(1, alarm()), rejected()])]
    lines = [(2, '{"type":"alarm"}')]
    await records.apply(batch, lines, 2)

    await records.apply([*batch, (3, [rejected()])], [*lines, (3, '{"type":"rejected"}')], 3)

    assert records.applied_offset == 3
    assert len((await records.quarantine()).items) == 2
    assert (await records.outcome_summary()).by_type == {"alarm": 1, "rejected": 1}


async def test_applied_offset_survives_a_restart(records_url: str) -> None:
    records = await Records.open(records_url)
    await records.apply([(7, [rejected()])], [], 8)
    await records.close()

    reopened = await Records.open(records_url)

    assert reopened.applied_offset == 8
    await reopened.apply([(7, [rejected()])], [], 8)
    assert len((await reopened.quarantine()).items) == 1
    await reopened.close()


async def test_a_writer_that_lost_its_place_repeats_nothing(records_url: str, records: Records) -> None:
    """As after a commit whose answer never came: what this object believes is behind what the database holds."""
    behind = await Records.open(records_url)
    await records.apply([(1, [rejected()])], [(1, '{"type":"rejected"}')], 1)

    await behind.apply(
        [(1, [rejected()]), (2, [rejected()])], [(1, '{"type":"rejected"}'), (2, '{"type":"rejected"}')], 2
    )

    assert [each.offset for each in (await behind.quarantine()).items] == [2, 1]
    assert (await behind.outcome_summary()).lines == 2
    await behind.close()


async def test_batch_that_fails_leaves_nothing_behind(records: Records) -> None:
    await records.apply([(1, [started(1, alarm())])], [], 1)

    twice = [started(2, alarm("al-2")), started(2, alarm("al-3"))]  # one number, one entry: a defect of the fold
    with pytest.raises(IntegrityError):
        await records.apply([(2, [rejected()]), (3, twice)], [(2, '{"type":"alarm"}')], 3)

    assert records.applied_offset == 1
    assert (await records.quarantine()).items == ()
    assert (await records.outcome_summary()).lines == 0
    assert await records.alarm("al-2") is None
    await records.apply([(2, [rejected()])], [], 2)
    assert len((await records.quarantine()).items) == 1


async def test_offset_alone_is_written_only_after_a_while_or_on_demand(records_url: str, records: Records) -> None:
    await records.apply([(1, [rejected()])], [], 1)

    await records.apply([(2, [SAMPLES])], [], store.OFFSET_LAG_MAX)
    assert records.applied_offset == 1
    await records.apply([], [], store.OFFSET_LAG_MAX, force=True)
    assert records.applied_offset == store.OFFSET_LAG_MAX
    await records.apply([], [], 3 * store.OFFSET_LAG_MAX)

    reopened = await Records.open(records_url)
    assert reopened.applied_offset == 3 * store.OFFSET_LAG_MAX
    await reopened.close()


async def test_applied_offset_never_goes_back(records: Records) -> None:
    await records.apply([(5, [rejected()])], [], 9)
    await records.apply([], [], 3, force=True)

    assert records.applied_offset == 9


async def test_values_no_column_takes_do_not_abort_the_batch(records: Records) -> None:
    hostile = alarm(
        "al-x",
        onset_at_ms=2**70,
        escalation_level=2**40,
        title="nul \x00 and surrogate \ud800",
        evidence={"value": math.nan, "count": 2**80, "text": "\x00\ud800", "list": [math.inf, {"deep": -(2**80)}]},
    )
    odd = admission(dosing_weight_kg=math.nan, baseline={"sbp": math.inf}, name="\x00")
    await records.apply(
        [
            (1, [started(1, hostile), rejected(topic="a/\x00/\ud800", detail="\x00", received_ms=-(2**70))]),
            (2, [admission_changed("admit", odd)]),
            (3, [rejected()]),
        ],
        [],
        3,
    )

    found = await records.alarm("al-x")

    assert found is not None
    assert found.alarm.onset_at_ms == 2**63 - 1
    assert "\x00" not in found.alarm.title
    assert found.alarm.evidence["value"] is None
    assert found.alarm.evidence["count"] == 2**63 - 1
    assert found.alarm.evidence["list"] == [None, {"deep": -(2**63)}]
    assert len((await records.quarantine()).items) == 2
    stored = await records.admission("a-1")
    assert stored is not None
    assert math.isnan(stored.admission.dosing_weight_kg)


async def test_cleared_records_are_rebuilt_to_the_same(records: Records) -> None:
    batch: Batch = [
        (1, [admission_changed("admit", admission())]),
        (2, [started(1, alarm()), rejected()]),
        (3, [acknowledged(2, alarm(), at_ms=T0_MS + 1)]),
    ]
    lines = [(2, '{"type":"alarm"}'), (3, '{"type":"alarm"}')]
    await records.apply(batch, lines, 3)
    before = (await records.alarm("al-1"), await records.admission("a-1"), await records.outcome_summary())

    await records.clear()
    assert records.applied_offset == 0
    assert (await records.alarms()).items == ()
    await records.apply(batch, lines, 3)

    assert (await records.alarm("al-1"), await records.admission("a-1"), await records.outcome_summary()) == before


async def test_readers_are_served_while_batches_are_applied(records: Records) -> None:
    async def write() -> None:
        for offset in range(1, 41):
            await records.apply([(offset, [rejected()])], [], offset)

    async def read() -> int:
        seen = 0
        while seen < 40:
            page = await records.quarantine(limit=1000)
            offsets = [each.offset for each in page.items]
            assert offsets == list(range(len(offsets), 0, -1)), "a reader saw part of a batch"
            seen = len(offsets)
        return seen

    _, *seen = await asyncio.gather(write(), *(read() for _ in range(4)))

    assert seen == [40] * 4


async def test_apply_that_is_cancelled_is_all_or_nothing_and_the_records_stay_usable(records: Records) -> None:
    batch: Batch = [(1, [started(1, alarm()), rejected()])]
    for delay_turns in range(12):
        task = asyncio.create_task(records.apply(batch, [(1, '{"type":"alarm"}')], 1))
        for _ in range(delay_turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        counts = (len((await records.alarms()).items), len((await records.quarantine()).items))
        assert counts in {(0, 0), (1, 1)}

    await records.apply(batch, [(1, '{"type":"alarm"}')], 1)

    assert len((await records.alarms()).items) == 1
    assert (await records.outcome_summary()).lines == 1


async def test_upgrade_twice_changes_nothing(records_url: str) -> None:
    await upgrade(records_url)
    await upgrade(records_url)

    records = await Records.open(records_url, migrate=False)

    assert (await records.alarms()).items == ()
    await records.close()


async def test_schema_that_is_not_current_is_refused_unless_it_may_be_upgraded(records_url: str) -> None:
    with pytest.raises(SchemaOutdatedError, match="vigil db upgrade"):
        await Records.open(records_url, migrate=False)


# --- alarms of the house, and how much people were called ---------------------------------------------------------


async def test_an_alarm_of_the_house_comes_back_without_patient_and_bed(records: Records) -> None:
    fields: dict[str, Any] = {"admission_id": None, "bed": None, "rule_id": "system.broker_lost"}
    of_unit = alarm("al-1", house_unit="icu", is_flapping=True, next_escalation_at_ms=T0_MS + 9, **fields)
    of_service = alarm("al-2", house_unit=None, signalled_at_ms=T0_MS + 5, inhibited_by="x", **fields)
    await records.apply([(1, [started(1, of_unit)]), (2, [started(2, of_service)])], [], 2)

    page = await records.alarms()

    assert {each.alarm_id: each for each in page.items} == {"al-1": of_unit, "al-2": of_service}
    assert [each.unit for each in page.items] == [None, "icu"]


async def test_the_burden_counts_alarms_by_bed_and_day_and_how_long_they_waited(records: Records) -> None:
    day_ms = 86_400_000
    stay = admission("a-1")
    low, high = alarm("al-1", rule_id="map-low"), alarm("al-2", rule_id="hr-high", announced_at_ms=T0_MS + 1000)
    seen = acknowledged(3, low, at_ms=T0_MS + 30_000)
    again = acknowledged(6, low, at_ms=T0_MS + 90_000)
    latched = replace_alarm(high, signal=SignalState.LATCHED, cleared_at_ms=T0_MS + 6000)
    later = alarm("al-3", announced_at_ms=T0_MS + 3 * day_ms)
    house = alarm("al-4", admission_id=None, bed=None)
    batch: list[tuple[int, list[object]]] = [
        (1, [admission_changed("admit", stay)]),
        (2, [started(1, low), started(2, high), seen, replace(seen, n=4, alarm=latched), again]),
        (3, [replace(ended(5, latched, at_ms=T0_MS + 61_000), actor="nurse", from_=SignalState.LATCHED)]),
        (4, [started(7, later), started(8, house)]),
    ]
    batch[1][1][3] = replace(seen, n=4, alarm=latched, phase=Phase.UPDATE, actor="vigil")
    await records.apply(batch, [], 4)

    burden = await records.alarm_burden(T0_MS - day_ms, T0_MS + 2 * day_ms)

    assert burden.bed_days == 2
    assert burden.alarms == 2
    assert dict(burden.by_rule) == {("map-low", "high"): 1, ("hr-high", "high"): 1}
    assert (burden.acknowledged, burden.median_wait_ms, burden.p90_wait_ms) == (2, 30_000, 60_000)
    assert burden.calls == 2
    risen = replace(ended(9, low, at_ms=T0_MS + 95_000), phase=Phase.ESCALATE, from_=SignalState.ON, to=SignalState.ON)
    reminded = replace(risen, n=10, phase=Phase.UPDATE, from_=SignalState.ACKNOWLEDGED)
    changed = replace(risen, n=11, phase=Phase.UPDATE)
    await records.apply([(5, [risen, reminded, changed])], [], 5)
    assert (await records.alarm_burden(T0_MS - day_ms, T0_MS + 2 * day_ms)).calls == 4
    elsewhere = await records.alarm_burden(T0_MS - day_ms, T0_MS + 2 * day_ms, unit="ward9")
    assert (elsewhere.alarms, elsewhere.bed_days, elsewhere.median_wait_ms) == (0, 0, None)
