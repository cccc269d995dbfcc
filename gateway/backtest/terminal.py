"""A backtest on the terminal: tables on standard output, a progress bar on standard error.

Whatever a recording calls itself, its beds or its patients is printed as it is, never read as markup.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gateway.backtest.compare import Comparison, most_differing
from gateway.backtest.figures import DAY_MS
from gateway.backtest.result import SIDES, Backtest
from gateway.backtest.run import Outcome
from gateway.backtest.totals import DECISIONS, Burden, Totals, percentile
from gateway.backtest.words import hours, number, part, percent, seconds
from gateway.cli_errors import errors
from streaming.instants import format_ms

PIPED_WIDTH = 160
"""Columns of a table that does not go to a terminal."""
STAYS_SHOWN = 10
DOSES_SHOWN = 20
CRITERIA_SHOWN = 12


@contextmanager
def progress_bar(paths: Sequence[Path]) -> Iterator[Callable[[Outcome, int], None]]:
    """A bar that grows with the bytes that are through; yields what to tell of each recording."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[through]} of {task.fields[all]} recordings"),
        TimeRemainingColumn(),
    )
    sizes = sum(path.stat().st_size for path in paths)
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("backtest", total=max(sizes, 1), through=0, all=len(paths))
        through = [0]

        def advance(_outcome: Outcome, size: int) -> None:
            through[0] += 1
            progress.update(task, advance=size, through=through[0])

        yield advance


def print_backtest(backtest: Backtest) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    for side, arm, totals in zip(SIDES, backtest.arms, backtest.totals, strict=False):
        heading = f"{side}: {arm.name}" if len(backtest.arms) > 1 else arm.name
        console.print(_overview(heading, totals))
        console.print(_alarms(heading, totals))
        if totals.has_decisions:
            console.print(_decisions(heading, totals))
            console.print(_criteria(heading, totals))
        if totals.detections:
            console.print(_detections(heading, totals))
    if backtest.comparison is not None:
        _print_comparison(console, backtest.comparison)


def _table(title: str, *headings: str, left: int = 1) -> Table:
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < left else "right", overflow="fold")
    return table


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(Text(str(cell)) for cell in cells))


def _overview(heading: str, totals: Totals) -> Table:
    table = _table(f"{heading} — what was run", "", "")
    _add(table, "stays", len(totals.stays))
    _add(table, "bed-days", number(totals.bed_ms / DAY_MS, 1))
    _add(table, "a vital sign current", part(totals.covered_ms, totals.bed_ms))
    for name in ("received", "duplicate", "rejected"):
        _add(table, f"messages {name}", number(totals.counts[name]))
    if totals.counts["signatures_refused"]:
        _add(table, "signatures not acceptable under this profile", totals.counts["signatures_refused"])
    return table


def _alarms(heading: str, totals: Totals) -> Table:
    headings = ("rule", "priority", "alarms", "stays", "per bed-day", "per covered bed-day", "median", "under 17 s")
    table = _table(f"{heading} — alarms", *headings, "acknowledged", "after", left=2)
    for row in totals.by_rule:
        _add(table, row.rule_id, row.priority, *_burden(row.burden))
    table.add_section()
    for name, burden in [*totals.by_priority.items(), *totals.by_kind.items()]:
        _add(table, name, "", *_burden(burden))
    _add(table, "all", "", *_burden(totals.all_alarms))
    return table


def _burden(burden: Burden) -> tuple[str, ...]:
    return (
        number(burden.alarms),
        number(burden.stays),
        number(burden.per_bed_day, 3),
        number(burden.per_covered_bed_day, 3),
        seconds(burden.median_duration_s),
        percent(burden.share_short),
        number(burden.acknowledged),
        seconds(burden.median_acknowledge_s),
    )


def _decisions(heading: str, totals: Totals) -> Table:
    table = _table(f"{heading} — dose decision", "decision", "time", "of the stays", "doses due under it")
    for decision in reversed(DECISIONS):
        ms = totals.decision_ms[decision]
        _add(table, decision, hours(ms), part(ms, totals.bed_ms), number(totals.due.get(decision, 0)))
    if totals.doses:
        table.add_section()
        for status, count in sorted(totals.doses.items()):
            _add(table, f"doses {status}", "", "", number(count))
    return table


