"""The simulators against a real broker: what arrives, what survives a broker that dies, what stays behind."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.wire.codec import decode
from gateway.wire.topics import HEARTBEAT_TOPIC
from simulators.broker import BrokerUrl
from simulators.clock import SimulatedClock, system_ms
from simulators.devices import Message
from simulators.load import LoadFailedError, LoadPlan, run_load_beside
from simulators.publisher import ConnectionOptions, MqttVersion, Publisher
from simulators.scenario import load_scenario
from simulators.session import Session, SessionOptions, play_ward
from simulators.ward import Ward
from streaming.identity import DeviceId
from streaming.instants import format_ms, parse_instant
from streaming.observation import Decoded, EventMessage, ObsMessage
from tests.support.broker_listener import WITHIN_S, Heard, listening, remember_session, say
from tests.support.http_stub import http_stub
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.waiting import until

_COMMANDS = "import typer; from simulators.cli import add_commands; app = typer.Typer(); add_commands(app); app()"
_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with start_mosquitto(tmp_path, persistence=True) as running:
        yield running


class _Process:
    """A `vigil …` command running beside the test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def finish(self) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        async with asyncio.timeout(60):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return self._process.returncode, out.decode(), err.decode()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


@asynccontextmanager
async def _vigil(*arguments: str) -> AsyncIterator[_Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _COMMANDS, *arguments,
        cwd=_REPOSITORY, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield _Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _run(*arguments: str) -> tuple[int, str, str]:
    async with _vigil(*arguments) as process:
        return await process.finish()


@asynccontextmanager
async def _publishing(broker: Mosquitto, **options: Any) -> AsyncIterator[Publisher]:
    publisher = Publisher(ConnectionOptions(broker=BrokerUrl.parse(broker.url), client_id="publisher", **options))
    running = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        await publisher.close(within_s=0.0)
        await running


def _numbered(first: int, count: int) -> list[Message]:
    return [Message(topic="icu/v1/u/b/d/obs", payload=b"%d" % n) for n in range(first, first + count)]


def _numbers(heard: Sequence[Heard]) -> list[int]:
    return [int(message.payload) for message in heard]


def _time_ms(heard: Heard) -> int:
    return parse_instant(orjson.loads(heard.payload)["time"]) or 0


# --- a ward ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", list(MqttVersion))
async def test_ward_arrives_whole_and_numbered_without_gaps(broker: Mosquitto, version: MqttVersion) -> None:
    gateway = SimulatedClock(speed=30.0)
    async with listening(broker.port, "icu/+/+/+/+/+") as listener, _heartbeat(broker, gateway):
        status, out, err = await _run(
            "simulate", "--scenario", "ward", "--beds", "4", "--speed", "30", "--duration", "120", "--json",
            "--broker", broker.url, "--mqtt", version,
        )  # fmt: skip
        result = json.loads(out)
        told = result["messages"]["acknowledged"]
        # births (one online status per device) come on top of what the counts hold
        devices = {message.topic.rsplit("/", 1)[0] for message in listener.messages}
        await listener.until(lambda: len(listener.messages) >= told + len(devices))

    assert status == 0, err
    assert result["failures"] == []
    seqs: dict[tuple[DeviceId, str], list[int]] = defaultdict(list)
    states: dict[str, list[str]] = defaultdict(list)
    for message in listener.messages:
        found = decode(message.topic, message.payload, system_ms() + 3_600_000)
        assert isinstance(found, Decoded), found
        if isinstance(found.message, ObsMessage | EventMessage):
            seqs[found.device, found.message.boot].append(found.message.seq)
        else:
            states[str(found.device)].append(orjson.loads(message.payload)["state"])
    assert all(numbers == list(range(len(numbers))) for numbers in seqs.values())
    assert len([numbers for numbers in seqs.values() if len(numbers) in {119, 120, 121}]) == 4
    # a urometer has nothing to say in two minutes
    assert {device for device in states if not device.endswith("uro1")} == {str(device) for device, _ in seqs}
    assert len(states) >= 4 * 4
    assert all(said == ["online", "offline"] for said in states.values())


async def test_killed_ward_leaves_the_last_will_of_each_device_retained(broker: Mosquitto) -> None:
    async with (
        listening(broker.port, "icu/+/+/+/+/obs") as listener,
        _vigil("simulate", "--scenario", "calm", "--beds", "2", "--broker", broker.url) as process,
    ):
        await listener.until(lambda: len({m.topic.split("/")[4] for m in listener.on("/mon1/obs")}) == 1)
        await listener.until(lambda: len({m.topic for m in listener.on("/mon1/obs")}) == 2)
        process.send(signal.SIGKILL)
        await process.finish()

    async with listening(broker.port, "icu/+/+/+/+/status") as afterwards:
        await afterwards.until(lambda: len(afterwards.messages) == 6)

    bodies = [orjson.loads(message.payload) for message in afterwards.messages]
    assert all(message.retained for message in afterwards.messages)
    assert {body["state"] for body in bodies} == {"offline"}
    # a last will was written at connecting: it cannot know when it will be published
    assert not any("time" in body for body in bodies)
    assert {body["kind"] for body in bodies} == {"monitor", "scale", "urometer"}


async def test_stopped_ward_says_itself_that_it_is_offline_and_ends_with_success(broker: Mosquitto) -> None:
    async with listening(broker.port) as listener:
        async with _vigil("simulate", "--scenario", "calm", "--beds", "1", "--broker", broker.url) as process:
            await listener.until(lambda: bool(listener.on("/mon1/obs")))
            process.send(signal.SIGTERM)
            status, _, err = await process.finish()
        await listener.until(lambda: len(listener.on("/status")) == 6)

    assert status == 0, err
    farewells = [orjson.loads(message.payload) for message in listener.on("/status")][3:]
    assert {body["state"] for body in farewells} == {"offline"}
    assert all("time" in body for body in farewells)


async def test_ward_that_shares_connections_says_so_and_arrives_all_the_same(broker: Mosquitto) -> None:
    async with listening(broker.port) as listener:
        status, _, err = await _run(
            "simulate", "--scenario", "calm", "--beds", "3", "--no-devices-connect", "--duration", "2",
            "--broker", broker.url,
        )  # fmt: skip
        await listener.until(lambda: len(listener.on("/status")) == 18)

    assert status == 0
    assert "no last wills" in err
    assert len({message.topic for message in listener.on("/mon1/obs")}) == 3


async def test_ward_without_a_broker_ends_with_status_one_and_says_what_was_not_delivered(tmp_path: Path) -> None:
    with start_mosquitto(tmp_path) as broker:
        url = broker.url
    status, out, err = await _run("simulate", "--scenario", "calm", "--duration", "2", "--json", "--broker", url)

    assert status == 1
    assert json.loads(out)["messages"]["acknowledged"] == 0
    assert "no connection to" in err
    assert "messages not acknowledged" in err


async def test_ward_goes_on_after_the_broker_was_killed_and_nothing_is_lost(broker: Mosquitto) -> None:
    """The broker keeps the listener's queue over its death; the ward keeps what was not acknowledged."""
    await remember_session(broker.port, "gateway")
    broker.restart()  # writes the session to its file
    notices: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        clock = SimulatedClock(speed=20.0)
        options = SessionOptions(broker=BrokerUrl.parse(broker.url), client_prefix="ward")
        session = Session(options, clock, notices.append, tasks)
        ward = Ward(load_scenario("calm"), beds=3, unit="icu", seed=1, start_ms=clock.now_ms())
        playing = tasks.create_task(play_ward(session, ward, until_ms=None, progress=lambda: None))
        await until(lambda: session.connected == 9)
        broker.kill()
        offered = session.counts.offered
        await until(lambda: session.counts.offered > offered + 100)
        broker.restart()
        await until(lambda: session.connected == 9)
        playing.cancel()
        await session.close(within_s=WITHIN_S)
    counts = session.counts

    async with listening(broker.port, session="gateway") as listener:
        await listener.until(lambda: len(listener.on("/mon1/status")) >= 2 * 3)
        await listener.until(lambda: sum(b"offline" in m.payload for m in listener.on("/status")) >= 9)

    assert counts.outstanding == 0
    assert counts.overflowed == 0
    assert any("lost" in notice for notice in notices)
    since_restart = [orjson.loads(message.payload) for message in listener.on("/b01/mon1/obs")]
    distinct = sorted({body["seq"] for body in since_restart})
    assert len(distinct) > 30
    assert distinct == list(range(distinct[0], distinct[-1] + 1))
    assert len({body["boot"] for body in since_restart}) == 1


# --- the publisher --------------------------------------------------------------------------------------------------


async def test_publisher_sends_what_was_in_flight_again_in_order_after_the_broker_was_killed(
    broker: Mosquitto,
) -> None:
    await remember_session(broker.port, "gateway")
    broker.restart()
    async with _publishing(broker, window=20) as publisher:
        await until(lambda: publisher.is_connected)
        broker.pause()  # takes what is sent, and answers nothing
        for message in _numbered(0, 50):
            publisher.publish(message)
        broker.kill()
        await until(lambda: not publisher.is_connected)
        broker.restart()
        async with asyncio.timeout(WITHIN_S):
            await publisher.flush()
        counts = publisher.counts

    async with listening(broker.port, session="gateway") as listener:
        await listener.until(lambda: len(listener.messages) >= 50)

    assert _numbers(listener.messages) == list(range(50))
    assert (counts.acknowledged, counts.resent, counts.outstanding) == (50, 20, 0)


async def test_publisher_with_too_small_a_store_drops_the_oldest_and_counts_them(broker: Mosquitto) -> None:
    """The negative control of the test above: without the store what was said meanwhile would be lost."""
    await remember_session(broker.port, "gateway")
    broker.stop()
    async with _publishing(broker, capacity=10) as publisher:
        for message in _numbered(0, 50):
            publisher.publish(message)
        broker.restart()
        async with asyncio.timeout(WITHIN_S):
            await publisher.flush()
        counts = publisher.counts

    async with listening(broker.port, session="gateway") as listener:
        await listener.until(lambda: len(listener.messages) >= 10)

    assert _numbers(listener.messages) == list(range(40, 50))
    assert (counts.offered, counts.acknowledged, counts.overflowed, counts.outstanding) == (50, 10, 40, 0)


async def test_publisher_never_has_more_in_flight_than_its_window(broker: Mosquitto) -> None:
    async with _publishing(broker, window=7) as publisher:
        await until(lambda: publisher.is_connected)
        broker.pause()
        for message in _numbered(0, 7):
            async with asyncio.timeout(WITHIN_S):
                await publisher.has_room()
            publisher.publish(message)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await publisher.has_room()
        broker.resume()
        async with asyncio.timeout(WITHIN_S):
            await publisher.has_room()
            await publisher.flush()

    assert publisher.counts.acknowledged == 7


async def test_publisher_counts_messages_that_nobody_listens_to(broker: Mosquitto) -> None:
    async with _publishing(broker) as publisher:
        publisher.publish(_numbered(0, 1)[0])
        async with asyncio.timeout(WITHIN_S):
            await publisher.flush()
        async with listening(broker.port):
            publisher.publish(_numbered(1, 1)[0])
            async with asyncio.timeout(WITHIN_S):
                await publisher.flush()

    assert (publisher.counts.acknowledged, publisher.counts.unheard) == (2, 1)


# --- the gateway's time ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def _heartbeat(broker: Mosquitto, clock: SimulatedClock) -> AsyncIterator[None]:
    """A gateway's sign of life, several times a second, for as long as the block lasts."""

    async def beat() -> None:
        while True:
            payload = orjson.dumps({"at": format_ms(clock.now_ms()), "speed": clock.speed})
            await say(broker.port, HEARTBEAT_TOPIC, payload)
            await asyncio.sleep(0.2)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


@pytest.mark.parametrize("asked", ["1", "60"])
async def test_device_clocks_agree_with_a_gateway_that_runs_faster_in_another_year(
    broker: Mosquitto, asked: str
) -> None:
    gateway = SimulatedClock(speed=60.0, start_ms=parse_instant("2031-05-06T07:08:09Z"))
    errors: list[int] = []
    async with listening(broker.port, "icu/v1/icu/b01/mon1/obs") as listener, _heartbeat(broker, gateway), _vigil(
        "simulate", "--scenario", "calm", "--beds", "1", "--speed", asked, "--duration", "240",
        "--broker", broker.url, "--json",
    ) as process:  # fmt: skip
        for count in range(1, 60, 10):
            await listener.until(lambda count=count: len(listener.messages) >= count)  # type: ignore[misc]
            errors.append(_time_ms(listener.messages[-1]) - gateway.now_ms())
        status, out, err = await process.finish()

    assert status == 0, err
    assert json.loads(out)["heartbeat_heard"]
    assert json.loads(out)["speed"] == 60.0
    assert ("speed 60, not 1" in err) is (asked == "1")
    # own offset of the device: 3 s; the rest is what a busy machine takes to get a message here, sixty times over
    assert all(-60_000 < error < 10_000 for error in errors), errors


async def test_faster_time_without_a_heartbeat_goes_on_and_says_so(broker: Mosquitto) -> None:
    async with listening(broker.port) as listener:
        status, out, err = await _run(
            "simulate", "--scenario", "calm", "--beds", "1", "--speed", "50", "--duration", "20", "--json",
            "--broker", broker.url,
        )  # fmt: skip
        await listener.until(lambda: len(listener.on("/mon1/obs")) >= 20)

    assert status == 0
    assert not json.loads(out)["heartbeat_heard"]
    assert "no heartbeat of a gateway within 5 s" in err


# --- a service to admit at, a recording to play ---------------------------------------------------------------------


async def test_simulated_patients_are_admitted_under_synthetic_names_where_beds_are_free(broker: Mosquitto) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return (409, {"title": "taken"}) if body["bed"] == "b02" else (201, {"admission_id": "a"})

    with http_stub(answer) as service:
        status, out, err = await _run(
            "simulate", "--scenario", "calm", "--beds", "3", "--duration", "1", "--json",
            "--broker", broker.url, "--admit", service.url,
        )  # fmt: skip

    assert status == 0, err
    assert json.loads(out)["admissions"] == {"admitted": 2, "taken": 1, "failed": 0}
    assert [(path, body["bed"]) for path, body in service.posts] == [
        ("/api/v1/admissions", f"b0{n}") for n in (1, 2, 3)
    ]
    body = service.posts[0][1]
    assert body["name"].startswith("Demo ")
    assert 48 <= body["dosing_weight_kg"] <= 125
    assert set(body["baseline"]) == {"sbp", "map", "hr", "creatinine"}


async def test_refused_admissions_are_exit_status_one(broker: Mosquitto) -> None:
    with http_stub(lambda _path, _body: (500, b"not JSON")) as service:
        status, _, err = await _run(
            "simulate", "--scenario", "calm", "--beds", "1", "--duration", "1",
            "--broker", broker.url, "--admit", service.url,
        )  # fmt: skip

    assert status == 1
    assert "icu/b01 not admitted: HTTP 500" in err


def _recording(path: Path) -> Path:
    at = "2150-01-01T10:00:{:02d}.000Z".format
    topic = "icu/v1/mimic/7/vitals/obs"
    body = {"admission_id": "stay-7", "actor": "import"}
    lines: list[dict[str, Any]] = [
        {"received_at": at(0), "command": "admit", "body": {**body, "patient_id": "p", "unit": "mimic", "bed": "7"}},
        {"received_at": at(1), "topic": "icu/v1/mimic/7/vitals/status", "payload": {"state": "online", "time": at(1)}},
        *(
            {
                "received_at": at(n),
                "topic": topic,
                "payload": {"boot": "x", "seq": n, "time": at(n), "metrics": {"m": {"value": n, "time": at(n - 2)}}},
            }
            for n in range(2, 40)
        ),
        {"received_at": at(40), "topic": topic, "payload_b64": base64.b64encode(b"\xffnot JSON").decode()},
        {"received_at": at(40), "topic": "icu/#/bad", "payload": {}},
        {"received_at": at(41), "command": "tick"},
        {"received_at": at(42), "command": "chart", "body": {**body, "time": at(42), "metrics": {"w": 80}}},
        {"received_at": at(43), "command": "acknowledge", "body": {"alarm_id": "a1"}},
        {"received_at": at(44), "command": "chart", "body": {"admission_id": "stay-8", "metrics": {}}},
        {"received_at": at(50), "command": "discharge", "body": body},
    ]
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return path


async def test_recording_is_played_in_order_with_its_times_moved_and_its_commands_posted(
    broker: Mosquitto, tmp_path: Path
) -> None:
    def answer(path: str, _body: dict[str, Any]) -> tuple[int, Any]:
        return (201, {"admission_id": "new-id"}) if path.endswith("/admissions") else (200, {})

    gateway = SimulatedClock(speed=50.0, start_ms=parse_instant("2031-05-06T07:08:09Z"))
    before_ms = gateway.now_ms()
    async with listening(broker.port, "icu/+/+/+/+/+") as listener, _heartbeat(broker, gateway):
        with http_stub(answer) as service:
            status, out, err = await _run(
                "simulate", "--recording", str(_recording(tmp_path / "r.ndjson")), "--speed", "50", "--json",
                "--broker", broker.url, "--api", service.url,
            )  # fmt: skip
        await listener.until(lambda: len(listener.messages) >= 40)

    assert status == 0, err
    result = json.loads(out)
    assert result["entries"] == 47
    assert result["commands"] == 3
    assert result["not_sent"] == {
        "topic that MQTT does not allow": 1,
        "tick: time passes by itself": 1,
        "acknowledge: the running gateway has ids of its own": 1,
        "chart: its admission did not come about": 1,
    }
    assert [path for path, _ in service.posts] == [
        "/api/v1/admissions",
        "/api/v1/admissions/new-id/observations",
        "/api/v1/admissions/new-id/discharge",
    ]
    # what HTTP carries elsewhere (the id in the path, who acted in a header) is not in a body
    assert not any({"admission_id", "actor"} & set(body) for _, body in service.posts)
    assert set(service.actors) == {"import"}
    bodies = [orjson.loads(message.payload) for message in listener.on("/obs")[:-1]]
    assert [body["seq"] for body in bodies] == list(range(2, 40))
    assert listener.messages[-1].payload == b"\xffnot JSON"
    start_ms = _time_ms(listener.on("/obs")[0]) - 2_000
    assert 0 <= start_ms - before_ms <= gateway.now_ms() - before_ms
    for body in bodies:
        assert body["time"] == format_ms(start_ms + body["seq"] * 1_000)
        assert body["metrics"]["m"]["time"] == format_ms(start_ms + (body["seq"] - 2) * 1_000)
    charted = service.posts[1][1]
    assert charted["time"] == format_ms(start_ms + 42_000)


async def test_recording_without_a_service_leaves_its_commands_out_and_says_how_many(
    broker: Mosquitto, tmp_path: Path
) -> None:
    async with _heartbeat(broker, SimulatedClock(speed=1000.0)):
        status, out, _ = await _run(
            "simulate", "--recording", str(_recording(tmp_path / "r.ndjson")), "--speed", "1000", "--json",
            "--broker", broker.url,
        )  # fmt: skip

    result = json.loads(out)
    assert status == 0
    assert result["commands"] == 0
    assert result["not_sent"]["admit: no service was named"] == 1
    assert result["not_sent"]["chart: no service was named"] == 2


async def test_recording_whose_commands_are_refused_is_exit_status_one(broker: Mosquitto, tmp_path: Path) -> None:
    path = _recording(tmp_path / "r.ndjson")
    with http_stub(lambda _path, _body: (409, {"detail": "the bed is taken"})) as service:
        async with _heartbeat(broker, SimulatedClock(speed=1000.0)):
            status, out, err = await _run(
                "simulate", "--recording", str(path), "--speed", "1000", "--json",
                "--broker", broker.url, "--api", service.url,
            )  # fmt: skip

    assert status == 1
    assert "admit refused: the bed is taken" in err
    assert json.loads(out)["failures"] == ["1 admit: refused by the service"]


async def test_recording_with_a_line_that_cannot_be_read_is_exit_status_one(broker: Mosquitto, tmp_path: Path) -> None:
    path = _recording(tmp_path / "r.ndjson")
    path.write_bytes(path.read_bytes() + b"{broken\n")

    async with _heartbeat(broker, SimulatedClock(speed=1000.0)):
        status, out, _ = await _run(
            "simulate", "--recording", str(path), "--speed", "1000", "--json", "--broker", broker.url
        )

    assert status == 1
    assert "line 48" in json.loads(out)["failures"][0]
    assert json.loads(out)["messages"]["acknowledged"] == 40


async def test_fresh_boots_are_the_same_within_a_device_and_other_than_the_recordings(
    broker: Mosquitto, tmp_path: Path
) -> None:
    fast = SimulatedClock(speed=1000.0)
    async with listening(broker.port, "icu/+/+/+/+/obs") as listener, _heartbeat(broker, fast):
        await _run(
            "simulate", "--recording", str(_recording(tmp_path / "r.ndjson")), "--speed", "1000", "--fresh-boots",
            "--broker", broker.url,
        )  # fmt: skip
        await listener.until(lambda: len(listener.messages) >= 39)
    boots = {orjson.loads(message.payload)["boot"] for message in listener.messages[:-1]}

    assert len(boots) == 1
    assert boots != {"x"}


# --- load -----------------------------------------------------------------------------------------------------------


async def test_load_arrives_whole_in_order_and_bears_the_time_it_was_sent(broker: Mosquitto) -> None:
    plan = LoadPlan(broker=BrokerUrl.parse(broker.url), beds=50, rate_hz=10, duration_s=2, connections=3)
    before_ms = system_ms()
    async with listening(broker.port) as listener:
        report = await run_load_beside(plan)
        await listener.until(lambda: len(listener.messages) >= 1000)
    after_ms = system_ms()

    assert (report.offered, report.sent, report.acknowledged) == (1000, 1000, 1000)
    assert 0 < report.puback_p50_ms <= report.puback_p99_ms <= report.puback_max_ms
    seqs: dict[object, list[int]] = defaultdict(list)
    for message in listener.messages:
        found = decode(message.topic, message.payload, after_ms)
        assert isinstance(found, Decoded)
        assert isinstance(found.message, ObsMessage)
        assert found.message.boot == report.boot
        assert len(found.message.metrics) == 14
        assert before_ms <= (found.message.device_ms or 0) <= after_ms
        seqs[found.device].append(found.message.seq)
    assert len(seqs) == 50
    assert all(numbers == list(range(20)) for numbers in seqs.values())


async def test_load_on_schedule_bears_the_nominal_times(broker: Mosquitto) -> None:
    plan = LoadPlan(
        broker=BrokerUrl.parse(broker.url), beds=2, rate_hz=4, duration_s=1.5, connections=9, stamps_sending=False
    )
    async with listening(broker.port) as listener:
        await run_load_beside(plan)
        await listener.until(lambda: len(listener.messages) >= 12)
    times: dict[str, list[int]] = defaultdict(list)
    for message in listener.messages:
        times[message.topic].append(orjson.loads(message.payload)["time"])

    assert [[b - a for a, b in itertools.pairwise(t)] for t in times.values()] == [[250] * 5, [250] * 5]


async def test_load_keeps_its_window_while_the_broker_hangs_and_sends_the_rest_late(broker: Mosquitto) -> None:
    plan = LoadPlan(broker=BrokerUrl.parse(broker.url), beds=10, rate_hz=50, duration_s=1, connections=1, window=20)
    loading = asyncio.create_task(run_load_beside(plan))
    await until(lambda: "Received PUBLISH" in broker.log)
    broker.pause()
    await asyncio.sleep(1.5)  # how long it hangs is what the figures below are about
    broker.resume()
    report = await loading

    assert report.sent == report.acknowledged == report.offered == 500
    assert report.puback_max_ms > 1000
    assert report.late_p99_ms > 500


async def test_load_on_a_broker_that_dies_fails(broker: Mosquitto) -> None:
    """The negative control: a report is only given for a run that was not cut off."""
    plan = LoadPlan(broker=BrokerUrl.parse(broker.url), beds=10, rate_hz=50, duration_s=20)
    loading = asyncio.create_task(run_load_beside(plan))
    await until(lambda: "Received PUBLISH" in broker.log)
    broker.kill()

    with pytest.raises((LoadFailedError, ConnectionError)):
        await loading


async def test_load_command_prints_its_report_as_json(broker: Mosquitto) -> None:
    status, out, _ = await _run("load", "--beds", "20", "--rate", "5", "--duration", "1", "--broker", broker.url)

    report = json.loads(out)
    assert status == 0
    assert report["acknowledged"] == report["offered"] == 100
    assert report["cpu_us_per_message"] > 0
