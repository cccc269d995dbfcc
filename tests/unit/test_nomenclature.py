"""The nomenclature: what the wire contract names is there, and the table agrees with itself."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from streaming.nomenclature import CHARTED_STATES, EVENTS, METRICS, SIGNAL_UNITS, SPECS, MetricKind, MetricSpec

CONTRACT_STATES = {
    "rhythm": "sinus sinus_tachycardia af svt bradycardia vt vf asystole paced unknown",
    "mental_status": "normal vivid_dreams mild_anxiety confusion agitation hallucinations obtunded coma",
    "stool_blood": "negative positive frank",
    "skin": "normal bullous_dermatitis moist_desquamation",
    "ecg": "normal ischemia infarction",
    "infection": "none suspected documented sepsis",
    "ventilation": "none niv intubated",
    "dialysis": "none running",
    "seizure": "none controlled uncontrolled",
    "gi": "normal ileus ischemia_or_perforation bleeding_surgery",
    "angina": "absent present",
    "hepatic": "normal failure",
    "tamponade": "absent present",
    "volume_overload": "none severe",
    "arrhythmia_control": "controlled refractory",
    "dyspnea": "none resting",
    "rales": "none third half",
    "vomiting": "none controlled refractory",
    "distention": "none present breathing",
    "paresthesia": "none tightness extreme",
}

ADDED_STATES = {"ectopy", "ck_mb", "crying", "serial_sevens", "abdominal_pain"}
"""Parts of rows of the consensus table that the contract's states do not carry; the contract grows by adding."""

CONTRACT_LABORATORY = {
    "loinc:2160-0": ("creatinine", "mg/dL"),
    "loinc:1963-8": ("bicarbonate", "mmol/L"),
    "loinc:1975-2": ("bilirubin", "mg/dL"),
    "loinc:777-3": ("platelets", "10*3/uL"),
    "loinc:10839-9": ("troponin", "ng/mL"),
    "loinc:2345-7": ("glucose", "mg/dL"),
    "loinc:2823-3": ("potassium", "mmol/L"),
    "loinc:1751-7": ("albumin", "g/dL"),
    "loinc:3151-8": ("o2_flow", "L/min"),
    "loinc:3150-0": ("fio2", "%"),
}

CONTRACT_SIGNALS = """
    hr map sbp dbp spo2 rr temp cvp etco2 weight urine_ml_h urine_ml_8h fluid_balance_ml_24h weight_gain_pct
    shock_index creatinine bicarbonate bilirubin platelets troponin glucose o2_flow fio2
    phenylephrine_ug_kg_min norepinephrine_ug_kg_min dopamine_ug_kg_min vasopressin_u_min
"""

