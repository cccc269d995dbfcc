"""Scripts for property tests: what happens at a bed, entry by entry, drawn by Hypothesis, and what the ward says of it.

A script is a list of runs; a run repeats one message at a steady pace, so that conditions have time to confirm and to
clear. Values are drawn from both sides of every limit. Everything is expanded to entries with fixed instants before it
is played, so that a property can change one thing (repeat an entry, move all instants, leave a tick between two).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from alerts.alarm import AlarmTransition
from alerts.ward import Ward
from gateway.outcomes import lines_of
from streaming.commands import Chart, Command, Tick
from streaming.identity import BedId, DeviceId
from streaming.observation import (
    Decoded,
    DeviceMessage,
    EventMessage,
    MetricReading,
    MetricValue,
    ObsMessage,
    StatusMessage,
    Validity,
)
from tests.support.bedside import ABP_DIA, ABP_MAP, ABP_SYS, BED, CUFF_MAP, HR, IL2, PULSE, SPO2, T0_MS, TEMP, to_admit


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal, decoded."""

    received_ms: int
    device: DeviceId | None
    said: DeviceMessage | Command


Entries = list[Entry]


def play(entries: Iterable[Entry], ward: Ward | None = None) -> list[object]:
    """Fold the entries; return every effect."""
    ward = ward or Ward(IL2)
    effects: list[object] = []
    for entry in entries:
        effects += apply(ward, entry)
    return effects


def apply(ward: Ward, entry: Entry) -> list[object]:
    """Fold one entry."""
    if isinstance(entry.said, DeviceMessage):
        assert entry.device is not None
        return ward.message(Decoded(entry.device, entry.said), f"icu/v1/{entry.device}/obs", entry.received_ms)
    return ward.command(entry.said, type(entry.said).__name__.lower(), {}, entry.received_ms)


def lines(entries: Iterable[Entry], ward: Ward | None = None) -> list[bytes]:
    """What a replay would say, byte for byte, without the summary."""
    return lines_of(play(entries, ward))


def transitions(entries: Iterable[Entry]) -> list[AlarmTransition]:
    """Alarm transitions only."""
    return [effect for effect in play(entries) if isinstance(effect, AlarmTransition)]


def admission(at_ms: int = T0_MS, bed: BedId = BED, admission_id: str = "adm-1") -> Entry:
    """A patient takes a bed."""
    return Entry(at_ms, None, to_admit(bed=bed, admission_id=admission_id))


def ticks(instants_ms: Iterable[int]) -> Entries:
    """Ticks at these instants."""
    return [Entry(at_ms, None, Tick()) for at_ms in instants_ms]


def merged(*scripts: Sequence[Entry]) -> Entries:
    """Several scripts as one journal; at one instant the first script comes first."""
    return sorted((entry for script in scripts for entry in script), key=lambda entry: entry.received_ms)


# --- drawing ----------------------------------------------------------------------------------------------------------

MAPS, HRS, SPO2S, TEMPS = (45, 55, 62, 64.9, 66, 80), (35, 45, 51, 80, 127, 140, 160), (80, 88, 91, 97), (34, 37, 40.5)


def pressures(mean: float) -> dict[str, MetricValue]:
    """A line's triple."""
    return {ABP_SYS: mean + 45, ABP_DIA: mean - 20, ABP_MAP: mean}


