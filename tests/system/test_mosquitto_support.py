"""The broker that other tests rely on really starts, ends, and comes back on its port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.mosquitto import start_mosquitto


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def test_mosquitto_keeps_its_port_over_kill_and_restart(tmp_path: Path) -> None:
    with start_mosquitto(tmp_path) as broker:
        first = broker.process.pid
        assert _accepts(broker.port)

        broker.kill()
        assert not _accepts(broker.port)
        broker.restart()

        assert _accepts(broker.port)
        assert broker.process.pid != first
    assert not broker.is_running


def test_mosquitto_options_reach_its_configuration(tmp_path: Path) -> None:
    with start_mosquitto(tmp_path, persistence=True, autosave_interval=1):
        pass

    assert list(tmp_path.glob("mosquitto-*/mosquitto.db"))


def test_mosquitto_refuses_to_start_with_an_unknown_option(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no_such_option"):
        start_mosquitto(tmp_path, no_such_option=1)
