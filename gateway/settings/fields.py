"""The settings as a list: name, environment variable, field, and in words what each may be.

Read from the model, so that errors, the environment and docs/settings.md cannot say different things.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from gateway.settings.model import Allowed, InfluxSettings, Settings

PREFIX = "VIGIL_"


def settings_fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting: its name, its environment variable, its field; tables unfolded."""
    for name, field in Settings.model_fields.items():
        if InfluxSettings in types_of(field):
            for inner, inner_field in InfluxSettings.model_fields.items():
                yield f"{name}.{inner}", f"{PREFIX}{name}_{inner}".upper(), inner_field
        else:
            yield name, f"{PREFIX}{name}".upper(), field


def allowed_values(field: FieldInfo) -> str:
    """What a setting may be, in words: said by hand, or from its type and bounds."""
    for note in field.metadata:
        if isinstance(note, Allowed):
            return note.text
    types = types_of(field)
    low = next((note.ge for note in field.metadata if isinstance(note, Ge)), None)
    high = next((note.le for note in field.metadata if isinstance(note, Le)), None)
    if choices := [choice for t in types if get_origin(t) is Literal for choice in get_args(t)]:
        return ", ".join(f"`{choice}`" for choice in choices)
    if low is not None and high is not None:
        return f"{'whole number' if int in types else 'number'}, {low} to {high}"
    return "path" if Path in types else "text"


def types_of(field: FieldInfo) -> tuple[Any, ...]:
    """The types a setting may have: the members of a union, or the one type."""
    annotation = field.annotation
    return get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
