"""Runs over several processes."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding, HarmonyError, load_harmony_encoding
from harmony._training.job import Job
from harmony.cli import main
from harmony.cli.bulk import workers
from harmony.cli.bulk.run import BadLine
from harmony.cli.bulk.workers import AHEAD, Batch, LineRenderer, in_order
from support.bulk import BAD, GOOD, conversations, flat, nothing, posix, records, run


@pytest.mark.parametrize("processes", [2, 3])
def test_order_is_kept_over_processes(tmp_path: Path, processes: int) -> None:
    lines = conversations(60)
    lines[40:40] = [BAD]
    told = []
    for name, count in (("one", 1), ("many", processes)):
        bulk = run(tmp_path / f"{name}.bin", processes=count, skips=True)
        bulk(
            io.BytesIO(b"".join(lines)), lambda line, reason: told.append(line), nothing
        )
    assert flat(tmp_path / "one.bin") == flat(tmp_path / "many.bin")
    assert told == [41, 41]


def test_a_bad_line_stops_all_processes(out: Path) -> None:
    lines = conversations(60)
    lines[30] = BAD
    with pytest.raises(BadLine, match="line 31: messages") as caught:
        run(out, processes=2)(io.BytesIO(b"".join(lines)), nothing, nothing)
    assert caught.value.line == 31
    assert len(records(out)) == 30


def test_only_so_much_is_read_ahead() -> None:
    """Memory does not grow with the file."""
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield GOOD % taken

    renderer = LineRenderer(Job("harmony"), stops=True)
    with in_order(renderer, chunks(), 2) as batches:
        for number, batch in enumerate(batches):
            assert isinstance(batch, Batch) and len(batch.lengths) == 1
            assert taken <= number + 2 * AHEAD
    assert taken == 100


def test_a_worker_that_died_is_an_error(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = workers._start

    def start_and_kill(renderer: LineRenderer) -> subprocess.Popen[bytes]:
        started.append(start(renderer))
        started[-1].kill()
        return started[-1]

    monkeypatch.setattr(workers, "_start", start_and_kill)
    with pytest.raises(HarmonyError, match=r"a worker process ended \(status "):
        run(out, processes=2)(io.BytesIO(b"".join(conversations(9))), nothing, nothing)
    assert all(worker.returncode is not None for worker in started)


@posix
def test_a_worker_that_can_not_be_started_is_an_error(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be an error about the input file."""
    monkeypatch.setattr(sys, "executable", "/missing/python")
    with pytest.raises(HarmonyError, match="a worker process could not be started: No"):
        run(out, processes=2)(io.BytesIO(GOOD % 1), nothing, nothing)
    assert list(out.parent.iterdir()) == []


class Stream(io.BytesIO):
    """Standard input or output, which has bytes below it."""

    @property
    def buffer(self) -> Stream:
        return self


def test_a_worker_makes_batches_until_its_input_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a worker does, in this process."""
    renderer = LineRenderer(Job("harmony"), stops=True)
    sent = pickle.dumps(renderer) + pickle.dumps(GOOD % 1) + pickle.dumps(BAD)
    ends: list[int] = []
    chunks, batches = Stream(sent), Stream()
    monkeypatch.setattr(sys, "stdin", chunks)
    monkeypatch.setattr(sys, "stdout", batches)
    monkeypatch.setattr(os, "_exit", ends.append)
    workers.work()
    assert ends == [0]
    encoding = load_harmony_encoding("HarmonyGptOss")
    batches.seek(0)
    for chunk in (GOOD % 1, BAD):
        assert pickle.load(batches) == renderer(encoding, chunk)
    assert batches.read() == b""


class NoMemory(LineRenderer):
    """A renderer of lines that are too long."""

    def __call__(self, encoding: HarmonyEncoding, chunk: bytes) -> Batch:
        raise MemoryError


def test_a_worker_without_memory_ends_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its traceback was on the screen."""
    renderer = NoMemory(Job("harmony"), stops=True)
    ends: list[int] = []
    chunks = Stream(pickle.dumps(renderer) + pickle.dumps(GOOD % 1))
    monkeypatch.setattr(sys, "stdin", chunks)
    monkeypatch.setattr(sys, "stdout", Stream())
    monkeypatch.setattr(os, "_exit", ends.append)
    workers.work()
    assert ends == [workers.NO_MEMORY]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_line_that_is_too_long_is_no_traceback(
    out: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, processes: str
) -> None:
    source = out.parent / "in.jsonl"
    source.write_bytes(GOOD % 1)

    def start(renderer: LineRenderer) -> subprocess.Popen[bytes]:
        ends = f"import sys; sys.exit({workers.NO_MEMORY})"
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen([sys.executable, "-c", ends], **pipes)

    monkeypatch.setattr(workers, "_start", start)
    monkeypatch.setattr(LineRenderer, "__call__", NoMemory.__call__)
    command = ["render", "--jsonl", str(source), "--out", str(out)]
    assert main([*command, "--processes", processes]) == 1
    assert capfd.readouterr().err == f"harmony: {source}: not enough memory\n"
    assert list(out.parent.iterdir()) == [source]


def test_a_thread_that_comes_late_starts_no_worker() -> None:
    ended = workers._Workers(LineRenderer(Job("harmony"), stops=True))
    ended.end()
    with pytest.raises(HarmonyError, match="the workers have been ended"):
        ended.render(GOOD % 1)
