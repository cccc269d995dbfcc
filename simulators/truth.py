"""The truth of a run as a file: NDJSON, keys sorted, one fact or expectation a line; the same run, the same bytes.

Lines: `{"type":"run",…}` first, then `bed`, `dose`, `signature`, `span`, `expect` and `decision` lines, each by time.
Times are RFC 3339 UTC with milliseconds. `decision` says what the dose decision must be at the instant a dose is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simulators.oracle.expectations import BedFacts, Expectation, Verdict, expectations
from simulators.oracle.watch import TruthSpan
from streaming.instants import format_ms, parse_instant

_SIGNED_WITHIN_MS = 6 * 60_000


class TruthError(ValueError):
    """A truth file cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseTruth:
    """What was done about a dose that fell due."""

    bed: str
    number: int
    at_ms: int
    action: str
    """give, hold or end"""
    reasons: tuple[str, ...]
    is_by_label: bool
    started_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureTruth:
    """A signature."""

    bed: str
    at_ms: int
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionExpectation:
    """What the decision must be at an instant."""

    bed: str
    at_ms: int
    number: int
    allowed: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTruth:
    """All of it."""

    scenario: str
    seed: int
    start_ms: int
    end_ms: int
    beds: tuple[BedFacts, ...]
    spans: tuple[TruthSpan, ...]
    doses: tuple[DoseTruth, ...]
    signatures: tuple[SignatureTruth, ...]
    expected: tuple[Expectation, ...]
    decisions: tuple[DecisionExpectation, ...]

    @property
    def bed_days(self) -> float:
        """Beds times days."""
        return len(self.beds) * (self.end_ms - self.start_ms) / 86_400_000.0


def truth_of(
    *,
    scenario: str,
    seed: int,
    start_ms: int,
    end_ms: int,
    beds: list[BedFacts],
    spans: list[TruthSpan],
    doses: list[DoseTruth],
    signatures: list[SignatureTruth],
) -> RunTruth:
    """Puts together what is known and derives what is expected."""
    expected = [
        each for facts in beds for each in expectations(facts, [s for s in spans if s.bed == facts.bed], end_ms)
    ]
    return RunTruth(
        scenario=scenario,
        seed=seed,
        start_ms=start_ms,
        end_ms=end_ms,
        beds=tuple(beds),
        spans=tuple(sorted(spans, key=lambda s: (s.from_ms, s.bed, s.what))),
        doses=tuple(sorted(doses, key=lambda d: (d.at_ms, d.bed))),
        signatures=tuple(sorted(signatures, key=lambda s: (s.at_ms, s.bed))),
        expected=tuple(sorted(expected, key=lambda e: (e.from_ms, e.bed, e.verdict, e.families, e.to_ms))),
        decisions=tuple(_decisions(doses, spans, signatures)),
    )


def _decisions(
    doses: list[DoseTruth], spans: list[TruthSpan], signatures: list[SignatureTruth]
) -> Iterator[DecisionExpectation]:
    """For each due dose: hold while a row of the label certainly holds; proceed when none nearly does, and signed."""
    for dose in sorted(doses, key=lambda d: (d.at_ms, d.bed)):
        mine = [s for s in spans if s.bed == dose.bed]
        certain = [s for s in mine if s.what == "hold.certain" and s.from_ms + 60_000 <= dose.at_ms < s.to_ms]
        possible = any(s.what == "hold.possible" and s.from_ms - 60_000 <= dose.at_ms <= s.to_ms + 60_000 for s in mine)
        if certain:
            ends = any("ends the course" in s.detail for s in certain)
            allowed = ("discontinue",) if ends else ("hold", "discontinue")
            yield _decision(dose, allowed, certain[-1].detail)
        elif not dose.is_by_label:
            yield _decision(dose, ("hold", "discontinue", "proceed"), "the clinicians' own decision is signed after it")
        elif not possible and _is_signed(dose, signatures):
            yield _decision(dose, ("proceed",), "nothing withholds it, and it is signed")


def _is_signed(dose: DoseTruth, signatures: list[SignatureTruth]) -> bool:
    return any(
        s.bed == dose.bed and s.decision == "proceed" and 0 <= dose.at_ms - s.at_ms < _SIGNED_WITHIN_MS
        for s in signatures
    )


def _decision(dose: DoseTruth, allowed: tuple[str, ...], why: str) -> DecisionExpectation:
    return DecisionExpectation(bed=dose.bed, at_ms=dose.at_ms, number=dose.number, allowed=allowed, why=why)


# --- the file ---------------------------------------------------------------------------------------------------------


