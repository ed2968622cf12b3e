"""Files of token lists: what is written record by record, and cut back to a record.

``OUT.jsonl``: a JSON list of token ids a line, or, with a mask, an object with
``input_ids`` and ``loss_mask``. ``OUT.bin``: the tokens of all records,
one after the other, as int32, little-endian; beside it ``OUT.idx``: where each begins,
and where the last one ends, counted in tokens, as uint64, little-endian. With NumPy,
record ``i`` is::

    tokens = numpy.memmap("OUT.bin", dtype="<i4", mode="r")
    starts = numpy.memmap("OUT.idx", dtype="<u8", mode="r")
    tokens[starts[i] : starts[i + 1]]

``OUT.mask``, if there is a mask: an int8 for each token.
"""

from __future__ import annotations

import os
import sys
from array import array
from collections.abc import Iterable
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Any, Protocol

from harmony._model.jsontext import dump
from harmony.cli.bulk.workers import Batch
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


class Written(Protocol):
    """What a run writes into."""

    records: int
    tokens: int

    @property
    def size(self) -> int:
        """How much there is, in the unit that ``cut`` takes."""

    def cut(self, records: int, tokens: int, size: int) -> None:
        """Leave so many records.

        Raises ``OSError``, or ``FileError`` if they are not there.
        """

    def add(self, batch: Batch) -> None:
        """Write the records of a batch."""

    def sync(self) -> bool:
        """Tell whether all is on the disk, having seen to it if that can be."""

    def finish(self) -> None:
        """Write what is still to be written: there are no more records."""

    def discard(self) -> bool:
        """Close, and remove what was not there before.

        Return False, and remove nothing, if something was there and has been cut.
        """

    def close(self) -> None:
        """Close all files."""


class Records:
    """The file, or the files, of a run.

    >>> Records.is_flat("train.bin"), Records.is_flat("train.jsonl")
    (True, False)
    """

    def __init__(self, path: str, masked: bool = False) -> None:
        """Open ``path``, and change nothing of it. Raises ``OSError``."""
        self.records = 0
        self.tokens = 0
        self._masked = masked
        self._is_cut = False
        self._data = RecordFile(path)
        self._files = [self._data]
        self._starts = self._mask = None
        try:
            if self.is_flat(path):
                self._starts = self._opened(index_path(path))
                if masked:
                    self._mask = self._opened(mask_path(path))
        except BaseException:
            self.discard()
            raise

    def _opened(self, path: str) -> RecordFile:
        file = RecordFile(path)
        self._files.append(file)
        return file

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
        if self._mask is not None:
            self._mask.cut(tokens)
        if self._starts is not None:
            self._starts.cut(START_SIZE * (records + 1) if records else 0)
            if not records:
                self._starts.add(_uint64([0]))

    def discard(self) -> bool:
        """Close the files, and remove those that were not there before.

        Return False, and remove none, if one was there and has been cut.
        """
        self.close()
        if self._is_cut and not all(file.is_new for file in self._files):
            return False
        for file in self._files:
            if file.is_new:
                file.remove()
        return True

    @property
    def size(self) -> int:
        """Bytes in the file of tokens."""
        return self._data.size

    def add(self, batch: Batch) -> None:
        """Write the records of a batch."""
        lengths = batch.lengths
        if self._starts is None:
            self._data.add(self._lines(batch))
        else:
            self._data.add(_little_endian(batch.tokens))
            starts = accumulate(lengths, initial=self.tokens)
            next(starts)
            self._starts.add(_uint64(starts))
        if self._mask is not None:
            self._mask.add(batch.mask)
        self.records += len(lengths)
        self.tokens += sum(lengths)

    def _lines(self, batch: Batch) -> bytes:
        tokens, mask = memoryview(batch.tokens).cast("i"), memoryview(batch.mask)
        mask = mask.cast("b")
        lines = []
        for start, stop in pairwise(accumulate(batch.lengths, initial=0)):
            record: Any = tokens[start:stop].tolist()
            if self._masked:
                record = {"input_ids": record, "loss_mask": mask[start:stop].tolist()}
            lines.append(f"{dump(record)}\n")
        return "".join(lines).encode()

    def sync(self) -> bool:
        """Return when all is on the disk."""
        for file in self._files:
            file.sync()
        return True

    def finish(self) -> None:
        """Do nothing: all is written."""

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


def index_path(path: str) -> str:
    """Return the name of the index: ``train.idx`` for ``train.bin``."""
    return f"{path.removesuffix('.bin')}.idx"


def mask_path(path: str) -> str:
    """Return the name of the mask: ``train.mask`` for ``train.bin``."""
    return f"{path.removesuffix('.bin')}.mask"


def written_files(path: str) -> list[str]:
    """Return the names of the file, or the files, of a run."""
    if Records.is_flat(path):
        return [path, index_path(path), mask_path(path)]
    return [path]


def _little_endian(tokens: bytes) -> bytes:
    if sys.byteorder == "little":
        return tokens
    numbers = array("i", tokens)
    numbers.byteswap()
    return numbers.tobytes()


def _uint64(values: Iterable[int]) -> bytes:
    numbers = array("Q", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
