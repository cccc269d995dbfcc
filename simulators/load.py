"""A load generator: many monitors at a steady rate, at as little cost per message as possible.

It speaks just enough MQTT 3.1.1 by hand (CONNECT, PUBLISH with QoS 1, PUBACK, DISCONNECT) to load a broker, on
non-blocking sockets in one thread. It is for measuring only: it neither reconnects nor resends, and a lost connection
ends the run.

How it paces: each connection has its beds and a schedule; every 10 ms it sends what has become due, as far as its
window of unacknowledged messages allows. What the window holds back is sent later and reported as late: the offered
rate is never lowered to suit the broker.

How it costs little: a bed's messages are encoded beforehand as templates with slots for packet id, `seq` and `time`; a
slot of 10 ms is one write. Broker acknowledgements must come in order (MQTT-4.6.0-2); that is checked, so counting them
is enough.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from gateway.wire.topics import Channel
from simulators.broker import BrokerUrl
from simulators.clock import monotonic_s, system_ms, thread_cpu_s
from simulators.devices import Place
from simulators.monitor import Monitor
from simulators.physiology import Patient, Traits

_SLOT_S = 0.010
_VARIANTS = 8
"""Different sets of values a bed goes through."""
_CONNECT_TIMEOUT_S = 10.0
_MAX_WINDOW = 60_000
"""Packet ids are 16 bits."""
_PACKET_IDS = 65_535
_READ_BYTES = 1 << 18
_PUBACK_BYTES = 4


class LoadFailedError(Exception):
    """The broker refused, closed or broke the protocol; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What to send where."""

    broker: BrokerUrl
    beds: int
    rate_hz: float = 1.0
    """Messages per bed and second."""
    duration_s: float = 10.0
    connections: int = 4
    window: int = 2_000
    """Messages in flight per connection, at most 60,000."""
    unit: str = "load"
    seed: int = 1
    stamps_sending: bool = True
    """`time` in a message is the system time at which it is sent; else the nominal time of an undisturbed device."""
    speed: float = 1.0
    """Device seconds per second, for a gateway whose clock runs at that speed."""
    begins_ms: int | None = None
    """Device time at the beginning, milliseconds since 1970 UTC; None is the system's."""
    drain_s: float = 15.0
    """How long to wait for the last acknowledgements."""

    def __post_init__(self) -> None:
        if not (self.beds >= 1 and self.rate_hz > 0 and self.duration_s > 0 and self.connections >= 1):
            raise ValueError("beds and connections must be at least 1, rate and duration above 0")
        if not 1 <= self.window <= _MAX_WINDOW:
            raise ValueError(f"window must be 1 to {_MAX_WINDOW}, not {self.window}")
        if self.broker.tls or self.broker.username:
            raise ValueError("the load generator speaks plain MQTT without credentials")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What came of it. Times in milliseconds unless named otherwise."""

    beds: int
    offered: int
    """Messages that the plan asked for."""
    sent: int
    acknowledged: int
    duration_s: float
    """From the first message to the end of the schedule or, if later, the last message sent."""
    offered_per_s: float
    acknowledged_per_s: float
    puback_p50_ms: float
    puback_p99_ms: float
    puback_max_ms: float
    late_p99_ms: float
    """How late messages were sent against the schedule."""
    payload_bytes: int
    """Size of one message."""
    cpu_us_per_message: float
    """Processor time of the generator."""
    boot: str
    """Boot id of every device of this run; `seq` runs from 0 to `offered / beds - 1` without gaps at each."""
    started_ms: int
    """System time of the first message, milliseconds since 1970 UTC."""


def run_load(plan: LoadPlan, *, on_second: Callable[[int, int], None] = lambda _sent, _acked: None) -> LoadReport:
    """Sends the load and waits for the acknowledgements; blocks.

    Args:
        plan: what to send.
        on_second: called once a second with the numbers sent and acknowledged.

    Raises:
        LoadFailedError: refused, or the connection was lost.
        OSError: the broker cannot be reached.
    """
    started_ms = system_ms()
    boot = f"load-{started_ms:x}"
    with contextlib.ExitStack() as stack:
        lanes = [stack.enter_context(contextlib.closing(lane)) for lane in _lanes(plan, boot)]
        selector = stack.enter_context(selectors.DefaultSelector())
        for lane in lanes:
            selector.register(lane.socket, selectors.EVENT_READ, lane)
        cpu_before_s = thread_cpu_s()
        run = _Run(plan, lanes, selector, on_second)
        run.send_all()
        run.await_acknowledgements()
        cpu_s = thread_cpu_s() - cpu_before_s
    return run.report(boot, started_ms, cpu_s)


async def run_load_beside(plan: LoadPlan) -> LoadReport:
    """`run_load` in a thread of its own."""
    return await asyncio.to_thread(run_load, plan)


class _Lane:
    """One connection with its beds, its schedule and its window."""

    def __init__(self, plan: LoadPlan, beds: Sequence[int], boot: str, number: int) -> None:
        payloads = [_payloads(plan, bed, boot) for bed in beds]
        self.payload_bytes = max(len(payload % (0, 0)) for variants in payloads for payload in variants)
        self._templates = [
            [_packet_template(_place(plan, bed).topic(Channel.OBS), payload) for payload in variants]
            for bed, variants in zip(beds, payloads, strict=True)
        ]
        self.rate_hz = plan.rate_hz * len(beds)
        self.total = round(plan.rate_hz * plan.duration_s) * len(beds)
        self.sent = 0
        self.acknowledged = 0
        self.latencies: list[tuple[float, int]] = []
        """(seconds from sending to acknowledgement, messages)"""
        self.lateness: list[tuple[float, int]] = []
        """(seconds after the scheduled time, messages)"""
        self._window = plan.window
        self.socket = _connected(plan.broker, f"{boot}-{number}")
        self._unwritten = bytearray()
        self._unread = b""
        self._batches: deque[tuple[int, float]] = deque()
        """(number of the last message, when it was sent)"""

    @property
    def has_unwritten(self) -> bool:
        """Whether the socket took less than was given."""
        return bool(self._unwritten)

    @property
    def is_done(self) -> bool:
        """Everything sent."""
        return self.sent >= self.total and not self._unwritten

    def send_due(self, elapsed_s: float, moment_s: float, stamp_ms: Callable[[int], int]) -> None:
        """Sends what is due after `elapsed_s` of the schedule, as far as window and socket allow."""
        due = min(self.total, int(elapsed_s * self.rate_hz) + 1)
        count = min(due - self.sent, self._window - (self.sent - self.acknowledged))
        if count <= 0 or self._unwritten:
            self.write()
            return
        self.lateness.append((max(0.0, elapsed_s - self.sent / self.rate_hz), count))
        self._unwritten += self._encode(count, stamp_ms)
        self._batches.append((self.sent, moment_s))
        self.write()

    def write(self) -> None:
        """Hands the socket what it takes."""
        if self._unwritten:
            with contextlib.suppress(BlockingIOError):
                del self._unwritten[: self.socket.send(self._unwritten)]

    def read(self, moment_s: float) -> None:
        """Takes the acknowledgements that have come.

        Raises:
            LoadFailedError: closed, or something else than the next acknowledgements in order.
        """
        try:
            chunk = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        if not chunk:
            raise LoadFailedError(f"the broker closed the connection after {self.acknowledged} acknowledgements")
        _acknowledge_quickly(self.socket)
        self._unread += chunk
        count = len(self._unread) // _PUBACK_BYTES
        if count:
            self._take(count, moment_s)
            self._unread = self._unread[count * _PUBACK_BYTES :]

    def close(self) -> None:
        """Says goodbye and closes."""
        with contextlib.suppress(OSError):
            self.socket.setblocking(True)
            self.socket.settimeout(1.0)
            self.socket.sendall(b"\xe0\x00")
        self.socket.close()

    def _encode(self, count: int, stamp_ms: Callable[[int], int]) -> bytes:
        beds = len(self._templates)
        packets: list[bytes] = []
        first, last = self.sent, self.sent + count
        while first < last:
            seq, bed = divmod(first, beds)
            until = min(last, first + beds - bed)
            at_ms, variant = stamp_ms(seq), seq % _VARIANTS
            packets += [
                self._templates[bed + n][variant] % (_PACKET_ID[(first + n) % _PACKET_IDS], seq, at_ms)
                for n in range(until - first)
            ]
            first = until
        self.sent = last
        return b"".join(packets)

    def _take(self, count: int, moment_s: float) -> None:
        """Checks the last of `count` acknowledgements, which vouches for the ones before it, and books them."""
        end = count * _PUBACK_BYTES
        upto = self.acknowledged + count
        expected = b"\x40\x02" + _PACKET_ID[(upto - 1) % _PACKET_IDS]
        if upto > self.sent or self._unread[end - _PUBACK_BYTES : end] != expected:
            raise LoadFailedError("the broker sent something else than acknowledgements in order")
        while self.acknowledged < upto:
            last, sent_s = self._batches[0]
            taken = min(last, upto) - self.acknowledged
            self.latencies.append((moment_s - sent_s, taken))
            self.acknowledged += taken
            if self.acknowledged == last:
                self._batches.popleft()


_PACKET_ID = tuple((n + 1).to_bytes(2) for n in range(_PACKET_IDS))
"""Packet ids 1..65535 in turn, as the wire has them."""


@dataclass(slots=True)
class _Run:
    """All lanes together, slot by slot."""

    plan: LoadPlan
    lanes: list[_Lane]
    selector: selectors.BaseSelector
    on_second: Callable[[int, int], None]
    started_s: float = field(default_factory=monotonic_s)
    started_ms: int = field(default_factory=system_ms)
    sending_s: float = 0.0
    _seconds_told: int = 0

    def send_all(self) -> None:
        slot = 0
        while not all(lane.is_done for lane in self.lanes):
            moment_s = monotonic_s()
            for lane in self.lanes:
                lane.send_due(moment_s - self.started_s, moment_s, self._stamp)
            slot = max(slot + 1, int((moment_s - self.started_s) / _SLOT_S) + 1)
            self._read_until(self.started_s + slot * _SLOT_S)
            self._tell()
        self.sending_s = max(self.plan.duration_s, monotonic_s() - self.started_s)

    def await_acknowledgements(self) -> None:
        deadline_s = monotonic_s() + self.plan.drain_s
        while monotonic_s() < deadline_s and any(lane.acknowledged < lane.sent for lane in self.lanes):
            self._read_until(monotonic_s() + _SLOT_S)

    def report(self, boot: str, started_ms: int, cpu_s: float) -> LoadReport:
        offered = sum(lane.total for lane in self.lanes)
        acknowledged = sum(lane.acknowledged for lane in self.lanes)
        latencies = [sample for lane in self.lanes for sample in lane.latencies]
        lateness = [sample for lane in self.lanes for sample in lane.lateness]
        return LoadReport(
            beds=self.plan.beds,
            offered=offered,
            sent=sum(lane.sent for lane in self.lanes),
            acknowledged=acknowledged,
            duration_s=round(self.sending_s, 3),
            offered_per_s=round(offered / self.plan.duration_s, 1),
            acknowledged_per_s=round(acknowledged / self.sending_s, 1),
            puback_p50_ms=_percentile_ms(latencies, 0.5),
            puback_p99_ms=_percentile_ms(latencies, 0.99),
            puback_max_ms=_percentile_ms(latencies, 1.0),
            late_p99_ms=_percentile_ms(lateness, 0.99),
            payload_bytes=max(lane.payload_bytes for lane in self.lanes),
            cpu_us_per_message=round(cpu_s / max(1, offered) * 1e6, 2),
            boot=boot,
            started_ms=started_ms,
        )

    def _read_until(self, until_s: float) -> None:
        while True:
            ready = self.selector.select(max(0.0, until_s - monotonic_s()))
            moment_s = monotonic_s()
            for key, events in ready:
                lane: _Lane = key.data
                if events & selectors.EVENT_READ:
                    lane.read(moment_s)
                if events & selectors.EVENT_WRITE:
                    lane.write()
                self._watch(lane)
            if moment_s >= until_s:
                return

    def _watch(self, lane: _Lane) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if lane.has_unwritten else 0)
        if self.selector.get_key(lane.socket).events != wanted:
            self.selector.modify(lane.socket, wanted, lane)

    def _stamp(self, seq: int) -> int:
        plan = self.plan
        begins_ms = self.started_ms if plan.begins_ms is None else plan.begins_ms
        if plan.stamps_sending:
            return begins_ms + round((system_ms() - self.started_ms) * plan.speed)
        return begins_ms + round(seq * 1000.0 / plan.rate_hz * plan.speed)

    def _tell(self) -> None:
        second = int(monotonic_s() - self.started_s)
        if second > self._seconds_told:
            self._seconds_told = second
            self.on_second(sum(lane.sent for lane in self.lanes), sum(lane.acknowledged for lane in self.lanes))


def _lanes(plan: LoadPlan, boot: str) -> Iterator[_Lane]:
    """Connects one lane after the other; the beds are dealt out to them in turn."""
    connections = min(plan.connections, plan.beds)
    for number in range(connections):
        yield _Lane(plan, range(number, plan.beds, connections), boot, number)


def _place(plan: LoadPlan, bed: int) -> Place:
    return Place(unit=plan.unit, bed=f"b{bed + 1:04d}", device="mon1")


def _payloads(plan: LoadPlan, bed: int, boot: str) -> list[bytes]:
    """The variants of a bed's message: 14 metrics, with slots for `seq` (padded to a fixed width) and `time`."""
    seed = f"{plan.seed}:{bed}"
    patient = Patient(seed=seed, traits=Traits.drawn(seed))
    monitor = Monitor(_place(plan, bed), patient, has_arterial_line=True, seed=seed, start_ms=0)
    variants = [orjson.dumps(orjson.loads(monitor.step()[0].payload)["metrics"]) for _ in range(_VARIANTS)]
    return [b'{"boot":"%s","seq":%%10d,"time":%%13d,"metrics":%s}' % (boot.encode(), metrics) for metrics in variants]


