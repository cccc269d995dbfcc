"""The stay rules and infusion rules of one admission: asked, lasted, and what changed told.

Invariants
- A stay rule asks a predicate of the dose criteria (`streaming.criteria.evaluate`), an infusion rule what is wrong with
  an infusion (`streaming.therapy.findings`) or with the dose decision. Nothing is evaluated in two ways.
- Not knowing clears nothing and confirms nothing: what was present is INDETERMINATE until somebody knows again.
- One condition for each rule and subject. What is told depends on the answers and their instants only.

Nothing here reads a clock, a message or a bed; which rules to ask again, and when, is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from streaming.admission import Admission
from streaming.criteria.asking import TO_HOLD, TO_RESUME
from streaming.criteria.attention import names_of
from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import Facts
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import RhythmPresent, leaves
from streaming.freshness import CONTINUOUS
from streaming.instants import format_ms
from streaming.outcome import OutcomeChanged
from streaming.patient import OUTCOME_OF_CHANGE
from streaming.rules.condition import Change, ConditionPhase
from streaming.rules.kinds import DECISION, DURING_HOLD, AlarmProfile, InfusionRule, StayRule
from streaming.rules.lasting import Answer, LastingCondition
from streaming.stay_words import ending, sentence
from streaming.therapy.drugs import Drug
from streaming.therapy.findings import InfusionFinding, InfusionLimits, is_infusing
from streaming.therapy.patient_facts import PatientFacts
from streaming.truth import Truth

USUAL_LIMITS = InfusionLimits()
ASK_AGAIN_MS = 60_000
"""So soon is asked again whether a rhythm runs that nobody watches: a monitor that comes back reports no change."""
_ANSWER_OF = {Truth.TRUE: Answer.HOLDS, Truth.FALSE: Answer.OVER, Truth.UNKNOWN: Answer.UNKNOWN}
Evidence = dict[str, Any]
Why = Callable[[], str]
Key = tuple[int, str]
"""(index of a rule, subject)"""


@dataclass(frozen=True, slots=True)
class _Said:
    """An answer to a rule about a subject."""

    answer: Answer
    since_ms: int
    evidence: Callable[[], Evidence]
    """Asked for only when something is to be told."""
    due_ms: int | None = None
    """When time alone may change the answer."""
    finding: Finding | None = None
    """What the rule's predicate says, where it was asked."""


class _Watched:
    """One rule about one subject."""

    __slots__ = ("asked_ms", "condition", "evidence", "finding", "rule", "stands_until_ms", "subject")

    def __init__(self, rule: StayRule | InfusionRule, subject: str) -> None:
        self.rule = rule
        self.subject = subject
        self.condition = LastingCondition(
            onset_delay_ms=round(rule.onset_delay_s * 1000), clear_delay_ms=round(rule.clear_delay_s * 1000)
        )
        self.evidence: Evidence = {}
        """What was so when it last held, of an infusion rule."""
        self.finding: Finding | None = None
        """The same, of a stay rule."""
        self.asked_ms = 0
        self.stands_until_ms: int | None = None
        """Before this instant the last answer stands."""

    def note(self, said: _Said, *, is_news: bool) -> None:
        """Keep what holds now. The decision in words is asked for when there is something to tell, and not before."""
        if said.finding is not None:
            self.finding = said.finding
        elif is_news or not (isinstance(self.rule, InfusionRule) and self.rule.decisions):
            self.evidence = said.evidence()

    def last_evidence(self) -> Evidence:
        """What was so when it last held."""
        if isinstance(self.rule, StayRule) and self.finding is not None:
            return _stay_evidence(self.rule, self.finding)
        return self.evidence


