"""Only the clock modules read the wall clock, and the databases are never asked what time it is.

Time is an input of the service: an instant that somebody reads on the side makes a replay differ from the live run.
Measuring how long something took (`time.monotonic`, `time.perf_counter`) is no reading of the wall clock.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import PACKAGES, REPOSITORY, python_sources

CLOCKS = {Path("gateway/clock.py"), Path("simulators/clock.py")}

READS_OF_TIME_MODULE = {
    "time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime", "clock_gettime", "clock_gettime_ns",
}  # fmt: skip
READS_OF_DATETIME = {"now", "utcnow", "today"}
SQL_READS = re.compile(r"\bcurrent_(timestamp|time|date)\b|\bgetdate\(|\bnow\(\)|'now'", re.IGNORECASE)


def clock_reads(source: str) -> Iterator[str]:
    """Every expression of a source that reads the wall clock, with its line."""
    for node in ast.walk(ast.parse(source)):
        if found := _read(node):
            yield f"line {getattr(node, 'lineno', 0)}: {found}"


def _read(node: ast.AST) -> str | None:
    match node:
        case ast.ImportFrom(module="time", names=names):
            return next((f"from time import {n.name}" for n in names if n.name in READS_OF_TIME_MODULE), None)
        case ast.Attribute(value=ast.Name(id="time"), attr=attribute) if attribute in READS_OF_TIME_MODULE:
            return f"time.{attribute}"
        case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr=attribute):
            return _read_of_attribute(name, attribute)
        case ast.Constant(value=str(text)) if SQL_READS.search(text):
            return f"SQL {text!r}"
    return None


def _read_of_attribute(name: str, attribute: str) -> str | None:
    is_datetime = name in {"datetime", "date"} and attribute in READS_OF_DATETIME
    is_sql = name in {"func", "sa"} and attribute in {"now", "current_timestamp", "localtimestamp"}
    is_uuid = name == "uuid" and attribute in {"uuid1", "uuid6", "uuid7"}
    return f"{name}.{attribute}" if is_datetime or is_sql or is_uuid else None


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wall_clock_is_read_by_the_clock_modules_only(package: str) -> None:
    found = {
        str(path.relative_to(REPOSITORY)): list(clock_reads(path.read_text()))
        for path in python_sources(package)
        if path.relative_to(REPOSITORY) not in CLOCKS
    }

    assert {path: reads for path, reads in found.items() if reads} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import time\nt = time.time()",
        "import time\nt = time.time_ns()",
        "from time import time as now",
        "import time\nread = time.time",
        "import time\nt = time.gmtime()",
        "from datetime import datetime, UTC\nt = datetime.now(UTC)",
        "import datetime\nt = datetime.datetime.utcnow()",
        "import datetime\nt = datetime.date.today()",
        "from datetime import datetime as datetime\nread = datetime.now",
        "from sqlalchemy import func\nt = func.now()",
        "sql = 'insert into audit values (CURRENT_TIMESTAMP)'",
        "sql = \"select unixepoch('now')\"",
        "import uuid\ni = uuid.uuid1()",
    ],
)
def test_a_reading_of_the_wall_clock_is_caught(source: str) -> None:
    assert len(list(clock_reads(source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import time\nt = time.monotonic()",
        "from time import perf_counter",
        "from datetime import datetime, UTC\nt = datetime.fromtimestamp(0, UTC)",
        "t = clock.now_ms()",
        "text = 'reported now and then'",
    ],
)
def test_measuring_a_duration_is_no_reading_of_the_wall_clock(source: str) -> None:
    assert list(clock_reads(source)) == []
