"""The dict and JSON forms: writing, reading back, and what is refused."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony._model.jsontext import dump, load, read_json, write_json
from harmony._model.text import well_formed
from harmony.contents import (
    ChannelConfig,
    DeveloperContent,
    SystemContent,
    TextContent,
    content_from_dict,
)
from harmony.messages import Author, Conversation, Message, ReasoningEffort
from harmony.tools import ToolDescription, ToolNamespaceConfig
from support import strategies
from support.examples import times

# Reading back what was written


@given(
    strategies.tool_descriptions
    | strategies.tool_namespaces
    | strategies.channel_configs
    | strategies.contents
    | strategies.messages
    | strategies.conversations
)
def test_every_object_reads_back_from_its_dict(thing: Any) -> None:
    assert type(thing).from_dict(thing.to_dict()) == thing


@given(strategies.contents)
def test_contents_are_told_apart_by_their_type(content: Any) -> None:
    assert content_from_dict(content.to_dict()) == content


@given(strategies.messages | strategies.conversations)
def test_every_object_reads_back_from_its_json(thing: Any) -> None:
    text = thing.to_json()
    assert type(text) is str
    assert type(thing).from_json(text) == thing
    assert type(thing).from_json(text.encode()) == thing
    assert json.loads(text) == thing.to_dict()


@given(strategies.messages)
def test_a_dict_is_made_of_plain_types_and_belongs_to_the_caller(
    message: Message,
) -> None:
    def spoil(value: Any) -> None:
        assert type(value) in (str, int, float, bool, type(None), list, dict)
        if isinstance(value, (list, dict)):
            for item in list(value.values() if isinstance(value, dict) else value):
                spoil(item)
            value.clear()

    form = message.to_dict()
    before = json.dumps(form)
    assert load(dump(form)) == form
    spoil(form)
    assert json.dumps(message.to_dict()) == before


@pytest.mark.parametrize(
    ("thing", "form"),
    [
        (TextContent(""), {"type": "text", "text": ""}),
        (DeveloperContent(), {"type": "developer_content"}),
        (
            DeveloperContent("", {}),
            {"type": "developer_content", "instructions": "", "tools": {}},
        ),
        (
            ToolDescription("f", "", {}),
            {"name": "f", "description": "", "parameters": {}},
        ),
        (ToolNamespaceConfig("n"), {"name": "n", "tools": []}),
        (
            SystemContent(None, None, None, None, None),
            {
                "type": "system_content",
                "model_identity": None,
                "reasoning_effort": None,
                "knowledge_cutoff": None,
                "channel_config": None,
            },
        ),
        (
            Message("tool", "x", "c", "r", "t"),
            {
                "role": "tool",
                "name": None,
                "content": [{"type": "text", "text": "x"}],
                "channel": "c",
                "recipient": "r",
                "content_type": "t",
            },
        ),
        (Author("user"), {"role": "user", "name": None}),
    ],
)
def test_none_is_left_out_but_where_it_is_not_the_default(
    thing: Any, form: dict[str, Any]
) -> None:
    assert thing.to_dict() == form


def test_absent_is_the_default_and_null_is_none() -> None:
    assert SystemContent.from_dict({}) == SystemContent()
    nothing = SystemContent.from_dict({"model_identity": None, "channel_config": None})
    assert nothing == SystemContent(model_identity=None, channel_config=None)
    nulls = {"name": None, "channel": None, "recipient": None, "content_type": None}
    assert Message.from_dict({"role": "user", "content": "x", **nulls}) == Message(
        "user", "x"
    )


def test_content_may_be_a_string_and_unknown_keys_are_ignored() -> None:
    form = {"messages": [{"role": "user", "content": "x", "id": 1}], "model": "m"}
    assert Conversation.from_dict(form) == Conversation([Message("user", "x")])
    part = {"type": "text", "text": "x", "annotations": []}
    assert Message.from_dict({"role": "user", "content": [part]}).content == [
        TextContent("x")
    ]


# What is refused


def test_the_author_may_be_an_object_of_its_own() -> None:
    form = {"author": {"role": "tool", "name": "f"}, "content": "x", "channel": "c"}
    assert Message.from_dict(form) == Message(Author("tool", "f"), "x", "c")
    alone = {"author": {"role": "user"}, "content": [{"type": "text", "text": "x"}]}
    assert Message.from_dict(alone) == Message("user", "x")
    assert Conversation.from_dict({"messages": [alone]}).messages == [
        Message("user", "x")
    ]


def test_the_flat_form_goes_before_the_author_form() -> None:
    form = {"role": "user", "author": {"role": "tool", "name": "f"}, "content": "x"}
    assert Message.from_dict(form) == Message("user", "x")


def in_message(**changes: Any) -> dict[str, Any]:
    """Return a conversation whose third message has these keys changed."""
    good = {"role": "user", "content": "x"}
    return {"messages": [good, good, {**good, **changes}]}


def in_tools(tools: Any) -> dict[str, Any]:
    """Return a conversation whose third message has these tools."""
    part = {"type": "developer_content", "tools": tools}
    return in_message(content=[{"type": "text", "text": "x"}, part])


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ([], "Conversation.from_dict: expected a dict, got [] (list)"),
        ({}, "messages: missing key"),
        ({"messages": None}, "messages: expected a list, got None"),
        ({"messages": [5]}, "messages[0]: expected a Message, got 5 (int)"),
        ({"messages": [{"content": ""}]}, "messages[0].role: missing key"),
        ({"messages": [{"role": "user"}]}, "messages[0].content: missing key"),
        (
            in_message(role="bob"),
            "messages[2].role: unknown role 'bob' "
            "(known: user, assistant, system, developer, tool)",
        ),
        (
            {"messages": [{"author": {"name": "x"}, "content": ""}]},
            "messages[0].author.role: missing key",
        ),
        (
            {"messages": [{"author": {"role": "bob"}, "content": ""}]},
            "messages[0].author.role: unknown role 'bob' "
            "(known: user, assistant, system, developer, tool)",
        ),
        (
            {"messages": [{"author": "user", "content": ""}]},
            "messages[0].author: expected an Author, got 'user' (str)",
        ),
        (
            {"messages": [{"author": {"role": "user"}}]},
            "messages[0].content: missing key",
        ),
        (
            in_message(channel=5),
            "messages[2].channel: expected a string or None, got 5 (int)",
        ),
        (
            in_message(name=5),
            "messages[2].name: expected a string or None, got 5 (int)",
        ),
        (
            in_message(content=None),
            "messages[2].content: expected a string or a list, got None",
        ),
        (
            in_message(content=["x"]),
            "messages[2].content[0]: expected a Content, got 'x' (str)",
        ),
        (
            in_message(content=[{"type": "image"}]),
            "messages[2].content[0].type: unknown content type 'image' "
            "(known: text, system_content, developer_content)",
        ),
        (
            in_message(content=[{"type": ["text"]}]),
            "messages[2].content[0].type: unknown content type ['text'] (list) "
            "(known: text, system_content, developer_content)",
        ),
        (in_message(content=[{}]), "messages[2].content[0].type: missing key"),
        (
            in_message(content=[{"type": "text"}]),
            "messages[2].content[0].text: missing key",
        ),
        (
            in_message(content=[{"type": "system_content", "reasoning_effort": "lo"}]),
            "messages[2].content[0].reasoning_effort: unknown reasoning effort 'lo' "
            "(known: Low, Medium, High)",
        ),
        (
            in_message(content=[{"type": "system_content", "channel_config": {}}]),
            "messages[2].content[0].channel_config.valid_channels: missing key",
        ),
        (
            in_tools([]),
            "messages[2].content[1].tools: "
            "expected a dict of ToolNamespaceConfig or None, got [] (list)",
        ),
        (
            in_tools({"my tools": {"name": "n", "tools": None}}),
            "messages[2].content[1].tools['my tools'].tools: expected a list, got None",
        ),
        (
            in_tools({"n": {"name": "n", "tools": [{"name": "f", "parameters": 5}]}}),
            "messages[2].content[1].tools.n.tools[0].parameters: "
            "expected a dict or None, got 5 (int)",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_path(form: Any, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        Conversation.from_dict(form)
    assert str(caught.value) == complaint
    with pytest.raises(ValueError) as caught:
        Conversation.from_json(json.dumps(form))
    assert str(caught.value) == complaint


@pytest.mark.parametrize("payload", ["", "{", '{"messages": [NaN]}', "[" * 100_000])
def test_bad_json_is_refused_with_its_place(payload: str) -> None:
    place = r"^Conversation\.from_json: .*line 1 column \d+"
    with pytest.raises(ValueError, match=place):
        Conversation.from_json(payload)
    with pytest.raises(ValueError, match=r"^Message\.from_json: .*line 2 column 9"):
        Message.from_json('{"content": "x",\n"role": }')
    with pytest.raises(ValueError, match=r"^Message\.from_json: expected a string"):
        Message.from_json(5)  # type: ignore[arg-type]


def with_parameters(parameters: dict[str, Any]) -> Conversation:
    """Return a conversation of one message with one tool of these parameters."""
    tool = ToolDescription("f", None, parameters)
    content = DeveloperContent().with_function_tools([tool])
    return Conversation([Message("developer", content)])


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_an_integer_beyond_64_bits_is_kept_in_a_dict_but_not_in_json(
    number: int,
) -> None:
    conversation = with_parameters({"a b": [number]})
    assert Conversation.from_dict(conversation.to_dict()) == conversation
    with pytest.raises(ValueError) as caught:
        conversation.to_json()
    assert str(caught.value) == (
        "messages[0].content[0].tools.functions.tools[0].parameters['a b'][0]: "
        f"expected an integer of at most 64 bits, got {number} (int)"
    )


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63)])
def test_an_integer_of_64_bits_is_written(number: int) -> None:
    conversation = with_parameters({"a": number})
    assert Conversation.from_json(conversation.to_json()) == conversation


def test_deep_parameters_are_written_or_refused_but_never_crash() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"a": deep}
    conversation = with_parameters(deep)
    assert Conversation.from_json(conversation.to_json()) == conversation
    text = conversation.to_json().replace("{}", '{"a":' * 50_000 + "1" + "}" * 50_000)
    with pytest.raises(ValueError, match="line 1 column"):
        Conversation.from_json(text)
    text = conversation.to_json().replace("{}", '{"a":{}}')
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        Conversation.from_json(text)


def test_what_was_put_in_later_is_refused_when_written() -> None:
    message = Message("user", "x")
    message.channel = object()  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"^channel: expected a JSON value, got"):
        message.to_json()


def test_the_values_of_a_form_are_strings_and_its_type_comes_first() -> None:
    system = SystemContent(reasoning_effort=ReasoningEffort.HIGH)
    form = Message("system", system).to_dict()
    assert type(form["role"]) is str
    (content,) = form["content"]
    assert type(content["reasoning_effort"]) is str
    assert next(iter(content)) == "type"


def test_a_role_or_effort_assigned_as_a_string_is_written() -> None:
    message = Message("system", SystemContent())
    message.author.role = "developer"  # type: ignore[assignment]
    assert isinstance(message.content[0], SystemContent)
    message.content[0].reasoning_effort = "High"  # type: ignore[assignment]
    assert message.to_dict()["role"] == "developer"
    assert message.to_dict()["content"][0]["reasoning_effort"] == "High"


# Surrogates


@given(st.text())
def test_well_formed_text_is_left_alone(text: str) -> None:
    assert well_formed(text) == text


@pytest.mark.parametrize("length", range(6))
def test_every_mix_of_surrogates_is_made_well_formed(length: int) -> None:
    for units in itertools.product("\ud83d\ude00a\ufeff\U0001f600", repeat=length):
        text = "".join(units)
        paired = text.replace("\ud83d\ude00", "\U0001f600")
        assert well_formed(text) == re.sub("[\ud800-\udfff]", "\ufffd", paired)


def test_surrogates_are_written_as_the_text_they_stand_for() -> None:
    message = Message("user", "\ud83d\ude00 \ud83d", "\udfff")
    assert Message.from_dict(message.to_dict()) == message
    assert message.to_json() == (
        '{"role":"user","name":null,'
        '"content":[{"type":"text","text":"\U0001f600 \ufffd"}],'
        '"channel":"\ufffd"}'
    )
    conversation = with_parameters({"\ud83d": [None, True, 1, 0.5, "\ude00"]})
    expected = with_parameters({"\ufffd": [None, True, 1, 0.5, "\ufffd"]})
    assert Conversation.from_json(conversation.to_json()) == expected


def test_keys_that_would_become_one_are_refused() -> None:
    with pytest.raises(ValueError, match=r"parameters: keys that differ in lone"):
        with_parameters(dict.fromkeys(["\ud83d", "\ufffd"])).to_json()


@pytest.mark.parametrize("text", ['"\\ud83d"', '"\ud83d"'])
def test_lone_surrogates_in_json_are_read(text: str) -> None:
    message = Message.from_json(f'{{"role": "user", "content": {text}}}')
    assert message == Message("user", "\ud83d")


# The reference


def with_descriptions(tools: dict[str, ToolNamespaceConfig] | None) -> None:
    """Give every tool a description, which the reference insists on."""
    for namespace in (tools or {}).values():
        for tool in namespace.tools:
            tool.description = tool.description or ""


class Reference:
    """Makes the reference's twin of one of our objects, by its constructors."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def tools(self, tools: dict[str, ToolNamespaceConfig] | None) -> Any:
        if tools is None:
            return None
        return {key: self.namespace(item) for key, item in tools.items()}

    def namespace(self, ours: ToolNamespaceConfig) -> Any:
        tools = [
            self.module.ToolDescription(
                name=tool.name, description=tool.description, parameters=tool.parameters
            )
            for tool in ours.tools
        ]
        return self.module.ToolNamespaceConfig(
            name=ours.name, description=ours.description, tools=tools
        )

    def channels(self, ours: ChannelConfig | None) -> Any:
        if ours is None:
            return None
        return self.module.ChannelConfig(
            valid_channels=ours.valid_channels, channel_required=ours.channel_required
        )

    def content(self, ours: Any) -> Any:
        if isinstance(ours, TextContent):
            return self.module.TextContent(text=ours.text)
        with_descriptions(ours.tools)
        if isinstance(ours, DeveloperContent):
            return self.module.DeveloperContent(
                instructions=ours.instructions, tools=self.tools(ours.tools)
            )
        return self.module.SystemContent(
            model_identity=ours.model_identity,
            reasoning_effort=ours.reasoning_effort,
            conversation_start_date=ours.conversation_start_date,
            knowledge_cutoff=ours.knowledge_cutoff,
            channel_config=self.channels(ours.channel_config),
            tools=self.tools(ours.tools),
        )

    def message(self, ours: Message) -> Any:
        return self.module.Message(
            author=self.module.Author(
                role=self.module.Role(ours.author.role.value), name=ours.author.name
            ),
            content=[self.content(item) for item in ours.content],
            channel=ours.channel,
            recipient=ours.recipient,
            content_type=ours.content_type,
        )

    def conversation(self, ours: Conversation) -> Any:
        return self.module.Conversation(
            messages=[self.message(message) for message in ours]
        )