class StayWatch:
    """The stay rules and infusion rules of one admission. Instants are gateway milliseconds."""

    __slots__ = (
        "_dues",
        "_facts_due_ms",
        "_findings",
        "_profile",
        "_spoken_for",
        "_subjects",
        "_watched",
        "admission",
        "limits",
        "rules",
    )

    def __init__(self, admission: Admission, profile: AlarmProfile, limits: InfusionLimits = USUAL_LIMITS) -> None:
        """Watch an admission.

        Args:
            admission: Who.
            profile: The alarm rules.
            limits: What counts as wrong with an infusion, as the dosing profile says.
        """
        self.admission = admission
        self.rules: tuple[StayRule | InfusionRule, ...] = profile.stay_rules + profile.infusion_rules
        """`which` of `look` are indexes into these."""
        self.limits = limits
        self._profile = {"id": profile.id, "version": profile.version, "sha256": profile.sha256}
        self._watched: dict[Key, _Watched] = {}
        """What is under way, by rule and subject."""
        self._facts_due_ms: int | None = None
        self._dues: list[int | None] = [None] * len(self.rules)
        """When time alone may change each answer, as the answer told."""
        self._findings: list[Finding | None] = [None] * len(self.rules)
        self._subjects = tuple(_subject_of(rule) for rule in self.rules)
        self._spoken_for = tuple(_continuous_of(rule) for rule in self.rules)

    def look(
        self,
        facts: Facts,
        decision: str | None,
        now_ms: int,
        which: Collection[int] | None = None,
        *,
        why: Why = str,
    ) -> list[OutcomeChanged]:
        """Ask the rules again; what changed.

        Args:
            facts: The patient at `now_ms`. Only `PatientFacts` knows pumps: of others no infusion rule is asked.
            decision: The dose decision in force; None where none is made.
            now_ms: The instant.
            which: Indexes of the rules to ask; all when None.
            why: The decision in words, asked for when a rule about it has something to tell.
        """
        asked = range(len(self.rules)) if which is None else sorted(which)
        found: list[OutcomeChanged] = []
        infusion_rules = []
        for i in asked:
            rule = self.rules[i]
            if isinstance(rule, StayRule):
                said = self._ask(rule, facts, self._spoken_for[i])
                self._dues[i], self._findings[i] = said.due_ms, said.finding
                found += self._take(i, {self._subjects[i]: said}, now_ms)
            else:
                infusion_rules.append((i, rule))
        if infusion_rules and isinstance(facts, PatientFacts):
            findings = facts.findings(self.limits)
            for i, rule in infusion_rules:
                said_of = _of_findings(rule, findings, facts) or _of_decision(rule, facts, decision, why)
                found += self._take(i, said_of, now_ms)
            self._facts_due_ms = facts.findings_due_ms(self.limits)
        return found

    def time_passed(self, now_ms: int) -> list[OutcomeChanged]:
        """Let time confirm and clear, where the last answer still stands."""
        found = []
        for key, watched in list(self._watched.items()):
            if watched.stands_until_ms is None or now_ms < watched.stands_until_ms:
                change = watched.condition.time_passed(now_ms)
                found += self._told(key, watched, change, now_ms)
        return found

    def due_ms(self, now_ms: int) -> int | None:
        """When to look again although nothing was reported: a delay is over, or an answer or a finding expires."""
        dues = [self._facts_due_ms]
        for watched in self._watched.values():
            dues += [watched.condition.due_ms, watched.stands_until_ms]
        return min((due for due in dues if due is not None and due > now_ms), default=None)

    def due_of(self, i: int) -> int | None:
        """When the rule of that index is to be asked again although nothing was reported, as its last answer told."""
        dues = [self._dues[i] if isinstance(self.rules[i], StayRule) else self._facts_due_ms]
        for (rule, _), watched in self._watched.items():
            if rule == i:
                is_open = watched.condition.indeterminate and _rests_on_monitor(watched.rule)
                dues += [watched.condition.due_ms, watched.asked_ms + ASK_AGAIN_MS if is_open else None]
        return min((due for due in dues if due is not None), default=None)

    def finding_of(self, i: int) -> Finding | None:
        """What the predicate of a stay rule last said; None while it is not asked."""
        return self._findings[i]

    def is_under_way(self, i: int) -> bool:
        """Whether a condition of the rule of that index holds, or may be about to."""
        return any(rule == i for rule, _ in self._watched)

    # --- asking -------------------------------------------------------------------------------------------------------

    def _ask(self, rule: StayRule, facts: Facts, spoken_for: tuple[str, ...]) -> _Said:
        if rule.is_of_course and facts.interval_began_ms is None:
            return _Said(Answer.OVER, facts.now_ms, dict)
        finding = evaluate(rule.met, facts, TO_HOLD)
        answer, dues = _ANSWER_OF[finding.truth], [finding.due_ms]
        if answer is Answer.HOLDS and not rule.believes_doubtful:
            finding = evaluate(rule.met, facts, TO_RESUME)
            answer = Answer.HOLDS if finding.truth is Truth.TRUE else Answer.UNKNOWN
        if answer is not Answer.HOLDS and rule.reset is not None:
            reset = evaluate(rule.reset, facts, TO_RESUME)
            answer = _unless_reset(answer, reset.truth)
            dues.append(reset.due_ms)
        if answer is Answer.OVER and not _are_spoken(spoken_for, facts):
            answer = Answer.UNKNOWN
        since_ms = facts.now_ms if finding.since_ms is None else finding.since_ms
        due_ms = min((due for due in dues if due is not None), default=None)
        return _Said(answer, since_ms, lambda: _stay_evidence(rule, finding), due_ms, finding)

    def evidence_now(
        self, rule: StayRule | InfusionRule, subject: str, facts: PatientFacts, decision: str | None, why: Why = str
    ) -> Evidence | None:
        """What a condition under way rests on at this moment; None when there is none, or its question is not answered
        with yes just now. Nothing is noted."""
        place = next((i for i, each in enumerate(self.rules) if each.id == rule.id), -1)
        watched = self._watched.get((place, subject))
        if watched is None:
            return None
        if isinstance(rule, StayRule):
            said: _Said | None = self._ask(rule, facts, self._spoken_for[place])
        else:
            answers = _of_findings(rule, facts.findings(self.limits), facts)
            said = (answers or _of_decision(rule, facts, decision, why)).get(subject)
        if said is None or said.answer is not Answer.HOLDS:
            return None
        return self._framed(watched, said.evidence())

    def _framed(self, watched: _Watched, evidence: Evidence) -> Evidence:
        """Evidence with what is the same for every rule."""
        rule = watched.rule
        return {
            "profile": self._profile,
            "onset_delay_s": rule.onset_delay_s,
            "since": format_ms(watched.condition.since_ms),
            "clears_when": ending(rule),
            "reference": rule.reference,
        } | evidence

    # --- telling ------------------------------------------------------------------------------------------------------

    def _take(self, i: int, said_of: dict[str, _Said], now_ms: int) -> list[OutcomeChanged]:
        """Take the answers to a rule. A subject that nobody speaks of any more is over."""
        found: list[OutcomeChanged] = []
        gone = [subject for rule, subject in self._watched if rule == i and subject not in said_of]
        for subject, said in [*said_of.items(), *((each, _Said(Answer.OVER, now_ms, dict)) for each in gone)]:
            key = (i, subject)
            watched = self._watched.get(key)
            if watched is None:
                if said.answer is not Answer.HOLDS:
                    continue
                watched = self._watched[key] = _Watched(self.rules[i], subject)
            change = watched.condition.take(said.answer, said.since_ms, now_ms)
            watched.stands_until_ms, watched.asked_ms = said.due_ms, now_ms
            if said.answer is Answer.HOLDS:
                is_waiting = watched.condition.phase is ConditionPhase.PENDING
                watched.note(said, is_news=is_waiting or change is not None)
            found += self._told(key, watched, change, now_ms)
        return found

    def _told(self, key: Key, watched: _Watched, change: Change | None, now_ms: int) -> list[OutcomeChanged]:
        condition = watched.condition
        if condition.is_idle:
            del self._watched[key]
        if change is None:
            return []
        rule, evidence = watched.rule, self._framed(watched, watched.last_evidence())
        if change is Change.INDETERMINATE:
            evidence["text"] = f"{evidence['text']}; not known now"
        return [
            OutcomeChanged(
                rule=rule,
                subject=watched.subject,
                outcome=OUTCOME_OF_CHANGE[change],
                at_ms=now_ms,
                onset_ms=condition.since_ms,
                evidence=evidence,
            )
        ]


