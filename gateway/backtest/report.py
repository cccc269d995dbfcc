"""The backtest as one HTML file: plots, tables, and what to make of them. It needs nothing else, and runs nothing.

Whatever comes from a recording goes through `gateway.backtest.markup`, which escapes it. The same backtest gives the
same page, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from gateway.backtest import plots
from gateway.backtest.compare import Comparison, Pair, most_differing
from gateway.backtest.figures import DAY_MS
from gateway.backtest.markup import Markup, join, tag
from gateway.backtest.result import SIDES, Backtest
from gateway.backtest.totals import DECISIONS, Burden, Totals, percentile, time_in_each
from gateway.backtest.words import hours, number, part, percent, seconds
from streaming.instants import format_ms

STAYS_SHOWN = 20
CRITERIA_SHOWN = 20
DOSES_SHOWN = 60
NO_SCRIPT = "default-src 'none'; style-src 'unsafe-inline'"
DECISION_WORDS = {
    "decision-discontinue": "discontinue",
    "decision-hold": "hold",
    "decision-indeterminate": "indeterminate (something required is unknown)",
    "decision-proceed": "proceed",
}
PRIORITY_WORDS = {f"priority-{name}": f"{name} priority" for name in ("high", "medium", "low")}


def report_page(backtest: Backtest) -> str:
    """The page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=NO_SCRIPT),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Backtest: {_names(backtest)}"),
        tag("style", Markup(_style())),
    )
    body = tag("body", plots.definitions(), tag("main", _parts(backtest)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


@cache
def _style() -> str:
    return (files("gateway.backtest") / "report.css").read_text(encoding="utf-8")


def _names(backtest: Backtest) -> str:
    return " against ".join(arm.name for arm in backtest.arms)


def _parts(backtest: Backtest) -> Iterable[Markup | None]:
    yield _heading(backtest)
    yield _failures(backtest)
    yield _in_short(backtest)
    if backtest.comparison is not None:
        yield _against(backtest.comparison)
    if any(totals.has_decisions for totals in backtest.totals):
        yield _decisions(backtest)
        yield _unknown(backtest)
    yield _alarms(backtest)
    if any(totals.detections for totals in backtest.totals):
        yield _detection(backtest)
    yield _stays(backtest)
    yield _reading()


# --- sections ---------------------------------------------------------------------------------------------------------


def _heading(backtest: Backtest) -> Markup:
    arms = [
        tag(
            "li",
            tag("b", side if len(backtest.arms) > 1 else ""),
            tag("strong", arm.name),
            [join(f" · {kind} {name} ", tag("code", sha256[:12])) for kind, name, sha256 in arm.identity],
        )
        for side, arm in zip(SIDES, backtest.arms, strict=False)
    ]
    count = len(backtest.recordings)
    stays = sum(len(totals.stays) for totals in backtest.totals[:1])
    lead = f"{_many(stays, 'stay')} of {_many(count, 'recording')}, run again through Vigil's engine offline."
    return tag("header", tag("h1", "Backtest"), tag("p", lead, class_="lead"), tag("ul", arms, class_="arms"))


def _failures(backtest: Backtest) -> Markup | None:
    if not backtest.failures:
        return None
    rows = [tag("p", tag("code", Path(each.recording).name), f": {each.reason}") for each in backtest.failures]
    title = f"{_many(len(backtest.failures), 'recording')} could not be run"
    return tag("section", tag("h2", title), tag("p", "Nothing below counts them.", class_="note"), rows)


def _in_short(backtest: Backtest) -> Markup:
    totals = backtest.totals[0]
    burden = totals.all_alarms
    cards = [
        _card(number(totals.bed_ms / DAY_MS, 1), "bed-days"),
        _card(part(totals.covered_ms, totals.bed_ms), "of the time a vital sign was current"),
        _card(number(burden.per_bed_day, 1), "alarms per bed-day" + _under_a(backtest)),
        _card(percent(burden.share_short, 0), "of the alarms lasted less than 17 s"),
    ]
    if burden.acknowledged:
        said = f"until acknowledged (median of {number(burden.acknowledged)})"
        cards.append(_card(seconds(burden.median_acknowledge_s), said))
    comparison = backtest.comparison
    if comparison is not None and comparison.pair_ms:
        whole_ms = sum(comparison.pair_ms.values())
        cards.append(_card(part(comparison.differing_ms, whole_ms), "of the time A and B decide differently"))
    if comparison is not None and comparison.doses_due:
        due = sum(comparison.doses_due.values())
        cards.append(_card(f"{len(comparison.doses)} of {due}", "doses due under different decisions"))
    bars = [
        join(tag("h3", _side_title(backtest, place, "Dose decision")), plots.decision_bar(each))
        for place, each in enumerate(backtest.totals)
        if each.has_decisions
    ]
    key = plots.legend(DECISION_WORDS) if bars else None
    return tag("section", tag("h2", "In short"), tag("div", cards, class_="cards"), bars, key)


def _against(comparison: Comparison) -> Markup:
    parts: list[Markup | None] = [tag("h2", "What B would have done differently")]
    if comparison.pair_ms:
        caption = (
            "Time in each pair of decisions over all stays. On the diagonal both decide the same; above it A, below it "
            "B is the stricter one."
        )
        parts.append(_figure(plots.decision_matrix(comparison), caption))
        parts.append(plots.legend({"stricter-a": "A stricter", "stricter-b": "B stricter", "same": "the same"}))
        parts.append(_reasons(comparison))
        parts.append(_differing_stays(comparison))
    if comparison.doses_due:
        parts.append(_differing_doses(comparison))
    parts.append(_differing_alarms(comparison))
    return tag("section", parts)


def _reasons(comparison: Comparison) -> Markup:
    rows = [
        (side, tag("code", criterion), hours(ms))
        for (side, criterion), ms in list(comparison.criteria_ms.items())[:CRITERIA_SHOWN]
    ]
    note = "How long each criterion was among those on which the stricter of two differing decisions rested."
    table = _table(("stricter", "criterion", "#time"), rows)
    return join(tag("h3", "Criteria that made the difference"), tag("p", note, class_="note"), table)


def _differing_stays(comparison: Comparison) -> Markup | None:
    rows = [
        (stay.bed, stay.admission_id, Path(stay.recording).name, hours(stay.differing_ms), _pairs(stay.pair_ms))
        for stay in most_differing(comparison.stays, STAYS_SHOWN)
    ]
    if not rows:
        return None
    table = _table(("bed", "stay", "recording", "#differs", "longest (A → B)"), rows)
    return tag("details", tag("summary", "Stays that differ longest"), table)


def _pairs(pair_ms: Mapping[Pair, int]) -> str:
    """The longest of the pairs that differ."""
    (a, b), ms = max(((pair, ms) for pair, ms in pair_ms.items() if pair[0] != pair[1]), key=lambda item: item[1])
    return f"{a} → {b}, {hours(ms)}"


def _differing_doses(comparison: Comparison) -> Markup:
    due = sum(comparison.doses_due.values())
    rows = [
        (
            dose.admission_id,
            dose.number,
            _minute(dose.due_ms),
            dose.a,
            dose.b,
            ", ".join(dose.because) or "a signature",
            "yes" if dose.was_given else "no",
        )
        for dose in comparison.doses[:DOSES_SHOWN]
    ]
    title = tag("h3", f"Doses: {len(comparison.doses)} of {due} fell due under different decisions")
    if not rows:
        return title
    more = len(comparison.doses) - DOSES_SHOWN
    note = tag("p", f"And {more} more: vigil backtest --json has them all.", class_="note") if more > 0 else None
    table = _table(("stay", "#dose", "due (UTC)", "A", "B", "because of", "given in the recording"), rows)
    return join(title, table, note)


def _differing_alarms(comparison: Comparison) -> Markup:
    if not comparison.only_a and not comparison.only_b:
        return tag("p", f"The alarms are the same under both: {number(comparison.alike)}.", class_="note")
    rules = sorted(comparison.only_a.keys() | comparison.only_b.keys())
    rows = [(tag("code", rule), comparison.only_a.get(rule, 0), comparison.only_b.get(rule, 0)) for rule in rules]
    title = f"Alarms: {number(comparison.alike)} the same"
    return join(tag("h3", title), _table(("rule", "#only A", "#only B"), rows))


def _decisions(backtest: Backtest) -> Markup:
    sides = [totals.stays for totals in backtest.totals]
    shown, there = min(len(sides[0]), plots.STAYS_SHOWN), len(sides[0])
    scale = (
        "All strips are on one scale of hours since admission."
        if plots.shares_one_scale(sides[0])
        else "Each strip is a whole stay, whatever its length."
    )
    double = " The upper half of each strip is A, the lower B." if len(sides) > 1 else ""
    marks = " Triangles are doses as they fell due, full ones were given." if any(stay.due for stay in sides[0]) else ""
    left_out = f" The first {shown} of {there} stays." if shown < there else ""
    caption = f"{scale}{double}{marks}{left_out} At the right the decision that stood longest."
    table = join(_decision_table(backtest), _dose_table(backtest))
    return tag(
        "section",
        tag("h2", "The dose decision over time"),
        plots.legend(DECISION_WORDS),
        _figure(plots.decision_strips(sides), caption, is_long=True),
        table,
    )


def _decision_table(backtest: Backtest) -> Markup:
    rows = []
    for decision in reversed(DECISIONS):
        cells: list[object] = [decision]
        for totals in backtest.totals:
            ms = totals.decision_ms[decision]
            cells += [hours(ms), part(ms, totals.bed_ms), number(totals.due.get(decision, 0))]
        rows.append(cells)
    headings = [
        f"#{name}{_side_suffix(backtest, place)}"
        for place in range(len(backtest.totals))
        for name in ("time", "share", "doses due")
    ]
    return _table(("decision", *headings), rows)


def _dose_table(backtest: Backtest) -> Markup | None:
    statuses = sorted({status for totals in backtest.totals for status in totals.doses})
    if not statuses:
        return None
    rows = [(status, *(number(totals.doses.get(status, 0)) for totals in backtest.totals)) for status in statuses]
    headings = [f"#doses{_side_suffix(backtest, place)}" for place in range(len(backtest.totals))]
    return join(tag("h3", "What became of the doses"), _table(("status", *headings), rows))


def _unknown(backtest: Backtest) -> Markup:
    figures = [
        join(
            tag("h3", _side_title(backtest, place, "Criteria")) if len(backtest.arms) > 1 else None,
            _figure(plots.unknown_time(totals), "", is_long=True),
        )
        for place, totals in enumerate(backtest.totals)
        if totals.has_decisions
    ]
    note = (
        "Share of all stays' time. While a required criterion is unknown and none is met, the decision is "
        "indeterminate. At the right: unknown · met or recovering."
    )
    return tag(
        "section",
        tag("h2", "Time in unknown, by criterion"),
        tag("p", note, class_="note"),
        plots.legend({"unknown": "unknown", "holding": "met or recovering", "empty": "clear"}),
        figures,
    )


def _alarms(backtest: Backtest) -> Markup:
    is_same = backtest.comparison is None or not (backtest.comparison.only_a or backtest.comparison.only_b)
    shown = backtest.totals[:1] if is_same else backtest.totals
    parts: list[Markup | None] = [
        tag("h2", "Alarms"),
        tag("p", "An alarm counts each time it begins to be announced.", class_="note"),
        plots.legend(PRIORITY_WORDS),
    ]
    for place, totals in enumerate(shown):
        parts.append(tag("h3", _side_title(backtest, place, "Alarms")) if len(shown) > 1 else None)
        if totals.by_rule:
            parts.append(_figure(plots.alarm_rates(totals), "Alarms per bed-day, by rule.", is_long=True))
        parts.append(_alarm_table(totals))
    if is_same and len(backtest.arms) > 1:
        parts.append(tag("p", "They are the same under A and B.", class_="note"))
    return tag("section", parts)


def _alarm_table(totals: Totals) -> Markup:
    rates = ("#per bed-day", "#per covered bed-day", "#median", "#under 17 s", "#acknowledged", "#after")
    rows: list[Sequence[object]] = [
        (tag("code", row.rule_id), row.priority, *_burden(row.burden)) for row in totals.by_rule
    ]
    sums = [*totals.by_priority.items(), *totals.by_kind.items(), ("all", totals.all_alarms)]
    closing = [(name, "", *_burden(burden)) for name, burden in sums]
    return _table(("rule", "priority", "#alarms", "#stays", *rates), rows, closing)


def _burden(burden: Burden) -> tuple[str, ...]:
    return (
        number(burden.alarms),
        number(burden.stays),
        number(burden.per_bed_day, 3),
        number(burden.per_covered_bed_day, 3),
        seconds(burden.median_duration_s),
        percent(burden.share_short),
        number(burden.acknowledged),
        seconds(burden.median_acknowledge_s),
    )


def _detection(backtest: Backtest) -> Markup:
    is_same = backtest.comparison is None or not (backtest.comparison.only_a or backtest.comparison.only_b)
    parts: list[Markup | None] = [tag("h2", "Against the labels")]
    note = (
        "A label is detected by the first alarm of its family from two minutes before its onset to its end; one that "
        "was there already counts with no delay."
    )
    parts.append(tag("p", note, class_="note"))
    for place, totals in enumerate(backtest.totals[:1] if is_same else backtest.totals):
        parts.append(tag("h3", _side_title(backtest, place, "Detection")) if not is_same else None)
        if any(row.labels for row in totals.detections):
            caption = "Delay from the labelled onset to the alarm: each dot one label, the line their median."
            parts.append(_figure(plots.detection_delays(totals.detections), caption))
        parts.append(_detection_table(totals))
    return tag("section", parts)


def _detection_table(totals: Totals) -> Markup:
    rows = []
    for row in totals.detections:
        middle = [percentile(row.delays_ms, at) for at in (0.5, 0.9)]
        delays = [seconds(None if ms is None else ms / 1000) for ms in middle]
        false = (row.false_alarms, number(row.false_per_bed_day, 3))
        rows.append((row.family, row.labels, row.detected, percent(row.sensitivity, 0), row.missed, *delays, *false))
    headings = ("#labels", "#detected", "#share", "#missed", "#median delay", "#90 % within", "#false alarms")
    return _table(("family", *headings, "#per bed-day"), rows)


def _stays(backtest: Backtest) -> Markup:
    totals = backtest.totals[0]
    rows = []
    for stay in totals.stays:
        times = time_in_each(stay)
        shares = [part(times[name], stay.duration_ms) if stay.spans else "–" for name in reversed(DECISIONS)]
        covered = part(stay.covered_any_ms, stay.duration_ms)
        name = (stay.bed, stay.admission_id, Path(stay.recording).name)
        rows.append((*name, hours(stay.duration_ms), covered, len(stay.announcements), *shares))
    headings = (
        "bed",
        "stay",
        "recording",
        "#hours",
        "#covered",
        "#alarms",
        *(f"#{name}" for name in reversed(DECISIONS)),
    )
    title = f"{_many(len(rows), 'stay')}{_under_a(backtest)}"
    return tag("section", tag("h2", "Stay by stay"), tag("details", tag("summary", title), _table(headings, rows)))


def _reading() -> Markup:
    words = (
        "A stay lasts from admission to discharge, or to the end of its recording. Rates are per bed-day of that time; "
        "a covered bed-day is one during which some vital sign was current. Durations are those of alarms whose "
        "condition passed. Nobody answers a replayed alarm but who answered it in the recording. Vigil advises; it is "
        "not a certified medical device."
    )
    return tag("footer", tag("p", words))


# --- parts ------------------------------------------------------------------------------------------------------------


def _figure(plot: Markup, caption: str, *, is_long: bool = False) -> Markup:
    return tag("figure", plot, tag("figcaption", caption) if caption else None, class_="long" if is_long else None)


def _card(figure: str, words: str) -> Markup:
    return tag("div", tag("b", figure), tag("span", words), class_="card")


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], closing: Iterable[Sequence[object]] = ()
) -> Markup:
    """Columns whose heading begins with `#` are numbers and stand right."""
    kinds = ["n" if heading.startswith("#") else None for heading in headings]
    head = tag(
        "tr", [tag("th", each.removeprefix("#"), class_=kind) for each, kind in zip(headings, kinds, strict=True)]
    )
    body = [_row(row, kinds, None) for row in rows] + [_row(row, kinds, "sum") for row in closing]
    return tag("div", tag("table", tag("thead", head), tag("tbody", body)), class_="table")


def _row(cells: Sequence[object], kinds: Sequence[str | None], row_kind: str | None) -> Markup:
    written = [
        tag("td", cell if isinstance(cell, str) else str(cell), class_=kind)
        for cell, kind in zip(cells, kinds, strict=True)
    ]
    return tag("tr", written, class_=row_kind)


def _side_title(backtest: Backtest, place: int, title: str) -> str:
    return f"{title} under {SIDES[place]}: {backtest.arms[place].name}" if len(backtest.arms) > 1 else title


def _side_suffix(backtest: Backtest, place: int) -> str:
    return f" {SIDES[place]}" if len(backtest.arms) > 1 else ""


def _under_a(backtest: Backtest) -> str:
    return " under A" if len(backtest.arms) > 1 else ""


def _many(count: int, word: str) -> str:
    return f"{number(count)} {word}" + ("" if count == 1 else "s")


def _minute(at_ms: int) -> str:
    return format_ms(at_ms)[:16].replace("T", " ")
