"""When what is known of pumps, doses and findings is something else than when it was last looked at.

Time alone changes it: a pump falls silent, a dose runs too long, a rate becomes too old. It says that something has
changed, never what is wrong (`streaming.therapy.findings`).
"""

from __future__ import annotations

from streaming.criteria.attention import INTERVAL
from streaming.durations import NEVER_DUE_MS
from streaming.therapy.findings import InfusionLimits
from streaming.therapy.infusions import Infusions

INFUSIONS = "infusions"
"""What changes when a pump reports something new, and when time alone changes what is known of the pumps."""


class InfusionNews:
    """What the infusions of one stay were when somebody last asked. Instants are gateway milliseconds."""

    __slots__ = ("_findings_due_ms", "_infusions", "_silences", "due_ms")

    def __init__(self, infusions: Infusions, began_ms: int) -> None:
        self._infusions = infusions
        self.due_ms = began_ms
        """When time alone changes something about pumps, doses or findings."""
        self._findings_due_ms = began_ms
        """The same, the silence of pumps left out."""
        self._silences: list[tuple[str, bool, bool]] = []
        """Which pumps were silent when this was last looked at."""

    def look(self, now_ms: int, limits: InfusionLimits, *, is_reported: bool) -> tuple[str, ...]:
        """What has changed since the last look: `infusions`, `interval` and the pressors whose rate has.

        Args:
            now_ms: The instant.
            limits: Which findings are asked for.
            is_reported: Whether a pump has reported something, or a person has done something to a dose.
        """
        if not is_reported and now_ms < self.due_ms:
            return ()
        changed: tuple[str, ...] = ()
        silences = self._infusions.silences(now_ms)
        if is_reported or now_ms >= self._findings_due_ms or silences != self._silences:
            changed = (INFUSIONS, INTERVAL, *self._infusions.rates_changed(now_ms))
            due_ms = self._infusions.findings_due_ms(now_ms, limits)
            self._findings_due_ms = NEVER_DUE_MS if due_ms is None else due_ms
            self._silences = silences
        silence_ms = self._infusions.silence_due_ms(now_ms)
        self.due_ms = min(self._findings_due_ms, NEVER_DUE_MS if silence_ms is None else silence_ms)
        return changed
