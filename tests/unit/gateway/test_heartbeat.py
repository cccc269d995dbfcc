"""What a beat says, what it is taken for, and that the protocol's page shows what is published."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.heartbeat import beat_of, trouble_in
from gateway.permit import Permit, permit_object
from gateway.standing import standing_of
from tests.support.pipeline_bench import T0_MS, Bench
from tests.support.sources import REPOSITORY

PERMIT = Permit(
    decision="hold",
    computed="hold",
    admission_id="adm-1",
    dose_number=5,
    criteria=("cardiovascular.sbp",),
    profile_sha256="00",
    why_not_current="",
)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    opened = await Bench.open(tmp_path)
    opened.pipeline.fold.ward.now_ms = opened.clock.at_ms
    yield opened
    await opened.close()


def shown(heading: str) -> dict[str, Any]:
    """The example under a heading of the protocol's page."""
    page = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    found = re.search(rf"^### {heading}\n.*?```json\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    example: dict[str, Any] = orjson.loads(found[1])
    return example


async def test_the_page_shows_the_heartbeat_as_it_is_published(bench: Bench) -> None:
    assert list(shown("The heartbeat")) == list(beat_of(bench.pipeline, "0.1.0", 0))


def test_the_page_shows_the_permit_as_it_is_published() -> None:
    published = permit_object(PERMIT, T0_MS)

    assert set(shown("The permit")) == set(published)


async def test_a_gateway_that_is_well_is_current_and_its_beat_tells_of_no_trouble(bench: Bench) -> None:
    assert standing_of(bench.pipeline).is_current
    assert trouble_in(beat_of(bench.pipeline, "0.1.0", 0)) == ""


@pytest.mark.parametrize(
    ("trouble", "journal", "why"),
    [
        ("refusing", "refusing", "the journal is refusing"),
        ("hanging", "stalled", "the journal is stalled"),
        ("behind", "writable", "the engine is 6.0 s behind"),
        ("set back", "writable", "the system clock is 60.0 s behind"),
    ],
)
async def test_what_keeps_a_gateway_from_speaking_for_the_present_is_found(
    bench: Bench, trouble: str, journal: str, why: str
) -> None:
    pipeline = bench.pipeline
    match trouble:
        case "refusing":
            pipeline.is_journal_writable = False
        case "hanging":
            pipeline.commit_began_s = time.perf_counter() - 5
        case "behind":
            bench.clock.at_ms += 6_000
        case _:
            bench.clock.stepped_back_ms = 60_000

    standing, beat = standing_of(pipeline), beat_of(pipeline, "0.1.0", 0)

    assert (standing.journal, beat["journal"]) == (journal, journal)
    assert why in standing.why_not_current
    assert bool(trouble_in(beat)) == (trouble != "set back")


@pytest.mark.parametrize(
    ("beat", "is_trouble"),
    [({}, False), ({"journal": "writable", "lag_s": 1}, False), ({"lag_s": "x"}, True), ({"lag_s": 5.1}, True)],
)
def test_a_beat_of_another_version_is_judged_by_what_it_says(beat: dict[str, Any], is_trouble: bool) -> None:
    assert bool(trouble_in(beat)) == is_trouble
