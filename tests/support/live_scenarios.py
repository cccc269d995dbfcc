"""Scenarios played at the same time, over MQTT, into one real gateway; each scored against its own truth.

Every scenario has a unit of its own at the gateway. What the gateway made of it is read as anybody would read it: the
journal exported and replayed by the commands.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from simulators.broker import BrokerUrl
from simulators.clock import SimulatedClock
from simulators.live import LiveRun
from simulators.offline import record
from simulators.oracle.heard import read_heard
from simulators.oracle.score import Score, score
from simulators.scenario import load_scenario
from simulators.score_run import score_run
from simulators.service import Service
from simulators.session import Session, SessionOptions
from simulators.stage import Stage
from simulators.truth import RunTruth
from tests.support.gateway_process import GatewayProcess, run_vigil
from tests.support.mosquitto import start_mosquitto

UNIT = "u{number:02d}"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one scenario, live."""

    name: str
    score: Score
    truth: RunTruth
    failed: dict[str, int]
    """Commands that were not carried out, by reason."""

    @property
    def unit(self) -> str:
        """Where it was played: the unit is part of what makes a patient."""
        return self.truth.beds[0].bed.partition("/")[0]


def play_live(folder: Path, names: list[str], *, speed: float, within_s: float) -> list[Played]:
    """Plays scenarios side by side, each for its `live_s`, and scores them.

    Args:
        folder: for the broker, the gateway and the recording.
        names: of the scenarios.
        speed: simulated seconds per second, of gateway and devices.
        within_s: how long reading the recording may take.
    """
    recording, replayed = folder / "run.ndjson", folder / "replay.ndjson"
    with start_mosquitto(folder) as broker:
        data = folder / "data"
        with GatewayProcess(data, broker.url, options=["--speed", f"{speed:g}"]) as gateway:
            gateway.start_and_wait()
            runs = asyncio.run(_play(names, broker.url, gateway.url, speed))
            gateway.terminate()
    exported = run_vigil("journal", "export", "--data", data, "--out", recording, within_s=within_s)
    assert exported.returncode == 0, exported.stderr
    made = run_vigil("replay", recording, "--out", replayed, within_s=within_s)
    assert made.returncode == 0, made.stderr
    beds = {facts.admission_id: facts.bed for _, truth, _ in runs for facts in truth.beds}
    heard = read_heard(replayed.read_bytes().splitlines(), beds)
    return [Played(name, score(truth, heard), truth, failed) for name, truth, failed in runs]


async def _play(
    names: list[str], broker: str, service: str, speed: float
) -> list[tuple[str, RunTruth, dict[str, int]]]:
    async with asyncio.TaskGroup() as tasks:
        playing = [
            tasks.create_task(_play_one(name, UNIT.format(number=number), broker, service, speed))
            for number, name in enumerate(names, start=1)
        ]
    return [each.result() for each in playing]


async def _play_one(
    name: str, unit: str, broker: str, service: str, speed: float
) -> tuple[str, RunTruth, dict[str, int]]:
    scenario, clock = load_scenario(name), SimulatedClock(speed=speed)
    options = SessionOptions(broker=BrokerUrl.parse(broker), client_prefix=f"sim-{unit}")
    async with asyncio.TaskGroup() as tasks:
        session = Session(options, clock, lambda _: None, tasks)
        assert await session.agree_on_time(), "no heartbeat of the gateway was heard"
        stage = await asyncio.to_thread(
            lambda: Stage(scenario, beds=scenario.beds, unit=unit, seed=1, start_ms=clock.now_ms(), tells_link=False)
        )
        live = LiveRun(session, stage, Service(service), lambda _: None, obeys=True)
        await live.play(scenario.live_s, lambda: None)
        truth = stage.truth()
        await session.close(within_s=10.0)
        assert session.counts.outstanding == 0
    return name, truth, dict(live.counts.failed)


def score_offline(
    folder: Path, name: str, *, duration_s: float | None = None, unit: str = "icu"
) -> tuple[Score, RunTruth]:
    """Records a scenario without a broker, and scores it."""
    scenario, here = load_scenario(name), folder / name
    here.mkdir(parents=True)
    record(
        scenario, beds=scenario.beds, unit=unit, seed=1, duration_s=duration_s or scenario.duration_s,
        out=here / "run.ndjson", truth=here / "truth.ndjson",
    )  # fmt: skip
    return score_run(here)
