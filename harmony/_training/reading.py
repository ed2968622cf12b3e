"""Rows to what is rendered of each of their messages.

A chat is read as ``harmony.chat`` reads a request, a conversation as ``Conversation``
does. Neither loses anything in silence: unknown keys are an error. Most messages are
plain (a role, a text, perhaps reasoning or calls), and those are read the short way
here. All others go the long way, which gives the same or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from harmony import chat
from harmony._model.checks import wrong
from harmony._openai.history import (
    Call,
    Header,
    History,
    Instruction,
    Result,
)
from harmony._openai.names import ClientName
from harmony._openai.prompt import Options, Prompt, Schemas, Settings
from harmony._openai.tools import Choice, Tools, read_tools
from harmony._training.keys import CHAT, HARMONY, MESSAGE, Keys, is_known, unknown_key
from harmony.messages import Conversation, Message, ReasoningEffort, Role
from harmony.rendering import Parts, said

_ROLES = {role.value: role for role in Role}


class RowReader:
    """Reads rows of one format."""

    keys: ClassVar[Keys]
    strict: bool

    def __call__(self, row: Any) -> Sequence[Parts]:
        """Return what is rendered of each message of a row.

        Raises ``ValueError`` beginning with the path of what is wrong, and
        ``RenderError``.
        """
        if type(row) is dict:
            parts = self.plain(row)
            if parts is not None:
                return parts
        elif not isinstance(row, dict):
            raise wrong("row", "an object", row)
        if self.strict and not is_known(row, self.keys):
            unknown = unknown_key(row, self.keys)
            raise ValueError(f"{unknown}: this key is not known")
        return self._full(row)

    def plain(self, row: dict[str, Any]) -> Sequence[Parts] | None:
        """Return the same for a row of plain messages; None for all others."""
        raise NotImplementedError

    def _full(self, row: dict[str, Any]) -> Sequence[Parts]:
        """Return the same for any row."""
        raise NotImplementedError


@dataclass(frozen=True)
class ChatRows(RowReader):
    """Reads chats: ``messages`` and perhaps ``tools``.

    ``date``: what day it is for the model. ``header``: as of ``chat.prompt``.
    ``strict``: unknown keys are an error.
    """

    date: str
    header: Header = "template"
    strict: bool = True
    schemas: Schemas = "reference"

    keys: ClassVar[Keys] = CHAT

    def plain(self, row: dict[str, Any]) -> Sequence[Parts] | None:
        if not _ROW.issuperset(row):
            return None
        messages = row.get("messages")
        if type(messages) is not list or not messages:
            return None
        tools = self.tools(row.get("tools"))
        names = tools.names.copy()
        history = History(names, self.header)
        for index, message in enumerate(messages):
            if not _enter(history, index, message):
                return None
        prompt = Prompt(
            request=row,
            options=self._options(),
            tools=tools,
            builtin=(),
            history=history,
            names=names,
            settings=_SETTINGS,
            skipped=(),
        )
        return prompt._parts()

    def tools(self, given: Any) -> Tools:
        """Return the tools of a row. Raises ``ValueError`` for what is wrong."""
        return read_tools(given, "chat", "error", True, self.schemas)

    def _options(self) -> Options:
        return Options(
            date=self.date,
            drop_analysis="never",
            header=self.header,
            rename_tools=True,
            unknown_tools="error",
            schemas=self.schemas,
            model_identity=None,
            knowledge_cutoff=None,
        )

    def _full(self, row: dict[str, Any]) -> Sequence[Parts]:
        prompt = chat.prompt(
            row, date=self.date, header=self.header, schemas=self.schemas
        )
        return prompt._parts()


_ROW = frozenset({"messages", "tools"})
_ASSISTANT = frozenset({"role", "content", "reasoning_content", "tool_calls"})
_CALL = {"id", "type", "function"}
_FUNCTION = {"name", "arguments"}
_SETTINGS = Settings(ReasoningEffort.MEDIUM, None, Choice(), parallel=True)

_MOST = 3
"""The most keys of a message that is not the assistant's; with more, some are null."""

_USER: Parts = (Role.USER, None, None, None, None)
_THOUGHT: Parts = (Role.ASSISTANT, None, None, "analysis", None)
_PREAMBLE: Parts = (Role.ASSISTANT, None, None, "commentary", None)
_ANSWER: Parts = (Role.ASSISTANT, None, None, "final", None)


