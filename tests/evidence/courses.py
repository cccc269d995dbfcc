"""500 simulated courses against published ones: `python -m tests.evidence.courses --out docs/evidence`.

Writes `simulated-courses.md` and its pictures. Deterministic: the same seeds, the same page. No gateway is involved;
this is about the patients alone.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, pstdev

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from simulators.body.state import HappeningKind
from simulators.care.bedside import Bedside
from simulators.care.nurse import Protocol
from tests.evidence.markdown import page, table

COURSES = 500
BEGINS_H, GOES_ON_H = -12.0, 84.0
"""From half a day before the first dose to three and a half days after the last."""
_ENDS_H = 8.0
"""Treatment ends when the next dose would have been due."""
STEP_S = 180.0
EVERY_H = 1.0
"""Between two points of a trace."""
TRACE_H = range(-12, 193)
PAGE, TRACES, SPREADS = "simulated-courses.md", "simulated-courses-traces.png", "simulated-courses-spreads.png"
DOTS_PER_INCH = 110
_INK, _BAND, _POINT = "#2f6f9f", "#c9dcea", "#d58a2f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one course."""

    doses: int
    held: int
    why_ended: tuple[str, ...]
    hr_before: float
    hr_on: float
    map_before: float
    map_on: float
    urine_before: float
    urine_on: float
    gain_pct: float
    gain_kg: float
    """The greatest, as is the share of the weight before."""
    gain_h: float
    """When, hours after the last dose."""
    gain_end_kg: float
    """At the end of treatment, eight hours after the last dose."""
    creatinine_peak: float
    bicarbonate_low: float
    platelets_low: float
    bilirubin_high: float
    oxygen_high: float
    used_pressors: bool
    had_af: bool
    was_confused: bool
    map_back_h: float | None
    """Hours after the last dose until the mean pressure was back at 90 % of before, without a pressor."""
    lost_per_day_kg: float | None
    """Weight lost per day from the second to the fourth day after the last dose."""
    trace: tuple[tuple[float, ...], ...]
    """Per hour of `TRACE_H`: MAP, HR, % gained, urine mL/h, creatinine, platelets; shorter where it ended before."""


def run_course(number: int) -> Outcome:
    """One course, to its end and three and a half days on."""
    bedside = Bedside(f"course-{number}", begins_h=BEGINS_H, protocol=Protocol.CONSENSUS)
    trace: list[tuple[float, ...]] = []
    by_hour: list[tuple[float, float, float, float, bool]] = []
    gain_pct = gain_kg = creatinine = oxygen = 0.0
    after: list[tuple[float, float]] = []
    end_h = 400.0
    while bedside.state.t_h < end_h:
        bedside.step(STEP_S)
        state, nurse = bedside.state, bedside.nurse
        gain_kg = max(gain_kg, state.weight_gain_kg())
        gain_pct = max(gain_pct, 100.0 * state.weight_gain_kg() / bedside.traits.weight_kg)
        creatinine, oxygen = max(creatinine, state.creatinine), max(oxygen, nurse.oxygen_l_min)
        last_h = state.doses[-1][1] if state.doses else 0.0
        if nurse.ended or bedside.next_slot > 14:
            end_h = last_h + GOES_ON_H
        if len(by_hour) * EVERY_H <= state.t_h - BEGINS_H:
            signs = bedside.signs()
            on_pressor = any(
                bedside.channels[name].flow_ml_h for name in ("phenylephrine", "norepinephrine", "dopamine")
            )
            by_hour.append((state.t_h, signs.map, signs.hr, state.urine_ml_h, on_pressor))
            after.append((state.t_h, state.weight_gain_kg()))
            if state.t_h <= TRACE_H[-1]:
                share = 100.0 * state.weight_gain_kg() / bedside.traits.weight_kg
                trace.append((signs.map, signs.hr, share, state.urine_ml_h, state.creatinine, state.platelets))
    return _outcome(bedside, by_hour, after, tuple(trace), gain_pct, gain_kg, creatinine, oxygen)


