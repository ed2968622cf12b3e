"""Chat completions: requests to prompts, what the model writes to replies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harmony._openai.fields import (
    Place,
    content,
    entries,
    fault,
    flag,
    optional_text,
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
    Inside,
    Instruction,
    Memory,
    NamedResult,
    Reader,
    Result,
    assistant_text,
    custom_arguments,
    function_arguments,
    user_text,
)
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
from harmony._openai.reply import (
    TEXTS,
    Kind,
    Part,
    Piece,
    Reason,
    Reply,
    ReplyStream,
    new_id,
)
from harmony._openai.tools import BUILTIN, Tools, UnknownTools, read_choice, read_tools

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

__all__ = ["ChatStream", "Prompt", "ToolNames", "completion", "prompt"]

_REASONING_KEYS = ("reasoning", "reasoning_content", "thinking")


def prompt(
    request: dict[str, Any],
    *,
    date: str | None = None,
    drop_analysis: DropAnalysis = "per_turn",
    header: Header = "template",
    rename_tools: bool = True,
    builtin_tools: Sequence[str] = (),
    unknown_tools: UnknownTools = "error",
    schemas: Schemas = "reference",
    model_identity: str | None = None,
    knowledge_cutoff: str | None = None,
) -> Prompt:
    """Return what the body of a chat completion request becomes.

    ``date``: what day it is for the model; None is today, local. ``drop_analysis``:
    which reasoning is left out, as in ``RenderConversationConfig``. ``header``: calls
    as the chat template writes them, or as the model itself does, so that the tokens
    of its reply stay the prefix of the next prompt. ``rename_tools``: see
    ``ToolNames``. ``builtin_tools``: "browser", "python". ``unknown_tools``: tools of
    other types are an error, or left out and named in ``skipped_tools``. ``schemas``:
    how parameters of tools are written, as in ``RenderConversationConfig``.

    Raises ``ValueError`` beginning with the path to what is wrong in the request.

    >>> from harmony import chat, load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> request = {"messages": [{"role": "user", "content": "Rome?"}]}
    >>> tokens = chat.prompt(request, date="2025-06-28").tokens(encoding)
    >>> encoding.decode(tokens[-8:])
    '<|start|>user<|message|>Rome?<|end|><|start|>assistant'
    """
    options = Options(
        *(date, drop_analysis, header, rename_tools, unknown_tools, schemas),
        *(model_identity, knowledge_cutoff),
    )
    options.check()
    builtin = _checked_builtin(builtin_tools)
    form = table("request", request)
    tools = read_tools(form.get("tools"), "chat", unknown_tools, rename_tools, schemas)
    names = tools.names.copy()
    history = History(names, header)
    messages = _read_messages(history, form)
    settings = _read_settings(form, tools)
    if settings.open:
        _check_goes_on(messages[-1])
    return Prompt(
        request=form,
        options=options,
        tools=tools,
        builtin=builtin,
        history=history,
        names=names,
        settings=settings,
        skipped=tools.skipped,
    )


def _read_settings(form: dict[str, Any], tools: Tools) -> Settings:
    """Return what a request says besides its messages and tools."""
    return Settings(
        read_effort("reasoning_effort", form.get("reasoning_effort")),
        read_format("response_format", form.get("response_format"), nested=True),
        read_choice(form.get("tool_choice"), tools),
        read_parallel(form.get("parallel_tool_calls")),
        open=flag("continue_final_message", form.get("continue_final_message")),
    )


def _checked_builtin(names: Sequence[str]) -> tuple[str, ...]:
    for place, name in placed("builtin_tools", names):
        if name not in BUILTIN:
            raise unknown(place, name, BUILTIN)
    return tuple(dict.fromkeys(names))


def _read_messages(history: History, form: dict[str, Any]) -> Sequence[dict[str, Any]]:
    messages = entries("messages", form.get("messages"))
    if not messages:
        raise fault("messages", "there are none")
    for index, message in enumerate(messages):
        place = "messages", index
        history.enter(place, _memory.entries(place, message))
    return messages


def _read_message(place: Place, item: Any) -> Sequence[Entry]:
    message = table(place, item)
    role = required(place, message, "role")
    if not isinstance(role, str) or role not in _READERS:
        raise unknown((place, "role"), role, _READERS)
    return _READERS[role](place, message)


_memory = Memory(_read_message)


def _read_instructions(place: Place, message: dict[str, Any]) -> list[Entry]:
    return [Instruction(content(place, message, "content"))]


def _read_user(place: Place, message: dict[str, Any]) -> list[Entry]:
    return [user_text(content(place, message, "content"))]


def _read_assistant(place: Place, message: dict[str, Any]) -> list[Entry]:
    for key in ("function_call", "audio"):
        if message.get(key) is not None:
            raise fault((place, key), "this can't be said to the model")
    calls = [
        _read_call(where, ("tool_calls", index), call)
        for index, (where, call) in enumerate(
            placed((place, "tool_calls"), message.get("tool_calls"))
        )
    ]
    return [
        *assistant_text(_reasoning(place, message), "analysis"),
        *assistant_text(_said(place, message), "commentary" if calls else "final"),
        *calls,
    ]


def _reasoning(place: Place, message: dict[str, Any]) -> str:
    """Return the first text under any of the names that reasoning has."""
    found = [optional_text(place, message, key) for key in _REASONING_KEYS]
    return next(filter(None, found), "")


def _said(place: Place, message: dict[str, Any]) -> str:
    said = ""
    if message.get("content") is not None:
        said = content(place, message, "content")
    refusal = optional_text(place, message, "refusal")
    return said or refusal or ""


def _read_call(place: Place, steps: Inside, item: object) -> Call:
    call = table(place, item)
    kind = call.get("type")
    if kind is None:
        kind = "function"
    if kind not in ("function", "custom"):
        raise unknown((place, "type"), kind, ("function", "custom"))
    call_id = optional_text(place, call, "id")
    inner = required(place, call, kind)
    place = place, kind
    called = table(place, inner)
    name = ClientName(text(place, called, "name"))
    if kind == "custom":
        arguments = custom_arguments(text(place, called, "input"))
    else:
        arguments = function_arguments(place, called)
    return Call(call_id, name, arguments, (*steps, kind, "name"))


def _read_result(place: Place, message: dict[str, Any]) -> list[Entry]:
    result = ""
    if message.get("content") is not None:
        result = content(place, message, "content")
    call_id = optional_text(place, message, "tool_call_id")
    if call_id is not None:
        return [Result(call_id, result, "tool_call_id")]
    name = optional_text(place, message, "name")
    if name is None:
        complaint = "missing, and there is no name either"
        raise fault((place, "tool_call_id"), complaint)
    return [NamedResult(name, result)]


_READERS: dict[str, Reader] = {
    "system": _read_instructions,
    "developer": _read_instructions,
    "user": _read_user,
    "assistant": _read_assistant,
    "tool": _read_result,
}


def _check_goes_on(message: dict[str, Any]) -> None:
    if message["role"] != "assistant":
        complaint = "the last message is not the assistant's"
    elif message.get("tool_calls"):
        complaint = "the last message has calls"
    elif not _said("messages", message) and not _reasoning("messages", message):
        complaint = "the last message has nothing to go on from"
    else:
        return
    raise fault("continue_final_message", complaint)


# Replies

_CALLS = frozenset({Kind.CALL, Kind.PYTHON, Kind.SEARCH})
_TAKEN_FIELDS = frozenset({"role", "content", "refusal", "tool_calls"})


def completion(
    encoding: HarmonyEncoding,
    prompt: Prompt,
    tokens: Iterable[int],
    *,
    reason: Reason = "stop",
    **as_stream: Any,
) -> dict[str, Any]:
    """Return the reply to a prompt, whole: a ``chat.completion``.

    ``tokens``: what the model wrote, with or without the stop token. ``reason``: why
    it stopped, as for ``ChatStream.finish``; other keywords are those of
    ``ChatStream``, by which the reply is made. Nothing the model writes is an error.

    >>> from harmony import chat, load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> prompt = chat.prompt({"messages": [{"role": "user", "content": "2 + 2?"}]})
    >>> text = "<|channel|>final<|message|>4.<|return|>"
    >>> tokens = encoding.encode(text, allowed_special="all")
    >>> chat.completion(encoding, prompt, tokens)["choices"][0]["message"]["content"]
    '4.'
    """
    stream = ChatStream(encoding, prompt, **as_stream)
    stream.feed(tokens)
    stream.finish(reason)
    return stream.completion()


class ChatStream(ReplyStream):
    """The reply to a prompt as chunks, while the model writes it.

    Text in chunks is never empty and never taken back. One thread at a time.

    >>> from harmony import chat, load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> prompt = chat.prompt({"messages": [{"role": "user", "content": "2 + 2?"}]})
    >>> stream = chat.ChatStream(encoding, prompt)
    >>> text = "<|channel|>final<|message|>4.<|return|>"
    >>> for token in encoding.encode(text, allowed_special="all"):
    ...     for chunk in stream.feed([token]):
    ...         print(chunk["choices"][0]["delta"])
    {'role': 'assistant', 'content': ''}
    {'content': '4'}
    {'content': '.'}
    >>> [chunk["choices"][0]["finish_reason"] for chunk in stream.finish()]
    ['stop']
    """

    def __init__(
        self,
        encoding: HarmonyEncoding,
        prompt: Prompt,
        *,
        id: str | None = None,
        model: str = "",
        created: int | None = None,
        index: int = 0,
        reasoning_field: str | Sequence[str] = "reasoning",
        include_usage: bool = False,
        new_id: Callable[[str], str] = new_id,
    ) -> None:
        """Make one for one choice.

        ``id``: of the completion; choices of one request share it, and ``index`` tells
        them apart. ``model``: its name; "" is that of the request. ``created``: seconds
        since 1970; None is now. ``reasoning_field``: the key, or keys, of reasoning.
        ``include_usage``: a last chunk has the usage. ``new_id``: makes an id from a
        prefix, ``chatcmpl`` or ``call``.
        """
        self._fields = _reasoning_fields(reasoning_field)
        self._reply = Reply(encoding, prompt, fills=_CALLS)
        self._new_id = new_id
        self._index = index
        self._include_usage = include_usage
        self._head: dict[str, Any] = {
            "id": new_id("chatcmpl") if id is None else id,
            "created": int(time.time()) if created is None else created,
            "model": model or prompt.request.get("model") or "",
        }
        self._has_role = False
        self._reasoning: list[str] = []
        self._content: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._parts: dict[Part, int] = {}

    def feed(self, tokens: Iterable[int]) -> list[dict[str, Any]]:
        """Take some tokens; return the ``chat.completion.chunk`` they give.

        Raises ``RuntimeError`` after ``finish``.
        """
        return self._chunks(self._reply.feed(tokens))

    def finish(self, reason: Reason = "stop") -> list[dict[str, Any]]:
        """Take the end of the stream; return the last chunks.

        ``reason``: "stop", or "length" or "content_filter" if that cut it off. Raises
        ``ValueError`` for another one, ``RuntimeError`` the second time.
        """
        chunks = self._chunks(self._reply.finish(reason))
        chunks.append(self._chunk({}, self._finish_reason()))
        if self._include_usage:
            chunks.append({**self._of_kind("chat.completion.chunk"), "choices": []})
            chunks[-1]["usage"] = self._usage()
        return chunks

    def completion(self) -> dict[str, Any]:
        """Return the whole reply, a ``chat.completion``.

        Raises ``RuntimeError`` before ``finish``.
        """
        choice = {
            "index": self._index,
            "message": self._message(),
            "finish_reason": self._finish_reason(),
            "logprobs": None,
        }
        whole = self._of_kind("chat.completion")
        return {**whole, "choices": [choice], "usage": self._usage()}

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self._content) or None,
            "refusal": None,
        }
        message.update(dict.fromkeys(self._fields, "".join(self._reasoning) or None))
        if self._calls:
            message["tool_calls"] = [
                _whole_call(call, part)
                for call, part in zip(self._calls, self._parts, strict=True)
            ]
        return message

    def _finish_reason(self) -> str:
        reason = self._reply.reason
        if reason is None:
            raise RuntimeError("the reply is not finished: call finish() first")
        return "tool_calls" if reason == "stop" and self._calls else reason

    def _usage(self) -> dict[str, Any]:
        prompt, written = self._reply.prompt_tokens, self._reply.completion_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
            "completion_tokens_details": {
                "reasoning_tokens": self._reply.reasoning_tokens()
            },
        }

    def _of_kind(self, kind: str) -> dict[str, Any]:
        head = self._head
        return {
            "id": head["id"],
            "object": kind,
            "created": head["created"],
            "model": head["model"],
        }

    def _chunk(
        self, delta: dict[str, Any], finish_reason: str | None = None
    ) -> dict[str, Any]:
        chunk = self._of_kind("chat.completion.chunk")
        chunk["choices"] = [
            {
                "index": self._index,
                "delta": delta,
                "finish_reason": finish_reason,
                "logprobs": None,
            }
        ]
        if self._include_usage:
            chunk["usage"] = None
        return chunk

    def _chunks(self, pieces: list[Piece]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = []
        if not self._has_role:
            self._has_role = True
            deltas.append({"role": "assistant", "content": ""})
        for piece in pieces:
            if piece.part.kind in TEXTS:
                deltas += self._text_deltas(piece)
            else:
                deltas += self._call_deltas(piece)
        return [self._chunk(delta) for delta in deltas]

    def _text_deltas(self, piece: Piece) -> Iterator[dict[str, Any]]:
        if not piece.text:
            return
        is_reasoning = piece.part.kind is Kind.REASONING
        before = self._reasoning if is_reasoning else self._content
        text = f"\n{piece.text}" if piece.begins and before else piece.text
        before.append(text)
        yield dict.fromkeys(self._fields if is_reasoning else ("content",), text)

    def _call_deltas(self, piece: Piece) -> Iterator[dict[str, Any]]:
        part = piece.part
        kind, written = _CALL_FIELDS[part.kind is Kind.CUSTOM]
        if piece.begins:
            self._parts[part] = len(self._calls)
            call = {"id": self._new_id("call"), "type": kind}
            self._calls.append(call)
            opening = {kind: {"name": part.name.joined, written: ""}}
            yield {"tool_calls": [{"index": self._parts[part], **call, **opening}]}
        if piece.text:
            more = {"index": self._parts[part], kind: {written: piece.text}}
            yield {"tool_calls": [more]}


_CALL_FIELDS = {False: ("function", "arguments"), True: ("custom", "input")}


def _whole_call(call: dict[str, Any], part: Part) -> dict[str, Any]:
    kind, written = _CALL_FIELDS[part.kind is Kind.CUSTOM]
    return {**call, kind: {"name": part.name.joined, written: part.text}}


def _reasoning_fields(names: str | Sequence[str]) -> tuple[str, ...]:
    fields = (names,) if isinstance(names, str) else tuple(names)
    if not fields or not all(isinstance(name, str) and name for name in fields):
        raise fault("reasoning_field", f"expected a name or several, got {names!r}")
    if _TAKEN_FIELDS.intersection(fields):
        raise fault("reasoning_field", f"{names!r} is another field of the message")
    return fields
