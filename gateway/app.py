"""The composition root: the one place that names concrete parts and puts them together.

One process, one task group. When a task fails the group ends, the process ends with its error, and whoever supervises
it starts it again; the journal has everything that was acknowledged.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import IO, TYPE_CHECKING

from gateway import snapshots
from gateway.access.compose import access_desk
from gateway.access.proxy import ProxyDesk
from gateway.announcer import AlarmAnnouncer
from gateway.auditing import AuditAnchorer
from gateway.clock import GatewayClock
from gateway.heartbeat import publish_beats
from gateway.mqtt import BrokerAddress, MqttDoor, parse_broker_url
from gateway.notify.compose import plan_of, receivers_of
from gateway.notify.webhook import Receiver
from gateway.notify.worker import Notifier
from gateway.permit import PermitPublisher
from gateway.pipeline import Pipeline
from gateway.rulesets import load_rulebook
from gateway.service import VERSION, GatewayService
from gateway.settings import Settings, read_secret
from gateway.watchdog import Limits, Watchdog
from gateway.web.access import Desk
from gateway.web.app import create_app
from gateway.web.feed import FeedHub
from gateway.web.server import WebServer
from gateway.wire.commands import encode_command
from storage.journal import SWITCH_INTERVAL_S, Journal
from storage.records import Records, RecordsUnavailable
from storage.series.store import SeriesStore, SeriesUnavailable
from storage.sqlite_version import check_sqlite_version

if TYPE_CHECKING:
    from storage.series.influx import InfluxExporter

log = logging.getLogger("vigil")

SERIES_LOOK_S = 0.5
SERIES_UNSTORED_MAX = 300_000
"""Samples; about 40 MB."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SPEED_META = "clock_speed"
REPLAYED_MAX = 2_000
"""Entries. A start that read more of the journal again takes a snapshot at once, so that the next one need not: a
gateway that dies again and again before its first one would read ever more."""


class CannotStart(Exception):  # noqa: N818 - named for what happened
    """The gateway cannot start as it is configured: the message says what, where, and what to do."""


async def run_gateway(
    settings: Settings, *, speed: float = 1.0, announce: Callable[[str], None] = lambda _: None
) -> None:
    """Run the service until cancelled.

    Args:
        settings: What to run with.
        speed: Gateway seconds per second; other than 1 in a demo or a test only.
        announce: Told the URL once the service answers.

    Raises:
        CannotStart: Something is configured that cannot be.
    """
    _log_sqlite()
    spare_the_collector()
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # else a busy loop keeps the journal's thread waiting for seconds
    data_dir = settings.data_dir
    data_dir.mkdir(parents=True, exist_ok=True)
    with sole_use(data_dir):
        journal = await asyncio.to_thread(Journal.open, data_dir / "journal.db")
        try:
            await _settle_speed(journal, settings, speed)
            await _run_with_journal(settings, journal, speed, announce)
        finally:
            await asyncio.to_thread(journal.close)


async def _run_with_journal(
    settings: Settings, journal: Journal, speed: float, announce: Callable[[str], None]
) -> None:
    data_dir = settings.data_dir
    series = await asyncio.to_thread(SeriesStore.open, data_dir / "series.db")
    records = await Records.open(records_url(settings))
    try:
        async with access_desk(settings) as access:
            await _run_with_stores(settings, journal, series, records, access, speed, announce)
    finally:
        await records.close()
        await asyncio.to_thread(series.close)


