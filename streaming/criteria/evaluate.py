"""What a predicate says about a patient now: TRUE, FALSE or UNKNOWN, with the evidence.

A question about one thing is answered by the module of its kind (`streaming.criteria.answers`); questions put together
are answered here.

Invariants
- No answer without a value: what nobody reported, or what is older than its limit, is UNKNOWN.
- A questionable value may hold a dose, never allow one: it may make the predicate of a hold TRUE and never FALSE, and
  the predicate of a resumption FALSE and never TRUE.
- A whole is decided as soon as its parts decide it, whatever the unknown ones are; the first part that has the truth of
  the whole speaks for it.
- The same facts give the same finding. Nothing is remembered here.

It does not know which criterion asks, nor what follows from the answer.
"""

from __future__ import annotations

from streaming.criteria.answers import changes, charted, present, rhythms, windows
from streaming.criteria.answers.judgement import (
    FALSE,
    TRUE,
    UNKNOWN,
    Answers,
    earliest_ms,
)
from streaming.criteria.asking import TO_HOLD, Asking
from streaming.criteria.facts import Facts
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import AllOf, AnyKnown, AnyOf, AtLeastOf, OrAlso, Predicate
from streaming.truth import Truth


def evaluate(predicate: Predicate, facts: Facts, asking: Asking = TO_HOLD) -> Finding:
    """Answer a predicate."""
    return _ANSWERS[type(predicate)](predicate, facts, asking)


def _all_of(predicate: AllOf, facts: Facts, asking: Asking) -> Finding:
    findings = []
    truth = TRUE
    for part in predicate.of:
        finding = _ANSWERS[type(part)](part, facts, asking)
        if finding.truth is FALSE:
            return finding
        if finding.truth is UNKNOWN:
            truth = UNKNOWN
        findings.append(finding)
    return _speaking(truth, findings)


def _any_of(predicate: AnyOf, facts: Facts, asking: Asking) -> Finding:
    findings = []
    truth = FALSE
    for part in predicate.of:
        finding = _ANSWERS[type(part)](part, facts, asking)
        if finding.truth is TRUE:
            return finding
        if finding.truth is UNKNOWN:
            truth = UNKNOWN
        findings.append(finding)
    return _speaking(truth, findings)


def _any_known(predicate: AnyKnown, facts: Facts, asking: Asking) -> Finding:
    findings = [_ANSWERS[type(part)](part, facts, asking) for part in predicate.of]
    truths = [finding.truth for finding in findings]
    return _speaking(TRUE if TRUE in truths else FALSE if FALSE in truths else UNKNOWN, findings)


def _or_also(predicate: OrAlso, facts: Facts, asking: Asking) -> Finding:
    first, *others = predicate.of
    finding = _ANSWERS[type(first)](first, facts, asking)
    if finding.truth is TRUE:
        return finding
    dues = [finding.due_ms]
    for part in others:
        other = _ANSWERS[type(part)](part, facts, asking)
        if other.truth is TRUE:
            return other
        dues.append(other.due_ms)
    return finding._replace(due_ms=earliest_ms(dues))


def _at_least_of(predicate: AtLeastOf, facts: Facts, asking: Asking) -> Finding:
    findings = [_ANSWERS[type(part)](part, facts, asking) for part in predicate.of]
    held = sum(finding.truth is TRUE for finding in findings)
    open_ = sum(finding.truth is UNKNOWN for finding in findings)
    if held >= predicate.times:
        return _speaking(TRUE, findings)
    return _speaking(FALSE if held + open_ < predicate.times else UNKNOWN, findings)


def _speaking(truth: Truth, findings: list[Finding]) -> Finding:
    """The first part that has the truth of the whole speaks for it; the others of that truth stand beside it."""
    agreeing = [each for each in findings if each.truth is truth]
    speaker = agreeing[0]
    since_ms = speaker.since_ms
    if truth is TRUE:  # it all holds since the last of them does
        since_ms = max((each.since_ms for each in agreeing if each.since_ms is not None), default=None)
    due_ms = earliest_ms(each.due_ms for each in findings)
    return Finding._make((truth, *speaker[1:9], since_ms, due_ms, speaker.leaf, tuple(agreeing[1:])))


_ANSWERS: Answers = {
    **present.ANSWERS,
    **changes.ANSWERS,
    **windows.ANSWERS,
    **charted.ANSWERS,
    **rhythms.ANSWERS,
    AllOf: _all_of,
    AnyOf: _any_of,
    AnyKnown: _any_known,
    OrAlso: _or_also,
    AtLeastOf: _at_least_of,
}
