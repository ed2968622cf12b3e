"""Large and deep requests and replies: in linear time, with no other error."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from time import process_time
from timeit import repeat
from typing import Any

import pytest

from harmony import chat, load_harmony_encoding, responses
from support.convert import DATE

ENCODING = load_harmony_encoding("HarmonyGptOss")
Json = dict[str, Any]
USER: Json = {"role": "user", "content": "hi"}


def function(name: str, **fields: Any) -> Json:
    return {"type": "function", "function": {"name": name, **fields}}


_numbers = count()


def fresh() -> str:
    """Return a text that was not there before, so that nothing of it is known."""
    return str(next(_numbers))


def calls_and_results(size: int) -> list[Json]:
    """Return many calls, and their results the other way round."""
    calls = [{"id": str(i), **function("f", arguments="")} for i in range(size)]
    results = [
        {"role": "tool", "tool_call_id": str(i), "content": "x"}
        for i in reversed(range(size))
    ]
    return [{"role": "assistant", "tool_calls": calls}, *results]


def allowed(size: int) -> Json:
    tools = [function(f"f{i}", description=fresh()) for i in range(size)]
    choice = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": tools},
    }
    return {"messages": [USER], "tools": tools, "tool_choice": choice}


def parts(size: int) -> list[Json]:
    content = [{"type": "text", "text": "x "}] * size
    return [{"role": "user", "content": content}]


REQUESTS: dict[str, Callable[[int], Json]] = {
    "messages": lambda n: {"messages": [USER] * n},
    "distinct messages": lambda n: {
        "messages": [{"role": "user", "content": fresh()} for i in range(n)]
    },
    "later instructions": lambda n: {
        "messages": [USER] + [{"role": "system", "content": "x"}] * n
    },
    "leading instructions": lambda n: {
        "messages": [{"role": "system", "content": "x"}] * n
    },
    "calls and results": lambda n: {"messages": calls_and_results(n)},
    "parts": lambda n: {"messages": parts(n)},
    "tools with bad names": lambda n: {
        "messages": [USER],
        "tools": [function(f"{i}-", description=fresh()) for i in range(n)],
    },
    "allowed tools": allowed,
}


def grows(run: Callable[[int], object], size: int) -> float:
    """Return how many times as long ten times as much takes."""

    def seconds(length: int) -> float:
        # Without garbage collection, which goes through all that other tests left.
        return min(repeat(lambda: run(length), timer=process_time, number=1, repeat=2))

    seconds(size)
    return seconds(10 * size) / max(seconds(size), 0.002)


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_large_requests(name: str) -> None:
    def run(size: int) -> None:
        request = REQUESTS[name](size)
        chat.prompt(request, date=DATE).tokens(ENCODING)

    assert grows(run, 800) < 40


TEXT = "<|channel|>final<|message|>{}<|end|><|start|>assistant"
CALL = "<|channel|>commentary to={}<|message|>{{}}<|call|><|start|>assistant"
REPLIES = {
    "empty messages": TEXT.format(""),
    "texts": TEXT.format("x"),
    "reasoning": TEXT.format("x").replace("final", "analysis"),
    "calls": CALL.format("functions.f"),
    "searches": CALL.format("browser.search"),
    "stop tokens": "<|return|>",
    "starts": "<|start|>",
    "open header": "<|channel|>" + " " * 20,
    "one message": "<|message|> word",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("one_by_one", [False, True])
def test_long_replies(name: str, one_by_one: bool) -> None:
    unit = ENCODING.encode(REPLIES[name], allowed_special="all")
    prompt = responses.prompt({"input": "hi"}, date=DATE)
    chat_prompt = chat.prompt({"messages": [USER]}, date=DATE)

    def run(size: int) -> None:
        tokens = unit * size
        fed = [[token] for token in tokens] if one_by_one else [tokens]
        stream = responses.ResponseStream(ENCODING, prompt)
        chat_stream = chat.ChatStream(ENCODING, chat_prompt)
        for portion in fed:
            stream.feed(portion)
            chat_stream.feed(portion)
        stream.finish()
        chat_stream.finish()
        assert stream.response()["usage"]["output_tokens"] == len(tokens)
        assert chat_stream.completion()["usage"]["completion_tokens"] == len(tokens)

    assert grows(run, 200) < 40


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class Table(dict[str, Any]):
    """A dict of another class."""


@pytest.mark.parametrize(
    "value",
    [nested(100_000), 10**6000, "x" * 10**7, "\ud83d"],
    ids=["deep", "digits", "long", "half a character"],
)
@pytest.mark.parametrize(
    ("path", "request_of"),
    [
        ("messages[0].role", lambda v: {"messages": [{"role": v}]}),
        ("tools[0].type", lambda v: {"messages": [USER], "tools": [{"type": v}]}),
        (
            "tool_choice.type",
            lambda v: {"messages": [USER], "tool_choice": {"type": v}},
        ),
        ("reasoning_effort", lambda v: {"messages": [USER], "reasoning_effort": v}),
        (
            "messages[0].content[0].type",
            lambda v: {"messages": [{"role": "user", "content": [{"type": v}]}]},
        ),
        (
            "response_format.type",
            lambda v: {"messages": [USER], "response_format": {"type": v}},
        ),
        (
            "messages[0].tool_call_id",
            lambda v: {"messages": [{"role": "tool", "tool_call_id": v}]},
        ),
    ],
)
def test_any_value_has_a_short_complaint(
    path: str, request_of: Any, value: Any
) -> None:
    with pytest.raises(ValueError) as caught:
        chat.prompt(request_of(value))
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "parameters",
    [
        {"properties": nested(100_000)},
        {"default": float("nan")},
        {1: 2},
        {"a": {1, 2}},
        {"a": ...},
    ],
)
def test_parameters_that_are_no_json(parameters: Any) -> None:
    tools = [function("f", parameters=parameters)]
    with pytest.raises(ValueError, match=r"^tools\[0\]\.function\.parameters"):
        chat.prompt({"messages": [USER], "tools": tools})


def test_subclasses_and_tuples_are_taken() -> None:
    plain = {"messages": [USER], "tools": [function("f")]}
    other = Table(messages=(Table(USER),), tools=(Table(function("f")),))
    made = [chat.prompt(r, date=DATE).tokens(ENCODING) for r in (plain, other)]
    assert made[0] == made[1]


def test_half_characters_everywhere() -> None:
    half = "\ud83d"
    request = {
        "messages": [
            {"role": "system", "content": half},
            {"role": "user", "content": f"\ude00{half}"},
            {
                "role": "assistant",
                "reasoning": half,
                "tool_calls": [{"id": half, **function(half, arguments={half: half})}],
            },
            {"role": "tool", "tool_call_id": half, "content": half},
        ],
        "tools": [
            function(half, description=half, parameters={"type": half, half: half})
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": half, "schema": {half: half}, "description": half},
        },
    }
    text = ENCODING.decode(chat.prompt(request, date=DATE).tokens(ENCODING))
    assert text.count("\ufffd") == 12
    assert "user<|message|>\ufffd\ufffd<|end|>" in text


@pytest.mark.parametrize("size", [5_000_000])
def test_a_text_of_megabytes(size: int) -> None:
    request = {"messages": [{"role": "user", "content": "word " * (size // 5)}]}
    assert len(chat.prompt(request, date=DATE).tokens(ENCODING)) > size // 5
