"""The dose decision of one admission: what its criteria, its counts and its signatures come to.

Rules
- Order of strength: discontinue > hold > indeterminate > proceed. `computed` is what the criteria say: discontinue when
  one that discontinues is met, when as many relative ones as the profile counts are met at once (latched), or when so
  many doses were held; hold when any other is met or recovering; indeterminate when a required one is unknown; else
  proceed. It is never proceed while a required criterion is unknown.
- A signature that agrees with what is computed, or that says `proceed` when every criterion that holds is resumable and
  nothing required is unknown, needs no reason. Every other one, and every one that lifts a signed discontinue, is an
  *override* and needs one.
- `proceed` clears what is resumable, begins anew what had discontinued, and ends a signed hold or discontinue. `hold`
  and `discontinue` stand until another signature, whatever the criteria say.
- An override to something weaker than what is computed stands until the facts change, that is until the first of:
  a criterion is met that was not met when it was signed, or has not been since; a required criterion is unknown that
  was known then, or has been since; another dose is held; one hour after the dose it was signed for began; another
  signature. A value that gets worse while its criterion stays met is no such change: alarms are for that. Until then
  `decision` is what was signed, `computed` goes on saying what the criteria say, and both are shown.

Vigil advises; a clinician decides; nothing here commands anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from streaming.criteria.attention import INTERVAL, Attention, Changes, Pace, bounds_of, names_of
from streaming.criteria.criterion import CriterionClass, DosingProfile
from streaming.criteria.facts import Facts
from streaming.criteria.state import CriterionState, State
from streaming.criteria.words import headline, sentence, shown_finding
from streaming.instants import format_ms

Json = str | int | float | bool | None | Mapping[str, "Json"] | tuple["Json", ...] | list["Json"]

COVERED_DOSE_MS = 3_600_000
"""A signature covers the dose it was given for, which takes 12 to 20 min and may be paused. [D]"""


class Decision(StrEnum):
    """May the next dose be given? In order of strength, weakest first."""

    PROCEED = "proceed"
    INDETERMINATE = "indeterminate"
    HOLD = "hold"
    DISCONTINUE = "discontinue"

    @property
    def strength(self) -> int:
        """Greater overrules."""
        return _ORDER.index(self)


_ORDER = tuple(Decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDose:
    """The dose that the decision is about."""

    number: int
    due_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a clinician signed."""

    at_ms: int
    actor: str
    decision: Decision
    computed: Decision
    """What Vigil had computed."""
    reason: str | None
    is_override: bool
    covers: tuple[str, ...]
    """Criteria that were met, recovering or unknown when it was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionChanged:
    """The decision, or the state of a criterion, has changed. JSON-ready but for its instant."""

    at_ms: int
    admission_id: str
    decision: str
    computed: str
    summary: str
    profile: Mapping[str, Json]
    criteria: tuple[Mapping[str, Json], ...]
    signature: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature was taken; `changed` is what followed from it."""

    admission_id: str
    signature: Signature
    changed: DecisionChanged | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRefused:
    """A signature was not taken: nothing has changed."""

    reason: str
    """Machine-readable: `reason_required`."""
    detail: str


class _Override:
    """A signed decision that stands against what is computed, and the facts it stands on."""

    __slots__ = ("covered", "decision", "held_doses", "interval_began_ms")

    def __init__(self, decision: Decision, states: tuple[CriterionState, ...], facts: Facts) -> None:
        self.decision = decision
        self.covered = [state.state for state in states]
        self.held_doses = facts.held_doses
        self.interval_began_ms = facts.interval_began_ms

    def ends_ms(self, facts: Facts) -> int | None:
        """When the dose that it covers is over; None while that dose has not begun."""
        began_ms = facts.interval_began_ms
        return None if began_ms == self.interval_began_ms or began_ms is None else began_ms + COVERED_DOSE_MS

    def is_overtaken(self, states: tuple[CriterionState, ...], facts: Facts) -> bool:
        """Whether the facts have changed; what has become better is taken note of."""
        ends_ms = self.ends_ms(facts)
        if facts.held_doses != self.held_doses or (ends_ms is not None and facts.now_ms >= ends_ms):
            return True
        for i, state in enumerate(states):
            was, now = self.covered[i], state.state
            if now is not was:
                is_new_unknown = now is State.UNKNOWN and state.criterion.is_required
                if now is State.MET or is_new_unknown:
                    return True
                self.covered[i] = now
        return False


