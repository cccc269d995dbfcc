"""A plugin of pytest that lets one module be imported with a fault in it: for faults that show at import alone.

The mutant is named by `VIGIL_MUTANT`: path of the module, a colon, its number in the module's list.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests.mutation.operators import mutants_of, mutated

ENVIRONMENT = "VIGIL_MUTANT"


class FaultyModule(MetaPathFinder, Loader):
    """Finds the one module, and loads it with its fault."""

    def __init__(self, path: str, number: int) -> None:
        self._path = path
        self._name = path.removesuffix(".py").replace("/", ".")
        self._number = number

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The one module only."""
        return ModuleSpec(fullname, self, origin=self._path) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the faulty text."""
        source = Path(self._path).read_text(encoding="utf-8")
        tree = mutated(source, mutants_of(source, self._path)[self._number])
        module.__file__ = str(Path(self._path).absolute())
        exec(compile(tree, module.__file__, "exec"), vars(module))


def _install() -> None:
    path, _, number = os.environ[ENVIRONMENT].rpartition(":")
    assert path.removesuffix(".py").replace("/", ".") not in sys.modules, "imported before its fault could be put in"
    sys.meta_path.insert(0, FaultyModule(path, int(number)))


if ENVIRONMENT in os.environ:
    _install()
