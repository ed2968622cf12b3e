"""What is remembered of rendered messages: never seen in the result, and bounded."""

from __future__ import annotations

import gc
import unittest.mock
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from enum import Enum
from functools import partial
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    Author,
    ChannelConfig,
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    RenderError,
    RenderOptions,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
    _native,
    prompts,
)
from harmony import messages as messages_module
from harmony._model.text import utf8
from harmony.cache import ENTRY_SIZE, Cache, size_of
from harmony.rendering import (
    CACHE_SIZE,
    FAULTS,
    Parts,
    Plan,
    Renderer,
    _fault,
    _has_function_tools,
    _size,
    _unwritten_parts,
    _written,
)
from support import strategies

KEEPING = RenderConversationConfig(drop_analysis="never")


def plainly(encoding: HarmonyEncoding, messages: list[Message], drop: bool) -> Any:
    """Render without remembering: from the messages themselves, all at once."""
    with unittest.mock.patch("harmony.prompts.tools_section", prompts._written):
        return at_once(encoding, messages, drop)


def at_once(encoding: HarmonyEncoding, messages: list[Message], drop: bool) -> Any:
    function_tools = _has_function_tools(messages)
    plan = Plan()
    for index, message in enumerate(messages):
        try:
            role, *texts = parts_of(message, function_tools)
            plain = [None if text is None else utf8(text).decode() for text in texts]
            plan.add((role, *plain))
        except FAULTS as error:
            raise _fault(index, message, error) from error
    tokens, _ = encoding._native.render(
        plan.text, plan.records, plan.message_count, drop_analysis=drop
    )
    return tokens


def parts_of(message: Message, function_tools: bool = False) -> Parts:
    return _written(_unwritten_parts(message, function_tools, "reference"))


def rendered(
    renderer: Renderer, messages: list[Message], drop: bool = False
) -> list[int]:
    return renderer.render_conversation(messages, None if drop else KEEPING)


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


# Any conversation, changed in any way


class Word(str, Enum):
    FINAL = "final"


class Text(str):
    """A string that shows itself in another way."""

    def __format__(self, _spec: str) -> str:
        return "something else"

    def encode(self, *_: Any) -> bytes:
        return b"something else"


VALUES: list[Any] = [
    *[None, "", "final", "analysis", "a", "functions", "\ud83d", "é", Word.FINAL],
    *[Text("final"), Text("a"), Role.TOOL, "tool", b"a", bytearray(b"a")],
    *[0, 1, 1.0, True, False, -0.0, float("nan"), 2**70, 1j, ...],
    *[(), [], {}, set(), ["a", "b"], ("a", "b"), {"a", "b"}, {"a": 1}, {1: "a"}],
    *[{"type": "string", "default": 1}, {"default": True}],
    *[[TextContent("a")], (TextContent("a"),), TextContent("b"), SystemContent()],
    *[ChannelConfig(["a"], True), Author(Role.USER), ToolDescription("t")],
    *[[ToolDescription("t")], (ToolDescription("t", None, {"type": "string"}),)],
    *[{"functions": ToolNamespaceConfig("functions", None, [ToolDescription("t")])}],
]


def parts(thing: object) -> Iterator[tuple[Any, Any]]:
    """Give every object, dict and list that a message is made of, and its keys."""
    if isinstance(thing, (dict, list)):
        yield from ((thing, key) for key in list(keys(thing)))
        for key in list(keys(thing)):
            yield from parts(thing[key])
    elif hasattr(thing, "__dataclass_fields__"):
        for name, value in list(vars(thing).items()):
            yield thing, name
            yield from parts(value)


def keys(thing: Any) -> Any:
    return thing.keys() if isinstance(thing, dict) else range(len(thing))


def change(thing: Any, key: Any, value: Any) -> None:
    if isinstance(thing, (dict, list)):
        thing[key] = value
    else:
        setattr(thing, key, value)


