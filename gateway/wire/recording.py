"""Recordings: journal entries as NDJSON, one entry a line in order of receipt.

Invariants:
- A payload comes back byte for byte. JSON is written as `payload`, so that whoever reads a recording finds it there;
  where its compact encoding is not exactly the bytes received, `payload_b64` with the bytes stands beside it, and
  counts. What is no JSON has `payload_b64` alone. A recording written by somebody else may spell JSON as it likes; its
  payload is then the compact encoding of it.
- `received_at` never decreases.
- What cannot be read is a `RecordingError` that names line and field; nothing is skipped silently (blank lines are).
- Reading and writing stream: neither holds more than one line.

A file whose name ends in `.gz` is compressed. Written twice, the same entries give the same bytes, compressed or not.

Whether a topic, a payload or a body follows the grammar is not judged here: a recording of bad messages is a good
recording.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

import orjson

from gateway.wire.commands import CommandName, encode_command
from gateway.wire.reasons import quote
from streaming.instants import MAX_MS, MIN_MS, format_ms, parse_instant

LINE_MAX = 64 * 1024 * 1024
"""Bytes of a line: whatever a broker lets through fits many times over."""

PLAIN_LINE_MAX = 8 * 1024
"""Bytes of a line whose payload, however it is spelled, is within what a message may have."""
PLAIN_OBJECTS_MAX = 200
"""So many opening brackets may be nested, and can be encoded again."""

_COMMANDS = frozenset(CommandName)


class RecordingError(ValueError):
    """A line of a recording cannot be read."""

    def __init__(self, line: int, field: str, detail: str) -> None:
        where = f"line {line}, {field}" if field else f"line {line}"
        super().__init__(f"{where}: {detail}")
        self.line = line
        """From 1; 0 where no line is to blame."""
        self.field = field
        """Name of the member at fault; empty when it is the line as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEntry:
    """One entry: a message (`topic` and `payload`) or a command (`command` and `body`)."""

    received_ms: int
    topic: str | None = None
    payload: bytes | None = None
    command: str | None = None
    body: dict[str, Any] | None = None

    @property
    def encoded_body(self) -> bytes:
        """The command's body as it is journaled."""
        return encode_command(self.body or {})


class ParsedObs(NamedTuple):
    """An observation whose payload is kept as parsed, for those who would only parse it again."""

    received_ms: int
    topic: str
    fields: dict[str, Any]


_Entry = TypeVar("_Entry", bound=ParsedObs | RecordedEntry)


def read_parsed(path: Path) -> Iterator[ParsedObs | RecordedEntry]:
    """The entries as `read_recording` gives them, but observations as parsed: it saves encoding and parsing each again.

    What cannot be told to be small and plain at a glance comes as a `RecordedEntry`.

    Raises:
        RecordingError: as `read_recording` does.
        OSError: the file cannot be opened or read.
    """
    with _opened_for_reading(path) as stream:
        yield from _in_order(_lines(stream), _parse_obs_line)


def read_recording(path: Path) -> Iterator[RecordedEntry]:
    """The entries of a recording, in order.

    Raises:
        RecordingError: at the first line that cannot be read.
        OSError: the file cannot be opened or read.
    """
    with _opened_for_reading(path) as stream:
        yield from parse_lines(_lines(stream))


