"""The export to an InfluxDB (v2 write API) or a VictoriaMetrics, and the only importer of `influxdb_client`.

Measurement `vitals`; tags `unit`, `bed`, `device` (`vigil` for a bed's signals), `metric`; fields `value` (float,
always) and `validity` (integer, as `streaming.observation.Validity`); milliseconds. Never a patient's name or number.

Invariants:
- Nothing is skipped: what is unsent waits on the disk, in the outbox, however long the receiver is away.
- Nothing blocks: a line that the receiver refuses is set aside with the reason, and the lines behind it go on.
- A receiver may lose what it acknowledged in its last seconds before a crash. So the stored cursor lags: it moves to a
  place only when everything before it was acknowledged `REWIND_S` before the last write, and sending resumes from there
  after a failure that may have been a crash, after the connection went away unannounced (a crash and a quick restart
  between two writes look like that, and no more), and after a restart of Vigil. Sending a line twice changes nothing.

Theory of operation: `run` reads chunks behind its own (volatile) cursor, turns them into lines, writes at most
`LINES_PER_WRITE` at once, and remembers when it got where. 400, 413 and 422 say that something in the write is refused:
the write is halved until the refused lines stand alone. Every other failure (network, 5xx, 429, and 401, 403, 404,
which are mistakes of the configuration and not of the lines) is tried again for ever, later and later, with jitter.

It deliberately reads nothing back, and is never on the way between a device and its acknowledgement.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from aiohttp import ClientError, ClientSession, TraceConfig, TraceConnectionCreateEndParams, TraceRequestEndParams
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api_async import WriteApiAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from storage.series.chunks import decode
from storage.series.memory import SIGNALS
from storage.series.outbox import Outbox, OutboxChunk, RejectedLine

LINES_PER_WRITE = 5_000
CHUNKS_PER_READ = 500
REWIND_S = 120.0
"""How long an acknowledged line is not yet taken to be safe at the receiver."""

_REFUSED = frozenset({400, 413, 422})
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 30.0
_SHORTEST_MARGIN_S = 15.0
"""Three times VictoriaMetrics' `-inmemoryDataFlushInterval`."""
_DOUBTS_HEEDED = 3
_MILLISECONDS: WritePrecision = WritePrecision.MS  # type: ignore[assignment] # the library's enumeration is of str
_SIGNALS_DEVICE = "vigil"
_REASON_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxTarget:
    """Where to send, and as whom."""

    url: str
    token: str
    org: str
    bucket: str
    timeout_s: float = 10.0
    """For one write, from connecting to the answer."""


