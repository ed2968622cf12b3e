"""Files of token lists: what is written record by record, and cut back to a record.

``OUT.jsonl``: a JSON list of token ids a line. ``OUT.bin``: the tokens of all records,
one after the other, as int32, little-endian; beside it ``OUT.idx``: where each begins,
and where the last one ends, counted in tokens, as uint64, little-endian. With NumPy,
record ``i`` is::

    tokens = numpy.memmap("OUT.bin", dtype="<i4", mode="r")
    starts = numpy.memmap("OUT.idx", dtype="<u8", mode="r")
    tokens[starts[i] : starts[i + 1]]
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable
from itertools import accumulate

START_SIZE = 8


class RecordFile:
    """A file of records, open to add to, of a known size.

    What lies beyond the size that it is opened with is cut off: a run that was
    killed left it.
    """

    def __init__(self, path: str, size: int) -> None:
        """Open ``path``, and leave ``size`` bytes of it. Raises ``OSError``."""
        self.path = path
        # Neither "r+" nor "w" alone makes what is missing and keeps what is there.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666)
        self._file = os.fdopen(descriptor, "wb")
        try:
            if os.fstat(descriptor).st_size < size:
                raise ValueError(f"{path} is shorter than the run left it")
            self._file.truncate(size)
            self._file.seek(size)
        except BaseException:
            self._file.close()
            raise
        self.size = size

    def add(self, data: bytes) -> None:
        """Write behind what is there."""
        self._file.write(data)
        self.size += len(data)

    def sync(self) -> None:
        """Return when all is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


_BINARY = getattr(os, "O_BINARY", 0)


class Records:
    """The file, or the two files, of a run.

    >>> Records.is_flat("train.bin"), Records.is_flat("train.jsonl")
    (True, False)
    """

    def __init__(self, path: str, records: int, tokens: int, size: int) -> None:
        """Open ``path`` with so many records, tokens and bytes in it.

        Raises ``OSError``, or ``ValueError`` if they are not there.
        """
        self.records = records
        self.tokens = tokens
        self._data = RecordFile(path, size)
        self._starts: RecordFile | None = None
        if self.is_flat(path):
            try:
                self._open_starts(index_path(path))
            except BaseException:
                self._data.close()
                raise

    @staticmethod
    def is_flat(path: str) -> bool:
        """Tell the format by the name."""
        return path.endswith(".bin")

    def _open_starts(self, path: str) -> None:
        if self.records:
            self._starts = RecordFile(path, START_SIZE * (self.records + 1))
        else:
            self._starts = RecordFile(path, 0)
            self._starts.add(_uint64([0]))

    @property
    def size(self) -> int:
        """Bytes in the file of tokens."""
        return self._data.size

    def add(self, data: bytes, lengths: list[int]) -> None:
        """Write records: their bytes, and how many tokens each has."""
        self._data.add(data)
        if self._starts is not None:
            starts = accumulate(lengths, initial=self.tokens)
            next(starts)
            self._starts.add(_uint64(starts))
        self.records += len(lengths)
        self.tokens += sum(lengths)

    def sync(self) -> None:
        """Return when all is on the disk."""
        self._data.sync()
        if self._starts is not None:
            self._starts.sync()

    def close(self) -> None:
        """Close the files."""
        self._data.close()
        if self._starts is not None:
            self._starts.close()


def index_path(path: str) -> str:
    """Return the name of the index: ``train.idx`` for ``train.bin``."""
    return f"{path.removesuffix('.bin')}.idx"


def _uint64(values: Iterable[int]) -> bytes:
    numbers = array("Q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
