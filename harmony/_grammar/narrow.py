"""A JSON schema as a sampler takes it: what it can't enforce is refused or left out.

Each library for constrained decoding takes some keywords and not others, and what it
says of the others is an error, a warning, or nothing. Here it is known beforehand, so
that a grammar enforces all that the schema says, or it is said what it does not.

Annotations and keywords that nobody knows are left out. What is referred to stands in
``$defs``, wherever it stood before. ``nullable`` is what it is in OpenAPI.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from harmony.schema_references import listed, pointed_at, reference_of


class Sampler(NamedTuple):
    """What a library for constrained decoding takes of a schema.

    ``lacks``: keywords that it can't enforce. ``formats``: those that it can.
    ``exact``: it takes keywords beside ``$ref``, ``anyOf`` and ``allOf``, bounds of
    any number and any regular expression without assertions.
    """

    name: str
    lacks: frozenset[str]
    formats: frozenset[str]
    exact: bool


_LACKED_BY_ALL = frozenset(
    {
        *("not", "if", "uniqueItems", "contains", "propertyNames", "dependencies"),
        *("dependentRequired", "dependentSchemas", "unevaluatedProperties"),
        *("unevaluatedItems", "$dynamicRef", "$recursiveRef"),
    }
)
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "ipv4"),
        *("ipv6", "uuid", "uri"),
    }
)

LLGUIDANCE = Sampler("llguidance", _LACKED_BY_ALL, _FORMATS, True)
XGRAMMAR = Sampler(
    "xgrammar",
    _LACKED_BY_ALL
    # The last two it drops where a text is excluded from strings, as one is here.
    | {"patternProperties", "minProperties", "maxProperties", "minLength", "maxLength"},
    _FORMATS,
    False,
)

_TABLES = frozenset({"properties", "patternProperties"})
_LISTS = frozenset({"anyOf", "allOf", "prefixItems"})
_INNER = frozenset({"additionalProperties", "items"})
_BESIDE = ("$ref", "anyOf", "allOf")
_KNOWN = frozenset(
    {
        *("type", "enum", "const", "required", "format", "pattern", "multipleOf"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties"),
        *(
            "maxProperties",
            "oneOf",
            "$ref",
            *_TABLES,
            *_LISTS,
            *_INNER,
            *_LACKED_BY_ALL,
        ),
    }
)
_KINDS: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
    "null": type(None),
}

_MANY = (list, tuple)
_BOUNDS = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems"),
    *("minProperties", "maxProperties"),
)
_SHAPES: dict[str, Any] = {
    **dict.fromkeys(("$ref", "format", "pattern"), str),
    **dict.fromkeys((*_LISTS, "oneOf"), list),
    **dict.fromkeys(("enum", "required"), _MANY),
    **dict.fromkeys(_TABLES, dict),
    **dict.fromkeys(_INNER, (dict, bool, type(None))),
    **dict.fromkeys(_BOUNDS, (int, float)),
}
"""What the values of keywords are. In draft 4, an exclusive bound is a truth value."""

# Escapes that assert or refer back, and groups that look around.
_NO_TEXT = re.compile(r"\\[1-9bBAZzGkcQE]|\(\?(?:[=!>]|<[=!])")
_ESCAPE_OR_CLASS = re.compile(r"\\.|\[\^?\]?[^\]]*\]", re.DOTALL)
_INNER_ANCHOR = re.compile(r"(?<=[^(|:])\^|\$(?=[^)|])")
# A pattern from ^ to $ of characters, classes and repetitions, which xgrammar takes.
_PLAIN = re.compile(
    r"\^(?:(?:[A-Za-z0-9_ :/-]|\\[dw.+*?()-]|\[[A-Za-z0-9_ -]+\])"
    r"(?:[+*?]|\{\d+(?:,\d*)?\})?)*\$"
)

Place = tuple[str, ...]


def narrow(
    schema: Any, where: str, sampler: Sampler, lenient: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return a schema for a sampler, and what it leaves to chance.

    ``where``: what it is the schema of, for errors. ``lenient``: what the sampler can't
    enforce is left out and listed; else it is a ``ValueError``. A ``format`` that the
    sampler does not know is left out either way, for JSON Schema enforces none.

    >>> schema = {"type": "array", "uniqueItems": True, "title": "Tags"}
    >>> narrow(schema, "tag", LLGUIDANCE, True)
    ({'type': 'array'}, ['tag: uniqueItems'])
    """
    narrower = _Narrower(schema, where, sampler, lenient)
    try:
        return narrower.whole(), narrower.relaxed
    except RecursionError:
        message = "the schema is nested too deeply for Python's recursion limit"
        raise ValueError(f"{where}: {message}") from None