class InfluxExporter:
    """Sends what the series store holds, for as long as `run` runs. The attributes count since it was made."""

    def __init__(
        self, outbox: Outbox, target: InfluxTarget, *, poll_s: float = 2.0, rewind_s: float = REWIND_S
    ) -> None:
        self._outbox = outbox
        self._target = target
        self._poll_s = poll_s
        self._lines = _LineMaker()
        self._track = _Track(rewind_s)
        self._connection = _ConnectionWatch()
        self._retry_s = _FIRST_RETRY_S
        self.lines_sent = 0
        """Lines acknowledged, those sent again included."""
        self.lines_rejected = 0
        """Lines refused and set aside, each counted once."""
        self.retries = 0
        """Writes that failed and were tried again."""
        self.lag_rows = 0
        """Chunks that wait to be sent."""
        self.last_error: str | None = None
        """Why the last write failed; None when it went well."""

    async def run(self) -> None:
        """Sends until cancelled. Never ends by itself; a failure of the series store itself is raised."""
        target = self._target
        async with InfluxDBClientAsync(
            url=target.url,
            token=target.token,
            org=target.org,
            timeout=int(target.timeout_s * 1000),
            client_session_type=self._connection.session,
        ) as client:
            self._track.start_at(await self._outbox.cursor())
            while True:
                await self._turn(client.write_api())

    async def _turn(self, write_api: WriteApiAsync) -> None:
        """One portion, or a rest."""
        try:
            idle = await self._send_portion(write_api)
        except _ReceiverAway as away:
            if away.may_have_crashed:
                self._track.broke()
            await self._wait_to_retry(str(away))
        except sqlite3.Error as error:
            # The disk is full or failed. That is the journal's to report; what is here waits where it is.
            await self._wait_to_retry(f"{type(error).__name__}: {error}")
        else:
            self._retry_s = _FIRST_RETRY_S
            self.last_error = None
            if idle:
                await asyncio.sleep(self._poll_s)

    async def _send_portion(self, write_api: WriteApiAsync) -> bool:
        """Sends the next chunks and remembers that; whether there were none."""
        chunks = await self._outbox.read(self._track.cursor, CHUNKS_PER_READ)
        for lines in _portions(await asyncio.to_thread(self._lines.lines, chunks)):
            await self._send(write_api, lines)
        if chunks:
            await self._note_arrival(chunks[-1].chunk_id, asyncio.get_running_loop().time())
        self.lag_rows = await self._outbox.last_chunk() - self._track.cursor
        return not chunks

    async def _note_arrival(self, chunk_id: int, now_s: float) -> None:
        if self._connection.was_replaced() and self._track.doubted():
            return
        self._track.reached(chunk_id, now_s)
        if self._track.settle(now_s):
            await self._outbox.advance(self._track.settled)

    async def _wait_to_retry(self, reason: str) -> None:
        self.last_error = reason
        self.retries += 1
        self.lag_rows = await self._outbox.last_chunk() - self._track.cursor
        await asyncio.sleep(self._retry_s * random.uniform(0.5, 1.0))
        self._retry_s = min(self._retry_s * 2, _LONGEST_RETRY_S)

    async def _send(self, write_api: WriteApiAsync, lines: Sequence[str]) -> None:
        """Sends the lines; halves them where one is refused; sets a refused one aside.

        Raises:
            _ReceiverAway: the receiver could not be reached, or would not now.
        """
        refusal = await self._write(write_api, lines)
        if refusal is None:
            self.lines_sent += len(lines)
        elif len(lines) == 1:
            self.lines_rejected += await self._outbox.reject([RejectedLine(lines[0], refusal)])
        else:
            middle = len(lines) // 2
            await self._send(write_api, lines[:middle])
            await self._send(write_api, lines[middle:])

    async def _write(self, write_api: WriteApiAsync, lines: Sequence[str]) -> str | None:
        """One write; None when it was taken, else why something in it was refused."""
        body = "\n".join(lines).encode()
        try:
            await write_api.write(self._target.bucket, record=body, write_precision=_MILLISECONDS)
        except ApiException as error:
            reason = f"{error.status} {_text(error.body)}"[:_REASON_CHARACTERS]
            if error.status in _REFUSED:
                return reason
            # 502 and 504 are how a receiver's death looks from behind a proxy.
            raise _ReceiverAway(reason, may_have_crashed=(error.status or 500) >= 500) from error
        except (ClientError, OSError, TimeoutError) as error:
            raise _ReceiverAway(f"{type(error).__name__}: {error}", may_have_crashed=True) from error
        return None


class _ReceiverAway(Exception):  # noqa: N818 - named for the state it reports
    """The receiver cannot be reached or will not take anything now; the lines are not to blame."""

    def __init__(self, reason: str, *, may_have_crashed: bool) -> None:
        super().__init__(reason)
        self.may_have_crashed = may_have_crashed


