"""The codec: what a device published, decoded into a message or rejected with a reason; and encoded back.

Invariants:
- `decode` never raises, whatever the bytes and the topic are: bad input is a `Rejected` with one of the closed list of
  reasons (`gateway.wire.reasons`), the JSON path and, shortened and escaped, what was found there.
- It depends on nothing but its arguments: the same topic, bytes and time of receipt give the same outcome, live or
  replayed.
- `decode(topic, encode(message), now)` gives `message` back.
- A message is taken whole or rejected whole. Fields that the contract does not know are tolerated anywhere (a later
  version of it may have them); of two members of the same name the last counts.

It judges the grammar only: names, types, limits and times that cannot be. Units, plausible ranges, repeats and clocks
are the engine's.

A plain message (numbers and nulls of known metrics only) is checked with two set operations over all its metrics;
everything else goes value by value. Both ways follow the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import orjson

from gateway.wire.diagnosis import diagnose_json
from gateway.wire.reasons import Malformed, Reason, field_path, quote
from gateway.wire.topics import Channel, parse_topic
from streaming.instants import format_ms, parse_instant
from streaming.nomenclature import METRICS
from streaming.observation import (
    DEVICE_KINDS,
    VALIDITY_BY_LABEL,
    Decoded,
    DeviceMessage,
    EventMessage,
    MetricReading,
    MetricValue,
    ObsMessage,
    Rejected,
    StatusMessage,
    Validity,
    WaveMessage,
)

PAYLOAD_MAX = 64 * 1024
"""Bytes."""
BOOT_MAX = 32
NAME_MAX = 64
"""Characters of a metric, event or attribute name, and of a unit."""
TEXT_MAX = 256
"""Characters of a text value, a device model, or a text attribute."""
EVENT_TEXT_MAX = 4096
"""Characters of the text of an event."""
SEQ_LIMIT = 2**63
"""A sequence number stays below this: it is kept as a signed 64-bit integer."""
EXACT_MAX = 2**53
"""Integers up to here are doubles as they stand."""
EARLIEST_MS = 946_684_800_000
"""2000-01-01T00:00:00Z: a device whose clock says less has no clock."""
AHEAD_MAX_MS = 24 * 3_600_000
"""A device clock may be this far ahead of the gateway's."""

PHASES = frozenset({"start", "end", "tpoint"})
PRIORITIES = frozenset({"high", "medium", "low"})
STATES = frozenset({"online", "offline"})
KINDS = frozenset(DEVICE_KINDS)

_Json: TypeAlias = dict[str, Any]

# C0, DEL, C1; soft hyphen; Arabic letter mark; zero-width, direction and separator signs; byte order mark; annotations;
# surrogates, which cannot be encoded; tags
_UNPRINTABLE = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\ud800-\\udfff\\ufffe\\uffff\\U000e0000-\\U000e007f]"
)
_PLAIN: frozenset[type] = frozenset({int, float, type(None)})
_SCALAR: frozenset[type] = frozenset({int, float, str, bool, type(None)})
_KNOWN_NAMES = frozenset(METRICS)
_SEEN_NAMES_MAX = 16_384
_seen_names: set[str] = set()
"""Unknown metric names found well-formed before; bounded, and only ever a shortcut."""


def decode(topic: str, payload: bytes, received_ms: int) -> Decoded | Rejected:
    """What a device said, or why it cannot be understood.

    Args:
        topic: As received.
        payload: As received, any bytes.
        received_ms: Gateway clock at receipt, milliseconds since 1970 UTC; times are judged against it.

    Returns:
        The decoded message with its sender, or the rejection, which names the sender where the topic does.
    """
    parsed = parse_topic(topic)
    if isinstance(parsed, Rejected):
        return parsed
    try:
        message = _DECODERS[parsed.channel](payload, received_ms)
    except Malformed as finding:
        return finding.rejected(parsed.device)
    return Decoded(parsed.device, message)


