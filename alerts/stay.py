"""One present admission as the ward keeps it: who it is, which alarms, which course was ordered.

Its rules and its dose decision are `alerts.rounds`'; what is known of the patient is with the bed
(`streaming.patient`).
"""

from __future__ import annotations

from alerts.book import AlarmBook
from alerts.current import Glances
from alerts.policy import PLAIN, AlarmPolicy
from streaming.admission import Admission
from streaming.commands import Course


class Stay:
    """One admission, in whichever bed it is now."""

    def __init__(self, admission: Admission, policy: AlarmPolicy = PLAIN) -> None:
        self.admission = admission
        self.book = AlarmBook(admission.admission_id, admission.bed, policy)
        self.course: Course | None = None
        self.glances = Glances()
