"""`vigil backtest`, as it is called: exit status, what goes where, the same figures from any number of processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway import cli
from gateway.backtest.arms import arm_of
from gateway.backtest.run import recordings_in
from tests.support.backtests import written
from tests.support.recordings import Recording

MAP = "MDC_PRESS_BLD_ART_ABP_MEAN"


def vigil(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [*map(str, arguments)], prog_name="vigil")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def a_stay(low_from_s: int) -> Recording:
    recording = Recording()
    recording.admit(0)
    for at_s in range(1, 200):
        recording.obs(at_s, {MAP: 58 if at_s >= low_from_s else 80})
    recording.command(200, "discharge", admission_id="adm-1")
    return recording


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, and labels of one."""
    written(a_stay(50), tmp_path / "b.ndjson")
    written(a_stay(120), tmp_path / "a.ndjson.gz")
    label = {"admission_id": "adm-1", "condition": "hypotension"}
    recording = Recording()
    line = json.dumps(label | {"onset_at": recording.at(50), "end_at": recording.at(200)})
    (tmp_path / "b.labels.ndjson").write_text(line + "\n")
    return tmp_path


def test_parallel_processes_give_the_same_figures_as_one_and_a_broken_recording_is_named(folder: Path) -> None:
    (folder / "0-broken.ndjson").write_text('{"received_at":"2026-11-23T10:00:00Z","topic":"x"}\n')
    options = ("--profile", "label-2024", "--against", "jitc-2014", "--json", "--out", folder / "report.html")

    status, alone, said = vigil("backtest", folder, *options, "--jobs", "1")
    report = (folder / "report.html").read_text()
    parallel = vigil("backtest", folder, *options, "--jobs", "2")

    assert status == parallel[0] == 1
    assert alone == parallel[1]
    assert report == (folder / "report.html").read_text()
    assert "0-broken.ndjson: line 1, payload: " in said
    figures: dict[str, Any] = json.loads(alone)
    assert [Path(each).name for each in figures["recordings"]] == ["a.ndjson.gz", "b.ndjson"]
    assert [Path(each["recording"]).name for each in figures["failures"]] == ["0-broken.ndjson"]
    assert figures["A"]["stays"] == 2
    assert figures["A"]["alarms"]["all"] == figures["B"]["alarms"]["all"]
    (detection,) = figures["A"]["detection"]
    assert (detection["labels"], detection["detected"], detection["delays_s"]) == (1, 1, [60.0])


def test_tables_name_rules_and_decisions_and_the_exit_status_is_0(folder: Path) -> None:
    status, out, said = vigil("backtest", folder / "b.ndjson", "--profile", "label-2024", "--jobs", "1")

    assert status == 0
    assert "hypotension.map_below_60" in out
    assert "indeterminate" in out
    assert "against labels" in out
    assert "error" not in said


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["--profile", "label-1066"], "there is no profile 'label-1066'"),
        (["--profile", "label-2024", "--against", "nobody.toml"], "nobody.toml"),
        ([], "--profile"),
    ],
)
def test_wrong_usage_is_refused_with_exit_status_2(folder: Path, arguments: list[str], wrong: str) -> None:
    status, _, said = vigil("backtest", folder, *arguments)

    assert status == 2
    assert wrong in said


def test_a_path_that_is_not_there_or_an_empty_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert vigil("backtest", tmp_path / "nothing", "--profile", "label-2024")[0] == 2
    status, _, said = vigil("backtest", tmp_path, "--profile", "label-2024")
    assert status == 2
    assert "holds no recording" in " ".join(said.split())


def test_a_folder_means_its_recordings_by_name_once_and_no_labels(folder: Path) -> None:
    found = recordings_in([folder / "b.ndjson", folder])

    assert [path.name for path in found] == ["b.ndjson", "a.ndjson.gz"]


def test_a_site_s_own_dosing_profile_is_an_arm_too(tmp_path: Path) -> None:
    shipped = Path(cli.__file__).parents[1] / "streaming" / "dosing_profiles" / "label-2024.toml"
    text = shipped.read_text(encoding="utf-8").replace('id = "label-2024"', 'id = "ours"', 1)
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")

    arm = arm_of(str(tmp_path / "ours.toml"))

    assert arm.rules.forced_dosing == "ours"
    assert [kind for kind, *_ in arm.identity] == ["alarm rules", "alarm policy", "dosing profile"]
    assert arm_of("alarms-il2").rules.forced_dosing is None


def test_the_alarms_before_and_after_a_policy_are_told_apart(folder: Path) -> None:
    options = ("--profile", "label-2024", "--policy", "plain", "--against-policy", "il2-ward", "--jobs", "1", "--json")

    status, out, _ = vigil("backtest", folder / "b.ndjson", *options)

    figures = json.loads(out)
    low = [
        sum(rule["alarms"] for rule in figures[side]["alarms"]["by_rule"] if rule["family"] == "hypotension")
        for side in ("A", "B")
    ]
    assert status == 0
    assert low == [2, 1], "below 60 and below 65 are one falling pressure"
    assert figures["comparison"]["alarms"]["only_A"] == {"hypotension.map_below_65": 1}
    assert next(part["id"] for part in figures["A"]["rules"] if part["kind"] == "alarm policy").startswith("plain")
