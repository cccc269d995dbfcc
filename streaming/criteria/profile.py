"""From the text of a dosing profile (TOML) to criteria, with errors that name file, criterion and field.

Takes text and never opens a file. The hash is over the text as it stands, a site's changes included, so that one
changed character is another profile.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, TypeGuard

from streaming.criteria.criterion import (
    Counting,
    Criterion,
    CriterionClass,
    CriterionExample,
    DosingProfile,
    Stated,
)
from streaming.criteria.dose_limits import read_dose_limits
from streaming.criteria.kinds import Limit, leaves
from streaming.criteria.predicates import BASELINES, parse_predicate, read_flag
from streaming.nomenclature import METRICS, SIGNAL_UNITS
from streaming.rules.kinds import PatientLimit
from streaming.rules.table import ProfileError, Table

__all__ = ["ProfileError", "is_dosing_file", "is_site_file", "parse_dosing_profile", "parse_site_profile", "site_base"]

EVIDENCE = ("V", "S", "GK", "D")
EXPECTED = ("clear", "met", "unknown", "recovering", "resumable")
CONFIRM_MAX_S = 10.0
"""What lasts ten seconds is met within ten seconds."""
PLACEHOLDERS = ("title", "value", "unit", "limit", "since", "source", "resume")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_DAY_S = 86_400


def parse_dosing_profile(text: str, source: str) -> DosingProfile:
    """Read a dosing profile.

    Args:
        text: The TOML text.
        source: File name, for messages.

    Raises:
        ProfileError: The text is no valid profile.
    """
    return _profile(_document(text, source), source, sha256(text.encode()).hexdigest())


def is_site_file(text: str, source: str) -> bool:
    """Whether the text changes limits of another profile rather than being one."""
    return "site" in _document(text, source)


def is_dosing_file(text: str, source: str) -> bool:
    """Whether the text is about dose criteria, a site's changes to them included, rather than about alarms."""
    document = _document(text, source)
    return "criterion" in document or "site" in document


def site_base(text: str, source: str) -> str:
    """The id of the profile that a site's file changes."""
    return Table(source, _document(text, source)).table("site").text("profile")


def parse_site_profile(text: str, source: str, base_text: str, base_source: str) -> DosingProfile:
    """Read a site's file over the profile that it changes.

    It may change numbers and whether a criterion is required, each with a reason; who answers for it is named.

    Raises:
        ProfileError: Either text is not valid, or a change leads nowhere.
    """
    site = Table(source, _document(text, source))
    head = site.table("site")
    head.text("profile")
    approver = head.text("approver")
    document = _document(base_text, base_source)
    base = _profile(document, base_source, sha256(base_text.encode()).hexdigest())
    pinned = head.optional_text("profile_sha256")
    if pinned is not None and pinned != base.sha256:
        raise head.error("profile_sha256", f"is not the hash of {base_source}, which is {base.sha256}")
    document["profile"] |= {"id": head.text("id"), "version": head.text("version"), "title": head.text("title")}
    head.text("approved_on")
    head.end()
    changes = site.tables("override")
    site.end()
    if not changes:
        raise site.error("override", "must hold at least one change")
    for change in changes:
        _apply(document, Table(f"{source}, override", change), approver)
    both = sha256(f"{base_text}\n{text}".encode()).hexdigest()
    return _profile(document, source, both, based_on=base.id, approver=approver)


