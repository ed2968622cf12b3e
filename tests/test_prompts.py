"""What system and developer messages say: goldens, and answers that are JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    DeveloperContent,
    Message,
    ResponseFormat,
    Role,
    ToolDescription,
)
from harmony.contents import content_from_dict
from harmony.prompts import content_text, developer_text
from support import TEST_DATA

SCHEMA = {"type": "object", "properties": {"größe": {"type": "number"}}}
COMPACT = '{"type":"object","properties":{"größe":{"type":"number"}}}'


def test_a_format_stands_behind_instructions_and_tools() -> None:
    content = (
        DeveloperContent("Be brief.")
        .with_function_tools([ToolDescription("now")])
        .with_response_format("size", SCHEMA, "One size.\nNo more.\n")
    )
    assert developer_text(content) == (
        "# Instructions\n\nBe brief.\n\n# Tools\n\n## functions\n\n"
        "namespace functions {\n\ntype now = () => any;\n\n} // namespace functions\n\n"
        "# Response Formats\n\n## size\n\n// One size.\n// No more.\n" + COMPACT
    )


def test_several_formats_have_one_heading() -> None:
    content = DeveloperContent().with_response_format("a", {})
    content.with_response_format("b", {}, "")
    expected = "# Response Formats\n\n## a\n\n{}\n\n## b\n\n{}"
    assert developer_text(content) == expected


def test_no_formats_say_nothing() -> None:
    assert developer_text(DeveloperContent("x", response_formats=[])) == (
        developer_text(DeveloperContent("x"))
    )


def test_a_helper_leaves_a_list_that_was_given_alone() -> None:
    given_list = [ResponseFormat("a", {})]
    content = DeveloperContent(response_formats=given_list)
    content.with_response_format("b", {})
    assert len(given_list) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcü"), inner),
)


@given(schema=json_values)
def test_formats_come_back_from_json(schema: Any) -> None:
    content = DeveloperContent().with_response_format("f", {"default": schema}, "d")
    message = Message("developer", content)
    assert Message.from_json(message.to_json()) == message
    text = developer_text(content).rsplit("\n", 1)[-1]
    assert json.loads(text) == {"default": schema}


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ({"schema": {}}, "response_formats[0].name: missing key"),
        ({"name": "f"}, "response_formats[0].schema: missing key"),
        ({"name": 5, "schema": {}}, "response_formats[0].name: expected a string"),
        ({"name": "f", "schema": []}, "response_formats[0].schema: expected a dict"),
        ({"name": "f", "schema": {"a": {1}}}, "response_formats[0].schema.a: expected"),
        ("f", "response_formats[0]: expected a ResponseFormat"),
    ],
)
def test_a_bad_format_is_named_by_its_path(form: Any, path: str) -> None:
    with pytest.raises(ValueError) as caught:
        DeveloperContent.from_dict({"response_formats": [form]})
    assert str(caught.value).startswith(path)


# The goldens that the packages for other languages run too

CASES = [
    json.loads(line)
    for line in (TEST_DATA / "prompts.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
WRITTEN = [case for case in CASES if "text" in case]
REFUSED = [case for case in CASES if "error" in case]


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case["why"])
def test_golden(case: dict[str, Any]) -> None:
    content = content_from_dict(case["content"])
    text = content_text(content, Role(case["role"]), case["function_tools"])
    assert text == case["text"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["why"])
def test_golden_that_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        Message.from_dict(case["message"])
    assert str(caught.value).startswith(case["error"] + ":")


def test_every_golden_is_there_for_another_reason() -> None:
    assert len(WRITTEN) > 100 and len(REFUSED) > 20
    assert len({case["why"] for case in CASES}) == len(CASES)
    assert len(WRITTEN) + len(REFUSED) == len(CASES)
