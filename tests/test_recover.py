"""A parser that never fails: ``on_error="recover"``.

What is checked of generated damage are the six guarantees of docs/python.md; the table
there is a test too.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import json
import pickle
import random
import re
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony import (
    Author,
    Conversation,
    HarmonyError,
    Message,
    ParseError,
    ParseWarning,
    RenderConversationConfig,
    Role,
    Segment,
    StreamableParser,
    StreamState,
    TextContent,
    TokenCount,
    WarningKind,
    _native,
    load_harmony_encoding,
)
from harmony.prompts import content_text
from support import ROOT
from support.differential import STOP_TOKENS, TEXTS, Tokens
from support.examples import times
from support.growth import assert_linear

CASES = [
    json.loads(line)
    for line in (ROOT / "test-data" / "malformed.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
KEEP_ALL = RenderConversationConfig(auto_drop_analysis=False)
KEEP_ALL_CHANNEL_FIRST = RenderConversationConfig(
    auto_drop_analysis=False, channel_first=True
)
CHANNELS = ("analysis", "commentary", "final")
ENCODING = load_harmony_encoding("HarmonyGptOss")
GENERATED = Tokens(ENCODING)
K = WarningKind


def harmony(text: str) -> list[int]:
    """Return the tokens of harmony text."""
    return ENCODING.encode(text, allowed_special="all")


def recovering(role: str | None = None) -> StreamableParser:
    return StreamableParser(ENCODING, role, on_error="recover")


def recovered(tokens: list[int] | str, role: str | None = None) -> StreamableParser:
    """Return a recovering parser after tokens, or harmony text, and the end."""
    parser = recovering(role)
    parser.feed(harmony(tokens) if isinstance(tokens, str) else tokens)
    return parser.process_eos()


def only_text(message: Message) -> str:
    (content,) = message.content
    assert isinstance(content, TextContent)
    return content.text


def form(message: Message) -> dict[str, Any]:
    """Return a message as malformed.jsonl has it."""
    return {
        "role": message.author.role.value,
        "name": message.author.name,
        "channel": message.channel,
        "recipient": message.recipient,
        "content_type": message.content_type,
        "text": only_text(message),
    }


def random_split(tokens: list[int], dice: random.Random) -> list[list[int]]:
    cuts = sorted(dice.choices(range(len(tokens) + 1), k=dice.randrange(6)))
    return [tokens[a:b] for a, b in itertools.pairwise([0, *cuts, len(tokens)])]


# What real models wrote


def by_id(case: dict[str, Any]) -> str:
    return str(case["id"])


def case_tokens(case: dict[str, Any]) -> list[int]:
    return case["tokens"] if "tokens" in case else harmony(case["text"])


def test_the_cases_are_there() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES) == 33 + 30
    assert len({case["cls"] for case in CASES}) > 10


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_a_collected_case(case: dict[str, Any]) -> None:
    tokens = case_tokens(case)
    messages = ENCODING.parse_messages_from_completion_tokens(
        tokens, case["role"], on_error="recover"
    )
    assert [form(message) for message in messages] == case["expect"], case["why"]


@pytest.mark.reference
def test_how_many_of_the_cases_the_reference_reads(reference: Any) -> None:
    """README.md says so."""
    right = raised = 0
    for case in CASES:
        role = case["role"] and reference.module.Role(case["role"])
        try:
            messages = reference.encoding.parse_messages_from_completion_tokens(
                case_tokens(case), role, strict=False
            )
        except reference.module.HarmonyError:
            raised += 1
        else:
            ours = [Message.from_dict(message.to_dict()) for message in messages]
            right += [form(message) for message in ours] == case["expect"]
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"Of {len(CASES)} replies out of the ordinary" in text
    assert f"reads {right}, at its most lenient, and raises for {raised} " in text


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_a_collected_case_one_by_one_and_split(case: dict[str, Any]) -> None:
    tokens = case_tokens(case)
    whole = recovered(tokens, case["role"])
    alone = recovering(case["role"])
    for token in tokens:
        alone.process(token)
    assert_same(alone.process_eos(), whole)
    for seed in range(10):
        parser = recovering(case["role"])
        for portion in random_split(tokens, random.Random(seed)):
            parser.feed(portion)
        assert_same(parser.process_eos(), whole)


def assert_same(parser: StreamableParser, other: StreamableParser) -> None:
    assert [form(m) for m in parser.messages] == [form(m) for m in other.messages]
    assert ends(parser) == ends(other)
    assert parser.warnings == other.warnings
    assert parser.token_counts == other.token_counts
    assert parser.tokens == other.tokens
    assert parser.state_data == other.state_data


def ends(parser: StreamableParser) -> list[str | None]:
    return [message.end_token for message in parser.messages]


# The six guarantees, on generated damage

int32s = st.integers(-(2**31), 2**31 - 1)
roles = st.sampled_from([None, None, "assistant", "assistant", "tool", "user"])


@st.composite
def damages(draw: st.DrawFn) -> list[int]:
    """Draw tokens like those of ``differential.Tokens``, with any int32 in them."""
    one = st.one_of(
        st.sampled_from(GENERATED.parts),
        st.sampled_from(GENERATED.words),
        st.sampled_from(GENERATED.SPECIAL).map(lambda token: [token]),
        st.sampled_from(GENERATED.broken).map(lambda token: [token]),
        st.integers(0, 201_088).map(lambda token: [token]),
        int32s.map(lambda token: [token]),
    )
    return [token for part in draw(st.lists(one, max_size=14)) for token in part]


many = times(3)


@many
@given(damages(), roles, st.randoms(use_true_random=False))
@example([-1, -(2**31), 2**31 - 1, 201_089], None, random.Random(0))
def test_1_nothing_raises_and_portions_make_no_difference(
    tokens: list[int], role: str | None, dice: random.Random
) -> None:
    alone = recovering(role)
    for token in tokens:
        assert alone.process(token) is alone
    alone.process_eos()
    split = recovering(role)
    for portion in random_split(tokens, dice):
        split.feed(portion)
    assert_same(split.process_eos(), alone)
    assert alone.tokens == tokens


def letters(text: str) -> Counter[str]:
    """Count what can't be a replacement, white space or written by a parser."""
    return Counter(c for c in text if c > " " and c.isprintable() and c != "\ufffd")


