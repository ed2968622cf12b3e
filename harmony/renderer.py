"""``Renderer``: messages to tokens, and what has been rendered is remembered.

Each run of text between special tokens is encoded on its own, so the tokens of a
message depend on nothing but the message and, in a system prompt, on whether the
conversation has function tools: on what ``frozen`` puts into a value. Tokens are made
from that value and kept under it, so they are found for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from sys import getsizeof
from typing import TypeAlias

from harmony import _native
from harmony.cache import Cache
from harmony.errors import RenderError
from harmony.frozen import CHANNEL, ROLE, Frozen, frozen, thawed
from harmony.messages import Message, Role
from harmony.rendering import (
    FAULTS,
    ROLE_NUMBERS,
    Plan,
    has_function_tools,
    message_parts,
)

CACHE_SIZE = 2**24
"""Bytes that the messages remembered for one encoding may take, about."""

TOKEN_SIZE = 40
"""Bytes that a token takes in a tuple: a pointer, and an int of its own."""

Tokens: TypeAlias = tuple[int, ...]


class Renderer:
    """Renders for one encoding. Any number of threads may use it at once."""

    def __init__(self, encoding: _native.Encoding) -> None:
        """Make one that remembers nothing yet."""
        self._encoding = encoding
        self._cache = Cache(CACHE_SIZE)
        self._openings: dict[Role, Tokens] = {}

    def render(
        self,
        messages: Iterable[Message],
        *,
        function_tools: bool | None = None,
        drop_analysis: bool = False,
    ) -> list[int]:
        """Return the tokens of messages.

        ``function_tools``: whether the conversation they are from has function tools;
        None to look for them. Raises ``RenderError`` for a message without token form.
        """
        messages = list(messages)
        if function_tools is None:
            function_tools = has_function_tools(messages)
        values = [frozen(message, function_tools) for message in messages]
        known = [self._cache.get(value) for value in values]
        if None not in known and not (drop_analysis and _is_on_channels(values)):
            return _concatenated(known)
        plan = Plan()
        for index, message in enumerate(messages):
            value = values[index]
            if known[index] is not None:
                plan.add_stand_in(value[ROLE], value[CHANNEL])
                continue
            parts = thawed(value)
            if parts is None:
                values[index] = ()
                _add(plan, index, message, function_tools)
            else:
                plan.add(parts)
        tokens, ends = self._encoding.render(
            plan.text, plan.records, plan.message_count, drop_analysis=drop_analysis
        )
        return self._joined(tokens, ends, values, known)

    def render_for_training(
        self, messages: Iterable[Message], *, drop_analysis: bool
    ) -> list[int]:
        """Return the tokens of messages to train on, and remember nothing of them."""
        messages = list(messages)
        function_tools = has_function_tools(messages)
        plan = Plan()
        for index, message in enumerate(messages):
            _add(plan, index, message, function_tools)
        tokens, _ = self._encoding.render(
            *(plan.text, plan.records, plan.message_count),
            drop_analysis=drop_analysis,
            training=True,
        )
        return tokens

    def opening(self, role: Role | str) -> Tokens:
        """Return the tokens that begin a message by a role."""
        if type(role) is not Role:
            role = Role(role)
        tokens = self._openings.get(role)
        if tokens is None:
            nothing = Plan()
            opening, _ = self._encoding.render(
                nothing.text, nothing.records, 0, next_role=ROLE_NUMBERS[role]
            )
            tokens = self._openings[role] = tuple(opening)
        return tokens

    def _joined(
        self,
        tokens: list[int],
        ends: list[int],
        values: list[Frozen],
        known: list[Tokens | None],
    ) -> list[int]:
        """Put what is known in place of its stand-ins; remember the rest."""
        joined: list[int] = []
        start = 0
        for value, remembered, end in zip(values, known, ends, strict=True):
            if start < end:
                part = remembered or tuple(tokens[start:end])
                joined += part
                if remembered is None and value:
                    self._cache.put(value, part, _size(value, part))
            start = end
        return joined


def _concatenated(parts: Iterable[Tokens | None]) -> list[int]:
    tokens: list[int] = []
    for part in parts:
        tokens += part or ()
    return tokens


def _is_on_channels(values: Iterable[Frozen]) -> bool:
    """Tell whether any message is on a channel: no other can be left out."""
    return any([value[CHANNEL] is not None for value in values])


def _add(plan: Plan, index: int, message: Message, function_tools: bool) -> None:
    """Add a message to a plan as it stands, or complain about it."""
    try:
        plan.add(message_parts(message, function_tools))
    except FAULTS as error:
        raise RenderError(f"messages[{index}]: {error}") from error


def _size(value: Frozen, tokens: Tokens) -> int:
    """Return the bytes that a message and its tokens take, or a little more."""
    size = TOKEN_SIZE * len(tokens)
    for item in value:
        if type(item) is tuple:
            size += sum(map(getsizeof, item))
        elif item is not None:
            size += getsizeof(item)
    return size
