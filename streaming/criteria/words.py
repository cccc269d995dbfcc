"""A criterion in words: one sentence for people from the evidence the machine used; predicates as a table says them.

Times are UTC. A number that was not verified, and one that a site has set, say so wherever they are shown.
It decides nothing: it is told what was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from streaming.criteria.criterion import Criterion
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import (
    Absent,
    AllOf,
    AnyKnown,
    AnyOf,
    AtLeastOf,
    BaselineChange,
    Bounds,
    Burden,
    Consecutive,
    Disagreement,
    FallFromPeak,
    HighestInInterval,
    IntervalChange,
    Leaf,
    Limit,
    LowFlow,
    OrAlso,
    Predicate,
    Recurrence,
    RhythmEventSeen,
    RhythmIs,
    RhythmPresent,
    RiseFromLowest,
    StateIs,
    StateLasting,
    Trend,
    WindowTotal,
)
from streaming.criteria.state import CriterionState, State
from streaming.freshness import is_arterial_line, is_cuff
from streaming.instants import format_ms
from streaming.nomenclature import METRICS, SIGNAL_UNITS
from streaming.quantity_words import number_words, quantity_words, unit_words
from streaming.truth import Truth

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DATE_SHOWN_AFTER_MS = 20 * HOUR_MS
"""An hour of the day alone would be taken for today's."""
NOT_VERIFIED = "[number not verified]"

_CHANGES = (Trend, FallFromPeak, RiseFromLowest, BaselineChange, IntervalChange)
"""Their value is a difference; people want to see from what to what."""
_SIGNALS: Mapping[str, str] = {
    "hr": "heart rate",
    "map": "MAP",
    "sbp": "SBP",
    "dbp": "DBP",
    "spo2": "SpO2",
    "rr": "respiratory rate",
    "temp": "temperature",
    "cvp": "CVP",
    "etco2": "EtCO2",
    "urine_ml_h": "urine",
    "urine_ml_8h": "urine of 8 h",
    "urine_ml": "urine",
    "intake_ml": "intake",
    "fluid_balance_ml_24h": "fluid balance of 24 h",
    "weight_gain_pct": "weight gain",
    "o2_flow": "oxygen",
    "fio2": "FiO2",
    "phenylephrine_ug_kg_min": "phenylephrine",
    "norepinephrine_ug_kg_min": "norepinephrine",
    "dopamine_ug_kg_min": "dopamine",
    "vasopressin_u_min": "vasopressin",
    "site:diarrhea_ml_8h": "diarrhea",
    "site:stool_blood": "blood in stool",
    "site:gi": "gut",
    "site:hepatic": "liver",
    "site:seizure": "seizures",
    "site:ecg": "ECG",
    "site:ck_mb": "CK-MB",
}


# --- names and instants -----------------------------------------------------------------------------------------------


def signal_words(signal: str) -> str:
    """What people call a signal."""
    return _SIGNALS.get(signal) or signal.removeprefix("site:").replace("_", " ")


def clock_words(at_ms: int, now_ms: int) -> str:
    """`09:58`, with the date where it is not plainly today's."""
    text = format_ms(at_ms)
    return text[11:16] if now_ms - at_ms < DATE_SHOWN_AFTER_MS else f"{text[:10]} {text[11:16]}"


def duration_words(duration_ms: int) -> str:
    """`8 h`, `30 min` or `3 s`."""
    if duration_ms % HOUR_MS == 0:
        return f"{duration_ms // HOUR_MS} h"
    if duration_ms % MINUTE_MS == 0:
        return f"{duration_ms // MINUTE_MS} min"
    return f"{number_words(duration_ms / 1000)} s"


def source_words(source: str) -> str:
    """Where a value came from; empty where its name says nothing to people."""
    if is_arterial_line(source):
        return "arterial line"
    if is_cuff(source):
        return "cuff"
    if source.startswith("MDC_PULS_OXIM"):
        return "oximeter"
    if source.startswith("MDC_ECG"):
        return "ECG"
    if source.startswith("loinc:"):
        return "laboratory" if source in METRICS else "charted"
    return "charted" if source.startswith("site:") else ""


