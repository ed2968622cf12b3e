"""The objects themselves: making, changing, comparing and copying them."""

from __future__ import annotations

import copy
import dataclasses
import doctest
import importlib
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given

import harmony
from harmony import errors, load_harmony_encoding, messages
from harmony.contents import (
    ChannelConfig,
    Content,
    DeveloperContent,
    ReasoningEffort,
    SystemContent,
    TextContent,
)
from harmony.messages import Author, Conversation, Message, Role
from harmony.tools import ToolDescription, ToolNamespaceConfig
from support import strategies

USER = Author(Role.USER)


def with_examples() -> list[str]:
    """Return the modules that have examples.

    That of ``compat`` is left out: it takes a name for the whole process.
    """
    package = Path(harmony.__file__).parent
    found = [
        ".".join(["harmony", *path.relative_to(package).with_suffix("").parts])
        for path in package.rglob("*.py")
        if path.name != "compat.py" and ">>> " in path.read_text(encoding="utf-8")
    ]
    return sorted(name.removesuffix(".__init__") for name in found)


@pytest.mark.parametrize("name", with_examples())
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    flags = doctest.ELLIPSIS
    failed, tried = doctest.testmod(module, optionflags=flags)
    assert tried and not failed


# Errors


@pytest.mark.parametrize(
    "kind",
    [
        errors.HarmonyError,
        errors.VocabularyError,
        errors.EncodeError,
        errors.DecodeError,
        errors.RenderError,
        errors.ParseError,
    ],
)
def test_every_error_is_a_harmony_error_and_pickles(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.HarmonyError)
    assert issubclass(kind, RuntimeError)
    again = pickle.loads(pickle.dumps(kind("what")))
    assert type(again) is kind and str(again) == "what"


@pytest.mark.parametrize("kind", [errors.DecodeError, errors.ParseError])
def test_a_position_is_kept(kind: type[errors.ParseError]) -> None:
    assert kind("what").position is None
    error = kind("what", position=7)
    for again in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(again), again.position) == ("what", 7)


# Enums


def test_a_role_is_its_value_but_prints_as_an_enum_does() -> None:
    role: object = Role.USER
    assert role == "user" and hash(role) == hash("user")
    assert str(Role.USER) == "Role.USER" and repr(Role.USER) == "<Role.USER: 'user'>"
    assert str(ReasoningEffort.LOW) == "ReasoningEffort.LOW"


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    known = r"\(known: user, assistant, system, developer, tool\)$"
    with pytest.raises(ValueError, match=r"^unknown role 'bob' " + known):
        Role("bob")
    with pytest.raises(ValueError, match=r"^Author\.role: unknown role 'bob' " + known):
        Author("bob")
    with pytest.raises(ValueError, match=r"^Author\.role: unknown role 5 \(int\) "):
        Author(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"'lowest' \(known: Low, Medium, High\)$"):
        SystemContent(reasoning_effort="lowest")  # type: ignore[arg-type]


@pytest.mark.parametrize("effort", list(ReasoningEffort))
def test_a_reasoning_effort_may_be_spelled_in_upper_and_lower_case(
    effort: ReasoningEffort,
) -> None:
    """Only "Low", "Medium" and "High" used to be known."""
    for spelled in (effort.value.lower(), effort.value.upper(), effort.value):
        assert ReasoningEffort(spelled) is effort
        system = SystemContent().with_reasoning_effort(spelled)
        assert system.reasoning_effort is effort
        form = {"type": "system_content", "reasoning_effort": spelled}
        assert SystemContent.from_dict(form) == system
        assert system.to_dict()["reasoning_effort"] == effort.value
    for wrong in ("", "highest", " high", "no", 1, None, b"high"):
        with pytest.raises(ValueError, match=r"^unknown reasoning effort "):
            ReasoningEffort(wrong)


