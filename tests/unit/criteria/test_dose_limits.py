"""The `[doses]` table of a dosing profile: read within bounds, changed by a site, compared with."""

from __future__ import annotations

from dataclasses import fields

import pytest

from gateway.rulesets import load_dosing_profile, shipped_dosing_profiles
from streaming.criteria.dose_limits import WEANED_TO_MAX
from streaming.criteria.profile import ProfileError, parse_dosing_profile, parse_site_profile
from streaming.therapy.drugs import VASOACTIVE, Drug
from streaming.therapy.findings import InfusionLimits, limits_of
from tests.unit.criteria.test_profile import SITE, SMALL

NUMBERS = {
    "max_pause_min": 7.5,
    "given_up_after_min": 20.0,
    "weight_tolerance_pct": 8.0,
    "told_for_h": 2.0,
    "pressor_rise_pct": 30.0,
    "weaned_to_share": 0.25,
}
NAME_OF = {
    "max_pause_min": "paused_max_min",
    "given_up_after_min": "given_up_after_min",
    "weight_tolerance_pct": "weight_within_percent",
    "told_for_h": "told_for_h",
    "pressor_rise_pct": "rising_percent",
    "weaned_to_share": "weaned_to_share",
}


def small_with(**numbers: object) -> str:
    """A small profile with other numbers; without those that are None."""
    lines = [line for line in SMALL.splitlines() if line.split(" = ")[0] not in numbers]
    said = [f"{name} = {value}" for name, value in numbers.items() if value is not None]
    at = lines.index("[doses]") + 1
    return "\n".join([*lines[:at], *said, *lines[at:]])


def complaint(text: str) -> str:
    with pytest.raises(ProfileError) as caught:
        parse_dosing_profile(text, "p.toml")
    return str(caught.value)


@pytest.mark.parametrize("name", shipped_dosing_profiles())
def test_the_shipped_profiles_say_what_is_usual(name: str) -> None:
    limits = limits_of(load_dosing_profile(name).doses)
    usual, own = InfusionLimits(), ("cycle_doses_max", "course_doses_max")

    for field in fields(InfusionLimits):
        if field.name not in own:
            assert getattr(limits, field.name) == getattr(usual, field.name), field.name


@pytest.mark.parametrize("name", NUMBERS)
def test_each_number_is_the_profiles_own(name: str) -> None:
    doses = parse_dosing_profile(small_with(**{name: NUMBERS[name]}), "p.toml").doses

    assert getattr(doses, name) == NUMBERS[name]
    assert getattr(limits_of(doses), NAME_OF[name]) == NUMBERS[name]


