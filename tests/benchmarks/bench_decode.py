"""Messages decoded per second by one process: python -m tests.benchmarks.bench_decode

A ward of 200 monitors, each message with fourteen plain numbers, as at one message a second; and the same with readings
that carry unit and validity. Prints the best of five runs, microseconds a message, and the JSON parser's part of it.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable

import orjson

from gateway.wire.codec import decode
from streaming.instants import format_ms
from streaming.observation import Decoded

NOW_MS = 1_795_428_672_345
BEDS = 200
MESSAGES = 12_000
RUNS = 5
NAMES = (
    *("MDC_ECG_HEART_RATE", "MDC_PULS_OXIM_PULS_RATE", "MDC_PULS_OXIM_SAT_O2", "MDC_RESP_RATE", "MDC_TEMP"),
    *("MDC_PRESS_BLD_ART_ABP_SYS", "MDC_PRESS_BLD_ART_ABP_DIA", "MDC_PRESS_BLD_ART_ABP_MEAN"),
    *("MDC_PRESS_BLD_VEN_CENT", "MDC_AWAY_CO2_ET", "MDC_ECG_AMPL_ST_II", "MDC_ECG_AMPL_ST_III"),
    *("MDC_ECG_V_P_C_RATE", "MDC_BLD_PERF_INDEX"),
)

Message = tuple[str, bytes]


def plain(number: int, position: int) -> object:
    """A whole number or one with a decimal."""
    return 80 + number % 9 if position % 2 else 100.5 + number % 7


def reading(number: int, position: int) -> object:
    """A number with unit and validity."""
    return {"value": plain(number, position), "unit": "kPa", "validity": "questionable"}


def ward(value: Callable[[int, int], object]) -> list[Message]:
    """Messages of all beds in turn, device clocks a few hundred milliseconds apart."""
    return [
        (
            f"icu/v1/icu/b{number % BEDS:03d}/mon1/obs",
            orjson.dumps(
                {
                    "boot": "f3a9",
                    "seq": number // BEDS,
                    "time": format_ms(NOW_MS + number * 1000 // BEDS),
                    "metrics": {name: value(number, position) for position, name in enumerate(NAMES)},
                }
            ),
        )
        for number in range(MESSAGES)
    ]


def best_us(work: Callable[[str, bytes], object], messages: list[Message]) -> float:
    """Microseconds a message, best run."""
    runs = []
    for _ in range(RUNS):
        began = time.perf_counter()
        for topic, payload in messages:
            work(topic, payload)
        runs.append(time.perf_counter() - began)
    return min(runs) / len(messages) * 1e6


def decode_now(topic: str, payload: bytes) -> Decoded:
    """Decodes; a benchmark of rejections would be a lie."""
    found = decode(topic, payload, NOW_MS)
    assert isinstance(found, Decoded), found
    return found


def main() -> None:
    """Prints one line for each kind of message."""
    sys.stdout.write(f"Python {platform.python_version()}, {platform.machine()}, one process\n")
    for name, value in (("14 plain numbers", plain), ("14 readings", reading)):
        messages = ward(value)
        whole = best_us(decode_now, messages)
        parser = best_us(lambda _, payload: orjson.loads(payload), messages)
        size = sum(len(payload) for _, payload in messages) // len(messages)
        sys.stdout.write(
            f"{name}: {1e6 / whole:,.0f} messages/s, {whole:.2f} us ({parser:.2f} us JSON), {size} bytes\n"
        )


if __name__ == "__main__":
    main()
