"""An alarm storm in which the gateway is killed (SIGKILL) again and again: what people are told is what they would have
been told had nobody disturbed it.

The gateway is a process with a real broker, stores on disk and a real receiver of notifications. Afterwards the journal
that it left is compared with what was sent, and folded once more without a break, without what the kills put into it
(`tests.support.undisturbed`): transitions, alarms, outcome lines, what the outbox was to tell whom and when, and the
instants of escalations must be the same rows, and what was heard over MQTT and HTTP must be exactly that, each once.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.announcer import KEPT_EVERY
from tests.support.alarm_storm import ATTENDED, Heard, Nurse, Relay, Storm, admit_all, write_config
from tests.support.figures import tell
from tests.support.gateway_process import GatewayProcess, JsonObject, journaled_identities, wait_until
from tests.support.kills import kill_at_random_moments
from tests.support.mosquitto import start_mosquitto
from tests.support.mqtt_client import Identity, SteadyPublisher
from tests.support.offset_apart import APART_S, CONTROL, OFFSET_APART
from tests.support.undisturbed import Recorded, Row, applied_offset, first_differences, recorded, undisturbed_records
from tests.support.webhook_receiver import webhook_receiver

SEED = 20261123
KILLS = int(os.environ.get("VIGIL_TEST_STORM_KILLS", "100"))
EVENTS = int(os.environ.get("VIGIL_TEST_STORM_EVENTS", "10000"))
"""Of the slow test."""
RUNNING_MAX_S = 1.0
SETTINGS = {"VIGIL_SNAPSHOT_INTERVAL_S": "1", "VIGIL_SERIES_FLUSH_INTERVAL_S": "0.5"}
"""So often that kills fall between, into and after them."""
SETTLED_WITHIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Storming:
    """A storm that is over, and what was heard of it. The gateway does not run."""

    gateway: GatewayProcess
    config: Path
    died_starting: int
    acknowledged: set[Identity]
    """Messages that the broker acknowledged."""
    answered: set[str]
    """Alarms of which the gateway said that their acknowledgement is taken."""
    heard: Heard
    relay: Relay

    @property
    def records(self) -> Path:
        return self.gateway.data_dir / "records.db"


@contextmanager
def storm(
    folder: Path, kills: int, events: int, speed: float, *, settles: bool = True, **how: Any
) -> Iterator[Storming]:
    """A storm of at least so many events, over so many kills."""
    with webhook_receiver() as receiver, start_mosquitto(folder) as broker:
        relay, config = Relay(receiver), write_config(folder, receiver.url)
        options = ["--config", str(config), "--speed", str(speed)]
        with GatewayProcess(folder / "data", broker.url, **{"options": options, "environ": SETTINGS, **how}) as gateway:
            gateway.start_and_wait()
            admit_all(gateway)
            stormy = Storm()
            with (
                Nurse(broker.port, gateway) as nurse,
                SteadyPublisher(broker.port, "monitors", stormy.due) as monitors,
            ):
                chance = random.Random(SEED)
                died = kill_at_random_moments(gateway, kills, chance, running_max_s=RUNNING_MAX_S)
                if settles:
                    gateway.await_ready()
                    wait_until(
                        lambda: nurse.heard.storm_events >= events and nurse.heard.counts["escalate"] > 0,
                        f"{events} events, and an escalation",
                        within_s=SETTLED_WITHIN_S,
                    )
                acknowledged = monitors.finish()
                if settles:
                    gateway.await_total(evaluated=len(acknowledged))
                    _await_settled(gateway, nurse)
                gateway.kill()
                nurse.check()
            yield Storming(gateway, config, died, acknowledged, nurse.answered, nurse.heard, relay)


def _await_settled(gateway: GatewayProcess, nurse: Nurse) -> None:
    """Until everything due was told; then the gateway is killed for the last time, at once."""
    while True:
        gateway.await_ready()
        wait_until(lambda: _untold(gateway, nurse) == (0, 0), "everybody was told", within_s=SETTLED_WITHIN_S)
        gateway.kill()
        if _untold(gateway, nurse) == (0, 0):
            return
        gateway.start()


def _untold(gateway: GatewayProcess, nurse: Nurse) -> tuple[int, int]:
    """Notifications that wait, and alarm transitions that were not heard over MQTT."""
    nurse.check()
    with closing(sqlite3.connect(f"file:{gateway.data_dir / 'records.db'}?mode=ro", uri=True)) as connection:
        waiting = connection.execute("SELECT count(*) FROM notifications WHERE state = 'waiting'").fetchone()[0]
        told = connection.execute("SELECT count(*) FROM transitions").fetchone()[0]
    return waiting, told - len(nurse.heard.lines)


async def compared(storming: Storming, folder: Path) -> tuple[Recorded, Recorded, int]:
    """What the killed gateway recorded, what the undisturbed run records, and what the kills put into the journal."""
    up_to = applied_offset(storming.records)
    other = folder / "undisturbed.db"
    left_out = await undisturbed_records(storming.gateway.data_dir / "journal.db", storming.config, other, up_to)
    return recorded(storming.records, up_to), recorded(other, up_to), left_out


@pytest.mark.parametrize(
    ("kills", "events", "speed"),
    [
        (8, 800, 12.0),
        pytest.param(KILLS, EVENTS, 6.0, marks=[pytest.mark.slow, pytest.mark.timeout(4 * KILLS + 600)]),
    ],
)
async def test_kills_in_an_alarm_storm_change_nothing_of_what_people_are_told(
    tmp_path: Path, kills: int, events: int, speed: float
) -> None:
    with storm(tmp_path, kills, events, speed) as storming:
        killed, undisturbed, left_out = await compared(storming, tmp_path)

    heard, relay = storming.heard, storming.relay
    tell(
        f"{kills} kills, {storming.died_starting} of them while starting; transitions {dict(heard.counts)}; "
        f"{left_out} entries that the kills had put into {applied_offset(storming.records)}; "
        f"{len(storming.acknowledged)} messages acknowledged; {len(storming.answered)} acknowledgements answered; "
        f"{len(killed['escalations'])} escalations; MQTT told {heard.again} again; {len(relay.taken)} notifications "
        f"taken, {len(relay.refused)} refused at first, {relay.again} sent again"
    )
    assert first_differences(killed, undisturbed) == {}
    assert heard.storm_events >= events
    assert killed["escalations"]
    assert_journal_holds_what_was_acknowledged(storming)
    assert_mqtt_told_each_transition_once_and_in_order(heard, undisturbed)
    assert_little_is_told_again(heard, kills)
    called_off = assert_receivers_took_what_the_undisturbed_outbox_holds(storming, undisturbed)
    tell(f"{called_off} escalations called off because somebody had come")
    assert_acknowledgements_that_were_answered_happened(storming, undisturbed)


def assert_journal_holds_what_was_acknowledged(storming: Storming) -> None:
    assert set(journaled_identities(storming.gateway.data_dir)) == storming.acknowledged


def assert_mqtt_told_each_transition_once_and_in_order(heard: Heard, undisturbed: Recorded) -> None:
    """After idempotency: what comes a second time is known by its number, and is the same (`Heard.take`)."""
    lines = [str(line).encode() for _, _, line in undisturbed["outcomes"] if '"type":"alarm"' in str(line)]
    assert heard.lines == lines


def assert_little_is_told_again(heard: Heard, kills: int) -> None:
    """Who dies with much to send goes on where it was, and does not begin all of it again."""
    assert heard.again <= 2 * KEPT_EVERY * (kills + 1)


def assert_receivers_took_what_the_undisturbed_outbox_holds(storming: Storming, undisturbed: Recorded) -> int:
    """But for calls that were called off because somebody had come; how many these are."""
    assert storming.relay.other_bodies == []
    assert len(storming.relay.refused) >= 1, "negative control: some were refused and tried again"
    became = _what_became_of_notifications(storming.records)
    wanted = {str(row[0]): str(row[10]).encode() for row in undisturbed["notifications"]}
    called_off = {key for key, state in became.items() if state == "cancelled"}
    assert storming.relay.taken == {key: body for key, body in wanted.items() if key not in called_off}
    assert {state for key, state in became.items() if key not in called_off} == {"sent"}
    may_be_called_off = {row[0] for row in undisturbed["notifications"] if row[8] and _unit_of(row) in ATTENDED}
    assert called_off <= may_be_called_off
    return len(called_off)


def assert_acknowledgements_that_were_answered_happened(storming: Storming, undisturbed: Recorded) -> None:
    assert len(storming.answered) > 10
    assert storming.answered <= {row[4] for row in undisturbed["transitions"] if row[8] != "vigil"}


def _unit_of(notification: Row) -> str:
    return str(orjson.loads(str(notification[10]))["alarm"]["unit"])


def _what_became_of_notifications(records: Path) -> JsonObject:
    with closing(sqlite3.connect(f"file:{records}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT key, state FROM notifications").fetchall())


async def test_the_same_kills_lose_alarms_when_the_offset_is_written_before_its_transaction(tmp_path: Path) -> None:
    with storm(tmp_path, 4, 0, 12.0, settles=False, entry=OFFSET_APART) as storming:
        killed, undisturbed, _ = await compared(storming, tmp_path)

    differences = first_differences(killed, undisturbed)
    assert {"transitions", "outcomes", "notifications"} <= set(differences)
    assert len(killed["transitions"]) < len(undisturbed["transitions"])


def test_a_gateway_whose_offset_is_written_after_its_transaction_records_twice_and_refuses_to_go_on(
    tmp_path: Path,
) -> None:
    """Records that are written twice are found by the database itself: the process ends, and says so."""
    environ = {**SETTINGS, CONTROL: "after"}
    with (
        pytest.raises(AssertionError, match=r"the gateway ended[\s\S]*UNIQUE constraint failed"),
        storm(tmp_path, 20, 0, 12.0, settles=False, entry=OFFSET_APART, environ=environ),
    ):
        pytest.fail("twenty kills, and none between the two transactions")


@pytest.mark.slow
async def test_the_same_kills_change_nothing_when_the_offset_is_put_back_into_the_transaction(tmp_path: Path) -> None:
    environ = {**SETTINGS, CONTROL: "together"}
    with storm(tmp_path, 4, 100, 12.0, entry=OFFSET_APART, environ=environ) as storming:
        killed, undisturbed, _ = await compared(storming, tmp_path)

    assert APART_S > 0
    assert first_differences(killed, undisturbed) == {}