@many
@given(damages(), roles)
def test_2_no_text_is_lost(tokens: list[int], role: str | None) -> None:
    parser = recovered(tokens, role)
    ordinary = [token for token in tokens if 0 <= token < 199_998]
    fed: Counter[str] = Counter()
    for run in runs(tokens, set(ordinary)):
        fed += letters(ENCODING.decode(run, errors="ignore"))
    found: Counter[str] = Counter()
    for message in parser.messages:
        # `:` and `to=` are structure, as are roles, which are the same in any case.
        found += letters(f"{message.author.role.value} : to= {message.author.name}")
        found += letters(f"{message.channel} {message.content_type}")
        found += letters(f"{message.recipient} {only_text(message)}")
    for warning in parser.warnings:
        found += letters(f"{warning.text} to=")
    # A character may be cut by a special token: its bytes were replaced.
    assert not {c: n for c, n in (fed - found).items() if c.isascii()}


def runs(tokens: list[int], ordinary: set[int]) -> Iterable[list[int]]:
    for is_text, run in itertools.groupby(tokens, ordinary.__contains__):
        if is_text:
            yield list(run)


@many
@given(damages(), roles)
def test_3_what_is_finished_stays_and_the_deltas_are_the_contents(
    tokens: list[int], role: str | None
) -> None:
    parser = recovering(role)
    texts: list[str] = []
    kept: list[dict[str, Any]] = []
    for token in [*tokens, None]:
        before = len(parser.messages)
        if token is None:
            parser.process_eos()
        else:
            parser.process(token)
        assert [form(message) for message in parser.messages][:before] == kept
        kept = [form(message) for message in parser.messages]
        delta = parser.last_content_delta
        if delta is not None:
            assert delta != ""
            texts += [""] * (before + 1 - len(texts))
            texts[before] += delta
        # Until it is finished, a content is the deltas so far.
        if parser.current_content:
            assert parser.current_content == texts[len(parser.messages)]
    texts += [""] * (len(parser.messages) - len(texts))
    assert texts == [only_text(message) for message in parser.messages]


@many
@given(damages(), roles)
def test_4_repairs_are_warnings_in_order_that_do_not_change(
    tokens: list[int], role: str | None
) -> None:
    parser = recovering(role)
    kept: Sequence[ParseWarning] = []
    for token in tokens:
        warnings = parser.process(token).warnings
        assert warnings[: len(kept)] == kept
        kept = warnings
    kept = parser.process_eos().warnings
    assert all(isinstance(warning.kind, WarningKind) for warning in kept)
    positions = [warning.position for warning in kept]
    assert positions == sorted(positions)
    assert all(0 <= position <= len(tokens) for position in positions)


def canonical(tokens: list[int], role: str | None) -> list[Message] | None:
    """Return what the strict parser makes of tokens, if that is rendered as them."""
    try:
        messages = ENCODING.parse_messages_from_completion_tokens(tokens, role)
        talk = Conversation(messages)
        own = [
            ENCODING.render_conversation(talk, config)
            for config in (KEEP_ALL, KEEP_ALL_CHANNEL_FIRST)
        ]
    except HarmonyError:
        return None
    if role is not None:
        tokens = [*harmony(f"<|start|>{role}"), *tokens]
    excepted = any(map(is_excepted, messages))
    return messages if tokens in own and not excepted else None


SPOILED = re.compile(r"\W*(analysis|commentary|final)\W*")
NAMELESS = re.compile(r"to=.*|(user|assistant|system|developer|tool):", re.I | re.S)


def is_excepted(message: Message) -> bool:
    """Tell whether guarantee 5 leaves a message out: the list in docs/python.md."""
    channel, recipient = message.channel or "", message.recipient or ""
    content_type = (message.content_type or "").removeprefix("<|constrain|>")
    return (
        any("<|" in field for field in (channel, recipient, content_type))
        or recipient == "functions."
        or (len(recipient) > 1 and recipient[0] in "\"'`")
        or bool(NAMELESS.fullmatch(message.author.name or ""))
        or (channel not in CHANNELS and bool(SPOILED.fullmatch(channel)))
    )


@many
@given(damages(), roles)
def test_5_what_is_canonical_is_read_as_by_the_strict_parser(
    tokens: list[int], role: str | None
) -> None:
    for end in ([], [200007], [200012]):
        expected = canonical([*tokens, *end], role)
        if expected is not None:
            assert recovered([*tokens, *end], role).messages == expected


MARKERS = ("<|channel|>", "<|start|>", "<|end|>", "<|message|>", "<|constrain|>")


@many
@given(damages(), roles)
def test_6_what_comes_out_can_be_rendered_and_has_no_markers(
    tokens: list[int], role: str | None
) -> None:
    messages = recovered(tokens, role).messages
    ENCODING.render_conversation(Conversation(messages), KEEP_ALL)
    for message in messages:
        content_type = (message.content_type or "").removeprefix("<|constrain|>")
        for field in (message.channel, message.recipient, content_type):
            assert not any(marker in (field or "") for marker in MARKERS)