def test_the_text_of_a_message_is_that_of_its_text_contents() -> None:
    """``message.content[0].text`` used to be the way, which type checkers refuse."""
    texts = [TextContent("2 + 2"), TextContent(""), TextContent(" = ?")]
    assert Message("user", "hi").text == "hi"
    assert Message("user", texts).text == "2 + 2 = ?"
    assert Message("user").text == ""
    assert Message("system", SystemContent()).text == ""
    assert Message("developer", [DeveloperContent("Be"), *texts]).text == "2 + 2 = ?"
    with pytest.raises(AttributeError):
        Message("user", "hi").text = "ho"  # type: ignore[misc]


def test_the_text_of_a_message_is_no_field() -> None:
    message = Message("user", "hi")
    assert "text" not in message.to_dict() and "text=" not in repr(message).replace(
        "TextContent(text=", ""
    )
    with pytest.raises(ValueError, match="has no field 'text'"):
        message.model_copy(update={"text": "ho"})


# Making messages


def test_an_author_is_made_by_position_keyword_and_new() -> None:
    assert Author("tool", "f") == Author(role=Role.TOOL, name="f")
    assert Author.new(Role.TOOL, "f") == Author("tool", "f")
    assert type(Author("tool").role) is Role


@pytest.mark.parametrize("author", [USER, Role.USER, "user"])
def test_an_author_may_be_given_as_a_role(author: Any) -> None:
    assert Message(author, "hi").author == USER
    assert type(Message(author, "hi").author.role) is Role


class Named(Author):
    """An author of a kind of its own."""


def test_an_author_of_another_kind_stays_the_same_object() -> None:
    author = Named("user", "bob")
    assert Message(author, "hi").author is author


@pytest.mark.parametrize(
    "content",
    [
        "hi",
        TextContent("hi"),
        [TextContent("hi")],
        (TextContent("hi"),),
        [{"type": "text", "text": "hi"}],
    ],
)
def test_content_is_always_a_list(content: Any) -> None:
    assert Message("user", content).content == [TextContent("hi")]


def test_every_way_to_make_a_message() -> None:
    message = Message(USER, [TextContent("hi")])
    assert message == Message(author=USER, content="hi")
    assert message == Message.from_author_and_content(USER, "hi")
    assert message == Message.from_role_and_content(Role.USER, "hi")
    assert message == Message.from_role_and_content("user", TextContent("hi"))
    assert message == Message.from_role_and_contents(Role.USER, [TextContent("hi")])
    assert Message("user").content == []


def test_a_message_does_not_share_its_list() -> None:
    items: list[Content] = [TextContent("a")]
    message = Message("user", items).adding_content("b")
    assert len(items) == 1 and len(message.content) == 2
    said = [message]
    Conversation(said).messages.append(message)
    assert len(said) == 1
    assert Message("user").content is not Message("user").content


def test_the_helpers_of_a_message_change_and_return_it() -> None:
    message = Message("assistant", "a")
    assert message.adding_content(TextContent("b")) is message
    assert message.with_channel("commentary") is message
    assert message.with_recipient("functions.f") is message
    assert message.with_content_type("<|constrain|>json") is message
    assert message == Message(
        "assistant",
        [TextContent("a"), TextContent("b")],
        "commentary",
        "functions.f",
        "<|constrain|>json",
    )
    assert message.with_channel(None).channel is None


def test_a_conversation_is_iterable() -> None:
    said = [Message("user", "a"), Message("assistant", "b")]
    conversation = Conversation.from_messages(said)
    assert list(conversation) == said
    assert Conversation.from_messages(iter(said)) == conversation
    assert Conversation() == Conversation([])