def _packet_template(topic: str, payload: bytes) -> bytes:
    """A PUBLISH with QoS 1 whose slots are packet id, `seq` and `time`."""
    name = topic.encode()
    length = 2 + len(name) + 2 + len(payload % (0, 0))
    return b"\x32" + _remaining_length(length) + struct.pack("!H", len(name)) + name + b"%b" + payload


def _remaining_length(length: int) -> bytes:
    """MQTT's variable byte integer; `%` is doubled, since a template is made of it."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(encoded).replace(b"%", b"%%")


def _connected(broker: BrokerUrl, client_id: str) -> socket.socket:
    """A socket on which the broker has accepted us.

    Raises:
        LoadFailedError: refused.
        OSError: unreachable.
    """
    connection = socket.create_connection((broker.host, broker.port), timeout=_CONNECT_TIMEOUT_S)
    try:
        _introduce(connection, client_id.encode())
    except BaseException:
        connection.close()
        raise
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _acknowledge_quickly(connection)
    connection.setblocking(False)
    return connection


def _acknowledge_quickly(connection: socket.socket) -> None:
    """Lets TCP acknowledge at once what has come (until the next time it is asked).

    A broker that leaves Nagle's algorithm on would otherwise hold back all but its first PUBACK of a slot until our
    next write, and that is what would be measured.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _introduce(connection: socket.socket, client_id: bytes) -> None:
    # MQTT 3.1.1, clean session, no keep-alive: the acknowledgements show that the broker lives.
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack("!H", len(client_id)) + client_id
    connection.sendall(b"\x10" + _remaining_length(len(body)) + body)
    answer = connection.recv(4, socket.MSG_WAITALL)
    if len(answer) != 4 or answer[:2] != b"\x20\x02" or answer[3] != 0:
        raise LoadFailedError(f"the broker refused the connection: {answer.hex() or 'closed'}")


def _percentile_ms(samples: list[tuple[float, int]], share: float) -> float:
    """The value below which `share` of the weighted samples lie, in milliseconds; 0 without samples."""
    total = sum(weight for _, weight in samples)
    seen = 0
    for value, weight in sorted(samples):
        seen += weight
        if seen >= share * total:
            return round(value * 1000.0, 3)
    return 0.0
