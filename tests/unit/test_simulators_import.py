"""Importers: every row of the public recordings is in a message or counted, and the same input gives the same bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest

from gateway.wire.codec import decode
from gateway.wire.commands import parse_command
from gateway.wire.recording import RecordedEntry, read_recording
from simulators.recordings.bidmc import read_bidmc
from simulators.recordings.formats import merged, write_file_per_stay, write_one_file
from simulators.recordings.mimic_csv import allot, read_mimic_csv
from simulators.recordings.stay import ImportReport, StayRecording, TableError
from streaming.instants import format_ms, parse_instant
from streaming.observation import Decoded, ObsMessage, Rejected
from tests.support.mimic_tables import shared_recordings, write_tables

Real = tuple[list[StayRecording], ImportReport]


@pytest.fixture(scope="module")
def real() -> Real:
    return read_mimic_csv(shared_recordings("mimic-iv-demo"))


def _tables() -> dict[str, pl.DataFrame]:
    folder = shared_recordings("mimic-iv-demo")
    names = ("vitals", "infusions", "labs", "oxygen", "assessments")
    return {name: pl.read_csv(folder / f"{name}.csv.gz") for name in names}


def _bodies(entries: Iterable[RecordedEntry], device: str = "") -> list[dict[str, Any]]:
    """The obs of a device (or of all), parsed."""
    return [
        orjson.loads(entry.payload or b"")
        for entry in entries
        if entry.topic is not None and entry.topic.endswith("/obs") and f"/{device}" in entry.topic
    ]


def _values(recordings: list[StayRecording]) -> Counter[tuple[str, str, float]]:
    """Every number said: (stay, metric, value) and how often."""
    found: Counter[tuple[str, str, float]] = Counter()
    for recording in recordings:
        for body in _bodies(recording.entries):
            for metric, value in body["metrics"].items():
                number = value["value"] if isinstance(value, dict) else value
                if isinstance(number, float):
                    found[recording.stay, metric, number] += 1
    return found


# --- the real stays -------------------------------------------------------------------------------------------------


def test_mimic_import_accounts_for_every_row_of_every_table(real: Real) -> None:
    _, report = real
    heights = {name: table.height for name, table in _tables().items()}

    assert dict(report.rows) == heights
    for name, height in heights.items():
        lost = sum(rows for (table, _, _), rows in report.not_mapped.items() if table == name)
        assert report.mapped[name] + lost == height


def test_mimic_import_maps_as_many_rows_as_an_independent_count_finds(real: Real) -> None:
    _, report = real
    tables = _tables()
    stays = tables["vitals"]["hospitalization_id"].unique().to_list()
    infusions = tables["infusions"]
    second_names = infusions.filter(pl.col("med_category") == "dextrose_in_water_d5w").height
    oxygen = tables["oxygen"].filter(
        pl.col("fio2_set").is_not_null()
        | pl.col("lpm_set").is_not_null()
        | pl.col("device_category").is_in(["IMV", "NIPPV", "CPAP", "High Flow NC", "Face Mask", "Nasal Cannula"])
    )

    assert report.mapped["vitals"] == tables["vitals"].filter(pl.col("vital_category") != "height_cm").height
    assert report.mapped["infusions"] == infusions.height - second_names
    assert (
        report.mapped["labs"]
        == tables["labs"]
        .filter(pl.col("hospitalization_id").is_in(stays) & pl.col("lab_value_numeric").is_not_null())
        .height
    )
    assert report.mapped["oxygen"] == oxygen.height
    assert (
        report.mapped["assessments"]
        == tables["assessments"].filter(pl.col("assessment_category") == "gcs_total").height
    )


@pytest.mark.parametrize(
    ("table", "column", "category", "value", "metric"),
    [
        ("vitals", "vital_category", "map", "vital_value", "MDC_PRESS_CUFF_MEAN"),
        ("vitals", "vital_category", "sbp", "vital_value", "MDC_PRESS_CUFF_SYS"),
        ("vitals", "vital_category", "heart_rate", "vital_value", "MDC_ECG_HEART_RATE"),
        ("vitals", "vital_category", "spo2", "vital_value", "MDC_PULS_OXIM_SAT_O2"),
        ("vitals", "vital_category", "temp_c", "vital_value", "MDC_TEMP"),
        ("vitals", "vital_category", "weight_kg", "vital_value", "MDC_MASS_BODY_ACTUAL"),
        ("labs", "lab_category", "creatinine", "lab_value_numeric", "loinc:2160-0"),
        ("labs", "lab_category", "potassium", "lab_value_numeric", "loinc:2823-3"),
        ("assessments", "assessment_category", "gcs_total", "numerical_value", "MDC_SCORE_GLAS_COMA"),
    ],
)
def test_mimic_import_carries_every_value_of_the_file_the_implausible_ones_included(
    real: Real, table: str, column: str, category: str, value: str, metric: str
) -> None:
    tables = _tables()
    stays = tables["vitals"]["hospitalization_id"].unique().to_list()
    rows = tables[table].filter(
        (pl.col(column) == category) & pl.col("hospitalization_id").is_in(stays) & pl.col(value).is_not_null()
    )
    expected = Counter((str(stay), metric, number) for stay, number in rows.select("hospitalization_id", value).rows())

    found = {key: count for key, count in _values(real[0]).items() if key[1] == metric}

    assert found == dict(expected)


def test_mimic_import_gives_each_of_the_73_stays_an_admission_before_and_a_discharge_after(real: Real) -> None:
    recordings, report = real

    assert len(recordings) == 73
    assert report.commands == 146
    for recording in recordings:
        first, *middle, last = recording.entries
        assert (first.command, last.command) == ("admit", "discharge")
        assert all(entry.command is None for entry in middle)
        assert first.body is not None
        assert first.body["admission_id"] == f"stay-{recording.stay}"
        assert not isinstance(parse_command("admit", first.body, first.received_ms), Rejected)
        times = [entry.received_ms for entry in recording.entries]
        assert times == sorted(times)
        assert times[0] < times[1]


def test_mimic_import_writes_only_messages_that_the_wire_accepts_numbered_without_gaps(real: Real) -> None:
    for recording in real[0]:
        numbers: dict[str, list[int]] = {}
        for entry in recording.entries:
            if entry.topic is None:
                continue
            found = decode(entry.topic, entry.payload or b"", entry.received_ms)
            assert isinstance(found, Decoded), found
            if isinstance(found.message, ObsMessage):
                numbers.setdefault(str(found.device), []).append(found.message.seq)
        assert all(seqs == list(range(len(seqs))) for seqs in numbers.values())


def test_mimic_import_keeps_concurrent_orders_on_pumps_of_their_own(real: Real) -> None:
    """At any instant a pump holds one drug, and no more pumps are used than orders run at once (10 in these stays)."""
    for recording in real[0]:
        pumps = {entry.topic.split("/")[4] for entry in recording.entries if entry.topic and "/pump" in entry.topic}
        assert len(pumps) <= 10
        running: dict[str, str] = {}
        for entry in recording.entries:
            if entry.topic is None or "/pump" not in entry.topic or not entry.topic.endswith("/obs"):
                continue
            metrics = orjson.loads(entry.payload or b"")["metrics"]
            pump, drug = entry.topic.split("/")[4], metrics["MDC_DRUG_NAME_LABEL"]
            assert running.get(pump, drug) == drug
            running[pump] = drug
            if metrics["MDC_PUMP_INFUSING_STATUS"] == "pump-status-not-infusing":
                del running[pump]


def test_mimic_import_of_the_real_stays_gives_the_same_bytes_twice(real: Real, tmp_path: Path) -> None:
    write_one_file(real[0], tmp_path / "a.ndjson")
    again, _ = read_mimic_csv(shared_recordings("mimic-iv-demo"))
    write_one_file(again, tmp_path / "b.ndjson")

    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()
    assert list(read_recording(tmp_path / "a.ndjson")) == list(merged(real[0]))


def test_bidmc_import_says_null_where_the_monitor_had_no_value() -> None:
    recordings, report = read_bidmc(shared_recordings("bidmc"))
    missing = 0
    for recording in recordings:
        for body in _bodies(recording.entries):
            missing += sum(value is None for value in body["metrics"].values())
    text = "".join(path.read_text() for path in sorted(shared_recordings("bidmc").glob("*.csv")))

    assert len(recordings) == 26
    assert missing == text.count("NaN") > 0
    assert report.mapped == report.rows


def test_bidmc_import_puts_each_recording_an_hour_after_the_one_before_once_a_second() -> None:
    recordings, _ = read_bidmc(shared_recordings("bidmc"), stays=["bidmc03"])
    times = [body["time"] for body in _bodies(recordings[0].entries)]

    assert [recording.stay for recording in recordings] == ["bidmc03"]
    assert times[:2] == ["2026-01-01T03:00:00.000Z", "2026-01-01T03:00:01.000Z"]


# --- known rows -----------------------------------------------------------------------------------------------------

_AT = "2150-01-01 10:00:00+00:00"
_LATER = "2150-01-01 11:00:00+00:00"


def _only(folder: Path, **options: Any) -> tuple[StayRecording, ImportReport]:
    recordings, report = read_mimic_csv(folder, **options)
    return recordings[0], report


def test_two_values_of_one_metric_in_a_minute_make_two_messages_in_file_order(tmp_path: Path) -> None:
    rows = [f"7,{_AT},{name},{value}" for name, value in [("sbp", 135), ("map", 86), ("sbp", 120), ("map", 80)]]
    recording, _ = _only(write_tables(tmp_path, vitals=[*rows, f"7,{_AT},heart_rate,90"]))

    pressures = [
        {name: value["value"] for name, value in body["metrics"].items() if isinstance(value, dict)}
        for body in _bodies(recording.entries)
    ]
    assert pressures == [
        {"MDC_PRESS_CUFF_SYS": 135.0, "MDC_PRESS_CUFF_MEAN": 86.0},
        {"MDC_PRESS_CUFF_SYS": 120.0, "MDC_PRESS_CUFF_MEAN": 80.0},
    ]
    assert _bodies(recording.entries)[0]["metrics"]["MDC_ECG_HEART_RATE"] == 90.0


def test_rows_out_of_order_are_put_in_order_of_their_own_time(tmp_path: Path) -> None:
    rows = [f"7,{_LATER},heart_rate,90", f"7,{_AT},heart_rate,80"]
    recording, _ = _only(write_tables(tmp_path, vitals=rows))

    assert [(b["time"], b["metrics"]["MDC_ECG_HEART_RATE"]) for b in _bodies(recording.entries)] == [
        ("2150-01-01T10:00:00.000Z", 80.0),
        ("2150-01-01T11:00:00.000Z", 90.0),
    ]


def test_laboratory_value_is_received_with_its_result_and_bears_the_time_of_its_sample(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"], labs=[f"7,{_AT},{_LATER},creatinine,2.5,mg/dL"])
    recording, _ = _only(folder)
    entry = next(e for e in recording.entries if e.topic is not None and e.topic.endswith("/lab/obs"))

    assert format_ms(entry.received_ms) == "2150-01-01T11:00:00.000Z"
    reading = orjson.loads(entry.payload or b"")["metrics"]["loinc:2160-0"]
    assert reading == {"value": 2.5, "unit": "mg/dL", "time": "2150-01-01T10:00:00.000Z"}


def test_carrier_fluid_is_the_flow_of_the_pump_that_gives_the_drug(tmp_path: Path) -> None:
    rows = [
        f"7,55,dextrose,{_AT},start,9.6,mL/hour",
        f"7,55,dextrose,{_LATER},stop,0.0,mL/hour",
        f"7,55,dextrose_in_water_d5w,{_AT},start,9.6,mL/hour",
        f"7,55,dextrose_in_water_d5w,{_LATER},stop,0.0,mL/hour",
        f"7,55,phenylephrine,{_AT},start,0.5,mcg/kg/min",
        f"7,55,phenylephrine,{_LATER},stop,0.0,mcg/kg/min",
    ]
    recording, report = _only(write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"], infusions=rows))

    assert [body["metrics"] for body in _bodies(recording.entries, "pump")] == [
        {
            "MDC_DRUG_NAME_LABEL": "phenylephrine",
            "MDC_PUMP_INFUSING_STATUS": "pump-status-infusing",
            "MDC_FLOW_FLUID_PUMP_CURRENT": 9.6,
            "MDC_RATE_DOSE": {"value": 0.5, "unit": "ug/kg/min"},
        },
        {
            "MDC_DRUG_NAME_LABEL": "phenylephrine",
            "MDC_PUMP_INFUSING_STATUS": "pump-status-not-infusing",
            "MDC_FLOW_FLUID_PUMP_CURRENT": 0.0,
            "MDC_RATE_DOSE": {"value": 0.0, "unit": "ug/kg/min"},
        },
    ]
    assert report.not_mapped == {("infusions", "dextrose_in_water_d5w", "the order's fluid under a second name"): 2}


def test_dose_in_a_unit_that_nothing_converts_is_sent_as_it_is_and_counted(tmp_path: Path) -> None:
    rows = [f"7,55,midazolam,{_AT},start,2.0,mg/hour", f"7,56,mystery,{_AT},start,1.0,drops/min"]
    recording, report = _only(write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"], infusions=rows))

    doses = [body["metrics"]["MDC_RATE_DOSE"] for body in _bodies(recording.entries, "pump")]
    assert doses == [{"value": 2.0, "unit": "mg/h"}, {"value": 1.0, "unit": "drops/min"}]
    assert report.foreign_units == {("midazolam", "mg/h"): 1, ("mystery", "drops/min"): 1}


def test_oxygen_row_becomes_flow_fraction_and_ventilation(tmp_path: Path) -> None:
    rows = [f"7,{_AT},Nasal Cannula,,2.0", f"7,{_LATER},IMV,0.4,", f"7,{_LATER},Other,,"]
    recording, report = _only(write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"], oxygen=rows))

    assert [body["metrics"] for body in _bodies(recording.entries, "oxygen")] == [
        {"loinc:3151-8": 2.0, "site:ventilation": "none"},
        {"loinc:3150-0": {"value": 0.4, "unit": "1"}, "site:ventilation": "intubated"},
    ]
    assert report.not_mapped == {("oxygen", "oxygen", "neither flow nor FiO2, and the device is Other"): 1}


def test_first_plausible_weight_counts_and_without_one_eighty_kg_are_assumed_and_said(tmp_path: Path) -> None:
    rows = [f"7,{_LATER},weight_kg,71.5", f"7,{_AT},weight_kg,0.0", f"8,{_AT},weight_kg,0.0"]
    recordings, report = read_mimic_csv(write_tables(tmp_path, vitals=rows))
    weights = [(recording.entries[0].body or {})["dosing_weight_kg"] for recording in recordings]

    assert weights == [71.5, 80.0]
    assert [note for note in report.notes if "weight" in note] == ["stay 8: no plausible weight, 80 kg assumed"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"7,{_AT},heart_rate,", "no number in the row"),
        (f"7,{_AT},heart_rate,nan", "no number in the row"),
        (f"7,{_AT},heart_rate,a lot", "no number in the row"),
        ("7,yesterday,heart_rate,80", "no readable time in the row"),
        ("7,2150-01-01 10:00:00,heart_rate,80", "no readable time in the row"),
        (f"7,{_AT},mood,80", "no metric in the contract"),
        ("7", "no metric in the contract"),
    ],
)
def test_row_that_cannot_be_used_is_counted_with_the_reason(tmp_path: Path, row: str, reason: str) -> None:
    _, report = _only(write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80", row]))

    assert report.rows["vitals"] == 2
    assert report.mapped["vitals"] == 1
    assert [why for (_, _, why) in report.not_mapped] == [reason]


def test_import_of_one_stay_holds_nothing_of_the_others(tmp_path: Path) -> None:
    rows = [f"7,{_AT},heart_rate,80", f"8,{_AT},heart_rate,90"]
    recordings, report = read_mimic_csv(write_tables(tmp_path, vitals=rows), stays=["8"])

    assert [recording.stay for recording in recordings] == ["8"]
    assert report.rows["vitals"] == 1


def test_vitals_introduce_themselves_as_charted_unless_told_otherwise(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"])

    def kind(**options: str) -> Any:
        recording, _ = _only(folder, **options)
        return orjson.loads(recording.entries[1].payload or b"")["kind"]

    assert kind() == "chart"
    assert kind(vitals_kind="monitor") == "monitor"


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [({}, "neither vitals.csv nor vitals.csv.gz"), ({"labs": []}, "neither vitals.csv")],
)
def test_folder_without_vitals_is_refused(tmp_path: Path, tables: dict[str, list[str]], complaint: str) -> None:
    with pytest.raises(TableError, match=complaint):
        read_mimic_csv(write_tables(tmp_path, **tables))


def test_table_without_a_column_is_refused_with_its_name(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, vitals=[])
    (folder / "vitals.csv").write_text("hospitalization_id,recorded_dttm,vital_value\n")

    with pytest.raises(TableError, match=r"vitals\.csv: no column vital_category"):
        read_mimic_csv(folder)


def test_damaged_compressed_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vitals.csv.gz").write_bytes(b"\x1f\x8b\x08\x00broken")

    with pytest.raises(TableError, match=r"vitals\.csv\.gz"):
        read_mimic_csv(tmp_path)


def test_stay_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = write_tables(tmp_path, vitals=[f"7,{_AT},heart_rate,80"])

    with pytest.raises(TableError, match="no charted vitals for stay 9"):
        read_mimic_csv(folder, stays=["9"])


def test_pumps_are_used_again_only_when_the_order_before_has_ended() -> None:
    assert allot({"a": (0, 10), "b": (5, 20), "c": (10, 12), "d": (11, 30), "e": (13, 14)}) == {
        "a": "pump1",
        "b": "pump2",
        "c": "pump3",
        "d": "pump1",
        "e": "pump3",
    }


def test_all_stays_in_one_file_come_in_order_and_each_in_a_file_of_its_own(tmp_path: Path) -> None:
    rows = [f"8,{_AT},heart_rate,80", f"7,{_LATER},heart_rate,90", f"7,{_AT},heart_rate,91"]
    recordings, _ = read_mimic_csv(write_tables(tmp_path / "in", vitals=rows))

    one = write_one_file(recordings, tmp_path / "all.ndjson")
    several = write_file_per_stay(recordings, tmp_path / "out")
    times = [entry.received_ms for entry in read_recording(tmp_path / "all.ndjson")]

    assert one == several == len(times)
    assert times == sorted(times)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["7.ndjson", "8.ndjson"]
    assert parse_instant("2150-01-01T09:59:59Z") == times[0]


@pytest.mark.parametrize("name", ["bidmc_01_numerics.csv", "other.csv"])
def test_bidmc_file_of_another_form_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")

    with pytest.raises(TableError, match=r"no row of numerics|no bidmc_NN_numerics"):
        read_bidmc(tmp_path)
