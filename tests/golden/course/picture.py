"""The picture of the golden course for the evidence: `python -m tests.golden.course.picture`.

What the devices said, what was decided under both tables, and what was announced, over the five days.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from gateway.rulesets import load_rulebook
from tests.evidence.charts import DECISION_COLOURS, DOTS_PER_INCH
from tests.golden.course import story
from tests.golden.course.expected import CONSENSUS, LABEL
from tests.golden.course.hearing import Heard, Urgency, hear
from tests.golden.course.telling import Teller

PICTURE = Path(__file__).parents[3] / "docs" / "evidence" / "golden-course.png"
FIRST, SECOND, FAINT = "#2f6f9f", "#c25b2e", "#9a9a9a"
URGENCY_COLOURS = {1: "#8fc7d9", 2: "#e8b93c", 3: "#c8323c"}
DOSE_COLOURS = {"given": FIRST, "partial": SECOND, "held": FAINT}
FAMILIES = (
    "hypotension", "tachycardia", "arrhythmia", "weight_gain", "oliguria", "renal", "pressor", "dose",
    "dose_during_hold", "dose_decision",
)  # fmt: skip
STEP_H = 1 / 60
MINUTES = [story.ADMITTED_H + i * STEP_H for i in range(round((story.DISCHARGED_H - story.ADMITTED_H) / STEP_H))]


def draw() -> None:
    """Play the course under both tables and draw it."""
    said = {name: hear(Teller(), replace(load_rulebook(), forced_dosing=name)) for name in (LABEL, CONSENSUS)}
    heights = [3.0, 1.5, 1.7, 1.5, 1.3, 1.0, 1.3, 3.6]
    figure, rows = plt.subplots(len(heights), 1, sharex=True, figsize=(13, 16), height_ratios=heights)
    figure.subplots_adjust(left=0.115, right=0.925, top=0.965, bottom=0.04, hspace=0.12)
    _pressures(rows[0])
    _heart(rows[1])
    _weight_and_urine(rows[2])
    _creatinine(rows[3])
    _pressor(rows[4])
    _doses(rows[5], said[LABEL])
    _decisions(rows[6], said)
    _alarms(rows[7], said[LABEL])
    for axes in rows:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
        for dose in range(1, story.DOSES + 1):
            axes.axvline(story.due_h(dose), color="#dddddd", linewidth=0.8, zorder=0)
    rows[0].set_title("One patient, 14 doses due: what was measured, decided and announced", fontsize=13, loc="left")
    rows[-1].set_xlim(story.ADMITTED_H, story.DISCHARGED_H)
    rows[-1].set_xticks(range(0, 112, 8))
    rows[-1].set_xlabel("hours since the first dose; grey lines: a dose is due", fontsize=10)
    figure.savefig(PICTURE, dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def _pressures(axes: Axes) -> None:
    systolic = [story.at_hour(story.SYSTOLIC, hour) for hour in MINUTES]
    diastolic = [story.at_hour(story.DIASTOLIC, hour) for hour in MINUTES]
    mean = [low + (high - low) / 3 for high, low in zip(systolic, diastolic, strict=True)]
    axes.plot(MINUTES, systolic, color=FIRST, label="systolic")
    axes.plot(MINUTES, mean, color=SECOND, label="mean")
    axes.axhline(90, color=FIRST, linewidth=0.8, linestyle=":")
    axes.axhline(65, color=SECOND, linewidth=0.8, linestyle=":")
    axes.annotate("dotted: systolic 90, mean 65", (0.995, 0.03), xycoords="axes fraction", ha="right", fontsize=8)
    for hour, text, at_h in [
        (45.25, "84/46\nafter dose 6", 47), (76.75, "86/48\nafter dose 10", 70), (79.09, "74/40\nsyringe dry", 82),
    ]:  # fmt: skip
        axes.annotate(
            text, (hour, story.at_hour(story.SYSTOLIC, hour)), (at_h, 116), fontsize=9, va="bottom",
            arrowprops={"arrowstyle": "-", "linewidth": 0.6},
        )  # fmt: skip
    _named(axes, "pressure, mmHg")
    axes.legend(loc="upper right", ncols=2, fontsize=9, frameon=False)


def _heart(axes: Axes) -> None:
    axes.plot(MINUTES, [story.at_hour(story.HEART, hour) for hour in MINUTES], color=FIRST)
    axes.axvspan(*story.FIBRILLATION_H, color="#f1d9c9", zorder=0)
    axes.annotate("AF", (story.FIBRILLATION_H[1] + 0.4, 130), fontsize=9)
    axes.annotate("VT, 6 beats", (story.VT_H, 108), (0, 18), textcoords="offset points", fontsize=8, ha="center",
                  arrowprops={"arrowstyle": "-|>", "linewidth": 0.8})  # fmt: skip
    _named(axes, "heart rate, /min")


def _weight_and_urine(axes: Axes) -> None:
    hours = [hour - story.URINE_EARLY_H for span, _ in story.URINE_ML_H for hour in span]
    amounts = [amount for span, amount in story.URINE_ML_H for _ in span]
    axes.bar(hours, amounts, width=-0.9, align="edge", color="#c9bd8a")
    _named(axes, "urine, mL/h")
    weights = axes.twinx()
    gains = [100 * (kg / story.WEIGHT_KG - 1) for kg in story.WEIGHTS_KG.values()]
    weights.plot(list(story.WEIGHTS_KG), gains, color=SECOND, marker="o", markersize=5)
    weights.set_ylabel("weight gain, %", color=SECOND, fontsize=10)
    weights.set_ylim(0, 20)
    weights.tick_params(labelsize=9, colors=SECOND)
    weights.spines[["top"]].set_visible(False)
    for hour, gain in list(zip(story.WEIGHTS_KG, gains, strict=True))[1:]:
        weights.annotate(f"{gain:.4g}", (hour, gain), (0, 6), textcoords="offset points", fontsize=8, ha="center")


def _creatinine(axes: Axes) -> None:
    values = story.LABORATORY["loinc:2160-0"]
    axes.plot(story.LABORATORY_H, values, color=FIRST, marker="o", markersize=4)
    for limit in (2.5, 3.0):
        axes.axhline(limit, color=FAINT, linewidth=0.8, linestyle=":")
    axes.annotate("dotted: 2.5 relative, 3.0 absolute (consensus)", (0.005, 0.86), xycoords="axes fraction", fontsize=8)
    axes.set_ylim(0, 3.7)
    _named(axes, "creatinine,\nmg/dL")


def _pressor(axes: Axes) -> None:
    rates = [story.step_at_hour(story.PHENYLEPHRINE, hour) or 0.0 for hour in MINUTES]
    axes.fill_between(MINUTES, rates, step="post", color="#b9a3c9")
    axes.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=":")
    _named(axes, "phenylephrine,\nµg/kg/min")


def _doses(axes: Axes, said: Heard) -> None:
    last = {line["number"]: line for line in said.said("dose")}
    for number, line in last.items():
        percent = line["percent_of_order"] or 0.0
        colour = DOSE_COLOURS[line["status"]]
        axes.bar(story.due_h(number), percent, width=1.6, color=colour)
        word = line["status"] if line["status"] != "partial" else f"{percent:.0f} %"
        axes.annotate(f"{number}: {word}", (story.due_h(number), max(percent, 4)), (0, 3), ha="center", fontsize=8,
                      textcoords="offset points", color=colour)  # fmt: skip
    axes.set_ylim(0, 145)
    axes.set_yticks([0, 100])
    _named(axes, "dose,\n% of order")


def _decisions(axes: Axes, said: dict[str, Heard]) -> None:
    for y, (name, heard) in enumerate(reversed(said.items())):
        lines = heard.said("decision")
        ends = [line["hour"] for line in lines[1:]] + [story.DISCHARGED_H]
        for line, end in zip(lines, ends, strict=True):
            axes.barh(y, end - line["hour"], left=line["hour"], height=0.7, color=DECISION_COLOURS[line["decision"]])
        for hour, _, _ in story.SIGNATURES:
            axes.plot(hour, y, marker="v", color="black", markersize=5)
        axes.annotate(name, (-0.008, y), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=9)
    axes.set_yticks([])
    handles: list[Artist] = [Rectangle((0, 0), 1, 1, color=colour) for colour in DECISION_COLOURS.values()]
    axes.legend([*handles, Line2D([], [], marker="v", color="black", linestyle="")],
                [*DECISION_COLOURS, "signature"], loc="lower left", bbox_to_anchor=(0, -0.02), ncols=5, fontsize=8,
                framealpha=0.9)  # fmt: skip
    axes.set_ylim(-1.2, 1.5)


def _alarms(axes: Axes, said: Heard) -> None:
    for y, family in enumerate(reversed(FAMILIES)):
        urgency = Urgency(said, family)
        ranks = [urgency.at(hour) for hour in MINUTES]
        for rank, colour in URGENCY_COLOURS.items():
            spans = [(hour, 3 * STEP_H) for hour, found in zip(MINUTES, ranks, strict=True) if found == rank]
            axes.broken_barh(spans, (y - 0.35, 0.7), color=colour)
        axes.annotate(family, (-0.008, y), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=9)
    axes.set_yticks([])
    axes.set_ylim(-0.7, len(FAMILIES) - 0.3)
    handles: list[Artist] = [Rectangle((0, 0), 1, 1, color=colour) for colour in URGENCY_COLOURS.values()]
    axes.legend(handles, ["low", "medium", "high"], loc="upper left", title="alarms (label-2024)", fontsize=8,
                title_fontsize=9, frameon=False)  # fmt: skip


def _named(axes: Axes, name: str) -> None:
    axes.set_ylabel(name, fontsize=10)
    axes.yaxis.set_label_coords(-0.055, 0.5)


if __name__ == "__main__":
    draw()
