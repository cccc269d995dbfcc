"""`vigil backtest`: recordings under one profile or two, as tables, as JSON and as a report."""

from __future__ import annotations

import os
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.markup import escape

from gateway.backtest.arms import Arm, arm_of
from gateway.cli_errors import FAILURE, WRONG_USAGE, errors, fail
from streaming.rules.profile import ProfileError

if TYPE_CHECKING:
    from gateway.backtest.result import Backtest

JOBS_MAX = 256


def backtest(
    recordings: Annotated[
        list[Path], typer.Argument(help="Recordings (NDJSON, also .gz); a folder means every one in it.")
    ],
    *,
    profile: Annotated[str, typer.Option(help="A: dosing profile or alarm rules, an id or a .toml file.")],
    against: Annotated[str | None, typer.Option(help="B: another one to compare with.")] = None,
    alarms: Annotated[str, typer.Option(help="Alarm rules beside a dosing profile: an id, or a .toml file.")] = (
        "alarms-il2"
    ),
    policy: Annotated[str, typer.Option(help="Alarm policy: an id, `plain` for none, or a .toml file.")] = "il2-ward",
    against_policy: Annotated[
        str | None, typer.Option(help="The policy of B; as that of A when absent. Alone, B differs in the policy only.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=JOBS_MAX, help="Processes at once; as many as processors when absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the report: one HTML file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as JSON on standard output.")] = False,
) -> None:
    """Run recordings again: alarms per bed-day, time in each decision, what was unknown, what B would have done.

    Labels of `NAME.ndjson` are read from `NAME.labels.ndjson` beside it. A recording that cannot be read is named, the
    others are there all the same, and the exit status is 1.
    """
    from gateway.backtest.run import recordings_in

    asked = [(profile, policy)]
    if against is not None or against_policy is not None:
        asked.append((against or profile, against_policy or policy))
    arms = _arms(asked, alarms)
    try:
        paths = recordings_in(recordings)
    except FileNotFoundError as error:
        fail(str(error), WRONG_USAGE)
    found = _run(paths, arms, jobs or os.cpu_count() or 1)
    for failure in found.failures:
        errors.print(
            f"[bold red]error:[/] {escape(failure.recording)}: {escape(failure.reason)}",
            highlight=False,
            soft_wrap=True,
        )
    _tell(found, out, as_json=json)
    if found.failures:
        raise typer.Exit(FAILURE)


EPILOG = (
    "Examples:\n\n"
    "`vigil backtest recordings/ --profile label-2024`\n\n"
    "`vigil backtest night.ndjson --profile label-2024 --against jitc-2014 --out report.html`\n\n"
    "`vigil backtest recordings/ --profile alarms-il2 --against my-limits.toml --json > figures.json`\n\n"
    "`vigil backtest recordings/ --profile label-2024 --policy plain --against-policy il2-ward`: the alarms before and "
    "after grouping, inhibition and delays"
)


def _arms(asked: list[tuple[str, str]], alarms: str) -> list[Arm]:
    try:
        return [arm_of(profile, alarms, policy) for profile, policy in asked]
    except ProfileError as error:
        fail(str(error), WRONG_USAGE)


def _run(paths: list[Path], arms: list[Arm], jobs: int) -> Backtest:
    from gateway.backtest.result import backtest_of
    from gateway.backtest.run import run_backtest
    from gateway.backtest.terminal import progress_bar

    try:
        with progress_bar(paths) as advance:
            outcomes = run_backtest(paths, arms, jobs=jobs, advance=advance)
    except BrokenProcessPool:
        fail("a process was ended from outside (out of memory?); fewer at once: --jobs")
    return backtest_of(arms, outcomes)


def _tell(found: Backtest, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        from gateway.backtest.result import as_json as json_of

        typer.echo(orjson.dumps(json_of(found), option=orjson.OPT_INDENT_2).decode())
    else:
        from gateway.backtest.terminal import print_backtest

        print_backtest(found)
    if out is not None:
        from gateway.backtest.report import report_page

        out.write_text(report_page(found), encoding="utf-8")
        errors.print(f"report written to {escape(str(out))}", highlight=False, soft_wrap=True)
