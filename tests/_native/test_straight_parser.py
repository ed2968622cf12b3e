"""The straight ways of a parser leave it as the methods written in Python do."""

from __future__ import annotations

import inspect
from array import array
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    HarmonyEncoding,
    HarmonyError,
    Message,
    Role,
    StreamableParser,
    _native,
    load_harmony_encoding,
)
from harmony.parser import FORMS, Segment
from support.blocks import blocks_left
from support.examples import times

if _native.EXTENSION is None:
    pytest.skip("there are no straight ways here", allow_module_level=True)

WRITTEN: Any = StreamableParser


class InFull(StreamableParser):
    """A parser with the methods written in Python."""

    process = WRITTEN._process_in_full
    _look = WRITTEN._look_in_full
    _begin = WRITTEN._begin_in_full
    _segments = WRITTEN._segments_in_full
    _with_new = WRITTEN._with_new_in_full
    feed = WRITTEN._feed_in_full
    process_eos = WRITTEN._process_eos_in_full


MEMBERS = [
    *("last_content_delta", "state", "current_role", "current_channel"),
    *("current_recipient", "current_content_type", "current_content", "tokens"),
    *("messages", "last_segment", "token_counts", "next_role", "_count"),
]


def look(parser: StreamableParser) -> list[Any]:
    return [getattr(parser, name) for name in MEMBERS]


