"""Whatever a file, its name or a model says: nothing acts on the terminal."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import pytest

from harmony.cli.screen import escaped, visible
from support.command import Result, Run

ACTS = {
    chr(code)
    for code in range(sys.maxunicode + 1)
    if (unicodedata.category(chr(code)) == "Cc" and chr(code) not in "\t\n")
    or unicodedata.bidirectional(chr(code))
    in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
} | set("\u061c\u200e\u200f\u2028\u2029")
"""What acts on a terminal: controls, and what turns the direction of writing."""


def pieces() -> list[str]:
    """Return all code points but surrogates, some at a time."""
    codes = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]
    return [
        "".join(map(chr, codes[start : start + 4096]))
        for start in range(0, len(codes), 4096)
    ]


def test_there_is_no_code_point_that_acts_once_it_is_visible() -> None:
    assert len(ACTS) == 63 + 9 + 5
    for text in pieces():
        assert not ACTS & set(visible(text))
        assert not ACTS & set(escaped(text))


def test_json_says_the_same_without_them() -> None:
    for text in pieces():
        written = json.dumps(text, ensure_ascii=False)
        assert json.loads(escaped(written)) == text


def is_quiet(result: Result) -> bool:
    said = result.out.decode() + result.err
    return not ACTS & set(said)


PATHS = {
    "parse: no start": (["parse", "-", "--text", "--role", "none"], "{}"),
    "parse: a header": (["parse", "-", "--text"], "x{} y z<|message|>"),
    "parse: a role": (
        ["parse", "-", "--text", "--role", "none"],
        "<|start|>{}x<|end|>",
    ),
    "parse: a message": (["parse", "-", "--text"], "<|message|>{}<|end|>"),
    "parse: a channel": (["parse", "-", "--text"], "<|channel|>x{}y<|message|>a"),
    "parse: a warning": (["parse", "-", "--text", "--recover"], "{}<|end|><|end|>{}"),
    "parse: ids": (["parse", "-"], "{}"),
    "decode: ids": (["decode", "-"], "1 2 {}x"),
    "decode: a list": (["decode", "-"], '[1, "{}"]'),
    "render: JSON": (["render", "-"], "{}"),
    "render: a role": (["render", "-"], '{{"messages": [{{"role": "{}"}}]}}'),
    "render: a key": (["render", "-"], '{{"{}": []}}'),
    "chat: JSON": (["chat", "-"], "{}"),
    "chat: a role": (["chat", "-"], '{{"messages": [{{"role": "{}"}}]}}'),
    "show: text": (["show", "-", "--text"], "<|start|>a{}b<|message|>{}<|end|>{}"),
    "show: a conversation": (["show", "-"], '{{"messages": [{{"role": "{}"}}]}}'),
    "encode": (["encode", "-"], "{}"),
}


@pytest.mark.parametrize("path", PATHS)
def test_no_verb_writes_what_acts(run: Run, path: str) -> None:
    """`harmony parse` wrote ESC and U+202E into its errors."""
    command, form = PATHS[path]
    everything = "".join(sorted(ACTS))
    for text in (*sorted(ACTS)[::3], everything, everything[::-1]):
        assert is_quiet(run(*command, stdin=form.format(*[text] * 3))), ascii(text)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["parse: ids", "render: JSON", "encode"])
def test_no_verb_writes_what_acts_of_all_code_points(run: Run, path: str) -> None:
    command, form = PATHS[path]
    for text in pieces():
        assert is_quiet(run(*command, stdin=form.format(*[text] * 3)))


NAMES = [character for character in sorted(ACTS) if character != "\0"]


@pytest.mark.parametrize(
    "verb", ["render", "parse", "show", "encode", "decode", "chat"]
)
def test_a_file_name_that_acts_is_made_visible(run: Run, verb: str) -> None:
    for character in NAMES:
        result = run(verb, f"no{character}where")
        assert result.status == 1
        assert is_quiet(result), ascii(character)


def test_a_command_line_that_acts_is_made_visible(run: Run) -> None:
    for character in NAMES:
        for arguments in (
            ["parse", "x", f"--{character}"],
            [f"par{character}se", "x"],
            ["parse", "x", "--role", character],
            ["render", "x", "--jsonl", "--out", f"{character}.txt"],
            ["render", "x", "--processes", character],
        ):
            result = run(*arguments)
            assert result.status == 2
            assert is_quiet(result), ascii(character)


def test_files_of_a_run_that_act_are_made_visible(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "a\x1b[2J\u202eb.jsonl"
    source.write_text('{"messages": [{"role": "\u202e"}]}\n')
    out = tmp_path / "c\x1b[2J\u202ed.jsonl"
    for _ in range(2):
        result = run("render", str(source), "--jsonl", "--out", str(out))
        assert result.status == 1
        assert is_quiet(result)


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "␛[2J"), (False, "\x1b[2J")])
def test_text_is_made_visible_on_a_terminal_alone(
    run: Run, monkeypatch: pytest.MonkeyPatch, is_terminal: bool, shown: str
) -> None:
    """A pipe gets what the tokens say, to the byte."""
    from harmony import load_harmony_encoding

    tokens = load_harmony_encoding("HarmonyGptOss").encode("a\x1b[2Jb\tc\n")
    monkeypatch.setattr("harmony.cli.screen.sys.stdout.isatty", lambda: is_terminal)
    result = run("decode", "-", stdin=" ".join(map(str, tokens)))
    assert result.out.decode() == f"a{shown}b\tc\n"
