"""The command ``harmony``."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import harmony
from harmony import (
    Conversation,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    Role,
)
from harmony.cli import VERBS, main
from harmony.messages import TextContent
from harmony.prompts import content_text
from harmony.vocabulary import FOLDER_VARIABLE

TEST_DATA = Path(__file__).parents[1] / "test-data"
WEATHER = TEST_DATA / "weather.json"
WEATHER_TOKENS = TEST_DATA / "weather.tokens.json"


class Result(NamedTuple):
    status: int
    out: bytes
    err: str


Run = Callable[..., Result]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Run the command in this process, with bytes or text as standard input."""

    def run(*arguments: str | Path, stdin: str | bytes = b"") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exit:
            assert isinstance(exit.code, int)
            status = exit.code
        out, err = capsysbinary.readouterr()
        return Result(status, out, err.decode())

    return run


def ok(result: Result) -> bytes:
    assert result.err == ""
    assert result.status == 0
    return result.out


def tokens(result: Result) -> list[int]:
    out = ok(result)
    assert out.endswith(b"]\n")
    found: list[int] = json.loads(out)
    return found


def text(result: Result) -> str:
    return ok(result).decode()


@pytest.fixture
def weather() -> Conversation:
    return Conversation.from_json(WEATHER.read_bytes())


# render


def test_render_gives_the_tokens_that_the_reference_gave(run: Run) -> None:
    assert tokens(run("render", WEATHER)) == json.loads(WEATHER_TOKENS.read_bytes())


@pytest.mark.reference
def test_the_reference_still_gives_them(reference: Any) -> None:
    module = reference.module
    talk = module.Conversation.from_json(WEATHER.read_text(encoding="utf-8"))
    role = module.Role.ASSISTANT
    found = reference.encoding.render_conversation_for_completion(talk, role)
    assert found == json.loads(WEATHER_TOKENS.read_bytes())


@pytest.mark.reference
def test_the_weather_files_are_what_their_script_writes(tiktoken_file: Path) -> None:
    pytest.importorskip("openai_harmony")
    done = subprocess.run(
        [sys.executable, TEST_DATA / "make_weather.py", "--check"],
        env={**os.environ, FOLDER_VARIABLE: str(tiktoken_file.parent)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_render_is_for_completion_by_the_assistant_unless_told_otherwise(
    run: Run, encoding: HarmonyEncoding, weather: Conversation
) -> None:
    plain = tokens(run("render", WEATHER))
    assert plain == encoding.render_conversation_for_completion(weather, "assistant")
    assert plain == tokens(run("render", WEATHER, "--for", "completion"))
    assert plain == tokens(run("render", "--role=assistant", WEATHER))


@pytest.mark.parametrize("role", list(Role))
def test_render_begins_the_next_message_by_any_role(
    run: Run, encoding: HarmonyEncoding, weather: Conversation, role: Role
) -> None:
    found = tokens(run("render", WEATHER, "--role", role.value))
    assert found == encoding.render_conversation_for_completion(weather, role)


def test_render_for_training_and_for_a_conversation(
    run: Run, encoding: HarmonyEncoding, weather: Conversation
) -> None:
    training = tokens(run("render", WEATHER, "--for", "training"))
    assert training == encoding.render_conversation_for_training(weather)
    conversation = tokens(run("render", WEATHER, "--for", "conversation"))
    assert conversation == encoding.render_conversation(weather)
    assert (training[-1], conversation[-1]) == (200002, 200007)


@pytest.mark.parametrize("purpose", ["completion", "training", "conversation"])
def test_render_keeps_analysis_if_told_to(
    run: Run, encoding: HarmonyEncoding, weather: Conversation, purpose: str
) -> None:
    dropped = text(run("render", WEATHER, "--text", "--for", purpose))
    assert "<|channel|>analysis" not in dropped
    kept = text(run("render", WEATHER, "--text", "--for", purpose, "--keep-analysis"))
    assert kept.count("<|channel|>analysis<|message|>The user wants") == 1
    if purpose == "conversation":
        config = RenderConversationConfig(auto_drop_analysis=False)
        whole = encoding.render_conversation(weather, config)
        assert kept == encoding.decode_utf8(whole)


def test_render_text_is_the_prompt_and_nothing_else(
    run: Run, encoding: HarmonyEncoding
) -> None:
    prompt = text(run("render", WEATHER, "--text"))
    assert prompt == encoding.decode_utf8(json.loads(WEATHER_TOKENS.read_bytes()))
    assert prompt.startswith("<|start|>system<|message|>You are ChatGPT")
    assert prompt.endswith("<|end|><|start|>assistant")


def test_render_reads_standard_input(run: Run) -> None:
    assert run("render", "-", stdin=WEATHER.read_bytes()) == run("render", WEATHER)


# parse


def with_text(conversation: Conversation) -> list[Message]:
    """Return messages whose contents are text, as parsing can give them."""
    messages = list(conversation)
    for message in messages:
        message.content = [
            TextContent(content_text(content, message.author.role, False))
            for content in message.content
        ]
    return messages


@pytest.mark.parametrize("form", [[], ["--text"]])
def test_parse_gives_back_what_was_rendered(
    run: Run, weather: Conversation, form: list[str]
) -> None:
    rendered = ok(run("render", WEATHER, "--keep-analysis", *form))
    parsed = text(run("parse", "-", "--role", "none", *form, stdin=rendered))
    assert Conversation.from_json(parsed).messages == with_text(weather)


def test_parse_reads_a_completion_by_the_assistant_unless_told_otherwise(
    run: Run,
) -> None:
    completion = "<|channel|>final<|message|>It is sunny.<|return|>"
    form = {"content": [{"type": "text", "text": "It is sunny."}], "channel": "final"}
    for role in ([], ["--role", "assistant"], ["--role", "user"]):
        found = json.loads(text(run("parse", "--text", "-", *role, stdin=completion)))
        assert found == {"messages": [{"role": (role or ["assistant"])[-1], **form}]}


def test_parse_finishes_a_message_at_the_end_of_its_input(run: Run) -> None:
    found = json.loads(text(run("parse", "-", "--text", stdin="<|message|>It is s")))
    content = [{"type": "text", "text": "It is s"}]
    assert found == {"messages": [{"role": "assistant", "content": content}]}


@pytest.mark.parametrize(
    "written",
    [
        *["[200008, 24912, 2375]", "[200008,24912,2375]\n", "\n [200008,24912,2375]"],
        *["200008 24912 2375", "\n200008\r\n\t24912\n2375\n"],
    ],
)
def test_tokens_are_read_as_json_or_as_numbers(
    run: Run, tmp_path: Path, written: str
) -> None:
    path = tmp_path / "tokens"
    path.write_text(written)
    assert text(run("decode", path)) == "<|message|>hello world"
    parsed = json.loads(text(run("parse", path)))
    assert parsed["messages"][0]["content"][0]["text"] == "hello world"


@pytest.mark.parametrize("nothing", ["", "[]", " \n"])
def test_no_tokens_are_no_text_and_no_messages(run: Run, nothing: str) -> None:
    assert text(run("decode", "-", stdin=nothing)) == ""
    parsed = text(run("parse", "-", "--role=none", stdin=nothing))
    assert json.loads(parsed) == {"messages": []}


def test_parse_text_takes_the_line_feed_at_the_end_of_a_file(run: Run) -> None:
    """It used to be an unexpected token."""
    completion = "<|channel|>final<|message|>It is sunny.<|return|>"
    expected = run("parse", "--text", "-", stdin=completion)
    assert ok(expected)
    assert run("parse", "--text", "-", stdin=completion + "\n") == expected
    assert run("parse", "--text", "-", stdin=completion + "\n\n").status == 1


BROKEN = "<|channel|>commentary to=functions.f json {}<|call|><|end|>"


def test_parse_recover_prints_messages_and_warnings(run: Run) -> None:
    broken = run("parse", "--text", "-", stdin=BROKEN)
    assert (broken.status, broken.out) == (1, b"")
    found = json.loads(text(run("parse", "--recover", "--text", "-", stdin=BROKEN)))
    assert found == {
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "{}"}],
                "channel": "commentary",
                "recipient": "functions.f",
                "content_type": "json",
            }
        ],
        "warnings": [
            {"kind": "missing_message", "position": 9, "text": ""},
            {"kind": "stray_stop", "position": 10, "text": ""},
        ],
    }