def decode_parsed_obs(topic: str, fields: _Json, received_ms: int) -> Decoded | Rejected:
    """What `decode` says of an observation that has been parsed already, as a line of a recording has.

    Args:
        topic: Of the channel `obs`.
        fields: The payload as parsed from JSON that is no larger than `PAYLOAD_MAX`; nothing in it is changed.
        received_ms: As for `decode`.
    """
    parsed = parse_topic(topic)
    if isinstance(parsed, Rejected):
        return parsed
    try:
        return Decoded(parsed.device, _obs_of(fields, received_ms))
    except Malformed as finding:
        return finding.rejected(parsed.device)


def _decode_obs(payload: bytes, received_ms: int) -> ObsMessage:
    return _obs_of(parse_object(payload), received_ms)


def _obs_of(fields: _Json, received_ms: int) -> ObsMessage:
    boot, seq = _identity(fields)
    time = fields.get("time", fields)
    device_ms = None if time is fields else check_time(time, "$.time", received_ms)
    metrics = fields.get("metrics", fields)
    if metrics is fields:
        raise Malformed(Reason.MISSING_FIELD, "$.metrics is required")
    return ObsMessage(boot, seq, device_ms, check_metrics(metrics, received_ms))


def _decode_event(payload: bytes, received_ms: int) -> EventMessage:
    fields = parse_object(payload)
    boot, seq = _identity(fields)
    return EventMessage(
        boot=boot,
        seq=seq,
        device_ms=_optional_time(fields, received_ms),
        event=check_name(_required(fields, "event"), "$.event"),
        phase=check_word(_required(fields, "phase"), "$.phase", PHASES),
        priority=check_word(fields["priority"], "$.priority", PRIORITIES) if "priority" in fields else None,
        text=check_text(fields["text"], "$.text", EVENT_TEXT_MAX) if "text" in fields else None,
        attributes=_check_attributes(fields["attributes"]) if "attributes" in fields else {},
    )


def _decode_status(payload: bytes, received_ms: int) -> StatusMessage:
    fields = parse_object(payload)
    return StatusMessage(
        state=check_word(_required(fields, "state"), "$.state", STATES),
        kind=check_word(_required(fields, "kind"), "$.kind", KINDS),
        model=check_text(fields["model"], "$.model", TEXT_MAX) if "model" in fields else None,
        boot=_check_boot(fields["boot"]) if "boot" in fields else None,
        device_ms=_optional_time(fields, received_ms),
    )


def _decode_wave(payload: bytes, received_ms: int) -> WaveMessage:  # noqa: ARG001 - one signature for all channels
    check_size(payload)
    return WaveMessage(len(payload))


_DECODERS: Mapping[Channel, Callable[[bytes, int], DeviceMessage]] = {
    Channel.OBS: _decode_obs,
    Channel.EVENT: _decode_event,
    Channel.STATUS: _decode_status,
    Channel.WAVE: _decode_wave,
}


