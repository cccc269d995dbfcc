"""`vigil rules`: the rules in force, validated, with their test vectors."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.cli_errors import WRONG_USAGE, errors, fail
from gateway.rulesets import load_alarm_profile, shipped_profiles
from streaming.rules.examples import check_example
from streaming.rules.kinds import AlarmProfile, LimitRule
from streaming.rules.profile import ProfileError

rules_app = typer.Typer(help="The alarm rules: list, check, show.", no_args_is_help=True)
PIPED_WIDTH = 160
"""Columns of a table that does not go to a terminal."""
ProfileOption = Annotated[str, typer.Option(help="A profile's id, or a .toml file.")]


@rules_app.command("list")
def list_rules(
    profile: ProfileOption = "alarms-il2", json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Every rule with its limit, delay and priority."""
    from gateway.service import rule_object

    rules = _load(profile)
    if json:
        typer.echo(orjson.dumps([rule_object(rule) for rule in rules.rules]).decode())
        return
    table = Table(title=f"{rules.id} {rules.version}  {rules.sha256[:12]}")
    for heading in ("rule", "limit", "after", "priority", "source"):
        table.add_column(heading, no_wrap=heading != "source")
    for rule in rules.rules:
        limit = f"{rule.signal} {rule.sign} {rule.threshold:g}" if isinstance(rule, LimitRule) else rule.kind
        table.add_row(rule.id, limit, f"{rule.onset_delay_s:g} s", rule.priority, rule.reference)
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)


@rules_app.command("check")
def check_rules(
    profile: Annotated[list[str] | None, typer.Argument(help="Ids or .toml files; all shipped when absent.")] = None,
) -> None:
    """Validate profiles and run the test vectors that stand in them."""
    failures = 0
    for name in profile or shipped_profiles():
        rules = _load(name)
        found = [failure for rule in rules.limit_rules for failure in _check(rules, rule)]
        count = sum(len(rule.examples) for rule in rules.limit_rules)
        for failure in found:
            errors.print(f"[red]✗[/] {escape(failure)}", highlight=False)
        typer.echo(f"{rules.id} {rules.version}: {len(rules.rules)} rules, {count} examples, {len(found)} failed")
        failures += len(found)
    if failures:
        raise typer.Exit(1)


@rules_app.command("show")
def show_rule(rule_id: str, profile: ProfileOption = "alarms-il2") -> None:
    """One rule in full, as JSON."""
    from gateway.service import rule_object

    rule = _load(profile).rule(rule_id)
    if rule is None:
        fail(f"profile {profile} has no rule {rule_id}")
    typer.echo(orjson.dumps(rule_object(rule), option=orjson.OPT_INDENT_2).decode())


def _check(profile: AlarmProfile, rule: LimitRule) -> list[str]:
    return [f"{rule.id}: {failure}" for example in rule.examples for failure in check_example(profile, rule, example)]


def _load(name: str) -> AlarmProfile:
    try:
        return load_alarm_profile(name)
    except ProfileError as error:
        fail(str(error), WRONG_USAGE)
