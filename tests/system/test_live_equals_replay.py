"""A recording played into a running gateway, over MQTT and HTTP at many times its speed, comes to exactly what the
gateway's journal comes to when it is replayed offline: the same alarms, ids, transitions, and hash."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from gateway.wire.recording import RecordedEntry, write_recording
from streaming.instants import format_ms
from tests.support.gateway_process import (
    GatewayProcess,
    JsonObject,
    assert_audit_is_whole,
    assert_live_equals_replay,
    replayed_lines,
    run_vigil,
)
from tests.support.mosquitto import Mosquitto, start_mosquitto
from tests.support.sources import REPOSITORY
from tests.support.telemetry import BRADYCARDIA, SHOCK, Episode, MonitorScript

SHARED_DATA = Path(os.environ.get("VIGIL_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
MIMIC = SHARED_DATA / "mimic-iv-demo"
STAY = "25809882"
"""104 hours, with hypotension again and again."""
BEGAN_MS = 1_795_428_000_000


def synthetic_recording(path: Path) -> Path:
    """Half an hour of two patients: one in shock twice, one with bradycardia; a course and a dose of it, a note, a
    transfer, two discharges."""
    scripts = {
        "b01": MonitorScript("icu", "b01", 0.5, [Episode(120, 300, SHOCK), Episode(900, 1000, SHOCK)]),
        "b02": MonitorScript("icu", "b02", 0.5, [Episode(600, 700, BRADYCARDIA)]),
        "b03": MonitorScript("icu", "b03", 0.5, [Episode(1500, 1600, SHOCK)]),
    }
    entries = [_command(0, "admit", f"stay-{bed}", **_patient(bed)) for bed in ("b01", "b02")]
    for second in range(1, 1800, 2):
        for bed, script in scripts.items():
            if (bed == "b03") == (second < 1200) and bed != "b02":
                continue  # the patient of b01 moves to b03
            message = script.message(float(second), BEGAN_MS + second * 1000)
            entries.append(RecordedEntry(received_ms=_at(second), topic=message.topic, payload=message.payload))
    entries += [_pump(second) for second in range(600, 1200, 10)]
    course = {"drug": "aldesleukin", "dose_iu_per_kg": 600_000, "interval_h": 8, "max_doses": 14, "duration_min": 15}
    entries += [
        _command(10, "course", "stay-b02", first_dose_at=format_ms(_at(600)), **course),
        _command(700, "chart", "stay-b02", time=_at(690), metrics={"site:mental_status": "normal"}),
        _command(1200, "transfer", "stay-b01", unit="icu", bed="b03"),
        _command(1800, "discharge", "stay-b01"),
        _command(1800, "discharge", "stay-b02"),
    ]
    write_recording(path, sorted(entries, key=lambda entry: entry.received_ms))
    return path


def _pump(second: int) -> RecordedEntry:
    """The pump of b02, which runs a dose from 600 s to 1100 s."""
    running = second < 1100
    metrics = {
        "MDC_DRUG_NAME_LABEL": "Proleukin",
        "MDC_CONC_DRUG": {"value": 300_000, "unit": "[IU]/mL"},
        "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing" if running else "pump-status-not-infusing",
        "MDC_FLOW_FLUID_PUMP_CURRENT": 640.0 if running else 0.0,
        "MDC_VOL_FLUID_DELIV_TOTAL": round(640.0 * (min(second, 1100) - 600) / 3600, 1),
    }
    body = {"boot": "p", "seq": (second - 600) // 10, "time": _at(second), "metrics": metrics}
    return RecordedEntry(received_ms=_at(second), topic="icu/v1/icu/b02/pump1/obs", payload=orjson.dumps(body))


def _at(second: int) -> int:
    return BEGAN_MS + second * 1000


def _patient(bed: str) -> JsonObject:
    return {"patient_id": f"p-{bed}", "unit": "icu", "bed": bed, "dosing_weight_kg": 80, "baseline_weight_kg": 80}


def _command(second: int, command: str, admission_id: str, **body: object) -> RecordedEntry:
    whole = {"admission_id": admission_id, "actor": "test", **body}
    return RecordedEntry(received_ms=_at(second), command=command, body=whole)


@contextmanager
def fast_gateway(tmp_path: Path, speed: int) -> Iterator[tuple[Mosquitto, GatewayProcess]]:
    with (
        start_mosquitto(tmp_path) as broker,
        GatewayProcess(tmp_path / "data", broker.url, options=["--speed", str(speed)]) as gateway,
    ):
        yield broker, gateway.start_and_wait()


def play(recording: Path, broker: Mosquitto, gateway: GatewayProcess, speed: int) -> JsonObject:
    """Plays a recording with `vigil simulate`; returns what it says of it."""
    options = ["--speed", str(speed), "--broker", broker.url, "--api", gateway.url, "--json"]
    played = run_vigil("simulate", "--recording", recording, *options, within_s=110)
    assert played.returncode == 0, played.stdout + played.stderr
    result: JsonObject = json.loads(played.stdout)
    assert (result["heartbeat_heard"], result["not_sent"], result["messages"]["unheard"]) == (True, {}, 0)
    return result


def rules_of(lines: Iterable[JsonObject]) -> Counter[str]:
    """How many alarms of each rule."""
    return Counter({line["alarm_id"]: line["rule_id"] for line in lines}.values())


def test_a_recording_played_live_equals_the_replay_of_what_was_journaled(tmp_path: Path) -> None:
    recording = synthetic_recording(tmp_path / "made.ndjson")
    with fast_gateway(tmp_path, 600) as (broker, gateway):
        play(recording, broker, gateway, 600)
        gateway.await_account("icu", "b02", "mon1", received=900)

        outcomes = assert_live_equals_replay(gateway)

        assert assert_audit_is_whole(gateway.data_dir)["entries"] >= outcomes.summary["alarms"]
        assert outcomes.summary["evaluated"] == 1800 + 60
        assert outcomes.summary["decisions"] >= 1
        assert outcomes.summary["alarms"] >= 8
        live = rules_of(gateway.alarms(state="all"))
    offline = (line for line in replayed_lines(recording) if line["type"] == "alarm")
    assert live == rules_of(offline)  # ids and times are others


@pytest.mark.skipif(not MIMIC.is_dir(), reason="the MIMIC-IV demo tables are not at VIGIL_SHARED_DATA")
def test_a_real_stay_played_live_equals_the_replay_of_what_was_journaled(tmp_path: Path) -> None:
    recording = tmp_path / f"{STAY}.ndjson"
    imported = run_vigil("import", "mimic-csv", MIMIC, "--stay", STAY, "--out", recording)
    assert imported.returncode == 0, imported.stderr
    with fast_gateway(tmp_path, 100_000) as (broker, gateway):
        play(recording, broker, gateway, 100_000)

        outcomes = assert_live_equals_replay(gateway)

        # One alarm for each cause, named after its strongest condition: the lesser ones are its parts.
        parts = {part["rule_id"] for alarm in gateway.alarms(state="all") for part in alarm["parts"]}
        assert gateway.ledger()["total"]["rejected"] == 0
    assert outcomes.summary["alarms"] >= 20
    assert "hypotension.map_below_65" in parts


def test_a_replay_of_another_journal_is_told_apart(tmp_path: Path) -> None:
    whole = synthetic_recording(tmp_path / "whole.ndjson")
    one_less = tmp_path / "one-less.ndjson"
    lines = whole.read_bytes().splitlines(keepends=True)
    sick = next(n for n, line in enumerate(lines) if b'"MDC_PRESS_BLD_ART_ABP_MEAN":45.0' in line)
    one_less.write_bytes(b"".join(lines[:sick] + lines[sick + 1 :]))

    assert replayed_lines(whole)[-1]["sha256"] != replayed_lines(one_less)[-1]["sha256"]
