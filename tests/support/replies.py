"""Replies under test: how tokens are cut into portions, and the grammars of streams.

``chat_reply`` and ``responses_reply`` run one reply and check all that holds of any:
the grammar, the ids, that the deltas joined are the whole, and that the models of the
package ``openai`` take what comes out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from harmony import HarmonyEncoding, chat, responses

Portions = list[list[int]]
Json = dict[str, Any]


def portions(tokens: list[int], seed: int) -> list[Portions]:
    """Return tokens whole, one by one, and cut at random."""
    cut: Portions = [[]]
    draw = random.Random(seed)
    for token in tokens:
        if draw.random() < 0.3:
            cut.append([])
        cut[-1].append(token)
    return [[tokens], [[token] for token in tokens], cut]


def numbered() -> Callable[[str], str]:
    """Return a maker of ids that are the same each time: a prefix and a number."""
    counts: Counter[str] = Counter()

    def new_id(prefix: str) -> str:
        counts[prefix] += 1
        return f"{prefix}_{counts[prefix]}"

    return new_id


# What the package openai takes


@cache
def _adapter(name: str) -> Any:
    """Return what validates one kind of object; None where there is no openai."""
    try:
        from openai.types import chat as chats
        from openai.types import responses as ours
        from pydantic import TypeAdapter
    except ImportError:
        return None
    kinds: dict[str, Any] = {
        "chunk": chats.ChatCompletionChunk,
        "completion": chats.ChatCompletion,
        "event": ours.ResponseStreamEvent,
        "response": ours.Response,
    }
    return TypeAdapter(kinds[name])


def taken(name: str, value: Json) -> None:
    """Let openai's model take an object, with no conversions."""
    adapter = _adapter(name)
    if adapter is not None:
        adapter.validate_python(value, strict=True)


# Chat


@dataclass
class ChatReply:
    """Chunks, the completion, and what the deltas add up to."""

    chunks: list[Json]
    completion: Json
    text: dict[str, str] = field(default_factory=dict)
    calls: list[Json] = field(default_factory=list)
    deltas: list[list[Any]] = field(default_factory=list)

    @property
    def message(self) -> Json:
        message: Json = self.completion["choices"][0]["message"]
        return message

    @property
    def finish_reason(self) -> str:
        reason: str = self.completion["choices"][0]["finish_reason"]
        return reason


def chat_reply(
    encoding: HarmonyEncoding,
    prompt: chat.Prompt,
    fed: Portions,
    reason: Any = "stop",
    *,
    reasoning_field: str = "reasoning",
    include_usage: bool = False,
    validate: bool = True,
) -> ChatReply:
    """Run a chat reply and check it; ``validate``: by openai's models, too."""
    stream = chat.ChatStream(
        encoding,
        prompt,
        model="m",
        created=7,
        new_id=numbered(),
        reasoning_field=reasoning_field,
        include_usage=include_usage,
    )
    chunks = [chunk for portion in fed for chunk in stream.feed(portion)]
    chunks += stream.finish(reason)
    reply = ChatReply(chunks, stream.completion())
    if validate:
        for chunk in chunks:
            taken("chunk", _without_custom_type(chunk))
        taken("completion", reply.completion)
    _check_chunks(reply, reasoning_field, include_usage)
    _check_completion(reply, reasoning_field)
    return reply


def _without_custom_type(chunk: Json) -> Json:
    """Return a chunk as openai's model takes it, which knows no custom calls.

    The model of a whole completion does, and the service streams them so.
    """
    copy = deepcopy(chunk)
    for choice in copy["choices"]:
        for call in choice["delta"].get("tool_calls", ()):
            if call.get("type") == "custom":
                del call["type"]
    return copy