@pytest.mark.parametrize(
    "text", ["<|start|>", "<|channel|>", "a ", "to=", "<|constrain|>x", "<|end|>"]
)
def test_nothing_takes_more_than_linear_time(text: str) -> None:
    tokens = harmony(text)

    def work(length: int) -> Callable[[], object]:
        return lambda: recovered(tokens * (length // len(tokens)), "assistant")

    assert_linear(work, 200_000)


# What is well-formed is not repaired

well_formed = st.lists(
    st.builds(
        lambda author, text, channel, recipient, content_type: Message(
            author, text, channel, recipient, content_type if recipient else None
        ),
        st.sampled_from(
            [
                Author(Role.USER),
                Author(Role.SYSTEM),
                Author(Role.DEVELOPER),
                Author(Role.ASSISTANT),
            ]
        ),
        st.sampled_from(TEXTS) | st.text(max_size=12),
        st.sampled_from([None, "analysis", "commentary", "final", "other"]),
        st.sampled_from([None, "functions.f", "browser.search", "assistant"]),
        st.sampled_from([None, "json", "<|constrain|>json", "code"]),
    )
    | st.builds(
        lambda text, channel: Message(
            Author(Role.TOOL, "functions.f"), text, channel, "assistant"
        ),
        st.sampled_from(TEXTS),
        st.sampled_from([None, "commentary"]),
    ),
    max_size=6,
)


@many
@given(well_formed)
def test_well_formed_conversations_are_read_as_ever_without_a_warning(
    messages: list[Message],
) -> None:
    tokens = ENCODING.render_conversation(Conversation(messages), KEEP_ALL)
    expected = ENCODING.parse_messages_from_completion_tokens(tokens)
    parser = recovered(tokens)
    assert parser.messages == expected
    assert parser.warnings == []


def test_a_rendered_conversation_comes_back() -> None:
    talk = Conversation.from_json((ROOT / "test-data" / "weather.json").read_bytes())
    tokens = ENCODING.render_conversation(talk, KEEP_ALL)
    parser = recovered(tokens)
    assert parser.warnings == []
    assert parser.messages == ENCODING.parse_messages_from_completion_tokens(tokens)
    assert [only_text(message) for message in parser.messages] == [
        "".join(content_text(c, m.author.role, False) for c in m.content) for m in talk
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message(Author(Role.USER, "bob"), "hi"),
        Message(Author(Role.ASSISTANT, "bob"), "hi", "final"),
        Message(Author(Role.TOOL, "functions.f"), "{}"),
        Message(Author(Role.TOOL, "functions.f"), "{}", "commentary"),
        Message(Author(Role.TOOL, "search"), "{}", "commentary", "assistant"),
    ],
    ids=repr,
)
def test_what_the_strict_parser_can_not_read_back_is_read_back(
    message: Message,
) -> None:
    parser = recovered(ENCODING.render(message))
    assert parser.messages == [message]
    assert parser.warnings == []


# Warnings

USER = harmony("user:")
FINAL = "<|channel|>final<|message|>"

WARNINGS: list[tuple[WarningKind, str | list[int], str | None, int, str]] = [
    (K.STRAY_STOP, "<|end|><|start|>user<|message|>hi<|end|>", None, 0, ""),
    (K.STRAY_STOP, FINAL + "hi<|end|><|call|>", "assistant", 5, ""),
    (K.WHITE_SPACE, FINAL + "hi<|return|>\n\n", "assistant", 6, "\n\n"),
    (K.MISSING_START, "user<|message|>hi<|end|>", None, 1, ""),
    (K.MISSING_START, f"assistant{FINAL}hi<|end|>", None, 1, ""),
    (K.BARE_TEXT, "Hello there.<|return|>", None, 3, ""),
    (K.RESTARTED_HEADER, "<|start|>user<|start|>assistant<|message|>", None, 2, "user"),
    (K.RESTARTED_HEADER, "<|start|><|start|>assistant<|message|>", None, 1, ""),
    (K.REPEATED_MESSAGE, FINAL + "<|message|>hi<|end|>", "assistant", 3, ""),
    (K.CUT_MESSAGE, FINAL + "hi<|start|>user<|message|>", "assistant", 4, ""),
    (K.MISSING_MESSAGE, "<|channel|>final 4.<|return|>", "assistant", 5, ""),
    (K.DROPPED_HEADER, "<|start|>assistant<|end|>", None, 2, "assistant"),
    (K.DROPPED_HEADER, "<|channel|>final", "assistant", 2, " final"),
    (K.DROPPED_HEADER, "<|end|>", "assistant", 0, ""),
    (K.HEADER_WORDS, "<|channel|>final a b<|message|>hi", "assistant", 4, "a b"),
    (K.ROLE, f"<|start|>{FINAL}hi", None, 3, ""),
    (K.ROLE, f"assistant{FINAL}hi", "assistant", 3, "assistant"),
    (K.ROLE, "<|start|>final<|message|>hi", None, 2, "final"),
    (K.CHANNEL, "<|channel|>analysis" + FINAL + "hi", "assistant", 4, "analysis"),
    (K.RECIPIENT, " to=f.a to=f.b<|message|>{}", "assistant", 6, "to=f.a"),
    (
        K.RECIPIENT,
        "<|channel|>final to=f.a( to=f.b<|message|>",
        "assistant",
        9,
        "( to=f.a",
    ),
    (K.RECIPIENT, "<|channel|>analysis python<|message|>", "assistant", 3, "python"),
    (K.RECIPIENT, "<|channel|>analysis json<|message|>", "assistant", 3, "json"),
    (K.RECIPIENT, " to=functions.<|message|>", "assistant", 4, "to=functions."),
    (K.ROLE, "<|start|>search<|message|>", None, 2, "search"),
    (K.ROLE, "<|start|>user:<|message|>", None, 3, ":"),
    (K.CHANNEL, "<|channel|>analysis?<|message|>", "assistant", 3, "analysis?"),
    (K.CUT_MESSAGE, FINAL + "hi<|endoftext|>", "assistant", 4, ""),
    (K.STRAY_STOP, FINAL + "hi<|end|><|endoftext|>", "assistant", 5, ""),
    (K.DROPPED_HEADER, "<|endoftext|>", "assistant", 0, ""),
    (
        K.CONTENT_TYPE,
        " to=f.a <|constrain|>xml <|constrain|>json<|message|>{}",
        "assistant",
        9,
        "xml",
    ),
    (K.NOT_UTF8, [200006, *USER, 187, 200008], None, 3, "\ufffd"),
    (K.UNKNOWN_TOKEN, [200005, 17196, 200008, -7], "assistant", 3, ""),
    (K.UNKNOWN_TOKEN, [200005, 17196, 200008, 201_089, 87], "assistant", 3, ""),
]


BEHIND_THE_END = FINAL + "hi<|endoftext|>"


@pytest.mark.parametrize(("kind", "tokens", "role", "position", "text"), WARNINGS)
def test_an_example_of_a_kind_of_warning(
    kind: WarningKind,
    tokens: str | list[int],
    role: str | None,
    position: int,
    text: str,
) -> None:
    expected = [ParseWarning(kind, position, text)]
    assert recovered(tokens, role).warnings == expected


def test_every_kind_of_warning_has_an_example() -> None:
    assert {row[0] for row in WARNINGS} | {K.AFTER_END} == set(WarningKind)
    assert {kind.value for kind in WarningKind} == set(_native.WARNINGS.values())


def test_a_token_behind_the_end_is_a_warning_with_the_characters_it_completes() -> None:
    """Each part of a character used to be replaced for itself."""
    tokens = harmony(BEHIND_THE_END)
    bone = [*ENCODING.encode("x🦴"), 9552]
    ignored = recovered([*tokens, *bone], "assistant").warnings[1:]
    assert {warning.kind for warning in ignored} == {K.AFTER_END}
    assert [w.text for w in ignored] == ["x", "", "", "🦴", " ", "\ufffd"]
    assert [w.position for w in ignored] == [5, 6, 7, 8, 9, 10]


def test_reading_the_warnings_after_every_token_is_linear() -> None:
    """Each new warning used to copy the list of those before."""

    def work(length: int) -> Callable[[], object]:
        def read() -> None:
            parser = recovering()
            for token in [200007] * length:
                assert len(parser.process(token).warnings)

        return read

    assert_linear(work, 40_000)


def test_warnings_are_a_sequence_like_a_list() -> None:
    warnings = recovered("<|end|><|call|><|end|>").warnings
    first, second, third = warnings
    assert warnings == [first, second, third] == warnings[:]
    assert warnings[-1] == third and warnings[1:] == [second, third]
    assert repr(warnings) == repr([first, second, third])
    other: object = "abc"
    assert warnings != [first, second] and warnings != other
    with pytest.raises(IndexError):
        warnings[3]


def test_a_list_of_warnings_does_not_grow() -> None:
    parser = recovering()
    parser.process(200007)
    taken = parser.warnings
    assert parser.warnings is taken
    parser.process(200007)
    assert [warning.position for warning in taken] == [0]
    assert [warning.position for warning in parser.warnings] == [0, 1]


def test_a_warning_compares_and_hashes_by_its_fields() -> None:
    one, same = (ParseWarning(K.ROLE, 1, "x") for _ in range(2))
    assert one == same and len({one, same}) == 1
    assert Counter([one.kind, K.ROLE])[K.ROLE] == 2
    assert pickle.loads(pickle.dumps(one)) == one


def test_warnings_are_equal_to_a_list_of_the_same_and_have_no_hash() -> None:
    warnings = recovered([200007]).warnings
    assert warnings == recovered([200007]).warnings == [*warnings]
    assert warnings != recovered([200007, 200007]).warnings
    assert warnings != recovered([200008]).warnings[:0]
    assert warnings.__eq__(tuple(warnings)) is NotImplemented
    assert not isinstance(warnings, Hashable)


# The options


@pytest.mark.parametrize("wrong", ["ignore", "RECOVER", "", None, True])
def test_another_on_error_is_a_value_error(wrong: Any) -> None:
    words = f"^on_error: expected 'raise' or 'recover', got {re.escape(repr(wrong))}$"
    with pytest.raises(ValueError, match=words):
        StreamableParser(ENCODING, None, on_error=wrong)
    with pytest.raises(ValueError, match=words):
        StreamableParser.after(ENCODING, [], on_error=wrong)
    with pytest.raises(ValueError, match=words):
        ENCODING.parse_messages_from_completion_tokens([], on_error=wrong)


def test_to_raise_is_the_default() -> None:
    for parser in (
        StreamableParser(ENCODING, None),
        StreamableParser(ENCODING, None, on_error="raise"),
    ):
        with pytest.raises(ParseError):
            parser.process(200008)
        assert parser.warnings == []


@many
@given(damages(), roles)
def test_strict_has_no_effect_with_recover(tokens: list[int], role: str | None) -> None:
    loose = StreamableParser(ENCODING, role, strict=False, on_error="recover")
    strict = recovering(role)
    for parser in (loose, strict):
        parser.feed(tokens)
    assert loose.state_data == strict.state_data
    assert_same(loose.process_eos(), strict.process_eos())


# What used to go wrong


def test_a_channel_in_the_place_of_a_given_role_is_the_channel() -> None:
    """It used to be among the words left out, and the message had no channel."""
    for text in ("final<|message|>4", "assistantfinal<|message|>4"):
        parser = recovered(text, "assistant")
        assert parser.messages == [Message("assistant", "4", "final")]
        word = text.removesuffix("<|message|>4")
        assert [(w.kind, w.text) for w in parser.warnings] == [(K.ROLE, word)]


@pytest.mark.parametrize("channel_first", [False, True])
@pytest.mark.parametrize("content_type", ["json", "user", "<|constrain|>json"])
@pytest.mark.parametrize(
    "name",
    ["mcp/a", "a:b", "a@b+c#d$e", "größe", "天気", "a\u00a0b", "f.now()", "אב.ג"],
)
def test_a_name_that_the_strict_parser_takes_is_whole(
    name: str, content_type: str, channel_first: bool
) -> None:
    """Behind the channel it used to be cut, and another tool was called."""
    message = Message("assistant", "{}", "commentary", name, content_type)
    config = RenderConversationConfig(channel_first=channel_first)
    tokens = ENCODING.render_conversation(Conversation([message]), config)
    parser = recovered(tokens)
    assert parser.messages == [message]
    assert parser.warnings == []
    assert recovered(tokens[2:], "assistant").messages == [message]


@pytest.mark.parametrize("word", ["finalé", "最final", "final1", "finale", "Final?"])
def test_letters_beside_a_channel_make_another_channel(word: str) -> None:
    parser = recovered(f"<|channel|>{word}<|message|>", "assistant")
    assert parser.messages == [Message("assistant", "", word)]
    assert parser.warnings == []


@pytest.mark.parametrize("words", ["commentary", "assistantcommentary"])
@pytest.mark.parametrize("end", ["<|end|>", "<|call|>"])
def test_a_call_without_start_is_by_the_assistant(words: str, end: str) -> None:
    """It used to be by a tool whose name was the channel."""
    header = f"{words} to=functions.f <|constrain|>json"
    parser = recovered(f"{FINAL}a{end}{header}<|message|>{{}}<|call|>", "assistant")
    expected = ("commentary", "functions.f", "<|constrain|>json")
    assert parser.messages[1] == Message("assistant", "{}", *expected)


@pytest.mark.parametrize(
    "header",
    [
        '<|channel|>commentary to="functions.f" <|constrain|>json',
        "<|channel|>commentary to='functions.f' <|constrain|>json",
        "<|channel|>commentary functions.f <|constrain|>json",
        "commentary functions.f <|constrain|>json",
    ],
)
def test_the_recipient_of_a_call_is_found(header: str) -> None:
    """The call used to lose it, and nobody knew which tool was meant."""
    (message,) = recovered(f"{header}<|message|>{{}}<|call|>", "assistant").messages
    assert (message.channel, message.recipient) == ("commentary", "functions.f")
    assert message.content_type == "<|constrain|>json"


@pytest.mark.parametrize(
    ("text", "role", "kind"),
    [
        ("<|start|>assistant<|channel|><|message|>4<|end|>", None, "channel"),
        ("<|start|>assistant<|constrain|><|message|>4<|end|>", None, "content_type"),
        ("<|start|>user<|message|>4<|end|>", "assistant", "role"),
    ],
)
def test_a_repair_without_text_is_a_warning_too(
    text: str, role: str | None, kind: str
) -> None:
    (warning,) = recovered(text, role).warnings
    assert (warning.kind, warning.text) == (kind, "")


def test_a_channel_behind_the_role_is_the_channel() -> None:
    (message,) = recovered("<|start|>assistant final<|message|>4<|end|>").messages
    assert (message.author.role, message.channel) == ("assistant", "final")


def test_prose_before_a_header_is_left_out_in_its_order() -> None:
    """Its first word used to come last."""
    parser = recovered(f"{FINAL}a<|end|>We need to answer.{FINAL}b", "assistant")
    texts = {warning.kind: warning.text for warning in parser.warnings}
    assert texts[K.HEADER_WORDS] == "We need to answer."
    assert [only_text(message) for message in parser.messages] == ["a", "b"]


def test_a_header_of_nothing_is_dropped_with_a_warning() -> None:
    """`<|start|><|end|>` and a repeated `<|start|>` used to leave no trace."""
    dropped, restarted = ParseWarning(K.DROPPED_HEADER, 1, ""), K.RESTARTED_HEADER
    assert recovered("<|start|><|end|>").warnings == [dropped]
    assert recovered("<|start|>").warnings == [dropped]
    found = recovered("<|start|><|start|><|start|>user<|message|>").warnings
    assert found == [ParseWarning(restarted, 1, ""), ParseWarning(restarted, 2, "")]


def test_nothing_at_all_is_nothing_without_a_warning() -> None:
    for role in (None, "assistant"):
        parser = recovered([], role)
        assert (parser.messages, parser.warnings) == ([], [])


# Feed and its segments


def test_a_segment_has_the_fields_of_its_message() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    header = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>"
    assert parser.feed(harmony(header + "{}")) == [
        Segment(
            role=Role.ASSISTANT,
            channel="commentary",
            recipient="functions.f",
            content_type="<|constrain|>json",
            text="{}",
            message=0,
            finished=False,
        )
    ]
    (segment,) = parser.feed(harmony("<|call|>"))
    assert (segment.text, segment.message, segment.finished) == ("", 0, True)


def test_a_segment_and_a_count_have_a_hash_and_do_not_change() -> None:
    (segment,) = StreamableParser(ENCODING, "user").feed(harmony("<|message|>hi"))
    for thing, name in ((segment, "text"), (TokenCount(3, 1), "header")):
        assert {dataclasses.replace(thing): 5}[thing] == 5
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, None)


