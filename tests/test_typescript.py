"""A JSON schema as a TypeScript type: goldens, the reference, and what JSON is not."""

import inspect
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

from harmony import typescript as module
from harmony.typescript import typescript
from support import TEST_DATA
from support.schemas import minimise, schemas

GOLDENS = TEST_DATA / "typescript.jsonl"
CASES = [
    json.loads(line) for line in GOLDENS.read_text(encoding="utf-8").split("\n") if line
]
ROUNDS = int(os.environ.get("HARMONY_DIFFERENTIAL", "100"))
SEEDS = range(4)


def reference_typescript(reference: Any, schema: Any) -> str:
    """Ask the reference for the type of `schema`; one that is no dict, as `items`."""
    if not isinstance(schema, dict):
        array = {"type": "array", "items": schema}
        return reference_typescript(reference, array).removesuffix("[]")
    harmony = reference.module
    tool = harmony.ToolDescription.new("f", "d", parameters=schema)
    content = harmony.DeveloperContent.new().with_function_tools([tool])
    message = harmony.Message.from_role_and_content(harmony.Role.DEVELOPER, content)
    text = reference.encoding.decode_utf8(reference.encoding.render(message))
    _, found, rest = text.partition("type f = (_: ")
    assert found
    inside, found, _ = rest.rpartition(") => any;\n\n} // namespace functions")
    assert found
    return str(inside)


def in_default(value: Any) -> str:
    """Give the text that stands for `value` where it is a default."""
    text = typescript({"type": "object", "properties": {"a": {"default": value}}})
    return text.removeprefix("{\na?: any, // default: ").removesuffix("\n}")


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_golden(case: dict[str, Any]) -> None:
    assert typescript(case["schema"]) == case["typescript"]


def test_a_literal_is_on_one_line() -> None:
    literal = module.json_literal
    assert literal("a\u2028b\u2029é") == '"a\\u2028b\\u2029é"'
    value = ["a\u2029", {"é": 1.0, "b": [None, True, -1e-05]}]
    assert literal(value) == '["a\\u2029",{"é":1.0,"b":[null,true,-0.00001]}]'


@pytest.mark.parametrize("case", CASES, ids=[case["why"] for case in CASES])
def test_golden_leaves_the_schema_alone(case: dict[str, Any]) -> None:
    before = json.dumps(case["schema"])
    typescript(case["schema"])
    assert json.dumps(case["schema"]) == before


def test_cases_named_in_the_code_exist() -> None:
    code = " ".join(inspect.getsource(module).split())
    whys = [case["why"] for case in CASES]
    lists = re.findall(r'Cases?: ((?:"[^"]+"(?:, )?)+)\.', code)
    names = [name for names in lists for name in re.findall(r'"([^"]+)"', names)]
    assert len(names) >= 20
    missing = [name for name in names if not any(w.startswith(name) for w in whys)]
    assert missing == []


@pytest.mark.reference
def test_goldens_are_the_references(reference: Any) -> None:
    for case in CASES:
        asked = reference_typescript(reference, case["schema"])
        assert asked == case["typescript"], case["why"]


@pytest.mark.reference
@pytest.mark.parametrize("seed", SEEDS)
def test_generated_schemas_as_in_the_reference(reference: Any, seed: int) -> None:
    def differs(schema: Any) -> bool:
        return typescript(schema) != reference_typescript(reference, schema)

    for schema in itertools.islice(schemas(seed), ROUNDS // len(SEEDS)):
        if differs(schema):
            case = minimise(schema, differs)
            expected = reference_typescript(reference, case)
            assert typescript(case) == expected, f"seed {seed}: {case!r}"


def test_minimise_drops_what_does_not_matter() -> None:
    schema = {"a": [1, {"b": "x", "c": [2, 3]}], "d": {"e": "x"}}
    assert minimise(schema, lambda schema: "3" in str(schema)) == {"a": [{"c": [3]}]}


def test_the_same_seed_makes_the_same_schemas() -> None:
    first, again, other = (
        repr(list(itertools.islice(schemas(seed), 20))) for seed in (1, 1, 2)
    )
    assert first == again != other


# What the reference refuses: it has no text for these, so we choose.


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_float_that_json_has_no_form_for_is_null(value: float) -> None:
    assert in_default([value]) == "[null]"


@pytest.mark.parametrize("value", [10**309, -(10**309), 2**1024, 2**1024 - 1])
def test_an_integer_beyond_all_doubles_is_null(value: int) -> None:
    assert in_default(value) == "null"


def test_an_integer_python_will_not_print_is_null() -> None:
    assert in_default(10**10_000) == "null"


def test_a_lone_surrogate_is_a_replacement_character() -> None:
    schema = {"type": "string", "enum": ["\udc00", "a\ud800b", "\ud800"]}
    assert typescript(schema) == '"\ufffd" | "a\ufffdb" | "\ufffd"'


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), 1j, {(): 1}])
def test_what_is_not_json_is_an_error_that_names_its_type(value: Any) -> None:
    with pytest.raises(ValueError, match=r"set|bytes|object|complex|tuple"):
        typescript({"type": "object", "default": value})


