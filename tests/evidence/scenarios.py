"""Every scenario played live over MQTT, recorded without a broker, and scored: `make scenarios`.

    python -m tests.evidence.scenarios --out docs/evidence

Writes `simulated-scenarios.md`. Live, scenarios of a batch play side by side into one gateway at speed 60, each for its
`live_s`; the same patients are then recorded for as long, and scored likewise; and each scenario is recorded once more
for as long as it lasts. Exit status 1 when a run has not passed, or when live and offline differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from simulators.oracle.score import Score
from simulators.scenario import Scenario, load_scenario, scenario_names
from tests.evidence.markdown import page, table
from tests.support.live_scenarios import Played, complaints, differences, play_live, score_offline

PAGE = "simulated-scenarios.md"
SPEED = 60.0
BEDS_AT_ONCE = 20
"""One process plays all scenarios of a batch: sixty times faster, that is a thousand messages a second."""


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario."""

    live: Played
    offline: Score
    whole: Score
    differs: tuple[str, ...]
    """What live and offline score differently."""

    @property
    def complaints(self) -> list[str]:
        """Why it has not passed; empty when it has."""
        runs = {"live": self.live.score, "offline": self.offline, "whole": self.whole}
        found = [f"{kind}: {line}" for kind, score in runs.items() for line in complaints(score)]
        return found + [f"refused: {each}" for each in self.live.failed] + list(self.differs)


def batches(scenarios: Sequence[Scenario]) -> list[list[str]]:
    """Who plays with whom: runs of like length together; who breaks the broker plays alone."""
    found: list[list[str]] = []
    beds = BEDS_AT_ONCE
    for scenario in sorted(scenarios, key=lambda each: (bool(each.outages), each.live_s, each.beds)):
        if scenario.outages or beds + scenario.beds > BEDS_AT_ONCE:
            found.append([])
            beds = 0
        found[-1].append(scenario.name)
        beds += scenario.beds
    return found


def played(names: Sequence[str], folder: Path) -> list[Row]:
    """All of them."""
    rows = []
    for number, batch in enumerate(batches([load_scenario(name) for name in names])):
        here = folder / str(number)
        here.mkdir()
        _say(f"live: {', '.join(batch)}")
        rows += [_with_offline(here, run) for run in play_live(here, batch, speed=SPEED, within_s=900.0)]
    return sorted(rows, key=lambda row: row.live.name)


def _with_offline(folder: Path, live: Played) -> Row:
    offline, truth = score_offline(folder, live.name, duration_s=load_scenario(live.name).live_s, unit=live.unit)
    whole, _ = score_offline(folder / "whole", live.name)
    row = Row(live, offline, whole, tuple(differences(live, offline, truth)))
    _say("\n".join([f"{live.name}: {'failed' if row.complaints else 'passed'}", *row.complaints]))
    return row


def written(rows: Sequence[Row]) -> str:
    """The page."""
    heads = ["#musts", "#delay s", "#forbidden", "#unexpected", "#decisions"]
    behind = "#s behind, live"
    both = [
        [
            row.live.name, "**failed**" if row.complaints else "passed", *_cells(row.live.score),
            f"{row.live.behind_s:.1f}", *_cells(row.offline), "**no**" if row.differs else "yes",
        ]
        for row in rows
    ]  # fmt: skip
    whole = [[row.live.name, f"{row.whole.bed_days * 24:.1f}", *_cells(row.whole)] for row in rows]
    bad = [f"- {line}" for row in rows for line in row.complaints]
    return page(
        "# Simulated scenarios, scored",
        "What has to be announced was, how late (median / latest), and what was announced without cause; words and "
        "rules in [the page on the simulators](../simulators.md). Made by `make scenarios`.",
        "*Live*: over MQTT through a real mosquitto into a real gateway at speed 60, its journal exported and "
        "replayed; in `broker-outage` the mosquitto is killed and started again. *Offline*: the same patients recorded "
        "without a broker, for as long.",
        table(
            ["scenario", "", *(f"{h}, live" for h in heads), behind, *(f"{h}, offline" for h in heads), "same"], both
        ),
        _sums("Live", [row.live.score for row in rows]),
        _sums("Offline", [row.offline for row in rows]),
        "*Same* compares the musts of each family and how many were found, what was forbidden, and each decision with "
        "whether it was right. A delay differs by what a connection costs: at speed 60 a second of it is a minute. "
        "*Behind* is by how many real seconds the simulators were late at worst: with more than two the machine did "
        "not keep up, and the run says nothing.",
        "## For as long as each lasts",
        table(["scenario", "#bed-hours", *heads], whole),
        _sums("Offline, whole", [row.whole for row in rows]),
        "## What is wrong" if bad else "Nothing was missed, nothing forbidden was announced, no decision was wrong.",
        *(["\n".join(bad)] if bad else []),
        "## Without cause",
        "\n".join(_without_cause(rows)) or "Nothing.",
    )


def _cells(score: Score) -> list[object]:
    delays = [delay for family in score.families.values() for delay in family.delays_s]
    return [
        f"{sum(f.found for f in score.families.values())} of {score.must}",
        f"{median(delays):.0f} / {max(delays):.0f}" if delays else "–",
        score.forbidden,
        score.unexpected,
        f"{score.decisions - len(score.wrong_decisions)} of {score.decisions}",
    ]


def _sums(kind: str, scores: Sequence[Score]) -> str:
    musts, bed_days = sum(each.must for each in scores), sum(each.bed_days for each in scores)
    announced = sum(family.found for each in scores for family in each.families.values())
    unexpected, forbidden = sum(each.unexpected for each in scores), sum(each.forbidden for each in scores)
    return (
        f"{kind}: {announced} of {musts} musts announced, {forbidden} forbidden, {unexpected} unexpected in "
        f"{bed_days:.1f} bed-days ({unexpected / bed_days:.1f} per bed and day)."
    )


def _without_cause(rows: Sequence[Row]) -> list[str]:
    return [
        f"- {row.live.name}, {kind}: {false.rule_id} at {false.bed}, {false.at}"
        for row in rows
        for kind, score in (("live", row.live.score), ("offline", row.offline), ("whole", row.whole))
        for false in score.false_alarms
        if not false.why
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the page")
    parser.add_argument("names", nargs="*", help="scenarios; all when none is named")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="vigil-scenarios-") as folder:
        rows = played(arguments.names or scenario_names(), Path(folder))
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / PAGE).write_text(written(rows), encoding="utf-8")
    _say(f"{len(rows)} scenarios: {arguments.out / PAGE}")
    sys.exit(1 if any(row.complaints for row in rows) else 0)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
