"""Writes the evidence from public recordings: `python -m tests.evidence.mimic [--data FOLDER] --out docs/evidence`.

FOLDER holds `mimic-iv-demo/` and `bidmc/`; it is that of VIGIL_SHARED_DATA, or `shared/data` beside the repository,
where it is not given. The pages are the same bytes for the same recordings, rules and code, so that a test can tell
whether those in docs/evidence are current.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.rulesets import load_alarm_profile
from streaming.rules.kinds import AlarmProfile
from tests.evidence.backtest_page import backtest_page
from tests.evidence.backtests import backtest_mimic
from tests.evidence.comparison import Agreement, compare
from tests.evidence.grouping import gather_grouping
from tests.evidence.grouping_page import grouping_page
from tests.evidence.hypotension_page import hypotension_page
from tests.evidence.independent_hypotension import read_pressures
from tests.evidence.independent_treatment import Crossing, Step
from tests.evidence.replay_pages import bidmc_page, mimic_page
from tests.evidence.replays import Episode, Replays, replay_all
from tests.evidence.treatment_comparison import TreatmentAgreement, compare_pressors, compare_weights
from tests.evidence.treatment_page import treatment_page

PROFILE = "alarms-il2"


@dataclass(frozen=True, slots=True, kw_only=True)
class MimicEvidence:
    """What the charted stays showed."""

    profile: AlarmProfile
    replays: Replays
    agreements: tuple[Agreement, ...]
    weights: TreatmentAgreement[Crossing]
    pressors: TreatmentAgreement[Step]

    @property
    def pages(self) -> dict[str, str]:
        """File name to text."""
        stays = [stay.stay for stay in self.replays.stays]
        return {
            "mimic-replay.md": mimic_page(self.replays, self.profile),
            "mimic-hypotension.md": hypotension_page(self.agreements, stays, self.profile),
            "mimic-treatment.md": treatment_page(self.weights, self.pressors, self.profile),
        }


def gather_mimic(folder: Path) -> MimicEvidence:
    """Replays and compares the stays of the tables in `folder`."""
    profile = load_alarm_profile(PROFILE)
    replays = replay_all("mimic-csv", folder, profile)
    episodes: dict[str, list[Episode]] = {}
    for stay in replays.stays:
        for rule_id, found in stay.episodes.items():
            episodes.setdefault(rule_id, []).extend(found)
    return MimicEvidence(
        profile=profile,
        replays=replays,
        agreements=tuple(compare(read_pressures(folder), episodes)),
        weights=compare_weights(folder, replays),
        pressors=compare_pressors(folder, replays),
    )


def gather_bidmc(folder: Path) -> dict[str, str]:
    """Replays the monitor numerics in `folder`: file name to text."""
    profile = load_alarm_profile(PROFILE)
    return {"bidmc-replay.md": bidmc_page(replay_all("bidmc", folder, profile), profile)}


def main() -> None:
    """Entry point."""
    from tests.evidence.charts import draw_agreement, draw_decisions, draw_rates

    parser = argparse.ArgumentParser(description="Writes the evidence from public recordings.")
    parser.add_argument("--data", type=Path, default=default_data(), help="holds mimic-iv-demo/ and bidmc/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pages and pictures")
    options = parser.parse_args()
    for name in ("mimic-iv-demo", "bidmc"):
        if not (options.data / name).is_dir():
            parser.error(f"{options.data} holds no {name}/")
    options.out.mkdir(parents=True, exist_ok=True)
    evidence = gather_mimic(options.data / "mimic-iv-demo")
    for name, text in (evidence.pages | gather_bidmc(options.data / "bidmc")).items():
        (options.out / name).write_text(text, encoding="utf-8")
    draw_rates(evidence.replays, evidence.profile, options.out / "mimic-alarms-per-bed-day.png")
    draw_agreement(evidence.agreements, options.out / "mimic-hypotension-agreement.png")
    runs = backtest_mimic(options.data / "mimic-iv-demo")
    (options.out / "mimic-backtest.md").write_text(backtest_page(runs), encoding="utf-8")
    draw_decisions(runs, options.out / "mimic-backtest-decisions.png")
    grouping = gather_grouping(options.data / "mimic-iv-demo")
    (options.out / "mimic-grouping.md").write_text(grouping_page(grouping), encoding="utf-8")
    differences = [d for agreement in evidence.agreements for d in agreement.differences]
    because = [difference.because for difference in differences]
    because_of_treatment = [
        *(difference.because for difference in evidence.weights.differences),
        *(difference.because for difference in evidence.pressors.differences),
    ]
    unexplained = because.count(None) + because_of_treatment.count(None)
    sys.stderr.write(f"written to {options.out}; differences that nothing explains: {unexplained}\n")
    sys.exit(1 if unexplained else 0)


def default_data() -> Path:
    """Where the recordings are when nobody says."""
    named = os.environ.get("VIGIL_SHARED_DATA")
    return Path(named) if named else Path(__file__).parents[3] / "shared" / "data"


if __name__ == "__main__":
    main()
