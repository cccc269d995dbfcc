"""The page on weight gain and pressors against an independent reckoning: `mimic-treatment.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streaming.rules.kinds import AlarmProfile
from tests.evidence.independent_treatment import PRESSORS, THRESHOLDS_PCT, Also, Crossing, Step
from tests.evidence.markdown import details, later, minute, page, table, thousands
from tests.evidence.replay_pages import COMMAND, MIMIC_SOURCE
from tests.evidence.replays import HOUR_MS
from tests.evidence.treatment_comparison import TreatmentAgreement, TreatmentDifference

NAMES = {Also.DOUBT: "doubt", Also.AGE: "age"}
STEPS_SHOWN = 4
DESCRIPTION = """\
The engine's side is read off its facts as each recording folds, import and all: what the dose criteria and the alarm
rules are told. The other side comes straight from `vitals.csv.gz` and `infusions.csv.gz`, with data frames and no line
of Vigil's code, from these descriptions (`tests/evidence/independent_treatment.py`):

> *Weight gain*: of each stay's charted weights within 25 to 350 kg the first is the baseline (the import takes the
> same); a threshold is crossed by the first weighing whose gain over it, in per cent, reaches the threshold.
>
> *Pressors*: an order's rate holds from a row until the order's next row, a row that stops it makes it 0; rows of one
> minute count in file order. The dose of a drug is the sum over the stay's orders, each rounded to a millionth.

Pressor rates of these tables are in units that convert without a weight: µg/kg/min, and units/h for vasopressin."""
FURTHER_RULES = """\
The engine documents two rules that the descriptions do not have:

- *doubt*: a weight more than 5 kg away from the last believed one counts when a second, an hour or more later, is
  within 2 kg of it; one that differs from the baseline as kilograms and pounds do never counts
  (`streaming/therapy/weights.py`).
