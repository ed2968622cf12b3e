"""Columns of chats to records: texts, reasoning, calls and their results."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harmony._openai.history import JSON_TYPES, Header
from harmony._training.calls import Calls
from harmony._training.columns import (
    ASSISTANT,
    CHANNEL,
    CONTENT,
    CONTENT_TYPE,
    DEVELOPER,
    NAME,
    RECIPIENT,
    SYSTEM,
    TOOL,
    Messages,
    Numbers,
    Records,
    Text,
    absent,
)
from harmony._training.toolsets import Toolset

REASONING = ("reasoning", "reasoning_content", "thinking")


class ChatColumns:
    """Rows of chats."""

    names = ("role", "content", *REASONING, "tool_call_id")

    def __init__(
        self,
        messages: Messages,
        toolsets: list[Toolset],
        tools: Numbers,
        header: Header,
    ) -> None:
        """Take the messages of rows, and the number of the tools of each row."""
        self._messages = messages
        self._toolsets = toolsets
        self._tools = tools
        self._json = JSON_TYPES[header]
        self._calls = Calls(messages, toolsets, tools)
        roles = messages.roles
        self._by_assistant = roles == ASSISTANT
        self._instructs = (roles == SYSTEM) | (roles == DEVELOPER)
        self._thought = pc.coalesce(*(messages.text(name) for name in REASONING))
        self._thinks = _lengths(self._thought) > 0
        self._speaks = ~self._by_assistant | (_lengths(messages.text("content")) > 0)

    def plain(self) -> Numbers:
        """Tell which rows are plain."""
        messages = self._messages
        thoughts = sum(messages.present(name).astype(int) for name in REASONING)
        is_first = np.zeros(messages.count, bool)
        is_first[messages.starts[messages.starts < messages.ends]] = True
        is_empty = _lengths(messages.text("content")) == 0
        bad = self._calls.bad(self._thinks | self._speaks)
        bad |= messages.roles < 0
        bad |= ~messages.present("content") & ~self._by_assistant
        bad |= (thoughts > 1) | ((thoughts > 0) & ~self._by_assistant)
        bad |= self._instructs & (~is_first | is_empty)
        for name in messages.fields.keys() - {*self.names, "tool_calls", "name"}:
            bad |= messages.present(name)
        plain: Numbers = ~messages.rows_of(bad) & (messages.starts < messages.ends)
        return plain

    def records(self) -> Records:
        """Return the records of rows that are all plain."""
        messages = self._messages
        instructed = messages.rows_of(self._instructs)
        described = np.array([toolset.alone != "" for toolset in self._toolsets])
        described = described[self._tools] & ~instructed
        counts = self._thinks.astype(np.int64) + self._speaks + self._calls.counts
        # The system message comes first in each row, then tools without instructions.
        leading = described + np.int64(1)
        within = np.bincount(messages.rows, counts, len(messages.ends))
        ends = np.cumsum(within.astype(np.int64) + leading)
        places = np.cumsum(counts) - counts + np.cumsum(leading)[messages.rows]
        text = Text()
        records = absent(int(ends[-1]) if len(ends) else 0)
        starts = np.concatenate([[0], ends])[:-1]
        self._put_leading(text, records, starts, described)
        self._put_texts(text, records, places)
        self._put_calls(text, records, places)
        return Records(text.bytes(), records, ends, len(records))

    def _put_leading(
        self, text: Text, records: Numbers, starts: Numbers, described: Numbers
    ) -> None:
        """Put the system messages, and the developer's that have tools alone."""
        systems = text.words(toolset.system for toolset in self._toolsets)
        alone = text.words(toolset.alone for toolset in self._toolsets)
        records[starts, 0] = SYSTEM
        records[starts, CONTENT : CONTENT + 2] = systems[self._tools]
        at = starts[described] + 1
        records[at, 0] = DEVELOPER
        records[at, CONTENT : CONTENT + 2] = alone[self._tools[described]]

    def _put_texts(self, text: Text, records: Numbers, places: Numbers) -> None:
        """Put reasoning and contents; reasoning comes before its answer."""
        messages, thinks, speaks = self._messages, self._thinks, self._speaks
        starts, lengths = text.column(self._thought)
        at = places[thinks]
        records[at, 0] = ASSISTANT
        records[at, CHANNEL : CHANNEL + 2] = text.word("analysis")
        records[at, CONTENT] = starts[thinks]
        records[at, CONTENT + 1] = lengths[thinks]
        starts, lengths = text.column(self._contents())
        at = (places + thinks)[speaks]
        roles = np.where(messages.roles == SYSTEM, DEVELOPER, messages.roles)
        records[at, 0] = roles[speaks]
        records[at, CONTENT] = starts[speaks]
        records[at, CONTENT + 1] = lengths[speaks]
        calls = self._calls.counts > 0
        for chosen, channel in (
            (self._by_assistant & ~calls, "final"),
            (self._by_assistant & calls, "commentary"),
            (messages.roles == TOOL, "commentary"),
        ):
            at = (places + thinks)[speaks & chosen]
            records[at, CHANNEL : CHANNEL + 2] = text.word(channel)

    def _put_calls(self, text: Text, records: Numbers, places: Numbers) -> None:
        """Put calls, and who gave each result."""
        calls = self._calls
        if len(calls.messages) == 0:
            return
        recipients = text.words(calls.recipients)
        starts, lengths = text.column(calls.arguments)
        firsts = np.cumsum(calls.counts) - calls.counts
        before = (places + self._thinks + self._speaks - firsts)[calls.messages]
        at = before + np.arange(len(calls.messages))
        records[at, 0] = ASSISTANT
        records[at, RECIPIENT : RECIPIENT + 2] = recipients[calls.to]
        records[at, CHANNEL : CHANNEL + 2] = text.word("commentary")
        records[at, CONTENT_TYPE : CONTENT_TYPE + 2] = text.word(self._json)
        records[at, CONTENT], records[at, CONTENT + 1] = starts, lengths
        at = places[calls.results]
        records[at, NAME : NAME + 2] = recipients[calls.to[calls.answered]]
        records[at, RECIPIENT : RECIPIENT + 2] = text.word("assistant")

    def _contents(self) -> pa.Array:
        """Return the contents, with what stands around instructions."""
        said = self._messages.text("content")
        if not self._instructs.any():
            return said
        tools = self._tools[self._messages.rows[self._instructs]]
        around = [(toolset.before, toolset.behind) for toolset in self._toolsets]
        before, behind = (
            pa.array(side).take(pa.array(tools)) for side in zip(*around, strict=True)
        )
        chosen = pa.array(self._instructs)
        written = pc.binary_join_element_wise(before, said.filter(chosen), behind, "")
        return pc.replace_with_mask(said, chosen, written)


def _lengths(texts: pa.Array) -> Numbers:
    """Return the bytes of texts; of null 0."""
    lengths: Numbers = pc.binary_length(texts).fill_null(0).to_numpy()
    return lengths
