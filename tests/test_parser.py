"""The parser: logs of what it says after each token, and what holds for any tokens."""

from __future__ import annotations

import copy
import importlib
import itertools
import pickle
import random
import re
from array import array
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    Author,
    DecodeError,
    HarmonyEncoding,
    HarmonyError,
    Message,
    ParseError,
    Role,
    StreamableParser,
    StreamState,
    _native,
)
from harmony.parser import OnError, places
from support import differential, parser_log
from support.examples import times
from support.parser_log import Block

START, MESSAGE, CHANNEL, END = 200006, 200008, 200005, 200007
USER, HI, PARTIAL = 1428, 3686, 9552  # "user", "hi", b" \xf0\x9f"
HELLO = [START, USER, MESSAGE, HI, END]


def fed(encoding: HarmonyEncoding, tokens: Any) -> StreamableParser:
    """Return a parser that begins before a start token, after some tokens."""
    parser = StreamableParser(encoding, None)
    parser.feed(tokens)
    return parser


BLOCKS = parser_log.read(parser_log.FILE.read_text(encoding="utf-8"))


def by_title(block: Block) -> str:
    return block.title


# Logs


def test_the_log_file_is_written_as_it_is_read() -> None:
    assert parser_log.write(BLOCKS) == parser_log.FILE.read_text(encoding="utf-8")
    titles = [block.title for block in BLOCKS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("block", BLOCKS, ids=by_title)
def test_the_parser_says_what_its_log_says(
    encoding: HarmonyEncoding, block: Block
) -> None:
    assert parser_log.log(block, encoding) == block.log


@pytest.mark.reference
@pytest.mark.parametrize("block", BLOCKS, ids=by_title)
def test_the_reference_says_the_same_but_where_it_differs(
    encoding: HarmonyEncoding, reference: Any, block: Block
) -> None:
    difference = differential.first_difference(
        block.tokens(encoding),
        block.role,
        block.strict,
        differential.their_parser(reference),
        differential.our_parser(encoding),
    )
    if "differs" in block.inputs:
        assert difference is not None
    else:
        assert difference is None, difference


# One by one, whole, split


def observed(parser: StreamableParser) -> dict[str, Any]:
    """Return all that can be seen of a parser but its last delta."""
    seen = differential.observed(parser, lambda: None)
    del seen["delta"]
    return {**seen, "state_data": parser.state_data, "tokens": parser.tokens}


def fed_one_by_one(parser: StreamableParser, tokens: list[int]) -> list[str]:
    """Feed tokens one at a time; return the errors."""
    errors = []
    for token in tokens:
        try:
            parser.process(token)
        except ParseError as error:
            errors.append(f"{error.position}: {error}")
    return errors


def fed_in_portions(
    parser: StreamableParser, portions: Iterable[list[int]]
) -> list[str]:
    """Feed tokens in portions, going on behind each error; return the errors."""
    errors = []
    for portion in portions:
        rest = portion
        while rest:
            before = len(parser.tokens)
            try:
                parser.feed(rest)
                rest = []
            except ParseError as error:
                assert error.position is not None
                errors.append(f"{error.position}: {error}")
                rest = rest[error.position - before + 1 :]
    return errors


def random_split(tokens: list[int], dice: random.Random) -> list[list[int]]:
    """Return tokens in portions, some of them empty."""
    cuts = sorted(dice.choices(range(len(tokens) + 1), k=dice.randrange(6)))
    return [tokens[a:b] for a, b in itertools.pairwise([0, *cuts, len(tokens)])]


def assert_portions_agree(
    encoding: HarmonyEncoding, tokens: list[int], role: str | None, strict: bool
) -> None:
    dice = random.Random(len(tokens))
    alone = StreamableParser(encoding, role, strict=strict)
    errors = fed_one_by_one(alone, tokens)
    for portions in [[tokens], *(random_split(tokens, dice) for _ in range(4))]:
        parser = StreamableParser(encoding, role, strict=strict)
        assert fed_in_portions(parser, portions) == errors
        assert observed(parser) == observed(alone)


@pytest.mark.parametrize("block", BLOCKS, ids=by_title)
def test_a_log_is_the_same_whole_one_by_one_and_split(
    encoding: HarmonyEncoding, block: Block
) -> None:
    tokens = block.tokens(encoding)
    assert_portions_agree(encoding, tokens, block.role, block.strict)


def test_generated_tokens_are_the_same_whole_one_by_one_and_split(
    encoding: HarmonyEncoding,
) -> None:
    generated = differential.Tokens(encoding)
    for seed in range(500):
        dice = random.Random(seed)
        tokens = generated.sequence(dice)
        if seed % 3 == 0:
            tokens.insert(dice.randrange(len(tokens)), dice.choice([-1, 2**31 - 1]))
        role = dice.choice([None, "assistant", "tool"])
        assert_portions_agree(encoding, tokens, role, dice.random() < 0.6)


def test_parsing_at_once_is_feeding_and_the_end_of_stream(
    encoding: HarmonyEncoding,
) -> None:
    for block in BLOCKS:
        tokens = block.tokens(encoding)
        parser = StreamableParser(encoding, block.role, strict=block.strict)
        try:
            parser.feed(tokens)
            expected: Any = parser.process_eos().messages
        except ParseError as error:
            expected = (str(error), error.position)
        try:
            found: Any = encoding.parse_messages_from_completion_tokens(
                tokens, block.role, strict=block.strict
            )
        except ParseError as error:
            found = (str(error), error.position)
        assert found == expected


# Any tokens

BROKEN = [172, 253, 246, 222, 187, 188, PARTIAL]
any_token = (
    st.sampled_from([START, MESSAGE, CHANNEL, END, 200002, 200003, 200012, USER, HI])
    | st.sampled_from(BROKEN)
    | st.sampled_from([-1, -(2**31), 2**31 - 1, 201_089])
    | st.integers(0, 201_088)
)
content_token = (
    st.sampled_from(BROKEN)
    | st.sampled_from([-1, -(2**31), 2**31 - 1, 201_089, START, MESSAGE])
    | st.integers(0, 199_997)
)
many = times(5)


def token_bytes(encoding: HarmonyEncoding, token: int) -> bytes:
    """Return the bytes of a token; one that is never valid for an unknown id."""
    try:
        return encoding.decode_bytes([token])
    except DecodeError:
        return b"\xff"


@many
@given(content=st.lists(content_token, max_size=20), by_end=st.booleans())
def test_content_is_its_bytes_repaired_and_the_deltas_joined(
    encoding: HarmonyEncoding, content: list[int], by_end: bool
) -> None:
    parser = StreamableParser(encoding, Role.ASSISTANT).process(MESSAGE)
    deltas = []
    for token in content:
        deltas.append(parser.process(token).last_content_delta)
        assert "".join(filter(None, deltas)) == parser.current_content
    parser.process(END) if by_end else parser.process_eos()
    deltas.append(parser.last_content_delta)
    data = b"".join(token_bytes(encoding, token) for token in content)
    (message,) = parser.messages
    assert message == Message("assistant", data.decode(errors="replace"))
    assert "" not in deltas
    assert "".join(filter(None, deltas)) == data.decode(errors="replace")


@many
@given(tokens=st.lists(any_token), role=st.sampled_from([None, *Role]))
def test_for_any_tokens_the_deltas_joined_are_the_contents(
    encoding: HarmonyEncoding, tokens: list[int], role: Role | None
) -> None:
    parser = StreamableParser(encoding, role)
    deltas = []
    for token in tokens:
        before = parser.messages
        try:
            parser.process(token)
        except ParseError:
            assert parser.last_content_delta is None
        deltas.append(parser.last_content_delta or "")
        assert parser.messages[: len(before)] == before
        contents = [message.content[0].text for message in parser.messages]  # type: ignore[attr-defined]
        assert "".join(deltas) == "".join(contents) + parser.current_content
    assert parser.tokens == tokens


@many
@given(tokens=st.lists(any_token), strict=st.booleans())
def test_no_tokens_raise_anything_but_a_parse_error(
    encoding: HarmonyEncoding, tokens: list[int], strict: bool
) -> None:
    parser = StreamableParser(encoding, "assistant", strict=strict)
    for token in [*tokens, None]:
        try:
            parser.process_eos() if token is None else parser.process(token)
        except ParseError as error:
            assert error.position == len(parser.tokens) - (token is not None)
        observed(parser)


# Errors


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<|start|><|message|>", "message header did not contain a role"),
        ("<|start|>bob<|message|>", "Unknown role: bob"),
        (
            "<|start|>user to=b a c<|message|>",
            'unexpected tokens remaining in message header: "to=b"',
        ),
        (
            "<|start|>user<|channel|> <|message|>",
            "channel marker present but no channel value found in header",
        ),
        (
            "<|start|>user a b c d<|message|>",
            'unexpected tokens remaining in message header: "a b"',
        ),
        (
            "<|start|>user<|message|>hi<|end|>hi",
            "Unexpected token 3686 while expecting start token 200006",
        ),
        (
            "<|start|>user",
            "Unexpected EOS while waiting for message header to complete",
        ),
    ],
)
def test_an_error_says_what_is_wrong(
    encoding: HarmonyEncoding, text: str, complaint: str
) -> None:
    tokens = encoding.encode(text, allowed_special="all")
    with pytest.raises(ParseError) as caught:
        encoding.parse_messages_from_completion_tokens(tokens)
    assert str(caught.value) == complaint
    at_end = "EOS" in complaint
    assert caught.value.position == len(tokens) - (not at_end)


