"""Write a JSON schema as the TypeScript type that gpt-oss models were trained on.

The models read a tool's parameters as a TypeScript type. The text they know is that
of openai-harmony 0.0.8, oddities included, so this module writes it byte for byte.
Each oddity is one function named after it; the case of test-data/typescript.jsonl
which pins it is named in its docstring, and a test checks that it is there.

A schema is any JSON value. Whatever a rule below does not mention has no effect.

1. A schema that is not an object, or whose `type` says nothing known, is `any`.
2. `oneOf`, if it is a list, wins over `type`: a line ` | TYPE // comment` for each.
3. `type` as a list is its words joined by ` | `.
4. `object` is `{`, a line for each of `properties` in their order, and `}`;
   `array` is the type of `items` and `[]`; `string` is its `enum`, or `string`;
   `number` and `integer` are `number`; `boolean` is `boolean`.
5. A property has its comments above it and its default behind it.

Text is put together in one list, which makes its cost linear in its length.
"""

import json
import math
from collections.abc import Callable
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

NESTED = "    "
"""What a property's type is indented by, on top of the property itself."""

IN_VARIANT = "   "
"""What a variant's type is indented by: the width of the ` | ` before it."""

SIMPLE_TYPES = {"number": "number", "integer": "number", "boolean": "boolean"}

_json_text = json.JSONEncoder(ensure_ascii=False).encode


def typescript(schema: object) -> str:
    """Give the type which stands for PARAMETERS in `type NAME = (_: PARAMETERS) =>`.

    `schema` is a JSON value: dict, list, str, int, float, bool or None. The text has
    no final newline, and only its first line can be placed freely: what follows is
    indented for a type that begins at the left margin.

    Raises ValueError for a value that JSON has no form for, and for a schema nested
    so deeply (or within itself) that Python's recursion limit is hit. The rules are
    those of openai-harmony 0.0.8, found by asking it.

    >>> print(typescript({"type": "object", "required": ["city"], "properties": {
    ...     "city": {"type": "string", "description": "Where to look"},
    ...     "unit": {"type": "string", "enum": ["c", "f"], "default": "c"}}}))
    {
    // Where to look
    city: string,
    unit?: "c" | "f", // default: c
    }
    """
    text = _Text()
    try:
        _write_type(text, _keywords(received(schema)), "")
    except RecursionError:
        message = "the schema is nested too deeply for Python's recursion limit"
        raise ValueError(message) from None
    return "".join(text)


class _Text(list[str]):
    """Text in the making, in parts, which can tell where it says `null`.

    None is ever spread over two parts: there is a mark or a space between words.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_null = -1
        self._looked_at = 0

    def says_null(self, start: int) -> bool:
        """Tell whether a part from that index on does; each is looked at once."""
        if "null" in "".join(self[self._looked_at :]):
            for index in range(self._looked_at, len(self)):
                if "null" in self[index]:
                    self._last_null = index
        self._looked_at = len(self)
        return self._last_null >= start


# Types


def _write_type(text: _Text, schema: Schema, indent: str) -> None:
    """Write the type of `schema`; `indent` is put before its lines but the first."""
    variants = schema.get("oneOf")
    kind = schema.get("type")
    if isinstance(variants, list):
        _write_variants(text, variants, indent)
    elif kind == "string":
        text.append(_string_type(schema))
    elif kind == "object":
        _write_object(text, schema, indent)
    elif kind == "array":
        _write_array(text, schema, indent)
    elif isinstance(kind, list):
        text.append(_words_of_a_type_list(kind))
    elif isinstance(kind, str):
        text.append(SIMPLE_TYPES.get(kind, "any"))
    else:
        text.append("any")


def _keywords(schema: object) -> Schema:
    """Give the keywords of a schema; one that is not an object has none."""
    return schema if isinstance(schema, dict) else {}


def _string_type(schema: Schema) -> str:
    """Give the strings of `enum` in quotes, unescaped, or `string` if it has none."""
    values = strings(schema.get("enum"))
    return " | ".join([f'"{value}"' for value in values]) if values else "string"


def _words_of_a_type_list(kinds: list[Any]) -> str:
    """Join the strings of a `type` that is a list; only `integer` is translated.

    `["object", "null"]` is thus `object | null`, whatever the properties are, and
    unknown words stay. Case: "type list".
    """
    words = ["number" if kind == "integer" else kind for kind in strings(kinds)]
    return " | ".join(words) if words else "any"


def strings(value: object) -> list[str]:
    """Give the strings of a list; of anything else, none."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, str)]


