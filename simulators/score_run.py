"""Finds what belongs to a run, has the recording replayed where it was not, and scores it.

A run is a folder with `truth.ndjson` and `replay.ndjson` or `run.ndjson` (both also .gz), or a recording or replay
output with its truth beside it. Vigil is asked for a replay as anybody would ask it: by its command, as a process.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from simulators.oracle.heard import read_heard
from simulators.oracle.score import Score, score
from simulators.truth import RunTruth, read_truth

TRUTH, RECORDING, REPLAY = "truth.ndjson", "run.ndjson", "replay.ndjson"
_VIGIL = "from gateway.cli import main; main()"


class RunError(ValueError):
    """A run is incomplete or cannot be replayed; the message says what is missing."""


def score_run(run: Path, *, truth: Path | None = None, keep_replay: bool = False) -> tuple[Score, RunTruth]:
    """Scores a run.

    Args:
        run: folder, recording or replay output.
        truth: its truth; looked for beside it when None.
        keep_replay: leave the replay output in the folder.

    Raises:
        RunError: something is missing, or the recording cannot be replayed.
        TruthError: the truth cannot be read.
        HeardError: the replay output cannot be read.
        OSError: a file cannot be read.
    """
    truth_path = truth or _beside(run)
    if not truth_path.is_file():
        raise RunError(f"no {truth_path.name} beside {run.name}: a run is scored against its truth")
    found = read_truth(truth_path)
    heard = read_heard(_replay_lines(run, keep=keep_replay), {f.admission_id: f.bed for f in found.beds})
    return score(found, heard), found


def _beside(run: Path) -> Path:
    if run.is_dir():
        return run / TRUTH
    stem = run.name.removesuffix(".gz").removesuffix(".ndjson")
    own = run.with_name(f"{stem}.truth.ndjson")
    return own if own.is_file() else run.with_name(TRUTH)


def _replay_lines(run: Path, *, keep: bool) -> Iterator[bytes]:
    if run.is_dir():
        for name in (REPLAY, f"{REPLAY}.gz"):
            if (run / name).is_file():
                return _lines(run / name)
        for name in (RECORDING, f"{RECORDING}.gz"):
            if (run / name).is_file():
                return _replayed(run / name, run / REPLAY if keep else None)
        raise RunError(f"{run.name}: neither {REPLAY} nor {RECORDING} in it")
    first = next(_lines(run), b"")
    return _replayed(run, None) if b'"received_at"' in first and b'"type"' not in first else _lines(run)


def _replayed(recording: Path, out: Path | None) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="vigil-score-") as folder:
        target = out or Path(folder) / REPLAY
        command = [sys.executable, "-c", _VIGIL, "replay", str(recording), "--out", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            raise RunError(f"vigil replay {recording.name}: {done.stderr.strip() or done.returncode}")
        yield from _lines(target)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as raw:
        if path.suffix != ".gz":
            yield from raw
            return
        with gzip.GzipFile(fileobj=raw) as stream:
            yield from stream
