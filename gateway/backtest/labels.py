"""Labels: what somebody who knew said was there, next to a recording, and how soon an alarm said so too.

Labels of `NAME.ndjson` (or `NAME.ndjson.gz`) stand in `NAME.labels.ndjson`, one a line:

    {"admission_id":"…","condition":"hypotension","onset_at":"…Z","end_at":"…Z"}
    {"annotated":["hypotension","tachycardia"]}

`condition` is an alarm family. The second form names families of which every occurrence in the recording is labelled,
so that an alarm outside of all labels is a false one even where there is no label at all; a family that has a label
counts as annotated.

Rules
- A label is detected by the first alarm of its family that is announced from `LEAD_MS` before its onset to its end; its
  delay counts from the onset, and is negative for one that came before.
- One that was announced earlier and whose condition lasts beyond the onset detects it too, with a delay of 0.
- What detects nothing is missed. An alarm of an annotated family that overlaps no label (begun `LEAD_MS` early) is
  false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from streaming.instants import parse_instant

LEAD_MS = 120_000
"""An alarm so long before a labelled onset is about it: who labels rounds, too. [D]"""
SUFFIX = ".labels.ndjson"


class LabelError(ValueError):
    """A line of labels cannot be read; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A condition that was there."""

    admission_id: str
    family: str
    onset_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Everything labelled in one recording."""

    labels: tuple[Label, ...] = ()
    annotated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarmed:
    """An alarm, as far as labels are concerned. `until_ms`: None when its condition was there to the end."""

    family: str
    announced_ms: int
    until_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What became of a label."""

    family: str
    onset_ms: int
    end_ms: int
    delay_ms: int | None
    """None when it was missed."""


NO_LABELS = Labels()


def labels_path(recording: Path) -> Path:
    """Where the labels of a recording are, if it has any."""
    return recording.with_name(recording.name.removesuffix(".gz").removesuffix(".ndjson") + SUFFIX)


def read_labels(recording: Path) -> Labels:
    """The labels next to a recording; none where there is no such file.

    Raises:
        LabelError: a line is no label.
        OSError: the file is there and cannot be read.
    """
    path = labels_path(recording)
    return parse_labels(path.read_bytes(), path.name) if path.exists() else NO_LABELS


def parse_labels(text: bytes, name: str) -> Labels:
    """The labels in NDJSON; raises `LabelError` as `read_labels` does."""
    labels: list[Label] = []
    annotated: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        members = _members(line, f"{name}: line {number}")
        if "annotated" in members:
            annotated.update(_families(members["annotated"], f"{name}: line {number}"))
        else:
            labels.append(_label(members, f"{name}: line {number}"))
    return Labels(labels=tuple(labels), annotated=frozenset(annotated | {label.family for label in labels}))


def detections(labels: Iterable[Label], alarms: Sequence[Alarmed]) -> tuple[Detection, ...]:
    """What became of each label of one stay, in their order. `alarms`: in order of announcement."""
    return tuple(
        Detection(family=label.family, onset_ms=label.onset_ms, end_ms=label.end_ms, delay_ms=_delay_ms(label, alarms))
        for label in labels
    )


def false_alarms(labels: Sequence[Label], annotated: Iterable[str], alarms: Iterable[Alarmed]) -> Mapping[str, int]:
    """How many alarms of each annotated family overlap no label."""
    found = dict.fromkeys(sorted(annotated), 0)
    for alarm in alarms:
        if alarm.family in found and not any(_is_about(alarm, label) for label in labels):
            found[alarm.family] += 1
    return found


def _is_about(alarm: Alarmed, label: Label) -> bool:
    begins_ms = label.onset_ms - LEAD_MS
    lasts = alarm.until_ms is None or alarm.until_ms > begins_ms
    return alarm.family == label.family and alarm.announced_ms <= label.end_ms and lasts


def _delay_ms(label: Label, alarms: Iterable[Alarmed]) -> int | None:
    for alarm in alarms:
        if not _is_about(alarm, label):
            continue
        if alarm.announced_ms >= label.onset_ms - LEAD_MS:
            return alarm.announced_ms - label.onset_ms
        if alarm.until_ms is None or alarm.until_ms > label.onset_ms:
            return 0
    return None


def _members(line: bytes, where: str) -> dict[str, Any]:
    try:
        members = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LabelError(f"{where}: not JSON: {error.msg}") from None
    if type(members) is not dict:
        raise LabelError(f"{where}: not a JSON object")
    return members


def _families(value: object, where: str) -> list[str]:
    if type(value) is not list or not all(type(each) is str for each in value):
        raise LabelError(f"{where}, annotated: a list of alarm families is required")
    return value


def _label(members: Mapping[str, Any], where: str) -> Label:
    onset_ms, end_ms = _instant(members, "onset_at", where), _instant(members, "end_at", where)
    if end_ms < onset_ms:
        raise LabelError(f"{where}, end_at: before onset_at")
    return Label(
        admission_id=_text(members, "admission_id", where),
        family=_text(members, "condition", where),
        onset_ms=onset_ms,
        end_ms=end_ms,
    )


def _text(members: Mapping[str, Any], name: str, where: str) -> str:
    value = members.get(name)
    if type(value) is not str:
        raise LabelError(f"{where}, {name}: a text is required")
    return value


def _instant(members: Mapping[str, Any], name: str, where: str) -> int:
    instant_ms = parse_instant(_text(members, name, where))
    if instant_ms is None:
        raise LabelError(f"{where}, {name}: must be RFC 3339 with an offset")
    return instant_ms