@pytest.mark.parametrize("key", ["items", "oneOf", "properties", "default"])
def test_nested_too_deeply_is_an_error_that_says_so(key: str) -> None:
    wrap: Callable[[Any], Any] = {
        "items": lambda inner: {"type": "array", "items": inner},
        "oneOf": lambda inner: {"oneOf": [inner]},
        "properties": lambda inner: {"type": "object", "properties": {"a": inner}},
        "default": lambda inner: {"default": inner},
    }[key]
    schema: Any = {}
    for _ in range(sys.getrecursionlimit()):
        schema = wrap(schema)
    with pytest.raises(ValueError, match="nested too deeply"):
        typescript(schema)


def test_a_schema_within_itself_is_nested_too_deeply() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    with pytest.raises(ValueError, match="nested too deeply"):
        typescript(schema)


# What the reference takes that is not quite JSON, as its Python side writes it.


def test_a_surrogate_pair_is_the_character_it_spells() -> None:
    schema = {"type": "object", "properties": {"\ud83d\ude00": 1}, "required": ["😀"]}
    assert typescript(schema) == "{\n😀: any,\n}"


class Color(str, Enum):
    """An enum such as those that people list in their schemas."""

    RED = "red"


NEARLY_JSON: list[Any] = [
    ("a", (1,)),
    {1: 2, None: 3, 2.5: 4, "2.5": 5, 1e16: 6, "\ud83d\ude00": 7, "😀": 8},
    {True: 1, False: 2, "true": 3},
    [Color.RED, {Color.RED: Color.RED}],
    (),
]


@pytest.mark.reference
@pytest.mark.parametrize("value", NEARLY_JSON)
def test_what_is_nearly_json_as_in_the_reference(reference: Any, value: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"default": value}}}
    assert typescript(schema) == reference_typescript(reference, schema)


def test_a_tuple_is_a_list() -> None:
    assert typescript({"type": ("string", "null")}) == "string | null"
    assert in_default(("a", (1,))) == '["a",[1]]'


def test_a_member_of_an_enum_is_its_value() -> None:
    assert typescript({"type": "string", "enum": list(Color)}) == '"red"'
    assert in_default([Color.RED]) == '["red"]'


def test_a_key_that_is_a_number_is_its_digits() -> None:
    assert in_default({1: 2, None: 3}) == '{"1":2,"null":3}'


# Pathological schemas, by name: each would take minutes if its cost were a square.


def many_properties(size: int) -> Any:
    """Give an object whose every property is required, the last named first."""
    names = [str(number) for number in range(size)]
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": names[::-1]}


def many_variants(size: int) -> Any:
    """Give a property of many variants, all of them compared with its description."""
    variants = [{"description": "d", "default": [number]} for number in range(size)]
    return {"properties": {"a": {"oneOf": variants}}, "type": "object"}


def nullable_levels(size: int) -> Any:
    """Give nested nullable objects, whose text is looked through for `null`."""
    schema: Any = {"type": "string", "enum": ["x" * size] * 100}
    for _ in range(100):
        schema = {"type": "object", "nullable": True, "properties": {"a": schema}}
    return schema


PATHOLOGICAL: list[Callable[[int], Any]] = [
    many_properties,
    many_variants,
    nullable_levels,
    lambda size: {"type": "string", "enum": ["x"] * size},
    lambda size: {"type": "string", "enum": ["x" * size * 100]},
    lambda size: {"oneOf": [{"default": [1.5] * size}]},
]


@pytest.mark.parametrize("make", PATHOLOGICAL)
def test_pathological_schemas_are_quick(make: Callable[[int], Any]) -> None:
    schema = make(50_000)
    start = time.thread_time()
    assert len(typescript(schema)) > 50_000
    assert time.thread_time() - start < 30
