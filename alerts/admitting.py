"""What is written down of a patient who is admitted: under which id, which dosing profile, with which own limits.

An id that nobody gave is derived from the patient, the bed and the instant: the same journal gives the same one. It
knows no beds: whether one is free is the ward's business.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from hashlib import sha256

from alerts.refusal import Refusal
from alerts.rulebook import Rulebook
from streaming.admission import Admission
from streaming.commands import Admit
from streaming.rules.kinds import AlarmProfile


def admission_for(command: Admit, rules: Rulebook, present: Container[str], now_ms: int) -> Admission:
    """The admission that the command asks for.

    Args:
        command: As it was given.
        rules: In force.
        present: Ids of the admissions that are present.
        now_ms: When.

    Raises:
        Refusal: One of the patient's own limits is outside of what the alarm profile or the dosing profile allows, the
            admission is present already, or there is no such dosing profile.
    """
    _check_limits(command.limits, rules.alarms)
    admission_id = command.admission_id or _new_id(command, now_ms)
    if admission_id in present:
        raise Refusal("already_admitted", f"admission {admission_id} is present in another bed", admission_id)
    return Admission(
        admission_id=admission_id,
        patient_id=command.patient_id,
        bed=command.bed,
        name=command.name,
        dosing_weight_kg=command.dosing_weight_kg,
        baseline_weight_kg=command.baseline_weight_kg,
        baseline=command.baseline,
        limits=command.limits,
        profile=_profile_for(command, rules),
        admitted_ms=now_ms,
    )


def _check_limits(limits: Mapping[str, float], profile: AlarmProfile) -> None:
    for name, value in limits.items():
        bounds = profile.patient_limits.get(name)
        if bounds is not None and not bounds.low <= value <= bounds.high:
            raise Refusal(
                "limit_out_of_range",
                f"limit {name} = {value:g} {bounds.unit} is outside {bounds.low:g} to {bounds.high:g}, which "
                f"profile {profile.id} allows",
            )


def _profile_for(command: Admit, rules: Rulebook) -> str:
    """Id of the dosing profile of an admission; of the alarm rules where there are no dosing profiles."""
    wanted = rules.forced_dosing or command.profile or (rules.usual_dosing if rules.dosing else rules.alarms.id)
    if rules.dosing and wanted not in rules.dosing:
        known = ", ".join(sorted(rules.dosing))
        raise Refusal("unknown_profile", f"there is no dosing profile {wanted}; there are {known}")
    out_of_range = rules.dosing[wanted].limits_out_of_range(command.limits) if rules.dosing else ()
    if out_of_range:
        raise Refusal("limit_out_of_range", f"limit {'; limit '.join(out_of_range)}")
    return wanted


def _new_id(command: Admit, now_ms: int) -> str:
    parts = (command.patient_id, command.bed.unit, command.bed.bed, str(now_ms))
    return "adm-" + sha256("\n".join(parts).encode()).hexdigest()[:16]