def _check_chunks(reply: ChatReply, reasoning_field: str, usage: bool) -> None:
    """Check ``role delta* last usage?``."""
    chunks = list(reply.chunks)
    if usage:
        last = chunks.pop()
        assert last["choices"] == [] and last["usage"] == reply.completion["usage"]
    for chunk in reply.chunks:
        head = {key: chunk[key] for key in ("id", "created", "model", "object")}
        assert head == {
            "id": "chatcmpl_1",
            "created": 7,
            "model": "m",
            "object": "chat.completion.chunk",
        }
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert len(choices) == len(chunks)
    for choice in choices:
        assert choice["index"] == 0 and choice["logprobs"] is None
    role, *middle, end = choices
    assert role["delta"] == {"role": "assistant", "content": ""}
    assert end["delta"] == {} and end["finish_reason"] == reply.finish_reason
    assert all(choice["finish_reason"] is None for choice in [role, *middle])
    for choice in middle:
        _add_delta(reply, choice["delta"], reasoning_field)


def _add_delta(reply: ChatReply, delta: Json, reasoning_field: str) -> None:
    ((key, value),) = delta.items()
    if key == "tool_calls":
        (call,) = value
        _add_call(reply, call)
        return
    assert key in (reasoning_field, "content") and isinstance(value, str) and value
    reply.text[key] = reply.text.get(key, "") + value
    if not reply.deltas or reply.deltas[-1][0] != key:
        reply.deltas.append([key, ""])
    reply.deltas[-1][1] += value


_WRITTEN = {"function": "arguments", "custom": "input"}


def _add_call(reply: ChatReply, call: Json) -> None:
    if "id" in call:
        kind = call["type"]
        fields = {"name": call[kind]["name"], _WRITTEN[kind]: ""}
        whole = {"index": len(reply.calls), "id": call["id"], "type": kind}
        assert call == {**whole, kind: fields}
        del whole["index"]
        reply.calls.append({**whole, kind: dict(fields)})
        reply.deltas.append(["call", call["index"], fields["name"], ""])
        return
    index, (kind,) = call["index"], set(call) - {"index"}
    ((written, text),) = call[kind].items()
    assert written == _WRITTEN[kind] and isinstance(text, str) and text
    assert kind == reply.calls[index]["type"]
    reply.calls[index][kind][written] += text
    assert reply.deltas[-1][:2] == ["call", index]
    reply.deltas[-1][3] += text


def _check_completion(reply: ChatReply, reasoning_field: str) -> None:
    whole = reply.completion
    assert whole["object"] == "chat.completion"
    (choice,) = whole["choices"]
    assert choice["index"] == 0 and choice["logprobs"] is None
    expected: Json = {
        "role": "assistant",
        "content": reply.text.get("content"),
        "refusal": None,
        reasoning_field: reply.text.get(reasoning_field),
    }
    if reply.calls:
        expected["tool_calls"] = reply.calls
    assert choice["message"] == expected
    ids = [call["id"] for call in reply.calls]
    assert len(set(ids)) == len(ids)


# Responses

_TEXT = r"output_item\.added content_part\.added ((?:{0}\.delta )*){0}\.done "
_TEXT += r"content_part\.done output_item\.done "
_CALL = r"output_item\.added ((?:{0}\.delta )*){0}\.done output_item\.done "
_GRAMMAR = {
    "reasoning": _TEXT.format("reasoning_text"),
    "message": _TEXT.format("output_text"),
    "function_call": _CALL.format("function_call_arguments"),
    "custom_tool_call": _CALL.format("custom_tool_call_input"),
    "code_interpreter_call": (
        r"output_item\.added code_interpreter_call\.in_progress "
        r"((?:code_interpreter_call_code\.delta )*)code_interpreter_call_code\.done "
        r"code_interpreter_call\.interpreting code_interpreter_call\.completed "
        r"output_item\.done "
    ),
    "web_search_call": (
        r"output_item\.added web_search_call\.in_progress web_search_call\.searching "
        r"web_search_call\.completed output_item\.done "
    ),
}
_PREFIXES = {
    "reasoning": "rs_",
    "message": "msg_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
    "code_interpreter_call": "ci_",
    "web_search_call": "ws_",
}
_DONE_TEXT = {
    "response.reasoning_text.done": "text",
    "response.output_text.done": "text",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
    "response.code_interpreter_call_code.done": "code",
}


