"""The engine alone: decoding and the fold, on one core, no broker, no disk.

python -m tests.benchmarks.bench_engine
"""

from __future__ import annotations

from time import perf_counter

import orjson

from alerts.ward import Ward
from gateway.app import spare_the_collector
from gateway.rulesets import load_rulebook
from gateway.wire.codec import decode
from streaming.commands import Admit
from streaming.identity import BedId
from streaming.observation import Decoded

BEDS = 48
MESSAGES = 60_000
BEGIN_MS = 1_800_000_000_000
METRICS = {
    "MDC_ECG_HEART_RATE": 82,
    "MDC_PULS_OXIM_PULS_RATE": 82,
    "MDC_PRESS_BLD_ART_ABP_SYS": 118,
    "MDC_PRESS_BLD_ART_ABP_DIA": 66,
    "MDC_PRESS_BLD_ART_ABP_MEAN": 84,
    "MDC_PULS_OXIM_SAT_O2": 97.5,
    "MDC_RESP_RATE": 16,
    "MDC_TEMP": 37.1,
    "MDC_PRESS_BLD_VEN_CENT_MEAN": 6,
    "MDC_AWAY_CO2_ET": 36,
    "MDC_ECG_AMPL_ST_II": 0.1,
    "MDC_ECG_AMPL_ST_III": 0.2,
    "MDC_ECG_V_P_C_RATE": 1,
    "MDC_BLD_PERF_INDEX": 3.2,
}


def messages(count: int) -> list[tuple[str, bytes, int]]:
    """(topic, payload, received_ms): monitors of 14 metrics at 1 Hz; one bed in eight is hypotensive half the time."""
    made = []
    for n in range(count):
        second, bed = divmod(n, BEDS)
        at_ms = BEGIN_MS + second * 1000
        low = bed % 8 == 0 and second % 600 > 300
        metrics = METRICS | ({"MDC_PRESS_BLD_ART_ABP_MEAN": 57, "MDC_PRESS_BLD_ART_ABP_DIA": 44} if low else {})
        payload = orjson.dumps({"boot": "b", "seq": second, "time": at_ms, "metrics": metrics})
        made.append((f"icu/v1/icu/b{bed:02}/mon/obs", payload, at_ms + 20))
    return made


def admitted_ward() -> Ward:
    """A ward with a patient in every bed."""
    ward = Ward(load_rulebook())
    for bed in range(BEDS):
        admit = Admit(
            admission_id=None,
            patient_id=f"p{bed}",
            bed=BedId("icu", f"b{bed:02}"),
            name=None,
            dosing_weight_kg=80,
            baseline_weight_kg=80,
            profile=None,
            actor="bench",
        )
        ward.command(admit, "admit", {}, BEGIN_MS)
    return ward


def run() -> dict[str, float]:
    """Messages per second, best of three, for decoding alone and for decoding and folding."""
    made = messages(MESSAGES)
    spare_the_collector()  # as the gateway does
    decoding, both = [], []
    for _ in range(3):
        began = perf_counter()
        for topic, payload, received_ms in made:
            decode(topic, payload, received_ms)
        decoding.append(MESSAGES / (perf_counter() - began))
        ward = admitted_ward()
        began = perf_counter()
        for topic, payload, received_ms in made:
            decoded = decode(topic, payload, received_ms)
            assert isinstance(decoded, Decoded)
            ward.message(decoded, topic, received_ms)
        both.append(MESSAGES / (perf_counter() - began))
        assert ward.evaluated == MESSAGES
    return {"decode_msg_per_s": max(decoding), "decode_and_fold_msg_per_s": max(both)}


if __name__ == "__main__":
    for name, figure in run().items():
        print(f"{name} {figure:,.0f}")  # noqa: T201
