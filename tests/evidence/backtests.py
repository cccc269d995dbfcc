"""The charted stays under three dosing profiles, as `vigil backtest` runs them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.backtest.arms import Arm, arm_of
from gateway.backtest.figures import RecordingFailure
from gateway.backtest.run import run_backtest
from gateway.backtest.totals import Totals, totals_of
from gateway.wire.recording import write_recording
from simulators.recordings.formats import FORMATS, ImportRequest

PROFILES = ("label-2024", "jitc-2014", "community-2015")
JOBS = 2


def backtest_mimic(folder: Path, stays: Collection[str] | None = None) -> list[tuple[Arm, Totals]]:
    """Import every stay of the tables in `folder`, or those named, and run them under each profile.

    Raises:
        ValueError: a recording could not be run.
    """
    recordings, _ = FORMATS["mimic-csv"](ImportRequest(path=folder))
    recordings = [each for each in recordings if stays is None or each.stay in stays]
    arms = [arm_of(profile) for profile in PROFILES]
    with TemporaryDirectory() as target:
        paths = [Path(target) / f"{recording.stay}.ndjson" for recording in recordings]
        for path, recording in zip(paths, recordings, strict=True):
            write_recording(path, recording.entries)
        outcomes = run_backtest(paths, arms, jobs=JOBS)
    failures = [outcome for outcome in outcomes if isinstance(outcome, RecordingFailure)]
    if failures:
        raise ValueError(f"{failures[0].recording}: {failures[0].reason}")
    figures = [outcome for outcome in outcomes if not isinstance(outcome, RecordingFailure)]
    return [(arm, totals_of(each.arms[place] for each in figures)) for place, arm in enumerate(arms)]