def proper(message: Message) -> Message:
    """Give a prompt to the role that may say it, so that most messages are right."""
    for content in message.content:
        if isinstance(content, SystemContent):
            message.author.role = Role.SYSTEM
        elif isinstance(content, DeveloperContent):
            message.author.role = Role.DEVELOPER
    return message


@given(
    st.lists(strategies.messages.map(proper), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(VALUES)), max_size=4),
    st.booleans(),
)
def test_what_is_remembered_never_shows(
    encoding: HarmonyEncoding,
    messages: list[Message],
    changes: list[tuple[int, Any]],
    drop: bool,
) -> None:
    renderer = Renderer(encoding._native)

    def check() -> None:
        for _ in range(3):  # new, known as int32, known as ints
            wanted = outcome(lambda: plainly(encoding, messages, drop))
            found = outcome(lambda: rendered(renderer, messages, drop))
            assert found == wanted

    check()
    for number, value in changes:
        places = list(parts(messages))
        thing, key = places[number % len(places)]
        before = thing[key] if isinstance(thing, (dict, list)) else getattr(thing, key)
        change(thing, key, deepcopy(value))
        check()
        if number % 2:
            change(thing, key, before)
            check()


# What Python takes to be equal


def developer(parameters: Any) -> Message:
    tool = ToolDescription("f", None, {})
    tool.parameters = parameters
    return Message("developer", DeveloperContent().with_function_tools([tool]))


def with_default(value: Any) -> Message:
    return developer({"type": "object", "properties": {"x": {"default": value}}})


@pytest.mark.parametrize(
    "values",
    [(1, 1.0, True), (0, 0.0, -0.0, False), ("a", b"a"), ({"a": 1}, {"a": True})],
)
def test_equal_defaults_that_are_written_otherwise_are_told_apart(
    encoding: HarmonyEncoding, values: tuple[Any, ...]
) -> None:
    renderer = Renderer(encoding._native)
    for value in (*values, *reversed(values)):
        messages = [with_default(value)]
        wanted = outcome(partial(plainly, encoding, messages, False))
        assert outcome(partial(rendered, renderer, messages)) == wanted


def test_bytes_that_are_marshalled_alike_are_told_apart(
    encoding: HarmonyEncoding,
) -> None:
    renderer = Renderer(encoding._native)
    for value in (b"a", bytearray(b"a")):
        system = SystemContent()
        system.conversation_start_date = value  # type: ignore[assignment]
        messages = [Message("system", system)]
        assert rendered(renderer, messages) == plainly(encoding, messages, False)


