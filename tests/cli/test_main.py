"""What all verbs have in common: bad input, bad usage, and the process."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import harmony
from harmony.cli import VERBS, main
from harmony.vocabulary import FOLDER_VARIABLE
from support.command import WEATHER_TOKENS, Run, text

# Bad input: one line, status 1


@pytest.mark.parametrize(
    ("command", "stdin", "complaint"),
    [
        ("render", "", "Conversation.from_json: "),
        ("render", "{", "line 1 column"),
        ("render", "[]", "Conversation.from_dict: expected a dict"),
        ("render", "{}", "messages: missing key"),
        ("render", b"\xff\xfe", "Conversation.from_json: "),
        (
            "render",
            '{"messages": [{"role": "bob", "content": ""}]}',
            "messages[0].role: unknown role 'bob' (known: user, ",
        ),
        (
            "render",
            '{"messages": [{"role": "tool", "content": ""}]}',
            "messages[0]: Tools should have a name!",
        ),
        (
            "render",
            '{"messages": [{"role": "user", "content": [{"type": "system_content"}]}]}',
            "messages[0]: a SystemContent belongs in a message by 'system'",
        ),
        ("parse", "[", "not a JSON array of token ids: "),
        ("parse", "[1, 2", "not a JSON array of token ids: "),
        ("parse", '["a"]', "token 0: 'a' is not a token id"),
        ("parse", "[1, 1.5]", "token 1: 1.5 is not a token id"),
        ("parse", "[true]", "token 0: True is not a token id"),
        ("parse", "[[1]]", "token 0: [1] is not a token id"),
        ("parse", "[99999999999999999999]", "token 0: 1e+20 is not a token id"),
        ("parse", "1 2 three", "token 2: 'three' is not a token id (expected a JSON "),
        ("parse", "<|start|>", "with white space between); --text reads text"),
        ("decode", "hello", "token 0: 'hello' is not a token id (expected a JSON list"),
        ("parse", "1 1_000", "token 1: '1_000' is not a token id"),
        ("parse", "1 +1", "token 1: '+1' is not a token id"),
        ("parse", "1 1.5", "token 1: '1.5' is not a token id"),
        ("parse", '{"a": 1}', "token 0: '{\"a\":' is not a token id"),
        ("parse", b"1 \xff\xfe", "token 1: '\ufffd\ufffd' is not a token id"),
        ("parse", "9" * 5000, "token 0: '99999999999999999999' is not a token id"),
        ("parse", "99999999999", "Invalid token for decoding: 99999999999"),
        ("parse", "200005 200008", "channel marker present but no channel value"),
        ("parse --role none", "64", "Unexpected token 64 while expecting start token"),
        ("parse", "64", "Unexpected EOS while waiting for message header"),
        ("parse --text", "<|channel|><|message|>", "channel marker present but no"),
        ("parse --text", b"abc\xff", "byte 3: the text is not UTF-8 (invalid start"),
        ("encode", b"abc\xff", "byte 3: the text is not UTF-8 (invalid start byte)"),
        ("encode", b"\xf0\x9f", "byte 0: the text is not UTF-8 (unexpected end of"),
        ("encode --special", b"\xed\xa0\x80", "byte 0: the text is not UTF-8"),
        ("decode", "[99999999]", "Invalid token for decoding: 99999999"),
        ("decode", "1 -1", "Invalid token for decoding: -1"),
        ("decode", b"\x00\x01\x02", "token 0: '\\x00\\x01\\x02' is not a token id"),
    ],
)
def test_bad_input_is_one_line_that_says_what_and_where(
    run: Run, command: str, stdin: str | bytes, complaint: str
) -> None:
    result = run(*command.split(), "-", stdin=stdin)
    assert result.status == 1
    assert result.out == b""
    assert result.err.startswith("harmony: -: ")
    assert complaint in result.err
    assert result.err.count("\n") == 1
    assert result.err.endswith("\n")


@pytest.mark.parametrize("command", ["render", "parse", "show", "encode", "decode"])
def test_a_file_that_can_not_be_read_is_named(
    run: Run, command: str, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    result = run(command, missing)
    assert result == (1, b"", f"harmony: {missing}: No such file or directory\n")
    if os.name == "posix":
        result = run(command, tmp_path)
        assert result == (1, b"", f"harmony: {tmp_path}: Is a directory\n")


def test_a_vocabulary_that_can_not_be_read_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be said of the input file."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    result = run("encode", "-", stdin="hi")
    path = tmp_path / "o200k_base.tiktoken"
    assert result.status == 1
    assert result.err == (
        f"harmony: {path}: can't read the vocabulary: No such file or directory\n"
    )


# Bad usage: status 2


@pytest.mark.parametrize(
    "arguments",
    [
        "sing x",
        "show",
        "show --role bob x",
        "show --html x",
        "render",
        "render a b",
        "render --for fun x",
        "render --role bob x",
        "render --role none x",
        "render --special x",
        "render --processes 2 x",
        "render --on-error skip x",
        "parse --role bob x",
        "parse --keep-analysis x",
        "encode --text x",
        "decode --text x",
        "decode --unknown x",
    ],
)
def test_bad_usage_is_status_2(run: Run, arguments: str) -> None:
    result = run(*arguments.split())
    assert result.status == 2
    assert result.out == b""
    assert result.err.startswith("usage: harmony")
    assert "harmony: error: " in result.err or " error: " in result.err


def test_no_command_at_all_is_answered_with_the_help(run: Run) -> None:
    """It used to be an error about COMMAND. A script sees the status."""
    result = run()
    assert (result.status, result.out) == (2, b"")
    assert result.err == text(run("--help"))
    assert all(command in result.err for command in VERBS)


def test_version_is_a_line(run: Run) -> None:
    assert text(run("--version")) == f"harmony {harmony.__version__}\n"


@pytest.mark.parametrize("command", ["render", "parse", "show", "encode", "decode"])
def test_help_says_what_a_command_does(run: Run, command: str) -> None:
    assert command in text(run("--help"))
    assert f"usage: harmony {command}" in text(run(command, "--help"))


# As a process


def process(*arguments: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "harmony", *arguments]
    return subprocess.run(command, **{"capture_output": True, **how})


def test_python_m_harmony_is_the_same_command() -> None:
    done = process("encode", "-", input=b"hello world")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"[24912,2375]\n", b"")
    done = process("encode", "-", input=b"\xff")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"harmony: -: byte 0: the text is not UTF-8")
    done = process()
    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: harmony")


def test_text_is_utf8_whatever_the_locale_says() -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    environment["PYTHONIOENCODING"] = "ascii"
    encoded = process("encode", "-", input="数学 😀".encode(), env=environment)
    assert (encoded.returncode, encoded.stderr) == (0, b"")
    decoded = process("decode", "-", input=encoded.stdout, env=environment)
    assert decoded.stdout.decode() == "数学 😀"


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_that_has_gone_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    data = b"hello world " * 100_000
    done = process(
        "encode", "-", input=data, capture_output=False, stdout=write, stderr=-1
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name != "posix", reason="descriptors are otherwise elsewhere")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_standard_stream_that_is_closed_is_no_traceback(number: int) -> None:
    done = process("encode", "-", input=b"hi", preexec_fn=lambda: os.close(number))
    bad = b": Bad file descriptor\n"
    names = {0: b"harmony: -" + bad, 1: b"harmony: standard output" + bad, 2: b""}
    assert done.stderr == names[number]
    assert done.returncode == (0 if number == 2 else 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("size", [1, 100_000])
def test_output_that_can_not_be_written_is_one_line(size: int) -> None:
    """It used to be a traceback."""
    with open("/dev/full", "wb") as full:
        done = process(
            "encode",
            "-",
            input=b"a " * size,
            capture_output=False,
            stdout=full,
            stderr=-1,
        )
    assert done.returncode == 1
    assert done.stderr == b"harmony: standard output: No space left on device\n"


def test_a_program_may_call_the_command_in_any_thread() -> None:
    """Only the main thread may set what a signal does."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(main, ["decode", str(WEATHER_TOKENS)]).result() == 0