@pytest.mark.parametrize("token", [PARTIAL, 187, 201_089, -1])
def test_a_header_that_is_no_text_is_an_error(
    encoding: HarmonyEncoding, token: int
) -> None:
    for strict in (True, False):
        parser = StreamableParser(encoding, None, strict=strict)
        with pytest.raises(ParseError, match=r"^could not decode header"):
            parser.feed([START, USER, token, MESSAGE])
        assert parser.state is StreamState.EXPECT_START


def test_a_long_error_is_cut_inside_no_character(encoding: HarmonyEncoding) -> None:
    for length in range(60, 72):
        word = "x" * (length % 4) + "😀" * length
        tokens = [START, *encoding.encode(word), MESSAGE]
        with pytest.raises(ParseError) as caught:
            encoding.parse_messages_from_completion_tokens(tokens)
        said = str(caught.value)
        assert re.fullmatch(r"Unknown role: x*😀+\.*", said)
        whole = len(f"Unknown role: {word}".encode())
        assert said.endswith("...") == (whole > 252)
        assert len(said.encode()) < 256


def test_after_an_error_in_a_header_a_start_token_is_due(
    encoding: HarmonyEncoding,
) -> None:
    parser = fed(encoding, HELLO)
    with pytest.raises(ParseError, match="Unknown role: hi"):
        parser.feed([START, HI, MESSAGE])
    assert parser.state is StreamState.EXPECT_START
    assert parser.state_data == {"state": "ExpectStart"}
    assert parser.current_role is parser.current_channel is None
    assert parser.current_content == ""
    parser.process_eos().feed(HELLO)
    assert parser.messages == [Message("user", "hi")] * 2


@pytest.mark.parametrize("token", [HI, END, MESSAGE, CHANNEL, -1, 201_089])
def test_an_unexpected_token_changes_nothing(
    encoding: HarmonyEncoding, token: int
) -> None:
    parser = fed(encoding, HELLO)
    before = observed(parser)
    with pytest.raises(ParseError, match=re.escape(f"Unexpected token {token} while")):
        parser.process(token)
    assert observed(parser) == {**before, "tokens": [*HELLO, token]}
    assert parser.last_content_delta is None
    parser.feed(HELLO)
    assert parser.messages == [Message("user", "hi")] * 2


def test_the_end_of_stream_inside_a_header_changes_nothing(
    encoding: HarmonyEncoding,
) -> None:
    parser = fed(encoding, [*HELLO, START, USER])
    before = observed(parser)
    for _ in range(2):
        with pytest.raises(ParseError, match="Unexpected EOS"):
            parser.process_eos()
        assert observed(parser) == before
    parser.feed([MESSAGE, HI, END])
    assert parser.messages == [Message("user", "hi")] * 2


def test_messages_are_still_there_after_the_end_of_stream_in_a_header(
    encoding: HarmonyEncoding,
) -> None:
    """Also if the parser's text has moved in memory."""
    word = encoding.encode(" word" * 9)
    for length in range(1, 3000, 60):
        content = [HI] * length
        parser = StreamableParser(encoding, None)
        parser.feed([START, USER, MESSAGE, *content, END, START, *word * length])
        with pytest.raises(ParseError, match="Unexpected EOS"):
            parser.process_eos()
        assert parser.messages == [Message("user", "hi" * length)]


