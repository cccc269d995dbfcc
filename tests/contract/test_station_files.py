"""What the station's sources and the gateway must agree on, and what is served where no page was built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from gateway.web.station import StationMount
from streaming.nomenclature import CHARTED_STATES, METRICS

STATION = Path(__file__).parents[2] / "gateway" / "station"
CHARTABLE: dict[str, Any] = json.loads((STATION / "src" / "chartable.json").read_text())


def served_from(directory: Path) -> httpx.AsyncClient:
    app = Starlette(routes=[StationMount(directory)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://vigil.test")


async def test_without_a_built_page_the_answer_says_how_to_build_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served_from(tmp_path / "dist") as client:
        answer = await client.get("/")
        assert (answer.status_code, "make station" in answer.text) == (503, True)
        assert "make station" in caplog.text

        (tmp_path / "dist").mkdir()
        (tmp_path / "dist" / "index.html").write_text("built meanwhile")
        assert (await client.get("/")).text == "built meanwhile"


def test_the_numbers_that_can_be_charted_have_the_gateways_units_and_ranges() -> None:
    for shape in CHARTABLE["numbers"]:
        spec = METRICS[shape["ref_id"]]
        assert (shape["unit"], shape["low"], shape["high"]) == (spec.unit, spec.low, spec.high), shape["ref_id"]
        assert shape["signal"] == spec.signal
        assert spec.low <= shape["usual"][0] < shape["usual"][1] <= spec.high


def test_every_metric_has_the_name_that_the_gateway_calls_it_by() -> None:
    names = json.loads((STATION / "src" / "metric_names.json").read_text())

    assert names == {spec.ref_id: spec.title for spec in METRICS.values()}


def test_every_charted_state_can_be_charted_with_all_its_values() -> None:
    states = {shape["ref_id"]: frozenset(shape["values"]) for shape in CHARTABLE["states"]}

    assert states == {name: METRICS[name].values for name in CHARTED_STATES}


def test_the_lock_of_the_stations_packages_names_no_place_and_pins_every_one() -> None:
    lock = json.loads((STATION / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []
