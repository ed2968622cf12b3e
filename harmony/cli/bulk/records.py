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
from contextlib import suppress
from itertools import accumulate

from harmony.cli.files import FileError, about

START_SIZE = 8


class RecordFile:
    """A file of records, open to add to, of a known size.

    Every ``OSError`` names it.
    """

    def __init__(self, path: str) -> None:
        """Open ``path``, and change nothing of it."""
        self.path = path
        self.size = 0
        self.is_new = not os.path.lexists(path)
        # Neither "r+" nor "w" alone makes what is missing and keeps what is there.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o666)
        # No buffer: after an error nothing is left that closing would write.
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def cut(self, size: int) -> None:
        """Leave ``size`` bytes; the rest was left by a run that was killed.

        Raises ``FileError`` if there are fewer.
        """
        with about(self.path):
            if os.fstat(self._file.fileno()).st_size < size:
                raise FileError(f"{self.path} is shorter than the run left it")
            self._file.truncate(size)
            self._file.seek(size)
        self.size = size

    def add(self, data: bytes) -> None:
        """Write behind what is there."""
        left = memoryview(data)
        with about(self.path):
            while left:
                left = left[self._file.write(left) :]
        self.size += len(data)

    def sync(self) -> None:
        """Return when all is on the disk."""
        with about(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        with about(self.path):
            self._file.close()

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        with suppress(FileNotFoundError):
            os.remove(self.path)


_BINARY = getattr(os, "O_BINARY", 0)


class Records:
    """The file, or the two files, of a run.

    >>> Records.is_flat("train.bin"), Records.is_flat("train.jsonl")
    (True, False)
    """

    def __init__(self, path: str) -> None:
        """Open ``path``, and change nothing of it. Raises ``OSError``."""
        self.records = 0
        self.tokens = 0
        self._is_cut = False
        self._data = RecordFile(path)
        self._starts: RecordFile | None = None
        if self.is_flat(path):
            try:
                self._starts = RecordFile(index_path(path))
            except BaseException:
                self.discard()
                raise

    @staticmethod
    def is_flat(path: str) -> bool:
        """Tell the format by the name."""
        return path.endswith(".bin")

    def cut(self, records: int, tokens: int, size: int) -> None:
        """Leave so many records, tokens and bytes.

        Raises ``OSError``, or ``FileError`` if they are not there.
        """
        self.records = records
        self.tokens = tokens
        self._is_cut = True
        self._data.cut(size)
        if self._starts is not None:
            self._starts.cut(START_SIZE * (records + 1) if records else 0)
            if not records:
                self._starts.add(_uint64([0]))

    def discard(self) -> bool:
        """Close the files, and remove those that were not there before.

        Return False, and remove none, if one was there and has been cut.
        """
        files = [file for file in (self._data, self._starts) if file is not None]
        self.close()
        if self._is_cut and not all(file.is_new for file in files):
            return False
        for file in files:
            if file.is_new:
                file.remove()
        return True

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


def written_files(path: str) -> list[str]:
    """Return the names of the file, or the two files, of a run."""
    return [path, index_path(path)] if Records.is_flat(path) else [path]


def _uint64(values: Iterable[int]) -> bytes:
    numbers = array("Q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
