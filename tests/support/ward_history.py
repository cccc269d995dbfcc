"""What a made bed was like before now: seeded, credible, and ending in exactly the values that the bed shows.

A course of interleukin-2 as clinicians describe it: each dose brings fever, a quick heart and, hours later, a low
pressure; between doses it wanes. On top of it lie slow drift, the noise of a monitor, one hole in which the patient was
away from the monitor, and, where the bed has an alarm now, the episode that led to it. Beds in hypotension had an
earlier episode that was treated with a bolus. The same bed at the same time gives the same history, whatever window is
asked for.

It is for pictures and for tests of drawing; nothing is evaluated against it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from tests.support.instants import rfc3339, seconds_of

Json = dict[str, Any]
HOUR_S = 3600.0
EARLIER_S = 5.3 * HOUR_S
"""The earlier episode of hypotension began so long ago."""
AWAY = (3.4 * HOUR_S, 3.1 * HOUR_S)
"""A patient was away from the monitor from so long ago until so long ago, give or take two hours."""
ONSET_BEFORE_S = 2700.0
"""An episode begins so long before its alarm: slowly, and at last at once."""


class Course(NamedTuple):
    """How a monitored signal moves: its noise, its drift, and what a dose does to it at the most."""

    noise: float
    drift: float
    by_dose: float
    spread: float
    """From the mean of a minute to its extremes."""
    low: float
    high: float
    decimals: int


COURSES = {
    "map": Course(2.2, 2.5, -9.0, 3.5, 35, 130, 0),
    "hr": Course(2.4, 3.0, 13.0, 4.0, 40, 190, 0),
    "spo2": Course(0.4, 0.7, -1.2, 1.0, 80, 100, 0),
    "rr": Course(0.8, 1.0, 2.0, 2.0, 10, 40, 0),
    "temp": Course(0.04, 0.15, 1.1, 0.1, 36.0, 40.2, 1),
    "cvp": Course(0.5, 1.0, -2.0, 1.0, 0, 16, 0),
    "etco2": Course(0.6, 1.0, -2.0, 1.0, 22, 48, 0),
}
TREATED = {"map": 80.0, "hr": 108.0, "spo2": 96.0}
"""Where a patient stood before an episode that goes on now."""


def number_in(seed: str) -> float:
    """A number from -1 to 1 that belongs to the text."""
    digest = hashlib.blake2b(seed.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1.0


@lru_cache(maxsize=100_000)
def knot(seed: str, index: int) -> float:
    return number_in(f"{seed} {index}")


def smooth_noise(seed: str, t_s: float, every_s: float) -> float:
    """Noise from -1 to 1 that turns about once in so many seconds."""
    at = t_s / every_s
    first = math.floor(at)
    share = at - first
    share = share * share * (3 - 2 * share)
    return knot(seed, first) * (1 - share) + knot(seed, first + 1) * share


def rise(share: float) -> float:
    """From 0 to 1, without corners."""
    bounded = min(1.0, max(0.0, share))
    return bounded * bounded * (3 - 2 * bounded)


def away(bed: Json, now_s: float) -> tuple[float, float] | None:
    """When the patient was away from the monitor; None for most, who were not."""
    later_s = 2 * HOUR_S * number_in(f"{bed['bed']} away") if bed["bed"] != "b01" else 0.0
    if later_s > -0.7 * HOUR_S and bed["bed"] != "b01":
        return None
    return now_s - AWAY[0] + later_s, now_s - AWAY[1] + later_s


def begun_doses(bed: Json) -> list[float]:
    """When the doses of the course began, seconds since 1970, eight hours apart; the held one is left out."""
    course = bed.get("dosing") or {}
    last = course.get("last")
    if last is None:
        return []
    held = held_dose(bed)
    began_s = seconds_of(last["started_at"])
    numbers = range(1, int(last["number"]) + 1)
    return [began_s - (int(last["number"]) - number) * 8 * HOUR_S for number in numbers if number != held]


def held_dose(bed: Json) -> int | None:
    """The dose of the course that was held; None where none was."""
    course = bed.get("dosing") or {}
    if not course.get("doses_held") or not course.get("last"):
        return None
    return max(1, int(course["last"]["number"]) - 3)


def by_doses(bed: Json, t_s: float) -> float:
    """How much of a dose's effect there is, about 1 at the most: it comes in two hours and a half and wanes."""
    effect = 0.0
    for began_s in begun_doses(bed):
        after = (t_s - began_s) / (2.5 * HOUR_S)
        if after > 0:
            effect += after * math.exp(1 - after)
    return effect


def shows(bed: Json, family: str) -> Json | None:
    """The bed's alarm of that family that stands."""
    return next((alarm for alarm in bed["alarms"] if alarm["family"] == family), None)


