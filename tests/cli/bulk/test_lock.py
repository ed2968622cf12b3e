"""Two runs on one output: the second is told that the first is there."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harmony.cli.bulk import lock
from harmony.cli.bulk.lock import only_run
from harmony.cli.files import FileError
from support.bulk import Command, conversations, posix, records

HOLD = """
import sys
from harmony.cli.bulk.lock import only_run
with only_run(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


def holder(out: Path) -> subprocess.Popen[bytes]:
    """Start a process that has the lock of a file; return when it has it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked" + os.linesep.encode()
    return process


def test_a_second_run_is_told_that_the_first_is_there(
    render: Command, out: Path
) -> None:
    """Both wrote, and the records of both were in the file, torn."""
    with holder(out) as first:
        status, stdout, stderr = render(conversations(3))
        first.communicate(b"")
    assert (status, stdout) == (1, "")
    assert stderr == f"harmony: {out} is being written by another run\n"
    assert [path.name for path in out.parent.iterdir()] == ["in.jsonl"]
    assert render(conversations(3))[0] == 0
    assert len(records(out)) == 3


@posix
def test_a_run_that_was_killed_hinders_none(render: Command, out: Path) -> None:
    with holder(out) as first:
        first.send_signal(signal.SIGKILL)
        first.communicate()
    assert Path(f"{out}.lock").exists()
    assert render(conversations(3))[0] == 0
    assert not Path(f"{out}.lock").exists()


def test_a_lock_is_one_however_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    other = tmp_path / "folder" / ".." / "out.jsonl"
    with (
        only_run(str(tmp_path / "out.jsonl")),
        pytest.raises(FileError, match="another run"),
        only_run(str(other)),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_other_files_are_not_locked(tmp_path: Path) -> None:
    with only_run(str(tmp_path / "a.jsonl")), only_run(str(tmp_path / "b.jsonl")):
        pass


def failing(number: int) -> Any:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_there_are_no_locks_a_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    monkeypatch.setattr(lock, "_lock", failing(number))
    with only_run(str(tmp_path / "out")):
        assert (tmp_path / "out.lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_any_other_error_is_that_of_the_lock_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lock, "_lock", failing(errno.EIO))
    with pytest.raises(OSError) as caught, only_run(str(tmp_path / "out")):
        pass
    assert (caught.value.errno, caught.value.filename) == (
        *(errno.EIO, str(tmp_path / "out.lock")),
    )


@posix
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_lock_file_that_its_run_has_just_removed_is_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, comes_back: bool
) -> None:
    """Between opening it and locking it, the file was another run's."""
    name = tmp_path / "out.lock"
    lock_it = lock._lock
    calls = []

    def slow(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            name.unlink()
            if comes_back:
                name.touch()
        lock_it(descriptor)

    monkeypatch.setattr(lock, "_lock", slow)
    with only_run(str(tmp_path / "out")):
        assert os.path.samestat(name.stat(), os.fstat(calls[-1]))
    assert len(calls) == 2
    assert list(tmp_path.iterdir()) == []
