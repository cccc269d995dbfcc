"""WFDB numerics as recordings: every format that is read, what has no value, and what is refused with a reason.

The samples of each format were written by hand after signal(5); the same bytes are what PhysioNet's own reader takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.wire.codec import decode
from simulators.recordings.stay import StayRecording, TableError
from simulators.recordings.wfdb import read_wfdb
from streaming.observation import Decoded

Encode = Callable[[Sequence[int]], bytes]


def whole(width: int, order: Any = "little", offset: int = 0) -> Encode:
    return lambda samples: b"".join((each + offset).to_bytes(width, order, signed=not offset) for each in samples)


def packed_12(samples: Sequence[int]) -> bytes:
    out = bytearray()
    for at in range(0, len(samples), 2):
        first, *second = [each & 0xFFF for each in samples[at : at + 2]]
        other = second[0] if second else 0
        out += bytes([first & 0xFF, first >> 8 | other >> 8 << 4, *([other & 0xFF] if second else [])])
    return bytes(out)


FORMATS: dict[str, tuple[Encode, int]] = {
    "16": (whole(2), -(1 << 15)),
    "24": (whole(3), -(1 << 23)),
    "32": (whole(4), -(1 << 31)),
    "61": (whole(2, "big"), -(1 << 15)),
    "80": (whole(1, offset=1 << 7), -(1 << 7)),
    "160": (whole(2, offset=1 << 15), -(1 << 15)),
    "212": (packed_12, -(1 << 11)),
}


def write_record(
    folder: Path, samples: bytes, *, first: str = "rec 2 1 3 10:00:00 04/03/2015", form: str = "16"
) -> Path:
    signals = [f"rec.dat {form} 1(0)/bpm 16 0 0 0 0 HR,", f"rec.dat {form} 2(-20)/mmHg 16 0 0 0 0 ABP Mean"]
    (folder / "rec.dat").write_bytes(samples)
    header = folder / "rec.hea"
    header.write_text("\n".join(["# a comment", first, *signals, "# another"]) + "\n")
    return header


def values(recording: StayRecording) -> list[tuple[str, Any, Any]]:
    bodies = [orjson.loads(entry.payload or b"") for entry in recording.entries if (entry.topic or "").endswith("/obs")]
    names = ("MDC_ECG_HEART_RATE", "MDC_PRESS_BLD_ART_ABP_MEAN")
    return [(body["time"], *(body["metrics"][name] for name in names)) for body in bodies]


@pytest.mark.parametrize("form", FORMATS)
def test_samples_of_every_format_are_read_in_physical_units(tmp_path: Path, form: str) -> None:
    encode, nothing = FORMATS[form]
    header = write_record(tmp_path, encode([70, 100, nothing, 101, -5, nothing]), form=form)

    (recording,), report = read_wfdb(header)

    assert values(recording) == [
        ("2015-03-04T10:00:00.000Z", 70.0, 60.0),
        ("2015-03-04T10:00:01.000Z", None, 60.5),
        ("2015-03-04T10:00:02.000Z", -5.0, None),
    ]
    assert (report.messages, report.commands) == (4, 2)


def test_every_message_is_one_that_the_gateway_takes(tmp_path: Path) -> None:
    (recording,), _ = read_wfdb(write_record(tmp_path, whole(2)([70, 100] * 3)))
    messages = [entry for entry in recording.entries if entry.topic is not None]

    for entry in messages:
        assert isinstance(decode(entry.topic or "", entry.payload or b"", entry.received_ms), Decoded)
    assert recording.entries[0].command == "admit"
    assert recording.entries[-1].command == "discharge"


@pytest.mark.parametrize(
    ("first", "times"),
    [
        ("rec 2 0.0166666666667 2", ["2026-01-01T00:00:00.000Z", "2026-01-01T00:01:00.000Z"]),
        ("rec 2 1/125(0) 2 7:08:09.250", ["2026-01-01T07:08:09.250Z", "2026-01-01T07:08:10.250Z"]),
        ("rec 2 1", ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z", "2026-01-01T00:00:02.000Z"]),
    ],
)
def test_rate_begin_and_length_are_those_of_the_header(tmp_path: Path, first: str, times: list[str]) -> None:
    (recording,), _ = read_wfdb(write_record(tmp_path, whole(2)([70, 100] * 3), first=first))

    assert [time for time, *_ in values(recording)] == times


def test_signal_that_is_not_known_is_left_out_and_counted(tmp_path: Path) -> None:
    header = write_record(tmp_path, whole(2)([70, 100] * 3))
    header.write_text(header.read_text().replace("ABP Mean", "Foo"))

    (recording,), report = read_wfdb(header)

    assert report.not_mapped == {("signals", "Foo", "not in the table of descriptions"): 1}
    assert all("MDC_ECG_HEART_RATE" in str(entry.payload) for entry in recording.entries[2:-1])


def test_folder_gives_its_numerics_and_notes_what_is_none(tmp_path: Path) -> None:
    write_record(tmp_path, whole(2)([70, 100] * 3))
    (tmp_path / "wave.hea").write_text("wave 1 125 1\nwave.dat 16 200 16 0 0 0 0 II\n")
    (tmp_path / "master.hea").write_text("master/2 2 1 20\npart1 10\npart2 10\n")

    recordings, report = read_wfdb(tmp_path)

    assert [recording.stay for recording in recordings] == ["rec"]
    assert any("waveforms" in note for note in report.notes)
    assert any("several segments" in note for note in report.notes)
    assert [recording.stay for recording in read_wfdb(tmp_path, stays=["rec"])[0]] == ["rec"]
    with pytest.raises(TableError, match="no record other"):
        read_wfdb(tmp_path, stays=["other"])


@pytest.mark.parametrize(
    ("first", "changed", "reason"),
    [
        ("rec 2 125 3", ("", ""), "waveforms, not numerics"),
        ("rec/2 2 1 3", ("", ""), "several segments"),
        ("rec 3 1 3", ("", ""), "3 signals are announced, 2 described"),
        ("rec 2 0 3", ("", ""), "no rate"),
        ("rec 2 1 4", ("", ""), "3 of the 4 samples announced"),
        ("rec 2 1 3 10:00:00 31/02/2015", ("", ""), "no such time"),
        ("", ("rec", ""), "no record line"),
        ("rec 2 1 3", ("rec.dat", "../rec.dat"), "lie elsewhere"),
        ("rec 2 1 3", ("rec.dat", "gone.dat"), "gone.dat"),
        ("rec 2 1 3", ("rec.dat 16", "rec.dat 8"), "format 8 is not read"),
        ("rec 2 1 3", ("rec.dat 16", "rec.dat 16x4"), "several samples a frame"),
        ("rec 2 1 3", ("rec.dat 16", "rec.dat"), "no signal line"),
        ("rec 2 1 3", ("HR,", "Foo"), None),
    ],
)
def test_record_of_another_form_is_refused_with_the_reason(
    tmp_path: Path, first: str, changed: tuple[str, str], reason: str | None
) -> None:
    header = write_record(tmp_path, whole(2)([70, 100] * 3), first=first)
    header.write_text(header.read_text().replace(*changed))

    if reason is None:
        assert len(read_wfdb(header)[0]) == 1
        return
    with pytest.raises(TableError, match=reason):
        read_wfdb(header)


def test_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "rec", tmp_path / "rec.hea"):
        with pytest.raises(TableError, match=r"no header NAME\.hea"):
            read_wfdb(path)
    write_record(tmp_path, whole(2)([70, 100] * 3))
    assert len(read_wfdb(tmp_path / "rec")[0]) == 1
