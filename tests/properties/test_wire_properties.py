"""Properties of the wire: it never raises, what is encoded is decoded, and half a message is no message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.wire.codec import decode, encode, encode_metric
from gateway.wire.commands import CommandName, encode_command, parse_command
from gateway.wire.reasons import Reason
from gateway.wire.recording import RecordedEntry, RecordingError, encode_entry, parse_lines
from gateway.wire.topics import Channel, device_topic
from streaming.identity import DeviceId
from streaming.instants import MAX_MS, MIN_MS, format_ms, parse_instant
from streaming.observation import (
    Decoded,
    EventMessage,
    MetricReading,
    ObsMessage,
    Rejected,
    StatusMessage,
    Validity,
)
from tests.support.bad_messages import NOW_MS, good_event, good_obs, good_status

DEVICE = DeviceId("icu", "b01", "dev1")
REASONS = frozenset(Reason)

channels = st.sampled_from(list(Channel))
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
printable = st.characters(codec="utf-8", exclude_categories=["C", "Z"])
names = st.text(printable, min_size=1, max_size=64)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=256)
instants = st.integers(946_684_800_000, NOW_MS + 24 * 3_600_000)
boots = st.text(printable, min_size=1, max_size=32)
sequence = st.integers(0, 2**63 - 1)
readings = st.builds(
    MetricReading,
    value=numbers | texts | st.none(),
    unit=st.none() | names,
    validity=st.sampled_from([v for v in Validity if v is not Validity.NOT_AVAILABLE]),
    determined_ms=st.none() | instants,
)
observations = st.builds(
    ObsMessage,
    boots,
    sequence,
    st.none() | instants,
    st.dictionaries(names, numbers | texts | st.none() | readings, max_size=8),
)
events = st.builds(
    EventMessage,
    boots,
    sequence,
    st.none() | instants,
    names,
    st.sampled_from(["start", "end", "tpoint"]),
    st.sampled_from([None, "high", "medium", "low"]),
    st.none() | texts,
    st.dictionaries(names, numbers | texts | st.none() | st.booleans(), max_size=5),
)
statuses = st.builds(
    StatusMessage,
    st.sampled_from(["online", "offline"]),
    st.sampled_from(["monitor", "pump", "scale", "urometer", "ventilator", "chart", "other"]),
    st.none() | texts,
    st.none() | boots,
    st.none() | instants,
)
messages = observations | events | statuses

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
fields = [
    "boot",
    "seq",
    "time",
    "metrics",
    "event",
    "phase",
    "priority",
    "text",
    "attributes",
    "state",
    "kind",
    "model",
]
near_misses = st.fixed_dictionaries(
    {"boot": st.just("a") | json_values, "seq": st.just(1) | json_values},
    optional=dict.fromkeys(fields[2:], json_values)
    | {"metrics": st.dictionaries(names, json_values | st.fixed_dictionaries({"value": json_values}))},
)


def topic_of(message: object) -> str:
    channel = {ObsMessage: Channel.OBS, EventMessage: Channel.EVENT, StatusMessage: Channel.STATUS}[type(message)]
    return device_topic(DEVICE, channel)


def assert_well_formed(found: Decoded | Rejected) -> None:
    if isinstance(found, Rejected):
        assert found.reason in REASONS
        assert found.detail.isprintable()
        assert len(found.detail) <= 300


@given(channels, st.binary(max_size=200))
def test_decode_never_raises_on_any_bytes(channel: Channel, payload: bytes) -> None:
    assert_well_formed(decode(device_topic(DEVICE, channel), payload, NOW_MS))


@given(channels, json_values | near_misses)
@settings(max_examples=400)
def test_decode_never_raises_on_any_json(channel: Channel, document: object) -> None:
    try:
        payload = orjson.dumps(document)
    except TypeError:  # a lone surrogate in a name
        payload = repr(document).encode(errors="surrogatepass")
    assert_well_formed(decode(device_topic(DEVICE, channel), payload, NOW_MS))


@given(st.sampled_from([good_obs(), good_event(), good_status()]), channels, st.data())
@settings(max_examples=400)
def test_decode_never_raises_on_a_damaged_message(good: bytes, channel: Channel, damage: st.DataObject) -> None:
    start = damage.draw(st.integers(0, len(good)))
    end = damage.draw(st.integers(start, min(len(good), start + 20)))
    payload = good[:start] + damage.draw(st.binary(max_size=20)) + good[end:]

    assert_well_formed(decode(device_topic(DEVICE, channel), payload, NOW_MS))


@given(st.text(max_size=200), st.integers(-(2**70), 2**70))
@example("icu/v1/a/b/c/obs", 0)
def test_decode_never_raises_on_any_topic_at_any_time(topic: str, received_ms: int) -> None:
    assert_well_formed(decode(topic, good_obs(), received_ms))


@given(messages)
@settings(max_examples=300)
def test_what_is_encoded_is_decoded_to_the_same(message: ObsMessage | EventMessage | StatusMessage) -> None:
    assert Decoded(DEVICE, message) == decode(topic_of(message), encode(message), NOW_MS)


@given(messages)
@settings(max_examples=50)
def test_every_strict_prefix_of_a_message_is_rejected(message: ObsMessage | EventMessage | StatusMessage) -> None:
    payload = encode(message)
    taken = [
        length
        for length in range(len(payload))
        if not isinstance(decode(topic_of(message), payload[:length], NOW_MS), Rejected)
    ]

    assert taken == []


@given(readings)
def test_reading_in_a_plain_message_and_among_others_is_the_same(reading: MetricReading) -> None:
    # The plain messages are checked by another way than the rest: both must follow the same rules.
    def decoded(metrics: dict[str, object]) -> object:
        payload = orjson.dumps({"boot": "a", "seq": 1, "metrics": metrics})
        found = decode(device_topic(DEVICE, Channel.OBS), payload, NOW_MS)
        assert isinstance(found, Decoded)
        assert isinstance(found.message, ObsMessage)
        return found.message.metrics["MDC_TEMP"]

    value = reading.value
    plain = decoded({"MDC_TEMP": value})
    assert plain == decoded({"MDC_TEMP": value, "MDC_OTHER": encode_metric(reading)}) == value


@given(st.integers(MIN_MS, MAX_MS))
def test_instant_comes_back_from_its_text(instant_ms: int) -> None:
    assert instant_ms == parse_instant(format_ms(instant_ms))


@given(st.integers(MIN_MS, MAX_MS))
def test_text_of_an_instant_is_that_of_the_standard_library(instant_ms: int) -> None:
    at = datetime(1, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms - MIN_MS)

    assert at.isoformat(timespec="milliseconds").replace("+00:00", "Z") == format_ms(instant_ms)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-1439, 1439))  # noqa: DTZ001
def test_instant_with_an_offset_is_that_of_the_standard_library(naive: datetime, offset_min: int) -> None:
    sign = "-" if offset_min < 0 else "+"
    text = f"{naive.isoformat()}{sign}{abs(offset_min) // 60:02d}:{abs(offset_min) % 60:02d}"
    elapsed = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)

    assert elapsed // timedelta(milliseconds=1) == parse_instant(text)


@given(st.text(max_size=40) | st.from_regex(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{0,4})?([Zz]|[+-]\d\d:?\d\d)?\s?"))
def test_parse_instant_never_raises_on_any_text(text: str) -> None:
    found = parse_instant(text)

    assert found is None or MIN_MS - 86_400_000 <= found <= MAX_MS + 86_400_000


@given(st.sampled_from([*CommandName, "drop"]), json_values | near_misses)
def test_parse_command_never_raises_and_reads_bytes_as_it_reads_the_parsed(name: str, document: object) -> None:
    body = document if isinstance(document, dict) else {"admission_id": document, "metrics": document}
    found = parse_command(name, body, NOW_MS)
    if isinstance(found, Rejected):
        assert found.reason in REASONS
        assert found.detail.isprintable()
    else:
        assert found == parse_command(name, encode_command(body), NOW_MS)


@given(st.lists(st.tuples(st.integers(MIN_MS, MAX_MS), st.text(st.characters(exclude_categories=["Cs"])), st.binary())))
def test_recording_gives_back_every_byte(received: list[tuple[int, str, bytes]]) -> None:
    received.sort(key=lambda one: one[0])
    entries = [RecordedEntry(received_ms=at, topic=topic, payload=payload) for at, topic, payload in received]

    assert entries == list(parse_lines([encode_entry(entry) for entry in entries]))


@given(messages)
def test_recording_of_an_encoded_message_is_readable_json(
    message: ObsMessage | EventMessage | StatusMessage,
) -> None:
    entry = RecordedEntry(received_ms=NOW_MS, topic=topic_of(message), payload=encode(message))
    line = encode_entry(entry)

    assert list(parse_lines([line])) == [entry]
    assert b'"payload":{' in line


@given(st.binary(max_size=120))
def test_parse_lines_raises_nothing_but_its_own_error(line: bytes) -> None:
    found: str | int
    try:
        found = len(list(parse_lines([line])))
    except RecordingError as error:
        found = str(error)

    assert found in (0, 1) or str(found).startswith("line 1")