def test_a_call_of_feed_gives_one_segment_a_message() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    text = (
        "<|channel|>analysis<|message|>Easy, I think.<|end|>"
        "<|start|>assistant<|channel|>final<|message|><|end|>"
        "<|start|>user<|message|>Why"
    )
    found = parser.feed(harmony(text))
    assert [
        (s.role.value, s.channel, s.text, s.message, s.finished) for s in found
    ] == [
        ("assistant", "analysis", "Easy, I think.", 0, True),
        ("assistant", "final", "", 1, True),
        ("user", None, "Why", 2, False),
    ]


def test_where_no_text_is_completed_there_is_no_segment() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    assert parser.feed([]) == []
    assert parser.feed(harmony("<|channel|>final<|message|>")) == []
    bone = ENCODING.encode(" 🦴")
    assert [segment.text for segment in parser.feed(bone[:1])] == [" "]
    assert parser.feed(bone[1:2]) == []
    assert [segment.text for segment in parser.feed(bone[2:])] == ["🦴"]


@many
@given(damages(), roles, st.randoms(use_true_random=False))
def test_the_texts_of_the_segments_joined_are_the_contents(
    tokens: list[int], role: str | None, dice: random.Random
) -> None:
    parser = recovering(role)
    texts: dict[int, str] = {}
    finished: set[int] = set()
    for portion in [*random_split(tokens, dice), [199_999]]:
        segments = parser.feed(portion)
        assert len({segment.message for segment in segments}) == len(segments)
        for segment in segments:
            assert segment.message not in finished
            texts[segment.message] = texts.get(segment.message, "") + segment.text
            if segment.finished:
                finished.add(segment.message)
                message = parser.messages[segment.message]
                assert (segment.role, segment.channel) == (
                    message.author.role,
                    message.channel,
                )
                assert (segment.recipient, segment.content_type) == (
                    message.recipient,
                    message.content_type,
                )
    assert finished == set(range(len(parser.messages))) == texts.keys()
    assert texts == {i: only_text(message) for i, message in enumerate(parser.messages)}


