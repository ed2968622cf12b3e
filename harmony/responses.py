"""The Responses API: requests to prompts, what the model writes to responses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harmony._model.checks import shown, wrong
from harmony._openai.fields import (
    REASONING_PARTS,
    Place,
    content,
    entries,
    fault,
    optional_text,
    part_text,
    placed,
    required,
    table,
    text,
    unknown,
)
from harmony._openai.history import (
    Call,
    Entry,
    Header,
    History,
    Instruction,
    Memory,
    Reader,
    Result,
    assistant_text,
    custom_arguments,
    function_arguments,
    python_call,
    user_text,
)
from harmony._openai.items import ITEMS, Event, Item
from harmony._openai.names import ClientName, ToolNames
from harmony._openai.prompt import (
    DropAnalysis,
    Options,
    Prompt,
    Schemas,
    Settings,
    read_effort,
    read_format,
    read_parallel,
)
from harmony._openai.reply import Kind, Part, Piece, Reason, Reply, ReplyStream, new_id
from harmony._openai.tools import Tools, UnknownTools, read_choice, read_tools

if TYPE_CHECKING:
    from harmony.contents import ReasoningEffort, ResponseFormat
    from harmony.encoding import HarmonyEncoding

__all__ = ["Prompt", "ResponseStream", "ToolNames", "prompt", "response"]

ROLES = ("user", "assistant", "system", "developer")


def prompt(
    request: dict[str, Any],
    *,
    previous: Sequence[dict[str, Any]] = (),
    date: str | None = None,
    drop_analysis: DropAnalysis = "per_turn",
    header: Header = "template",
    rename_tools: bool = True,
    unknown_tools: UnknownTools = "error",
    schemas: Schemas = "reference",
    model_identity: str | None = None,
    knowledge_cutoff: str | None = None,
) -> Prompt:
    """Return what the body of a Responses request becomes.

    ``previous``: the input and output items of the responses that it goes on from, in
    order; their instructions do not carry over. The other options are those of
    ``harmony.chat.prompt``; items of unknown types go the way of unknown tools.

    Raises ``ValueError`` beginning with the path to what is wrong in the request, or
    in ``previous``.

    >>> from harmony import load_harmony_encoding, responses
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> tokens = responses.prompt({"input": "Rome?"}).tokens(encoding)
    >>> encoding.decode(tokens[-8:])
    '<|start|>user<|message|>Rome?<|end|><|start|>assistant'
    """
    options = Options(
        *(date, drop_analysis, header, rename_tools, unknown_tools, schemas),
        *(model_identity, knowledge_cutoff),
    )
    options.check()
    form = table("request", request)
    tools = read_tools(
        form.get("tools"), "responses", unknown_tools, rename_tools, schemas
    )
    names = tools.names.copy()
    history = History(names, header)
    _read_instructions(form.get("instructions"), history)
    skip = unknown_tools == "skip"
    skipped = [
        *tools.skipped,
        *_read_items("previous", previous, history, skip),
        *_read_input(form.get("input"), history, skip),
    ]
    return Prompt(
        request=form,
        options=options,
        tools=tools,
        builtin=tools.builtin,
        history=history,
        names=names,
        settings=_read_settings(form, tools),
        skipped=tuple(skipped),
    )


def _read_settings(form: dict[str, Any], tools: Tools) -> Settings:
    """Return what a request says besides its input and tools."""
    return Settings(
        _read_effort(form.get("reasoning")),
        _read_format(form.get("text")),
        read_choice(form.get("tool_choice"), tools),
        read_parallel(form.get("parallel_tool_calls")),
    )


def _read_instructions(value: object, history: History) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise wrong("instructions", "text", value)
    history.instruct(value)


def _read_effort(reasoning: object) -> ReasoningEffort:
    form = {} if reasoning is None else table("reasoning", reasoning)
    return read_effort(("reasoning", "effort"), form.get("effort"))


def _read_format(value: object) -> ResponseFormat | None:
    form = {} if value is None else table("text", value)
    return read_format(("text", "format"), form.get("format"), nested=False)


def _read_input(value: object, history: History, skip: bool) -> list[str]:
    """Read ``input``: a text by the user, or items; see ``_read_items``."""
    if isinstance(value, str):
        history.enter("input", [user_text(value)])
        return []
    if not entries("input", value):
        raise fault("input", "there is none")
    return _read_items("input", value, history, skip)


def _read_items(place: Place, value: object, history: History, skip: bool) -> list[str]:
    """Read items; return the types of those that nobody here knows.

    ``skip``: these are left out; else they are an error.
    """
    skipped = []
    for index, item in enumerate(entries(place, value)):
        where = place, index
        kind = _kind(table(where, item))
        if isinstance(kind, str) and kind in _READERS:
            history.enter(where, _memory.entries(where, item))
        elif skip and isinstance(kind, str):
            skipped.append(kind)
        else:
            raise fault((where, "type"), f"{shown(kind)} is no item that is known here")
    return skipped


def _kind(item: dict[str, Any]) -> object:
    kind = item.get("type")
    return "message" if kind is None and "role" in item else kind


def _read_item(place: Place, item: dict[str, Any]) -> Sequence[Entry]:
    return _READERS[str(_kind(item))](place, item)


_memory = Memory(_read_item)


def _read_message(place: Place, item: dict[str, Any]) -> list[Entry]:
    role = required(place, item, "role")
    if role not in ROLES:
        raise unknown((place, "role"), role, ROLES)
    said = content(place, item, "content")
    if role in ("system", "developer"):
        return [Instruction(said)]
    if role == "user":
        return [user_text(said)]
    phase = item.get("phase")
    if phase not in (None, "commentary", "final_answer"):
        raise unknown((place, "phase"), phase, ("commentary", "final_answer"))
    return assistant_text(said, "commentary" if phase == "commentary" else "final")


def _read_reasoning(place: Place, item: dict[str, Any]) -> list[Entry]:
    if item.get("content") is None:
        return []
    return assistant_text(content(place, item, "content", REASONING_PARTS), "analysis")


def _call(place: Place, item: dict[str, Any], arguments: str) -> list[Entry]:
    namespace = optional_text(place, item, "namespace")
    name = ClientName(text(place, item, "name"), namespace)
    return [Call(text(place, item, "call_id"), name, arguments, ("name",))]


def _read_function_call(place: Place, item: dict[str, Any]) -> list[Entry]:
    return _call(place, item, function_arguments(place, item))


def _read_custom_call(place: Place, item: dict[str, Any]) -> list[Entry]:
    return _call(place, item, custom_arguments(text(place, item, "input")))


def _read_output(place: Place, item: dict[str, Any]) -> list[Entry]:
    output = content(place, item, "output")
    return [Result(text(place, item, "call_id"), output, "call_id")]


def _read_python(place: Place, item: dict[str, Any]) -> list[Entry]:
    outputs = item.get("outputs")
    if outputs is None:
        return []
    logs = [
        part_text(where, output, {"logs": "logs"})
        for where, output in placed((place, "outputs"), outputs)
    ]
    return python_call(optional_text(place, item, "code") or "", "\n".join(logs))


def _read_search(place: Place, item: dict[str, Any]) -> list[Entry]:
    """Read an item that has nothing for the model: a search without results."""
    return []


_READERS: dict[str, Reader] = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_function_call,
    "function_call_output": _read_output,
    "custom_tool_call": _read_custom_call,
    "custom_tool_call_output": _read_output,
    "code_interpreter_call": _read_python,
    "web_search_call": _read_search,
}


# Replies

_REPEATED = (
    *("instructions", "metadata", "reasoning", "text", "temperature", "top_p"),
    *("max_output_tokens", "previous_response_id"),
)
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(
    encoding: HarmonyEncoding,
    prompt: Prompt,
    tokens: Iterable[int],
    *,
    reason: Reason = "stop",
    **as_stream: Any,
) -> dict[str, Any]:
    """Return the reply to a prompt, whole: a ``response``.

    ``tokens``: what the model wrote, with or without the stop token. ``reason``: why
    it stopped, as for ``ResponseStream.finish``; other keywords are those of
    ``ResponseStream``, by which the reply is made. Nothing the model writes is an
    error.

    >>> from harmony import load_harmony_encoding, responses
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> prompt = responses.prompt({"input": "2 + 2?"})
    >>> text = "<|channel|>final<|message|>4.<|return|>"
    >>> tokens = encoding.encode(text, allowed_special="all")
    >>> responses.response(encoding, prompt, tokens)["output"][0]["content"][0]["text"]
    '4.'
    """
    stream = ResponseStream(encoding, prompt, **as_stream)
    stream.feed(tokens)
    stream.finish(reason)
    return stream.response()


class ResponseStream(ReplyStream):
    """The reply to a prompt as events, while the model writes it.

    One message of the model is one item of the output. One thread at a time.

    >>> from harmony import load_harmony_encoding, responses
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> prompt = responses.prompt({"input": "2 + 2?"})
    >>> stream = responses.ResponseStream(encoding, prompt)
    >>> [event["type"] for event in stream.start()]
    ['response.created', 'response.in_progress']
    >>> text = "<|channel|>final<|message|>4."
    >>> tokens = encoding.encode(text, allowed_special="all")
    >>> [event["type"] for event in stream.feed(tokens)][-1]
    'response.output_text.delta'
    >>> stream.finish()[-1]["type"]
    'response.completed'
    """

    def __init__(
        self,
        encoding: HarmonyEncoding,
        prompt: Prompt,
        *,
        id: str | None = None,
        model: str = "",
        created_at: int | None = None,
        new_id: Callable[[str], str] = new_id,
    ) -> None:
        """Make one.

        ``id``: of the response. ``model``: its name; "" is that of the request.
        ``created_at``: seconds since 1970; None is now. ``new_id``: makes an id from a
        prefix: ``resp``, ``rs``, ``msg``, ``fc``, ``call``, ``ctc``, ``ci``, ``ws``.
        """
        self._reply = Reply(encoding, prompt, fills=frozenset({Kind.CALL}))
        self._request = prompt.request
        self._new_id = new_id
        self._head: dict[str, Any] = {
            "id": new_id("resp") if id is None else id,
            "object": "response",
            "created_at": int(time.time()) if created_at is None else created_at,
            "model": model or prompt.request.get("model") or "",
        }
        self._items: list[Item] = []
        self._places: dict[Part, int] = {}
        self._number = 0
        self._started = False

    def start(self) -> list[Event]:
        """Return the first two events, before any token.

        ``feed`` gives them too if this was not called. Raises ``RuntimeError`` the
        second time.
        """
        if self._started:
            raise RuntimeError("the response is started already")
        self._started = True
        first = ("response.created", "response.in_progress")
        return [
            self._event({"type": name, "response": self._whole()}) for name in first
        ]

    def feed(self, tokens: Iterable[int]) -> list[Event]:
        """Take some tokens; return the events they give.

        Raises ``RuntimeError`` after ``finish``.
        """
        return self._events(self._reply.feed(tokens))

    def finish(self, reason: Reason = "stop") -> list[Event]:
        """Take the end of the stream; return the last events.

        ``reason``: "stop", or "length" or "content_filter" if that cut it off; then
        the item that was open and the response are incomplete. Raises ``ValueError``
        for another one, ``RuntimeError`` the second time.
        """
        events = self._events(self._reply.finish(reason))
        last = "completed" if reason == "stop" else "incomplete"
        end = {"type": f"response.{last}", "response": self._whole()}
        return [*events, self._event(end)]

    def response(self) -> dict[str, Any]:
        """Return the whole reply. Raises ``RuntimeError`` before ``finish``."""
        if self._reply.reason is None:
            raise RuntimeError("the response is not finished: call finish() first")
        return self._whole()

    def _event(self, event: Event) -> Event:
        event["sequence_number"] = self._number
        self._number += 1
        return event

    def _events(self, pieces: list[Piece]) -> list[Event]:
        events = [] if self._started else self.start()
        for piece in pieces:
            events += map(self._event, self._of_piece(piece))
        return events

    def _of_piece(self, piece: Piece) -> Iterator[Event]:
        streams = ITEMS[piece.part.kind].streams
        if piece.begins if streams else piece.ends:
            yield from self._begin(piece.part)
        place = self._places.get(piece.part)
        if place is None:
            return
        item = self._items[place]
        if piece.text and streams:
            yield _of_item(place, item, item.delta(piece.text))
        if piece.ends:
            yield from self._end(place, item)

    def _begin(self, part: Part) -> Iterator[Event]:
        place = self._places[part] = len(self._items)
        item = ITEMS[part.kind](part, self._new_id)
        self._items.append(item)
        yield {
            "type": "response.output_item.added",
            "output_index": place,
            "item": item.whole("in_progress"),
        }
        for event in item.opening():
            yield _of_item(place, item, event)

    def _end(self, place: int, item: Item) -> Iterator[Event]:
        for event in item.closing():
            yield _of_item(place, item, event)
        yield {
            "type": "response.output_item.done",
            "output_index": place,
            "item": item.whole(_status(item.part)),
        }

    def _whole(self) -> dict[str, Any]:
        """Return the response as it is now."""
        request, reason = self._request, self._reply.reason
        whole = {**self._head, "error": None, "incomplete_details": None}
        whole["status"] = "in_progress"
        if reason is not None:
            whole["status"] = "completed" if reason == "stop" else "incomplete"
        if reason in _INCOMPLETE:
            whole["incomplete_details"] = {"reason": _INCOMPLETE[reason]}
        done = [] if reason is None else self._items
        whole["output"] = [item.whole(_status(item.part)) for item in done]
        whole["tools"] = request.get("tools") or []
        whole["tool_choice"] = request.get("tool_choice") or "auto"
        parallel = request.get("parallel_tool_calls")
        whole["parallel_tool_calls"] = True if parallel is None else parallel
        whole.update({key: request[key] for key in _REPEATED if key in request})
        whole["usage"] = None if reason is None else self._usage()
        return whole

    def _usage(self) -> dict[str, Any]:
        prompt, written = self._reply.prompt_tokens, self._reply.completion_tokens
        return {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {
                "reasoning_tokens": self._reply.reasoning_tokens()
            },
            "total_tokens": prompt + written,
        }


def _of_item(place: int, item: Item, event: Event) -> Event:
    event["output_index"] = place
    event["item_id"] = item.id
    return event


def _status(part: Part) -> str:
    return "incomplete" if part.interrupted else "completed"
