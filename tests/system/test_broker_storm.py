"""A broker that is away for longer than any device's silence limit, over real parts: one alarm for each unit that has a
patient and none for its devices; a patient who was low before is neither lost nor hidden; and it ends by itself.

The whole size (48 beds with 12 devices each) is in tests/unit/test_ward_alarm_policy.py, in the ward alone.
"""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest

from gateway.wire.topics import HOUSE_ALARM_TOPIC
from tests.support.broker_listener import listening, remember_session
from tests.support.figures import tell
from tests.support.gateway_process import GatewayProcess, assert_live_equals_replay, wait_until
from tests.support.mosquitto import start_mosquitto
from tests.support.mqtt_client import SteadyPublisher
from tests.support.telemetry import SHOCK_RULE, Episode, MonitorScript, Telemetry

UNITS, BEDS, DEVICES = ("icu", "hdu"), 3, 4
SICK = ("icu", "b1")
OUTAGE_S = 36.0
"""Longer than the silence limit of a monitor (20 s) and its onset delay (10 s)."""


def ward() -> Telemetry:
    return Telemetry(
        [
            MonitorScript(
                unit, f"b{bed}", 1.0, device=f"mon{number}",
                episodes=[Episode(1.0, 3600.0)] if (unit, f"b{bed}") == SICK else (),
            )
            for unit in UNITS
            for bed in range(BEDS)
            for number in range(DEVICES)
        ]
    )  # fmt: skip


@pytest.mark.slow
async def test_a_long_outage_is_one_alarm_for_each_unit_and_hides_no_patient(tmp_path: Path) -> None:
    with (
        start_mosquitto(tmp_path, persistence=True, autosave_interval=1800) as broker,
        GatewayProcess(tmp_path / "data", broker.url) as gateway,
    ):
        gateway.start_and_wait()
        for unit in UNITS:
            for bed in range(BEDS):
                gateway.admit(unit, f"b{bed}")
        await remember_session(broker.port, "house", HOUSE_ALARM_TOPIC)
        with SteadyPublisher(broker.port, "ward", ward().due) as publisher:
            sick = gateway.await_alarm(SHOCK_RULE)
            broker.stop()
            began_s = time.monotonic()
            wait_until(lambda: len(lost(gateway)) == len(UNITS), "each unit hears of it")
            wait_until(lambda: time.monotonic() - began_s > OUTAGE_S, "the outage lasts", within_s=OUTAGE_S + 5)
            during = gateway.alarms(state="active")
            house = gateway.feed_snapshot()["house_alarms"]
            broker.restart()
            gateway.await_ready()
            wait_until(lambda: not lost(gateway), "they end by themselves")
            publisher.finish()
        after = gateway.alarms(state="active")
        technical = [alarm for alarm in gateway.alarms(state="all") if alarm["kind"] == "technical"]

        assert {(alarm["rule_id"], alarm["unit"], alarm["bed"]) for alarm in technical} == {
            ("system.broker_lost", unit, None) for unit in UNITS
        }
        assert len(technical) == len(UNITS)
        assert {alarm["unit"] for alarm in house} == set(UNITS)
        for alarms in (during, after):
            (patient,) = (alarm for alarm in alarms if alarm["kind"] == "physiological")
            assert (patient["alarm_id"], patient["signal"]) == (sick["alarm_id"], "on")
        async with listening(broker.port, HOUSE_ALARM_TOPIC, session="house") as heard:
            await heard.until(lambda: len(heard.on("/alarm")) >= 2 * len(UNITS))
            said = [orjson.loads(each.payload) for each in heard.on("/alarm")]
        assert [(each["phase"], each["unit"], each["admission_id"]) for each in said] == [
            (phase, unit, None) for phase in ("start", "end") for unit in sorted(UNITS)
        ]
        assert_live_equals_replay(gateway)
        tell(f"{len(UNITS) * BEDS * DEVICES} devices silent for {OUTAGE_S:g} s: {len(technical)} technical alarms")


def lost(gateway: GatewayProcess) -> list[str]:
    return [alarm["unit"] for alarm in gateway.alarms(state="active") if alarm["rule_id"] == "system.broker_lost"]