def test_feed_raises_at_the_first_wrong_token_and_keeps_those_before() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    tokens = harmony(f"{FINAL}hi<|end|>")
    with pytest.raises(ParseError) as caught:
        parser.feed([*tokens, 87, 87])
    assert caught.value.position == len(tokens)
    assert [only_text(message) for message in parser.messages] == ["hi"]
    assert parser.tokens == [*tokens, 87]
    parser.feed(harmony("<|start|>user<|message|>bye<|end|>"))
    assert [only_text(message) for message in parser.messages] == ["hi", "bye"]


TOKENS = harmony(f"{FINAL}naïve café<|end|>")


@pytest.mark.parametrize(
    "given_tokens",
    [
        TOKENS,
        tuple(TOKENS),
        (token for token in TOKENS),
        array("i", TOKENS),
        array("q", TOKENS),
        memoryview(array("i", TOKENS)),
        memoryview(array("i", [t for token in TOKENS for t in (token, 0)]))[::2],
        dict.fromkeys(TOKENS),
    ],
    ids=["list", "tuple", "generator", "int32", "int64", "view", "strided", "keys"],
)
def test_any_iterable_of_ids_can_be_fed(given_tokens: Any) -> None:
    parser = StreamableParser(ENCODING, "assistant")
    (segment,) = parser.feed(given_tokens)
    assert (segment.text, segment.finished) == ("naïve café", True)
    assert parser.tokens == TOKENS


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32"])
@pytest.mark.parametrize("step", [1, 2])
def test_arrays_of_numpy_can_be_fed(dtype: str, step: int) -> None:
    numpy = pytest.importorskip("numpy")
    ids = numpy.repeat(numpy.array(TOKENS, dtype=dtype), step)[::step]
    parser = StreamableParser(ENCODING, "assistant")
    assert [segment.text for segment in parser.feed(ids)] == ["naïve café"]
    assert parser.tokens == TOKENS
    assert ENCODING.decode(ids) == ENCODING.decode(TOKENS)


