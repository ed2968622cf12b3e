"""Write a JSON schema as a TypeScript type that says all that the schema says.

``typescript.py`` writes what the models were trained on, byte for byte, and loses much:
``anyOf``, ``$ref`` and ``const`` are ``any`` there, bounds are not mentioned, and a
description of two lines ends its comment. This module writes the same text wherever
that text says everything and is valid TypeScript, else the smallest change that does.

1. A type is a text, and facts: what TypeScript has no type for, ``minimum: 1`` say.
   Facts go up until there is room for a comment: above a property, behind a variant,
   before the type of the whole schema.
2. ``$ref`` and ``allOf`` are merged into the schema that they stand in, by
   ``schema_merging.py``. What can't be merged is joined by ``&``.
3. A schema within itself becomes a type with a name, declared beside the function.
   So does one that is used again and again and would grow too long in its places.
4. An integer is ``number``, and an object says nothing of other keys unless
   ``additionalProperties`` does, as the models know it. A title is shown only where
   they know it to be.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import unquote

from harmony.schema_merging import Merged
from harmony.schema_references import TOGETHER, References, listed, reference_of
from harmony.typescript import (
    IN_VARIANT,
    NESTED,
    SIMPLE_TYPES,
    Schema,
    json_literal,
    received,
    strings,
)

FACTS = frozenset(
    {
        *("format", "pattern", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems"),
        *("maxItems", "uniqueItems", "contains", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "propertyNames", "dependentRequired"),
        *("dependentSchemas", "dependencies", "not", "if", "then", "else"),
        *("contentEncoding", "contentMediaType", "contentSchema"),
        *("deprecated", "readOnly", "writeOnly"),
    }
)
"""Keywords that are said in words."""

_OBJECT = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties"}
)
_ARRAY = frozenset({"items", "prefixItems"})
_SHAPE = _OBJECT | _ARRAY
_STRUCTURE = _SHAPE | {"enum", "const"}
_REFERRING = frozenset({"$ref", "allOf", "anyOf"})

_NOTHING: Schema = {"not": {}}
_RESERVED = re.compile(
    "any|unknown|never|number|bigint|boolean|string|symbol|void|object|undefined|null|"
    "true|false|break|case|catch|class|const|continue|debugger|default|delete|do|else|"
    "enum|export|extends|finally|for|function|if|import|in|instanceof|new|return|super|"
    "switch|this|throw|try|typeof|var|while|with|implements|interface|let|package|"
    "private|protected|public|static|yield|await|Array"
)

_LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")
_UNSAFE = re.compile("[\\\\\x00-\x1f\u2028\u2029]")
_NO_LETTER = re.compile(r"\W", re.ASCII)
_INDEX = re.compile("0|[1-9][0-9]{0,14}")
_WORD = re.compile(r"[\w.+/-]+", re.ASCII)


class Type(NamedTuple):
    """A type as text, and what is still to be said about it.

    ``joint``: what joins its parts, "|" or "&"; "" if it is one. ``lines``: each part
    begins a line, the first one too. ``open``: it ends within a comment.
    """

    text: str
    facts: tuple[str, ...] = ()
    joint: str = ""
    has_null: bool = False
    lines: bool = False
    open: bool = False


ANY = Type("any")
NEVER = Type("never")

_TYPES = {
    **{kind: Type(text) for kind, text in SIMPLE_TYPES.items()},
    "string": Type("string"),
    "null": Type("null", has_null=True),
}
_PLAIN = frozenset({"type", "description", "default"})


def complete_typescript(
    schema: object, name: str = "parameters", taken: set[str] | None = None
) -> tuple[list[str], str]:
    """Return declarations, and the type which stands for PARAMETERS.

    As ``typescript``, for `type NAME = (_: PARAMETERS) =>`. The declarations, mostly
    none, are of types that the text names: `type Node = {…}`. ``name``: the function's.
    ``taken``: the names in the namespace; those of the declarations are added.

    Raises ValueError for a value that JSON has no form for, and for a schema nested
    so deeply (or within itself) that Python's recursion limit is hit.

    >>> declared, text = complete_typescript({"type": "object", "properties": {
    ...     "to": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
    ...     "retries": {"type": "integer", "minimum": 0}}})
    >>> print(text)
    {
    // format: email
    to?: string | null,
    // minimum: 0
    retries?: number,
    }
    """
    try:
        root = received(schema)
        writer = _Writer(root, name, set() if taken is None else taken)
        text = writer.parameters(root)
    except RecursionError:
        message = "the schema is nested too deeply for Python's recursion limit"
        raise ValueError(message) from None
    return writer.declarations, text


class _Writer:
    """Writes the types of one schema and what it refers to."""

    def __init__(self, root: object, name: str, taken: set[str]) -> None:
        self.declarations: list[str] = []
        self._root = root
        self._name = name
        self._taken = taken
        self._graph: References | None = None
        self._names: dict[str, str] = {}
        self._within = "#"  # the named type that is being written
        self._guarded = False  # whether an object or array is around us in it

    def parameters(self, root: object) -> str:
        """Return the type of the whole schema."""
        text = self._placeless(self._expanded(root))
        return self._names.get("#", text)  # it has a name if it is within itself

    def _placeless(self, schema: Schema) -> str:
        """Return a type that may begin with comments of its own."""
        kind = self._type(schema, "")
        lines = []
        if "description" in schema and not _is_object(schema):
            lines += _comment(schema["description"], "")
        if "examples" in schema:
            lines += _examples(schema, "")
        if kind.facts:
            lines += _facts_line(kind.facts, "")
        if "default" in schema:
            lines.append(f"// default: {_default(schema)}\n")
        return "".join([*lines, kind.text, "\n" if kind.open else ""])

    # References

    def _references(self) -> References:
        if self._graph is None:
            self._graph = References(self._root)
        return self._graph

    def _declared(self, reference: str) -> str:
        """Return the name of a type that has one; declare it the first time."""
        name = self._names.get(reference)
        if name is not None:
            return name
        name = self._names[reference] = self._free_name(reference)
        before = self._within, self._guarded
        self._within, self._guarded = reference, False
        place = len(self.declarations)
        self.declarations.append("")
        text = self._placeless(self._expanded(self._references().target(reference)))
        space = "\n" if text.startswith("//") else " "
        self.declarations[place] = f"type {name} ={space}{text};\n"
        self._within, self._guarded = before
        return name

    def _free_name(self, reference: str) -> str:
        last = unquote(reference.rpartition("/")[2])
        wish = _NO_LETTER.sub("_", f"{self._name}_type" if last == "#" else last)
        if not wish or wish[0].isdigit():
            wish = f"_{wish}"
        name, number = wish, 1
        while name in self._taken or _RESERVED.fullmatch(name):
            number += 1
            name = f"{wish}_{number}"
        self._taken.add(name)
        return name

    # Keywords

    def _expanded(self, schema: object) -> Schema:
        """Return the keywords of a schema, with those that it refers to merged in."""
        if not isinstance(schema, dict):
            return _NOTHING if schema is False else {}
        if _REFERRING.isdisjoint(schema):
            return schema
        optional = self._optional(schema.get("anyOf"))
        if type(optional) is dict and _REFERRING.isdisjoint(optional):
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            if _REFERRING.isdisjoint(rest) and rest.keys().isdisjoint(optional):
                return {**rest, **optional, "nullable": True}
        merged = Merged({k: v for k, v in schema.items() if k not in ("$ref", "allOf")})
        reference = reference_of(schema)
        if reference:
            self._refer(merged, reference)
        for part in listed(schema.get("allOf")):
            merged.take(self._expanded(part))
        if optional is not None:
            del merged["anyOf"]
            merged.take(self._expanded(optional))
            merged["nullable"] = True
        return merged

    def _refer(self, merged: Merged, reference: str) -> None:
        graph = self._references()
        target = graph.target(reference)
        if target is None:
            merged.lost.append(reference)
        elif not graph.has_name(reference):
            merged.take(self._expanded(target))
        elif self._guarded or not graph.is_bare_circle(self._within, reference):
            merged.named.append(self._declared(reference))

    def _optional(self, variants: object) -> object:
        """Return the one schema that is not null in ``anyOf: [SCHEMA, null]``."""
        if not isinstance(variants, list) or len(variants) != 2:
            return None
        first, second = (item == {"type": "null"} for item in variants)
        return variants[0 if second else 1] if first != second else None

    # Types

    def _type(self, schema: Schema, indent: str) -> Type:
        """Return the type of expanded keywords, indented but for its first line."""
        if _is_plain_type(schema):
            return _TYPES[schema["type"]]
        if schema is _NOTHING:
            return NEVER
        kind = self._own_type(schema, indent)
        if "oneOf" in schema or "anyOf" in schema or type(schema) is Merged:
            kind = self._joined_type(schema, kind, indent)
        facts = _facts(schema)
        if facts:
            kind = _saying(kind, [*facts, *kind.facts])
        return _nullable(kind, indent) if schema.get("nullable") is True else kind

    def _own_type(self, schema: Schema, indent: str) -> Type:
        """Return what a schema is without regard to other schemas."""
        if "enum" in schema or "const" in schema:
            literals = _literals(schema)
            if literals is not None:
                return literals
        kind = schema.get("type")
        if isinstance(kind, str):
            return self._of_kind(kind, schema, indent)
        if isinstance(kind, list):
            kinds = [
                _as_in_a_list(self._of_kind(word, schema, indent), word, schema)
                for word in strings(kind)
            ]
            return _union(kinds)
        kinds = []
        if not _OBJECT.isdisjoint(schema):
            kinds.append(self._object(schema, indent))
        if not _ARRAY.isdisjoint(schema):
            kinds.append(self._array(schema, indent))
        return _union(kinds)

    def _of_kind(self, kind: str, schema: Schema, indent: str) -> Type:
        if kind == "object":
            return self._object(schema, indent)
        if kind == "array":
            return self._array(schema, indent)
        return _TYPES.get(kind, ANY)

    def _joined_type(self, schema: Schema, kind: Type, indent: str) -> Type:
        """Return what a schema is together with its variants and other schemas."""
        kinds = []
        for key in ("oneOf", "anyOf"):
            variants = schema.get(key)
            if isinstance(variants, list) and variants:
                kinds.append(self._variants(variants, schema, indent))
        if isinstance(schema, Merged):
            kinds += map(Type, schema.named)
            kinds += [self._type(other, indent) for other in schema.others]
        # Variants have the type of the whole schema, which need not be said again.
        says_more = not _STRUCTURE.isdisjoint(schema)
        has_types = any("type" in other for other in getattr(schema, "others", ()))
        if says_more or has_types or all(other.text == "any" for other in kinds):
            kinds.insert(0, kind)
        return _intersection(kinds, indent)

    def _variants(
        self,
        variants: list[Any],
        schema: Schema,
        indent: str,
        in_property: bool = False,
    ) -> Type:
        """Return a union with a line for each variant, and its comment behind it.

        ``in_property``: the description of the schema stands above them, so a variant
        need not repeat it; and the defaults are written as those of properties.
        """
        parts, open_, has_null = [], False, False
        for item in variants:
            variant = self._expanded(item)
            if "type" in schema and variant is not _NOTHING:
                variant = self._of_type(variant, schema["type"])
            kind = self._type(variant, indent + IN_VARIANT)
            comments = _variant_comments(variant, kind.facts, schema, in_property)
            behind = f"\n{indent}{IN_VARIANT}// ".join(comments)
            text = _bracketed(kind, indent) if kind.lines else kind.text
            parts.append(f"\n{indent} | {text}")
            if behind:
                parts.append(f" // {behind}")
            open_ = bool(behind)
            has_null = has_null or kind.has_null
        return Type("".join(parts), (), "|", has_null, lines=True, open=open_)

    def _of_type(self, variant: Schema, kind: object) -> Schema:
        """Return a variant of a schema that has a type, which is then its own."""
        if "type" in variant or any(key in variant for key in TOGETHER):
            return variant
        if getattr(variant, "named", ()) and _SHAPE.isdisjoint(variant):
            return variant
        merged = Merged(variant)
        merged["type"] = kind
        return merged

    def _object(self, schema: Schema, indent: str) -> Type:
        guarded, self._guarded = self._guarded, True
        lines = ["{\n"]
        if "description" in schema:
            lines = [*_comment(schema["description"], indent), "{\n"]
        properties = schema.get("properties")
        if not isinstance(properties, dict):
            properties = {}
        required = dict.fromkeys(strings(schema.get("required")))
        texts: list[str] = []
        for name, value in properties.items():
            label = _label(name) if name in required else _label(name) + "?"
            lines += self._property(label, self._expanded(value), indent, texts)
        for name in required:
            if name not in properties:
                lines.append(f"{indent}{_label(name)}: any,\n")
                texts.append("any")
        if "patternProperties" in schema or "additionalProperties" in schema:
            lines += self._other_keys(schema, indent, texts)
        lines.append(indent + "}")
        self._guarded = guarded
        return Type("".join(lines))

    def _other_keys(self, schema: Schema, indent: str, texts: list[str]) -> list[str]:
        """Return an index signature for the keys that are not named, if they are any.

        ``texts``: the types of the named ones. TypeScript wants them to be of the type
        behind the signature, so ``any`` is added where they may not be.
        """
        lines, kinds = [], []
        patterns = schema.get("patternProperties")
        if isinstance(patterns, dict):
            for pattern, value in patterns.items():
                lines += _facts_line([f"keys match {_worded(pattern)}"], indent)
                kinds.append(self._type(self._expanded(value), indent + NESTED))
        others = schema.get("additionalProperties")
        if others is not False and others is not None:
            kinds.append(self._type(self._expanded(others), indent + NESTED))
        if not kinds:
            return []
        kind = _union(kinds)
        text = _closed(kind, indent)
        if text != "any" and any(known != text for known in texts):
            text = f"{_one(kind, indent)} | any"
        return [
            *lines,
            *_facts_line(kind.facts, indent),
            f"{indent}[key: string]: {text},\n",
        ]

    def _array(self, schema: Schema, indent: str) -> Type:
        guarded, self._guarded = self._guarded, True
        items = schema.get("items")
        prefix = schema.get("prefixItems", items)
        if isinstance(prefix, list):
            kind = self._tuple(prefix, schema, indent)
        elif "items" not in schema:
            kind = Type("Array<any>")
        else:
            kind = self._item(items, "items", indent)
            brackets = kind.joint or kind.open
            text = _bracketed(kind, indent) if brackets else kind.text
            kind = Type(f"{text}[]", kind.facts)
        self._guarded = guarded
        return kind

    def _item(self, item: object, where: str, indent: str) -> Type:
        """Return the type of an item; what has no room beside it is its facts."""
        schema = self._expanded(item)
        kind = self._type(schema, indent)
        facts = list(kind.facts)
        if "description" in schema and not _is_object(schema):
            facts[:0] = filter(None, comment_lines(schema["description"]))
        if "examples" in schema:
            facts.append(f"examples: {json_literal(schema['examples'])}")
        if "default" in schema:
            facts.append(f"default: {_default(schema)}")
        if not facts:
            return kind
        return _saying(kind, [f"{where}: {fact}" for fact in facts])

    def _tuple(self, prefix: list[Any], schema: Schema, indent: str) -> Type:
        least = schema.get("minItems")
        kinds = [
            self._item(item, f"item {index}", indent)
            for index, item in enumerate(prefix)
        ]
        texts = []
        for index, kind in enumerate(kinds):
            is_sure = isinstance(least, int) and index < least
            texts.append(_closed(kind, indent) if is_sure else f"{_one(kind, indent)}?")
        draft = "items" if "prefixItems" in schema else "additionalItems"
        rest = schema.get(draft)
        most = schema.get("maxItems")
        if rest is not False and not (isinstance(most, int) and most <= len(prefix)):
            kinds.append(self._item(rest, "other items", indent))
            texts.append(f"...{_one(kinds[-1], indent)}[]")
        facts = tuple([fact for kind in kinds for fact in kind.facts])
        return Type(f"[{', '.join(texts)}]", facts)

    # Properties

    def _property(
        self, label: str, schema: Schema, indent: str, texts: list[str]
    ) -> list[str]:
        """Return the lines of a property; put its type into ``texts``."""
        plain = _plain_property(label, schema, indent, texts)
        if plain is not None:
            return plain
        lines = _title(schema, indent) if "title" in schema else []
        variants = None
        if "oneOf" in schema or "anyOf" in schema:
            variants = _only_variants(schema)
        if variants is not None:
            texts.append("")
            return lines + self._property_of_variants(label, schema, variants, indent)
        if "description" in schema:
            lines += _comment(schema["description"], indent)
        if "examples" in schema:
            lines += _examples(schema, indent)
        kind = self._type(schema, indent + NESTED)
        if kind.facts:
            lines += _facts_line(kind.facts, indent)
        text = _closed(kind, indent) if kind.open else kind.text
        texts.append(f"{text} | undefined" if label[-1] == "?" else text)
        default = f" // default: {_default(schema)}" if "default" in schema else ""
        lines.append(f"{indent}{label}: {text},{default}\n")
        return lines

    def _property_of_variants(
        self, label: str, schema: Schema, variants: list[Any], indent: str
    ) -> list[str]:
        description = schema.get("description")
        lines = _examples(schema, indent) + _comment(description, indent)
        lines += _facts_line(_facts(schema), indent)
        if "default" in schema:
            lines.append(f"{indent}// default: {_default(schema)}\n")
        kind = self._variants(variants, schema, indent, in_property=True)
        if schema.get("nullable") is True:
            kind = _nullable(kind, indent)
        lines.append(f"{indent}{label}:{kind.text}\n{indent},\n")
        return lines


def _plain_property(
    label: str, schema: Schema, indent: str, texts: list[str]
) -> list[str] | None:
    """Return the lines of a property that is nothing special: most are not."""
    if not _is_plain_type(schema):
        return None
    text = _TYPES[schema["type"]].text
    texts.append(f"{text} | undefined" if label[-1] == "?" else text)
    default = f" // default: {_default(schema)}" if "default" in schema else ""
    line = f"{indent}{label}: {text},{default}\n"
    if "description" in schema:
        return [*_comment(schema["description"], indent), line]
    return [line]


# Types as text


def _is_plain_type(schema: Schema) -> bool:
    """Tell whether a schema is a type that needs no looking: most are."""
    if not _PLAIN.issuperset(schema) or type(schema) is Merged:
        return False
    kind = schema.get("type")
    return isinstance(kind, str) and kind in _TYPES


def _saying(kind: Type, facts: Collection[str]) -> Type:
    """Return a type of which these things are to be said, and no others."""
    text, _, joint, has_null, lines, is_open = kind
    return Type(text, tuple(facts), joint, has_null, lines, is_open)


def _union(kinds: list[Type]) -> Type:
    """Return the union of types, all on one line; that of none is ``any``."""
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        return ANY
    return Type(
        " | ".join([kind.text for kind in kinds]),
        tuple([fact for kind in kinds for fact in kind.facts]),
        "|",
        any([kind.has_null for kind in kinds]),
    )


def _intersection(kinds: list[Type], indent: str) -> Type:
    """Return what is all of some types; what any of them is says nothing."""
    facts = tuple([fact for kind in kinds for fact in kind.facts])
    said = [kind for kind in kinds if kind.text != "any"]
    if len(said) == 1:
        return _saying(said[0], facts)
    if not said:
        return _saying(ANY, facts)
    text = " & ".join(
        [_bracketed(kind, indent) if kind.joint == "|" else kind.text for kind in said]
    )
    return Type(text, facts, "&", all([kind.has_null for kind in said]))


def _nullable(kind: Type, indent: str) -> Type:
    if kind.has_null:
        return kind
    between = f"\n{indent}" if kind.lines else ""
    return Type(f"{kind.text}{between} | null", kind.facts, "|", True, kind.lines)


def _one(kind: Type, indent: str) -> str:
    """Return the text of a type that stands among others."""
    return _bracketed(kind, indent) if kind.joint else kind.text


def _bracketed(kind: Type, indent: str) -> str:
    return f"({kind.text}\n{indent})" if kind.lines else f"({kind.text})"


def _closed(kind: Type, indent: str) -> str:
    """Return the text of a type behind which more may stand on the same line."""
    return f"{kind.text}\n{indent}" if kind.open else kind.text


def _literals(schema: Schema) -> Type | None:
    """Return the values of ``enum`` or ``const``, those that are of the type."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if not isinstance(values, list):
        return None
    if isinstance(schema.get("enum"), list) and "const" in schema:
        values = [value for value in values if value in schema["enum"]]
    kinds = schema.get("type")
    if kinds == "string":
        values = strings(values)
    elif isinstance(kinds, (str, list)) and kinds:
        values = [value for value in values if _is_one_of(value, kinds)]
    text = " | ".join(map(json_literal, values)) or "never"
    joint = "|" if len(values) > 1 else ""
    return Type(text, (), joint, None in values)


