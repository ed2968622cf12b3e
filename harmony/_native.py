"""The binding: the only module that imports ``harmony._ffi``.

It takes and gives ``bytes``, ``int`` and lists, never C data, and turns every status
of the C library into the exception that stands for it.
"""

from __future__ import annotations

from array import array
from functools import cache
from typing import NamedTuple

from harmony.errors import (
    DecodeError,
    HarmonyError,
    ParseError,
    RenderError,
    VocabularyError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

try:
    from harmony._ffi import ffi, lib
except ModuleNotFoundError as error:
    if error.name != "harmony._ffi":
        raise
    raise ModuleNotFoundError(
        "the C extension of harmony (harmony._ffi) is not built: run "
        "'pip install .' in a checkout of harmony, or 'pip install -e .' to work "
        "on it; a C compiler is needed",
        name="harmony._ffi",
    ) from error

ROLES: dict[str, int] = {
    "user": lib.HARMONY_ROLE_USER,
    "assistant": lib.HARMONY_ROLE_ASSISTANT,
    "system": lib.HARMONY_ROLE_SYSTEM,
    "developer": lib.HARMONY_ROLE_DEVELOPER,
    "tool": lib.HARMONY_ROLE_TOOL,
}
"""The number of each role, as in ``harmony.h``."""

NO_ROLE: int = lib.HARMONY_ROLE_NONE

STATES: dict[int, str] = {
    lib.HARMONY_STATE_EXPECT_START: "ExpectStart",
    lib.HARMONY_STATE_HEADER: "Header",
    lib.HARMONY_STATE_CONTENT: "Content",
}

END_TOKENS: dict[int, str] = {
    lib.HARMONY_TOKEN_END: "end",
    lib.HARMONY_TOKEN_CALL: "call",
    lib.HARMONY_TOKEN_RETURN: "return",
}
"""How a message ended; any other number is that it did not."""

WARNINGS: dict[int, str] = {
    getattr(lib, name): name.removeprefix("HARMONY_WARNING_").lower()
    for name in dir(lib)
    if name.startswith("HARMONY_WARNING_")
}
"""The name of each kind of warning, in lower case."""

STOP_TOKENS: list[int] = [
    lib.HARMONY_TOKEN_RETURN,
    lib.HARMONY_TOKEN_END,
    lib.HARMONY_TOKEN_CALL,
]
ASSISTANT_STOP_TOKENS: list[int] = [lib.HARMONY_TOKEN_RETURN, lib.HARMONY_TOKEN_CALL]
SPECIAL_TOKENS = range(lib.HARMONY_TOKEN_STARTOFTEXT, lib.HARMONY_TOKEN_LIMIT)

_ERRORS: dict[int, type[HarmonyError]] = {
    lib.HARMONY_BAD_VOCABULARY: VocabularyError,
    lib.HARMONY_UNKNOWN_TOKEN: DecodeError,
    lib.HARMONY_TOOL_WITHOUT_NAME: RenderError,
    lib.HARMONY_BAD_ARGUMENT: RenderError,
    lib.HARMONY_UNEXPECTED_TOKEN: ParseError,
    lib.HARMONY_UNEXPECTED_END: ParseError,
    lib.HARMONY_HEADER_NOT_UTF8: ParseError,
    lib.HARMONY_HEADER_NO_ROLE: ParseError,
    lib.HARMONY_HEADER_UNKNOWN_ROLE: ParseError,
    lib.HARMONY_HEADER_NO_CHANNEL: ParseError,
    lib.HARMONY_HEADER_EXTRA_WORDS: ParseError,
}

_new_buffer = ffi.new_allocator(should_clear_after_alloc=False)


def _raise(error: Any) -> None:
    message = ffi.string(error.message).decode("utf-8", "replace")
    if error.status == lib.HARMONY_NO_MEMORY:
        raise MemoryError(message)
    kind = _ERRORS.get(error.status, HarmonyError)
    if issubclass(kind, (ParseError, DecodeError)):
        raise kind(message, position=error.position if error.position >= 0 else None)
    raise kind(message)


def _int32(tokens: Iterable[int]) -> array[int] | memoryview:
    """Return token ids as int32; the first that doesn't fit is named.

    A buffer of int32, such as an array or a NumPy array, is taken as it is.
    """
    if not isinstance(tokens, (list, tuple)):
        try:
            view = memoryview(tokens)  # type: ignore[arg-type]
        except TypeError:
            pass
        else:
            is_int32 = view.format in ("i", "l") and view.itemsize == 4
            if is_int32 and view.c_contiguous and view.ndim == 1:
                return view
    # A list, because array() takes bytes for its memory, and an iterator only once.
    ids = tokens if isinstance(tokens, list) else _list_of_ids(tokens)
    try:
        return array("i", ids)
    except OverflowError:
        wrong = (i for i, token in enumerate(ids) if not -(2**31) <= token < 2**31)
        position = next(wrong)
        raise _not_int32(ids[position], position) from None


def _list_of_ids(tokens: Iterable[int]) -> list[int]:
    if isinstance(tokens, str):
        raise TypeError("expected token ids, got a str")
    return list(tokens)


def _not_int32(token: int, position: int | None) -> DecodeError:
    return DecodeError(f"Invalid token for decoding: {token}", position=position)


def find_special_token(text: bytes, start: int = 0) -> tuple[int, int, int] | None:
    """Return the first special token spelled in text: its id, start and end."""
    position = ffi.new("size_t[2]")
    token = lib.harmony_find_special_token(
        text, len(text), start, position, position + 1
    )
    if token == lib.HARMONY_NO_TOKEN:
        return None
    return token, position[0], position[0] + position[1]


START: list[int] = [lib.HARMONY_TOKEN_START]


def open_tail(tokens: Iterable[int]) -> list[int] | None:
    """Return the tokens behind the last ``<|start|>``, if no message ends there.

    None if there is no open message.
    """
    ids = list(tokens)
    for at in range(len(ids) - 1, -1, -1):
        if ids[at] == lib.HARMONY_TOKEN_START:
            return ids[at + 1 :]
        if ids[at] in END_TOKENS:
            return None
    return None


def is_special_token(token: int) -> bool:
    """Tell whether an id is that of a special token."""
    return -(2**31) <= token < 2**31 and bool(lib.harmony_is_special_token(token))


def _encode(function: Any, pointer: Any, text: bytes, ids: array[int]) -> list[int]:
    """Call a function that encodes text with the help of some numbers."""
    error = ffi.new("harmony_error *")
    count = ffi.new("size_t *")
    size = len(text)
    numbers = ffi.from_buffer("int32_t[]", ids)
    tokens = _new_buffer("int32_t[]", size)
    if function(pointer, text, size, numbers, len(ids), tokens, size, count, error):
        _raise(error)
    return _list(tokens, count[0])


@cache
def _render_options(drop_analysis: bool, next_role: int, training: bool) -> Any:
    """Return a ``harmony_render_options``, which is only ever read."""
    return ffi.new("harmony_render_options *", (drop_analysis, next_role, training))


class Encoding:
    """A ``harmony_encoding``."""

    def __init__(self, vocabulary: bytes) -> None:
        """Make one from a vocabulary file; raise ``VocabularyError`` if it is bad."""
        out = ffi.new("harmony_encoding **")
        error = ffi.new("harmony_error *")
        data = ffi.from_buffer(vocabulary)
        if lib.harmony_encoding_new(data, len(vocabulary), out, error):
            _raise(error)
        self._pointer = ffi.gc(out[0], lib.harmony_encoding_free)

    def encode(self, text: bytes, allowed: Iterable[int] = ()) -> list[int]:
        """Return the tokens of text in which some special tokens are allowed."""
        return _encode(lib.harmony_encode, self._pointer, text, array("i", allowed))

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes of one token; raise ``DecodeError`` if there is none."""
        return self.decode_bytes([token])

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of tokens; raise ``DecodeError`` for an unknown id."""
        ids = _int32(tokens)
        source = ffi.from_buffer("int32_t[]", ids)
        error = ffi.new("harmony_error *")
        length = ffi.new("size_t *")
        capacity = 8 * len(ids) + 64
        while True:
            text = _new_buffer("char[]", capacity)
            status = lib.harmony_decode(
                self._pointer, source, len(ids), text, capacity, length, error
            )
            if status == lib.HARMONY_OK:
                return bytes(ffi.buffer(text, length[0]))
            if status != lib.HARMONY_SHORT_BUFFER:
                _raise(error)
            capacity = length[0]

    def render(
        self,
        text: bytearray,
        records: list[int],
        message_count: int,
        *,
        drop_analysis: bool = False,
        next_role: int = NO_ROLE,
        training: bool = False,
    ) -> tuple[list[int], list[int]]:
        """Return the tokens of messages, and for each message where its tokens end.

        ``records``: eleven numbers for each message and each further content item,
        spans into the text.
        """
        error = ffi.new("harmony_error *")
        count = ffi.new("size_t *")
        source = ffi.from_buffer(text)
        messages = ffi.from_buffer("harmony_message[]", array("i", records))
        conversation = ffi.new(
            "harmony_conversation *", (source, len(text), messages, len(messages))
        )
        options = _render_options(bool(drop_analysis), next_role, bool(training))
        ends = ffi.new("size_t[]", message_count)
        capacity = lib.harmony_render_bound(conversation)
        tokens = _new_buffer("int32_t[]", capacity)
        buffers = tokens, capacity, count, ends
        if lib.harmony_render_parts(
            self._pointer, conversation, options, *buffers, error
        ):
            _raise(error)
        return _list(tokens, count[0]), ffi.unpack(ends, message_count)


class Vocabulary:
    """A ``harmony_vocabulary``."""

    def __init__(self, file: bytes) -> None:
        """Make one from a vocabulary file; raise ``VocabularyError`` if it is bad."""
        out = ffi.new("harmony_vocabulary **")
        error = ffi.new("harmony_error *")
        data = ffi.from_buffer(file)
        if lib.harmony_vocabulary_new(data, len(file), out, error):
            _raise(error)
        self._pointer = ffi.gc(out[0], lib.harmony_vocabulary_free)
        self.size: int = lib.harmony_vocabulary_size(self._pointer)

    def token_bytes(self, rank: int) -> bytes | None:
        """Return the bytes of a token, or None for a rank that is none."""
        length = ffi.new("size_t *")
        token = lib.harmony_vocabulary_token(self._pointer, rank, length)
        return None if token == ffi.NULL else bytes(ffi.buffer(token, length[0]))

    def encode(self, text: bytes, ends: array[int]) -> list[int]:
        """Return the tokens of text that is split into pieces with these ends."""
        return _encode(lib.harmony_vocabulary_encode, self._pointer, text, ends)


def _list(tokens: Any, count: int) -> list[int]:
    return memoryview(ffi.buffer(tokens, 4 * count)).cast("i").tolist()


def _tally(tally: Any) -> tuple[str | None, int, int]:
    end = END_TOKENS.get(tally.end_token)
    return end, tally.header_tokens, tally.content_tokens


class Record(NamedTuple):
    """A message as the parser has found it; None is absent."""

    role: int
    name: bytes | None
    recipient: bytes | None
    channel: bytes | None
    content_type: bytes | None
    content: bytes | None


class Segment(NamedTuple):
    """What a call of ``feed`` added to one message."""

    message: int
    finished: bool
    text: bytes


class Parser:
    """A ``harmony_parser``."""

    def __init__(
        self, encoding: Encoding, role: int, strict: bool, recover: bool
    ) -> None:
        """Make one; ``role`` is a number from ``ROLES``, or ``NO_ROLE``."""
        out = ffi.new("harmony_parser **")
        self._error = ffi.new("harmony_error *")
        options = ffi.new("harmony_parser_options *", (role, strict, recover))
        if lib.harmony_parser_new(encoding._pointer, options, out, self._error):
            _raise(self._error)
        self._pointer = ffi.gc(out[0], lib.harmony_parser_free)
        self._view = lib.harmony_parser_view(self._pointer)
        self._encoding = encoding

    def process(self, token: int) -> None:
        """Take one token; raise ``ParseError``, ``DecodeError`` if it is no int32."""
        try:
            status = lib.harmony_parser_process(self._pointer, token, self._error)
        except OverflowError:
            raise _not_int32(token, self._view.token_count) from None
        if status:
            _raise(self._error)

    def feed(self, tokens: Iterable[int]) -> None:
        """Take many tokens; raise ``ParseError`` at the first that is wrong."""
        ids = _int32(tokens)
        if lib.harmony_parser_feed(
            self._pointer, ffi.from_buffer("int32_t[]", ids), len(ids), self._error
        ):
            _raise(self._error)

    def segments(self) -> list[Segment]:
        """Return what the last call of ``feed`` added, message by message."""
        view = self._view
        return [
            Segment(
                segment.message, bool(segment.finished), self._text(segment.text) or b""
            )
            for segment in view.segments[0 : view.segment_count]
        ]

    def warning_count(self) -> int:
        """Return the number of warnings."""
        count: int = self._view.warning_count
        return count

    def warning(self, index: int) -> tuple[str, int, bytes]:
        """Return a warning: its kind, a value of ``WARNINGS``, position and text."""
        view = self._view
        warning = view.warnings[index]
        start = view.warning_text + warning.text.start
        text = bytes(ffi.buffer(start, warning.text.length))
        return WARNINGS[warning.kind], warning.position, text

    def tally(self, index: int) -> tuple[str | None, int, int]:
        """Return how a finished message ended, and the tokens of its two parts."""
        return _tally(self._view.tallies[index])

    def open_tally(self) -> tuple[str | None, int, int]:
        """Return the same of the open message."""
        return _tally(self._view.open)

    def finish(self) -> None:
        """Take the end of the stream; raise ``ParseError`` inside a header."""
        if lib.harmony_parser_finish(self._pointer, self._error):
            _raise(self._error)

    def state(self) -> str:
        """Return the state, a value of ``STATES``."""
        return STATES[self._view.state]

    def message_count(self) -> int:
        """Return the number of finished messages."""
        count: int = self._view.finished.message_count
        return count

    def message(self, index: int) -> Record:
        """Return a finished message."""
        return self._record(self._view.finished.messages[index])

    def current(self) -> Record:
        """Return the open message, with what is known of it."""
        return self._record(self._view.current)

    def delta(self) -> bytes | None:
        """Return what the last call added to a content, or None."""
        return self._text(self._view.delta)

    def role(self) -> int:
        """Return the role of the open message, or ``NO_ROLE``."""
        role: int = self._view.current.role
        return role

    def channel(self) -> bytes | None:
        """Return the channel of the open message, or None."""
        return self._text(self._view.current.channel)

    def recipient(self) -> bytes | None:
        """Return the recipient of the open message, or None."""
        return self._text(self._view.current.recipient)

    def content_type(self) -> bytes | None:
        """Return the content type of the open message, or None."""
        return self._text(self._view.current.content_type)

    def content(self) -> bytes:
        """Return the content of the open message so far."""
        return self._text(self._view.current.content) or b""

    def tokens(self) -> list[int]:
        """Return every token fed."""
        return _list(self._view.tokens, self._view.token_count)

    def open_tokens(self) -> list[int]:
        """Return the tokens of the open header or content."""
        view = self._view
        return _list(view.tokens + view.open_start, view.token_count - view.open_start)

    def _record(self, message: Any) -> Record:
        text = self._text
        return Record(
            message.role,
            text(message.name),
            text(message.recipient),
            text(message.channel),
            text(message.content_type),
            text(message.content),
        )

    def _text(self, span: Any) -> bytes | None:
        start = span.start
        if start < 0:
            return None
        return bytes(ffi.buffer(self._view.finished.text + start, span.length))
