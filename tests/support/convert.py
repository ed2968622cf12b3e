"""The cases of test-data/convert-examples.jsonl."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from harmony import HarmonyEncoding, chat, load_harmony_encoding, responses

from . import TEST_DATA
from .replies import chat_reply, portions, responses_reply

CASES: list[dict[str, Any]] = [
    json.loads(line)
    for line in (TEST_DATA / "convert-examples.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
DATE = "2025-06-28"


def cases(kind: str) -> pytest.MarkDecorator:
    """Return the parameters of a test over the cases of a kind."""
    found = [case for case in CASES if case["kind"] == kind]
    return pytest.mark.parametrize("case", found, ids=lambda case: case["name"])


def check_prompt(module: ModuleType, case: dict[str, Any], encoding: Any) -> None:
    """Check what a request becomes."""
    options = {"date": DATE, **case["options"]}
    if case.get("previous"):
        options["previous"] = case["previous"]
    if "error" in case:
        with pytest.raises(ValueError) as caught:
            module.prompt(case["request"], **options)
        assert str(caught.value).startswith(case["error"] + ":")
        return
    prompt = module.prompt(case["request"], **options)
    tokens = prompt.tokens(encoding)
    assert encoding.decode(tokens) == case["text"]
    assert len(tokens) == case["token_count"]
    for name in ("must_call", "parallel", "open"):
        assert getattr(prompt, name) is case[name]
    may_call = case["may_call"]
    assert prompt.may_call == (None if may_call is None else tuple(may_call))


def check_chat_reply(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    """Check a chat reply, in every kind of portions."""
    prompt = chat.prompt(case["request"], date=DATE)
    expect = case["expect"]
    for fed in portions(case["tokens"], 3):
        reply = chat_reply(encoding, prompt, fed, case["reason"])
        assert _with_ids_of(reply.message, expect["message"]) == expect["message"]
        assert reply.finish_reason == expect["finish_reason"]
        usage = dict(reply.completion["usage"])
        usage.update(usage.pop("completion_tokens_details"))
        assert usage == expect["usage"]
        assert reply.deltas == expect["deltas"]


def check_responses_reply(case: dict[str, Any], encoding: HarmonyEncoding) -> None:
    """Check a reply of the Responses API, in every kind of portions."""
    prompt = responses.prompt(case["request"], date=DATE)
    expect = case["expect"]
    for fed in portions(case["tokens"], 3):
        reply = responses_reply(encoding, prompt, fed, case["reason"])
        assert _with_ids_of(reply.output, expect["output"]) == expect["output"]
        for name in ("usage", "status", "incomplete_details"):
            assert reply.response[name] == expect[name]
        assert reply.joined == expect["events"]


def _with_ids_of(value: Any, expected: Any) -> Any:
    """Return a value with the texts that may be any, those with ``#``, as expected."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return {
            key: _with_ids_of(item, expected.get(key)) for key, item in value.items()
        }
    if isinstance(value, list) and isinstance(expected, list):
        if len(value) != len(expected):
            return value
        return [_with_ids_of(*pair) for pair in zip(value, expected, strict=True)]
    if isinstance(expected, str) and "#" in expected and isinstance(value, str):
        return expected
    return value


ENCODING_NAME = "HarmonyGptOss"


def messages_of(prompt: Any) -> list[str]:
    """Return the messages of a prompt as harmony text, without the system message.

    Each is without ``<|start|>``; the last is the beginning of the reply.
    """
    text = load_harmony_encoding(ENCODING_NAME)
    said = text.decode(prompt.tokens(text)).split("<|start|>")
    assert said[0] == "" and said[1].startswith("system<|message|>")
    return said[2:]


def system_of(prompt: Any) -> str:
    """Return the text of the system message of a prompt."""
    encoding = load_harmony_encoding(ENCODING_NAME)
    text = encoding.decode(prompt.tokens(encoding))
    return text.removeprefix("<|start|>system<|message|>").partition("<|end|>")[0]