def _outcome(  # noqa: PLR0917 - called once, above
    bedside: Bedside,
    by_hour: Sequence[tuple[float, float, float, float, bool]],
    after: Sequence[tuple[float, float]],
    trace: tuple[tuple[float, ...], ...],
    gain_pct: float,
    gain_kg: float,
    creatinine: float,
    oxygen: float,
) -> Outcome:
    last_h = bedside.state.doses[-1][1]
    before = [row for row in by_hour if row[0] < 0.0]
    on = [row for row in by_hour if last_h - 16.0 <= row[0] < last_h + 8.0 and row[0] >= 0.0]
    map_before = fmean(row[1] for row in before)
    back = [row[0] - last_h for row in by_hour if row[0] > last_h + 8.0 and row[1] >= 0.9 * map_before and not row[4]]
    late = [(t_h, gain) for t_h, gain in after if last_h + 36.0 <= t_h <= last_h + 84.0]
    kinds = {h.kind for h in bedside.state.happenings}
    labs = bedside.notes.labs
    return Outcome(
        doses=len(bedside.state.doses),
        held=len(bedside.notes.held),
        why_ended=bedside.nurse.ended,
        hr_before=fmean(row[2] for row in before),
        hr_on=fmean(row[2] for row in on),
        map_before=map_before,
        map_on=fmean(row[1] for row in on),
        urine_before=fmean(row[3] for row in before),
        urine_on=fmean(row[3] for row in on),
        gain_pct=gain_pct,
        gain_kg=gain_kg,
        gain_h=max(after, key=lambda each: each[1])[0] - last_h,
        gain_end_kg=min(after, key=lambda each: abs(each[0] - last_h - _ENDS_H))[1],
        creatinine_peak=creatinine,
        bicarbonate_low=min(lab.bicarbonate for lab in labs),
        platelets_low=min(lab.platelets for lab in labs),
        bilirubin_high=max(lab.bilirubin for lab in labs),
        oxygen_high=oxygen,
        used_pressors=bedside.nurse.used_pressors,
        had_af=HappeningKind.AF in kinds or HappeningKind.SVT in kinds,
        was_confused=HappeningKind.CONFUSION in kinds,
        map_back_h=back[0] if back else None,
        lost_per_day_kg=24.0 * (late[0][1] - late[-1][1]) / (late[-1][0] - late[0][0]) if len(late) > 1 else None,
        trace=trace,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the comparison."""

    what: str
    published: str
    source: str
    simulated: str
    within: bool | None
    """Whether it agrees; None where nothing was published to agree with."""


def compare(outcomes: Sequence[Outcome]) -> list[Row]:
    """The comparison, line by line; what counts as agreement stands in each line."""

    def of(pick: Callable[[Outcome], float]) -> list[float]:
        return [pick(each) for each in outcomes]

    def share(is_so: Callable[[Outcome], bool]) -> float:
        return 100.0 * fmean(is_so(each) for each in outcomes)

    urine, peak, doses = of(lambda o: o.urine_on), of(lambda o: o.creatinine_peak), of(lambda o: float(o.doses))
    back = [o.map_back_h for o in outcomes if o.map_back_h is not None]
    lost = [o.lost_per_day_kg for o in outcomes if o.lost_per_day_kg is not None and o.gain_kg > 3.0]
    fall = 100.0 * fmean(of(lambda o: o.map_on / o.map_before - 1.0))
    gained, peak_mean = median(of(lambda o: o.gain_end_kg)), fmean(peak)
    most = median(of(lambda o: o.gain_pct))
    most_words = f"{{:.1f}} % ({median(of(lambda o: o.gain_kg)):+.1f} kg) {median(of(lambda o: o.gain_h)):.0f} h later"
    lee, day5 = "Lee 1989 [V]", "R40, R42 [V]"
    quartiles = f"{_quantile(doses, 0.25):.0f}-{_quantile(doses, 0.75):.0f}"
    before_to_on = f"{median(of(lambda o: o.urine_before)):.0f} to {median(urine):.0f} mL/h (medians)"
    peak_words, a_day = f"{{:.2f}} ± {pstdev(peak):.2f}", "{:+.1f} kg a day (median)"
    many = "usually 8-12; median 13 falling to 7 over 12 years"
    return [
        _line("heart rate before", "66.2 ± 10 /min", lee, fmean(of(lambda o: o.hr_before)), "{:.1f}", 63, 71),
        _line("heart rate on treatment", "104.3 ± 9.6 /min", lee, fmean(of(lambda o: o.hr_on)), "{:.1f}", 96, 112),
        _line("MAP, last day of treatment", "−14 to −18 %", day5, fall, "{:+.1f} %", -20, -12),
        _line("weight gain ≥ 10 %", "32 % of 423 courses", lee, share(lambda o: o.gain_pct >= 10), "{:.0f} %", 26, 38),
        _line("weight gain ≥ 15 %", "13 %", "the fit [D]", share(lambda o: o.gain_pct >= 15), "{:.0f} %", 8, 18),
        _line("weight gained in treatment", "+4.0 to +4.5 kg", "R30, R42 [V]", gained, "{:+.1f} kg (median)", 3.6, 4.9),
        _line("greatest weight gain", "5 to 10 %", "3.3 [GK]", most, most_words, 5, 10),
        _line("creatinine peak, cycle 1", "mean 2.6 mg/dL", "R45 [V]", peak_mean, peak_words, 2.2, 3.0),
        Row(
            what="creatinine peak, cycle 2",
            published="mean 3.8 mg/dL",
            source="R45 [V]",
            simulated="not simulated",
            within=None,
        ),
        _line("urine, last day", "114 to 12 mL/h; most 30-40", "R42 [V], 4.5 [D]", median(urine), before_to_on, 20, 50),
        _line("pressors", "65 % of 423 courses", lee, share(lambda o: o.used_pressors), "{:.0f} %", 57, 73),
        _line("doses given", many, "R8, R9 [V]", median(doses), f"median {{:.0f}}, quartiles {quartiles}", 8, 12),
        _line("AF or SVT", "6-10 % of courses", "R26, R27 [V]", share(lambda o: o.had_af), "{:.1f} %", 4, 11),
        _line("oxygen ≥ 1 L/min", "10 %", "4.5 [D]", share(lambda o: o.oxygen_high >= 1), "{:.0f} %", 5, 18),
        _line("platelets < 50", "10 %", "4.5 [D]", share(lambda o: o.platelets_low < 50), "{:.0f} %", 4, 15),
        _line("bicarbonate ≤ 20", "12 %", "4.5 [D]", share(lambda o: o.bicarbonate_low <= 20), "{:.0f} %", 6, 18),
        _line("bilirubin > 7", "5 %", "4.5 [D]", share(lambda o: o.bilirubin_high > 7), "{:.1f} %", 2, 8),
        _line("MAP back at 90 %", "12-24 h after the last dose", "4.5 [D]", median(back), "median {:.0f} h", 8, 24),
        _line("weight after the stop", "−1 to −2 kg a day", "4.5 [GK]", -median(lost), a_day, -2.2, -0.8),
    ]


def _line(what: str, published: str, source: str, found: float, words: str, low: float, high: float) -> Row:
    return Row(
        what=what, published=published, source=source, simulated=words.format(found), within=low <= found <= high
    )


def _quantile(numbers: Sequence[float], share: float) -> float:
    ordered = sorted(numbers)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def written(outcomes: Sequence[Outcome]) -> str:
    """The page."""
    rows = compare(outcomes)
    words = {True: "yes", False: "**no**", None: "–"}
    ended = Counter(reason for each in outcomes for reason in (each.why_ended[:1] or ("all doses given",)))
    misses = [row for row in rows if row.within is False]
    return page(
        "# Simulated courses against published ones",
        f"{len(outcomes)} courses of one cycle, each with a patient of its own (`simulators/body/traits.py`), treated "
        "by the simulated nurse under the consensus criteria (`simulators/care`): boluses, then phenylephrine and "
        "norepinephrine for the pressure, dopamine for the kidneys, oxygen; a dose is held for any relative criterion, "
        "and the course ended by an absolute one, three relative ones or three held doses. Made by "
        "`python -m tests.evidence.courses --out docs/evidence`; the same command gives the same page.",
        "*Last day of treatment* is the 24 h up to eight hours after the last dose. Sources and tags as in the "
        "clinical notes: V read in the primary source, D derived, GK general knowledge.",
        table(
            ["what", "published", "source", "#simulated", "agrees"],
            [[row.what, row.published, row.source, row.simulated, words[row.within]] for row in rows],
        ),
        "## What does not agree, and what that means",
        *(
            [f"- **{row.what}**: {row.simulated} where {row.published} was published." for row in misses]
            or ["Every line lies within the band that the code names (`compare`)."]
        ),
        "A second cycle is not simulated: why the kidneys answer more strongly then is not in the model. The published "
        "figures come from different decades and rules: of the haemodynamic rows most are series of 3 to 15 patients, "
        "the creatinine peaks come from before creatinine of 3.0 mg/dL ended a course, and what *on treatment* means "
        "differs. The bands are wide for that reason. The proposal to lower the pressure slowly by 14 to 18 % **and** "
        "to add a dip of 15 to 25 mmHg after each dose would together come to about −30 %; the published −14 to −18 % "
        "was kept and both parts made smaller.",
        "Weight is compared twice: what was gained over five days of treatment (R30, R42) with what is gained by the "
        "end of treatment, eight hours after the last dose; and the share of courses with 10 % or more with the "
        "greatest gain, which comes later, since fluids run on while the kidneys are slow. One figure cannot be both: "
        "where 32 % gain 10 % or more and 13 % gain 15 % or more, these alone come to 3.1 kg of the mean over all "
        "80 kg patients, and for a mean of 4.25 kg the others could have gained no more than 1.7 kg each. Weight and "
        "urine are tied by the water that is given: what is not gained is passed. Both at the middle of what was "
        "published would need less fluid than the simulated nurse gives; what was given is told of one series.",
        f"![traces]({TRACES})",
        f"![distributions]({SPREADS})",
        "Why courses ended: "
        + ", ".join(f"{reason} {100 * count / len(outcomes):.0f} %" for reason, count in ended.most_common(8))
        + ".",
    )


def draw_traces(outcomes: Sequence[Outcome], path: Path) -> None:
    """Median and the band from the tenth to the ninetieth percentile, hour by hour."""
    titles = (
        "MAP, mmHg",
        "heart rate, /min",
        "weight gain, %",
        "urine, mL/h",
        "creatinine, mg/dL",
        "platelets, 10³/µL",
    )
    points: dict[int, list[tuple[float, float]]] = {
        0: [(104, 0.86 * 96)],
        1: [(104, 104.3)],
        3: [(104, 12), (104, 35)],
        4: [(120, 2.47)],
        5: [(104, 100)],
    }
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    for number, title in enumerate(titles):
        axes = figure.add_subplot(2, 3, number + 1)
        hours, low, mid, high = [], [], [], []
        for place, hour in enumerate(TRACE_H):
            values = sorted(each.trace[place][number] for each in outcomes if place < len(each.trace))
            if len(values) < len(outcomes) // 5:
                break
            hours.append(hour)
            low.append(_quantile(values, 0.1))
            mid.append(_quantile(values, 0.5))
            high.append(_quantile(values, 0.9))
        axes.fill_between(hours, low, high, color=_BAND, linewidth=0)
        axes.plot(hours, mid, color=_INK, linewidth=1.4)
        for at, value in points.get(number, []):
            axes.plot(at, value, marker="D", color=_POINT, markersize=5)
        axes.set_title(title, fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("hours since the first dose", fontsize=8)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def draw_spreads(outcomes: Sequence[Outcome], path: Path) -> None:
    """How doses, weight gain and creatinine peak are spread."""
    figure = plt.figure(figsize=(11, 2.9), layout="constrained")
    doses, gain, peak = (figure.add_subplot(1, 3, place) for place in (1, 2, 3))
    doses.hist([each.doses for each in outcomes], bins=[n - 0.5 for n in range(1, 16)], color=_INK, rwidth=0.85)
    doses.set_title("doses given", fontsize=9, loc="left")
    gain.hist([each.gain_pct for each in outcomes], bins=30, color=_INK)
    gain.axvline(10.0, color=_POINT)
    gain.set_title("greatest weight gain, %", fontsize=9, loc="left")
    peak.hist([each.creatinine_peak for each in outcomes], bins=30, color=_INK)
    peak.axvline(2.6, color=_POINT)
    peak.set_title("creatinine peak, mg/dL (published mean 2.6)", fontsize=9, loc="left")
    for axes in (doses, gain, peak):
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for page and pictures")
    parser.add_argument("--courses", type=int, default=COURSES)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.processes) as pool:
        outcomes = list(pool.map(run_course, range(arguments.courses), chunksize=5))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / PAGE).write_text(written(outcomes), encoding="utf-8")
    draw_traces(outcomes, arguments.out / TRACES)
    draw_spreads(outcomes, arguments.out / SPREADS)
    sys.stderr.write(f"{len(outcomes)} courses: {arguments.out / PAGE}\n")


if __name__ == "__main__":
    main()