def bounds_words(bounds: Bounds, limit: float | None = None) -> str:
    """`below 90`, `80 to 160`, `at least 2.5 and below 3`; a single bound at the limit in force."""
    if not bounds.is_band and limit is not None:
        bounds = bounds.moved_to(limit)
    if bounds.at_least is not None and bounds.at_most is not None:
        return f"{number_words(bounds.at_least)} to {number_words(bounds.at_most)}"
    parts = (
        ("above", bounds.above),
        ("at least", bounds.at_least),
        ("below", bounds.below),
        ("at most", bounds.at_most),
    )
    return " and ".join(f"{word} {number_words(value)}" for word, value in parts if value is not None)


def _listed(words: tuple[str, ...]) -> str:
    readable = [word.replace("_", " ") for word in words]
    return readable[0] if len(readable) == 1 else f"{', '.join(readable[:-1])} or {readable[-1]}"


# --- predicates, as a table says them ---------------------------------------------------------------------------------


def _measured(signal: str, bounds: Bounds, what: str = "") -> str:
    unit = unit_words(SIGNAL_UNITS.get(signal, "mL"))
    return f"{signal_words(signal)}{what} {bounds_words(bounds)} {unit}".rstrip()


@singledispatch
def predicate_words(predicate: Predicate) -> str:
    """A predicate as a row of a table says it."""
    raise TypeError(f"no words for {type(predicate).__name__}")


@predicate_words.register
def _(predicate: Limit) -> str:
    own = f" (or the patient's {predicate.patient_limit})" if predicate.patient_limit is not None else ""
    per_kg = "/kg" if predicate.is_per_kg else ""
    return _measured(predicate.signal, predicate.bounds) + per_kg + own


@predicate_words.register
def _(predicate: BaselineChange) -> str:
    what = f"{signal_words(predicate.signal)} against before treatment"
    unit = "%" if predicate.is_percent else unit_words(SIGNAL_UNITS[predicate.signal])
    return f"{what} {bounds_words(predicate.bounds)} {unit}".rstrip()


@predicate_words.register
def _(predicate: Trend) -> str:
    over = f" change over {duration_words(predicate.over_ms)}" + (" per hour" if predicate.is_per_hour else "")
    return _measured(predicate.signal, predicate.bounds, over)


@predicate_words.register
def _(predicate: FallFromPeak) -> str:
    return _measured(predicate.signal, predicate.bounds, " fall from its peak")


@predicate_words.register
def _(predicate: RiseFromLowest) -> str:
    return _measured(predicate.signal, predicate.bounds, f" rise within {duration_words(predicate.within_ms)}")


@predicate_words.register
def _(predicate: WindowTotal) -> str:
    per_kg = "/kg" if predicate.is_per_kg else ""
    window = duration_words(predicate.window_ms)
    return f"{signal_words(predicate.signal)} {bounds_words(predicate.bounds)} mL{per_kg} in {window}"


@predicate_words.register
def _(predicate: LowFlow) -> str:
    unit = "mL/kg/h" if predicate.is_per_kg else "mL/h"
    window = duration_words(predicate.window_ms)
    return f"{signal_words(predicate.signal)} below {number_words(predicate.below)} {unit} in each hour of {window}"


@predicate_words.register
def _(predicate: Burden) -> str:
    what = "average deficit" if predicate.is_average else "minutes"
    window = duration_words(predicate.window_ms)
    limit = f"{signal_words(predicate.signal)} below {number_words(predicate.limit)}"
    return f"{what} of {limit} in {window}: {bounds_words(predicate.bounds)}"


@predicate_words.register
def _(predicate: StateIs) -> str:
    return f"{signal_words(predicate.signal)} {_listed(predicate.states)}"


@predicate_words.register
def _(predicate: StateLasting) -> str:
    longer = duration_words(predicate.longer_than_ms)
    return f"{signal_words(predicate.signal)} {_listed(predicate.states)} for more than {longer}"


@predicate_words.register
def _(predicate: RhythmIs) -> str:
    return f"rhythm {_listed(predicate.states)}, charted or reported since"


@predicate_words.register
def _(predicate: RhythmEventSeen) -> str:
    length = f"{predicate.beats_at_least} beats or {number_words(predicate.duration_at_least_s)} s"
    return f"a run of {_listed(predicate.rhythms)} of at least {length}"


