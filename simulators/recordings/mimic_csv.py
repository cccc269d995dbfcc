"""MIMIC-style tables (CLIF: vitals, infusions, labs, oxygen, assessments as CSV or CSV.GZ) as recordings.

One stay is one hospitalization with charted vitals; it gets a bed of its own in unit `mimic`, named by its number. What
the tables say is said by:

| rows | device | as |
| --- | --- | --- |
| vitals | `vitals` | heart rate, SpO2, respiration, temperature; pressures as cuff readings with their own `time` |
| weights | `scale` | `MDC_MASS_BODY_ACTUAL` |
| infusions | `pump1`, `pump2`, … | one pump per order while it runs: label, status, mL/h, dose rate in UCUM |
| labs | `lab` | `loinc:…` with `time` = collected, received when the result was there |
| oxygen | `oxygen` | flow, FiO2, ventilation |
| assessments | `assess` | Glasgow coma scale |

Rules of translation:
  - Values are as in the file, implausible ones included; nothing is dropped without being counted with the reason.
  - Rows are put in order of time; rows of one device and minute form one message; a second value of the same metric in
    the same minute makes a second message, in file order. Pressures go by measurement, not by row:
    see `simulators.recordings.pressures`.
  - An order's fluid (sodium chloride, dextrose, TPN) in mL/h is the flow of the pump that gives the order's drug. A
    fluid that the tables carry under two names (`dextrose` and `dextrose_in_water_d5w`) is one fluid: the second row
    is counted and not sent.
  - The admission lasts from the first row of any table to the last.

It deliberately invents nothing between two rows: a pump that is charted every few hours is silent in between.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gateway.wire.topics import is_level
from simulators.recordings.pressures import DIASTOLIC, MEAN, SYSTOLIC, ChartedPressure, measured_together
from simulators.recordings.stay import ImportReport, Metrics, StayBuilder, StayRecording, TableError
from streaming.instants import format_ms, parse_instant
from streaming.nomenclature import METRICS
from streaming.units import conversion

UNIT = "mimic"
_DEFAULT_WEIGHT_KG = 80.0
"""The mean of the simulator proposal (clinical notes 4.5), for a stay without a plausible weight."""
_DISCHARGED_AFTER_MS = 60_000

Row = Mapping[str, str]

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "vitals": ("recorded_dttm", "vital_category", "vital_value"),
    "infusions": (
        "med_order_id", "med_category", "admin_dttm", "mar_action_category", "med_dose", "med_dose_unit",
    ),
    "labs": ("lab_collect_dttm", "lab_result_dttm", "lab_category", "lab_value_numeric", "reference_unit"),
    "oxygen": ("recorded_dttm", "device_category", "fio2_set", "lpm_set"),
    "assessments": ("recorded_dttm", "assessment_category", "numerical_value"),
}  # fmt: skip
"""The tables and the columns each must have besides `hospitalization_id`."""

_VITALS: Mapping[str, tuple[str, str]] = {
    # category: (device, metric)
    "heart_rate": ("vitals", "MDC_ECG_HEART_RATE"),
    "spo2": ("vitals", "MDC_PULS_OXIM_SAT_O2"),
    "respiratory_rate": ("vitals", "MDC_RESP_RATE"),
    "temp_c": ("vitals", "MDC_TEMP"),
    "sbp": ("vitals", SYSTOLIC),
    "dbp": ("vitals", DIASTOLIC),
    "map": ("vitals", MEAN),
    "weight_kg": ("scale", "MDC_MASS_BODY_ACTUAL"),
}
_LABS: Mapping[str, str] = {
    "creatinine": "loinc:2160-0",
    "bicarbonate": "loinc:1963-8",
    "bilirubin_total": "loinc:1975-2",
    "platelet_count": "loinc:777-3",
    "troponin_t": "loinc:6598-7",
    "troponin_i": "loinc:10839-9",
    "glucose_serum": "loinc:2345-7",
    "potassium": "loinc:2823-3",
    "albumin": "loinc:1751-7",
    "lactate": "loinc:2524-7",
}
_VENTILATION: Mapping[str, str] = {
    "IMV": "intubated",
    "NIPPV": "niv",
    "CPAP": "niv",
    "High Flow NC": "none",
    "Face Mask": "none",
    "Nasal Cannula": "none",
    "Room Air": "none",
}
_ASSESSMENTS: Mapping[str, str] = {"gcs_total": "MDC_SCORE_GLAS_COMA"}
_DOSE_UNITS: Mapping[str, str] = {
    "mcg/kg/min": "ug/kg/min",
    "mcg/kg/hour": "ug/kg/h",
    "mg/kg/hour": "mg/kg/h",
    "mcg/min": "ug/min",
    "mcg/hour": "ug/h",
    "mg/min": "mg/min",
    "mg/hour": "mg/h",
    "units/min": "[IU]/min",
    "units/hour": "[IU]/h",
    "mEq/min": "meq/min",
    "mEq/hour": "meq/h",
}
_FLOW_UNIT = "mL/hour"
_FLUIDS = frozenset({"sodium chloride", "dextrose", "dextrose_in_water_d5w", "tpn"})
"""What drugs are given in: in mL/h beside a drug it is the pump's flow."""

