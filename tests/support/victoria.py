"""A real VictoriaMetrics on a free loopback port, for tests that export to one.

`start_victoria(tmp_path)` returns when it answers. Whoever starts one ends it: use `with`, or call `kill()`. The port
and the directory stay the same over `kill()` and `start()`.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import httpx
import pytest

_START_DEADLINE_S = 20.0
_EXECUTABLES = ("victoria-metrics", "victoria-metrics-prod")

StoredSamples = dict[tuple[str, str, str, str], dict[int, float]]
"""(unit, bed, device, metric) to instant (ms) to value."""


class VictoriaMetrics:
    """One VictoriaMetrics process, or the place of one that is not running now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with (self._directory / "victoria.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    _executable(),
                    f"-storageDataPath={self._directory / 'victoria'}",
                    f"-httpListenAddr=127.0.0.1:{self._port}",
                    "-retentionPeriod=100y",
                    "-search.disableCache",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_DEADLINE_S
        while not self._answers():
            assert self._process.poll() is None, f"it ended: {(self._directory / 'victoria.log').read_text()[-2000:]}"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """Ends it as a power cut would (SIGKILL), if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stored(self) -> StoredSamples:
        """Every value of measurement `vitals`, as the server gives it back."""
        httpx.get(f"{self.url}/internal/force_flush").raise_for_status()
        everything: dict[str, str | int] = {"match[]": "vitals_value", "start": 0, "end": 4_000_000_000}
        answer = httpx.get(f"{self.url}/api/v1/export", params=everything, timeout=30).raise_for_status()
        found: StoredSamples = {}
        for line in answer.text.splitlines():
            series = json.loads(line)
            labels = series["metric"]
            key = (labels["unit"], labels["bed"], labels["device"], labels["metric"])
            found.setdefault(key, {}).update(zip(series["timestamps"], series["values"], strict=True))
        return found

    def __enter__(self) -> VictoriaMetrics:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1).status_code == 200
        except httpx.TransportError:
            return False


def start_victoria(directory: Path, *, running: bool = True) -> VictoriaMetrics:
    """A VictoriaMetrics that keeps its files in the directory; skips the test where none is installed."""
    victoria = VictoriaMetrics(directory)
    if running:
        victoria.start()
    return victoria


def _executable() -> str:
    for name in _EXECUTABLES:
        if found := shutil.which(name):
            return found
    pytest.skip("VictoriaMetrics is not installed (Debian: victoria-metrics)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
