"""What holds for any bytes: one function a target; an input that breaks it raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

# All of it now, while what is imported is instrumented.
import harmony.rendering  # noqa: F401
from harmony import HarmonyError, StreamableParser, load_harmony_encoding
from harmony.parser import OnError
from support import border as calls
from support.differential import Tokens
from support.model_output import (
    CHAT_PROMPTS,
    CONTENTS,
    REASONS,
    RECIPIENTS,
    RESPONSES_PROMPTS,
    check_chat,
    check_response,
    check_same,
)
from support.replies import portions

ENCODING = load_harmony_encoding("HarmonyGptOss")

# Tokens as bytes: a byte below RAW stands for the tokens of a word that matters; any
# other for the id that the next three bytes say, which may be one that no token has.

RAW = 224


def _words() -> list[list[int]]:
    """Return what the bytes below RAW stand for."""
    known = Tokens(ENCODING)
    short = [text for text in CONTENTS if len(text) < 99]
    spelled = [*(f" to={name}" for name in RECIPIENTS if name), *short]
    words = [
        *([token] for token in known.SPECIAL),
        *known.parts,
        *known.words,
        *(ENCODING.encode(text, disallowed_special=()) for text in spelled),
        *([token] for token in known.broken),
    ]
    return words[:RAW]


WORDS = _words()


def tokens_of(data: bytes) -> list[int]:
    """Return the tokens that bytes stand for."""
    tokens: list[int] = []
    at = 0
    while at < len(data):
        if data[at] < RAW:
            tokens += WORDS[data[at]]
            at += 1
        else:
            tokens.append(int.from_bytes(data[at + 1 : at + 4], "big", signed=True))
            at += 4
    return tokens


# Targets


def replies(data: bytes) -> None:
    """Check both APIs' replies; three bytes choose the prompt, the end and the cuts.

    One input in 64 is also looked at by openai's models, which take most of the time.
    """
    kind, end, seed = [*data[:3], 0, 0, 0][:3]
    tokens, reason = tokens_of(data[3:]), REASONS[end % 3]
    chatted = check_chat(
        *(ENCODING, CHAT_PROMPTS[kind % 4], tokens, reason, seed),
        validate=len(data) % 64 == 7,
    )
    responded = check_response(
        *(ENCODING, RESPONSES_PROMPTS[kind % 2], tokens, reason, seed),
        validate=len(data) % 64 == 7,
    )
    if kind % 4 < 2:  # the chat's reply begins where the response does
        check_same(chatted, responded)


MODES: list[tuple[bool, OnError]] = [
    (True, "raise"),
    (False, "raise"),
    (True, "recover"),
]


def parser(data: bytes) -> None:
    """Check that portions make no difference; two bytes choose the parser, the cuts.

    Behind an error a parser goes on with the next token.
    """
    kind, seed = [*data[:2], 0, 0][:2]
    tokens = tokens_of(data[2:])
    found = [_read(portion, kind) for portion in portions(tokens, seed)]
    assert found[1:] == found[:-1]


def _read(fed: list[list[int]], kind: int) -> list[object]:
    """Return what a parser makes of portions."""
    strict, on_error = MODES[kind % 3]
    role = [None, "assistant", "tool"][kind // 3 % 3]
    parser = StreamableParser(ENCODING, role, strict=strict, on_error=on_error)
    errors: list[str] = []
    begin = 0
    for portion in fed:
        done = 0
        while done < len(portion):  # it stops behind each error
            try:
                parser.feed(portion[done:])
                done = len(portion)
            except HarmonyError as error:
                errors.append(str(error))
                done = len(parser.tokens) - begin
        begin += len(portion)
    try:
        parser.finish()
    except HarmonyError as error:
        errors.append(str(error))
    assert not errors or on_error == "raise"
    return [
        *(errors, parser.messages, parser.tokens, parser.warnings),
        *(parser.token_counts, parser.state_data, parser.current_content),
    ]


@settings(database=None)
@given(st.sampled_from(sorted(calls.CALLS)), calls.anything, calls.anything)
def _any_call(name: str, first: object, second: object) -> None:
    calls.check(ENCODING, calls.CALLS[name], first, second)


def border(data: bytes) -> None:
    """Check a call with any objects; the bytes say what hypothesis draws."""
    call: Any = _any_call
    call.hypothesis.fuzz_one_input(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "replies": replies,
    "parser": parser,
    "border": border,
}
