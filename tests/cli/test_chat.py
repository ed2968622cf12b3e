"""``harmony chat``: what a request becomes, as a person sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding, chat, grammar, responses
from harmony.cli import main

CALL = {"name": "get", "arguments": "{}"}
REQUEST = {
    "messages": [
        {"role": "user", "content": "Rome?"},
        {
            "role": "assistant",
            "reasoning": "Look.",
            "tool_calls": [{"id": "c", "type": "function", "function": CALL}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
        {"role": "assistant", "content": "Sunny."},
        {"role": "user", "content": "Oslo?"},
    ],
    "tools": [{"type": "web_search"}],
}


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**REQUEST, "tools": []}), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["chat", *arguments])
    return status, *capsys.readouterr()


def test_a_request_becomes_tokens(
    capsys: pytest.CaptureFixture[str], encoding: HarmonyEncoding, request_file: Path
) -> None:
    status, out, err = run(capsys, str(request_file), "--date", "2025-06-28")
    prompt = chat.prompt(json.loads(request_file.read_bytes()), date="2025-06-28")
    assert (status, err) == (0, "")
    assert json.loads(out) == prompt.tokens(encoding)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            [],
            "<|start|>assistant to=functions.get<|channel|>commentary json<|message|>",
        ),
        (["--header", "model"], "commentary to=functions.get <|constrain|>json<|"),
        (["--drop-analysis", "never"], "analysis<|message|>Look.<|end|>"),
        (["--date", "2020-02-02"], "Current date: 2020-02-02"),
    ],
)
def test_the_text_shows_what_options_do(
    capsys: pytest.CaptureFixture[str],
    request_file: Path,
    options: list[str],
    said: str,
) -> None:
    status, out, _ = run(capsys, str(request_file), "--text", *options)
    assert status == 0
    assert said in out
    assert out.endswith("<|start|>user<|message|>Oslo?<|end|><|start|>assistant")


def test_responses_are_read_as_such(
    capsys: pytest.CaptureFixture[str], encoding: HarmonyEncoding, tmp_path: Path
) -> None:
    path = tmp_path / "request.json"
    path.write_text('{"input": "Rome?"}', encoding="utf-8")
    status, out, _ = run(capsys, str(path), "--responses", "--date", "2025-06-28")
    prompt = responses.prompt({"input": "Rome?"}, date="2025-06-28")
    assert (status, json.loads(out)) == (0, prompt.tokens(encoding))


def test_the_form_of_schemas(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    path = tmp_path / "request.json"
    path.write_text(json.dumps({**REQUEST, "tools": [tool]}), encoding="utf-8")
    for form, line in (("reference", "a?: any,"), ("complete", "a?: 1,")):
        _, out, _ = run(capsys, str(path), "--text", "--schemas", form)
        assert f"\n{line}\n" in out


def test_the_grammar_of_a_request(
    capsys: pytest.CaptureFixture[str], request_file: Path
) -> None:
    rules = grammar.for_prompt(chat.prompt(json.loads(request_file.read_bytes())))
    status, out, _ = run(capsys, str(request_file), "--grammar", "lark")
    assert (status, out) == (0, rules.lark())
    status, out, _ = run(capsys, str(request_file), "--grammar", "structural_tag")
    assert (status, json.loads(out)) == (0, rules.structural_tag())


def test_a_schema_that_can_not_be_enforced_is_complained_about(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "request.json"
    tool = {"type": "function", "name": "f", "parameters": {"not": {}}}
    path.write_text(json.dumps({"input": "x", "tools": [tool]}), encoding="utf-8")
    status, out, err = run(capsys, str(path), "--responses", "--grammar", "lark")
    assert (status, out) == (1, "")
    assert "f: not can't be enforced by llguidance" in err


def test_unknown_tools_are_an_error_or_left_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST), encoding="utf-8")
    status, out, err = run(capsys, str(path))
    assert (status, out) == (1, "")
    assert err.startswith(f"harmony: {path}: tools[0].type: 'web_search' is no tool")
    assert run(capsys, str(path), "--unknown-tools", "skip")[0] == 0


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("{", "not a request in JSON: "),
        ("[]", "request: expected an object, got [] (list)"),
        ("{}", "messages: there are none"),
    ],
)
def test_what_is_no_request_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, written: str, complaint: str
) -> None:
    path = tmp_path / "request.json"
    path.write_text(written, encoding="utf-8")
    status, _, err = run(capsys, str(path))
    assert status == 1
    assert err.startswith(f"harmony: {path}: {complaint}")


def test_the_tokens_can_be_shown(
    capsys: pytest.CaptureFixture[str], request_file: Path, tmp_path: Path
) -> None:
    """``harmony chat FILE | harmony show -`` shows the prompt as messages."""
    pytest.importorskip("rich")
    tokens: Any = run(capsys, str(request_file))[1]
    path = tmp_path / "tokens.json"
    path.write_text(tokens, encoding="utf-8")
    assert main(["show", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "functions.get" in shown and "assistant, to be written" in shown
