"""A parser and an encoding that recover from errors unless they are told to raise.

For programs that make their parser without saying what is to be done about errors, as
those written for openai-harmony do; ``harmony.compat`` puts these in their way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from harmony import encoding as _encoding
from harmony import parser as _parser
from harmony.encoding_name import HarmonyEncodingName
from harmony.messages import Message, Role
from harmony.parser import OnError


class StreamableParser(_parser.StreamableParser):
    """A ``harmony.StreamableParser`` whose default is ``on_error="recover"``."""

    def __init__(
        self,
        encoding: _parser.HasBinding,
        role: Role | str | None,
        *,
        strict: bool = True,
        on_error: OnError = "recover",
    ) -> None:
        """Make a parser; see ``harmony.StreamableParser``."""
        super().__init__(encoding, role, strict=strict, on_error=on_error)

    @classmethod
    def after(
        cls,
        encoding: _parser.HasBinding,
        prompt_tokens: Iterable[int],
        *,
        strict: bool = True,
        on_error: OnError = "recover",
    ) -> _parser.StreamableParser:
        """Make the parser for what a model writes after a prompt."""
        return super().after(encoding, prompt_tokens, strict=strict, on_error=on_error)


class HarmonyEncoding(_encoding.HarmonyEncoding):
    """A ``harmony.HarmonyEncoding`` that parses with ``on_error="recover"``."""

    def __init__(self, base: _encoding.HarmonyEncoding) -> None:
        """Make one of another, with which it has everything in common."""
        self.__dict__ = base.__dict__
        self._share(self._native.pool)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by name: whoever reads it loads the same encoding."""
        return _load, (self._name, self._vocabulary)

    def parse_messages_from_completion_tokens(
        self,
        tokens: Sequence[int],
        role: Role | str | None = None,
        *,
        strict: bool = True,
        on_error: OnError = "recover",
    ) -> list[Message]:
        """Return the messages that tokens stand for; nothing is an error."""
        return super().parse_messages_from_completion_tokens(
            tokens, role, strict=strict, on_error=on_error
        )


_recovering: dict[_encoding.HarmonyEncoding, HarmonyEncoding] = {}


def load_harmony_encoding(
    name: HarmonyEncodingName | str,
    *,
    vocabulary: str | os.PathLike[str] | None = None,
) -> HarmonyEncoding:
    """Return an encoding that recovers; see ``harmony.load_harmony_encoding``.

    >>> load_harmony_encoding("HarmonyGptOss").name
    'HarmonyGptOss'
    """
    base = _encoding.load_harmony_encoding(name, vocabulary=vocabulary)
    return _recovering.setdefault(base, HarmonyEncoding(base))


def _load(name: str, vocabulary: str | None) -> HarmonyEncoding:
    return load_harmony_encoding(name, vocabulary=vocabulary)
