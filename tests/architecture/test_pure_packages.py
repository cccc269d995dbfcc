"""`streaming` and `alerts` use a short list of the standard library, each other, and nothing that acts.

The import rules name what is forbidden; this list names what is allowed, so that a new library needs a decision.
`hash` differs from run to run, and so does an order by `id`; `open` and `print` are I/O.

`pickle` is for `alerts.ward` alone: a snapshot is the whole object graph of the ward with its identities (the source of
a signal *is* one of its channels), made and read by that one module, and only ever read back from the service's own
data directory, behind a checksum. Anywhere else bytes may come from a stranger, and pickle would run them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.sources import REPOSITORY, python_sources

ALLOWED = {
    "__future__", "abc", "array", "base64", "bisect", "binascii", "collections", "copy", "dataclasses", "datetime",
    "decimal", "enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "sys", "tomllib", "types", "typing", "unicodedata", "zlib",
}  # fmt: skip
ALLOWED_TO_ONE = {"alerts/ward.py": {"pickle"}}
OWN = {"streaming": {"streaming"}, "alerts": {"alerts", "streaming"}}
FORBIDDEN_CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "hash"}
ALLOWED_OF_SYS = {"intern", "maxsize", "float_info"}


def impurities(source: str, package: str, path: str = "") -> Iterator[str]:
    """What a module of a pure package may not use, with its line."""
    allowed = ALLOWED | OWN[package] | ALLOWED_TO_ONE.get(path, set())
    for node in ast.walk(ast.parse(source)):
        for found in _impurity(node, allowed):
            yield f"line {getattr(node, 'lineno', 0)}: {found}"


def _impurity(node: ast.AST, allowed: set[str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"import {n.name}" for n in names if n.name.split(".")[0] not in allowed)
        case ast.ImportFrom(level=level) if level:
            yield "relative import"
        case ast.ImportFrom(module="sys", names=names):
            yield from (f"from sys import {n.name}" for n in names if n.name not in ALLOWED_OF_SYS)
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] not in allowed:
            yield f"from {module} import"
        case ast.Attribute(value=ast.Name(id="sys"), attr=attribute) if attribute not in ALLOWED_OF_SYS:
            yield f"sys.{attribute}"
        case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
            yield f"{name}()"
        case ast.keyword(arg="key", value=ast.Name(id="id" | "hash" as name)):
            yield f"order by {name}"
        case ast.AsyncFunctionDef() | ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            yield "async"


@pytest.mark.parametrize("package", ["streaming", "alerts"])
def test_the_pure_packages_use_only_what_is_allowed(package: str) -> None:
    sources = {path.relative_to(REPOSITORY).as_posix(): path.read_text() for path in python_sources(package)}
    found = {path: list(impurities(source, package, path)) for path, source in sources.items()}

    assert {path: uses for path, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "import numpy as np",
        "from os import environ",
        "from . import window",
        "def f():\n    import logging",
        "rules = open('profile.toml')",
        "bucket = hash(name) % 8",
        "first = min(beds, key=id)",
        "async def step(): ...",
        "import sys\nsys.stdout.write('x')",
        "from alerts.alarm import Alarm",
    ],
)
def test_an_impurity_is_caught(source: str) -> None:
    assert list(impurities(source, "streaming"))


def test_pickle_is_for_the_ward_alone() -> None:
    source = "import pickle"

    assert list(impurities(source, "alerts", "alerts/ward.py")) == []
    assert list(impurities(source, "alerts", "alerts/book.py"))
    assert list(impurities(source, "streaming", "streaming/bed.py"))


def test_a_pure_module_is_accepted() -> None:
    source = "from sys import intern\nimport math\nfrom streaming.identity import BedId\nx = math.fsum([1.0])\n"

    assert list(impurities(source, "alerts")) == []
