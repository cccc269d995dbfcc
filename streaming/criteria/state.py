"""The state machine of one criterion: clear, met, recovering, and not knowing.

Rules

    UNKNOWN ◀──unknown──▶ CLEAR ──met──▶ MET ──no longer met──▶ RECOVERING ──signed, resumable──▶ CLEAR
       └──────────met───────────────────▶ ▲                          │
                                          └──────────met─────────────┘

- A criterion is MET as soon as its predicate is TRUE, with one exception: where it names a confirmation time (up to
  10 s, for arterial line, oximeter and ECG), a value that contradicts another of less than a minute before must go on
  saying so that long. A stray beat of a stream then holds no dose; what persists is met within ten seconds; a first
  value, a cuff's, a charted one, and any source that speaks once a minute or less counts at once. A contradiction is
  forgotten when the old word came back for three seconds: one good beat in ten hides no lasting fall, two stray beats
  make none. What is believed does not depend on looks in between, as long as somebody looks when the answer changes.
- Not knowing never leaves MET or RECOVERING, and never enters CLEAR.
- RECOVERING says that it is no longer met. It is *resumable* when its resume predicate has been TRUE for its dwell, and
  waits for a signature all the same. A criterion of a class that discontinues stays MET until it is lifted.
- `lift` is the signature: what is resumable is CLEAR, and what discontinued begins anew from what is so now, events up
  to now left out. What still holds stays MET: the decision, not the criterion, remembers that somebody overrode it.

It knows neither the other criteria nor the decision.
"""

from __future__ import annotations

from copy import copy
from enum import StrEnum

from streaming.criteria.asking import NEVER_MS, TO_HOLD, TO_RESUME, Asking
from streaming.criteria.criterion import Criterion
from streaming.criteria.evaluate import evaluate
from streaming.criteria.facts import Facts, Reading
from streaming.criteria.finding import Finding
from streaming.criteria.kinds import FallFromPeak, Leaf, Limit, StateIs, leaves
from streaming.observation import Validity
from streaming.truth import Truth

FORGET_MS = 3_000
"""So long must a stream say the old word again before what contradicted it is forgotten. [D]"""


class State(StrEnum):
    """Where a criterion stands, as the contract names it."""

    CLEAR = "clear"
    MET = "met"
    RECOVERING = "recovering"
    UNKNOWN = "unknown"


class Steady:
    """A truth that a fast source must hold for a while before it is believed. See the rules above."""

    __slots__ = ("_back_ms", "_confirm_ms", "_pending_ms", "_truth", "began_ms")

    def __init__(self, confirm_ms: int) -> None:
        self._confirm_ms = confirm_ms
        self._truth = Truth.UNKNOWN
        self.began_ms = NEVER_MS
        """Determination time of the first value that said so."""
        self._pending_ms: int | None = None
        """Determination time of the first value that contradicts it."""
        self._back_ms: int | None = None
        """Since when, after that, values agree with it again."""

    @property
    def due_ms(self) -> int | None:
        """When what contradicts will be believed by time alone."""
        return None if self._pending_ms is None else self._pending_ms + self._confirm_ms

    def is_contradicted(self, truth: Truth) -> bool:
        """Whether an answer is the first that contradicts what is believed."""
        return (
            self._pending_ms is None
            and truth is not self._truth
            and truth is not Truth.UNKNOWN
            and self._truth is not Truth.UNKNOWN
        )

    def believe(self, truth: Truth, at_ms: int, now_ms: int, *, is_fast: bool) -> Truth:
        """Take what a value says; return what is believed.

        Args:
            truth: The answer.
            at_ms: Determination time of the value it rests on.
            now_ms: The instant of the question.
            is_fast: Whether that value's source spoke less than a minute before; asked of the first contradiction.
        """
        if truth is self._truth:
            self._agree(at_ms)
        elif truth is Truth.UNKNOWN or self._truth is Truth.UNKNOWN or self._is_confirmed(at_ms, now_ms, is_fast):
            self.began_ms = at_ms if self._pending_ms is None else self._pending_ms
            self._truth = truth
            self._pending_ms = self._back_ms = None
        return self._truth

    def _agree(self, at_ms: int) -> None:
        if self._pending_ms is None:
            return
        if self._back_ms is None:
            self._back_ms = at_ms
        if at_ms - self._back_ms >= FORGET_MS:
            self._pending_ms = self._back_ms = None

    def _is_confirmed(self, at_ms: int, now_ms: int, is_fast: bool) -> bool:
        """Whether a contradiction counts: it has lasted, or its source is too slow to wait for."""
        if self._pending_ms is None and not is_fast:
            return True
        is_forgotten = self._back_ms is not None and at_ms - self._back_ms >= FORGET_MS
        if self._pending_ms is None or is_forgotten:
            self._pending_ms = at_ms
        self._back_ms = None
        return now_ms - self._pending_ms >= self._confirm_ms


