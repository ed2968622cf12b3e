"""Rows of training data, generated: always the same for the same numbers."""

from __future__ import annotations

import json
import random
from typing import Any

Json = dict[str, Any]

SENTENCE = (
    "the weather in Rome is mild and a train leaves every hour so we could go there "
    "before noon if you like it better than flying which costs more and takes longer "
    "because of the way to the airport Größe naïve 東京 😀"
)
WORDS = SENTENCE.split()
TOOL: Json = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Gets the weather.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "Where."},
                "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            },
            "required": ["city"],
        },
    },
}


def said(random: random.Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words)).capitalize() + "."


def chat_row(number: int, turns: int = 4, tools: bool = False) -> Json:
    """Return a chat of 3 messages a turn, some 125 bytes each; or with calls."""
    made = random.Random(number)
    messages: list[Json] = []
    for turn in range(turns):
        messages.append({"role": "user", "content": said(made, 22)})
        if tools:
            messages += _called(made, f"c{turn}")
        else:
            messages.append({"role": "assistant", "content": said(made, 24)})
            messages.append({"role": "user", "content": said(made, 22)})
        messages.append({"role": "assistant", "content": said(made, 24)})
    if not tools:
        messages = [m for i, m in enumerate(messages) if i % 4 != 3]
        for message in messages[1::3]:
            message["reasoning_content"] = said(made, 6)
    return {"messages": messages, **({"tools": [TOOL]} if tools else {})}


def _called(made: random.Random, call_id: str) -> list[Json]:
    """Return a call and its result."""
    arguments = json.dumps({"city": made.choice(WORDS), "n": made.randrange(100)})
    function = {"name": "get_weather", "arguments": arguments}
    call = {"id": call_id, "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call_id, "content": said(made, 12)},
    ]


def harmony_row(number: int, messages: int = 12) -> Json:
    """Return a conversation in harmony's JSON, in texts alone."""
    made = random.Random(number)
    shapes: list[Json] = [
        {"role": "user"},
        {"role": "assistant", "channel": "analysis"},
        {"role": "assistant", "channel": "final"},
    ]
    return {
        "messages": [
            {**shapes[index % 3], "content": said(made, 22)}
            for index in range(messages)
        ]
    }


def lines(rows: list[Json]) -> bytes:
    """Return rows as JSON lines."""
    return b"".join(
        json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows
    )
