"""Any tokens at all give a reply: in the grammar, and the same however they come."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import HarmonyError, chat, load_harmony_encoding, responses
from support.differential import Tokens
from support.examples import times
from support.replies import chat_reply, portions, responses_reply

ENCODING = load_harmony_encoding("HarmonyGptOss")
DAMAGED = Tokens(ENCODING)

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
TOOLS: list[dict[str, Any]] = [
    FUNCTION,
    {"type": "function", "name": "a-b"},
    {"type": "custom", "name": "edit"},
    {"type": "namespace", "name": "n", "description": "", "tools": [FUNCTION]},
]
CHAT_TOOLS = [
    {"type": "function", "function": {"name": "f"}},
    {"type": "function", "function": {"name": "a-b"}},
    {"type": "custom", "custom": {"name": "edit"}},
]
PROMPTS: list[dict[str, Any]] = [
    {"open": False},
    {"open": False, "parallel_tool_calls": False},
    {"open": True, "reasoning": "Well,"},
    {"open": True, "content": "Yes"},
]


def chat_prompt(kind: dict[str, Any]) -> chat.Prompt:
    """Return one of a few prompts."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Rome?"}]
    said: dict[str, Any] = {
        key: kind[key] for key in ("reasoning", "content") if key in kind
    }
    if said:
        messages.append({"role": "assistant", **said})
    request = {
        "messages": messages,
        "tools": CHAT_TOOLS,
        "continue_final_message": kind["open"],
        "parallel_tool_calls": kind.get("parallel_tool_calls"),
    }
    return chat.prompt(request, date="2025-06-28")


CHAT_PROMPTS = [chat_prompt(kind) for kind in PROMPTS]
RESPONSES_PROMPTS = [
    responses.prompt({"input": "Rome?", "tools": TOOLS, "parallel_tool_calls": many})
    for many in (True, False)
]

RECIPIENTS = [
    *(
        None,
        None,
        None,
        "assistant",
        "user",
        "all",
        "functions.f",
        "f",
        "functions.a_b",
    ),
    *("a_b", "a-b", "functions.edit", "edit", "n__f", "n.f", "functions.n__f"),
    *("functions.nobody", "nobody", "python", "browser.search", "browser.open"),
    *("browser.find", "browser", "container.exec", "functions.", "functions"),
]
CHANNELS = [None, "analysis", "commentary", "final", "aside"]
TYPES = [None, None, " json", " <|constrain|>json", " code"]
CONTENTS = [
    *("", "", " ", "\n", "Rome.", '{"city":"Rome"}', "{", '{"query": "tides"}'),
    *('{"id": "http://x"}', '{"id": 7}', '{"pattern": "x"}', "[1]", "[" * 3000),
    *('{"input": "a\\nb"}', '{"input":"\\ud83d\\ude00 \\ud83d", "x": 1}'),
    *('{ "input" : 7}', '{"inp', '{"input":"\\u00', '{"input":"\\', "é😀👩‍👩‍👧"),
]
ENDS = ["<|end|>", "<|call|>", "<|return|>", "<|end|>", "<|call|>", ""]


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
reasons = st.sampled_from(["stop", "length", "content_filter"])


@times(4)
@given(any_tokens, st.sampled_from(CHAT_PROMPTS), reasons, st.integers(0, 9))
def test_any_tokens_give_a_completion(
    tokens: list[int], prompt: chat.Prompt, reason: str, seed: int
) -> None:
    replies = [
        chat_reply(ENCODING, prompt, fed, reason, include_usage=bool(seed % 2))
        for fed in portions(tokens, seed)
    ]
    for reply in replies:
        assert reply.completion == replies[0].completion
        assert reply.deltas == replies[0].deltas
        if not prompt.parallel:
            assert len(reply.calls) <= 1
        usage = reply.completion["usage"]
        assert usage["completion_tokens"] == len(tokens)
        assert usage["prompt_tokens"] == len(prompt.tokens(ENCODING))
        details = usage["completion_tokens_details"]
        assert 0 <= details["reasoning_tokens"] <= len(tokens)
        called = "tool_calls" if reply.calls else "stop"
        assert reply.finish_reason == (called if reason == "stop" else reason)


@times(2)
@given(any_tokens, st.sampled_from(RESPONSES_PROMPTS), reasons, st.integers(0, 9))
def test_any_tokens_give_a_response(
    tokens: list[int], prompt: responses.Prompt, reason: str, seed: int
) -> None:
    replies = [
        responses_reply(ENCODING, prompt, fed, reason) for fed in portions(tokens, seed)
    ]
    for reply in replies:
        assert reply.response == replies[0].response
        assert reply.joined == replies[0].joined
        usage = reply.response["usage"]
        assert usage["output_tokens"] == len(tokens)
        assert usage["total_tokens"] == len(tokens) + usage["input_tokens"]
        if not prompt.parallel:
            calls = [
                i for i in reply.output if i["type"] not in ("reasoning", "message")
            ]
            assert len(calls) <= 1


@times(4)
@given(any_tokens, reasons)
def test_both_apis_say_the_same(tokens: list[int], reason: str) -> None:
    """The text of the chat's message is that of the response's items, joined."""
    chatted = chat_reply(ENCODING, CHAT_PROMPTS[0], [tokens], reason)
    responded = responses_reply(ENCODING, RESPONSES_PROMPTS[0], [tokens], reason)
    for key, kind in (("reasoning", "reasoning"), ("content", "message")):
        texts = [
            item["content"][0]["text"]
            for item in responded.output
            if item["type"] == kind
        ]
        assert chatted.message[key] == ("\n".join(texts) if texts else None)
    calls = [i for i in responded.output if i["type"] not in ("reasoning", "message")]
    assert len(calls) == len(chatted.calls)


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