class DecisionBook:
    """The criteria of one admission and what was decided. Instants are gateway milliseconds."""

    __slots__ = (
        "_attention",
        "_counted",
        "_held_doses_lifted",
        "_is_counted_out",
        "_is_told",
        "_override",
        "_resume_paces",
        "_signed",
        "admission_id",
        "computed",
        "decision",
        "profile",
        "signature",
        "states",
    )

    def __init__(self, admission_id: str, profile: DosingProfile, now_ms: int, facts: Facts | None = None) -> None:
        """Begin with nothing known.

        Args:
            admission_id: Whose.
            profile: The criteria.
            now_ms: The instant.
            facts: The patient, whose own limits and values before treatment stay as they are; without them each change
                of a signal is looked at.
        """
        self.admission_id = admission_id
        self.profile = profile
        self.states = tuple(CriterionState(criterion, now_ms) for criterion in profile.criteria)
        self.computed = Decision.INDETERMINATE
        """What the criteria come to, signatures that override left out."""
        self.decision = Decision.INDETERMINATE
        """What counts: computed, or signed."""
        self.signature: Signature | None = None
        """The latest."""
        met = [criterion.met for criterion in profile.criteria]
        self._attention = Attention(
            met,
            now_ms,
            also=[names_of(state.leaves) for state in self.states],
            bounds=[bounds_of(state.leaves, facts.limits, facts.baseline) for state in self.states] if facts else (),
        )
        resumes = [criterion.resume for criterion in profile.criteria]
        self._resume_paces = [Pace(resume) if resume is not None else None for resume in resumes]
        self._is_told = False
        self._counted: str | None = None
        self._is_counted_out = False
        self._held_doses_lifted = 0
        self._signed: Decision | None = None
        """A signed hold or discontinue, which stands whatever the criteria say."""
        self._override: _Override | None = None

    # --- what happens -------------------------------------------------------------------------------------------------

    def update(self, facts: Facts, changed: Changes | None = None) -> DecisionChanged | None:
        """Look at the patient anew. To be called when something relevant has changed, and when `due_ms` has come.

        Args:
            facts: The patient now.
            changed: What has changed since the last look (`streaming.criteria.attention`); None when that is not
                known. When a criterion changes, all are looked at, so that what is told of any of them is of now.
        """
        which = self._attention.to_ask(facts.now_ms, changed)
        if not which and changed is not None and INTERVAL not in changed and self._override is None and self._is_told:
            return None
        is_changed = self._look_at(which, facts)
        if is_changed and changed is not None:
            self._look_at(range(len(self.states)), facts)
        return self._settle(facts, is_changed=is_changed)

    def _look_at(self, which: Collection[int], facts: Facts) -> bool:
        """Look at some criteria; True when one has changed."""
        is_changed, now_ms = False, facts.now_ms
        for i in which:
            state = self.states[i]
            is_changed |= state.update(facts)
            slide_ms = self._attention.slide_ms(i, state.finding)
            resume = self._resume_paces[i]
            if state.state is State.RECOVERING and resume is not None:
                slide_ms = min(slide_ms, resume.slide_ms(state.resume_finding))
            self._attention.answered(i, now_ms, state.due_ms(now_ms), slide_ms)
        return is_changed

    def sign(self, facts: Facts, decision: Decision, reason: str | None, actor: str) -> Signed | SignatureRefused:
        """Take a clinician's signature.

        Args:
            facts: The patient now.
            decision: `PROCEED`, `HOLD` or `DISCONTINUE`.
            reason: Needed where it overrides what is computed.
            actor: Who signs.
        """
        assert decision is not Decision.INDETERMINATE, "nobody can sign that nothing is known"
        changed = self.update(facts)
        before = self._look()
        is_override = self._is_override(decision)
        if is_override and not (reason or "").strip():
            return SignatureRefused(
                reason="reason_required",
                detail=f"the decision is {self.decision.value}: signing {decision.value} against it needs a reason",
            )
        self.signature = Signature(
            at_ms=facts.now_ms,
            actor=actor,
            decision=decision,
            computed=self.computed,
            reason=reason,
            is_override=is_override,
            covers=tuple(each.criterion.id for each in self.states if each.state is not State.CLEAR),
        )
        self._apply(decision, facts, is_override=is_override)
        after = self._settle(facts, is_changed=self._look() != before)
        return Signed(admission_id=self.admission_id, signature=self.signature, changed=after or changed)

    def due_ms(self, facts: Facts) -> int:
        """When time alone may change something; later than now."""
        due_ms = self._attention.due_ms
        ends_ms = self._override.ends_ms(facts) if self._override is not None else None
        return max(facts.now_ms + 1, due_ms if ends_ms is None or ends_ms <= facts.now_ms else min(due_ms, ends_ms))

    # --- what is shown ------------------------------------------------------------------------------------------------

    @property
    def open_criteria(self) -> tuple[str, ...]:
        """Ids of the criteria that are met or unknown, in the order of the profile (for the permit)."""
        return tuple(each.criterion.id for each in self.states if each.state in (State.MET, State.UNKNOWN))

    def view(self, facts: Facts, next_dose: NextDose | None) -> dict[str, Json]:
        """The answer to `GET /admissions/{id}/dose-decision` (contract, section 4). Changes nothing."""
        now_ms = facts.now_ms
        return {
            "decision": self.decision.value,
            "computed": self.computed.value,
            "evaluated_at": format_ms(now_ms),
            "profile": self._profile_json(),
            "next_dose": None if next_dose is None else self._next_dose_json(next_dose, now_ms),
            "summary": self.summary(now_ms),
            "signature": self._signature_json(),
            "criteria": [criterion_json(state.as_of(facts), now_ms) for state in self.states],
        }

    def summary(self, now_ms: int) -> str:
        """Why the decision is what it is, in one line."""
        if self.signature is not None and self._is_signed_now:
            by = f"{self.decision.value} signed by {self.signature.actor}"
            because = f" ({self.signature.reason})" if self.signature.reason else ""
            return by + because if self.decision is self.computed else f"{by}{because}; computed: {self._why(now_ms)}"
        return self._why(now_ms)

    def _look(self) -> list[tuple[State, bool]]:
        return [(state.state, state.resumable) for state in self.states]

    # --- the rules ----------------------------------------------------------------------------------------------------

    def _settle(self, facts: Facts, *, is_changed: bool) -> DecisionChanged | None:
        if self._override is not None and self._override.is_overtaken(self.states, facts):
            self._override = None
        computed, decision = self.computed, self.decision
        self.computed = self._compute(facts)
        self.decision = self._effective()
        if self._is_told and not is_changed and (computed, decision) == (self.computed, self.decision):
            return None
        self._is_told = True
        return self._changed(facts.now_ms)

    def _compute(self, facts: Facts) -> Decision:
        is_final = is_held = is_unknown = False
        relative = 0
        for each in self.states:
            state = each.state
            if state is State.CLEAR:
                continue
            if state is State.UNKNOWN:
                is_unknown = is_unknown or each.criterion.is_required
                continue
            is_held = True
            if state is State.MET:
                is_final = is_final or each.criterion.criterion_class.is_final
                relative += each.criterion.criterion_class is CriterionClass.RELATIVE
        self._counted = self._count(relative, facts)
        if is_final or self._counted is not None:
            return Decision.DISCONTINUE
        if is_held:
            return Decision.HOLD
        return Decision.INDETERMINATE if is_unknown else Decision.PROCEED

    def _count(self, relative: int, facts: Facts) -> str | None:
        """What the counts say, for people; None when they do not discontinue."""
        profile = self.profile
        too_many, too_often = profile.relative_to_discontinue, profile.held_doses_to_discontinue
        if too_many is not None and relative >= too_many:
            self._is_counted_out = self._override is None
            return f"{relative} relative criteria at once"
        if self._is_counted_out:
            return f"{too_many} relative criteria at once"
        if too_often is not None and facts.held_doses >= too_often and facts.held_doses > self._held_doses_lifted:
            return f"{facts.held_doses} doses held"
        return None

    def _effective(self) -> Decision:
        decision = self.computed if self._override is None else self._override.decision
        if self._signed is not None and self._signed.strength > decision.strength:
            return self._signed
        return decision

    @property
    def _is_signed_now(self) -> bool:
        """Whether a signature, rather than the criteria, makes the decision."""
        return self._override is not None or self.decision is self._signed

    def _is_override(self, decision: Decision) -> bool:
        if self._signed is Decision.DISCONTINUE and decision is not Decision.DISCONTINUE:
            return True
        if decision is not Decision.PROCEED:
            return decision is not self.computed
        if self.computed is Decision.HOLD:
            return not all(
                state.resumable or state.state is State.CLEAR or not _is_in_the_way(state) for state in self.states
            )
        return self.computed is not Decision.PROCEED

    def _apply(self, decision: Decision, facts: Facts, *, is_override: bool) -> None:
        is_weaker = is_override and decision.strength < self.computed.strength
        if decision is Decision.PROCEED or is_weaker:
            for state in self.states:
                if decision is Decision.PROCEED or state.criterion.criterion_class.is_final:
                    state.lift(facts)
            self._is_counted_out = False
            self._held_doses_lifted = facts.held_doses
        self._signed = None if decision is Decision.PROCEED else decision
        self._override = _Override(decision, self.states, facts) if is_weaker else None

    # --- JSON ---------------------------------------------------------------------------------------------------------

    def _why(self, now_ms: int) -> str:
        if self.computed is Decision.PROCEED:
            return "every criterion is clear"
        if self.computed is Decision.INDETERMINATE:
            unknown = [each for each in self.states if each.state is State.UNKNOWN and each.criterion.is_required]
            titles = list(dict.fromkeys(each.criterion.title for each in unknown))
            return f"not known: {', '.join(titles)}"
        holding = [each for each in self.states if each.is_holding]
        holding.sort(key=_rank)
        parts = [headline(each, now_ms) for each in holding]
        return "; ".join(parts if self._counted is None else [self._counted, *parts])

    def _changed(self, now_ms: int) -> DecisionChanged:
        return DecisionChanged(
            at_ms=now_ms,
            admission_id=self.admission_id,
            decision=self.decision.value,
            computed=self.computed.value,
            summary=self.summary(now_ms),
            profile=self._profile_json(),
            criteria=tuple(criterion_json(state, now_ms) for state in self.states),
            signature=self._signature_json(),
        )

    def _profile_json(self) -> dict[str, Json]:
        profile = self.profile
        body: dict[str, Json] = {"id": profile.id, "version": profile.version, "sha256": profile.sha256}
        return body if profile.approver is None else body | {"based_on": profile.based_on, "approver": profile.approver}

    def _next_dose_json(self, dose: NextDose, now_ms: int) -> dict[str, Json]:
        return {
            "number": dose.number,
            "due_at": format_ms(dose.due_ms),
            "gate": gate_at(self.profile, dose.due_ms, now_ms),
        }

    def _signature_json(self) -> dict[str, Json] | None:
        signature = self.signature
        if signature is None:
            return None
        return {
            "decision": signature.decision.value,
            "computed": signature.computed.value,
            "by": signature.actor,
            "at": format_ms(signature.at_ms),
            "reason": signature.reason,
            "override": signature.is_override,
            "covers": list(signature.covers),
            "stands": self._is_signed_now,
        }


