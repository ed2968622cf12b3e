"""Output items of the Responses API, each as events and whole.

Each kind of item says how it looks at first and when it is done, and which events are
between. Events are given without ``sequence_number`` and without the index and id of
the item, which the stream adds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harmony._model.jsontext import load
from harmony._openai.reply import Kind, Part

Event = dict[str, Any]
Fields = dict[str, Any]


class Item:
    """One item of the output, made from one message of the model."""

    prefix: str
    """What its id begins with."""

    streams = True
    """Whether it begins with its message; else it is all given at the end."""

    def __init__(self, part: Part, new_id: Callable[[str], str]) -> None:
        """Begin the item of a part."""
        self.part = part
        self.id = new_id(self.prefix)

    def whole(self, status: str) -> Fields:
        """Return the item: as it is so far, or, ``in_progress``, as it begins."""
        raise NotImplementedError

    def opening(self) -> Iterator[Event]:
        """Give the events behind ``output_item.added``."""
        return iter(())

    def delta(self, text: str) -> Event:
        """Return the event for some more text."""
        raise NotImplementedError

    def closing(self) -> Iterator[Event]:
        """Give the events before ``output_item.done``."""
        raise NotImplementedError


class TextItem(Item):
    """Reasoning or a message: an item with one content part."""

    name: str
    """The content's part of an event's name."""

    def content(self, text: str) -> Fields:
        """Return the content part."""
        raise NotImplementedError

    def extra(self) -> Fields:
        """Return what delta and done have besides the text."""
        return {}

    def contents(self, status: str) -> list[Fields]:
        """Return the content parts of the item."""
        return [] if status == "in_progress" else [self.content(self.part.text)]

    def opening(self) -> Iterator[Event]:
        """Give the event that adds the content part."""
        yield {
            "type": "response.content_part.added",
            "content_index": 0,
            "part": self.content(""),
        }

    def delta(self, text: str) -> Event:
        """Return the event for some more text."""
        kind = f"response.{self.name}.delta"
        return {"type": kind, "content_index": 0, "delta": text, **self.extra()}

    def closing(self) -> Iterator[Event]:
        """Give the events with the whole text."""
        text = self.part.text
        kind = f"response.{self.name}.done"
        yield {"type": kind, "content_index": 0, "text": text, **self.extra()}
        yield {
            "type": "response.content_part.done",
            "content_index": 0,
            "part": self.content(text),
        }


class ReasoningItem(TextItem):
    """What the model thinks."""

    prefix = "rs"
    name = "reasoning_text"

    def content(self, text: str) -> Fields:
        """Return the content part."""
        return {"type": "reasoning_text", "text": text}

    def whole(self, status: str) -> Fields:
        """Return the item."""
        return {
            "id": self.id,
            "type": "reasoning",
            "summary": [],
            "content": self.contents(status),
            "status": status,
        }


class MessageItem(TextItem):
    """What the model says to the user."""

    prefix = "msg"
    name = "output_text"

    def content(self, text: str) -> Fields:
        """Return the content part."""
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def extra(self) -> Fields:
        """Return what delta and done have besides the text."""
        return {"logprobs": []}

    def whole(self, status: str) -> Fields:
        """Return the item."""
        is_preamble = self.part.kind is Kind.PREAMBLE
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "phase": "commentary" if is_preamble else "final_answer",
            "content": self.contents(status),
        }


class CallItem(Item):
    """A call of a function, or of a custom tool, whose input is text."""

    prefix = "fc"
    kind = "function_call"
    written = "arguments"
    name = "function_call_arguments"

    def __init__(self, part: Part, new_id: Callable[[str], str]) -> None:
        """Begin the item of a part, with an id for its result too."""
        super().__init__(part, new_id)
        self.call_id = new_id("call")

    def whole(self, status: str) -> Fields:
        """Return the item."""
        called = self.part.name
        item = {
            "id": self.id,
            "type": self.kind,
            "call_id": self.call_id,
            "name": called.name,
            self.written: "" if status == "in_progress" else self.part.text,
            "status": status,
        }
        if called.namespace is not None:
            item["namespace"] = called.namespace
        return item

    def delta(self, text: str) -> Event:
        """Return the event for some more text."""
        return {"type": f"response.{self.name}.delta", "delta": text}

    def closing(self) -> Iterator[Event]:
        """Give the event with all that was written."""
        yield {"type": f"response.{self.name}.done", self.written: self.part.text}


class CustomItem(CallItem):
    """A call of a custom tool."""

    prefix = "ctc"
    kind = "custom_tool_call"
    written = "input"
    name = "custom_tool_call_input"


class PythonItem(Item):
    """A call of the built-in Python."""

    prefix = "ci"

    def whole(self, status: str) -> Fields:
        """Return the item."""
        return {
            "id": self.id,
            "type": "code_interpreter_call",
            "status": status,
            "code": "" if status == "in_progress" else self.part.text,
            "container_id": "auto",
            "outputs": None,
        }

    def opening(self) -> Iterator[Event]:
        """Give the event of a call under way."""
        yield {"type": "response.code_interpreter_call.in_progress"}

    def delta(self, text: str) -> Event:
        """Return the event for some more code."""
        return {"type": "response.code_interpreter_call_code.delta", "delta": text}

    def closing(self) -> Iterator[Event]:
        """Give the events with all the code."""
        code = self.part.text
        yield {"type": "response.code_interpreter_call_code.done", "code": code}
        yield {"type": "response.code_interpreter_call.interpreting"}
        yield {"type": "response.code_interpreter_call.completed"}


class SearchItem(Item):
    """A call of the built-in browser, whose action is part of the item."""

    prefix = "ws"
    streams = False

    def whole(self, status: str) -> Fields:
        """Return the item."""
        return {
            "id": self.id,
            "type": "web_search_call",
            "status": status,
            "action": search_action(self.part.name.name, self.part.text),
        }

    def closing(self) -> Iterator[Event]:
        """Give the events of a search."""
        yield {"type": "response.web_search_call.in_progress"}
        yield {"type": "response.web_search_call.searching"}
        yield {"type": "response.web_search_call.completed"}


ITEMS: dict[Kind, type[Item]] = {
    Kind.REASONING: ReasoningItem,
    Kind.PREAMBLE: MessageItem,
    Kind.ANSWER: MessageItem,
    Kind.CALL: CallItem,
    Kind.CUSTOM: CustomItem,
    Kind.PYTHON: PythonItem,
    Kind.SEARCH: SearchItem,
}
"""The item of each kind of message."""


def search_action(recipient: str, arguments: str) -> Fields:
    """Return the action of a call of ``browser.search``, ``.open`` or ``.find``.

    Arguments that are no JSON object are a search for the text as it is.

    >>> search_action("browser.search", '{"query": "tides"}')
    {'type': 'search', 'query': 'tides'}
    """
    try:
        form = load(arguments)
    except ValueError:
        form = None
    if not isinstance(form, dict):
        return {"type": "search", "query": arguments}
    if recipient == "browser.open":
        page = form.get("id")
        return {"type": "open_page", "url": page if isinstance(page, str) else None}
    if recipient == "browser.find":
        return {"type": "find_in_page", "pattern": _text(form, "pattern"), "url": ""}
    return {"type": "search", "query": _text(form, "query")}


def _text(form: Fields, key: str) -> str:
    value = form.get(key)
    return value if isinstance(value, str) else ""