class _Narrower:
    """Narrows one schema."""

    def __init__(self, root: Any, where: str, sampler: Sampler, lenient: bool) -> None:
        self._root = root
        self._where = where
        self._sampler = sampler
        self._lenient = lenient
        self._names: dict[str, str] = {}
        self._definitions: dict[str, Any] = {}
        self.relaxed: list[str] = []

    def whole(self) -> dict[str, Any]:
        """Return the whole schema, with the definitions that it refers to."""
        schema: dict[str, Any] = self._schema(self._root, ())
        if self._definitions:
            schema = {**schema, "$defs": self._definitions}
        return schema

    def _path(self, place: Place) -> str:
        return ".".join([self._where, *place])

    def _refuse(self, place: Place, keyword: str) -> None:
        """Complain about a keyword, or list it."""
        if self._lenient:
            self.relaxed.append(f"{self._path(place)}: {keyword}")
            return
        raise ValueError(
            f"{self._path(place)}: {keyword} can't be enforced by "
            f"{self._sampler.name} (lenient=True leaves it out)"
        )

    def _schema(self, schema: Any, place: Place) -> Any:
        if schema is False:
            return self._nothing(place)
        if not isinstance(schema, dict):
            return {}
        if isinstance(schema.get("items"), list):
            schema = _with_prefix(schema)
        narrowed: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _KNOWN and not _says_nothing(key, value):
                self._take(narrowed, schema, key, place)
        if not self._sampler.exact:
            narrowed = self._plain(narrowed, place)
        return _nullable(narrowed) if schema.get("nullable") is True else narrowed

    def _nothing(self, place: Place) -> Any:
        if self._sampler.exact:
            return False
        self._refuse(place, "false")
        return {}

    def _take(
        self, narrowed: dict[str, Any], schema: dict[str, Any], key: str, place: Place
    ) -> None:
        """Take a keyword of a schema, or refuse it."""
        value = schema[key]
        if not _is_sound(key, value):
            self._refuse(place, key)
        elif key == "format" and value not in self._sampler.formats:
            self.relaxed.append(f"{self._path(place)}: format")
        elif key == "oneOf":
            if not self._are_disjoint(value):
                self._refuse(place, key)
            variants = {"anyOf": self._value("anyOf", value, (*place, key))}
            if "anyOf" in schema:
                narrowed.setdefault("allOf", []).append(variants)
            else:
                narrowed.update(variants)
        elif not self._takes(schema, key, value):
            self._refuse(place, key)
        elif key == "allOf":
            parts = self._value(key, value, (*place, key))
            narrowed.setdefault(key, []).extend(parts)
        else:
            narrowed[key] = self._value(key, value, (*place, key))

    def _takes(self, schema: dict[str, Any], key: str, value: Any) -> bool:
        """Tell whether the sampler can enforce a keyword."""
        if key == "pattern":
            return self._takes_pattern(value)
        if key == "multipleOf":
            return self._sampler.exact or bool(schema.get("type") == "integer")
        if key == "enum":
            return bool(value)
        return key not in self._sampler.lacks

    def _takes_pattern(self, pattern: str) -> bool:
        if not self._sampler.exact:
            return _PLAIN.fullmatch(pattern) is not None
        bare = _ESCAPE_OR_CLASS.sub("x", pattern)
        return not (_NO_TEXT.search(pattern) or _INNER_ANCHOR.search(bare))

    def _value(self, key: str, value: Any, place: Place) -> Any:
        """Return the value of a keyword, with the schemas in it narrowed."""
        if key in _TABLES:
            return {
                name: self._schema(item, (*place, name)) for name, item in value.items()
            }
        if key in _LISTS:
            return [
                self._schema(item, (*place, str(index)))
                for index, item in enumerate(value)
            ]
        if key in _INNER:
            return self._schema(value, place) if value is not False else False
        if key == "$ref":
            return self._referred(value, place)
        return value

    def _referred(self, reference: Any, place: Place) -> str:
        """Return what a reference becomes; define what it refers to the first time."""
        reference = reference_of({"$ref": reference})
        if reference == "#":
            return "#"
        name = self._names.get(reference)
        if name is None:
            target = pointed_at(self._root, reference)
            if target is None:
                raise ValueError(
                    f"{self._path(place)}: {reference!r} is not in this schema"
                )
            name = self._names[reference] = f"d{len(self._names)}"
            self._definitions[name] = {}
            self._definitions[name] = self._schema(target, (reference,))
        return f"#/$defs/{name}"

    # Variants of which only one may hold

    def _are_disjoint(self, variants: list[Any]) -> bool:
        known = [self._followed(variant) for variant in variants]
        return all(
            _differ(one, other)
            for index, one in enumerate(known)
            for other in known[:index]
        )

    def _followed(self, schema: Any) -> dict[str, Any]:
        """Return a schema, or what it refers to."""
        for _ in range(8):
            if not isinstance(schema, dict):
                return {}
            reference = reference_of(schema)
            if not reference:
                return schema
            schema = pointed_at(self._root, reference)
        return {}

    # For samplers that take no keywords beside others

    def _plain(self, schema: dict[str, Any], place: Place) -> dict[str, Any]:
        """Return a schema of keywords that do not stand in each other's way."""
        for key in _BESIDE:
            if key in schema and len(schema) > 1:
                for other in [word for word in schema if word != key]:
                    self._refuse(place, f"{other} beside {key}")
                schema = {key: schema[key]}
        parts = schema.pop("allOf", None)
        if parts is not None and len(parts) != 1:
            self._refuse(place, "allOf")
            return {}
        if parts is not None:
            schema = parts[0]
        if "enum" in schema and "type" in schema:
            kinds = _type_names(schema.pop("type"))
            schema["enum"] = [v for v in schema["enum"] if _is_of(v, kinds)]
        return _explicit(schema)


