"""What is trained on: spans, masks and packed rows, beside slow definitions of them."""

from __future__ import annotations

import inspect
import re
from array import array
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    Author,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    RenderError,
    Role,
    TextContent,
    load_harmony_encoding,
    training,
)
from harmony._native.batch import Mask, render_batch
from harmony.training import Example, Span

ENCODING = load_harmony_encoding("HarmonyGptOss")
START, MESSAGE, CHANNEL = (
    ENCODING.encode(text, allowed_special="all")[0]
    for text in ("<|start|>", "<|message|>", "<|channel|>")
)
STOPS = set(ENCODING.stop_tokens())

texts = st.sampled_from(
    ["", "Rome?", "<|start|>assistant<|channel|>final<|message|>", "<|end|>", "é 😀"]
)
channels = st.none() | st.sampled_from(["analysis", "commentary", "final", "odd"])


@st.composite
def messages(draw: st.DrawFn) -> Message:
    role = draw(st.sampled_from(Role))
    author: Any = role
    if role is Role.TOOL or draw(st.integers(0, 5)) == 0:
        author = Author(role, draw(st.sampled_from(["f", "functions.f"])))
    content = draw(texts | st.lists(st.builds(TextContent, texts), max_size=3))
    recipient = draw(st.none() | st.sampled_from(["functions.f", "assistant", "all"]))
    kind = draw(st.none() | st.sampled_from(["json", "<|constrain|>json"]))
    return Message(author, content, draw(channels), recipient, kind)


talks = st.lists(messages(), max_size=8)
options = st.fixed_dictionaries(
    {},
    optional={
        "drop_analysis": st.sampled_from(["never", "upstream", "per_turn"]),
        "channel_first": st.booleans(),
    },
)
KINDS = st.sampled_from(["sampled", "messages", "content"])


# Slow definitions, by tokens


def split(tokens: list[int]) -> list[list[int]]:
    """Return the messages that tokens are."""
    starts = [i for i, token in enumerate(tokens) if token == START]
    return [tokens[a:b] for a, b in pairwise([*starts, len(tokens)])]


def slow_mask(
    tokens: list[int],
    kind: str,
    chosen: set[str] | None = None,
    last_turn: bool = False,
) -> list[int]:
    said = split(tokens)
    heads = [ENCODING.decode(m[1 : m.index(MESSAGE)]) for m in said]
    roles = [re.split(r"[: <]", head)[0] for head in heads]
    users = [i for i, role in enumerate(roles) if role == "user"]
    mask: list[int] = []
    for i, message in enumerate(said):
        channel = re.search(r"<\|channel\|>(\w+)", heads[i])
        counts = roles[i] == "assistant"
        if chosen is not None:
            counts = counts and channel is not None and channel[1] in chosen
        if last_turn and users:
            counts = counts and i > users[-1]
        before = 0
        if kind == "content":
            before = message.index(MESSAGE) + 1
        elif kind == "sampled" and (i == 0 or roles[i - 1] != "assistant"):
            before = 2
        ones = len(message) - before
        mask += [0] * before + [1] * ones if counts else [0] * len(message)
    return mask


@given(talks, KINDS, options)
def test_tokens_are_those_of_rendering_for_training(
    talk: list[Message], kind: Any, given_options: dict[str, Any]
) -> None:
    made = training.example(ENCODING, talk, mask=kind, **given_options)
    config = RenderConversationConfig(**{"drop_analysis": "never", **given_options})
    wanted = ENCODING.render_conversation_for_training(iter(talk), config)  # type: ignore[arg-type]
    assert made.tokens == array("i", wanted)


@given(talks, KINDS, options, st.none() | st.sets(st.sampled_from(["final", "odd"])))
def test_masks_are_those_of_a_slow_definition_by_tokens(
    talk: list[Message],
    kind: Any,
    given_options: dict[str, Any],
    chosen: set[str] | None,
) -> None:
    made = training.example(ENCODING, talk, mask=kind, channels=chosen, **given_options)
    assert made.mask.tolist() == slow_mask(made.tokens.tolist(), kind, chosen)


@given(talks, KINDS)
def test_the_last_turn_is_what_is_behind_the_last_message_by_a_user(
    talk: list[Message], kind: Any
) -> None:
    made = training.example(ENCODING, talk, mask=kind, last_turn=True)
    wanted = slow_mask(made.tokens.tolist(), kind, last_turn=True)
    assert made.mask.tolist() == wanted


