"""Keywords of several schemas that a value has to meet, as the keywords of one.

Complete TypeScript has one type for ``$ref``, ``allOf`` and what stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harmony.typescript import Schema, strings

_LOWER = frozenset(
    {
        *("minimum", "exclusiveMinimum", "minLength", "minItems", "minContains"),
        "minProperties",
    }
)
_UPPER = frozenset(
    {
        *("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxContains"),
        "maxProperties",
    }
)
_ANNOTATIONS = frozenset(
    {"title", "default", "examples", "nullable", "deprecated", "readOnly", "writeOnly"}
)


class Merged(Schema):
    """Keywords merged from several schemas, and what could not be merged.

    ``named``: types that it also is, by name. ``others``: schemas that it also is.
    ``lost``: references that lead out of the whole schema.
    """

    def __init__(self, keywords: Schema) -> None:
        """Begin with the keywords of one schema."""
        super().__init__(keywords)
        self.lost: list[str] = list(getattr(keywords, "lost", ()))
        self.named: list[str] = list(getattr(keywords, "named", ()))
        self.others: list[Schema] = list(getattr(keywords, "others", ()))

    def take(self, part: Schema) -> None:
        """Merge the keywords of another schema that it also is."""
        if isinstance(part, Merged):
            self.named += part.named
            self.others += part.others
            self.lost += part.lost
        rest = {}
        for key, value in part.items():
            if key not in self:
                self[key] = value
            elif self[key] != value and key not in _ANNOTATIONS:
                both = _both(key, self[key], value)
                if both is None:
                    rest[key] = value
                else:
                    self[key] = both
        if rest:
            self.others.append(rest)


def _both(key: str, one: Any, other: Any) -> Any:
    """Return a value of a keyword that says what two values say; None if none does."""
    if key in _LOWER or key in _UPPER:
        numbers = all(type(value) in (int, float) for value in (one, other))
        return (max if key in _LOWER else min)(one, other) if numbers else None
    merge = _MERGERS.get(key)
    return None if merge is None else merge(one, other)


def _both_schemas(one: Any, other: Any) -> Any:
    return False if one is False or other is False else {"allOf": [one, other]}


def _both_tables(one: Any, other: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return None
    shared = {key: _both_schemas(one[key], other[key]) for key in one if key in other}
    same = {key: one[key] for key in shared if one[key] == other[key]}
    return {**one, **other, **shared, **same}


def _both_lists(one: Any, other: Any) -> Any:
    if not isinstance(one, list) or not isinstance(other, list):
        return None
    return one + [item for item in other if item not in one]


def _both_texts(one: Any, other: Any) -> Any:
    both = isinstance(one, str) and isinstance(other, str)
    return f"{one}\n{other}" if both else one


def _both_kinds(one: Any, other: Any) -> Any:
    """Return the types that are in both; a number may be an integer."""
    mine, yours = ([kind] if isinstance(kind, str) else kind for kind in (one, other))
    if not isinstance(mine, list) or not isinstance(yours, list):
        return None
    known = set(strings(yours))
    if "number" in known:
        known.add("integer")
    both = [kind for kind in strings(mine) if kind in known]
    if "number" in mine and "integer" in yours and "integer" not in both:
        both.append("integer")
    return both[0] if len(both) == 1 else both or None


def _both_values(one: Any, other: Any) -> Any:
    both = isinstance(one, list) and isinstance(other, list)
    return [value for value in one if value in other] if both else None


_MERGERS: dict[str, Callable[[Any, Any], Any]] = {
    "properties": _both_tables,
    "patternProperties": _both_tables,
    "required": _both_lists,
    "description": _both_texts,
    "type": _both_kinds,
    "enum": _both_values,
    "items": _both_schemas,
    "additionalProperties": _both_schemas,
}
