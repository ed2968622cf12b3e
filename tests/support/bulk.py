"""Files of many conversations, and runs over them."""

from __future__ import annotations

import itertools
import json
import os
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
