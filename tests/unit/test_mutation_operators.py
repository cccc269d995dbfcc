"""The faults of a mutation run: the same list each time, one change each, and a module that behaves like the change."""

from __future__ import annotations

import ast
from types import ModuleType

from tests.mutation.graft import graft
from tests.mutation.operators import Mutant, mutants_of, mutated

SOURCE = '''
"""A module."""
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

@dataclass(frozen=True)
class Asking:
    is_resumption: bool

TO_RESUME = Asking(is_resumption=True)
LIMIT = 65
BOUNDS = {"map": LIMIT}

class Asked(Protocol):
    def ask(self, limit: int = 3) -> bool: ...

class Patient:
    __slots__ = ("limit",)

    def __init__(self, limit: int = 90) -> None:
        self.limit = limit

    @property
    def is_low(self) -> bool:
        return self.limit < LIMIT

@lru_cache
def is_low(value: int) -> bool:
    assert value >= 0
    if value < LIMIT and value is not None:
        return True
    return False
'''


def module_of(source: str) -> ModuleType:
    module = ModuleType("patient_module")
    module.__file__ = "patient_module.py"
    exec(compile(source, "patient_module.py", "exec", dont_inherit=True), vars(module))
    return module


def the(before: str, after: str, scope: str | None = None) -> Mutant:
    mutants = [each for each in mutants_of(SOURCE, "patient_module.py") if scope in (None, each.scope)]
    (found,) = [each for each in mutants if (each.before, each.after) == (before, after)]
    return found


def test_mutants_of_a_source_are_the_same_each_time_and_have_names_of_their_own() -> None:
    found = mutants_of(SOURCE, "patient_module.py")

    assert found == mutants_of(SOURCE, "patient_module.py")
    assert len({each.id for each in found}) == len(found)


def test_every_mutant_is_another_program() -> None:
    whole = ast.unparse(ast.parse(SOURCE))
    programs = [ast.unparse(mutated(SOURCE, each)) for each in mutants_of(SOURCE, "patient_module.py")]

    assert whole not in programs
    assert len(set(programs)) == len(programs)


def test_protocols_assertions_annotations_and_texts_are_left_alone() -> None:
    scopes = {(each.scope, each.before) for each in mutants_of(SOURCE, "patient_module.py")}

    assert not any(scope.startswith("Asked") for scope, _ in scopes)
    assert not any("value >= 0" in before for _, before in scopes)


def test_a_fault_in_a_function_reaches_whoever_imported_it() -> None:
    module = module_of(SOURCE)
    is_low = module.is_low
    assert not is_low(65)

    graft(module, mutated(SOURCE, the("value < LIMIT", "value <= LIMIT")))

    assert is_low(65), "though it had answered, and answers are remembered"


def test_a_fault_in_a_property_or_a_default_reaches_the_class_that_others_hold() -> None:
    module = module_of(SOURCE)
    patient = module.Patient
    assert (patient().limit, patient(65).is_low) == (90, False)

    graft(module, mutated(SOURCE, the("90", "89")))
    assert patient().limit == 89

    graft(module, mutated(SOURCE, the("self.limit < LIMIT", "self.limit <= LIMIT")))
    assert patient(65).is_low


def test_a_fault_in_a_constant_reaches_what_was_made_of_it() -> None:
    module = module_of(SOURCE)

    graft(module, mutated(SOURCE, the("65", "66")))

    assert (module.LIMIT, module.BOUNDS) == (66, {"map": 66})
    assert module.is_low(65)


def test_a_fault_in_a_value_made_at_import_is_of_the_class_that_others_hold() -> None:
    module = module_of(SOURCE)
    asking = module.Asking

    graft(module, mutated(SOURCE, the("True", "False", scope="")))

    assert asking(is_resumption=False) == module.TO_RESUME
