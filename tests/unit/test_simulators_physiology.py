"""The simulated patient: the same seed is the same patient, pressures are consistent, episodes happen as told."""

from __future__ import annotations

import random

import pytest

from simulators.artefacts import ArtefactCourse, ArtefactKind, Pressures, spoil_pressures, spoil_saturation
from simulators.physiology import (
    EPISODE_DEPTHS,
    PARAMETERS,
    Episode,
    EpisodeKind,
    EpisodeRates,
    Patient,
    Traits,
    episode_of,
)

_BUSY = EpisodeRates(hypotension=1.0, desaturation=1.0, tachycardia=0.5, fever=0.5)


def _patient(seed: str, **changes: object) -> Patient:
    return Patient(seed=seed, traits=Traits.drawn(seed), **changes)  # type: ignore[arg-type]


def _episode(target: float, start_s: float = 100.0) -> Episode:
    return Episode(kind=EpisodeKind.HYPOTENSION, start_s=start_s, target=target, onset_s=60, hold_s=300, recovery_s=120)


def test_vital_signs_are_the_same_for_the_same_seed_in_any_order_of_asking() -> None:
    instants = [float(t) for t in range(0, 7200, 97)]
    forwards = {t: _patient("a", course_h=10.0, rates=_BUSY).vital_signs_at(t) for t in instants}

    patient = _patient("a", course_h=10.0, rates=_BUSY)
    shuffled = random.Random(1).sample(instants, len(instants))

    assert {t: patient.vital_signs_at(t) for t in shuffled} == forwards


def test_vital_signs_differ_between_seeds() -> None:
    assert _patient("a").vital_signs_at(60.0) != _patient("b").vital_signs_at(60.0)


@pytest.mark.parametrize("course_h", [None, -1.0, 0.0, 30.0, 104.0])
def test_mean_pressure_lies_between_diastolic_and_systolic_at_every_instant(course_h: float | None) -> None:
    for seed in range(12):
        patient = _patient(str(seed), course_h=course_h, rates=_BUSY)
        for t in range(0, 14400, 61):
            signs = patient.vital_signs_at(float(t))

            assert signs.dbp < signs.map < signs.sbp
            # still true of what a monitor displays, in whole mmHg
            assert round(signs.dbp) < round(signs.map) < round(signs.sbp)


def test_vital_signs_stay_plausible_over_a_whole_course_of_many_patients() -> None:
    for seed in range(30):
        patient = _patient(str(seed), course_h=0.0, rates=_BUSY)
        for t in range(0, 110 * 3600, 3571):
            signs = patient.vital_signs_at(float(t))

            assert 40 < signs.map < 135
            assert 40 < signs.hr < 195
            assert 75 < signs.spo2 <= 100
            assert 6 < signs.rr < 45
            assert 35.5 < signs.temp < 41.5
            assert 5 <= signs.urine_ml_h < 250


@pytest.mark.parametrize("target", [45.0, 52.0, 58.0])
def test_hypotensive_episode_really_goes_below_60_and_comes_back(target: float) -> None:
    patient = _patient("e", course_h=20.0, scripted=(_episode(target),))

    before, held, after = (patient.vital_signs_at(t).map for t in (90.0, 300.0, 700.0))

    assert before > 68
    assert held == pytest.approx(target, abs=1.5)
    assert held < 60
    assert after > 68


def test_mean_pressure_stays_above_65_without_an_episode_even_late_in_a_course() -> None:
    """The negative control of the test above: what goes below is the episode's doing."""
    for seed in range(30):
        patient = _patient(str(seed), course_h=70.0)

        assert min(patient.vital_signs_at(float(t)).map for t in range(0, 8 * 3600, 127)) > 65


def test_hypotension_raises_heart_rate_and_narrows_pulse_pressure() -> None:
    well, ill = _patient("h"), _patient("h", scripted=(_episode(48.0),))

    at_rest, in_shock = well.vital_signs_at(300.0), ill.vital_signs_at(300.0)

    assert in_shock.hr > at_rest.hr + 10
    assert in_shock.sbp - in_shock.dbp < at_rest.sbp - at_rest.dbp


