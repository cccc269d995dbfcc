"""The page docs/settings.md, made from the model."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from gateway.settings.fields import allowed_values, settings_fields

_PAGE = """\
# Settings

<!-- Made by `make docs` from gateway/settings; a test compares the two. -->

Each setting comes from the strongest place that gives it: **command line**, then **environment**, then **file**, then
the default. The file is TOML, named by `vigil gateway --config FILE` or by `VIGIL_CONFIG`; `deploy/vigil.toml.example`
is one to start from. A name with a dot stands in a table: `influx.url` is `url` in `[influx]`. What is wrong is said
all at once, with the place, the setting and what is allowed, and the gateway does not start. A relative path starts at
the working directory.

On the command line: `--broker` is `broker_url`, `--data` is `data_dir`, `--host` is `http_host` and `--port` is
`http_port`.

No setting: the topics, which are the contract with the devices, and secrets. A setting names the file that holds a
secret in its first line.

| setting | environment | default | allowed | meaning |
| --- | --- | --- | --- | --- |
{rows}
"""


def describe_settings() -> str:
    """The page docs/settings.md: every setting with its environment variable, default, allowed values and meaning."""
    rows = [
        f"| `{name}` | `{variable}` | {_default_of(field)} | {allowed_values(field)} | {field.description} |"
        for name, variable, field in settings_fields()
    ]
    return _PAGE.format(rows="\n".join(rows))


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required in its table"
    return "none" if field.default in (None, ()) else f"`{field.default}`"
