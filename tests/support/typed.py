"""Well-formed schemas such as people send, values for them, and both as TypeScript."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from harmony.complete_typescript import complete_typescript

KEYS = ["id", "name", "a-b", "first name", "é", "1", "", "tags", "to", "default", "$x"]
WORDS = [
    "red",
    "green",
    "it's",
    'say "x"',
    "two\nlines",
    "日本",
    "null",
    "",
    "*/",
    "\u2028",
]
DEEPEST = 4


def namespace(schema: Any, name: str = "f") -> str:
    """Return what stands in a namespace for a function of these parameters."""
    declared, text = complete_typescript(schema, name, {name})
    return "\n".join([*declared, f"type {name} = (_: {text}) => any;"])


def typed_schemas(seed: int) -> Iterator[dict[str, Any]]:
    """Give well-formed schemas without end, parameters of a function each."""
    random = Random(seed)
    while True:
        maker = _Maker(random)
        schema = maker.object(DEEPEST)
        if maker.used:
            schema["$defs"] = {name: maker.definition(name) for name in maker.used}
        yield schema


class _Maker:
    """Makes one schema. A definition only refers to those that come after it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.used: dict[str, None] = {}

    def definition(self, name: str) -> dict[str, Any]:
        """Give a definition; a node is within itself."""
        if name != "Node":
            return self.object(1, refers=False)
        inner = {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
        value = self.scalar()
        return {"type": "object", "properties": {"value": value, "next": inner}}

    def any(self, depth: int, refers: bool = True) -> dict[str, Any]:
        """Give a schema of any kind."""
        random = self.random
        roll = random.random() if depth else 1.0
        if roll < 0.15:
            return self.object(depth - 1, refers)
        if roll < 0.3:
            schema: dict[str, Any] = {"type": "array"}
            schema["items"] = self.any(depth - 1, refers)
        elif roll < 0.4:
            count = random.randint(2, 3)
            key = random.choice(["anyOf", "anyOf", "oneOf"])
            schema = {key: [self.any(depth - 1, refers) for _ in range(count)]}
        elif roll < 0.5:
            schema = {"anyOf": [self.any(depth - 1, refers), {"type": "null"}]}
        elif roll < 0.55 and refers:
            name = random.choice(["Node", "Place", "Person"])
            self.used[name] = None
            schema = {"$ref": f"#/$defs/{name}"}
        elif roll < 0.6:
            kinds = [self.any(depth - 1, refers) for _ in range(2)]
            schema = {"type": "array", "prefixItems": kinds, "minItems": 2}
            schema["maxItems"] = 2
        elif roll < 0.65:
            schema = {"type": "object", "additionalProperties": self.any(0)}
        else:
            schema = self.scalar()
        return self.described(schema)

    def described(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Give a schema with a description, a title or a default, or none of them."""
        if self.random.random() < 0.3:
            schema["description"] = self.random.choice(["What.", *WORDS])
        if self.random.random() < 0.1:
            schema["title"] = "Title"
        return schema

    def scalar(self) -> dict[str, Any]:
        """Give a schema of a value that is not nested."""
        random = self.random
        kinds: list[dict[str, Any]] = [
            {"type": "string"},
            {"type": "string", "minLength": 1, "maxLength": 5},
            {"type": "string", "enum": random.sample(WORDS, 3)},
            {"type": "string", "format": "date"},
            {"type": "integer"},
            {"type": "integer", "minimum": 0, "maximum": 9},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"type": ["integer", "boolean"]},
            {"const": random.choice(["fixed", 1, None, True])},
            {"enum": ["a", 1, None, False]},
        ]
        return random.choice(kinds)

    def object(self, depth: int, refers: bool = True) -> dict[str, Any]:
        """Give an object with properties, some of them required."""
        names = self.random.sample(KEYS, self.random.randint(1, 4))
        inner = {name: self.any(max(depth, 0), refers) for name in names}
        needed = [name for name in names if self.random.random() < 0.5]
        schema = {"type": "object", "properties": inner, "required": needed}
        return self.described(schema)


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no keys but those they name.

    Types say nothing of others unless the schema does.
    """
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        key: value if key in ("enum", "const", "default", "examples") else closed(value)
        for key, value in schema.items()
    }
    for key in ("properties", "$defs"):
        if isinstance(schema.get(key), dict):
            inner[key] = {name: closed(item) for name, item in schema[key].items()}
    if isinstance(inner.get("properties"), dict) and inner.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


def a_value(schema: Any, root: Any, random: Random, depth: int = 5) -> Any:
    """Return a value for a schema, mostly one that it accepts."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return a_value(root["$defs"][name], root, random, depth - 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            variants = schema[key] if depth > 0 else schema[key][-1:]
            return a_value(random.choice(variants), root, random, depth - 1)
    for key in ("const", "enum"):
        if key in schema:
            return schema[key] if key == "const" else random.choice(schema[key])
    kind = schema["type"]
    kind = random.choice(kind) if isinstance(kind, list) else kind
    if kind == "object":
        others = schema.get("additionalProperties")
        named = dict(schema.get("properties", {}))
        if isinstance(others, dict):
            named |= {key: others for key in random.sample(["k", "l", "m"], 2)}
        needed = schema.get("required", ())
        keys = [key for key in named if key in needed or random.random() < depth / 6]
        return {key: a_value(named[key], root, random, depth - 1) for key in keys}
    if kind == "array":
        items = schema.get("prefixItems")
        if items is None:
            items = [schema["items"]] * (random.randint(0, 2) if depth > 0 else 0)
        return [a_value(item, root, random, depth - 1) for item in items]
    return random.choice(_SCALARS[kind])


_SCALARS: dict[str, list[Any]] = {
    "string": ["a", "abc", "2024-02-29", "two"],
    "integer": [0, 5, 9],
    "number": [0, -1.5, 2],
    "boolean": [True, False],
    "null": [None],
}


def assignment(schema: Any, value: Any) -> str:
    """Return TypeScript that compiles if a value is of the type of a schema."""
    text = json.dumps(value)
    return f"{namespace(schema)}\nexport const v: Parameters<f>[0] = {text};"


def changed(value: Any, random: Random) -> Any:
    """Return a value that differs in one place, wherever in it."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        key = random.choice(list(value))
        if random.random() < 0.2:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: changed(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.8:
        place = random.randrange(len(value))
        if random.random() < 0.2:
            return value[:place] + value[place + 1 :]
        return [*value[:place], changed(value[place], random), *value[place + 1 :]]
    others: list[Any] = ["red", "other", "", 0, 7, -1.5, True, None, [], {}, ["x"]]
    return random.choice([other for other in others if other != value])