def _rests_on_monitor(rule: StayRule | InfusionRule) -> bool:
    return isinstance(rule, StayRule) and any(isinstance(leaf, RhythmPresent) for leaf in leaves(rule.met))


def _subject_of(rule: StayRule | InfusionRule) -> str:
    """The signal that a stay rule is about; an infusion rule's subjects are what is found."""
    return next(leaves(rule.met)).signal if isinstance(rule, StayRule) else ""


def _continuous_of(rule: StayRule | InfusionRule) -> tuple[str, ...]:
    """The continuous signals of which a stay rule asks."""
    if not isinstance(rule, StayRule):
        return ()
    asked = names_of([*leaves(rule.met), *(leaves(rule.reset) if rule.reset is not None else ())])
    return tuple(dict.fromkeys(signal for signal in asked if signal in CONTINUOUS))


def _are_spoken(signals: tuple[str, ...], facts: Facts) -> bool:
    """Whether somebody says now what these are. A question may rest on a value for minutes after its source has fallen
    silent, and on a window for longer; but silence ends no alarm."""
    return not isinstance(facts, PatientFacts) or all(facts.is_spoken(signal) for signal in signals)


def _unless_reset(answer: Answer, reset: Truth) -> Answer:
    """What does not hold is over when its reset is so, and otherwise not."""
    if reset is Truth.TRUE:
        return Answer.OVER
    return Answer.UNKNOWN if Answer.UNKNOWN is answer or reset is Truth.UNKNOWN else Answer.BETWEEN


