"""The evidence from public recordings: every stay replays, the pages are current, no difference is unexplained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evidence.backtest_page import stay_by_stay
from tests.evidence.backtests import backtest_mimic
from tests.evidence.comparison import compare
from tests.evidence.independent_hypotension import read_pressures
from tests.evidence.mimic import MimicEvidence, gather_bidmc, gather_mimic
from tests.evidence.replays import Episode
from tests.evidence.treatment_comparison import compare_pressors, compare_weights
from tests.support.mimic_tables import shared_recordings
from tests.support.sources import REPOSITORY

COMMITTED = REPOSITORY / "docs" / "evidence"
LARGEST_PICTURE = 200_000
SOME_STAYS = ("20345060", "22942076", "24294180", "25260176", "28019404", "29079034")
"""Short ones, with and without pressors: all of them under three profiles are run when the page is made."""

pytestmark = [
    pytest.mark.timeout(600),  # all stays are replayed once for all tests
    pytest.mark.xdist_group("charted stays"),
]


@pytest.fixture(scope="module")
def tables() -> Path:
    return shared_recordings("mimic-iv-demo")


@pytest.fixture(scope="module")
def evidence(tables: Path) -> MimicEvidence:
    return gather_mimic(tables)


def first_stale_line(pages: Mapping[str, str]) -> str | None:
    """Where a committed page is not what the recordings say now; None when all are."""
    for name, text in pages.items():
        committed = (COMMITTED / name).read_text(encoding="utf-8").splitlines()
        for number, (is_, should_be) in enumerate(zip(committed, text.splitlines(), strict=False), 1):
            if is_ != should_be:
                return f"{name}:{number}: {is_!r} is now {should_be!r}; run python -m tests.evidence.mimic"
        if len(committed) != len(text.splitlines()):
            return (
                f"{name}: {len(committed)} lines are now {len(text.splitlines())}; run python -m tests.evidence.mimic"
            )
    return None


def test_all_73_stays_replay_without_an_error_and_every_message_is_accounted_for(evidence: MimicEvidence) -> None:
    stays = evidence.replays.stays
    reasons = {reason for stay in stays for _, reason, _ in stay.rejected}

    assert len(stays) == 73
    assert all(stay.summary["received"] > 0 for stay in stays)
    assert [
        stay.stay
        for stay in stays
        if stay.summary["received"] != sum(stay.summary[key] for key in ("evaluated", "duplicate", "rejected"))
    ] == []
    assert evidence.replays.total("received") == evidence.replays.total("evaluated")
    assert reasons == {"unknown_unit"}


def test_committed_pages_on_the_charted_stays_are_what_the_recordings_say_now(evidence: MimicEvidence) -> None:
    assert first_stale_line(evidence.pages) is None
    assert evidence.replays.sha256 in (COMMITTED / "mimic-replay.md").read_text(encoding="utf-8")


def test_committed_page_on_the_monitor_numerics_is_what_the_recordings_say_now() -> None:
    pages = gather_bidmc(shared_recordings("bidmc"))

    assert first_stale_line(pages) is None
    assert "| recordings | 26 |" in pages["bidmc-replay.md"]


def test_a_page_with_another_figure_is_found_stale(evidence: MimicEvidence) -> None:
    pages = {name: text.replace("| stays | 73 |", "| stays | 74 |") for name, text in evidence.pages.items()}

    stale = first_stale_line(pages)

    assert stale is not None
    assert "'| stays | 74 |'" in stale


def test_every_hypotension_episode_that_differs_from_the_independent_count_is_explained_by_a_rule(
    evidence: MimicEvidence,
) -> None:
    differences = [difference for agreement in evidence.agreements for difference in agreement.differences]

    assert [difference for difference in differences if difference.because is None] == []
    assert [d for d in differences if frozenset(finding.also for finding in d.findings) != d.because] == []
    for agreement in evidence.agreements:
        assert agreement.engine
        assert agreement.with_all_rules == agreement.engine


def test_an_engine_that_ends_one_episode_a_minute_late_is_found_out(tables: Path, evidence: MimicEvidence) -> None:
    engine = {agreement.rule.rule_id: list(agreement.engine) for agreement in evidence.agreements}
    agreed = next(e for e in engine["hypotension.map_below_65"] if e in evidence.agreements[0].independent and e.end_ms)
    late = replace(agreed, end_ms=(agreed.end_ms or 0) + 60_000)
    engine["hypotension.map_below_65"] = [late if e == agreed else e for e in engine["hypotension.map_below_65"]]

    agreement = compare(read_pressures(tables), engine)[0]

    unexplained = [(d.engine, d.independent) for d in agreement.differences if d.because is None]
    assert unexplained == [((late,), (agreed,))]


def test_an_engine_that_misses_an_episode_or_invents_one_is_found_out(tables: Path, evidence: MimicEvidence) -> None:
    engine = {agreement.rule.rule_id: list(agreement.engine) for agreement in evidence.agreements}
    agreed = sorted(set(evidence.agreements[0].independent) & set(evidence.agreements[0].engine), key=str)
    missed, kept = agreed[0], agreed[-1]
    long_before_ms = kept.onset_ms - 86_400_000 * 400
    invented = Episode(kept.stay, long_before_ms, long_before_ms + 120_000, long_before_ms + 180_000)
    engine["hypotension.map_below_65"].remove(missed)
    engine["hypotension.map_below_65"].append(invented)

    agreement = compare(read_pressures(tables), engine)[0]

    unexplained = {(d.engine, d.independent) for d in agreement.differences if d.because is None}
    assert unexplained == {((), (missed,)), ((invented,), ())}


@pytest.mark.parametrize(
    "name", ["mimic-alarms-per-bed-day.png", "mimic-hypotension-agreement.png", "mimic-backtest-decisions.png"]
)
def test_committed_pictures_are_small(name: str) -> None:
    picture = (COMMITTED / name).read_bytes()

    assert picture.startswith(b"\x89PNG")
    assert len(picture) < LARGEST_PICTURE


def test_every_weight_gain_and_every_pressor_dose_that_differs_from_the_reckoning_is_explained_by_a_rule(
    evidence: MimicEvidence,
) -> None:
    weights, pressors = evidence.weights, evidence.pressors

    assert [d.place for d in weights.differences if d.because is None] == []
    assert [d.place for d in pressors.differences if d.because is None] == []
    assert weights.with_all_rules == weights.engine
    assert pressors.with_all_rules == pressors.engine
    assert len(weights.engine) > 20
    assert len(pressors.engine) > 1000


def test_an_engine_that_misses_a_gain_or_keeps_a_pressor_running_is_found_out(
    tables: Path, evidence: MimicEvidence
) -> None:
    stays = [replace(stay, crossings=set(stay.crossings)) for stay in evidence.replays.stays]
    heavier = next(stay for stay in stays if stay.crossings)
    heavier.crossings.pop()
    on_pressor = next(stay for stay in stays if stay.pressor_steps)
    last = on_pressor.pressor_steps[-1]
    on_pressor.pressor_steps = [*on_pressor.pressor_steps[:-1], replace(last, to_ms=last.to_ms + 60_000)]
    wrong = replace(evidence.replays, stays=tuple(stays))

    missed = [d.place[0] for d in compare_weights(tables, wrong).differences if d.because is None]
    late = [d.place for d in compare_pressors(tables, wrong).differences if d.because is None]

    assert missed == [heavier.stay]
    assert late == [(last.stay, last.drug)]


def test_committed_page_on_three_dosing_profiles_says_of_some_stays_what_their_recordings_say_now(
    tables: Path,
) -> None:
    committed = (COMMITTED / "mimic-backtest.md").read_text(encoding="utf-8")
    runs = backtest_mimic(tables, SOME_STAYS)

    assert [row for row in stay_by_stay(runs).splitlines() if row not in committed.splitlines()] == []
    for _, totals in runs:
        assert len(totals.stays) == len(SOME_STAYS)
        assert sum(totals.decision_ms.values()) == totals.bed_ms
        assert totals.decision_ms["proceed"] == 0
