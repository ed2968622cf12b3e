"""The messages of a request as messages of a conversation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from harmony._model.checks import wrong
from harmony._openai.fields import fault, required
from harmony._openai.names import FUNCTIONS, ClientName, ToolNames
from harmony.messages import Author, DeveloperContent, Message, Role

Header = Literal["template", "model"]

JSON_TYPES = {"template": "json", "model": "<|constrain|>json"}
"""The content type of a call, as the template and as the model writes it."""


def function_arguments(where: str, call: dict[str, Any]) -> str:
    """Return the arguments of a call: text as it is, an object as JSON."""
    value = required(where, call, "arguments")
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise wrong(f"{where}.arguments", "text or an object", value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise fault(f"{where}.arguments", f"no JSON: {error}") from None


def custom_arguments(text: str) -> str:
    """Return the input of a custom tool as the arguments of a call."""
    form = {"input": text}
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Call:
    """A call that results can answer: its number, and who answers."""

    number: int
    name: str


class History:
    """Collects messages in order.

    Leading system and developer messages are ``instructions``. A run of results is put
    in the order of the calls that they answer.
    """

    def __init__(self, names: ToolNames, header: Header) -> None:
        """Begin with nothing. ``names`` gets the names found in calls."""
        self.instructions: list[str] = []
        self._names = names
        self._json = JSON_TYPES[header]
        self._messages: list[Message] = []
        self._calls: dict[str, Call] = {}
        self._call_count = 0
        self._run: list[tuple[int | None, Message]] = []
        self._leading = True

    def messages(self) -> list[Message]:
        """Return all messages so far."""
        self._end_run()
        return self._messages

    def _add(self, message: Message) -> None:
        self._end_run()
        self._messages.append(message)

    def _end_run(self) -> None:
        """Add the results that wait: those that answer a call in order, first."""
        if self._run:
            last = self._call_count
            self._run.sort(key=lambda item: last if item[0] is None else item[0])
            self._messages += [message for _, message in self._run]
            self._run.clear()

    def instruct(self, text: str) -> None:
        """Add a system or developer message; an empty one says nothing."""
        if self._leading:
            self.instructions += [text] if text else []
        elif text:
            self._add(Message(Role.DEVELOPER, DeveloperContent(text)))

    def end_leading(self) -> None:
        """Say that what follows is in place."""
        self._leading = False

    def user(self, text: str) -> None:
        """Add a message by the user."""
        self._add(Message(Role.USER, text))

    def assistant(self, text: str, channel: str) -> None:
        """Add a text by the assistant; an empty one is no message."""
        if text:
            self._add(Message(Role.ASSISTANT, text, channel))

    def call(
        self, where: str, call_id: str | None, name: ClientName, arguments: str
    ) -> None:
        """Add a call of a function. ``where`` is the path of its name."""
        recipient = FUNCTIONS + self._names.add(where, name)
        self._add(
            Message(Role.ASSISTANT, arguments, "commentary", recipient, self._json)
        )
        if call_id is not None:
            self._calls[call_id] = Call(self._call_count, recipient)
        self._call_count += 1

    def result(self, where: str, call_id: str, text: str) -> None:
        """Add the result of the latest call of an id. ``where`` is the id's path."""
        call = self._calls.get(call_id)
        if call is None:
            raise fault(where, f"no call before has the id {call_id!r}")
        self._answer(call.number, call.name, text)

    def result_by_name(self, where: str, name: str, text: str) -> None:
        """Add a result of which only the function is known."""
        recipient = FUNCTIONS + self._names.add(where, ClientName(name))
        self._answer(None, recipient, text)

    def _answer(self, number: int | None, name: str, text: str) -> None:
        message = Message(Author(Role.TOOL, name), text, "commentary", "assistant")
        self._run.append((number, message))

    def python(self, code: str, output: str) -> None:
        """Add a call of the built-in Python, and what came out."""
        self._add(Message(Role.ASSISTANT, code, "analysis", "python", "code"))
        author = Author(Role.TOOL, "python")
        self._add(Message(author, output, "analysis", "assistant"))
