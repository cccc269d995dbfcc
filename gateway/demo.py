"""`vigil demo`: broker, gateway and a simulated ward, each in a process of its own, ended together.

Everything is embedded and on 127.0.0.1; what it keeps is in a temporary folder that is removed at the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.markup import escape

from gateway.broker import BrokerFailed, BrokerKind, start_embedded_broker
from gateway.cli_errors import errors, fail

STOP_S = 8.0
"""A part that has not ended by then is ended by force."""
END_S = 20.0
"""The demo outlives its parts: were it ended by force before them, they would run on alone."""


def demo(
    beds: Annotated[int, typer.Option(min=1, max=64, help="Beds of the simulated ward.")] = 12,
    speed: Annotated[float, typer.Option(min=1, max=1000, help="Ward seconds per second.")] = 60.0,
    port: Annotated[int, typer.Option(help="Port of the display; 0 takes any free one.")] = 8000,
    scenario: Annotated[str, typer.Option(help="What plays out; see `vigil simulate --list`.")] = "story",
    seed: Annotated[int, typer.Option(help="Same seed, same ward.")] = 1,
    broker: Annotated[
        BrokerKind | None, typer.Option(help="Which broker to start; mosquitto where it is installed.")
    ] = None,
) -> None:
    """Run everything on this machine: broker, gateway, a simulated ward and the display. Prints the URL to open."""
    from gateway.cli import run_until_signalled

    with tempfile.TemporaryDirectory(prefix="vigil-demo-") as folder:
        try:
            run_until_signalled(lambda: _run(Path(folder), broker, _Plan(beds, speed, port, scenario, seed)), END_S)
        except BrokerFailed as error:
            fail(str(error))
        except _PartEnded as error:
            fail(str(error))


class _PartEnded(Exception):  # noqa: N818 - named for what happened
    """A part of the demo ended by itself."""


class _Plan(NamedTuple):
    """What the ward is like and where it is shown."""

    beds: int
    speed: float
    port: int
    scenario: str
    seed: int


async def _run(folder: Path, kind: BrokerKind | None, plan: _Plan) -> None:
    broker = await start_embedded_broker(folder / "broker", kind=kind)
    if broker.banner:
        errors.print(f"[yellow]{escape(broker.banner)}[/]")
    parts: list[Process] = []
    try:
        gateway = await _start(
            *("gateway", "--broker", broker.url, "--data", str(folder / "data")),
            *("--port", str(plan.port), "--speed", str(plan.speed)),
            VIGIL_MQTT_PROTOCOL=broker.mqtt_protocol,
            VIGIL_ACCESS="open",  # simulated patients; the ward that admits them shows no token
        )
        parts.append(gateway)
        url = await _first_line(gateway)
        ward = await _start(
            *("simulate", "--scenario", plan.scenario, "--beds", str(plan.beds), "--seed", str(plan.seed)),
            *("--speed", str(plan.speed), "--broker", broker.url, "--admit", url.rstrip("/")),
        )
        parts.append(ward)
        typer.echo(f"Vigil shows {plan.beds} simulated beds at {plan.speed:g} times normal speed: {url}")
        errors.print("Stop with Ctrl-C. Simulated patients only; not a certified medical device.")
        await _until_one_ends({"gateway": gateway, "simulated ward": ward})
    finally:
        await asyncio.gather(*(_stop(part) for part in parts))
        await broker.stop()


async def _start(*arguments: str, **environment: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from gateway.cli import main; main()", *arguments),
        stdout=PIPE,
        start_new_session=True,
        env=os.environ | environment,
    )


async def _first_line(part: Process) -> str:
    assert part.stdout is not None
    line = (await part.stdout.readline()).decode().strip()
    if not line:
        raise _PartEnded("the gateway did not start; its message stands above")
    return line


async def _until_one_ends(parts: dict[str, Process]) -> None:
    waiting = {asyncio.create_task(part.wait(), name=name) for name, part in parts.items()}
    try:
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    ended = next(iter(done))
    raise _PartEnded(f"the {ended.get_name()} ended by itself (status {ended.result()})")


async def _stop(part: Process) -> None:
    if part.returncode is not None:
        return
    part.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(part.wait(), STOP_S)
    except TimeoutError:
        part.kill()
        await part.wait()
