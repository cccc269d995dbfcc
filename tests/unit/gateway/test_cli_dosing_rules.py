"""`vigil rules` on dosing profiles: listed, checked with their test vectors, shown; a site's own changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway import cli
from gateway.rulesets import is_dosing, load_alarm_profile, load_dosing_profile, shipped_dosing_profiles
from streaming.criteria.profile import ProfileError
from tests.support.plain_facts import FOLDER, PROFILES

SITE = """
[site]
profile = "label-2024"
id = "label-2024-mercy"
version = "1"
title = "Label at Mercy"
approver = "Dr. Curie"
approved_on = "2026-11-01"
[[override]]
criterion = "cardiovascular.sbp"
field = "met.below"
value = 85
reason = "younger patients"
"""


def vigil(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [*map(str, arguments)], prog_name="vigil")
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "mercy.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


def test_the_shipped_dosing_profiles_are_those_of_the_folder() -> None:
    assert shipped_dosing_profiles() == list(PROFILES)


def test_checking_without_names_runs_the_vectors_of_every_profile() -> None:
    status, out, _ = vigil("rules", "check")

    assert status == 0
    assert [name for name in PROFILES if f"{name} 1: " not in out] == []
    assert "alarms-il2 3: " in out
    assert out.count(" 0 failed") == len(PROFILES) + 1


def test_a_vector_that_fails_is_a_finding(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    text = (FOLDER / "label-2024.toml").read_text(encoding="utf-8")
    wrong.write_text(text.replace('signal = "spo2", below = 90', 'signal = "spo2", below = 89'), encoding="utf-8")

    status, out, err = vigil("rules", "check", wrong)

    assert status == 1
    assert "19 criteria, 116 examples" in out
    assert "respiratory.spo2: expected met, found clear (given spo2 89)" in err


def test_a_sites_limits_are_held_against_the_vectors_of_the_profile_they_change(site: Path) -> None:
    status, out, err = vigil("rules", "check", site)

    assert status == 1
    assert out.startswith("label-2024-mercy 1: 19 criteria")
    assert "cardiovascular.sbp: expected met, found clear (given sbp 89)" in err


def test_criteria_are_listed_for_people_and_for_programs(site: Path) -> None:
    status, out, _ = vigil("rules", "list", "--profile", site)
    rows = json.loads(vigil("rules", "list", "--profile", "jitc-2014", "--json")[1])

    assert status == 0
    assert "cardiovascular.sbp" in out
    assert "(not verified)" in " ".join(out.split())
    assert len(rows) == 35
    assert rows[0]["limit"] == "heart rate 100 to 130 /min"


def test_a_criterion_is_shown_in_full(site: Path) -> None:
    status, out, _ = vigil("rules", "show", "cardiovascular.sbp", "--profile", site)

    row = json.loads(out)
    assert status == 0
    assert (row["limit"], row["approver"]) == ("SBP below 85 mmHg (or the patient's sbp_hold)", "Dr. Curie")
    assert (row["verified"], row["resume_verified"], row["confirm_s"], row["dwell_s"]) == (True, False, 10.0, 60.0)
    assert json.loads(vigil("rules", "show", "gi.stool_blood", "--profile", "label-2024")[1])["resume_limit"] == (
        "blood in stool negative"
    )
    assert json.loads(vigil("rules", "show", "gi.catastrophe", "--profile", "label-2024")[1])["resume_limit"] is None


def test_a_criterion_that_is_not_there_fails() -> None:
    assert vigil("rules", "show", "no.such", "--profile", "label-2024")[0] == 1


@pytest.mark.parametrize("text", ["[site]\n", SITE.replace('label-2024"', 'label-1999"', 1), SITE.replace("85", "'a'")])
def test_a_site_file_that_is_wrong_is_wrong_usage(tmp_path: Path, text: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")

    status, out, err = vigil("rules", "check", path)

    assert (status, out) == (2, "")
    assert "site.toml" in err or "label-1999" in err


def test_a_whole_profile_of_a_site_is_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    text = (FOLDER / "label-2024.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('id = "label-2024"', 'id = "own"', 1), encoding="utf-8")

    assert load_dosing_profile(str(path)).id == "own"


def test_a_file_that_is_not_there_or_no_text_cannot_be_read(tmp_path: Path) -> None:
    garbled = tmp_path / "garbled.toml"
    garbled.write_bytes(b"\xff\xfe")

    for name in (str(tmp_path / "none.toml"), str(garbled)):
        with pytest.raises(ProfileError, match="cannot be read"):
            load_dosing_profile(name)
    with pytest.raises(ProfileError, match="no UTF-8 text"):
        load_alarm_profile(str(garbled))
    assert not is_dosing(str(tmp_path / "none.toml"))
