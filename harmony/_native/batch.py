"""The binding of csrc/batch.c: many conversations to tokens, and what is trained on."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from harmony._native import (
    DROP_RULES,
    NO_ROLE,
    ffi,
    lib,
    new_buffer,
    raise_error,
)
from harmony._native.encoding import Encoding, place_of, render_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, TypeAlias

    Bytes: TypeAlias = bytes | bytearray | memoryview | array[int]
    Sizes: TypeAlias = array[int] | memoryview

_SIZE: Literal["Q", "I"] = "Q" if ffi.sizeof("size_t") == 8 else "I"
_CHARS = ffi.typeof("char[]")
_INT32S = ffi.typeof("int32_t[]")
_INT8S = ffi.typeof("int8_t[]")
_SIZES = ffi.typeof("size_t[]")
_MESSAGES = ffi.typeof("harmony_message[]")
_PARTS = ffi.typeof("harmony_part[]")
RECORD_LENGTH: int = ffi.sizeof("harmony_message") // 4
"""int32 of a record."""


class Mask:
    """A ``harmony_mask_options``, which is only ever read."""

    def __init__(
        self, kind: int, channels: Sequence[str] | None, last_turn: bool
    ) -> None:
        """Make one; ``kind`` is a number from ``MASKS``. None: on any channel.

        Raises ``TypeError`` and ``ValueError`` for what can be no channel's name.
        """
        size = ffi.sizeof("harmony_mask_options")
        names: Any = ffi.NULL
        self._kept: list[Any] = []
        if channels is not None:
            self._kept = [_name(*numbered) for numbered in enumerate(channels)]
            # One more, for an array of none has no address that is not NULL.
            names = ffi.new("char *[]", [*self._kept, ffi.NULL])
            self._kept.append(names)
        count = 0 if channels is None else len(channels)
        given = (size, kind, last_turn, names, count)
        self.pointer = ffi.new("harmony_mask_options *", given)


def _name(index: int, name: object) -> Any:
    """Return the name of a channel as C takes it."""
    if not isinstance(name, str):
        raise TypeError(f"channels[{index}]: expected a str, got {name!r}")
    if "\0" in name:
        raise ValueError(f"channels[{index}]: a NUL in {name!r}, where C ends a name")
    return ffi.new("char[]", name.encode())


class Batch(NamedTuple):
    """What many conversations become.

    ``tokens``: int32, of all of them. ``offsets``: where each begins, and where the
    last one stops. ``parts``: four numbers for each message, as of
    ``harmony_part``, counted in all tokens. ``mask``: int8, 1 for what is trained on;
    nothing if that was not asked for.
    """

    tokens: memoryview
    offsets: memoryview
    parts: memoryview
    mask: memoryview


def render_batch(
    encoding: Encoding,
    text: Bytes,
    records: Bytes,
    ends: Sizes,
    message_count: int,
    *,
    mask: Mask | None = None,
    drop_analysis: int = DROP_RULES["never"],
    next_role: int = NO_ROLE,
    training: bool = False,
    channel_first: bool = False,
) -> Batch:
    """Render many conversations, with the GIL released.

    ``records``: those of all messages, which point into ``text``. ``ends``: for each
    conversation, 64 bits, the index of the record behind its last one.
    ``message_count``: how many records begin a message. Raises ``RenderError``,
    ``MemoryError``.
    """
    messages = ffi.from_buffer(_MESSAGES, records)
    count, size = len(ends), len(messages)
    all_of_them = ffi.new(
        "harmony_conversation *",
        (ffi.from_buffer(_CHARS, text), len(text), messages, size),
    )
    capacity = lib.harmony_render_batch_bound(all_of_them, count)
    tokens = new_buffer(_INT32S, capacity)
    offsets = new_buffer(_SIZES, count + 1)
    parts = new_buffer(_PARTS, message_count)
    trained = new_buffer(_INT8S, 0 if mask is None else capacity)
    error = ffi.new("harmony_error *")
    scratch = encoding._take_scratch(0)
    try:
        status = lib.harmony_render_batch(
            *(encoding._pointer, scratch.cache, all_of_them, _sizes(ends), count),
            render_options(drop_analysis, next_role, training, channel_first, False),
            ffi.NULL if mask is None else mask.pointer,
            *(tokens, capacity, offsets, parts),
            *(ffi.NULL if mask is None else trained, error),
        )
    finally:
        encoding._scratches.append(scratch)
    if status:
        raise_error(error, _place(messages, ends, error.position))
    used = offsets[count]
    return Batch(
        memoryview(ffi.buffer(tokens)).cast("i")[:used],
        memoryview(ffi.buffer(offsets)).cast(_SIZE),
        memoryview(ffi.buffer(parts)).cast(_SIZE),
        memoryview(ffi.buffer(trained)).cast("b")[:used],
    )


def _place(messages: Any, ends: Sizes, record: int) -> str:
    """Return which message of its conversation a record is of; see ``place_of``."""
    start = max([end for end in ends if end <= record], default=0)
    return place_of(record, messages, start)


def _sizes(numbers: Sizes) -> Any:
    """Return numbers of 64 bits as C takes them."""
    if _SIZE == "Q":
        return ffi.from_buffer(_SIZES, numbers)
    return ffi.new(_SIZES, list(numbers))
