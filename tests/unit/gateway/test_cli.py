"""The command `vigil`: exit status 0 success, 1 a finding or failure, 2 wrong usage; messages for people on standard
error, results on standard output; help for every command."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway import cli
from gateway.wire.recording import RecordedEntry, write_recording
from storage.journal import Journal, Row
from storage.ports import EntryKind
from tests.support.gateway_process import run_vigil
from tests.support.sources import REPOSITORY

T0_MS = 1_795_428_000_000
SITE_PROFILE = (REPOSITORY / "streaming" / "profiles" / "alarms-il2.toml").read_text()


@pytest.fixture(scope="module")
def whole_vigil() -> typer.Typer:
    """The command with the commands of other packages, as `main` puts it together."""
    for point in entry_points(group="vigil.commands"):
        point.load()(cli.app)
    return cli.app


def vigil(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error, run in this process."""
    result = CliRunner().invoke(cli.app, [*map(str, arguments)], prog_name="vigil")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def commands(app: typer.Typer) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and every group of commands, the outermost included, with its path."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        yield path, command
        waiting += [((*path, name), each) for name, each in getattr(command, "commands", {}).items()]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two minutes of a low heart rate."""
    admit = {"patient_id": "p", "unit": "icu", "bed": "b01", "dosing_weight_kg": 80.0, "baseline_weight_kg": 80.0}
    entries = [RecordedEntry(received_ms=T0_MS, command="admit", body={**admit, "admission_id": "stay"})]
    for second in range(120):
        payload = b'{"boot":"b","seq":%d,"metrics":{"MDC_ECG_HEART_RATE":35}}' % second
        topic = "icu/v1/icu/b01/mon1/obs"
        entries.append(RecordedEntry(received_ms=T0_MS + second * 1000, topic=topic, payload=payload))
    path = tmp_path / "made.ndjson"
    write_recording(path, entries)
    return path


@pytest.fixture
async def data_dir(tmp_path: Path, recording: Path) -> Path:
    """A data directory with nothing but a journal."""
    data = tmp_path / "data"
    data.mkdir()
    journal = Journal.open(data / "journal.db")
    rows: list[Row] = []
    for line in map(json.loads, recording.read_text().splitlines()):
        is_message = "topic" in line
        kind = EntryKind.MESSAGE if is_message else EntryKind.COMMAND
        name, body = (line["topic"], line["payload"]) if is_message else (line["command"], line["body"])
        rows.append((kind, name, json.dumps(body).encode(), T0_MS + 1000 * (len(rows) - 1 if rows else 0)))
    await journal.append(rows)
    journal.close()
    return data


# --- help -------------------------------------------------------------------------------------------------------------


def test_every_command_of_the_contract_is_there(whole_vigil: typer.Typer) -> None:
    there = {" ".join(path) for path, _ in commands(whole_vigil)}

    assert there >= {
        "demo", "gateway", "simulate", "replay", "journal export", "import", "rules list", "rules check", "rules show",
        "db upgrade", "rebuild", "version", "load",
    }  # fmt: skip


def test_every_command_has_help_on_standard_output(whole_vigil: typer.Typer) -> None:
    for path, command in commands(whole_vigil):
        status, out, err = vigil(*path, "--help")

        assert (path, status, err) == (path, 0, "")
        assert " ".join(("Usage: vigil", *path)) in out
        assert command.help, path


def test_every_option_says_what_it_is_for(whole_vigil: typer.Typer) -> None:
    for path, command in commands(whole_vigil):
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help, (path, parameter.name)


# --- wrong usage: 2 ---------------------------------------------------------------------------------------------------

WRONG: list[Sequence[str]] = [
    ["fly"],
    ["gateway", "--colour", "red"],
    ["gateway", "--port", "eight thousand"],
    ["gateway", "--port", "70000"],
    ["gateway", "--speed", "0"],
    ["gateway", "--broker", "http://127.0.0.1:1883"],
    ["gateway", "--config", "no-such-file.toml"],
    ["replay"],
    ["replay", "made.ndjson", "--profile", "no-such-profile"],
    ["replay", "made.ndjson", "--profile", "no-such-file.toml"],
    ["journal"],
    ["journal", "export"],
    ["journal", "import"],
    ["rules"],
    ["rules", "show"],
    ["rules", "list", "--profile", "no-such-profile"],
    ["rules", "check", "no-such-profile"],
    ["db"],
    ["demo", "--beds", "0"],
    ["demo", "--speed", "0"],
    ["version", "please"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_status_2_with_nothing_on_standard_output(arguments: Sequence[str]) -> None:
    status, out, err = vigil(*arguments)

    assert (status, out) == (2, "") or (status, err) == (2, ""), (status, out, err)
    assert out + err


def test_a_wrong_setting_in_the_environment_is_wrong_usage_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_RECEIVE_MAXIMUM", "many")

    status, out, err = vigil("gateway")

    assert (status, out) == (2, "")
    assert "VIGIL_RECEIVE_MAXIMUM" in err


# --- failures: 1 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"no json\n", "line 3: not JSON"),
        (b'{"received_at":"2020-01-01T00:00:00Z","topic":"icu","payload":{}}\n', "line 3, received_at: earlier"),
        (b'{"received_at":"2030-01-01T00:00:00Z","command":"[/dance]","body":{}}\n', "[/dance]"),
    ],
)
def test_a_recording_that_cannot_be_read_fails_and_says_where(recording: Path, line: bytes, complaint: str) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    recording.write_bytes(b"".join([*lines[:2], line, *lines[2:]]))

    status, _, err = vigil("replay", recording)

    assert status == 1
    assert complaint in err


def test_a_cut_off_compressed_recording_fails(tmp_path: Path, recording: Path) -> None:
    cut = tmp_path / "cut.ndjson.gz"
    cut.write_bytes(gzip.compress(recording.read_bytes())[:-20])

    status, _, err = vigil("replay", cut)

    assert status == 1
    assert "the compressed file is damaged" in err


def test_a_rule_that_is_not_there_fails(whole_vigil: typer.Typer) -> None:
    assert vigil("rules", "show", "hypotension.map_below_65")[0] == 0
    status, out, err = vigil("rules", "show", "no.such.rule")

    assert (status, out) == (1, "")
    assert "no.such.rule" in err


def test_a_rule_that_does_not_pass_its_own_examples_is_a_finding(tmp_path: Path) -> None:
    wrong = tmp_path / "site.toml"
    wrong.write_text(SITE_PROFILE.replace('129 = "absent"', '129 = "present"', 1))

    status, out, err = vigil("rules", "check", wrong)

    assert status == 1
    assert "1 failed" in out
    assert "hypotension.map_below_65" in err
    assert vigil("rules", "check")[0] == 0


def test_an_export_without_a_journal_fails(tmp_path: Path) -> None:
    status, out, err = vigil("journal", "export", "--data", tmp_path, "--out", tmp_path / "out.ndjson")

    assert (status, out) == (1, "")
    assert f"there is no journal at {tmp_path}/journal.db" in err
    assert not (tmp_path / "out.ndjson").exists()


def test_an_export_of_an_unknown_admission_fails(tmp_path: Path, data_dir: Path) -> None:
    arguments = ("journal", "export", "--data", data_dir, "--out", tmp_path / "out.ndjson")

    assert vigil(*arguments, "--admission", "stay")[0] == 0
    status, out, err = vigil(*arguments, "--admission", "nobody")

    assert (status, out) == (1, "")
    assert "the journal knows no admission nobody" in err


def test_a_rebuild_without_a_journal_fails(tmp_path: Path) -> None:
    status, out, err = vigil("rebuild", "--data", tmp_path)

    assert (status, out) == (1, "")
    assert "there is no journal" in err


# --- what stands in the way outside: said in a line -----------------------------------------------------------------


def out_of_process(*arguments: str | Path) -> tuple[int, str, str]:
    done = run_vigil(*arguments)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_what_cannot_be_read_or_written_fails_in_a_line_that_names_it(tmp_path: Path, data_dir: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "journal.db").write_bytes(b"This is no database. " * 1000)
    (damaged / "records.db").write_bytes(b"This is no database. " * 1000)
    nowhere = tmp_path / "no-such-folder" / "out.ndjson"
    for arguments, named in (
        (("replay", tmp_path / "no-such.ndjson"), "no-such.ndjson"),
        (("journal", "export", "--data", damaged, "--out", tmp_path / "out.ndjson"), "journal.db"),
        (("journal", "export", "--data", data_dir, "--out", nowhere), "no-such-folder"),
        (("db", "upgrade", "--data", damaged), "records.db"),
    ):
        status, out, err = out_of_process(*arguments)

        assert (status, out) == (1, ""), arguments
        assert named in err


def test_a_reader_that_has_had_enough_ends_the_command_without_a_trace(recording: Path) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    with recording.open("ab") as more:
        for _ in range(20_000):
            more.write(lines[-1].replace(b"mon1/obs", b"mon1/bad"))
    command = f"{sys.executable} -c 'from gateway.cli import main; main()' replay {recording} | head -1"
    shell = ["bash", "-o", "pipefail", "-c", command]
    done = subprocess.run(shell, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)

    assert len(done.stdout.splitlines()) == 1
    assert (done.returncode, done.stderr) == (1, "")


# --- success: 0 -------------------------------------------------------------------------------------------------------


def test_version_tells_the_version_and_the_hash_of_each_profile() -> None:
    status, out, err = vigil("version")

    first, *profiles = out.splitlines()
    assert (status, err) == (0, "")
    assert first.startswith("vigil ")
    assert [len(line.split()[-1]) for line in profiles] == [64] * len(profiles)
    assert profiles


def test_a_replay_has_its_lines_on_standard_output_or_in_the_file(tmp_path: Path, recording: Path) -> None:
    status, out, err = vigil("replay", recording)
    quiet = vigil("replay", recording, "--out", tmp_path / "out.ndjson")

    assert (status, err) == (0, "")
    assert quiet == (0, "", "")
    assert (tmp_path / "out.ndjson").read_text() == out
    types = [json.loads(line)["type"] for line in out.splitlines()]
    assert types[-1] == "summary"
    assert "alarm" in types


def test_an_export_is_the_recording_that_was_journaled(tmp_path: Path, recording: Path, data_dir: Path) -> None:
    exported = tmp_path / "out.ndjson.gz"

    status, out, err = vigil("journal", "export", "--data", data_dir, "--out", exported)

    assert (status, out) == (0, "")
    assert "121 entries written" in err
    assert vigil("replay", exported) == vigil("replay", recording)


def test_a_site_may_bring_its_own_rules(tmp_path: Path, recording: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(SITE_PROFILE.replace('id = "alarms-il2"', 'id = "alarms-site"', 1))

    ours, theirs = vigil("replay", recording), vigil("replay", recording, "--profile", site)

    assert theirs[0] == 0
    assert '"id":"alarms-site"' in theirs[1]
    assert theirs[1].count("\n") == ours[1].count("\n")


def test_rules_are_listed_for_people_and_for_programs() -> None:
    status, out, err = vigil("rules", "list")
    listed = json.loads(vigil("rules", "list", "--json")[1])

    assert (status, err) == (0, "")
    assert "hypotension.map_below_65" in out
    assert {"hypotension.map_below_65", "device_offline"} <= {rule["id"] for rule in listed}


def test_a_rebuild_removes_what_can_be_made_anew_and_nothing_else(data_dir: Path) -> None:
    (data_dir / "snapshots").mkdir()
    for name in ("series.db", "series.db-wal", "records.db", "snapshots/1.snapshot"):
        (data_dir / name).touch()
    journal = (data_dir / "journal.db").read_bytes()

    status, out, _ = vigil("rebuild", "--data", data_dir)

    left = {str(path.relative_to(data_dir)) for path in data_dir.rglob("*") if path.is_file()}
    assert (status, out) == (0, "")
    assert left <= {"journal.db", "journal.db.lock", "lock", "journal.db-wal", "journal.db-shm"}
    assert (data_dir / "journal.db").read_bytes() == journal


def test_a_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    status, out, err = vigil("db", "upgrade", "--data", tmp_path / "new")

    assert (status, out) == (0, "")
    assert "up to date" in err
    assert (tmp_path / "new" / "records.db").exists()
