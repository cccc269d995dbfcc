"""The hub of the feed, without sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import Any

import orjson
import pytest

from gateway.web import feed
from gateway.web.feed import FeedClient, FeedFull, FeedHub, Pacing
from streaming.identity import BedId
from streaming.instants import parse_instant
from tests.support.effects import T0_MS
from tests.support.waiting import running

PROMPT = Pacing(frame_period_s=0.0, deltas_within_s=0.0, heartbeat_period_s=3600.0)
"""Every change is a delta of its own, and nothing else is sent."""

Frame = dict[str, Any]


class Beds:
    """Beds that are numbers, changed by the test."""

    version = "test"
    clock_speed = 1.0

    def __init__(self, *names: str) -> None:
        self.beds_changed = asyncio.Event()
        self.somebody_called = asyncio.Event()
        self.clock_ms = T0_MS
        self.values = dict.fromkeys((BedId("icu", name) for name in names), 0)
        self.asked = 0
        self.trouble: Frame | None = None
        self.house: list[Frame] = []
        self._dirty: set[BedId] = set()

    def now_ms(self) -> int:
        return self.clock_ms

    def bed_frames(self) -> list[Frame]:
        return [self._frame(bed) for bed in self.values]

    def bed_frame(self, bed_id: BedId) -> Frame | None:
        self.asked += 1
        return self._frame(bed_id) if bed_id in self.values else None

    def house_alarms(self) -> list[Frame]:
        return self.house

    def service_state(self) -> Frame | None:
        return self.trouble

    def dirty_beds(self) -> set[BedId]:
        dirty, self._dirty = self._dirty, set()
        return dirty

    def change(self, **values: int | None) -> None:
        for name, value in values.items():
            bed = BedId("icu", name)
            if value is None:
                self.values.pop(bed, None)
            else:
                self.values[bed] = value
            self._dirty.add(bed)
        self.beds_changed.set()

    def call(self, **values: int | None) -> None:
        """A change for which somebody is called."""
        self.somebody_called.set()
        self.change(**values)

    def _frame(self, bed: BedId) -> Frame:
        return {"unit": bed.unit, "bed": bed.bed, "value": self.values[bed]}


async def take(client: FeedClient) -> Frame:
    async with asyncio.timeout(5):
        frame: Frame = orjson.loads(await client.next_frame())
        return frame


async def take_delta(client: FeedClient) -> Frame:
    while (frame := await take(client))["type"] == "heartbeat":
        pass
    return frame


class Display:
    """What a display would show: frames applied in order, holes noticed."""

    def __init__(self) -> None:
        self.n: int | None = None
        self.beds: dict[str, int] = {}

    def show(self, frame: Frame) -> None:
        if frame["type"] == "heartbeat":
            assert frame["n"] == self.n
            return
        if frame["type"] == "snapshot":
            self.beds = {}
        else:
            assert self.n is not None
            assert frame["n"] == self.n + 1, "a hole"
        for bed in frame["beds"]:
            self.beds[f"{bed['unit']}/{bed['bed']}"] = bed["value"]
        for name in frame.get("removed", ()):
            del self.beds[name]
        self.n = frame["n"]


@pytest.fixture
def encodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every frame that was encoded, by type."""
    encoded: list[str] = []
    encode = feed._encode

    def counted(frame: Frame) -> str:
        encoded.append(frame["type"])
        return encode(frame)

    monkeypatch.setattr(feed, "_encode", counted)
    return encoded


async def test_first_frame_is_a_snapshot_of_every_bed_in_order() -> None:
    beds = Beds("b2", "b1")
    hub = FeedHub(beds, PROMPT)

    with hub.joined(None) as client:
        frame = await take(client)

    assert frame == {
        "type": "snapshot",
        "n": hub.n,
        "at": "2026-09-21T14:13:20.000Z",
        "version": "test",
        "beds": [{"unit": "icu", "bed": "b1", "value": 0}, {"unit": "icu", "bed": "b2", "value": 0}],
        "house_alarms": [],
    }


