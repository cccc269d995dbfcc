"""Windows: what one value and one question cost when the windows hold 1, 10 and 100 hours of minutes. They must not
grow with the window.

python -m tests.benchmarks.bench_windows
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

from streaming.therapy.history import SignalHistory
from streaming.therapy.minutes import MinuteMeans
from streaming.therapy.stretches import Stretches

HOURS = (1, 10, 100)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
KEPT_MAX = 12_000
"""Room for the longest window, so that each one is full."""
ADDS = 20_000
QUESTIONS = 20_000


def pressure(n: int) -> float:
    """A mean pressure that wanders between 55 and 90 without a pattern that would favour a window."""
    return 55.0 + (n * 2_654_435_761 % 36)


def microseconds_each(count: int, action: Callable[[int], object]) -> float:
    """Best of three runs."""
    best = float("inf")
    for _ in range(3):
        began = process_time()
        for n in range(count):
            action(n)
        best = min(best, process_time() - began)
    return best / count * 1e6


def windows(hours: int) -> dict[str, float]:
    """Microseconds per value and per question for windows of so many hours, all of them full."""
    window_ms = hours * HOUR_MS
    history, means = SignalHistory(0, KEPT_MAX), MinuteMeans(0, minutes_max=KEPT_MAX)
    volumes = Stretches(kept_max=KEPT_MAX)
    filled = max(HOURS) * 60
    for n in range(filled):
        at_ms = n * MINUTE_MS
        history.add(at_ms, pressure(n))
        means.add(at_ms, pressure(n))
        volumes.add(at_ms, at_ms + MINUTE_MS, 1.5)
    means.minutes_below(65, 0, filled * MINUTE_MS)
    clock = [filled]

    def now_ms() -> int:
        return clock[0] * MINUTE_MS

    def add(n: int) -> None:
        clock[0] += 1
        history.add(now_ms(), pressure(n))
        means.add(now_ms(), pressure(n))
        volumes.add(now_ms() - MINUTE_MS, now_ms(), 1.5)
        history.highest(now_ms() - window_ms)  # a question after each value: nothing may pile up between them

    def ask(n: int) -> None:
        from_ms = now_ms() - window_ms - n % 1000
        history.before(from_ms)
        history.lowest(from_ms)
        means.minutes_below(65, from_ms, now_ms())
        volumes.total(from_ms, now_ms())

    return {"value_us": microseconds_each(ADDS, add), "questions_us": microseconds_each(QUESTIONS, ask)}


def run() -> dict[str, float]:
    """All figures, and for each kind how much the longest window costs against the shortest."""
    found = {hours: windows(hours) for hours in HOURS}
    figures = {f"{name}_{hours}h": value for hours, by_name in found.items() for name, value in by_name.items()}
    for name in ("value_us", "questions_us"):
        figures[f"{name}_ratio_100h_to_1h"] = found[HOURS[-1]][name] / found[HOURS[0]][name]
    return figures


def main() -> None:
    """Print them."""
    for name, figure in run().items():
        print(f"{name} {figure:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