@given(talks, options)
def test_spans_are_all_tokens_without_gaps(
    talk: list[Message], given_options: dict[str, Any]
) -> None:
    made = training.example(ENCODING, talk, **given_options)
    borders = [0, *(span.stop for span in made.spans)]
    assert [span.start for span in made.spans] == borders[:-1]
    assert borders[-1] == len(made.tokens)
    assert all(span.start < span.stop for span in made.spans)
    assert [span[:2] for span in made.spans] == sorted(
        {span[:2] for span in made.spans},
        key=lambda pair: (pair[0], training.PARTS.index(pair[1])),
    )


@given(talks)
def test_spans_are_where_the_tokens_say(talk: list[Message]) -> None:
    made = training.example(ENCODING, talk)
    for span in made.spans:
        tokens = made.tokens[span.start : span.stop].tolist()
        if span.part == "header":
            assert tokens[0] == START and tokens[-1] == MESSAGE
        elif span.part == "end":
            assert len(tokens) == 1 and tokens[0] in STOPS
        else:
            text = talk[span.message].text
            assert ENCODING.decode(tokens) == text


def test_a_message_that_is_left_out_has_no_span() -> None:
    talk = [
        Message("user", "2 + 2?"),
        Message("assistant", "Add.", "analysis"),
        Message("assistant", "4.", "final"),
    ]
    kept = training.example(ENCODING, talk)
    dropped = training.example(ENCODING, talk, drop_analysis="upstream")
    assert {span.message for span in kept.spans} == {0, 1, 2}
    assert {span.message for span in dropped.spans} == {0, 2}
    opening = dropped.spans[3]
    assert opening == Span(2, "header", opening.start, opening.stop)
    assert dropped.mask[opening.start : opening.start + 3].tolist() == [0, 0, 1]


def test_thinking_is_kept_unless_told_otherwise() -> None:
    """Rendering for training drops all of it from conversations of one turn."""
    talk = [
        Message("user", "2 + 2?"),
        Message("assistant", "Add.", "analysis"),
        Message("assistant", "4.", "final"),
    ]
    assert "Add." in ENCODING.decode(training.example(ENCODING, talk).tokens)
    by_default = ENCODING.render_conversation_for_training(talk)  # type: ignore[arg-type]
    assert "Add." not in ENCODING.decode(by_default)


def test_the_picture_at_the_top_of_the_module() -> None:
    picture = inspect.getdoc(training) or ""
    lines = [line[4:] for line in picture.splitlines() if line.startswith("    ")]
    texts = [line for line in lines if line.startswith("<|start|>")]
    text = "".join(texts)
    talk = ENCODING.parse_messages_from_completion_tokens(
        ENCODING.encode(text, allowed_special="all")
    )
    kinds: tuple[Any, ...] = ("sampled", "messages", "content")
    wanted = {
        kind: drawn(training.example(ENCODING, talk, mask=kind)) for kind in kinds
    }
    start = 0
    for line in texts:
        end = start + len(line)
        below = lines[lines.index(line) + 1 :][:3] if start else []
        shown = {mark.split('"')[1]: mark.split('"')[0] for mark in below}
        for kind in kinds:
            assert shown.get(kind, "").rstrip() == wanted[kind][start:end].rstrip()
        start = end


def drawn(made: Example) -> str:
    return "".join(
        " ^"[counts] * len(ENCODING.decode([token]))
        for token, counts in zip(made.tokens, made.mask, strict=True)
    )


# What callers get wrong