def _write_array(text: _Text, schema: Schema, indent: str) -> None:
    """Write the type of `items`, whatever that is, and `[]` directly behind it.

    Nothing is put in brackets: an array of `"a" | "b"` is `"a" | "b"[]`.
    Cases: "array without items", "array of enum", "array of oneOf".
    """
    if "items" not in schema:
        text.append("Array<any>")
        return
    _write_type(text, _keywords(schema["items"]), indent)
    text.append("[]")


def _write_object(text: _Text, schema: Schema, indent: str) -> None:
    _write_description_before_brace(text, schema, indent)
    text.append("{\n")
    properties = schema.get("properties")
    if isinstance(properties, dict):
        required = set(strings(schema.get("required")))
        for name, value in properties.items():
            label = name if name in required else name + "?"
            _write_property(text, label, _keywords(value), indent)
    text.append(indent + "}")


def _write_description_before_brace(text: _Text, schema: Schema, indent: str) -> None:
    """Write an object's description where its `{` is due, wherever the object is.

    A property that is an object thus has its description twice, the second time
    behind its name; and the `{` begins a line that is not indented.
    Case: "object description twice".
    """
    _write_comment_line(text, schema.get("description"), indent)


# Properties


def _write_property(text: _Text, label: str, schema: Schema, indent: str) -> None:
    if "title" in schema:
        _write_title(text, schema, indent)
    if isinstance(schema.get("oneOf"), list):
        _write_property_of_variants(text, label, schema, indent)
        return
    ignores_both = _ignores_description_and_default(schema)
    if "description" in schema and not ignores_both:
        _write_comment_line(text, schema["description"], indent)
    if "examples" in schema:
        _write_examples(text, schema, indent)
    text.append(f"{indent}{label}: ")
    _write_nullable_type(text, schema, indent + NESTED)
    text.append(",")
    if not ignores_both and "default" in schema:
        text.append(" // default: ")
        _write_property_default(text, schema)
    text.append("\n")


def _ignores_description_and_default(schema: Schema) -> bool:
    """Tell whether a property loses both: it does for a `oneOf` that is not a list.

    Case: "oneOf that is not a list".
    """
    return "oneOf" in schema


def _write_title(text: _Text, schema: Schema, indent: str) -> None:
    """Write the title and an empty comment, which is there without a description too.

    Case: "title alone".
    """
    title = schema["title"]
    if isinstance(title, str):
        text.append(f"{indent}// {title}\n{indent}//\n")


def _write_comment_line(text: _Text, comment: object, indent: str) -> None:
    """Write a comment, if it is a string; its further lines get no `//`.

    Case: "description of several lines".
    """
    if isinstance(comment, str):
        text.append(f"{indent}// {comment}\n")


def _write_examples(text: _Text, schema: Schema, indent: str) -> None:
    """Write the examples that are strings below a heading.

    The heading is there for a list of anything, but not for an empty one.
    Case: "examples, none of them a string".
    """
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        text.append(f"{indent}// Examples:\n")
        for example in strings(examples):
            text.append(f'{indent}// - "{example}"\n')


def _write_nullable_type(text: _Text, schema: Schema, indent: str) -> None:
    """Write a type and ` | null`, if it is `nullable` and its text says no `null` yet.

    Any `null` within the text will do: an enum value `"nullify"`, a comment, a field
    of a nested object. Only properties and variants can be nullable: not the whole
    schema, not `items`, not a property with `oneOf`.
    Cases: "nullable", "nullable: null in an enum value", "nullable: null in a name".
    """
    start = len(text)
    _write_type(text, schema, indent)
    if schema.get("nullable") is True and not text.says_null(start):
        text.append(" | null")


# Variants: what is in a oneOf


