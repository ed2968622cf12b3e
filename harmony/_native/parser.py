"""The binding of parsers: tokens to messages."""

from __future__ import annotations

import struct
from types import MethodType
from typing import TYPE_CHECKING, NamedTuple

from harmony._native import (
    END_TOKENS,
    WARNINGS,
    ffi,
    in_use,
    int32,
    lib,
    new_buffer,
    not_int32,
    raise_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal

    from harmony._native.encoding import Encoding


class Record(NamedTuple):
    """A message as the parser has found it; None is absent."""

    role: int
    name: str | None
    recipient: str | None
    channel: str | None
    content_type: str | None
    content: str | None


class Tally(NamedTuple):
    """How a message ended, if it has; its first token, and how many it has.

    The tokens of the content follow those of the header; special ones are counted
    once more, apart.
    """

    end: str | None
    start: int
    header: int
    content: int
    header_special: int
    content_special: int


class Added(NamedTuple):
    """What a call of ``feed`` or ``finish`` added to one message."""

    message: int
    finished: bool
    text: str


def _index(kind: str, *path: str) -> int:
    """Return where a field of the view is, if the view were an array of a kind."""
    index: int = ffi.offsetof("harmony_view", *path) // ffi.sizeof(kind)
    return index


_STATE = _index("int32_t", "state")
_DELTA = _index("int32_t", "delta")
_CURRENT = _index("int32_t", "current")
_CURRENT_CONTENT = _index("int32_t", "current", "content")
_MESSAGE_COUNT = _index("size_t", "finished", "message_count")
_SEGMENT_COUNT = _index("size_t", "segment_count")

_SIZE: Literal["Q", "I"] = "Q" if ffi.sizeof("size_t") == 8 else "I"  # size_t
_TEXT: int = lib.HARMONY_BLOCK_TEXT
_CHARS = ffi.typeof("char[]")
_MESSAGE = struct.Struct("11i")  # harmony_message
_TALLY = struct.Struct("6i")  # harmony_tally
_SEGMENT = struct.Struct("4i")  # harmony_segment
_WARNING = struct.Struct("4i")  # harmony_warning
_INT32S = ffi.typeof("int32_t[]")
_OPTIONS_SIZE = ffi.sizeof("harmony_parser_options")


def new_parser(
    encoding: Encoding,
    role: int,
    strict: bool,
    recover: bool,
    prompt: Iterable[int] | None = None,
) -> tuple[int, object]:
    """Make a parser; return its address, and what keeps it.

    ``role`` is a number from ``ROLES``, or ``NO_ROLE``. With a prompt, whose role it
    then is, the parser is for what follows it.
    """
    out = ffi.new("harmony_parser **")
    error = ffi.new("harmony_error *")
    given = (_OPTIONS_SIZE, role, strict, recover)
    options = ffi.new("harmony_parser_options *", given)
    if prompt is None:
        status = lib.harmony_parser_new(encoding._pointer, options, out, error)
    else:
        ids = int32(prompt)
        status = lib.harmony_parser_after(
            *(encoding._pointer, ffi.from_buffer(_INT32S, ids), len(ids)),
            *(options, out, error),
        )
    if status:
        raise_error(error)
    owner = ffi.gc(out[0], lib.harmony_parser_free)
    return int(ffi.cast("uintptr_t", owner)), owner


class Parser:
    """A ``harmony_parser``.

    What is asked for with every token is read as numbers out of the memory of its
    view, because each step through a struct makes an object. What the view points to
    is copied by C, which sees to it that no call of another thread moves it meanwhile:
    of calls that meet, one gets through, and the others raise ``HarmonyError``.
    """

    def __init__(self, encoding: Encoding, address: int, owner: object) -> None:
        """Take a parser of an encoding, and what keeps it; see ``new_parser``."""
        self._pointer = ffi.cast("harmony_parser *", address)
        self._owner = owner
        self._error = ffi.new("harmony_error *")
        self._view = lib.harmony_parser_view(self._pointer)
        memory = memoryview(ffi.buffer(self._view))
        self._numbers: memoryview[int] = memory.cast("i")
        self._sizes: memoryview[int] = memory.cast(_SIZE)
        self._encoding = encoding
        self.append: Callable[[int], int] = MethodType(
            lib.harmony_parser_append, self._pointer
        )
        """``harmony_parser_append``; raises ``OverflowError`` for what is no int32."""

    def process(self, token: int) -> None:
        """Take one token; raise ``ParseError``, ``DecodeError`` if it is no int32."""
        try:
            status = lib.harmony_parser_process(self._pointer, token, self._error)
        except OverflowError:
            raise not_int32(token, 0) from None
        if status:
            raise_error(self._error)

    def feed(self, tokens: Iterable[int]) -> None:
        """Take many tokens; raise ``ParseError`` at the first that is wrong."""
        ids = int32(tokens)
        if lib.harmony_parser_feed(
            self._pointer, ffi.from_buffer(_INT32S, ids), len(ids), self._error
        ):
            raise_error(self._error)

    def segments(self) -> list[Added]:
        """Return what the last ``feed`` or ``finish`` added, message by message."""
        count = self._sizes[_SEGMENT_COUNT]
        if count == 0:
            return []
        memory = self._copy(lib.HARMONY_BLOCK_SEGMENTS, 0, _SEGMENT.size * count)
        return [
            Added(message, bool(finished), self._text(start, length) or "")
            for message, finished, start, length in _SEGMENT.iter_unpack(memory)
        ]

    def warning_count(self) -> int:
        """Return the number of warnings."""
        count: int = self._view.warning_count
        return count

    def warning(self, index: int) -> tuple[str, int, bytes]:
        """Return a warning: its kind, a value of ``WARNINGS``, position and text."""
        size = _WARNING.size
        record = self._copy(lib.HARMONY_BLOCK_WARNINGS, index * size, size)
        position, kind, start, length = _WARNING.unpack(record)
        text = self._copy(lib.HARMONY_BLOCK_WARNING_TEXT, start, length)
        return WARNINGS[kind], position, bytes(text)

    def tallies(self, first: int, count: int) -> list[Tally]:
        """Return the tallies of so many finished messages from an index on."""
        size = _TALLY.size
        memory = self._copy(lib.HARMONY_BLOCK_TALLIES, first * size, count * size)
        return [
            Tally(END_TOKENS.get(end), *numbers)
            for end, *numbers in _TALLY.iter_unpack(memory)
        ]

    def open_tally(self) -> Tally:
        """Return the tally of the open message."""
        memory = ffi.buffer(ffi.addressof(self._view, "open"))
        return Tally(None, *_TALLY.unpack(memory)[1:])

    def finish(self) -> None:
        """Take the end of the stream; raise ``ParseError`` inside a header."""
        if lib.harmony_parser_finish(self._pointer, self._error):
            raise_error(self._error)

    def state(self) -> int:
        """Return the state: ``EXPECT_START``, ``HEADER`` or ``CONTENT``."""
        return self._numbers[_STATE]

    def next_role(self) -> int:
        """Return the role of the open message, if there is no more of it; or none."""
        role: int = self._view.next_role
        return role

    def message_count(self) -> int:
        """Return the number of finished messages."""
        return self._sizes[_MESSAGE_COUNT]

    def messages(self, first: int) -> list[Record]:
        """Return the finished messages from an index on."""
        count, size = self._sizes[_MESSAGE_COUNT] - first, _MESSAGE.size
        memory = self._copy(lib.HARMONY_BLOCK_MESSAGES, first * size, count * size)
        return [self._record(fields) for fields in _MESSAGE.iter_unpack(memory)]

    def current(self) -> Record:
        """Return the open message, with what is known of it but its content."""
        fields = self._numbers[_CURRENT:_CURRENT_CONTENT].tolist()
        return self._record((*fields, -1, 0))

    def delta(self) -> str | None:
        """Return what the last call added to a content, or None."""
        return self._text(self._numbers[_DELTA], self._numbers[_DELTA + 1])

    def content(self) -> str:
        """Return the content of the open message so far."""
        content = self._view.current.content
        return self._text(content.start, content.length) or ""

    def tokens(self) -> list[int]:
        """Return every token fed."""
        return self._tokens(0, self._view.token_count)

    def open_tokens(self) -> list[int]:
        """Return the tokens of the open header or content."""
        start = self._view.open_start
        return self._tokens(start, self._view.token_count)

    def _tokens(self, start: int, end: int) -> list[int]:
        size = max(0, end - start) * 4
        memory = self._copy(lib.HARMONY_BLOCK_TOKENS, start * 4, size)
        return memoryview(memory).cast("i").tolist()

    def _record(self, fields: Sequence[int]) -> Record:
        text = self._text
        return Record(
            fields[0],
            text(fields[1], fields[2]),
            text(fields[3], fields[4]),
            text(fields[5], fields[6]),
            text(fields[7], fields[8]),
            text(fields[9], fields[10]),
        )

    def _text(self, start: int, length: int) -> str | None:
        if start < 0:
            return None
        try:
            return str(self._copy(_TEXT, start, length), "utf-8")
        except UnicodeDecodeError:  # the place of a text that was there before
            raise in_use() from None

    def _copy(self, block: int, start: int, size: int) -> Any:
        """Return bytes of what the view points to, a value of ``harmony_block``."""
        to = new_buffer(_CHARS, size)
        if not lib.harmony_copy(self._pointer, block, start, size, to):
            raise in_use()
        return ffi.buffer(to)