def _enter(history: History, index: int, message: Any) -> bool:
    """Enter a plain message, one with no keys but those that are read here.

    Return False for any other. A history that has half of a message is thrown away.
    """
    if type(message) is not dict:
        return False
    role, text = message.get("role"), message.get("content")
    if role == "assistant":
        return _enter_assistant(history, index, message, text or "")
    if type(text) is not str:
        return False
    count = len(message)
    if count > _MOST:
        count = _count(message)
    if role == "user" and count == 2:
        history.enter(("messages", index), ())
        history.say((*_USER, text))
        return True
    if role == "tool" and count == 3:
        call_id = message.get("tool_call_id")
        if type(call_id) is str:
            result = Result(call_id, text, "tool_call_id")
            history.enter(("messages", index), (result,))
            return True
    if role in ("system", "developer") and count == 2:
        history.enter(("messages", index), (Instruction(text),))
        return True
    return False


def _count(message: dict[str, Any]) -> int:
    """Return how many keys say something."""
    return len(message) - list(message.values()).count(None)


def _says_more(message: dict[str, Any], known: frozenset[str]) -> bool:
    """Tell whether any other key than those known says something."""
    return any([message[key] is not None for key in message.keys() - known])


def _enter_assistant(
    history: History, index: int, message: dict[str, Any], text: Any
) -> bool:
    reasoning = message.get("reasoning_content") or ""
    given = message.get("tool_calls")
    calls = [] if given is None else _calls(given)
    if calls is None or not (type(text) is type(reasoning) is str):
        return False
    if not _ASSISTANT.issuperset(message) and _says_more(message, _ASSISTANT):
        return False
    history.enter(("messages", index), ())
    if reasoning:
        history.say((*_THOUGHT, reasoning))
    if text:
        history.say((*(_PREAMBLE if calls else _ANSWER), text))
    for call in calls:
        history.call(call, ("messages", index))
    return True


def _calls(given: Any) -> list[Call] | None:
    """Return plain calls of functions, with arguments as text; None for others."""
    calls: list[Call] = []
    if type(given) is not list:
        return None
    for index, call in enumerate(given):
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict or call.get("type") != "function":
            return None
        name, arguments = function.get("name"), function.get("arguments")
        call_id = call.get("id")
        if not (type(name) is type(arguments) is type(call_id) is str):
            return None
        if not (_CALL.issuperset(call) and _FUNCTION.issuperset(function)):
            return None
        inside = ("tool_calls", index, "function", "name")
        calls.append(Call(call_id, ClientName(name), arguments, inside))
    return calls


@dataclass(frozen=True)
class HarmonyRows(RowReader):
    """Reads conversations in harmony's JSON. ``strict``: unknown keys are an error."""

    strict: bool = True
    schemas: Schemas = "reference"

    keys: ClassVar[Keys] = HARMONY

    def plain(self, row: dict[str, Any]) -> Sequence[Parts] | None:
        messages = row.get("messages")
        if type(messages) is not list or len(row) != 1:
            return None
        parts = [*map(_harmony_parts, messages)]
        odd = [index for index, read in enumerate(parts) if read is None]
        if odd and not self._fill(parts, odd, messages):
            return None
        return [read for read in parts if read is not None]

    def _fill(
        self, parts: list[Parts | None], odd: list[int], messages: list[Any]
    ) -> bool:
        """Read the messages of some indices the long way; False if one is wrong.

        Those with tools are among them, so they tell whether there are any.
        """
        forms = [messages[index] for index in odd]
        if self.strict and not is_known(forms, MESSAGE):
            return False
        try:
            found = said([Message.from_dict(form) for form in forms], self.schemas)
        except (ValueError, RuntimeError):
            return False
        for index, read in zip(odd, found, strict=True):
            parts[index] = read
        return True

    def _full(self, row: dict[str, Any]) -> Sequence[Parts]:
        return said(Conversation.from_dict(row).messages, self.schemas)


_WORDS = ("name", "recipient", "channel", "content_type")
_PLAIN = frozenset({"role", "content", *_WORDS})
_TEXTS = {str, type(None)}


def _harmony_parts(message: Any) -> Parts | None:
    """Return what is rendered of a message of one text; None for any other."""
    if type(message) is not dict or not _PLAIN.issuperset(message):
        return None
    get = message.get
    role, text = get("role"), get("content")
    words = get("name"), get("recipient"), get("channel"), get("content_type")
    if type(text) is list and len(text) == 1:
        (item,) = text
        is_text = type(item) is dict and item.keys() == {"type", "text"}
        text = item["text"] if is_text and item["type"] == "text" else None
    if type(text) is not str or type(role) is not str or role not in _ROLES:
        return None
    if not _TEXTS.issuperset(map(type, words)):
        return None
    return _ROLES[role], *words, text
