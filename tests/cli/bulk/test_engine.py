"""``harmony render --engine ray``: nothing is lost when a worker is killed."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harmony.cli import main
from support import ROOT
from support.bulk import BAD, GOOD
from support.rows import chat_row, lines

FILES, ROWS = 4, 6000
OPTIONS = ("--for", "training", "--mask", "sampled", "--date", "2025-06-28")
RAY = ("--engine", "ray")
slow = pytest.mark.slow
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")


def started(source: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "harmony", "render", "--jsonl", source]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [*map(str, command), "--out", str(out), "--engine", "ray", *OPTIONS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> dict[str, int]:
    out, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, int] = json.loads(out.splitlines()[-1])
    return found


def writer_of(folder: Path) -> int | None:
    """Return the process that writes a file which is not whole yet."""
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith(str(folder)) and target.endswith(".unfinished"):
            return int(path.parts[2])
    return None


@slow
@needs_ray
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_killed_worker_loses_nothing(tmp_path: Path, capsys: Any) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for number in range(FILES):
        rows = [chat_row(number * ROWS + i) for i in range(ROWS)]
        (source / f"part-{number}.jsonl").write_bytes(lines(rows))
    process = started(source, out)
    while (victim := writer_of(out)) is None:
        assert process.poll() is None, "nothing was killed"
        time.sleep(0.01)
    os.kill(victim, signal.SIGKILL)
    finished(process)
    for number in range(FILES):
        name = f"part-{number}"
        alone = tmp_path / f"{name}.parquet"
        status = main(
            ["render", "--jsonl", str(source / f"{name}.jsonl"), "--out", str(alone)]
            + ["--processes", "1", *OPTIONS]
        )
        assert status == 0
        assert pq.read_table(out / f"{name}.parquet").equals(pq.read_table(alone))
    kept = out / "part-0.parquet"
    before = kept.stat().st_mtime_ns
    (out / "part-2.parquet").unlink()
    assert finished(started(source, out))["records"] == ROWS
    assert kept.stat().st_mtime_ns == before
    assert (out / "part-2.parquet").exists()
    assert {path.suffix for path in out.iterdir()} == {".parquet", ".journal"}


class Rows(list[Any]):
    """What is used of Ray's data sets, as a list."""

    def map(self, work: Any) -> Rows:
        return Rows(map(work, self))

    def take_all(self) -> Rows:
        return self


def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the engine be a loop."""

    def from_items(items: list[Any], override_num_blocks: int) -> Rows:
        assert override_num_blocks == len(items)  # one file does not wait for another
        return Rows(items)

    data = SimpleNamespace(from_items=from_items)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(data=data))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow")
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.jsonl").write_bytes(GOOD % 1 + GOOD % 2)
    (source / "b.jsonl").write_bytes(GOOD % 3 + BAD)
    (source / "notes.txt").write_bytes(b"nothing")
    return source


def run(capsys: Any, source: Path, *options: str) -> tuple[int, str, str]:
    out = str(source.parent / "out")
    status = main(["render", "--jsonl", str(source), "--out", out, *RAY, *options])
    return status, *capsys.readouterr()


def test_a_bad_file_does_not_keep_others_from_being_done(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    status, _, err = run(capsys, folder)
    assert status == 1
    assert f"{folder / 'b.jsonl'}: line 2: messages[0].role: unknown role 'bob'" in err
    assert (folder.parent / "out" / "a.parquet").exists()
    status, out, err = run(capsys, folder, "--on-error", "skip")
    assert status == 0
    assert json.loads(out)["skipped"] == 1
    assert err.count("line 2") == 1
    assert json.loads(run(capsys, folder)[1])["records"] == 0


def test_files_that_would_become_the_same_are_refused(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of them was taken for done, and dropped without a word."""
    without_ray(monkeypatch)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(GOOD % 4))
    status, _, err = run(capsys, folder)
    assert status == 1
    assert f"{folder}: a.jsonl and a.jsonl.gz would both become a.parquet" in err
    assert not (folder.parent / "out").exists()


def test_a_folder_is_not_rendered_into_itself(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file a.parquet in it was taken for the result of a.parquet."""
    without_ray(monkeypatch)
    status = main(["render", "--jsonl", str(folder), "--out", f"{folder}/", *RAY])
    assert status == 1
    assert "--out has to be another folder" in capsys.readouterr().err


def test_lines_left_out_are_told_of_though_another_file_is_damaged(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    (folder / "c.jsonl.gz").write_bytes(b"nothing of it")
    status, _, err = run(capsys, folder, "--on-error", "skip")
    assert status == 1
    assert f"{folder / 'b.jsonl'}: line 2: " in err
    assert f"{folder / 'c.jsonl.gz'}: " in err


def test_other_options_do_not_go_on(
    folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_ray(monkeypatch)
    run(capsys, folder, "--on-error", "skip")
    status, _, err = run(capsys, folder, "--for", "training")
    assert (status, "was begun with other options" in err) == (1, True)


def test_a_folder_without_rows_is_named(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "in").mkdir()
    status, _, err = run(capsys, tmp_path / "in")
    assert status == 1 and f"{tmp_path / 'in'} has no files in .jsonl" in err
    with pytest.raises(SystemExit):
        run(capsys, tmp_path / "in", "--resume")
