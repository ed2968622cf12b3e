"""Prompts, and what holds for the reply to them whatever the model writes."""

from __future__ import annotations

from typing import Any

from harmony import HarmonyEncoding, chat, responses

from .replies import (
    ChatReply,
    ResponsesReply,
    chat_reply,
    numbered,
    portions,
    responses_reply,
)

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
KINDS: list[dict[str, Any]] = [
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


CHAT_PROMPTS = [chat_prompt(kind) for kind in KINDS]
RESPONSES_PROMPTS = [
    responses.prompt({"input": "Rome?", "tools": TOOLS, "parallel_tool_calls": many})
    for many in (True, False)
]

RECIPIENTS = [
    *(None, None, None, "assistant", "user", "all", "functions.f", "f"),
    *("functions.a_b", "a_b", "a-b", "functions.edit", "edit", "n__f", "n.f"),
    *("functions.n__f", "functions.nobody", "nobody", "python", "browser.search"),
    *("browser.open", "browser.find", "browser", "container.exec", "functions."),
    "functions",
]
CHANNELS = [None, "analysis", "commentary", "final", "aside"]
TYPES = [None, None, " json", " <|constrain|>json", " code"]
CONTENTS = [
    *("", "", " ", "\n", "Rome.", '{"city":"Rome"}', "{", '{"query": "tides"}'),
    *('{"id": "http://x"}', '{"id": 7}', '{"pattern": "x"}', "[1]", "[" * 3000),
    *('{"input": "a\\nb"}', '{"input":"\\ud83d\\ude00 \\ud83d", "x": 1}'),
    *('{ "input" : 7}', '{"inp', '{"input":"\\u00', '{"input":"\\', "é😀👩‍👩‍👧"),
]
REASONS = ["stop", "length", "content_filter"]
ENDS = ["<|end|>", "<|call|>", "<|return|>", "<|end|>", "<|call|>", ""]


def check_chat(
    encoding: HarmonyEncoding,
    prompt: chat.Prompt,
    tokens: list[int],
    reason: Any,
    seed: int,
    *,
    validate: bool = True,
) -> ChatReply:
    """Check what the chat API makes of tokens, whole, one by one and split."""
    usual, *others = (
        chat_reply(
            *(encoding, prompt, fed, reason),
            include_usage=bool(seed % 2),
            validate=validate,
        )
        for fed in portions(tokens, seed)
    )
    for reply in others:
        assert reply.completion == usual.completion
        assert reply.deltas == usual.deltas
    if not prompt.parallel:
        assert len(usual.calls) <= 1
    usage = usual.completion["usage"]
    assert usage["completion_tokens"] == len(tokens)
    assert usage["prompt_tokens"] == len(prompt.tokens(encoding))
    details = usage["completion_tokens_details"]
    assert 0 <= details["reasoning_tokens"] <= len(tokens)
    options: Any = {"model": "m", "created": 7, "new_id": numbered()}
    whole = chat.completion(encoding, prompt, tokens, reason=reason, **options)
    assert whole == usual.completion
    called = "tool_calls" if usual.calls else "stop"
    assert usual.finish_reason == (called if reason == "stop" else reason)
    return usual


def check_response(
    encoding: HarmonyEncoding,
    prompt: responses.Prompt,
    tokens: list[int],
    reason: Any,
    seed: int,
    *,
    validate: bool = True,
) -> ResponsesReply:
    """Check what the Responses API makes of tokens, whole, one by one and split."""
    usual, *others = (
        responses_reply(encoding, prompt, fed, reason, validate=validate)
        for fed in portions(tokens, seed)
    )
    for reply in others:
        assert reply.response == usual.response
        assert reply.joined == usual.joined
    usage = usual.response["usage"]
    assert usage["output_tokens"] == len(tokens)
    assert usage["total_tokens"] == len(tokens) + usage["input_tokens"]
    options: Any = {"model": "m", "created_at": 7, "new_id": numbered()}
    whole = responses.response(encoding, prompt, tokens, reason=reason, **options)
    assert whole == usual.response
    if not prompt.parallel:
        assert len(called_items(usual)) <= 1
    return usual


def called_items(reply: ResponsesReply) -> list[dict[str, Any]]:
    """Return the items that are calls."""
    return [i for i in reply.output if i["type"] not in ("reasoning", "message")]


def check_same(chatted: ChatReply, responded: ResponsesReply) -> None:
    """Check that the chat's texts are those of the response's items, joined."""
    for key, kind in (("reasoning", "reasoning"), ("content", "message")):
        texts = [
            item["content"][0]["text"]
            for item in responded.output
            if item["type"] == kind
        ]
        assert chatted.message[key] == ("\n".join(texts) if texts else None)
    assert len(called_items(responded)) == len(chatted.calls)
