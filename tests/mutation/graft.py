"""A mutant put into a module that others have imported already: its functions get other code, their names stay bound.

Whoever holds a function, a method or a class goes on holding it. A plain value at the top of the module that has become
another is replaced wherever it was imported under its name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import FunctionType, ModuleType
from typing import Any


def graft(module: ModuleType, tree: ast.Module) -> None:
    """Let a module behave like another text of it.

    Args:
        module: As imported.
        tree: The other text: the same functions and classes.
    """
    other: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(tree, str(module.__file__), "exec", dont_inherit=True), other)
    for name, old in list(vars(module).items()):
        if name not in other or getattr(old, "__module__", module.__name__) != module.__name__:
            continue
        if is_dataclass(old) and not isinstance(old, type):
            _rebind(module, name, old, _of_the_old_class(old, other[name]))
        elif _is_plain(old):
            if other[name] != old:
                _rebind(module, name, old, other[name])
        else:
            _replace(old, other[name])


def _of_the_old_class(old: Any, new: Any) -> Any:
    """What others compare and ask is of the class that they hold."""
    return type(old)(**{each.name: getattr(new, each.name) for each in fields(old) if each.init})


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_plain(key) and _is_plain(each) for key, each in value.items())
    if isinstance(value, tuple | list | frozenset | set):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, bool | int | float | str)


def _rebind(module: ModuleType, name: str, old: object, new: object) -> None:
    for each in [module, *sys.modules.values()]:
        if isinstance(each, ModuleType) and vars(each).get(name) is old:
            setattr(each, name, new)


def _replace(old: Any, new: Any) -> None:
    if isinstance(old, FunctionType):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(old, type):
        for name, member in list(vars(old).items()):
            if name in vars(new):
                _replace(member, vars(new)[name])
    elif isinstance(old, property):
        _replace(old.fget, new.fget)
    elif isinstance(old, staticmethod | classmethod):
        _replace(old.__func__, new.__func__)
    elif hasattr(old, "cache_clear"):
        _replace(old.__wrapped__, new.__wrapped__)
        old.cache_clear()