async def _run_with_stores(
    settings: Settings,
    journal: Journal,
    series: SeriesStore,
    records: Records,
    access: Desk | None,
    speed: float,
    announce: Callable[[str], None],
) -> None:
    rules = load_rulebook(settings.profile, settings.dosing_profile, settings.alarm_policy)
    receivers = receivers_of(settings)
    records.plan_notifications = plan_of(settings)
    folder = settings.data_dir / "snapshots"
    _refuse_older_journal(settings, journal, series, records)
    least = min(series.applied_offset, records.applied_offset, journal.head_offset)
    fold = await asyncio.to_thread(snapshots.load, folder, rules, least)
    clock = GatewayClock(speed=speed, not_before_ms=journal.last_received_ms)
    door = MqttDoor(
        broker_address(settings), client_id=settings.mqtt_client_id, receive_maximum=settings.receive_maximum
    )
    pipeline = Pipeline(
        journal=journal,
        fold=fold,
        series=series,
        records=records,
        clock=clock,
        door=door,
        batch_max=settings.journal_batch_max,
        pending_max=settings.pending_max,
    )
    began, from_offset = perf_counter(), fold.offset
    await pipeline.recover()
    log.info("recovered: offsets %d to %d folded in %.1f s", from_offset, fold.offset, perf_counter() - began)
    if fold.offset - from_offset > REPLAYED_MAX:
        await _save_snapshot(pipeline, folder)
    exporter = _exporter(settings, series)
    anchorer = AuditAnchorer(records, clock, settings.audit_anchor_path)
    await anchorer.hold_up()
    service = GatewayService(pipeline, exporter, anchorer)
    feed = FeedHub(service)
    server = WebServer.listening(create_app(service, feed, access), settings.http_host, settings.http_port)
    if speed != 1.0:
        pipeline.note("clock", encode_command({"speed": speed, "actor": "vigil"}))
    door.on_link = lambda is_up: _journal_link(pipeline, is_up=is_up)
    announcer, notifier = _tellers(pipeline, receivers, settings)
    service.notifier = notifier
    permits = PermitPublisher(pipeline)
    pipeline.on_folded = permits.folded.set
    watchdog = Watchdog(
        pipeline,
        announcer,
        settings.data_dir,
        _watch_limits(settings),
        deliveries=lambda: notifier.troubles(settings.watch_delivery_lag_s),
        unwell_before=lambda: fold.ward.house.unwell_parts,
    )
    service.watchdog = watchdog
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(watchdog.run(), name="watchdog")
        tasks.create_task(announcer.run(), name="announcer")
        tasks.create_task(permits.run(), name="permits")
        tasks.create_task(notifier.run(), name="notifier")
        tasks.create_task(anchorer.run(), name="audit")
        tasks.create_task(pipeline.run_writing(), name="writing")
        tasks.create_task(pipeline.run_folding(), name="folding")
        tasks.create_task(pipeline.run_recording(), name="recording")
        tasks.create_task(pipeline.run_ticks(), name="ticks")
        tasks.create_task(door.run(), name="mqtt")
        tasks.create_task(publish_beats(pipeline, VERSION, lambda: len(fold.ward.house.active)), name="heartbeat")
        tasks.create_task(_flush_series(pipeline, settings.series_flush_interval_s), name="series")
        tasks.create_task(_save_snapshots(pipeline, folder, settings.snapshot_interval_s), name="snapshots")
        tasks.create_task(_tell_feed(pipeline, service), name="changes")
        tasks.create_task(feed.run(), name="feed")
        tasks.create_task(server.run(), name="web")
        for name, part in (("export", exporter), ("access", access)):
            if part is not None and not isinstance(part, ProxyDesk):
                tasks.create_task(part.run(), name=name)
        announce(f"http://{settings.http_host}:{server.port}/")


def _tellers(pipeline: Pipeline, receivers: list[Receiver], settings: Settings) -> tuple[AlarmAnnouncer, Notifier]:
    """Who tells of alarms, over MQTT and over HTTP; both are woken when the records have grown."""
    announcer = AlarmAnnouncer(pipeline.records, pipeline.journal, pipeline.door)
    notifier = Notifier(receivers, pipeline.records, pipeline.clock, give_up_s=settings.notify_give_up_s)

    def note_recorded() -> None:
        announcer.recorded.set()
        notifier.note_recorded()

    pipeline.on_recorded = note_recorded
    return announcer, notifier


def records_url(settings: Settings) -> str:
    """Where the records are: the configured database, else SQLite in the data directory."""
    path = (settings.data_dir / "records.db").resolve()
    return settings.records_database_url() or f"sqlite+aiosqlite:///{path}"


# --- tasks ------------------------------------------------------------------------------------------------------------


async def _flush_series(pipeline: Pipeline, interval_s: float) -> None:
    """Write the time series to disk: each interval, and sooner when they would take much memory."""
    flushed_s = 0.0
    while True:
        await asyncio.sleep(SERIES_LOOK_S)
        flushed_s += SERIES_LOOK_S
        if flushed_s >= interval_s or pipeline.series.unstored_samples > SERIES_UNSTORED_MAX:
            flushed_s = 0.0
            await pipeline.flush_series()


async def _save_snapshots(pipeline: Pipeline, folder: Path, interval_s: float) -> None:
    saved = pipeline.fold.offset
    while True:
        await asyncio.sleep(interval_s)
        if pipeline.fold.offset == saved:
            continue
        saved = await _save_snapshot(pipeline, folder) or saved


async def _save_snapshot(pipeline: Pipeline, folder: Path) -> int:
    """Save a snapshot of the present; its offset, or 0 when it cannot be saved now."""
    offset = pipeline.fold.offset
    try:
        child = snapshots.begin(folder, pipeline.fold.snapshot)
        await asyncio.to_thread(snapshots.finish, folder, child)
        await pipeline.settle()  # nothing that a projection lacks may lie before a snapshot
        await asyncio.to_thread(snapshots.name, folder, child, offset)
    except (SeriesUnavailable, RecordsUnavailable, OSError) as error:
        log.error("no snapshot taken, a restart will replay more: %s", error)  # noqa: TRY400
        return 0
    return offset


