"""When to look at one stay, and at what: the dose criteria, then the rules about the stay and its infusions.

A look is due when something was reported of which a question asks, when a continuous signal crosses a bound or comes
from elsewhere, and when time alone may change an answer; at most once a second, so that a burst costs one look. What
is not asked again is as it was: `streaming.criteria.attention` says why.
"""

from __future__ import annotations

from alerts.dosing import DoseDesk
from streaming.bed import Bed
from streaming.criteria.attention import INTERVAL, Attention, Bands, Changes, Pace, Span, bounds_of, names_of
from streaming.criteria.kinds import Leaf, leaves
from streaming.durations import NEVER_DUE_MS
from streaming.rules.kinds import InfusionRule, StayRule
from streaming.stay_watch import Evidence, StayWatch
from streaming.step import Step
from streaming.therapy.infusion_news import INFUSIONS
from streaming.therapy.patient_facts import PatientFacts

LOOK_EVERY_MS = 1_000
DECISION = "decision"
"""What changes when the dose decision does."""


class Rounds:
    """The looks at one stay. Instants are gateway milliseconds."""

    def __init__(self, facts: PatientFacts, watch: StayWatch, desk: DoseDesk | None, now_ms: int) -> None:
        self.desk = desk
        """Decision and doses; None without dosing profiles."""
        self.watch = watch
        """The rules about the stay and its infusions."""
        self.due_ms = now_ms
        """When the next look is due, whatever is reported until then."""
        self._facts = facts
        self._next_look_ms = now_ms
        """No look at what is reported before this."""
        asked = [leaf for rule in watch.rules for leaf in _leaves(rule)]
        of_desk = desk.leaves if desk is not None else ()
        self._bands = Bands([*asked, *of_desk], facts.limits, facts.baseline)
        met = [rule.met if isinstance(rule, StayRule) else None for rule in watch.rules]
        self._attention = Attention(
            met,
            now_ms,
            also=[_rests_on(rule) for rule in watch.rules],
            bounds=[bounds_of(_leaves(rule), facts.limits, facts.baseline) for rule in watch.rules],
        )
        self._reset_slides_ms = [_reset_slide_ms(rule) for rule in watch.rules]

    def is_wanted(self, now_ms: int, bed: Bed) -> bool:
        """Whether what was reported is worth a look, now or as soon as one may be."""
        if not (self._facts.has_changed or self._bands.crossed(bed.slots)):
            return False
        self.due_ms = min(self.due_ms, max(now_ms, self._next_look_ms))
        return True

    def look_soon(self, now_ms: int) -> None:
        """A person did something, which is looked at at once."""
        self.due_ms = self._next_look_ms = now_ms

    def put_off(self, until_ms: int) -> None:
        """The engine failed at this bed: no look before then, whatever was due."""
        self.due_ms = max(self.due_ms, until_ms)

    def look(self, step: Step, bed: Bed) -> None:
        """Look, where it is time; what was found goes into the step."""
        now_ms, facts = step.now_ms, self._facts
        if now_ms < self.due_ms and not (self.is_wanted(now_ms, bed) and now_ms >= self.due_ms):
            return
        known = facts.take_changes(now_ms, self.watch.limits)
        crossed = self._bands.look(bed.slots)
        changed: dict[str, Span | None] | None = None if known is None else {**crossed, **dict.fromkeys(known)}
        if self.desk is not None and (changed is None or changed or now_ms >= self.desk.due_ms):
            before = self.desk.book.decision
            step.effects += self.desk.look(now_ms, changed)
            if changed is not None and self.desk.book.decision is not before:
                changed[DECISION] = None
        self._look_at_rules(step, changed)
        if changed is None or changed:  # what only time changed keeps no report waiting
            self._next_look_ms = now_ms + LOOK_EVERY_MS
        self._schedule(now_ms)

    def decision_signed(self, step: Step) -> None:
        """Somebody has signed: the rules about the decision are looked at."""
        self._look_at_rules(step, (DECISION,))
        self._schedule(step.now_ms)

    def evidence_now(self, rule: StayRule | InfusionRule, subject: str, now_ms: int) -> Evidence | None:
        """What a condition under way rests on at this moment (`StayWatch.evidence_now`)."""
        facts, desk = self._facts, self.desk
        facts.now_ms = now_ms
        decision = desk.book.decision.value if desk is not None else None
        return self.watch.evidence_now(
            rule, subject, facts, decision, lambda: desk.book.summary(now_ms) if desk is not None else ""
        )

    def _look_at_rules(self, step: Step, changed: Changes | None) -> None:
        now_ms, watch = step.now_ms, self.watch
        which = self._attention.to_ask(now_ms, changed)
        if which:
            book = self.desk.book if self.desk is not None else None
            decision = book.decision.value if book is not None else None
            step.found += watch.look(
                self._facts, decision, now_ms, which, why=lambda: book.summary(now_ms) if book is not None else ""
            )
            for i in which:
                self._attention.answered(i, now_ms, watch.due_of(i), self._slide_ms(i))
        step.found += watch.time_passed(now_ms)

    def _slide_ms(self, i: int) -> int:
        """How often a rule is to be looked at although nothing was reported."""
        rule, finding = self.watch.rules[i], self.watch.finding_of(i)
        if not isinstance(rule, StayRule) or finding is None:
            return NEVER_DUE_MS
        if not self.watch.is_under_way(i):
            return self._attention.slide_ms(i, finding)
        return min(self._reset_slides_ms[i], self._attention.slide_ms(i))

    def _schedule(self, now_ms: int) -> None:
        watch_ms = self.watch.due_ms(now_ms)
        due_ms = min(
            self.desk.due_ms if self.desk is not None else NEVER_DUE_MS,
            self._facts.changes_ms,
            self._attention.due_ms,
            NEVER_DUE_MS if watch_ms is None else watch_ms,
        )
        self.due_ms = max(now_ms + 1, min(due_ms, self._next_look_ms) if self._facts.has_changed else due_ms)


def _leaves(rule: StayRule | InfusionRule) -> list[Leaf]:
    if isinstance(rule, InfusionRule):
        return []
    return [*leaves(rule.met), *(leaves(rule.reset) if rule.reset is not None else ())]


def _reset_slide_ms(rule: StayRule | InfusionRule) -> int:
    if isinstance(rule, InfusionRule) or rule.reset is None:
        return NEVER_DUE_MS
    return Pace(rule.reset).slide_ms(None)


def _rests_on(rule: StayRule | InfusionRule) -> list[str]:
    if isinstance(rule, InfusionRule):
        return [INFUSIONS, INTERVAL, DECISION]
    return [*names_of(_leaves(rule)), *((INTERVAL,) if rule.is_of_course else ())]
