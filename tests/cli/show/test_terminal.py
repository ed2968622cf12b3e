"""``harmony show`` in the terminal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from harmony import HarmonyEncoding
from harmony.cli.show.page import page
from harmony.cli.show.reading import Reading
from harmony.cli.show.reading import read_messages as read
from support.growth import assert_linear
from support.talks import HOSTILE, TALK, reading

EXPECTED = """\
▍ 1 user  3 + 14 tokens
▍ <|start|>user<|message|>
▍ Wie spät
▍ is it in 東京? 👩‍🚀
▍ <|end|>

▍ 2 assistant  analysis  5 + 4 tokens
▍ <|start|>assistant<|channel|>analysis<|message|>
▍ I ask.
▍ <|end|>

▍ 3 assistant → functions.now  commentary  <|constrain|>json  13 + 2 tokens
▍ <|start|>assistant to=functions.now<|channel|>commentary <|constrain|>json<|message|>
▍ {}
▍ <|call|>

▍ 4 no message  1 token
▍ ⚠ stray_stop <|end|>

▍ 5 tool functions.now → assistant  commentary  10 + 2 tokens
▍ <|start|>functions.now to=assistant<|channel|>commentary<|message|>
▍ 12
▍ <|end|>

▍ 6 assistant  final  7 + 4 tokens
▍ <|start|>assistant<|channel|>final odd words ⚠ header_words 'odd words' <|message|>
▍ Noon.
▍ <|return|>

"""


def test_a_talk_as_it_is_shown(show: Any, rich: Any) -> None:
    status, out, err = show(TALK)
    assert (status, err) == (0, "")
    blocks, summary = out.split("role ", 1)
    assert blocks == EXPECTED
    rows = [line.split() for line in summary.splitlines()]
    assert rows[0] == ["channel", "messages", "header", "content", "tokens"]
    assert ["assistant", "analysis", "1", "5", "4", "9"] in rows
    assert ["in", "no", "message", "1"] in rows
    assert rows[-1] == ["2", "repaired", "⚠"]


def test_token_boundaries_and_ids_if_asked_for(show: Any, rich: Any) -> None:
    text = "<|message|>Hi you.\nMore 👩<|end|>"
    out = show(text, "--tokens")[1]
    assert "▍ Hi│ you│.↵\n▍ │More│ 👩\n▍ <|end|>" in out
    out = show(text, "--ids")[1]
    assert "▍ Hi⟨12194⟩ you⟨481⟩.⟨558⟩\n▍ More⟨9241⟩ 👩⟨" in out
    assert re.search(r"👩⟨\d+ \d+⟩\n▍ <\|end\|>⟨200007⟩", out)


def test_what_was_read_is_shown_where_tokens_do_not(show: Any, rich: Any) -> None:
    out = show("<|start|>assistant to=functions.f json {}<|call|>")[1]
    assert "▍ ⚠ missing_message <|call|>\n▍ read as: {}\n" in out


@pytest.mark.parametrize("form", ["text", "list", "spread"])
def test_text_and_token_ids_are_told_apart(
    show: Any, rich: Any, encoding: HarmonyEncoding, form: str
) -> None:
    ids = encoding.encode(TALK, allowed_special="all")
    forms = {"text": TALK, "list": json.dumps(ids), "spread": json.dumps(ids, indent=1)}
    assert show(forms[form])[1].startswith(EXPECTED)


def test_a_prompt_tells_who_is_to_write(show: Any, rich: Any) -> None:
    out = show("<|start|>user<|message|>hi<|end|><|start|>assistant")[1]
    assert "▍ 2 assistant, to be written  2 tokens\n▍ <|start|>assistant\n" in out
    assert "⚠" not in out


def on_terminal(
    found: Reading, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> str:
    """Return what goes to a terminal of 40 columns."""
    from harmony.cli.show.layout import Drawing
    from harmony.cli.show.terminal import draw

    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "TERM": "xterm-256color",
        "COLUMNS": "40",
        **environment,
    }.items():
        monkeypatch.setenv(name, value)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return draw(found, Terminal(), Drawing(tokens=True))


def test_a_terminal_has_colours_and_folded_lines(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = reading(encoding, f"<|start|>user<|message|>{'word ' * 20}<|end|>")
    out = on_terminal(found, monkeypatch)
    assert "\x1b[36m▍ " in out and "│" not in out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert max(map(len, plain.splitlines())) <= 40
    assert plain.count("word") == 20


def test_no_color_has_no_colours(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = on_terminal(reading(encoding, TALK), monkeypatch, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*(3|4|9|10)\d", out)
    assert "│" in out


def test_nothing_that_is_shown_acts_on_a_terminal(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = on_terminal(reading(encoding, HOSTILE), monkeypatch)
    assert not re.search(r"\x1b(?!\[[0-9;]*m)|[\x00-\x09\x0b-\x1a\u202e]", out)
    assert "[red]" in re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert ":smile:" in re.sub(r"\x1b\[[0-9;]*m", "", out)


@pytest.mark.slow
def test_showing_takes_linear_time(
    encoding: HarmonyEncoding, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(length: int) -> Callable[[], object]:
        tokens = [200006, 1428, 200008] + [24912, 2375] * (length // 2)

        def show() -> None:
            found = read(encoding, tokens)
            on_terminal(found, monkeypatch)
            sum(map(len, page(found, "large")))

        return show

    assert_linear(work, 10_000)
