"""The permit, as a pump's controller reads it from a real broker: there when it may be, renewed, and gone when nobody
answers for it any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.dosing_ward import (
    LOW_PRESSURE,
    UNIT,
    BedMonitor,
    PermitReader,
    admit_for_course,
    chart,
)
from tests.support.figures import tell
from tests.support.gateway_process import GatewayProcess
from tests.support.mosquitto import Mosquitto, start_mosquitto

SPEED = 20
"""Of the tests that wait for a permit to run out: fourteen seconds of the gateway are 0.7 s of ours."""


@pytest.fixture
def ward(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Mosquitto, GatewayProcess]]:
    """A broker and a gateway, at the speed of the test's parameter and with its settings."""
    speed, environ = getattr(request, "param", (1, {}))
    options = [] if speed == 1 else ["--speed", str(speed)]
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(tmp_path / "data", broker.url, options=options, environ=environ) as gateway,
    ):
        gateway.start_and_wait()
        yield broker, gateway


def test_a_permit_is_retained_renewed_in_time_and_short(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as reader:
        admission_id = admit_for_course(gateway)
        first = reader.until("proceed")
        renewals = [first, reader.next()]
        with PermitReader(broker.port, "late") as late:
            retained = late.next()

    decision = gateway.get(f"/admissions/{admission_id}/dose-decision")
    gaps_s = [later.at_s - earlier.at_s for earlier, later in pairwise(renewals)]
    assert first.body is not None
    assert first.body.items() >= {"admission_id": admission_id, "dose_number": 1, "criteria": []}.items()
    assert first.body["computed"] == decision["decision"] == "proceed"
    assert first.body["profile_sha256"] == decision["profile"]["sha256"]
    assert all(0 < gap_s <= 5.0 for gap_s in gaps_s), gaps_s
    assert all(10.0 < permit.ahead_s <= 15.0 for permit in renewals)
    assert retained.body == renewals[-1].body
    tell(f"renewed after {gaps_s[0]:.2f} s, valid {first.ahead_s:.1f} s ahead")


def test_a_permit_becomes_hold_at_once_when_the_pressure_falls(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port) as monitor, PermitReader(broker.port) as reader:
        admit_for_course(gateway)
        reader.until("proceed")
        monitor.once = LOW_PRESSURE
        fell_s = time.monotonic()
        held = reader.until("hold", within_s=10.0)

    assert held.body is not None
    assert held.body["criteria"] == ["cardiovascular.sbp"]
    assert held.at_s - fell_s < 3.0  # reported within half a second, looked at within one
    tell(f"hold {held.at_s - fell_s:.2f} s after the monitor was told to report 84 mmHg")


def test_no_permit_says_proceed_while_something_required_is_unknown(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as reader:
        admission_id = admit_for_course(gateway, checked=False)
        unknown = [reader.next() for _ in range(2)]
        chart(gateway, admission_id, {"site:mental_status": "normal"})
        unknown.append(reader.next())

    assert {permit.decision for permit in unknown} == {"indeterminate"}
    assert unknown[-1].body is not None
    assert "skin.bullous_dermatitis" in unknown[-1].body["criteria"]
    assert "neurologic.mental_status" not in unknown[-1].body["criteria"]


def test_a_permit_is_taken_away_when_the_patient_moves_or_leaves(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as old, PermitReader(broker.port, "r2", bed="b02") as new:
        admission_id = admit_for_course(gateway)
        old.until("proceed")
        assert gateway.post(f"/admissions/{admission_id}/transfer", {"unit": UNIT, "bed": "b02"}).status_code < 300
        old.until(None)
        moved = new.next()
        assert gateway.post(f"/admissions/{admission_id}/discharge").status_code < 300
        new.until(None)
        with PermitReader(broker.port, "late") as late, PermitReader(broker.port, "late2", bed="b02") as late2:
            assert late.silent_for(0.5)
            assert late2.silent_for(0.5)

    assert moved.body is not None
    assert (moved.body["admission_id"], moved.decision) == (admission_id, "indeterminate")  # no device there yet


def test_no_permit_says_proceed_while_the_journal_refuses(ward: tuple[Mosquitto, GatewayProcess]) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as reader:
        admit_for_course(gateway)
        reader.until("proceed")
        gateway.forbid_writing()
        refused = reader.until("indeterminate", within_s=10.0)
        renewed = reader.next()
        shown = gateway.feed_snapshot()
        gateway.allow_writing()
        reader.until("proceed")

    assert refused.body is not None
    assert "journal" in refused.body["why"]
    assert shown["service"]["journal"] == "refusing"  # the displays are told too
    assert renewed.decision == "indeterminate"


@pytest.mark.parametrize("ward", [(SPEED, {})], indirect=True)
@pytest.mark.parametrize("end", ["kill", "pause"])
def test_a_permit_runs_out_when_the_gateway_dies_or_stops(ward: tuple[Mosquitto, GatewayProcess], end: str) -> None:
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as reader:
        admit_for_course(gateway)
        last = reader.until("proceed")
        getattr(gateway, end)()
        while not reader.silent_for(2.5):  # what was under way; a renewal is due each quarter second
            last = reader.next()
        with PermitReader(broker.port, "late") as late:
            silent = late.silent_for(0.5)
        assert silent
        assert reader.silent_for(0.1)
    assert time.monotonic() - last.at_s > last.valid_s / SPEED


@pytest.mark.parametrize("ward", [(SPEED, {"VIGIL_MQTT_PROTOCOL": "3.1.1"})], indirect=True)
def test_a_retained_permit_without_expiry_stays_at_the_broker_and_says_itself_that_it_is_over(
    ward: tuple[Mosquitto, GatewayProcess],
) -> None:
    """The control of the test above: only the expiry takes a dead gateway's permit away; `valid_until` always tells."""
    broker, gateway = ward
    with BedMonitor(broker.port), PermitReader(broker.port) as reader:
        admit_for_course(gateway)
        reader.until("proceed")
        gateway.kill()
        while not reader.silent_for(2.0):
            reader.next()
        with PermitReader(broker.port, "late") as late:
            left = late.next()
        assert left.body == reader.heard[-1].body
        assert left.at_s - reader.heard[-1].at_s > left.valid_s / SPEED

        gateway.start_and_wait()
        again = reader.next()
        assert again.body is not None
        assert again.decision == "indeterminate"  # what the broker kept comes first
        reader.until("proceed")


def test_a_gateway_that_comes_back_takes_away_what_it_left_at_a_bed_without_a_course(tmp_path: Path) -> None:
    with (
        start_mosquitto(tmp_path, persistence=True) as broker,
        GatewayProcess(tmp_path / "data", broker.url, environ={"VIGIL_MQTT_PROTOCOL": "3.1.1"}) as gateway,
    ):
        gateway.start_and_wait()
        admission_id = admit_for_course(gateway, checked=False)
        with PermitReader(broker.port) as reader:
            reader.until("indeterminate")
            broker.stop()  # with its files in order: it keeps what is retained
        gateway.await_part("broker", ok=False)
        assert gateway.post(f"/admissions/{admission_id}/discharge").status_code < 300
        gateway.kill()
        broker.restart()
        with PermitReader(broker.port, "again") as reader:
            assert reader.next().body is not None
            gateway.start_and_wait()
            reader.until(None)
