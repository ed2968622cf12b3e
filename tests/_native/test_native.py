"""The binding where C says no: for want of memory, or amid two calls at a time."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

from harmony import (
    DecodeError,
    HarmonyEncoding,
    HarmonyError,
    StreamableParser,
    vocabulary,
)
from harmony import _native as native
from harmony._native import batch, ffi, int32, lib, raise_error
from harmony._native import encoding as encodings
from harmony._native import vocabulary as vocabularies

ERROR = ffi.typeof("harmony_error *")
SCRATCH = ffi.typeof("harmony_scratch *")


class Exhausted:
    """The library, with one function that gets no memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        return no_memory if name == self.name else getattr(lib, name)


def no_memory(*arguments: Any) -> int:
    """Say so in the error among the arguments, or in the scratch's."""
    for argument in arguments:
        kind = ffi.typeof(argument) if isinstance(argument, ffi.CData) else None
        if kind in (ERROR, SCRATCH):
            error = argument if kind is ERROR else argument.error
            error.status = lib.HARMONY_NO_MEMORY
            error.message = b"out of memory"
    return -1 if len(arguments) == 3 else int(lib.HARMONY_NO_MEMORY)


@pytest.fixture
def fresh() -> Any:
    """An encoding's binding whose calls have left nothing to use again."""
    return encodings.Encoding(Path(vocabulary.PACKAGED).read_bytes())


def test_no_memory_for_a_scratch(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "lib", Exhausted("harmony_cache_new"))
    with pytest.raises(MemoryError, match=r"^out of memory$"):
        fresh.encode(b"hi")


def test_no_memory_for_tokens(fresh: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "_encode_plain", no_memory)
    with pytest.raises(MemoryError, match=r"^out of memory$"):
        fresh.encode(b"hi")


@pytest.mark.parametrize("call", ["encode", "count_tokens"])
def test_no_memory_for_tokens_some_of_them_special(
    fresh: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    assert getattr(fresh, call)(b"hi", [200002])
    monkeypatch.setattr(encodings, "lib", Exhausted("harmony_encode"))
    with pytest.raises(MemoryError, match=r"^out of memory$"):
        getattr(fresh, call)(b"hi", [200002])


def test_no_memory_for_the_tokens_of_another_vocabulary(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tokenizer.encode("ab")
    monkeypatch.setattr(vocabularies, "lib", Exhausted("harmony_vocabulary_encode"))
    with pytest.raises(MemoryError, match=r"^out of memory$"):
        tokenizer.encode("ab")


def test_no_memory_is_a_memory_error_whatever_else_the_error_says() -> None:
    error = ffi.new("harmony_error *")
    no_memory(error)
    with pytest.raises(MemoryError, match=r"^here: out of memory$"):
        raise_error(error, "here: ")


class Broken:
    """An id that says what it is not."""

    def __index__(self) -> int:
        raise TypeError("no number after all")


def test_an_id_that_fails_to_be_one_fails_by_its_own_error() -> None:
    with pytest.raises(TypeError, match=r"^no number after all$"):
        int32([1, Broken()])  # type: ignore[list-item]
    assert int32([1, 2]) == array("i", [1, 2])


class Id:
    """An integer that can't be compared."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __index__(self) -> int:
        return self._number


def test_an_id_beyond_int32_is_named_behind_ids_that_are_no_int() -> None:
    """It was said that "<=" is not supported."""
    wrong: list[Any] = [Id(5), Id(2**31)]
    with pytest.raises(DecodeError, match=r"token for decoding: 2147483648") as caught:
        int32(wrong)
    assert caught.value.position == 1


def test_text_that_another_call_moves_is_said_to_be_in_use(
    encoding: HarmonyEncoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of a character is read where a text was that has moved meanwhile."""
    parser = StreamableParser(encoding, None)
    text = "<|start|>user<|message|>hi<|end|>"
    parser.feed(encoding.encode(text, allowed_special="all"))
    monkeypatch.setattr(parser._native, "_copy", lambda *_: b"\xff")
    with pytest.raises(HarmonyError, match=r"in use by another call"):
        parser._native._text(0, 1)
    assert native.in_use().args == (
        "the parser is in use by another call: one at a time",
    )


def test_an_error_of_no_record_names_no_message() -> None:
    assert batch._place([], array("Q"), -1) == ""


def test_sizes_are_copied_where_they_have_fewer_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert list(batch._sizes(array("Q", [1, 2]))) == [1, 2]
    monkeypatch.setattr(batch, "_SIZE", "I")
    assert list(batch._sizes(array("Q", [1, 2]))) == [1, 2]