def test_unknown_options_are_named() -> None:
    with pytest.raises(ValueError, match="mask: unknown kind 'all'"):
        training.example(ENCODING, [], mask="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="drop_analysis: unknown rule"):
        training.example(ENCODING, [], drop_analysis="always")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="last_turn"):
        training.example(ENCODING, [], last_turn=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="channels: expected several names"):
        training.example(ENCODING, [], channels="final")
    with pytest.raises(TypeError, match=r"channels\[1\]: expected a str, got 5"):
        training.example(ENCODING, [], channels=["final", 5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="conversation"):
        training.example(ENCODING, "hi")  # type: ignore[arg-type]


def test_a_channel_does_not_end_at_a_nul() -> None:
    """It stood for the channel whose name it began with."""
    with pytest.raises(ValueError, match=r"channels\[0\]: a NUL in 'final\\x00x'"):
        training.example(ENCODING, [], channels=["final\0x"])


def test_a_tool_without_a_name_is_named() -> None:
    with pytest.raises(RenderError, match=r"messages\[1\]: Tools should have a name"):
        training.example(ENCODING, [Message("user", "?"), Message("tool", "18 C")])
    with pytest.raises(RenderError, match=r"messages\[1\]: expected a Message"):
        training.example(ENCODING, [Message("user", "?"), 3])  # type: ignore[list-item]


# Packing


def of(size: int, first: int = 0) -> Example:
    tokens = array("i", range(first, first + size))
    return Example(tokens, array("b", [token % 2 for token in tokens]), [])


@given(
    st.lists(st.integers(0, 12), max_size=30),
    st.integers(13, 40),
    st.none() | st.just(7),
)
def test_packing_loses_nothing(
    sizes: list[int], length: int, separator: int | None
) -> None:
    examples = [of(size, 100 * i) for i, size in enumerate(sizes)]
    packed = training.pack(examples, length, separator=separator, padding=-1)
    found: dict[int, tuple[list[int], list[int]]] = {}
    rows = zip(*packed, packed.indices, strict=True)
    for tokens, mask, borders, indices in rows:
        assert len(tokens) == len(mask) == length
        assert borders[0] == 0 and len(borders) == len(indices) + 1
        for index, (start, stop) in zip(indices, pairwise(borders), strict=True):
            if separator is not None:
                stop -= 1
                assert (tokens[stop], mask[stop]) == (separator, 0)
            found[index] = tokens[start:stop].tolist(), mask[start:stop].tolist()
        assert set(tokens[borders[-1] :]) <= {-1}
        assert set(mask[borders[-1] :]) <= {0}
    assert found == {
        i: (made.tokens.tolist(), made.mask.tolist()) for i, made in enumerate(examples)
    }


@given(st.lists(st.integers(0, 20), max_size=60))
def test_packing_takes_the_first_row_with_room(sizes: list[int]) -> None:
    rooms: list[int] = []
    rows: list[list[int]] = []
    for index, size in enumerate(sizes):
        row = next((i for i, room in enumerate(rooms) if room >= size), len(rooms))
        if row == len(rooms):
            rooms.append(20)
            rows.append([])
        rooms[row] -= size
        rows[row].append(index)
    assert training.pack([of(size) for size in sizes], 20).indices == rows


def test_what_is_too_long_is_named() -> None:
    with pytest.raises(ValueError, match=r"examples\[1\]: 9 tokens do not fit .* 8"):
        training.pack([of(8), of(9)], 8)
    with pytest.raises(ValueError, match=r"examples\[0\]: 9 tokens"):
        training.pack([of(8)], 8, separator=1)
    assert training.pack([], 8) == training.Packed()
    assert list(training.pack([], 8)) == [[], [], []]


def test_a_mask_of_another_length_is_named() -> None:
    """It put the masks of all examples behind it out of place."""
    given = [Example.of([1, 2], [0, 1]), Example.of([1, 2, 3], [1])]
    with pytest.raises(ValueError, match=r"examples\[1\]: 3 tokens, but a mask of 1"):
        training.pack(given, 9)


# The binding


def test_a_batch_of_nothing() -> None:
    batch = render_batch(ENCODING._native, b"", b"", array("q"), 0)
    assert batch.offsets.tolist() == [0]
    assert len(batch.tokens) == len(batch.mask) == 0
    assert len(batch.parts) == 0


class Text(str):
    """Text of a kind of its own."""


@pytest.mark.parametrize(
    ("text", "meant"),
    [("a \ud83d\ude00 b \ud83d", "a \U0001f600 b \ufffd"), (Text("hi"), "hi")],
)
def test_text_is_what_it_is_elsewhere(text: str, meant: str) -> None:
    found = training.example(ENCODING, [Message("user", text)])
    assert found == training.example(ENCODING, [Message("user", meant)])


def test_masks_keep_the_names_of_channels() -> None:
    mask = Mask(0, ["final"], False)
    assert mask.pointer.channel_count == 1
    assert Mask(0, [], False).pointer.channels
    assert not Mask(0, None, True).pointer.channels


def test_any_encoding_serves(encoding: HarmonyEncoding) -> None:
    talk = [Message("user", "hi")]
    assert training.example(encoding, talk).mask.tolist() == [0] * 5