OURS_ALONE = {
    "model_identity",
    "reasoning_effort",
    "knowledge_cutoff",
    "channel_config",
}


def as_the_reference_writes(form: dict[str, Any]) -> dict[str, Any]:
    """Return our form with the documented difference taken out.

    The reference leaves out what is None in system content too.
    """

    def change(part: dict[str, Any]) -> dict[str, Any]:
        if part.get("type") == "system_content":
            return {
                key: item
                for key, item in part.items()
                if item is not None or key not in OURS_ALONE
            }
        return part

    def message_parts(message: dict[str, Any]) -> dict[str, Any]:
        return {**message, "content": [change(part) for part in message["content"]]}

    return {"messages": [message_parts(message) for message in form["messages"]]}


@pytest.mark.reference
@times(3)
@given(conversation=strategies.conversations)
def test_the_reference_writes_the_same(
    reference: Any, conversation: Conversation
) -> None:
    theirs = Reference(reference.module).conversation(conversation)
    assert as_the_reference_writes(conversation.to_dict()) == theirs.to_dict()


@pytest.mark.reference
@times(3)
@given(conversation=strategies.conversations)
def test_each_reads_what_the_other_wrote(
    reference: Any, conversation: Conversation
) -> None:
    theirs = Reference(reference.module).conversation(conversation)
    assert reference.module.Conversation.from_json(conversation.to_json()) == theirs
    ours = Conversation.from_json(theirs.to_json())
    expected = Conversation.from_dict(as_the_reference_writes(conversation.to_dict()))
    assert ours == expected