WRONG = [
    ('Author("user", 5)', "Author.name: expected a string or None, got 5 (int)"),
    ("TextContent(5)", "TextContent.text: expected a string, got 5 (int)"),
    (
        'Message("user", "a", 5)',
        "Message.channel: expected a string or None, got 5 (int)",
    ),
    (
        'Message("user", "a", None, b"x")',
        "Message.recipient: expected a string or None, got b'x' (bytes)",
    ),
    (
        'Message("user", "a", content_type=True)',
        "Message.content_type: expected a string or None, got True (bool)",
    ),
    (
        'Message("user", "a").with_channel(5)',
        "Message.channel: expected a string or None, got 5 (int)",
    ),
    (
        'Message({"role": "user"}, "a")',
        "Message.author: expected an Author or a role, got {'role': 'user'} (dict)",
    ),
    (
        'Message("user", None)',
        "Message.content: expected a string, a Content or a list, got None",
    ),
    (
        'Message("user", {"type": "text", "text": "a"})',
        "Message.content: expected a string, a Content or a list, "
        "got {'text': 'a', 'type': 'text'} (dict)",
    ),
    (
        'Message("user", [TextContent("a"), "b"])',
        "Message.content[1]: expected a Content, got 'b' (str)",
    ),
    (
        'Message("user", "a").adding_content(5)',
        "Message.content: expected a string or a Content, got 5 (int)",
    ),
    (
        'Conversation([Message("user"), 5])',
        "Conversation.messages[1]: expected a Message, got 5 (int)",
    ),
    (
        'Conversation.from_messages("ab")',
        "Conversation.messages: expected a list, got 'ab' (str)",
    ),
    (
        'ChannelConfig(["a", 5], True)',
        "ChannelConfig.valid_channels[1]: expected a string, got 5 (int)",
    ),
    (
        'ChannelConfig.require_channels("abc")',
        "ChannelConfig.valid_channels: expected a list, got 'abc' (str)",
    ),
    (
        "ChannelConfig([], 1)",
        "ChannelConfig.channel_required: expected True or False, got 1 (int)",
    ),
    (
        "SystemContent(model_identity=5)",
        "SystemContent.model_identity: expected a string or None, got 5 (int)",
    ),
    (
        "SystemContent(conversation_start_date=5)",
        "SystemContent.conversation_start_date: expected a string or None, got 5 (int)",
    ),
    (
        'SystemContent(channel_config=["a"])',
        "SystemContent.channel_config: expected a ChannelConfig, got ['a'] (list)",
    ),
    (
        "SystemContent(tools=[])",
        "SystemContent.tools: expected a dict of ToolNamespaceConfig or None, "
        "got [] (list)",
    ),
    (
        'DeveloperContent(tools={"functions": 5})',
        "DeveloperContent.tools.functions: expected a ToolNamespaceConfig, got 5 (int)",
    ),
    (
        "DeveloperContent().with_tools(5)",
        "DeveloperContent.tools: expected a ToolNamespaceConfig, got 5 (int)",
    ),
    (
        "DeveloperContent().with_function_tools([5])",
        "ToolNamespaceConfig.tools[0]: expected a ToolDescription, got 5 (int)",
    ),
    (
        "RenderConversationConfig(None)",
        "RenderConversationConfig.auto_drop_analysis: expected True or False, got None",
    ),
    (
        "RenderConversationConfig(drop_analysis='always')",
        "RenderConversationConfig.drop_analysis: unknown rule 'always' (known: never, "
        "upstream, per_turn)",
    ),
    (
        "RenderConversationConfig(drop_analysis=True)",
        "RenderConversationConfig.drop_analysis: unknown rule True (bool) (known: "
        "never, upstream, per_turn)",
    ),
    (
        "RenderConversationConfig(channel_first=1)",
        "RenderConversationConfig.channel_first: expected True or False, got 1 (int)",
    ),
    (
        'RenderOptions("yes")',
        "RenderOptions.conversation_has_function_tools: "
        "expected True or False, got 'yes' (str)",
    ),
]