def gate_at(profile: DosingProfile, due_ms: int, now_ms: int) -> str:
    """The latest gate that has been reached, as `T-30` or `T0`; the first one while none has."""
    reached = [minutes for minutes in profile.gates_min if now_ms >= due_ms - minutes * 60_000]
    minutes = reached[-1] if reached else profile.gates_min[0]
    return f"T-{minutes}" if minutes else "T0"


def criterion_json(state: CriterionState, now_ms: int) -> dict[str, Json]:
    """One criterion as the contract shows it (section 4), and what people need beside it."""
    criterion = state.criterion
    finding = shown_finding(state)
    return {
        "id": criterion.id,
        "class": criterion.criterion_class.value,
        "title": criterion.title,
        "state": state.state.value,
        "resumable": state.resumable,
        "since": format_ms(state.since_ms),
        "value": finding.value,
        "unit": finding.unit,
        "limit": finding.limit,
        "source_signal": finding.source_signal,
        "source": finding.source,
        "at": None if finding.at_ms is None else format_ms(finding.at_ms),
        "coverage": round(finding.coverage, 4),
        "resume": criterion.resume_text,
        "reference": criterion.reference,
        "evidence": criterion.evidence,
        "verified": criterion.is_verified,
        "resume_verified": criterion.is_resume_verified,
        "approver": criterion.approver,
        "required": criterion.is_required,
        "text": sentence(state, now_ms),
    }


def _is_in_the_way(state: CriterionState) -> bool:
    return state.is_holding or state.criterion.is_required


def _rank(state: CriterionState) -> int:
    """Order of weight: what discontinues, what is met, what recovers."""
    if state.state is State.RECOVERING:
        return 2
    return 0 if state.criterion.criterion_class.is_final else 1