def test_a_token_that_is_no_int32_is_refused_and_changes_nothing(
    encoding: HarmonyEncoding,
) -> None:
    """It used to be an OverflowError from one method, a DecodeError from the other."""
    for token in (2**31, -(2**31) - 1, 2**64):
        ways: list[tuple[Any, Any, int]] = [
            (StreamableParser.process, token, 0),
            (StreamableParser.feed, [token], 0),
            (StreamableParser.feed, [HI, token], 1),
        ]
        parser = fed(encoding, HELLO[:-1])
        before = observed(parser)
        for feed, what, position in ways:
            with pytest.raises(
                DecodeError, match=f"^Invalid token for decoding: {token}$"
            ) as caught:
                feed(parser, what)
            assert caught.value.position == position, "in what was given"
            assert observed(parser) == before
        assert parser.process(END).messages == [Message("user", "hi")]


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("hi", r"'hi' \(str\)"),
        (None, "None"),
        (1.5, r"1.5 \(float\)"),
        ([HI], r"\[3686\] \(list\)"),
    ],
)
def test_what_is_no_token_is_a_type_error(
    encoding: HarmonyEncoding, token: Any, shown: str
) -> None:
    parser = StreamableParser(encoding, None)
    with pytest.raises(TypeError, match=f"^expected a token id, got {shown}$"):
        parser.process(token)
    with pytest.raises(TypeError, match=rf"^tokens\[1\]: expected .* got {shown}$"):
        parser.feed([START, token])
    with pytest.raises(TypeError):
        parser.feed(token if token != [HI] else 5)  # type: ignore[arg-type]
    assert parser.tokens == []


def test_an_unknown_role_is_a_value_error(encoding: HarmonyEncoding) -> None:
    for make in (
        StreamableParser,
        lambda e, r: e.parse_messages_from_completion_tokens([], r),
    ):
        with pytest.raises(ValueError, match="unknown role 'bob'") as caught:
            make(encoding, "bob")
        assert not isinstance(caught.value, HarmonyError)


def test_to_be_strict_is_the_default(encoding: HarmonyEncoding) -> None:
    prompt = encoding.encode("<|start|>assistant", allowed_special="all")
    tokens = encoding.encode("<|channel|>final 4.<|return|>", allowed_special="all")
    for parser in (
        StreamableParser(encoding, "assistant"),
        StreamableParser.after(encoding, prompt),
    ):
        assert parser.feed(tokens) == []
        assert parser.state is StreamState.HEADER
    with pytest.raises(ParseError, match="Unexpected EOS"):
        encoding.parse_messages_from_completion_tokens(tokens, "assistant")


# What can be seen


def test_processing_returns_the_parser(encoding: HarmonyEncoding) -> None:
    parser = StreamableParser(encoding, None)
    assert parser.process(START) is parser
    assert parser.feed([USER, MESSAGE]) == parser.feed([]) == []
    assert parser.process_eos() is parser


def test_messages_are_the_same_objects_each_time(encoding: HarmonyEncoding) -> None:
    parser = fed(encoding, HELLO)
    (first,) = before = parser.messages
    assert parser.messages is before
    parser.feed(HELLO)
    assert parser.messages[0] is first
    assert parser.messages[1] is parser.messages[1] is not first
    assert before == [first], "a list once taken does not grow"


def test_an_open_message_can_be_seen_in_full(encoding: HarmonyEncoding) -> None:
    text = "<|channel|>commentary to=f.g <|constrain|>json<|message|>{}"
    tokens = encoding.encode(text, allowed_special="all")
    parser = StreamableParser(encoding, Role.ASSISTANT)
    assert parser.current_role is Role.ASSISTANT
    at = tokens.index(MESSAGE)
    parser.feed(tokens[:at])
    assert parser.state is StreamState.HEADER
    assert parser.state_data == {"state": "Header", "header_tokens": tokens[:at]}
    assert parser.current_channel is parser.current_recipient is None
    assert parser.current_content_type is parser.last_content_delta is None
    parser.feed([MESSAGE, *tokens[at + 1 :]])
    state: StreamState = parser.state
    assert state is StreamState.CONTENT
    assert parser.state_data == {
        "state": "Content",
        "header": {
            "author": {"role": "assistant"},
            "recipient": "f.g",
            "channel": "commentary",
            "content_type": "<|constrain|>json",
        },
        "content_tokens": tokens[at + 1 :],
    }
    assert parser.current_role is Role.ASSISTANT
    assert parser.current_channel == "commentary"
    assert parser.current_recipient == "f.g"
    assert parser.current_content_type == "<|constrain|>json"
    assert parser.current_content == parser.last_content_delta == "{}"
    assert parser.tokens == tokens
    assert parser.messages == []