def _document(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{source}: {error}") from error


# --- a site's changes -------------------------------------------------------------------------------------------------


def _apply(document: dict[str, Any], change: Table, approver: str) -> None:
    """Change one number of a criterion or of the dose limits in place, and note who answers for it."""
    criterion_id = change.optional_text("criterion")
    path = change.text("field")
    change.text("reason")
    target = document["doses"] if criterion_id is None else _criterion_fields(document, change, criterion_id)
    name = path.rpartition(".")[2]
    place = _walk(target, path, change)
    if not isinstance(place, dict) or not isinstance(place.get(name), int | float):
        raise change.error("field", f"is {path!r}, which is no number of {criterion_id or 'the dose limits'}")
    place[name] = _changed(change, place[name])
    change.end()
    if criterion_id is not None:
        target |= {"approver": approver}


def _changed(change: Table, now: float) -> float:
    """The new value, a number or a flag as the one that stands there now."""
    if isinstance(now, bool):
        return read_flag(change, "value", default=now)
    value = change.take("value")
    if not _is_number(value):
        raise change.error("value", "must be a number")
    return value


def _criterion_fields(document: dict[str, Any], change: Table, criterion_id: str) -> dict[str, Any]:
    found = next((each for each in document["criterion"] if each["id"] == criterion_id), None)
    if found is None:
        raise change.error("criterion", f"is {criterion_id!r}, which the profile does not have")
    assert isinstance(found, dict)
    found.setdefault("required", True)
    return found


def _walk(fields: object, path: str, change: Table) -> Any:
    """The table in which the last name of `met.of.0.below` stands."""
    for step in path.split(".")[:-1]:
        if isinstance(fields, list) and step.isdigit() and int(step) < len(fields):
            fields = fields[int(step)]
        elif isinstance(fields, dict) and step in fields:
            fields = fields[step]
        else:
            raise change.error("field", f"is {path!r}: there is no {step!r}")
    return fields


# --- the profile ------------------------------------------------------------------------------------------------------


def _profile(
    fields: dict[str, Any], source: str, digest: str, based_on: str | None = None, approver: str | None = None
) -> DosingProfile:
    document = Table(source, fields)
    head = document.table("profile")
    counting = Counting(head.text("counting", list(Counting)))
    limits = dict(_patient_limits(document.table("patient_limits")))
    profile = DosingProfile(
        id=head.text("id"),
        version=head.text("version"),
        title=head.text("title"),
        sha256=digest,
        counting=counting,
        relative_to_discontinue=_whole_or_none(head, "relative_to_discontinue"),
        held_doses_to_discontinue=_whole_or_none(head, "held_doses_to_discontinue"),
        gates_min=_gates(head),
        doses=read_dose_limits(document.table("doses")),
        patient_limits=limits,
        criteria=tuple(_criterion(source, body) for body in document.tables("criterion")),
        based_on=based_on,
        approver=approver,
    )
    head.end()
    document.end()
    _check(source, profile)
    return profile


def _whole_or_none(table: Table, name: str) -> int | None:
    return table.integer(name, low=1, high=100) if name in table else None


def _gates(head: Table) -> tuple[int, ...]:
    field = head.take("gates_min")
    is_list = isinstance(field, list) and all(type(each) is int and 0 <= each <= 1440 for each in field)
    if not isinstance(field, list) or not is_list or sorted(set(field), reverse=True) != field or field[-1:] != [0]:
        raise head.error("gates_min", "must be minutes before the dose, descending to 0")
    return tuple(field)


def _patient_limits(table: Table) -> Iterator[tuple[str, PatientLimit]]:
    for name in table.names():
        body = table.table(name)
        limit = PatientLimit(name=name, low=body.number("low"), high=body.number("high"), unit=body.text("unit"))
        body.end()
        yield name, limit


def _criterion(source: str, body: Mapping[str, Any]) -> Criterion:
    name = body.get("id")
    if not isinstance(name, str) or not name:
        raise ProfileError(f"{source}: a criterion has no `id`")
    table = Table(f"{source}, criterion {name!r}", dict(body))
    evidence = table.text("evidence", EVIDENCE)
    resume_evidence = table.text("resume_evidence", EVIDENCE) if "resume_evidence" in table else evidence
    criterion = Criterion(
        id=table.text("id"),
        criterion_class=CriterionClass(table.text("class", list(CriterionClass))),
        title=table.text("title"),
        met=parse_predicate(table.take("met"), f"{table.where}, met"),
        resume=parse_predicate(table.take("resume"), f"{table.where}, resume") if "resume" in table else None,
        ends_course=read_flag(table, "ends_course", default=False),
        resume_text=table.text("resume_text"),
        dwell_ms=_seconds(table, "dwell_s", 7 * _DAY_S),
        confirm_ms=_seconds(table, "confirm_s", CONFIRM_MAX_S),
        is_required=read_flag(table, "required", default=True),
        reference=table.text("reference"),
        evidence=evidence,
        is_verified=read_flag(table, "verified", default=evidence in ("V", "S")),
        resume_evidence=resume_evidence,
        is_resume_verified=read_flag(table, "resume_verified", default=resume_evidence in ("V", "S")),
        note=table.optional_text("note"),
        approver=table.optional_text("approver"),
        text=_template(table),
        examples=tuple(_example(table.where, example) for example in table.tables("example")),
    )
    table.end()
    _check_resume(table, criterion)
    return criterion


def _seconds(table: Table, name: str, high: float) -> int:
    return round((table.optional_number(name, low=0, high=high) or 0) * 1000)


def _template(table: Table) -> str | None:
    text = table.optional_text("text")
    for found in _PLACEHOLDER.findall(text or ""):
        if found not in PLACEHOLDERS:
            raise table.error("text", f"has {{{found}}}; there are {', '.join(PLACEHOLDERS)}")
    return text


def _check_resume(table: Table, criterion: Criterion) -> None:
    if criterion.criterion_class.is_final and (criterion.resume is not None or criterion.dwell_ms):
        raise table.error("resume", "has no place here: what discontinues is lifted by a signature alone")
    if criterion.ends_course and criterion.resume is not None:
        raise table.error("resume", "has no place here: the course is over")


def _check(source: str, profile: DosingProfile) -> None:
    if not profile.criteria:
        raise ProfileError(f"{source}: needs at least one [[criterion]]")
    seen: set[str] = set()
    for criterion in profile.criteria:
        where = f"{source}, criterion {criterion.id!r}"
        if criterion.id in seen:
            raise ProfileError(f"{where}: stands twice")
        seen.add(criterion.id)
        _check_class(where, profile, criterion)
        _check_patient_limits(where, profile, criterion)
    is_consensus = profile.counting is Counting.CONSENSUS
    if is_consensus != (profile.relative_to_discontinue is not None):
        raise ProfileError(f'{source}: `relative_to_discontinue` belongs to `counting = "consensus"`, and it needs it')


def _check_class(where: str, profile: DosingProfile, criterion: Criterion) -> None:
    counted = criterion.criterion_class in (CriterionClass.RELATIVE, CriterionClass.ABSOLUTE)
    if counted != (profile.counting is Counting.CONSENSUS):
        raise ProfileError(
            f"{where}: `class` is {criterion.criterion_class.value!r}, which does not go with counting "
            f"{profile.counting.value!r}"
        )


def _check_patient_limits(where: str, profile: DosingProfile, criterion: Criterion) -> None:
    for predicate in (criterion.met, criterion.resume):
        for leaf in leaves(predicate) if predicate is not None else ():
            if isinstance(leaf, Limit) and leaf.patient_limit not in (None, *profile.patient_limits):
                raise ProfileError(f"{where}: patient limit {leaf.patient_limit!r} is not in [patient_limits]")


# --- test vectors -----------------------------------------------------------------------------------------------------


def _example(where: str, body: Mapping[str, Any]) -> CriterionExample:
    table = Table(f"{where}, example", dict(body))
    later_h = table.optional_number("later_h", low=0, high=1000)
    example = CriterionExample(
        given=read_stated(table, "given"),
        later=read_stated(table, "later") if "later" in table else None,
        later_h=1.0 if later_h is None else later_h,
        beats=table.integer("beats", low=1, high=10_000) if "beats" in table else None,
        monitor=read_flag(table, "monitor", default=True),
        baseline=read_numbers(table.table("baseline"), BASELINES),
        limits=read_numbers(table.table("limits")),
        expect=table.text("expect", EXPECTED),
    )
    table.end()
    return example


def read_numbers(table: Table, allowed: tuple[str, ...] | None = None) -> Mapping[str, float]:
    """Numbers by name, of `allowed` names where those are given."""
    for name in table.names():
        if allowed is not None and name not in allowed:
            raise table.error(name, f"is not one of {', '.join(allowed)}")
    return {name: table.number(name) for name in table.names()}


def read_stated(table: Table, name: str) -> Mapping[str, Stated]:
    """What a test vector says of a patient: values by signal, each with its age in hours."""
    body = table.table(name)
    return {signal: _values(body, signal) for signal in body.names()}


def _values(body: Table, signal: str) -> Stated:
    """One value now, or `[hours ago, value]` pairs."""
    if signal not in SIGNAL_UNITS:
        raise body.error(signal, "is no signal")
    field = body.take(signal)
    pairs: list[Any] = field if isinstance(field, list) else [[0, field]]
    if not all(_is_pair(signal, pair) for pair in pairs):
        raise body.error(signal, "must be a value of that signal, or a list of [hours ago, value]")
    return tuple((float(hours), value) for hours, value in pairs)


def _is_pair(signal: str, pair: object) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and _is_number(pair[0]) and _is_value(signal, pair[1])


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_value(signal: str, value: object) -> bool:
    spec = METRICS.get(signal)
    if spec is not None and spec.values is not None:
        return value in spec.values
    return _is_number(value)