def check_size(payload: bytes) -> None:
    """Rejects what is larger than a message may be."""
    if len(payload) > PAYLOAD_MAX:
        raise Malformed(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {PAYLOAD_MAX} are allowed")


def parse_object(payload: bytes) -> _Json:
    """The JSON object in `payload`; raises `Malformed` for anything else."""
    check_size(payload)
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise diagnose_json(payload, error.pos) from None
    if type(fields) is not dict:
        raise Malformed(Reason.NOT_OBJECT, f"a JSON object is required, not {_type_name(fields)}")
    return fields


def _identity(fields: _Json) -> tuple[str, int]:
    boot = fields.get("boot")
    seq = fields.get("seq")
    if type(boot) is not str or not 0 < len(boot) <= BOOT_MAX or not is_printable(boot):
        boot = _check_boot(_required(fields, "boot"))
    if type(seq) is not int or not 0 <= seq < SEQ_LIMIT:
        seq = _check_seq(_required(fields, "seq"))
    return boot, seq


def _required(fields: _Json, name: str, parent: str = "$") -> Any:
    try:
        return fields[name]
    except KeyError:
        raise Malformed(Reason.MISSING_FIELD, f"{field_path(parent, name)} is required") from None


def _check_boot(boot: object) -> str:
    text = check_text(boot, "$.boot", BOOT_MAX, least=1)
    if not is_printable(text):
        raise Malformed(Reason.BAD_TEXT, f"$.boot has characters that cannot be printed: {quote(text)}")
    return text


def _check_seq(seq: object) -> int:
    if type(seq) is not int:
        raise wrong_type("$.seq", "an integer", seq)
    if not 0 <= seq < SEQ_LIMIT:
        raise Malformed(Reason.OUT_OF_RANGE, f"$.seq must be 0 to 2^63 - 1, not {seq}")
    return seq


def _optional_time(fields: _Json, received_ms: int) -> int | None:
    return check_time(fields["time"], "$.time", received_ms) if "time" in fields else None


def check_time(time: object, path: str, received_ms: int, *, ahead_max_ms: int = AHEAD_MAX_MS) -> int:
    """Milliseconds since 1970 UTC of an RFC 3339 text or an integer, which must be believable."""
    if type(time) is str:
        instant_ms = parse_instant(time)
        if instant_ms is None:
            raise Malformed(Reason.BAD_TIME, f"{path} must be RFC 3339 with an offset, not {quote(time)}")
    elif type(time) is int:
        instant_ms = time
    else:
        raise wrong_type(path, "an RFC 3339 text or integer milliseconds", time)
    if not EARLIEST_MS <= instant_ms <= received_ms + ahead_max_ms:
        ahead = f"more than {ahead_max_ms // 3_600_000} h ahead of the gateway"
        bound = "before the year 2000" if instant_ms < EARLIEST_MS else ahead
        raise Malformed(Reason.ABSURD_TIME, f"{path} is {bound}: {quote(str(time))}")
    return instant_ms


def check_metrics(metrics: object, received_ms: int) -> Mapping[str, MetricValue]:
    """The metrics of an observation: names and values well-formed, objects turned into readings."""
    if type(metrics) is not dict:
        raise wrong_type("$.metrics", "an object", metrics)
    if _KNOWN_NAMES.issuperset(metrics):
        if _PLAIN.issuperset(map(type, metrics.values())):
            return metrics
    elif not _seen_names.issuperset(metrics):
        _check_metric_names(metrics)
    return {name: _check_metric(name, value, received_ms) for name, value in metrics.items()}


def _check_metric_names(metrics: _Json) -> None:
    for name in metrics:
        if name not in _seen_names:
            check_name(name, field_path("$.metrics", name))
    if len(_seen_names) + len(metrics) > _SEEN_NAMES_MAX:
        _seen_names.clear()
    _seen_names.update(metrics)


def _check_metric(name: str, value: object, received_ms: int) -> MetricValue:
    kind = type(value)
    if kind in _PLAIN:
        return _bounded(name, value)  # type: ignore[arg-type]  # int, float or None
    try:
        if kind is dict:
            return _check_reading(name, value, received_ms)  # type: ignore[arg-type]  # a dict
        if kind is str:
            return check_text(value, "", TEXT_MAX)
        raise wrong_type("", "a number, a text, null or an object", value)
    except Malformed as finding:  # the path is made only when it is needed
        raise finding.within(field_path("$.metrics", name)) from None


def _bounded(name: str, value: float | None) -> float | None:
    # An integer of more than 53 bits becomes the double that it stands for. A known metric's is out of its plausible
    # range and goes no further; one of an unknown metric would reach a store, and overflow a column of 64 bits there.
    return float(value) if type(value) is int and abs(value) > EXACT_MAX and name not in _KNOWN_NAMES else value


def _check_reading(name: str, reading: _Json, received_ms: int) -> MetricReading:
    value = _required(reading, "value", "")
    kind = type(value)
    if kind is str:
        check_text(value, ".value", TEXT_MAX)
    elif kind not in _PLAIN:
        raise wrong_type(".value", "a number, a text or null", value)
    return MetricReading(
        value=value if kind is str else _bounded(name, value),
        unit=check_name(reading["unit"], ".unit") if "unit" in reading else None,
        validity=_check_validity(reading["validity"]) if "validity" in reading else Validity.VALID,
        determined_ms=check_time(reading["time"], ".time", received_ms) if "time" in reading else None,
    )


def _check_validity(word: object) -> Validity:
    return VALIDITY_BY_LABEL[check_word(word, ".validity", VALIDITY_BY_LABEL)]


def _check_attributes(attributes: object) -> Mapping[str, float | str | bool | None]:
    if type(attributes) is not dict:
        raise wrong_type("$.attributes", "an object", attributes)
    for name, value in attributes.items():
        path = field_path("$.attributes", name)
        check_name(name, path)
        if type(value) not in _SCALAR:
            raise wrong_type(path, "a number, a text, true, false or null", value)
        if type(value) is str:
            check_text(value, path, TEXT_MAX)
    return attributes


def check_word(word: object, path: str, allowed: frozenset[str] | Mapping[str, object]) -> str:
    """A word of a closed list."""
    if type(word) is not str:
        raise wrong_type(path, "a text", word)
    if word not in allowed:
        raise Malformed(Reason.UNKNOWN_VALUE, f"{path} must be one of {', '.join(sorted(allowed))}, not {quote(word)}")
    return word


def is_printable(text: str) -> bool:
    """Whether `text` has no control, formatting or line-separating characters.

    For ASCII the standard library's word is taken; beyond it, it changes with every edition of Unicode, and a replay
    under another Python must come to the same end.
    """
    return text.isprintable() if text.isascii() else _UNPRINTABLE.search(text) is None


def check_name(name: object, path: str) -> str:
    """A name or unit: 1 to 64 printable characters."""
    text = check_text(name, path, NAME_MAX, least=1)
    if not is_printable(text):
        raise Malformed(Reason.BAD_TEXT, f"{path} has characters that cannot be printed: {quote(text)}")
    return text


def check_text(text: object, path: str, most: int, *, least: int = 0) -> str:
    """A text of `least` to `most` characters without NUL, which some stores cannot keep."""
    if type(text) is not str:
        raise wrong_type(path, "a text", text)
    if not least <= len(text) <= most:
        raise Malformed(Reason.OUT_OF_RANGE, f"{path} must have {least} to {most} characters, not {len(text)}")
    if "\0" in text:
        raise Malformed(Reason.BAD_TEXT, f"{path} contains NUL")
    return text


def wrong_type(path: str, wanted: str, found: object) -> Malformed:
    """The finding that a value has another type than it should."""
    return Malformed(Reason.WRONG_TYPE, f"{path} must be {wanted}, not {_type_name(found)}")


_TYPE_NAMES: Mapping[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def _type_name(found: object) -> str:
    return _TYPE_NAMES.get(type(found), "something else")


def encode(message: ObsMessage | EventMessage | StatusMessage) -> bytes:
    """The message as a device would publish it: compact JSON, fields in the contract's order, absent ones left out."""
    match message:
        case ObsMessage():
            fields = _encode_obs(message)
        case EventMessage():
            fields = _encode_event(message)
        case StatusMessage():
            fields = _encode_status(message)
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})


