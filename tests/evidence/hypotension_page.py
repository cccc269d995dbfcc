"""The page on the engine's hypotension episodes against the independent count: `mimic-hypotension.md`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from streaming.rules.kinds import AlarmProfile
from tests.evidence.comparison import Agreement, Difference, Finding
from tests.evidence.independent_hypotension import Also
from tests.evidence.markdown import details, later, minute, page, table
from tests.evidence.replay_pages import COMMAND, MIMIC_SOURCE
from tests.evidence.replays import Episode

READINGS_SHOWN = 12
FURTHER_RULES = """\
The engine documents three rules that the description does not have:

- *artefact*: of pressures charted together none is believed when one is outside its plausible range or the mean lies
  outside diastolic to systolic. Where all three were charted, lie in that order, systolic and diastolic above 10 mmHg,
  and what is implausible is only too low, the others are doubtful instead: they count, and never end an episode
  (`streaming/artefact.py`).
- *begun anew*: a run not yet confirmed is given up by a reading after which fewer than half were below the limit, or,
  the onset delay having passed, fewer than 80 %; that reading, or the next one below the limit, begins a new run
  (`streaming/rules/condition.py`).
- *silence*: what is confirmed outlasts silence, only a reading clears it; in the count everything begins anew after two
  hours (`streaming/rules/condition.py`).

Counted with these rules as well, still without Vigil's code:"""
DESCRIPTION = """\
The engine's episodes come from replaying the recordings, import and all. The count comes straight from `vitals.csv.gz`,
with data frames and no line of Vigil's code, from this description (`tests/evidence/independent_hypotension.py`):

> An episode is a run of plausible charted readings that begins with one below the limit and goes on until one at or
> above the reset limit, in which the onset delay has passed and at least two readings 30 s or more apart were taken, at
> least 80 % of them below the limit. It is confirmed at the first instant at which all of that holds. After more than
> two hours without a reading everything begins anew.

Two values of one minute are one reading, the first; the second may end an episode, or begin one, all the same. Two
episodes are *the same* when onset, confirmation and end are the same instants."""
LEGEND = f"""\
An episode reads *onset, confirmed, ended*. The readings begin where the two accounts part; at most {READINGS_SHOWN} are
shown, without the implausible ones."""
NAMES = {Also.ARTEFACT: "artefact", Also.ABANDONED: "begun anew", Also.SILENCE: "silence"}


def hypotension_page(agreements: Sequence[Agreement], stays: Sequence[str], profile: AlarmProfile) -> str:
    """The page.

    Args:
        agreements: one for each rule.
        stays: all that were replayed.
        profile: the rules the engine followed.
    """
    differences = [difference for agreement in agreements for difference in agreement.differences]
    return page(
        "# Hypotension: the engine against an independent count",
        f"Made by `{COMMAND}` under profile `{profile.id}` {profile.version} (`{profile.sha256[:12]}`).",
        MIMIC_SOURCE,
        DESCRIPTION,
        "## Agreement",
        _agreement(agreements),
        "![Episodes that agree and that differ, by rule](mimic-hypotension-agreement.png)",
        "## With the engine's three further rules",
        FURTHER_RULES,
        _with_all_rules(agreements),
        "## Every difference",
        _verdict(differences),
        _reasons(agreements),
        LEGEND,
        *[details(_heading(agreement), _differences(agreement)) for agreement in agreements if agreement.differences],
        "## Stay by stay",
        "Episodes that the engine and the count have found; in bold where the numbers differ.",
        details(f"{len(stays)} stays", _by_stay(agreements, stays)),
    )


def _agreement(agreements: Iterable[Agreement]) -> str:
    rows: list[tuple[object, ...]] = []
    for agreement in agreements:
        engine, counted = _per_stay(agreement.engine), _per_stay(agreement.independent)
        stays_apart = sum(engine[stay] != counted[stay] for stay in engine | counted)
        rows.append(
            (
                f"`{agreement.rule.rule_id}`",
                f"{agreement.rule.below:g} / {agreement.rule.reset_at:g}",
                len(agreement.engine),
                len(agreement.independent),
                agreement.same,
                len(agreement.differences),
                stays_apart,
            )
        )
    totals = [sum(int(str(row[column])) for row in rows) for column in range(2, 6)]
    rows.append(("all", "", *totals, ""))
    header = ["rule", "limit / reset", "#engine", "#count", "#the same", "#differences", "#stays whose number differs"]
    return table(header, rows)