# Code, unit, plausible range: typed once more from the clinical notes, so that a slip in one place shows.
CLINICAL_ROWS = [
    ("MDC_ECG_HEART_RATE", 147842, "/min", 20, 300, "hr"),
    ("MDC_PULS_OXIM_PULS_RATE", 149530, "/min", 20, 300, "hr"),
    ("MDC_PRESS_BLD_ART_ABP_SYS", 150037, "mm[Hg]", 30, 300, "sbp"),
    ("MDC_PRESS_BLD_ART_ABP_DIA", 150038, "mm[Hg]", 10, 200, "dbp"),
    ("MDC_PRESS_BLD_ART_ABP_MEAN", 150039, "mm[Hg]", 20, 250, "map"),
    ("MDC_PRESS_CUFF_SYS", 150301, "mm[Hg]", 40, 280, "sbp"),
    ("MDC_PRESS_CUFF_DIA", 150302, "mm[Hg]", 20, 200, "dbp"),
    ("MDC_PRESS_CUFF_MEAN", 150303, "mm[Hg]", 30, 230, "map"),
    ("MDC_PRESS_BLD_NONINV_SYS", 150021, "mm[Hg]", 40, 280, "sbp"),
    ("MDC_PRESS_BLD_NONINV_DIA", 150022, "mm[Hg]", 20, 200, "dbp"),
    ("MDC_PRESS_BLD_NONINV_MEAN", 150023, "mm[Hg]", 30, 230, "map"),
    ("MDC_PULS_OXIM_SAT_O2", 150456, "%", 40, 100, "spo2"),
    ("MDC_RESP_RATE", 151562, "/min", 0, 80, "rr"),
    ("MDC_TTHOR_RESP_RATE", 151578, "/min", 0, 80, "rr"),
    ("MDC_CO2_RESP_RATE", 151594, "/min", 0, 80, "rr"),
    ("MDC_TEMP", 150344, "Cel", 25, 43, "temp"),
    ("MDC_TEMP_CORE", 150368, "Cel", 25, 43, "temp"),
    ("MDC_TEMP_BLD", 188436, "Cel", 25, 43, "temp"),
    ("MDC_PRESS_BLD_VEN_CENT", 150084, "mm[Hg]", -10, 40, "cvp"),
    ("MDC_PRESS_BLD_VEN_CENT_MEAN", 150087, "mm[Hg]", -10, 40, "cvp"),
    ("MDC_AWAY_CO2_ET", 151728, "mm[Hg]", 0, 150, "etco2"),
    ("MDC_CONC_AWAY_CO2_ET", 151708, "%", 0, 20, None),
    ("MDC_ECG_AMPL_ST_II", 131842, "mm", -20, 20, None),
    ("MDC_ECG_AMPL_ST_III", 131901, "mm", -20, 20, None),
    ("MDC_ECG_V_P_C_RATE", 148066, "/min", 0, 300, None),
    ("MDC_MASS_BODY_ACTUAL", 188736, "kg", 25, 350, "weight"),
    ("MDC_FLOW_URINE_PREV_HR", 157716, "mL/h", 0, 1500, "urine_ml_h"),
    ("MDC_FLOW_URINE_INSTANT", 157708, "mL/h", 0, 1500, None),
    ("MDC_FLOW_FLUID_PUMP_CURRENT", 158014, "mL/h", 0, 1200, None),
    ("MDC_VOL_FLUID_DELIV_TOTAL", 157993, "mL", 0, 9999, None),
    ("MDC_VOL_FLUID_TBI", 157884, "mL", 0, 9999, None),
    ("MDC_VOL_FLUID_TBI_REMAIN", 157872, "mL", 0, 9999, None),
    ("MDC_ATTR_PT_WEIGHT", 68063, "kg", 25, 350, None),
    ("MDC_CONC_AWAY_O2_INSP", 152196, "%", 21, 100, "fio2"),
    ("MDC_CONC_HCO3_GEN", 160008, "mmol/L", 2, 60, "bicarbonate"),
    ("MDC_CONC_GLU_GEN", 160020, "mg/dL", 10, 1500, "glucose"),
    ("MDC_SCORE_GLAS_COMA", 153728, "{score}", 3, 15, None),
    ("MDC_BLD_PERF_INDEX", 150488, "%", 0, 25, None),
    ("loinc:2160-0", None, "mg/dL", 0.1, 25, "creatinine"),
    ("loinc:1963-8", None, "mmol/L", 2, 60, "bicarbonate"),
    ("loinc:1975-2", None, "mg/dL", 0, 60, "bilirubin"),
    ("loinc:777-3", None, "10*3/uL", 0, 2000, "platelets"),
    ("loinc:10839-9", None, "ng/mL", 0, 500, "troponin"),
    ("loinc:2345-7", None, "mg/dL", 10, 1500, "glucose"),
    ("loinc:1751-7", None, "g/dL", 0.5, 7, "albumin"),
    ("loinc:3151-8", None, "L/min", 0, 80, "o2_flow"),
    ("loinc:3150-0", None, "%", 21, 100, "fio2"),
]


@pytest.mark.parametrize("row", CLINICAL_ROWS, ids=lambda row: row[0])
def test_metric_has_the_code_unit_range_and_signal_of_the_clinical_notes(
    row: tuple[str, int | None, str, float, float, str | None],
) -> None:
    name, code, unit, low, high, signal = row
    spec = METRICS[name]

    assert (code, unit, low, high, signal) == (spec.code, spec.unit, spec.low, spec.high, spec.signal)


@pytest.mark.parametrize("name", CONTRACT_STATES)
def test_charted_state_allows_exactly_the_values_of_the_contract(name: str) -> None:
    spec = METRICS[f"site:{name}"]

    assert frozenset(CONTRACT_STATES[name].split()) == spec.values
    assert spec.kind is MetricKind.ENUMERATION
    assert spec.signal == f"site:{name}"


def test_no_charted_state_is_there_that_neither_the_contract_nor_a_row_of_the_criteria_needs() -> None:
    assert {f"site:{name}" for name in {*CONTRACT_STATES, *ADDED_STATES}} == set(CHARTED_STATES)


