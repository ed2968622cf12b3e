"""What a JSON schema refers to within itself, and what of it needs a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

LONGEST_COPY = 256
"""Values in a schema that stands in several places without a name of its own."""

TOGETHER = ("allOf", "anyOf", "oneOf")
"""Keywords whose schemas are about the same value as the one that they stand in."""

_INDEX = re.compile("[0-9]{1,15}")


class References:
    """What a schema refers to, within itself.

    A reference is a text such as ``#/$defs/Node``.
    """

    def __init__(self, root: object) -> None:
        """Follow all references of a schema."""
        self._root = root
        self._targets: dict[str, object] = {}
        self._sizes: dict[str, int] = {}
        self._known: dict[str, list[tuple[str, bool]]] = {}
        self._named: set[str] = set()
        self._reach: dict[tuple[str, bool], set[str]] = {}
        self._learn()

    def target(self, reference: str) -> Any:
        """Return the schema that is referred to; None if it is not to be found."""
        if reference not in self._targets:
            self._targets[reference] = pointed_at(self._root, reference)
        return self._targets[reference]

    def has_name(self, reference: str) -> bool:
        """Tell whether what is referred to becomes a type with a name."""
        return reference in self._named

    def is_bare_circle(self, within: str, reference: str) -> bool:
        """Tell whether a type would be itself, with no object or array between."""
        return within == reference or within in self._reached(reference, bare=True)

    def _learn(self) -> None:
        """Follow all references; decide which get a name."""
        waiting = ["#"]
        while waiting:
            reference = waiting.pop()
            if reference in self._known:
                continue
            found = list(_references_in(self.target(reference)))
            self._known[reference] = [(to, guarded) for to, guarded in found if to]
            self._sizes[reference] = len(found)
            waiting += [to for to, _ in self._known[reference]]
        uses: dict[str, int] = {}
        for found in self._known.values():
            for to, _ in found:
                uses[to] = uses.get(to, 0) + 1
        self._named = {to for to in uses if to in self._reached(to, bare=False)}
        copied: dict[str, int] = {}
        for reference in self._known:
            self._size(reference, uses, copied)

    def _size(self, reference: str, uses: dict[str, int], sizes: dict[str, int]) -> int:
        """Return how many values stand in place of a reference."""
        if reference in self._named:
            return 1
        if reference not in sizes:
            inner = [self._size(to, uses, sizes) for to, _ in self._known[reference]]
            sizes[reference] = size = self._sizes[reference] + sum(inner)
            if size > LONGEST_COPY and uses.get(reference, 0) > 1:
                self._named.add(reference)
                sizes[reference] = 1
        return sizes[reference]

    def _reached(self, reference: str, bare: bool) -> set[str]:
        """Return all that is referred to from there, at whatever distance."""
        reached = self._reach.get((reference, bare))
        if reached is None:
            reached = self._reach[reference, bare] = set()
            waiting = [reference]
            while waiting:
                for to, guarded in self._known.get(waiting.pop(), ()):
                    if to not in reached and not (bare and guarded):
                        reached.add(to)
                        waiting.append(to)
        return reached


def _references_in(schema: object, guarded: bool = False) -> Iterator[tuple[str, bool]]:
    """Give what each schema within a schema refers to, "" for nothing.

    And whether an object or array is around it.
    """
    if not isinstance(schema, dict):
        return
    yield reference_of(schema), guarded
    for key in TOGETHER:
        for part in listed(schema.get(key)):
            yield from _references_in(part, guarded)
    for key in ("items", "prefixItems", "additionalProperties", "additionalItems"):
        for part in listed(schema.get(key)) or [schema.get(key)]:
            yield from _references_in(part, True)
    for key in ("properties", "patternProperties"):
        inner = schema.get(key)
        for part in inner.values() if isinstance(inner, dict) else ():
            yield from _references_in(part, True)


def listed(value: object) -> list[Any]:
    """Return a list; what is none has nothing in it."""
    return value if isinstance(value, list) else []


def reference_of(schema: dict[str, Any]) -> str:
    """Return what a schema refers to, or "" if it does not."""
    reference = schema.get("$ref")
    return (reference or "#") if isinstance(reference, str) else ""


def pointed_at(root: object, reference: str) -> object:
    """Return what a JSON pointer such as ``#/$defs/Node`` points at, or None."""
    if isinstance(root, dict) and isinstance(root.get("$id"), str):
        reference = reference.removeprefix(root["$id"].partition("#")[0])
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    for step in unquote(reference[2:]).split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, dict) and key in root:
            root = root[key]
        elif isinstance(root, list) and _INDEX.fullmatch(key) and int(key) < len(root):
            root = root[int(key)]
        else:
            return None
    return root
