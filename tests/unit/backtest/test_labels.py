"""Labels against alarms: what is detected, how late, what is missed, and what is false."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.backtest.labels import (
    Alarmed,
    Label,
    LabelError,
    detections,
    false_alarms,
    labels_path,
    parse_labels,
    read_labels,
)
from tests.support.backtests import written
from tests.support.recordings import Recording


def label(onset_s: int, end_s: int, family: str = "hypotension") -> Label:
    return Label(admission_id="adm-1", family=family, onset_ms=onset_s * 1000, end_ms=end_s * 1000)


def alarm(announced_s: int, until_s: int | None, family: str = "hypotension") -> Alarmed:
    return Alarmed(family=family, announced_ms=announced_s * 1000, until_ms=None if until_s is None else until_s * 1000)


@pytest.mark.parametrize(
    ("alarms", "delay_s"),
    [
        ([alarm(1060, 1200)], 60),
        ([alarm(1060, 1200), alarm(1030, 1040)][::-1], 30),
        ([alarm(900, 1200)], -100),
        ([alarm(880, 990)], -120),
        ([alarm(600, 1001)], 0),
        ([alarm(600, None)], 0),
        ([alarm(600, 1000)], None),
        ([alarm(2000, 2100)], 1000),
        ([alarm(2001, 2100)], None),
        ([alarm(1060, 1200, "tachycardia")], None),
        ([], None),
    ],
)
def test_a_label_is_detected_by_the_first_alarm_of_its_family_from_two_minutes_before_to_its_end(
    alarms: list[Alarmed], delay_s: int | None
) -> None:
    (found,) = detections([label(1000, 2000)], alarms)

    assert found.delay_ms == (None if delay_s is None else delay_s * 1000)


def test_an_alarm_outside_all_labels_of_an_annotated_family_is_false() -> None:
    alarms = [alarm(100, 200), alarm(900, 950), alarm(3000, None), alarm(100, 200, "tachycardia"), alarm(1, 2, "renal")]

    found = false_alarms([label(1000, 2000)], ["hypotension", "tachycardia"], alarms)

    assert found == {"hypotension": 2, "tachycardia": 1}


def test_labels_stand_beside_their_recording_whether_it_is_compressed_or_not(tmp_path: Path) -> None:
    assert labels_path(tmp_path / "night.ndjson") == tmp_path / "night.labels.ndjson"
    assert labels_path(tmp_path / "night.ndjson.gz") == tmp_path / "night.labels.ndjson"
    recording = Recording()
    recording.admit(0)
    path = written(recording, tmp_path / "night.ndjson.gz")
    assert read_labels(path).labels == ()
    line = b'{"admission_id":"a","condition":"renal","onset_at":"2026-11-23T10:00:00Z","end_at":"2026-11-23T11:00:00Z"}'
    labels_path(path).write_bytes(b'{"annotated":["hypotension"]}\n\n' + line + b"\n")

    found = read_labels(path)

    assert found.annotated == {"hypotension", "renal"}
    assert [(each.family, each.end_ms - each.onset_ms) for each in found.labels] == [("renal", 3_600_000)]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b"{", "x: line 2: not JSON"),
        (b"[]", "x: line 2: not a JSON object"),
        (b'{"admission_id":"a"}', "x: line 2, onset_at: a text is required"),
        (b'{"annotated":"all"}', "x: line 2, annotated: a list of alarm families is required"),
        (
            b'{"admission_id":"a","condition":"renal","onset_at":"now","end_at":"2026-11-23T11:00:00Z"}',
            "x: line 2, onset_at: must be RFC 3339 with an offset",
        ),
        (
            b'{"admission_id":"a","condition":"c","onset_at":"2026-11-23T12:00:00Z","end_at":"2026-11-23T11:00:00Z"}',
            "x: line 2, end_at: before onset_at",
        ),
    ],
)
def test_a_line_that_is_no_label_is_refused_with_its_number_and_field(line: bytes, wrong: str) -> None:
    with pytest.raises(LabelError, match="^" + re.escape(wrong)):
        parse_labels(b"\n" + line, "x")
