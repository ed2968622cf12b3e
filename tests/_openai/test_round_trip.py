"""A reply put back as input gives the tokens that the model wrote.

Then what a server has cached of the last prompt and its reply is a prefix of the next
prompt. That takes ``header="model"``, and it can't be

- behind an answer: ``<|return|>`` becomes ``<|end|>``, and by ``drop_analysis`` the
  reasoning before the answer is left out, unless that is ``"never"``;
- if the model wrote other tokens than those of its text, as it may;
- for a header in another order or with other words: a call on another channel than
  commentary, without ``functions.``, or of another content type than
  ``<|constrain|>json``; a text on no or another channel, or with a recipient;
- for an empty message, for arguments that are blank, for what was repaired, and for
  what the model wrote in the name of others;
- for a name that no tool has and that is rewritten, such as ``functions.a.b``;
- for a second call where ``parallel_tool_calls`` is false;
- for a custom tool, unless the model wrote ``{"input":"…"}`` without spaces and
  escapes as ``json.dumps`` does;
- for a search, which an item has no results of; for code without ``outputs``;
- in chat also: two texts of one kind, which are joined, reasoning and preambles in
  another order, text behind a call, and calls of built-in tools, which come back as
  functions.

Tests that end in ``_differs`` show some of these.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony import chat, load_harmony_encoding, responses
from support.convert import DATE

ENCODING = load_harmony_encoding("HarmonyGptOss")
Json = dict[str, Any]

TOOLS: list[Json] = [
    {"type": "function", "name": "f", "description": "Does it."},
    {"type": "function", "name": "a-b"},
]
CHAT_TOOLS = [{"type": "function", "function": {"name": t["name"]}} for t in TOOLS]
MORE_TOOLS: list[Json] = [
    {"type": "custom", "name": "edit"},
    {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]},
]

texts = st.sampled_from(["Hm.", "é 😀\n", " <|end|> ", "1 + 1"]) | st.text(min_size=1)
arguments = st.sampled_from(["{}", '{"a": 1}', '{ "a":"é" }\n']) | texts.filter(
    str.strip
)


def encoded(pieces: list[str]) -> list[int]:
    """Return tokens of pieces of which every other one is text and nothing else."""
    tokens: list[int] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            tokens += ENCODING.encode(piece, disallowed_special=())
        else:
            tokens += ENCODING.encode(piece, allowed_special="all")
    return tokens


def text_pieces(channel: str, text: str) -> list[str]:
    return [f"<|start|>assistant<|channel|>{channel}<|message|>", text, "<|end|>"]


def call_pieces(name: str, text: str) -> list[str]:
    to = f"<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>"
    return [f"<|start|>assistant{to}", text, "<|call|>"]


def tokens_of(messages: list[list[str]]) -> list[int]:
    """Return the tokens of messages behind ``<|start|>assistant``."""
    tokens = [token for pieces in messages for token in encoded(pieces)]
    return tokens[2:]


reasonings = texts.map(lambda text: text_pieces("analysis", text))
preambles = texts.map(lambda text: text_pieces("commentary", text))
calls = st.builds(call_pieces, st.sampled_from(["f", "a_b", "nobody"]), arguments)
custom_calls = texts.map(
    lambda text: call_pieces(
        "edit",
        json.dumps({"input": text}, ensure_ascii=False, separators=(",", ":")),
    )
)
more_calls = calls | custom_calls | st.builds(call_pieces, st.just("n__f"), arguments)


def optional(one: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(one, max_size=1)


@st.composite
def chat_rounds(draw: st.DrawFn) -> list[list[list[str]]]:
    """Rounds of messages as chat keeps their order: reasoning, preamble, calls."""
    return [
        [
            *draw(optional(reasonings)),
            *draw(optional(preambles)),
            *draw(st.lists(calls, min_size=1, max_size=3)),
        ]
        for _ in range(draw(st.integers(1, 3)))
    ]


@st.composite
def responses_rounds(draw: st.DrawFn) -> list[list[list[str]]]:
    """Rounds of messages in any order that end in a call."""
    message = reasonings | preambles | more_calls
    return [
        [*draw(st.lists(message, max_size=4)), draw(more_calls)]
        for _ in range(draw(st.integers(1, 3)))
    ]


def chat_prompt(messages: list[Json], **options: Any) -> chat.Prompt:
    request = {"messages": messages, "tools": CHAT_TOOLS}
    return chat.prompt(request, date=DATE, header="model", **options)


@settings(deadline=None)
@given(chat_rounds())
def test_chat(rounds: list[list[list[str]]]) -> None:
    messages: list[Json] = [{"role": "user", "content": "Rome?"}]
    for written in map(tokens_of, rounds):
        prompt = chat_prompt(messages)
        message = chat.completion(ENCODING, prompt, written)["choices"][0]["message"]
        messages = [*messages, message]
        cached = prompt.tokens(ENCODING) + written
        assert chat_prompt(messages).tokens(ENCODING)[: len(cached)] == cached
        messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": "x"}
            for call in message["tool_calls"]
        ]
        assert chat_prompt(messages).tokens(ENCODING)[: len(cached)] == cached


OUTPUTS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
}


def responses_prompt(items: list[Json], **options: Any) -> responses.Prompt:
    request = {"input": items, "tools": TOOLS + MORE_TOOLS}
    return responses.prompt(request, date=DATE, header="model", **options)


def outputs_of(items: list[Json]) -> list[Json]:
    return [
        {"type": OUTPUTS[item["type"]], "call_id": item["call_id"], "output": "x"}
        for item in items
        if item["type"] in OUTPUTS
    ]


@settings(deadline=None)
@given(responses_rounds())
def test_responses(rounds: list[list[list[str]]]) -> None:
    items: list[Json] = [{"role": "user", "content": "Rome?"}]
    for written in map(tokens_of, rounds):
        prompt = responses_prompt(items)
        output = responses.response(ENCODING, prompt, written)["output"]
        items = items + output
        cached = prompt.tokens(ENCODING) + written
        assert responses_prompt(items).tokens(ENCODING)[: len(cached)] == cached
        items += outputs_of(output)
        assert responses_prompt(items).tokens(ENCODING)[: len(cached)] == cached


def test_code_with_its_outputs() -> None:
    text = "<|channel|>analysis to=python code<|message|>print(1)<|call|>"
    written = ENCODING.encode(text, allowed_special="all")
    items: list[Json] = [{"role": "user", "content": "Rome?"}]
    prompt = responses_prompt(items)
    (item,) = responses.response(ENCODING, prompt, written)["output"]
    item["outputs"] = [{"type": "logs", "logs": "1"}]
    cached = prompt.tokens(ENCODING) + written
    made = responses_prompt([*items, item]).tokens(ENCODING)
    assert made[: len(cached)] == cached


def test_an_answer_differs_in_its_last_token_alone() -> None:
    text = (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
        "<|channel|>final<|message|>Yes.<|return|>"
    )
    written = ENCODING.encode(text, allowed_special="all")
    messages: list[Json] = [{"role": "user", "content": "Rome?"}]
    prompt = chat_prompt(messages)
    message = chat.completion(ENCODING, prompt, written)["choices"][0]["message"]
    made = chat_prompt([*messages, message], drop_analysis="never").tokens(ENCODING)
    cached = prompt.tokens(ENCODING) + written
    assert made[: len(cached) - 1] == cached[:-1]
    assert ENCODING.decode(made[len(cached) - 1 :]) == "<|end|><|start|>assistant"
    dropped = chat_prompt([*messages, message]).tokens(ENCODING)
    assert len(dropped) < len(made)


@pytest.mark.parametrize(
    "text",
    [
        "<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>",
        " to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
        "<|channel|>commentary to=functions.f json<|message|>{}<|call|>",
        "<|channel|>analysis to=functions.f <|constrain|>json<|message|>{}<|call|>",
        "<|channel|>commentary to=functions.a.b <|constrain|>json<|message|>{}<|call|>",
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|><|call|>",
        "<|channel|>commentary to=functions.edit <|constrain|>json<|message|>"
        '{"input": "x"}<|call|>',
        "<|channel|>commentary to=browser.search<|message|>{}<|call|>",
        "<|channel|>analysis to=python code<|message|>1<|call|>",
        "<|channel|>analysis<|message|><|end|>",
        "<|channel|>aside<|message|>a<|end|>",
        "<|message|>a<|end|>",
        "<|channel|>final to=user<|message|>a<|end|>",
    ],
)
def test_what_differs(text: str) -> None:
    written = ENCODING.encode(text, allowed_special="all")
    items: list[Json] = [{"role": "user", "content": "Rome?"}]
    prompt = responses_prompt(items)
    output = responses.response(ENCODING, prompt, written)["output"]
    cached = prompt.tokens(ENCODING) + written
    again = responses_prompt(items + output, drop_analysis="never")
    made = again.tokens(ENCODING)
    assert made[: len(cached)] != cached