def _of_findings(rule: InfusionRule, findings: list[InfusionFinding], facts: PatientFacts) -> dict[str, _Said]:
    """What is found of the rule's kind, by subject."""
    if rule.is_of_course and facts.interval_began_ms is None:
        return {}
    return {each.subject: _of_finding(each) for each in findings if each.kind == rule.finding}


def _of_decision(rule: InfusionRule, facts: PatientFacts, decision: str | None, why: Why) -> dict[str, _Said]:
    """What a rule about the dose decision says; nothing of other rules."""
    if decision not in rule.decisions:
        return {}
    truth = Truth.FALSE
    if rule.finding == DURING_HOLD:
        truth = is_infusing(Drug.ALDESLEUKIN, facts.infusions.pumps, facts.now_ms)
    elif facts.doses.order is not None:
        truth = Truth.TRUE
    said = _Said(_ANSWER_OF[truth], facts.now_ms, lambda: _decision_evidence(rule, facts, decision, why))
    return {DURING_HOLD if rule.finding == DURING_HOLD else DECISION: said}


def _of_finding(finding: InfusionFinding) -> _Said:
    answer = Answer.HOLDS if finding.holds else Answer.OVER if finding.is_known else Answer.UNKNOWN
    return _Said(answer, finding.since_ms, lambda: dict(finding.evidence))


def _stay_evidence(rule: StayRule, finding: Finding) -> Evidence:
    evidence = {"text": sentence(rule, finding), **_evidence_of(finding)}
    if finding.also:
        evidence["also"] = [_evidence_of(each) for each in finding.also]
    if rule.is_estimated:
        evidence["estimated"] = True
    return evidence


def _evidence_of(finding: Finding) -> Evidence:
    """The values that an answer rests on. JSON-ready."""
    return {
        "signal": finding.source_signal,
        "value": finding.value,
        "unit": finding.unit,
        "limit": finding.limit,
        "at": format_ms(finding.at_ms) if finding.at_ms is not None else None,
        "source": finding.source,
        "coverage": round(finding.coverage, 4),
        "detail": finding.detail,
    }


def _decision_evidence(rule: InfusionRule, facts: PatientFacts, decision: str | None, why: Why) -> Evidence:
    word, reason = str(decision).upper(), why()
    dose = facts.doses.last
    tail = f": {reason}" if reason else ""
    if rule.finding == DECISION:
        return {"text": f"Dose decision is {word}{tail}", "decision": decision}
    running = f"Dose {dose.number}" if dose is not None else "Aldesleukin"
    pumps = [pump.name for pump in facts.infusions.pumps if pump.drug is Drug.ALDESLEUKIN and pump.is_infusing]
    return {
        "text": f"{running} running while decision is {word}{tail}",
        "decision": decision,
        "dose_number": dose.number if dose is not None else None,
        "pumps": pumps,
    }
