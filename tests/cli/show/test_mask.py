"""``harmony show --mask``: what is trained on, in text, in colour, on a page."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding, Message, chat, training
from harmony.cli.show import plain, terminal
from harmony.cli.show.layout import Drawing
from harmony.cli.show.reading import read_messages
from support.talks import html

GREEN = "\x1b[1;37;48;5;28m"
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "2 + 2?"},
    {"role": "assistant", "channel": "analysis", "content": "Add.\nTwice."},
    {"role": "assistant", "channel": "final", "content": "It is 4."},
]
TALK = json.dumps({"messages": MESSAGES})

SAMPLED = """\
▍ 1 user  3 + 6 tokens, 0 trained on
▍ <|start|>user<|message|>
▍ 2 + 2?
▍ <|end|>

▍ 2 assistant  analysis  5 + 6 tokens, 9 trained on
▍ <|start|>assistant⟦<|channel|>analysis<|message|>
▍ Add.
▍ Twice.
▍ <|end|>

▍ 3 assistant  final  5 + 6 tokens, 11 trained on
▍ <|start|>assistant<|channel|>final<|message|>
▍ It is 4.
▍ <|return|>⟧

"""


def test_what_is_trained_on_stands_in_brackets(show: Any) -> None:
    status, out, err = show(TALK, "--mask", "sampled")
    assert (status, err) == (0, "")
    assert out.startswith(SAMPLED)
    rows = [line.split() for line in out.splitlines()]
    assert ["trained", "on", "20"] in rows and ["all", "31"] in rows


@pytest.mark.parametrize(
    ("kind", "counts"), [("messages", [0, 11, 11]), ("content", [0, 6, 6])]
)
def test_other_kinds(show: Any, kind: str, counts: list[int]) -> None:
    out = show(TALK, "--mask", kind)[1]
    for count in counts:
        assert f"tokens, {count} trained on" in out


def test_brackets_are_around_every_run_of_trained_tokens(
    encoding: HarmonyEncoding,
) -> None:
    tokens = encoding.encode("a b c d")
    reading = read_messages(encoding, tokens, "assistant")
    reading.mask = [1, 0, 1, 1]
    assert "⟦a⟧ b⟦ c d⟧" in plain.draw(reading, Drawing())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_has_a_colour(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    made = training.example(encoding, [Message.from_dict(m) for m in MESSAGES])
    reading = read_messages(encoding, made.tokens)
    reading.mask = made.mask
    out = terminal.draw(reading, Terminal(), Drawing())
    assert "⟦" not in out
    assert f"{GREEN}It" in out and f"{GREEN}Add" in out
    assert f"{GREEN}2" not in out


def test_on_the_page_it_has_a_class_and_a_switch(
    encoding: HarmonyEncoding, show: Any, tmp_path: Path
) -> None:
    path = tmp_path / "talk.html"
    assert show(TALK, "--mask", "sampled", "--html", str(path)) == (0, "", "")
    page = path.read_text(encoding="utf-8")
    assert page.count(' class="s t"') + page.count(' class="t"') == 20
    assert 'id="mask"' in page and "9 trained on" in page
    without = html(read_messages(encoding, encoding.encode("hi")))
    assert 'id="mask"' not in without and "trained on" not in without


def test_a_mask_needs_a_conversation(show: Any) -> None:
    for data in ("<|message|>hi", "[200006]"):
        status, out, err = show(data, "--mask", "sampled")
        assert (status, out) == (1, "")
        assert err == "harmony: -: --mask is for a conversation in JSON\n"
    assert show(TALK, "--text", "--mask", "sampled")[0] == 1


CHAT = json.dumps(
    {
        "messages": [
            {"role": "user", "content": "The weather?"},
            {
                "role": "assistant",
                "reasoning_content": "Ask.",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "look", "arguments": "{}"},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "Rain."},
            {"role": "assistant", "content": "It rains."},
        ]
    }
)
WROTE = """\
▍ 3 assistant  analysis  5 + 3 tokens, 6 trained on
▍ <|start|>assistant⟦<|channel|>analysis<|message|>
▍ Ask.
▍ <|end|>

▍ 4 assistant → functions.look  commentary  json  11 + 2 tokens, 13 trained on
▍ <|start|>assistant to=functions.look<|channel|>commentary json<|message|>
▍ {}
▍ <|call|>⟧

▍ 5 tool functions.look → assistant  commentary  10 + 3 tokens, 0 trained on
"""
DAY = ("--date", "2025-06-28")


def test_a_chat_is_shown_with_its_calls_and_reasoning(
    show: Any, encoding: HarmonyEncoding
) -> None:
    """They were lost without a word, and the assistant spoke on no channel."""
    status, out, err = show(CHAT, "--mask", "sampled", *DAY)
    assert (status, err) == (0, "")
    assert WROTE in out and "Current date: 2025-06-28" in out
    talk = chat.prompt(json.loads(CHAT), date=DAY[1]).conversation
    made = training.example(encoding, talk)
    row = f"all {len(made.tokens)}".split()
    assert row in [line.split() for line in out.splitlines()]
    assert ["trained", "on", str(sum(made.mask))] in [
        line.split() for line in out.splitlines()
    ]
    without = show(CHAT, *DAY)[1]
    assert "▍ Ask.\n" in without and "trained on" not in without


def test_a_chat_on_the_page(show: Any, tmp_path: Path) -> None:
    path = tmp_path / "chat.html"
    given = (CHAT, "--mask", "content", *DAY, "--html", str(path))
    assert show(*given) == (0, "", "")
    page = path.read_text(encoding="utf-8")
    # Contents and stop tokens: Ask., {}, It rains.
    assert page.count(' class="s t"') == 3
    assert "functions.look" in page and "2 trained on" in page


def test_what_a_chat_is_can_be_said(show: Any) -> None:
    said = '[{"role": "user", "content": "hi"}]'
    assert "Current date" not in show(said)[1]
    assert "Current date: 2025-06-28" in show(said, "--format", "chat", *DAY)[1]
    silent = '[{"role": "assistant", "content": "hi"}]'
    assert "final" in show(silent)[1]
    assert "final" not in show(silent, "--format", "harmony")[1]


def test_a_key_that_nobody_reads_is_named(show: Any) -> None:
    """What it said was lost."""
    status, out, err = show('[{"role": "user", "content": "hi", "weight": 0}]')
    assert (status, out) == (1, "")
    assert err == "harmony: -: messages[0].weight: this key is not known\n"