def outcome(call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    try:
        result = call(*args, **named)
    except Exception as error:
        return type(error), str(error), getattr(error, "position", None)
    return None if isinstance(result, StreamableParser) else result


def both(role: str | None, options: dict[str, Any], chunks: Iterable[Any]) -> None:
    """Give two parsers the same: tokens, or lists of tokens."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    ours = StreamableParser(encoding, role, **options)
    theirs = InFull(encoding, role, **options)
    assert look(ours) == look(theirs)
    for chunk in chunks:
        name = "feed" if isinstance(chunk, (list, tuple, array)) else "process"
        mine = outcome(getattr(ours, name), chunk)
        assert mine == outcome(getattr(theirs, name), chunk)
        assert look(ours) == look(theirs)
    assert outcome(ours.finish) == outcome(theirs.finish)
    assert look(ours) == look(theirs)


WORDS = [
    *("<|start|>", "<|message|>", "<|end|>", "<|channel|>", "<|call|>", "<|return|>"),
    *("<|constrain|>", "assistant", "user", "analysis", " to=functions.f", " json"),
    *("Hello", " world", "Grüße", "世界\U0001f600", "\U0001f9d1\u200d\U0001f680", ""),
]
KINDS: list[tuple[str | None, dict[str, Any]]] = [
    ("assistant", {}),
    (None, {}),
    ("assistant", {"strict": False}),
    (None, {"on_error": "recover"}),
    ("assistant", {"on_error": "recover"}),
]
TALK = (
    "<|channel|>analysis<|message|>Hm, 世界 \U0001f9d1\u200d\U0001f680.<|end|>"
    "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>"
    "<|start|>tool<|message|>a<|end|>bad<|start|>assistant<|message|>cut \U0001f600"
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_talk(encoding: HarmonyEncoding, kind: tuple[str | None, Any]) -> None:
    tokens = encoding.encode(TALK, allowed_special="all")
    both(*kind, tokens)
    both(*kind, [tokens[i : i + 3] for i in range(0, len(tokens), 3)])
    both(*kind, [tokens])
    both(*kind, [tuple(tokens), array("i", tokens)])
    both(*kind, [*tokens[:-1], tokens[:9]])


@times(10)
@given(
    st.sampled_from(KINDS),
    st.lists(
        st.sampled_from(WORDS) | st.integers(-3, 201_100) | st.just([]),
        max_size=30,
    ),
)
def test_any_stream(kind: tuple[str | None, Any], parts: list[Any]) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    chunks: list[Any] = []
    for part in parts:
        if not isinstance(part, str):
            chunks.append(part)
            continue
        tokens = encoding.encode(part, allowed_special="all")
        chunks += [tokens] if len(chunks) % 3 == 0 else tokens
    both(*kind, chunks)


WRONG: list[Any] = [2**31, -(2**31) - 1, 2**70, "a", None, 1.5, True, [5, "a"], [2**31]]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("before", [[], [200_008]], ids=str)
def test_what_is_no_token(before: list[int], wrong: Any) -> None:
    both("assistant", {}, [*before, wrong, 5])
    parser: Any = StreamableParser(load_harmony_encoding("HarmonyGptOss"), "user")
    for args in ((), (5, 5)):
        with pytest.raises(TypeError):
            parser.process(*args)
    assert parser.process(token=200_008) is parser


def test_tokens_that_share_a_place(encoding: HarmonyEncoding) -> None:
    parser = StreamableParser(encoding, "assistant").process(200_008)
    for token in [2375, 2375 + 2**14, 2375 + 2**15, 2375] * 3:
        delta = parser.process(token).last_content_delta
        assert delta == encoding.decode([token])


def test_members_are_read_only(encoding: HarmonyEncoding) -> None:
    parser: Any = StreamableParser(encoding, "assistant")
    for name in MEMBERS[:6]:
        with pytest.raises(AttributeError):
            setattr(parser, name, None)
        descriptor = inspect.getattr_static(StreamableParser, name)
        assert not isinstance(descriptor, property)
        assert inspect.getdoc(descriptor)


def test_an_unknown_member_has_none() -> None:
    assert _native.EXTENSION is not None
    with pytest.raises(LookupError, match="no such member: nothing"):
        _native.EXTENSION.member(StreamableParser, "name", "nothing", "")
    bare: Any = StreamableParser.__new__(StreamableParser)
    with pytest.raises(ValueError, match="no pool, or no states"):
        bare._read(5, None, FORMS, True)
    with pytest.raises(ValueError, match="no parser"):
        bare._read(0, None, FORMS, True)
    with pytest.raises(ValueError, match="no parser"):
        bare._lent()
    with pytest.raises(ValueError, match="PyCapsule"):
        bare._begin(None, object(), None, True, False, None)
    for call in (bare._look, lambda: bare.process(5), lambda: bare.feed([5])):
        with pytest.raises(AttributeError):
            call()


def test_a_parser_in_use_is_left_alone(encoding: HarmonyEncoding) -> None:
    """One thread feeds long chunks; the other gets through, or is told."""
    parser = StreamableParser(encoding, "assistant").process(200_008).process(2375)
    tokens = encoding.encode("word after word, " * 20_000)
    refused: list[str] = []
    feeder = Thread(target=parser.feed, args=(tokens,))
    feeder.start()
    while feeder.is_alive():
        try:
            parser.process(2375)
        except HarmonyError as error:
            refused.append(str(error))
        assert parser.state == "Content"
        assert parser.last_content_delta
    feeder.join()
    assert all("in use" in words for words in refused)


def details(messages: list[Message]) -> list[Any]:
    """Return all there is in messages, in its order."""
    return [
        (
            *(type(message), list(vars(message).items())),
            *(type(message.author), list(vars(message.author).items())),
            *((type(text), list(vars(text).items())) for text in message.content),
        )
        for message in messages
    ]


def fields(segment: Any) -> Any:
    return list(vars(segment)) if isinstance(segment, Segment) else segment


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_messages_and_segments_are_as_python_makes_them(
    encoding: HarmonyEncoding, kind: tuple[str | None, Any]
) -> None:
    role, options = kind
    for text in (TALK, "<|message|><|end|>", "<|message|>a<|end|><|start|>"):
        tokens = encoding.encode(text, allowed_special="all")
        ours = StreamableParser(encoding, role, **options)
        theirs = InFull(encoding, role, **options)
        segments = outcome(ours.feed, tokens), outcome(theirs.feed, tokens)
        assert segments[0] == segments[1]
        assert [*map(fields, segments[0])] == [*map(fields, segments[1])]
        assert details(ours.messages) == details(theirs.messages)


def test_the_list_of_messages_is_a_new_one_when_there_are_more(
    encoding: HarmonyEncoding,
) -> None:
    tokens = encoding.encode("<|message|>a<|end|>", allowed_special="all")
    parser = StreamableParser(encoding, "assistant")
    none = parser.messages
    assert none == [] and parser.messages is none
    parser.feed(tokens)
    one = parser.messages
    assert one is not none and none == [] and parser.messages is one
    parser.feed(encoding.encode("<|start|>user", allowed_special="all")).clear()
    parser.feed(tokens)
    assert [each is one[0] for each in parser.messages] == [True, False]


def completion(kind: tuple[str | None, Any], tokens: Any) -> list[Any]:
    """Return the messages of a completion by a parser written in Python."""
    role, options = kind
    parser = InFull(load_harmony_encoding("HarmonyGptOss"), role, **options)
    parser.feed(tokens)
    return details(parser.process_eos().messages)


@times(20)
@given(
    st.sampled_from(KINDS),
    st.lists(st.sampled_from(WORDS) | st.integers(-3, 201_100), max_size=30),
    st.sampled_from([list, tuple, iter]),
)
def test_any_completion(
    kind: tuple[str | None, Any], parts: list[Any], form: Callable[..., Any]
) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    tokens: list[int] = []
    for part in parts:
        if isinstance(part, str):
            tokens += encoding.encode(part, allowed_special="all")
        else:
            tokens.append(part)
    role, options = kind

    def parse() -> list[Any]:
        call = encoding.parse_messages_from_completion_tokens
        return details(call(form(tokens), role, **options))

    assert outcome(parse) == outcome(completion, kind, form(tokens))


def test_a_completion_is_parsed_without_a_parser_of_pythons(
    encoding: HarmonyEncoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("harmony.parser.StreamableParser")
    parse: Any = encoding.parse_messages_from_completion_tokens
    tokens = encoding.encode("<|message|>hi<|end|>", allowed_special="all")
    for role in ("user", Role.USER):
        for on_error in ("raise", "recover"):
            assert parse(tokens, role, on_error=on_error) == [Message("user", "hi")]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_parsers_for_what_follows_a_prompt(kind: tuple[str | None, Any]) -> None:
    encoding, (_, options) = load_harmony_encoding("HarmonyGptOss"), kind
    answer = encoding.encode("<|channel|>final 4.<|call|>", allowed_special="all")
    for text in (TALK, "", "<|start|>assistant", "<|start|>x<|message|>", "<|start|>"):
        tokens = encoding.encode(text, allowed_special="all")
        for form in (list, tuple, iter, lambda ids: array("i", ids)):
            ours = outcome(StreamableParser.after, encoding, form(tokens), **options)
            theirs = outcome(InFull.after, encoding, form(tokens), **options)
            if ours is None:
                ours = StreamableParser.after(encoding, form(tokens), **options)
                theirs = InFull.after(encoding, form(tokens), **options)
                assert look(ours) == look(theirs)
                for token in answer:
                    mine = outcome(ours.process, token)
                    assert mine == outcome(theirs.process, token)
                    assert look(ours) == look(theirs)
            else:
                assert ours == theirs


def test_nothing_is_left_behind(encoding: HarmonyEncoding) -> None:
    tokens = encoding.encode(TALK, allowed_special="all")
    parse = encoding.parse_messages_from_completion_tokens

    def run() -> None:
        parser = StreamableParser(encoding, "assistant")
        for token in tokens:
            outcome(parser.process, token)
        outcome(parser.feed, tokens)
        look(parser)
        outcome(parser.finish)
        outcome(parse, tokens, "assistant")
        parse(tokens, "assistant", on_error="recover")
        StreamableParser.after(encoding, tokens).feed([5])

    assert blocks_left(run) < 0.5
