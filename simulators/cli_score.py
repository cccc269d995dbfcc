"""`vigil score`: how Vigil did in a simulated run, against what truly happened.

Exit status 0 when every must was announced, nothing forbidden was, and every decision was right; 1 otherwise, or when a
run cannot be read; 2 wrong usage.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from simulators.oracle.heard import HeardError
from simulators.oracle.score import FamilyScore, RuleScore, Score
from simulators.score_page import score_page
from simulators.score_run import RunError, score_run
from simulators.truth import RunTruth, TruthError

HELP = """How Vigil did in simulated runs: what had to be announced and was, how late; what was without cause.

Examples:

  vigil simulate --scenario af-day-3 --out af/run.ndjson --truth af/truth.ndjson

  vigil score af/ --html af/score.html

RUN is a folder with truth.ndjson and run.ndjson (a recording) or replay.ndjson, or a recording with its truth beside.
Exit status: 0 every must announced, nothing forbidden, every decision right; 1 not, or unreadable; 2 wrong usage.
"""

_PLAIN_WIDTH = 120
"""Of a table that goes to a file or a pipe."""


def score(
    run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders, recordings or replay outputs.")],
    truth: Annotated[Path | None, typer.Option(help="Truth of the one RUN, where it is not beside it.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots here.")] = None,
) -> None:
    """Scores simulated runs."""
    if truth is not None and len(run) != 1:
        raise typer.BadParameter("--truth belongs to one RUN")
    try:
        scored = [score_run(each, truth=truth) for each in run]
        if html is not None:
            html.write_text(score_page(scored), encoding="utf-8")
    except (RunError, TruthError, HeardError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if json:
        typer.echo(orjson.dumps([each.as_json() for each, _ in scored]).decode())
    else:
        _print(scored)
    raise typer.Exit(0 if all(each.is_passed for each, _ in scored) else 1)


def _print(scored: list[tuple[Score, RunTruth]]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    for each, _ in scored:
        verdict = "[green]passed[/]" if each.is_passed else "[red]failed[/]"
        console.print(
            f"[bold]{each.scenario}[/] {verdict}: sensitivity {each.sensitivity:.1%} of {each.must} musts, "
            f"{each.forbidden} forbidden, {each.unexpected} unexpected "
            f"({each.unexpected / each.bed_days if each.bed_days else 0.0:.1f} per bed-day), "
            f"{each.decisions - len(each.wrong_decisions)} of {each.decisions} decisions right"
        )
        console.print(_families(each))
        for missed in each.missed:
            console.print(f"[red]missed[/] {missed.bed} {' or '.join(missed.families)}: {missed.why}", highlight=False)
        for false in each.false_alarms:
            kind = "[red]forbidden[/]" if false.why else "[yellow]unexpected[/]"
            console.print(f"{kind} {false.bed} {false.rule_id} at {false.at} {false.why}", highlight=False)
        for wrong in each.wrong_decisions:
            said = f"{wrong.said or 'nothing'} where {' or '.join(wrong.allowed)}"
            console.print(f"[red]wrong[/] {wrong.bed} dose {wrong.number}: {said} ({wrong.why})", highlight=False)


def _families(score: Score) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("family, rule", "musts", "found", "delay s", "latest s", "alarms", "forbidden", "unexpected"):
        is_name = column == "family, rule"
        table.add_column(column, justify="left" if is_name else "right", overflow="fold" if is_name else "ellipsis")
    for name, each in sorted(score.families.items()):
        found = f"[{'green' if each.found == each.must else 'red'}]{each.found}[/]" if each.must else ""
        table.add_row(f"[bold]{name}[/]", str(each.must or ""), found, *_figures(each))
        for rule_id, rule in sorted(each.rules.items()):
            table.add_row(f"  {rule_id}", "", str(rule.first or ""), *_figures(rule), style="dim")
    return table


def _figures(each: FamilyScore | RuleScore) -> list[str]:
    delays = each.delays_s
    return [
        f"{median(delays):.0f}" if delays else "",
        f"{max(delays):.0f}" if delays else "",
        str(each.alarms),
        f"[red]{each.forbidden}[/]" if each.forbidden else "",
        f"[yellow]{each.unexpected}[/]" if each.unexpected else "",
    ]