class CriterionState:
    """One criterion of one patient. Instants are gateway milliseconds."""

    __slots__ = (
        "_after_ms",
        "_asking",
        "_is_simple",
        "_peak_signals",
        "_peaks",
        "_reading",
        "_resume_since_ms",
        "_steady",
        "criterion",
        "finding",
        "met_finding",
        "resumable",
        "resume_finding",
        "since_ms",
        "state",
    )

    def __init__(self, criterion: Criterion, now_ms: int) -> None:
        self.criterion = criterion
        self.state = State.UNKNOWN
        self.since_ms = now_ms
        """Since when it is in this state; for MET, since when the patient was so where that is known."""
        self.resumable = False
        """RECOVERING: only the signature is missing."""
        self.finding = Finding(Truth.UNKNOWN)
        """The latest answer."""
        self.met_finding: Finding | None = None
        """The latest answer that was TRUE while it is, or was last, MET."""
        self.resume_finding: Finding | None = None
        """The latest answer to the resume predicate while RECOVERING."""
        self._steady = Steady(criterion.confirm_ms) if criterion.confirm_ms else None
        self._resume_since_ms: int | None = None
        self._after_ms = NEVER_MS
        self._asking = TO_HOLD
        asked = leaves(criterion.resume) if criterion.resume is not None else ()
        self._peak_signals = tuple(leaf.signal for leaf in asked if isinstance(leaf, FallFromPeak))
        self._peaks: dict[str, float] = {}
        self._is_simple = isinstance(criterion.met, StateIs) or (
            isinstance(criterion.met, Limit) and criterion.met.patient_limit is None
        )
        """Whether it asks one reading one question, so that the same reading gives the same answer."""
        self._reading: Reading | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """What it asks about the patient, to be met and to be resumed."""
        criterion = self.criterion
        return (*leaves(criterion.met), *(leaves(criterion.resume) if criterion.resume is not None else ()))

    def as_of(self, facts: Facts) -> CriterionState:
        """The same state with the value of now, for people: it is looked at only when it may have changed."""
        shown = copy(self)
        shown.finding = evaluate(self.criterion.met, facts, self._asking)
        if self.state is State.RECOVERING and self.resume_finding is not None and self.criterion.resume is not None:
            shown.resume_finding = evaluate(self.criterion.resume, facts, self._asking_to_resume)
        return shown

    @property
    def is_holding(self) -> bool:
        """Whether it stands in the way of a dose as far as is known."""
        return self.state is State.MET or self.state is State.RECOVERING

    def update(self, facts: Facts) -> bool:
        """Look at the patient anew; True when the state, or whether it is resumable, has changed."""
        if self._is_simple and self._is_as_before(facts):
            return False
        state, resumable = self.state, self.resumable
        finding = self.finding = evaluate(self.criterion.met, facts, self._asking)
        truth = finding.truth
        if self._steady is not None:
            truth = self._believed(self._steady, finding, facts)
        if truth is Truth.TRUE:
            self._meet(finding, facts)
        elif self.is_holding:
            self._recover(truth, facts)
        else:
            self._enter(State.CLEAR if truth is Truth.FALSE else State.UNKNOWN, facts.now_ms)
        return self.state is not state or self.resumable is not resumable

    def _is_as_before(self, facts: Facts) -> bool:
        """Whether the one reading that it rests on is the one already judged, and time alone changes nothing."""
        leaf = self.criterion.met
        assert isinstance(leaf, Limit | StateIs)
        reading = facts.current(leaf.signal, leaf.fresh_ms)
        last, self._reading = self._reading, reading
        if last is None or reading is None:
            return last is reading and self.state is State.UNKNOWN and self.finding.leaf is not None
        is_same = last is reading or (
            last.at_ms == reading.at_ms
            and last.value == reading.value
            and last.validity is reading.validity
            and last.source == reading.source
        )
        is_waiting = self._steady is not None and self._steady.due_ms is not None
        return is_same and not is_waiting and self.state is not State.RECOVERING

    def lift(self, facts: Facts) -> None:
        """A signature has dealt with what was found up to now."""
        is_resumable = self.state is State.RECOVERING and self.resumable
        if is_resumable or self.criterion.criterion_class.is_final:
            self._leave(facts)

    def due_ms(self, now_ms: int) -> int | None:
        """When time alone may change the state, as far as it is known to the instant; windows slide besides."""
        dues = [self.finding.due_ms, None if self._steady is None else self._steady.due_ms]
        if self.state is State.RECOVERING and self.resume_finding is not None:
            dues.append(self.resume_finding.due_ms)
        if self._resume_since_ms is not None:
            dues.append(self._resume_since_ms + self.criterion.dwell_ms)
        return min((due for due in dues if due is not None and due > now_ms), default=None)

    def _believed(self, steady: Steady, finding: Finding, facts: Facts) -> Truth:
        """What a fast source is believed to say."""
        now_ms = facts.now_ms
        at_ms = now_ms if finding.at_ms is None else finding.at_ms
        is_fast = steady.is_contradicted(finding.truth) and facts.is_stream(finding.source_signal, at_ms)
        return steady.believe(finding.truth, at_ms, now_ms, is_fast=is_fast)

    def _enter(self, state: State, at_ms: int) -> None:
        if self.state is not state:
            self.state = state
            self.since_ms = at_ms

    def _meet(self, finding: Finding, facts: Facts) -> None:
        if finding.truth is Truth.TRUE:
            self.met_finding = finding
        since_ms = finding.since_ms if self._steady is None else self._steady.began_ms
        self._enter(State.MET, facts.now_ms if since_ms is None else min(since_ms, facts.now_ms))
        self.resumable = False
        self._resume_since_ms = None
        self._note_peaks(facts)

    def _recover(self, truth: Truth, facts: Facts) -> None:
        """It holds the dose, and its predicate is not TRUE any more."""
        self._note_peaks(facts)
        if self.criterion.criterion_class.is_final or (truth is Truth.UNKNOWN and self.state is State.MET):
            return
        self._enter(State.RECOVERING, facts.now_ms)
        if truth is Truth.FALSE and self._may_resume(facts):
            if self._resume_since_ms is None:
                self._resume_since_ms = facts.now_ms
            self.resumable = facts.now_ms - self._resume_since_ms >= self.criterion.dwell_ms
        else:
            self._resume_since_ms = None
            self.resumable = False

    def _may_resume(self, facts: Facts) -> bool:
        """Whether the resume predicate holds now, whatever its dwell."""
        criterion = self.criterion
        if criterion.ends_course:
            return False
        if criterion.resume is None:
            return True
        self.resume_finding = evaluate(criterion.resume, facts, self._asking_to_resume)
        return self.resume_finding.truth is Truth.TRUE

    @property
    def _asking_to_resume(self) -> Asking:
        if not self._peaks and self._after_ms == NEVER_MS:
            return TO_RESUME
        return Asking(is_resumption=True, after_ms=self._after_ms, peaks=self._peaks)

    def _note_peaks(self, facts: Facts) -> None:
        for signal in self._peak_signals:
            reading = facts.current(signal)
            if reading is None or isinstance(reading.value, str):
                continue
            if reading.validity is Validity.VALID:  # from a doubtful peak any value has fallen
                self._peaks[signal] = max(reading.value, self._peaks.get(signal, reading.value))

    def _leave(self, facts: Facts) -> None:
        """Begin anew from what is so now."""
        self._after_ms = facts.now_ms
        self._asking = Asking(after_ms=facts.now_ms)
        self.resumable = False
        self._resume_since_ms = None
        self.resume_finding = None
        self._peaks = {}
        self._steady = Steady(self.criterion.confirm_ms) if self.criterion.confirm_ms else None
        self._reading = None
        self.finding = evaluate(self.criterion.met, facts, self._asking)
        if self.finding.truth is not Truth.TRUE:
            self._enter(State.CLEAR if self.finding.truth is Truth.FALSE else State.UNKNOWN, facts.now_ms)
