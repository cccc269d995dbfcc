"""BIDMC numerics (one CSV a patient: HR, PULSE, RESP, SpO2 once a second for eight minutes) as recordings.

Each patient is one bed of unit `bidmc` with one monitor. `NaN` becomes `null`: the monitor had no value. The files
carry seconds since their start; recording n begins at 2026-01-01T00:00:00Z plus n hours, an instant that means nothing.
Respiration is sent as `MDC_TTHOR_RESP_RATE`: the monitors counted it from chest impedance.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from simulators.recordings.stay import ImportReport, Metrics, StayBuilder, StayRecording, TableError
from streaming.instants import parse_instant

UNIT = "bidmc"
_NAME = re.compile(r"bidmc_?(\d+)_?[Nn]umerics\.csv", re.ASCII)
_BASE_MS = parse_instant("2026-01-01T00:00:00Z") or 0
_HOUR_MS = 3_600_000
_SECOND_MS = 1_000
_WEIGHT_KG = 80.0
"""Assumed: the files hold none (clinical notes 4.5)."""

_COLUMNS: Mapping[str, str] = {
    "HR": "MDC_ECG_HEART_RATE",
    "PULSE": "MDC_PULS_OXIM_PULS_RATE",
    "RESP": "MDC_TTHOR_RESP_RATE",
    "SpO2": "MDC_PULS_OXIM_SAT_O2",
}


def read_bidmc(path: Path, *, stays: Collection[str] | None = None) -> tuple[list[StayRecording], ImportReport]:
    """Reads one file, or those of a folder, in order of their numbers.

    Args:
        path: file or folder.
        stays: only these (`bidmc03`); None for all.

    Raises:
        TableError: no such files, or one that is of another form.
    """
    found = path.iterdir() if path.is_dir() else [path]
    numbered = sorted((int(name[1]), file) for file in found if (name := _NAME.fullmatch(file.name)))
    if not numbered:
        raise TableError(f"{path}: no bidmc_NN_numerics.csv")
    if missing := sorted(set(stays or ()) - {_bed(number) for number, _ in numbered}):
        raise TableError(f"{path}: no recording {', '.join(missing)}")
    numbered = [(number, file) for number, file in numbered if stays is None or _bed(number) in set(stays)]
    report = ImportReport()
    recordings = [_recording(number, file, report) for number, file in numbered]
    report.messages = sum(entry.topic is not None for stay in recordings for entry in stay.entries)
    report.commands = sum(entry.command is not None for stay in recordings for entry in stay.entries)
    report.notes.append(f"no weights in these files: {_WEIGHT_KG:g} kg assumed")
    return recordings, report


def _bed(number: int) -> str:
    return f"bidmc{number:02d}"


def _recording(number: int, file: Path, report: ImportReport) -> StayRecording:
    bed = _bed(number)
    builder = StayBuilder(unit=UNIT, bed=bed, boot=bed, kinds={"mon1": "monitor"}, model="BIDMC numerics")
    start_ms = _BASE_MS + number * _HOUR_MS
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, skipinitialspace=True, restval=""):
                _take(builder, start_ms, row, report)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{file.name}: {error}") from error
    if not builder.has_messages:
        raise TableError(f"{file.name}: no row of numerics with the columns Time [s], {', '.join(_COLUMNS)}")
    admission = {
        "admission_id": f"stay-{bed}",
        "patient_id": bed,
        "dosing_weight_kg": _WEIGHT_KG,
        "baseline_weight_kg": _WEIGHT_KG,
        "baseline": {},
    }
    return builder.finish(admission, discharged_after_ms=_SECOND_MS)


def _take(builder: StayBuilder, start_ms: int, row: Mapping[str, str], report: ImportReport) -> None:
    seconds = _number(row.get("Time [s]", ""))
    if seconds is None:
        report.account("numerics", "row", "no readable time in the row")
        return
    at_ms = start_ms + round(seconds * _SECOND_MS)
    metrics: Metrics = {metric: _number(row[column]) for column, metric in _COLUMNS.items() if column in row}
    report.account("numerics", "row", None if metrics else "no column of numerics")
    if metrics:
        builder.add("mon1", at_ms, at_ms, metrics)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
