"""The backtest on one core: patient-hours of minute data per minute, under a dosing profile, without one, and what the
reading and the figures take of it.

python -m tests.benchmarks.bench_backtest [PATIENTS DAYS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from alerts.rulebook import Rulebook
from gateway.app import spare_the_collector
from gateway.backtest.arms import Arm, arm_of
from gateway.backtest.run import figures_of, fold_entry
from gateway.fold import Fold
from gateway.rulesets import load_rulebook
from gateway.wire.recording import read_parsed, write_recording
from tests.support.minute_courses import ward_of

PATIENTS = 4
DAYS = 5.0
PROFILES = ("label-2024", "jitc-2014")


def without_dosing() -> Arm:
    """The alarm rules alone."""
    return Arm(name="alarms alone", rules=Rulebook(alarms=load_rulebook().alarms))


def run(patients: int = PATIENTS, days: float = DAYS) -> dict[str, float]:
    """Figures of one run each: it takes minutes as it is."""
    spare_the_collector()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ward.ndjson"
        entries = write_recording(path, ward_of(patients, days))
        hours = patients * days * 24
        figures = {"patient_hours": hours, "entries": float(entries)}
        reading_s = cpu_s(lambda: sum(1 for _ in read_parsed(path)))
        figures["reading_us_per_entry"] = reading_s / entries * 1e6
        for arm in (without_dosing(), *map(arm_of, PROFILES)):
            name = arm.name.replace(" ", "_").replace("-", "_")
            backtest_s = cpu_s(lambda arm=arm: figures_of(path, [arm]))  # type: ignore[misc]  # bound now
            fold_s = cpu_s(lambda arm=arm: fold_alone(path, arm))  # type: ignore[misc]  # bound now
            figures[f"{name}_patient_hours_per_minute"] = hours / (backtest_s / 60)
            figures[f"{name}_us_per_entry"] = backtest_s / entries * 1e6
            figures[f"{name}_share_of_figures"] = 1 - fold_s / backtest_s
    return figures


def fold_alone(path: Path, arm: Arm) -> None:
    """Read and fold, and look at nothing."""
    takers = [(Fold(arm.rules), len)]
    for entry in read_parsed(path):
        fold_entry(entry, takers)


def cpu_s(action: Callable[[], object]) -> float:
    """Processor seconds of it."""
    began = process_time()
    action()
    return process_time() - began


def main(patients: int = PATIENTS, days: float = DAYS) -> None:
    """Print them."""
    for name, figure in run(patients, days).items():
        print(f"{name} {figure:,.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*(int(sys.argv[1]), float(sys.argv[2])) if len(sys.argv) == 3 else ())