@pytest.mark.parametrize("name", CONTRACT_LABORATORY)
def test_laboratory_value_has_the_unit_of_the_contract_and_feeds_its_signal(name: str) -> None:
    assert CONTRACT_LABORATORY[name] == (METRICS[name].signal, METRICS[name].unit)


def test_pump_metrics_of_the_contract_are_known() -> None:
    names = (
        "MDC_FLOW_FLUID_PUMP_CURRENT MDC_VOL_FLUID_DELIV_TOTAL MDC_VOL_FLUID_TBI MDC_VOL_FLUID_TBI_REMAIN "
        "MDC_DRUG_NAME_LABEL MDC_CONC_DRUG MDC_RATE_DOSE MDC_PUMP_INFUSING_STATUS MDC_ATTR_PT_WEIGHT"
    )

    assert set(names.split()) <= METRICS.keys()
    statuses = frozenset({"pump-status-infusing", "pump-status-not-infusing"})
    assert statuses == METRICS["MDC_PUMP_INFUSING_STATUS"].values
    assert METRICS["MDC_DRUG_NAME_LABEL"].kind is MetricKind.TEXT


def test_every_signal_of_the_contract_has_a_unit() -> None:
    assert [name for name in CONTRACT_SIGNALS.split() if name not in SIGNAL_UNITS] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.ref_id)
def test_metric_feeds_only_a_known_signal_in_that_signals_unit(spec: MetricSpec) -> None:
    if spec.signal is None:
        assert spec.ref_id not in SIGNAL_UNITS
    else:
        assert spec.unit == SIGNAL_UNITS[spec.signal]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.ref_id)
def test_metric_is_complete_for_its_kind(spec: MetricSpec) -> None:
    is_number = spec.kind is MetricKind.NUMERIC

    assert is_number == (spec.low < spec.high)
    assert is_number == bool(spec.unit)
    assert (spec.kind is MetricKind.ENUMERATION) == bool(spec.values)
    assert spec.cadence_s > 0
    assert spec.title


def test_codes_and_names_are_unique() -> None:
    codes = [spec.code for spec in SPECS if spec.code is not None]
    names = [name for spec in SPECS for name in (spec.ref_id, *spec.aliases)]

    assert len(set(codes)) == len(codes)
    assert len(set(names)) == len(names) == len(METRICS)


def test_alias_is_the_same_metric_under_another_name() -> None:
    assert METRICS["MDC_ECG_CARD_BEAT_RATE"] is METRICS["loinc:8867-4"] is METRICS["MDC_ECG_HEART_RATE"]
    assert METRICS["loinc:29463-7"] is METRICS["MDC_MASS_BODY_ACTUAL"]


def test_numeric_codes_are_no_names() -> None:
    assert not [name for name in METRICS if name.isdigit()]


def passes_loinc_check_digit(code: str) -> bool:
    # Mod 10 of LOINC, which is that of Luhn: https://loinc.org, user's guide, appendix C
    digits = [int(digit) for digit in reversed(code.replace("-", ""))]
    doubled = (digit if index % 2 == 0 else sum(divmod(2 * digit, 10)) for index, digit in enumerate(digits))
    return sum(doubled) % 10 == 0


def test_loinc_codes_pass_their_check_digit() -> None:
    codes = {spec.loinc for spec in SPECS if spec.loinc} | {n[6:] for n in METRICS if n.startswith("loinc:")}

    assert [code for code in sorted(codes) if not passes_loinc_check_digit(code)] == []
    assert not passes_loinc_check_digit("3150-6")  # the mistake in circulation for 3150-0


def test_plausible_range_is_known_for_the_canonical_and_the_other_units_alone() -> None:
    spec = METRICS["MDC_CONC_DRUG"]

    assert spec.plausible("mg/mL") == (spec.low, spec.high)
    assert spec.plausible("[IU]/mL") == (0.0, 20_000_000.0)
    assert spec.plausible("kPa") is None


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        METRICS["new"] = SPECS[0]  # type: ignore[index]  # that is the point
    with pytest.raises(FrozenInstanceError):
        SPECS[0].high = 1000  # type: ignore[misc]  # that is the point


def test_rhythm_of_an_event_is_a_value_of_the_charted_rhythm() -> None:
    allowed = METRICS["site:rhythm"].values or frozenset()

    assert {event.rhythm for event in EVENTS.values() if event.rhythm} <= allowed
    assert EVENTS["MDC_EVT_ECG_V_TACHY"].rhythm == "vt"
