"""Recordings through the engine in parallel processes, and the figures of each in the order in which they were named.

Invariants
- A recording is read and decoded once, whatever the number of profiles; each profile has a ward of its own.
- Results come in the order of the recordings, whichever was finished first, and are the same for any number of
  processes.
- A recording that cannot be read, or on which the engine fails, is a `RecordingFailure` with its name and the reason;
  the others go on.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from gateway.backtest.arms import Arm
from gateway.backtest.figures import RecordingFailure, RecordingFigures
from gateway.backtest.labels import LabelError, read_labels
from gateway.backtest.tally import RecordingTally
from gateway.fold import Fold
from gateway.wire.codec import decode, decode_parsed_obs
from gateway.wire.recording import ParsedObs, RecordedEntry, RecordingError, read_parsed

Outcome = RecordingFigures | RecordingFailure
SUFFIXES = (".ndjson", ".ndjson.gz")


def recordings_in(paths: Sequence[Path]) -> list[Path]:
    """The recordings that are meant: a folder means every one in it, by name; labels are none.

    Raises:
        FileNotFoundError: a path does not exist, or a folder holds no recording.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"{path}: there is no such file or folder")
        inside = sorted(each for each in path.iterdir() if _is_recording(each)) if path.is_dir() else [path]
        if not inside:
            raise FileNotFoundError(f"{path}: the folder holds no recording (*.ndjson, *.ndjson.gz)")
        found += inside
    return list(dict.fromkeys(found))


def run_backtest(
    recordings: Sequence[Path],
    arms: Sequence[Arm],
    *,
    jobs: int,
    advance: Callable[[Outcome, int], None] = lambda _outcome, _bytes: None,
) -> list[Outcome]:
    """Run every recording under every arm.

    Args:
        recordings: Files, in the order in which the figures are wanted.
        arms: One or two profiles.
        jobs: Processes at once, from 1.
        advance: Told of each recording that is through, with its size in bytes, as it happens.

    Raises:
        BrokenProcessPool: a process was ended from outside.
    """
    sizes = [path.stat().st_size for path in recordings]
    outcomes: dict[int, Outcome] = {}
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(recordings)) or 1,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(tuple(arms),),
    )
    try:
        # the largest first, so that none is left over when all others are through
        order = sorted(range(len(recordings)), key=lambda place: -sizes[place])
        places = {pool.submit(_run_one, recordings[place]): place for place in order}
        for future in as_completed(places):
            place = places[future]
            outcomes[place] = _outcome(future, recordings[place])
            advance(outcomes[place], sizes[place])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [outcomes[place] for place in range(len(recordings))]


def figures_of(recording: Path, arms: Sequence[Arm]) -> RecordingFigures:
    """The figures of one recording.

    Raises:
        RecordingError: a line cannot be read.
        LabelError: a line of its labels cannot be read.
        OSError: the file cannot be opened or read.
    """
    labels = read_labels(recording)
    folds = [Fold(arm.rules) for arm in arms]
    tallies = [RecordingTally(str(recording), fold.ward) for fold in folds]
    takers = [(fold, tally.take) for fold, tally in zip(folds, tallies, strict=True)]
    for entry in read_parsed(recording):
        fold_entry(entry, takers)
    return RecordingFigures(recording=str(recording), arms=tuple(tally.figures(labels) for tally in tallies))


def fold_entry(
    entry: ParsedObs | RecordedEntry, takers: Iterable[tuple[Fold, Callable[[list[object]], object]]]
) -> None:
    """Give an entry to each fold, and what the fold says of it to whoever takes it; it is decoded once."""
    if type(entry) is ParsedObs:
        received_ms, topic, fields = entry
        decoded = decode_parsed_obs(topic, fields, received_ms)
    else:
        assert isinstance(entry, RecordedEntry)
        received_ms = entry.received_ms
        if entry.command is not None:
            body = entry.encoded_body
            for fold, take in takers:
                take(fold.command(entry.command, body, received_ms))
            return
        assert entry.topic is not None
        topic = entry.topic
        decoded = decode(topic, entry.payload or b"", received_ms)
    for fold, take in takers:
        take(fold.decoded(decoded, topic, received_ms))


def _is_recording(path: Path) -> bool:
    return path.name.endswith(SUFFIXES) and not path.name.endswith(".labels.ndjson") and path.is_file()


_arms: tuple[Arm, ...] = ()
"""Of this process; set once, before its first recording."""


def _begin(arms: tuple[Arm, ...]) -> None:
    global _arms
    _arms = arms
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)  # effects are many and hold no cycles


def _run_one(recording: Path) -> Outcome:
    try:
        return figures_of(recording, _arms)
    except (RecordingError, LabelError) as error:
        return RecordingFailure(recording=str(recording), reason=str(error))
    except OSError as error:
        return RecordingFailure(recording=str(recording), reason=error.strerror or str(error))


def _outcome(future: Future[Outcome], recording: Path) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BrokenProcessPool):
        raise error  # nothing more will come of any recording
    return RecordingFailure(recording=str(recording), reason=f"the engine failed: {type(error).__name__}: {error}")
