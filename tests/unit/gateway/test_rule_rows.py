"""Rules, criteria and profiles as people look them up."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from gateway import cli, rule_page
from gateway.rule_rows import (
    alarm_profile_object,
    dosing_profile_object,
    find_criterion,
    limit_words,
    rule_object,
)
from gateway.rulesets import load_alarm_profile, load_dosing_profile, shipped_dosing_profiles
from streaming.rules.kinds import Rule
from tests.support.sources import REPOSITORY

IL2 = load_alarm_profile()
DOSING = {name: load_dosing_profile(name) for name in shipped_dosing_profiles()}
PAGE = REPOSITORY / "docs" / "alarm-rules.md"


def vigil(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, list(arguments), prog_name="vigil")
    return result.exit_code, result.stdout


@pytest.mark.parametrize("rule", IL2.rules, ids=[rule.id for rule in IL2.rules])
def test_every_rule_says_what_is_wrong_how_loud_and_from_where(rule: Rule) -> None:
    row = json.loads(orjson.dumps(rule_object(rule)))

    assert {"id", "family", "title", "kind", "priority", "harm", "develops", "reference", "rationale"} <= row.keys()
    assert "examples" not in row
    assert limit_words(rule)


def test_rules_of_each_kind_are_told_apart() -> None:
    rows = {rule.id: rule_object(rule) for rule in IL2.rules}

    assert rows["hypotension.map_below_65"]["kind"] == "limit"
    assert rows["device_offline"]["kind"] == "device_offline"
    stay = rows["hypotension.shock_index_rise"]
    assert (stay["kind"], stay["estimated"], stay["only_under_a_course"]) == ("stay", True, True)
    assert stay["limit"] == "shock index change since the dose interval began at least 0.2"
    hold = rows["dose_during_hold"]
    assert (hold["kind"], hold["limit"]) == ("infusion", "infusing during hold (hold or discontinue)")
    assert rows["dose.too_early"]["limit"] == "too early"


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("cardiovascular.sbp", "label-2024"),
        ("jitc-2014/renal.urine.relative", "jitc-2014"),
        ("renal.urine.relative", "community-2015"),
    ],
)
def test_a_criterion_is_found_in_the_profile_named_or_the_usual_one_or_any(name: str, profile: str) -> None:
    found = find_criterion(DOSING, "label-2024", name)

    assert found is not None
    assert (found["id"], found["kind"], found["profile"]["id"]) == (name.rpartition("/")[2], "criterion", profile)
    assert found["profile"]["sha256"] == DOSING[profile].sha256


@pytest.mark.parametrize("name", ["no.such", "label-2024/no.such", "no-such/cardiovascular.sbp"])
def test_a_criterion_that_there_is_none_of_is_not_found(name: str) -> None:
    assert find_criterion(DOSING, "label-2024", name) is None


def test_a_profile_says_what_it_is_and_what_stands_in_it() -> None:
    alarms, dosing = alarm_profile_object(IL2), dosing_profile_object(DOSING["label-2024"])

    assert (alarms["kind"], alarms["rules"], alarms["sha256"]) == ("alarms", len(IL2.rules), IL2.sha256)
    assert dosing["doses"]["per_cycle"] == 14
    assert {row["id"] for row in dosing["criteria"]} == {each.id for each in DOSING["label-2024"].criteria}
    assert all({"limit", "resume", "reference", "verified"} <= row.keys() for row in dosing["criteria"])


def test_the_command_tells_the_hash_of_every_profile() -> None:
    _, out = vigil("version")

    assert {line.split()[0]: line.split()[-1] for line in out.splitlines()[1:]} == {
        IL2.id: IL2.sha256, **{name: profile.sha256 for name, profile in DOSING.items()},
    }  # fmt: skip


def test_the_command_shows_a_rule_of_the_stay_and_a_criterion_without_naming_its_profile() -> None:
    status, out = vigil("rules", "show", "renal.creatinine_4_5")
    assert (status, json.loads(out)["develops"]) == (0, "delayed")

    status, out = vigil("rules", "show", "label-legacy/renal.oliguria")
    assert (status, json.loads(out)["profile"]["id"]) == (0, "label-legacy")
    assert vigil("rules", "show", "no.such")[0] == 1


def test_the_command_runs_the_vectors_of_stay_rules(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    text = (REPOSITORY / "streaming" / "profiles" / "alarms-il2.toml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("given = { creatinine = 4.49 }", "given = { creatinine = 4.51 }"), encoding="utf-8")
    status, out = vigil("rules", "check", str(wrong))

    assert status == 1
    assert ", 1 failed" in out


def test_the_page_is_what_the_profile_makes_it() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert rule_page.describe(text) == text, "run: python -m gateway.rule_page docs/alarm-rules.md"


def test_the_page_is_renewed_in_place_and_a_name_is_needed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- generated: rules -->\nhere before\n<!-- end -->\nafter\n", encoding="utf-8")

    assert rule_page.main([]) == 2
    assert rule_page.main([str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| `dose_during_hold` |" in text
    assert "here before" not in text
