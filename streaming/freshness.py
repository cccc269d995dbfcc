"""How long a value may speak for the patient, and which of several sources speaks first.

Two different limits exist and must not be confused: *fresh_ms* here is for continuous alarms and the display, where a
monitor that reports every second and has been silent for half a minute no longer says anything; the limits for a dose
criterion (contract, section 9) are longer and belong to the dosing profiles.
"""

from __future__ import annotations

from collections.abc import Mapping

from streaming.durations import HOUR_MS, MINUTE_MS

SECOND_MS = 1_000

CONTINUOUS_MS = 30 * SECOND_MS
"""Arterial line, ECG, oximeter, respiration, capnography: reported each 1 to 5 s (clinical.md 7). [D]"""
CUFF_MS = 30 * MINUTE_MS
"""A cuff that a monitor cycles. Contract, section 9: 30 min."""
CHARTED_VITAL_MS = 90 * MINUTE_MS
"""A vital sign written down by a person, usually each hour, pressures included. [D]"""
CHARTED_RATE_MS = 12 * HOUR_MS
"""A rate written down when it changed holds until the next is written, within a shift and a half. [D]"""
PUMP_MS = 2 * MINUTE_MS
"""Pump telemetry is polled each 10 to 60 s (clinical.md 7). [D]"""

_BY_SIGNAL: Mapping[str, int] = {
    "temp": 4 * HOUR_MS,
    "weight": 26 * HOUR_MS,
    "urine_ml_h": 2 * HOUR_MS,
    "creatinine": 26 * HOUR_MS,
    "bicarbonate": 26 * HOUR_MS,
    "bilirubin": 26 * HOUR_MS,
    "platelets": 26 * HOUR_MS,
    "troponin": 26 * HOUR_MS,
    "glucose": 26 * HOUR_MS,
    "potassium": 26 * HOUR_MS,
    "albumin": 26 * HOUR_MS,
    "o2_flow": 12 * HOUR_MS,
    "fio2": 12 * HOUR_MS,
}
_STATE_LONG_MS = 26 * HOUR_MS
_STATE_MS = 12 * HOUR_MS
_LONG_STATES = frozenset({"site:skin", "site:stool_blood", "site:ecg", "site:gi"})
_CONTINUOUS = frozenset({"hr", "map", "sbp", "dbp", "spo2", "rr", "cvp", "etco2"})
CONTINUOUS = _CONTINUOUS | {"temp"}
"""Signals that monitors report by themselves, most of them each second."""

PRECEDENCE: Mapping[str, tuple[str, ...]] = {
    "hr": ("MDC_ECG_HEART_RATE", "MDC_ECG_CARD_BEAT_RATE", "MDC_PULS_OXIM_PULS_RATE"),
    # clinical.md 5.4: valid arterial line before a cuff not older than its limit.
    "map": ("MDC_PRESS_BLD_ART_ABP_MEAN", "MDC_PRESS_CUFF_MEAN", "MDC_PRESS_BLD_NONINV_MEAN"),
    "sbp": ("MDC_PRESS_BLD_ART_ABP_SYS", "MDC_PRESS_CUFF_SYS", "MDC_PRESS_BLD_NONINV_SYS"),
    "dbp": ("MDC_PRESS_BLD_ART_ABP_DIA", "MDC_PRESS_CUFF_DIA", "MDC_PRESS_BLD_NONINV_DIA"),
    "rr": ("MDC_CO2_RESP_RATE", "MDC_RESP_RATE", "MDC_TTHOR_RESP_RATE"),
    "temp": ("MDC_TEMP_CORE", "MDC_TEMP_BLD", "MDC_TEMP"),
}
"""Which metric speaks for a signal, best first. A metric not named here comes after those that are."""


def is_cuff(ref_id: str) -> bool:
    """Whether the metric is one reading of an oscillometric cuff rather than a continuous pressure."""
    return ref_id.startswith(("MDC_PRESS_CUFF_", "MDC_PRESS_BLD_NONINV_"))


def is_arterial_line(ref_id: str) -> bool:
    """Whether the metric comes from an arterial line."""
    return ref_id.startswith("MDC_PRESS_BLD_ART_ABP_")


def precedence(signal: str, ref_id: str) -> int:
    """Rank of a metric as source of `signal`: 0 is best."""
    order = PRECEDENCE.get(signal, ())
    return order.index(ref_id) if ref_id in order else len(order)


def fresh_ms(signal: str | None, ref_id: str, device_kind: str) -> int:
    """How old a value may be and still count as current, in milliseconds."""
    if device_kind == "chart" and (signal is None or signal in _CONTINUOUS):
        return CHARTED_VITAL_MS if signal is not None else CHARTED_RATE_MS
    if is_cuff(ref_id):
        return CUFF_MS
    if signal is None:
        return PUMP_MS if device_kind == "pump" else CONTINUOUS_MS
    if signal in _CONTINUOUS:
        return CONTINUOUS_MS
    if signal.startswith("site:"):
        return _STATE_LONG_MS if signal in _LONG_STATES else _STATE_MS
    return _BY_SIGNAL.get(signal, CONTINUOUS_MS)
