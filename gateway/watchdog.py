"""The gateway watches itself: each second it measures its parts; what is wrong becomes a technical alarm of the house.

Parts, as the alarm rules name them:
- `engine_lag`: how far the engine is behind; how long the event loop stood still.
- `journal_lag`: how long a commit takes; a disk that refuses. While it refuses nothing can be journaled, this least of
  all: readiness, heartbeat and feed say it then, and the journal once it can be written again.
- `projection_lag`: how long records and series have lacked what the engine said.
- `disk_nearly_full`: free bytes and share of the data directory.
- `clock_stepped`: the wall clock against the monotonic one.
- `delivery_failed`: alarms that could not be handed on, over MQTT or as notifications.

Invariants: only a change of a part's state is journaled, and while it is not well its figures again each `REFRESH_S`;
so an alarm is in the journal, and a replay raises it too. Whether and when a part that is not well is worth an alarm
is decided by the rules (onset and clear delay), not here.

Seconds are the system's, whatever the speed of the gateway's clock.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from gateway.clock import StepWatch
from gateway.standing import standing_of
from gateway.wire.commands import encode_command

if TYPE_CHECKING:
    from gateway.announcer import AlarmAnnouncer
    from gateway.pipeline import Pipeline

log = logging.getLogger("vigil.watchdog")

LOOK_S = 1.0
REFRESH_S = 60.0
DISK_LOOK_S = 10.0
STALLED_FOR_S = 10.0
"""So long after the process stood still is it told: longer than the rule waits before it raises an alarm."""
STEPPED_FOR_S = 60.0
"""So long after a step of the wall clock is it told."""
PARTS = ("engine_lag", "journal_lag", "projection_lag", "disk_nearly_full", "clock_stepped", "delivery_failed")
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on a part is not well."""

    engine_lag_s: float
    loop_stall_s: float
    commit_s: float
    projection_lag_s: float
    delivery_lag_s: float
    disk_free_mb: float
    disk_free_percent: float
    clock_step_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCheck:
    """One part as it was found."""

    part: str
    troubles: tuple[str, ...]
    """What is wrong, for people; empty when it is well."""
    figures: Mapping[str, float]
    """What was measured, with the unit in the name."""

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.troubles

    def body(self) -> dict[str, object]:
        """The command that journals it."""
        text = "; ".join(self.troubles) or "well again"
        return {"part": self.part, "well": self.is_well, "text": text, "figures": self.figures, "actor": "vigil"}


@dataclass(slots=True)
class _Told:
    is_well: bool
    at_s: float


