"""``harmony render --jsonl``: a file of conversations, one a line, to records.

Lines are rendered over processes and written in their order. How far the run has come
is in a journal, so it can be stopped at any moment, by whatever means, and goes on
without a line lost or twice. What is held in memory does not grow with the file.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import IO

from harmony.cli.bulk import journal
from harmony.cli.bulk.journal import Checkpoint
from harmony.cli.bulk.records import Records
from harmony.cli.bulk.workers import TAIL, Batch, LineRenderer, in_order
from harmony.cli.job import RenderJob
from harmony.errors import HarmonyError

CHUNK_SIZE = 2**18

SYNC_SECONDS = 1.0
"""How often the journal is written: what a run that is killed has to do again."""


class BadLine(HarmonyError):
    """A line that is no conversation, or has no token form, stopped the run."""

    def __init__(self, line: int, reason: str) -> None:
        """``line`` counts from 1."""
        super().__init__(f"line {line}: {reason}")
        self.line = line


@dataclass(frozen=True)
class BulkRun:
    """What to render, how, and where to.

    ``target``: a path that ends in ``.jsonl`` or ``.bin``. ``skips``: a bad line is
    told of, and left out; else it stops the run, with ``BadLine``. ``resumes``: goes
    on where the journal says that the last run came. ``chunk_size``: bytes of input
    that a process gets at a time, up to the end of a line.
    """

    target: str
    job: RenderJob
    processes: int = 1
    skips: bool = False
    resumes: bool = False
    chunk_size: int = CHUNK_SIZE
    sync_seconds: float = SYNC_SECONDS

    def __call__(
        self,
        source: IO[bytes],
        told: Callable[[int, str], None],
        seen: Callable[[Checkpoint], None],
    ) -> Checkpoint | None:
        """Render ``source``, open to read; return what was done; None if all was.

        ``told`` is called with each line that is left out, and why; ``seen`` with how
        far the run has come. Raises ``BadLine``, ``OSError``, and ``ValueError`` for
        what can't be resumed. Whatever ends it, it can be resumed.
        """
        start = self._start()
        if start is None:
            return None
        tail = _skip(source, start)
        records = Records(self.target, start.records, start.tokens, start.size)
        try:
            return self._render(_Run(start, records, tail, told), source, seen)
        finally:
            records.close()

    def _start(self) -> Checkpoint | None:
        """Return where to begin; None if all is done."""
        job = asdict(self.job)
        known = journal.read(self.target)
        if known is None:
            if self.resumes and os.path.exists(self.target):
                return None
            begun = Checkpoint(job)
            journal.write(self.target, begun)
            return begun
        name = journal.journal_path(self.target)
        if not self.resumes:
            raise ValueError(
                f"{self.target} is not finished: resume it, or remove {name} to begin "
                "anew"
            )
        if known.job != job:
            raise ValueError(f"{self.target} was begun with other options: {known.job}")
        return known

    def _render(
        self, run: _Run, source: IO[bytes], seen: Callable[[Checkpoint], None]
    ) -> Checkpoint:
        flat = Records.is_flat(self.target)
        renderer = LineRenderer(self.job, flat, stops=not self.skips)
        due = 0.0
        try:
            with in_order(renderer, self._chunks(source), self.processes) as batches:
                for batch in batches:
                    run.take(batch, stops=not self.skips)
                    seen(run.reached)
                    if time.monotonic() >= due:
                        run.keep(self.target)
                        due = time.monotonic() + self.sync_seconds
        finally:
            run.keep(self.target)
        journal.remove(self.target)
        return run.reached

    def _chunks(self, source: IO[bytes]) -> Iterator[bytes]:
        while chunk := source.read(self.chunk_size):
            yield chunk if chunk.endswith(b"\n") else chunk + source.readline()


class _Run:
    """A run under way: its files, and how far it has come."""

    def __init__(
        self,
        start: Checkpoint,
        records: Records,
        tail: bytes,
        told: Callable[[int, str], None],
    ) -> None:
        self.reached = start
        self._records = records
        self._tail = tail
        self._told = told

    def take(self, batch: Batch, stops: bool) -> None:
        """Write a batch; tell of its bad lines, or stop at the one it has."""
        before = self.reached
        self._records.add(batch.data, batch.lengths)
        self._tail = (self._tail + batch.tail)[-TAIL:]
        self.reached = Checkpoint(
            before.job,
            before.offset + batch.size,
            before.lines + batch.lines,
            zlib.crc32(self._tail),
            self._records.records,
            self._records.tokens,
            self._records.size,
            before.skipped + (0 if stops else len(batch.errors)),
        )
        for number, reason in batch.errors:
            line = before.lines + number + 1
            if stops:
                raise BadLine(line, reason)
            self._told(line, reason)

    def keep(self, target: str) -> None:
        """Make it so that the run can be resumed from here."""
        self._records.sync()
        journal.write(target, self.reached)


def _skip(source: IO[bytes], start: Checkpoint) -> bytes:
    """Go to where a run is to begin; return the last bytes before.

    Raises ``ValueError`` if they are not those that the run read.
    """
    length = min(TAIL, start.offset)
    left = start.offset - length
    if source.seekable():
        source.seek(left)
        left = 0
    while left and (read := source.read(min(left, CHUNK_SIZE))):
        left -= len(read)
    tail = source.read(length)
    if len(tail) < length or zlib.crc32(tail) != start.tail:
        raise ValueError("the input is not what the run to be resumed has read")
    return tail
