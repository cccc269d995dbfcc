"""The gateway killed (SIGKILL) at random moments under load: nothing acknowledged is lost, nothing counts twice, and
the alarms are those of a run that nobody disturbed.

What is compared. The publisher knows which messages the broker acknowledged; the broker keeps each until the gateway
has acknowledged it; so each must be in the journal. An undisturbed run over the same journal is `vigil replay` of its
export: alarms, their ids, every transition and the hash over all outcomes must be what the live records hold.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.wire.commands import encode_command
from storage.journal import Journal, Row
from storage.ports import EntryKind
from tests.support.early_acknowledgement import CONTROL, EARLY
from tests.support.figures import tell
from tests.support.gateway_process import (
    GatewayProcess,
    JsonObject,
    Outcomes,
    assert_audit_is_whole,
    assert_live_equals_replay,
    journaled_identities,
    wait_until,
)
from tests.support.kills import kill_at_random_moments
from tests.support.mosquitto import free_port, start_mosquitto
from tests.support.mqtt_client import Identity, MqttClient, SteadyPublisher
from tests.support.telemetry import BRADYCARDIA, BRADYCARDIA_RULE, SHOCK, Episode, MonitorScript, Telemetry

SEED = 20261123
BEDS, RATE_HZ = 50, 10.0
"""500 messages a second."""
MANY_KILLS = int(os.environ.get("VIGIL_TEST_KILLS", "50"))
"""Of the slow test: three seconds each."""
SICK_BEDS, ADMITTED_BEDS = 8, 16
SICK_S, WELL_S = 13.0, 20.0
RUNNING_MAX_S = 0.8
"""How long a gateway that is ready lives on at most."""
RECOVERING_S = 0.25
"""Less than reading the journal of these tests again takes."""
SETTINGS = {"VIGIL_SNAPSHOT_INTERVAL_S": "1", "VIGIL_SERIES_FLUSH_INTERVAL_S": "0.5"}
"""So often that kills fall between, into and after them."""
LAST = "icu/v1/icu/last/mon1"
"""Sends the last message of all: when it has come, everything has."""

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Arrived:
    """What went in and what is in the journal, once everything has arrived."""

    acknowledged: set[Identity]
    """By the broker, to the publisher."""
    journaled: list[Identity]
    """Repeats included."""
    ledger: JsonObject
    kills: Kills

    @property
    def lost(self) -> set[Identity]:
        return self.acknowledged - set(self.journaled)


def ward() -> Telemetry:
    """Monitors, of which the first few show bradycardia again and again, each at its own times."""
    monitors = []
    for number in range(BEDS):
        sick = [Episode(at, at + SICK_S, BRADYCARDIA) for at in sick_from(number)] if number < SICK_BEDS else []
        monitors.append(MonitorScript("icu", f"b{number:02d}", RATE_HZ, sick))
    return Telemetry(monitors)


def sick_from(number: int) -> list[float]:
    return [0.2 * number + turn * (SICK_S + WELL_S) for turn in range(20)]


@dataclass(slots=True)
class Kills:
    """What was done to a gateway between its kills."""

    while_starting: int = 0
    answered: set[str] = field(default_factory=set)
    """Alarms of which it said that their acknowledgement is taken."""


def kill_and_acknowledge(gateway: GatewayProcess, kills: int, chance: random.Random) -> Kills:
    """Kills a running gateway so many times; alarms are acknowledged in between."""
    done = Kills()

    def acknowledge() -> None:
        done.answered |= acknowledge_all(gateway)

    done.while_starting = kill_at_random_moments(
        gateway, kills, chance, running_max_s=RUNNING_MAX_S, while_running=acknowledge
    )
    return done


def acknowledge_all(gateway: GatewayProcess) -> set[str]:
    """Takes note of every alarm that sounds; returns those for which the gateway said yes."""
    sounding = [alarm["alarm_id"] for alarm in gateway.alarms(state="active") if alarm["signal"] in {"on", "latched"}]
    answers = {alarm_id: gateway.post(f"/alarms/{alarm_id}/acknowledge").status_code for alarm_id in sounding}
    assert set(answers.values()) <= {200, 409}
    return {alarm_id for alarm_id, status in answers.items() if status == 200}


@contextmanager
def disturbed(
    tmp_path: Path, kills: int, *, until_alarms: bool = True, **how: Any
) -> Iterator[tuple[GatewayProcess, Arrived]]:
    """A ward under load and a gateway that is killed again and again, then left alone until everything has arrived."""
    chance = random.Random(SEED)
    telemetry = ward()
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(tmp_path / "data", broker.url, **{"environ": SETTINGS, **how}) as gateway,
    ):
        gateway.start_and_wait()
        for number in range(ADMITTED_BEDS):
            gateway.admit("icu", f"b{number:02d}")
        with SteadyPublisher(broker.port, "ward", telemetry.due) as publisher:
            done = kill_and_acknowledge(gateway, kills, chance)
            gateway.await_ready()
            if until_alarms:
                wait_until(lambda: len(sick_beds(gateway)) == SICK_BEDS, "every sick bed has its alarm")
                done.answered |= acknowledge_all(gateway)
                gateway.kill()
                gateway.start_and_wait()
            acknowledged = publisher.finish()
        assert publisher.connections == 1
        with MqttClient(broker.port, "last") as last:
            last.publish(f"{LAST}/obs", b'{"boot":"b","seq":0,"metrics":{}}')
        gateway.await_account("icu", "last", "mon1")
        journaled = [identity for identity in journaled_identities(gateway.data_dir) if identity[0] != LAST]
        yield gateway, Arrived(acknowledged, journaled, gateway.ledger(), done)


@pytest.mark.parametrize(
    ("kills", "installed"),
    [
        (12, False),
        pytest.param(MANY_KILLS, True, marks=[pytest.mark.slow, pytest.mark.timeout(10 * MANY_KILLS + 300)]),
    ],
)
def test_kills_at_random_moments_lose_nothing_and_change_no_alarm(tmp_path: Path, kills: int, installed: bool) -> None:
    with disturbed(tmp_path, kills, installed=installed) as (gateway, arrived):
        assert arrived.lost == set()
        assert set(arrived.journaled) == arrived.acknowledged
        assert_each_evaluated_once(arrived)
        assert_series_hold_each_message_once(gateway, arrived)
        assert_alarms_are_those_of_the_sick(gateway)
        outcomes = assert_live_equals_replay(gateway)
        assert_answers_were_kept(arrived.kills, outcomes)
        assert assert_audit_is_whole(gateway.data_dir)["anchors"] >= 1

    redelivered = len(arrived.journaled) - len(arrived.acknowledged)
    tell(
        f"{kills} kills, {arrived.kills.while_starting} of them while starting; {len(arrived.acknowledged)} "
        f"acknowledged, 0 lost, {redelivered} redelivered and known; {len(outcomes.transitions)} alarms equal, "
        f"{len(arrived.kills.answered)} acknowledgements by people kept"
    )


def assert_each_evaluated_once(arrived: Arrived) -> None:
    rows = Counter(place for place, _, _ in arrived.journaled)
    distinct = Counter(place for place, _, _ in set(arrived.journaled))
    accounts = {place_of(line): line for line in arrived.ledger["devices"]}
    assert len(rows) == BEDS
    for place, received in rows.items():
        account = accounts[place]
        assert (account["received"], account["evaluated"]) == (received, distinct[place])
        assert (account["rejected"], account["gaps"]) == (0, 0)
    assert arrived.ledger["total"]["pending"] == 0


def assert_answers_were_kept(kills: Kills, outcomes: Outcomes) -> None:
    """A command that was answered has happened, whatever happened to the gateway afterwards."""
    assert len(kills.answered) >= SICK_BEDS
    for alarm_id in kills.answered:
        assert "acknowledge" in {step["phase"] for step in outcomes.transitions[alarm_id]}


def assert_series_hold_each_message_once(gateway: GatewayProcess, arrived: Arrived) -> None:
    """The time series are written by another task than the records, and die at other moments."""
    messages = Counter(place for place, _, _ in set(arrived.journaled))
    for admission in gateway.pages("/admissions"):
        lines = gateway.export_csv(admission["admission_id"])
        heart_rates = [line for line in lines if line["name"] == "MDC_ECG_HEART_RATE"]
        assert len(heart_rates) == messages[f"icu/v1/{admission['unit']}/{admission['bed']}/mon1"]


def assert_alarms_are_those_of_the_sick(gateway: GatewayProcess) -> None:
    physiological = {alarm["bed"] for alarm in gateway.alarms(state="all") if alarm["kind"] == "physiological"}
    assert sick_beds(gateway) == physiological == {f"b{number:02d}" for number in range(SICK_BEDS)}


def sick_beds(gateway: GatewayProcess) -> set[str]:
    return {alarm["bed"] for alarm in gateway.alarms(state="all") if alarm["rule_id"] == BRADYCARDIA_RULE}


def test_the_same_kills_lose_messages_when_they_are_acknowledged_before_the_commit(tmp_path: Path) -> None:
    with disturbed(tmp_path, 3, until_alarms=False, entry=EARLY) as (_, arrived):
        assert arrived.lost != set()
        assert sum(line["gaps"] for line in arrived.ledger["devices"]) == len(arrived.lost)


@pytest.mark.slow
def test_the_same_kills_lose_nothing_when_only_the_order_is_put_right(tmp_path: Path) -> None:
    with disturbed(tmp_path, 3, until_alarms=False, entry=EARLY, environ={**SETTINGS, CONTROL: "late"}) as (_, arrived):
        assert arrived.lost == set()


def place_of(line: JsonObject) -> str:
    return "/".join(("icu/v1", line["unit"], line["bed"], line["device"]))


# --- recovery ---------------------------------------------------------------------------------------------------------


async def write_journal(path: Path, messages: int) -> None:
    """A journal of some hours ago: admissions and messages, and nothing made from it yet."""
    journal = await asyncio.to_thread(Journal.open, path)
    began_ms = time.time_ns() // 1_000_000 - 6 * 3_600_000
    monitors = [
        MonitorScript("icu", f"b{number:02d}", 1.0, [Episode(60.0 * n, 60.0 * n + 20, SHOCK) for n in range(60)])
        for number in range(10)
    ]
    rows: list[Row] = [
        (EntryKind.COMMAND, "admit", encode_command(admission_of(monitor)), began_ms) for monitor in monitors
    ]
    for second in range(messages // len(monitors)):
        now_ms = began_ms + second * 1000
        made = [monitor.message(second, now_ms) for monitor in monitors]
        rows += [(EntryKind.MESSAGE, message.topic, message.payload, now_ms) for message in made]
    await journal.append(rows)
    await asyncio.to_thread(journal.close)


def admission_of(monitor: MonitorScript) -> JsonObject:
    weights = {"dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
    return {"patient_id": f"p-{monitor.bed}", "unit": monitor.unit, "bed": monitor.bed, "baseline": {}, **weights}


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
async def test_kills_while_the_journal_is_read_again_are_harmless(tmp_path: Path, kills: int) -> None:
    messages, chance = 12_000, random.Random(SEED)
    (tmp_path / "data").mkdir()
    await write_journal(tmp_path / "data" / "journal.db", messages)
    with GatewayProcess(tmp_path / "data", f"mqtt://127.0.0.1:{free_port()}") as gateway:
        died_recovering = 0
        for _ in range(kills):
            gateway.start()
            gateway.await_recovering()
            time.sleep(chance.uniform(0.0, RECOVERING_S))
            died_recovering += gateway.readiness_or_none() is None
            gateway.kill()
        gateway.start()
        gateway.await_serving()
        gateway.kill()  # as soon as it serves
        gateway.start()
        gateway.await_serving()

        assert first_replayed(gateway) >= messages, "what was read again once is not read again"
        assert died_recovering >= kills // 2
        assert gateway.ledger()["total"] == {
            "received": messages, "evaluated": messages, "duplicate": 0, "rejected": 0, "pending": 0
        }  # fmt: skip
        assert len(gateway.alarms(state="all")) >= 10
        assert_live_equals_replay(gateway)
        tell(f"{kills} kills, {died_recovering} of them while the journal was read again")


def first_replayed(gateway: GatewayProcess) -> int:
    """After which entry the latest start began to read the journal."""
    return int(re.findall(r"recovered: offsets (\d+) to", gateway.log)[-1])