@predicate_words.register
def _(predicate: RhythmPresent) -> str:
    length = f" of at least {predicate.beats_at_least} beats" if predicate.beats_at_least > 1 else ""
    return f"rhythm {_listed(predicate.states)}{length} now, reported or charted"


@predicate_words.register
def _(predicate: IntervalChange) -> str:
    return _measured(predicate.signal, predicate.bounds, " change since the dose interval began")


@predicate_words.register
def _(predicate: HighestInInterval) -> str:
    return _measured(predicate.signal, predicate.bounds, " highest in the dose interval")


@predicate_words.register
def _(predicate: Recurrence) -> str:
    within = duration_words(predicate.within_ms)
    return f"{signal_words(predicate.signal)} {_listed(predicate.states)} {predicate.times} times in {within}"


@predicate_words.register
def _(predicate: Consecutive) -> str:
    return _measured(predicate.signal, predicate.bounds, " twice in a row")


@predicate_words.register
def _(predicate: Absent) -> str:
    return f"no {signal_words(predicate.signal)}"


@predicate_words.register
def _(predicate: Disagreement) -> str:
    return _measured(predicate.signal, predicate.bounds, f" and {signal_words(predicate.other)} differ by")


@predicate_words.register
def _(predicate: AllOf) -> str:
    return " and ".join(_part(part) for part in predicate.of)


@predicate_words.register
def _(predicate: AnyOf) -> str:
    return " or ".join(_part(part) for part in predicate.of)


@predicate_words.register
def _(predicate: AnyKnown) -> str:
    return " or ".join(_part(part) for part in predicate.of)


@predicate_words.register
def _(predicate: OrAlso) -> str:
    return ", or ".join(_part(part) for part in predicate.of)


@predicate_words.register
def _(predicate: AtLeastOf) -> str:
    return f"at least {predicate.times} of: {'; '.join(_part(part) for part in predicate.of)}"


def _part(part: Predicate) -> str:
    words: str = predicate_words(part)
    return f"({words})" if isinstance(part, AllOf | AnyOf | AtLeastOf) else words


# --- rows -------------------------------------------------------------------------------------------------------------


def criterion_row(criterion: Criterion) -> dict[str, str | float | bool | None]:
    """A criterion as a list of rules shows it: what holds, what allows it again, and where the numbers are from.
    JSON-ready."""
    resume = criterion.resume
    return {
        "id": criterion.id,
        "class": criterion.criterion_class.value,
        "title": criterion.title,
        "limit": predicate_words(criterion.met),
        "resume": criterion.resume_text,
        "resume_limit": None if resume is None else predicate_words(resume),
        "dwell_s": criterion.dwell_ms / 1000,
        "confirm_s": criterion.confirm_ms / 1000,
        "required": criterion.is_required,
        "reference": criterion.reference,
        "evidence": criterion.evidence,
        "verified": criterion.is_verified,
        "resume_evidence": criterion.resume_evidence,
        "resume_verified": criterion.is_resume_verified,
        "note": criterion.note,
        "approver": criterion.approver,
    }


# --- findings ---------------------------------------------------------------------------------------------------------


def what_was_found(finding: Finding) -> str:
    """The value that was judged: `SBP 84 mmHg`, `rhythm: af`."""
    leaf = finding.leaf
    if leaf is None or finding.value is None:
        return signal_words(finding.source_signal)
    if isinstance(leaf, RhythmEventSeen) and finding.truth is Truth.FALSE:
        return f"no run of {_listed(leaf.rhythms)}"
    if isinstance(finding.value, str):
        return f"{signal_words(leaf.signal)}: {quantity_words(finding.value, '')}"
    if isinstance(leaf, StateLasting):
        return f"{signal_words(leaf.signal)}: {finding.detail} for {number_words(finding.value)} h"
    if isinstance(leaf, RhythmEventSeen | RhythmPresent):
        return f"{finding.detail} of {quantity_words(finding.value, finding.unit)}"
    return f"{signal_words(leaf.signal)}{_window_words(leaf)} {_judged_words(leaf, finding, finding.value)}"