def episode(bed: Json, signal: str, t_s: float) -> float:
    """How far the episode that goes on now has come at that time, from 0 to 1."""
    family = {"map": "hypotension", "hr": "tachycardia", "spo2": "desaturation"}.get(signal)
    alarm = shows(bed, family) if family else None
    if alarm is None:
        return 0.0
    onset_s = seconds_of(alarm["onset_at"])
    before_s = 600.0 if signal == "spo2" else ONSET_BEFORE_S
    slowly = rise((t_s - (onset_s - before_s)) / before_s)
    at_last = rise((t_s - (onset_s - 60)) / 100)
    return 0.45 * slowly + 0.55 * at_last


def earlier_episode(bed: Json, t_s: float, now_s: float) -> float:
    """The same of the one that was treated with a bolus: forty minutes down, half an hour up."""
    if shows(bed, "hypotension") is None:
        return 0.0
    began_s = now_s - EARLIER_S
    return rise((t_s - began_s) / 2400) * (1 - rise((t_s - began_s - 3300) / 2400))


def monitored(bed: Json, signal: str, now_s: float) -> Callable[[float], float]:
    """The signal as a function of time, whose value now is the bed's."""
    course = COURSES[signal]
    seed = f"{bed['unit']}/{bed['bed']} {signal}"
    present = bed["signals"][signal]["value"]

    def raw(t_s: float) -> float:
        value = course.drift * smooth_noise(f"{seed} slow", t_s, 2.3 * HOUR_S)
        value += course.noise * smooth_noise(f"{seed} quick", t_s, 47)
        value += course.noise * 0.8 * smooth_noise(f"{seed} minutes", t_s, 420)
        value += course.by_dose * by_doses(bed, t_s)
        earlier = {"map": -17.0, "hr": 16.0, "rr": 3.0}.get(signal, 0.0)
        value += earlier * earlier_episode(bed, t_s, now_s)
        if isinstance(present, int | float) and signal in TREATED:
            value += (present - TREATED[signal]) * episode(bed, signal, t_s)
        return value

    known = present if isinstance(present, int | float) else {**TREATED, "map": 66.0}.get(signal, 37.5)
    offset = known - raw(now_s)
    return lambda t_s: min(course.high, max(course.low, raw(t_s) + offset))


def history(bed: Json, signal: str, from_s: float, to_s: float, now_s: float, points: int = 240) -> list[Json]:
    """The rows of a series, as `GET …/series` gives them; none for what the bed has not."""
    if signal in COURSES and signal in bed["signals"]:
        return monitored_rows(bed, signal, from_s, to_s, now_s, points)
    told = charted(bed, signal, now_s)
    return [row_of(at_s, value, value, value, 1) for at_s, value in told if from_s <= at_s <= to_s]


def monitored_rows(bed: Json, signal: str, from_s: float, to_s: float, now_s: float, points: int) -> list[Json]:
    course, value_at = COURSES[signal], monitored(bed, signal, now_s)
    end_s = min(to_s, seconds_of(bed["signals"][signal]["at"]) + 1)
    seed = f"{bed['unit']}/{bed['bed']} {signal} spread"
    step_s = max(10.0, (to_s - from_s) / points)
    gone_s, back_s = away(bed, now_s) or (math.inf, math.inf)
    rows = []
    steps = [from_s + index * step_s for index in range(int((end_s - from_s) / step_s) + 1)]
    for at_s in sorted({*steps, max(from_s, end_s)}):  # the last is what the bed shows
        if not gone_s < at_s < back_s:
            mean = value_at(at_s)
            wide = course.spread * (0.5 + abs(smooth_noise(seed, at_s, 90))) * min(1.0, 0.35 + step_s / 600)
            low, high = max(course.low, mean - wide), min(course.high, mean + wide)
            low, mean, high = (round(each, course.decimals + 1) for each in (low, mean, high))
            rows.append(row_of(at_s, low, mean, high, int(step_s)))
    return rows


def row_of(at_s: float, low: float, mean: float, high: float, count: int) -> Json:
    return {"t": rfc3339(at_s), "min": low, "mean": mean, "max": high, "n": count}


def charted(bed: Json, signal: str, now_s: float) -> list[tuple[float, float]]:
    """What was determined now and then, each with its time; the last is what the bed shows."""
    frame = bed["signals"].get(signal)
    if frame is None or not isinstance(frame["value"], int | float):
        return []
    present, at_s = float(frame["value"]), seconds_of(frame["at"])
    if signal == "urine_ml_h":
        return urine(bed, now_s)
    if signal.endswith("_min"):
        return pressor(bed, signal, present, now_s)
    every_h, before = {
        "weight": (24.0, lambda days: weight(bed, present, days)),
        "o2_flow": (4.0, lambda steps: max(0.0, present - steps)),
    }.get(signal, (12.0, lambda steps: laboratory(bed, signal, present, steps)))
    return [(at_s - steps * every_h * HOUR_S, before(steps)) for steps in range(4, -1, -1)]


