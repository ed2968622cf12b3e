"""The mutants of a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ALIASES = ("Callable", "Literal", "dict", "tuple", "type")
"""What is subscripted outside of functions to name a type."""


@dataclass(frozen=True)
class Mutant:
    """A source with one error.

    ``line``: its number in the original; ``place``: the function or class it is in;
    ``old`` and ``new``: the lines that differ, without their indentation.
    """

    line: int
    place: str
    old: str
    new: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Make all mutants of a source, in the order of their lines."""
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    finder = _Finder(wrapper.module)
    wrapper.visit(finder)
    seen = {source}
    for mutant in finder.found:
        if mutant.source not in seen:
            seen.add(mutant.source)
            yield mutant


class _Finder(cst.CSTVisitor):
    """Makes mutants of each node."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, module: cst.Module) -> None:
        super().__init__()
        self.found: list[Mutant] = []
        self._module = module
        self._lines = module.code.splitlines(keepends=True)
        self._names: list[str] = []
        self._statement: cst.SimpleStatementLine | None = None

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, (cst.ClassDef, cst.FunctionDef)):
            self._names.append(node.name.value)
        if isinstance(node, cst.SimpleStatementLine):
            self._statement = node
        if _is_for_type_checkers(node) or _is_docstring(node):
            return False
        for kind, operator in [*mutation_operators, *OPERATORS]:
            if isinstance(node, kind):
                self.found += [self._mutant(node, new) for new in operator(node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.ClassDef, cst.FunctionDef)):
            self._names.pop()
        if isinstance(original_node, cst.SimpleStatementLine):
            self._statement = None

    def _mutant(self, node: cst.CSTNode, new: cst.CSTNode) -> Mutant:
        line = self.get_metadata(PositionProvider, node).start.line
        place = ".".join(self._names)
        if self._statement is None:
            changed: Any = self._module.deep_replace(node, new)
            old, made = _difference(self._module.code, changed.code)
            return Mutant(line, place, old, made, changed.code)
        # Many times quicker than the same with all of the module.
        statement = self._statement.with_changes(leading_lines=())
        code = self._module.code_for_node(statement.deep_replace(node, new))
        span = self.get_metadata(PositionProvider, self._statement)
        before, after = self._lines[: span.start.line - 1], self._lines[span.end.line :]
        source = "".join([*before, " " * span.start.column, code, *after])
        old, made = _difference(self._module.code_for_node(statement), code)
        return Mutant(line, place, old, made, source)


def _difference(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, without those that are equal around them."""
    old, new = source.splitlines(), mutated.splitlines()
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    same = 0
    while same < min(len(old), len(new)) and old[same] == new[same]:
        same += 1
    return _stripped(old[same:]), _stripped(new[same:])


def _stripped(lines: list[str]) -> str:
    return "\n".join(line.strip() for line in lines)


def _is_for_type_checkers(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    if isinstance(node, cst.AnnAssign):
        annotation = node.annotation.annotation
        return isinstance(annotation, cst.Name) and annotation.value == "TypeAlias"
    if isinstance(node, cst.Assign):
        name, value = node.targets[0].target, node.value
        if isinstance(name, cst.Name) and name.value == "TYPE_CHECKING":
            return True
        return (
            isinstance(value, cst.Subscript)
            and isinstance(value.value, cst.Name)
            and value.value.value in ALIASES
        )
    if isinstance(node, cst.FunctionDef):
        names = [item.decorator for item in node.decorators]
        return any(isinstance(n, cst.Name) and n.value == "overload" for n in names)
    return isinstance(node, cst.Annotation)


def _is_docstring(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Expr) and isinstance(
        node.value, (cst.SimpleString, cst.ConcatenatedString, cst.Ellipsis)
    )


# What mutmut has no operator for


def _formatted_text(node: cst.FormattedStringText) -> Iterable[cst.CSTNode]:
    yield node.with_changes(value=f"XX{node.value}")


def _condition(node: cst.If | cst.While) -> Iterable[cst.CSTNode]:
    if not isinstance(node.test, (cst.Comparison, cst.UnaryOperation)):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        inverted = cst.UnaryOperation(cst.Not(), test)
        yield node.with_changes(test=inverted)


def _result(node: cst.Return) -> Iterable[cst.CSTNode]:
    if node.value is not None:
        yield node.with_changes(value=cst.Name("None"))


def _call(node: cst.Expr) -> Iterable[cst.CSTNode]:
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


OPERATORS: list[tuple[Any, Any]] = [
    (cst.FormattedStringText, _formatted_text),
    (cst.If, _condition),
    (cst.While, _condition),
    (cst.Return, _result),
    (cst.Expr, _call),
]
