"""Scenarios played at the same time, over MQTT, into one real gateway; each scored against its own truth.

Every scenario has a unit of its own at the gateway. What the gateway made of it is read as anybody would read it: the
journal exported and replayed by the commands. Where a scenario lays down an outage of the broker, a real one is killed
and started again; what it keeps meanwhile is in its own file.
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
from simulators.stage import OutageStyle, Stage
from simulators.truth import RunTruth
from tests.support.gateway_process import GatewayProcess, run_vigil
from tests.support.mosquitto import Mosquitto, start_mosquitto

UNIT = "u{number:02d}"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one scenario, live."""

    name: str
    score: Score
    truth: RunTruth
    failed: dict[str, int]
    """Commands that were not carried out, by reason."""
    behind_s: float
    """Real seconds by which the simulators were late at worst."""

    @property
    def unit(self) -> str:
        """Where it was played: the unit is part of what makes a patient."""
        return self.truth.beds[0].bed.partition("/")[0]


@dataclass(frozen=True, slots=True)
class _Run:
    """One scenario played, not yet scored."""

    name: str
    truth: RunTruth
    failed: dict[str, int]
    behind_s: float


def play_live(folder: Path, names: list[str], *, speed: float, within_s: float) -> list[Played]:
    """Plays scenarios side by side, each for its `live_s`, and scores them.

    Args:
        folder: for the broker, the gateway and the recording.
        names: of the scenarios.
        speed: simulated seconds per second, of gateway and devices.
        within_s: how long reading the recording may take.
    """
    recording, replayed = folder / "run.ndjson", folder / "replay.ndjson"
    kept = {"persistence": True, "autosave_interval": 1, "autosave_on_changes": False}
    with start_mosquitto(folder, **(kept if _has_outage(names) else {})) as broker:
        data = folder / "data"
        with GatewayProcess(data, broker.url, options=["--speed", f"{speed:g}"]) as gateway:
            gateway.start_and_wait()
            runs = asyncio.run(_play(names, broker, gateway.url, speed))
            gateway.terminate()
    exported = run_vigil("journal", "export", "--data", data, "--out", recording, within_s=within_s)
    assert exported.returncode == 0, exported.stderr
    made = run_vigil("replay", recording, "--out", replayed, within_s=within_s)
    assert made.returncode == 0, made.stderr
    beds = {facts.admission_id: facts.bed for run in runs for facts in run.truth.beds}
    heard = read_heard(replayed.read_bytes().splitlines(), beds)
    return [Played(run.name, score(run.truth, heard), run.truth, run.failed, run.behind_s) for run in runs]


def _has_outage(names: list[str]) -> bool:
    return any(load_scenario(name).outages for name in names)


async def _play(names: list[str], broker: Mosquitto, service: str, speed: float) -> list[_Run]:
    async with asyncio.TaskGroup() as tasks:
        playing = [
            tasks.create_task(_play_one(name, UNIT.format(number=number), broker, service, speed))
            for number, name in enumerate(names, start=1)
        ]
    return [each.result() for each in playing]


async def _play_one(name: str, unit: str, broker: Mosquitto, service: str, speed: float) -> _Run:
    scenario, clock = load_scenario(name), SimulatedClock(speed=speed)
    options = SessionOptions(broker=BrokerUrl.parse(broker.url), client_prefix=f"sim-{unit}")
    async with asyncio.TaskGroup() as tasks:
        session = Session(options, clock, lambda _: None, tasks)
        assert await session.agree_on_time(), "no heartbeat of the gateway was heard"
        stage = await asyncio.to_thread(
            lambda: Stage(
                scenario, beds=scenario.beds, unit=unit, seed=1, start_ms=clock.now_ms(), outage=OutageStyle.REAL
            )
        )
        live = LiveRun(session, stage, Service(service), lambda _: None, obeys=True)
        outages = tasks.create_task(_kill_and_restart(broker, stage, session))
        await live.play(scenario.live_s, lambda: None)
        await outages
        truth = stage.truth()
        await session.close(within_s=10.0)
        assert session.counts.outstanding == 0
    return _Run(name, truth, dict(live.counts.failed), live.behind_s)


async def _kill_and_restart(broker: Mosquitto, stage: Stage, session: Session) -> None:
    """What the scenario's outages are: the broker dies without a word, and comes back on its port with what it kept."""
    outages, clock = stage.scenario.outages, session.clock
    while outages and stage.now_ms == stage.start_ms:
        await asyncio.sleep(0.02)  # not before everybody is admitted: the run's start moves until then
    for outage in outages:
        await clock.sleep_until_ms(stage.start_ms + round(outage.at_s * 1000))
        await asyncio.to_thread(broker.kill)
        await clock.sleep_until_ms(stage.start_ms + round((outage.at_s + outage.for_s) * 1000))
        assert session.connected == 0
        assert session.counts.outstanding > outage.for_s, "the devices kept less than one of them says in that time"
        await asyncio.to_thread(broker.restart)


def complaints(score: Score) -> list[str]:
    """Why a run has not passed, a line each; empty when it has."""
    lines = [f"missed {m.bed} {m.families} {m.why} since {m.onset_at}" for m in score.missed]
    lines += [f"forbidden {f.bed} {f.rule_id} at {f.at}: {f.why}" for f in score.false_alarms if f.why]
    lines += [
        f"dose {w.number} {w.bed} at {w.at}: {w.said}, allowed {w.allowed}: {w.why}" for w in score.wrong_decisions
    ]
    return [f"{score.scenario}: {line}" for line in lines]


def differences(live: Played, offline: Score, truth: RunTruth) -> list[str]:
    """What a live run and a recording of the same patients score differently; empty when they score the same.

    Compared are the musts of each family and how many were found, what was forbidden, and each decision that the truth
    asks for, with whether it was right. Unexpected alarms are not: they are figures, and rest on single seconds.
    """
    pairs = {
        "musts, found": (_musts(live.score), _musts(offline)),
        "forbidden": (live.score.forbidden, offline.forbidden),
        "decisions asked for": (
            [(d.number, d.allowed) for d in live.truth.decisions],
            [(d.number, d.allowed) for d in truth.decisions],
        ),
        "wrong decisions": (
            [(w.number, w.said) for w in live.score.wrong_decisions],
            [(w.number, w.said) for w in offline.wrong_decisions],
        ),
    }
    return [f"{live.name}, {what}: live {a}, offline {b}" for what, (a, b) in pairs.items() if a != b]


def _musts(score: Score) -> dict[str, tuple[int, int]]:
    return {name: (each.must, each.found) for name, each in sorted(score.families.items()) if each.must}


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