async def test_delta_carries_only_beds_that_changed_and_follows_the_snapshot() -> None:
    beds = Beds("b1", "b2")
    hub = FeedHub(beds, PROMPT)
    async with running(hub):
        with hub.joined(None) as client:
            snapshot = await take(client)
            beds.change(b2=7)
            delta = await take_delta(client)

    assert delta["type"] == "delta"
    assert delta["n"] == snapshot["n"] + 1
    assert delta["beds"] == [{"unit": "icu", "bed": "b2", "value": 7}]
    assert "removed" not in delta


async def test_bed_called_dirty_that_did_not_change_is_not_sent() -> None:
    beds = Beds("b1", "b2")
    hub = FeedHub(beds, PROMPT)
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            beds.change(b1=0, b2=0)
            beds.change(b1=0)
            beds.change(b2=1)
            delta = await take_delta(client)

    assert [bed["bed"] for bed in delta["beds"]] == ["b2"]


async def test_bed_that_is_gone_is_removed_and_one_that_comes_is_added() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, PROMPT)
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            beds.change(b1=None, b9=3)
            delta = await take_delta(client)

    assert delta["removed"] == ["icu/b1"]
    assert delta["beds"] == [{"unit": "icu", "bed": "b9", "value": 3}]


async def test_frame_is_encoded_once_however_many_clients(encodings: list[str]) -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, PROMPT)
    async with running(hub):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(hub.joined(None)) for _ in range(20)]
            for client in clients:
                await take(client)
            for value in range(1, 11):
                beds.change(b1=value)
                assert {(await take_delta(client))["beds"][0]["value"] for client in clients} == {value}

    assert encodings.count("delta") == 10
    assert encodings.count("snapshot") == 20
    assert beds.asked == 10


async def test_first_change_after_a_pause_is_sent_at_once_and_the_next_waits() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, Pacing(frame_period_s=3600.0, heartbeat_period_s=0.02))
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            beds.change(b1=1)
            first = await take_delta(client)  # take() gives up after seconds, not an hour
            beds.change(b1=2)
            later = [await take(client) for _ in range(5)]

    assert first["beds"][0]["value"] == 1
    assert {frame["type"] for frame in later} == {"heartbeat"}


async def test_changes_within_a_period_are_one_delta_with_the_last_state() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, Pacing(frame_period_s=0.05, deltas_within_s=0.0, heartbeat_period_s=3600.0))
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            beds.change(b1=1)
            await take_delta(client)
            for value in range(2, 50):
                beds.change(b1=value)
                await asyncio.sleep(0)
            second = await take_delta(client)

    assert second["beds"][0]["value"] == 49


async def test_an_alarm_goes_at_once_where_values_wait_and_takes_with_it_what_has_changed() -> None:
    beds = Beds("b1", "b2")
    hub = FeedHub(beds, Pacing(frame_period_s=3600.0, heartbeat_period_s=3600.0))
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            beds.change(b1=1)
            await take(client)
            beds.change(b1=2)
            await asyncio.sleep(0)  # the hub has begun to wait for an hour
            beds.call(b2=9)
            at_once = await take(client)

    assert {bed["bed"]: bed["value"] for bed in at_once["beds"]} == {"b1": 2, "b2": 9}
    assert not beds.somebody_called.is_set()


async def test_alarms_use_what_values_leave_of_four_a_second_and_then_wait_their_turn() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            taken: list[float] = []
            for value in range(1, 6):
                beds.call(b1=value)
                await take_delta(client)
                taken.append(loop.time() - began)

    assert taken[3] < 3 * feed.FRAME_PERIOD_S, "four of them at once"
    assert taken[4] >= feed.DELTAS_WITHIN_S


@pytest.mark.parametrize("is_calling", [False, True])
async def test_deltas_are_at_most_four_in_any_second_and_heartbeats_at_least_one(is_calling: bool) -> None:
    beds = Beds("b1")
    hub = FeedHub(beds)
    loop = asyncio.get_running_loop()
    deltas: list[float] = []
    heartbeats: list[float] = []

    async def keep_changing() -> None:
        for value in range(1, 1_000_000):
            (beds.call if is_calling and not value % 3 else beds.change)(b1=value)
            await asyncio.sleep(0.001)

    async with running(hub):
        with hub.joined(None) as client:
            await take(client)
            changing = asyncio.create_task(keep_changing())
            began = loop.time()
            while loop.time() < began + 3.2:
                frame = await take(client)
                (deltas if frame["type"] == "delta" else heartbeats).append(loop.time())
            changing.cancel()

    assert len(deltas) >= 8, "negative control: it does send"
    for at in deltas:
        assert sum(1 for other in deltas if at <= other < at + 1.0) <= 4
    assert max(later - earlier for earlier, later in itertools.pairwise(heartbeats)) <= 1.0
    assert heartbeats[0] - began <= 1.0