def _is_one_of(value: object, kinds: str | list[Any]) -> bool:
    if isinstance(kinds, str):
        kinds = [kinds]
    for name, python in _OF_KIND.items():
        if isinstance(value, python) and (name == "boolean") == (type(value) is bool):
            return name in kinds or (name == "number" and "integer" in kinds)
    return value is None and "null" in kinds


_OF_KIND: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "object": dict,
    "array": list,
}


def _as_in_a_list(kind: Type, word: str, schema: Schema) -> Type:
    """Return a type of a ``type`` that is a list: there, an object may be a word."""
    if word == "object" and _OBJECT.isdisjoint(schema):
        return kind._replace(text="object")
    return kind


def _only_variants(schema: Schema) -> list[Any] | None:
    """Return the variants of a schema which is nothing but one of them."""
    for key, other in (("oneOf", "anyOf"), ("anyOf", "oneOf")):
        variants = schema.get(key)
        if isinstance(variants, list) and variants:
            if getattr(schema, "named", ()) or getattr(schema, "others", ()):
                return None
            is_all = other not in schema and _STRUCTURE.isdisjoint(schema)
            return variants if is_all else None
    return None


def _is_object(schema: Schema) -> bool:
    """Tell whether a schema's description stands before its brace."""
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return False
    if kind is None:
        return not _OBJECT.isdisjoint(schema)
    if isinstance(kind, list):
        return "object" in kind and not _OBJECT.isdisjoint(schema)
    return bool(kind == "object")


