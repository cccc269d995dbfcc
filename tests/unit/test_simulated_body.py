"""The simulated body: what is given acts in the right direction and stays in its range; one seed is one body."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace
from typing import Any

import pytest

from simulators.body.circulation import heart_rate, mean_pressure, pulse_pressure, rhythm
from simulators.body.fluids import leak_ml_h, urine_ml_h, usual_intake_ml_h
from simulators.body.hazards import HAZARDS, with_dose
from simulators.body.kernel import activity, cytokines, sensitisation
from simulators.body.signs import saturation, vital_signs
from simulators.body.state import BodyState, Given, Happening, HappeningKind
from simulators.body.step import advance, at_rest
from simulators.body.traits import SPREADS, BodyTraits

TRAITS = BodyTraits.drawn("body")


def _after(
    hours: float, given: Given, *, doses: int = 0, step_s: float = 60.0, traits: BodyTraits = TRAITS
) -> BodyState:
    state = at_rest(traits)
    for n in range(round(hours * 3600.0 / step_s)):
        t_h = n * step_s / 3600.0
        if t_h % 8.0 < 1e-9 and len(state.doses) < doses:
            state = with_dose(state, "s", number=len(state.doses) + 1, share=1.0, hazards=False)
        state = advance(state, traits, given, step_s)
    return state


_USUAL = Given(maintenance_ml_h=usual_intake_ml_h(TRAITS))


def test_kernel_lags_an_hour_peaks_at_four_and_halves_within_five_more() -> None:
    assert cytokines(1.0) == 0.0
    assert max((cytokines(h / 10), h / 10) for h in range(200))[1] == pytest.approx(4.0)
    assert cytokines(4.0) == pytest.approx(1.0)
    assert 8.0 < next(h / 10 for h in range(40, 200) if cytokines(h / 10) < 0.5) < 9.5


def test_sensitisation_grows_with_every_dose_from_one_towards_four() -> None:
    strengths = [sensitisation(n) for n in range(1, 15)]

    assert strengths[0] == 1.0
    assert all(a < b for a, b in itertools.pairwise(strengths))
    assert 3.9 < strengths[-1] < 4.0


def test_activity_of_a_whole_course_stays_in_its_range() -> None:
    doses = [(n + 1, 8.0 * n, 1.0) for n in range(14)]
    found = [activity(doses, t / 4) for t in range(600)]

    assert min(found) == 0.0
    assert 4.0 < max(found) < 5.3


def test_traits_lie_within_their_spreads_and_belong_to_their_seed() -> None:
    for seed in range(200):
        drawn = BodyTraits.drawn(str(seed))
        for name, spread in SPREADS.items():
            assert spread.low <= getattr(drawn, name) <= spread.high

    assert BodyTraits.drawn("a") == BodyTraits.drawn("a") != BodyTraits.drawn("b")
    assert {field.name for field in fields(BodyTraits)} == set(SPREADS)


def test_traits_fixed_by_a_scenario_are_those_and_unknown_ones_are_refused() -> None:
    assert BodyTraits.drawn("a", {"dip": 4.0}).dip == 4.0
    assert BodyTraits.drawn("a", {"dip": 4.0}).map0 == BodyTraits.drawn("a").map0
    with pytest.raises(KeyError):
        BodyTraits.drawn("a", {"courage": 1.0})


def test_body_at_rest_stays_as_it_is() -> None:
    rested = _after(24.0, _USUAL)

    assert rested.map == pytest.approx(TRAITS.map0, abs=0.5)
    assert rested.weight_gain_kg() == pytest.approx(0.0, abs=0.1)
    assert rested.creatinine == pytest.approx(TRAITS.creatinine0, abs=0.05)


def test_doses_lower_pressure_and_urine_and_raise_rate_weight_and_creatinine() -> None:
    before, after = _after(1.0, _USUAL), _after(100.0, _USUAL, doses=13)

    assert after.map < before.map - 10
    assert heart_rate(after.map, after, TRAITS) > heart_rate(before.map, before, TRAITS) * 1.25
    assert after.urine_ml_h < before.urine_ml_h * 0.8
    assert after.weight_gain_kg() > 1.0
    assert after.creatinine > before.creatinine * 1.5
    assert after.platelets < 200
    assert after.albumin < 3.0


def test_everything_comes_back_after_the_last_dose() -> None:
    ill = _after(30.0, _USUAL, doses=4)
    well = ill
    for _ in range(7 * 24 * 60):
        well = advance(well, TRAITS, _USUAL, 60.0)

    assert well.map > 0.97 * TRAITS.map0
    assert well.drive < 0.02
    assert well.creatinine < ill.creatinine
    assert well.weight_gain_kg() < 0.5


def test_steps_of_ten_seconds_and_of_two_minutes_agree() -> None:
    fine, coarse = (_after(20.0, _USUAL, doses=3, step_s=step_s) for step_s in (10.0, 120.0))

    assert fine.map == pytest.approx(coarse.map, abs=0.3)
    assert fine.weight_gain_kg() == pytest.approx(coarse.weight_gain_kg(), abs=0.05)
    assert fine.creatinine == pytest.approx(coarse.creatinine, rel=0.02)


@pytest.mark.parametrize("drug", ["phenylephrine", "norepinephrine", "dopamine"])
def test_pressure_rises_with_every_step_of_a_pressor(drug: str) -> None:
    state = _after(50.0, _USUAL, doses=7)
    rates: list[dict[str, Any]] = [{drug: rate} for rate in (0.0, 0.1, 0.3, 0.8, 1.6)]
    pressures = [mean_pressure(replace(state, **given), TRAITS) for given in rates]

    assert all(a < b for a, b in itertools.pairwise(pressures))


def test_phenylephrine_adds_fifteen_to_twenty_at_one_and_wears_off_within_minutes() -> None:
    average = replace(TRAITS, pressor_response=1.0)
    state = at_rest(average)
    for _ in range(60):
        state = advance(state, average, Given(phenylephrine=1.0, maintenance_ml_h=120.0), 10.0)
    running = state.map
    for _ in range(30):
        state = advance(state, average, Given(maintenance_ml_h=120.0), 10.0)

    assert 14 < running - average.map0 < 21
    assert (state.map - average.map0) / (running - average.map0) == pytest.approx(0.6, abs=0.12)


def test_bolus_raises_pressure_by_five_to_nine_and_loses_half_within_the_hour() -> None:
    state = at_rest(TRAITS)
    for _ in range(30):
        state = advance(state, TRAITS, replace(_USUAL, bolus_ml_h=1000.0), 60.0)
    raised = state.map - TRAITS.map0
    for _ in range(70):
        state = advance(state, TRAITS, _USUAL, 60.0)

    assert 4.5 < raised < 10
    assert (state.map - TRAITS.map0) / raised == pytest.approx(0.5, abs=0.2)


def test_urine_and_leak_move_with_what_drives_them() -> None:
    state = at_rest(TRAITS)
    dry = [urine_ml_h(replace(state, plasma_ml=-volume), TRAITS) for volume in (0.0, 200.0, 600.0, 1500.0)]
    low = [urine_ml_h(replace(state, map=pressure), TRAITS) for pressure in (90.0, 60.0, 50.0, 44.0)]
    open_ = [leak_ml_h(replace(state, leak=leak), TRAITS) for leak in (0.0, 0.5, 1.0)]

    assert all(a > b for a, b in itertools.pairwise(dry))
    assert all(a > b for a, b in itertools.pairwise(low))
    assert open_[0] == 0.0 < open_[1] < open_[2]


def test_saturation_falls_with_weight_gained_and_rises_with_oxygen() -> None:
    wet_lungs = replace(TRAITS, lung=0.4)
    state = at_rest(wet_lungs)
    wet = [saturation(replace(state, interstitial_ml=ml), wet_lungs) for ml in (0.0, 4000.0, 9000.0)]
    helped = [saturation(replace(state, interstitial_ml=9000.0, oxygen_l_min=flow), wet_lungs) for flow in (0, 2, 6)]

    assert all(a > b for a, b in itertools.pairwise(wet))
    assert all(a < b for a, b in itertools.pairwise(helped))


def test_water_is_neither_made_nor_lost() -> None:
    given = replace(_USUAL, bolus_ml_h=300.0)
    state = _after(30.0, _USUAL, doses=4)
    after = advance(state, TRAITS, given, 60.0)
    came = (given.maintenance_ml_h + given.bolus_ml_h) / 60.0
    left = after.urine_ml_h / 60.0 + 35.0 * (1.0 + 0.1 * max(0.0, state.temp - 37.0)) / 60.0

    assert 1000.0 * (after.weight_gain_kg() - state.weight_gain_kg()) == pytest.approx(came - left, abs=0.05)


@pytest.mark.parametrize(
    ("kind", "word"), [("af", "af"), ("svt", "svt"), ("vt", "vt"), ("bradycardia", "bradycardia"), ("fever", "sinus")]
)
def test_rhythm_is_what_befell_the_patient_and_sinus_before_and_after(kind: str, word: str) -> None:
    happening = Happening(kind=HappeningKind(kind), start_h=1.0, end_h=2.0, depth=10.0)
    state = replace(at_rest(TRAITS), happenings=(happening,))

    assert [rhythm(replace(state, t_h=t_h)) for t_h in (0.5, 1.5, 2.5)] == ["sinus", word, "sinus"]


def test_hazards_of_a_course_come_as_often_as_published() -> None:
    courses = 800
    seen = dict.fromkeys(HappeningKind, 0)
    for seed in range(courses):
        state = at_rest(TRAITS)
        for number in range(1, 15):
            state = with_dose(state, str(seed), number=number, share=1.0)
        for kind in {h.kind for h in state.happenings}:
            seen[kind] += 1

    assert 0.06 < (seen[HappeningKind.AF] + seen[HappeningKind.SVT]) / courses < 0.20
    assert 0.005 < seen[HappeningKind.VT] / courses < 0.04
    assert 0.04 < seen[HappeningKind.CONFUSION] / courses < 0.12
    assert sum(hazard.per_dose < 0.1 for hazard in HAZARDS) == len(HAZARDS)


def test_vital_signs_of_a_state_are_consistent_and_belong_to_seed_and_time() -> None:
    for doses in (0, 3, 8):
        state = _after(8.0 * doses + 4.0, _USUAL, doses=doses, step_s=120.0)
        for t in range(0, 600, 7):
            signs = vital_signs(state, TRAITS, "seed", float(t))

            assert signs.dbp < signs.map < signs.sbp
            assert 35 <= signs.hr <= 200
            assert 60 <= signs.spo2 <= 100

    assert vital_signs(state, TRAITS, "seed", 1.0) == vital_signs(state, TRAITS, "seed", 1.0)
    assert vital_signs(state, TRAITS, "seed", 1.0) != vital_signs(state, TRAITS, "other", 1.0)
    assert pulse_pressure(45.0, state, TRAITS) < pulse_pressure(80.0, state, TRAITS)
