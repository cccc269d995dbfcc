"""A simulated day of a course: what the pumps were programmed to do is what is known of them."""

from __future__ import annotations

import heapq
from itertools import pairwise

import orjson
import pytest

from alerts.ward import Ward
from gateway.wire.codec import decode
from simulators.devices import Device, Place
from simulators.meters import Scale, Urometer
from simulators.physiology import Patient, Traits
from simulators.pump import DosePump, PressorPump
from streaming.commands import Admit, Course
from streaming.identity import BedId
from streaming.observation import Decoded
from streaming.therapy.patient_facts import PatientFacts
from tests.support.bedside import IL2

START_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
BED = BedId("icu", "b01")


def place(device: str) -> Place:
    return Place(unit="icu", bed="b01", device=device)


def a_day(hours: int) -> tuple[PatientFacts, list[dict[str, float]], list[float]]:
    """The facts after some hours; what the pressor's pump and the urometer said."""
    patient = Patient(seed="p", traits=Traits.drawn("p"), course_h=0.0)
    weight_kg = round(patient.traits.weight_kg, 1)
    devices: list[Device] = [
        DosePump(place("pump1"), patient, seed="1", start_ms=START_MS, clock_offset_ms=0),
        PressorPump(place("pump2"), patient, drug="norepinephrine", seed="2", start_ms=START_MS, clock_offset_ms=0),
        Urometer(place("uro"), patient, seed="3", start_ms=START_MS, clock_offset_ms=0),
        Scale(place("scale"), patient, seed="4", start_ms=START_MS, clock_offset_ms=0),
    ]
    ward = Ward(IL2)
    ward.command(
        Admit(
            admission_id="a", patient_id="p", bed=BED, name=None, dosing_weight_kg=weight_kg,
            baseline_weight_kg=weight_kg, profile=None, actor="t",
        ),
        "admit", {}, START_MS,
    )  # fmt: skip
    course = Course(
        admission_id="a", drug="aldesleukin", dose_iu_per_kg=600_000, interval_h=8, max_doses=14, duration_min=15,
        first_dose_ms=START_MS, cycle=1, actor="t",
    )  # fmt: skip
    ward.command(course, "course", {}, START_MS)
    due = [(device.next_due_ms, n) for n, device in enumerate(devices)]
    heapq.heapify(due)
    pressor: list[dict[str, float]] = []
    urine: list[float] = []
    while due[0][0] <= START_MS + hours * HOUR_MS + 2_000:
        at_ms, n = heapq.heappop(due)
        for message in devices[n].step():
            found = decode(message.topic, message.payload, at_ms)
            assert isinstance(found, Decoded)
            ward.message(found, message.topic, at_ms)
            metrics = orjson.loads(message.payload).get("metrics", {})
            if n == 1 and metrics:
                pressor.append(metrics)
            urine += [metrics["MDC_FLOW_URINE_PREV_HR"]] if n == 2 else []
        heapq.heappush(due, (devices[n].next_due_ms, n))
    admitted = ward.beds[BED].patient
    assert admitted is not None
    return admitted.facts, pressor, urine


def test_a_simulated_day_is_known_as_it_was_programmed() -> None:
    facts, pressor, urine = a_day(25)

    rows = facts.doses.rows(facts.now_ms)
    assert [row["status"] for row in rows] == ["given"] * 4 + ["due"] * 10
    for row in rows[:4]:
        assert row["percent_of_order"] == pytest.approx(100, abs=0.1)
        assert 14.5 <= (row["ended_ms"] - row["started_ms"]) / 60_000 <= 15.5
        assert abs(row["started_ms"] - row["due_ms"]) <= 20_000
    assert [found for found in facts.findings() if found.holds and found.kind != "pressor_rising"] == []

    now = facts.current("norepinephrine_ug_kg_min")
    assert now is not None
    assert now.value == pressor[-1]["MDC_RATE_DOSE"]
    highest = facts.highest("norepinephrine_ug_kg_min", START_MS)
    assert highest is not None
    assert highest.value == max(metrics["MDC_RATE_DOSE"] for metrics in pressor)

    assert facts.total("urine_ml", 8 * HOUR_MS).amount == pytest.approx(sum(urine[-8:]), rel=0.01)
    volumes = [metrics["MDC_VOL_FLUID_DELIV_TOTAL"] for metrics in pressor]
    delivered = sum(now - before if now >= before else now for before, now in pairwise(volumes))
    intake = facts.total("intake_ml", 25 * HOUR_MS)
    assert intake.coverage == pytest.approx(1, abs=0.001)
    doses_ml = sum(row["volume_ml"] for row in rows[:4])
    assert intake.amount == pytest.approx(delivered + doses_ml, abs=1)
    assert facts.current("fluid_balance_ml_24h") is not None
    assert facts.current("weight_gain_pct") is not None