def taken_over(ids: Any) -> bool:
    taken = _native.int32(ids)
    return isinstance(taken, memoryview) and taken.obj is ids


def test_int32_is_not_copied() -> None:
    assert taken_over(array("i", TOKENS))
    numpy = pytest.importorskip("numpy")
    ids = numpy.array(TOKENS, dtype=numpy.int32)
    assert taken_over(ids)
    assert not isinstance(_native.int32(ids[::2]), memoryview)


def test_bytes_are_ids_too() -> None:
    """As for any function of a sequence of int; it used to be int32 in memory."""
    for ids in (b"\x40\x41\x42\x43", bytearray(b"\x40\x41\x42\x43")):
        parser = recovering()
        parser.feed(ids)
        assert parser.tokens == [0x40, 0x41, 0x42, 0x43]


def test_what_is_no_iterable_of_ids_is_a_type_error() -> None:
    for wrong in ("text", 5, None, ["a"], [1.5]):
        with pytest.raises(TypeError):
            recovering().feed(wrong)  # type: ignore[arg-type]


# Streaming: as soon as it is certain, not before


def deltas(text: str, role: str | None) -> list[str | None]:
    parser = recovering(role)
    found = [parser.process(token).last_content_delta for token in harmony(text)]
    return [*found, parser.process_eos().last_content_delta]


def test_content_is_streamed_token_by_token() -> None:
    text = f"{FINAL}1 + 1<|return|>"
    assert deltas(text, "assistant") == [
        *[None, None, None],
        *["1", " +", " ", "1"],
        *[None, None],
    ]


def test_words_where_a_header_may_be_are_held_back() -> None:
    """Until the token, or the end, that decides what they are."""
    held = [None] * len(harmony("Hello there."))
    assert deltas("Hello there.<|end|>", None) == [*held, "Hello there.", None]
    assert deltas("Hello there.", None) == [*held, "Hello there."]
    assert deltas("Hello there.<|start|>", None) == [*held, "Hello there.", None]
    assert set(deltas("Hello there.<|message|>", None)) == {None}


def test_words_behind_a_channel_are_held_back() -> None:
    text = "<|channel|>final 4.<|return|>"
    held = [None] * (len(harmony(text)) - 1)
    assert deltas(text, "assistant") == [*held, "4.", None]


SHOWN = ("role", "channel", "recipient", "content_type")


def shown(parser: StreamableParser) -> tuple[Any, ...]:
    return tuple(getattr(parser, f"current_{name}") for name in SHOWN)


@pytest.mark.parametrize("end", ["<|call|>", "<|endoftext|>", "<|start|>", ""])
def test_text_that_comes_with_the_end_has_its_message_beside_it(end: str) -> None:
    """The channel was None: a server that reads it with the delta sent no answer."""
    text = f"<|channel|>final to=functions.f json{{}}{end}"
    parser = recovering("assistant")
    for token in harmony(text):
        parser.process(token)
    if not end:
        parser.process_eos()
    if end != "<|start|>":  # begins the header again: what was in it is a warning
        assert parser.last_content_delta == "{}"
        assert shown(parser) == (Role.ASSISTANT, "final", "functions.f", "json")
    parser.process(200007)
    assert (parser.last_content_delta, parser.last_segment) == (None, None)
    assert shown(parser) == (None, None, None, None)


def test_a_cut_character_has_its_message_beside_it() -> None:
    for end in ([200007], [200005]):
        parser = recovering("assistant")
        for token in [*harmony(FINAL), 9552, *end]:
            parser.process(token)
        assert (parser.last_content_delta, parser.current_channel) == (
            "\ufffd",
            "final",
        )
        assert "final" in parser.token_counts
        assert parser.state is not StreamState.CONTENT
    assert parser.token_counts[None] == TokenCount(header=1)


