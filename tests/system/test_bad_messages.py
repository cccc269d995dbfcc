"""Every kind of bad message, among good ones at rate, through the real broker: each in quarantine with its reason, none
in the way of a good one, and the process never ends."""

from __future__ import annotations

import random
import time
from pathlib import Path

import orjson

from tests.support.bad_messages import BadMessage, bad_messages
from tests.support.figures import tell
from tests.support.gateway_process import GatewayProcess, assert_live_equals_replay
from tests.support.mosquitto import start_mosquitto
from tests.support.mqtt_client import Outgoing, SteadyPublisher
from tests.support.telemetry import WELL

SEED = 20261123
GOOD_PER_BAD = 3
RATE_HZ = 2000.0
GOOD = "icu/v1/icu/b01/mon1"


def interleaved(bad: list[BadMessage]) -> list[Outgoing]:
    """The bad ones in their order, and three times as many good ones between them at random."""
    good_payloads = range(GOOD_PER_BAD * len(bad))
    places = random.Random(SEED).sample(range(len(bad) + len(good_payloads)), len(bad))
    messages: list[Outgoing] = []
    waiting, is_bad = iter(bad), set(places)
    for number in range(len(bad) + len(good_payloads)):
        if number in is_bad:
            message = next(waiting)
            messages.append(Outgoing((message.kind, "bad", 0), message.topic, message.payload))
        else:
            seq = number - sum(place < number for place in is_bad)
            payload = orjson.dumps({"boot": "b", "seq": seq, "metrics": WELL})
            messages.append(Outgoing((GOOD, "b", seq), f"{GOOD}/obs", payload))
    return messages


def test_each_bad_message_is_in_quarantine_with_its_reason_and_none_is_in_the_way(tmp_path: Path) -> None:
    bad = bad_messages(time.time_ns() // 1_000_000)
    waiting = interleaved(bad)[::-1]

    def due(elapsed_s: float) -> list[Outgoing]:
        wanted = int(elapsed_s * RATE_HZ) - (len(bad) * (GOOD_PER_BAD + 1) - len(waiting))
        return [waiting.pop() for _ in range(min(wanted, len(waiting)))]

    with start_mosquitto(tmp_path) as broker, GatewayProcess(tmp_path / "data", broker.url) as gateway:
        gateway.start_and_wait()
        gateway.admit("icu", "b01")
        pid = gateway.process.pid
        with SteadyPublisher(broker.port, "ward", due) as publisher:
            good = gateway.await_account("icu", "b01", "mon1", evaluated=GOOD_PER_BAD * len(bad))
            publisher.finish()

        quarantine = gateway.pages("/quarantine", limit=200)
        total = gateway.ledger()["total"]
        assert gateway.process.pid == pid
        assert gateway.is_running
        assert gateway.readiness()[0] == 200
        assert_live_equals_replay(gateway)

    assert publisher.connections == 1
    assert [(row["topic"], row["reason"]) for row in reversed(quarantine)] == [(b.topic, b.reason) for b in bad]
    assert all(row["detail"] and row["metric"] is None for row in quarantine)
    assert (good["evaluated"], good["gaps"]) == (GOOD_PER_BAD * len(bad), 0)
    assert total == {
        "received": (GOOD_PER_BAD + 1) * len(bad),
        "evaluated": GOOD_PER_BAD * len(bad),
        "duplicate": 0,
        "rejected": len(bad),
        "pending": 0,
    }
    assert len({message.kind for message in bad}) >= 200
    tell(f"{len(bad)} kinds of bad message among {GOOD_PER_BAD * len(bad)} good ones at {RATE_HZ:g}/s")