def _write_variants(text: _Text, variants: list[Any], indent: str) -> None:
    """Write the variants of a `oneOf` that is not a property's own.

    Its own description, default and the like have no effect. An array's `[]` follows
    the last variant, behind its comment if it has one. Case: "array of oneOf".
    """
    for variant in map(_keywords, variants):
        _write_variant(text, variant, indent)
        comment = variant.get("description")
        _write_variant_comment(text, variant, comment, _write_variant_default)


def _write_property_of_variants(
    text: _Text, label: str, schema: Schema, indent: str
) -> None:
    """Write a property that has a `oneOf`: a layout of its own.

    The examples stand before the description, the default above the property, the
    comma on a line of its own, and `nullable` has no effect.
    Case: "oneOf in a property, all keywords".
    """
    variants = [_keywords(variant) for variant in schema["oneOf"]]
    _write_examples(text, schema, indent)
    if not _first_variant_says_it(schema, variants):
        _write_comment_line(text, schema.get("description"), indent)
    if "default" in schema:
        text.append(f"{indent}// default: ")
        _write_property_default(text, schema)
        text.append("\n")
    text.append(f"{indent}{label}:")
    for position, variant in enumerate(variants):
        _write_variant(text, variant, indent)
        hidden = _is_overshadowed(schema, variant, position)
        comment = None if hidden else variant.get("description")
        _write_variant_comment(text, variant, comment, _write_property_default)
    text.append(f"\n{indent},\n")


def _write_variant(text: _Text, variant: Schema, indent: str) -> None:
    text.append(f"\n{indent} | ")
    _write_nullable_type(text, variant, indent + IN_VARIANT)


def _write_variant_comment(
    text: _Text,
    variant: Schema,
    comment: object,
    write_default: Callable[[_Text, Schema], None],
) -> None:
    """Write ` // ` with the comment, the default or both behind it, if there are any.

    The comment may have several lines; the default is behind the last.
    Case: "oneOf at the top: comments".
    """
    before = " // "
    if isinstance(comment, str):
        text.append(before + comment)
        before = " "
    if "default" in variant:
        text.append(before + "default: ")
        write_default(text, variant)


def _first_variant_says_it(schema: Schema, variants: list[Schema]) -> bool:
    """Tell whether a description is left out, being that of the first variant.

    That variant does not show it either, so that it is lost.
    Case: "oneOf: description of property and first variant equal".
    """
    description = schema.get("description")
    return bool(variants) and variants[0].get("description") == description


def _is_overshadowed(schema: Schema, variant: Schema, position: int) -> bool:
    """Tell whether a variant's description is left out for its property's sake.

    A property's description hides the first variant's, and one equal to it in any.
    Cases: "oneOf: property description hides the first variant's",
    "oneOf: property description hides an equal one".
    """
    description = schema.get("description")
    return isinstance(description, str) and (
        position == 0 or variant.get("description") == description
    )


# Defaults


def _write_property_default(text: _Text, schema: Schema) -> None:
    """Write the default of a property, or of a variant of its own `oneOf`.

    A string beside an `enum` gets no quotes here.
    Cases: "default beside an enum", "default beside an empty enum".
    """
    default = schema["default"]
    if not isinstance(default, str):
        _write_json(text, default)
    elif _has_enum(schema):
        text.append(default)
    else:
        text.append(f'"{default}"')


def _write_variant_default(text: _Text, schema: Schema) -> None:
    """Write the default of a variant of any other `oneOf`.

    A string is escaped as JSON beside an `enum`, but only quoted without one.
    Cases: "oneOf at the top: default beside an enum",
    "oneOf at the top: default without an enum".
    """
    default = schema["default"]
    if isinstance(default, str) and not _has_enum(schema):
        text.append(f'"{default}"')
    else:
        _write_json(text, default)


def _has_enum(schema: Schema) -> bool:
    """Tell whether there is an `enum` with anything in it, be it no string."""
    enum = schema.get("enum")
    return isinstance(enum, list) and bool(enum)