@many
@given(damages(), roles, st.sampled_from(["raise", "recover"]))
def test_the_last_segment_is_the_last_delta_and_its_message(
    tokens: list[int], role: str | None, on_error: Any
) -> None:
    parser = StreamableParser(ENCODING, role, on_error=on_error)
    texts: dict[int, str] = {}
    found: dict[int, Segment] = {}
    for token in tokens:
        with contextlib.suppress(HarmonyError):
            parser.process(token)
        segment = parser.last_segment
        assert (segment and segment.text) == parser.last_content_delta
        if segment is None:
            continue
        if on_error == "recover":
            assert shown(parser) == tuple(getattr(segment, name) for name in SHOWN)
        assert segment.finished == (segment.message < len(parser.messages))
        texts[segment.message] = texts.get(segment.message, "") + segment.text
        found[segment.message] = segment
    for index, message in enumerate(parser.messages):
        assert texts.get(index, "") == only_text(message)
        if index in found:
            last = found[index]
            assert (last.role, last.channel) == (message.author.role, message.channel)


def test_a_broken_header_does_not_hold_back_the_content() -> None:
    text = "<|channel|>final a b c<|message|>1 + 1"
    assert deltas(text, "assistant")[-5:] == ["1", " +", " ", "1", None]


# StreamableParser.after

TALK = "<|start|>user<|message|>hi<|end|>"
TALK_TOKENS = harmony(TALK)
BOTH = pytest.mark.parametrize("on_error", ["raise", "recover"])


def after(prompt: str, completion: str, on_error: Any) -> StreamableParser:
    parser = StreamableParser.after(ENCODING, harmony(prompt), on_error=on_error)
    assert parser.messages == []
    assert parser.warnings == []
    parser.feed(harmony(completion))
    return parser.process_eos()


@BOTH
@pytest.mark.parametrize(
    ("prompt", "completion"),
    [
        (TALK, f"<|start|>assistant{FINAL}4<|return|>"),
        ("", f"<|start|>assistant{FINAL}4<|return|>"),
        (TALK + "<|start|>", f"assistant{FINAL}4<|return|>"),
        (TALK + "<|start|>assistant", f"{FINAL}4<|return|>"),
        (TALK + "<|start|>assistant<|channel|>", "final<|message|>4<|return|>"),
        (TALK + "<|start|>assistant<|channel|>final", "<|message|>4<|return|>"),
        (TALK + "<|start|>assistant" + FINAL, "4<|return|>"),
    ],
)
def test_a_completion_is_read_wherever_its_prompt_ends(
    on_error: str, prompt: str, completion: str
) -> None:
    parser = after(prompt, completion, on_error)
    assert parser.messages == [Message("assistant", "4", "final")]
    assert parser.warnings == []
    assert parser.messages[0].end_token == "return"


@BOTH
def test_a_prefill_is_part_of_the_content(on_error: Any) -> None:
    prompt = harmony(f"{TALK}<|start|>assistant{FINAL}2 + 2")
    parser = StreamableParser.after(ENCODING, prompt, on_error=on_error)
    assert (parser.state, parser.current_channel) == (StreamState.CONTENT, "final")
    assert parser.current_content == "2 + 2"
    (segment,) = parser.feed(harmony(" = 4<|return|>"))
    assert segment.text == " = 4"
    assert parser.messages == [Message("assistant", "2 + 2 = 4", "final")]


@BOTH
@pytest.mark.parametrize("role", [role for role in Role if role != Role.TOOL])
def test_after_a_role_the_role_is_known(on_error: Any, role: Role) -> None:
    prompt = harmony(f"{TALK}<|start|>{role.value}")
    parser = StreamableParser.after(ENCODING, prompt, on_error=on_error)
    assert (parser.current_role, parser.state) == (role, StreamState.HEADER)
    assert parser.tokens == []


@BOTH
def test_what_is_certain_only_at_the_end_is_a_segment_of_finish(on_error: Any) -> None:
    """It was in no segment: who streamed by ``feed`` sent an empty answer."""
    parser = StreamableParser(ENCODING, "assistant", on_error=on_error)
    parser.feed([*harmony(FINAL), 9552])  # half of a character
    assert [(s.text, s.finished) for s in parser.finish()] == [("\ufffd", True)]
    assert parser.finish() == []
    parser = recovering()
    assert parser.feed(harmony("4, of course.")) == []
    (segment,) = parser.finish()
    assert (segment.text, segment.message) == ("4, of course.", 0)


@BOTH
def test_the_next_role_is_that_of_a_prompt(on_error: Any) -> None:
    parser = StreamableParser(ENCODING, None, on_error=on_error)
    parser.feed(harmony(TALK + "<|start|>assistant"))
    assert parser.next_role is Role.ASSISTANT
    parser.feed(harmony("<|channel|>"))
    assert parser.next_role is None


@BOTH
def test_the_open_header_of_a_tool_goes_on(on_error: str) -> None:
    prompt = f"{TALK}<|start|>functions.f to=assistant"
    parser = after(prompt, "<|channel|>commentary<|message|>{}<|end|>", on_error)
    tool = Author(Role.TOOL, "functions.f")
    assert parser.messages == [Message(tool, "{}", "commentary", "assistant")]


@BOTH
def test_after_takes_any_iterable(on_error: Any) -> None:
    prompt = harmony(f"{TALK}<|start|>assistant")
    for tokens in (iter(prompt), tuple(prompt), array("i", prompt)):
        parser = StreamableParser.after(ENCODING, tokens, on_error=on_error)
        assert parser.current_role == Role.ASSISTANT


def test_after_an_open_message_that_can_not_be_read() -> None:
    prompt = harmony("<|start|>assistant one two three<|message|>hi")
    with pytest.raises(ParseError, match="remaining in message header") as caught:
        StreamableParser.after(ENCODING, TALK_TOKENS + prompt)
    assert caught.value.position == len(TALK_TOKENS) + 5
    parser = StreamableParser.after(ENCODING, prompt, on_error="recover")
    assert parser.current_content == "hi"
    assert parser.warnings == [ParseWarning(K.HEADER_WORDS, 5, "one two three")]