async def test_every_frame_says_what_is_wrong_with_the_gateway_while_something_is() -> None:
    beds = Beds("b1")
    trouble = {"journal": "refusing", "lag_s": 3.0, "why": "the journal is refusing"}
    hub = FeedHub(beds, Pacing(frame_period_s=0.0, deltas_within_s=0.0, heartbeat_period_s=0.02))
    async with running(hub):
        with hub.joined(None) as client:
            well = [orjson.loads(await client.next_frame()) for _ in range(2)]
            beds.trouble = trouble
            beds.change(b1=1)
            later = [orjson.loads(await client.next_frame()) for _ in range(4)]
        with hub.joined(None) as client:
            later.append(orjson.loads(await client.next_frame()))

    assert [frame.get("service") for frame in well] == [None, None]
    assert {frame["type"] for frame in later if frame.get("service") == trouble} == {"delta", "heartbeat", "snapshot"}


async def test_alarms_of_the_house_are_in_the_snapshot_and_in_the_delta_in_which_they_changed() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, Pacing(frame_period_s=0.0, deltas_within_s=0.0))
    async with running(hub):
        with hub.joined(None) as client:
            opening = orjson.loads(await client.next_frame())
            beds.house = [{"alarm_id": "alm-1"}]
            beds.beds_changed.set()
            changed = await take(client)
            beds.change(b1=1)
            other = await take(client)
        with hub.joined(opening["n"]) as client:
            resumed = [await take(client) for _ in range(2)]

    assert opening["house_alarms"] == []
    assert (changed["type"], changed["beds"], changed["house_alarms"]) == ("delta", [], [{"alarm_id": "alm-1"}])
    assert "house_alarms" not in other
    assert [frame.get("house_alarms") for frame in resumed] == [[{"alarm_id": "alm-1"}], None]


async def test_heartbeat_comes_every_second_when_nothing_changes_and_tells_the_time() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds)
    loop = asyncio.get_running_loop()
    async with running(hub):
        with hub.joined(None) as client:
            snapshot = await take(client)
            times = [loop.time()]
            for _ in range(3):
                beds.clock_ms += 1000
                frame = await take(client)
                times.append(loop.time())
                assert frame["type"] == "heartbeat"
                assert frame["n"] == snapshot["n"]
                assert (parse_instant(frame["at"]) or 0) > T0_MS

    assert max(later - earlier for earlier, later in itertools.pairwise(times)) <= 1.0


async def test_client_that_resumes_sees_every_number_and_ends_with_the_present_state() -> None:
    beds = Beds("b1", "b2")
    hub = FeedHub(beds, PROMPT)
    display = Display()
    async with running(hub):
        with hub.joined(None) as watcher:
            display.show(await take(watcher))
            after = display.n
            for value in range(1, 6):
                beds.change(b1=value)
                await take_delta(watcher)
            beds.change(b2=9)
            await take_delta(watcher)
            beds.clock_ms += 60_000
            with hub.joined(after) as resumed:
                missed = [await take(resumed) for _ in range(7)]
                beds.change(b1=100)
                missed.append(await take_delta(resumed))

    assert [frame["type"] for frame in missed] == ["delta"] * 6 + ["heartbeat", "delta"]
    for frame in missed:
        display.show(frame)
    assert display.beds == {"icu/b1": 100, "icu/b2": 9}
    assert {frame["at"] for frame in missed} == {"2026-09-21T14:14:20.000Z"}, "an old value must not look fresh"
    assert sum(len(frame.get("beds", ())) for frame in missed) == 3, "what was overtaken is not sent again"


async def test_client_that_missed_nothing_resumes_with_a_heartbeat() -> None:
    hub = FeedHub(Beds("b1"), PROMPT)

    with hub.joined(hub.n) as client:
        frame = await take(client)

    assert (frame["type"], frame["n"]) == ("heartbeat", hub.n)


