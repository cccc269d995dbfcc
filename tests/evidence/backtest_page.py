"""The page on the charted stays under three dosing profiles: `mimic-backtest.md`."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.backtest.arms import Arm
from gateway.backtest.compare import compare
from gateway.backtest.figures import DAY_MS
from gateway.backtest.totals import DECISIONS, Burden, Totals, time_in_each
from gateway.backtest.words import number, part, percent, seconds
from tests.evidence.markdown import details, page, table, thousands
from tests.evidence.replay_pages import COMMAND, MIMIC_SOURCE

STRONGEST_FIRST = tuple(reversed(DECISIONS))
REASONS_SHOWN = 12
NOT_CHARTED = """\
These patients had no interleukin-2, nobody charted a checklist before a dose, and no monitor reported a rhythm: what
the tables cannot say stays *unknown*, and no profile ever says *proceed*. What is met is met all the same. That is what
the decision is for: it does not take silence for health."""
ALARMS = """\
Under the first profile; an alarm counts each time it begins to be announced, under the alarm policy named above. A
*covered* bed-day is one during which a vital sign was current. Nobody acknowledges anything in a replay. The alarms
before any policy, each verdict one of its own, are in [mimic-replay.md](mimic-replay.md)."""


def backtest_page(runs: Sequence[tuple[Arm, Totals]]) -> str:
    """The page.

    Args:
        runs: each profile with its figures over the same stays.
    """
    totals = runs[0][1]
    return page(
        f"# {len(totals.stays)} intensive-care stays under three dosing profiles",
        f"Made by `{COMMAND}`; `vigil backtest RECORDINGS --profile {runs[0][0].name} --against {runs[1][0].name}` "
        "says the same of two of them.",
        MIMIC_SOURCE,
        table(
            ["profile", "part", "id", "SHA-256"],
            [(arm.name, kind, name, f"`{sha256[:12]}`") for arm, _ in runs for kind, name, sha256 in arm.identity],
        ),
        NOT_CHARTED,
        "## Time in each decision",
        _decisions(runs),
        "![Time in each decision, by profile](mimic-backtest-decisions.png)",
        "## Where they differ",
        _differences(runs),
        "## Time in unknown",
        "Share of all stays' time, by criterion; and the time for which it was met or recovering.",
        *[details(arm.name, _criteria(each)) for arm, each in runs],
        "## Alarms",
        ALARMS,
        _overview(totals),
        _alarms(totals),
        "## Stay by stay",
        details(f"{len(totals.stays)} stays", stay_by_stay(runs)),
    )


def _decisions(runs: Sequence[tuple[Arm, Totals]]) -> str:
    rows = [
        (arm.name, *(part(totals.decision_ms[name], totals.bed_ms) for name in STRONGEST_FIRST)) for arm, totals in runs
    ]
    return table(["profile", *(f"#{name}" for name in STRONGEST_FIRST)], rows)


def _differences(runs: Sequence[tuple[Arm, Totals]]) -> str:
    (first, base), parts = runs[0], []
    for arm, totals in runs[1:]:
        found = compare(base.stays, totals.stays)
        share = part(found.differing_ms, sum(found.pair_ms.values()))
        lead = f"`{first.name}` and `{arm.name}` decide differently for {share} of the time. The stricter one rests on:"
        names = {"A": first.name, "B": arm.name}
        rows = [
            (names[side], f"`{criterion}`", part(ms, base.bed_ms))
            for (side, criterion), ms in list(found.criteria_ms.items())[:REASONS_SHOWN]
        ]
        parts.append(f"{lead}\n\n{table(['stricter', 'criterion', '#of the time'], rows)}")
    return "\n\n".join(parts)


def _criteria(totals: Totals) -> str:
    rows = [
        (f"`{row.criterion_id}`", part(row.unknown_ms, totals.bed_ms), part(row.holding_ms, totals.bed_ms))
        for row in totals.criteria
    ]
    return table(["criterion", "#unknown", "#met or recovering"], rows)


def _overview(totals: Totals) -> str:
    rows = [
        ("bed-days", number(totals.bed_ms / DAY_MS, 1)),
        ("a vital sign current", part(totals.covered_ms, totals.bed_ms)),
        *((f"{name} current", part(ms, totals.bed_ms)) for name, ms in totals.covered_by_vital_ms.items()),
    ]
    return table(["", "#"], rows)


def _alarms(totals: Totals) -> str:
    rows = [(f"`{row.rule_id}`", row.priority, *_burden(row.burden)) for row in totals.by_rule]
    sums = [*totals.by_priority.items(), *totals.by_kind.items(), ("all", totals.all_alarms)]
    rows += [(f"**{name}**", "", *_burden(burden)) for name, burden in sums]
    header = ["rule", "priority", "#alarms", "#stays", "#per bed-day", "#per covered bed-day", "#median", "#under 17 s"]
    return table(header, rows)


def _burden(burden: Burden) -> tuple[str, ...]:
    return (
        thousands(burden.alarms),
        thousands(burden.stays),
        number(burden.per_bed_day, 3),
        number(burden.per_covered_bed_day, 3),
        seconds(burden.median_duration_s),
        percent(burden.share_short),
    )


def stay_by_stay(runs: Sequence[tuple[Arm, Totals]]) -> str:
    """A row for each stay: its alarms, and its time in hold and discontinue under each profile."""
    rows = []
    for places in zip(*(totals.stays for _, totals in runs), strict=True):
        times = [time_in_each(stay) for stay in places]
        shares = [part(each[name], places[0].duration_ms) for each in times for name in ("hold", "discontinue")]
        rows.append((places[0].bed.partition("/")[2], len(places[0].announcements), *shares))
    header = [f"#{arm.name} {name}" for arm, _ in runs for name in ("hold", "discontinue")]
    return table(["stay", "#alarms", *header], rows)
