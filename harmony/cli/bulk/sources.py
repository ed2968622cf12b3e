"""Files of rows, plain or compressed, as lines of JSON; and which format they have.

Several files are given as one, their lines one after the other.

Rows of a Parquet file are given as lines, too, so that all that is said of lines holds
for them: a line is a row, counted from 1.
"""

from __future__ import annotations

import gzip
import os
import select
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from typing import Any, Protocol

from harmony._model.jsontext import dump, load
from harmony._training.keys import row_format
from harmony._training.tables import pruned, unpacked
from harmony.cli.files import FileError, about, opened

ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")

PORTION = 2**18
"""Bytes that are read at a time."""

SIGNALS = 0.1
"""So many seconds a signal may wait at a pipe that gives nothing."""

FIRST = 2**20
"""So many bytes are looked at to find out the format."""


class Source(Protocol):
    """A file of lines, which is read as its bytes come.

    ``read`` and ``readline`` would go on reading in C, where a signal that arrives
    between two reads waits until there is more to read.
    """

    def read1(self, size: int, /) -> bytes:
        """Return what one read gives, at most ``size`` bytes; none at the end."""

    def seekable(self) -> bool:
        """Tell whether ``seek`` can be called."""

    def seek(self, position: int, /) -> int:
        """Go to a byte."""


class Stream:
    """Bytes that come from somewhere, portion by portion."""

    def __init__(self, portions: Iterator[bytes]) -> None:
        """Take portions, of which none is empty."""
        self._portions = portions
        self._portion = b""
        self._taken = 0

    def read1(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        if self._taken == len(self._portion):
            self._portion, self._taken = next(self._portions, b""), 0
        given = self._portion[self._taken : self._taken + size]
        self._taken += len(given)
        return given

    def peek(self, size: int) -> bytes:
        """Return the first bytes, a line or so many, before any is taken."""
        while b"\n" not in self._portion and len(self._portion) < size:
            portion = next(self._portions, b"")
            if not portion:
                break
            self._portion += portion
        return self._portion

    def seekable(self) -> bool:
        """Tell that it goes forward only."""
        return False

    def seek(self, position: int, /) -> int:
        """Raise ``OSError``."""
        raise OSError("this can't be read from another place")


@contextmanager
def lines_of(path: str) -> Iterator[Source]:
    """Give the lines of a file, by its name: .gz, .zst, .parquet, or plain.

    Raises ``OSError``, and ``ValueError`` for what is damaged.
    """
    if path.endswith(".gz"):
        with gzip.open(path) as file:
            yield Stream(_portions(file.read1))
    elif path.endswith(".zst"):
        import pyarrow as pa

        with pa.OSFile(path) as raw, pa.CompressedInputStream(raw, "zstd") as file:
            yield Stream(_portions(file.read))
    elif path.endswith(".parquet"):
        yield Stream(_rows(path))
    else:
        with opened(path) as file:
            yield file if file.seekable() else Stream(_portions(_reader(file)))


def files_of(folder: str) -> list[str]:
    """Return the names of the files of rows in a folder. Raises ``FileError``."""
    names = sorted(name for name in os.listdir(folder) if name.endswith(ENDINGS))
    if not names:
        raise FileError(f"{folder} has no files in {', '.join(ENDINGS)}")
    return names


def expanded(paths: Sequence[str]) -> list[str]:
    """Return paths of files: those given, and those in the folders given."""
    found: list[str] = []
    for path in paths:
        if os.path.isdir(path):
            found += [os.path.join(path, name) for name in files_of(path)]
        else:
            found.append(path)
    return found


class Inputs:
    """Files as one, and which of its lines are whose.

    >>> Inputs(["a.jsonl"]).place(3)
    ('a.jsonl', 3)
    """

    def __init__(self, paths: Sequence[str]) -> None:
        """Take the files in their order."""
        self._paths = paths
        self._before = [0]  # the lines before each file that was begun

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """Give the lines of all. Raises ``FileError`` naming one that is damaged."""
        if len(self._paths) == 1:
            with lines_of(self._paths[0]) as source:
                yield source
        else:
            yield Stream(self._portions())

    def _portions(self) -> Iterator[bytes]:
        for path in self._paths:
            lines = self._before[-1]
            last = b"\n"
            with _named(path), lines_of(path) as source:
                while portion := source.read1(PORTION):
                    lines += portion.count(b"\n")
                    last = portion[-1:]
                    yield portion
            if last != b"\n":
                lines += 1
                yield b"\n"
            self._before.append(lines)

    def place(self, line: int) -> tuple[str, int]:
        """Return the file of a line that was read, and its number there."""
        index = bisect_left(self._before, line) - 1
        index = min(index, len(self._paths) - 1)
        return self._paths[index], line - self._before[index]


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        with about(path):
            yield
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None


def first_line(source: Source) -> bytes:
    """Return the first line, or as much of it as tells the format.

    Nothing of it is lost: a stream keeps it, and in a file a run seeks its beginning.
    """
    if isinstance(source, Stream):
        start = source.peek(FIRST)
    else:
        start = b""
        while b"\n" not in start and len(start) < FIRST:
            portion = source.read1(FIRST)
            if not portion:
                break
            start += portion
    return start.partition(b"\n")[0]


def _reader(pipe: BufferedReader) -> Callable[[int], bytes]:
    """Return what reads a pipe as its bytes come.

    A signal that arrives just before the system reads would wait for more bytes, so
    nothing is read before there are some.
    """

    def read(size: int) -> bytes:
        while not select.select([pipe], [], [], SIGNALS)[0]:
            pass  # a signal raises here
        return pipe.read1(size)

    try:
        select.select([pipe], [], [], 0)
    except (OSError, ValueError):  # in memory; and Windows knows that of sockets alone
        return pipe.read1
    return read


def _portions(read: Any) -> Iterator[bytes]:
    try:
        while portion := read(PORTION):
            yield portion
    except (EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"the compressed file is damaged: {error}") from None


def _rows(path: str) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    os.stat(path)
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(256):
                for row in batch.to_pylist():
                    yield f"{dump(_row(row))}\n".encode()
    except pa.ArrowException as error:
        raise ValueError(f"no Parquet file, or a damaged one: {error}") from None
    except TypeError as error:
        raise ValueError(f"a column of values that JSON can't have: {error}") from None


def _row(value: Any) -> Any:
    """Return a row as JSON has it: what is null is left out; texts may be JSON."""
    row = pruned(value)
    for key in row.keys() & {"messages", "tools"}:
        with suppress(ValueError):  # whoever reads the line says that it is text
            row[key] = unpacked(row[key])
    return row


def format_of(line: bytes) -> str:
    """Return the format of a line, "chat" or "harmony".

    >>> format_of(b'{"messages": [{"role": "assistant", "content": "Hi."}]}')
    'chat'
    """
    try:
        return row_format(load(line))
    except ValueError:  # who reads the line says what is wrong
        return "harmony"