def _write_json(text: _Text, value: object) -> None:
    """Write compact JSON, keys in their order, non-ASCII characters as they are."""
    if isinstance(value, dict):
        before = "{"
        for key, item in value.items():
            text.append(f"{before}{_json_text(key)}:")
            _write_json(text, item)
            before = ","
        text.append("}" if value else "{}")
    elif isinstance(value, list):
        before = "["
        for item in value:
            text.append(before)
            _write_json(text, item)
            before = ","
        text.append("]" if value else "[]")
    elif isinstance(value, float):
        text.append(_float_text(value))
    else:
        text.append(_json_text(value))


def json_literal(value: object) -> str:
    r"""Return compact JSON which TypeScript reads as the same value, on one line.

    U+2028 and U+2029, which end a line there, are escaped, too.

    >>> json_literal({"a": ["\u2028", 1e-05]})
    '{"a":["\\u2028",0.00001]}'
    """
    if type(value) is str:
        text = _json_text(value)
    else:
        parts = _Text()
        _write_json(parts, value)
        text = "".join(parts)
    if text.isascii():
        return text
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _float_text(value: float) -> str:
    """Give the shortest digits that read back: `1.0`, `0.00001`, `1e-6`, `1e16`.

    They are Python's, but an exponent has neither `+` nor leading zeros, and begins
    at 1e-6, not at 1e-5. Cases: "float 1e+16", "float 1e-05", "float 1e-06".
    """
    digits, _, exponent = repr(value).partition("e")
    if not exponent:
        return digits
    if exponent == "-05":
        sign = "-" if value < 0 else ""
        return sign + "0.0000" + digits.lstrip("-").replace(".", "")
    return f"{digits}e{int(exponent)}"


# What arrives: the reference is handed a schema as JSON text, and reads numbers in it
# less exactly than Python does.


def received(value: object) -> Any:
    """Copy a JSON value as it is after its way through JSON text.

    Most of a schema is ASCII text, which stays as it is: no call is made for it.
    """
    if isinstance(value, dict):
        return {
            key if type(key) is str and key.isascii() else _received_key(key): (
                item if type(item) is str and item.isascii() else received(item)
            )
            for key, item in value.items()
        }
    if isinstance(value, str):
        return _received_text(value)
    if isinstance(value, (list, tuple)):
        return [
            item if type(item) is str and item.isascii() else received(item)
            for item in value
        ]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _received_int(int(value))
    if isinstance(value, float):
        return _received_float(float(value))
    raise ValueError(f"a schema is a JSON value; {type(value).__name__} is none")


def _received_key(key: object) -> str:
    """Give a key as text; as in `json.dumps`, one that is a JSON scalar is its JSON."""
    if isinstance(key, str):
        return _received_text(key)
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    raise ValueError(f"a schema has no key of type {type(key).__name__}")


def _received_text(value: str) -> str:
    """Give the characters that surrogate pairs spell, and U+FFFD for lone ones."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _received_int(value: int) -> int | float | None:
    """Give an integer of up to 64 bits, signed or not, else the double it is read as.

    Of a longer one, as many leading digits count as an unsigned 64-bit integer holds.
    One beyond all doubles is None, as JSON has no infinity (the reference refuses it).
    Cases: "integer 18446744073709551615", "integer of 30 digits".
    """
    if -(2**63) <= value < 2**64:
        return value
    if value.bit_length() > 1024:
        return None
    digits = str(abs(value))
    head = digits[:20] if int(digits[:20]) < 2**64 else digits[:19]
    result = _scaled(int(head), len(digits) - len(head))
    return math.copysign(result, value) if math.isfinite(result) else None


def _received_float(value: float) -> float | None:
    """Give the double that is read where `value` was written; for NaN and such None.

    1000000000000000.5 is read as 1000000000000000.4: its 17 digits, as an integer,
    are no double. Cases: "float one off", "float 5e-324", "float -0.0".
    """
    if not math.isfinite(value):
        return None
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    result = _scaled(int(whole + fraction), int(exponent or "0") - len(fraction))
    return math.copysign(result, value)


def _scaled(digits: int, exponent: int) -> float:
    """Give digits · 10^exponent as the reference does: in doubles, rounding each step.

    Exact scaling would round once; here the digits are rounded, then the product.
    """
    result = float(digits)
    while exponent < -308:
        result /= 1e308
        exponent += 308
    power = float(f"1e{abs(exponent)}")
    return result / power if exponent < 0 else result * power
