"""Requests of the OpenAI APIs to tokens, and tokens to what is streamed back."""

from __future__ import annotations

import json
from typing import Any

from ..conversations import chat_request
from ..driver import Bench, Worker, alternate, progress
from ..peers import HARMONY
from ..results import Table, entry, table
from .rendering import PAIR, microseconds, paragraphs
from .streaming import completion
from .texts import corpus

STEPS = 8
"""Messages that a running chat grows by in a pass."""

RENDERING = "its conversation alone"
REQUEST = "from the request"


def growing(texts: Any) -> list[dict[str, Any]]:
    """Return the requests of a running chat: 40 messages, then one more each time."""
    whole = chat_request(texts, 40 + STEPS)
    messages = whole["messages"]
    return [{**whole, "messages": messages[: 40 + step]} for step in range(STEPS + 1)]


def measure(bench: Bench) -> list[Table]:
    """Measure a running chat from request to tokens, and chunks and events."""
    return [requests(bench), replies(bench)]


def requests(bench: Bench) -> Table:
    """Measure from request to tokens, beside rendering the conversation alone."""
    result = table("requests", "Render a running chat, one more message", "us a call")
    with bench.workers(PAIR) as workers:
        ours = workers[HARMONY.name]
        texts = paragraphs(bench)
        chats = [growing(texts) for _ in range(bench.rounds)]
        forms = [ours.call("conversations_in", requests=chat) for chat in chats]
        lines = [[json.dumps(request) for request in chat] for chat in chats]

        def render(worker: Worker, number: int) -> Any:
            first, *rest = forms[number]
            return worker.call("render_chat", chats=rest, settling=[first])

        def convert(worker: Worker, number: int) -> Any:
            first, *rest = lines[number]
            return worker.call("convert_chat", requests=rest, settling=[first])

        progress("convert: a running chat")
        passes = alternate(workers, bench.rounds, render)
        result["cases"][RENDERING] = microseconds(passes, STEPS)
        # The texts are known by now: only another chat has new ones.
        chats = [growing(texts) for _ in range(bench.rounds)]
        lines = [[json.dumps(request) for request in chat] for chat in chats]
        passes = alternate({HARMONY.name: ours}, bench.rounds, convert)
        result["cases"][REQUEST] = microseconds(passes, STEPS)
    return result


def replies(bench: Bench) -> Table:
    """Measure what a token costs until it is a chunk or events, one at a time."""
    result = table("replies", "Stream a reply, token by token", "us a token")
    with bench.workers([HARMONY.name]) as workers:
        ours = workers[HARMONY.name]
        texts = corpus(bench, "English").all
        for length in (1_000, 10_000):
            tokens = completion(ours, texts, length)
            for api in ("chat", "responses"):
                progress(f"reply: {api}, {length:,} tokens")
                passes = [
                    ours.call("reply", tokens=tokens, settling=tokens[:500], api=api)
                    for _ in range(bench.rounds)
                ]
                costs = [each["cpu"] / len(tokens) * 1e6 for each in passes]
                case = f"{api}, {length:,} tokens"
                result["cases"][case] = {HARMONY.name: entry(costs)}
    return result
