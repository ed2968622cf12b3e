"""``harmony render --jsonl``: many conversations, one a line."""

from __future__ import annotations

import io
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from array import array
from dataclasses import replace
from pathlib import Path

import pytest

from harmony import Conversation, HarmonyEncoding
from harmony.cli import main
from harmony.cli.bulk.journal import journal_path
from support.bulk import (
    BAD,
    GOOD,
    WEATHER,
    Command,
    conversations,
    is_killed,
    killable,
    nothing,
    posix,
    records,
    run,
)

slow = pytest.mark.slow


def test_each_line_is_a_record_as_render_gives_it(
    render: Command, out: Path, encoding: HarmonyEncoding
) -> None:
    lines = conversations(20)
    status, stdout, stderr = render(lines)
    expected = [
        encoding.render_conversation_for_completion(
            Conversation.from_json(line), "assistant"
        )
        for line in lines
    ]
    assert (status, stderr) == (0, "")
    assert records(out) == expected
    assert json.loads(stdout) == {
        "lines": 20,
        "records": 20,
        "skipped": 0,
        "dropped": 20,
        "tokens": sum(map(len, expected)),
    }
    assert not Path(journal_path(str(out))).exists()


@pytest.mark.parametrize(
    "options",
    [["--for", "training"], ["--role", "user"], ["--keep-analysis"]],
)
def test_the_options_of_render_count(
    render: Command,
    out: Path,
    options: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    render([json.dumps(json.loads(WEATHER.read_bytes())).encode()], *options)
    assert main(["render", str(WEATHER), *options]) == 0
    assert records(out) == [json.loads(capsys.readouterr().out)]


def test_an_empty_file_has_no_records(render: Command, out: Path) -> None:
    assert render([])[0] == 0
    assert records(out) == []


@pytest.mark.parametrize(
    "data",
    [
        GOOD % 1 + (GOOD % 2).rstrip(),
        (GOOD % 1).replace(b"\n", b"\r\n") + GOOD % 2,
        (GOOD % 1).replace(b": ", b":\r") + GOOD % 2,
        GOOD % 1 + (GOOD % 2).replace(b"hi", "\u2028\u0085".encode()),
    ],
)
def test_a_line_ends_where_a_line_feed_is(
    render: Command, out: Path, data: bytes
) -> None:
    status, _, stderr = render([data])
    assert (status, stderr, len(records(out))) == (0, "", 2)


def test_what_was_there_before_is_replaced(render: Command, out: Path) -> None:
    render([GOOD % number for number in range(9)])
    render([GOOD % 1])
    assert len(records(out)) == 1


# Bad lines


def test_a_bad_line_stops_the_run_and_is_named(render: Command, out: Path) -> None:
    status, stdout, stderr = render([GOOD % 1, GOOD % 2, BAD, GOOD % 4])
    assert (status, stdout) == (1, "")
    (line,) = stderr.splitlines()
    assert line.startswith("harmony: ")
    assert ": line 3: messages[0].role: unknown role 'bob'" in line
    assert len(records(out)) == 2


def test_bad_lines_are_skipped_if_told_so(render: Command, out: Path) -> None:
    lines = [BAD, GOOD % 2, b"\n", b"{\n", GOOD % 5, b"\xff"]
    status, stdout, stderr = render(lines, "--on-error", "skip")
    assert status == 0
    assert json.loads(stdout)["lines"] == 6
    assert json.loads(stdout)["skipped"] == 4
    found = [line.split(": ")[2] for line in stderr.splitlines()]
    assert found == ["line 1", "line 3", "line 4", "line 6"]
    assert len(records(out)) == 2


def test_a_run_goes_on_at_the_line_that_stopped_it(render: Command, out: Path) -> None:
    lines = [GOOD % 1, BAD, GOOD % 3, BAD, b"{"]
    assert render(lines)[0] == 1
    lines[1] = GOOD % 2
    status, _, stderr = render(lines, "--resume")
    assert (status, ": line 4: " in stderr) == (1, True)
    status, stdout, stderr = render(lines, "--resume", "--on-error", "skip")
    assert (status, stderr.count("\n")) == (0, 2)
    assert ": line 4: " in stderr and ": line 5: " in stderr
    assert json.loads(stdout)["records"] == 3
    done = records(out)
    out.unlink()
    render([GOOD % 1, GOOD % 2, GOOD % 3])
    assert done == records(out)


# Stopped at any moment


@posix
@pytest.mark.parametrize("processes", [pytest.param(1, marks=slow), 2])
@pytest.mark.parametrize(
    ("count", "chunk_size"), [(60, 2500), pytest.param(300, 5000, marks=slow)]
)
def test_a_run_that_is_killed_goes_on(
    tmp_path: Path, out: Path, processes: int, count: int, chunk_size: int
) -> None:
    lines = conversations(count)
    lines[count // 3 : count // 3] = [BAD] * 3
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(lines))
    whole = tmp_path / f"whole{out.suffix}"
    with source.open("rb") as file:
        replace(run(whole), skips=True)(file, nothing, nothing)
    command = killable(source, out, processes, chunk_size)
    seed = random.Random(processes)
    kills = 0
    while is_killed(command, seed):
        kills += 1
    assert kills > 2
    assert records(out) == records(whole)
    assert out.read_bytes() == whole.read_bytes()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_the_run_and_it_goes_on(
    tmp_path: Path, out: Path, number: int
) -> None:
    """SIGTERM used to end it without a word, and "stopped" was all that was said."""
    import fcntl
    import termios

    source = tmp_path / "in.jsonl"
    os.mkfifo(source)
    lines = conversations(1200)
    command = [sys.executable, "-m", "harmony", "render", "--jsonl", str(source)]
    command += ["--out", str(out), "--processes", "2"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        # What a shell starts in the background would not hear of Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with source.open("wb") as pipe:
        pipe.write(b"".join(lines[:1100]))  # more than is read ahead
        pipe.flush()
        journal = Path(journal_path(str(out)))
        while not journal.exists() or not json.loads(journal.read_bytes())["offset"]:
            time.sleep(0.01)
        unread = array("i", [1])
        while unread[0]:  # a signal is heeded when the run waits for more
            fcntl.ioctl(pipe, termios.FIONREAD, unread)
            time.sleep(0.3)
        process.send_signal(number)
        assert process.stderr is not None
        told = process.stderr.read().decode()
        process.stderr.close()
    assert process.wait() == 128 + number
    resume = shlex.join(["harmony", "render", "--resume", *command[4:]])
    assert told == f"harmony: stopped; to go on: {resume}\n"
    source.unlink()
    source.write_bytes(b"".join(lines))
    done = subprocess.run([*command, "--resume"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(records(out)) == 1200
    whole = tmp_path / f"whole{out.suffix}"
    with source.open("rb") as file:
        run(whole)(file, nothing, nothing)
    assert records(out) == records(whole)


@posix
@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_signal_that_comes_with_some_bytes_of_a_slow_pipe_is_heard(
    tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    # It waited for more bytes: the loop around read(2) was in C.
    command = [sys.executable, "-m", "harmony", "render", "--jsonl", "-"]
    command += ["--out", str(tmp_path / "out.bin"), "--processes", "1"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin and process.stderr
    os.write(process.stdin.fileno(), GOOD % 1)
    journal = Path(journal_path(str(tmp_path / "out.bin")))
    while not journal.exists():
        time.sleep(0.01)
    time.sleep(0.2)  # until it reads
    os.write(process.stdin.fileno(), GOOD % 2)
    process.send_signal(number)
    try:
        assert process.wait(60) == expected
    finally:
        process.kill()
        process.communicate()


def test_standard_input_is_resumed_too(
    monkeypatch: pytest.MonkeyPatch, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    for lines in ([*conversations(20), BAD], conversations(30)):
        stdin = io.TextIOWrapper(Pipe(b"".join(lines)))
        monkeypatch.setattr(sys, "stdin", stdin)
        status = main(["render", "--jsonl", "-", "--out", str(out), "--resume"])
    assert (status, len(records(out))) == (0, 30)
    assert "-: line 21: " in capsys.readouterr().err


# Bad usage


@pytest.mark.parametrize(
    "arguments",
    [
        "render --jsonl x",
        "render --out y.jsonl x",
        "render --jsonl --out y.jsonl --text x",
        "render --jsonl --out y.txt x",
        "render --jsonl --out y.jsonl --processes 0 x",
        "render --jsonl --out y.jsonl --processes many x",
        "render --jsonl --out y.jsonl --on-error ignore x",
        "render --resume x",
        "render --mask sampled x",
        "render --jsonl --out y.jsonl --mask sampled x",
        "render --jsonl --out y.jsonl --shard-size 5 x",
        "render --jsonl --out y --shard-size 0 x",
    ],
)
def test_bad_usage_is_status_2(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    assert "usage: harmony" in capsys.readouterr().err


def test_a_line_may_be_longer_than_a_chunk(tmp_path: Path, out: Path) -> None:
    lines = conversations(5)
    whole = tmp_path / f"whole{out.suffix}"
    for path, size in ((out, 16), (whole, 100_000)):
        run(path, chunk_size=size)(io.BytesIO(b"".join(lines)), nothing, nothing)
    assert len(records(out)) == 5
    assert records(out) == records(whole)


def test_a_file_that_was_there_stays_when_the_first_line_is_bad(
    render: Command, out: Path
) -> None:
    """It has been cut, so what was in it is gone, and its journal says so."""
    render([GOOD % 1])
    assert render([BAD])[0] == 1
    assert out.exists() and Path(journal_path(str(out))).exists()
    assert render([GOOD % 1, GOOD % 2], "--resume")[0] == 0
    assert len(records(out)) == 2


def test_a_run_that_can_not_open_its_files_can_still_be_resumed(
    render: Command, out: Path
) -> None:
    render([GOOD % 1, BAD])
    kept = out.rename(out.with_name("kept"))
    out.mkdir()
    status, _, stderr = render([GOOD % 1, GOOD % 2], "--resume")
    assert (status, str(out) in stderr) == (1, True)
    out.rmdir()
    kept.rename(out)
    assert render([GOOD % 1, GOOD % 2], "--resume")[0] == 0
    assert len(records(out)) == 2
