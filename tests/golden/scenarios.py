"""Three short stays, written by hand, with the alarms that the profile `alarms-il2` prescribes for them.

What is expected is worked out from the profile and never copied from a run: each line says why it is there. Seconds
count from the beginning; `(second, rule, phase, signal state it leads to)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.recordings import Recording

Expected = tuple[float, str, str, str]

MAP_65, MAP_60 = "hypotension.map_below_65", "hypotension.map_below_60"
EXPOSURE = "hypotension.exposure_4h"
HIGH_ALARM = "the-high-alarm"
"""Stands for the id of the latest high alarm: ids follow from what happened and cannot be worked out by hand."""
HR, SPO2, TEMP = "MDC_ECG_HEART_RATE", "MDC_PULS_OXIM_SAT_O2", "MDC_TEMP"


@dataclass(frozen=True)
class Scenario:
    """A recording, and what must be said of it."""

    name: str
    recording: Recording
    expected: list[Expected]


def line(mean: float) -> dict[str, float]:
    """An arterial line: systolic 40 above the mean and never below 90 here, pulse pressure 60."""
    return {
        "MDC_PRESS_BLD_ART_ABP_SYS": mean + 40,
        "MDC_PRESS_BLD_ART_ABP_DIA": mean - 20,
        "MDC_PRESS_BLD_ART_ABP_MEAN": mean,
    }


# --- capillary leak, an arterial line ---------------------------------------------------------------------------------


def capillary_leak() -> Scenario:
    """The pressure falls some hours after a dose, is treated, and recovers; a blood draw; the monitor is moved.

    A patient with an arterial line, everything reported each second. The fall passes both limits, the heart follows. A
    draw of 45 s looks like a flush and must be no alarm. Then the monitor is switched off for three minutes.
    """
    stay = Recording()
    stay.admit(0)
    stay.status(0, "online")
    for at_s in [*range(1500), *range(1700, 1800)]:
        if at_s == 1200:
            stay.command(1200, "acknowledge", alarm_id=HIGH_ALARM)
        if at_s == 1700:
            stay.status(1500, "offline")  # the will
            stay.status(1700, "online")
        stay.obs(at_s, _leaking_at(at_s))
    stay.command(1800, "discharge", admission_id="adm-1")
    return Scenario(
        "capillary_leak",
        stay,
        [
            # MAP 63 from 600 on: below 65 for 120 s
            (720, MAP_65, "start", "on"),
            # MAP 58 from 900 on: below 60 for 60 s. HR 135 from 900 on: above 130 for 60 s
            (960, MAP_60, "start", "on"),
            (960, "tachycardia.hr_above_130", "start", "on"),
            # HR 110 from 1000 on: at or below 125 for 30 s; medium, so it ends
            (1030, "tachycardia.hr_above_130", "end", "off"),
            # MAP 70 from 1100 on: at or above 68 and 63 for 30 s; the high one waits until it is seen
            (1130, MAP_65, "end", "off"),
            (1130, MAP_60, "update", "latched"),
            # seen at 1200
            (1200, MAP_60, "end", "off"),
            # the draw from 1300 to 1344: 45 s of an artefact, less than the minute of `implausible`; the value of 1299
            # is fresh until 1329, and the minute of `signal_stale` from then on is not over at 1345
            # the will at 1500, ten seconds
            (1510, "device_offline", "start", "on"),
            # last values at 1499, fresh until 1529, and a minute: in the order in which they were first reported
            (1589, "signal_stale", "start", "on"),  # map
            (1589, "signal_stale", "start", "on"),  # hr
            (1589, "signal_stale", "start", "on"),  # spo2
            # it says at 1700 that it is back
            (1700, "device_offline", "end", "off"),
            # values from 1700 on, for 5 s
            (1705, "signal_stale", "end", "off"),
            (1705, "signal_stale", "end", "off"),
            (1705, "signal_stale", "end", "off"),
        ],
    )


def _leaking_at(at_s: int) -> dict[str, float]:
    mean = 72 if at_s < 600 else 63 if at_s < 900 else 58 if at_s < 1100 else 70
    pressures = line(mean)
    if 1300 <= at_s < 1345:  # the bag's pressure against a closed stopcock: pulse pressure 10 at a systolic of 250
        pressures = dict(zip(pressures, (250, 240, 245), strict=True))
    heart = 135 if 900 <= at_s < 1000 else 110
    return pressures | {HR: heart, SPO2: 96}


# --- a cuff on the ward -----------------------------------------------------------------------------------------------


def cuff_on_the_ward() -> Scenario:
    """A patient without a line: a cuff each five minutes, its reading sent again each ten seconds until the next.

    One low reading is no alarm; a second one that agrees is, whenever it comes; the first that has recovered ends it.
    """
    readings = {0: 84, 300: 62, 600: 66, 900: 63, 1200: 61, 1500: 58, 1800: 59, 2100: 64, 2400: 70}
    stay = Recording()
    stay.admit(0)
    stay.status(0, "online")
    for at_s in range(0, 2700, 10):
        if at_s == 2500:
            stay.command(2500, "acknowledge", alarm_id=HIGH_ALARM)
        taken_s = at_s // 300 * 300
        stay.obs(at_s, {HR: 88} | _cuff(stay, readings.get(taken_s, 70), taken_s))
    return Scenario(
        "cuff_on_the_ward",
        stay,
        [
            # 62 at 300 is alone: 66 at 600 is not below 65, and one of two is less than four fifths
            # 63 at 900 and 61 at 1200 agree, more than 120 s apart
            (1200, MAP_65, "start", "on"),
            # 58 at 1500 and 59 at 1800 are below 60
            (1800, MAP_60, "start", "on"),
            # 64 at 2100 is at or above 63: one cuff reading is enough; below 68, so the other alarm stays
            (2100, MAP_60, "update", "latched"),
            # from 300 to 600, and from 900 on, it was below 65: 30 minutes when 70 comes at 2400
            (2400, EXPOSURE, "start", "on"),
            # 70 at 2400
            (2400, MAP_65, "end", "off"),
            (2500, MAP_60, "end", "off"),
        ],
    )


def _cuff(stay: Recording, mean: float, taken_s: float) -> dict[str, object]:
    parts = {"SYS": mean + 40, "DIA": mean - 15, "MEAN": mean}
    return {f"MDC_PRESS_CUFF_{part}": {"value": value, "time": stay.at(taken_s)} for part, value in parts.items()}


# --- a device that is not quite right, and a transfer -----------------------------------------------------------------


def a_slow_clock_and_a_transfer() -> Scenario:
    """A monitor of foreign make: its clock is 90 s slow, it speaks Fahrenheit, it loses messages; the patient moves.

    The patient has a fever, later desaturates, and is moved to a bed with another monitor, where they recover.
    """
    stay = Recording()
    stay.admit(0)
    for at_s in range(850):
        slow_s = 90 if at_s < 300 else 0
        metrics: dict[str, object] = {SPO2: 89 if at_s >= 780 else 96, HR: 100}
        if at_s in (400, 460, 520, 580, 640):
            metrics[TEMP] = {"value": 104.5, "unit": "[degF]"}  # 40.28 degrees Celsius
        if at_s in (700, 760):
            metrics[TEMP] = {"value": 102.2, "unit": "[degF]"}  # 39.0
        stay.obs(at_s, metrics, time=stay.at(at_s - slow_s), seq=at_s if at_s < 500 else at_s + 2)
    stay.command(850, "transfer", admission_id="adm-1", unit="icu", bed="b02")
    for at_s in range(860, 900):
        stay.obs(at_s, {SPO2: 95, HR: 98}, device="b02/mon2")
    return Scenario(
        "a_slow_clock_and_a_transfer",
        stay,
        [
            # off by 90 s from the first message on, for 30 s
            (30, "clock_skew", "start", "on"),
            # set right at 300; a leap is believed with the second message, at 301; then 30 s
            (331, "clock_skew", "end", "off"),
            # above 40 for 60 s, and two readings: the second is that of 460
            (460, "temperature.above_40", "start", "on"),
            # two numbers are missing at 500 and do not come within 10 s; a minute later it is history
            (510, "sequence_gap", "start", "on"),
            (570, "sequence_gap", "end", "off"),
            # at or below 39.5 at 700, and 60 s later again
            (760, "temperature.above_40", "end", "off"),
            # below 90 from 780 on, for 30 s
            (810, "desaturation.spo2_below_90", "start", "on"),
            # nobody can see in the new bed; then 95 is seen at 860, and at or above 92 for 15 s
            (850, "desaturation.spo2_below_90", "update", "on"),
            (860, "desaturation.spo2_below_90", "update", "on"),
            (875, "desaturation.spo2_below_90", "end", "off"),
        ],
    )


def scenarios() -> Iterable[Scenario]:
    """All of them."""
    return (capillary_leak(), cuff_on_the_ward(), a_slow_clock_and_a_transfer())
