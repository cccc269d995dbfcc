"""How old an input of a dose criterion may be (contract, section 9), unless a profile says otherwise.

Longer than the limits of the alarms (`streaming.freshness`): a dose decision is made at an instant, on windows before
it. An input older than its limit is unknown to a criterion; one exactly as old as its limit is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from streaming.durations import HOUR_MS, MINUTE_MS
from streaming.freshness import is_cuff

MONITORED_MS = 5 * MINUTE_MS
"""Arterial line, oximeter, ECG, and what else a monitor or a pump reports by itself; pump telemetry [D]."""
CUFF_MS = 30 * MINUTE_MS
LABORATORY_MS = 26 * HOUR_MS
STATE_MS = 12 * HOUR_MS
STATE_LONG_MS = 26 * HOUR_MS
"""Skin, stool, ECG, gut."""

_BY_SIGNAL: Mapping[str, int] = {
    "temp": 4 * HOUR_MS,
    "weight": 26 * HOUR_MS,
    "weight_gain_pct": 26 * HOUR_MS,
    "urine_ml_h": 2 * HOUR_MS,  # [D] one missing hour is bridged, two are not
    "creatinine": LABORATORY_MS,
    "bicarbonate": LABORATORY_MS,
    "bilirubin": LABORATORY_MS,
    "platelets": LABORATORY_MS,
    "troponin": LABORATORY_MS,
    "glucose": LABORATORY_MS,
    "potassium": LABORATORY_MS,
    "albumin": LABORATORY_MS,
    "o2_flow": STATE_MS,
    "fio2": STATE_MS,
    "site:skin": STATE_LONG_MS,
    "site:stool_blood": STATE_LONG_MS,
    "site:ecg": STATE_LONG_MS,
    "site:gi": STATE_LONG_MS,
}
LONG_SPEAKING = frozenset(_BY_SIGNAL)
"""Signals of which a value speaks for hours: each report of one is looked at as it comes."""


@lru_cache(maxsize=1024)
def usual_fresh_ms(signal: str, source: str) -> int:
    """The limit on the age of a value, in milliseconds.

    Args:
        signal: As in `Facts.current`.
        source: Metric it came from: a cuff's reading speaks longer than a line's.
    """
    known = _BY_SIGNAL.get(signal)
    if known is not None:
        return known
    if signal.startswith("site:"):
        return STATE_MS
    return CUFF_MS if is_cuff(source) else MONITORED_MS
