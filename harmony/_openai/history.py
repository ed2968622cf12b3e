"""The messages of a request, as what is rendered of each."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from harmony._model.checks import wrong
from harmony._openai.fields import Place, fault, path, required
from harmony._openai.names import FUNCTIONS, ClientName, ToolNames
from harmony.contents import DeveloperContent
from harmony.messages import Author, Message, Role
from harmony.prompts import developer_text
from harmony.rendering import Parts

Header = Literal["template", "model"]

JSON_TYPES = {"template": "json", "model": "<|constrain|>json"}
"""The content type of a call, as the template and as the model writes it."""


def function_arguments(place: Place, call: dict[str, Any]) -> str:
    """Return the arguments of a call: text as it is, an object as JSON."""
    value = required(place, call, "arguments")
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise wrong(path((place, "arguments")), "text or an object", value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise fault((place, "arguments"), f"no JSON: {error}") from None


def custom_arguments(text: str) -> str:
    """Return the input of a custom tool as the arguments of a call."""
    form = {"input": text}
    return json.dumps(form, ensure_ascii=False, separators=(",", ":"))


class Call(NamedTuple):
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
        self._parts: list[Parts] = []
        self._later: dict[int, DeveloperContent] = {}
        self._calls: dict[str, Call] = {}
        self._call_count = 0
        self._run: list[tuple[int | None, Parts]] = []
        self._leading = True

    def parts(self) -> list[Parts]:
        """Return what is rendered of each message."""
        self._end_run()
        return self._parts

    def messages(self) -> list[Message]:
        """Return the messages."""
        return [
            Message(
                Author(role, name),
                self._later.get(index) or text,
                *(channel, recipient, content_type),
            )
            for index, (role, name, recipient, channel, content_type, text) in (
                enumerate(self.parts())
            )
        ]

    def _add(self, parts: Parts) -> None:
        if self._run:
            self._end_run()
        self._parts.append(parts)

    def _end_run(self) -> None:
        """Add the results that wait: those that answer a call in order, first."""
        last = self._call_count
        self._run.sort(key=lambda item: last if item[0] is None else item[0])
        self._parts += [parts for _, parts in self._run]
        self._run.clear()

    def instruct(self, text: str) -> None:
        """Add a system or developer message; an empty one says nothing."""
        if not text:
            return
        if self._leading:
            self.instructions.append(text)
            return
        self._end_run()
        content = self._later[len(self._parts)] = DeveloperContent(text)
        said = developer_text(content)
        self._parts.append((Role.DEVELOPER, None, None, None, None, said))

    def end_leading(self) -> None:
        """Say that what follows is in place."""
        self._leading = False

    def user(self, text: str) -> None:
        """Add a message by the user."""
        self._add((Role.USER, None, None, None, None, text))

    def assistant(self, text: str, channel: str) -> None:
        """Add a text by the assistant; an empty one is no message."""
        if text:
            self._add((Role.ASSISTANT, None, None, channel, None, text))

    def call(
        self, place: Place, call_id: str | None, name: ClientName, arguments: str
    ) -> None:
        """Add a call of a function. ``place`` is that of its name."""
        recipient = FUNCTIONS + self._names.add(place, name)
        self._add(
            (Role.ASSISTANT, None, recipient, "commentary", self._json, arguments)
        )
        if call_id is not None:
            self._calls[call_id] = Call(self._call_count, recipient)
        self._call_count += 1

    def result(self, place: Place, call_id: str, text: str) -> None:
        """Add the result of the latest call of an id. ``place`` is that of the id."""
        call = self._calls.get(call_id)
        if call is None:
            raise fault(place, f"no call before has the id {call_id!r}")
        self._answer(call.number, call.name, text)

    def result_by_name(self, place: Place, name: str, text: str) -> None:
        """Add a result of which only the function is known."""
        recipient = FUNCTIONS + self._names.add(place, ClientName(name))
        self._answer(None, recipient, text)

    def _answer(self, number: int | None, name: str, text: str) -> None:
        parts = (Role.TOOL, name, "assistant", "commentary", None, text)
        self._run.append((number, parts))

    def python(self, code: str, output: str) -> None:
        """Add a call of the built-in Python, and what came out."""
        self._add((Role.ASSISTANT, None, "python", "analysis", "code", code))
        self._add((Role.TOOL, "python", "assistant", "analysis", None, output))
