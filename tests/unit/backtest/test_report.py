"""The report: everything is there, nothing from a recording is taken for markup, nothing is fetched or run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from gateway.backtest.arms import arm_of
from gateway.backtest.figures import RecordingFailure, RecordingFigures
from gateway.backtest.labels import Detection
from gateway.backtest.markup import Markup, join, tag
from gateway.backtest.report import report_page
from gateway.backtest.result import Backtest, backtest_of
from gateway.backtest.run import Outcome
from tests.support.backtests import announcement, arm_figures, due, span, stay

EVIL = "<script>alert(1)</script>\"'&"
PLOTS = {
    "Alarms per bed-day by rule and priority",
    "Dose decision over time, stay by stay",
    "Time in unknown, and met, by criterion",
    "Delay from the labelled onset to the alarm",
    "Time in each pair of decisions, A against B",
}


class Elements(HTMLParser):
    """Names of all elements, labels of all plots, and whatever would be fetched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.plots: set[str] = set()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for name, value in attrs:
            if name == "aria-label":
                self.plots.add(value or "")
            if name in {"src", "href", "onclick", "onload", "onerror", "style"}:
                self.fetched.append(f"{name}={value}")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def whole_backtest(name: str = "b01") -> Backtest:
    """Two profiles that differ in everything that a report shows."""
    spans = (span(0, "indeterminate", name), span(4, "proceed"), span(8, "hold", f"{name}.criterion"))
    detection = Detection(family=name, onset_ms=0, end_ms=9, delay_ms=30_000)
    common: dict[str, Any] = {
        "bed": f"icu/{name}", "unknown_ms": {name: 3_600_000}, "holding_ms": {name: 60}, "annotated": (name,),
        "detections": (detection,), "false_alarms": {name: 1}, "recording": f"{name}.ndjson",
    }  # fmt: skip
    a = stay(10, name, spans=spans, due=(due(1, 5, "proceed"),), announcements=(announcement(1, 2, name),), **common)
    b = stay(10, name, spans=(span(0, "discontinue", f"{name}.other"),), **common)
    outcomes: list[Outcome] = [
        RecordingFigures(recording=f"{name}.ndjson", arms=(arm_figures(a), arm_figures(b))),
        RecordingFailure(recording=f"{name}.bad.ndjson", reason=f"line 1: {name}"),
    ]
    return backtest_of([arm_of("label-2024"), arm_of("jitc-2014")], outcomes)


def test_the_report_has_every_plot_and_is_well_formed() -> None:
    page = report_page(whole_backtest())
    elements = Elements(page)

    assert elements.plots >= PLOTS
    assert elements.open == []
    assert "b01.bad.ndjson" in page
    assert page == report_page(whole_backtest())


def test_the_report_fetches_nothing_and_runs_nothing() -> None:
    page = report_page(whole_backtest())
    elements = Elements(page)

    assert not elements.names & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert elements.fetched == []
    assert "default-src 'none'" in page.replace("&#x27;", "'")
    assert not re.search(r"url\((?!#)|@import|https?://", page)


def test_a_malicious_name_in_a_recording_is_text_in_the_report() -> None:
    page = report_page(whole_backtest(EVIL))

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert Elements(page).names == Elements(report_page(whole_backtest())).names


def test_text_is_escaped_and_markup_is_not() -> None:
    assert tag("p", "<b>", Markup("<i>"), None, 1, 0.5, title='"') == '<p title="&quot;">&lt;b&gt;<i>10.5</p>'
    assert join("a&b", tag("b", "c")) == "a&amp;b<b>c</b>"


def test_one_profile_without_labels_or_doses_has_a_report_too() -> None:
    figures = RecordingFigures(recording="r.ndjson", arms=(arm_figures(stay(0)),))

    page = report_page(backtest_of([arm_of("alarms-il2")], [figures]))

    assert Elements(page).open == []
    assert "What B would have done" not in page


def test_no_recording_at_all_is_said_and_not_divided_by() -> None:
    failure = RecordingFailure(recording="r.ndjson", reason="damaged")

    page = report_page(backtest_of([arm_of("label-2024"), arm_of("jitc-2014")], [failure]))

    assert "1 recording could not be run" in page
