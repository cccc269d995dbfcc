"""Operational settings: what this installation of the gateway runs with, from four places into one frozen value.

Precedence, strongest first: command line, environment (`VIGIL_<NAME>`, for a table `VIGIL_<TABLE>_<NAME>`), TOML file,
default. A secret is never a setting: settings name the file that holds it.

Deliberately not here: clinical limits and alarm policy (versioned profiles, `streaming/profiles`) and a patient's own
limits (with the admission). `python -m gateway.settings` writes docs/settings.md.
"""

from gateway.settings.describe import describe_settings
from gateway.settings.load import CONFIG_VARIABLE, load_settings, unrecognised_variables
from gateway.settings.model import InfluxSettings, Settings, SettingsError, read_secret

__all__ = [
    "CONFIG_VARIABLE",
    "InfluxSettings",
    "Settings",
    "SettingsError",
    "describe_settings",
    "load_settings",
    "read_secret",
    "unrecognised_variables",
]