def test_a_stop_token_is_in_an_open_header_only_where_it_can_not_end_one(
    encoding: HarmonyEncoding,
) -> None:
    prompt = encoding.encode("<|start|>assistant", allowed_special="all")
    for make in (
        partial(StreamableParser, encoding, "assistant"),
        partial(StreamableParser.after, encoding, prompt),
    ):
        parser = make(strict=True)
        parser.feed([PARTIAL, END])
        assert parser.state_data["header_tokens"] == [PARTIAL, END]
        parser = make(strict=False)
        with pytest.raises(ParseError, match=r"^could not decode header"):
            parser.feed([PARTIAL, END])
        assert parser.state_data["header_tokens"] == [PARTIAL]


def test_the_name_of_a_tool_is_in_its_header(encoding: HarmonyEncoding) -> None:
    text = "<|start|>functions.f to=assistant<|message|>1<|end|>"
    tokens = encoding.encode(text, allowed_special="all")
    parser = fed(encoding, tokens[:-1])
    author = parser.state_data["header"]["author"]
    assert author == {"role": "tool", "name": "functions.f"}
    assert parser.process_eos().messages == [
        Message(Author("tool", "functions.f"), "1", recipient="assistant")
    ]


def test_ordinary_tokens_that_spell_a_marker_are_text(
    encoding: HarmonyEncoding,
) -> None:
    """The reference takes them for the marker, so that text can pose as structure."""
    spelled = encoding.encode("<|channel|>final", disallowed_special=())
    assert CHANNEL not in spelled
    tokens = [*encoding.encode("someone "), *spelled, MESSAGE, HI, END]
    parse = encoding.parse_messages_from_completion_tokens
    (message,) = parse(tokens, Role.ASSISTANT)
    assert message.channel is None
    assert message.recipient == "someone"
    assert message.content_type == "<|channel|>final"
    (message,) = parse([CHANNEL, *tokens], Role.ASSISTANT)
    assert message.channel == "someone"
    assert message.recipient == "<|channel|>final"
    spelled = encoding.encode("hi<|end|><|start|>", disallowed_special=())
    (message,) = parse([MESSAGE, *spelled, END], Role.USER)
    assert message == Message("user", "hi<|end|><|start|>")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("token", [201_089, -1, 2**31 - 1, -(2**31)])
def test_an_unknown_id_in_content_is_replaced_and_the_stream_goes_on(
    encoding: HarmonyEncoding, token: int, strict: bool
) -> None:
    parser = StreamableParser(encoding, None, strict=strict)
    parser.feed([START, USER, MESSAGE, HI, token])
    assert parser.last_content_delta == "\ufffd"
    assert parser.process(HI).last_content_delta == "hi"
    parser.feed([END, *HELLO])
    assert parser.messages == [Message("user", "hi\ufffdhi"), Message("user", "hi")]


KEPT = ["state", "current_role", "current_channel", "current_recipient"]


@pytest.mark.parametrize("name", [*KEPT, "last_content_delta"])
def test_what_is_read_with_every_token_can_only_be_read(
    encoding: HarmonyEncoding, name: str
) -> None:
    with pytest.raises(AttributeError):
        setattr(StreamableParser(encoding, None), name, None)


def test_a_token_whose_text_is_known_is_read_behind_half_a_character(
    encoding: HarmonyEncoding,
) -> None:
    parser = StreamableParser(encoding, Role.USER).process(MESSAGE)
    assert parser.process(HI).last_content_delta == "hi"
    half = 9552
    assert encoding.decode_bytes([half]) == b" \xf0\x9f"
    assert parser.process(half).last_content_delta == " "
    assert parser.process(HI).last_content_delta == "\ufffd"
    assert parser.process(HI).last_content_delta == "hihi"
    assert parser.process(HI).last_content_delta == "hi"


def test_the_texts_that_are_known_are_many_and_not_too_many(
    encoding: HarmonyEncoding,
) -> None:
    parser = StreamableParser(encoding, Role.USER).process(MESSAGE)
    texts = encoding._native.texts
    texts.clear()
    counts = []
    for token in range(20_000):
        deltas = [parser.process(token).last_content_delta for _ in range(2)]
        counts.append(len(texts))
        if token in texts:
            assert texts[token] == deltas[1] == encoding.decode([token])
    assert max(counts) == (16_384 if _native.EXTENSION is None else 0)


