"""Every scenario recorded without a broker and scored: `python -m tests.evidence.scenarios --out docs/evidence`.

Writes `simulated-scenarios.md`. Each scenario lasts as long as a test plays it live (`live_s`), or with `--whole` as
long as it is. The page says what the rules of the day make of the runs; it is no test.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from simulators.offline import record
from simulators.oracle.score import Score
from simulators.scenario import load_scenario, scenario_names
from simulators.score_run import score_run
from tests.evidence.markdown import page, table

PAGE = "simulated-scenarios.md"


def scored(name: str, *, whole: bool) -> Score:
    """One scenario, recorded, replayed and scored."""
    scenario = load_scenario(name)
    with TemporaryDirectory(prefix="vigil-evidence-") as folder:
        record(
            scenario, beds=scenario.beds, unit="icu", seed=1, out=Path(folder) / "run.ndjson",
            duration_s=scenario.duration_s if whole else scenario.live_s, truth=Path(folder) / "truth.ndjson",
        )  # fmt: skip
        found, _ = score_run(Path(folder))
    return found


def written(scores: list[Score]) -> str:
    """The page."""
    rows = [
        [
            each.scenario,
            "passed" if each.is_passed else "**failed**",
            f"{each.bed_days * 24:.1f}",
            f"{sum(f.found for f in each.families.values())} of {each.must}",
            _delay(each),
            each.forbidden,
            each.unexpected,
            f"{each.decisions - len(each.wrong_decisions)} of {each.decisions}",
        ]
        for each in scores
    ]
    false = [f"- {s.scenario}: {f.rule_id} at {f.bed} {f.why}" for s in scores for f in s.false_alarms]
    missed = [f"- {s.scenario}: {' or '.join(m.families)}, {m.why}" for s in scores for m in s.missed]
    bed_days, unexpected = sum(s.bed_days for s in scores), sum(s.unexpected for s in scores)
    return page(
        "# Simulated scenarios, scored",
        "What has to be announced was, how late, and what was announced without cause; words and rules in "
        "[the page on the simulators](../simulators.md). Made by "
        "`python -m tests.evidence.scenarios --out docs/evidence`.",
        table(
            ["scenario", "", "#bed-hours", "#musts found", "#delay s, median / latest", "#forbidden", "#unexpected",
             "#decisions right"],
            rows,
        ),
        f"{unexpected} unexpected alarms in {bed_days:.2f} bed-days: {unexpected / bed_days:.1f} per bed and day.",
        "## Missed" if missed else "Nothing was missed.",
        *(["\n".join(missed)] if missed else []),
        "## Without cause" if false else "Nothing was announced without cause.",
        *(["\n".join(false)] if false else []),
    )  # fmt: skip


def _delay(each: Score) -> str:
    delays = [delay for family in each.families.values() for delay in family.delays_s]
    return f"{median(delays):.0f} / {max(delays):.0f}" if delays else "–"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the page")
    parser.add_argument("--whole", action="store_true", help="each scenario to its end; takes long")
    arguments = parser.parse_args()
    scores = [scored(name, whole=arguments.whole) for name in scenario_names()]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / PAGE).write_text(written(scores), encoding="utf-8")
    sys.stderr.write(f"{len(scores)} scenarios: {arguments.out / PAGE}\n")


if __name__ == "__main__":
    main()