def test_parse_recover_of_a_prompt_has_no_warning(run: Run, weather: Any) -> None:
    prompt = ok(run("render", WEATHER, "--keep-analysis"))
    found = json.loads(
        text(run("parse", "-", "--role=none", "--recover", stdin=prompt))
    )
    assert found.pop("warnings") == []
    assert Conversation.from_json(json.dumps(found)).messages == with_text(weather)


def test_parse_recover_takes_any_int32(run: Run) -> None:
    """An id outside the vocabulary in the last header used to be an error."""
    for ids in ("-1", "201089 2147483647", "200006 -2147483648", "200012 200012"):
        found = json.loads(text(run("parse", "--recover", "-", stdin=ids)))
        assert found["warnings"]
    too_large = run("parse", "--recover", "-", stdin="99999999999")
    assert (too_large.status, too_large.err.count("\n")) == (1, 1)


# encode, decode


def test_encode_takes_special_tokens_for_text_unless_told_otherwise(
    run: Run, encoding: HarmonyEncoding
) -> None:
    written = "<|start|>user<|message|>ü"
    plain = tokens(run("encode", "-", stdin=written))
    assert plain == encoding.encode(written, disallowed_special=())
    special = tokens(run("encode", "--special", "-", stdin=written))
    assert special == encoding.encode(written, allowed_special="all")
    assert special[0] == 200006


def test_decode_gives_back_what_was_encoded(run: Run) -> None:
    source = Path(__file__).read_bytes() + "😀\r\n\0".encode()
    encoded = ok(run("encode", "-", stdin=source))
    assert ok(run("decode", "-", stdin=encoded)) == source


def test_decode_replaces_what_is_no_text(run: Run) -> None:
    assert text(run("decode", "-", stdin="9552")) == " \ufffd"


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
            "Tools should have a name!",
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


def test_an_error_about_the_page_names_the_page(run: Run, tmp_path: Path) -> None:
    """The input file used to be named."""
    missing = tmp_path / "missing" / "page.html"
    result = run("show", WEATHER, "--html", missing)
    assert result == (1, b"", f"harmony: {missing}: No such file or directory\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_an_error_while_writing_the_page_names_the_page(run: Run) -> None:
    result = run("show", WEATHER, "--html", "/dev/full")
    assert result == (1, b"", "harmony: /dev/full: No space left on device\n")


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


@pytest.mark.parametrize("option", ["--processes 2", "--on-error stop", "--resume"])
def test_options_of_jsonl_without_it_are_not_ignored(run: Run, option: str) -> None:
    """``harmony render --on-error skip FILE`` used to do what it does without."""
    result = run("render", WEATHER, *option.split())
    assert (result.status, result.out) == (2, b"")
    name = option.split()[0]
    assert result.err.endswith(f"error: {name} goes with --jsonl and --out\n")


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