@pytest.mark.parametrize(
    ("text", "role", "expected"),
    [
        ("", None, []),
        ("", "assistant", []),
        ("<|start|>", None, [(0, 1, 1)]),
        ("<|start|>user<|message|>", None, [(0, 3, 3)]),
        ("<|message|>hi", "user", [(0, 1, 2)]),
        ("hi there", None, [(0, 2, 2)]),
        ("hi there<|end|>", None, [(0, 0, 3)]),
        (
            "<|end|><|start|>user<|message|>hi<|end|><|call|>"
            "<|start|>assistant<|channel|>final<|message|>1 + 1<|return|>"
            "<|start|>user<|message|>Why?",
            None,
            [(1, 4, 6), (7, 12, 17), (17, 20, 22)],
        ),
    ],
)
def test_the_places_of_messages_among_the_tokens(
    encoding: HarmonyEncoding,
    text: str,
    role: str | None,
    expected: list[tuple[int, int, int]],
) -> None:
    parser = StreamableParser(encoding, role, on_error="recover")
    parser.feed(encoding.encode(text, allowed_special="all"))
    assert places(parser) == expected


def test_parsers_do_not_disturb_each_other(encoding: HarmonyEncoding) -> None:
    parsers = [StreamableParser(encoding, None) for _ in range(3)]
    for token in HELLO:
        for parser in parsers:
            parser.process(token)
    for parser in parsers:
        assert parser.messages == [Message("user", "hi")]


def test_a_parser_keeps_its_encoding_alive() -> None:
    """The C side has only a pointer to it."""
    import gc

    from harmony.encoding import HarmonyEncoding
    from harmony.vocabulary import PACKAGED

    parser = StreamableParser(HarmonyEncoding("HarmonyGptOss", PACKAGED), None)
    gc.collect()
    parser.feed(HELLO)
    assert parser.messages == [Message("user", "hi")]


def test_the_binding_of_a_parser_keeps_its_encoding_alive() -> None:
    """A call of it would read memory that is freed."""
    import gc
    import weakref

    from harmony.encoding import HarmonyEncoding
    from harmony.vocabulary import PACKAGED

    encoding = HarmonyEncoding("HarmonyGptOss", PACKAGED)
    kept = weakref.ref(encoding._native)
    binding = StreamableParser(encoding, None)._native
    del encoding
    gc.collect()
    assert kept() is not None
    assert binding.message_count() == 0


def test_the_benchmark_of_the_properties_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """It broke unseen when feed began to return segments."""
    folder = Path(__file__).parent / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    benchmark = importlib.import_module("parser_properties")
    monkeypatch.setattr(benchmark, "READS", 1)
    parser = benchmark.parser_with(10)
    assert len(parser.messages) == 2
    assert all(benchmark.nanoseconds(parser, name) > 0 for name in benchmark.FLAT)


@given(
    tokens=st.lists(
        st.integers(-3, 201_100)
        | st.sampled_from([*HELLO, CHANNEL, 200002, 199999, PARTIAL]),
        max_size=40,
    ),
    recover=st.booleans(),
)
def test_portions_of_one_token_give_what_the_whole_gives(
    encoding: HarmonyEncoding, tokens: list[int], recover: bool
) -> None:
    """A list of one token has a way of its own inside a content."""
    on_error: OnError = "recover" if recover else "raise"
    prompt = encoding.encode("<|channel|>final<|message|>", allowed_special="all")
    parsers = [
        StreamableParser(encoding, "assistant", on_error=on_error) for _ in range(2)
    ]
    for parser in parsers:
        parser.feed(prompt)
    for token in tokens:
        try:
            wanted = parsers[0].feed(array("i", [token]))
        except ParseError as error:
            with pytest.raises(ParseError) as caught:
                parsers[1].feed([token])
            assert str(caught.value) == str(error)
            continue
        assert parsers[1].feed([token]) == wanted
    if recover or parsers[0].state is not StreamState.HEADER:
        assert parsers[0].finish() == parsers[1].finish()
    assert parsers[0].messages == parsers[1].messages
    assert parsers[0].warnings == parsers[1].warnings
    assert parsers[0].tokens == parsers[1].tokens


def test_one_token_of_a_content_is_fed_as_such_and_not_as_a_list(
    encoding: HarmonyEncoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As servers feed; making an array of it took longer than all the rest."""
    monkeypatch.delattr("harmony._native.parser.Parser.feed")
    parser = StreamableParser(encoding, Role.USER).process(MESSAGE)
    for token in (0, HI, 199_997):
        (segment,) = parser.feed([token])
        assert segment.text == encoding.decode([token])


@pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_parser_is_not_copied(
    encoding: HarmonyEncoding, take: Callable[[Any], Any]
) -> None:
    """With cffi alone, a copy fed the parser that it was a copy of."""
    with pytest.raises(TypeError, match="cannot pickle 'StreamableParser' object"):
        take(fed(encoding, HELLO))
