"""The rule profiles that come with the service, and those of a site: found, opened, parsed.

The only place that opens a profile; `streaming.rules.profile` takes text.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from streaming.rules.kinds import AlarmProfile
from streaming.rules.profile import ProfileError, parse_profile

DEFAULT_ALARM_PROFILE = "alarms-il2"


def shipped_profiles() -> list[str]:
    """Ids of the alarm profiles that come with the service, sorted."""
    folder = files("streaming") / "profiles"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_alarm_profile(name: str = DEFAULT_ALARM_PROFILE) -> AlarmProfile:
    """The alarm profile of that id, or in that file.

    Args:
        name: Id of a shipped profile, or the path of a site's own `.toml` file.

    Raises:
        ProfileError: There is none, or it is not valid.
    """
    if name.endswith(".toml"):
        path = Path(name)
        try:
            return parse_profile(path.read_text(encoding="utf-8"), path.name)
        except OSError as error:
            raise ProfileError(f"{name}: cannot be read ({error.strerror})") from error
    if name not in shipped_profiles():
        raise ProfileError(f"there is no profile {name!r}; there are {', '.join(shipped_profiles())}")
    resource = files("streaming") / "profiles" / f"{name}.toml"
    return parse_profile(resource.read_text(encoding="utf-8"), f"{name}.toml")
