"""Parquet files of records: one, or a folder of shards.

A file is written beside its place and renamed when it is whole, so what has the name of
a shard is one. A run can be resumed behind its last shard; a single file begins anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harmony.cli.bulk.workers import Batch
from harmony.cli.files import FileError, about

UNFINISHED = ".unfinished"
NAME = re.compile(r"part-(\d{5,})\.parquet")


@contextmanager
def _writing(path: str) -> Iterator[None]:
    """Let each ``OSError`` inside name a file, and say what the system says.

    Arrow says where in Arrow it was, too.
    """
    with about(path):
        try:
            yield
        except OSError as error:
            if error.errno is not None:
                error.strerror = os.strerror(error.errno)
            raise


class Shards:
    """The Parquet files of a run; its size is how many of them are whole."""

    def __init__(self, path: str, masked: bool, shard_size: int | None) -> None:
        """Change nothing but to make a folder. Raises ``OSError``."""
        self.records = 0
        self.tokens = 0
        self.size = 0
        self._path = path
        self._shard_size = shard_size
        self._is_new = not os.path.lexists(path)
        self._is_cut = False
        self._writer: Any = None
        self._count = 0
        fields = [("input_ids", pa.list_(pa.int32()))]
        if masked:
            fields.append(("loss_mask", pa.list_(pa.int8())))
        self._schema = pa.schema(fields)
        if shard_size is not None and self._is_new:
            os.mkdir(path)

    def cut(self, records: int, tokens: int, size: int) -> None:
        """Leave so many shards; the rest was left by a run that was killed.

        Raises ``OSError``, or ``FileError`` if there are fewer.
        """
        self.records, self.tokens, self.size = records, tokens, size
        self._is_cut = True
        with about(self._path):
            for number in range(size):
                if not os.path.exists(self._name(number)):
                    raise FileError(f"{self._name(number)} is not there any more")
            for name, number in self._there():
                if number >= size:
                    os.remove(name)

    def _name(self, number: int) -> str:
        if self._shard_size is None:
            return self._path
        return os.path.join(self._path, f"part-{number:05}.parquet")

    def _there(self) -> Iterator[tuple[str, int]]:
        """Give the files of a run that are there, and their numbers."""
        if self._shard_size is None:
            if os.path.exists(self._path + UNFINISHED):
                yield self._path + UNFINISHED, self.size
            return
        for name in os.listdir(self._path):
            found = NAME.fullmatch(name.removesuffix(UNFINISHED))
            if found is not None:
                is_whole = not name.endswith(UNFINISHED)
                number = int(found[1]) if is_whole else self.size
                yield os.path.join(self._path, name), number

    def add(self, batch: Batch) -> None:
        """Write the records of a batch, and end the shard if it is large enough."""
        name = self._name(self.size) + UNFINISHED
        with _writing(name):
            if self._writer is None:
                self._writer = pq.ParquetWriter(name, self._schema)
            self._writer.write_batch(_record_batch(batch, self._schema))
        self.records += len(batch.lengths)
        self.tokens += sum(batch.lengths)
        self._count += len(batch.lengths)
        if self._shard_size is not None and self._count >= self._shard_size:
            self.finish()

    def sync(self) -> bool:
        """Tell whether all is in whole shards."""
        return self._writer is None

    def finish(self) -> None:
        """End the shard that is open; of no records at all make one."""
        if self._writer is None and self.size:
            return
        name = self._name(self.size)
        with _writing(name + UNFINISHED):
            if self._writer is None:
                self._writer = pq.ParquetWriter(name + UNFINISHED, self._schema)
            self._close_writer()
            with open(name + UNFINISHED, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(name + UNFINISHED, name)
        self.size += 1
        self._count = 0

    def _close_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def discard(self) -> bool:
        """Close, and remove what was not there before.

        Return False if a folder was there and has been cut.
        """
        self.close()
        if self._is_new and self._shard_size is not None:
            with suppress(OSError):
                os.rmdir(self._path)
        return self._is_new or not self._is_cut or self._shard_size is None

    def close(self) -> None:
        """Close all files; remove the one that is not whole."""
        with suppress(OSError, pa.ArrowException):
            self._close_writer()
        with suppress(OSError):
            os.remove(self._name(self.size) + UNFINISHED)


def _record_batch(batch: Batch, schema: Any) -> Any:
    places = pa.array([*accumulate(batch.lengths, initial=0)], pa.int32())
    data = {"input_ids": batch.tokens, "loss_mask": batch.mask}
    columns = []
    for field in schema:
        kind = field.type.value_type
        size = len(data[field.name]) // (kind.bit_width // 8)
        buffer = pa.py_buffer(data[field.name])
        values = pa.Array.from_buffers(kind, size, [None, buffer])
        columns.append(pa.ListArray.from_arrays(places, values))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
