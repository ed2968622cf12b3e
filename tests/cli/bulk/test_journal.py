"""What a run can go on with, and what it refuses to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harmony.cli import main
from harmony.cli.bulk.journal import journal_path
from support.bulk import BAD, GOOD, Command, records


def test_an_unfinished_run_is_not_overwritten(render: Command, out: Path) -> None:
    render([GOOD % 1, BAD])
    before = out.read_bytes()
    status, _, stderr = render([GOOD % 1, GOOD % 2])
    assert (status, out.read_bytes()) == (1, before)
    assert stderr.startswith(f"harmony: {out} is not finished: resume it with --resume")
    assert journal_path(str(out)) in stderr


def test_other_options_do_not_go_on(render: Command) -> None:
    render([GOOD % 1, BAD])
    status, _, stderr = render([GOOD % 1, GOOD % 2], "--resume", "--for", "training")
    assert status == 1
    assert "was begun with other options: {'format': 'harmony'" in stderr


@pytest.mark.parametrize("lines", [[GOOD % 9, GOOD % 9], [GOOD[:9]], []])
def test_another_input_does_not_go_on(render: Command, lines: list[bytes]) -> None:
    render([GOOD % 1, BAD])
    status, _, stderr = render(lines, "--resume")
    assert status == 1
    assert "the input is not what the run to be resumed has read" in stderr


def test_an_output_that_was_cut_does_not_go_on(render: Command, out: Path) -> None:
    render([GOOD % 1, BAD])
    out.write_bytes(b"")
    status, _, stderr = render([GOOD % 1, GOOD % 2], "--resume")
    assert (status, f"{out} is shorter than the run left it" in stderr) == (1, True)


@pytest.mark.parametrize("journal", ["", "{", "[]", '{"a": 1}', "null"])
def test_what_is_no_journal_is_said_to_be_none(
    render: Command, out: Path, journal: str
) -> None:
    Path(journal_path(str(out))).write_text(journal)
    status, _, stderr = render([GOOD % 1], "--resume")
    assert (status, f"{out}.journal is no journal" in stderr) == (1, True)


def test_a_finished_run_is_not_done_again(render: Command, out: Path) -> None:
    render([GOOD % 1])
    before = out.stat()
    status, stdout, stderr = render([GOOD % 2], "--resume")
    assert (status, stdout) == (0, "")
    assert stderr == f"harmony: {out}: finished, nothing to resume\n"
    assert out.stat() == before


def test_resuming_what_was_never_begun_begins(render: Command, out: Path) -> None:
    assert render([GOOD % 1], "--resume")[0] == 0
    assert len(records(out)) == 1


@pytest.mark.parametrize(
    ("name", "target"), [("in.jsonl", "in.jsonl"), ("talks.idx", "talks.bin")]
)
def test_the_input_is_never_the_output(tmp_path: Path, name: str, target: str) -> None:
    """An input with the name of the index used to be overwritten."""
    path, out = tmp_path / name, tmp_path / target
    path.write_bytes(GOOD % 1)
    assert main(["render", "--jsonl", str(path), "--out", str(out)]) == 1
    assert path.read_bytes() == GOOD % 1
    assert os.listdir(tmp_path) == [name]