@pytest.mark.reference
def test_lone_surrogates_as_the_reference_writes_them_are_read(reference: Any) -> None:
    theirs = reference.module.Message.from_role_and_content("user", "\ud83d")
    assert Message.from_json(theirs.to_json()) == Message("user", "\ud83d")


# Without orjson


def with_and_without_orjson(run: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what happens (a value, or the kind of error) either way."""
    pytest.importorskip("orjson")

    def outcome() -> Any:
        try:
            return run()
        except (ValueError, TypeError) as error:
            return TypeError if isinstance(error, TypeError) else ValueError

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "orjson", None)
        without = outcome()
    return outcome(), without


JSON_TEXTS = [
    *["{}", "[1, 2.5, true, null]", '"\\u00e9\u00e9"', " 1 ", "-0", "1e400", "1E5"],
    *["9223372036854775807", "18446744073709551615", "-9223372036854775808"],
    *["18446744073709551616", "-9223372036854775809", "9" * 30, "9" * 5000],
    *["NaN", "Infinity", "-Infinity", "", "[1,]", "{'a': 1}", "01", "\ufeff{}", "nul"],
    *['{"a": 1, "a": 2}', '"\\ud800"', '"\t"', "[" * 100_000],
]


@pytest.mark.parametrize("text", JSON_TEXTS, ids=lambda text: text[:20])
def test_json_is_read_alike_without_orjson(text: str) -> None:
    for payload in (text, text.encode()):
        given, without = with_and_without_orjson(lambda: read_json("X", payload))
        assert repr(given) == repr(without)
        if "ud800" not in text:
            given, without = with_and_without_orjson(lambda: load(payload))
            assert repr(given) == repr(without)


@pytest.mark.parametrize(
    "value",
    [
        *[None, True, -1, 2.5, "\u00e9\n\u2028", [], {}, {"a": [1, {"b": None}]}],
        *[2**64 - 1, -(2**63), 2**64, -(2**63) - 1, float("nan"), float("-inf")],
        *["\ud800", {"\ud800": 1}, {"a": {1, 2}}, [b""]],
    ],
    ids=repr,
)
def test_json_is_written_alike_without_orjson(value: Any) -> None:
    for write in (
        lambda: dump(value),
        lambda: dump(value, indent=True),
        lambda: write_json({"x": value}),
    ):
        given, without = with_and_without_orjson(write)
        assert given == without


@given(strategies.messages | strategies.conversations)
def test_the_json_form_is_the_same_value_without_orjson(thing: Any) -> None:
    texts = with_and_without_orjson(thing.to_json)
    assert json.loads(texts[0]) == json.loads(texts[1])
    objects = with_and_without_orjson(lambda: type(thing).from_json(texts[0]))
    assert objects == (thing, thing)


def test_without_orjson_too_bad_json_is_refused_with_its_place() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "orjson", None)
        for text, place in (
            ('{"NaN": [1,\n  NaN]}', "line 2 column 3"),
            ('["\\"NaN", -Infinity]', "line 1 column 11"),
            ("[1,, 2]", "line 1 column 4"),
            ("[" * 100_000, "line 1 column 1 "),
        ):
            with pytest.raises(ValueError, match=place):
                read_json("X", text)


def test_without_orjson_too_a_key_that_is_no_string_is_refused() -> None:
    for result in with_and_without_orjson(lambda: dump({1: 2})):
        assert result is TypeError
