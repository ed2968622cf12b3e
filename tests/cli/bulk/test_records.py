"""Files that can't be written, and what is left behind then."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import pytest

from harmony.cli import main
from harmony.cli.bulk.journal import journal_path
from harmony.cli.bulk.records import _little_endian, _uint64
from support.bulk import BAD, GOOD, Command, conversations, posix, records


def test_an_output_in_no_folder_is_named(tmp_path: Path, capfd: Any) -> None:
    """The input file used to be named."""
    source, out = tmp_path / "in.jsonl", tmp_path / "missing" / "out.bin"
    source.write_bytes(GOOD % 1)
    assert main(["render", "--jsonl", str(source), "--out", str(out)]) == 1
    assert capfd.readouterr().err == f"harmony: {out}: No such file or directory\n"


@posix
@pytest.mark.parametrize("ending", ["", ".journal", ".journal.new"])
def test_an_output_that_is_a_folder_is_named_and_nothing_left(
    render: Command, out: Path, ending: str
) -> None:
    """The input file used to be named, and a journal left behind."""
    folder = out.with_name(out.name + ending)
    folder.mkdir()
    named = folder.with_name(folder.name.removesuffix(".new"))
    expected = (1, "", f"harmony: {named}: Is a directory\n")
    assert render([GOOD % 1]) == expected
    assert set(out.parent.iterdir()) == {folder, out.parent / "in.jsonl"}


@posix
def test_an_index_that_can_not_be_written_is_named_and_nothing_left(
    tmp_path: Path, capfd: Any
) -> None:
    """The input file used to be named, and OUT and a journal left behind."""
    source, out = tmp_path / "in.jsonl", tmp_path / "out.bin"
    index = tmp_path / "out.idx"
    source.write_bytes(GOOD % 1)
    index.mkdir()
    assert main(["render", "--jsonl", str(source), "--out", str(out)]) == 1
    assert capfd.readouterr().err == f"harmony: {index}: Is a directory\n"
    assert set(tmp_path.iterdir()) == {source, index}


def test_what_was_there_stays_if_the_output_can_not_be_opened(
    tmp_path: Path,
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.bin"
    source.write_bytes(GOOD % 1)
    out.write_bytes(b"1234")
    (tmp_path / "out.idx").mkdir()
    assert main(["render", "--jsonl", str(source), "--out", str(out)]) == 1
    assert out.read_bytes() == b"1234"
    assert not Path(journal_path(str(out))).exists()


def test_a_run_that_did_nothing_leaves_nothing(render: Command, out: Path) -> None:
    """An empty OUT and a journal used to be left."""
    assert render([BAD])[0] == 1
    assert [path.name for path in out.parent.iterdir()] == ["in.jsonl"]


def test_a_run_that_emptied_an_output_can_be_resumed(
    render: Command, out: Path
) -> None:
    """Without its journal, OUT would be taken for finished."""
    render([GOOD % 1])
    assert render([BAD, GOOD % 2])[0] == 1
    assert Path(journal_path(str(out))).exists()
    assert render([GOOD % 1, GOOD % 2], "--resume")[0] == 0
    assert len(records(out)) == 2


@posix
@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize(
    ("limit", "ending", "left"),
    [(100, ".journal", []), (1000, "", []), (500_000, "", ["", ".journal"])],
)
def test_a_disk_without_room_is_told_of_the_file_that_found_none(
    tmp_path: Path, out: Path, limit: int, ending: str, left: list[str], processes: str
) -> None:
    """The input file used to be named, and OUT.journal.new left behind."""
    import resource

    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(conversations(800)))
    command = [sys.executable, "-m", "harmony", "render", "--jsonl", str(source)]
    command += ["--out", str(out), "--processes", processes]
    # It can't measure its own coverage: that would be a file without room, too.
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_FILE")
    done = subprocess.run(
        command,
        capture_output=True,
        env={name: os.environ[name] for name in os.environ if name not in measured},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"harmony: {out}{ending}: File too large\n"
    found = {path.name for path in tmp_path.iterdir()} - {"out.idx"}
    assert found == {"in.jsonl", *(f"{out.name}{name}" for name in left)}
    done = subprocess.run([*command, "--resume"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(records(out)) == 800


def test_files_are_little_endian_on_every_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bytes of numbers are turned round where a machine has them otherwise."""
    written = {}
    for order in ("little", "big"):
        monkeypatch.setattr(sys, "byteorder", order)
        tokens = array("i", _little_endian(array("i", [1, 200_006]).tobytes()))
        starts = array("Q", _uint64([0, 1, 300]))
        written[order] = tokens, starts
    for little, big in zip(*written.values(), strict=True):
        assert little != big
        little.byteswap()
        assert little == big
