"""The plots of the report, as inline SVG: no script, no image, no font of their own.

Colours are the page's (`report.css`): a class says what a shape means, so that light, dark and print each have their
own. No meaning is carried by colour alone: every bar has its figure, every strip its words, every cell its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log10

from gateway.backtest.compare import Comparison, stronger_side
from gateway.backtest.figures import StayFigures
from gateway.backtest.markup import Markup, tag
from gateway.backtest.totals import (
    DECISIONS,
    PRIORITIES,
    DetectionFigures,
    Totals,
    percentile,
    rate,
    segments,
    time_in_each,
)
from gateway.backtest.words import HOUR_MS, number, part, percent, seconds

WIDTH = 920
ROW = 24
LABEL = 240
"""Room for the names on the left."""
FIGURE = 136
"""Room for the figures on the right."""
PLOT = WIDTH - LABEL - FIGURE
LABEL_CHARACTERS = 35
STAYS_SHOWN = 120
SPREAD = 26
"""How far from the middle of its row a dot may lie."""
SLIVER = 0.7
"""A stretch thinner than this many units is drawn with its neighbours."""
STRONGEST_FIRST = tuple(reversed(DECISIONS))


def alarm_rates(totals: Totals) -> Markup:
    """Alarms per bed-day, a bar for each rule that spoke, in parts by priority."""
    rates = {row.rule_id: _rates(totals, row.rule_id) for row in totals.by_rule}
    longest = max((sum(found.values()) for found in rates.values()), default=0.0)
    rows: list[Markup | None] = []
    for place, (rule_id, found) in enumerate(rates.items()):
        y, x = place * ROW, float(LABEL)
        rows.append(_label(rule_id, y))
        for priority in PRIORITIES:
            width = _scaled(found.get(priority, 0.0), longest)
            if width:
                rows.append(_bar(x, y, width, f"priority-{priority}", f"{rule_id}, {priority}"))
                x += width
        rows.append(_figure(x + 6, y, number(sum(found.values()), 3)))
    return _svg(len(rates) * ROW, "Alarms per bed-day by rule and priority", rows)


def decision_strips(sides: Sequence[Sequence[StayFigures]]) -> Markup:
    """For each stay a strip of its decisions over time, for each profile; ticks are the doses as they fell due."""
    stays = list(zip(*sides, strict=True))[:STAYS_SHOWN]
    scale_ms = _common_scale_ms([both[0] for both in stays])
    height = 13 if len(sides) > 1 else 18
    pitch = height * len(sides) + 10
    drawn: list[Markup | None] = []
    for place, both in enumerate(stays):
        y = place * pitch
        drawn.append(_label(_stay_name(both[0]), y, height * len(sides)))
        for line, stay in enumerate(both):
            drawn += _strip(stay, y + line * height, height - 1, scale_ms or max(stay.duration_ms, 1))
            drawn.append(_figure(WIDTH - FIGURE + 8, y + line * height, _mostly(stay), height))
        drawn += _dose_ticks(both[0], y, height * len(sides), scale_ms or max(both[0].duration_ms, 1))
    title = "Dose decision over time, stay by stay"
    axis = _hours_axis(len(stays) * pitch, scale_ms) if scale_ms else []
    return _svg(len(stays) * pitch + (24 if axis else 0), title, [*axis, *drawn])


def shares_one_scale(stays: Sequence[StayFigures]) -> bool:
    """Whether the strips are drawn on one scale of hours, rather than each stay over the whole width."""
    return _common_scale_ms(stays[:STAYS_SHOWN]) is not None


def unknown_time(totals: Totals) -> Markup:
    """For each criterion the share of the stays in which it was unknown, and in which it stood in the way."""
    drawn: list[Markup | None] = []
    for place, row in enumerate(totals.criteria):
        y = place * ROW
        unknown, holding = (_scaled(ms, max(totals.bed_ms, 1)) for ms in (row.unknown_ms, row.holding_ms))
        drawn += [_label(row.criterion_id, y), _bar(LABEL, y, float(PLOT), "empty", "")]
        drawn.append(_bar(LABEL, y, unknown, "unknown", f"{row.criterion_id}, unknown"))
        drawn.append(_bar(LABEL + unknown, y, holding, "holding", f"{row.criterion_id}, met or recovering"))
        figures = f"{part(row.unknown_ms, totals.bed_ms)} · {part(row.holding_ms, totals.bed_ms)}"
        drawn.append(_figure(WIDTH - FIGURE + 8, y, figures))
    return _svg(len(totals.criteria) * ROW, "Time in unknown, and met, by criterion", drawn)


def detection_delays(detections: Sequence[DetectionFigures]) -> Markup:
    """For each labelled family every delay as a dot, the median as a line; what was missed is counted at the right."""
    shown = [row for row in detections if row.labels]
    delays = [ms for row in shown for ms in row.delays_ms]
    low, high = min([0, *delays]), max([60_000, *delays])
    pitch = 2 * SPREAD + 20
    drawn: list[Markup] = []
    for place, row in enumerate(shown):
        y = place * pitch
        drawn.append(_label(row.family, y, pitch))
        drawn.append(tag("line", x1=LABEL, x2=LABEL + PLOT, y1=y + pitch / 2, y2=y + pitch / 2, class_="rule"))
        drawn += _dots(row.delays_ms, y + pitch / 2, low, high)
        drawn.append(_figure(WIDTH - FIGURE + 8, y, f"{row.missed} missed", pitch))
    bottom = len(shown) * pitch
    drawn += [_axis_mark(LABEL + _between(ms, low, high), bottom, seconds(ms / 1000)) for ms in _round_marks(low, high)]
    return _svg(bottom + 24, "Delay from the labelled onset to the alarm", drawn)


def decision_matrix(comparison: Comparison) -> Markup:
    """Time in each pair of decisions: A down, B across; the darker the longer."""
    size, height, left, top = 150, 58, 190, 56
    whole_ms = sum(comparison.pair_ms.values())
    drawn = [
        _centred(left + 2 * size, 18, "B decides", "axis strong"),
        _centred(60, top + 2 * height + 5, "A decides", "axis strong"),
    ]
    for column, b in enumerate(STRONGEST_FIRST):
        drawn.append(_centred(left + column * size + size / 2, top - 12, b, "axis"))
    for row, a in enumerate(STRONGEST_FIRST):
        y = top + row * height
        drawn.append(tag("text", a, x=left - 10, y=y + height / 2 + 5, class_="axis", text_anchor="end"))
        for column, b in enumerate(STRONGEST_FIRST):
            drawn += _cell(left + column * size, y, (size, height), (a, b), comparison.pair_ms.get((a, b), 0), whole_ms)
    return _svg(top + 4 * height + 4, "Time in each pair of decisions, A against B", drawn)


def decision_bar(totals: Totals) -> Markup:
    """All time of all stays in one bar, by decision."""
    drawn: list[Markup | None] = []
    x = 0.0
    for decision in STRONGEST_FIRST:
        width = totals.decision_ms[decision] / max(totals.bed_ms, 1) * WIDTH
        if width:
            drawn.append(_bar(x, 0, width, f"decision-{decision}", f"{decision}", 30))
            if width > 80:
                shown = f"{decision} {part(totals.decision_ms[decision], totals.bed_ms)}"
                drawn.append(_centred(x + width / 2, 20, shown if width > 150 else decision, f"on on-{decision}"))
            x += width
    return _svg(34, "Time in each decision, all stays", drawn)


# --- parts ------------------------------------------------------------------------------------------------------------


def _rates(totals: Totals, rule_id: str) -> dict[str, float]:
    found = Counter(alarm.priority for stay in totals.stays for alarm in stay.announcements if alarm.rule_id == rule_id)
    return {priority: rate(count, totals.bed_ms) or 0.0 for priority, count in found.items()}


def _strip(stay: StayFigures, y: float, height: float, scale_ms: int) -> Iterable[Markup | None]:
    for decision, from_x, to_x in _merged(stay, scale_ms):
        yield _bar(LABEL + from_x, y, to_x - from_x, f"decision-{decision}", decision, height, inset=0)


def _merged(stay: StayFigures, scale_ms: int) -> list[tuple[str, float, float]]:
    """Stretches of the strip: those of one decision as one, and slivers with what is stronger beside them."""
    found: list[tuple[str, float, float]] = []
    for span, begin_ms, end_ms in segments(stay):
        from_x, to_x = ((ms - stay.admitted_ms) / scale_ms * PLOT for ms in (begin_ms, end_ms))
        if found and (found[-1][0] == span.decision or found[-1][2] - found[-1][1] < SLIVER):
            last = found.pop()
            found.append((_stronger(last[0], span.decision), last[1], to_x))
        else:
            found.append((span.decision, from_x, to_x))
    return found


def _stronger(one: str, other: str) -> str:
    return max(one, other, key=DECISIONS.index)


def _dose_ticks(stay: StayFigures, y: float, height: float, scale_ms: int) -> Iterable[Markup]:
    begun = {dose.due_ms for dose in stay.doses if dose.started_ms is not None}
    for dose in stay.due:
        x = LABEL + (dose.due_ms - stay.admitted_ms) / scale_ms * PLOT
        is_given = dose.due_ms in begun
        title = f"dose {dose.number}, {'given' if is_given else 'not given'}: {dose.decision}"
        marker = "M{} {}l-4 -7h8z".format(*(f"{each:.1f}" for each in (x, y + 1)))
        yield tag("path", tag("title", title), d=marker, class_="dose given" if is_given else "dose")
        yield tag("line", x1=x, x2=x, y1=y, y2=y + height - 1, class_="due")


def _mostly(stay: StayFigures) -> str:
    """The decision that stood longest, and its share."""
    times = time_in_each(stay)
    decision = max(times, key=lambda name: times[name])
    return f"{decision} {percent(times[decision] / stay.duration_ms, 0)}" if stay.duration_ms and stay.spans else "–"


def _common_scale_ms(stays: Sequence[StayFigures]) -> int | None:
    """The longest stay, where no stay would be lost beside it; else each has a scale of its own."""
    durations = sorted(stay.duration_ms for stay in stays)
    if not durations or durations[-1] > 3 * max(durations[len(durations) // 2], 1):
        return None
    return max(durations[-1], 1)


def _hours_axis(y: float, scale_ms: int) -> list[Markup]:
    every_h = _round_step(scale_ms / HOUR_MS / 6, (1, 2, 4, 8, 12, 24, 48, 96, 168, 336))
    hours = range(0, int(scale_ms / HOUR_MS) + 1, every_h)
    return [_axis_mark(LABEL + h * HOUR_MS / scale_ms * PLOT, y, f"{h} h") for h in hours]


def _dots(delays_ms: Sequence[int], y: float, low: int, high: int) -> Iterable[Markup]:
    """Dots that would lie on each other are spread over the height of the row."""
    by_column: dict[int, list[int]] = {}
    for ms in delays_ms:
        by_column.setdefault(round(_between(ms, low, high) / 7), []).append(ms)
    for column in by_column.values():
        apart = min(8.0, 2 * SPREAD / max(len(column) - 1, 1))
        for place, ms in enumerate(column):
            cy = y + (place - (len(column) - 1) / 2) * apart
            said = tag("title", seconds(ms / 1000))
            yield tag("circle", said, cx=LABEL + _between(ms, low, high), cy=cy, r=3.6, class_="dot")
    middle_ms = percentile(delays_ms, 0.5)
    if middle_ms is not None:
        x = LABEL + _between(middle_ms, low, high)
        yield tag("line", tag("title", "median"), x1=x, x2=x, y1=y - SPREAD, y2=y + SPREAD, class_="median")


def _round_marks(low: int, high: int) -> list[int]:
    step = (
        _round_step((high - low) / 5000, (1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200)) * 1000
    )
    return list(range(ceil(low / step) * step, high + 1, step))


def _round_step(least: float, steps: Sequence[int]) -> int:
    return next((step for step in steps if step >= least), 10 ** ceil(log10(max(least, 1))))


def _between(ms: float, low: int, high: int) -> float:
    return (ms - low) / max(high - low, 1) * PLOT


def _cell(
    x: float, y: float, size: tuple[float, float], pair: tuple[str, str], ms: int, whole_ms: int
) -> Iterable[Markup]:
    side = stronger_side(*pair)
    kind = {"A": "stricter-a", "B": "stricter-b", None: "same"}[side]
    weight = 0.0 if not ms else 0.18 + 0.82 * (ms / whole_ms) ** 0.5
    width, height = size[0] - 4, size[1] - 4
    title = tag("title", f"A {pair[0]}, B {pair[1]}: {number(ms / HOUR_MS, 1)} h")
    yield tag("rect", x=x, y=y, width=width, height=height, rx=4, class_="cell")
    yield tag("rect", title, x=x, y=y, width=width, height=height, rx=4, class_=kind, opacity=weight)
    if ms:
        on = "on-cell" if weight > 0.72 else "figure"
        yield _centred(x + width / 2, y + 24, part(ms, whole_ms), f"{on} strong")
        yield _centred(x + width / 2, y + 42, f"{number(ms / HOUR_MS, 1)} h", on)


def _svg(height: float, title: str, drawn: Iterable[Markup | None]) -> Markup:
    box = f"0 -8 {WIDTH} {height + 12:.0f}"
    return tag("div", tag("svg", tag("title", title), drawn, viewBox=box, role="img", aria_label=title), class_="plot")


def _label(text: str, y: float, height: float = ROW) -> Markup:
    shown = text if len(text) <= LABEL_CHARACTERS else f"{text[: LABEL_CHARACTERS - 1]}…"
    return tag("text", tag("title", text), shown, x=LABEL - 10, y=y + height / 2 + 4, class_="label", text_anchor="end")


def _bar(
    x: float, y: float, width: float, kind: str, title: str, height: float = ROW, *, inset: float = 4
) -> Markup | None:
    if width <= 0:
        return None
    said = tag("title", title) if title else None
    return tag("rect", said, x=x, y=y + inset, width=width, height=height - 2 * inset, class_=kind)


def _figure(x: float, y: float, text: str, height: float = ROW) -> Markup:
    return tag("text", text, x=x, y=y + height / 2 + 4, class_="figure")


def _centred(x: float, y: float, text: str, kind: str) -> Markup:
    return tag("text", text, x=x, y=y, class_=kind, text_anchor="middle")


def _axis_mark(x: float, y: float, text: str) -> Markup:
    line = tag("line", x1=x, x2=x, y1=-4, y2=y + 2, class_="grid")
    return tag("g", line, _centred(x, y + 17, text, "axis"))


def _scaled(value: float, longest: float) -> float:
    return value / longest * PLOT if longest else 0.0


def definitions() -> Markup:
    """What the plots of a page refer to, once: what is not known is hatched, so that it can be told in grey too."""
    lines = tag("path", d="M0 6L6 0M-1 1L1 -1M5 7L7 5", class_="hatch-line")
    ground = tag("rect", width=6, height=6, class_="hatch-ground")
    pattern = tag("pattern", ground, lines, id="hatch", width=6, height=6, patternUnits="userSpaceOnUse")
    return tag("svg", tag("defs", pattern), class_="definitions", aria_hidden="true")


def _stay_name(stay: StayFigures) -> str:
    return f"{stay.bed} · {stay.admission_id}"


def legend(items: Mapping[str, str]) -> Markup:
    """Words beside small squares: class of the square to what it means."""
    squares = [
        tag("span", tag("svg", tag("rect", width=14, height=14, class_=kind), viewBox="0 0 14 14"), text)
        for kind, text in items.items()
    ]
    return tag("p", squares, class_="legend")
