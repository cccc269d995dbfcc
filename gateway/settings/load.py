"""The settings from their four places: command line over environment over file over default.

Every mistake is reported, not the first alone; each names the place, the setting, what was said and what is allowed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from gateway.settings.fields import PREFIX, allowed_values, settings_fields, types_of
from gateway.settings.model import Settings, SettingsError, why_unreadable

CONFIG_VARIABLE = "VIGIL_CONFIG"
"""Environment variable that names the settings file when the command line does not."""


def load_settings(
    *, config_file: Path | None, environ: Mapping[str, str], command_line: Mapping[str, object] | None = None
) -> Settings:
    """Composes the settings from the four places.

    Args:
        config_file: from the command line; when None, what `VIGIL_CONFIG` names; when that is absent too, no file.
        environ: the environment, as `os.environ`.
        command_line: settings given as options; a value of None counts as not given.

    Raises:
        SettingsError: anything is wrong, with every problem found.
    """
    path = config_file or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    said: dict[str, _Said] = {}
    if path is not None:
        said |= {s.setting: s for s in _from_file(path)}
    said |= {s.setting: s for s in _from_environment(environ)}
    said |= {
        name: _Said(name, value, "command line") for name, value in (command_line or {}).items() if value is not None
    }
    try:
        return Settings.model_validate(_nested(said))
    except ValidationError as wrong:
        raise SettingsError([_explained(problem["loc"], problem["msg"], said) for problem in wrong.errors()]) from None


def unrecognised_variables(environ: Mapping[str, str]) -> list[str]:
    """`VIGIL_…` variables that name no setting, for a warning at start-up.

    No error: container platforms invent such variables for every service they know.
    """
    known = {variable for _, variable, _ in settings_fields()} | {CONFIG_VARIABLE}
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


@dataclass(frozen=True, slots=True)
class _Said:
    """A value for a setting, and where it was said."""

    setting: str
    """With a dot when it is in a table."""
    value: object
    place: str


def _from_file(path: Path) -> Iterator[_Said]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as broken:
        raise SettingsError([f"{path}: not TOML: {broken}"]) from None
    except (OSError, UnicodeDecodeError) as unreadable:
        raise SettingsError([f"{path}: cannot be read: {why_unreadable(unreadable)}"]) from None
    for name, value in written.items():
        if isinstance(value, dict) and value:
            yield from (_Said(f"{name}.{inner}", inner_value, str(path)) for inner, inner_value in value.items())
        else:
            yield _Said(name, value, str(path))


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Said]:
    for name, variable, field in settings_fields():
        if variable in environ:
            yield _Said(name, _parsed(environ[variable], field), f"environment {variable}")


def _parsed(text: str, field: FieldInfo) -> object:
    """A variable set to nothing turns an optional setting off; any other text is read by the field's own type."""
    return None if text == "" and NoneType in types_of(field) else text


def _nested(said: Mapping[str, _Said]) -> dict[str, object]:
    tree: dict[str, Any] = {}
    for name, entry in said.items():
        table, dot, inner = name.partition(".")
        if not dot:
            tree[name] = entry.value
        elif isinstance(tree.setdefault(table, {}), dict):
            tree[table][inner] = entry.value
    return tree


def _explained(location: tuple[int | str, ...], message: str, said: Mapping[str, _Said]) -> str:
    """One problem in words: place, setting, what was said, what is wrong with it, what is allowed."""
    name = ".".join(str(part) for part in location)
    known = {setting: field for setting, _, field in settings_fields()}
    place = _place_of(name, said)
    if not name:
        return _plain(message)
    if any(isinstance(part, int) for part in location):  # in one of several tables of the same name
        return f"{place}: {name}: {_plain(message)}"
    if name not in known and not _is_table(name, known):
        return f"{place}: {name}: no such setting{_nearest(name, list(known))}"
    allowed = allowed_values(known[name]) if name in known else f"a table `[{name}]`"
    if name not in said:
        return f"{place}: {name} is missing; allowed: {allowed}"
    return f"{place}: {name} = {_shown(said[name].value)}: {_plain(message)}; allowed: {allowed}"


def _place_of(name: str, said: Mapping[str, _Said]) -> str:
    """Where a setting was said; for one that is missing, where its table was."""
    table = name.partition(".")[0]
    places = (s.place for setting, s in said.items() if setting in (name, table) or setting.startswith(f"{table}."))
    return next(places, "settings")


def _is_table(name: str, known: Mapping[str, FieldInfo]) -> bool:
    return any(setting.startswith(f"{name}.") for setting in known)


def _nearest(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def _plain(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    """A value as said, without the password that somebody may have put into a URL."""
    text = repr(value) if isinstance(value, str) else str(value)
    scheme, separator, rest = text.partition("://")
    user, at, host = rest.rpartition("@")
    if separator and at and ":" in user:
        return f"{scheme}://{user.partition(':')[0]}:…@{host}"
    return text
