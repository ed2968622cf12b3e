"""The messages of a request, as what is rendered of each.

A message is read to entries first, which depend on nothing but the message; and they
are remembered, because a running chat sends the same messages again and again. Then
they are entered into the history, which links results to calls and gives names.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from harmony._model.checks import shown, wrong
from harmony._openai.fields import Place, fault, path, required
from harmony._openai.names import FUNCTIONS, ClientName, ToolNames
from harmony.cache import Cache, size_of
from harmony.contents import DeveloperContent
from harmony.messages import Author, Message, Role
from harmony.prompts import developer_text
from harmony.rendering import CHANNEL, Parts

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


class Entry(Protocol):
    """What a message says: one thing of it."""

    def enter(self, history: History, place: Place) -> None:
        """Add it to a history. ``place`` is that of its message."""


Inside: TypeAlias = tuple[str | int, ...]
"""Where in a message something stands: keys and indices."""


def inside(place: Place, steps: Inside) -> Place:
    """Return the place of something in a message."""
    for step in steps:
        place = place, step
    return place


class Instruction(NamedTuple):
    """A system or developer message; an empty one says nothing."""

    text: str

    def enter(self, history: History, place: Place) -> None:
        """Add it to the instructions, or in its place if others came before."""
        history.instruct(self.text)


class Text(NamedTuple):
    """A message that is rendered as it stands."""

    parts: Parts

    def enter(self, history: History, place: Place) -> None:
        """Add it."""
        history.say(self.parts)


class Call(NamedTuple):
    """A call of a function. ``name_inside`` is where its name stands."""

    call_id: str | None
    client: ClientName
    arguments: str
    name_inside: Inside

    def enter(self, history: History, place: Place) -> None:
        """Add it, under the model's name for the function."""
        history.call(self, place)


class Result(NamedTuple):
    """The result of the latest call of an id. ``id_key`` is where the id stands."""

    call_id: str
    text: str
    id_key: str

    def enter(self, history: History, place: Place) -> None:
        """Add it to the run of results."""
        history.answer(self, place)


class NamedResult(NamedTuple):
    """A result of which only the function's name is known."""

    name: str
    text: str

    def enter(self, history: History, place: Place) -> None:
        """Add it to the run of results, behind those that answer a call."""
        history.answer_by_name(self, place)


def user_text(text: str) -> Text:
    """Return a message by the user."""
    return Text((Role.USER, None, None, None, None, text))


def assistant_text(text: str, channel: str) -> list[Entry]:
    """Return a text by the assistant; an empty one is no message."""
    if not text:
        return []
    return [Text((Role.ASSISTANT, None, None, channel, None, text))]


def python_call(code: str, output: str) -> list[Entry]:
    """Return a call of the built-in Python, and what came out."""
    return [
        Text((Role.ASSISTANT, None, "python", "analysis", "code", code)),
        Text((Role.TOOL, "python", "assistant", "analysis", None, output)),
    ]


Reader: TypeAlias = Callable[[Place, Any], Sequence[Entry]]
"""Reads a message of a request; raises ``ValueError`` at the path of what is wrong."""

CACHE_SIZE = 2**22
"""Bytes that the messages remembered for one API may take, about."""

_MARSHAL_VERSION = 2
_SHARE = 3  # what is read of a message takes about so many times its bytes


class Memory:
    """A reader that remembers what it read, under the message itself in bytes."""

    def __init__(self, read: Reader) -> None:
        """Make one that remembers nothing yet."""
        self._read = read
        self._cache = Cache(CACHE_SIZE)

    def entries(self, place: Place, item: Any) -> Sequence[Entry]:
        """Return the entries of a message."""
        try:
            key = marshal.dumps(item, _MARSHAL_VERSION)
        except ValueError:  # not made of plain objects, which can still be right
            return self._read(place, item)
        found: Sequence[Entry] | None = self._cache.get(key)
        if found is None:
            found = self._read(place, item)
            self._cache.put(key, found, _SHARE * size_of(key))
        return found


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
        self._calls: dict[str, tuple[int, str]] = {}  # number, and who answers
        self._call_count = 0
        self._run: list[tuple[int, Parts]] = []
        self._leading = True

    def enter(self, place: Place, entries: Sequence[Entry]) -> None:
        """Add the entries of one message."""
        if self._leading and not (entries and type(entries[0]) is Instruction):
            self._leading = False
        for entry in entries:
            entry.enter(self, place)

    def parts(self) -> list[Parts]:
        """Return what is rendered of each message."""
        self._end_run()
        return self._parts

    def last_channel(self) -> str | None:
        """Return the channel of the last message."""
        channel: str | None = self.parts()[-1][CHANNEL]
        return channel

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

    def say(self, parts: Parts) -> None:
        """Add a message."""
        if self._run:
            self._end_run()
        self._parts.append(parts)

    def _end_run(self) -> None:
        """Add the results that wait, those that answer a call first, in order."""
        self._run.sort(key=lambda item: item[0])
        self._parts += [parts for _, parts in self._run]
        self._run.clear()

    def instruct(self, text: str) -> None:
        """Add a system or developer message."""
        if not text:
            return
        if self._leading:
            self.instructions.append(text)
            return
        self._end_run()
        content = self._later[len(self._parts)] = DeveloperContent(text)
        self.say((Role.DEVELOPER, None, None, None, None, developer_text(content)))

    def call(self, call: Call, place: Place) -> None:
        """Add a call of a function."""
        name = self._names.known(call.client)
        if name is None:
            name = self._names.add(inside(place, call.name_inside), call.client)
        recipient = FUNCTIONS + name
        self.say(
            (Role.ASSISTANT, None, recipient, "commentary", self._json, call.arguments)
        )
        if call.call_id is not None:
            self._calls[call.call_id] = self._call_count, recipient
        self._call_count += 1

    def answer(self, result: Result, place: Place) -> None:
        """Add the result of the latest call of an id."""
        call = self._calls.get(result.call_id)
        if call is None:
            complaint = f"no call before has the id {shown(result.call_id)}"
            raise fault((place, result.id_key), complaint)
        self._answer(*call, result.text)

    def answer_by_name(self, result: NamedResult, place: Place) -> None:
        """Add a result of which only the function is known."""
        name = self._names.add((place, "name"), ClientName(result.name))
        self._answer(self._call_count, FUNCTIONS + name, result.text)

    def _answer(self, number: int, name: str, text: str) -> None:
        parts = (Role.TOOL, name, "assistant", "commentary", None, text)
        self._run.append((number, parts))
