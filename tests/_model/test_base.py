"""Our classes as pydantic field types, and the methods that pydantic users call."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

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
from harmony._model.base import Model
from support import strategies

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
    assert request.messages == [MESSAGE, FORM, {"other": 1}]


def test_a_dict_stays_one_where_dicts_are_taken() -> None:
    """It became a message, and a call in the form of a chat API was lost."""
    call = {"role": "assistant", "content": "x", "tool_calls": [{"id": "1"}]}
    kinds = [Message | dict[str, Any], dict[str, Any] | Message]
    for kind in kinds:
        assert pydantic.TypeAdapter(kind).validate_python(call) == call
    assert pydantic.TypeAdapter(Message | str).validate_python(FORM) == MESSAGE


def test_in_strict_mode_objects_are_taken_and_json_is_read() -> None:
    strict = pydantic.TypeAdapter(Message)
    assert strict.validate_python(MESSAGE, strict=True) is MESSAGE
    assert strict.validate_json(MESSAGE.to_json(), strict=True) == MESSAGE
    with pytest.raises(pydantic.ValidationError, match="instance of Message"):
        strict.validate_python(FORM, strict=True)


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
    again = Request.model_validate(dumped)
    assert again.messages == [FORM] and again.system == request.system
    assert again.conversation == request.conversation
    assert Request.model_validate_json(request.model_dump_json()) == request


def test_a_wrong_value_is_a_validation_error_that_says_where() -> None:
    with pytest.raises(pydantic.ValidationError, match=r"expected a Message"):
        pydantic.TypeAdapter(Message).validate_python(5)
    bad = {"role": "user", "content": [{"type": "image"}]}
    with pytest.raises(pydantic.ValidationError, match=r"content\[0\].type: unknown"):
        pydantic.TypeAdapter(Message).validate_python(bad)


class Chat(pydantic.BaseModel):  # type: ignore[name-defined,misc]
    messages: list[Message]
    last: Message
    system: SystemContent | None = None


PARTS = {
    *{"Author", "ChannelConfig", "Content", "Conversation", "DeveloperContent"},
    *{"Message", "ResponseFormat", "SystemContent", "TextContent", "ToolDescription"},
    *{"ToolNamespaceConfig", "ReasoningEffort", "Role"},
}


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_the_json_schema_of_a_field_has_its_parts(mode: Any) -> None:
    schema = Chat.model_json_schema(mode=mode)
    assert set(schema["$defs"]) == PARTS - {"Author", "Conversation"}
    assert schema["properties"]["last"] == {"$ref": "#/$defs/Message"}
    assert schema["properties"]["messages"]["items"] == {"$ref": "#/$defs/Message"}
    message = schema["$defs"]["Message"]
    assert list(message["properties"]) == [
        *["role", "name", "content", "channel", "recipient", "content_type"]
    ]
    assert message["required"] == ["role", "content"]
    assert message["properties"]["role"] == {"$ref": "#/$defs/Role"}
    assert message["properties"]["content"]["anyOf"] == [
        {"type": "string"},
        {"type": "array", "items": {"$ref": "#/$defs/Content"}},
    ]
    assert schema["$defs"]["Content"]["anyOf"] == [
        {"$ref": f"#/$defs/{name}"}
        for name in ("TextContent", "SystemContent", "DeveloperContent")
    ]
    system = schema["$defs"]["SystemContent"]
    assert system["properties"]["type"]["const"] == "system_content"
    assert system["properties"]["knowledge_cutoff"]["default"] == "2024-06"
    assert system["required"] == ["type"]


@pytest.mark.parametrize("kind", [Message, Conversation, TextContent, SystemContent])
def test_a_class_has_a_json_schema_itself(kind: Any) -> None:
    schema = kind.model_json_schema()
    assert schema["title"] == kind.__name__ and schema["properties"]
    assert schema == kind.model_json_schema(mode="serialization")


@settings(max_examples=100, deadline=None)
@given(strategies.conversations)
def test_what_is_written_is_what_the_schema_says(conversation: Conversation) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = Conversation.model_json_schema()
    jsonschema.validate(conversation.to_dict(), schema)
    assert set(schema["$defs"]["Message"]["properties"]) >= {
        key for form in conversation.to_dict()["messages"] for key in form
    }


def test_fastapi_shows_messages_and_answers_with_what_is_wrong() -> None:
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    @app.post("/chat")  # type: ignore[untyped-decorator,unused-ignore]
    def chat(messages: list[Message]) -> Conversation:
        return Conversation(messages)

    schemas = app.openapi()["components"]["schemas"]
    assert set(schemas) >= PARTS - {"Author"}
    assert "role" in schemas["Message"]["properties"]
    testclient = pytest.importorskip("fastapi.testclient")
    client = testclient.TestClient(app)
    answer = client.post("/chat", json=[FORM])
    assert answer.json() == {"messages": [FORM]}
    wrong = client.post("/chat", json=[FORM, {"role": "bob", "content": "x"}])
    assert wrong.status_code == 422
    assert "unknown role 'bob'" in wrong.json()["detail"][0]["msg"]


def test_model_dump_has_all_text() -> None:
    assert MESSAGE.model_dump() == FORM
    assert MESSAGE.model_dump(mode="json") == FORM
    assert MESSAGE.model_dump(exclude={"content"}) == {
        "role": "assistant",
        "name": None,
        "channel": "final",
    }
    assert MESSAGE.model_dump(include={"role"}) == {"role": "assistant"}


def test_model_dump_leaves_out_none_if_asked() -> None:
    assert "name" not in MESSAGE.model_dump(exclude_none=True)
    tool = ToolDescription("f", None, {"default": None})
    developer = DeveloperContent().with_function_tools([tool])
    system = SystemContent(model_identity=None, channel_config=None)
    message = Message("system", [system, developer])
    (first, second) = message.model_dump(exclude_none=True)["content"]
    assert first.keys() == {"type", "reasoning_effort", "knowledge_cutoff"}
    assert second == developer.to_dict()
    assert message.model_dump() == message.to_dict()


def test_what_pydantic_has_and_we_do_not_is_listed() -> None:
    """In docs/differences.md."""
    missing = [
        *["model_fields", "model_fields_set", "model_construct", "model_extra"],
        *["model_config", "copy", "dict", "json"],
    ]
    assert not [name for name in missing if hasattr(MESSAGE, name)]
    other = MESSAGE.model_copy()
    other.colour = "red"  # type: ignore[attr-defined]
    assert other == MESSAGE and str(other) == repr(MESSAGE)
    adapter = pydantic.TypeAdapter(list[Message | dict[str, Any]])
    assert adapter.validate_json(f"[{MESSAGE.to_json()}]") == [MESSAGE]


def test_dict_gives_the_fields() -> None:
    assert dict(MESSAGE) == {
        "author": Author("assistant"),
        "content": [TextContent("hi")],
        "channel": "final",
        "recipient": None,
        "content_type": None,
    }
    assert dict(Author("tool", "f")) == {"role": "tool", "name": "f"}
    assert list(Conversation([MESSAGE])) == [MESSAGE]


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


def test_a_class_without_a_json_form_says_so() -> None:
    class Other(Model):
        pass

    with pytest.raises(NotImplementedError, match=r"^Other has no JSON form$"):
        Other().to_dict()
    with pytest.raises(NotImplementedError, match=r"^Other has no JSON form$"):
        Other.from_dict({})
