"""Commands on the wire: from a name and a JSON body to a typed command, or a rejection.

The one validation of commands: the web layer uses it before a command is journaled, the fold when it carries one out,
and a recording when it is replayed; so all three agree, and a journal that was once accepted stays readable.

Invariants: `parse_command` never raises on any body and depends on nothing but its arguments; `encode_command` gives
the same bytes for the same body whatever the order of its members. In a body, `null` means that an optional field is
absent, unknown fields are tolerated, and unknown members of `baseline` and `limits` are not: a mistyped limit must not
vanish.

Whether a command can be carried out (the bed is free, the alarm exists) is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import orjson

from gateway.wire.codec import (
    NAME_MAX,
    check_metrics,
    check_name,
    check_text,
    check_time,
    check_word,
    parse_object,
    wrong_type,
)
from gateway.wire.reasons import Malformed, Reason, field_path, quote
from gateway.wire.topics import is_level
from streaming.commands import (
    LIMITS_OFF_MAX_S,
    Acknowledge,
    Admit,
    AudioPause,
    Chart,
    Clock,
    Command,
    Course,
    Discharge,
    LimitsOff,
    Link,
    SelfCheck,
    Sign,
    Tick,
    Transfer,
)
from streaming.identity import BedId
from streaming.observation import Rejected
from streaming.rules.kinds import SELF_CHECK_PARTS

UNKNOWN_ACTOR = "unknown"
"""Who acted, where a recording does not say."""
NOTE_MAX = 1000
"""Characters of a note or a reason."""
PATIENT_NAME_MAX = 128
AUDIO_PAUSE_MAX_S = 120
FIGURES_MAX = 20
"""Figures of one self-check."""
FIGURE = (-1e15, 1e15)
PLANNED_AHEAD_MAX_MS = 31 * 24 * 3_600_000
"""A course may be ordered this long before its first dose."""

LINK_PARTS = frozenset({"broker"})
LINK_STATES = frozenset({"up", "down"})
DECISIONS = frozenset({"proceed", "hold", "discontinue"})

_Range = tuple[float, float]

DOSING_WEIGHT_KG: _Range = (25, 350)
BASELINE_WEIGHT_KG: _Range = (1, 500)
# The plausible ranges of the signals' metrics (streaming.nomenclature).
BASELINES: Mapping[str, _Range] = {"sbp": (30, 300), "map": (20, 250), "hr": (20, 300), "creatinine": (0.1, 25)}
LIMITS: Mapping[str, _Range] = {
    "sbp_alarm": (30, 300),
    "map_alarm": (20, 250),
    "sbp_hold": (30, 300),
    "hr_high": (20, 300),
    "hr_low": (20, 300),
    "spo2_low": (40, 100),
}
CLOCK_SPEED: _Range = (0.1, 100_000)
DOSE_IU_PER_KG: _Range = (1, 10_000_000)
INTERVAL_H: _Range = (0.5, 168)
DURATION_MIN: _Range = (1, 1440)
MAX_DOSES: tuple[int, int] = (1, 100)
CYCLE: tuple[int, int] = (1, 100)

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


class CommandName(StrEnum):
    """What may stand as `command` in a recording and as the name of a command entry."""

    ADMIT = "admit"
    COURSE = "course"
    CHART = "chart"
    ACKNOWLEDGE = "acknowledge"
    AUDIO_PAUSE = "audio_pause"
    LIMITS_OFF = "limits_off"
    SIGN = "sign"
    TRANSFER = "transfer"
    DISCHARGE = "discharge"
    LINK = "link"
    """Not asked for by anybody: the gateway's own connection to the broker came (`up`) or went (`down`)."""
    CLOCK = "clock"
    """Nor this: in a demo or a test, the speed of the gateway's clock."""
    SELF_CHECK = "self_check"
    """Nor this: a part of the gateway is well, or is not."""
    TICK = "tick"


def parse_command(name: str, body: bytes | Mapping[str, Any], received_ms: int) -> Command | Rejected:
    """The command, or why it is none.

    Args:
        name: One of `CommandName`.
        body: The JSON object, as bytes or already parsed: the HTTP request's body, plus the ids that the path carries
            (`admission_id`, `alarm_id`) and `actor`.
        received_ms: Gateway clock at receipt, milliseconds since 1970 UTC; times are judged against it.
    """
    parser = _PARSERS.get(name)
    if parser is None:
        return Malformed(Reason.UNKNOWN_COMMAND, f"{quote(name)} is not one of {', '.join(CommandName)}").rejected()
    try:
        return parser(_Body(parse_object(body if isinstance(body, bytes) else _encode_strictly(body)), received_ms))
    except Malformed as finding:
        return finding.rejected()