def _label(name: str) -> str:
    """Return a key, in quotes if it is no identifier."""
    if (
        name.isidentifier()
        or name.replace("$", "_").isidentifier()
        or _INDEX.fullmatch(name)
    ):
        return name
    return json_literal(name)


# Comments


def comment_lines(text: object) -> list[str]:
    r"""Return the lines of a text, as TypeScript ends lines; none of what is no text.

    Behind the last line end there is no line.

    >>> comment_lines("a\r\nb\u2028c\n")
    ['a', 'b', 'c']
    """
    if not isinstance(text, str):
        return []
    lines = _LINE_END.split(text)
    return lines if lines[-1] or len(lines) == 1 else lines[:-1]


def _comment(text: object, indent: str) -> list[str]:
    if isinstance(text, str) and text.isascii() and text.isprintable():
        return [f"{indent}// {text}\n"]
    return [f"{indent}// {line}\n" for line in comment_lines(text)]


def _title(schema: Schema, indent: str) -> list[str]:
    lines = _comment(schema["title"], indent)
    return [*lines, f"{indent}//\n"] if lines else []


def _examples(schema: Schema, indent: str) -> list[str]:
    examples = schema.get("examples")
    if not isinstance(examples, list) or not examples:
        return []
    heading = f"{indent}// Examples:\n"
    return [heading, *[f"{indent}// - {_quoted(item)}\n" for item in examples]]


