"""Record batches of conversations to record batches of tokens and loss masks.

For pyarrow, and for whatever hands its data on as Arrow: Hugging Face datasets, Ray
Data, Spark. It needs ``pip install harmony-format[arrow]``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from harmony._model.checks import check_choice
from harmony._training.chats import ChatColumns
from harmony._training.columns import (
    HarmonyColumns,
    Messages,
    Numbers,
    has_plain_fields,
)
from harmony._training.job import Job, Rendered, render_rows
from harmony._training.reading import ChatRows, RowReader
from harmony._training.tables import pruned, unpacked
from harmony._training.toolsets import SLICE, Toolsets, said_tools
from harmony.batch import MaskKind, several_names
from harmony.encoding import load_harmony_encoding
from harmony.rendering import Parts

__all__ = ["BatchRenderer"]

T = TypeVar("T", pa.RecordBatch, pa.Table)
OWN_COLUMNS = frozenset({"input_ids", "loss_mask", "error"})
LARGEST = 2**30
"""Bytes of rows that are rendered in one call; places in texts are int32."""


class _Result(NamedTuple):
    """Rows of tokens: lists, lists of what is trained on, and what was wrong."""

    ids: Any
    mask: Any
    errors: Any


class BatchRenderer:
    """Renders the conversations of a column, one a row.

    It can be pickled, may be shared by threads, and is called with a
    ``pyarrow.RecordBatch`` or ``Table``; it gives one of the same kind, with these
    columns:

    - ``input_ids``: a list of int32 a row, null for a row that has an error;
    - ``loss_mask``: as many int8, 1 where the loss counts; only for training;
    - ``error``: what is wrong with the row, null if nothing is;
    - those named in ``keep``, as they are.

    In columns of structs, rows of texts and calls of tools are rendered without an
    object for any row or message; other rows are read one by one.

    >>> import pyarrow as pa
    >>> from harmony.arrow import BatchRenderer
    >>> said = [{"role": "user", "content": "2 + 2?"}]
    >>> said.append({"role": "assistant", "content": "4."})
    >>> render = BatchRenderer(date="2025-06-28")
    >>> table = render(pa.table({"messages": [said]}))
    >>> table.column_names
    ['input_ids', 'loss_mask', 'error']
    >>> sum(table["loss_mask"][0].as_py())
    6
    """

    def __init__(
        self,
        column: str = "messages",
        *,
        format: Literal["chat", "harmony"] = "chat",
        tools: str = "tools",
        purpose: Literal["training", "completion"] = "training",
        mask: MaskKind = "sampled",
        channels: Iterable[str] | None = None,
        last_turn: bool = False,
        drop_analysis: Literal["never", "upstream", "per_turn"] = "never",
        header: Literal["template", "model"] = "template",
        schemas: Literal["reference", "complete"] = "reference",
        date: str | None = None,
        ignore_unknown: bool = False,
        on_error: Literal["null", "raise"] = "null",
        keep: Iterable[str] = (),
    ) -> None:
        """Make one.

        ``column``: the messages, as structs, as JSON text, or as a list of such text,
        as datasets keep structs that differ; ``tools``: a column of tools, of the same
        kinds, which may be missing. ``format``: "chat" is rows of
        OpenAI and Hugging Face, read as by ``harmony.chat``, "harmony" those of
        ``Conversation.to_dict``. Unknown keys are an error of the row unless
        ``ignore_unknown``. ``mask``, ``channels``, ``last_turn`` and ``drop_analysis``
        are those of ``training.example``; ``header`` and ``schemas`` are those of
        ``chat.prompt``. ``date``: what day it is for the model, in chats; None is the
        day on which this object is made, and stays so. ``on_error="raise"``: an error
        of a row is raised, as ``ValueError`` naming the row of the batch. Raises
        ``ValueError`` and ``TypeError`` for options that are none.
        """
        check_choice("on_error", "way", on_error, ("null", "raise"))
        self._column = column
        self._tools = tools
        self._keep = several_names("keep", keep) or ()
        if own := OWN_COLUMNS.intersection(self._keep):
            raise ValueError(f"keep: {min(own)!r} is a column of the result")
        self._raises = on_error == "raise"
        self._job = Job(
            format=format,
            purpose=purpose,
            mask=mask if purpose == "training" else None,
            channels=several_names("channels", channels),
            last_turn=last_turn,
            drop_analysis=drop_analysis,
            header=header,
            schemas=schemas,
            date=time.strftime("%Y-%m-%d") if date is None else date,
            strict=not ignore_unknown,
        )

    def __call__(self, table: T) -> T:
        """Return what the rows of a table or a record batch become.

        Raises ``KeyError`` for a column that is not there, ``ValueError`` for a row
        that is wrong with ``on_error="raise"``.
        """
        if isinstance(table, pa.RecordBatch):
            return pa.RecordBatch.from_arrays(*self._columns(table))
        batches = table.to_batches() or table.schema.empty_table().to_batches()
        if not batches:
            batches = [pa.RecordBatch.from_pylist([], schema=table.schema)]
        made = [pa.RecordBatch.from_arrays(*self._columns(b)) for b in batches]
        return pa.Table.from_batches(made)

    def _columns(self, batch: Any) -> tuple[list[Any], list[str]]:
        results = list(self._results(batch))
        ids, mask, errors = (
            pa.concat_arrays([result[i] for result in results]) for i in range(3)
        )
        if self._raises and errors.null_count < len(errors):
            row = int(np.flatnonzero(errors.is_valid())[0])
            raise ValueError(f"row {row}: {errors[row].as_py()}")
        columns = {"input_ids": ids, "loss_mask": mask, "error": errors}
        if self._job.mask is None:
            del columns["loss_mask"]
        columns.update({name: batch.column(name) for name in self._keep})
        return list(columns.values()), list(columns)

    def _results(self, batch: Any) -> Iterator[_Result]:
        """Give the results of a batch, in parts whose texts are not too long."""
        if batch.num_rows > 1 and batch.nbytes > LARGEST:
            half = batch.num_rows // 2
            yield from self._results(batch.slice(0, half))
            yield from self._results(batch.slice(half))
            return
        rows, tools = self._given(batch)
        plain = _PlainRows(self._job)
        indices = plain.choose(rows, tools)
        kind = pa.LargeListArray if _is_large(rows.type) else pa.ListArray
        has_mask = self._job.mask is not None
        found = _result(plain.rendered(), len(indices), kind, has_mask)
        others = np.setdiff1d(np.arange(len(rows)), indices)
        if len(others) == 0:
            yield found
            return
        rendered = self._read(rows.take(pa.array(others)), tools, others)
        order = np.argsort(np.concatenate([indices, others]))
        both = found, _result(rendered, len(others), kind, has_mask)
        columns = [pa.concat_arrays(list(pair)) for pair in zip(*both, strict=True)]
        yield _Result(*(column.take(pa.array(order)) for column in columns))

    def _given(self, batch: Any) -> tuple[Any, Any]:
        """Return the columns of messages and of tools; None if there are no tools."""
        names = batch.schema.names
        if self._column not in names:
            raise KeyError(
                f"no column {self._column!r} (there are: {', '.join(names)})"
            )
        has_tools = self._tools in names and self._job.format == "chat"
        return batch.column(self._column), (
            batch.column(self._tools) if has_tools else None
        )

    def _read(self, rows: Any, tools: Any, others: Numbers) -> Rendered:
        """Render rows one by one."""
        said = pa.nulls(len(rows)) if tools is None else tools.take(pa.array(others))
        return render_rows(
            load_harmony_encoding("HarmonyGptOss"),
            self._job,
            _Pairs(rows, said),
            _RowReader(self._job.reader()),
        )


class _Pairs:
    """The values of two columns, as Python's objects; few of them at a time."""

    def __init__(self, *columns: Any) -> None:
        self._columns = columns

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for start in range(0, len(self._columns[0]), SLICE):
            parts = [c.slice(start, SLICE).to_pylist() for c in self._columns]
            yield from zip(*parts, strict=True)


