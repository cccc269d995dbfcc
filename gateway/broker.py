"""A broker that the demo starts for itself, on this machine's loopback address and nowhere else.

mosquitto when it is installed: the broker of production, with the same limits. Otherwise amqtt in a child process: MQTT
3.1.1, nothing kept over a restart, which its banner says. Either way the gateway's own path is the same.

Invariants: only 127.0.0.1 is bound; when `start_embedded_broker` returns, the broker accepts connections; when this
process dies, however, the broker ends too (where Linux and util-linux let it).

Deliberately not for production: anybody on this machine may connect without a name.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import getpass
import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

HOST = "127.0.0.1"
START_DEADLINE_S = 15.0
STOP_DEADLINE_S = 10.0
_START_ATTEMPTS = 5
_POLL_S = 0.02
_TERM_AGAIN_S = 0.5

MOSQUITTO_LIMITS = {
    "max_inflight_messages": "1000",
    "max_queued_messages": "100000000",
    "max_queued_bytes": "536870912",
    "max_packet_size": "262144",
    "allow_zero_length_clientid": "false",
    "persistence": "true",
    "autosave_interval": "1",
    "autosave_on_changes": "false",
    "persistent_client_expiration": "14d",
    "set_tcp_nodelay": "true",
}
"""As deploy/mosquitto/limits.conf, which gives the reasons; a test compares the two."""


class BrokerKind(StrEnum):
    """Which program is the broker."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


_BANNERS = {BrokerKind.MOSQUITTO: None, BrokerKind.AMQTT: "demo broker, MQTT 3.1.1, not durable"}


class BrokerFailed(Exception):  # noqa: N818 - named for what happened
    """The broker did not start; the message holds the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedBroker:
    """A broker that runs until `stop`, or until it dies."""

    url: str
    kind: BrokerKind
    banner: str | None
    """What a person must be told about this broker, if anything."""
    mqtt_protocol: str
    """The newest version it speaks, as the setting of that name."""
    log: Path
    process: asyncio.subprocess.Process = field(repr=False)

    async def stop(self) -> None:
        """Ends the broker in an orderly way; by force when it does not. Stopping it again does nothing."""
        await _end(self.process)

    async def ended(self) -> int:
        """Returns the exit status once the broker has ended, whoever ended it."""
        return await self.process.wait()


async def start_embedded_broker(data_dir: Path, port: int = 0, *, kind: BrokerKind | None = None) -> EmbeddedBroker:
    """Starts a broker and waits until it accepts connections.

    Args:
        data_dir: the broker keeps its file, its configuration and its log in `broker` below it.
        port: TCP port on 127.0.0.1; 0 for any free one.
        kind: which program; when None, mosquitto if it is installed, else amqtt.

    Raises:
        BrokerFailed: it did not start, or the port is taken.
    """
    folder = data_dir / "broker"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = kind or (BrokerKind.MOSQUITTO if find_mosquitto() else BrokerKind.AMQTT)
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            return await _start(chosen, folder, _claimable(port))
        except BrokerFailed:
            # Between finding a free port and binding it somebody else may take it; a port that was asked for stays.
            if port or attempt == _START_ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def find_mosquitto() -> str | None:
    """Path of the mosquitto program, also where Debian puts it outside a person's PATH; None when not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")


def mosquitto_configuration(folder: Path, port: int) -> str:
    """mosquitto.conf of a broker for this machine alone, which keeps its queue in `folder`."""
    lines = [
        f"listener {port} {HOST}",
        "allow_anonymous true",
        *(f"{name} {value}" for name, value in MOSQUITTO_LIMITS.items()),
        f"persistence_location {folder.resolve()}/",
        "log_dest stderr",
        "log_timestamp_format %Y-%m-%dT%H:%M:%S",
    ]
    if os.geteuid() == 0:
        # Started by root, mosquitto would become the user `mosquitto`, who may not write to our folder.
        lines.append(f"user {getpass.getuser()}")
    return "\n".join(lines) + "\n"


async def _start(kind: BrokerKind, folder: Path, port: int) -> EmbeddedBroker:
    log = folder / f"{kind}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *_bound_to_this_process(),
            *_command(kind, folder, port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _await_accepting(process, port, log)
    except BaseException:
        await _end(process)
        raise
    return EmbeddedBroker(
        url=f"mqtt://{HOST}:{port}",
        kind=kind,
        banner=_BANNERS[kind],
        mqtt_protocol="5" if kind is BrokerKind.MOSQUITTO else "3.1.1",
        log=log,
        process=process,
    )


def _command(kind: BrokerKind, folder: Path, port: int) -> list[str]:
    if kind is BrokerKind.AMQTT:
        return [sys.executable, "-m", "gateway.broker", "--amqtt", "--port", str(port)]
    program = find_mosquitto()
    if program is None:
        raise BrokerFailed("mosquitto is not installed")
    configuration = folder / "mosquitto.conf"
    configuration.write_text(mosquitto_configuration(folder, port), encoding="utf-8")
    return [program, "-c", str(configuration)]


def _bound_to_this_process() -> list[str]:
    """A prefix under which the child is ended when this process dies, even by SIGKILL; empty where there is none."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


async def _await_accepting(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            while process.returncode is None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(HOST, port)
                    writer.close()
                    await writer.wait_closed()
                    if process.returncode is None:
                        return
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise BrokerFailed(
            f"the broker did not accept connections within {START_DEADLINE_S:g} s\n{_tail(log)}"
        ) from None
    raise BrokerFailed(f"the broker ended with status {process.returncode}\n{_tail(log)}")


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            while process.returncode is None:
                # More than once: mosquitto forgets a SIGTERM that comes before its main loop begins.
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _TERM_AGAIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])


def _claimable(port: int) -> int:
    """The port if nobody listens on it, or any free one for 0: else we would wait for somebody else's broker."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as taken:
            raise BrokerFailed(f"port {port} of {HOST} cannot be used: {taken.strerror}") from None
        return int(probe.getsockname()[1])


async def _serve_amqtt(port: int) -> None:
    """Runs amqtt in this process until SIGTERM or SIGINT."""
    from amqtt.broker import Broker

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    await stop.wait()
    await broker.shutdown()


def main() -> None:
    """The child process of the demo: `python -m gateway.broker --amqtt --port N`."""
    parser = argparse.ArgumentParser(prog="python -m gateway.broker", description="Demo broker on 127.0.0.1.")
    parser.add_argument("--amqtt", action="store_true", required=True)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(_serve_amqtt(parser.parse_args().port))


if __name__ == "__main__":
    main()