class Alike(str):
    """A string that takes itself for any other, such as "a"."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    def __hash__(self) -> int:
        return hash("a")


@pytest.mark.parametrize("content", [TextContent("hi"), SystemContent()])
def test_strings_that_compare_as_they_like_are_told_apart(
    encoding: HarmonyEncoding, content: Any
) -> None:
    renderer = Renderer(encoding._native)
    message = Message("system", content, channel="a")
    rendered(renderer, [message])
    message.channel = "b"
    wanted = plainly(encoding, [message], False)
    message.channel = Alike("b")
    assert rendered(renderer, [message]) == wanted


def test_a_role_may_be_set_to_its_value(encoding: HarmonyEncoding) -> None:
    message = Message("system", SystemContent())
    wanted = encoding.render(message)
    message.author.role = "system"  # type: ignore[assignment]
    assert encoding.render(message) == wanted
    message.author.role = "robot"  # type: ignore[assignment]
    with pytest.raises(RenderError, match=r"^messages\[0\]: .*'robot'"):
        encoding.render(message)


def test_an_opening_is_that_of_a_known_role(encoding: HarmonyEncoding) -> None:
    with pytest.raises(ValueError, match="'robot'"):
        encoding.render_conversation_for_completion(Conversation(), "robot")


def test_a_prompt_behind_a_text(encoding: HarmonyEncoding) -> None:
    message = Message("system", [TextContent("a"), SystemContent("b", None, None)])
    text = encoding.decode(encoding.render(message))
    assert text.startswith("<|start|>system<|message|>ab\n")


def test_what_is_wrong_with_contents_is_said(encoding: HarmonyEncoding) -> None:
    """A text that had been set to None raised AttributeError or TypeError."""
    for content, what in (
        (5, "content: expected a list, got int"),
        ([with_tools([1])], "'list' object has no attribute 'get'"),
        ([with_text(5)], "'int' object has no attribute 'encode'"),
        ([with_text(None)], "'NoneType' object has no attribute 'encode'"),
    ):
        message = Message("developer", "hi")
        message.content = content  # type: ignore[assignment]
        talk = Conversation([Message("user", "hi"), message])
        for render in (
            encoding.render_conversation,
            encoding.render_conversation_for_training,
        ):
            with pytest.raises(RenderError) as caught:
                render(talk)
            assert str(caught.value) == f"messages[1]: {what}"
        with pytest.raises(RenderError) as caught:
            encoding.render_batch_to_arrays([talk])
        assert str(caught.value) == f"conversations[0]: messages[1]: {what}"


def with_text(text: Any) -> TextContent:
    content = TextContent("hi")
    content.text = text
    return content


def with_tools(tools: Any) -> DeveloperContent:
    content = DeveloperContent()
    content.tools = tools
    return content


def test_an_iterator_is_left_to_rendering(encoding: HarmonyEncoding) -> None:
    tool = ToolDescription("f")
    message = Message("developer", DeveloperContent().with_function_tools([tool]))
    wanted = encoding.render(message)
    message.content[0].tools["functions"].tools = iter([tool])  # type: ignore
    assert encoding.render(message) == wanted


def test_sets_are_told_apart_by_their_order(encoding: HarmonyEncoding) -> None:
    words = map(str, range(1000))
    first = next(words)
    second = next(w for w in words if [*{first, w}] != [*set([w, first])])
    renderer = Renderer(encoding._native)
    texts = []
    for pair in ([first, second], [second, first]):
        system = SystemContent()
        system.channel_config.valid_channels = set(pair)  # type: ignore
        messages = [Message("system", system)]
        texts.append(rendered(renderer, messages))
        assert texts[-1] == plainly(encoding, messages, False)
    assert texts[0] != texts[1]


def test_the_order_of_properties_is_told_apart(encoding: HarmonyEncoding) -> None:
    one: Any = {"a": {}, "b": {}}
    two: Any = {"b": {}, "a": {}}
    assert one == two
    shapes = [developer({"type": "object", "properties": item}) for item in (one, two)]
    tokens = [encoding.render(message) for message in shapes]
    assert tokens[0] != tokens[1]


def test_function_tools_change_a_system_prompt_that_is_rendered_alone(
    encoding: HarmonyEncoding,
) -> None:
    system = Message("system", SystemContent())
    for has_tools in (False, True, False):
        options = RenderOptions(conversation_has_function_tools=has_tools)
        text = encoding.decode(encoding.render(system, options))
        assert ("'functions'" in text) == has_tools


def test_function_tools_change_a_system_prompt_that_is_remembered(
    encoding: HarmonyEncoding,
) -> None:
    system = Message("system", SystemContent())
    tools = Message(
        "developer", DeveloperContent().with_function_tools([ToolDescription("f")])
    )
    texts = [
        encoding.decode(encoding.render_conversation(Conversation(messages)))
        for messages in ([system], [system, tools], [system])
    ]
    assert ["'functions'" in text for text in texts] == [False, True, False]


def test_tools_are_written_from_their_bytes_not_from_what_has_become_of_them() -> None:
    content: Any = with_default(1).content[0]
    tools = content.tools
    data = prompts._bytes(prompts._fields(tools), "reference")
    before = prompts.tools_section(tools)
    tools["functions"].tools[0].parameters["type"] = "string"
    assert prompts._written(prompts._tools(data), "reference") == before
    assert prompts._written(tools, "reference") != before


@pytest.mark.parametrize(
    "value", [True, 1, "final", Text("final"), b"a", (), ("a",), 1.5, {}], ids=repr
)
@pytest.mark.parametrize(
    ("content", "name"),
    [
        *((SystemContent, name) for name in vars(SystemContent())),
        *((DeveloperContent, name) for name in vars(DeveloperContent())),
    ],
)
def test_a_prompt_with_a_field_of_another_type(
    encoding: HarmonyEncoding, content: Any, name: str, value: Any
) -> None:
    """What is wrong is said where the message is read, with its index."""
    said = content()
    setattr(said, name, value)
    role = "system" if content is SystemContent else "developer"
    message, renderer = Message(role, [said]), Renderer(encoding._native)
    for _ in range(3):
        found = outcome(lambda: rendered(renderer, [message]))
        assert found == outcome(lambda: plainly(encoding, [message], False))


# What is left out


def turn(number: int) -> list[Message]:
    return [
        Message("user", f"question {number}"),
        Message("assistant", f"thought {number}", channel="analysis"),
        Message("assistant", f"answer {number}", channel="final"),
    ]


def test_thinking_is_left_out_of_a_chat_that_is_remembered(
    encoding: HarmonyEncoding,
) -> None:
    renderer = Renderer(encoding._native)
    chat: list[Message] = []
    for message in [item for number in range(4) for item in turn(number)]:
        chat.append(message)
        for drop in (True, False, True):
            tokens = rendered(renderer, chat, drop)
            assert tokens == plainly(encoding, chat, drop)


def test_thinking_is_left_out_where_all_messages_are_on_channels(
    encoding: HarmonyEncoding,
) -> None:
    renderer = Renderer(encoding._native)
    for _ in range(2):
        tokens = rendered(renderer, turn(1)[1:], True)
        assert tokens == encoding.render(turn(1)[2])


# What is encoded


class Spy:
    """An encoding that notes the texts it has to encode."""

    def __init__(self, encoding: HarmonyEncoding) -> None:
        self.inner = encoding._native
        self.texts: list[str] = []

    def render(self, text: bytearray, *rest: Any, **options: Any) -> Any:
        self.texts.append(text.decode())
        return self.inner.render(text, *rest, **options)

    def render_said(self, said: Any, known: Any, *rest: Any, **options: Any) -> Any:
        found = self.inner.render_said(said, known, *rest, **options)
        new = [parts for parts, tokens in zip(said, known, strict=True) if not tokens]
        if found is not None and new:
            self.texts.append("".join(text for parts in new for text in parts[5:]))
        return found


def test_what_was_rendered_before_is_not_encoded_again(
    encoding: HarmonyEncoding,
) -> None:
    spy = Spy(encoding)
    renderer = Renderer(spy)  # type: ignore[arg-type]
    chat = [Message("system", SystemContent()), *turn(1), *turn(2)]
    rendered(renderer, chat)
    assert "question 2" in spy.texts.pop()
    again = Conversation.from_json(Conversation(chat).to_json()).messages
    rendered(renderer, again)
    assert spy.texts == []
    rendered(renderer, [*again, Message("user", "and now?")], True)
    assert spy.texts.pop().removeprefix("analysisfinal") == "and now?"
    assert spy.texts == []


def test_what_is_remembered_serves_where_the_straight_way_ends(
    encoding: HarmonyEncoding,
) -> None:
    """C leaves a tool without a name to Python, and channels that are no Unicode."""
    nameless = Message("tool", "x", channel="analysis")
    odd = Message("user", "hi", channel="\ud83d")
    for more, drop in product(([odd], [odd, nameless]), (True, False)):
        renderer = Renderer(encoding._native)
        chat = [*turn(1), *more]
        for _ in range(3):  # known as int32, then as ints
            rendered(renderer, turn(1))
            rendered(renderer, [odd])
            wanted = outcome(partial(plainly, encoding, chat, drop))
            assert outcome(partial(rendered, renderer, chat, drop)) == wanted


def test_an_empty_message_behind_what_is_remembered(encoding: HarmonyEncoding) -> None:
    """There is no text that the others could be in."""
    renderer = Renderer(encoding._native)
    chat = [Message("user", "hi"), Message("user", "")]
    rendered(renderer, chat[:1])
    assert rendered(renderer, chat) == plainly(encoding, chat, False)


def test_an_opening_is_rendered_once(encoding: HarmonyEncoding) -> None:
    spy = Spy(encoding)
    renderer = Renderer(spy)  # type: ignore[arg-type]
    openings = [renderer.opening(role) for role in (Role.USER, "user", Role.USER)]
    assert openings == [(200_006, *encoding.encode("user"))] * 3
    assert spy.texts == [""]


def test_a_word_of_headers_is_put_into_the_text_once() -> None:
    plan = Plan()
    for message in turn(1):
        plan.add(parts_of(message))
        plan.add_stand_in(parts_of(message))
        plan.add(parts_of(message))
    texts = ["question 1" * 2, "thought 1", "analysis", "thought 1"]
    texts += ["answer 1", "final", "answer 1"]
    assert plan.text.decode() == "".join(texts)


def test_what_is_left_out_is_not_encoded(encoding: HarmonyEncoding) -> None:
    nameless = Message("tool", "x", channel="analysis")
    chat = [nameless, *turn(1)]
    renderer = Renderer(encoding._native)
    for _ in range(2):
        assert rendered(renderer, chat, True)
        with pytest.raises(RenderError, match="Tools should have a name"):
            rendered(renderer, chat)


def test_nothing_is_kept_of_training(encoding: HarmonyEncoding) -> None:
    renderer = Renderer(encoding._native)
    renderer.render_for_training(turn(1), None)
    assert renderer._cache.size() == 0


# What is kept


@pytest.mark.parametrize("text", ["a" * 10**6, "é" * 10**6, "😀" * 10**6])
def test_the_size_is_that_of_texts_and_tokens(text: str) -> None:
    for message in (
        Message("user", text),
        Message("user", "", channel=text),
        Message("developer", DeveloperContent(text)),
        Message("system", SystemContent(model_identity=text)),
        Message("system", SystemContent(), channel=text),
    ):
        key = _unwritten_parts(message, False, "reference")
        size = _size(key, (1,) * 1000)
        assert len(text) + 40_000 <= size


def test_tokens_are_kept_as_int32_and_when_they_come_again_as_ints(
    encoding: HarmonyEncoding,
) -> None:
    """Where there is no straight way, as ints at once."""
    renderer = Renderer(encoding._native)
    message = Message("user", "hi " * 100)
    tokens, text = encoding.render(message), size_of("hi " * 100)
    sizes = []
    for _ in range(3):
        assert rendered(renderer, [message]) == tokens
        sizes.append(renderer._cache.size() - ENTRY_SIZE - text)
    each = (40, 40, 40) if _native.EXTENSION is None else (4, 40, 40)
    assert sizes == [len(tokens) * size for size in each]


def test_the_bound_of_an_encoding_is_16_megabytes(encoding: HarmonyEncoding) -> None:
    assert CACHE_SIZE == 16 * 2**20
    assert encoding._renderer._cache._half == CACHE_SIZE // 2


def test_no_message_is_kept_alive(encoding: HarmonyEncoding) -> None:
    message = with_default(1)
    encoding.render(message)
    things = message, message.author, message.content[0]
    watched = [weakref.ref(thing) for thing in things]
    del message, things
    gc.collect()
    assert [reference() for reference in watched] == [None] * 3


# Threads


def test_threads_share_what_is_remembered(encoding: HarmonyEncoding) -> None:
    renderer = Renderer(encoding._native)
    renderer._cache = Cache(20_000)
    chats = [[m for n in range(i, i + 8) for m in turn(n)] for i in range(24)]
    wanted = [plainly(encoding, chat, True) for chat in chats]

    def work(_: int) -> bool:
        return all(
            rendered(renderer, chat, True) == tokens
            for _ in range(5)
            for chat, tokens in zip(chats, wanted, strict=True)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert renderer._cache.size() <= 20_000


# Which messages are left out and how headers read, written slowly


RULES = ("never", "upstream", "per_turn")
texts = st.lists(st.sampled_from(["", "a", " b\n", "<|end|>"]), max_size=2)
said = st.builds(
    lambda role, texts, *words: Message(
        Author(role, "functions.f" if role == "tool" else words[0]),
        [TextContent(text) for text in texts],
        *words[1:],
    ),
    st.sampled_from(["user", "assistant", "assistant", "tool"]),
    texts,
    st.sampled_from([None, "bob"]),
    st.sampled_from([None, "analysis", "commentary", "final", "final"]),
    st.sampled_from([None, None, "all", "functions.f"]),
    st.sampled_from([None, "json", "<|constrain|>json"]),
)


def is_answer(message: Message) -> bool:
    return message.author.role is Role.ASSISTANT and message.channel == "final"


def left(messages: list[Message], rule: str) -> list[Message]:
    """Return the messages that a rule leaves."""
    before = 0
    if rule == "upstream":
        by_assistant = [m for m in messages if m.author.role is Role.ASSISTANT]
        if by_assistant and is_answer(by_assistant[-1]):
            before = [m.channel for m in messages].index("final")
    elif rule == "per_turn":
        before = max((i for i, m in enumerate(messages) if is_answer(m)), default=0)
    return [
        message
        for i, message in enumerate(messages)
        if i >= before or message.channel != "analysis"
    ]


def runs(message: Message, channel_first: bool, stop: str) -> Iterator[str]:
    """Give what is encoded on its own of a message; special tokens are runs too."""
    author = message.author
    recipient = [f" to={message.recipient}"]
    if message.recipient in (None, "all"):
        recipient = []
    channel = ["<|channel|>", message.channel] if message.channel else []
    yield "<|start|>"
    yield (author.name or "") if author.role is Role.TOOL else author.role.value
    if author.name and author.role is not Role.TOOL:
        yield f":{author.name}"
    if channel_first and author.role is Role.ASSISTANT:
        yield from [*channel, *recipient]
    else:
        yield from [*recipient, *channel]
    if message.content_type == "json":
        yield " json"
    elif message.content_type:
        yield from [" ", "<|constrain|>", "json"]
    yield "<|message|>"
    for item in message.content:
        yield f"text:{item.text}"  # type: ignore[attr-defined]
    yield stop


def slowly(
    encoding: HarmonyEncoding,
    messages: list[Message],
    rule: str,
    channel_first: bool,
    training: bool,
) -> list[int]:
    tokens: list[int] = []
    for message in left(messages, rule):
        calls = message.author.role is Role.ASSISTANT and message.recipient is not None
        stop = "<|call|>" if calls else "<|end|>"
        if training and message is messages[-1] and is_answer(message):
            stop = "<|return|>"
        for run in runs(message, channel_first, stop):
            if run.startswith("<|"):
                tokens += encoding.encode(run, allowed_special="all")
            else:
                text = run.removeprefix("text:")
                tokens += encoding.encode(text, disallowed_special=())
    return tokens


@given(
    st.lists(said, max_size=7),
    st.sampled_from(RULES),
    st.booleans(),
)
def test_rules_and_headers_are_those_of_the_slow_way(
    encoding: HarmonyEncoding, messages: list[Message], rule: str, channel_first: bool
) -> None:
    config = RenderConversationConfig(drop_analysis=rule, channel_first=channel_first)
    talk = Conversation(messages)
    wanted = slowly(encoding, messages, rule, channel_first, False)
    assert encoding.render_conversation(talk, config) == wanted
    opening = encoding.encode("<|start|>assistant", allowed_special="all")
    prompt = encoding.render_conversation_for_completion(talk, "assistant", config)
    assert prompt == wanted + opening
    assert encoding.render_conversation_for_training(talk, config) == slowly(
        encoding, messages, rule, channel_first, True
    )


def test_the_rules_have_the_numbers_of_the_binding() -> None:
    assert tuple(_native.DROP_RULES) == messages_module.DROP_RULES == RULES


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({}, "upstream"),
        ({"auto_drop_analysis": False}, "never"),
        ({"auto_drop_analysis": False, "drop_analysis": "per_turn"}, "per_turn"),
        ({"drop_analysis": "never"}, "never"),
    ],
)
def test_the_rule_that_is_given_decides(
    encoding: HarmonyEncoding, fields: dict[str, Any], rule: str
) -> None:
    config = RenderConversationConfig(**fields)
    chat = [item for number in range(3) for item in turn(number)]
    wanted = slowly(encoding, chat, rule, False, False)
    assert encoding.render_conversation(Conversation(chat), config) == wanted


def test_the_models_header_and_the_templates_are_not_taken_for_each_other(
    encoding: HarmonyEncoding,
) -> None:
    """A message is remembered under what its tokens depend on."""
    renderer = Renderer(encoding._native)
    call = Message("assistant", "{}", "commentary", "functions.f", "<|constrain|>json")
    for channel_first in (False, True, False, True):
        config = RenderConversationConfig(channel_first=channel_first)
        tokens = renderer.render_conversation([call], config)
        assert tokens == slowly(encoding, [call], "never", channel_first, False)
    by_default = slowly(encoding, [call], "never", False, False)
    assert encoding.render(call) == by_default
    assert encoding.render_conversation(Conversation([call])) == by_default


def test_a_message_that_goes_on_is_not_taken_for_one_that_ends(
    encoding: HarmonyEncoding,
) -> None:
    renderer = Renderer(encoding._native)
    call = Message("assistant", "{}", "commentary", "functions.f", "<|constrain|>json")
    for channel_first, is_open in [*product((False, True), repeat=2)] * 3:
        config = RenderConversationConfig(channel_first=channel_first)
        found = renderer.render_conversation([call], config, open_last=is_open)
        wanted = slowly(encoding, [call], "never", channel_first, False)
        assert found == (wanted[:-1] if is_open else wanted)


def test_only_a_header_that_differs_is_remembered_twice(
    encoding: HarmonyEncoding,
) -> None:
    spy = Spy(encoding)
    renderer = Renderer(spy)  # type: ignore[arg-type]
    chat = [Message("user", "hi"), Message("assistant", "4", channel="final")]
    rendered(renderer, chat)
    config = RenderConversationConfig(drop_analysis="never", channel_first=True)
    renderer.render_conversation(chat, config)
    assert len(spy.texts) == 1


METHODS = ("conversation", "conversation_for_completion", "conversation_for_training")


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_config_and_no_conversation_is_named(
    encoding: HarmonyEncoding, method: str
) -> None:
    """A dict raised AttributeError or RenderError, by accident."""
    render: Any = getattr(encoding, f"render_{method}")
    more = ["assistant"] if "completion" in method else []
    talk = Conversation([Message("user", "hi")])
    for config in ({"auto_drop_analysis": False}, True, False, "never", 0):
        kind = type(config).__name__
        with pytest.raises(TypeError) as caught:
            render(talk, *more, config)
        assert str(caught.value) == (
            f"config: expected a RenderConversationConfig or None, got {kind}"
        )
    for wrong in ({}, talk.to_dict(), "hi", b"hi", None, 5, talk.messages[0]):
        kind = type(wrong).__name__
        with pytest.raises(TypeError) as caught:
            render(wrong, *more)
        assert str(caught.value) == (
            f"conversation: expected a Conversation or its messages, got {kind}"
        )
    wanted = render(talk, *more)
    assert render(talk.messages, *more) == wanted
    assert render((message for message in talk), *more) == wanted


LIMITED = developer(
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
)


@pytest.mark.parametrize("method", [*METHODS, "conversation_for_continuation"])
def test_parameters_are_written_as_the_config_says(
    encoding: HarmonyEncoding, method: str
) -> None:
    render: Any = getattr(encoding, f"render_{method}")
    more = ["assistant"] if "completion" in method else []
    for schemas in messages_module.SCHEMAS:
        config = RenderConversationConfig(schemas=schemas)
        text = encoding.decode(render([LIMITED], *more, config))
        assert ("minimum: 1" in text) == (schemas == "complete")


def test_parameters_of_a_message_alone_are_written_as_the_options_say(
    encoding: HarmonyEncoding,
) -> None:
    for schemas in messages_module.SCHEMAS:
        options = RenderOptions(schemas=schemas)
        text = encoding.decode(encoding.render(LIMITED, options))
        assert ("minimum: 1" in text) == (schemas == "complete")


class Shortened(Conversation):
    """A conversation that shows its last message only."""

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages[-1:])


def test_a_conversation_of_another_class_says_what_its_messages_are(
    encoding: HarmonyEncoding,
) -> None:
    chat = turn(1)
    wanted = encoding.render_conversation(Conversation(chat[-1:]))
    assert encoding.render_conversation(Shortened(chat)) == wanted


def test_messages_that_are_no_list_are_taken(encoding: HarmonyEncoding) -> None:
    talk = Conversation(turn(1))
    wanted = encoding.render_conversation(talk)
    talk.messages = deque(talk.messages)  # type: ignore[assignment]
    assert encoding.render_conversation(talk) == wanted


def test_a_config_that_was_changed_is_checked(encoding: HarmonyEncoding) -> None:
    config = RenderConversationConfig()
    config.drop_analysis = "always"
    with pytest.raises(ValueError, match=r"drop_analysis: unknown rule 'always' \(kno"):
        encoding.render_conversation(Conversation(), config)


def test_the_message_of_a_tool_without_a_name_is_named(
    encoding: HarmonyEncoding,
) -> None:
    """It was said that one was, and not which; further items are no messages."""
    chat = [
        Message("user", "hi"),
        Message("user", [TextContent("a"), TextContent("b")]),
        Message("tool", [TextContent("4"), TextContent("5")]),
        Message("user", "hi"),
    ]
    for _ in range(2):
        with pytest.raises(RenderError, match=r"^messages\[2\]: Tools should have a n"):
            encoding.render_conversation(Conversation(chat))
        encoding.render_conversation(Conversation(chat[:2]))
    with pytest.raises(RenderError, match=r"^messages\[0\]: .* as in functions\."):
        encoding.render(chat[2])
    with pytest.raises(RenderError, match=r"^messages\[2\]: "):
        encoding.render_conversation_for_training(Conversation(chat))


# What the binding gives


def test_the_binding_gives_the_parts_of_each_message(
    encoding: HarmonyEncoding,
) -> None:
    plan = Plan()
    for message in turn(1):
        plan.add(parts_of(message))
    for open_last in (False, True):
        tokens, parts = encoding._native.render(
            plan.text, plan.records, 3, drop_analysis=1, open_last=open_last
        )
        places = [parts[i : i + 4] for i in range(0, 12, 4)]
        words = [
            [encoding.decode(tokens[a:b]) for a, b in pairwise(part)] for part in places
        ]
        assert words == [
            ["<|start|>user<|message|>", "question 1", "<|end|>"],
            ["", "", ""],
            [
                "<|start|>assistant<|channel|>final<|message|>",
                "answer 1",
                "" if open_last else "<|end|>",
            ],
        ]


class Fickle(Message):
    """A message whose content can't be read the first time."""

    asked = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "content":
            Fickle.asked += 1
            if Fickle.asked == 1:
                raise ValueError("not now")
        return super().__getattribute__(name)


def test_an_error_that_does_not_come_again_is_raised_as_it_was(
    encoding: HarmonyEncoding,
) -> None:
    message = Fickle("user", "hi")
    Fickle.asked = 0
    with pytest.raises(ValueError, match=r"^not now$"):
        encoding.render_conversation(Conversation([message]))