class _Track:
    """How far sending has come, how far it had come at each moment of late, and how much of it is settled.

    What was acknowledged less than the margin ago is not settled. A line that breaks more often than once a margin
    would have the same portion sent for ever: each break with something acknowledged since the last one halves the
    margin, and a whole `rewind_s` without a break restores it. A receiver that never keeps a connection would too:
    a mere doubt is heeded so many times, and then not until something has settled.
    """

    def __init__(self, rewind_s: float) -> None:
        self._rewind_s = rewind_s
        self._margin_s = rewind_s
        self._unbroken_since_s: float | None = None
        self._doubts = 0
        self._reached: deque[tuple[float, int]] = deque()
        self.cursor = 0
        """The last chunk that was acknowledged."""
        self.settled = 0
        """The last chunk that was acknowledged long enough ago."""

    def start_at(self, chunk_id: int) -> None:
        self.cursor = self.settled = chunk_id

    def doubted(self) -> bool:
        """The receiver may have restarted unnoticed. Whether that is heeded, and sending is back at `settled`."""
        self._doubts += 1
        if self._doubts > _DOUBTS_HEEDED:
            return False
        self.broke()
        return True

    def broke(self) -> None:
        """The receiver may have crashed: back to what is certainly there."""
        if self._reached:
            self._margin_s = max(self._margin_s / 2, min(_SHORTEST_MARGIN_S, self._rewind_s))
        self._reached.clear()
        self._unbroken_since_s = None
        self.cursor = self.settled

    def reached(self, chunk_id: int, now_s: float) -> None:
        self.cursor = chunk_id
        self._reached.append((now_s, chunk_id))
        if self._unbroken_since_s is None:
            self._unbroken_since_s = now_s

    def settle(self, now_s: float) -> bool:
        """Moves `settled` to where sending was a margin ago; whether it moved."""
        if self._unbroken_since_s is not None and now_s - self._unbroken_since_s >= self._rewind_s:
            self._margin_s = self._rewind_s
        before = self.settled
        while self._reached and self._reached[0][0] <= now_s - self._margin_s:
            self.settled = self._reached.popleft()[1]
        if self.settled == before:
            return False
        self._doubts = 0
        return True


class _ConnectionWatch:
    """Notices that a connection went away between two writes without the receiver having said that it would."""

    def __init__(self) -> None:
        self._is_expected = True
        self._was_replaced = False

    def session(self, **settings: Any) -> ClientSession:
        """A session whose connections are watched."""
        trace = TraceConfig()
        trace.on_connection_create_end.append(self._opened)
        trace.on_request_end.append(self._answered)
        return ClientSession(**{**settings, "trace_configs": [trace]})

    def was_replaced(self) -> bool:
        """Whether it has happened since the last call."""
        was_replaced, self._was_replaced = self._was_replaced, False
        return was_replaced

    async def _opened(self, _: ClientSession, __: SimpleNamespace, ___: TraceConnectionCreateEndParams) -> None:
        self._was_replaced = self._was_replaced or not self._is_expected
        self._is_expected = False

    async def _answered(self, _: ClientSession, __: SimpleNamespace, params: TraceRequestEndParams) -> None:
        self._is_expected = params.response.headers.get("Connection", "").lower() == "close"


class _LineMaker:
    """Chunks as line protocol. The client library escapes each series' tags, once; the numbers need no escaping."""

    def __init__(self) -> None:
        self._prefixes: dict[int, str] = {}

    def lines(self, chunks: Sequence[OutboxChunk]) -> list[str]:
        """A line for each sample."""
        return [
            f"{prefix} value={value!r},validity={validity}i {t_ms}"
            for of_series in chunks
            for prefix in (self._prefix(of_series),)
            for t_ms, value, validity in decode(of_series.chunk)
        ]

    def _prefix(self, of_series: OutboxChunk) -> str:
        known = self._prefixes.get(of_series.series_id)
        if known is None:
            known = self._prefixes[of_series.series_id] = _prefix(of_series)
        return known


def _prefix(of_series: OutboxChunk) -> str:
    unit, bed, device = of_series.owner
    tags = {"unit": unit, "bed": bed, "device": _SIGNALS_DEVICE if device == SIGNALS else device}
    point = Point.from_dict(
        {"measurement": "vitals", "tags": {**tags, "metric": of_series.name}, "fields": {"value": 0.0}}
    )
    line: str = point.to_line_protocol()
    return line.removesuffix(" value=0")


def _portions(lines: Sequence[str]) -> list[Sequence[str]]:
    return [lines[start : start + LINES_PER_WRITE] for start in range(0, len(lines), LINES_PER_WRITE)]


def _text(body: object) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body)
