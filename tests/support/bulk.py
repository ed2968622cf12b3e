"""Files of many conversations, and runs over them."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from harmony._training.job import Job
from harmony.cli.bulk.run import BulkRun

from . import TEST_DATA

WEATHER = TEST_DATA / "weather.json"
GOOD = b'{"messages": [{"role": "user", "content": "hi %d"}]}\n'
BAD = b'{"messages": [{"role": "bob", "content": "hi"}]}\n'

posix = pytest.mark.skipif(os.name != "posix", reason="files and signals differ there")


def conversations(count: int) -> list[bytes]:
    """Return lines of conversations, no two the same, of different lengths."""
    talk = json.loads(WEATHER.read_bytes())
    lines = []
    for number in range(count):
        talk["messages"][-1]["content"] = f"{number} " + "sun " * (number * 7 % 90)
        lines.append(json.dumps(talk).encode() + b"\n")
    return lines


def flat(path: Path) -> list[list[int]]:
    """Read OUT.bin and OUT.idx as docs/command.md says."""
    starts = numpy.memmap(path.with_suffix(".idx"), dtype="<u8", mode="r")
    if len(starts) == 1:
        assert path.read_bytes() == b""
        return []
    tokens = numpy.memmap(path, dtype="<i4", mode="r")
    assert (starts[0], starts[-1]) == (0, len(tokens))
    return [tokens[a:b].tolist() for a, b in itertools.pairwise(starts)]


def records(path: Path) -> list[list[int]]:
    if path.suffix == ".bin":
        return flat(path)
    return [json.loads(line) for line in path.read_bytes().splitlines()]


Command = Callable[..., tuple[int, str, str]]


def run(out: Path, **how: Any) -> BulkRun:
    job = Job("harmony", "completion", mask=None, drop_analysis="upstream")
    return BulkRun(str(out), job, **{"chunk_size": 3000, **how})


def nothing(*_: object) -> None:
    pass


# A run that goes on after a checkpoint when it reads a line: as far as it may and no
# farther, however late it is killed.
SCRIPT = """
import sys
from harmony.cli.bulk.run import BulkRun
from harmony._training.job import Job
source, target, processes, chunk_size, shard_size = sys.argv[1:]
job = Job("harmony", "completion", mask=None, drop_analysis="upstream")
run = BulkRun(target, job, int(processes), resumes=True, skips=True,
              chunk_size=int(chunk_size), sync_seconds=0,
              shard_size=int(shard_size) or None)
def reached(checkpoint):
    print(flush=True)
    sys.stdin.readline()
with open(source, "rb") as file:
    run(file, lambda line, reason: None, reached)
"""
FARTHEST = 8
"""How many checkpoints a run gets to before it is killed, at most."""


def killable(
    source: Path,
    out: Path,
    processes: int,
    chunk_size: int,
    shard_size: int | None = None,
) -> list[Any]:
    """Return the command of such a run."""
    numbers = map(str, (processes, chunk_size, shard_size or 0))
    return [sys.executable, "-c", SCRIPT, source, out, *numbers]


def is_killed(command: list[Any], seed: random.Random) -> bool:
    """Start a run and kill it; return whether it had not finished."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdin and process.stdout and process.stderr
    process.stdin.write(b"\n" * (FARTHEST - 1))
    process.stdin.flush()
    for _ in range(seed.randrange(FARTHEST)):
        process.stdout.readline()
    time.sleep(seed.random() / 100)
    process.kill()
    # A worker holds this pipe as well: its end is the end of all of them.
    assert process.stderr.read() == b""
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    return process.wait() != 0
