"""The binding of other vocabularies: pieces of text to tokens."""

from __future__ import annotations

from array import array

from harmony._native import ffi, lib, new_buffer, raise_error, to_list


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
        tokens = new_buffer("int32_t[]", size)
        if lib.harmony_vocabulary_encode(
            *(self._pointer, text, size, numbers, len(ends)),
            *(tokens, size, count, error),
        ):
            raise_error(error)
        return to_list(tokens, count[0])
