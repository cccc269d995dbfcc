"""The rule profiles that come with the service, and those of a site: found, opened, parsed.

The only place that opens a profile; `streaming.rules.profile` and `streaming.criteria.profile` take text.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from alerts.policy import PLAIN, AlarmPolicy
from alerts.policy_text import parse_policy
from alerts.rulebook import Rulebook
from streaming.criteria.criterion import DosingProfile
from streaming.criteria.profile import (
    is_dosing_file,
    is_site_file,
    parse_dosing_profile,
    parse_site_profile,
    site_base,
)
from streaming.rules.kinds import AlarmProfile
from streaming.rules.profile import ProfileError, parse_profile

DEFAULT_ALARM_PROFILE = "alarms-il2"
DEFAULT_DOSING_PROFILE = "label-2024"
DEFAULT_ALARM_POLICY = "il2-ward"


def shipped_profiles() -> list[str]:
    """Ids of the alarm profiles that come with the service, sorted."""
    folder = files("streaming") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def shipped_dosing_profiles() -> list[str]:
    """Ids of the dosing profiles that come with the service, sorted."""
    folder = files("streaming") / "dosing_profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_dosing_profile(name: str) -> DosingProfile:
    """The dosing profile of that id, or in that file.

    Args:
        name: Id of a shipped profile, or the path of a site's own `.toml` file: a whole profile, or changes to a
            shipped one with whoever answers for them.

    Raises:
        ProfileError: There is none, or it is not valid.
    """
    if not name.endswith(".toml"):
        return parse_dosing_profile(_shipped_dosing_text(name), f"{name}.toml")
    text, source = _text_of(name), Path(name).name
    if not is_site_file(text, source):
        return parse_dosing_profile(text, source)
    base = site_base(text, source)
    return parse_site_profile(text, source, _shipped_dosing_text(base), f"{base}.toml")


def is_dosing(name: str) -> bool:
    """Whether a name or a file is about dose criteria rather than alarms; a file that cannot be read is not.

    Raises:
        ProfileError: The file is no TOML.
    """
    if name.endswith(".toml"):
        return Path(name).is_file() and is_dosing_file(_text_of(name), Path(name).name)
    return name in shipped_dosing_profiles()


def _shipped_dosing_text(name: str) -> str:
    if name not in shipped_dosing_profiles():
        raise ProfileError(f"there is no dosing profile {name!r}; there are {', '.join(shipped_dosing_profiles())}")
    return (files("streaming") / "dosing_profiles" / f"{name}.toml").read_text(encoding="utf-8")


def _text_of(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise ProfileError(f"{name}: cannot be read ({why})") from error


def shipped_alarm_policies() -> list[str]:
    """Ids of the alarm policies that come with the service, sorted; `plain` is none at all."""
    folder = files("alerts") / "policies"
    shipped = [entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return sorted([*shipped, PLAIN.id])


def load_alarm_policy(name: str = DEFAULT_ALARM_POLICY) -> AlarmPolicy:
    """The alarm policy of that id, or in that file.

    Args:
        name: Id of a shipped policy, or the path of a site's own `.toml` file.

    Raises:
        ProfileError: There is none, or it is not valid.
    """
    if name == PLAIN.id:
        return PLAIN
    if name.endswith(".toml"):
        return parse_policy(_text_of(name), Path(name).name)
    if name not in shipped_alarm_policies():
        raise ProfileError(f"there is no alarm policy {name!r}; there are {', '.join(shipped_alarm_policies())}")
    resource = files("alerts") / "policies" / f"{name}.toml"
    return parse_policy(resource.read_text(encoding="utf-8"), f"{name}.toml")


@cache
def load_rulebook(
    alarms: str = DEFAULT_ALARM_PROFILE, dosing: str = DEFAULT_DOSING_PROFILE, policy: str = DEFAULT_ALARM_POLICY
) -> Rulebook:
    """The alarm rules of that name with every shipped dosing profile, `dosing` being the usual one.

    Raises:
        ProfileError: One of them is not there, or not valid.
    """
    profiles = {name: load_dosing_profile(name) for name in shipped_dosing_profiles()}
    if dosing not in profiles:
        raise ProfileError(f"there is no dosing profile {dosing!r}; there are {', '.join(profiles)}")
    return Rulebook(
        alarms=load_alarm_profile(alarms), dosing=profiles, usual_dosing=dosing, policy=load_alarm_policy(policy)
    )


def load_alarm_profile(name: str = DEFAULT_ALARM_PROFILE) -> AlarmProfile:
    """The alarm profile of that id, or in that file.

    Args:
        name: Id of a shipped profile, or the path of a site's own `.toml` file.

    Raises:
        ProfileError: There is none, or it is not valid.
    """
    if name.endswith(".toml"):
        return parse_profile(_text_of(name), Path(name).name)
    if name not in shipped_profiles():
        raise ProfileError(f"there is no profile {name!r}; there are {', '.join(shipped_profiles())}")
    resource = files("streaming") / "profiles" / f"{name}.toml"
    return parse_profile(resource.read_text(encoding="utf-8"), f"{name}.toml")
