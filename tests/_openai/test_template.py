"""The official chat template gives the same prompts, but for the known differences."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from harmony import chat, load_harmony_encoding
from support.convert import CASES, DATE
from support.template import Json, requests, template, templated

ENCODING = load_harmony_encoding("HarmonyGptOss")
TEMPLATE: Any = template("gptoss.jinja")
pytestmark = pytest.mark.skipif(TEMPLATE is None, reason="trl is not installed")


@settings(deadline=None)
@given(requests())
def test_generated_requests(request: Json) -> None:
    tokens = chat.prompt(request, date=DATE).tokens(ENCODING)
    assert ENCODING.decode(tokens) == templated(TEMPLATE, request)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.get("source") == "template"],
    ids=lambda case: case["name"],
)
def test_the_examples_that_the_template_gives_too(case: Json) -> None:
    assert templated(TEMPLATE, case["request"]) == case["text"]


@pytest.mark.parametrize("names", [("browser",), ("python",), ("browser", "python")])
def test_builtin_tools(names: tuple[str, ...]) -> None:
    messages = [{"role": "user", "content": "Rome?"}]
    text = TEMPLATE.render(
        messages=messages, builtin_tools=list(names), add_generation_prompt=True
    )
    made = chat.prompt({"messages": messages}, date=DATE, builtin_tools=names)
    assert ENCODING.decode(made.tokens(ENCODING)) == text
