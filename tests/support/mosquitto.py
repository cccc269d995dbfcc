"""A real mosquitto on a free loopback port, for tests that need a broker.

`start_mosquitto(tmp_path)` returns when the broker accepts connections. Whoever starts one ends it: use `with`, or call
`stop()`. `kill()` is a power cut (SIGKILL), `stop()` an orderly end (SIGTERM), `pause()`/`resume()` a broker that hangs
with its sockets open; `restart()` brings it back on the same port with the same configuration and persistence file.

Any line of mosquitto.conf may be given as a keyword: `start_mosquitto(tmp_path, persistence=True,
autosave_on_changes=True, autosave_interval=1)`. Nothing is shared between two brokers of one test: each has a directory
of its own.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import pytest

Option = str | int | bool

_START_DEADLINE_S = 15.0
_START_ATTEMPTS = 5

_DEFAULTS: Mapping[str, Option] = {
    "allow_anonymous": True,
    # The broker must not lose for us what the test wants to see arrive: no limit on the queue of an absent subscriber.
    "max_queued_messages": 0,
    "max_inflight_messages": 1000,
    "persistence": False,
    "sys_interval": 1,
    "set_tcp_nodelay": True,
}


class Mosquitto:
    """One broker process on 127.0.0.1; the port stays the same over restarts."""

    def __init__(self, directory: Path, port: int, options: Mapping[str, Option]) -> None:
        self.directory = directory
        self.port = port
        self.url = f"mqtt://127.0.0.1:{port}"
        self._options = options
        self.process = self._spawn()

    @property
    def log(self) -> str:
        """What the broker has written to its log since the first start."""
        return self._log_path.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        """Whether the broker process is alive."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the broker in an orderly way (SIGTERM): it writes its persistence file, if it has one."""
        if self.is_running:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        self._wait()

    def kill(self) -> None:
        """Ends the broker as a power cut would (SIGKILL)."""
        if self.is_running:
            self.process.kill()
        self._wait()

    def pause(self) -> None:
        """Stops the broker with its sockets open (SIGSTOP): peers see silence, not an end."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused broker go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Starts the broker again on its port, after `stop()`, `kill()` or from running (then orderly)."""
        self.stop()
        self.process = self._spawn()
        if not self._await_port():
            raise RuntimeError(f"mosquitto did not come back on port {self.port}:\n{self.log}")

    def __enter__(self) -> Mosquitto:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def _log_path(self) -> Path:
        return self.directory / "mosquitto.log"

    def _spawn(self) -> subprocess.Popen[bytes]:
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text(_configuration(self.directory, self.port, self._options))
        with self._log_path.open("ab") as log:
            return subprocess.Popen(
                [_executable(), "-c", str(configuration), "-v"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _await_port(self) -> bool:
        """Returns True once the port accepts, False if the process ended first (port taken by somebody else)."""
        deadline = time.monotonic() + _START_DEADLINE_S
        while time.monotonic() < deadline and self.is_running:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1.0):
                    return self.is_running
            except OSError:
                time.sleep(0.01)
        return False

    def _wait(self) -> None:
        try:
            self.process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_mosquitto(tmp_path: Path, **options: Option) -> Mosquitto:
    """Starts a broker on a free loopback port and waits until it accepts connections.

    Args:
        tmp_path: a directory of the test; the broker makes one of its own in it.
        **options: lines of mosquitto.conf, over the defaults above; `True`/`False` become `true`/`false`.

    Raises:
        RuntimeError: it did not start; the message holds its log.
    """
    log = ""
    for attempt in range(_START_ATTEMPTS):
        directory = _own_directory(tmp_path, attempt)
        broker = Mosquitto(directory, free_port(), {**_DEFAULTS, **options})
        if broker._await_port():
            return broker
        broker.kill()
        log = broker.log
    raise RuntimeError(f"mosquitto did not start:\n{log}")


def free_port() -> int:
    """A loopback TCP port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _own_directory(tmp_path: Path, attempt: int) -> Path:
    number = attempt
    while (directory := tmp_path / f"mosquitto-{number}").exists():
        number += 1
    directory.mkdir(parents=True)
    return directory


def _configuration(directory: Path, port: int, options: Mapping[str, Option]) -> str:
    lines = [f"listener {port} 127.0.0.1", f"persistence_location {directory}/", "log_dest stderr"]
    if os.geteuid() == 0 and "user" not in options:
        # As root mosquitto would become the user `mosquitto`, who may not write below the test's directory.
        lines.append(f"user {getpass.getuser()}")
    lines.extend(f"{name} {_spelled(value)}" for name, value in options.items())
    return "\n".join(lines) + "\n"


def _spelled(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _executable() -> str:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed")
    return found
