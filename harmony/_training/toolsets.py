"""The tools of many rows: which rows have the same ones, and what is said of those."""

from __future__ import annotations

import marshal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from harmony._model.jsontext import load
from harmony._openai.names import FUNCTIONS, ClientName, ToolNames
from harmony._training.reading import ChatRows
from harmony._training.tables import pruned, unpacked

Numbers: TypeAlias = "np.ndarray[Any, Any]"

UNREADABLE = -1
"""Stands for tools that are wrong; whoever reads the row says what is."""

SLICE = 64
"""How many rows are made objects of at a time: many would be work for the collector."""

_MARK = "\0"
_USER = {"role": "user", "content": ""}


class Toolset(NamedTuple):
    """Some tools, or none, as they are said to the model.

    ``system``: the system message. ``before`` and ``behind``: what stands around the
    instructions in the developer message. ``alone``: that message where there are no
    instructions; none if it is empty.
    """

    names: ToolNames
    system: str
    before: str
    behind: str
    alone: str

    def recipient(self, name: str) -> str | None:
        """Return the recipient of calls of a function.

        None if it depends on the names of other functions that are called.
        """
        client = ClientName(name)
        known = self.names.known(client)
        if known is None:
            known = self.names.copy().add("", client)
            if known != name:
                return None
        return FUNCTIONS + known


def read_toolset(reader: ChatRows, tools: Any) -> Toolset:
    """Return what is said of tools. Raises ``ValueError`` for what is wrong with them.

    >>> toolset = read_toolset(ChatRows("2025-06-28"), None)
    >>> toolset.alone, toolset.recipient("f"), toolset.recipient("f-1")
    ('', 'functions.f', None)
    """
    given = {"tools": tools} if tools else {}
    system, *developer, _ = reader({"messages": [_USER], **given})
    instructions = {"role": "system", "content": _MARK}
    told = reader({"messages": [instructions, _USER], **given})[1][-1]
    before, _, behind = told.partition(_MARK)
    alone = developer[0][-1] if developer else ""
    return Toolset(reader.tools(tools).names, system[-1], before, behind, alone)


class Toolsets:
    """The tools of rows by numbers, each read once; 0 is none."""

    def __init__(self, reader: ChatRows) -> None:
        """Make one that knows no tools yet."""
        self._reader = reader
        self._numbers: dict[bytes, int] = {}
        self.known = [read_toolset(reader, None)]

    def numbers(self, column: Any, count: int) -> Numbers:
        """Return the number of the tools of each row.

        ``column``: structs, JSON text or lists of it; None for no tools at all.
        """
        numbers = np.zeros(count, np.int64)
        if column is None or column.null_count == count:
            return numbers
        for start in range(0, count, SLICE):
            for index, tools in enumerate(column.slice(start, SLICE).to_pylist()):
                if tools:
                    numbers[start + index] = self._number(tools)
        return numbers

    def _number(self, tools: Any) -> int:
        try:
            key = marshal.dumps(tools)
        except ValueError:  # a value that JSON can't have
            return UNREADABLE
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._read(tools)
        return number

    def _read(self, tools: Any) -> int:
        try:
            toolset = read_toolset(self._reader, said_tools(tools))
        except (RuntimeError, ValueError):
            return UNREADABLE
        self.known.append(toolset)
        return len(self.known) - 1


def said_tools(tools: Any) -> Any:
    """Return the tools of a row of a table. Raises ``ValueError`` for broken JSON."""
    return unpacked(pruned(tools), _known)


_known = lru_cache(maxsize=16)(load)
"""Reads tools in JSON, which are the same in many rows."""