def _says_nothing(key: str, value: Any) -> bool:
    if key in ("additionalProperties", "const", "enum", "items", "not", "type"):
        return False
    if key == "$ref":  # an empty one is to the whole schema
        return value is None
    return value is None or value is False or value in ({}, [], "")


def _with_prefix(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose ``items`` are a list in the words of later drafts."""
    rest = {k: v for k, v in schema.items() if k not in ("items", "additionalItems")}
    rest["prefixItems"] = schema["items"]
    if "additionalItems" in schema:
        rest["items"] = schema["additionalItems"]
    return rest


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _explicit(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that says what is meant where it is silent."""
    kind = schema.get("type")
    required = [name for name in listed(schema.get("required")) if type(name) is str]
    properties = schema.get("properties", {})
    missing: dict[str, Any] = {name: {} for name in required if name not in properties}
    if missing:
        schema = {**schema, "properties": {**properties, **missing}}
    if kind == "object" and "properties" not in schema:
        schema.setdefault("additionalProperties", {})
    if kind == "array":
        schema.setdefault("items", {})
    return schema


def _differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two schemas are sure to have no value in common."""
    kinds = _kinds(one), _kinds(other)
    if kinds[0] is not None and kinds[1] is not None and not kinds[0] & kinds[1]:
        return True
    mine, yours = _values(one), _values(other)
    if mine is not None and yours is not None:
        return not any(value in yours for value in mine)
    if kinds != ({"object"}, {"object"}):
        return False
    both = set(_names(one)) & set(_names(other))
    return any(
        _differ(one["properties"][name], other["properties"][name]) for name in both
    )


def _kinds(schema: dict[str, Any]) -> set[str] | None:
    """Return the types of a schema's values; None if they are any."""
    values = _values(schema)
    if values is not None:
        return {name for name in _KINDS for value in values if _is_of(value, [name])}
    kinds = _type_names(schema.get("type"))
    return {"number" if kind == "integer" else kind for kind in kinds} or None


def _type_names(value: Any) -> list[str]:
    """Return the types that ``type`` names; none if it is not what it has to be."""
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, _MANY):
        return []
    known = all(isinstance(name, str) and name in _KINDS for name in names)
    return list(names) if known else []


def _is_sound(key: str, value: Any) -> bool:
    """Tell whether the value of a keyword is what it has to be."""
    if key == "type":
        return bool(_type_names(value))
    shape = _SHAPES.get(key, object)
    if type(value) is bool:
        return shape is object or key in _INNER
    return isinstance(value, shape)


def _values(schema: dict[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _names(schema: dict[str, Any]) -> Iterator[str]:
    """Give the names of properties that are there for sure."""
    properties = schema.get("properties")
    for name in listed(schema.get("required")):
        if isinstance(properties, dict) and isinstance(properties.get(name), dict):
            yield name


def _is_of(value: Any, kinds: Iterable[Any]) -> bool:
    return any(
        isinstance(value, _KINDS.get(kind, ()))
        and (type(value) is not bool or kind == "boolean")
        for kind in kinds
    )