def encode_command(body: Mapping[str, Any]) -> bytes:
    """The body as it is journaled: compact JSON, keys sorted at every level.

    Raises:
        TypeError: the body holds what JSON cannot (an integer beyond 64 bits, an object of ours). A body that
            `parse_command` took does not.
    """
    return orjson.dumps(dict(body), option=orjson.OPT_SORT_KEYS)


def _encode_strictly(body: Mapping[str, Any]) -> bytes:
    # A parsed body goes through the bytes that will be journaled, so that it is judged as it will be read again.
    try:
        return encode_command(body)
    except TypeError:
        raise Malformed(Reason.NOT_JSON, "the body holds a value that JSON cannot") from None


class _Body:
    """The fields of one command, with the checks that each kind of field takes."""

    __slots__ = ("_fields", "_path", "received_ms")

    def __init__(self, fields: Mapping[str, Any], received_ms: int, path: str = "$") -> None:
        self._fields = fields
        self._path = path
        self.received_ms = received_ms

    def has(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def required(self, name: str) -> object:
        if not self.has(name):
            raise Malformed(Reason.MISSING_FIELD, f"{self.path(name)} is required")
        return self._fields[name]

    def path(self, name: str) -> str:
        return field_path(self._path, name)

    def name(self, name: str) -> str:
        return check_name(self.required(name), self.path(name))

    def optional_name(self, name: str) -> str | None:
        return self.name(name) if self.has(name) else None

    def identifier(self, name: str) -> str:
        text = check_text(self.required(name), self.path(name), NAME_MAX, least=1)
        if _ID.fullmatch(text) is None:
            raise Malformed(Reason.BAD_TEXT, f"{self.path(name)} may hold A-Z a-z 0-9 _ . : -, not {quote(text)}")
        return text

    def optional_identifier(self, name: str) -> str | None:
        return self.identifier(name) if self.has(name) else None

    def optional_text(self, name: str, most: int) -> str | None:
        return check_text(self._fields[name], self.path(name), most) if self.has(name) else None

    def word(self, name: str, allowed: frozenset[str]) -> str:
        return check_word(self.required(name), self.path(name), allowed)

    def number(self, name: str, within: _Range) -> float:
        value = self.required(name)
        if type(value) is not float and type(value) is not int:
            raise wrong_type(self.path(name), "a number", value)
        low, high = within
        if not low <= value <= high:
            raise Malformed(Reason.OUT_OF_RANGE, f"{self.path(name)} must be {low:g} to {high:g}, not {value:g}")
        return float(value)

    def integer(self, name: str, within: tuple[int, int]) -> int:
        if type(self.required(name)) is not int:
            raise wrong_type(self.path(name), "an integer", self._fields[name])
        return int(self.number(name, within))

    def numbers(self, name: str, known: Mapping[str, _Range]) -> Mapping[str, float]:
        if not self.has(name):
            return {}
        inner = self._fields[name]
        if not isinstance(inner, dict):
            raise wrong_type(self.path(name), "an object", inner)
        for member in inner:
            check_word(member, self.path(name), known)
        body = _Body(inner, self.received_ms, self.path(name))
        return {member: body.number(member, within) for member, within in known.items() if body.has(member)}

    def any_numbers(self, name: str) -> Mapping[str, float]:
        """An object of finite numbers under whatever names; empty where there is none."""
        if not self.has(name):
            return {}
        inner = self._fields[name]
        if not isinstance(inner, dict):
            raise wrong_type(self.path(name), "an object", inner)
        if len(inner) > FIGURES_MAX:
            raise Malformed(Reason.OUT_OF_RANGE, f"{self.path(name)} may hold {FIGURES_MAX} figures")
        body = _Body(inner, self.received_ms, self.path(name))
        return {check_name(member, body.path("*")): body.number(member, FIGURE) for member in sorted(inner)}

    def bed(self) -> BedId:
        return BedId(self._level("unit"), self._level("bed"))

    def _level(self, name: str) -> str:
        text = check_text(self.required(name), self.path(name), NAME_MAX, least=1)
        if not is_level(text):
            raise Malformed(Reason.BAD_TEXT, f"{self.path(name)} must be 1 to 32 of A-Z a-z 0-9 _ -, not {quote(text)}")
        return text

    def instant(self, name: str) -> int:
        return check_time(self.required(name), self.path(name), self.received_ms)

    def planned_instant(self, name: str) -> int:
        return check_time(self.required(name), self.path(name), self.received_ms, ahead_max_ms=PLANNED_AHEAD_MAX_MS)

    def actor(self) -> str:
        return self.name("actor") if self.has("actor") else UNKNOWN_ACTOR


def _admit(body: _Body) -> Admit:
    limits = body.numbers("limits", LIMITS)
    if "hr_low" in limits and "hr_high" in limits and limits["hr_low"] >= limits["hr_high"]:
        raise Malformed(Reason.OUT_OF_RANGE, "$.limits.hr_low must be below $.limits.hr_high")
    return Admit(
        admission_id=body.optional_identifier("admission_id"),
        patient_id=body.name("patient_id"),
        bed=body.bed(),
        name=body.optional_text("name", PATIENT_NAME_MAX),
        dosing_weight_kg=body.number("dosing_weight_kg", DOSING_WEIGHT_KG),
        baseline_weight_kg=body.number("baseline_weight_kg", BASELINE_WEIGHT_KG),
        baseline=body.numbers("baseline", BASELINES),
        profile=body.optional_name("profile"),
        limits=limits,
        actor=body.actor(),
    )


def _course(body: _Body) -> Course:
    return Course(
        admission_id=body.identifier("admission_id"),
        drug=body.name("drug"),
        dose_iu_per_kg=body.number("dose_iu_per_kg", DOSE_IU_PER_KG),
        interval_h=body.number("interval_h", INTERVAL_H),
        max_doses=body.integer("max_doses", MAX_DOSES),
        duration_min=body.number("duration_min", DURATION_MIN),
        first_dose_ms=body.planned_instant("first_dose_at"),
        cycle=body.integer("cycle", CYCLE) if body.has("cycle") else None,
        actor=body.actor(),
    )


def _chart(body: _Body) -> Chart:
    return Chart(
        admission_id=body.identifier("admission_id"),
        determined_ms=body.instant("time") if body.has("time") else None,
        metrics=check_metrics(body.required("metrics"), body.received_ms),
        actor=body.actor(),
    )


def _acknowledge(body: _Body) -> Acknowledge:
    return Acknowledge(
        alarm_id=body.identifier("alarm_id"),
        note=body.optional_text("note", NOTE_MAX),
        actor=body.actor(),
    )


def _audio_pause(body: _Body) -> AudioPause:
    return AudioPause(
        admission_id=body.identifier("admission_id"),
        seconds=body.integer("seconds", (0, AUDIO_PAUSE_MAX_S)),
        actor=body.actor(),
    )


def _limits_off(body: _Body) -> LimitsOff:
    if body.has("rule_id") and body.has("family"):
        raise Malformed(Reason.UNKNOWN_VALUE, "$.family may not stand beside rule_id")
    scope = "family" if body.has("family") else "rule_id"
    reason = check_text(body.required("reason"), body.path("reason"), NOTE_MAX, least=1)
    if not reason.strip():
        raise Malformed(Reason.BAD_TEXT, "$.reason must say something")
    return LimitsOff(
        admission_id=body.identifier("admission_id"),
        scope=scope,
        name=body.name(scope),
        reason=reason,
        seconds=body.integer("seconds", (0, LIMITS_OFF_MAX_S)),
        actor=body.actor(),
    )


def _sign(body: _Body) -> Sign:
    return Sign(
        admission_id=body.identifier("admission_id"),
        decision=body.word("decision", DECISIONS),
        reason=body.optional_text("reason", NOTE_MAX),
        actor=body.actor(),
    )


def _transfer(body: _Body) -> Transfer:
    return Transfer(admission_id=body.identifier("admission_id"), bed=body.bed(), actor=body.actor())


def _discharge(body: _Body) -> Discharge:
    return Discharge(admission_id=body.identifier("admission_id"), actor=body.actor())


def _link(body: _Body) -> Link:
    body.word("part", LINK_PARTS)
    return Link(is_up=body.word("state", LINK_STATES) == "up", actor=body.actor())


def _clock(body: _Body) -> Clock:
    return Clock(speed=body.number("speed", CLOCK_SPEED), actor=body.actor())


def _self_check(body: _Body) -> SelfCheck:
    well = body.required("well")
    if type(well) is not bool:
        raise wrong_type("$.well", "true or false", well)
    figures = body.any_numbers("figures")
    return SelfCheck(
        part=body.word("part", frozenset(SELF_CHECK_PARTS)),
        is_well=well,
        text=check_text(body.required("text"), body.path("text"), NOTE_MAX, least=1),
        figures=figures,
        actor=body.actor(),
    )


def _tick(body: _Body) -> Tick:  # noqa: ARG001 - one signature for all commands
    return Tick()


_PARSERS: Mapping[str, Callable[[_Body], Command]] = {
    CommandName.ADMIT: _admit,
    CommandName.COURSE: _course,
    CommandName.CHART: _chart,
    CommandName.ACKNOWLEDGE: _acknowledge,
    CommandName.AUDIO_PAUSE: _audio_pause,
    CommandName.LIMITS_OFF: _limits_off,
    CommandName.SIGN: _sign,
    CommandName.TRANSFER: _transfer,
    CommandName.DISCHARGE: _discharge,
    CommandName.LINK: _link,
    CommandName.CLOCK: _clock,
    CommandName.SELF_CHECK: _self_check,
    CommandName.TICK: _tick,
}