@many
@given(damages())
def test_after_any_prompt_nothing_raises(prompt: list[int]) -> None:
    """An id outside the vocabulary in an open header used to raise."""
    prompt = [token for token in prompt if token != 199_999]  # the end of the stream
    parser = StreamableParser.after(ENCODING, prompt, on_error="recover")
    parser.feed(harmony(f"<|start|>assistant{FINAL}4<|return|>"))
    assert parser.messages[-1] == Message("assistant", "4", "final")


# Tokens by channel


def test_tokens_are_counted_by_channel() -> None:
    analysis = "<|channel|>analysis<|message|>"
    parser = StreamableParser(ENCODING, "assistant")
    assert parser.token_counts == {}
    parser.feed(harmony(f"{analysis}Easy.<|end|>"))
    assert parser.token_counts == {"analysis": TokenCount(header=3, content=3)}
    parser.feed(harmony(f"<|start|>assistant{analysis}So<|end|>"))
    assert parser.token_counts == {"analysis": TokenCount(header=8, content=5)}


def test_the_open_message_is_counted() -> None:
    parser = StreamableParser(ENCODING, None)
    parser.feed(harmony("<|start|>assistant"))
    assert parser.token_counts == {None: TokenCount(header=2)}
    parser.feed(harmony(FINAL))
    assert parser.token_counts == {"final": TokenCount(header=5)}
    parser.feed(harmony("1 + 1"))
    assert parser.token_counts == {"final": TokenCount(header=5, content=4)}
    before = parser.token_counts
    parser.feed(harmony("<|end|>"))
    assert parser.token_counts == {"final": TokenCount(header=5, content=5)}
    assert before == {"final": TokenCount(header=5, content=4)}


def test_tokens_are_counted_by_recipient_and_without_special_ones() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    parser.feed(harmony("<|channel|>analysis<|message|>Easy.<|end|>"))
    for tool in ("functions.f", "functions.g"):
        text = (
            f"<|start|>assistant to={tool}<|channel|>commentary<|message|>{{}}<|call|>"
        )
        parser.feed(harmony(text))
    parser.feed(harmony("<|start|>assistant"))
    assert parser.count_tokens() == parser.token_counts
    assert parser.count_tokens(special=False) == {
        "analysis": TokenCount(header=1, content=2),
        "commentary": TokenCount(header=14, content=2),
        None: TokenCount(header=1, content=0),
    }
    assert parser.count_tokens(by_recipient=True) == {
        ("analysis", None): TokenCount(header=3, content=3),
        ("commentary", "functions.f"): TokenCount(header=10, content=2),
        ("commentary", "functions.g"): TokenCount(header=10, content=2),
        (None, None): TokenCount(header=2),
    }


def test_the_open_message_is_counted_by_recipient() -> None:
    parser = StreamableParser(ENCODING, "assistant")
    parser.feed(harmony(" to=functions.f<|channel|>commentary<|message|>{}"))
    assert parser.count_tokens(by_recipient=True) == {
        ("commentary", "functions.f"): TokenCount(header=8, content=1)
    }


def test_tokens_outside_of_messages_are_not_counted() -> None:
    parser = recovering()
    parser.feed(harmony("<|end|><|start|>user<|message|>hi<|end|><|call|><|end|>"))
    assert parser.token_counts == {None: TokenCount(header=3, content=2)}
    parser.feed(harmony("<|start|>assistant<|end|>"))
    assert parser.token_counts == {None: TokenCount(header=3, content=2)}
    parser.feed(harmony("<|endoftext|>hi"))
    assert parser.token_counts == {None: TokenCount(header=3, content=2)}


def test_bare_text_is_content() -> None:
    """The `<|start|>` behind it used to be counted twice."""
    parser = recovering()
    parser.feed(harmony("Hello there.<|start|>"))
    assert parser.token_counts == {None: TokenCount(header=1, content=3)}


@many
@given(well_formed)
def test_the_counts_of_whole_messages_add_up(messages: list[Message]) -> None:
    tokens = ENCODING.render_conversation(Conversation(messages), KEEP_ALL)
    counts = recovered(tokens).token_counts
    assert sum(count.header + count.content for count in counts.values()) == len(tokens)
    assert counts.keys() == {message.channel for message in messages}


@many
@given(damages(), roles)
def test_no_token_is_counted_twice(tokens: list[int], role: str | None) -> None:
    parser = recovering(role)
    for n, token in enumerate(tokens):
        counts = parser.process(token).token_counts
        assert sum(count.header + count.content for count in counts.values()) <= n + 1
        assert all(count.header >= 0 <= count.content for count in counts.values())


# How a message ended

STOPS = {"end": 200007, "call": 200012, "return": 200002}


def ended_by(token: str) -> Message:
    (message,) = recovered(f"{FINAL}hi<|{token}|>", "assistant").messages
    return message


def test_the_token_that_ended_a_message_is_known() -> None:
    assert set(STOPS.values()) == set(STOP_TOKENS)
    for word in STOPS:
        assert ended_by(word).end_token == word
    for text in ("", "<|start|>", "<|channel|>", "<|endoftext|>"):
        message = recovered(f"{FINAL}hi{text}", "assistant").messages[0]
        assert message.end_token is None
    assert recovered("4.<|call|>").messages[0].end_token == "call"
    assert Message("user", "hi").end_token is None


def test_the_end_token_is_no_part_of_what_a_message_says() -> None:
    one, other = ended_by("end"), ended_by("return")
    assert one == other == Message("assistant", "hi", "final")
    assert repr(one) == repr(other)
    assert one.to_json() == other.to_json()
    assert "end_token" not in one.to_dict()
    assert Message.from_dict(one.to_dict()).end_token is None
    assert ENCODING.render(one) == ENCODING.render(other)


def test_the_end_token_survives_copies_and_pickling() -> None:
    message = ended_by("call")
    copies = [copy.copy(message), copy.deepcopy(message)]
    copies += [pickle.loads(pickle.dumps(message)), message.model_copy()]
    assert [copied.end_token for copied in copies] == ["call"] * 4
    assert dataclasses.replace(message, channel="analysis").channel == "analysis"
    message.end_token = "end"
    assert [copied.end_token for copied in copies] == ["call"] * 4