_NO_NUMBER = "no number in the row"
_NO_TIME = "no readable time in the row"
_NO_METRIC = "no metric in the contract"
_NO_STAY = "no charted vitals in this hospitalization"
_SECOND_NAME = "the order's fluid under a second name"


def read_mimic_csv(
    folder: Path, *, stays: Collection[str] | None = None, vitals_kind: str = "chart"
) -> tuple[list[StayRecording], ImportReport]:
    """Reads the tables and returns a recording per stay, in order of their numbers.

    Args:
        folder: holds `vitals.csv` or `vitals.csv.gz`, and what there is of the others.
        stays: only these hospitalizations; None for all.
        vitals_kind: the kind as which the device `vitals` introduces itself: `chart`, since a person wrote these values
            down about once an hour, or `monitor`, of which a gateway expects a value a second.

    Raises:
        TableError: no vitals, a table without its columns, or a stay that is not there.
    """
    report = ImportReport()
    tables = {table: list(_rows(path, table)) for table in _COLUMNS if (path := _path(folder, table, report))}
    if "vitals" not in tables:
        raise TableError(f"{folder}: neither vitals.csv nor vitals.csv.gz")
    present = {row["hospitalization_id"] for row in tables["vitals"] if is_level(row["hospitalization_id"])}
    if missing := sorted(set(stays or ()) - present):
        raise TableError(f"{folder}: no charted vitals for stay {', '.join(missing)}")
    builders = {stay: _Stay(stay, report, vitals_kind) for stay in sorted(stays or present)}
    for table, rows in tables.items():
        for row in rows:
            _give(table, row, builders, report, is_selection=stays is not None)
    recordings = [stay.finish() for stay in builders.values() if stay.has_rows]
    report.messages = sum(entry.topic is not None for stay in recordings for entry in stay.entries)
    report.commands = sum(entry.command is not None for stay in recordings for entry in stay.entries)
    return recordings, report


def _give(table: str, row: Row, builders: Mapping[str, _Stay], report: ImportReport, *, is_selection: bool) -> None:
    """Hands a row to its stay; rows of no stay are counted, rows of stays that were not asked for are not."""
    stay = builders.get(row["hospitalization_id"])
    if stay is not None:
        stay.take(table, row)
    elif not is_selection:
        report.account(table, _category(table, row), _NO_STAY)


def _path(folder: Path, table: str, report: ImportReport) -> Path | None:
    for name in (f"{table}.csv.gz", f"{table}.csv"):
        if (folder / name).is_file():
            return folder / name
    report.notes.append(f"no table {table}: nothing of it is in the recording")
    return None


def _rows(path: Path, table: str) -> Iterator[Row]:
    """The rows of a table.

    Raises:
        TableError: unreadable, or without a column that is needed.
    """
    needed = {"hospitalization_id", *_COLUMNS[table]}
    try:
        with _opened(path) as stream:
            reader = csv.DictReader(stream, restval="")
            if missing := sorted(needed - set(reader.fieldnames or ())):
                raise TableError(f"{path.name}: no column {', '.join(missing)}")
            yield from reader
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path.name}: {error}") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _category(table: str, row: Row) -> str:
    """What the row is about, for the report."""
    names = {"vitals": "vital_category", "infusions": "med_category", "labs": "lab_category"}
    if table == "oxygen":
        return "oxygen"
    return row[names.get(table, "assessment_category")]


