"""The lifecycle table and an alarm policy in Markdown: the generated parts of `docs/alarms.md`.

Text out of values, nothing else; `gateway.alarm_page` writes it into the document.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.alarm import Priority, SignalState
from alerts.lifecycle import MOVES, AlarmEvent, Guard, Move
from alerts.policy import AlarmPolicy, Group, Relation, Timers

_STATES = (SignalState.OFF, SignalState.ON, SignalState.ACKNOWLEDGED, SignalState.LATCHED)


def lifecycle_table() -> str:
    """A row for each event, a column for each state of the signal."""
    head = ("event", *(f"**{signal}**" for signal in _STATES))
    return _table(head, (_event_row(event) for event in AlarmEvent))


def lifecycle_diagram() -> str:
    """The same as a Mermaid state diagram; moves between the same two states share an arrow."""
    arrows: dict[tuple[SignalState, SignalState], list[str]] = {}
    for (signal, event), ways in MOVES.items():
        for way in ways:
            arrows.setdefault((signal, way.to), []).append(f"{event}{_guarded(way)}")
    lines = [f"    {a} --> {b}: {'<br>'.join(events)}" for (a, b), events in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> off", *lines, "```"])


def policy_tables(policy: AlarmPolicy) -> str:
    """Groups, explanations, timers, damping and limits off of a policy."""
    groups = (_group_row(group) for group in policy.groups)
    timers = _timer_rows(policy)
    explained = ("while there is", "these are explained", "of", "and for so long afterwards")
    parts = [
        f"Policy `{policy.id}`, version {policy.version}.",
        _table(("one alarm", "of all conditions of", "that begin"), groups),
        _table(explained, _inhibition_rows(policy)),
        _table(("priority", "called again without acknowledgement after", "acknowledged, reminded of after"), timers),
    ]
    if policy.never_reminded:
        never = ", ".join(f"`{family}`" for family in sorted(policy.never_reminded))
        parts.append(f"Never reminded of: {never}.")
    ladders = [group.steps for group in policy.groups if group.steps]
    parts += [f"Steps of one measure: {' < '.join(f'`{step}`' for step in steps)}." for steps in ladders]
    damping = policy.damping
    if damping is not None:
        parts.append(
            f"An alarm that began more than {damping.onsets} times within {damping.within_s:g} s ends only when it has "
            f"been quiet for {damping.quiet_s:g} s."
        )
    off = policy.limits_off
    never = ", ".join(f"`{name}`" for name in sorted(off.never))
    parts.append(
        f"Limits are off for {off.longest_s} s at most; never, where the priority is high: rules whose harm is death, "
        f"and {never}."
    )
    return "\n\n".join(parts)


def _event_row(event: AlarmEvent) -> Iterable[str]:
    return (f"`{event}`", *(_cell(MOVES.get((signal, event), ())) for signal in _STATES))


def _cell(ways: tuple[Move, ...]) -> str:
    return "; ".join(f"{way.to} ({way.phase}){_guarded(way)}" for way in ways) or "–"


def _guarded(way: Move) -> str:
    return "" if way.guard is Guard.ALWAYS else f" when {way.guard}"


def _group_row(group: Group) -> Iterable[str]:
    begins = "while it lasts" if group.joins_within_s is None else f"within {group.joins_within_s:g} s of it"
    if group.is_per_subject:
        begins += ", for each subject its own"
    return f"`{group.id}`", ", ".join(f"`{family}`" for family in sorted(group.families)), begins


def _inhibition_rows(policy: AlarmPolicy) -> Iterable[Iterable[str]]:
    words = {Relation.DEVICE: "the same device", Relation.BED: "the bed", Relation.SIGNAL: "the same signal"}
    for each in policy.inhibitions:
        explained = ", ".join(f"`{kind}`" for kind in sorted(each.explains))
        yield f"`{each.by}`", explained, words[each.relation], f"{each.release_after_s:g} s"


def _timer_rows(policy: AlarmPolicy) -> Iterable[Iterable[str]]:
    for priority in Priority:
        timers = policy.timers_of(priority)
        steps = [f"{step:g} s" for step in timers.escalate_after_s]
        if timers.again_every_s is not None:
            steps.append(f"each further {timers.again_every_s:g} s")
        yield priority, ", ".join(steps) or "–", _reminder(timers)


def _reminder(timers: Timers) -> str:
    if timers.remind_after_s is None:
        return "–"
    times = {None: "each time", 1: "once"}.get(timers.remind_times, f"{timers.remind_times} times")
    return f"{timers.remind_after_s:g} s, {times}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