@contextmanager
def _opened_for_reading(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as decompressed:
            yield cast("IO[bytes]", decompressed)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(LINE_MAX + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise RecordingError(number, "", f"the compressed file is damaged: {error}") from error
        if not line:
            return
        if len(line) > LINE_MAX:
            raise RecordingError(number, "", f"longer than {LINE_MAX} bytes")
        yield line


def parse_lines(lines: Iterable[bytes]) -> Iterator[RecordedEntry]:
    """The entries of NDJSON lines, in order; raises `RecordingError` as `read_recording` does."""
    return _in_order(lines, _parse_line)


def _in_order(lines: Iterable[bytes], parse: Callable[[int, bytes], _Entry]) -> Iterator[_Entry]:
    latest_ms = MIN_MS
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry = parse(number, line)
        if entry.received_ms < latest_ms:
            raise RecordingError(number, "received_at", f"earlier than the line before ({format_ms(latest_ms)})")
        latest_ms = entry.received_ms
        yield entry


def _parse_obs_line(number: int, line: bytes) -> ParsedObs | RecordedEntry:
    members = _members(number, line)
    payload, topic = members.get("payload"), members.get("topic")
    is_plain = type(payload) is dict and len(members) == 3 and type(topic) is str and topic.endswith("/obs")
    if is_plain and len(line) <= PLAIN_LINE_MAX and line.count(b"{") + line.count(b"[") <= PLAIN_OBJECTS_MAX:
        return ParsedObs(_received_ms(number, members), cast("str", topic), cast("dict[str, Any]", payload))
    return _entry_of(number, members)


def _parse_line(number: int, line: bytes) -> RecordedEntry:
    return _entry_of(number, _members(number, line))


def _members(number: int, line: bytes) -> dict[str, Any]:
    try:
        members = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RecordingError(number, "", f"not JSON: {error.msg}") from None
    if type(members) is not dict:
        raise RecordingError(number, "", "not a JSON object")
    return members


def _entry_of(number: int, members: dict[str, Any]) -> RecordedEntry:
    received_ms = _received_ms(number, members)
    if ("topic" in members) == ("command" in members):
        raise RecordingError(number, "topic", "a line has either a topic or a command")
    if "topic" in members:
        topic = _text(number, members, "topic")
        return RecordedEntry(received_ms=received_ms, topic=topic, payload=_payload(number, members))
    return RecordedEntry(received_ms=received_ms, command=_command(number, members), body=_body(number, members))


def _received_ms(number: int, members: dict[str, Any]) -> int:
    text = _text(number, members, "received_at")
    received_ms = parse_instant(text)
    if received_ms is None or not MIN_MS <= received_ms <= MAX_MS:
        raise RecordingError(number, "received_at", f"must be RFC 3339 with an offset, not {quote(text)}")
    return received_ms


def _text(number: int, members: dict[str, Any], name: str) -> str:
    text = members.get(name)
    if type(text) is not str:
        raise RecordingError(number, name, "a text is required")
    return text


def _payload(number: int, members: dict[str, Any]) -> bytes:
    if "payload_b64" in members:
        payload = _decoded(number, members)
        if "payload" in members and _compact(payload) != _encoded(number, members):
            raise RecordingError(number, "payload", "payload and payload_b64 say different things")
        return payload
    if "payload" not in members:
        raise RecordingError(number, "payload", "a message has a payload, a payload_b64 or both")
    return _encoded(number, members)


def _encoded(number: int, members: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(members["payload"])
    except orjson.JSONEncodeError:
        raise RecordingError(number, "payload", "nested too deep; use payload_b64") from None


def _decoded(number: int, members: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(_text(number, members, "payload_b64"), validate=True)
    except (binascii.Error, ValueError):
        raise RecordingError(number, "payload_b64", "not base64 (RFC 4648, section 4)") from None


def _command(number: int, members: dict[str, Any]) -> str:
    command = _text(number, members, "command")
    if command not in _COMMANDS:
        raise RecordingError(number, "command", f"must be one of {', '.join(CommandName)}, not {quote(command)}")
    return command


def _body(number: int, members: dict[str, Any]) -> dict[str, Any]:
    body = members.get("body", {} if members["command"] == CommandName.TICK else None)
    if type(body) is not dict:
        raise RecordingError(number, "body", "an object is required")
    return body


def write_recording(path: Path, entries: Iterable[RecordedEntry]) -> int:
    """Writes the entries as they come; returns how many.

    Raises:
        ValueError: `received_ms` decreases, or an entry is neither a message nor a command.
        OSError: the file cannot be written.
    """
    written = 0
    latest_ms = MIN_MS
    with _opened_for_writing(path) as stream:
        for entry in entries:
            if entry.received_ms < latest_ms:
                raise ValueError(f"entry {written + 1} was received before the one before it")
            latest_ms = entry.received_ms
            stream.write(encode_entry(entry))
            written += 1
    return written


@contextmanager
def _opened_for_writing(path: Path) -> Iterator[IO[bytes]]:
    with path.open("wb") as raw:
        if path.suffix != ".gz":
            yield raw
            return
        # no name and no time in the header: the same entries give the same file
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as compressed:
            yield cast("IO[bytes]", compressed)


def encode_entry(entry: RecordedEntry) -> bytes:
    """The entry's line, newline included; raises `ValueError` for an entry that is neither message nor command."""
    received_at = format_ms(entry.received_ms)
    if entry.topic is not None and entry.payload is not None:
        return _message_line(received_at, entry.topic, entry.payload)
    if entry.command is not None and entry.body is not None:
        head = {"received_at": received_at, "command": entry.command}
        return _line(head, b'"body":' + entry.encoded_body)
    raise ValueError("an entry is a topic with a payload, or a command with a body")


def _message_line(received_at: str, topic: str, payload: bytes) -> bytes:
    head = {"received_at": received_at, "topic": topic}
    compact = _compact(payload)
    if compact == payload:
        return _line(head, b'"payload":' + payload)
    as_json = b"" if compact is None else b'"payload":' + compact + b","
    return _line(head, as_json + b'"payload_b64":"' + base64.b64encode(payload) + b'"')


def _line(head: dict[str, str], last_member: bytes) -> bytes:
    # Joined as bytes: what has just been checked is not parsed and encoded once more.
    return orjson.dumps(head)[:-1] + b"," + last_member + b"}\n"


def _compact(payload: bytes) -> bytes | None:
    """JSON in its compact encoding; None for what is no JSON, or cannot be encoded again."""
    try:
        return orjson.dumps(orjson.loads(payload))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