class _Stay:
    """The rows of one stay on their way into a recording."""

    def __init__(self, stay: str, report: ImportReport, vitals_kind: str) -> None:
        self._stay = stay
        self._report = report
        kinds = {"vitals": vitals_kind, "scale": "scale", "lab": "chart", "oxygen": "chart", "assess": "chart"}
        self._builder = StayBuilder(
            unit=UNIT, bed=stay, boot=f"stay-{stay}"[:32], kinds=kinds, model="MIMIC-style tables"
        )
        self._weights: list[tuple[int, float]] = []
        self._pressures: dict[int, list[ChartedPressure]] = defaultdict(list)
        """By instant, in file order."""
        self._infusions: list[_InfusionRow] = []
        self._take: Mapping[str, Callable[[Row], str | None]] = {
            "vitals": self._vital,
            "infusions": self._infusion,
            "labs": self._lab,
            "oxygen": self._oxygen,
            "assessments": self._assessment,
        }

    @property
    def has_rows(self) -> bool:
        """Whether any row became part of a message."""
        return self._builder.has_messages or bool(self._infusions or self._pressures)

    def take(self, table: str, row: Row) -> None:
        """Translates one row and books it."""
        self._report.account(table, _category(table, row), self._take[table](row))

    def finish(self) -> StayRecording:
        """The stay's recording."""
        self._add_pressures()
        self._infuse()
        weight_kg = self._first_plausible_weight()
        admission = {
            "admission_id": f"stay-{self._stay}",
            "patient_id": f"mimic-{self._stay}",
            "dosing_weight_kg": weight_kg,
            "baseline_weight_kg": weight_kg,
            "baseline": {},
        }
        return self._builder.finish(admission, discharged_after_ms=_DISCHARGED_AFTER_MS)

    def _vital(self, row: Row) -> str | None:
        if row["vital_category"] not in _VITALS:
            return _NO_METRIC
        at_ms, value = _instant(row["recorded_dttm"]), _number(row["vital_value"])
        if at_ms is None or value is None:
            return _NO_TIME if at_ms is None else _NO_NUMBER
        device, metric = _VITALS[row["vital_category"]]
        if device == "scale":
            self._weights.append((at_ms, value))
        if metric in {SYSTOLIC, DIASTOLIC, MEAN}:
            at_once = self._pressures[at_ms]
            at_once.append(ChartedPressure(metric, value, len(at_once)))
        else:
            self._builder.add(device, at_ms, at_ms, {metric: value})
        return None

    def _add_pressures(self) -> None:
        """One message for each measurement, with its time as a cuff's reading has."""
        for at_ms, charted in self._pressures.items():
            for measurement in measured_together(charted):
                said = {p.metric: {"value": p.value, "time": format_ms(at_ms)} for p in measurement}
                self._builder.add("vitals", at_ms, at_ms, said)

    def _lab(self, row: Row) -> str | None:
        metric = _LABS.get(row["lab_category"])
        if metric is None:
            return _NO_METRIC
        collected_ms, value = _instant(row["lab_collect_dttm"]), _number(row["lab_value_numeric"])
        if collected_ms is None or value is None:
            return _NO_TIME if collected_ms is None else _NO_NUMBER
        # A result that bears no time, or one before the sample, was known when the sample was taken at the earliest.
        known_ms = max(collected_ms, _instant(row["lab_result_dttm"]) or collected_ms)
        said = self._with_unit(row["lab_category"], metric, value, row["reference_unit"])
        said["time"] = format_ms(collected_ms)
        self._builder.add("lab", known_ms, known_ms, {metric: said})
        return None

    def _oxygen(self, row: Row) -> str | None:
        at_ms = _instant(row["recorded_dttm"])
        if at_ms is None:
            return _NO_TIME
        metrics: Metrics = {}
        if (flow := _number(row["lpm_set"])) is not None:
            metrics["loinc:3151-8"] = flow
        if (fraction := _number(row["fio2_set"])) is not None:
            metrics["loinc:3150-0"] = {"value": fraction, "unit": "1"}
        if (ventilation := _VENTILATION.get(row["device_category"])) is not None:
            metrics["site:ventilation"] = ventilation
        if not metrics:
            return f"neither flow nor FiO2, and the device is {row['device_category'] or 'not named'}"
        self._builder.add("oxygen", at_ms, at_ms, metrics)
        return None

    def _assessment(self, row: Row) -> str | None:
        metric = _ASSESSMENTS.get(row["assessment_category"])
        if metric is None:
            return _NO_METRIC
        at_ms, value = _instant(row["recorded_dttm"]), _number(row["numerical_value"])
        if at_ms is None or value is None:
            return _NO_TIME if at_ms is None else _NO_NUMBER
        self._builder.add("assess", at_ms, at_ms, {metric: value})
        return None

    def _infusion(self, row: Row) -> str | None:
        at_ms, dose = _instant(row["admin_dttm"]), _number(row["med_dose"])
        if at_ms is None or dose is None:
            return _NO_TIME if at_ms is None else _NO_NUMBER
        infusion = _InfusionRow(
            order=row["med_order_id"],
            drug=row["med_category"],
            at_ms=at_ms,
            action=row["mar_action_category"],
            dose=dose,
            unit=row["med_dose_unit"],
        )
        if any(infusion.is_second_name_of(other) for other in self._infusions):
            return _SECOND_NAME
        self._infusions.append(infusion)
        return None

    def _infuse(self) -> None:
        """Gives each order a pump for as long as it runs, and lets the pumps say what the rows say."""
        orders: dict[str, list[_InfusionRow]] = defaultdict(list)
        for row in self._infusions:
            orders[row.order].append(row)
        spans = {order: (min(r.at_ms for r in rows), max(r.at_ms for r in rows)) for order, rows in orders.items()}
        pumps = allot(spans)
        for order, rows in orders.items():
            label = next((row.drug for row in rows if not row.is_flow), rows[0].drug)
            for row in rows:
                self._builder.add(pumps[order], row.at_ms, row.at_ms, self._pump_reading(row, label))

    def _pump_reading(self, row: _InfusionRow, label: str) -> Metrics:
        reading: Metrics = {
            "MDC_DRUG_NAME_LABEL": label if row.is_flow else row.drug,
            "MDC_PUMP_INFUSING_STATUS": "pump-status-not-infusing" if row.action == "stop" else "pump-status-infusing",
        }
        if row.is_flow:
            reading["MDC_FLOW_FLUID_PUMP_CURRENT"] = row.dose
        else:
            unit = _DOSE_UNITS.get(row.unit, row.unit)
            reading["MDC_RATE_DOSE"] = self._with_unit(row.drug, "MDC_RATE_DOSE", row.dose, unit)
        return reading

    def _with_unit(self, category: str, metric: str, value: float, unit: str) -> Metrics:
        """A reading with its unit, as the file has it; counted when the gateway will not know what to do with it."""
        spec = METRICS.get(metric)
        if spec is not None and conversion(spec, unit) is None:
            self._report.foreign_units[category, unit] += 1
        return {"value": value, "unit": unit}

    def _first_plausible_weight(self) -> float:
        spec = METRICS["MDC_MASS_BODY_ACTUAL"]
        for _, weight_kg in sorted(self._weights, key=lambda weight: weight[0]):
            if spec.low <= weight_kg <= spec.high:
                return weight_kg
        self._report.notes.append(f"stay {self._stay}: no plausible weight, {_DEFAULT_WEIGHT_KG:g} kg assumed")
        return _DEFAULT_WEIGHT_KG


