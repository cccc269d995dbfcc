"""The commands `simulate`, `import` and `load`: usage, exit status, and what goes to which stream."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gateway.wire.recording import read_recording
from simulators.broker import BrokerUrl
from simulators.cli import add_commands
from simulators.scenario import scenario_names
from simulators.truth import read_truth
from tests.support.mimic_tables import write_tables
from tests.support.mosquitto import free_port

_AT = "2150-01-01 10:00:00+00:00"


def _vigil(*arguments: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    app = typer.Typer()
    add_commands(app)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["simulate"], "either --scenario or --recording"),
        (["simulate", "--scenario", "calm", "--recording", "x"], "either --scenario or --recording"),
        (["simulate", "--scenario", "party"], "no scenario 'party'"),
        (["simulate", "--scenario", "calm", "--speed", "0"], "--speed must be above 0"),
        (["simulate", "--scenario", "calm", "--beds", "0"], "beds"),
        (["simulate", "--scenario", "calm", "--unit", "a/b"], "--unit must be"),
        (["simulate", "--scenario", "calm", "--broker", "http://x"], "not a broker address"),
        (["simulate", "--scenario", "calm", "--admit", "ftp://x"], "not a service address"),
        (["simulate", "--recording", "no-such-file"], "no such file"),
        (["import", "hl7", "x", "--out", "y"], "FORMAT must be one of mimic-csv, bidmc, wfdb"),
        (["import", "mimic-csv", "x"], "--out"),
        (["import", "mimic-csv", "x", "--out", "y", "--vitals-kind", "pump"], "--vitals-kind must be"),
        (["load", "--beds", "0"], "beds"),
        (["load", "--beds", "1", "--rate", "0"], "rate and duration above 0"),
        (["load", "--beds", "1", "--broker", "mqtts://x"], "plain MQTT"),
        (["load", "--beds", "1", "--stamp", "never"], "--stamp must be"),
    ],
)
def test_wrong_usage_is_exit_status_two_and_says_what_would_be_right(arguments: list[str], complaint: str) -> None:
    status, out, err = _vigil(*arguments)

    assert status == 2
    assert not out
    assert complaint in " ".join(err.replace("│", " ").split())


def test_commands_are_found_through_their_entry_point() -> None:
    points = [point for point in entry_points(group="vigil.commands") if point.value.startswith("simulators.")]
    if not points:
        pytest.skip("the project is not installed here")

    assert [point.load() for point in points] == [add_commands]


def test_list_names_every_scenario_on_standard_output() -> None:
    status, out, _ = _vigil("simulate", "--list")
    as_json = json.loads(_vigil("simulate", "--list", "--json")[1])

    assert status == 0
    named = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    assert named == scenario_names() == [entry["name"] for entry in as_json]
    assert {"calm", "hypotension", "line-artefacts", "ward", "af-day-3"} < set(named)
    assert all(entry["description"] for entry in as_json)


def test_help_of_each_command_has_an_example() -> None:
    for command in ("simulate", "import", "load"):
        status, out, _ = _vigil(command, "--help")

        assert status == 0
        assert f"vigil {command}" in out


def test_import_writes_a_recording_and_prints_where_the_rows_went(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", vitals=[f"7,{_AT},heart_rate,80", f"7,{_AT},height_cm,170"])
    out_file = tmp_path / "out.ndjson"

    status, out, _ = _vigil("import", "mimic-csv", str(folder), "--out", str(out_file))

    assert status == 0
    assert len(list(read_recording(out_file))) == 4
    assert "not mapped: no metric in the contract" in out
    assert "1 recordings, 2 messages and 2 commands" in out


def test_import_prints_json_when_asked_and_makes_a_folder_of_files(tmp_path: Path) -> None:
    folder = write_tables(tmp_path / "in", vitals=[f"7,{_AT},heart_rate,80", f"8,{_AT},height_cm,170"])

    status, out, _ = _vigil("import", "mimic-csv", str(folder), "--out", str(tmp_path / "out"), "--json")

    report = json.loads(out)
    assert status == 0
    assert report["rows"] == {"vitals": 2}
    assert report["not_mapped"] == [
        {"table": "vitals", "category": "height_cm", "reason": "no metric in the contract", "rows": 1}
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["7.ndjson"]


def test_import_of_what_is_not_there_is_exit_status_one(tmp_path: Path) -> None:
    status, out, err = _vigil("import", "bidmc", str(tmp_path), "--out", str(tmp_path / "out.ndjson"))

    assert status == 1
    assert not out
    assert "no bidmc_NN_numerics.csv" in err


def test_load_without_a_broker_is_exit_status_one() -> None:
    status, out, err = _vigil("load", "--beds", "1", "--broker", f"mqtt://127.0.0.1:{free_port()}")

    assert status == 1
    assert not out
    assert "refused" in err


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", BrokerUrl(host="broker", port=1883)),
        ("mqtts://broker", BrokerUrl(host="broker", port=8883, tls=True)),
        ("mqtt://me:s%40crt@broker:1", BrokerUrl(host="broker", port=1, username="me", password="s@crt")),
        ("mqtt://[::1]:2", BrokerUrl(host="::1", port=2)),
    ],
)
def test_broker_address_is_parsed(url: str, expected: BrokerUrl) -> None:
    assert BrokerUrl.parse(url) == expected


@pytest.mark.parametrize("url", ["", "broker", "http://broker", "mqtt://", "mqtt://broker:port"])
def test_broker_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"not a broker address|Port could not be cast"):
        BrokerUrl.parse(url)


def test_broker_address_hides_credentials_when_it_is_shown() -> None:
    assert "secret" not in str(BrokerUrl.parse("mqtt://me:secret@broker"))


def test_run_without_a_broker_writes_recording_truth_and_labels(tmp_path: Path) -> None:
    out, truth = tmp_path / "new" / "run.ndjson", tmp_path / "new" / "truth.ndjson"
    status, printed, _ = _vigil(
        "simulate", "--scenario", "vt-run", "--duration", "900", "--out", str(out), "--truth", str(truth),
        "--labels", "--json",
    )  # fmt: skip

    assert status == 0
    told = json.loads(printed)
    assert told["entries"] == len(out.read_bytes().splitlines())
    assert read_truth(truth).scenario == "vt-run"
    labels = [json.loads(line) for line in (tmp_path / "new" / "run.labels.ndjson").read_text().splitlines()]
    assert [label["condition"] for label in labels] == ["arrhythmia"]
    assert {label["admission_id"] for label in labels} == {facts.admission_id for facts in read_truth(truth).beds}


def test_run_without_a_broker_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    status, _, said = _vigil("simulate", "--scenario", "calm", "--duration", "60", "--out", str(tmp_path / "taken"))

    assert status == 1
    assert "taken" in said
