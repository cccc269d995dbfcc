"""The import rules of pyproject.toml hold, cover every package, and each of them catches a planted violation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.sources import PACKAGES, REPOSITORY

PLANTED = [
    ("inwards", "streaming", "import alerts.alarm", "streaming.planted -> alerts.alarm"),
    ("inwards", "alerts", "from storage import ports", "alerts.planted -> storage.ports"),
    ("inwards", "storage", "import gateway.settings", "storage.planted -> gateway.settings"),
    ("inwards", "gateway", "import simulators", "gateway.planted -> simulators"),
    ("pure", "streaming", "import time", "streaming.planted -> time"),
    ("pure", "streaming", "def later():\n    import random", "streaming.planted -> random"),
    ("pure", "alerts", "from asyncio import sleep", "alerts.planted -> asyncio"),
    ("pure", "alerts", "import sqlite3", "alerts.planted -> sqlite3"),
    ("simulators-know-the-wire", "simulators", "import gateway.settings", "simulators.planted -> gateway.settings"),
    ("simulators-know-the-wire", "simulators", "import alerts.alarm", "simulators.planted -> alerts.alarm"),
    ("simulators-know-the-wire", "simulators", "import storage.ports", "simulators.planted -> storage.ports"),
    ("simulators-know-the-wire", "simulators", "import streaming.effects", "simulators.planted -> streaming.effects"),
    ("door-mqtt", "gateway", "import aiomqtt", "gateway.planted -> aiomqtt"),
    ("door-mqtt", "simulators", "import paho.mqtt.client", "simulators.planted -> paho"),
    ("door-demo-broker", "gateway", "import amqtt.broker", "gateway.planted -> amqtt"),
    ("door-web", "storage", "import fastapi", "storage.planted -> fastapi"),
    ("door-web", "gateway", "import starlette.responses", "gateway.planted -> starlette"),
    ("door-influx", "gateway", "import influxdb_client", "gateway.planted -> influxdb_client"),
    ("door-webhook", "gateway", "import aiohttp", "gateway.planted -> aiohttp"),
    ("door-sql", "gateway", "import sqlalchemy", "gateway.planted -> sqlalchemy"),
    ("door-sqlite", "storage", "import sqlite3", "storage.planted -> sqlite3"),
    ("door-drivers", "storage", "import aiosqlite", "storage.planted -> aiosqlite"),
    ("door-console", "gateway", "import rich", "gateway.planted -> rich"),
    ("door-metrics", "storage", "import prometheus_client", "storage.planted -> prometheus_client"),
    ("door-parquet", "gateway", "import pyarrow", "gateway.planted -> pyarrow"),
]
"""(contract, package that gets a module `planted`, a line of it, what the report must name)."""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    environment = {**os.environ, "COLUMNS": "250"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def import_linter_settings() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    return settings


def copy_of_the_packages(folder: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            REPOSITORY / package, folder / package, ignore=lambda at, names: {n for n in names if not is_python(at, n)}
        )
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


def is_python(folder: str, name: str) -> bool:
    return name.endswith(".py") or (Path(folder, name).is_dir() and name != "__pycache__")


def section_of(contract: str, report: str) -> str:
    """The part of a report that lists how one contract is broken; empty when it is kept."""
    name = next(c["name"] for c in import_linter_settings()["contracts"] if c["id"] == contract)
    _, _, broken = report.partition("Broken contracts")
    found = re.search(rf"^{re.escape(name)}\n-+\n(.*?)(?=^[^\n]+\n-{{5,}}\n|\Z)", broken, re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


@pytest.fixture(scope="module")
def report_on_planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = copy_of_the_packages(tmp_path_factory.mktemp("planted"))
    for _, package, line, _ in PLANTED:
        with (folder / package / "planted.py").open("a") as module:
            module.write(line + "\n")
    outcome = lint(folder)

    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    return outcome.stdout


def test_every_import_rule_is_kept_by_the_sources() -> None:
    outcome = lint(REPOSITORY)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_import_rule_is_kept_by_an_untouched_copy(tmp_path: Path) -> None:
    outcome = lint(copy_of_the_packages(tmp_path))

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize(("contract", "package", "line", "named"), PLANTED, ids=[f"{c}: {n}" for c, _, _, n in PLANTED])
def test_an_import_rule_is_broken_by_a_planted_violation(
    report_on_planted: str, contract: str, package: str, line: str, named: str
) -> None:
    assert named in section_of(contract, report_on_planted), (
        f"{line!r} in {package} was not caught\n{report_on_planted}"
    )


def test_every_import_rule_has_a_planted_violation() -> None:
    rules = {contract["id"] for contract in import_linter_settings()["contracts"]}

    assert rules == {contract for contract, _, _, _ in PLANTED}


def test_import_rules_cover_every_package_of_the_repository() -> None:
    found = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"tests"}
    settings = import_linter_settings()
    layers = next(c["layers"] for c in settings["contracts"] if c["id"] == "inwards")

    assert found == set(PACKAGES) == set(settings["root_packages"])
    assert list(PACKAGES) == layers
