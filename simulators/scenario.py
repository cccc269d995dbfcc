"""A scenario: which beds there are, what they carry, and what goes wrong when. TOML in `simulators/scenarios/`.

There are two kinds. A *ward* has vital signs that are a function of time, with episodes drawn or scripted; nobody
treats anybody. A *course* (`[[bed]]`) has patients who are treated: what is given acts on them
(`simulators.care.bedside`).

A scenario is checked when it is read: an unknown key, a wrong type or a share outside 0..1 is an error that names file
and key. It deliberately holds no expected alarms: the oracle derives them from what truly happens, run by run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from math import ceil

from simulators.artefacts import ArtefactKind
from simulators.body.state import HappeningKind
from simulators.body.traits import SPREADS
from simulators.care.nurse import Protocol
from simulators.physiology import EpisodeKind, EpisodeRates
from simulators.plan import BedPlan, BrokerOutage, FaultKind, PlannedArtefact, PlannedFault, PlannedHappening

_MAX_ARTEFACTS_PER_H = 12.0


class ScenarioError(ValueError):
    """A scenario that does not exist or cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedEpisode:
    """Something that goes wrong at one bed at a known time."""

    bed: int
    """From 1; not played when the run has fewer beds."""
    kind: EpisodeKind
    start_s: float
    """Simulated seconds after the start."""
    target: float
    """What is reached and held, in the kind's unit (`physiology.EPISODE_DEPTHS`)."""
    onset_s: float
    hold_s: float
    recovery_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A ward and its course of events."""

    name: str
    title: str
    description: str
    beds: int
    """How many, unless the command line says otherwise."""
    arterial_line_share: float
    """Share of beds with an arterial line; the others have a cuff."""
    pressor_share: float = 0.0
    """Share of beds with a vasopressor running."""
    course_h: tuple[float, float] | None = None
    """Hours since the first dose of aldesleukin at the start, from..to over the beds; None: no drug, no dose pump."""
    artefacts_per_h: float = 0.0
    """Expected artefacts of line and oximeter per bed and hour, 0..12."""
    episodes_per_h: EpisodeRates = field(default_factory=EpisodeRates)
    scripted: tuple[ScriptedEpisode, ...] = ()
    plans: tuple[BedPlan, ...] = ()
    """Of a course, bed by bed; more beds than plans begin with the first again."""
    outages: tuple[BrokerOutage, ...] = ()
    monitor_period_s: int = 1
    duration_s: float = 3600.0
    """Of a run without a broker, unless the command line says otherwise."""
    live_s: float = 900.0
    """How much of it a test plays over MQTT: the main event is in it."""

    @property
    def is_course(self) -> bool:
        """Whether its patients are treated."""
        return bool(self.plans)

    def plan_of(self, bed: int) -> BedPlan:
        """Of a course: what is laid down for bed `bed` (from 1)."""
        return self.plans[(bed - 1) % len(self.plans)]

    def has_arterial_line(self, bed: int) -> bool:
        """Whether bed `bed` (from 1) has one: the share is spread evenly, not drawn."""
        return _is_chosen(bed, self.arterial_line_share)

    def has_pressor(self, bed: int) -> bool:
        """Whether a vasopressor runs at bed `bed` (from 1)."""
        return _is_chosen(bed, self.pressor_share)


def scenario_names() -> list[str]:
    """The scenarios that come with Vigil, sorted."""
    folder = files("simulators") / "scenarios"
    return sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))


def load_scenario(name: str) -> Scenario:
    """Reads one that comes with Vigil.

    Raises:
        ScenarioError: there is none of that name (the message lists them), or it is not well formed.
    """
    if name not in scenario_names():
        raise ScenarioError(f"no scenario {name!r}; there are: {', '.join(scenario_names())}")
    text = (files("simulators") / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    return parse_scenario(name, text)


def parse_scenario(name: str, text: str) -> Scenario:
    """Reads a scenario from TOML.

    Raises:
        ScenarioError: not TOML, or something in it is missing, unknown or out of range.
    """
    try:
        return _scenario(name, _Table(tomllib.loads(text)))
    except (tomllib.TOMLDecodeError, ScenarioError, ValueError) as error:
        raise ScenarioError(f"scenario {name}: {error}") from None


class _Table:
    """A TOML table that is taken apart key by key; what is left over in the end is an error."""

    def __init__(self, entries: Mapping[str, object], path: str = "") -> None:
        self._entries = dict(entries)
        self._path = path

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self._entries.pop(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ScenarioError(f"{self._path}{key} must be a number from {low:g} to {high:g}, not {value!r}")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._entries.pop(key, default)
        if not isinstance(value, bool):
            raise ScenarioError(f"{self._path}{key} must be true or false, not {value!r}")
        return value

    def numbers(self, key: str, known: Collection[str]) -> dict[str, float]:
        inner = self.table(key)
        found = {name: inner.number(name, -1e6, 1e6) for name in sorted(known) if name in inner._entries}
        inner.finish()
        return found

    def text(self, key: str, default: str | None = None) -> str:
        value = self._entries.pop(key, default)
        if not isinstance(value, str) or not value.strip():
            raise ScenarioError(f"{self._path}{key} must be a text")
        return value.strip()

    def span(self, key: str) -> tuple[float, float] | None:
        value = self._entries.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            raise ScenarioError(f"{self._path}{key} must be [from, to]")
        ends = _Table({"from": value[0], "to": value[1]}, f"{self._path}{key}.")
        low = ends.number("from", -1000, 1000)
        return low, ends.number("to", low, 1000)

    def table(self, key: str) -> _Table:
        value = self._entries.pop(key, {})
        if not isinstance(value, Mapping):
            raise ScenarioError(f"{self._path}{key} must be a table")
        return _Table(value, f"{self._path}{key}.")

    def tables(self, key: str) -> list[_Table]:
        values = self._entries.pop(key, [])
        if not isinstance(values, list) or not all(isinstance(value, Mapping) for value in values):
            raise ScenarioError(f"{self._path}{key} must be a list of tables")
        return [_Table(value, f"{self._path}{key}[{n}].") for n, value in enumerate(values)]

    def finish(self) -> None:
        """Raises `ScenarioError` for keys that nobody asked for."""
        if self._entries:
            raise ScenarioError(f"unknown: {', '.join(self._path + key for key in sorted(self._entries))}")


def _scenario(name: str, table: _Table) -> Scenario:
    plans = tuple(plan for entry in table.tables("bed") for plan in _plans(entry))
    scenario = Scenario(
        name=name,
        title=table.text("title"),
        description=table.text("description"),
        beds=int(table.number("beds", 1, 1000, float(len(plans)) if plans else None)),
        plans=plans,
        outages=tuple(_outage(entry) for entry in table.tables("broker_outage")),
        monitor_period_s=int(table.number("monitor_period_s", 1, 15, 1.0)),
        duration_s=table.number("duration_s", 60, 1e6, 3600.0),
        live_s=table.number("live_s", 60, 1e5, 900.0),
        arterial_line_share=table.number("arterial_line_share", 0, 1, 1.0 if plans else None),
        pressor_share=table.number("pressor_share", 0, 1, 0.0),
        course_h=table.span("course_h"),
        artefacts_per_h=table.number("artefacts_per_h", 0, _MAX_ARTEFACTS_PER_H, 0.0),
        episodes_per_h=_rates(table.table("episodes_per_h")),
        scripted=tuple(_scripted(entry) for entry in table.tables("scripted")),
    )
    table.finish()
    return scenario


def _plans(table: _Table) -> list[BedPlan]:
    count = int(table.number("count", 1, 100, 1.0))
    plan = BedPlan(
        start_h=table.number("start_h", -48, 400),
        has_arterial_line=table.flag("arterial_line", True),
        has_course=table.flag("course", True),
        protocol=Protocol(table.text("protocol", Protocol.LABEL)),
        obeys_permit=table.flag("obeys_permit", True),
        hazards=table.flag("hazards", False),
        volumetric=table.flag("volumetric", False),
        artefacts_per_h=table.number("artefacts_per_h", 0, _MAX_ARTEFACTS_PER_H, 0.0),
        traits=table.numbers("traits", SPREADS),
        happenings=tuple(_happening(entry) for entry in table.tables("happening")),
        faults=tuple(_fault(entry) for entry in table.tables("fault")),
        artefacts=tuple(_artefact(entry) for entry in table.tables("artefact")),
    )
    table.finish()
    return [plan] * count


def _happening(table: _Table) -> PlannedHappening:
    happening = PlannedHappening(
        kind=HappeningKind(table.text("kind")),
        at_s=table.number("at_s", -1e6, 1e7),
        for_s=table.number("for_s", 0.1, 1e7),
        depth=table.number("depth", 0, 200, 0.0),
        ramp_s=table.number("ramp_s", 0.1, 1e5, 60.0),
    )
    table.finish()
    return happening


def _fault(table: _Table) -> PlannedFault:
    fault = PlannedFault(
        kind=FaultKind(table.text("kind")),
        at_s=table.number("at_s", 0, 1e7),
        for_s=table.number("for_s", 0, 1e7, 0.0),
        device=table.text("device", "mon1"),
        value=table.number("value", -1e7, 1e7, 0.0),
    )
    table.finish()
    return fault


def _artefact(table: _Table) -> PlannedArtefact:
    artefact = PlannedArtefact(
        kind=ArtefactKind(table.text("kind")),
        at_s=table.number("at_s", 0, 1e7),
        for_s=table.number("for_s", 1, 1e7),
        draw=table.number("draw", 0, 1, 0.5),
    )
    table.finish()
    return artefact


def _outage(table: _Table) -> BrokerOutage:
    outage = BrokerOutage(at_s=table.number("at_s", 0, 1e7), for_s=table.number("for_s", 1, 1e6))
    table.finish()
    return outage


def _rates(table: _Table) -> EpisodeRates:
    rates = EpisodeRates(**{kind.value: table.number(kind.value, 0, 1, 0.0) for kind in EpisodeKind})
    table.finish()
    return rates


def _scripted(table: _Table) -> ScriptedEpisode:
    episode = ScriptedEpisode(
        bed=int(table.number("bed", 1, 1000)),
        kind=EpisodeKind(table.text("kind")),
        start_s=table.number("start_s", 0, 1e7),
        target=table.number("target", 0, 300),
        onset_s=table.number("onset_s", 1, 1e6),
        hold_s=table.number("hold_s", 0, 1e6),
        recovery_s=table.number("recovery_s", 1, 1e6),
    )
    table.finish()
    return episode


def _is_chosen(bed: int, share: float) -> bool:
    return ceil(bed * share - 1e-9) > ceil((bed - 1) * share - 1e-9)
