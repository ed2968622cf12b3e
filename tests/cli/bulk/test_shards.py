"""Parquet files of a run: stopped at any moment, by whatever, and taken up again."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from harmony.cli.bulk.journal import Checkpoint, journal_path
from support.bulk import BAD, conversations, is_killed, killable, nothing, posix, run

pq = pytest.importorskip("pyarrow.parquet")
slow = pytest.mark.slow

COUNT, SHARD = 60, 6


@pytest.fixture(params=["shards", "single"])
def how(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, int | None]:
    """Return where to, and how large a shard is."""
    if request.param == "single":
        return tmp_path / "out.parquet", None
    return tmp_path / "out", SHARD


def rows(out: Path) -> list[list[int]]:
    """Read the records of a run that is over."""
    assert not Path(journal_path(str(out))).exists()
    paths = [out]
    if out.is_dir():
        paths = sorted(out.iterdir())
        names = [f"part-{number:05}.parquet" for number in range(len(paths))]
        assert [path.name for path in paths] == names
        assert all(pq.read_metadata(path).num_rows >= SHARD for path in paths[:-1])
    assert not list(out.parent.glob("*.unfinished"))
    tables = [pq.read_table(path) for path in paths]
    return [row for table in tables for row in table["input_ids"].to_pylist()]


def whole(lines: list[bytes], tmp_path: Path) -> list[list[int]]:
    out = tmp_path / "whole.parquet"
    run(out, skips=True)(io.BytesIO(b"".join(lines)), nothing, nothing)
    return rows(out)


@posix
@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=slow)])
def test_a_run_that_is_killed_goes_on(
    tmp_path: Path, how: tuple[Path, int | None], processes: int
) -> None:
    out, shard_size = how
    lines = conversations(COUNT)
    lines[COUNT // 3 : COUNT // 3] = [BAD] * 3
    wanted = whole(lines, tmp_path)
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(lines))
    # A single file begins anew, so it has to be done within one run.
    size = 5000 if shard_size else 14_000
    command = killable(source, out, processes, size, shard_size)
    seed = random.Random(processes + 1)
    kills = 0
    while is_killed(command, seed):
        kills += 1
        for path in tmp_path.glob("out*/*.parquet" if shard_size else "out.parquet"):
            pq.read_table(path)  # what has its name is whole
    assert kills > 1
    assert rows(out) == wanted


def test_a_run_that_is_stopped_at_any_batch_goes_on(
    tmp_path: Path, how: tuple[Path, int | None]
) -> None:
    out, shard_size = how
    data = b"".join(conversations(COUNT // 2))
    wanted = whole(conversations(COUNT // 2), tmp_path)

    def is_stopped(batches: int, resumes: bool) -> bool:
        """Run until so many batches are written; tell whether there were so many."""
        left = itertools.count(batches, -1)

        def stop(_: Checkpoint) -> None:
            if next(left) == 0:
                raise KeyboardInterrupt

        again = run(out, shard_size=shard_size, resumes=resumes)
        try:
            again(io.BytesIO(data), nothing, stop)
        except KeyboardInterrupt:
            return True
        return False

    stops = 0
    while is_stopped(stops, resumes=False):
        stops += 1
        assert not is_stopped(len(data), resumes=True)
        assert rows(out) == wanted
    assert stops > 5
    assert rows(out) == wanted


@posix
@pytest.mark.parametrize("processes", ["1", pytest.param("2", marks=slow)])
@pytest.mark.parametrize("long", [0, 40])
def test_a_disk_without_room_is_told_of_the_file_that_found_none(
    tmp_path: Path, how: tuple[Path, int | None], long: int, processes: str
) -> None:
    """``long``: the first row that there is no room for."""
    import resource

    out, shard_size = how
    source = tmp_path / "in.jsonl"
    lines = conversations(300)
    talk = json.loads(lines[long])
    talk["messages"][-1]["content"] = os.urandom(150_000).hex()
    lines[long] = json.dumps(talk).encode() + b"\n"
    source.write_bytes(b"".join(lines))
    command = [sys.executable, "-m", "harmony", "render", "--jsonl", str(source)]
    command += ["--out", str(out), "--processes", processes]
    command += ["--shard-size", "6"] if shard_size else []
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_FILE")
    done = subprocess.run(
        command,
        capture_output=True,
        env={name: os.environ[name] for name in os.environ if name not in measured},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert (done.returncode, done.stdout) == (1, b"")
    told = done.stderr.decode()
    assert told.startswith(f"harmony: {out}")
    assert told.endswith(".parquet.unfinished: File too large\n")
    assert not list(tmp_path.glob("**/*.unfinished"))
    kept = sorted(tmp_path.glob("out*/*.parquet"))
    assert bool(kept) == bool(long and shard_size)
    before = [path.stat().st_mtime_ns for path in kept]
    done = subprocess.run([*command, "--resume"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rows(out) == whole(lines, tmp_path)
    assert before == [path.stat().st_mtime_ns for path in kept]
