"""The binding of encodings: text to tokens and back, conversations to tokens."""

from __future__ import annotations

from array import array

from harmony._native import (
    CONTINUED,
    DROP_RULES,
    NO_ROLE,
    ffi,
    int32,
    lib,
    new_buffer,
    raise_error,
)
from harmony._native.straight import encode_texts, pool_of, render_said

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

_encode_plain = lib.harmony_scratch_encode  # the shortest way, for short texts
LISTS, COUNTS, ARRAYS = range(3)
"""What ``encode_texts`` gives."""

_COUNTED = lib.HARMONY_OK, lib.HARMONY_SHORT_BUFFER

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
        self.tokens = new_buffer("int32_t[]", capacity)
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

    def render(self, conversation: Any, options: Any, parts: Any) -> list[int]:
        """Render a conversation, for which there is room; return the tokens."""
        if lib.harmony_render_parts(
            *(self.pointer.encoding, self.cache, conversation, options),
            *(self.tokens, self.capacity, self.count, parts, self.error),
        ):
            raise_error(
                self.error, place_of(self.error.position, conversation.messages)
            )
        return self.ids[: self.count[0]].tolist()


def place_of(record: int, messages: Any, start: int = 0) -> str:
    """Return which message a record is of, for an error; "" if it is of none.

    ``start``: the record that its conversation begins with.
    """
    said = messages[start : record + 1]
    index = sum(message.role != CONTINUED for message in said) - 1
    return f"messages[{index}]: " if index >= 0 else ""


_options: dict[tuple[int, ...], Any] = {}


def render_options(*options: int) -> Any:
    """Return a ``harmony_render_options``, which is only ever read."""
    made = _options.get(options)
    if made is None:
        size = ffi.sizeof("harmony_render_options")
        made = ffi.new("harmony_render_options *", (size, *options))
        made = _options.setdefault(options, made)
    return made


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
        self.pool = pool_of(self._pointer)
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

    def encode_texts(
        self,
        texts: tuple[Any, ...],
        start: int,
        stop: int,
        is_checked: bool,
        form: int,
    ) -> Any:
        """Return what texts[start:stop] become in one call; see ``form``.

        ``LISTS``: a list for each text. ``COUNTS``: a list of numbers. ``ARRAYS``: one
        array of tokens, and one of where each text's begin, and the last one's stop.
        None if it is to be done one by one: there is no such call, a text is no plain
        str or, with ``is_checked``, spells a special token.
        """
        found = encode_texts(self.pool, texts, start, stop, is_checked, form)
        if form != ARRAYS or found is None:
            return found
        tokens, offsets = found
        return tokens, array("q", offsets)

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
            text = new_buffer("char[]", capacity)
            status = lib.harmony_decode(
                self._pointer, source, len(ids), text, capacity, length, error
            )
            if status == lib.HARMONY_OK:
                return ffi.buffer(text, length[0])
            if status != lib.HARMONY_SHORT_BUFFER:
                raise_error(error)
            capacity = length[0]

    def render_said(
        self,
        said: list[tuple[Any, ...]],
        known: list[Any],
        roles: tuple[object, ...],
        drop_analysis: int,
        channel_first: bool,
        open_last: bool = False,
        training: bool = False,
    ) -> tuple[list[int], list[Any] | None] | None:
        """Return the tokens of messages, and what is to be remembered of each.

        ``said``: of each message its role, name, recipient, channel, content type and
        texts. ``known``: what was to be remembered of it, or None. That is int32 as
        bytes when it is new, a tuple of ints when it has come again, and else None; and
        None for all of them if that is nothing, as of training. None if it is to be
        done by ``render``.
        """
        given = self.pool, said, known, roles
        options = drop_analysis, training, channel_first, open_last
        found: tuple[list[int], list[Any] | None] | None
        found = render_said(*given, *options)
        return found

    def render(
        self,
        text: bytearray,
        records: list[int],
        message_count: int,
        *,
        drop_analysis: int = DROP_RULES["never"],
        next_role: int = NO_ROLE,
        training: bool = False,
        channel_first: bool = False,
        open_last: bool = False,
    ) -> tuple[list[int], list[int]]:
        """Return the tokens of messages, and the parts of each message.

        ``records``: eleven numbers for each message and each further content item,
        spans into the text. Parts: four numbers for each message, where its header
        begins, its content, its end, and what is behind it; see ``harmony_part``.
        """
        source = ffi.from_buffer(text)
        messages = ffi.from_buffer("harmony_message[]", array("i", records))
        conversation = ffi.new(
            "harmony_conversation *", (source, len(text), messages, len(messages))
        )
        options = render_options(
            drop_analysis, next_role, training, channel_first, open_last
        )
        parts = ffi.new("harmony_part[]", message_count)
        scratch = self._take_scratch(lib.harmony_render_bound(conversation))
        try:
            tokens = scratch.render(conversation, options, parts)
        finally:
            self._scratches.append(scratch)
        return tokens, ffi.unpack(ffi.cast("size_t *", parts), 4 * message_count)