class Watchdog:
    """Measures, and journals what changes. `run` in a task of its own."""

    def __init__(
        self,
        pipeline: Pipeline,
        announcer: AlarmAnnouncer,
        data_dir: Path,
        limits: Limits,
        *,
        deliveries: Callable[[], Sequence[str]] = tuple,
        unwell_before: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """Prepare.

        Args:
            pipeline: What is watched, and where findings are journaled.
            announcer: Its outbox is watched.
            data_dir: The disk under it is watched.
            limits: From when on something is wrong.
            deliveries: What is wrong with notifications, for people.
            unwell_before: Parts that are not well as far as the journal says, from before this process began.
        """
        self._pipeline = pipeline
        self._announcer = announcer
        self._data_dir = data_dir
        self._limits = limits
        self._deliveries = deliveries
        self._unwell_before = unwell_before
        self._steps = StepWatch()
        self._stepped_s: float | None = None
        self._step = 0.0
        self._stall_s = 0.0
        self._stalled_s = float("-inf")
        self._disk: shutil._ntuple_diskusage | None = None
        self._disk_looked_s = float("-inf")
        self._told: dict[str, _Told] = {}
        self.unwell: frozenset[str] = frozenset()
        """Parts that are not well now, journaled or not."""

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            await self._sleep()
            await self._look_at_disk()
            checks = self.checks()
            self.unwell = frozenset(check.part for check in checks if not check.is_well)
            for check in checks:
                self._tell(check)

    def checks(self) -> list[PartCheck]:
        """Every part as it is now. The worst since the last look counts where something comes and goes."""
        return [
            self._engine(),
            self._journal(),
            self._projections(),
            self._room(),
            self._clock(),
            self._handing_on(),
        ]

    # --- what is journaled --------------------------------------------------------------------------------------------

    def _tell(self, check: PartCheck) -> None:
        told, now_s = self._told.get(check.part), perf_counter()
        if told is None:
            told = self._told[check.part] = _Told(check.part not in self._unwell_before(), now_s)
        is_changed = told.is_well != check.is_well
        is_stale = not check.is_well and now_s - told.at_s >= REFRESH_S and self._pipeline.is_journal_writable
        if not is_changed and not is_stale:
            return
        if is_changed:
            log.warning("%s: %s", check.part, "; ".join(check.troubles) or "well again")
        self._told[check.part] = _Told(check.is_well, now_s)
        self._pipeline.note("self_check", encode_command(check.body()))

    # --- what is measured ---------------------------------------------------------------------------------------------

    async def _sleep(self) -> None:
        """Until the next look; how much longer it took is how long the loop stood still."""
        began_s = perf_counter()
        await asyncio.sleep(LOOK_S)
        stall_s = max(0.0, perf_counter() - began_s - LOOK_S)
        if stall_s > self._limits.loop_stall_s or perf_counter() - self._stalled_s > STALLED_FOR_S:
            self._stall_s, self._stalled_s = stall_s, perf_counter()

    def _engine(self) -> PartCheck:
        limits, lag_s, stall_s = self._limits, standing_of(self._pipeline).lag_s, self._stall_s
        troubles = []
        if lag_s > limits.engine_lag_s and self._pipeline.is_journal_writable:
            troubles.append(f"the engine is {lag_s:.1f} s behind what was recorded")
        if stall_s > limits.loop_stall_s:
            troubles.append(f"the gateway stood still for {stall_s:.1f} s")
        return PartCheck(
            part="engine_lag",
            troubles=tuple(troubles),
            figures={
                "lag_s": round(lag_s, 3),
                "stall_s": round(stall_s, 3),
                "pending_messages": self._pipeline.pending_messages,
            },
        )

    def _journal(self) -> PartCheck:
        pipeline, limit_s = self._pipeline, self._limits.commit_s
        commit_s = pipeline.take_slowest_commit_s()
        troubles = []
        if not pipeline.is_journal_writable:
            troubles.append("the journal cannot be written: nothing that comes in is recorded or acknowledged")
        elif commit_s > limit_s:
            troubles.append(f"a commit of the journal took {commit_s:.1f} s")
        figures = {"commit_s": round(commit_s, 3), "refused_commits": pipeline.figures.journal_failures}
        return PartCheck(part="journal_lag", troubles=tuple(troubles), figures=figures)

    def _projections(self) -> PartCheck:
        pipeline, limit_s = self._pipeline, self._limits.projection_lag_s
        lags = {"records": pipeline.records_lag_s(), "series": pipeline.series_lag_s()}
        errors = {"records": pipeline.records_error, "series": pipeline.series_error}
        troubles = [
            f"the {name} are {lag_s:.0f} s behind the engine {errors[name][:300]}".rstrip()
            for name, lag_s in lags.items()
            if lag_s > limit_s
        ]
        figures = {f"{name}_lag_s": round(lag_s, 3) for name, lag_s in lags.items()}
        return PartCheck(part="projection_lag", troubles=tuple(troubles), figures=figures)

    async def _look_at_disk(self) -> None:
        if perf_counter() - self._disk_looked_s < DISK_LOOK_S:
            return
        self._disk_looked_s = perf_counter()
        try:
            self._disk = await asyncio.to_thread(shutil.disk_usage, self._data_dir)
        except OSError as error:
            log.warning("the disk under %s cannot be looked at: %s", self._data_dir, error)

    def _room(self) -> PartCheck:
        disk = self._disk
        if disk is None:
            return PartCheck(part="disk_nearly_full", troubles=("the data directory cannot be looked at",), figures={})
        free_mb, percent = disk.free / MB, 100 * disk.free / max(1, disk.total)
        is_full = free_mb < self._limits.disk_free_mb or percent < self._limits.disk_free_percent
        trouble = f"the disk of the journal is nearly full: {free_mb:.0f} MB ({percent:.1f} %) are free"
        return PartCheck(
            part="disk_nearly_full",
            troubles=(trouble,) if is_full else (),
            figures={"free_mb": round(free_mb), "free_percent": round(percent, 2)},
        )

    def _clock(self) -> PartCheck:
        now_s, step_s = perf_counter(), self._steps.step_s()
        if abs(step_s) > self._limits.clock_step_s:
            self._stepped_s, self._step = now_s, step_s
        back_s = self._pipeline.clock.stepped_back_ms / 1000
        troubles = []
        if self._stepped_s is not None and now_s - self._stepped_s < STEPPED_FOR_S:
            troubles.append(f"the system clock was set by {self._step:+.1f} s")
        if back_s > self._limits.clock_step_s:
            troubles.append(f"gateway time stands still until the system clock has caught up {back_s:.1f} s")
        figures = {"last_step_s": round(self._step, 3), "behind_s": round(back_s, 3)}
        return PartCheck(part="clock_stepped", troubles=tuple(troubles), figures=figures)

    def _handing_on(self) -> PartCheck:
        waits_s = self._announcer.waits_s()
        troubles = list(self._deliveries())
        # While the broker is gone that is an alarm of its own, at every unit, and the reason why nothing is announced.
        if waits_s > self._limits.delivery_lag_s and self._pipeline.door.is_connected:
            troubles.insert(0, f"alarms have not been announced over MQTT for {waits_s:.0f} s")
        figures = {"announcements_wait_s": round(waits_s, 3)}
        return PartCheck(part="delivery_failed", troubles=tuple(troubles), figures=figures)