@pytest.mark.parametrize(("make", "complaint"), WRONG)
def test_a_wrong_type_is_named(make: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        eval(make, dict(vars(messages)))
    assert str(caught.value) == complaint


# Contents


def test_the_defaults_of_a_system_prompt() -> None:
    system = SystemContent.new()
    assert system == SystemContent(
        "You are ChatGPT, a large language model trained by OpenAI.",
        ReasoningEffort.MEDIUM,
        None,
        "2024-06",
        ChannelConfig.require_channels(["analysis", "commentary", "final"]),
        None,
    )


def test_system_prompts_share_nothing() -> None:
    one = SystemContent()
    assert one.channel_config is not None
    one.channel_config.valid_channels.append("x")
    one.with_python_tool()
    other = SystemContent()
    assert other.channel_config == ChannelConfig(
        ["analysis", "commentary", "final"], True
    )
    assert other.tools is None


def test_the_helpers_of_a_system_prompt_change_and_return_it() -> None:
    system = SystemContent()
    config = ChannelConfig(["final"], False)
    assert system.with_model_identity("me") is system
    assert system.with_reasoning_effort("High") is system
    assert system.with_conversation_start_date("2025-06-28") is system
    assert system.with_knowledge_cutoff("2025-01") is system
    assert system.with_channel_config(config) is system
    assert system == SystemContent(
        "me", ReasoningEffort.HIGH, "2025-06-28", "2025-01", config
    )
    assert type(system.reasoning_effort) is ReasoningEffort
    assert system.with_required_channels(["a"]) is system
    assert system.channel_config == ChannelConfig(["a"], True)
    assert config == ChannelConfig(["final"], False)
    assert system.with_browser_tool().with_python_tool().with_browser_tool() is system
    assert list(system.tools or {}) == ["browser", "python"]


def test_with_tools_puts_a_namespace_under_its_name() -> None:
    first = ToolNamespaceConfig("n", "first")
    second = ToolNamespaceConfig("n", "second")
    given = {"key": first}
    developer = DeveloperContent(tools=given).with_tools(first).with_tools(second)
    assert developer.tools == {"key": first, "n": second}
    assert given == {"key": first}


def test_with_function_tools_replaces_all_functions() -> None:
    developer = DeveloperContent.new().with_instructions("Be brief.")
    developer.with_tools(ToolNamespaceConfig("n"))
    developer.with_tools(ToolNamespaceConfig("functions", "gone"))
    assert developer.with_function_tools((ToolDescription("f"),)) is developer
    assert developer.tools == {
        "n": ToolNamespaceConfig("n"),
        "functions": ToolNamespaceConfig("functions", None, [ToolDescription("f")]),
    }


def test_content_without_a_json_form_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Content has no JSON form"):
        Message("user", Content()).to_dict()


# What every dataclass does


@given(strategies.conversations)
def test_copies_are_equal(conversation: Conversation) -> None:
    for again in (
        copy.copy(conversation),
        copy.deepcopy(conversation),
        pickle.loads(pickle.dumps(conversation)),
    ):
        assert again == conversation and again is not conversation


def test_objects_compare_by_value_and_print_as_dataclasses() -> None:
    message = Message("user", "hi")
    assert repr(message) == (
        "Message(author=Author(role=<Role.USER: 'user'>, name=None), "
        "content=[TextContent(text='hi')], channel=None, recipient=None, "
        "content_type=None)"
    )
    assert dataclasses.replace(message, channel="final") == Message(
        "user", "hi", "final"
    )
    assert message != Message("user", "ho")
    assert copy.deepcopy(message).content[0] is not message.content[0]
    message.channel = "final"
    assert message.channel == "final"


# The reference

OURS = {
    *{"channel_first", "drop_analysis", "end_token", "response_formats", "schemas"},
}
"""Fields that the reference does not have."""


@pytest.mark.reference
@pytest.mark.parametrize(
    "name",
    [
        "Author",
        "ChannelConfig",
        "Content",
        "Conversation",
        "DeveloperContent",
        "Message",
        "RenderConversationConfig",
        "RenderOptions",
        "SystemContent",
        "TextContent",
        "ToolDescription",
        "ToolNamespaceConfig",
    ],
)
def test_every_name_of_the_reference_is_here(name: str, reference: Any) -> None:
    theirs = getattr(reference.module, name)
    ours = getattr(messages, name)
    public = {key for key in vars(theirs) if not key.startswith(("_", "model_"))}
    assert public <= set(dir(ours)) | set(getattr(ours, "__dataclass_fields__", ()))
    fields = set(theirs.model_fields)
    assert fields == set(getattr(ours, "__dataclass_fields__", ())) - OURS


@pytest.mark.reference
@pytest.mark.parametrize("name", ["Role", "ReasoningEffort"])
def test_the_enums_are_the_references(name: str, reference: Any) -> None:
    theirs = list(getattr(reference.module, name))
    ours = list(getattr(messages, name))
    for their, our in zip(theirs, ours, strict=True):
        assert (their.name, their.value) == (our.name, our.value)
        assert (str(their), repr(their)) == (str(our), repr(our))
        assert f"{their}" == f"{our}" and f"{their:>20}" == f"{our:>20}"
        assert our == their.value and hash(our) == hash(their)


NAMESPACE = 'ToolNamespaceConfig(name="n", description="d", tools=[])'
FUNCTIONS = 'ToolNamespaceConfig(name="functions", description="d", tools=[])'
TOOL = 'ToolDescription.new("f", "d", parameters={"type": "object"})'


@pytest.mark.reference
@pytest.mark.parametrize(
    "make",
    [
        'SystemContent.new().with_model_identity("me").with_reasoning_effort('
        "ReasoningEffort.HIGH)",
        'SystemContent().with_conversation_start_date("d").with_knowledge_cutoff("k")',
        'SystemContent().with_required_channels(["b", "a"])',
        "SystemContent().with_required_channels([])",
        "SystemContent().with_channel_config("
        'ChannelConfig(valid_channels=["a"], channel_required=False))',
        "SystemContent().with_python_tool().with_browser_tool().with_python_tool()",
        f"SystemContent().with_tools({NAMESPACE}).with_tools({NAMESPACE})",
        f'DeveloperContent(tools={{"key": {NAMESPACE}}}).with_tools({NAMESPACE})',
        f"DeveloperContent.new().with_tools({FUNCTIONS}).with_function_tools([{TOOL}])",
        f"DeveloperContent().with_tools({NAMESPACE}).with_function_tools(({TOOL},))",
        'DeveloperContent().with_instructions("i").with_function_tools([])',
    ],
)
def test_the_helpers_do_what_the_references_do(make: str, reference: Any) -> None:
    ours = eval(make, dict(vars(messages))).to_dict()
    theirs = eval(make, dict(vars(reference.module))).to_dict()
    assert ours == theirs
    assert list(ours.get("tools", {})) == list(theirs.get("tools", {}))


def test_a_misplaced_content_is_an_error_in_a_message_that_is_left_out_too() -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    thought = Message("user", SystemContent(), channel="analysis")
    answer = Message("assistant", "4", channel="final")
    with pytest.raises(errors.RenderError, match=r"^messages\[0\]: a SystemContent"):
        encoding.render_conversation(messages.Conversation([thought, answer]))


@pytest.mark.parametrize(
    "render", ["render", "render_conversation", "render_conversation_for_training"]
)
def test_a_message_that_was_changed_to_none_is_a_render_error(render: str) -> None:
    """It was a TypeError or an AttributeError, without saying which message."""
    encoding = load_harmony_encoding("HarmonyGptOss")

    def complaint(message: Any) -> str:
        what = message
        if render != "render":
            what = messages.Conversation([Message("user", "hi")])
            what.messages.append(message)
        with pytest.raises(errors.RenderError) as caught:
            getattr(encoding, render)(what)
        return str(caught.value).partition("]: ")[2]

    empty = Message("user", "hi")
    empty.content = None  # type: ignore[assignment]
    assert complaint(None) == "expected a Message, got NoneType"
    assert complaint("hi") == "expected a Message, got str"
    assert complaint(empty) == "content: expected a list, got NoneType"
