"""``harmony parse``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harmony import Conversation, Message
from harmony.messages import TextContent
from harmony.prompts import content_text
from support.command import WEATHER, Run, ok, text


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
    content = [{"type": "text", "text": "It is sunny."}]
    form = {"name": None, "content": content, "channel": "final"}
    for role in ([], ["--role", "assistant"], ["--role", "user"]):
        found = json.loads(text(run("parse", "--text", "-", *role, stdin=completion)))
        assert found == {"messages": [{"role": (role or ["assistant"])[-1], **form}]}


def test_parse_finishes_a_message_at_the_end_of_its_input(run: Run) -> None:
    found = json.loads(text(run("parse", "-", "--text", stdin="<|message|>It is s")))
    content = [{"type": "text", "text": "It is s"}]
    message = {"role": "assistant", "name": None, "content": content}
    assert found == {"messages": [message]}


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
                "name": None,
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
