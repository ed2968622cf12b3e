"""Columns of texts to records, without an object for any row or message.

A list of structs lies in memory as a column for each field, its texts one after the
other in UTF-8. That is nearly what C renders: records are made by arithmetic on whole
columns. A row is plain if that is enough for it; the others are read one by one by
``harmony._training.reading``, which would give the same for plain ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from harmony import _native
from harmony._native.batch import RECORD_LENGTH
from harmony.messages import Role
from harmony.rendering import ROLE_NUMBERS

Numbers: TypeAlias = "np.ndarray[Any, Any]"

ROLES = pa.array([role.value for role in Role])
"""The roles, in the order of their numbers."""

SYSTEM, DEVELOPER, USER, ASSISTANT, TOOL = (
    ROLE_NUMBERS[Role(name)]
    for name in ("system", "developer", "user", "assistant", "tool")
)
NAME, RECIPIENT, CHANNEL, CONTENT_TYPE, CONTENT = range(1, RECORD_LENGTH, 2)
"""Where in a record the start of each span is; its length follows."""


class Records(NamedTuple):
    """What ``render_batch`` takes."""

    text: bytes
    records: Numbers
    ends: Numbers
    message_count: int


class Text:
    """One block of text, made of words and of whole columns."""

    def __init__(self) -> None:
        self._parts: list[Any] = []
        self._size = 0

    def add(self, data: Any) -> int:
        """Add bytes; return where they begin."""
        start = self._size
        self._parts.append(data)
        self._size += len(data)
        return start

    def word(self, text: str) -> tuple[int, int]:
        """Add a text; return where it begins, and its length."""
        data = text.encode()
        return self.add(data), len(data)

    def words(self, texts: Iterable[str]) -> Numbers:
        """Add texts; return the same of each, a line for each."""
        places = [self.word(text) for text in texts]
        return np.array(places, np.int32).reshape(-1, 2)

    def column(self, column: Any) -> tuple[Numbers, Numbers]:
        """Add a column of texts; return where each begins, and its length.

        What is null is absent.
        """
        _, offsets, data = column.buffers()
        count = len(column)
        if count == 0 or offsets is None:
            return np.full(count, -1, np.int32), np.zeros(count, np.int32)
        ends = np.frombuffer(offsets, np.int32)[column.offset :][: count + 1]
        first, last = int(ends[0]), int(ends[-1])
        start = self.add(memoryview(data)[first:last] if data is not None else b"")
        starts, lengths = ends[:-1] - first + start, np.diff(ends)
        if column.null_count:
            missing = column.is_null().to_numpy(zero_copy_only=False)
            starts = np.where(missing, -1, starts)
            lengths = np.where(missing, 0, lengths)
        return starts, lengths

    def bytes(self) -> bytes:
        return b"".join(self._parts)


class Messages:
    """The messages of a column of rows, field by field."""

    def __init__(self, column: Any) -> None:
        """Take a list of structs, without nulls among its rows."""
        structs = column.flatten()
        self.fields = fields_of(structs)
        self.count = len(structs)
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        self.ends = np.cumsum(lengths, dtype=np.int64)
        self.starts = self.ends - lengths
        self.rows = np.repeat(np.arange(len(column)), lengths)
        self.roles = self._roles()

    def _roles(self) -> Numbers:
        """Return the number of each message's role; -1 for what is none."""
        found = pc.index_in(self.fields["role"], value_set=ROLES)
        numbers: Numbers = found.fill_null(-1).to_numpy()
        return numbers.astype(np.int32)

    def text(self, name: str) -> Any:
        """Return a field of texts; nulls if there is no such field."""
        return text_column(self.fields, name, self.count)

    def present(self, name: str) -> Numbers:
        """Tell of each message whether a field is not null."""
        field = self.fields.get(name)
        if field is None or field.null_count == self.count:
            return np.zeros(self.count, bool)
        valid: Numbers = field.is_valid().to_numpy(zero_copy_only=False)
        return valid

    def rows_of(self, chosen: Numbers) -> Numbers:
        """Tell of each row whether any of its messages is chosen."""
        count = len(self.ends)
        return np.bincount(self.rows[chosen], minlength=count).astype(bool)


def fields_of(structs: Any) -> dict[str, Any]:
    """Return the columns of a column of structs; nulls where the struct is null."""
    names = [field.name for field in structs.type]
    return dict(zip(names, structs.flatten(), strict=True))


def text_column(fields: dict[str, Any], name: str, count: int) -> Any:
    """Return a column of texts; nulls if there is no such column."""
    field = fields.get(name)
    if field is None or field.type == pa.null():
        return pa.nulls(count, pa.string())
    return field.cast(pa.string())


def is_text(kind: Any) -> bool:
    """Tell whether a type of Arrow is that of texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_list_of_structs(kind: Any) -> bool:
    """Tell whether a type of Arrow is that of lists of structs."""
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and pa.types.is_struct(kind.value_type))


def has_plain_fields(kind: Any, names: Iterable[str]) -> bool:
    """Tell whether a column of a type has messages whose fields of names are texts."""
    if not is_list_of_structs(kind):
        return False
    fields = {field.name: field.type for field in kind.value_type}
    texts = [fields.get(name, pa.null()) for name in names]
    needed = [fields.get("role"), fields.get("content")]
    return all(is_text(kind) or kind == pa.null() for kind in texts) and all(
        kind is not None and is_text(kind) for kind in needed
    )


class HarmonyColumns:
    """Rows of conversations in harmony's own fields."""

    fields = (
        *(("name", NAME), ("recipient", RECIPIENT), ("channel", CHANNEL)),
        *(("content_type", CONTENT_TYPE), ("content", CONTENT)),
    )
    names = ("role", *(name for name, _ in fields))

    def __init__(self, messages: Messages) -> None:
        """Take the messages of rows."""
        self._messages = messages

    def plain(self) -> Numbers:
        """Tell which rows are plain."""
        messages = self._messages
        roles = messages.roles
        bad = (roles < 0) | ~messages.present("content")
        bad |= (roles == TOOL) & ~messages.present("name")
        for name in messages.fields.keys() - set(self.names):
            bad |= messages.present(name)
        plain: Numbers = ~messages.rows_of(bad)
        return plain

    def records(self) -> Records:
        """Return the records of rows that are all plain."""
        messages = self._messages
        text = Text()
        records = absent(messages.count)
        records[:, 0] = messages.roles
        for name, place in self.fields:
            starts, lengths = text.column(messages.text(name))
            records[:, place], records[:, place + 1] = starts, lengths
        return Records(text.bytes(), records, messages.ends, messages.count)


def absent(count: int) -> Numbers:
    """Return records in which every span is absent."""
    record = np.array([_native.NO_ROLE, *[-1, 0] * (RECORD_LENGTH // 2)], np.int32)
    return np.tile(record, (count, 1))