def weight(bed: Json, present: float, days: int) -> float:
    """Most of the gain came with the first doses."""
    baseline = float(bed["admission"]["baseline_weight_kg"])
    return round(baseline + (present - baseline) * max(0.0, 1 - days * 0.37), 1)


def laboratory(bed: Json, signal: str, present: float, steps: int) -> float:
    before = {"creatinine": 0.9, "platelets": 240.0, "bilirubin": 0.6, "bicarbonate": 24.0}.get(signal, present)
    share = 0.55**steps
    wobble = 1 + 0.03 * number_in(f"{bed['bed']} {signal} {steps}") * min(1, steps)
    return round((before + (present - before) * share) * wobble, 2)


def urine(bed: Json, now_s: float) -> list[tuple[float, float]]:
    """By the hour, the last eight together what the bed shows of eight hours."""
    total = (bed["signals"].get("urine_ml_8h") or {}).get("value") or 400.0
    hour_s = now_s // HOUR_S * HOUR_S
    shares = []
    for back in range(24):
        fell = 1 - 0.75 * rise((11 - back) / 6) if shows(bed, "hypotension") else 1.0
        shares.append(max(0.2, fell * (1 + 0.3 * number_in(f"{bed['bed']} urine {hour_s - back * HOUR_S}"))))
    present = (bed["signals"].get("urine_ml_h") or {}).get("value")
    before = sum(shares[1:8]) if present is not None else sum(shares[:8])
    scale = (float(total) - float(present or 0)) / before
    found = [(hour_s - back * HOUR_S, float(round(shares[back] * scale))) for back in range(23, -1, -1)]
    return found if present is None else [*found[:-1], (hour_s, float(present))]


def pressor(bed: Json, signal: str, present: float, now_s: float) -> list[tuple[float, float]]:
    """The pump's rate every five minutes: begun in the earlier episode, and as it was an hour ago."""
    an_hour_ago = ((bed.get("dosing") or {}).get("pressors_hour_ago") or {}).get(signal, present)
    if present == an_hour_ago == 0:
        return []
    begun_s = EARLIER_S - 1200 if shows(bed, "hypotension") else 6.2 * HOUR_S
    levels = [
        (begun_s, an_hour_ago * 0.5), (begun_s - 1500, an_hour_ago), (1.1 * HOUR_S, an_hour_ago),
        (1500.0, (an_hour_ago + present) / 2), (600.0, present),
    ]  # fmt: skip
    found = [(now_s - begun_s - 300, 0.0)]
    for (from_ago, level), (to_ago, _) in pairwise([*levels, (0.0, present)]):
        times = range(int(from_ago), int(to_ago), -300)
        found += [(now_s - ago_s, round(level, 3)) for ago_s in times]
    return [*found, (now_s, present)]


# --- what else a bed tells of its past --------------------------------------------------------------------------------


def boluses(bed: Json, now_s: float) -> list[Json]:
    """Half a litre in the earlier episode of hypotension and a quarter in the present one."""
    if shows(bed, "hypotension") is None:
        return []
    first_s, second_s = now_s - EARLIER_S + 2700, now_s - 2100
    return [_bolus(first_s, first_s + 1800, 500.0), _bolus(second_s, second_s + 900, 250.0)]


def _bolus(from_s: float, to_s: float, ml: float) -> Json:
    fluid = {"pump": "pump3", "drug": "fluid", "label": "Saline 0.9 %"}
    return {**fluid, "from": rfc3339(from_s), "to": rfc3339(to_s), "ml": ml}


def past_alarms(bed: Json, now_s: float) -> list[Json]:
    """Alarms that have ended: the earlier episode, and the time away from the monitor."""
    found = []
    if shows(bed, "hypotension") is not None:
        texts = {"rule_id": "hypotension.map", "family": "hypotension", "title": "Hypotension", "text": "MAP 59 < 65"}
        found.append(
            _ended(bed, "e1", texts, "physiological", "high", now_s - EARLIER_S + 1500, now_s - EARLIER_S + 4300)
        )
    if (gone := away(bed, now_s)) is not None:
        texts = {"rule_id": "device_offline", "family": "device_offline", "title": "Device offline"}
        found.append(_ended(bed, "e2", texts | {"text": "mon1 silent"}, "technical", "medium", *gone))
    return found


def _ended(bed: Json, number: str, texts: Json, kind: str, priority: str, from_s: float, to_s: float) -> Json:
    seen = {"by": "M. Rossi", "at": rfc3339(from_s + 48), "note": None}
    return {
        "alarm_id": f"{bed['bed']}-{number}", **texts, "kind": kind, "priority": priority, "condition": "absent",
        "signal": "off", "onset_at": rfc3339(from_s), "announced_at": rfc3339(from_s + 30),
        "cleared_at": rfc3339(to_s), "acknowledged": seen,
    }  # fmt: skip
