"""Simulated devices and wards: the same bytes for the same seed, numbers without gaps, messages the wire accepts."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway.wire.codec import decode
from simulators.devices import MAX_CLOCK_OFFSET_MS, Message, Place
from simulators.meters import Scale, Urometer
from simulators.monitor import Monitor
from simulators.physiology import Patient, Traits
from simulators.pump import PRESSORS, DosePump, PressorPump, aldesleukin_bag
from simulators.scenario import ScenarioError, load_scenario, parse_scenario, scenario_names
from simulators.ward import Ward
from streaming.instants import parse_instant
from streaming.nomenclature import METRICS
from streaming.observation import Decoded, EventMessage, ObsMessage, Rejected

_START_MS = parse_instant("2026-11-23T10:00:00Z") or 0
_MINIMAL = 'title = "T"\ndescription = "D"\nbeds = 2\narterial_line_share = 0.5\n'


def _said(
    name: str, *, seconds: int, seed: int = 1, beds: int | None = None, start_ms: int = _START_MS
) -> list[Message]:
    scenario = load_scenario(name)
    ward = Ward(scenario, beds=beds or scenario.beds, unit="icu", seed=seed, start_ms=start_ms)
    return [message for _, message in ward.due(start_ms + seconds * 1000)]


def _decoded(messages: list[Message]) -> Iterator[Decoded]:
    for message in messages:
        found = decode(message.topic, message.payload, _START_MS + 86_400_000)
        assert isinstance(found, Decoded), (message, found)
        yield found


def _patient(seed: str = "p", course_h: float | None = None) -> Patient:
    return Patient(seed=seed, traits=Traits.drawn(seed), course_h=course_h)


def _time_ms(message: Message) -> int:
    return parse_instant(orjson.loads(message.payload)["time"]) or 0


def _metrics(message: Message) -> dict[str, Any]:
    metrics: dict[str, Any] = orjson.loads(message.payload)["metrics"]
    return metrics


@pytest.mark.parametrize("name", scenario_names())
def test_ward_says_the_same_bytes_for_the_same_seed(name: str) -> None:
    assert _said(name, seconds=120) == _said(name, seconds=120)
    assert _said(name, seconds=120) != _said(name, seconds=120, seed=2)


@pytest.mark.parametrize("name", scenario_names())
def test_ward_says_only_what_the_wire_accepts_and_the_nomenclature_knows(name: str) -> None:
    for found in _decoded(_said(name, seconds=1500)):
        if isinstance(found.message, ObsMessage):
            assert set(found.message.metrics) <= set(METRICS)


def test_devices_number_obs_and_events_together_without_gaps() -> None:
    numbers: dict[object, list[int]] = defaultdict(list)
    events = 0
    for found in _decoded(_said("ward", seconds=900)):
        assert isinstance(found.message, ObsMessage | EventMessage)
        events += isinstance(found.message, EventMessage)
        numbers[found.device, found.message.boot].append(found.message.seq)

    assert events
    assert len(numbers) > 40
    assert all(seqs == list(range(len(seqs))) for seqs in numbers.values())


def test_devices_have_new_boot_ids_when_they_are_started_at_another_time() -> None:
    def boots(start_ms: int) -> set[str]:
        return {orjson.loads(message.payload)["boot"] for message in _said("calm", seconds=5, start_ms=start_ms)}

    assert not boots(_START_MS) & boots(_START_MS + 1)


def test_device_clocks_are_off_by_at_most_three_seconds_and_not_all_alike() -> None:
    scenario = load_scenario("ward")
    ward = Ward(scenario, beds=12, unit="icu", seed=1, start_ms=_START_MS)
    offsets = [device.clock_offset_ms for device in ward.devices]

    assert all(abs(offset) <= MAX_CLOCK_OFFSET_MS for offset in offsets)
    assert len(set(offsets)) > 20


def test_messages_of_a_ward_come_in_the_order_in_which_they_are_due() -> None:
    scenario = load_scenario("ward")
    ward = Ward(scenario, beds=4, unit="icu", seed=1, start_ms=_START_MS)
    dues = []
    for until_ms in range(_START_MS, _START_MS + 60_000, 250):
        assert all(True for _ in ward.due(until_ms))
        dues.append(ward.next_due_ms)
        assert ward.next_due_ms > until_ms

    assert dues == sorted(dues)


def test_ward_speaks_at_the_same_pace_after_its_clock_was_set() -> None:
    scenario = load_scenario("calm")
    ward, other = (Ward(scenario, beds=2, unit="icu", seed=1, start_ms=_START_MS) for _ in range(2))
    before = [message for _, message in ward.due(_START_MS + 10_000)]
    expected = [m for _, m in other.due(_START_MS + 20_000)][len(before) :]

    ward.shift(3_600_000)
    after = [message for _, message in ward.due(_START_MS + 20_000 + 3_600_000)]

    assert len(after) == len(expected)
    pairs = zip(after, expected, strict=True)
    assert {_time_ms(moved) - _time_ms(original) for moved, original in pairs} == {3_600_000}


def test_hypotension_scenario_brings_bed_one_below_60_within_two_minutes_and_no_other_bed() -> None:
    lowest: dict[str, int] = defaultdict(lambda: 999)
    for message in _said("hypotension", seconds=120):
        if message.topic.endswith("/mon1/obs"):
            bed = message.topic.split("/")[3]
            lowest[bed] = min(lowest[bed], _metrics(message)["MDC_PRESS_BLD_ART_ABP_MEAN"])

    assert lowest.pop("b01") < 60
    assert len(lowest) == 5
    assert min(lowest.values()) > 65


def test_calm_scenario_stays_within_every_usual_limit_for_an_hour() -> None:
    for message in _said("calm", seconds=3600):
        if message.topic.endswith("/mon1/obs"):
            metrics = _metrics(message)
            assert 50 <= metrics["MDC_ECG_HEART_RATE"] <= 110
            assert metrics["MDC_PULS_OXIM_SAT_O2"] >= 92
            assert metrics.get("MDC_PRESS_BLD_ART_ABP_MEAN", 90) > 65


def test_line_artefact_scenario_shows_impossible_triples_on_stable_patients() -> None:
    triples = [
        tuple(_metrics(message)[f"MDC_PRESS_BLD_ART_ABP_{part}"] for part in ("SYS", "DIA", "MEAN"))
        for message in _said("line-artefacts", seconds=3600)
        if message.topic.endswith("/mon1/obs")
    ]

    assert any(sys == dia == mean for sys, dia, mean in triples)
    assert any(mean > 250 for _, _, mean in triples)
    assert 0.001 < sum(sys - dia < 15 for sys, dia, _ in triples) / len(triples) < 0.2


def test_monitor_with_an_arterial_line_reports_fourteen_metrics_a_second() -> None:
    monitor = Monitor(
        Place(unit="u", bed="b", device="m"), _patient(), has_arterial_line=True, seed="1", start_ms=_START_MS
    )
    first, second = monitor.next_due_ms, (monitor.step(), monitor.next_due_ms)[1]

    assert second - first == 1000
    assert len(_metrics(monitor.step()[0])) == 14


def test_monitor_without_a_line_measures_with_a_cuff_every_five_to_fifteen_minutes() -> None:
    monitor = Monitor(
        Place(unit="u", bed="b", device="m"), _patient(), has_arterial_line=False, seed="1", start_ms=_START_MS
    )
    readings = [metrics for _ in range(7200) if "MDC_PRESS_CUFF_MEAN" in (metrics := _metrics(monitor.step()[0]))]
    instants = [parse_instant(reading["MDC_PRESS_CUFF_MEAN"]["time"]) or 0 for reading in readings]
    gaps_s = {(b - a) / 1000 for a, b in itertools.pairwise(instants)}

    assert len(gaps_s) == 1
    assert 300 <= gaps_s.pop() <= 900
    for reading in readings:
        dia, mean, sys = (reading[f"MDC_PRESS_CUFF_{part}"]["value"] for part in ("DIA", "MEAN", "SYS"))
        assert dia < mean < sys


@pytest.mark.parametrize(("weight_kg", "diluent_ml"), [(40, 25), (70, 50), (100, 50), (120, 100)])
def test_aldesleukin_bag_follows_the_worked_pump_programs(weight_kg: float, diluent_ml: float) -> None:
    bag = aldesleukin_bag(weight_kg)

    assert bag.volume_ml == pytest.approx(diluent_ml + weight_kg / 30)
    assert bag.volume_ml * bag.mg_per_ml / weight_kg == pytest.approx(0.03667, rel=0.001)
    assert 0.030 <= bag.mg_per_ml <= 0.070


def test_dose_pump_gives_the_whole_dose_in_fifteen_minutes_and_starts_from_zero_for_the_next() -> None:
    patient = _patient(course_h=7.9)
    pump = DosePump(Place(unit="u", bed="b", device="p"), patient, seed="1", start_ms=_START_MS)
    readings: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for _ in range(6 * 70):
        for message in pump.step():
            body = orjson.loads(message.payload)
            (readings if "metrics" in body else events).append(body)
    running = [r["metrics"] for r in readings if r["metrics"]["MDC_PUMP_INFUSING_STATUS"] == "pump-status-infusing"]
    totals = [r["metrics"]["MDC_VOL_FLUID_DELIV_TOTAL"] for r in readings]
    bag = aldesleukin_bag(round(patient.traits.weight_kg, 1))

    assert [event["event"] for event in events] == ["MDC_EVT_PUMP_DELIV_START", "MDC_EVT_PUMP_DELIV_COMP"]
    assert len(running) == 90
    assert {r["MDC_DRUG_NAME_LABEL"] for r in running} == {"Proleukin"}
    assert running[0]["MDC_FLOW_FLUID_PUMP_CURRENT"] == pytest.approx(bag.volume_ml * 4, abs=0.1)
    assert running[0]["MDC_RATE_DOSE"] == pytest.approx(2.44, abs=0.02)
    # the dose before is still on display until the pump is programmed anew
    assert totals[0] == round(bag.volume_ml, 2)
    assert 0.0 in totals
    assert totals[-1] == pytest.approx(bag.volume_ml, abs=0.01)


@pytest.mark.parametrize("drug", sorted(PRESSORS))
def test_pressor_pump_is_turned_up_while_the_pressure_is_low_and_stays_in_its_range(drug: str) -> None:
    scenario = parse_scenario(
        "shock",
        _MINIMAL
        + '[[scripted]]\nbed=1\nkind="hypotension"\nstart_s=1\ntarget=50\nonset_s=60\nhold_s=3000\nrecovery_s=60\n',
    )
    patient = Ward(scenario, beds=1, unit="u", seed=1, start_ms=_START_MS).beds[0].patient
    pump = PressorPump(Place(unit="u", bed="b", device="p"), patient, drug=drug, seed="1", start_ms=_START_MS)
    doses = [
        orjson.loads(message.payload)["metrics"]["MDC_RATE_DOSE"]
        for _ in range(300)
        for message in pump.step()
        if message.topic.endswith("/obs")
    ]

    assert doses[-1] > doses[0]
    assert PRESSORS[drug].low <= min(doses) <= max(doses) <= PRESSORS[drug].high


def test_scale_weighs_at_the_start_and_then_daily_at_six() -> None:
    place = Place(unit="u", bed="b", device="s")
    scale = Scale(place, _patient(), seed="1", start_ms=_START_MS, clock_offset_ms=0)
    times = [orjson.loads(scale.step()[0].payload)["time"] for _ in range(3)]

    assert times[0].startswith("2026-11-23T10:00:00")
    assert times[1:] == ["2026-11-24T06:00:00.000Z", "2026-11-25T06:00:00.000Z"]


def test_urometer_reports_once_an_hour_what_came_in_the_hour_before() -> None:
    place = Place(unit="u", bed="b", device="u")
    urometer = Urometer(place, _patient(), seed="1", start_ms=_START_MS, clock_offset_ms=0)
    said = [urometer.step()[0] for _ in range(3)]

    assert [message.topic for message in said] == ["icu/v1/u/b/u/obs"] * 3
    assert [b - a for a, b in itertools.pairwise(map(_time_ms, said))] == [3_600_000] * 2
    assert _START_MS + 3_600_000 <= _time_ms(said[0]) < _START_MS + 3_601_000
    assert all(40 <= _metrics(message)["MDC_FLOW_URINE_PREV_HR"] <= 200 for message in said)


def test_arterial_lines_and_pressors_are_spread_over_the_beds_as_the_shares_say() -> None:
    scenario = load_scenario("ward")

    assert scenario.has_arterial_line(1)
    assert sum(scenario.has_arterial_line(bed) for bed in range(1, 101)) == 67
    assert sum(scenario.has_pressor(bed) for bed in range(1, 101)) == 34


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("beds = ", "Invalid value"),
        ('title = "T"', "description must be a text"),
        (_MINIMAL + "arterial_line_share = 0.5", "Cannot overwrite"),
        (_MINIMAL.replace("0.5", "1.5"), "arterial_line_share must be a number from 0 to 1"),
        (_MINIMAL.replace("= 2", "= true"), "beds must be a number"),
        (_MINIMAL + "colour = 1", "unknown: colour"),
        (_MINIMAL + "[episodes_per_h]\nrage = 0.1", "unknown: episodes_per_h.rage"),
        (_MINIMAL + "course_h = [5, 1]", "course_h.to must be a number from 5"),
        (_MINIMAL + "course_h = 3", "course_h must be"),
        (_MINIMAL + "scripted = 3", "scripted must be a list of tables"),
        (_MINIMAL + "episodes_per_h = 3", "episodes_per_h must be a table"),
        (_MINIMAL + '[[scripted]]\nbed = 1\nkind = "boredom"', "boredom"),
    ],
)
def test_scenario_that_is_not_well_formed_is_refused_with_the_key(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match="scenario x: ") as error:
        parse_scenario("x", text)

    assert complaint in str(error.value)


def test_scenario_that_does_not_exist_is_refused_with_the_names_of_those_that_do() -> None:
    with pytest.raises(ScenarioError, match=r"calm, .*line-artefacts, .*ward"):
        load_scenario("party")


def test_rejected_is_what_the_wire_says_of_a_broken_message() -> None:
    """The negative control of the tests that decode: a wrong message is not accepted."""
    message = _said("calm", seconds=1)[0]

    assert isinstance(decode(message.topic, message.payload[:-1], _START_MS), Rejected)