@dataclass
class ResponsesReply:
    """Events, the response, and the events without what joins them."""

    events: list[Json]
    response: Json

    @property
    def output(self) -> list[Json]:
        output: list[Json] = self.response["output"]
        return output

    @property
    def joined(self) -> list[list[Any]]:
        """Return type, index and text of each event, deltas of one item joined."""
        found: list[list[Any]] = []
        for event in self.events:
            place = [event["output_index"]] if "output_index" in event else []
            said = [event["type"], *place]
            if "delta" in event and found and found[-1][:2] == said:
                found[-1][2] += event["delta"]
            else:
                found.append([*said, *([event["delta"]] if "delta" in event else [])])
        return found


def responses_reply(
    encoding: HarmonyEncoding,
    prompt: responses.Prompt,
    fed: Portions,
    reason: Any = "stop",
    *,
    validate: bool = True,
) -> ResponsesReply:
    """Run a reply of the Responses API and check it, as ``chat_reply`` does."""
    stream = responses.ResponseStream(
        encoding, prompt, model="m", created_at=7, new_id=numbered()
    )
    events = stream.start()
    events += [event for portion in fed for event in stream.feed(portion)]
    events += stream.finish(reason)
    reply = ResponsesReply(events, stream.response())
    if validate:
        for event in events:
            taken("event", event)
        taken("response", reply.response)
    _check_events(reply, reason)
    return reply


def _check_events(reply: ResponsesReply, reason: str) -> None:
    """Check ``created in_progress item* (completed | incomplete)``."""
    events = reply.events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    created, in_progress, *middle, last = events
    assert created["type"] == "response.created"
    assert in_progress["type"] == "response.in_progress"
    status = "completed" if reason == "stop" else "incomplete"
    assert last["type"] == f"response.{status}"
    assert last["response"] == reply.response
    assert reply.response["status"] == status
    for first in (created, in_progress):
        assert first["response"]["output"] == []
        assert first["response"]["usage"] is None
        assert first["response"]["status"] == "in_progress"
    items = list(_items(middle))
    assert [item["id"] for item in reply.output] == [
        _checked_item(index, events) for index, events in enumerate(items)
    ]
    assert [item[-1]["item"] for item in items] == reply.output
    ids = [
        item[key] for item in reply.output for key in ("id", "call_id") if key in item
    ]
    assert len(set(ids)) == len(ids)
    for item in reply.output[:-1]:
        assert item["status"] == "completed"


def _items(events: list[Json]) -> Iterator[list[Json]]:
    """Give the events of each item, which are all together."""
    item: list[Json] = []
    for event in events:
        item.append(event)
        if event["type"] == "response.output_item.done":
            yield item
            item = []
    assert not item


def _checked_item(index: int, events: list[Json]) -> str:
    """Check the events of one item; return its id."""
    added, *inner, done = events
    kind, item_id = done["item"]["type"], done["item"]["id"]
    assert isinstance(item_id, str) and item_id.startswith(_PREFIXES[kind])
    assert added["item"]["id"] == item_id and added["item"]["type"] == kind
    assert added["item"]["status"] == "in_progress"
    names = "".join(event["type"].removeprefix("response.") + " " for event in events)
    assert re.fullmatch(_GRAMMAR[kind], names), names
    assert all(event["output_index"] == index for event in events)
    assert all(event["item_id"] == item_id for event in inner)
    deltas = [event["delta"] for event in inner if "delta" in event]
    assert all(isinstance(delta, str) and delta for delta in deltas)
    for event in inner:
        assert event.get("content_index", 0) == 0
        if event["type"] in _DONE_TEXT:
            assert event[_DONE_TEXT[event["type"]]] == "".join(deltas)
    _check_texts(added["item"], done["item"], "".join(deltas))
    return item_id


def _check_texts(added: Json, done: Json, text: str) -> None:
    kind = done["type"]
    if kind in ("reasoning", "message"):
        assert added["content"] == []
        (part,) = done["content"]
        assert part["text"] == text != ""
    elif kind != "web_search_call":
        keys = {"custom_tool_call": "input", "code_interpreter_call": "code"}
        key = keys.get(kind, "arguments")
        assert added[key] == "" and done[key] == text