class _RowReader:
    """Reads messages and tools, each from JSON or structs."""

    def __init__(self, reader: RowReader) -> None:
        self._reader = reader

    def __call__(self, row: tuple[Any, Any]) -> Sequence[Parts]:
        messages, tools = row
        if messages is None:
            raise ValueError("messages: null")
        made: dict[str, Any] = {}
        if tools:
            made["tools"] = said_tools(tools)
        said = unpacked(messages)
        made |= said if isinstance(said, dict) else {"messages": said}
        if said is not messages:
            return self._reader(made)
        # Only structs have nulls that say nothing.
        return self._reader.plain(made) or self._reader(
            {**made, "messages": pruned(said)}
        )


class _PlainRows:
    """The rows of a column that are plain, which are rendered as columns."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._columns: ChatColumns | HarmonyColumns | None = None
        reader = job.reader()
        self._toolsets = Toolsets(reader) if isinstance(reader, ChatRows) else None

    def choose(self, rows: Any, tools: Any) -> Numbers:
        """Return the indices of plain rows, and keep their messages."""
        names = HarmonyColumns.names if self._toolsets is None else ChatColumns.names
        if not has_plain_fields(rows.type, names):
            return np.empty(0, np.int64)
        is_there: Numbers = rows.is_valid().to_numpy(zero_copy_only=False)
        numbers = np.zeros(len(rows), np.int64)
        if self._toolsets is not None:
            numbers = self._toolsets.numbers(tools, len(rows))
        indices = np.flatnonzero(is_there & (numbers >= 0))
        columns = self._of(rows, numbers, indices)
        plain = columns.plain()
        if not plain.all():
            indices = indices[plain]
            columns = self._of(rows, numbers, indices)
        self._columns = columns
        return indices

    def _of(
        self, rows: Any, numbers: Numbers, indices: Numbers
    ) -> ChatColumns | HarmonyColumns:
        """Return the columns of some rows, given the numbers of all rows' tools."""
        messages = Messages(rows.take(pa.array(indices)))
        if self._toolsets is None:
            return HarmonyColumns(messages)
        header: Any = self._job.header
        return ChatColumns(messages, self._toolsets.known, numbers[indices], header)

    def rendered(self) -> Rendered:
        """Return what they become."""
        encoding = load_harmony_encoding("HarmonyGptOss")
        if self._columns is None:
            return render_rows(encoding, self._job, (), self._job.reader())
        records = self._columns.records()
        return Rendered(self._job.render_records(encoding, records), [])


def _is_large(kind: Any) -> bool:
    return bool(pa.types.is_large_list(kind) or pa.types.is_large_string(kind))


def _result(rendered: Rendered, count: int, kind: Any, has_mask: bool) -> _Result:
    """Return columns of so many rows, those with errors null."""
    batch = rendered.batch
    bad = np.zeros(count, bool)
    reasons: list[str | None] = [None] * count
    for index, reason in rendered.errors:
        bad[index], reasons[index] = True, reason
    lengths = np.zeros(count, np.int64)
    lengths[~bad] = np.diff(np.asarray(batch.offsets).astype(np.int64))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    is_large = kind is pa.LargeListArray
    places = pa.array(offsets, pa.int64() if is_large else pa.int32())

    def lists(values: memoryview) -> Any:
        # A copy: the memory that C wrote into is several times as large.
        return kind.from_arrays(places, np.array(values), mask=pa.array(bad))

    mask = lists(batch.mask) if has_mask else pa.nulls(count)
    return _Result(lists(batch.tokens), mask, pa.array(reasons, pa.string()))