def _encode_obs(message: ObsMessage) -> _Json:
    metrics = {name: encode_metric(value) for name, value in message.metrics.items()}
    return {"boot": message.boot, "seq": message.seq, "time": _encode_time(message.device_ms), "metrics": metrics}


def _encode_event(message: EventMessage) -> _Json:
    return {
        "boot": message.boot,
        "seq": message.seq,
        "time": _encode_time(message.device_ms),
        "event": message.event,
        "phase": message.phase,
        "priority": message.priority,
        "text": message.text,
        "attributes": dict(message.attributes) or None,
    }


def _encode_status(message: StatusMessage) -> _Json:
    return {
        "state": message.state,
        "kind": message.kind,
        "model": message.model,
        "boot": message.boot,
        "time": _encode_time(message.device_ms),
    }


def encode_metric(value: MetricValue) -> object:
    """One metric value in its JSON form."""
    if not isinstance(value, MetricReading):
        return value
    reading: _Json = {"value": value.value}
    if value.unit is not None:
        reading["unit"] = value.unit
    if value.validity is not Validity.VALID:
        reading["validity"] = value.validity.label
    if value.determined_ms is not None:
        reading["time"] = _encode_time(value.determined_ms)
    return reading


def _encode_time(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else format_ms(instant_ms)
