"""Any tokens at all give a reply: in the grammar, and the same however they come."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import HarmonyError, chat, load_harmony_encoding, responses
from support.differential import Tokens
from support.examples import times
from support.model_output import (
    CHANNELS,
    CHAT_PROMPTS,
    CONTENTS,
    ENDS,
    REASONS,
    RECIPIENTS,
    RESPONSES_PROMPTS,
    TYPES,
    check_chat,
    check_response,
    check_same,
)
from support.replies import chat_reply, portions, responses_reply

ENCODING = load_harmony_encoding("HarmonyGptOss")
DAMAGED = Tokens(ENCODING)


@st.composite
def written(draw: st.DrawFn) -> list[int]:
    """Tokens that a model could write behind ``<|start|>assistant``."""
    said = []
    for _ in range(draw(st.integers(0, 4))):
        recipient = draw(st.sampled_from(RECIPIENTS))
        channel = draw(st.sampled_from(CHANNELS))
        to = "" if recipient is None else f" to={recipient}"
        on = "" if channel is None else f"<|channel|>{channel}"
        words = [on, to] if draw(st.booleans()) else [to, on]
        content = draw(st.sampled_from(CONTENTS) | st.text(max_size=12))
        content += draw(st.sampled_from(CONTENTS))
        kind, end = draw(st.sampled_from(TYPES)), draw(st.sampled_from(ENDS))
        said.append(f"{''.join(words)}{kind or ''}<|message|>{content}{end}")
    author = draw(st.sampled_from(["assistant", "assistant", "user", "tool"]))
    text = f"<|start|>{author}".join(said)
    return ENCODING.encode(text, allowed_special="all")


@st.composite
def damaged(draw: st.DrawFn) -> list[int]:
    """The same with tokens lost, doubled and put in, or any tokens."""
    random = Random(draw(st.integers(0, 2**32)))
    if draw(st.booleans()):
        return DAMAGED.sequence(random)
    tokens = draw(written())
    for _ in range(draw(st.integers(1, 4))):
        at = random.randrange(len(tokens) + 1)
        instead = random.choice([[], [], random.choice(DAMAGED.parts), [200012]])
        tokens[at : at + random.randrange(3)] = instead
    return tokens


any_tokens = written() | damaged() | st.lists(st.integers(0, 201_087), max_size=20)
reasons = st.sampled_from(REASONS)


@times(4)
@given(any_tokens, st.sampled_from(CHAT_PROMPTS), reasons, st.integers(0, 9))
def test_any_tokens_give_a_completion(
    tokens: list[int], prompt: chat.Prompt, reason: str, seed: int
) -> None:
    check_chat(ENCODING, prompt, tokens, reason, seed)


@times(2)
@given(any_tokens, st.sampled_from(RESPONSES_PROMPTS), reasons, st.integers(0, 9))
def test_any_tokens_give_a_response(
    tokens: list[int], prompt: responses.Prompt, reason: str, seed: int
) -> None:
    check_response(ENCODING, prompt, tokens, reason, seed)


@times(4)
@given(any_tokens, reasons)
def test_both_apis_say_the_same(tokens: list[int], reason: str) -> None:
    """The text of the chat's message is that of the response's items, joined."""
    chatted = chat_reply(ENCODING, CHAT_PROMPTS[0], [tokens], reason)
    responded = responses_reply(ENCODING, RESPONSES_PROMPTS[0], [tokens], reason)
    check_same(chatted, responded)


@pytest.mark.parametrize("token", [-1, -(2**31), 201_088, 2**31 - 1])
def test_ids_that_no_token_has_are_no_error(token: int) -> None:
    for fed in portions([200005, token, 17196, 200008, token, 12194, token], 1):
        responses_reply(ENCODING, RESPONSES_PROMPTS[0], fed)
        chat_reply(ENCODING, CHAT_PROMPTS[0], fed)


@pytest.mark.parametrize("token", [2**31, 2**40, -(2**40)])
def test_what_is_no_id_is_refused_and_changes_nothing(token: int) -> None:
    stream = chat.ChatStream(ENCODING, CHAT_PROMPTS[0])
    with pytest.raises(HarmonyError, match=str(token)):
        stream.feed([200005, token])
    written = ENCODING.encode("<|channel|>final<|message|>Yes", allowed_special="all")
    stream.feed(written)
    stream.finish()
    completion = stream.completion()
    assert completion["choices"][0]["message"]["content"] == "Yes"
    assert completion["usage"]["completion_tokens"] == len(written)
