"""Recordings: bytes come back as they were, in order, and a damaged line is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from gateway.wire.codec import decode, decode_parsed_obs
from gateway.wire.recording import (
    ParsedObs,
    RecordedEntry,
    RecordingError,
    encode_entry,
    parse_lines,
    read_parsed,
    read_recording,
    write_recording,
)
from tests.support.bad_messages import NOW_MS, bad_messages, good_obs

TOPIC = "icu/v1/icu/b01/mon1/obs"
MESSAGE = RecordedEntry(received_ms=NOW_MS, topic=TOPIC, payload=good_obs())
COMMAND = RecordedEntry(received_ms=NOW_MS, command="discharge", body={"admission_id": "a", "actor": "b"})
TICK = RecordedEntry(received_ms=NOW_MS + 1000, command="tick", body={})


def read_line(line: str) -> RecordedEntry:
    return next(parse_lines([line.encode()]))


def test_message_of_canonical_json_is_written_as_json() -> None:
    expected = (
        b'{"received_at":"2026-11-23T10:11:12.345Z","topic":"icu/v1/icu/b01/mon1/obs","payload":{"a":[1,2.5,"x"]}}\n'
    )

    assert expected == encode_entry(RecordedEntry(received_ms=NOW_MS, topic=TOPIC, payload=b'{"a":[1,2.5,"x"]}'))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\x00",
        b"HR 101",
        b"[1, 2]",
        b'{"a": 1}',
        b'{"a":1}\n',
        b'{"a":1,"a":1}',
        b'{"a":1.50}',
        b'{"a":1e2}',
        b'{"a":-0}',
        b'{"a":18446744073709551616}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
)
def test_payload_that_would_not_come_back_as_it_was_is_written_as_base64(payload: bytes) -> None:
    line = encode_entry(RecordedEntry(received_ms=NOW_MS, topic=TOPIC, payload=payload))

    assert b'"payload_b64":' in line
    assert payload == read_line(line.decode()).payload


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"a": 1.50}', {"a": 1.5}),
        (b'{"a":1,"a":2}\n', {"a": 2}),
        (b"[1]", [1]),
        (b'"HR 101"', "HR 101"),
    ],
)
def test_json_stands_in_its_line_as_json_however_it_was_spelled(payload: bytes, shown: object) -> None:
    line = encode_entry(RecordedEntry(received_ms=NOW_MS, topic=TOPIC, payload=payload))

    assert orjson.loads(line)["payload"] == shown
    assert payload == read_line(line.decode()).payload


def test_what_is_no_json_stands_in_its_line_as_base64_alone() -> None:
    line = encode_entry(RecordedEntry(received_ms=NOW_MS, topic=TOPIC, payload=b"HR 101"))

    assert orjson.loads(line).keys() == {"received_at", "topic", "payload_b64"}


def test_every_bad_message_comes_back_byte_for_byte(tmp_path: Path) -> None:
    entries = [RecordedEntry(received_ms=NOW_MS, topic=bad.topic, payload=bad.payload) for bad in bad_messages()]
    write_recording(tmp_path / "bad.ndjson", entries)

    assert entries == list(read_recording(tmp_path / "bad.ndjson"))


@pytest.mark.parametrize("name", ["stay.ndjson", "stay.ndjson.gz"])
def test_entries_are_read_back_as_written(tmp_path: Path, name: str) -> None:
    entries = [MESSAGE, COMMAND, TICK]

    assert write_recording(tmp_path / name, entries) == 3
    assert entries == list(read_recording(tmp_path / name))


def test_file_ending_in_gz_is_compressed_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one.gz", "two.gz"):
        write_recording(tmp_path / name, [MESSAGE] * 100)

    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert gzip.decompress((tmp_path / "one.gz").read_bytes()) == encode_entry(MESSAGE) * 100


def test_foreign_spelling_of_a_payload_is_read_as_its_compact_encoding() -> None:
    payload = '{ "b" : 1.50, "a" : "\\u0041" }'
    line = f'{{ "payload" : {payload}, "topic":"{TOPIC}", "received_at":"2026-11-23T11:11:12+01:00" }}'

    assert read_line(line) == RecordedEntry(received_ms=NOW_MS - 345, topic=TOPIC, payload=b'{"b":1.5,"a":"A"}')


def test_tick_needs_no_body_and_unknown_members_are_tolerated() -> None:
    line = '{"received_at":"2026-11-23T10:11:13.345Z","command":"tick","remark":"by hand"}'

    assert read_line(line) == TICK


def test_body_is_encoded_as_the_journal_has_it() -> None:
    assert COMMAND.encoded_body == b'{"actor":"b","admission_id":"a"}'


def test_blank_lines_are_skipped_and_counted() -> None:
    good = encode_entry(TICK)

    assert list(parse_lines([b"\n", good, b"  \r\n"])) == [TICK]
    with pytest.raises(RecordingError, match=r"^line 3"):
        list(parse_lines([b"\n", good, b"{"]))


AT = '"received_at":"2026-11-23T10:11:12Z"'
BROKEN = [
    ("{", ""),
    ("[]", ""),
    ("null", ""),
    (f"{{{AT}}}", "topic"),
    (f'{{{AT},"topic":"t","command":"tick","payload":{{}}}}', "topic"),
    ('{"topic":"t","payload":{}}', "received_at"),
    ('{"received_at":1795428672345,"topic":"t","payload":{}}', "received_at"),
    ('{"received_at":"2026-11-23","topic":"t","payload":{}}', "received_at"),
    ('{"received_at":"0001-01-01T00:00:00+01:00","topic":"t","payload":{}}', "received_at"),
    (f'{{{AT},"topic":7,"payload":{{}}}}', "topic"),
    (f'{{{AT},"topic":"t"}}', "payload"),
    (f'{{{AT},"topic":"t","payload":{{}},"payload_b64":""}}', "payload"),
    (f'{{{AT},"topic":"t","payload":{{"a":2}},"payload_b64":"eyJhIjogMX0="}}', "payload"),
    (f'{{{AT},"topic":"t","payload":{"[" * 300}{"]" * 300}}}', "payload"),
    (f'{{{AT},"topic":"t","payload_b64":7}}', "payload_b64"),
    (f'{{{AT},"topic":"t","payload_b64":"a"}}', "payload_b64"),
    (f'{{{AT},"topic":"t","payload_b64":"a b="}}', "payload_b64"),
    (f'{{{AT},"topic":"t","payload_b64":"ü"}}', "payload_b64"),
    (f'{{{AT},"command":"drop","body":{{}}}}', "command"),
    (f'{{{AT},"command":["tick"],"body":{{}}}}', "command"),
    (f'{{{AT},"command":"discharge"}}', "body"),
    (f'{{{AT},"command":"discharge","body":[]}}', "body"),
    (f'{{{AT},"command":"tick","body":null}}', "body"),
]


@pytest.mark.parametrize(("line", "field"), BROKEN)
def test_damaged_line_is_named_with_its_field(line: str, field: str) -> None:
    with pytest.raises(RecordingError) as found:
        list(parse_lines([b"\n", line.encode()]))

    assert (2, field) == (found.value.line, found.value.field)
    assert str(found.value).startswith(f"line 2, {field}" if field else "line 2:")


def test_time_that_runs_back_is_an_error_when_read_and_when_written(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"^line 2, received_at: earlier"):
        list(parse_lines([encode_entry(TICK), encode_entry(MESSAGE)]))
    with pytest.raises(ValueError, match="before the one before"):
        write_recording(tmp_path / "back.ndjson", [TICK, MESSAGE])


@pytest.mark.parametrize("entry", [RecordedEntry(received_ms=0), RecordedEntry(received_ms=0, topic="t")])
def test_entry_that_is_neither_message_nor_command_cannot_be_written(entry: RecordedEntry) -> None:
    with pytest.raises(ValueError, match="an entry is"):
        encode_entry(entry)


def test_cut_recording_gives_what_is_whole_and_then_the_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.ndjson"
    path.write_bytes((encode_entry(MESSAGE) * 2)[:-10])
    entries = read_recording(path)

    assert next(entries) == MESSAGE
    with pytest.raises(RecordingError, match=r"^line 2"):
        next(entries)


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_damaged_compressed_recording_is_a_recording_error(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.ndjson.gz"
    write_recording(path, [RecordedEntry(received_ms=n, topic=TOPIC, payload=bytes([n])) for n in range(200)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])

    with pytest.raises(RecordingError, match="damaged"):
        list(read_recording(path))


def test_file_that_is_not_compressed_though_its_name_says_so_is_a_recording_error(tmp_path: Path) -> None:
    path = tmp_path / "plain.ndjson.gz"
    path.write_bytes(encode_entry(MESSAGE))

    with pytest.raises(RecordingError, match="damaged"):
        list(read_recording(path))


def outcome(entry: ParsedObs | RecordedEntry) -> object:
    """What the codec makes of a message."""
    if isinstance(entry, ParsedObs):
        return decode_parsed_obs(entry.topic, entry.fields, entry.received_ms)
    assert entry.topic is not None
    assert entry.payload is not None
    return decode(entry.topic, entry.payload, entry.received_ms)


def test_observations_kept_as_parsed_decode_as_their_bytes_do_good_or_bad(tmp_path: Path) -> None:
    path = tmp_path / "bad.ndjson"
    spelled = [
        b'{"received_at":"2026-11-23T10:11:12.345Z","topic":"%s","payload":%s}\n' % (each.topic.encode(), each.payload)
        for each in bad_messages()
        if b"\n" not in each.payload and is_json(each.payload)
    ]
    encoded = [encode_entry(MESSAGE), *(
        encode_entry(RecordedEntry(received_ms=NOW_MS, topic=each.topic, payload=each.payload))
        for each in bad_messages()
    )]  # fmt: skip
    path.write_bytes(b"".join([*encoded, *spelled]))

    parsed, read = list(read_parsed(path)), list(read_recording(path))

    assert [outcome(entry) for entry in parsed] == [outcome(entry) for entry in read]
    assert len(spelled) > 20
    assert sum(isinstance(entry, ParsedObs) for entry in parsed) > 20


def test_a_payload_nested_too_deep_is_refused_as_parsed_too(tmp_path: Path) -> None:
    path = tmp_path / "deep.ndjson"
    deep = b'{"metrics":' * 300 + b"1" + b"}" * 300
    path.write_bytes(b'{"received_at":"2026-11-23T10:11:12.345Z","topic":"%s","payload":%s}\n' % (TOPIC.encode(), deep))

    with pytest.raises(RecordingError, match="nested too deep"):
        list(read_parsed(path))


def is_json(payload: bytes) -> bool:
    try:
        orjson.dumps(orjson.loads(payload))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False
    return True