def _with_all_rules(agreements: Iterable[Agreement]) -> str:
    rows: list[tuple[object, ...]] = [
        (f"`{a.rule.rule_id}`", len(a.engine), len(a.with_all_rules), a.same_with_all_rules) for a in agreements
    ]
    rows.append(("all", *(sum(int(str(row[column])) for row in rows) for column in range(1, 4))))
    return table(["rule", "#engine", "#count", "#the same"], rows)


def _verdict(differences: Sequence[Difference]) -> str:
    unexplained = sum(difference.because is None for difference in differences)
    return f"""\
In {len(differences)} stretches of a stay the two do not say the same of a rule. Each is counted again with the three
rules, one, two and three at a time, and put down to the smallest set with which the count says exactly what the engine
says. Not explained: **{unexplained}**."""


def _reasons(agreements: Iterable[Agreement]) -> str:
    reasons = [NAMES[also] for also in Also]
    rows = []
    for agreement in agreements:
        found = Counter(_because(difference) for difference in agreement.differences)
        several = sum(number for name, number in found.items() if " and " in name)
        alone = (found[name] for name in reasons)
        rows.append((f"`{agreement.rule.rule_id}`", *alone, several, found["not explained"]))
    return table(["rule", *(f"#{name}" for name in reasons), "#several together", "#not explained"], rows)


def _heading(agreement: Agreement) -> str:
    return f"{agreement.rule.rule_id}: {len(agreement.differences)}"


def _differences(agreement: Agreement) -> str:
    rows = [
        (
            difference.stay,
            _episodes(difference.engine),
            _episodes(difference.independent),
            _because(difference),
            "<br>".join(_finding(finding) for finding in difference.findings),
            _readings(difference),
        )
        for difference in agreement.differences
    ]
    return table(["stay", "engine", "count", "because", "which", f"{agreement.rule.signal.upper()} readings"], rows)


def _episodes(episodes: Iterable[Episode]) -> str:
    return "<br>".join(_episode(episode) for episode in episodes) or "none"


def _episode(episode: Episode) -> str:
    end = "no end" if episode.end_ms is None else later(episode.end_ms, episode.onset_ms)
    return f"{minute(episode.onset_ms)}, {later(episode.confirmed_ms, episode.onset_ms)}, {end}"


def _because(difference: Difference) -> str:
    if difference.because is None:
        return "not explained"
    return " and ".join(NAMES[also] for also in Also if also in difference.because)


def _finding(finding: Finding) -> str:
    from_, at = minute(finding.from_ms), later(finding.at_ms, finding.from_ms)
    match finding.also:
        case Also.ARTEFACT:
            return f"{from_}: {finding.text}"
        case Also.ABANDONED:
            return f"run of {from_} given up at {at}: {finding.text}"
        case Also.SILENCE:
            return f"{from_} to {at}: {finding.text}"


def _readings(difference: Difference) -> str:
    shown = difference.readings[:READINGS_SHOWN]
    more = len(difference.readings) - len(shown)
    texts = [f"{later(at_ms, difference.readings[0][0])} {value:g}" for at_ms, value in shown]
    return ", ".join(texts) + (f", {more} more" if more else "")


def _by_stay(agreements: Sequence[Agreement], stays: Iterable[str]) -> str:
    counts = [(_per_stay(agreement.engine), _per_stay(agreement.independent)) for agreement in agreements]
    rows = [(stay, *(_pair(engine[stay], counted[stay]) for engine, counted in counts)) for stay in stays]
    return table(["stay", *(f"#{a.rule.rule_id.removeprefix('hypotension.')}" for a in agreements)], rows)


def _pair(engine: int, counted: int) -> str:
    if engine == counted:
        return str(engine) if engine else "–"
    return f"**{engine} : {counted}**"


def _per_stay(episodes: Iterable[Episode]) -> Counter[str]:
    return Counter(episode.stay for episode in episodes)