def values(*, one_source: bool) -> st.SearchStrategy[dict[str, MetricValue]]:
    """Metrics of one message; with one source for a signal at most, if so asked."""
    single = [
        st.sampled_from(MAPS).map(pressures),
        st.sampled_from(HRS).map(lambda value: {HR: value}),
        st.sampled_from(SPO2S).map(lambda value: {SPO2: value}),
        st.sampled_from(TEMPS).map(lambda value: {TEMP: value}),
        st.sampled_from([{HR: None}, {HR: 301}, {ABP_MAP: None}, {ABP_SYS: 90, ABP_DIA: 90, ABP_MAP: 90}]),
        st.sampled_from(HRS).map(lambda value: {HR: MetricReading(value=value, validity=Validity.QUESTIONABLE)}),
    ]
    other = [
        st.sampled_from(MAPS).map(lambda value: {CUFF_MAP: value}),
        st.sampled_from(HRS).map(lambda value: {PULSE: value}),
    ]
    sources: list[st.SearchStrategy[dict[str, MetricValue]]] = [*single, *([] if one_source else other)]  # type: ignore[list-item]
    well: dict[str, MetricValue] = pressures(80) | {HR: 80, SPO2: 97, TEMP: 37}
    return st.just(well) | st.lists(st.one_of(sources), min_size=1, max_size=3).map(
        lambda parts: {name: value for part in parts for name, value in part.items()}
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One message, again and again."""

    metrics: Mapping[str, MetricValue]
    times: int
    every_ms: int
    delay_ms: int
    """How long each is under way."""
    before: str | None
    """A status before the run."""
    lost: int
    """Messages lost before the run."""


def runs(*, one_source: bool = False, is_prompt: bool = False, may_vanish: bool = True) -> st.SearchStrategy[list[Run]]:
    """What a monitor does: a few runs of up to two minutes."""
    run = st.builds(
        Run,
        metrics=values(one_source=one_source),
        times=st.sampled_from([1, 2, 3, 16, 31, 61, 121, 130]),
        every_ms=st.sampled_from([1000, 1000, 1000, 2000, 15_000, 40_000]),
        delay_ms=st.just(0) if is_prompt else st.sampled_from([0, 0, 300, 4000, 20_000]),
        before=st.sampled_from([None, None, None, "online", "offline"]) if may_vanish else st.none(),
        lost=st.sampled_from([0, 0, 0, 2]) if may_vanish else st.just(0),
    )
    return st.lists(run, min_size=1, max_size=6)


MONITOR = DeviceId("icu", "b01", "mon1")


def expand(script: Sequence[Run], device: DeviceId = MONITOR, begin_ms: int = T0_MS) -> Entries:
    """The entries of a script, in order of receipt. The device's clock is right."""
    entries: Entries = []
    at_ms, seq, latest_ms = begin_ms, 0, begin_ms
    for run in script:
        if run.before is not None:
            entries.append(Entry(max(at_ms, latest_ms), device, StatusMessage(run.before, "monitor")))
        seq += run.lost
        for _ in range(run.times):
            at_ms += run.every_ms
            latest_ms = max(latest_ms, at_ms + run.delay_ms)  # a connection delivers in order
            entries.append(Entry(latest_ms, device, ObsMessage("boot", seq, at_ms, run.metrics)))
            seq += 1
    return entries


class Stay(list[Entry]):
    """The entries of a script. Shown as the script: thousands of entries are nothing to read, nor to print."""

    def __init__(self, script: Sequence[Run]) -> None:
        super().__init__([admission(), *expand(script)])
        self._script = script

    def __repr__(self) -> str:
        return f"Stay({self._script!r})"


def scripts(**kinds: bool) -> st.SearchStrategy[Entries]:
    """A stay at one bed: an admission, and a monitor that does one thing or another."""
    return runs(**kinds).map(Stay)


def moved(entries: Iterable[Entry], by_ms: int) -> Entries:
    """The same, at another time: every instant, of the gateway and of the devices."""
    return [replace(entry, received_ms=entry.received_ms + by_ms, said=_moved(entry.said, by_ms)) for entry in entries]


def _moved(said: Any, by_ms: int) -> Any:
    if isinstance(said, ObsMessage | EventMessage) and said.device_ms is not None:
        return replace(said, device_ms=said.device_ms + by_ms)
    if isinstance(said, Chart) and said.determined_ms is not None:
        return replace(said, determined_ms=said.determined_ms + by_ms)
    return said


def with_metrics(entries: Iterable[Entry], change: Any) -> Entries:
    """The same, every observation's metrics changed by `change`."""
    return [
        replace(entry, said=replace(entry.said, metrics=change(entry.said.metrics)))
        if isinstance(entry.said, ObsMessage)
        else entry
        for entry in entries
    ]