def test_every_limit_of_the_infusion_rules_is_set_by_the_profile() -> None:
    numbers = {"per_cycle": 3, "per_course": 9, "min_interval_h": 6, "min_duration_min": 10, "max_duration_min": 30}
    concentrations = {"concentration_low_mg_ml": 0.01, "concentration_high_mg_ml": 0.2}
    text = small_with(**NUMBERS, **numbers, **concentrations, tolerance_pct=2)
    head, _, rest = text.partition("[doses.weaned_to]")
    weaned_to = "\n".join(f"{drug} = 0.011" for drug in WEANED_TO_MAX)
    text = f"{head}[doses.weaned_to]\n{weaned_to}\n{rest[rest.index('[[criterion]]') :]}"
    limits, usual = limits_of(parse_dosing_profile(text, "p.toml").doses), InfusionLimits()

    same = [field.name for field in fields(InfusionLimits) if getattr(limits, field.name) == getattr(usual, field.name)]
    assert same == []
    assert limits.weaned_to == dict.fromkeys(VASOACTIVE, 0.011)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"max_pause_min": -1}, "`max_pause_min` must be a number from 0 to 60"),
        ({"max_pause_min": 61}, "`max_pause_min` must be a number from 0 to 60"),
        ({"max_pause_min": '"5"'}, "`max_pause_min` must be a number from 0 to 60"),
        ({"max_pause_min": None}, "`max_pause_min` is missing"),
        ({"given_up_after_min": 61}, "`given_up_after_min` must be a number from 0 to 60"),
        ({"weight_tolerance_pct": 51}, "`weight_tolerance_pct` must be a number from 0 to 50"),
        ({"told_for_h": 0.2}, "`told_for_h` must be a number from 0.25 to 8"),
        ({"told_for_h": 9}, "`told_for_h` must be a number from 0.25 to 8"),
        ({"pressor_rise_pct": 0}, "`pressor_rise_pct` must be a number from 1 to 200"),
        ({"weaned_to_share": 1.1}, "`weaned_to_share` must be a number from 0 to 1"),
        (
            {"told_for_h": 0.25},
            "`given_up_after_min` must be less than `told_for_h` 0.25, or no short dose is told",
        ),
        ({"min_duration_min": 20}, "`min_duration_min` must be less than `max_duration_min` 20"),
        (
            {"concentration_low_mg_ml": 0.07},
            "`concentration_low_mg_ml` must be less than `concentration_high_mg_ml` 0.07",
        ),
        ({"pause_max_min": 5}, "unknown field 'pause_max_min'"),
    ],
)
def test_a_number_that_cannot_be_is_refused_with_file_table_and_field(numbers: dict[str, object], said: str) -> None:
    assert complaint(small_with(**numbers)) == f"p.toml, `doses`: {said}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("norepinephrine = 0.02", "norepinephrine = 0.21", "`norepinephrine` must be a number from 0 to 0.2"),
        ("norepinephrine = 0.02\n", "", "`norepinephrine` is missing"),
        ("norepinephrine = 0.02", "norepinephrine = 0.02\nnorepi = 0.1", "unknown field 'norepi'"),
    ],
)
def test_what_a_pressor_is_weaned_to_is_of_a_known_drug_and_within_its_dose(old: str, new: str, said: str) -> None:
    assert complaint(SMALL.replace(old, new)) == f"p.toml, `doses`, `weaned_to`: {said}"


def test_every_drug_that_must_not_stop_can_be_weaned() -> None:
    assert set(WEANED_TO_MAX) == VASOACTIVE


# --- a site -----------------------------------------------------------------------------------------------------------


def override(field: str, value: object) -> str:
    return f'[[override]]\nfield = "{field}"\nvalue = {value}\nreason = "our pharmacy says so"\n'


@pytest.mark.parametrize("name", NUMBERS)
def test_a_site_changes_each_number_and_somebody_answers_for_it(name: str) -> None:
    changed = parse_site_profile(SITE + override(name, NUMBERS[name]), "mercy.toml", SMALL, "p.toml")

    assert getattr(limits_of(changed.doses), NAME_OF[name]) == NUMBERS[name]
    assert changed.approver == "Dr. Curie"
    with pytest.raises(ProfileError, match="`approver` is missing"):
        parse_site_profile(
            SITE.replace('approver = "Dr. Curie"\n', "") + override(name, NUMBERS[name]), "mercy.toml", SMALL, "p.toml"
        )


def test_a_site_changes_what_one_pressor_is_weaned_to() -> None:
    changed = parse_site_profile(SITE + override("weaned_to.norepinephrine", 0.05), "mercy.toml", SMALL, "p.toml")
    weaned_to = limits_of(changed.doses).weaned_to

    assert (weaned_to[Drug.NOREPINEPHRINE], weaned_to[Drug.PHENYLEPHRINE]) == (0.05, 0.2)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("max_pause_min", 90, "mercy.toml, `doses`: `max_pause_min` must be a number from 0 to 60"),
        (
            "weaned_to.norepinephrine",
            2,
            "mercy.toml, `doses`, `weaned_to`: `norepinephrine` must be a number from 0 to 0.2",
        ),
        (
            "weaned_to.heparin",
            1,
            "mercy.toml, override: `field` is 'weaned_to.heparin', which is no number of the dose limits",
        ),
        ("weaned_to", 1, "mercy.toml, override: `field` is 'weaned_to', which is no number of the dose limits"),
    ],
)
def test_a_site_stays_within_the_bounds(field: str, value: float, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_site_profile(SITE + override(field, value), "mercy.toml", SMALL, "p.toml")

    assert str(caught.value) == said