async def _tell_feed(pipeline: Pipeline, service: GatewayService) -> None:
    while True:
        await pipeline.folded.wait()
        pipeline.folded.clear()
        service.note_change()


def _journal_link(pipeline: Pipeline, *, is_up: bool) -> None:
    """The connection to the broker came or went: journaled, so that a replay knows it too."""
    pipeline.note("link", encode_command({"part": "broker", "state": "up" if is_up else "down", "actor": "vigil"}))


# --- start ------------------------------------------------------------------------------------------------------------


class sole_use:  # noqa: N801 - used as a with statement
    """Holds the data directory for this process alone."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file: IO[str] | None = None

    def __enter__(self) -> None:
        self._file = self._path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise CannotStart(f"{self._path.parent}: another gateway is using this data directory") from None

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()


async def _settle_speed(journal: Journal, settings: Settings, speed: float) -> None:
    """A clock that does not run at 1 is for a demo or a test: everything on this machine, and never on real records."""
    written = journal.get_meta(SPEED_META)
    if speed != 1.0:
        host = parse_broker_url(settings.broker_url)[0]
        if host not in LOOPBACK or settings.http_host not in LOOPBACK:
            raise CannotStart("--speed is for a demo or a test: broker and HTTP must both be on 127.0.0.1")
        if written == "1" or (written is None and journal.head_offset > 0):
            raise CannotStart(
                f"--speed is for a demo or a test: {settings.data_dir} holds a journal kept at normal speed; "
                "give another --data"
            )
    elif written not in (None, "1"):
        raise CannotStart(
            f"{settings.data_dir} holds the journal of a demo or test at another speed; give another --data, or --speed"
        )
    if written is None:
        await journal.set_meta(SPEED_META, "1" if speed == 1.0 else "demo")


def _refuse_older_journal(settings: Settings, journal: Journal, series: SeriesStore, records: Records) -> None:
    """A projection beyond the journal belongs to another journal: going on would pass new entries over in silence."""
    for name, applied in (("series", series.applied_offset), ("records", records.applied_offset)):
        if applied > journal.head_offset:
            raise CannotStart(
                f"the {name} have applied entry {applied}, but the journal in {settings.data_dir} ends at "
                f"{journal.head_offset}: an older journal was restored beside them. Run `vigil rebuild --data "
                f"{settings.data_dir}` (and empty the records database if it is PostgreSQL), then start again"
            )


def broker_address(settings: Settings) -> BrokerAddress:
    """Where the broker is, and how to log in there.

    Raises:
        SettingsError: A secret or certificate cannot be read.
    """
    host, port, is_tls = parse_broker_url(settings.broker_url)
    password = settings.mqtt_password_file
    return BrokerAddress(
        host=host,
        port=port,
        tls=_tls_context(settings) if is_tls else None,
        username=settings.mqtt_username,
        password=read_secret("mqtt_password_file", password) if password is not None else None,
        protocol=settings.mqtt_protocol,
    )


def _tls_context(settings: Settings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(settings.mqtt_ca_file) if settings.mqtt_ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.mqtt_cert_file is not None and settings.mqtt_key_file is not None:
        context.load_cert_chain(settings.mqtt_cert_file, settings.mqtt_key_file)
    return context


def _watch_limits(settings: Settings) -> Limits:
    return Limits(
        engine_lag_s=settings.watch_engine_lag_s,
        loop_stall_s=settings.watch_loop_stall_s,
        commit_s=settings.watch_commit_s,
        projection_lag_s=settings.watch_projection_lag_s,
        delivery_lag_s=settings.watch_delivery_lag_s,
        disk_free_mb=settings.watch_disk_free_mb,
        disk_free_percent=settings.watch_disk_free_percent,
        clock_step_s=settings.watch_clock_step_s,
    )


def _exporter(settings: Settings, series: SeriesStore) -> InfluxExporter | None:
    influx = settings.influx
    if influx is None:
        return None
    from storage.series.influx import InfluxExporter, InfluxTarget  # slow to import, and seldom configured

    token = read_secret("influx.token_file", influx.token_file) if influx.token_file is not None else ""
    target = InfluxTarget(url=influx.url, token=token, org=influx.org, bucket=influx.bucket)
    return InfluxExporter(series.outbox(), target)


def spare_the_collector() -> None:
    """Look for cycles less often, and not among what start-up made: samples and entries that wait are many and hold
    none.

    At 7,000 messages a second the collector's defaults took a fifth of the processor.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _log_sqlite() -> None:
    log.info("%s", check_sqlite_version().remark)
