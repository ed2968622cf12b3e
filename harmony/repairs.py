"""What a parser with ``on_error="recover"`` had to repair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class WarningKind(str, Enum):
    """The kinds of repair, which servers can count; docs/python.md has examples.

    The list is closed: a kind is added only with a new minor version.
    """

    STRAY_STOP = "stray_stop"
    """A stop token where no message was open was ignored."""
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
    """``<|start|>`` or ``<|channel|>`` ended a message that had no stop token."""
    MISSING_MESSAGE = "missing_message"
    """A header without ``<|message|>`` had the content in it."""
    DROPPED_HEADER = "dropped_header"
    """A header without ``<|message|>`` had no content; the text is the header."""
    HEADER_WORDS = "header_words"
    """Words of a header that have no place in it were left out."""
    ROLE = "role"
    """The role was missing, or the given one ignored (no text); repeated, misplaced."""
    CHANNEL = "channel"
    """A channel that does not count: another one does, or it is empty (no text)."""
    RECIPIENT = "recipient"
    """A recipient that does not count, or what was cut off the end of one."""
    CONTENT_TYPE = "content_type"
    """A content type that does not count: another one does, or it is none."""
    NOT_UTF8 = "not_utf8"
    """Bytes of a header that are not UTF-8 were replaced by U+FFFD."""
    UNKNOWN_TOKEN = "unknown_token"
    """An id outside the vocabulary was replaced by U+FFFD."""
    AFTER_END = "after_end"
    """A token after ``<|endoftext|>`` was ignored."""


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
