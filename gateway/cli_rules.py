"""`vigil rules`: the rules in force, validated, with their test vectors."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli_errors import WRONG_USAGE, errors, fail
from gateway.rule_rows import find_criterion, identity_of, limit_words, rule_object
from gateway.rulesets import (
    DEFAULT_ALARM_PROFILE,
    DEFAULT_DOSING_PROFILE,
    is_dosing,
    load_alarm_profile,
    load_dosing_profile,
    shipped_dosing_profiles,
    shipped_profiles,
)
from streaming.criteria.criterion import DosingProfile
from streaming.criteria.examples import check_example as check_criterion_example
from streaming.criteria.words import criterion_row
from streaming.rules.event_examples import check_event_example
from streaming.rules.examples import check_example
from streaming.rules.infusion_examples import check_infusion_example
from streaming.rules.kinds import AlarmProfile, LimitRule, StayRule
from streaming.rules.profile import ProfileError
from streaming.rules.stay_examples import check_stay_example

rules_app = typer.Typer(help="The alarm rules and the dose criteria: list, check, show.", no_args_is_help=True)
PIPED_WIDTH = 160
"""Columns of a table that does not go to a terminal."""
ProfileOption = Annotated[str, typer.Option(help="A profile's id, or a .toml file.")]


@rules_app.command("list")
def list_rules(
    profile: ProfileOption = "alarms-il2", json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Every rule with its limit, delay and priority; of a dosing profile every criterion with its class."""
    rules = _load(profile)
    if json:
        typer.echo(orjson.dumps(_rows(rules)).decode())
        return
    table = Table(title=f"{rules.id} {rules.version}  {rules.sha256[:12]}")
    if isinstance(rules, DosingProfile):
        _list_criteria(table, rules)
    else:
        _list_rules(table, rules)
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


def _rows(rules: AlarmProfile | DosingProfile) -> list[dict[str, Any]]:
    if isinstance(rules, DosingProfile):
        return [criterion_row(criterion) for criterion in rules.criteria]
    return [rule_object(rule) | {"profile": identity_of(rules)} for rule in rules.rules]


def _list_criteria(table: Table, rules: DosingProfile) -> None:
    for heading in ("criterion", "class", "limit", "resume", "source"):
        table.add_column(heading, no_wrap=heading in ("criterion", "class"))
    for criterion in rules.criteria:
        row = criterion_row(criterion)
        marked = "" if criterion.is_verified else " (not verified)"
        table.add_row(
            criterion.id, str(row["class"]), f"{row['limit']}{marked}", str(row["resume"]), criterion.reference
        )


def _list_rules(table: Table, rules: AlarmProfile) -> None:
    for heading in ("rule", "limit", "after", "priority", "source"):
        table.add_column(heading, no_wrap=heading not in ("limit", "source"))
    for rule in rules.rules:
        table.add_row(rule.id, limit_words(rule), f"{rule.onset_delay_s:g} s", rule.priority, rule.reference)


@rules_app.command("check")
def check_rules(
    profile: Annotated[list[str] | None, typer.Argument(help="Ids or .toml files; all shipped when absent.")] = None,
) -> None:
    """Validate profiles and run the test vectors that stand in them."""
    failures = 0
    for name in profile or [*shipped_profiles(), *shipped_dosing_profiles()]:
        rules = _load(name)
        count, kind, found = _check_criteria(rules) if isinstance(rules, DosingProfile) else _check_alarms(rules)
        for failure in found:
            errors.print(f"[red]✗[/] {escape(failure)}", highlight=False)
        typer.echo(f"{rules.id} {rules.version}: {kind}, {count} examples, {len(found)} failed")
        failures += len(found)
    if failures:
        raise typer.Exit(1)


@rules_app.command("show")
def show_rule(rule_id: str, profile: ProfileOption = DEFAULT_ALARM_PROFILE) -> None:
    """One rule, or one criterion of a dosing profile, in full, as JSON.

    A dose criterion is found by `label-2024/cardiovascular.sbp` or, of the usual profile, by its id alone.
    """
    rules = _load(profile)
    row = next((each for each in _rows(rules) if each["id"] == rule_id), None)
    if row is None and profile == DEFAULT_ALARM_PROFILE:
        dosing = {name: load_dosing_profile(name) for name in shipped_dosing_profiles()}
        row = find_criterion(dosing, DEFAULT_DOSING_PROFILE, rule_id)
    if row is None:
        fail(f"profile {profile} has no rule {rule_id}")
    typer.echo(orjson.dumps(row, option=orjson.OPT_INDENT_2).decode())


def _check_alarms(rules: AlarmProfile) -> tuple[int, str, list[str]]:
    count = sum(len(rule.examples) for rule in rules.limit_rules)
    count += sum(len(rule.examples) for rule in rules.stay_rules)
    count += sum(len(rule.examples) for rule in rules.infusion_rules)
    count += sum(len(rule.examples) for rule in rules.equipment_rules)
    found = [failure for rule in rules.limit_rules for failure in _check(rules, rule)]
    found += [failure for rule in rules.stay_rules for failure in _check_stay(rules, rule)]
    found += [
        f"{rule.id}: {failure}"
        for rule in rules.infusion_rules
        for infusion_example in rule.examples
        for failure in check_infusion_example(rules, rule, infusion_example)
    ]
    found += [
        f"{rule.id}: {failure}"
        for rule in rules.equipment_rules
        for example in rule.examples
        for failure in check_event_example(rules, rule, example)
    ]
    return count, f"{len(rules.rules)} rules", found


def _check(profile: AlarmProfile, rule: LimitRule) -> list[str]:
    return [f"{rule.id}: {failure}" for example in rule.examples for failure in check_example(profile, rule, example)]


def _check_stay(profile: AlarmProfile, rule: StayRule) -> list[str]:
    found = [check_stay_example(profile, rule, example) for example in rule.examples]
    return [f"{rule.id}: {failure}" for failure in found if failure is not None]


def _check_criteria(rules: DosingProfile) -> tuple[int, str, list[str]]:
    tried = [(criterion, example) for criterion in rules.criteria for example in criterion.examples]
    found = [(criterion.id, check_criterion_example(criterion, example)) for criterion, example in tried]
    failures = [f"{criterion_id}: {failure}" for criterion_id, failure in found if failure is not None]
    return len(tried), f"{len(rules.criteria)} criteria", failures


def _load(name: str) -> AlarmProfile | DosingProfile:
    try:
        return load_dosing_profile(name) if is_dosing(name) else load_alarm_profile(name)
    except ProfileError as error:
        fail(str(error), WRONG_USAGE)
