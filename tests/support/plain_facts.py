"""A patient in memory for the tests of the dose criteria: everything stated, every question answered by looking.

`PlainFacts` is the plain implementation of `streaming.criteria.facts.Facts`; `well` is a patient of whom everything
that any profile asks is known and clear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streaming.criteria.criterion import DosingProfile
from streaming.criteria.facts import Facts, RhythmEvent
from streaming.criteria.profile import parse_dosing_profile
from streaming.criteria.stated import BEGIN_MS, StatedFacts
from streaming.durations import HOUR_MS, MINUTE_MS
from tests.support.sources import REPOSITORY

__all__ = ["BEGIN_MS", "HOUR_MS", "MINUTE_MS", "PROFILES", "WELL", "PlainFacts", "Value", "profile", "say", "well"]

PlainFacts = StatedFacts
Value = float | str | Iterable[tuple[float, float | str]]
"""A value now, or `(hours ago, value)` pairs."""

FOLDER = REPOSITORY / "streaming" / "dosing_profiles"
PROFILES = ("community-2015", "jitc-2014", "label-2024", "label-legacy", "til-2024")

WELL: Mapping[str, float | str] = {
    "site:rhythm": "sinus",
    "site:mental_status": "normal",
    "site:stool_blood": "negative",
    "site:skin": "normal",
    "site:ecg": "normal",
    "site:infection": "none",
    "site:ventilation": "none",
    "site:dialysis": "none",
    "site:seizure": "none",
    "site:gi": "normal",
    "site:angina": "absent",
    "site:hepatic": "normal",
    "site:tamponade": "absent",
    "site:volume_overload": "none",
    "site:arrhythmia_control": "controlled",
    "site:dyspnea": "none",
    "site:rales": "none",
    "site:vomiting": "none",
    "site:distention": "none",
    "site:paresthesia": "none",
    "site:diarrhea_ml_8h": 0.0,
    "creatinine": 0.9,
    "bicarbonate": 25.0,
    "bilirubin": 0.6,
    "platelets": 250.0,
    "troponin": 0.01,
    "potassium": 4.0,
    "o2_flow": 0.0,
    "weight_gain_pct": 1.0,
    "sbp": 118.0,
    "spo2": 97.0,
    "hr": 80.0,
}
"""What every profile asks of a patient, but urine, which takes hours."""

_parsed: dict[str, DosingProfile] = {}


def profile(name: str) -> DosingProfile:
    """A shipped profile."""
    if name not in _parsed:
        _parsed[name] = parse_dosing_profile((FOLDER / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    return _parsed[name]


def say(facts: PlainFacts, values: Mapping[str, Value]) -> None:
    """State values, each now or so many hours ago."""
    for signal, stated in values.items():
        if isinstance(stated, float | int | str):
            facts.say(signal, stated)
        else:
            for hours, value in stated:
                facts.say(signal, value, at_ms=facts.now_ms - round(hours * HOUR_MS))


def well(**but: Value) -> PlainFacts:
    """A patient who may get the next dose, but for what is said otherwise (`site_skin` for `site:skin`)."""
    facts = PlainFacts(monitor_seen_ms=BEGIN_MS, interval_began_ms=BEGIN_MS - 8 * HOUR_MS)
    others = {name.replace("site_", "site:", 1): value for name, value in but.items()}
    urine: dict[str, Value] = {"urine_ml_h": [(hour, 60.0) for hour in range(16)]}
    say(facts, {name: value for name, value in {**urine, **WELL, **others}.items() if value != ""})
    return facts


def run_of(beats: int | None, *, minutes_ago: float = 5, rhythm: str = "vt", s: float | None = None) -> RhythmEvent:
    """A run that a monitor reported."""
    return RhythmEvent(rhythm, BEGIN_MS - round(minutes_ago * MINUTE_MS), beats, s, "mon1")


def is_facts(facts: PlainFacts) -> Facts:
    """For the type checker: it is one."""
    return facts
