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
from contextlib import suppress
from dataclasses import asdict, dataclass

from harmony._training.job import Job
from harmony.cli.bulk import journal
from harmony.cli.bulk.journal import Checkpoint
from harmony.cli.bulk.lock import only_run
from harmony.cli.bulk.records import Records, Written
from harmony.cli.bulk.sources import Source
from harmony.cli.bulk.workers import TAIL, Batch, LineRenderer, in_order
from harmony.cli.files import FileError, about
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
        self.reason = reason


@dataclass(frozen=True)
class BulkRun:
    """What to render, how, and where to.

    ``target``: a path that ends in ``.jsonl`` or ``.bin``; or in ``.parquet``, or with
    ``shard_size`` a folder, of Parquet files of so many records or some more.
    ``skips``: a bad line is told of, and left out; else it stops the run, with
    ``BadLine``. ``resumes``: goes on where the journal says that the last run came.
    ``chunk_size``: bytes of input that a process gets at a time, up to the end of a
    line.
    """

    target: str
    job: Job
    processes: int = 1
    skips: bool = False
    resumes: bool = False
    chunk_size: int = CHUNK_SIZE
    sync_seconds: float = SYNC_SECONDS
    shard_size: int | None = None

    def __call__(
        self,
        source: Source,
        told: Callable[[int, str], None],
        seen: Callable[[Checkpoint], None],
    ) -> Checkpoint | None:
        """Render ``source``, open to read; return how far the run has come.

        None if there was nothing to do: the run to be resumed is finished.

        ``told`` is called with each line that is left out, and why; ``seen`` with how
        far the run has come. Raises ``BadLine``, ``OSError``, and ``ValueError`` for
        what can't be resumed. Whatever ends it, it can be resumed; if it ends before
        anything was done, nothing is left of it. Raises ``FileError`` if another run
        is writing the target.
        """
        with about(self.target):
            os.stat(os.path.join(os.path.dirname(self.target) or os.curdir, ""))
        with only_run(self.target):
            return self._run(source, told, seen)

    def _run(
        self,
        source: Source,
        told: Callable[[int, str], None],
        seen: Callable[[Checkpoint], None],
    ) -> Checkpoint | None:
        start = self._start()
        if start is None:
            return None
        tail = _skip(source, start)
        run = _Run(self, start, tail, told)
        try:
            run.open()
            self._render(run, source, seen)
        except BaseException:
            run.give_up()
            raise
        finally:
            run.close()
        journal.remove(self.target)
        return run.reached

    def _start(self) -> Checkpoint | None:
        """Return where to begin; None if the run to be resumed is finished."""
        job = asdict(self.job)
        if self.shard_size is not None:
            job["shard_size"] = self.shard_size
        known = journal.read(self.target)
        if known is None:
            if self.resumes and os.path.exists(self.target):
                return None
            return Checkpoint(job)
        name = journal.journal_path(self.target)
        if not self.resumes:
            raise FileError(
                f"{self.target} is not finished: resume it with --resume, or remove "
                f"{name} to begin anew"
            )
        if known.job != job:
            raise FileError(f"{self.target} was begun with other options: {known.job}")
        return known

    def _render(
        self, run: _Run, source: Source, seen: Callable[[Checkpoint], None]
    ) -> None:
        renderer = LineRenderer(self.job, stops=not self.skips)
        # A shard is whole only behind the batch that ends it, so each batch is asked.
        pause = self.sync_seconds if self.shard_size is None else 0.0
        due = 0.0
        with in_order(renderer, self._chunks(source), self.processes) as batches:
            for batch in batches:
                run.take(batch, stops=not self.skips)
                seen(run.reached)
                if time.monotonic() >= due:
                    run.keep()
                    due = time.monotonic() + pause
        run.finish()

    def _chunks(self, source: Source) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        while portion := source.read1(self.chunk_size):
            parts.append(portion)
            size += len(portion)
            if size < self.chunk_size:
                continue
            lines, feed, rest = portion.rpartition(b"\n")
            if feed:
                yield b"".join([*parts[:-1], lines, feed])
                parts, size = [rest], len(rest)
        if size:
            yield b"".join(parts)


class _Run:
    """A run under way: its files, and how far it has come."""

    def __init__(
        self,
        bulk: BulkRun,
        start: Checkpoint,
        tail: bytes,
        told: Callable[[int, str], None],
    ) -> None:
        self.reached = start
        self._bulk = bulk
        self._target = bulk.target
        self._tail = tail
        self._told = told
        self._begins = not os.path.exists(journal.journal_path(bulk.target))
        self._files: Written | None = None

    @property
    def _records(self) -> Written:
        assert self._files is not None, "open comes first"
        return self._files

    def open(self) -> None:
        """Open the files, and cut them where the run is to begin.

        The journal comes first: a file without one would be taken for finished.
        """
        start = self.reached
        if self._begins:
            journal.write(self._target, start)
        self._files = self._opened()
        self._files.cut(start.records, start.tokens, start.size)

    def _opened(self) -> Written:
        bulk = self._bulk
        masked = bulk.job.mask is not None
        if bulk.shard_size is None and not bulk.target.endswith(".parquet"):
            return Records(bulk.target, masked)
        from harmony.cli.bulk.shards import Shards

        return Shards(bulk.target, masked, bulk.shard_size)

    def take(self, batch: Batch, stops: bool) -> None:
        """Write a batch; tell of its bad lines, or stop at the one it has."""
        before = self.reached
        self._records.add(batch)
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
            before.dropped + batch.dropped,
        )
        for number, reason in batch.errors:
            line = before.lines + number + 1
            if stops:
                raise BadLine(line, reason)
            self._told(line, reason)

    def keep(self) -> None:
        """Make it so that the run can be resumed from here."""
        if self._records.sync():
            journal.write(self._target, self.reached)

    def finish(self) -> None:
        """Bring all to the disk: the run is over."""
        self._records.finish()
        self._records.sync()

    def give_up(self) -> None:
        """Keep what was done; if nothing was, leave nothing behind."""
        with suppress(OSError):  # what made the run give up is told, not this
            if not self._begins or self.reached.offset:
                if self._files is not None:
                    self.keep()
            elif self._files is None or self._files.discard():
                journal.remove(self._target)

    def close(self) -> None:
        """Close the files."""
        if self._files is not None:
            self._files.close()


def _skip(source: Source, start: Checkpoint) -> bytes:
    """Go to where a run is to begin; return the last bytes before.

    Raises ``ValueError`` if they are not those that the run read.
    """
    length = min(TAIL, start.offset)
    left = start.offset - length
    if source.seekable():
        source.seek(left)
        left = 0
    while left and (portion := source.read1(min(left, CHUNK_SIZE))):
        left -= len(portion)
    tail = b""
    while len(tail) < length and (portion := source.read1(length - len(tail))):
        tail += portion
    if len(tail) < length or zlib.crc32(tail) != start.tail:
        raise ValueError("the input is not what the run to be resumed has read")
    return tail
