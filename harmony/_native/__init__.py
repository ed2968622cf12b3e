"""The binding: the only module that imports ``harmony._ffi``.

It takes and gives ``bytes``, ``str``, ``int`` and lists, never C data, and turns every
status of the C library into the exception that stands for it.
"""

from __future__ import annotations

import struct
from array import array
from functools import cache

from harmony.errors import (
    DecodeError,
    HarmonyError,
    ParseError,
    RenderError,
    VocabularyError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

try:
    from harmony._ffi import ffi as ffi  # for _native_parser too
    from harmony._ffi import lib as lib
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

EXPECT_START: int = lib.HARMONY_STATE_EXPECT_START
HEADER: int = lib.HARMONY_STATE_HEADER
CONTENT: int = lib.HARMONY_STATE_CONTENT

NOT_APPENDED: int = lib.HARMONY_NOT_APPENDED
APPENDED_TOKEN: int = lib.HARMONY_APPENDED_TOKEN

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

_encode_plain = lib.harmony_scratch_encode  # the shortest way, for short texts
_COUNTED = lib.HARMONY_OK, lib.HARMONY_SHORT_BUFFER
_new_buffer = ffi.new_allocator(should_clear_after_alloc=False)


def raise_error(error: Any) -> None:
    message = ffi.string(error.message).decode("utf-8", "replace")
    if error.status == lib.HARMONY_NO_MEMORY:
        raise MemoryError(message)
    kind = _ERRORS.get(error.status, HarmonyError)
    if issubclass(kind, (ParseError, DecodeError)):
        raise kind(message, position=error.position if error.position >= 0 else None)
    raise kind(message)


def int32(tokens: Iterable[int]) -> array[int] | memoryview:
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
        return _packed(ids)
    except struct.error:
        pass  # array() says better what is wrong
    try:
        return array("i", ids)
    except OverflowError:
        wrong = (i for i, token in enumerate(ids) if not -(2**31) <= token < 2**31)
        position = next(wrong)
        raise not_int32(ids[position], position) from None


_PORTION = 16_384


def _packed(ids: list[int]) -> array[int]:
    """Return ``array("i", ids)`` in half the time."""
    packed = array("i")
    for start in range(0, len(ids), _PORTION):
        portion = ids[start : start + _PORTION]
        packed.frombytes(struct.pack(f"{len(portion)}i", *portion))
    return packed


def _list_of_ids(tokens: Iterable[int]) -> list[int]:
    if isinstance(tokens, str):
        raise TypeError("expected token ids, got a str")
    return list(tokens)


def not_int32(token: int, position: int | None) -> DecodeError:
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


KEPT_TOKENS = 2**18
"""Tokens that a scratch has room for; what a longer text gets is given back soon."""


class _Scratch:
    """What one call at a time needs: a cache of pieces, and room for tokens."""

    def __init__(self, encoding: Any) -> None:
        out = ffi.new("harmony_cache **")
        self.pointer = ffi.new("harmony_scratch *")
        self.error = ffi.addressof(self.pointer, "error")
        if lib.harmony_cache_new(encoding, out, self.error):
            raise_error(self.error)
        self.cache = ffi.gc(out[0], lib.harmony_cache_free)
        self.count = ffi.new("size_t *")
        self.pointer.encoding = encoding
        self.pointer.cache = self.cache
        self.make_room(2**12)

    def make_room(self, capacity: int) -> None:
        """Get room for so many tokens."""
        self.capacity = capacity
        self.tokens = _new_buffer("int32_t[]", capacity)
        self.memory = memoryview(ffi.buffer(self.tokens))
        self.ids = self.memory.cast("i")
        self.pointer.tokens = self.tokens
        self.pointer.capacity = capacity

    def encode(self, text: bytes, allowed: Collection[int]) -> int:
        """Encode text, for which there is room; return the number of tokens."""
        if self._encode(text, allowed, self.tokens, self.capacity):
            raise_error(self.error)
        count: int = self.count[0]
        return count

    def count_tokens(self, text: bytes, allowed: Collection[int]) -> int:
        """Encode text, but only count the tokens."""
        if self._encode(text, allowed, ffi.NULL, 0) not in _COUNTED:
            raise_error(self.error)
        count: int = self.count[0]
        return count

    def _encode(
        self, text: bytes, allowed: Collection[int], tokens: Any, capacity: int
    ) -> int:
        numbers = ffi.new("int32_t[]", list(allowed)) if allowed else ffi.NULL
        status: int = lib.harmony_encode(
            *(self.pointer.encoding, self.cache, text, len(text)),
            *(numbers, len(allowed), tokens, capacity, self.count, self.error),
        )
        return status

    def render(self, conversation: Any, options: Any, ends: Any) -> list[int]:
        """Render a conversation, for which there is room; return the tokens."""
        if lib.harmony_render_parts(
            *(self.pointer.encoding, self.cache, conversation, options),
            *(self.tokens, self.capacity, self.count, ends, self.error),
        ):
            raise_error(self.error)
        return self.ids[: self.count[0]].tolist()


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
            raise_error(error)
        self._pointer = ffi.gc(out[0], lib.harmony_encoding_free)
        self._scratches: list[_Scratch] = []  # of which a call takes one
        self.texts: dict[int, str | None] = {}  # of tokens, as far as parsers know them

    def encode(self, text: bytes, allowed: Collection[int] = ()) -> list[int]:
        """Return the tokens of text in which some special tokens are allowed."""
        scratch = self._take_scratch(len(text))
        try:
            if allowed:
                count = scratch.encode(text, allowed)
            else:
                count = _encode_plain(scratch.pointer, text, len(text))
                if count < 0:
                    raise_error(scratch.error)
            return scratch.ids[:count].tolist()
        finally:
            self._scratches.append(scratch)

    def encode_to_array(self, text: bytes, allowed: Collection[int] = ()) -> array[int]:
        """Return the same as an array of int32."""
        tokens = array("i")
        scratch = self._take_scratch(len(text))
        try:
            count = scratch.encode(text, allowed)
            tokens.frombytes(scratch.memory[: 4 * count])
        finally:
            self._scratches.append(scratch)
        return tokens

    def count_tokens(self, text: bytes, allowed: Collection[int] = ()) -> int:
        """Return how many tokens these are."""
        scratch = self._take_scratch(0)
        try:
            return scratch.count_tokens(text, allowed)
        finally:
            self._scratches.append(scratch)

    def _take_scratch(self, wanted: int) -> _Scratch:
        """Return a scratch that no other thread has, with room for some tokens."""
        try:
            scratch = self._scratches.pop()
        except IndexError:
            scratch = _Scratch(self._pointer)
        if not wanted <= scratch.capacity <= KEPT_TOKENS:
            scratch.make_room(max(wanted, min(2 * scratch.capacity, KEPT_TOKENS)))
        return scratch

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes of one token; raise ``DecodeError`` if there is none."""
        return self.decode_bytes([token])

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of tokens; raise ``DecodeError`` for an unknown id."""
        return bytes(self._decoded(tokens))

    def decode(self, tokens: Iterable[int], errors: str) -> str:
        """Return the text of tokens, treating bad UTF-8 as ``bytes.decode`` does."""
        return str(self._decoded(tokens), "utf-8", errors)

    def _decoded(self, tokens: Iterable[int]) -> Any:
        ids = int32(tokens)
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
                return ffi.buffer(text, length[0])
            if status != lib.HARMONY_SHORT_BUFFER:
                raise_error(error)
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
        source = ffi.from_buffer(text)
        messages = ffi.from_buffer("harmony_message[]", array("i", records))
        conversation = ffi.new(
            "harmony_conversation *", (source, len(text), messages, len(messages))
        )
        options = _render_options(bool(drop_analysis), next_role, bool(training))
        ends = ffi.new("size_t[]", message_count)
        scratch = self._take_scratch(lib.harmony_render_bound(conversation))
        try:
            tokens = scratch.render(conversation, options, ends)
        finally:
            self._scratches.append(scratch)
        return tokens, ffi.unpack(ends, message_count)


class Vocabulary:
    """A ``harmony_vocabulary``."""

    def __init__(self, file: bytes) -> None:
        """Make one from a vocabulary file; raise ``VocabularyError`` if it is bad."""
        out = ffi.new("harmony_vocabulary **")
        error = ffi.new("harmony_error *")
        data = ffi.from_buffer(file)
        if lib.harmony_vocabulary_new(data, len(file), out, error):
            raise_error(error)
        self._pointer = ffi.gc(out[0], lib.harmony_vocabulary_free)
        self.size: int = lib.harmony_vocabulary_size(self._pointer)

    def token_bytes(self, rank: int) -> bytes | None:
        """Return the bytes of a token, or None for a rank that is none."""
        length = ffi.new("size_t *")
        token = lib.harmony_vocabulary_token(self._pointer, rank, length)
        return None if token == ffi.NULL else bytes(ffi.buffer(token, length[0]))

    def encode(self, text: bytes, ends: array[int]) -> list[int]:
        """Return the tokens of text that is split into pieces with these ends."""
        error = ffi.new("harmony_error *")
        count = ffi.new("size_t *")
        size = len(text)
        numbers = ffi.from_buffer("int32_t[]", ends)
        tokens = _new_buffer("int32_t[]", size)
        if lib.harmony_vocabulary_encode(
            *(self._pointer, text, size, numbers, len(ends)),
            *(tokens, size, count, error),
        ):
            raise_error(error)
        return to_list(tokens, count[0])


def to_list(tokens: Any, count: int) -> list[int]:
    return memoryview(ffi.buffer(tokens, 4 * count)).cast("i").tolist()
