"""Tools, and the checks every object is made with."""

from __future__ import annotations

from typing import Any

import pytest

from harmony import tools
from harmony._model.checks import MAX_DEPTH
from harmony.messages import Role
from harmony.tools import ToolDescription, ToolNamespaceConfig


class Half(float):
    """A float, but no plain one."""


def nested(levels: int) -> dict[str, Any]:
    """Return a dict in a dict in a dict …, so many deep."""
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_a_tool_is_made_by_position_keyword_and_new() -> None:
    tool = ToolDescription("now", "Tells the time.", {"type": "object"})
    assert tool == ToolDescription.new("now", "Tells the time.", {"type": "object"})
    assert tool == ToolDescription(
        name="now", description="Tells the time.", parameters={"type": "object"}
    )
    assert ToolDescription("now") == ToolDescription("now", None, None)


def test_parameters_are_copied() -> None:
    given: dict[str, Any] = {"properties": {"a": [1]}}
    tool = ToolDescription("f", None, given)
    given["properties"]["a"].append(2)
    assert tool.parameters == {"properties": {"a": [1]}}
    tool.to_dict()["parameters"]["properties"]["a"].append(3)
    assert tool.parameters == {"properties": {"a": [1]}}


def test_parameters_become_plain_json_values() -> None:
    given = {"enum": ("a", Role.USER), Role.TOOL: True, "minimum": Half(0.5), "a": 3}
    tool = ToolDescription("f", None, given)
    assert tool.parameters == {
        **{"enum": ["a", "user"], "tool": True, "minimum": 0.5, "a": 3}
    }
    assert type(tool.parameters["minimum"]) is float
    assert [type(item) for item in tool.parameters["enum"]] == [str, str]
    assert [type(key) for key in tool.parameters] == [str] * 4


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (
            "ToolDescription(5)",
            "ToolDescription.name: expected a string, got 5 (int)",
        ),
        (
            'ToolDescription("f", b"x")',
            "ToolDescription.description: expected a string or None, got b'x' (bytes)",
        ),
        (
            'ToolDescription("f", None, [])',
            "ToolDescription.parameters: expected a dict or None, got [] (list)",
        ),
        (
            'ToolDescription("f", None, {"a": [1, {"b c": {2}}]})',
            "ToolDescription.parameters.a[1]['b c']: "
            "expected a JSON value, got {2} (set)",
        ),
        (
            'ToolDescription("f", None, {"a": float("nan")})',
            "ToolDescription.parameters.a: expected a JSON value, got nan (float)",
        ),
        (
            'ToolDescription("f", None, {"a": {1: 2}})',
            "ToolDescription.parameters.a: expected keys that are strings, got 1 (int)",
        ),
        (
            'ToolNamespaceConfig("n", None, "f")',
            "ToolNamespaceConfig.tools: expected a list, got 'f' (str)",
        ),
        (
            'ToolNamespaceConfig("n", None, [5])',
            "ToolNamespaceConfig.tools[0]: expected a ToolDescription, got 5 (int)",
        ),
        (
            "ToolNamespaceConfig(None)",
            "ToolNamespaceConfig.name: expected a string, got None",
        ),
    ],
)
def test_a_wrong_type_is_named(make: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        eval(make, dict(vars(tools)))
    assert str(caught.value) == complaint


def test_a_long_value_is_shortened_in_a_complaint() -> None:
    with pytest.raises(ValueError) as caught:
        ToolDescription("f", None, "x" * 1_000_000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_parameters_may_be_deep_but_not_endless() -> None:
    ToolDescription("f", None, nested(MAX_DEPTH + 1)).to_dict()
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        ToolDescription("f", None, nested(MAX_DEPTH + 2))
    circle: dict[str, Any] = {}
    circle["again"] = circle
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        ToolDescription("f", None, circle)


def test_a_json_form_is_taken_where_an_object_is_meant() -> None:
    given: Any = [{"name": "now"}, ToolDescription("then")]
    namespace = ToolNamespaceConfig("functions", tools=given)
    assert namespace.tools == [ToolDescription("now"), ToolDescription("then")]
    with pytest.raises(ValueError, match=r"^ToolNamespaceConfig\.tools\[0\]\.name: "):
        ToolNamespaceConfig("functions", tools=[{}])  # type: ignore[list-item]


def test_the_built_in_tools_are_made_anew_each_time() -> None:
    browser = ToolNamespaceConfig.browser()
    assert [tool.name for tool in browser.tools] == ["search", "open", "find"]
    assert ToolNamespaceConfig.python().tools == []
    browser.tools[0].parameters = None
    browser.tools.pop()
    assert ToolNamespaceConfig.browser() != browser
    python = ToolNamespaceConfig.python()
    python.tools.append(ToolDescription("x"))
    assert ToolNamespaceConfig.python().tools == []


@pytest.mark.reference
@pytest.mark.parametrize("name", ["browser", "python"])
def test_the_built_in_tools_are_the_references(name: str, reference: Any) -> None:
    theirs = getattr(reference.module.ToolNamespaceConfig, name)()
    ours = getattr(ToolNamespaceConfig, name)().to_dict()
    dumped = theirs.model_dump(exclude_none=True)
    assert ours == dumped
    assert str(ours) == str(dumped)  # the same order of keys, which is rendered


def test_a_value_put_in_later_is_found_when_written() -> None:
    tool = ToolDescription("f", None, {})
    assert tool.parameters is not None
    tool.parameters["a"] = object
    with pytest.raises(ValueError, match=r"^ToolDescription\.parameters\.a: expected"):
        tool.to_dict()
