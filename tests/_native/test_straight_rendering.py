"""The straight way of rendering gives what the way written in Python gives."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    HarmonyEncoding,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    TextContent,
    _native,
    load_harmony_encoding,
)
from harmony._native import straight
from harmony.prompts import SystemPrompt, content_text
from harmony.rendering import (
    FORMS,
    ROLES,
    Renderer,
    _unwritten_parts,
    _written,
)
from support import strategies
from support.blocks import blocks_left
from support.examples import times

if _native.EXTENSION is None:
    pytest.skip("there are no straight ways here", allow_module_level=True)

RULES = [*_native.DROP_RULES.values()]
words = st.none() | st.sampled_from(["final", "analysis", "", "f", "é", "all"])
texts = st.sampled_from(["", "hello world", "世界", "<|end|>", "x" * 900])
authors = st.tuples(st.sampled_from(ROLES), st.sampled_from(["functions.f", "a"]))
parts = st.builds(
    lambda author, others, contents: (*author, *others, *contents),
    authors,
    st.tuples(words, words, words | st.just("<|constrain|>json")),
    st.lists(texts, max_size=3),
)


@times(5)
@given(
    st.lists(st.tuples(parts, st.sampled_from(["new", "int32", "ints"])), max_size=6),
    st.sampled_from(RULES),
    st.booleans(),
    st.booleans(),
)
def test_it_is_as_the_slow_way(
    given: list[tuple[Any, str]], rule: int, channel_first: bool, open_last: bool
) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    native, renderer = encoding._native, Renderer(encoding._native)
    said = [parts for parts, _ in given]
    nothing: list[Any] = [None] * len(said)
    alone: list[tuple[int, ...]] = []
    known: list[Any] = []
    for index, (each, how) in enumerate(given):
        is_open = open_last and index + 1 == len(said)
        manner = _native.DROP_RULES["never"], channel_first
        tokens, _ = renderer._in_full([each], nothing[:1], manner, open_last=is_open)
        alone.append(tuple(tokens))
        kept = {"new": None, "int32": array("i", tokens).tobytes(), "ints": alone[-1]}
        known.append(kept[how])
    expected, _ = renderer._in_full(
        said, nothing, (rule, channel_first), open_last=open_last
    )
    found = native.render_said(said, known, ROLES, rule, channel_first, open_last)
    assert found is not None
    assert found[0] == expected
    for before, tokens_alone, after in zip(
        known, alone, found[1] or nothing, strict=True
    ):
        if before is None:
            assert after in (None, array("i", tokens_alone).tobytes())
        else:
            assert after in (None, tokens_alone)


def test_what_is_kept(encoding: HarmonyEncoding) -> None:
    native, never = encoding._native, _native.DROP_RULES["never"]
    said: list[Any] = [(Role.USER, None, None, None, None, "hello")]
    (tokens, new) = native.render_said(said, [None], ROLES, never, False) or ([], None)
    assert new == [array("i", tokens).tobytes()]
    (again, ints) = native.render_said(said, new, ROLES, never, False) or ([], None)
    assert (again, ints) == (tokens, [tuple(tokens)])
    assert native.render_said(said, ints or [], ROLES, never, False) == (tokens, None)
    found = native.render_said(said, [None], ROLES, never, False, training=True)
    assert found == (tokens, None)


@pytest.mark.parametrize(
    "wrong",
    [
        (Role.USER, None, None, None, None, "lone \ud83d"),
        (Role.USER, None, None, None, None, None),
        (Role.TOOL, None, None, None, None, "nameless"),
        ("user", None, None, None, None, "hello"),
        (Role.USER, 5, None, None, None, "hello"),
        (Role.USER, None, None, None),
        [Role.USER, None, None, None, None, "hello"],
    ],
    ids=range(7),
)
def test_anything_else_is_for_python(encoding: HarmonyEncoding, wrong: Any) -> None:
    good = (Role.USER, None, None, None, None, "hello")
    for said in ([wrong], [good, wrong], [wrong, good]):
        known = [None] * len(said)
        assert encoding._native.render_said(said, known, ROLES, 0, False) is None


def test_what_is_known_is_known_well(encoding: HarmonyEncoding) -> None:
    said: list[Any] = [(Role.USER, None, None, None, None, "hello")]
    for known in ([], [5], [[5]], [None, None]):
        with pytest.raises(ValueError, match="nothing of this is known"):
            encoding._native.render_said(said, known, ROLES, 0, False)


# Messages as tuples


class Mine(Message):
    pass


def test_plain_messages() -> None:
    messages: list[Any] = [
        Message("user", "hi"),
        Message("tool", "4", "commentary", "assistant", "<|constrain|>json"),
        Message("user", [TextContent("a"), TextContent("b")]),
        Message("system", SystemContent()),
        Message("user", []),
        Mine("user", "hi"),
        *(5, None, object()),
    ]
    messages[1].author.name = "functions.f"
    found = straight.plain_parts(tuple(messages), FORMS, False)
    assert found[0] == (Role.USER, None, None, None, None, "hi")
    assert found[1] == _unwritten_parts(messages[1], False, "reference")
    assert found[3] == _unwritten_parts(messages[3], False, "reference")
    assert type(found[3][-1]) is SystemPrompt
    assert found[2:3] + found[4:] == [None] * (len(messages) - 3)


def described(effort: Any, channels: Any = ("final",), required: Any = True) -> Any:
    """Return a system prompt with fields that may be set to anything."""
    content = SystemContent("A.", None, "2025-06-28", "2024-06")
    content.reasoning_effort = effort
    assert content.channel_config is not None
    content.channel_config.valid_channels = channels
    content.channel_config.channel_required = required
    return content


class Word(str):
    pass


@pytest.mark.parametrize("function_tools", [False, True])
@pytest.mark.parametrize(
    ("content", "is_plain"),
    [
        (SystemContent(), True),
        (SystemContent(None, None, None, None, None), True),
        (SystemContent(tools={}), False),
        (SystemContent().with_python_tool(), False),
        (described(ReasoningEffort.HIGH, ["a", "b"]), True),
        (described("odd", ["a"], False), True),
        (described(None, []), True),
        (described(None, ("a", "b")), False),
        (described(None, [Word("a")]), False),
        (described(None, ["a"], 1), False),
        (described(Word("low"), ["a"]), False),
        (described(None, None), False),
    ],
)
def test_system_prompts(content: Any, is_plain: bool, function_tools: bool) -> None:
    message = Message("system", content)
    (found,) = straight.plain_parts((message,), FORMS, function_tools)
    assert (found is not None) == is_plain
    text = content_text(content, Role.SYSTEM, function_tools)
    wanted = _unwritten_parts(message, function_tools, "reference")
    if found is not None:
        assert found == wanted
        assert [*map(type, found[-1])] == [*map(type, wanted[-1])]
        assert found[-1].text() == text
    assert _written(wanted)[-1] == text


def test_a_system_prompt_by_another(encoding: HarmonyEncoding) -> None:
    message = Message("user", SystemContent())
    assert straight.plain_parts((message,), FORMS, False) == [None]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("channel", 5), ("recipient", b"a"), ("content_type", Role.USER)),
        *(("content", ()), ("content", "hi"), ("content", [5]), ("author", "user")),
    ],
)
def test_a_field_that_was_set_to_something_else(name: str, value: Any) -> None:
    message = Message("user", "hi")
    setattr(message, name, value)
    assert straight.plain_parts((message,), FORMS, False) == [None]
    del message.__dict__[name]
    message.__dict__.pop("content", None)
    assert straight.plain_parts((message,), FORMS, False) == [None]


@times(2)
@given(st.lists(strategies.messages, max_size=5))
def test_any_messages(messages: list[Message]) -> None:
    found = straight.plain_parts(tuple(messages), FORMS, False)
    for message, parts in zip(messages, found, strict=True):
        if parts is not None:
            assert parts == _unwritten_parts(message, False, "reference")


def test_nothing_is_left_behind(encoding: HarmonyEncoding) -> None:
    renderer = Renderer(encoding._native)
    messages = [Message("user", "hi"), Message("system", SystemContent())]
    said: list[Any] = [(Role.USER, None, None, None, None, "hello \ud83d")]

    def run() -> None:
        renderer.render_conversation(messages, None)
        renderer.render_for_training(messages, None)
        straight.plain_parts((*messages, 5), FORMS, False)
        encoding._native.render_said(said, [None], ROLES, 0, False)

    assert blocks_left(run) < 0.5