def truth_lines(truth: RunTruth) -> Iterator[bytes]:
    """The lines of a truth file, without newline."""
    yield _line(
        "run", scenario=truth.scenario, seed=truth.seed, start_at=format_ms(truth.start_ms),
        end_at=format_ms(truth.end_ms), bed_days=round(truth.bed_days, 6),
    )  # fmt: skip
    for facts in truth.beds:
        yield _line("bed", bed=facts.bed, has_line=facts.has_line, admission_id=facts.admission_id)
    for dose in truth.doses:
        started = None if dose.started_ms is None else format_ms(dose.started_ms)
        yield _line(
            "dose", bed=dose.bed, number=dose.number, at=format_ms(dose.at_ms), action=dose.action,
            reasons=list(dose.reasons), by_label=dose.is_by_label, started_at=started,
        )  # fmt: skip
    for signature in truth.signatures:
        yield _line("signature", bed=signature.bed, at=format_ms(signature.at_ms), decision=signature.decision)
    for span in truth.spans:
        yield _line("span", bed=span.bed, what=span.what, detail=span.detail, **_ends(span.from_ms, span.to_ms))
    for each in truth.expected:
        yield _line(
            "expect", verdict=each.verdict.value, bed=each.bed, families=list(each.families), why=each.why,
            **_ends(each.from_ms, each.to_ms),
        )  # fmt: skip
    for decision in truth.decisions:
        yield _line(
            "decision", bed=decision.bed, at=format_ms(decision.at_ms), number=decision.number,
            allowed=list(decision.allowed), why=decision.why,
        )  # fmt: skip


def write_truth(truth: RunTruth, path: Path) -> None:
    """Writes a truth file."""
    path.write_bytes(b"".join(line + b"\n" for line in truth_lines(truth)))


def write_labels(truth: RunTruth, recording: Path) -> Path:
    """Writes the musts of one family as labels beside a recording, as `vigil backtest` reads them; returns where."""
    stem = recording.name.removesuffix(".gz").removesuffix(".ndjson")
    path = recording.with_name(f"{stem}.labels.ndjson")
    admissions = {facts.bed: facts.admission_id for facts in truth.beds}
    labels = [
        {
            "admission_id": admissions[each.bed],
            "condition": each.families[0],
            "onset_at": format_ms(each.from_ms),
            "end_at": format_ms(each.to_ms),
        }
        for each in truth.expected
        if each.verdict is Verdict.MUST and len(each.families) == 1
    ]
    path.write_bytes(b"".join(orjson.dumps(label, option=orjson.OPT_SORT_KEYS) + b"\n" for label in labels))
    return path


def read_truth(path: Path) -> RunTruth:
    """Reads a truth file.

    Raises:
        TruthError: it cannot be read as one.
        OSError: it cannot be read at all.
    """
    try:
        return _parsed([orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise TruthError(f"{path.name}: {error!r}") from None


def _parsed(rows: list[dict[str, Any]]) -> RunTruth:
    run = rows[0]
    if run["type"] != "run":
        raise TruthError("the first line is no run")

    def of(kind: str) -> Iterable[dict[str, Any]]:
        return (row for row in rows if row["type"] == kind)

    return RunTruth(
        scenario=run["scenario"],
        seed=run["seed"],
        start_ms=_ms(run["start_at"]),
        end_ms=_ms(run["end_at"]),
        beds=tuple(
            BedFacts(bed=row["bed"], has_line=row["has_line"], admission_id=row["admission_id"]) for row in of("bed")
        ),
        spans=tuple(
            TruthSpan(
                bed=row["bed"], what=row["what"], from_ms=_ms(row["from"]), to_ms=_ms(row["to"]), detail=row["detail"]
            )
            for row in of("span")
        ),
        doses=tuple(
            DoseTruth(
                bed=row["bed"],
                number=row["number"],
                at_ms=_ms(row["at"]),
                action=row["action"],
                reasons=tuple(row["reasons"]),
                is_by_label=row["by_label"],
                started_ms=None if row["started_at"] is None else _ms(row["started_at"]),
            )
            for row in of("dose")
        ),
        signatures=tuple(
            SignatureTruth(bed=row["bed"], at_ms=_ms(row["at"]), decision=row["decision"]) for row in of("signature")
        ),
        expected=tuple(
            Expectation(
                verdict=Verdict(row["verdict"]),
                bed=row["bed"],
                families=tuple(row["families"]),
                from_ms=_ms(row["from"]),
                to_ms=_ms(row["to"]),
                why=row["why"],
            )
            for row in of("expect")
        ),
        decisions=tuple(
            DecisionExpectation(
                bed=row["bed"],
                at_ms=_ms(row["at"]),
                number=row["number"],
                allowed=tuple(row["allowed"]),
                why=row["why"],
            )
            for row in of("decision")
        ),
    )


def _ms(text: str) -> int:
    at_ms = parse_instant(text)
    if at_ms is None:
        raise TruthError(f"not an instant: {text!r}")
    return at_ms


def _ends(from_ms: int, to_ms: int) -> dict[str, Any]:
    return {"from": format_ms(from_ms), "to": format_ms(to_ms)}


def _line(kind: str, **members: Any) -> bytes:
    return orjson.dumps({"type": kind, **members}, option=orjson.OPT_SORT_KEYS)
