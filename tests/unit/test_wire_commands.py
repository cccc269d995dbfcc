"""Commands: bodies of every command, defaults, limits, and one canonical encoding."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.wire.commands import CommandName, encode_command, parse_command
from streaming.commands import (
    LIMITS_OFF_MAX_S,
    Acknowledge,
    Admit,
    AudioPause,
    Chart,
    Clock,
    Course,
    Discharge,
    LimitsOff,
    Link,
    SelfCheck,
    Sign,
    Tick,
    Transfer,
)
from streaming.identity import BedId
from streaming.observation import MetricReading, Rejected

NOW_MS = 1_795_428_672_345
ADMIT: dict[str, Any] = {
    "patient_id": "P-1",
    "unit": "icu",
    "bed": "b01",
    "name": "Doe, J",
    "dosing_weight_kg": 80,
    "baseline_weight_kg": 80.4,
    "baseline": {"sbp": 124, "map": 88, "hr": 78, "creatinine": 0.9},
    "profile": "label-2024",
    "limits": {"sbp_alarm": 90, "hr_high": 130},
    "actor": "nurse.a",
}
COURSE: dict[str, Any] = {
    "admission_id": "adm-1",
    "drug": "aldesleukin",
    "dose_iu_per_kg": 600_000,
    "interval_h": 8,
    "max_doses": 14,
    "duration_min": 15,
    "first_dose_at": "2026-11-23T16:00:00Z",
    "cycle": 1,
    "actor": "dr.b",
}
CHART: dict[str, Any] = {
    "admission_id": "adm-1",
    "time": "2026-11-23T10:00:00Z",
    "metrics": {"site:skin": "normal", "loinc:2160-0": {"value": 88.4, "unit": "umol/L"}},
    "actor": "nurse.a",
}
BODIES: dict[str, dict[str, Any]] = {
    "admit": ADMIT,
    "course": COURSE,
    "chart": CHART,
    "acknowledge": {"alarm_id": "alm-1", "note": "seen", "actor": "nurse.a"},
    "audio_pause": {"admission_id": "adm-1", "seconds": 120, "actor": "nurse.a"},
    "limits_off": {
        "admission_id": "adm-1",
        "rule_id": "tachycardia.hr_above_130",
        "reason": "ECG being taken",
        "seconds": 600,
        "actor": "nurse.a",
    },
    "sign": {"admission_id": "adm-1", "decision": "proceed", "reason": "recovered", "actor": "dr.b"},
    "transfer": {"admission_id": "adm-1", "unit": "icu", "bed": "b02", "actor": "nurse.a"},
    "discharge": {"admission_id": "adm-1", "actor": "nurse.a"},
    "link": {"part": "broker", "state": "down", "actor": "vigil"},
    "clock": {"speed": 60, "actor": "vigil"},
    "self_check": {
        "part": "disk_nearly_full",
        "well": False,
        "text": "412 MB free",
        "figures": {"free_bytes": 412_000_000},
        "actor": "vigil",
    },
    "tick": {},
}
COMMANDS = {
    "admit": Admit(
        admission_id=None,
        patient_id="P-1",
        bed=BedId("icu", "b01"),
        name="Doe, J",
        dosing_weight_kg=80.0,
        baseline_weight_kg=80.4,
        baseline={"sbp": 124.0, "map": 88.0, "hr": 78.0, "creatinine": 0.9},
        profile="label-2024",
        limits={"sbp_alarm": 90.0, "hr_high": 130.0},
        actor="nurse.a",
    ),
    "course": Course(
        admission_id="adm-1",
        drug="aldesleukin",
        dose_iu_per_kg=600_000.0,
        interval_h=8.0,
        max_doses=14,
        duration_min=15.0,
        first_dose_ms=1_795_449_600_000,
        cycle=1,
        actor="dr.b",
    ),
    "chart": Chart(
        admission_id="adm-1",
        determined_ms=1_795_428_000_000,
        metrics={"site:skin": "normal", "loinc:2160-0": MetricReading(value=88.4, unit="umol/L")},
        actor="nurse.a",
    ),
    "acknowledge": Acknowledge(alarm_id="alm-1", note="seen", actor="nurse.a"),
    "audio_pause": AudioPause(admission_id="adm-1", seconds=120, actor="nurse.a"),
    "limits_off": LimitsOff(
        admission_id="adm-1",
        scope="rule_id",
        name="tachycardia.hr_above_130",
        reason="ECG being taken",
        seconds=600,
        actor="nurse.a",
    ),
    "sign": Sign(admission_id="adm-1", decision="proceed", reason="recovered", actor="dr.b"),
    "transfer": Transfer(admission_id="adm-1", bed=BedId("icu", "b02"), actor="nurse.a"),
    "discharge": Discharge(admission_id="adm-1", actor="nurse.a"),
    "link": Link(is_up=False, actor="vigil"),
    "clock": Clock(speed=60, actor="vigil"),
    "self_check": SelfCheck(
        part="disk_nearly_full",
        is_well=False,
        text="412 MB free",
        figures={"free_bytes": 412_000_000.0},
        actor="vigil",
    ),
    "tick": Tick(),
}

OPTIONAL = {
    "admit": ["name", "baseline", "profile", "limits", "actor"],
    "course": ["cycle", "actor"],
    "chart": ["time", "actor"],
    "acknowledge": ["note", "actor"],
    "audio_pause": ["actor"],
    "limits_off": ["actor"],
    "sign": ["reason", "actor"],
    "transfer": ["actor"],
    "discharge": ["actor"],
    "link": ["actor"],
    "clock": ["actor"],
    "self_check": ["figures", "actor"],
    "tick": [],
}
REQUIRED = [(c, f) for c, body in BODIES.items() for f in body if f not in OPTIONAL[c]]


def parse(name: str, body: dict[str, Any]) -> Any:
    return parse_command(name, body, NOW_MS)


def test_every_command_has_its_example_here() -> None:
    assert set(CommandName) == BODIES.keys() == COMMANDS.keys() == OPTIONAL.keys()


@pytest.mark.parametrize("name", BODIES)
def test_body_becomes_its_command_parsed_or_as_bytes(name: str) -> None:
    assert COMMANDS[name] == parse(name, BODIES[name])
    assert COMMANDS[name] == parse_command(name, encode_command(BODIES[name]), NOW_MS)


@pytest.mark.parametrize(("name", "field"), REQUIRED)
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "null"])
def test_required_field_is_asked_for(name: str, field: str, missing: bool) -> None:
    body = {key: value for key, value in BODIES[name].items() if key != field}

    found = parse(name, body if missing else body | {field: None})

    assert isinstance(found, Rejected)
    assert (found.reason, f"$.{field} is required") == ("missing_field", found.detail)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in OPTIONAL.items() for field in fields])
def test_optional_field_may_be_missing_or_null_alike(name: str, field: str) -> None:
    body = {key: value for key, value in BODIES[name].items() if key != field}

    assert not isinstance(parse(name, body), Rejected)
    assert parse(name, body) == parse(name, body | {field: None})


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, body in BODIES.items() for field in body])
@pytest.mark.parametrize("sample", [True, [1], [[]]])
def test_field_of_another_type_is_rejected(name: str, field: str, sample: object) -> None:
    sample = "true" if (field, sample) == ("well", True) else sample
    found = parse(name, BODIES[name] | {field: sample})

    assert isinstance(found, Rejected)
    assert found.reason == "wrong_type"
    assert found.detail.startswith(f"$.{field}")


def test_limits_are_switched_off_for_a_family_too() -> None:
    body = BODIES["limits_off"] | {"rule_id": None, "family": "tachycardia"}
    found = parse("limits_off", body)

    assert (found.scope, found.name) == ("family", "tachycardia")


WRONG = [
    ("limits_off", {"family": "tachycardia"}, "unknown_value"),
    ("limits_off", {"reason": "  "}, "bad_text"),
    ("limits_off", {"reason": ""}, "out_of_range"),
    ("limits_off", {"seconds": LIMITS_OFF_MAX_S + 1}, "out_of_range"),
    ("self_check", {"part": "coffee"}, "unknown_value"),
    ("self_check", {"figures": {"free_bytes": "many"}}, "wrong_type"),
    ("self_check", {"figures": {f"f{n}": n for n in range(21)}}, "out_of_range"),
    ("admit", {"dosing_weight_kg": 24.9}, "out_of_range"),
    ("admit", {"dosing_weight_kg": 351}, "out_of_range"),
    ("admit", {"dosing_weight_kg": "80"}, "wrong_type"),
    ("admit", {"dosing_weight_kg": -80}, "out_of_range"),
    ("admit", {"baseline_weight_kg": 0.5}, "out_of_range"),
    ("admit", {"baseline_weight_kg": 501}, "out_of_range"),
    ("admit", {"unit": "i/cu"}, "bad_text"),
    ("admit", {"bed": ""}, "out_of_range"),
    ("admit", {"bed": "b" * 33}, "bad_text"),
    ("admit", {"bed": "b+"}, "bad_text"),
    ("admit", {"patient_id": ""}, "out_of_range"),
    ("admit", {"patient_id": "P\n1"}, "bad_text"),
    ("admit", {"name": "x" * 129}, "out_of_range"),
    ("admit", {"name": "x\0"}, "bad_text"),
    ("admit", {"admission_id": "a/b"}, "bad_text"),
    ("admit", {"admission_id": "../x"}, "bad_text"),
    ("admit", {"baseline": {"sbp": 12}}, "out_of_range"),
    ("admit", {"baseline": {"weight": 80}}, "unknown_value"),
    ("admit", {"baseline": {"sbp": "124"}}, "wrong_type"),
    ("admit", {"limits": {"spo2": 90}}, "unknown_value"),
    ("admit", {"limits": {"spo2_low": 101}}, "out_of_range"),
    ("admit", {"limits": {"hr_low": 120, "hr_high": 120}}, "out_of_range"),
    ("course", {"dose_iu_per_kg": 0}, "out_of_range"),
    ("course", {"interval_h": 0}, "out_of_range"),
    ("course", {"max_doses": 0}, "out_of_range"),
    ("course", {"max_doses": 14.0}, "wrong_type"),
    ("course", {"duration_min": 1441}, "out_of_range"),
    ("course", {"first_dose_at": "tomorrow"}, "bad_time"),
    ("course", {"first_dose_at": "2027-02-01T08:00:00Z"}, "absurd_time"),
    ("course", {"first_dose_at": 0}, "absurd_time"),
    ("course", {"cycle": 0}, "out_of_range"),
    ("chart", {"time": "2026-11-23T10:00:00"}, "bad_time"),
    ("chart", {"time": "2026-11-25T10:00:00Z"}, "absurd_time"),
    ("chart", {"metrics": {"site:skin": True}}, "wrong_type"),
    ("chart", {"metrics": {"": 1}}, "out_of_range"),
    ("chart", {"metrics": {"MDC_TEMP": {"unit": "Cel"}}}, "missing_field"),
    ("acknowledge", {"note": "x" * 1001}, "out_of_range"),
    ("acknowledge", {"alarm_id": "a b"}, "bad_text"),
    ("audio_pause", {"seconds": 121}, "out_of_range"),
    ("audio_pause", {"seconds": -1}, "out_of_range"),
    ("audio_pause", {"seconds": 60.0}, "wrong_type"),
    ("sign", {"decision": "stop"}, "unknown_value"),
    ("sign", {"decision": "indeterminate"}, "unknown_value"),
    ("transfer", {"bed": "b 2"}, "bad_text"),
    ("link", {"part": "journal"}, "unknown_value"),
    ("link", {"state": "online"}, "unknown_value"),
    ("clock", {"speed": 0}, "out_of_range"),
    ("discharge", {"admission_id": "x" * 65}, "out_of_range"),
    ("discharge", {"actor": ""}, "out_of_range"),
    ("discharge", {"actor": "a\x1b[2J"}, "bad_text"),
]


@pytest.mark.parametrize(("name", "changed", "reason"), WRONG)
def test_value_outside_its_limits_is_rejected(name: str, changed: dict[str, Any], reason: str) -> None:
    found = parse(name, BODIES[name] | changed)

    assert isinstance(found, Rejected)
    assert reason == found.reason
    assert found.detail.isprintable()


@pytest.mark.parametrize("name", ["", "Admit", "admit ", "drop", "tick\n", "x" * 5000])
def test_unknown_command_is_rejected(name: str) -> None:
    assert parse(name, {}).reason == "unknown_command"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 2000, b'{"seconds":1e999}'])
def test_body_that_is_no_json_object_is_rejected(body: bytes) -> None:
    assert isinstance(parse_command("audio_pause", body, NOW_MS), Rejected)


@pytest.mark.parametrize(
    "number", [10**30, -(10**5000), float("nan"), float("inf"), object()], ids=lambda n: type(n).__name__
)
def test_body_that_json_cannot_hold_is_rejected(number: object) -> None:
    assert isinstance(parse("admit", ADMIT | {"dosing_weight_kg": number}), Rejected)


def test_unknown_fields_are_tolerated() -> None:
    assert COMMANDS["discharge"] == parse("discharge", BODIES["discharge"] | {"later": {"a": [1]}})


def test_recording_may_give_the_admission_its_id() -> None:
    assert parse("admit", ADMIT | {"admission_id": "stay:10001.2"}).admission_id == "stay:10001.2"


def test_actor_of_a_recording_that_names_none_is_unknown() -> None:
    assert parse("discharge", {"admission_id": "adm-1"}).actor == "unknown"


@pytest.mark.parametrize("name", BODIES)
def test_encoding_is_the_same_whatever_the_order_of_members(name: str) -> None:
    reversed_body = dict(reversed(BODIES[name].items()))

    assert encode_command(BODIES[name]) == encode_command(reversed_body)
    assert encode_command(orjson.loads(encode_command(BODIES[name]))) == encode_command(BODIES[name])
