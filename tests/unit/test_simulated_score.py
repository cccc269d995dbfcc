"""The score: sensitivity, delay, what is false and what is forbidden, and decisions, on made-up truths and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import typer
from typer.testing import CliRunner

from simulators.cli import add_commands
from simulators.oracle.expectations import BedFacts, Expectation, Verdict, expectations
from simulators.oracle.heard import HeardError, read_heard
from simulators.oracle.limits import VITAL_LIMITS
from simulators.oracle.score import Score, score
from simulators.oracle.watch import Track, TruthSpan
from simulators.score_page import score_page
from simulators.score_run import RunError, score_run
from simulators.truth import DecisionExpectation, RunTruth, write_truth
from streaming.instants import format_ms

T0 = 1_767_592_800_000
BED = "icu/b01"


def _at(seconds: float) -> int:
    return T0 + round(seconds * 1000)


def _truth(*expected: Expectation, decisions: tuple[DecisionExpectation, ...] = ()) -> RunTruth:
    return RunTruth(
        scenario="made-up", seed=1, start_ms=T0, end_ms=_at(3600),
        beds=(BedFacts(bed=BED, has_line=True, admission_id="a1"),), spans=(), doses=(), signatures=(),
        expected=expected, decisions=decisions,
    )  # fmt: skip


def _expect(verdict: Verdict, from_s: float, to_s: float, *families: str) -> Expectation:
    return Expectation(verdict=verdict, bed=BED, families=families, from_ms=_at(from_s), to_ms=_at(to_s), why="because")


def _alarm(at_s: float, family: str, phase: str = "start", condition: str = "present", **more: Any) -> bytes:
    row = {
        "type": "alarm", "at": format_ms(_at(at_s)), "alarm_id": f"{family}-1", "phase": phase, "to": "on",
        "condition": condition, "unit": "icu", "bed": "b01", "rule_id": f"{family}.x", "family": family,
        "priority": "high", "admission_id": "a1",
    }  # fmt: skip
    return orjson.dumps(row | more)


def _decision(at_s: float, decision: str) -> bytes:
    return orjson.dumps({"type": "decision", "at": format_ms(_at(at_s)), "admission_id": "a1", "decision": decision})


def _score(truth: RunTruth, *lines: bytes) -> Score:
    return score(truth, read_heard(lines, {"a1": BED}))


def test_must_that_is_announced_in_time_counts_with_its_delay() -> None:
    found = _score(_truth(_expect(Verdict.MUST, 100, 400, "hypotension")), _alarm(160, "hypotension"))

    assert (found.sensitivity, found.families["hypotension"].delays_s, found.is_passed) == (1.0, [60.0], True)


def test_rule_that_was_the_first_to_announce_a_must_has_its_delay_and_a_false_alarm_is_its_own() -> None:
    truth = _truth(_expect(Verdict.MUST, 100, 400, "hypotension"), _expect(Verdict.MAY, 100, 400, "hypotension"))
    lines = [
        _alarm(190, "hypotension", alarm_id="2", rule_id="hypotension.sbp"),
        _alarm(160, "hypotension", alarm_id="1", rule_id="hypotension.map"),
        _alarm(900, "hypotension", alarm_id="3", rule_id="hypotension.sbp"),
    ]
    family = _score(truth, *lines).families["hypotension"]

    assert (family.rules["hypotension.map"].first, family.rules["hypotension.map"].delays_s) == (1, [60.0])
    assert (family.rules["hypotension.sbp"].first, family.rules["hypotension.sbp"].unexpected) == (0, 1)
    assert sum(rule.alarms for rule in family.rules.values()) == family.alarms == 3


@pytest.mark.parametrize(("at_s", "family"), [(401, "hypotension"), (160, "tachycardia")])
def test_must_that_is_announced_too_late_or_as_something_else_is_missed(at_s: float, family: str) -> None:
    found = _score(_truth(_expect(Verdict.MUST, 100, 400, "hypotension")), _alarm(at_s, family))

    assert found.sensitivity == 0.0
    assert [missed.families for missed in found.missed] == [("hypotension",)]
    assert not found.is_passed


def test_alarm_that_was_there_before_announces_a_must_without_delay() -> None:
    found = _score(_truth(_expect(Verdict.MUST, 100, 400, "hypotension")), _alarm(20, "hypotension"))

    assert found.sensitivity == 1.0
    assert found.families["hypotension"].delays_s == [0.0]


def test_alarm_that_ended_before_announces_nothing() -> None:
    lines = [_alarm(20, "hypotension"), _alarm(60, "hypotension", "end", "absent", to="off")]
    found = _score(_truth(_expect(Verdict.MUST, 100, 400, "hypotension")), *lines)

    assert found.sensitivity == 0.0


def test_latched_alarm_whose_condition_is_gone_announces_nothing_until_it_is_back() -> None:
    gone = [_alarm(20, "arrhythmia"), _alarm(60, "arrhythmia", "update", "absent", to="latched")]
    must = _truth(_expect(Verdict.MUST, 100, 400, "arrhythmia"))

    assert _score(must, *gone).sensitivity == 0.0
    assert _score(must, *gone, _alarm(120, "arrhythmia", "update")).sensitivity == 1.0


@pytest.mark.parametrize(
    ("verdict", "forbidden", "unexpected"), [(Verdict.MAY, 0, 0), (Verdict.MUST_NOT, 1, 0), (None, 0, 1)]
)
def test_alarm_is_explained_forbidden_or_unexpected(verdict: Verdict | None, forbidden: int, unexpected: int) -> None:
    expected = [] if verdict is None else [_expect(verdict, 100, 400, "hypotension")]
    found = _score(_truth(*expected), _alarm(160, "hypotension"))

    assert (found.forbidden, found.unexpected) == (forbidden, unexpected)
    assert found.is_passed == (forbidden == 0)


def test_alarm_at_a_bed_that_is_not_of_the_run_counts_for_nothing() -> None:
    found = _score(_truth(), _alarm(160, "hypotension", bed="b99"))

    assert found.families == {}


@pytest.mark.parametrize(
    ("said", "wrong", "dangerous"),
    [("hold", [], False), ("discontinue", [], False), ("proceed", ["proceed"], True), (None, [None], False)],
)
def test_decision_is_right_when_the_truth_allows_it_and_dangerous_when_it_lets_a_held_dose_go(
    said: str | None, wrong: list[str | None], dangerous: bool
) -> None:
    expected = DecisionExpectation(bed=BED, at_ms=_at(500), number=3, allowed=("hold", "discontinue"), why="af")
    lines = [_decision(10, "proceed") if said == "proceed" else _decision(400, said)] if said else []
    found = _score(_truth(decisions=(expected,)), *lines)

    assert [each.said for each in found.wrong_decisions] == wrong
    assert any(each.is_dangerous for each in found.wrong_decisions) == dangerous


def test_line_that_is_none_of_a_replay_is_refused() -> None:
    with pytest.raises(HeardError, match="line 1"):
        read_heard([b'{"at": 3}'], {})


@pytest.mark.parametrize("limit", VITAL_LIMITS, ids=lambda limit: f"{limit.signal}-{limit.limit:g}")
def test_bands_around_each_limit_are_in_order(limit: Any) -> None:
    ordered = [limit.certain, limit.limit, limit.possible]

    assert sorted(ordered, reverse=not limit.is_low) == ordered
    assert limit.sustained_s <= limit.announce_s
    assert limit.is_certain(limit.certain - (1 if limit.is_low else -1))
    assert not limit.is_certain(limit.limit)
    assert limit.is_possible(limit.limit)


def test_track_gives_a_span_when_the_answer_becomes_no() -> None:
    track = Track(BED, "x")

    assert [track.take(t, is_so) for t, is_so in ((0, False), (10, True), (20, True))] == [None, None, None]
    assert track.take(30, False) == TruthSpan(bed=BED, what="x", from_ms=10, to_ms=30)
    assert track.close(40) is None


def test_short_span_is_no_must_and_one_whose_time_runs_past_the_end_neither() -> None:
    def musts(lasts_s: float, end_s: float) -> int:
        span = TruthSpan(bed=BED, what="vital.certain.0", from_ms=_at(0), to_ms=_at(lasts_s))
        found = expectations(BedFacts(bed=BED, has_line=True), [span], _at(end_s))
        return sum(each.verdict is Verdict.MUST for each in found)

    assert (musts(250, 3600), musts(100, 3600), musts(250, 200)) == (1, 0, 0)


def test_bed_with_a_cuff_is_given_time_for_two_readings() -> None:
    span = TruthSpan(bed=BED, what="vital.certain.0", from_ms=_at(0), to_ms=_at(900))
    with_cuff = expectations(BedFacts(bed=BED, has_line=False), [span], _at(7200))
    with_line = expectations(BedFacts(bed=BED, has_line=True), [span], _at(7200))

    assert [e.verdict for e in with_cuff] == []
    assert [e.verdict for e in with_line] == [Verdict.MUST]


def _run(folder: Path, *lines: bytes) -> Path:
    write_truth(_truth(_expect(Verdict.MUST, 100, 400, "hypotension")), folder / "truth.ndjson")
    (folder / "replay.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    return folder


def test_score_command_says_what_was_found_and_writes_a_page(tmp_path: Path) -> None:
    app = typer.Typer()
    add_commands(app)
    run = _run(tmp_path, _alarm(160, "hypotension"))
    page = tmp_path / "score.html"

    passed = CliRunner().invoke(app, ["score", str(run), "--json", "--html", str(page)])
    plain = CliRunner().invoke(app, ["score", str(run)])
    failed = CliRunner().invoke(app, ["score", str(_run(tmp_path))])

    assert (passed.exit_code, plain.exit_code, failed.exit_code) == (0, 0, 1)
    (told,) = orjson.loads(passed.stdout)
    assert (told["sensitivity"], told["passed"], told["families"]["hypotension"]["delay_s"]["max"]) == (1.0, True, 60.0)
    assert "sensitivity 100.0% of 1 musts" in plain.stdout
    assert "missed" in failed.stdout
    assert told["families"]["hypotension"]["rules"]["hypotension.x"]["first"] == 1
    assert "hypotension.x" in plain.stdout
    html = page.read_text()
    assert html.startswith("<!doctype html>")
    assert "<svg" in html
    assert not [word for word in ("http://", "https://", "<script", "@import") if word in html]


def test_score_of_a_run_without_truth_or_output_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"truth\.ndjson"):
        score_run(tmp_path)
    write_truth(_truth(), tmp_path / "truth.ndjson")
    with pytest.raises(RunError, match=r"run\.ndjson"):
        score_run(tmp_path)


def test_page_escapes_what_comes_from_files() -> None:
    truth = _truth(_expect(Verdict.MUST, 100, 400, "hypotension"))
    found = _score(truth, _alarm(160, "<b>x</b>"))

    assert "<b>x</b>" not in score_page([(found, truth)])
    assert "&lt;b&gt;x&lt;/b&gt;" in score_page([(found, truth)])
