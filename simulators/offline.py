"""A run without a broker: the recording that a gateway would have journaled, and the truth, as fast as it goes.

The same scenario, beds, seed and start give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import orjson

from simulators.scenario import Scenario
from simulators.stage import Act, Stage
from simulators.truth import RunTruth, write_truth
from streaming.instants import format_ms, parse_instant

STARTS_AT = "2026-01-05T06:00:00.000Z"
"""Monday morning; nothing in a run depends on it but its timestamps."""
_ACTOR = "simulator"


def start_ms() -> int:
    """When runs without a broker begin."""
    at_ms = parse_instant(STARTS_AT)
    assert at_ms is not None
    return at_ms


def record(
    scenario: Scenario,
    *,
    beds: int,
    unit: str,
    seed: int,
    duration_s: float,
    out: Path,
    truth: Path | None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, RunTruth]:
    """Writes the recording (compressed when the name ends in .gz) and the truth.

    Args:
        scenario: what is played.
        beds: how many.
        unit: name of the unit in topics.
        seed: the same seed, the same bytes.
        duration_s: simulated seconds.
        out: the recording.
        truth: the truth; None: it is not written.
        progress: called with the number of entries now and then.

    Returns:
        The number of entries written, and the truth.

    Raises:
        OSError: a file cannot be written.
    """
    stage = Stage(scenario, beds=beds, unit=unit, seed=seed, start_ms=start_ms())
    count = 0
    with _opened(out) as stream:
        for act in stage.acts(duration_s):
            if act.is_pause:
                continue
            stream.write(line_of(act))
            count += 1
            if count % 5000 == 0:
                progress(count)
    found = stage.truth()
    if truth is not None:
        write_truth(found, truth)
    return count, found


def line_of(act: Act) -> bytes:
    """An act as a line of a recording, newline included."""
    received_at = format_ms(act.at_ms)
    if act.message is None:
        assert act.asked is not None
        body = act.asked.body if act.asked.command == "link" else {"actor": _ACTOR, **act.asked.body}
        return _dump({"received_at": received_at, "command": act.asked.command, "body": body})
    try:
        payload = orjson.Fragment(act.message.payload) if orjson.loads(act.message.payload) is not None else None
    except orjson.JSONDecodeError:
        payload = None
    if payload is None:
        return _dump({"received_at": received_at, "topic": act.message.topic, **_as_bytes(act.message.payload)})
    return _dump({"received_at": received_at, "topic": act.message.topic, "payload": payload})


def _as_bytes(payload: bytes) -> dict[str, Any]:
    return {"payload_b64": base64.b64encode(payload).decode()}


def _dump(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members) + b"\n"


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
    return path.open("wb")


def lines(scenario: Scenario, *, beds: int, unit: str, seed: int, duration_s: float) -> Iterator[bytes]:
    """The lines of a run, for those who want no file."""
    stage = Stage(scenario, beds=beds, unit=unit, seed=seed, start_ms=start_ms())
    yield from (line_of(act) for act in stage.acts(duration_s) if not act.is_pause)