def _judged_words(leaf: Leaf, finding: Finding, value: float) -> str:
    if isinstance(leaf, _CHANGES) and finding.truth is not Truth.UNKNOWN:
        return f"{finding.detail} {unit_words(SIGNAL_UNITS[leaf.signal])}"
    return quantity_words(value, finding.unit)


def _window_words(leaf: Leaf) -> str:
    if isinstance(leaf, WindowTotal | LowFlow):
        return f" of {duration_words(leaf.window_ms)}"
    return " highest in the interval" if isinstance(leaf, HighestInInterval) else ""


def relation_words(finding: Finding) -> str:
    """Against which limit: `below 90`; empty where there is none."""
    leaf = finding.leaf
    if isinstance(leaf, StateLasting):
        return f"more than {duration_words(leaf.longer_than_ms)}"
    if isinstance(leaf, LowFlow) and finding.limit is not None:
        return f"below {number_words(finding.limit)} in each hour"
    if isinstance(leaf, Burden | Limit | WindowTotal | HighestInInterval | Consecutive | Disagreement):
        return bounds_words(leaf.bounds, finding.limit)
    return ""


# --- criteria ---------------------------------------------------------------------------------------------------------


def shown_finding(state: CriterionState) -> Finding:
    """The answer that explains the state: the one that made it so, where the present one does not."""
    is_explained = state.state is not State.MET or state.finding.truth is Truth.TRUE
    return state.finding if is_explained or state.met_finding is None else state.met_finding


def headline(state: CriterionState, now_ms: int, joined_by: str = " ") -> str:
    """`SBP 84 mmHg below 90 since 09:58`; what is not known by its title."""
    criterion = state.criterion
    finding = shown_finding(state)
    if state.state is State.UNKNOWN:
        return f"{criterion.title} not known: {finding.detail or 'nothing was reported'}"
    what = what_was_found(finding)
    if state.state is State.CLEAR:
        return what
    since = f"since {clock_words(state.since_ms, now_ms)}"
    if state.state is State.RECOVERING:
        return f"{criterion.title} recovering {since}: {what}"
    relation = relation_words(finding)
    return f"{what}{joined_by}{relation} {since}" if relation else f"{what} {since}"


def sentence(state: CriterionState, now_ms: int) -> str:
    """One sentence for people: what, against which limit, since when, from where, and what would change it."""
    criterion = state.criterion
    if state.state is State.UNKNOWN:
        return headline(state, now_ms)
    finding = shown_finding(state)
    if state.state is State.CLEAR:
        row = f"{_class_words(criterion)}: {predicate_words(criterion.met)}"
        return f"{headline(state, now_ms)} ({row}){_marks(criterion)}"
    if state.state is State.MET and criterion.text is not None:
        body = _filled(criterion.text, state, finding, now_ms)
    else:
        beside = [source_words(finding.source), *(what_was_found(each) for each in finding.also)]
        body = ", ".join([headline(state, now_ms, ", "), *filter(None, beside)])
    return f"{body}{_marks(criterion)}; {_resume_words(state)}"


def _class_words(criterion: Criterion) -> str:
    return "discontinue" if criterion.criterion_class.is_final else "hold"


def _filled(template: str, state: CriterionState, finding: Finding, now_ms: int) -> str:
    words = {
        "title": state.criterion.title,
        "value": "" if finding.value is None else quantity_words(finding.value, ""),
        "unit": unit_words(finding.unit),
        "limit": "" if finding.limit is None else number_words(finding.limit),
        "since": clock_words(state.since_ms, now_ms),
        "source": source_words(finding.source),
        "resume": state.criterion.resume_text,
    }
    for name, word in words.items():
        template = template.replace(f"{{{name}}}", word)
    return template


def _marks(criterion: Criterion) -> str:
    if criterion.approver is not None:
        return f" [limit set by {criterion.approver}]"
    return "" if criterion.is_verified else f" {NOT_VERIFIED}"


def _resume_words(state: CriterionState) -> str:
    criterion = state.criterion
    if criterion.criterion_class.is_final or criterion.ends_course:
        return criterion.resume_text
    mark = "" if criterion.is_resume_verified else f" {NOT_VERIFIED}"
    if state.resumable:
        return f"may resume ({criterion.resume_text}{mark}), waiting for a signature"
    return f"resume: {criterion.resume_text}{mark}"
