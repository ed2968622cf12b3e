"""Make schemas of every shape, and make a failing one small.

The pools are small on purpose: rules that compare two texts (a description with
another, a required name with a property's) only show when both come up often.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

NAMES = ["a", "b", "city", "", "a b", "é", "a\nb", 'q"', "1", "$ref", "\\", "\0", "😀"]
NULL_NAMES = ["nullable", "xnull", "null"]
TEXTS = ["d", "e", "", "two\nlines", "null", 'say "x"', "back\\slash", "日本 😀", "\t"]
ENDINGS = ["one\n", "\n", "\r\n", "a\r\nb\rc", "a\u2028b", "\x7f\x1f", "*/", "//"]
TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"]
ODD_TYPES = ["any", "", "String", "nullify", "date", "object "]
INTEGERS = [0, 1, -1, 42, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30]
FLOATS = [0.0, -0.0, 0.1, 1.0, 1e16, 1e100, 1e-5, 1e-6, 5e-324, 1000000000000000.5]
UNKNOWN = ["$ref", "const", "format", "pattern", "minimum", "$defs", "Type", "oneof"]
DEEPEST = 5


def schemas(seed: int) -> Iterator[dict[str, Any]]:
    """Give schemas without end; those of one seed are always the same."""
    random = Random(seed)
    while True:
        schema = any_schema(random, random.randint(1, DEEPEST))
        yield schema if isinstance(schema, dict) else {"oneOf": [schema]}


def any_schema(random: Random, depth: int) -> Any:
    """Give a schema: mostly an object of keywords, sometimes any JSON value."""
    if random.random() < 0.08:
        return any_json(random, 1)
    schema = {key: make(random, depth) for key, make in chosen_keywords(random)}
    if depth and random.random() < 0.7:
        schema |= nested(random, depth)
    if random.random() < 0.1:
        schema[random.choice(UNKNOWN)] = any_json(random, 1)
    return schema


def nested(random: Random, depth: int) -> dict[str, Any]:
    """Give the keywords of a schema that is sure to have others within it."""
    roll = random.random()
    if roll < 0.5:
        return {"type": "object", "properties": any_properties(random, depth)}
    if roll < 0.75:
        return {"type": "array", "items": any_schema(random, depth - 1)}
    return {"oneOf": any_variants(random, depth)}


def chosen_keywords(random: Random) -> list[tuple[str, Callable[[Random, int], Any]]]:
    """Choose keywords and their order, some more likely than others."""
    chosen = [(key, make) for key, odds, make in KEYWORDS if random.random() < odds]
    random.shuffle(chosen)
    return chosen


def any_type(random: Random, depth: int) -> Any:
    """Give a `type`: a container if there is depth for it, or a list, or nonsense."""
    roll = random.random()
    if roll < 0.1:
        return [any_word(random) for _ in range(random.randint(0, 3))]
    if roll < 0.15:
        return random.choice(ODD_TYPES)
    if roll < 0.2:
        return any_json(random, 1)
    return random.choice(TYPES[:2] if depth and roll < 0.7 else TYPES)


def any_word(random: Random) -> Any:
    """Give a member of a `type` that is a list."""
    roll = random.random()
    return any_json(random, 1) if roll < 0.1 else random.choice(TYPES + ODD_TYPES[:4])


def any_properties(random: Random, depth: int) -> Any:
    """Give `properties`, their names in no order."""
    if depth == 0 or random.random() < 0.05:
        return any_json(random, 1)
    names = random.sample(NAMES + NULL_NAMES, random.randint(1, 3))
    return {name: any_schema(random, depth - 1) for name in names}


def any_required(random: Random, depth: int) -> Any:
    """Give `required`, which may name what is missing, or be malformed."""
    if random.random() < 0.1:
        return any_json(random, 1)
    return random.choices([*NAMES, None, 3], k=random.randint(0, 6))


def any_items(random: Random, depth: int) -> Any:
    """Give `items`."""
    return any_schema(random, depth - 1) if depth else any_json(random, 1)


def any_variants(random: Random, depth: int) -> Any:
    """Give a `oneOf`, possibly empty, possibly no list."""
    if depth == 0 or random.random() < 0.1:
        return any_json(random, 1)
    return [any_schema(random, depth - 1) for _ in range(random.randint(0, 3))]


def any_strings(random: Random, depth: int) -> Any:
    """Give an `enum` or `examples`: mostly strings."""
    roll = random.random()
    if roll < 0.15:
        return any_json(random, 1)
    if roll < 0.3:
        return [any_json(random, 1) for _ in range(random.randint(0, 3))]
    return [any_text(random) for _ in range(random.randint(0, 3))]


def any_comment(random: Random, depth: int) -> Any:
    """Give a `title` or `description`: mostly a string."""
    return any_json(random, 1) if random.random() < 0.1 else any_text(random)


def any_flag(random: Random, depth: int) -> Any:
    """Give a `nullable`: mostly true."""
    return True if random.random() < 0.8 else any_json(random, 1)


def any_text(random: Random) -> str:
    """Give a string; every line ending and every escape comes up."""
    return random.choice(TEXTS if random.random() < 0.8 else ENDINGS)


def any_default(random: Random, depth: int) -> Any:
    """Give a `default`: any JSON value, nested or not."""
    return any_json(random, random.randint(0, 3))


def any_json(random: Random, depth: int) -> Any:
    """Give a JSON value, nested at most `depth` times."""
    kind = random.randrange(9 if depth else 7)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind == 2:
        return random.choice(INTEGERS)
    if kind == 3:
        return any_float(random)
    if kind == 7:
        return [any_json(random, depth - 1) for _ in range(random.randint(0, 3))]
    if kind == 8:
        names = random.sample(NAMES, random.randint(0, 3))
        return {name: any_json(random, depth - 1) for name in names}
    return any_text(random)


def any_float(random: Random) -> float:
    """Give a double: a named one, a short one, or one of any size."""
    roll = random.random()
    if roll < 0.4:
        return random.choice(FLOATS)
    if roll < 0.6:
        return round(random.uniform(-1000, 1000), random.randint(0, 4))
    return random.uniform(-10, 10) * 10.0 ** random.randint(-300, 300)


KEYWORDS: list[tuple[str, float, Callable[[Random, int], Any]]] = [
    ("type", 0.85, any_type),
    ("properties", 0.65, any_properties),
    ("required", 0.3, any_required),
    ("items", 0.5, any_items),
    ("oneOf", 0.15, any_variants),
    ("enum", 0.2, any_strings),
    ("description", 0.4, any_comment),
    ("title", 0.2, any_comment),
    ("examples", 0.2, any_strings),
    ("default", 0.3, any_default),
    ("nullable", 0.25, any_flag),
    ("anyOf", 0.05, any_variants),
    ("allOf", 0.03, any_variants),
    ("additionalProperties", 0.05, any_items),
]


def minimise(schema: Any, differs: Callable[[Any], bool]) -> Any:
    """Drop keys and elements of a schema, at any depth, while it still differs.

    What is given back differs, and would not with any one thing less.

    >>> minimise({"a": [1, 2, {"b": 3}], "c": 4}, lambda schema: "2" in str(schema))
    {'a': [2]}
    """
    candidates = one_less(schema)
    while (candidate := next(filter(differs, candidates), None)) is not None:
        schema, candidates = candidate, one_less(candidate)
    return schema


def one_less(value: Any) -> Iterator[Any]:
    """Give every copy of a value with one key or element less; big ones first."""
    if isinstance(value, dict):
        for key in value:
            yield {other: value[other] for other in value if other != key}
        for key in value:
            for item in one_less(value[key]):
                yield {**value, key: item}
    elif isinstance(value, list):
        for position in range(len(value)):
            yield value[:position] + value[position + 1 :]
        for position, old in enumerate(value):
            for item in one_less(old):
                yield [*value[:position], item, *value[position + 1 :]]
