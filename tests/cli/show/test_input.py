"""What ``harmony show`` takes: text, token ids, and conversations in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.command import WEATHER


def test_a_list_may_be_text(show: Any, rich: Any) -> None:
    assert "▍ [1, 2]" in show("[1, 2]", "--text")[1]
    assert "▍ [x]" in show("[x]")[1]


def test_the_role_is_told_by_the_beginning(show: Any, rich: Any) -> None:
    assert show("<|message|>hi")[1].startswith("▍ 1 assistant  1 + 1 tokens\n")
    assert show("<|message|>hi", "--role=user")[1].startswith("▍ 1 user ")
    assert "missing_start" in show("<|message|>hi", "--role=none")[1]
    assert show("<|start|>user<|message|>hi")[1].startswith("▍ 1 user ")


def test_bad_input_is_one_line(show: Any) -> None:
    status, out, err = show(b"\xff")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "byte 0: the text is not UTF-8" in err
    assert show("[1, 99999999999]")[0] == 1
    assert "token 1: 'a' is not a token id" in show('[1, "a"]')[2]


# Conversations in JSON


MESSAGE = '{"role": "user", "content": "What is 2 + 2?"}'


@pytest.mark.parametrize(
    "form",
    [MESSAGE, f"[{MESSAGE}]", f' \n{{"messages": [{MESSAGE}]}}\n', f"\n[\n{MESSAGE}]"],
)
def test_a_conversation_in_json_is_shown_as_its_messages(
    show: Any, rich: Any, form: str
) -> None:
    """It used to be shown as text by the assistant, with a repair."""
    status, out, err = show(form)
    assert (status, err) == (0, "")
    heading = "▍ 1 user  3 + 9 tokens\n▍ <|start|>user<|message|>\n"
    assert out.startswith(f"{heading}▍ What is 2 + 2?\n▍ <|end|>\n")
    assert "⚠" not in out


def test_nothing_of_a_conversation_is_left_out(show: Any, rich: Any) -> None:
    out = show(WEATHER.read_bytes())[1]
    assert "assistant  analysis  5 + 11 tokens" in out
    assert out.count("<|start|>") == len(json.loads(WEATHER.read_bytes())["messages"])
    assert "⚠" not in out


def test_a_conversation_tells_the_role_itself(show: Any) -> None:
    """It used to be "1 repaired": the role that the option gave was not needed."""
    assert show(MESSAGE, "--role=assistant") == show(MESSAGE)


@pytest.mark.parametrize(
    "text",
    [
        *["{", "{}", "[", "[x]", "{not JSON}", '{"location": "Paris"}', "[[1]]"],
        *['{"role": "user"}', '[{"role": "user"}, 5]', '{"a": {"messages": []}}'],
        f"{MESSAGE}<|end|>",
    ],
)
def test_text_that_begins_like_a_conversation_is_text(
    show: Any, rich: Any, text: str
) -> None:
    status, out, err = show(text)
    assert (status, err) == (0, "")
    assert f"▍ {text.removesuffix('<|end|>')}" in out


def test_a_conversation_is_text_if_told_so(show: Any, rich: Any) -> None:
    assert f"▍ {MESSAGE}" in show(MESSAGE, "--text")[1]


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ('{"messages": 5}', "messages: expected a list, got 5"),
        ('{"messages": [', "Conversation.from_json: "),
        (f'{{"messages": [{MESSAGE}]', "Conversation.from_json: "),
        ('{"messages": [{"role": "bob", "content": ""}]}', "messages[0].role: unknown"),
        ('[{"role": "bob", "content": ""}]', "messages[0].role: unknown role 'bob'"),
        ('{"role": "user", "content": 5}', "messages[0].content: expected a string or"),
        ('[{"role": "tool", "content": ""}]', "messages[0]: Tools should have a name!"),
    ],
)
def test_a_mistake_in_a_conversation_is_told(
    show: Any, form: str, complaint: str
) -> None:
    """The conversation used to be shown as text with repairs."""
    status, out, err = show(form)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"harmony: -: {complaint}")


# The end of a file


@pytest.mark.parametrize("end", ["<|return|>", "<|end|>", "<|call|>"])
@pytest.mark.parametrize("feed", ["\n", "\r\n"])
def test_the_line_feed_at_the_end_of_a_file_is_no_repair(
    show: Any, rich: Any, end: str, feed: str
) -> None:
    """An editor that ends the last line used to make a message of white space."""
    text = f"<|channel|>final<|message|>4.\n{end}"
    assert show(text + feed) == show(text)
    assert show(text + feed, "--text") == show(text)
    assert "white_space" in show(text + feed + feed)[1]
    assert "white_space" in show(text + " ")[1]


def test_the_line_feed_behind_a_prompt_is_none_either(show: Any, rich: Any) -> None:
    prompt = "<|start|>user<|message|>hi<|end|><|start|>assistant"
    assert show(f"{prompt}\n") == show(prompt)
    assert "hi⟨3686⟩⟨198⟩" in show("<|message|>hi\n", "--ids")[1].replace("\n▍ ", "")