def test_drawn_episodes_lie_in_the_range_of_their_kind_and_last_minutes() -> None:
    for kind in EpisodeKind:
        low, high, _ = EPISODE_DEPTHS[kind]
        for n in range(50):
            episode = episode_of(kind, 0.0, random.Random(n))

            assert low <= episode.target <= high
            assert 60 <= episode.end_s <= 3600


def test_episodes_are_as_frequent_as_their_rate() -> None:
    hours, step_s = 400, 150
    patient = _patient("f", rates=EpisodeRates(hypotension=0.3))
    starts = {e.start_s for t in range(0, hours * 3600, step_s) for e in patient.episodes_at(float(t))}

    assert 0.2 < len(starts) / hours < 0.4
    assert not {e for t in range(0, hours * 3600, step_s) for e in _patient("f").episodes_at(float(t))}


def test_doses_come_every_eight_hours_and_stop_after_fourteen() -> None:
    assert _patient("d").doses_before(0.0) == ()
    assert _patient("d", course_h=-1.0).doses_before(0.0) == ()
    assert _patient("d", course_h=9.0).doses_before(0.0) == (9.0, 1.0)
    assert len(_patient("d", course_h=500.0).doses_before(0.0)) == 14


def test_course_lowers_pressure_and_urine_and_raises_heart_rate_and_weight() -> None:
    first, late = _patient("c", course_h=0.0), _patient("c", course_h=60.0)
    hour = range(0, 3600, 60)

    def mean(patient: Patient, name: str) -> float:
        return float(sum(getattr(patient.vital_signs_at(float(t)), name) for t in hour) / len(hour))

    assert mean(late, "map") < mean(first, "map") - 5
    assert mean(late, "hr") > mean(first, "hr") * 1.2
    assert mean(late, "urine_ml_h") < mean(first, "urine_ml_h") / 2
    assert mean(late, "weight_kg") > mean(first, "weight_kg") + 0.5


def test_every_parameter_has_a_unit_a_source_and_a_range_around_its_mean() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.unit, name
        assert parameter.source, name
        assert parameter.low < parameter.mean < parameter.high, name


def test_artefacts_spoil_the_pressures_in_the_ways_of_the_clinical_notes() -> None:
    course = ArtefactCourse(seed="x", per_h=12.0)
    true = Pressures(sys=120, dia=70, mean=88)
    shown = {}
    for t in range(0, 40 * 3600):
        artefact = course.at(float(t))
        if artefact is not None:
            shown[artefact.kind] = (spoil_pressures(true, artefact, float(t)), spoil_saturation(97.0, artefact))

    assert set(shown) == set(ArtefactKind)
    assert shown[ArtefactKind.FLUSH][0].mean > 290
    assert shown[ArtefactKind.NEGATIVE][0].mean < 0
    for kind in (ArtefactKind.BLOOD_DRAW, ArtefactKind.DISCONNECTED, ArtefactKind.NEGATIVE):
        pressures = shown[kind][0]
        assert pressures.sys == pressures.dia == pressures.mean
    damped = shown[ArtefactKind.OVER_DAMPED][0]
    assert damped.sys - damped.dia <= 10
    assert damped.mean == true.mean
    assert shown[ArtefactKind.PROBE_OFF][1] is None
    assert shown[ArtefactKind.MOTION] == (true, shown[ArtefactKind.MOTION][1])
    assert (shown[ArtefactKind.MOTION][1] or 100) < 93


def test_no_artefact_spoils_a_line_that_has_none() -> None:
    course = ArtefactCourse(seed="x", per_h=0.0)

    assert all(course.at(float(t)) is None for t in range(0, 7200, 7))
    assert spoil_saturation(97.0, None) == 97.0
