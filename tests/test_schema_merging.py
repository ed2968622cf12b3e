"""Keywords of two schemas as those of one: each keyword, and what can't be merged."""

from typing import Any

import pytest

from harmony.complete_typescript import complete_typescript
from harmony.schema_merging import Merged

LOWER = [
    *("minimum", "exclusiveMinimum", "minLength", "minItems", "minContains"),
    "minProperties",
]
UPPER = [
    *("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxContains"),
    "maxProperties",
]
ANNOTATIONS = [
    *("title", "default", "examples", "nullable", "deprecated", "readOnly"),
    "writeOnly",
]


def merge(*schemas: dict[str, Any]) -> Merged:
    merged = Merged(schemas[0])
    for schema in schemas[1:]:
        merged.take(schema)
    return merged


def one_of_both(key: str, one: Any, other: Any) -> Any:
    """Return the value of a keyword that two schemas have, which can be merged."""
    merged = merge({key: one}, {key: other})
    assert merged.keys() == {key}
    assert merged.others == []
    return merged[key]


@pytest.mark.parametrize("key", LOWER)
def test_of_lower_bounds_the_greater_one_counts(key: str) -> None:
    assert one_of_both(key, 1, 2.5) == 2.5
    assert one_of_both(key, 2.5, 1) == 2.5


@pytest.mark.parametrize("key", UPPER)
def test_of_upper_bounds_the_smaller_one_counts(key: str) -> None:
    assert one_of_both(key, 1, 2.5) == 1
    assert one_of_both(key, 2.5, 1) == 1


@pytest.mark.parametrize("key", [LOWER[0], UPPER[0]])
def test_a_bound_that_is_no_number_is_of_another_schema(key: str) -> None:
    for odd in ("9", True, None):
        merged = merge({key: 2}, {key: odd})
        assert (dict(merged), merged.others) == ({key: 2}, [{key: odd}])


@pytest.mark.parametrize("key", ANNOTATIONS)
def test_of_annotations_the_first_counts(key: str) -> None:
    assert one_of_both(key, ["mine"], ["yours"]) == ["mine"]


TEXT, NUMBER = {"type": "string"}, {"type": "number"}


@pytest.mark.parametrize("key", ["items", "additionalProperties"])
def test_a_schema_in_both_is_all_of_them(key: str) -> None:
    assert one_of_both(key, TEXT, NUMBER) == {"allOf": [TEXT, NUMBER]}
    assert one_of_both(key, True, TEXT) == {"allOf": [True, TEXT]}
    assert one_of_both(key, False, TEXT) is False
    assert one_of_both(key, TEXT, False) is False


@pytest.mark.parametrize("key", ["properties", "patternProperties"])
def test_of_tables_each_schema_is_merged(key: str) -> None:
    mine = {"both": TEXT, "same": TEXT, "mine": TEXT}
    yours = {"yours": NUMBER, "same": TEXT, "both": NUMBER}
    both = one_of_both(key, mine, yours)
    assert both == {
        **{"both": {"allOf": [TEXT, NUMBER]}, "same": TEXT, "mine": TEXT},
        "yours": NUMBER,
    }
    assert list(both) == ["both", "same", "mine", "yours"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("string", ["null", "string"], "string"),
        (["null", "string"], "string", "string"),
        (["string", "null", "array"], ["null", "array", "string"], None),
        ("integer", "number", "integer"),
        ("number", "integer", "integer"),
        (["number", "null"], ["integer", "null"], ["null", "integer"]),
        (["integer", "number"], ["integer", "null"], "integer"),
        (["integer", "number"], "number", ["integer", "number"]),
        (["integer", 5], ["integer", 5, "null"], "integer"),
        ("integer", ["string", "null", "integer"], "integer"),
        ("integer", ["boolean", "number"], "integer"),
    ],
)
def test_types_in_both(one: Any, other: Any, both: Any) -> None:
    assert one_of_both("type", one, other) == (one if both is None else both)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("string", "integer"),
        (["string", "null"], "number"),
        ("string", 5),
        (5, "string"),
        ("number", {"integer": 1}),
        (["string", "null"], "integer"),
    ],
)
def test_types_that_have_none_in_common_are_of_two_schemas(
    one: Any, other: Any
) -> None:
    merged = merge({"type": one}, {"type": other})
    assert (dict(merged), merged.others) == ({"type": one}, [{"type": other}])


def test_lists_of_names_are_joined_and_values_have_to_be_in_both() -> None:
    assert one_of_both("required", ["a", "b"], ["c", "b"]) == ["a", "b", "c"]
    assert one_of_both("enum", [1, 2, 3], [3, 4, 1]) == [1, 3]


def test_descriptions_are_said_one_below_the_other_and_once() -> None:
    assert one_of_both("description", "A.", "B.") == "A.\nB."
    assert one_of_both("description", "A.", "A.") == "A."
    assert one_of_both("description", "A.", 5) == "A."


@pytest.mark.parametrize("key", ["required", "enum", "properties", "format"])
def test_what_can_not_be_merged_is_another_schema(key: str) -> None:
    for one, other in ((["a"], 5), (5, ["a"]), ({"a": {}}, 5), (5, {"a": {}})):
        merged = merge({key: one, "title": "T"}, {key: other, "minLength": 1})
        assert dict(merged) == {key: one, "title": "T", "minLength": 1}
        assert merged.others == [{key: other}]


def test_what_is_known_of_a_merged_schema_goes_on() -> None:
    merged = merge({"format": "a"}, {"format": "b"})
    merged.named.append("Node")
    merged.lost.append("far.json")
    again = Merged(merged)
    assert again.others == [{"format": "b"}]
    assert (again.named, again.lost) == (["Node"], ["far.json"])
    assert again.others is not merged.others

    later = merge({"format": "c"}, {"format": "d"})
    later.named.append("Tree")
    later.lost.append("farther.json")
    again.take(later)
    assert again.others == [{"format": "b"}, {"format": "d"}, {"format": "c"}]
    assert again.named == ["Node", "Tree"]
    assert again.lost == ["far.json", "farther.json"]


def test_an_integer_in_both_is_one_type() -> None:
    parts = [{"type": ["integer", "number"]}, {"type": ["integer", "null"]}]
    assert complete_typescript({"allOf": parts}) == ([], "number")
