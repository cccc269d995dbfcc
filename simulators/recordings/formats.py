"""The formats that can be imported, by name, and where the recordings go."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.wire.recording import RecordedEntry, write_recording
from simulators.recordings.bidmc import read_bidmc
from simulators.recordings.mimic_csv import read_mimic_csv
from simulators.recordings.stay import ImportReport, StayRecording
from simulators.recordings.wfdb import read_wfdb

Reader = Callable[["ImportRequest"], tuple[list[StayRecording], ImportReport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to import."""

    path: Path
    stays: Collection[str] | None = None
    """Only these; None for all."""
    vitals_kind: str = "chart"
    """For `mimic-csv`: see `read_mimic_csv`."""


def _mimic_csv(request: ImportRequest) -> tuple[list[StayRecording], ImportReport]:
    return read_mimic_csv(request.path, stays=request.stays, vitals_kind=request.vitals_kind)


def _bidmc(request: ImportRequest) -> tuple[list[StayRecording], ImportReport]:
    return read_bidmc(request.path, stays=request.stays)


def _wfdb(request: ImportRequest) -> tuple[list[StayRecording], ImportReport]:
    return read_wfdb(request.path, stays=request.stays)


FORMATS: Mapping[str, Reader] = {"mimic-csv": _mimic_csv, "bidmc": _bidmc, "wfdb": _wfdb}


def write_one_file(recordings: Iterable[StayRecording], path: Path) -> int:
    """Writes all stays into one recording, by time of receipt; returns the number of entries."""
    return write_recording(path, merged(recordings))


def write_file_per_stay(recordings: Iterable[StayRecording], folder: Path) -> int:
    """Writes `STAY.ndjson` for each stay into a folder, which is made if need be; returns the number of entries."""
    folder.mkdir(parents=True, exist_ok=True)
    return sum(write_recording(folder / f"{recording.stay}.ndjson", recording.entries) for recording in recordings)


def merged(recordings: Iterable[StayRecording]) -> Iterator[RecordedEntry]:
    """The entries of all stays in order of receipt; at the same instant in the order of the stays."""
    return heapq.merge(*(recording.entries for recording in recordings), key=lambda entry: entry.received_ms)