@dataclass(frozen=True, slots=True, kw_only=True)
class _InfusionRow:
    """One row about an infusion."""

    order: str
    drug: str
    at_ms: int
    action: str
    """start, dose_change, going, stop"""
    dose: float
    unit: str

    @property
    def is_flow(self) -> bool:
        """Whether it says how fast fluid flows rather than how much drug is given."""
        return self.unit == _FLOW_UNIT

    def is_second_name_of(self, other: _InfusionRow) -> bool:
        """Whether both say the same of the same pump, under two names of one fluid."""
        return (
            self.is_flow
            and other.is_flow
            and self.drug != other.drug
            and {self.drug, other.drug} <= _FLUIDS
            and (self.order, self.at_ms, self.action, self.dose) == (other.order, other.at_ms, other.action, other.dose)
        )


def allot(spans: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Pumps for orders, each the first that is free: `pump1`, `pump2`, …

    Args:
        spans: for each order its first and last instant, inclusive; two orders that share an instant need two pumps.
    """
    free_after: list[int] = []
    pumps: dict[str, str] = {}
    for order, (first, last) in sorted(spans.items(), key=lambda item: (item[1], item[0])):
        number = next((n for n, end in enumerate(free_after) if end < first), len(free_after))
        free_after[number : number + 1] = [last]
        pumps[order] = f"pump{number + 1}"
    return pumps


def _instant(text: str) -> int | None:
    """Milliseconds since 1970 UTC of `2180-07-23 17:36:00+00:00`; None when it is no instant with an offset."""
    return parse_instant(text.strip().replace(" ", "T", 1))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
