"""``harmony encode`` and ``harmony decode``."""

from __future__ import annotations

from pathlib import Path

from harmony import HarmonyEncoding
from support.command import Run, ok, text, tokens


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