def _facts(schema: Schema) -> list[str]:
    """Return what TypeScript has no type for, in words."""
    lost = schema.lost if type(schema) is Merged else ()
    facts = [f"$ref: {_worded(reference)}" for reference in lost]
    for key, value in schema.items():
        if key in FACTS and value is not False:
            facts.append(f"{key}: {_worded(value)}")
    return facts


def _worded(value: object) -> str:
    if type(value) is int:
        return str(value)
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return json_literal(value)


def _is_plain(text: str) -> bool:
    """Tell whether text can stand in a comment as it is, and is not taken for escaped.

    Quotes in it do no harm.
    """
    return not _UNSAFE.search(text)


def _quoted(value: object) -> str:
    """Return a value for a comment; a string is escaped only where it has to be."""
    if isinstance(value, str) and _is_plain(value):
        return f'"{value}"'
    return json_literal(value)


def _facts_line(facts: Collection[str], indent: str) -> list[str]:
    return [f"{indent}// {', '.join(facts)}\n"] if facts else []


def _variant_comments(
    variant: Schema, facts: tuple[str, ...], schema: Schema, in_property: bool
) -> list[str]:
    """Return the lines of the comment behind a variant of a schema."""
    description = variant.get("description")
    hidden = in_property and description == schema.get("description")
    lines = [] if hidden else comment_lines(description)
    words = [*lines[-1:], *([", ".join(facts)] if facts else [])]
    if "examples" in variant:
        words.append(f"examples: {json_literal(variant['examples'])}")
    if "default" in variant:
        words.append(f"default: {_default(variant, in_property)}")
    return [*lines[:-1], " ".join(words)] if words else lines


def _default(schema: Schema, in_property: bool = True) -> str:
    """Return a default as text.

    Beside an ``enum`` a property's has no quotes, and a variant's is escaped.
    """
    default, enum = schema["default"], schema.get("enum")
    if isinstance(default, str) and isinstance(enum, list) and enum:
        is_bare = in_property and _is_plain(default)
        return default if is_bare else json_literal(default)
    return _quoted(default)
