"""``harmony render --jsonl``: files of conversations."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest

from harmony import Conversation, HarmonyEncoding, HarmonyError
from harmony.cli import main
from harmony.cli.bulk import progress as meter
from harmony.cli.bulk import workers
from harmony.cli.bulk.journal import Checkpoint, journal_path
from harmony.cli.bulk.run import BadLine, BulkRun
from harmony.cli.bulk.workers import AHEAD, Batch, LineRenderer, in_order
from harmony.cli.job import RenderJob

WEATHER = Path(__file__).parents[1] / "test-data" / "weather.json"
GOOD = b'{"messages": [{"role": "user", "content": "hi %d"}]}\n'
BAD = b'{"messages": [{"role": "bob", "content": "hi"}]}\n'
posix = pytest.mark.skipif(os.name != "posix", reason="signals are otherwise elsewhere")


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


@pytest.fixture(params=["jsonl", "bin"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"out.{request.param}"


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def render(tmp_path: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command on lines; return its status and what it printed."""
    source = tmp_path / "in.jsonl"

    def render(lines: list[bytes], *options: str) -> tuple[int, str, str]:
        source.write_bytes(b"".join(lines))
        command = ["render", "--jsonl", str(source), "--out", str(out), *options]
        status = main([*command, "--processes", "1"])
        return status, *capsys.readouterr()

    return render


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


# What can't be resumed


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
    assert "was begun with other options: {'purpose': 'completion'" in stderr


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


# Errors about files


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
    done = subprocess.run(
        command,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"harmony: {out}{ending}: File too large\n"
    found = {path.name for path in tmp_path.iterdir()} - {"out.idx"}
    assert found == {"in.jsonl", *(f"{out.name}{name}" for name in left)}
    done = subprocess.run([*command, "--resume"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(records(out)) == 800


@posix
def test_a_worker_that_can_not_be_started_is_an_error(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be an error about the input file."""
    monkeypatch.setattr(sys, "executable", "/missing/python")
    with pytest.raises(HarmonyError, match="a worker process could not be started: No"):
        run(out, processes=2)(io.BytesIO(GOOD % 1), nothing, nothing)
    assert list(out.parent.iterdir()) == []


# Processes


def run(out: Path, **how: Any) -> BulkRun:
    return BulkRun(str(out), RenderJob(), **{"chunk_size": 3000, **how})


def nothing(*_: object) -> None:
    pass


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

    renderer = LineRenderer(RenderJob(), flat=True, stops=True)
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


# Stopped at any moment

SCRIPT = """
import sys
from harmony.cli.bulk.run import BulkRun
from harmony.cli import main
from harmony.cli.job import RenderJob
source, target, processes = sys.argv[1:]
run = BulkRun(target, RenderJob(), int(processes), resumes=True, skips=True,
              chunk_size=5000, sync_seconds=0)
with open(source, "rb") as file:
    run(file, lambda line, reason: None, lambda reached: print(flush=True))
"""


@posix
@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_that_is_killed_goes_on(
    tmp_path: Path, out: Path, processes: int
) -> None:
    lines = conversations(300)
    lines[100:100] = [BAD] * 3
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(lines))
    whole = tmp_path / f"whole{out.suffix}"
    with source.open("rb") as file:
        replace(run(whole), skips=True)(file, nothing, nothing)
    command = [sys.executable, "-c", SCRIPT, source, out, str(processes)]
    seed = random.Random(processes)
    kills = 0
    while True:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None and process.stderr is not None
        for _ in range(seed.randrange(8)):
            process.stdout.readline()
        time.sleep(seed.random() / 100)
        process.kill()
        # A worker holds this pipe as well: its end is the end of all of them.
        assert process.stderr.read() == b""
        process.stdout.close()
        process.stderr.close()
        if process.wait() == 0:
            break
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
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
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


# What is shown meanwhile


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("has_rich", [True, False])
def test_a_terminal_shows_how_far_it_is(
    render: Command, monkeypatch: pytest.MonkeyPatch, has_rich: bool
) -> None:
    if has_rich:
        pytest.importorskip("rich")
    else:
        monkeypatch.setitem(sys.modules, "rich", None)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    render([GOOD % 1, BAD, GOOD % 3], "--on-error", "skip")
    shown = screen.getvalue()
    assert "100%" in shown
    assert "2 records" in shown
    assert ": line 2: messages[0].role: unknown role 'bob'" in shown


def test_the_plain_line_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setattr(meter, "LINE_SECONDS", 0)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with meter.meter("render", 200) as (seen, told):
        seen(50, "1 record")
        told("line 2: bad")
        seen(100, "2 records")
    visible = [line.split("\r")[-1] for line in screen.getvalue().split("\n")]
    assert visible == ["line 2: bad", ""]
    assert "render: 25%, 1 record" in screen.getvalue()
    assert "render: 50%, 2 records" in screen.getvalue()


def test_a_log_shows_nothing_but_what_happened(render: Command) -> None:
    assert render([GOOD % 1])[2] == ""


def test_the_checkpoints_are_shown_as_they_come(out: Path) -> None:
    seen: list[Checkpoint] = []
    data = b"".join(conversations(10))
    run(out)(io.BytesIO(data), nothing, seen.append)
    assert [reached.offset for reached in seen] == sorted(
        {reached.offset for reached in seen}
    )
    assert (seen[-1].offset, seen[-1].records) == (len(data), 10)


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
    ],
)
def test_bad_usage_is_status_2(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    assert "usage: harmony" in capsys.readouterr().err
