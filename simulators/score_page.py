"""The score of runs as one HTML file: tables and plots as inline SVG, no script, nothing from elsewhere.

Light, dark and print. No meaning is carried by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from statistics import median

from simulators.oracle.score import FamilyScore, RuleScore, Score
from simulators.truth import RunTruth

_STYLE = """
:root{--ink:#1a1f24;--dim:#5c6670;--paper:#fff;--line:#d6dbe0;--good:#1d7a3e;--bad:#b3261e;--warn:#9a6700;--span:#8fb4d9;
--must:#b3261e;--may:#c9ced4}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--dim:#9aa4ae;--paper:#14181c;--line:#343b42;--good:#4cc27a;
--bad:#ff7a70;--warn:#e0b040;--span:#35597d;--must:#ff7a70;--may:#3c444c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:64rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem;border-top:1px solid var(--line);padding-top:1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid var(--line)}
td.n,th.n{text-align:right}td.rule{padding-left:1.2rem;color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.dim{color:var(--dim)}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .dim{fill:var(--dim)}
"""
_WIDTH, _LABEL, _ROW = 920, 190, 22


def score_page(runs: Sequence[tuple[Score, RunTruth]]) -> str:
    """The page."""
    parts = ["<h1>How simulated runs scored</h1>", _overview(runs)]
    for score, truth in runs:
        parts.append(_run(score, truth))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Vigil: scores</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def _overview(runs: Sequence[tuple[Score, RunTruth]]) -> str:
    rows = [
        [
            (f'<a href="#{escape(s.scenario)}">{escape(s.scenario)}</a>', ""),
            ("passed" if s.is_passed else "failed", "good" if s.is_passed else "bad"),
            (f"{sum(f.found for f in s.families.values())} of {s.must}", "n"),
            (str(s.forbidden), "n bad" if s.forbidden else "n"),
            (f"{s.unexpected} ({_rate(s):.1f})", "n"),
            (f"{s.decisions - len(s.wrong_decisions)} of {s.decisions}", "n"),
            (f"{s.bed_days:.2f}", "n"),
        ]
        for s, _ in runs
    ]
    numbers = ("musts found", "forbidden", "unexpected (per bed-day)", "decisions right", "bed-days")
    heads = ["scenario", "", *(f"#{name}" for name in numbers)]
    return _table(heads, rows)


def _rate(score: Score) -> float:
    return score.unexpected / score.bed_days if score.bed_days else 0.0


def _run(score: Score, truth: RunTruth) -> str:
    verdict = '<span class="good">passed</span>' if score.is_passed else '<span class="bad">failed</span>'
    parts = [f'<h2 id="{escape(score.scenario)}">{escape(score.scenario)}: {verdict}</h2>']
    parts.append(_families(sorted(score.families.values(), key=lambda f: f.family)))
    parts.append(_delays(score))
    parts.append(_musts(truth))
    for title, lines in (
        ("Missed", [f"{m.bed} {' or '.join(m.families)}: {m.why}, since {m.onset_at}" for m in score.missed]),
        ("Without cause", [f"{f.bed} {f.rule_id} at {f.at} {f.why}" for f in score.false_alarms]),
        (
            "Wrong decisions",
            [
                f"{w.bed} dose {w.number}: {w.said or 'nothing'} where {' or '.join(w.allowed)} ({w.why})"
                for w in score.wrong_decisions
            ],
        ),
    ):
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(f"<h3>{title}</h3><ul>{items}</ul>")
    return "".join(parts)


def _families(families: Sequence[FamilyScore]) -> str:
    rows = []
    for each in families:
        found = (f"{each.found} of {each.must}" if each.must else "", "n" if each.found == each.must else "n bad")
        rows.append([(f"<b>{escape(each.family)}</b>", ""), found, *_figures(each)])
        for rule_id, rule in sorted(each.rules.items()):
            rows.append(
                [(escape(rule_id), "rule"), (f"{rule.first} first" if rule.first else "", "n"), *_figures(rule)]
            )
    return _table(["family, rule", "#musts found", *(f"#{name}" for name in _FIGURES)], rows)


_FIGURES = ("delay s, median / max", "alarms", "forbidden", "unexpected")


def _figures(each: FamilyScore | RuleScore) -> list[tuple[str, str]]:
    delays = sorted(each.delays_s)
    return [
        (f"{median(delays):.0f} / {delays[-1]:.0f}" if delays else "", "n"),
        (str(each.alarms), "n"),
        (str(each.forbidden or ""), "n bad"),
        (str(each.unexpected or ""), "n warn"),
    ]


def _delays(score: Score) -> str:
    """A dot for every must that was found, by family, on one scale."""
    found = [(name, sorted(each.delays_s)) for name, each in sorted(score.families.items()) if each.delays_s]
    if not found:
        return ""
    longest = max(1.0, *(delays[-1] for _, delays in found))
    shapes = []
    for row, (name, delays) in enumerate(found):
        y = row * _ROW + 14
        shapes.append(f'<text x="0" y="{y + 4}">{escape(name)}</text>')
        for delay in delays:
            x = _LABEL + (_WIDTH - _LABEL - 60) * delay / longest
            shapes.append(f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="var(--span)" stroke="var(--ink)"/>')
    height = len(found) * _ROW + 24
    marks = "".join(
        f'<text class="dim" text-anchor="middle" x="{_LABEL + (_WIDTH - _LABEL - 60) * share:.0f}" y="{height - 4}">'
        f"{longest * share:.0f} s</text>"
        for share in (0.0, 0.5, 1.0)
    )
    return _svg(height, "Delay from onset to alarm", "".join(shapes) + marks)


def _musts(truth: RunTruth) -> str:
    """What happened when: the musts of each bed on the time of the run."""
    musts = [each for each in truth.expected if each.verdict.value == "must"]
    if not musts:
        return ""
    span_ms = max(1, truth.end_ms - truth.start_ms)
    keys = sorted({(each.bed, each.families[0]) for each in musts})
    shapes = []
    for row, (bed, family) in enumerate(keys):
        y = row * _ROW + 8
        shapes.append(f'<text x="0" y="{y + 10}">{escape(bed)} {escape(family)}</text>')
        for each in musts:
            if (each.bed, each.families[0]) == (bed, family):
                x = _LABEL + (_WIDTH - _LABEL) * (each.from_ms - truth.start_ms) / span_ms
                width = max(3.0, (_WIDTH - _LABEL) * (each.to_ms - each.from_ms) / span_ms)
                title = f"<title>{escape(each.why)}</title>"
                shapes.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="12" fill="var(--must)">{title}</rect>'
                )
    height = len(keys) * _ROW + 26
    hours = span_ms / 3_600_000.0
    marks = (
        f'<text class="dim" x="{_LABEL}" y="{height - 4}">0 h</text>'
        f'<text class="dim" text-anchor="end" x="{_WIDTH}" y="{height - 4}">{hours:.1f} h</text>'
    )
    return _svg(height, "When an alarm had to be there", "".join(shapes) + marks)


def _svg(height: float, title: str, shapes: str) -> str:
    return (
        f'<figure><figcaption class="dim">{escape(title)}</figcaption>'
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {_WIDTH} {height:.0f}" width="100%">{shapes}</svg>'
        "</figure>"
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[tuple[str, str]]]) -> str:
    """A table; columns whose name begins with `#` are numbers and stand right."""
    head = "".join(
        f'<th class="n">{escape(each[1:])}</th>' if each.startswith("#") else f"<th>{escape(each)}</th>"
        for each in heads
    )
    body = "".join("<tr>" + "".join(f'<td class="{kind}">{text}</td>' for text, kind in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
