"""A simulated patient on high-dose interleukin-2: vital signs as a pure function of seed and time.

Invariants:
  - The same traits and the same instant give the same vital signs, in whatever order they are asked for.
  - DBP < MAP < SBP at every instant, and MAP lies where the drawn form factor puts it: the triple is consistent.
  - Outside an episode the mean pressure stays at or above `_TREATED_MAP_FLOOR`: fluids and pressors are thought of as
    given. What goes below is an `Episode`, with a known onset, depth and end, so that a test knows what to expect.

What it follows: baselines, the per-dose cytokine kernel with sensitisation, the slow vasoplegia, heart rate, fever and
saturation over a course (clinical notes, section 4.5; [D] throughout: proposals built on small series, so the spread
between patients is kept wide). It deliberately does not close the loop: pumps and fluids do not act on the
patient here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from simulators.noise import channel_key, smooth, wander

_HOUR_S = 3600.0
_TREATED_MAP_FLOOR = 72.0
"""mmHg, softly: below this a patient would be treated; [D]."""
_HR_CEILING = 114.0
"""/min, softly, without fever and hypotension: what is faster than that is an `Episode`; [D]."""
_MIN_PULSE_PRESSURE = 16.0
"""mmHg; narrower is an artefact (clinical notes 5.5)."""
DOSE_INTERVAL_H = 8.0
"""Hours between doses (clinical notes 1.1)."""
MAX_DOSES = 14
"""Doses in a cycle (clinical notes 1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """How a trait is spread between patients: normal, cut at `low` and `high`."""

    mean: float
    sd: float
    low: float
    high: float
    unit: str
    source: str

    def draw(self, rng: random.Random) -> float:
        """One patient's value."""
        return min(self.high, max(self.low, rng.gauss(self.mean, self.sd)))


_D45 = "clinical notes 4.5 [D]"

PARAMETERS: Mapping[str, Parameter] = {
    "weight_kg": Parameter(mean=80, sd=14, low=48, high=125, unit="kg", source=_D45),
    "map0": Parameter(mean=95, sd=8, low=82, high=112, unit="mm[Hg]", source=_D45),
    "pulse_pressure0": Parameter(mean=52, sd=6, low=40, high=66, unit="mm[Hg]", source=f"{_D45}: 128/76"),
    "form_factor": Parameter(
        mean=0.36, sd=0.02, low=0.32, high=0.42, unit="1", source="(MAP-DBP)/(SBP-DBP) of 128/76/95"
    ),
    "hr0": Parameter(mean=70, sd=10, low=52, high=92, unit="/min", source=_D45),
    "rr0": Parameter(mean=15, sd=1.5, low=11, high=19, unit="/min", source=_D45),
    "temp0": Parameter(mean=36.8, sd=0.15, low=36.4, high=37.2, unit="Cel", source=_D45),
    "spo2_0": Parameter(mean=97, sd=0.8, low=95, high=99, unit="%", source=_D45),
    "urine0_ml_kg_h": Parameter(mean=1.25, sd=0.15, low=1.0, high=1.5, unit="mL/kg/h", source=_D45),
    "vasoplegia": Parameter(mean=0.16, sd=0.015, low=0.14, high=0.18, unit="1", source=f"{_D45}: 0.14..0.18 of MAP"),
    "vasoplegia_tau_h": Parameter(mean=42, sd=4, low=36, high=48, unit="h", source=_D45),
    "dip1": Parameter(mean=5, sd=1, low=3, high=7, unit="mm[Hg]", source=f"{_D45}: dose 1; grows to 15-25"),
    "fever": Parameter(mean=1.4, sd=0.4, low=1.0, high=2.5, unit="K", source=f"{_D45}: +1.0-2.5 at 3-5 h"),
    "gain_pct_per_day": Parameter(mean=1.5, sd=0.5, low=0.3, high=3.0, unit="%", source=f"{_D45}: after a 12 h lag"),
    "cvp0": Parameter(mean=6, sd=2, low=2, high=11, unit="mm[Hg]", source="general knowledge"),
    "etco2_0": Parameter(mean=36, sd=2.5, low=31, high=42, unit="mm[Hg]", source="general knowledge"),
}
"""Every trait that is drawn for a patient: mean, spread, range, unit and where it comes from."""


class EpisodeKind(StrEnum):
    """What goes wrong for some minutes."""

    HYPOTENSION = "hypotension"
    DESATURATION = "desaturation"
    TACHYCARDIA = "tachycardia"
    FEVER = "fever"


EPISODE_DEPTHS: Mapping[EpisodeKind, tuple[float, float, str]] = {
    EpisodeKind.HYPOTENSION: (45.0, 62.0, "mm[Hg]"),
    EpisodeKind.DESATURATION: (80.0, 88.0, "%"),
    EpisodeKind.TACHYCARDIA: (132.0, 158.0, "/min"),
    EpisodeKind.FEVER: (38.8, 40.2, "Cel"),
}
"""The range from which an episode's target (MAP, SpO2, HR, temperature) is drawn, and its unit."""

_EPISODE_PACE: Mapping[EpisodeKind, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    # onset, hold and recovery, each from..to in seconds
    EpisodeKind.HYPOTENSION: ((60, 240), (180, 600), (180, 420)),
    EpisodeKind.DESATURATION: ((30, 90), (60, 240), (60, 120)),
    EpisodeKind.TACHYCARDIA: ((20, 60), (120, 600), (60, 180)),
    EpisodeKind.FEVER: ((600, 900), (900, 1200), (900, 1200)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Minutes in which one vital sign goes to `target` and comes back."""

    kind: EpisodeKind
    start_s: float
    """Seconds since the patient's start."""
    target: float
    """What is reached and held, in the unit of `EPISODE_DEPTHS`."""
    onset_s: float
    hold_s: float
    recovery_s: float

    @property
    def end_s(self) -> float:
        """When everything is as it was."""
        return self.start_s + self.onset_s + self.hold_s + self.recovery_s

    def strength_at(self, t_s: float) -> float:
        """0 outside, 1 while held, in between while it comes and goes."""
        since = t_s - self.start_s
        if since < self.onset_s:
            return smooth(since / self.onset_s)
        return smooth((self.end_s - t_s) / self.recovery_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRates:
    """How often something goes wrong: expected episodes per patient-hour, each at most 1."""

    hypotension: float = 0.0
    desaturation: float = 0.0
    tachycardia: float = 0.0
    fever: float = 0.0

    def of(self, kind: EpisodeKind) -> float:
        """The rate of one kind, 1/h."""
        rates = {
            EpisodeKind.HYPOTENSION: self.hypotension,
            EpisodeKind.DESATURATION: self.desaturation,
            EpisodeKind.TACHYCARDIA: self.tachycardia,
            EpisodeKind.FEVER: self.fever,
        }
        return rates[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What makes this patient differ from the next: one draw of every parameter (units as in `PARAMETERS`)."""

    weight_kg: float
    map0: float
    pulse_pressure0: float
    form_factor: float
    hr0: float
    rr0: float
    temp0: float
    spo2_0: float
    urine0_ml_kg_h: float
    vasoplegia: float
    vasoplegia_tau_h: float
    dip1: float
    fever: float
    gain_pct_per_day: float
    cvp0: float
    etco2_0: float

    @classmethod
    def drawn(cls, seed: str) -> Traits:
        """The traits that belong to a seed."""
        rng = random.Random(f"traits:{seed}")
        return cls(**{name: parameter.draw(rng) for name, parameter in PARAMETERS.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """What is true of the patient at one instant; what devices make of it is theirs."""

    hr: float
    """/min"""
    sbp: float
    """mm[Hg]"""
    dbp: float
    """mm[Hg]"""
    map: float
    """mm[Hg]"""
    spo2: float
    """%"""
    rr: float
    """/min"""
    temp: float
    """Cel"""
    cvp: float
    """mm[Hg]"""
    etco2: float
    """mm[Hg]"""
    perfusion_index: float
    """%"""
    st_ii: float
    """mm"""
    st_iii: float
    """mm"""
    pvc_rate: float
    """/min"""
    urine_ml_h: float
    weight_kg: float


_Pulls = dict[EpisodeKind, tuple[float, float]]
"""For each kind of episode under way: its target and strength (0..1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One simulated patient: `vital_signs_at(t_s)` is the whole of it."""

    seed: str
    traits: Traits
    course_h: float | None = None
    """Hours since the first dose of the course at t = 0 (negative: still to come); None when no drug is given."""
    rates: EpisodeRates = field(default_factory=EpisodeRates)
    scripted: tuple[Episode, ...] = ()
    _drawn: dict[int, tuple[Episode, ...]] = field(default_factory=dict, repr=False, compare=False)
    """Episodes by the hour in which they begin: worked out once, always the same."""

    def episodes_at(self, t_s: float) -> tuple[Episode, ...]:
        """Those under way at an instant."""
        hour = math.floor(t_s / _HOUR_S)
        near = (*self.scripted, *self._episodes_of(hour), *self._episodes_of(hour - 1))
        return tuple(e for e in near if e.start_s <= t_s < e.end_s)

    def doses_before(self, t_s: float) -> tuple[float, ...]:
        """Hours since each dose given so far, the first dose first."""
        if self.course_h is None:
            return ()
        since_first_h = self.course_h + t_s / _HOUR_S
        given = min(MAX_DOSES, math.floor(since_first_h / DOSE_INTERVAL_H) + 1)
        return tuple(since_first_h - n * DOSE_INTERVAL_H for n in range(given))

    def vital_signs_at(self, t_s: float) -> VitalSigns:
        """What is true `t_s` seconds after the start (t_s >= 0)."""
        traits, doses = self.traits, self.doses_before(t_s)
        course_h = doses[0] if doses else 0.0
        dip = sum(_sensitisation(n) * _cytokines(h) for n, h in enumerate(doses, start=1) if h < 24.0)
        pulls = _strongest(self.episodes_at(t_s), t_s)
        temp = self._temperature(t_s, doses, pulls)
        mean, lost = self._mean_pressure(t_s, course_h, dip, pulls)
        pulse_pressure = self._pulse_pressure(t_s, lost)
        dbp = mean - traits.form_factor * pulse_pressure
        spo2 = traits.spo2_0 - 0.3 * course_h / 24.0 + 0.6 * self._wander("spo2", t_s, 240.0)
        spo2 = min(100.0, _pulled(spo2, pulls.get(EpisodeKind.DESATURATION)))
        rr = (
            traits.rr0 + 1.5 * max(0.0, temp - 37.2) + 0.6 * max(0.0, 94.0 - spo2) + 1.2 * self._wander("rr", t_s, 11.0)
        )
        return VitalSigns(
            hr=self._heart_rate(t_s, course_h, pulls, dip=dip, lost=lost, temp=temp),
            sbp=dbp + pulse_pressure,
            dbp=dbp,
            map=mean,
            spo2=spo2,
            rr=rr,
            temp=temp,
            cvp=traits.cvp0 - 3.0 * lost + 0.8 * self._wander("cvp", t_s, 20.0),
            etco2=traits.etco2_0 - 0.3 * (rr - traits.rr0) - 6.0 * lost + 0.6 * self._wander("etco2", t_s, 9.0),
            perfusion_index=max(0.2, 3.0 - 4.0 * lost + 0.5 * self._wander("pi", t_s, 30.0)),
            st_ii=0.2 + 0.15 * self._wander("st2", t_s, 600.0),
            st_iii=0.1 + 0.15 * self._wander("st3", t_s, 600.0),
            pvc_rate=max(0.0, 1.5 + 2.5 * self._wander("pvc", t_s, 300.0)),
            urine_ml_h=self._urine(t_s, course_h, lost),
            weight_kg=self._weight(course_h),
        )

    def _temperature(self, t_s: float, doses: tuple[float, ...], pulls: _Pulls) -> float:
        fever = sum(self.traits.fever * math.exp(-(((h - 4.0) / 1.3) ** 2)) for h in doses if h < DOSE_INTERVAL_H)
        temp = self.traits.temp0 + fever + 0.15 * self._wander("temp", t_s, 5400.0)
        return _pulled(temp, pulls.get(EpisodeKind.FEVER))

    def _mean_pressure(self, t_s: float, course_h: float, dip: float, pulls: _Pulls) -> tuple[float, float]:
        """MAP, and the share of it that an episode has taken away (0..1)."""
        traits = self.traits
        slow = 1.0 - math.exp(-course_h / traits.vasoplegia_tau_h)
        drift = 3.0 * self._wander("map-slow", t_s, 2400.0)
        untreated = traits.map0 * (1.0 - traits.vasoplegia * slow) - traits.dip1 * dip + drift
        treated = _TREATED_MAP_FLOOR + _softplus(untreated - _TREATED_MAP_FLOOR, 2.0)
        mean = _pulled(treated, pulls.get(EpisodeKind.HYPOTENSION))
        return mean + 0.9 * self._wander("map", t_s, 7.0), max(0.0, 1.0 - mean / treated)

    def _pulse_pressure(self, t_s: float, lost: float) -> float:
        wide = self.traits.pulse_pressure0 * (1.0 - 0.8 * lost) + 1.2 * self._wander("pp", t_s, 5.0)
        return max(_MIN_PULSE_PRESSURE, wide)

    def _heart_rate(self, t_s: float, course_h: float, pulls: _Pulls, *, dip: float, lost: float, temp: float) -> float:
        # x1.2 by day 1, x1.5-1.58 by day 4-5; +10 per degree of fever; +8-15 in the dip (clinical notes 4.5).
        hr = self.traits.hr0 * (1.0 + 0.70 * (1.0 - math.exp(-course_h / 69.0)))
        hr = _HR_CEILING - _softplus(_HR_CEILING - hr - 3.0 * min(4.0, dip), 4.0)
        hr += 10.0 * max(0.0, temp - 37.2) + 45.0 * lost
        hr += 3.0 * self._wander("hr-slow", t_s, 1800.0) + 1.2 * self._wander("hr", t_s, 4.0)
        return min(190.0, _pulled(hr, pulls.get(EpisodeKind.TACHYCARDIA)))

    def _urine(self, t_s: float, course_h: float, lost: float) -> float:
        # 100 -> 12 mL/h log-linear to day 5 (clinical notes 4.5).
        base = self.traits.urine0_ml_kg_h * self.traits.weight_kg * math.exp(-course_h / 55.0)
        return max(5.0, base * (1.0 - 0.6 * lost) * (1.0 + 0.15 * self._wander("urine", t_s, 7200.0)))

    def _weight(self, course_h: float) -> float:
        gained_pct = self.traits.gain_pct_per_day * max(0.0, course_h - 12.0) / 24.0
        return self.traits.weight_kg * (1.0 + gained_pct / 100.0)

    def _wander(self, channel: str, t_s: float, scale_s: float) -> float:
        """Smooth noise in -1..1 that changes over about `scale_s` seconds."""
        return wander(channel_key(self.seed, channel), t_s / scale_s)

    def _episodes_of(self, hour: int) -> tuple[Episode, ...]:
        if hour < 0:
            return ()
        if hour not in self._drawn:
            self._drawn[hour] = tuple(_draw_episodes(self.seed, hour, self.rates))
        return self._drawn[hour]


def episode_of(kind: EpisodeKind, start_s: float, rng: random.Random, target: float | None = None) -> Episode:
    """An episode with what is not given drawn from the usual ranges."""
    low, high, _ = EPISODE_DEPTHS[kind]
    onset, hold, recovery = (rng.uniform(*span) for span in _EPISODE_PACE[kind])
    depth = rng.uniform(low, high)
    return Episode(
        kind=kind,
        start_s=start_s,
        target=depth if target is None else target,
        onset_s=onset,
        hold_s=hold,
        recovery_s=recovery,
    )


def _draw_episodes(seed: str, hour: int, rates: EpisodeRates) -> list[Episode]:
    drawn = []
    for kind in EpisodeKind:
        rng = random.Random(f"episode:{seed}:{hour}:{kind}")
        if rng.random() < rates.of(kind):
            drawn.append(episode_of(kind, (hour + rng.random()) * _HOUR_S, rng))
    return drawn


def _strongest(episodes: tuple[Episode, ...], t_s: float) -> _Pulls:
    pulls: _Pulls = {}
    for episode in episodes:
        strength = episode.strength_at(t_s)
        if episode.kind not in pulls or strength > pulls[episode.kind][1]:
            pulls[episode.kind] = (episode.target, strength)
    return pulls


def _pulled(value: float, pull: tuple[float, float] | None) -> float:
    """The value, drawn towards an episode's target by its strength."""
    if pull is None:
        return value
    target, strength = pull
    return value + (target - value) * strength


def _cytokines(since_dose_h: float) -> float:
    """Gamma-shaped kernel of one dose: nothing for 1 h, peak 1 at 4 h, half gone about 3-4 h later."""
    x = (since_dose_h - 1.0) / 3.0
    return x * math.exp(1.0 - x) if x > 0 else 0.0


def _sensitisation(dose_number: int) -> float:
    """How much more the n-th dose does than the first: 1, growing towards 4 (Konrad 1992, clinical notes 4.2)."""
    return 1.0 + 3.0 * (1.0 - math.exp(-(dose_number - 1) / 3.0))


def _softplus(x: float, width: float) -> float:
    """max(0, x) without the corner."""
    return width * math.log1p(math.exp(-abs(x) / width)) + max(0.0, x)
