"""What a parser with ``on_error="recover"`` had to repair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from operator import eq
from typing import overload


class WarningKind(str, Enum):
    """The kinds of repair, which servers can count; docs/python.md has examples.

    The list is closed: a kind is added only with a new minor version.
    """

    STRAY_STOP = "stray_stop"
    """A stop token, or ``<|endoftext|>``, where no message was open was ignored."""
    WHITE_SPACE = "white_space"
    """White space where ``<|start|>`` was due was dropped."""
    MISSING_START = "missing_start"
    """A header began without ``<|start|>``."""
    BARE_TEXT = "bare_text"
    """Text without a header became a message of the assistant."""
    RESTARTED_HEADER = "restarted_header"
    """``<|start|>`` in a header began it again; the text is what stood before."""
    REPEATED_MESSAGE = "repeated_message"
    """A second ``<|message|>`` in a row was ignored."""
    CUT_MESSAGE = "cut_message"
    """``<|start|>``, ``<|channel|>`` or ``<|endoftext|>`` ended a message."""
    MISSING_MESSAGE = "missing_message"
    """A header without ``<|message|>`` had the content in it."""
    DROPPED_HEADER = "dropped_header"
    """A header without ``<|message|>`` had no content; the text is the header."""
    HEADER_WORDS = "header_words"
    """Words of a header that have no place in it were left out."""
    ROLE = "role"
    """The role was missing, or the given one ignored (no text); repeated, misplaced;
    a word that became a tool's name; a name that is none."""
    CHANNEL = "channel"
    """A channel that does not count: another one does, or it is empty (no text); one
    that punctuation was taken off."""
    RECIPIENT = "recipient"
    """A recipient that does not count, what was cut off the end of one, or a word
    that was taken for one, or was not, without ``to=``."""
    CONTENT_TYPE = "content_type"
    """A content type that does not count: another one does, or it is none."""
    NOT_UTF8 = "not_utf8"
    """Bytes of a header that are not UTF-8 were replaced by U+FFFD."""
    UNKNOWN_TOKEN = "unknown_token"
    """An id outside the vocabulary was replaced by U+FFFD."""
    AFTER_END = "after_end"
    """A token after ``<|endoftext|>`` was ignored; the text is what it completed."""


@dataclass(frozen=True)
class ParseWarning:
    """One repair.

    ``position`` is the index of the token at which it was made, among all tokens
    fed; ``text`` is the text that was left out, perhaps none.

    >>> ParseWarning(WarningKind.HEADER_WORDS, 3, "short title")
    ParseWarning(kind=<WarningKind.HEADER_WORDS: 'header_words'>, ...)
    """

    kind: WarningKind
    position: int
    text: str


class Warnings(Sequence[ParseWarning]):
    """The warnings up to some token: a sequence that does not grow.

    A parser's sequences share one list, so that reading them after every token costs
    no more than the warnings. One is equal to any sequence of the same warnings.

    >>> Warnings([ParseWarning(WarningKind.STRAY_STOP, 0, "")], 1)
    [ParseWarning(kind=<WarningKind.STRAY_STOP: 'stray_stop'>, position=0, text='')]
    """

    __slots__ = ("_all", "_count")

    def __init__(self, warnings: list[ParseWarning], count: int) -> None:
        """Take the first ``count`` of the warnings, which are only ever added to."""
        self._all = warnings
        self._count = count

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @overload
    def __getitem__(self, index: int) -> ParseWarning: ...

    @overload
    def __getitem__(self, index: slice) -> list[ParseWarning]: ...

    def __getitem__(self, index: int | slice) -> ParseWarning | list[ParseWarning]:
        """Return a warning, or a list of some."""
        places = range(self._count)[index]
        if isinstance(places, range):
            return [self._all[place] for place in places]
        return self._all[places]

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence has the same warnings."""
        if not isinstance(other, (list, Warnings)):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as that of a list

    def __repr__(self) -> str:
        """Return it as a list."""
        return repr(self[:])
