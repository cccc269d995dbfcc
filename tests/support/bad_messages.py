"""A corpus of bad messages: what a device, a broken link or an attacker may publish, each with its expected reason.

Every topic can be published through a real broker (no wildcards, no NUL, below `icu/`), so that the same corpus is used
against `decode` alone and against the whole service. Times are relative to `now_ms`, the gateway's time at which they
will be received, give or take an hour.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOW_MS = 1_795_428_672_345
"""2026-11-23T10:11:12.345Z"""

PREFIX = "icu/v1/bad/b01/dev1"
OBS, EVENT, STATUS, WAVE = f"{PREFIX}/obs", f"{PREFIX}/event", f"{PREFIX}/status", f"{PREFIX}/wave"


@dataclass(frozen=True, slots=True)
class BadMessage:
    """One kind of bad message."""

    kind: str
    """Unique, readable as a test id."""
    topic: str
    payload: bytes
    reason: str


def bad_messages(now_ms: int = NOW_MS) -> list[BadMessage]:
    """Every kind once, in a fixed order."""
    return [
        *_bad_topics(now_ms),
        *_no_json(now_ms),
        *_truncated(now_ms),
        *_not_finite(),
        *_not_objects(),
        *_too_large(),
        *_bad_identity(now_ms),
        *_bad_times(now_ms),
        *_bad_metrics(now_ms),
        *_bad_readings(now_ms),
        *_bad_events(now_ms),
        *_bad_status(now_ms),
    ]


def good_obs(now_ms: int = NOW_MS) -> bytes:
    """A valid observation with every form of metric value: what the bad ones are made from."""
    return _obs(
        now_ms,
        metrics={
            "MDC_ECG_HEART_RATE": 101,
            "MDC_PRESS_BLD_ART_ABP_SYS": {"value": 11.7, "unit": "kPa", "validity": "questionable"},
            "MDC_PRESS_CUFF_SYS": {"value": 92, "time": _text(now_ms - 90_000)},
            "MDC_DRUG_NAME_LABEL": "aldesleukin",
            "MDC_PULS_OXIM_SAT_O2": None,
        },
    )


def good_event(now_ms: int = NOW_MS, **changed: object) -> bytes:
    """A valid event."""
    return _event(now_ms, **changed)


def good_status(**changed: object) -> bytes:
    """A valid status."""
    return _status(**changed)


_ABSENT = object()


def _text(ms: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encode(members: dict[str, object]) -> bytes:
    present = {name: value for name, value in members.items() if value is not _ABSENT}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()


def _obs(now_ms: int, **changed: object) -> bytes:
    members: dict[str, object] = {"boot": "f3a9", "seq": 4711, "time": _text(now_ms), "metrics": {}}
    return _encode(members | changed)


def _event(now_ms: int, **changed: object) -> bytes:
    members: dict[str, object] = {
        "boot": "f3a9",
        "seq": 4712,
        "time": _text(now_ms),
        "event": "MDC_EVT_ECG_V_TACHY",
        "phase": "start",
        "priority": "high",
        "text": "VT 6 beats",
        "attributes": {"beats": 6},
    }
    return _encode(members | changed)


def _status(**changed: object) -> bytes:
    return _encode({"state": "online", "kind": "monitor", "model": "M1", "boot": "f3a9"} | changed)


def _bad_topics(now_ms: int) -> Iterator[BadMessage]:
    good = good_obs(now_ms)
    topics = {
        "one level": "icu/v1",
        "version missing": "icu/bad/b01/dev1/obs",
        "version other": "icu/v2/bad/b01/dev1/obs",
        "version in capitals": "icu/V1/bad/b01/dev1/obs",
        "channel missing": "icu/v1/bad/b01/dev1",
        "device missing": "icu/v1/bad/b01/obs",
        "level too many": f"{OBS}/more",
        "trailing slash": f"{OBS}/",
        "doubled slash": "icu/v1/bad//b01/dev1/obs",
        "empty unit": "icu/v1//b01/dev1/obs",
        "empty bed": "icu/v1/bad//dev1/obs",
        "empty device": "icu/v1/bad/b01//obs",
        "empty channel": f"{PREFIX}/",
        "space in bed": "icu/v1/bad/b 01/dev1/obs",
        "space before device": "icu/v1/bad/b01/ dev1/obs",
        "dot in device": "icu/v1/bad/b01/dev.1/obs",
        "colon in device": "icu/v1/bad/b01/dev:1/obs",
        "percent in device": "icu/v1/bad/b01/dev%2F1/obs",
        "dollar in unit": "icu/v1/$SYS/b01/dev1/obs",
        "dots for a bed": "icu/v1/bad/../dev1/obs",
        "quote in bed": "icu/v1/bad/b'1/dev1/obs",
        "markup in device": "icu/v1/bad/b01/<script>/obs",
        "umlaut in bed": "icu/v1/bad/bü01/dev1/obs",
        "arabic digits in bed": "icu/v1/bad/b٠١/dev1/obs",
        "emoji in device": "icu/v1/bad/b01/dev\U0001f600/obs",
        "byte order mark in device": "icu/v1/bad/b01/\ufeffdev1/obs",
        "right-to-left mark in device": "icu/v1/bad/b01/dev\u202e1/obs",
        "zero-width space in device": "icu/v1/bad/b01/dev\u200b1/obs",
        "unit of 33": f"icu/v1/{'u' * 33}/b01/dev1/obs",
        "bed of 33": f"icu/v1/bad/{'b' * 33}/dev1/obs",
        "device of 33": f"icu/v1/bad/b01/{'d' * 33}/obs",
        "device of 5000": f"icu/v1/bad/b01/{'d' * 5000}/obs",
        "channel unknown": f"{PREFIX}/data",
        "channel in capitals": f"{PREFIX}/OBS",
        "channel permit of a device": f"{PREFIX}/permit",
        "channel in plural": f"{PREFIX}/events",
        "many levels": "icu/v1/" + "/".join("x" * 50),
    }
    for name, topic in topics.items():
        yield BadMessage(f"topic: {name}", topic, good, "bad_topic")
    for channel in ("obs", "event", "status", "wave", "command"):
        topic = f"icu/v1/bad/b01/vigil/{channel}"
        yield BadMessage(f"topic: {channel} in Vigil's name", topic, good, "reserved_device")


def _no_json(now_ms: int) -> Iterator[BadMessage]:
    good = good_obs(now_ms)
    broken: dict[str, tuple[bytes, str]] = {
        "empty": (b"", "empty_payload"),
        "a space": (b" ", "not_json"),
        "line ends": (b"\r\n\r\n", "not_json"),
        "a NUL": (b"\0", "not_json"),
        "plain words": (b"HR 101 SpO2 97", "not_json"),
        "HL7": (b"MSH|^~\\&|MON|ICU|||20261123||ORU^R01|1|P|2.6\r", "not_json"),
        "XML": (b"<?xml version='1.0'?><obs/>", "not_json"),
        "YAML": (b"boot: f3a9\nseq: 1\n", "not_json"),
        "CSV": (b"boot,seq\nf3a9,1\n", "not_json"),
        "a query string": (b"boot=f3a9&seq=1", "not_json"),
        "influx lines": (b"vitals,bed=b01 hr=101 1795428672345\n", "not_json"),
        "two documents": (good + good, "not_json"),
        "two lines": (good + b"\n" + good, "not_json"),
        "text after": (good + b" ok", "not_json"),
        "a NUL after": (good + b"\0", "not_json"),
        "text before": (b"obs: " + good, "not_json"),
        "trailing comma": (b'{"boot":"a","seq":1,"metrics":{},}', "not_json"),
        "trailing comma in metrics": (b'{"boot":"a","seq":1,"metrics":{"MDC_TEMP":37,}}', "not_json"),
        "comma missing": (b'{"boot":"a" "seq":1}', "not_json"),
        "colon missing": (b'{"boot" "a"}', "not_json"),
        "value missing": (b'{"boot":,"seq":1}', "not_json"),
        "single quotes": (b"{'boot':'a'}", "not_json"),
        "names without quotes": (b'{boot:"a"}', "not_json"),
        "a comment": (b'{"boot":"a" /* new */}', "not_json"),
        "a comment line": (b'// obs\n{"boot":"a"}', "not_json"),
        "Python words": (b'{"boot":None,"seq":True}', "not_json"),
        "undefined": (b'{"boot":undefined}', "not_json"),
        "plus sign": (b'{"seq":+1}', "not_json"),
        "leading zero": (b'{"seq":007}', "not_json"),
        "hexadecimal": (b'{"seq":0x1f}', "not_json"),
        "point without digits": (b'{"metrics":{"MDC_TEMP":37.}}', "not_json"),
        "point before digits": (b'{"metrics":{"MDC_TEMP":.5}}', "not_json"),
        "decimal comma": (b'{"metrics":{"MDC_TEMP":37,5}}', "not_json"),
        "exponent without digits": (b'{"metrics":{"MDC_TEMP":3e}}', "not_json"),
        "line end in a text": (b'{"boot":"a\nb"}', "not_json"),
        "NUL in a text": (b'{"boot":"a\0b"}', "not_json"),
        "unknown escape": (b'{"boot":"\\x41"}', "not_json"),
        "short unicode escape": (b'{"boot":"\\u12"}', "not_json"),
        "lone high surrogate": (b'{"boot":"\\ud800"}', "not_json"),
        "lone low surrogate": (b'{"boot":"\\udc00"}', "not_json"),
        "surrogates reversed": (b'{"boot":"\\udc00\\ud800"}', "not_json"),
        "lone surrogate in a name": (b'{"metrics":{"\\ud834":1}}', "not_json"),
        "array closed as object": (b'{"boot":["a"}', "not_json"),
        "brackets only": (b"]]]]", "not_json"),
        "a backslash": (b"\\", "not_json"),
        "a quote": (b'"', "not_json"),
        "a minus": (b"-", "not_json"),
        "quotes by the thousand": (b'"' + b'\\"' * 30_000, "not_json"),
        "byte order mark": (b"\xef\xbb\xbf" + good, "not_json"),
        "UTF-16 little-endian": (good.decode().encode("utf-16-le"), "not_json"),
        "UTF-16 with byte order mark": (good.decode().encode("utf-16"), "not_utf8"),
        "UTF-32 with byte order mark": (good.decode().encode("utf-32"), "not_utf8"),
        "Latin-1": ('{"boot":"Gerät"}'.encode("latin-1"), "not_utf8"),
        "surrogate in UTF-8": (b'{"boot":"\xed\xa0\x80"}', "not_utf8"),
        "overlong slash": (b'{"boot":"\xc0\xaf"}', "not_utf8"),
        "overlong NUL": (b'{"boot":"\xc0\x80"}', "not_utf8"),
        "beyond Unicode": (b'{"boot":"\xf4\x90\x80\x80"}', "not_utf8"),
        "continuation byte alone": (b'{"boot":"\x80"}', "not_utf8"),
        "cut character": (b'{"boot":"\xe2\x82', "not_utf8"),
        "byte FF": (b"\xff" * 100, "not_utf8"),
        "every byte": (bytes(range(256)), "not_utf8"),
        "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + bytes(range(200)), "not_utf8"),
        "CBOR": (b"\xa2\x64boot\x61a\x63seq\x01", "not_utf8"),
        "protobuf": (b"\x0a\x04f3a9\x10\xe7\x24", "not_utf8"),
        "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(64), "not_utf8"),
        "arrays 1025 deep": (b"[" * 1025 + b"]" * 1025, "too_deep"),
        "arrays 60000 deep, open": (b"[" * 60_000, "too_deep"),
        "objects 8000 deep": (b'{"a":' * 8000 + b"1" + b"}" * 8000, "too_deep"),
        "metrics 2000 deep": (b'{"metrics":' + b"[" * 2000 + b"]" * 2000 + b"}", "too_deep"),
    }
    for name, (payload, reason) in broken.items():
        yield BadMessage(f"json: {name}", OBS, payload, reason)
    for channel, topic in (("event", EVENT), ("status", STATUS)):
        yield BadMessage(f"json: empty {channel}", topic, b"", "empty_payload")
        yield BadMessage(f"json: plain words as {channel}", topic, b"occlusion", "not_json")
        yield BadMessage(f"json: bytes as {channel}", topic, b"\xfe\xed", "not_utf8")


def _truncated(now_ms: int) -> Iterator[BadMessage]:
    for channel, topic, payload in (
        ("obs", OBS, good_obs(now_ms)),
        ("event", EVENT, _event(now_ms)),
        ("status", STATUS, _status()),
    ):
        for length in range(1, len(payload)):
            yield BadMessage(f"truncated: {channel} after {length} bytes", topic, payload[:length], "not_json")


def _not_finite() -> Iterator[BadMessage]:
    numbers = {
        "NaN": b"NaN",
        "minus NaN": b"-NaN",
        "Infinity": b"Infinity",
        "minus Infinity": b"-Infinity",
        "1e999": b"1e999",
        "minus 1e999": b"-1e999",
        "1E400": b"1E400",
        "0.1e400": b"0.1e400",
        "400 digits": b"9" * 400,
        "60000 digits": b"9" * 60_000,
    }
    for name, number in numbers.items():
        for place, payload in {
            "metric": b'{"boot":"a","seq":1,"metrics":{"MDC_TEMP":' + number + b"}}",
            "reading": b'{"boot":"a","seq":1,"metrics":{"MDC_TEMP":{"value":' + number + b"}}}",
            "seq": b'{"boot":"a","seq":' + number + b',"metrics":{}}',
            "time": b'{"boot":"a","seq":1,"time":' + number + b',"metrics":{}}',
        }.items():
            yield BadMessage(f"number: {name} as {place}", OBS, payload, "not_finite")


def _not_objects() -> Iterator[BadMessage]:
    documents = {
        "null": b"null",
        "true": b"true",
        "zero": b"0",
        "a number": b"101.5",
        "a text": b'"online"',
        "an empty array": b"[]",
        "an array of objects": b'[{"boot":"a","seq":1,"metrics":{}}]',
        "an object in a text": b'"{}"',
    }
    for name, document in documents.items():
        for channel, topic in (("obs", OBS), ("event", EVENT), ("status", STATUS)):
            yield BadMessage(f"document: {name} as {channel}", topic, document, "not_object")


def _too_large() -> Iterator[BadMessage]:
    padded = b'{"boot":"a","seq":1,"metrics":{}}'
    padded += b" " * (64 * 1024 + 1 - len(padded))
    yield BadMessage("size: one byte too many", OBS, padded, "too_large")
    many = {f"MDC_SITE_{number:05d}": number for number in range(4000)}
    large = _encode({"boot": "a", "seq": 1, "metrics": many})
    yield BadMessage("size: 4000 metrics", OBS, large, "too_large")
    for channel, topic in (("obs", OBS), ("event", EVENT), ("status", STATUS), ("wave", WAVE)):
        yield BadMessage(f"size: 70 KiB of zeros as {channel}", topic, bytes(70 * 1024), "too_large")
        yield BadMessage(f"size: 200 KiB of brackets as {channel}", topic, b"[" * 200 * 1024, "too_large")


def _wrong(*except_for: type) -> dict[str, object]:
    samples: dict[str, object] = {
        "null": None,
        "true": True,
        "false": False,
        "an integer": 7,
        "a number": 7.5,
        "a text": "7",
        "an array": [7],
        "an object": {"a": 7},
    }
    return {name: sample for name, sample in samples.items() if type(sample) not in except_for}


def _bad_identity(now_ms: int) -> Iterator[BadMessage]:
    for channel, topic, build in (("obs", OBS, _obs), ("event", EVENT, _event)):
        for field, expected in (("boot", str), ("seq", int)):
            without = build(now_ms, **{field: _ABSENT})
            yield BadMessage(f"{channel}: {field} missing", topic, without, "missing_field")
            for name, sample in _wrong(expected).items():
                yield BadMessage(f"{channel}: {field} is {name}", topic, build(now_ms, **{field: sample}), "wrong_type")
        for name, boot, reason in (
            ("empty", "", "out_of_range"),
            ("of 33", "b" * 33, "out_of_range"),
            ("of 60000", "b" * 60_000, "out_of_range"),
            ("with a line end", "a\nb", "bad_text"),
            ("with NUL", "a\0b", "bad_text"),
            ("with an escape sequence", "\x1b[31m", "bad_text"),
            ("with a right-to-left mark", "a\u202eb", "bad_text"),
        ):
            yield BadMessage(f"{channel}: boot {name}", topic, build(now_ms, boot=boot), reason)
        for name, seq, reason in (
            ("-1", -1, "out_of_range"),
            ("-2^63", -(2**63), "out_of_range"),
            ("2^63", 2**63, "out_of_range"),
            ("2^64 - 1", 2**64 - 1, "out_of_range"),
            ("2^64", 2**64, "wrong_type"),
            ("10^30", 10**30, "wrong_type"),
            ("1.0", 1.0, "wrong_type"),
        ):
            yield BadMessage(f"{channel}: seq {name}", topic, build(now_ms, seq=seq), reason)
    yield BadMessage("obs: names in capitals", OBS, b'{"BOOT":"a","SEQ":1,"METRICS":{}}', "missing_field")
    yield BadMessage("obs: an empty object", OBS, b"{}", "missing_field")


def _bad_times(now_ms: int) -> Iterator[BadMessage]:
    texts = {
        "empty": "",
        "a word": "now",
        "a number in a text": str(now_ms),
        "without offset": "2026-11-23T10:11:12.345",
        "date only": "2026-11-23",
        "time only": "10:11:12Z",
        "with a space": "2026-11-23 10:11:12Z",
        "with an underscore": "2026-11-23_10:11:12Z",
        "basic form": "20261123T101112Z",
        "week date": "2026-W48-1T10:11:12Z",
        "day of the year": "2026-327T10:11:12Z",
        "two-digit year": "26-11-23T10:11:12Z",
        "five-digit year": "12026-11-23T10:11:12Z",
        "negative year": "-2026-11-23T10:11:12Z",
        "month 00": "2026-00-23T10:11:12Z",
        "month 13": "2026-13-23T10:11:12Z",
        "day 00": "2026-11-00T10:11:12Z",
        "31 November": "2026-11-31T10:11:12Z",
        "29 February 2026": "2026-02-29T10:11:12Z",
        "hour 24": "2026-11-23T24:00:00Z",
        "minute 60": "2026-11-23T10:60:12Z",
        "second 61": "2026-11-23T10:11:61Z",
        "leap second at ten": "2026-11-23T10:11:60Z",
        "decimals missing": "2026-11-23T10:11:12.Z",
        "decimal comma": "2026-11-23T10:11:12,345Z",
        "seconds missing": "2026-11-23T10:11Z",
        "offset without colon": "2026-11-23T10:11:12+0100",
        "offset of 24 h": "2026-11-23T10:11:12+24:00",
        "offset with seconds": "2026-11-23T10:11:12+01:00:00",
        "offset twice": "2026-11-23T10:11:12Z+01:00",
        "zone name": "2026-11-23T10:11:12 CET",
        "zone in brackets": "2026-11-23T10:11:12+01:00[Europe/Berlin]",
        "space before": " 2026-11-23T10:11:12Z",
        "space after": "2026-11-23T10:11:12Z ",
        "line end after": "2026-11-23T10:11:12Z\n",
        "arabic digits": "٢٠٢٦-11-23T10:11:12Z",
        "full-width digits": "２０２６-11-23T10:11:12Z",
        "sign inside": "2026-11-23T10:11:+2Z",
        "HL7": "20261123101112+0000",
        "RFC 2822": "Mon, 23 Nov 2026 10:11:12 +0000",
        "60000 characters": "2" * 60_000,
    }
    absurd: dict[str, object] = {
        "1999": "1999-12-31T23:59:59.999Z",
        "1970": "1970-01-01T00:00:00Z",
        "1970 as a number": 0,
        "seconds instead of milliseconds": now_ms // 1000,
        "microseconds instead of milliseconds": now_ms * 1000,
        "negative": -1,
        "2^63": 2**63,
        "2^64 - 1": 2**64 - 1,
        "year 0001": "0001-01-01T00:00:00Z",
        "year 0001 less an hour": "0001-01-01T00:00:00+01:00",
        "year 9999": "9999-12-31T23:59:59Z",
        "year 9999 and more": "9999-12-31T23:59:59-23:59",
        "2000 but for an offset": "2000-01-01T00:00:00+01:00",
        "26 hours ahead": _text(now_ms + 26 * 3_600_000),
        "26 hours ahead as a number": now_ms + 26 * 3_600_000,
        "a year ahead": _text(now_ms + 366 * 24 * 3_600_000),
    }
    for place in ("time", "metric time"):
        for name, text in texts.items():
            yield BadMessage(f"{place}: {name}", OBS, _timed(now_ms, place, text), "bad_time")
        for name, when in absurd.items():
            yield BadMessage(f"{place}: {name}", OBS, _timed(now_ms, place, when), "absurd_time")
        for name, sample in _wrong(str, int).items():
            yield BadMessage(f"{place} is {name}", OBS, _timed(now_ms, place, sample), "wrong_type")
    yield BadMessage("event time: without offset", EVENT, _event(now_ms, time=texts["without offset"]), "bad_time")
    yield BadMessage("event time: 1999", EVENT, _event(now_ms, time=absurd["1999"]), "absurd_time")
    yield BadMessage("status time: a word", STATUS, _status(time="now"), "bad_time")
    yield BadMessage("status time: 26 hours ahead", STATUS, _status(time=absurd["26 hours ahead"]), "absurd_time")
    yield BadMessage("status time is null", STATUS, _status(time=None), "wrong_type")


def _timed(now_ms: int, place: str, when: object) -> bytes:
    if place == "time":
        return _obs(now_ms, time=when)
    return _obs(now_ms, metrics={"MDC_PRESS_CUFF_SYS": {"value": 92, "time": when}})


def _bad_metrics(now_ms: int) -> Iterator[BadMessage]:
    yield BadMessage("metrics: missing", OBS, _obs(now_ms, metrics=_ABSENT), "missing_field")
    for name, sample in _wrong(dict).items():
        yield BadMessage(f"metrics: is {name}", OBS, _obs(now_ms, metrics=sample), "wrong_type")
    for name, sample in {"true": True, "false": False, "an array": [101], "an empty array": []}.items():
        lone = _obs(now_ms, metrics={"MDC_ECG_HEART_RATE": sample})
        yield BadMessage(f"metrics: value is {name}", OBS, lone, "wrong_type")
        hidden = _obs(now_ms, metrics={"MDC_TEMP": 37.0, "MDC_ECG_HEART_RATE": sample, "MDC_RESP_RATE": 14})
        yield BadMessage(f"metrics: value among good ones is {name}", OBS, hidden, "wrong_type")
    for name, metric, reason in (
        ("empty", "", "out_of_range"),
        ("of 65", "M" * 65, "out_of_range"),
        ("of 60000", "M" * 60_000, "out_of_range"),
        ("with a line end", "MDC_TEMP\nhr,bed=b01 value=0", "bad_text"),
        ("with NUL", "MDC_TEMP\0", "bad_text"),
        ("with a tab", "MDC\tTEMP", "bad_text"),
        ("with a delete sign", "MDC_TEMP\x7f", "bad_text"),
        ("with a byte order mark", "\ufeffMDC_TEMP", "bad_text"),
        ("with a right-to-left mark", "MDC_\u202eTEMP", "bad_text"),
        ("with a line separator", "MDC_TEMP\u2028", "bad_text"),
    ):
        yield BadMessage(f"metrics: name {name}", OBS, _obs(now_ms, metrics={metric: 37}), reason)
    yield BadMessage(
        "metrics: text of 257", OBS, _obs(now_ms, metrics={"MDC_DRUG_NAME_LABEL": "x" * 257}), "out_of_range"
    )
    yield BadMessage("metrics: text with NUL", OBS, _obs(now_ms, metrics={"MDC_DRUG_NAME_LABEL": "a\0"}), "bad_text")


def _bad_readings(now_ms: int) -> Iterator[BadMessage]:
    def obs(reading: dict[str, object]) -> bytes:
        return _obs(now_ms, metrics={"MDC_TEMP": 37.0, "MDC_PRESS_BLD_ART_ABP_SYS": reading})

    yield BadMessage("reading: empty", OBS, obs({}), "missing_field")
    yield BadMessage("reading: value missing", OBS, obs({"unit": "kPa"}), "missing_field")
    yield BadMessage("reading: value spelled otherwise", OBS, obs({"Value": 11.7}), "missing_field")
    for name, sample in {"true": True, "an array": [11.7], "an object": {"value": 11.7}}.items():
        yield BadMessage(f"reading: value is {name}", OBS, obs({"value": sample}), "wrong_type")
    yield BadMessage("reading: text of 257", OBS, obs({"value": "x" * 257}), "out_of_range")
    yield BadMessage("reading: text with NUL", OBS, obs({"value": "\0"}), "bad_text")
    for field in ("unit", "validity"):
        for name, sample in _wrong(str).items():
            yield BadMessage(f"reading: {field} is {name}", OBS, obs({"value": 11.7, field: sample}), "wrong_type")
    for name, unit, reason in (
        ("empty", "", "out_of_range"),
        ("of 65", "k" * 65, "out_of_range"),
        ("with a line end", "kPa\n", "bad_text"),
        ("with NUL", "k\0Pa", "bad_text"),
    ):
        yield BadMessage(f"reading: unit {name}", OBS, obs({"value": 11.7, "unit": unit}), reason)
    for word in ("", "ok", "VALID", "Valid", "valid ", "not_available", "vld", "0", "v" * 60_000):
        shown = word if len(word) < 20 else "a long word"
        yield BadMessage(f"reading: validity '{shown}'", OBS, obs({"value": 11.7, "validity": word}), "unknown_value")


def _bad_events(now_ms: int) -> Iterator[BadMessage]:
    for field in ("event", "phase"):
        yield BadMessage(f"event: {field} missing", EVENT, _event(now_ms, **{field: _ABSENT}), "missing_field")
    for field in ("event", "phase", "priority", "text"):
        for name, sample in _wrong(str).items():
            yield BadMessage(f"event: {field} is {name}", EVENT, _event(now_ms, **{field: sample}), "wrong_type")
    for name, sample in _wrong(dict).items():
        yield BadMessage(f"event: attributes are {name}", EVENT, _event(now_ms, attributes=sample), "wrong_type")
    for field, word in (
        ("phase", ""),
        ("phase", "begin"),
        ("phase", "START"),
        ("phase", "continue"),
        ("priority", ""),
        ("priority", "High"),
        ("priority", "crisis"),
    ):
        yield BadMessage(f"event: {field} '{word}'", EVENT, _event(now_ms, **{field: word}), "unknown_value")
    for name, event, reason in (
        ("empty", "", "out_of_range"),
        ("of 65", "E" * 65, "out_of_range"),
        ("with a line end", "MDC_EVT\n", "bad_text"),
        ("with NUL", "MDC_EVT\0", "bad_text"),
    ):
        yield BadMessage(f"event: name {name}", EVENT, _event(now_ms, event=event), reason)
    yield BadMessage("event: text of 4097", EVENT, _event(now_ms, text="x" * 4097), "out_of_range")
    yield BadMessage("event: text with NUL", EVENT, _event(now_ms, text="VT\0"), "bad_text")
    for name, attributes, reason in (
        ("array", {"beats": [6]}, "wrong_type"),
        ("object", {"beats": {"value": 6}}, "wrong_type"),
        ("long text", {"lead": "x" * 257}, "out_of_range"),
        ("text with NUL", {"lead": "\0"}, "bad_text"),
        ("empty name", {"": 6}, "out_of_range"),
        ("long name", {"b" * 65: 6}, "out_of_range"),
        ("name with a line end", {"be\nats": 6}, "bad_text"),
    ):
        yield BadMessage(f"event: attribute {name}", EVENT, _event(now_ms, attributes=attributes), reason)


def _bad_status(now_ms: int) -> Iterator[BadMessage]:
    for field in ("state", "kind"):
        yield BadMessage(f"status: {field} missing", STATUS, _status(**{field: _ABSENT}), "missing_field")
    for field in ("state", "kind", "model", "boot"):
        for name, sample in _wrong(str).items():
            yield BadMessage(f"status: {field} is {name}", STATUS, _status(**{field: sample}), "wrong_type")
    for field, word in (
        ("state", ""),
        ("state", "ONLINE"),
        ("state", "up"),
        ("state", "unknown"),
        ("kind", ""),
        ("kind", "Monitor"),
        ("kind", "toaster"),
    ):
        yield BadMessage(f"status: {field} '{word}'", STATUS, _status(**{field: word}), "unknown_value")
    yield BadMessage("status: model of 257", STATUS, _status(model="m" * 257), "out_of_range")
    yield BadMessage("status: model with NUL", STATUS, _status(model="M\0"), "bad_text")
    yield BadMessage("status: boot empty", STATUS, _status(boot=""), "out_of_range")
    yield BadMessage("status: boot of 33", STATUS, _status(boot="b" * 33), "out_of_range")
    yield BadMessage("status: an observation", STATUS, good_obs(now_ms), "missing_field")
    yield BadMessage("obs: a status", OBS, _status(), "missing_field")
    yield BadMessage("event: an observation", EVENT, good_obs(now_ms), "missing_field")
