"""Our classes as pydantic field types, and the methods that pydantic users call."""

from __future__ import annotations

from typing import Any

import pytest

from harmony import (
    Author,
    Content,
    Conversation,
    DeveloperContent,
    Message,
    SystemContent,
    TextContent,
    ToolDescription,
)

pydantic = pytest.importorskip("pydantic")

MESSAGE = Message("assistant", "hi", channel="final")
FORM = {
    "role": "assistant",
    "name": None,
    "content": [{"type": "text", "text": "hi"}],
    "channel": "final",
}


class Request(pydantic.BaseModel):  # type: ignore[name-defined,misc]
    messages: list[Message | dict[str, Any]]
    conversation: Conversation | None = None
    system: SystemContent | None = None
    developer: DeveloperContent | None = None
    content: Content | None = None


def test_objects_and_dicts_are_taken() -> None:
    request = Request(messages=[MESSAGE, FORM, {"other": 1}])
    assert request.messages == [MESSAGE, MESSAGE, {"other": 1}]


def test_everything_is_dumped_in_its_json_form_and_read_back() -> None:
    request = Request(
        messages=[MESSAGE],
        conversation=Conversation([MESSAGE]),
        system=SystemContent(model_identity=None),
        developer=DeveloperContent("Be brief."),
        content=TextContent("x"),
    )
    dumped = request.model_dump()
    assert dumped["messages"] == [FORM]
    assert dumped["conversation"] == {"messages": [FORM]}
    assert dumped["system"]["model_identity"] is None
    assert dumped["content"] == {"type": "text", "text": "x"}
    assert Request.model_validate(dumped) == request
    assert Request.model_validate_json(request.model_dump_json()) == request


def test_a_wrong_value_is_a_validation_error_that_says_where() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"expected a Message"):
        pydantic.TypeAdapter(Message).validate_python(5)
    bad = {"role": "user", "content": [{"type": "image"}]}
    with pytest.raises(pydantic.ValidationError, match=r"content\[0\].type: unknown"):
        pydantic.TypeAdapter(Message).validate_python(bad)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_a_json_schema_can_be_made(mode: Any) -> None:
    assert "messages" in Request.model_json_schema(mode=mode)["properties"]


def test_model_dump_has_all_text() -> None:
    assert MESSAGE.model_dump() == FORM
    assert MESSAGE.model_dump(mode="json") == FORM
    assert MESSAGE.model_dump(exclude={"content"}) == {
        "role": "assistant",
        "name": None,
        "channel": "final",
    }
    assert MESSAGE.model_dump(include={"role"}) == {"role": "assistant"}


def test_model_dump_json_is_the_same_as_text() -> None:
    assert MESSAGE.model_dump_json() == MESSAGE.to_json()
    assert MESSAGE.model_dump_json(include={"role"}, indent=2) == (
        '{\n  "role": "assistant"\n}'
    )


@pytest.mark.parametrize(
    "model",
    [
        MESSAGE,
        Author("tool", "f"),
        TextContent("x"),
        SystemContent().with_browser_tool(),
        DeveloperContent().with_function_tools([ToolDescription("f")]),
        Conversation([MESSAGE]),
    ],
)
def test_model_validate_reads_what_model_dump_writes(model: Any) -> None:
    assert type(model).model_validate(model.model_dump()) == model
    assert type(model).model_validate(model) is model
    assert type(model).model_validate_json(model.model_dump_json()) == model


def test_model_copy_sets_fields_of_a_copy() -> None:
    other = MESSAGE.model_copy(update={"channel": "analysis"})
    assert (other.channel, MESSAGE.channel) == ("analysis", "final")
    assert other.content is MESSAGE.content
    assert MESSAGE.model_copy(deep=True).content is not MESSAGE.content
    with pytest.raises(ValueError, match="Message has no field 'chanel'"):
        MESSAGE.model_copy(update={"chanel": "final"})
