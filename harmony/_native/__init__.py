"""The binding: the only package that imports the extension, ``_ffi``.

It takes and gives ``bytes``, ``str``, ``int`` and lists, never C data, and turns every
status of the C library into the exception that stands for it. Here is what all of it
needs; ``encoding``, ``vocabulary`` and ``parser`` each bind one kind of object.
"""

from __future__ import annotations

import os
import sys
from array import array
from operator import index

from harmony.errors import (
    DecodeError,
    HarmonyError,
    ParseError,
    RenderError,
    VocabularyError,
    not_a_token_id,
    not_token_ids,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

try:
    from harmony._native._ffi import ffi as ffi
    from harmony._native._ffi import lib as lib
except ModuleNotFoundError as error:
    if error.name != "harmony._native._ffi":
        raise
    raise ModuleNotFoundError(
        f"the C extension of harmony is not built in {os.path.dirname(__file__)}. In a "
        "checkout, 'pip install -e .' builds it, with a C compiler. After 'pip install "
        ".' start Python in another folder: in this one it finds the checkout first",
        name="harmony._native._ffi",
    ) from error


def _extension() -> Any:
    """Return the extension module if it has straight ways; else None.

    They are for CPython (csrc/bindings/cpython.h); with ``HARMONY_BINDING=cffi`` in the
    environment there are none.
    """
    module = sys.modules["harmony._native._ffi"]
    is_wanted = os.environ.get("HARMONY_BINDING") != "cffi"
    return module if is_wanted and hasattr(module, "straight") else None


EXTENSION = _extension()

VERSION: str = ffi.string(lib.harmony_version()).decode()
"""The version, as in ``harmony.h``."""

ROLES: dict[str, int] = {
    "user": lib.HARMONY_ROLE_USER,
    "assistant": lib.HARMONY_ROLE_ASSISTANT,
    "system": lib.HARMONY_ROLE_SYSTEM,
    "developer": lib.HARMONY_ROLE_DEVELOPER,
    "tool": lib.HARMONY_ROLE_TOOL,
}
"""The number of each role, as in ``harmony.h``."""

NO_ROLE: int = lib.HARMONY_ROLE_NONE

CONTINUED: int = lib.HARMONY_ROLE_CONTINUED
"""The role number of a further content item of the same message."""

DROP_RULES: dict[str, int] = {
    "never": lib.HARMONY_DROP_NONE,
    "upstream": lib.HARMONY_DROP_UPSTREAM,
    "per_turn": lib.HARMONY_DROP_PER_TURN,
}
"""Which messages on channel analysis are left out, as in ``harmony.h``."""

MASKS: dict[str, int] = {
    "sampled": lib.HARMONY_MASK_SAMPLED,
    "messages": lib.HARMONY_MASK_MESSAGES,
    "content": lib.HARMONY_MASK_CONTENT,
}
"""Which tokens of the assistant's messages are trained on, as in ``harmony.h``."""

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

new_buffer = ffi.new_allocator(should_clear_after_alloc=False)


def raise_error(error: Any, where: str = "") -> None:
    raise_status(error.status, error.position, ffi.string(error.message), where)


def raise_status(status: int, position: int, words: bytes, where: str = "") -> None:
    """Raise what stands for a ``harmony_error`` with these fields."""
    message = where + words.decode("utf-8", "replace")
    if status == lib.HARMONY_NO_MEMORY:
        raise MemoryError(message)
    kind = _ERRORS.get(status, HarmonyError)
    if issubclass(kind, (ParseError, DecodeError)):
        raise kind(message, position=position if position >= 0 else None)
    raise kind(message)


def in_use() -> HarmonyError:
    """Return the complaint about two calls into one parser at a time."""
    return HarmonyError("the parser is in use by another call: one at a time")


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
    ids = tokens if isinstance(tokens, list) else list_of_ids(tokens)
    packed = _packed(ids)
    if packed is not None:
        return packed
    try:
        return array("i", ids)
    except OverflowError:
        numbers = enumerate(map(index, ids))
        wrong = ((i, id) for i, id in numbers if not -(2**31) <= id < 2**31)
        position, token = next(wrong)
        raise not_int32(token, position) from None
    except TypeError:
        # An id may have an error of its own, which PyPy's array() hides.
        tried = ((i, is_token_id(id) and index(id)) for i, id in enumerate(ids))
        first = next(i for i, number in tried if number is False)
        raise not_a_token_id(ids[first], first) from None


_PORTION = 16_384


def _packed(ids: list[int]) -> array[int] | None:
    """Return ``array("i", ids)`` in half the time; None if it can't be made of these.

    What is wrong then, array() says better.
    """
    import struct  # late: with straight ways, next to nobody comes here

    packed = array("i")
    for start in range(0, len(ids), _PORTION):
        portion = ids[start : start + _PORTION]
        try:
            packed.frombytes(struct.pack(f"{len(portion)}i", *portion))
        except struct.error:
            return None
    return packed


def list_of_ids(tokens: Iterable[int]) -> list[int]:
    """Return what is iterable as a list; raise ``TypeError`` for text and the rest."""
    if isinstance(tokens, str):
        raise not_token_ids(tokens)
    try:
        ids = iter(tokens)
    except TypeError:
        raise not_token_ids(tokens) from None
    return list(ids)


def is_token_id(token: object) -> bool:
    """Tell whether something is an integer: an int, or one of NumPy's, say."""
    return hasattr(type(token), "__index__")


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


def is_special_token(token: int) -> bool:
    """Tell whether an id is that of a special token."""
    return -(2**31) <= token < 2**31 and bool(lib.harmony_is_special_token(token))


def to_list(tokens: Any, count: int) -> list[int]:
    return memoryview(ffi.buffer(tokens, 4 * count)).cast("i").tolist()
