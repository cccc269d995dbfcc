"""WFDB numerics (a header `NAME.hea` and sample files beside it: HR, pressures, SpO2, … once a second or a minute).

Each record is one bed of unit `wfdb` with one monitor. A sample that the format reserves for "no value" becomes `null`:
the monitor had none. A signal whose description is not in the table is left out and counted. Where the header gives no
date, the record begins on 2026-01-01, an instant that means nothing; what it gives is taken for UTC.

Read are records of one segment in the formats 16, 24, 32, 61, 80, 160 and 212. Waveforms (more than `RATE_MAX_HZ`
samples a second, or several a frame) are no numerics and are refused. Source: WFDB Applications Guide, header(5) and
signal(5).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from simulators.recordings.stay import ImportReport, Metrics, StayBuilder, StayRecording, TableError

UNIT = "wfdb"
RATE_MAX_HZ = 4.0
"""Numerics come at one value a second at most; waveforms at 62 and more."""
_SECOND_MS = 1_000
_WEIGHT_KG = 80.0
"""Assumed: the files hold none (clinical notes 4.5)."""
_USUAL_GAIN = 200.0
"""Where a header gives none, or 0."""
_USUAL_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

METRIC_OF: Mapping[str, str] = {
    "hr": "MDC_ECG_HEART_RATE",
    "pulse": "MDC_PULS_OXIM_PULS_RATE",
    "pulse(spo2)": "MDC_PULS_OXIM_PULS_RATE",
    "spo2": "MDC_PULS_OXIM_SAT_O2",
    "%spo2": "MDC_PULS_OXIM_SAT_O2",
    "resp": "MDC_TTHOR_RESP_RATE",
    "rr": "MDC_RESP_RATE",
    "abpsys": "MDC_PRESS_BLD_ART_ABP_SYS",
    "abpdias": "MDC_PRESS_BLD_ART_ABP_DIA",
    "abpmean": "MDC_PRESS_BLD_ART_ABP_MEAN",
    "nbpsys": "MDC_PRESS_CUFF_SYS",
    "nbpdias": "MDC_PRESS_CUFF_DIA",
    "nbpmean": "MDC_PRESS_CUFF_MEAN",
    "cvp": "MDC_PRESS_BLD_VEN_CENT",
    "temp": "MDC_TEMP",
    "pvcrateperminute": "MDC_ECG_V_P_C_RATE",
}
"""A signal's description, in small letters without blanks and commas, to its metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal of a record."""

    file: str
    format: str
    gain: float
    baseline: int
    description: str

    @property
    def metric(self) -> str | None:
        """What it measures; None for what is not in the table."""
        return METRIC_OF.get(re.sub(r"[\s,]", "", self.description).lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a header says of a record."""

    name: str
    rate_hz: float
    samples: int | None
    """Of each signal; None where the header leaves it to the files."""
    begin: datetime
    signals: tuple[Signal, ...]


def read_wfdb(path: Path, *, stays: Collection[str] | None = None) -> tuple[list[StayRecording], ImportReport]:
    """Reads one record, or those of a folder in order of their names.

    Args:
        path: A header, a record's name (its header without `.hea`), or a folder. In a folder, records that are no
            numerics are passed over and noted.
        stays: Only these records; None for all.

    Raises:
        TableError: There is no such record, or one is of another form.
    """
    headers = _headers(path, stays)
    report = ImportReport()
    recordings: list[StayRecording] = []
    for file in headers:
        try:
            recordings.append(_recording(file, report))
        except _NoNumericsError as reason:
            if not path.is_dir():
                raise
            report.notes.append(str(reason))
    if not recordings:
        raise TableError(f"{path}: no record of numerics")
    report.messages = sum(entry.topic is not None for stay in recordings for entry in stay.entries)
    report.commands = sum(entry.command is not None for stay in recordings for entry in stay.entries)
    report.notes.append(f"no weights in these files: {_WEIGHT_KG:g} kg assumed")
    return recordings, report


class _NoNumericsError(TableError):
    """A record, in order as such, that holds something else than numerics."""


def _headers(path: Path, stays: Collection[str] | None) -> list[Path]:
    if path.is_dir():
        found = sorted(path.glob("*.hea"))
    else:
        found = [path if path.suffix == ".hea" else path.with_name(path.name + ".hea")]
    if not found or not found[0].is_file():
        raise TableError(f"{path}: no header NAME.hea")
    if missing := sorted(set(stays or ()) - {file.stem for file in found}):
        raise TableError(f"{path}: no record {', '.join(missing)}")
    return [file for file in found if stays is None or file.stem in stays]


def _recording(file: Path, report: ImportReport) -> StayRecording:
    header = parse_header(file)
    measured = {signal: metric for signal in header.signals if (metric := signal.metric) is not None}
    if header.rate_hz > RATE_MAX_HZ:
        raise _NoNumericsError(f"{file.name}: waveforms, not numerics: {header.rate_hz:g} samples a second")
    if not measured:
        raise _NoNumericsError(f"{file.name}: no signal that is known")
    columns = _columns(file, header)
    bed = re.sub(r"[^A-Za-z0-9_-]", "_", file.stem)[:32]
    builder = StayBuilder(unit=UNIT, bed=bed, boot=bed, kinds={"mon1": "monitor"}, model="WFDB numerics")
    begin_ms = round(header.begin.timestamp() * _SECOND_MS)
    for index in range(min(len(column) for column in columns.values())):
        at_ms = begin_ms + round(index * _SECOND_MS / header.rate_hz)
        metrics: Metrics = {metric: columns[signal][index] for signal, metric in measured.items()}
        report.account("numerics", "frame", None)
        builder.add("mon1", at_ms, at_ms, metrics)
    if not builder.has_messages:
        raise TableError(f"{file.name}: no samples")
    for signal in header.signals:
        if signal not in measured:
            report.account("signals", signal.description, "not in the table of descriptions")
    admission = {
        "admission_id": f"stay-{bed}",
        "patient_id": bed,
        "dosing_weight_kg": _WEIGHT_KG,
        "baseline_weight_kg": _WEIGHT_KG,
        "baseline": {},
    }
    return builder.finish(admission, discharged_after_ms=_SECOND_MS)


# --- header(5) --------------------------------------------------------------------------------------------------------

_RECORD = re.compile(
    r"(?P<name>[^\s/]+)(?P<segments>/\d+)?\s+(?P<signals>\d+)"
    r"(\s+(?P<rate>[\d.eE+-]+)\S*(\s+(?P<samples>\d+)(\s+(?P<time>[\d:.]+)(\s+(?P<date>\d+/\d+/\d+))?)?)?)?\s*"
)
_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)(?P<layout>[x:+]\S*)?"
    r"(\s+(?P<gain>[\d.eE+-]+)(\((?P<baseline>-?\d+)\))?(/\S+)?"
    r"(\s+-?\d+(\s+(?P<zero>-?\d+)(\s+-?\d+(\s+-?\d+(\s+\d+(\s+(?P<description>.*))?)?)?)?)?)?)?\s*"
)
_USUAL_RATE_HZ = 250.0


def parse_header(file: Path) -> Header:
    """What a header says.

    Raises:
        TableError: It cannot be read, or names files elsewhere.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise TableError(f"{file.name}: {error}") from error
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    record = _RECORD.fullmatch(lines[0]) if lines else None
    if record is None:
        raise TableError(f"{file.name}: the first line is no record line")
    if record["segments"]:
        raise _NoNumericsError(f"{file.name}: a record of several segments; import its segments")
    count = int(record["signals"])
    if len(lines) < 1 + count:
        raise TableError(f"{file.name}: {count} signals are announced, {len(lines) - 1} described")
    rate_hz = _positive(file, record["rate"]) if record["rate"] else _USUAL_RATE_HZ
    return Header(
        name=record["name"],
        rate_hz=rate_hz,
        samples=int(record["samples"] or 0) or None,
        begin=_begin(file, record["time"], record["date"]),
        signals=tuple(_signal(file, line) for line in lines[1 : 1 + count]),
    )


def _signal(file: Path, line: str) -> Signal:
    found = _SIGNAL.fullmatch(line)
    if found is None:
        raise TableError(f"{file.name}: no signal line: {line[:80]}")
    if Path(found["file"]).name != found["file"]:
        raise TableError(f"{file.name}: the samples lie elsewhere: {found['file'][:80]}")
    if found["layout"]:
        raise _NoNumericsError(f"{file.name}: several samples a frame, a skew or a preamble: {found['file']}")
    gain = float(found["gain"] or 0.0)
    return Signal(
        file=found["file"],
        format=found["format"],
        gain=gain if gain and math.isfinite(gain) else _USUAL_GAIN,
        baseline=int(found["baseline"] or found["zero"] or 0),
        description=(found["description"] or "").strip(),
    )


def _positive(file: Path, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (math.isfinite(number) and number > 0):
        raise TableError(f"{file.name}: no rate: {text}")
    return number


def _begin(file: Path, time: str | None, date: str | None) -> datetime:
    if time is None:
        return _USUAL_BEGIN
    whole, _, fraction = time.partition(".")
    hour, minute, second = [0, 0, 0, *(int(part) for part in whole.split(":") if part)][-3:]
    day, month, year = (int(part) for part in date.split("/")) if date else (1, 1, _USUAL_BEGIN.year)
    try:
        return datetime(year, month, day, hour, minute, second, int(fraction[:6].ljust(6, "0")), tzinfo=UTC)
    except ValueError as error:
        raise TableError(f"{file.name}: no such time: {time} {date or ''}") from error


# --- signal(5) --------------------------------------------------------------------------------------------------------


def _columns(file: Path, header: Header) -> dict[Signal, list[float | None]]:
    """Each signal's values in physical units; those that share a file lie in it sample by sample."""
    columns: dict[Signal, list[float | None]] = {}
    for name in dict.fromkeys(signal.file for signal in header.signals):
        together = [signal for signal in header.signals if signal.file == name]
        samples = _samples(file, name, together[0].format)
        frames = len(samples) // len(together)
        if header.samples is not None and frames < header.samples:
            raise TableError(f"{name}: {frames} of the {header.samples} samples announced")
        end = (header.samples or frames) * len(together)
        for index, signal in enumerate(together):
            columns[signal] = [_physical(signal, sample) for sample in samples[index : end : len(together)]]
    return columns


def _physical(signal: Signal, sample: int | None) -> float | None:
    return None if sample is None else round((sample - signal.baseline) / signal.gain, 6)


def _samples(file: Path, name: str, form: str) -> list[int | None]:
    decode = _DECODERS.get(form)
    if decode is None:
        raise TableError(f"{file.name}: format {form} is not read; those that are: {', '.join(_DECODERS)}")
    try:
        return decode(file.with_name(name).read_bytes())
    except OSError as error:
        raise TableError(f"{name}: {error}") from error


def _whole(width: int, *, big: bool = False, offset: int = 0) -> Callable[[bytes], list[int | None]]:
    """Samples of `width` bytes; the lowest number says that there is no value."""
    order = "big" if big else "little"
    lowest = -(1 << 8 * width - 1)

    def decode(content: bytes) -> list[int | None]:
        found: list[int | None] = []
        for at in range(0, len(content) - width + 1, width):
            sample = int.from_bytes(content[at : at + width], order, signed=not offset) - offset  # type: ignore[arg-type]
            found.append(None if sample == lowest else sample)
        return found

    return decode


def _packed_12(content: bytes) -> list[int | None]:
    """Two samples of 12 bits in three bytes."""
    found: list[int | None] = []
    for at in range(0, len(content) - 1, 3):
        low, middle = content[at], content[at + 1]
        found.append(_signed_12(low | (middle & 0x0F) << 8))
        if at + 2 < len(content):
            found.append(_signed_12(content[at + 2] | (middle & 0xF0) << 4))
    return found


def _signed_12(bits: int) -> int | None:
    sample = bits - 0x1000 if bits & 0x800 else bits
    return None if sample == -0x800 else sample


_DECODERS: Mapping[str, Callable[[bytes], list[int | None]]] = {
    "16": _whole(2),
    "24": _whole(3),
    "32": _whole(4),
    "61": _whole(2, big=True),
    "80": _whole(1, offset=0x80),
    "160": _whole(2, offset=0x8000),
    "212": _packed_12,
}