def _criteria(heading: str, totals: Totals) -> Table:
    table = _table(f"{heading} — criteria longest unknown", "criterion", "unknown", "met or recovering")
    for row in totals.criteria[:CRITERIA_SHOWN]:
        _add(table, row.criterion_id, part(row.unknown_ms, totals.bed_ms), part(row.holding_ms, totals.bed_ms))
    left_out = len(totals.criteria) - CRITERIA_SHOWN
    if left_out > 0:
        _add(table, f"and {left_out} more: see --out or --json", "", "")
    return table


def _detections(heading: str, totals: Totals) -> Table:
    headings = ("family", "labels", "detected", "missed", "median delay", "90 % within", "false alarms", "per bed-day")
    table = _table(f"{heading} — against labels", *headings)
    for row in totals.detections:
        _add(
            table,
            row.family,
            row.labels,
            f"{row.detected} ({percent(row.sensitivity, 0)})",
            row.missed,
            *(seconds(None if ms is None else ms / 1000) for ms in _middle(row.delays_ms)),
            row.false_alarms,
            number(row.false_per_bed_day, 3),
        )
    return table


def _middle(delays_ms: Sequence[int]) -> tuple[float | None, float | None]:
    return percentile(delays_ms, 0.5), percentile(delays_ms, 0.9)


def _print_comparison(console: Console, comparison: Comparison) -> None:
    if comparison.pair_ms:
        console.print(_matrix(comparison))
        console.print(_reasons(comparison))
        console.print(_differing_stays(comparison))
    if comparison.doses_due:
        console.print(_differing_doses(comparison))
    if comparison.only_a or comparison.only_b:
        console.print(_differing_alarms(comparison))
    else:
        console.print(f"The alarms are the same under both: {number(comparison.alike)}.")


def _matrix(comparison: Comparison) -> Table:
    whole_ms = sum(comparison.pair_ms.values())
    table = _table("A against B — time in each pair of decisions", "A \\ B", *reversed(DECISIONS))
    for a in reversed(DECISIONS):
        cells = [comparison.pair_ms.get((a, b), 0) for b in reversed(DECISIONS)]
        _add(table, a, *(part(ms, whole_ms) if ms else "·" for ms in cells))
    return table


def _reasons(comparison: Comparison) -> Table:
    table = _table("A against B — what made one stronger than the other", "stronger", "criterion", "time", left=2)
    for (side, criterion), ms in list(comparison.criteria_ms.items())[:CRITERIA_SHOWN]:
        _add(table, side, criterion, hours(ms))
    return table


def _differing_stays(comparison: Comparison) -> Table:
    table = _table("A against B — stays that differ longest", "stay", "recording", "time that differs", left=2)
    for stay in most_differing(comparison.stays, STAYS_SHOWN):
        _add(table, stay.admission_id, Path(stay.recording).name, hours(stay.differing_ms))
    return table


def _differing_doses(comparison: Comparison) -> Table:
    due = sum(comparison.doses_due.values())
    title = f"A against B — doses due: {len(comparison.doses)} of {due} decided differently"
    table = _table(title, "stay", "dose", "due", "A", "B", "because of", "given", left=6)
    for dose in comparison.doses[:DOSES_SHOWN]:
        given = "yes" if dose.was_given else "no"
        because = ", ".join(dose.because) or "a signature"
        _add(table, dose.admission_id, dose.number, format_ms(dose.due_ms), dose.a, dose.b, because, given)
    if len(comparison.doses) > DOSES_SHOWN:
        _add(table, f"and {len(comparison.doses) - DOSES_SHOWN} more", *[""] * 6)
    return table


def _differing_alarms(comparison: Comparison) -> Table:
    title = f"A against B — alarms: {number(comparison.alike)} the same"
    table = _table(title, "rule", "only A", "only B")
    for rule_id in sorted(comparison.only_a.keys() | comparison.only_b.keys()):
        _add(table, rule_id, comparison.only_a.get(rule_id, 0), comparison.only_b.get(rule_id, 0))
    return table