@pytest.mark.parametrize("behind", [4, 5, -1, 10**9], ids=["just-too-old", "older", "ahead", "ancient"])
async def test_client_that_cannot_resume_gets_a_snapshot(behind: int) -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, Pacing(frame_period_s=0.0, deltas_within_s=0.0, heartbeat_period_s=3600.0, resume_frames=3))
    async with running(hub):
        with hub.joined(None) as watcher:
            for value in range(1, 8):
                beds.change(b1=value)
                while (await take_delta(watcher))["n"] != hub.n:
                    pass

    with hub.joined(hub.n - behind) as client:
        assert (await take(client))["type"] == "snapshot"
    with hub.joined(hub.n - 3) as client:
        assert (await take(client))["type"] == "delta", "negative control: three back can"


async def test_numbers_of_an_earlier_process_never_match() -> None:
    beds = Beds("b1")
    first = FeedHub(beds, PROMPT)
    async with running(first):
        with first.joined(None) as watcher:
            for value in range(1, 20):
                beds.change(b1=value)
                while (await take_delta(watcher))["n"] != first.n:
                    pass
    last = first.n
    beds.clock_ms += 1000  # a restart takes longer than a millisecond a frame

    second = FeedHub(beds, PROMPT)

    assert second.n > last
    with second.joined(last) as client:
        assert (await take(client))["type"] == "snapshot"


async def test_client_that_does_not_keep_up_is_dropped_and_the_others_miss_nothing() -> None:
    beds = Beds("b1")
    hub = FeedHub(beds, Pacing(frame_period_s=0.0, deltas_within_s=0.0, heartbeat_period_s=3600.0, queue_frames=4))
    async with running(hub):
        with hub.joined(None) as slow, hub.joined(None) as fast:
            display = Display()
            display.show(await take(fast))
            for value in range(1, 11):
                beds.change(b1=value)
                display.show(await take_delta(fast))
                assert slow.dropped.is_set() == (value >= 5)

            assert display.beds == {"icu/b1": 10}
            assert not fast.dropped.is_set()
            figures = {family.name: family.samples for family in hub.metrics()}
            assert figures["vigil_feed_clients_dropped"] == [({}, 1)]
            assert figures["vigil_feed_clients"] == [({}, 1)]


async def test_client_that_leaves_is_forgotten() -> None:
    hub = FeedHub(Beds("b1"), PROMPT)
    with hub.joined(None):
        pass

    assert {family.name: family.samples for family in hub.metrics()}["vigil_feed_clients"] == [({}, 0)]


async def test_clients_beyond_the_limit_are_turned_away() -> None:
    hub = FeedHub(Beds("b1"), Pacing(clients_max=1))

    with hub.joined(None), pytest.raises(FeedFull), hub.joined(None):
        pass
    with hub.joined(None) as client:
        assert (await take(client))["type"] == "snapshot"


@pytest.mark.parametrize("seed", range(8))
async def test_display_that_comes_and_goes_always_shows_the_present_state(seed: int) -> None:
    chance = random.Random(seed)
    names = ["b1", "b2", "b3", "b4"]
    beds = Beds(*names[:2])
    hub = FeedHub(beds, Pacing(frame_period_s=0.0, deltas_within_s=0.0, heartbeat_period_s=3600.0, resume_frames=5))
    display = Display()
    kinds: set[str] = set()
    async with running(hub):
        for _ in range(60):
            with hub.joined(display.n) as client:
                for _ in range(chance.randrange(4)):
                    beds.change(**{chance.choice(names): chance.choice([None, chance.randrange(5)])})
                    for _ in range(chance.randrange(6)):
                        await asyncio.sleep(0)
                await settled(beds)
                while client._opening or not client._queue.empty():
                    frame = await take(client)
                    kinds.add(frame["type"])
                    display.show(frame)
                assert display.beds == {str(bed): value for bed, value in beds.values.items()}
            for _ in range(chance.randrange(8)):  # while it is away
                beds.change(**{chance.choice(names): chance.randrange(5)})
                await settled(beds)

    assert kinds == {"snapshot", "delta", "heartbeat"}


async def settled(beds: Beds) -> None:
    """Until the hub has sent what it was told."""
    async with asyncio.timeout(5):
        while beds.beds_changed.is_set():
            await asyncio.sleep(0)
