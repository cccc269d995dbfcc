"""The page on alarms before and after delays and grouping: `mimic-grouping.md`."""

from __future__ import annotations

from collections import Counter

from gateway.backtest.figures import DAY_MS
from tests.evidence.grouping import Coverage, GroupingEvidence, Judged, LowEpisode, covered
from tests.evidence.independent_hypotension import RULES
from tests.evidence.markdown import details, minute, page, table, thousands
from tests.evidence.replay_pages import COMMAND, MIMIC_SOURCE

PRIORITIES = ("high", "medium", "low")
LEAD = """\
*At once*: every verdict of a rule about the patient is an alarm at once, as soon as two readings agree. *With
delays*: the rules' own onset delays. *Grouped*: the alarm policy of a live ward besides, which makes one alarm of one
cause, lets what is explained be explained, and damps what comes and goes ([alarms.md](../alarms.md)). An alarm counts
each time it begins to be announced, under the priority of the worst it came to. Nobody acknowledges anything in a
replay."""
HOURLY = """\
Values that people write down once an hour are far apart: a delay of a minute or two changes little where the second
reading comes an hour after the first, and nothing flaps. A monitor that reports each second gains more from delays
and damping, and less from grouping, than these figures say."""
LOW = """\
A low pressure here is an episode of the independent count ([mimic-hypotension.md](mimic-hypotension.md)) that lasted
two minutes or more, under any of the five limits: counted from the tables without Vigil's code, from the description
alone and with what the engine documents besides. It is *announced* when an alarm of family `hypotension` calls at
some instant from its confirmation to its end. What is grouped counts: a mean pressure below 65 within an alarm that
already calls for a systolic below 80 has been told. What is explained away, switched off or merely latched does not."""


def grouping_page(evidence: GroupingEvidence) -> str:
    """The page."""
    grouped = evidence.ways[-1]
    policy, alarms = grouped.rules.policy, grouped.rules.alarms
    return page(
        f"# {len(grouped.stays)} intensive-care stays before and after delays and grouping",
        f"Made by `{COMMAND}` under profile `{alarms.id}` {alarms.version} (`{alarms.sha256[:12]}`) and alarm policy "
        f"`{policy.id}` {policy.version} (`{policy.sha256[:12]}`).",
        MIMIC_SOURCE,
        "## Alarms per bed-day",
        LEAD,
        _by_priority(evidence),
        HOURLY,
        "## By family",
        _by_family(evidence),
        "## Is a low pressure missed?",
        LOW,
        _coverage(evidence),
        _not_prompt(evidence),
        "## Stay by stay",
        details(f"{len(grouped.stays)} stays", stay_by_stay(evidence)),
    )


def _by_priority(evidence: GroupingEvidence) -> str:
    rows = []
    for priority in (*PRIORITIES, "all"):
        numbers = [_of_priority(way.announced, priority) for way in evidence.ways]
        rates = [f"{number / (evidence.observed_ms / DAY_MS):.2f}" for number in numbers]
        rows.append((priority, *map(thousands, numbers), *rates, _share(numbers[-1], numbers[0])))
    names = [way.name for way in evidence.ways]
    header = ["priority", *(f"#{name}" for name in names), *(f"#{name}, per bed-day" for name in names), "#left"]
    days = f"Over {evidence.observed_ms / DAY_MS:.1f} bed-days with a current vital sign"
    admitted = f"({evidence.admitted_ms / DAY_MS:.1f} admitted)."
    return f"{table(header, rows)}\n\n{days} {admitted}"


def _by_family(evidence: GroupingEvidence) -> str:
    families = [_of_family(way) for way in evidence.ways]
    order = sorted(families[0] | families[-1], key=lambda family: (-families[0][family], family))
    rows = [
        (
            f"`{family}`",
            *(thousands(each[family]) for each in families),
            _share(families[-1][family], families[0][family]),
        )
        for family in order
    ]
    return table(["family", *(f"#{way.name}" for way in evidence.ways), "#left"], rows)


def _coverage(evidence: GroupingEvidence) -> str:
    counts = (
        ("description alone", evidence.described),
        ("with what is documented besides", evidence.documented),
    )
    rows = []
    for name, episodes in counts:
        for rule in RULES:
            of_rule = [each for each in episodes if each.rule_id == rule.rule_id]
            missed = [len(covered(of_rule, way.stays).missed) for way in evidence.ways]
            rows.append((name, f"`{rule.rule_id}`", len(of_rule), *missed))
        missed = [len(covered(episodes, way.stays).missed) for way in evidence.ways]
        rows.append((name, "all", f"**{len(episodes)}**", *(f"**{number}**" for number in missed)))
    return table(["count", "limit", "#episodes", *(f"#missed, {way.name}" for way in evidence.ways)], rows)


def _not_prompt(evidence: GroupingEvidence) -> str:
    """What was not announced when it was confirmed, under the policy."""
    coverage: Coverage = covered(evidence.described, evidence.ways[-1].stays)
    if not coverage.missed and not coverage.late:
        return "Under the policy each was announced when it was confirmed, or before."
    rows = [(*_named(each), "never") for each in coverage.missed]
    rows += [(*_named(each), f"{waited_ms / 60_000:.0f} min later") for each, waited_ms in coverage.late]
    lead = "Of those from the description alone, not announced when they were confirmed:"
    return f"{lead}\n\n{table(['stay', 'limit', 'onset', 'confirmed', 'until', 'announced'], rows)}"


def _named(episode: LowEpisode) -> tuple[str, ...]:
    times = (episode.onset_ms, episode.confirmed_ms, episode.until_ms)
    return (episode.stay, f"`{episode.rule_id}`", *map(minute, times))


def stay_by_stay(evidence: GroupingEvidence) -> str:
    """One row for each stay."""
    grouped = covered(evidence.described, evidence.ways[-1].stays)
    missed = Counter(episode.stay for episode in grouped.missed)
    low = Counter(episode.stay for episode in evidence.described)
    rows = [
        (
            stays[0].stay,
            *(_by_priorities(stay.announced) for stay in stays),
            low[stays[0].stay],
            missed[stays[0].stay],
        )
        for stays in zip(*(way.stays for way in evidence.ways), strict=True)
    ]
    header = ["stay", *(f"#{way.name}" for way in evidence.ways), "#low pressures", "#missed"]
    return f"Alarms as high + medium + low.\n\n{table(header, rows)}"


def _by_priorities(announced: Counter[tuple[str, str]]) -> str:
    return " + ".join(str(_of_priority(announced, priority)) for priority in PRIORITIES)


def _of_priority(announced: Counter[tuple[str, str]], priority: str) -> int:
    return sum(number for (of, _), number in announced.items() if priority in (of, "all"))


def _of_family(way: Judged) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, family), number in way.announced.items():
        found[family] += number
    return found


def _share(number: int, of: int) -> str:
    return f"{number / of:.0%}".replace("%", " %") if of else "–"
