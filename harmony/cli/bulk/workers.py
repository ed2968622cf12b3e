"""Chunks of lines to batches of records, in order, over processes.

A worker is this module in a Python of its own, which reads chunks from its standard
input and writes batches to its standard output. It ends when its input does, so no
worker outlives a parent that was killed; Ctrl-C does not reach it, so what it was
doing is finished or dropped by the parent alone. Each worker has a thread of the
parent, which hands it one chunk at a time.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Any

from harmony._model.jsontext import read_json
from harmony._training.job import Job, render_rows
from harmony.encoding import HarmonyEncoding, load_harmony_encoding
from harmony.errors import HarmonyError

AHEAD = 2
"""How many chunks are under way for each process."""

NO_MEMORY = 12
"""The status of a worker that had not enough memory; ENOMEM has this number."""

TAIL = 4096
"""How many of the last bytes of its input a run remembers."""


@dataclass(frozen=True)
class Batch:
    """The records of a chunk, and the lines that could not be rendered.

    ``tokens``: of all records, int32 as this machine has it. ``lengths``: how many
    each has. ``mask``: as many int8, or nothing. ``dropped``: how many messages were
    left out. ``errors``: lines, counted from 0, that are no record, and why.
    ``lines`` and ``size``: how many lines and bytes of the chunk are done with; all,
    unless a bad line stopped it. ``tail``: the last ``TAIL`` of these bytes.
    """

    tokens: bytes
    lengths: list[int]
    mask: bytes
    dropped: int
    errors: list[tuple[int, str]]
    lines: int
    size: int
    tail: bytes


@dataclass(frozen=True)
class LineRenderer:
    """Makes a batch of a chunk. ``stops``: the first bad line ends the batch."""

    job: Job
    stops: bool

    def __call__(self, encoding: HarmonyEncoding, chunk: bytes) -> Batch:
        """Render every line, up to the first bad one if that stops."""
        lines = chunk.removesuffix(b"\n").split(b"\n")
        reader = self.job.reader()
        what = "Conversation" if self.job.format == "harmony" else "Chat"
        found, errors = rendered = render_rows(
            encoding,
            self.job,
            lines,
            lambda line: reader(read_json(what, line)),
            self.stops,
        )
        done, size = len(lines), len(chunk)
        if self.stops and errors:
            done = errors[0][0]
            size = sum(len(line) + 1 for line in lines[:done])
        return Batch(
            found.tokens.tobytes(),
            [stop - start for start, stop in pairwise(found.offsets)],
            found.mask.tobytes(),
            rendered.dropped() if self.job.drop_analysis != "never" else 0,
            errors,
            done,
            size,
            chunk[max(0, size - TAIL) : size],
        )


@contextmanager
def in_order(
    renderer: LineRenderer, chunks: Iterable[bytes], processes: int
) -> Iterator[Iterator[Batch]]:
    """Give the batches of chunks, in order; on leaving, the workers are gone.

    At most ``AHEAD`` chunks for each process are read before their batches are
    taken. One process is this one.
    """
    if processes == 1:
        encoding = load_harmony_encoding("HarmonyGptOss")
        yield (renderer(encoding, chunk) for chunk in chunks)
        return
    workers = _Workers(renderer)
    with ThreadPoolExecutor(processes) as threads:
        try:
            yield _ahead(
                lambda chunk: threads.submit(workers.render, chunk),
                chunks,
                AHEAD * processes,
            )
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            workers.end()


def _ahead(
    submit: Callable[[bytes], Future[Batch]], chunks: Iterable[bytes], limit: int
) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    for chunk in chunks:
        waiting.append(submit(chunk))
        if len(waiting) == limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Workers:
    """A worker for each thread that asks, started when it first does."""

    def __init__(self, renderer: LineRenderer) -> None:
        self._renderer = renderer
        self._own = threading.local()
        self._lock = threading.Lock()
        self._all: list[subprocess.Popen[bytes]] = []
        self._ended = False

    def render(self, chunk: bytes) -> Batch:
        """Let this thread's worker make a batch.

        Raises ``HarmonyError`` if it died, ``MemoryError`` if it had not enough.
        """
        worker = self._worker()
        assert worker.stdin is not None and worker.stdout is not None
        try:
            _send(chunk, worker.stdin)
            batch: Batch = pickle.load(worker.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            status = worker.wait()
            if status == NO_MEMORY:
                raise MemoryError from None
            raise HarmonyError(f"a worker process ended (status {status})") from None
        return batch

    def _worker(self) -> subprocess.Popen[bytes]:
        worker: subprocess.Popen[bytes] | None = getattr(self._own, "worker", None)
        if worker is None:
            with self._lock:
                if self._ended:
                    raise HarmonyError("the workers have been ended")
                worker = self._own.worker = _start(self._renderer)
                self._all.append(worker)
        return worker

    def end(self) -> None:
        """End all workers, whatever they are doing."""
        with self._lock:
            self._ended = True
        for worker in self._all:
            worker.kill()
        for worker in self._all:
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                assert pipe is not None
                _close(pipe)


def _close(pipe: IO[bytes]) -> None:
    with suppress(OSError):  # what was still to be sent has no reader any more
        pipe.close()


def _send(value: object, pipe: IO[bytes]) -> None:
    pickle.dump(value, pipe, pickle.HIGHEST_PROTOCOL)
    pipe.flush()


def _start(renderer: LineRenderer) -> subprocess.Popen[bytes]:
    # Modules come from where ours came from: with -c, the current folder would be
    # searched first.
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import work"
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        worker = subprocess.Popen(
            [sys.executable, "-c", f"{code}; work()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **apart,
        )
    except OSError as error:
        reason = error.strerror
        raise HarmonyError(f"a worker process could not be started: {reason}") from None
    assert worker.stdin is not None
    with suppress(OSError):  # that a worker has ended is seen at its first chunk
        _send(renderer, worker.stdin)
    return worker


def work() -> None:
    """Be a worker: take the renderer, then chunks, until there are none."""
    chunks, batches = sys.stdin.buffer, sys.stdout.buffer
    encoding = load_harmony_encoding("HarmonyGptOss")
    try:
        renderer: LineRenderer = pickle.load(chunks)
        while True:
            _send(renderer(encoding, pickle.load(chunks)), batches)
    except (EOFError, BrokenPipeError):
        # The parent has gone; what is still in the buffer has no reader.
        os._exit(0)
    except MemoryError:
        os._exit(NO_MEMORY)