- *age*: a rate written down more than twelve hours ago says nothing any more: the dose is unknown, not what it was
  (`streaming/freshness.py`)."""


def treatment_page(
    weights: TreatmentAgreement[Crossing], pressors: TreatmentAgreement[Step], profile: AlarmProfile
) -> str:
    """The page."""
    because = [*(each.because for each in weights.differences), *(each.because for each in pressors.differences)]
    unexplained = sum(each is None for each in because)
    verdict = (
        f"In {len(because)} places (a stay and a threshold, or a stay and a drug) the two do not say the same. "
        "Each is put down to the smallest set of the two rules with which the reckoning says what the engine says. "
        f"Not explained: **{unexplained}**."
    )
    return page(
        "# Weight gain and pressors: the engine against an independent reckoning",
        f"Made by `{COMMAND}` under profile `{profile.id}` {profile.version} (`{profile.sha256[:12]}`).",
        MIMIC_SOURCE,
        DESCRIPTION,
        "## Agreement",
        _agreement(weights, pressors),
        FURTHER_RULES,
        "## Weight gain",
        _crossings(weights),
        "## Pressors",
        _doses(pressors),
        "## Every difference",
        verdict,
        _reasons(because),
        details(f"weight gain: {len(weights.differences)}", _weight_differences(weights.differences)),
        details(f"pressors: {len(pressors.differences)}", _pressor_differences(pressors.differences)),
    )


def _agreement(weights: TreatmentAgreement[Crossing], pressors: TreatmentAgreement[Step]) -> str:
    rows = [
        (
            name,
            *map(thousands, (len(each.engine), len(each.independent), each.same)),
            *map(thousands, (len(each.with_all_rules), each.same_with_all_rules)),
        )
        for name, each in (("gains reached", weights), ("steps of a pressor's dose", pressors))
    ]
    header = ["", "#engine", "#reckoned", "#the same", "#reckoned with both further rules", "#the same"]
    return table(header, rows)


def _crossings(weights: TreatmentAgreement[Crossing]) -> str:
    sides = (weights.engine, weights.independent, weights.with_all_rules)
    counts = [Counter(each.threshold_pct for each in side) for side in sides]
    rows = [(f"{threshold:g} %", *(count[threshold] for count in counts)) for threshold in THRESHOLDS_PCT]
    return table(["gain", "#stays, engine", "#stays, reckoned", "#with both further rules"], rows)


def _doses(pressors: TreatmentAgreement[Step]) -> str:
    rows = []
    for drug in PRESSORS:
        engine, reckoned = ([each for each in side if each.drug == drug] for side in _sides(pressors))
        rows.append((drug, len({each.stay for each in engine}), *_course(engine), *_course(reckoned)))
    header = ["drug", "#stays", "#highest, engine", "#hours, engine", "#highest, reckoned", "#hours, reckoned"]
    highest = "Highest dose of any stay, in µg/kg/min (vasopressin: units/min), and hours above zero of all stays."
    return f"{highest}\n\n{table(header, rows)}\n\n{details('stay by stay', _by_stay(pressors))}"


def _sides(pressors: TreatmentAgreement[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    return pressors.engine, pressors.independent


def _course(steps: Iterable[Step]) -> tuple[str, str]:
    """Highest dose, and hours."""
    found = list(steps)
    if not found:
        return "–", "–"
    hours = sum(each.to_ms - each.from_ms for each in found) / HOUR_MS
    return f"{max(each.dose for each in found):.3f}", f"{hours:.1f}"


def _by_stay(pressors: TreatmentAgreement[Step]) -> str:
    places = sorted({(each.stay, each.drug) for side in _sides(pressors) for each in side})
    engine, reckoned = (_grouped(side) for side in _sides(pressors))
    rows = []
    for place in places:
        ours, theirs = _course(engine.get(place, ())), _course(reckoned.get(place, ()))
        rows.append((*place, *(_pair(one, other) for one, other in zip(ours, theirs, strict=True))))
    return table(["stay", "drug", "#highest", "#hours"], rows)


def _grouped(steps: Iterable[Step]) -> Mapping[tuple[str, str], list[Step]]:
    found: dict[tuple[str, str], list[Step]] = {}
    for each in steps:
        found.setdefault((each.stay, each.drug), []).append(each)
    return found


def _pair(engine: str, reckoned: str) -> str:
    return engine if engine == reckoned else f"**{engine} : {reckoned}**"


def _reasons(because: Iterable[frozenset[Also] | None]) -> str:
    found = Counter(map(_because, because))
    return table(["because of", "#places"], sorted(found.items()))


def _because(also: frozenset[Also] | None) -> str:
    return "not explained" if also is None else " and ".join(NAMES[each] for each in Also if each in also)


def _weight_differences(differences: Iterable[TreatmentDifference[Crossing]]) -> str:
    rows = [(*each.place, _at(each.engine), _at(each.independent), _because(each.because)) for each in differences]
    return table(["stay", "gain", "engine", "reckoned", "because of"], rows)


def _at(found: Sequence[Crossing]) -> str:
    return ", ".join(minute(each.at_ms) for each in found) or "never"


def _pressor_differences(differences: Iterable[TreatmentDifference[Step]]) -> str:
    rows = []
    for each in differences:
        ours, theirs = set(each.engine), set(each.independent)
        only = (sorted(ours - theirs), sorted(theirs - ours))
        rows.append((*each.place, *map(_steps, only), _because(each.because)))
    return table(["stay", "drug", "only the engine", "only the reckoning", "because of"], rows)


def _steps(steps: Sequence[Step]) -> str:
    shown = [f"{minute(e.from_ms)} to {later(e.to_ms, e.from_ms)}: {e.dose:.3f}" for e in steps[:STEPS_SHOWN]]
    more = [f"{len(steps) - STEPS_SHOWN} more"] if len(steps) > STEPS_SHOWN else []
    return "<br>".join([*shown, *more]) or "–"
