"""The pictures of the evidence: alarms per bed-day by rule, the agreement on hypotension, time in each decision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gateway.backtest.arms import Arm
from gateway.backtest.figures import DAY_MS
from gateway.backtest.totals import Totals
from streaming.rules.kinds import AlarmProfile, EquipmentRule
from tests.evidence.comparison import Agreement
from tests.evidence.replay_pages import alarms_by_rule, observed_ms, per_bed_day
from tests.evidence.replays import Replays

VITAL, TECHNICAL, PALE = "#2f6f9f", "#9a9a9a", "#d58a2f"
DECISION_COLOURS = {"discontinue": "#b8536a", "hold": "#e0a458", "indeterminate": "#b9c2ca", "proceed": "#5fae90"}
DOTS_PER_INCH = 110


def draw_rates(replays: Replays, profile: AlarmProfile, path: Path) -> None:
    """Alarms per observed bed-day, a bar for each rule that spoke."""
    alarms, seen_ms = alarms_by_rule(replays), observed_ms(replays)
    rules = [rule for rule in reversed(profile.rules) if alarms[rule.id]]
    rates = [per_bed_day(alarms[rule.id], seen_ms) for rule in rules]
    figure, axes = plt.subplots(figsize=(8, 0.32 * len(rules) + 1.2), layout="constrained")
    colours = [TECHNICAL if isinstance(rule, EquipmentRule) else VITAL for rule in rules]
    bars = axes.barh([rule.id for rule in rules], rates, color=colours)
    axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_xlabel(f"alarms per observed bed-day ({len(replays.stays)} stays; grey: technical)")
    axes.margins(x=0.12, y=0.01)
    _finish(figure, axes, path)


def draw_agreement(agreements: Sequence[Agreement], path: Path) -> None:
    """For each rule, the episodes that are the same, and those that one side alone has so."""
    names = [agreement.rule.rule_id for agreement in reversed(agreements)]
    same = [agreement.same for agreement in reversed(agreements)]
    engine = [len(agreement.engine) - agreement.same for agreement in reversed(agreements)]
    counted = [len(agreement.independent) - agreement.same for agreement in reversed(agreements)]
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    offset = [0] * len(names)
    for label, numbers, colour in [
        ("the same onset, confirmation and end", same, VITAL),
        ("so in the engine alone", engine, PALE),
        ("so in the count alone", counted, TECHNICAL),
    ]:
        bars = axes.barh(names, numbers, left=offset, color=colour, label=label)
        axes.bar_label(bars, labels=[str(number or "") for number in numbers], label_type="center", fontsize=8)
        offset = [before + number for before, number in zip(offset, numbers, strict=True)]
    axes.set_xlabel("hypotension episodes")
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    _finish(figure, axes, path)


def draw_decisions(runs: Sequence[tuple[Arm, Totals]], path: Path) -> None:
    """Share of the time in each decision, a bar for each profile."""
    names = [arm.name for arm, _ in reversed(runs)]
    figure, axes = plt.subplots(figsize=(8, 2.4), layout="constrained")
    offset = [0.0] * len(names)
    for decision, colour in DECISION_COLOURS.items():
        shares = [100 * totals.decision_ms[decision] / totals.bed_ms for _, totals in reversed(runs)]
        bars = axes.barh(names, shares, left=offset, color=colour, label=decision)
        axes.bar_label(bars, labels=[f"{s:.0f} %" if s >= 4 else "" for s in shares], label_type="center", fontsize=8)
        offset = [before + share for before, share in zip(offset, shares, strict=True)]
    axes.set_xlabel(f"per cent of {runs[0][1].bed_ms / DAY_MS:.0f} bed-days")
    axes.set_xlim(0, 100)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, fontsize=8, frameon=False)
    _finish(figure, axes, path)


def _finish(figure: Figure, axes: Axes, path: Path) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)
