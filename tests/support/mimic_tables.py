"""Where the real recordings are, and a small folder of tables of the same form for tests that need to know each row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

_HEADERS: Mapping[str, str] = {
    "vitals": "hospitalization_id,recorded_dttm,vital_category,vital_value",
    "infusions": "hospitalization_id,med_order_id,med_category,admin_dttm,mar_action_category,med_dose,med_dose_unit",
    "labs": ("hospitalization_id,lab_collect_dttm,lab_result_dttm,lab_category,lab_value_numeric,reference_unit"),
    "oxygen": "hospitalization_id,recorded_dttm,device_category,fio2_set,lpm_set",
    "assessments": "hospitalization_id,recorded_dttm,assessment_category,numerical_value",
}


def shared_recordings(name: str) -> Path:
    """A folder of the public recordings; skips the test where they are not at hand."""
    base = os.environ.get("VIGIL_SHARED_DATA")
    folder = (Path(base) if base else Path(__file__).parents[3] / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"the public recordings ({name}) are not at hand; VIGIL_SHARED_DATA may say where they are")
    return folder


def write_tables(folder: Path, **rows: list[str]) -> Path:
    """Writes the named tables with their headers; a row is a line of comma-separated values."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, lines in rows.items():
        (folder / f"{table}.csv").write_text("\n".join([_HEADERS[table], *lines]) + "\n")
    return folder
