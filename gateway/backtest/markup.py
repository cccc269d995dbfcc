"""HTML and SVG elements, written so that text can only be text: whatever is not markup already is escaped.

A recording's beds, names and ids are whatever somebody sent; there is no way into a page but through here.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "br", "hr", "col"})


class Markup(str):
    """Text that is markup, made by `tag` and `join`; any other string is not."""

    __slots__ = ()


Child = str | float | None
Attribute = str | float | None


def tag(name: str, /, *children: Child | Iterable[Child], **attributes: Attribute) -> Markup:
    """An element.

    Args:
        name: Of the element; ours, never from outside.
        children: Markup as it is, anything else escaped; None is left out.
        attributes: Values escaped; None is left out. `class_` is `class`, `stroke_width` is `stroke-width`.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Child | Iterable[Child]) -> Markup:
    """Children one after the other."""
    return Markup("".join(_written(child) for child in children))


def _written(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return escape(_text(child), quote=False)
    return join(*child)


def _text(value: Child) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
