"""The faults: what may be changed in a module, one place at a time.

- The list of mutants of a source is always the same, in the same order; a mutant is named by what it changes and where,
  not by its line, so that its name outlives edits elsewhere.
- Left alone: docstrings and texts, annotations and unions of types, decorators, assertions (they document invariants),
  `del`, bodies of protocols, and `__slots__`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

_ORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}

Step = tuple[str, int | None]
"""A field of a node, and the place in it where the field is a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One fault at one place."""

    path: str
    """Of the module, from the root of the repository."""
    scope: str
    """Qualified name of the function or class; empty at the top of the module."""
    line: int
    statement_line: int
    """Where its statement begins: some lines of a long one are never told by the interpreter."""
    operator: str
    before: str
    after: str
    number: int = 0
    """Which of several that read the same."""
    way: tuple[Step, ...] = field(default=(), repr=False)
    choice: int = 0

    @property
    def id(self) -> str:
        """Its name, for the list of explained survivors."""
        again = f" #{self.number + 1}" if self.number else ""
        return f"{self.path} {self.scope or '(module)'}: {self.before} => {self.after}{again}"


def mutants_of(source: str, path: str) -> list[Mutant]:
    """Every mutant of a module."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    for top, statement in enumerate(ast.parse(source).body):
        for node, scope, way, at in _places(statement, "", (("body", top),), statement):
            for choice, (operator, other) in enumerate(_alternatives(node)):
                before, after = _shown(node), _shown(other) if other is not None else "(removed)"
                mutant = Mutant(
                    path=path,
                    scope=scope,
                    line=getattr(node, "lineno", at.lineno),
                    statement_line=at.lineno,
                    operator=operator,
                    before=before,
                    after=after,
                    way=way,
                    choice=choice,
                )
                number = seen.get(mutant.id, 0)
                seen[mutant.id] = number + 1
                found.append(_numbered(mutant, number))
    return found


def mutated(source: str, mutant: Mutant) -> ast.Module:
    """The module with the fault in it."""
    tree = ast.parse(source)
    parent: ast.AST = tree
    for name, index in mutant.way[:-1]:
        parent = _child(parent, name, index)
    name, index = mutant.way[-1]
    node = _child(parent, name, index)
    _, other = _alternatives(node)[mutant.choice]
    replacement = other if other is not None else ast.Pass()
    ast.copy_location(replacement, node)
    if index is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[index] = replacement
    return ast.fix_missing_locations(tree)


def _child(parent: ast.AST, name: str, index: int | None) -> ast.AST:
    value = getattr(parent, name)
    child = value if index is None else value[index]
    assert isinstance(child, ast.AST)
    return child


def _numbered(mutant: Mutant, number: int) -> Mutant:
    values = {name: getattr(mutant, name) for name in Mutant.__slots__}
    return Mutant(**(values | {"number": number}))


def _shown(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 110 else text[:107] + "..."


# --- where ------------------------------------------------------------------------------------------------------------


def _places(
    node: ast.AST, scope: str, way: tuple[Step, ...], at: ast.stmt
) -> Iterator[tuple[ast.AST, str, tuple[Step, ...], ast.stmt]]:
    if _is_left_alone(node):
        return
    at = node if isinstance(node, ast.stmt) else at
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    yield node, scope, way, at
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "format_spec", "ctx", "bases", "keywords") and (
            not isinstance(node, ast.Call)
        ):
            continue
        if isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _places(item, scope, (*way, (name, index)), at)
        elif isinstance(value, ast.AST):
            yield from _places(value, scope, (*way, (name, None)), at)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.ClassDef):
        return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "__slots__" for target in node.targets)
    return isinstance(node, ast.Assert | ast.Delete | ast.Import | ast.ImportFrom)


# --- what -------------------------------------------------------------------------------------------------------------


def _alternatives(node: ast.AST) -> list[tuple[str, ast.AST | None]]:
    """What may stand in place of a node; None where it is taken away."""
    if isinstance(node, ast.Compare):
        return list(_comparisons(node))
    if isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return [("and/or", ast.BoolOp(op=other, values=node.values))]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        return [("not" if isinstance(node.op, ast.Not) else "sign", node.operand)]
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC and not isinstance(node.op, ast.BitOr | ast.BitAnd):
        return [("arithmetic", ast.BinOp(left=node.left, op=_ARITHMETIC[type(node.op)](), right=node.right))]
    if isinstance(node, ast.Constant):
        return list(_constants(node))
    if isinstance(node, ast.Call):
        return list(_calls(node))
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return list(_conditions(node))
    return list(_statements(node))


def _comparisons(node: ast.Compare) -> Iterator[tuple[str, ast.AST | None]]:
    for place, op in enumerate(node.ops):
        other = _ORDER.get(type(op)) or _OPPOSITE.get(type(op))
        if other is not None:
            ops = [other() if at == place else each for at, each in enumerate(node.ops)]
            yield "comparison", ast.Compare(left=node.left, ops=ops, comparators=node.comparators)


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST | None]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(value=not value)
    elif isinstance(value, int | float):
        yield "constant", ast.Constant(value=value + 1)
        yield "constant", ast.Constant(value=value - 1)


def _calls(node: ast.Call) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node.func, ast.Name) and node.func.id in _CALLS:
        func = ast.Name(id=_CALLS[node.func.id], ctx=ast.Load())
        yield "call", ast.Call(func=func, args=node.args, keywords=node.keywords)


def _conditions(node: ast.If | ast.While | ast.IfExp) -> Iterator[tuple[str, ast.AST | None]]:
    test = node.test
    is_same_as_its_test = isinstance(test, ast.UnaryOp) or (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in _OPPOSITE
    )
    if not is_same_as_its_test:
        other = copy.copy(node)
        other.test = ast.UnaryOp(op=ast.Not(), operand=test)
        yield "condition", other


def _statements(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    if isinstance(node, ast.Return) and node.value is not None:
        is_none = isinstance(node.value, ast.Constant) and node.value.value is None
        if not is_none:
            yield "return", ast.Return(value=ast.Constant(value=None))
    elif isinstance(node, ast.AugAssign):
        if type(node.op) in _ARITHMETIC:
            other = _ARITHMETIC[type(node.op)]()
            yield "arithmetic", ast.AugAssign(target=node.target, op=other, value=node.value)
        yield "removal", None
    elif isinstance(node, ast.Assign):
        if not all(isinstance(target, ast.Name | ast.Tuple) for target in node.targets):
            yield "removal", None
    elif isinstance(node, ast.Expr | ast.Raise | ast.Continue | ast.Break):
        yield "removal", None
