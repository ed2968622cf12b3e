"""The documents are tests: what they show is executed."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import harmony
from harmony import (
    Conversation,
    HarmonyEncoding,
    HarmonyError,
    RenderConversationConfig,
    StreamableParser,
    WarningKind,
)
from harmony.cli import main

ROOT = Path(__file__).parents[1]
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
SPECIAL: dict[str, Any] = {"allowed_special": "all"}
KEEP_ALL = RenderConversationConfig(auto_drop_analysis=False)

EXAMPLES = re.findall(r"```json\n(.*?)```\n\n```harmony\n(.*?)\n```\n", FORMAT, re.S)
NOT_PARSED_STRICTLY = ["user:bob"]


def test_every_block_of_the_format_is_an_example() -> None:
    assert len(EXAMPLES) == FORMAT.count("```json") == FORMAT.count("```harmony") > 10


@pytest.mark.parametrize(("messages", "text"), EXAMPLES)
def test_an_example_of_the_format(
    encoding: HarmonyEncoding, messages: str, text: str
) -> None:
    conversation = Conversation.from_json(messages)
    tokens = encoding.render_conversation(conversation, KEEP_ALL)
    assert encoding.decode(tokens) == text
    if any(word in text for word in NOT_PARSED_STRICTLY):
        with pytest.raises(HarmonyError):
            encoding.parse_messages_from_completion_tokens(tokens)
        return
    parsed = encoding.parse_messages_from_completion_tokens(tokens)
    assert encoding.decode(
        encoding.render_conversation(Conversation(parsed), KEEP_ALL)
    ).replace("<|call|>", "<|end|>") == text.replace("<|call|>", "<|end|>")
    for message, original in zip(parsed, conversation, strict=True):
        assert message.author == original.author
        assert message.channel == original.channel
        assert message.content_type == original.content_type
        assert message.recipient in (original.recipient, None)


@pytest.fixture
def no_openai_harmony(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an example install its own openai_harmony, and forget it afterwards."""
    monkeypatch.setitem(sys.modules, "openai_harmony", None)
    monkeypatch.delitem(sys.modules, "openai_harmony")


@pytest.mark.usefixtures("no_openai_harmony")
def test_the_examples_of_the_python_page() -> None:
    test = doctest.DocTestParser().get_doctest(PYTHON, {}, "python.md", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    output = io.StringIO()
    failed, tried = runner.run(test, out=output.write)
    assert not failed and tried > 50, output.getvalue()


def test_the_python_page_shows_every_public_name() -> None:
    blocks = "".join(re.findall(r"```pycon\n(.*?)```", PYTHON, re.S))
    missing = [
        name for name in harmony.__all__ if not re.search(rf"\b{name}\b", blocks)
    ]
    assert missing == []


COMMAND = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")


def test_the_example_of_show(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    pytest.importorskip("rich")
    pattern = r"\$ printf '(.*)' \| harmony show -\n(.*?)\n```"
    ((given, expected),) = re.findall(pattern, COMMAND, re.S)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    assert main(["show", "-"]) == 0
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert [line.rstrip() for line in lines] == expected.splitlines()


def test_the_example_of_many_conversations(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    talk = b" ".join((ROOT / "test-data" / "weather.json").read_bytes().split())
    Path("talks.jsonl").write_bytes(3000 * (talk + b"\n"))
    pattern = r"\$ harmony (render --jsonl .*)\n(.*)\n```"
    ((command, expected),) = re.findall(pattern, COMMAND)
    assert main(command.split()) == 0
    assert capsys.readouterr().out == f"{expected}\n"
    (example,) = re.findall(r"```python\n(.*?)```", COMMAND, re.S)
    exec(example, {})
    assert capsys.readouterr().out.startswith("3000 462000 [200006")


RECOVERED = re.findall(
    r"^in: *(.*)\nout: *(.*)\nwarn: (\w+) ('.*')$",
    re.search(r"```recovered\n(.*?)```", PYTHON, re.S)[1],  # type: ignore[index]
    re.M,
)


def test_every_kind_of_warning_is_in_the_table() -> None:
    assert [row[2] for row in RECOVERED] == [kind.value for kind in WarningKind]
    assert len(RECOVERED) == PYTHON.count("\nwarn: ")


@pytest.mark.parametrize(("given", "rendered", "kind", "text"), RECOVERED)
def test_a_row_of_what_goes_in_and_comes_out(
    encoding: HarmonyEncoding, given: str, rendered: str, kind: str, text: str
) -> None:
    parser = StreamableParser(encoding, None, on_error="recover")
    for written, number in re.findall(r"([^\[]+)|\[(\d+)\]", given):
        written = written.replace("\\n", "\n")
        parser.feed([int(number)] if number else encoding.encode(written, **SPECIAL))
    parser.process_eos()
    own = encoding.render_conversation(Conversation(parser.messages), KEEP_ALL)
    assert encoding.decode(own) == rendered
    found = [(warning.kind.value, warning.text) for warning in parser.warnings]
    assert found == [(kind, ast.literal_eval(text))]


def test_the_example_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", text, re.S)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(example[0], {})
    assert output.getvalue() == example[1]


def test_every_test_that_the_differences_name_exists() -> None:
    text = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    assert named and all((ROOT / "tests" / name).exists() for name in named)
