"""Calls of tools in columns of chats, and which of them each result answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harmony._training.columns import (
    ASSISTANT,
    TOOL,
    Messages,
    Numbers,
    fields_of,
    is_list_of_structs,
    is_text,
    text_column,
)
from harmony._training.toolsets import Toolset

_CALL = ("id", "type", "function")
_FUNCTION = ("name", "arguments")


class Calls:
    """The calls of all messages, in order.

    ``counts``: how many each message has. ``messages``: whose each call is.
    ``recipients`` and ``to``: the recipients, and which of them each call has.
    ``results``: the messages that are results. ``answered``: the call of each.
    """

    def __init__(
        self, messages: Messages, toolsets: list[Toolset], tools: Numbers
    ) -> None:
        """Take messages, and the number of the tools of each row."""
        self._said = messages
        structs, self.counts = _structs(messages)
        self._count = len(structs)
        self._fields = fields_of(structs)
        self._function = (
            fields_of(self._fields["function"]) if "function" in self._fields else {}
        )
        self.messages = np.repeat(np.arange(messages.count), self.counts)
        self.rows = messages.rows[self.messages]
        self.arguments = self._text("arguments")
        self.recipients, self.to = self._recipients(toolsets, tools)
        self.results = np.flatnonzero(messages.roles == TOOL)
        self.answered = self._answered()

    def _text(self, name: str) -> Any:
        """Return a text of each call."""
        fields = self._fields if name in ("id", "type") else self._function
        return text_column(fields, name, self._count)

    def _recipients(
        self, toolsets: list[Toolset], tools: Numbers
    ) -> tuple[list[str], Numbers]:
        """Return the recipients, and which of them each call has; -1 is none."""
        names = self._text("name").dictionary_encode()
        known = names.dictionary.to_pylist()
        numbers = names.indices.fill_null(len(known)).to_numpy()
        pairs = tools[self.rows] * (len(known) + 1) + numbers
        different, which = np.unique(pairs, return_inverse=True)
        recipients: list[str] = []
        places = np.full(len(different), -1)
        for place, pair in enumerate(different.tolist()):
            toolset, number = divmod(pair, len(known) + 1)
            if number < len(known):
                found = toolsets[toolset].recipient(known[number])
                if found is not None:
                    places[place] = len(recipients)
                    recipients.append(found)
        return recipients, places[which]

    def _answered(self) -> Numbers:
        """Return for each result the latest call before it of its id; -1 for none."""
        ids = pa.concat_arrays(
            [
                self._text("id"),
                self._said.text("tool_call_id").take(pa.array(self.results)),
            ]
        ).dictionary_encode()
        count = len(ids.dictionary) + 1
        numbers = ids.indices.fill_null(count - 1).to_numpy().astype(np.int64)
        messages = np.concatenate([self.messages, self.results])
        keys = self._said.rows[messages] * count + numbers
        order = np.lexsort((messages, keys))
        # Of equal keys, the latest call so far is the largest number.
        is_call = order < self._count
        latest = np.maximum.accumulate(np.where(is_call, np.arange(len(order)), -1))
        found = np.where(latest >= 0, order[latest], -1)
        found[keys[order] != keys[found]] = -1
        answered = np.empty(len(order), np.int64)
        answered[order] = found
        of_results: Numbers = answered[self._count :]
        return of_results

    def bad(self, is_said: Numbers) -> Numbers:
        """Tell which messages have calls or results that are not plain.

        ``is_said``: which messages say anything but calls.
        """
        said = self._said
        bad: Numbers = said.present("tool_calls") & (said.roles != ASSISTANT)
        if not _has_plain_calls(said):
            bad |= said.present("tool_calls")
        bad[self.messages[self._odd()]] = True
        bad |= said.present("tool_call_id") != (said.roles == TOOL)
        bad[self.results[self.answered < 0]] = True
        bad[self.results[1:][self._turned(is_said)]] = True
        return bad

    def _odd(self) -> Numbers:
        """Tell which calls are not of a function with id, name and arguments."""
        odd: Numbers = self.to < 0
        for name in ("id", "arguments"):
            odd = odd | _is_null(self._text(name))
        kind = self._text("type").fill_null("function")
        odd |= ~_flags(pc.equal(kind, "function"))
        for fields, known in (
            (self._fields, _CALL),
            (self._function, _FUNCTION),
        ):
            for name in fields.keys() - set(known):
                odd |= ~_is_null(fields[name])
        return odd

    def _turned(self, is_said: Numbers) -> Numbers:
        """Tell which results, but for the first, answer a call before the last one's.

        Only those in one run are told of, which would be put in order.
        """
        others = (is_said | (self.counts > 0)) & (self._said.roles != TOOL)
        runs = np.cumsum(others)[self.results]
        rows = self._said.rows[self.results]
        in_run = (np.diff(runs) == 0) & (np.diff(rows) == 0)
        turned: Numbers = in_run & (np.diff(self.answered) < 0)
        return turned


def _structs(messages: Messages) -> tuple[Any, Numbers]:
    """Return the calls, as structs, and how many each message has."""
    if not _has_plain_calls(messages):
        return pa.array([], pa.struct([])), np.zeros(messages.count, np.int64)
    lists = messages.fields["tool_calls"]
    counts = lists.value_lengths().fill_null(0).to_numpy()
    return lists.flatten(), counts.astype(np.int64)


def _has_plain_calls(messages: Messages) -> bool:
    """Tell whether there is a column of calls, whose fields are texts."""
    lists = messages.fields.get("tool_calls")
    if lists is None or not is_list_of_structs(lists.type):
        return False
    fields = {field.name: field.type for field in lists.type.value_type}
    function = fields.get("function", pa.null())
    if not pa.types.is_struct(function):
        return False
    inner = {field.name: field.type for field in function}
    texts = [fields.get("id"), fields.get("type"), *map(inner.get, _FUNCTION)]
    return all(kind in (None, pa.null()) or is_text(kind) for kind in texts)


def _is_null(column: Any) -> Numbers:
    return _flags(column.is_null())


def _flags(column: Any) -> Numbers:
    flags: Numbers = column.to_numpy(zero_copy_only=False)
    return flags
