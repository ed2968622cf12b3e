"""Inputs that have been the ruin of tokenizers: right, and in linear time.

``CASES`` is the table: a name, and a text for a number of characters.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any

import pytest

from harmony import HarmonyEncoding
from support.growth import assert_linear

MEGABYTE = 1_000_000


def repeated(unit: str) -> Callable[[int], str]:
    """Return a maker of a text of one thing repeated."""
    return lambda length: (unit * (length // len(unit) + 1))[:length]


def drawn(alphabet: str) -> Callable[[int], str]:
    """Return a maker of a text drawn at random."""
    return lambda length: "".join(random.Random(length).choices(alphabet, k=length))


def base64_text(length: int) -> str:
    """Return BASE64 of random bytes: long runs of letters and digits."""
    return base64.b64encode(random.Random(length).randbytes(length)).decode()[:length]


CJK = "".join(map(chr, range(0x4E00, 0xA000)))
LOWER = "abcdefghijklmnopqrstuvwxyz"
FAMILY = "👩\u200d👩\u200d👧\u200d👦"

CASES: dict[str, tuple[int, Callable[[int], str]]] = {
    "one letter": (100_000, repeated("a")),
    "one letter, a megabyte": (MEGABYTE, repeated("a")),
    "one capital": (100_000, repeated("A")),
    "spaces": (100_000, repeated(" ")),
    "spaces, then a letter": (100_000, lambda n: " " * n + "a"),
    "tabs": (100_000, repeated("\t")),
    "no-break spaces": (100_000, repeated("\u00a0")),
    "newlines": (100_000, repeated("\n")),
    "newlines and spaces": (100_000, repeated("\n ")),
    "mixed line ends": (100_000, repeated("\r\n \r\n\n\r")),
    "two letters": (100_000, repeated("ab")),
    "combining marks": (100_000, repeated("\u0301")),
    "a letter under marks": (100_000, lambda n: "e" + "\u0301" * n),
    "spaces and marks": (100_000, repeated(" \u0301")),
    "equals signs": (MEGABYTE, repeated("=")),
    "slashes": (100_000, repeated("/")),
    "slashes and newlines": (100_000, repeated("/\n")),
    "random Chinese": (MEGABYTE // 3, drawn(CJK)),
    "Chinese without spaces": (200_000 // 3, repeated("我们今天去公园散步天气很好")),
    "base64": (200_000, base64_text),
    "emoji with joiners": (100_000, repeated(FAMILY)),
    "contractions": (MEGABYTE, repeated("'s")),
    "contractions of a letter": (100_000, repeated("a'll")),
    "apostrophes": (100_000, repeated("'")),
    "upper and lower case in turns": (100_000, repeated("aB")),
    "capitals, then one small": (100_000, lambda n: "B" * n + "a"),
    "capitals and letters without case": (100_000, repeated("Aª")),
    "digits": (100_000, repeated("1234567890")),
    "random letters": (100_000, drawn(LOWER)),
    "random small and capital letters": (100_000, drawn(LOWER + LOWER.upper())),
    "random signs": (100_000, drawn("!#$%&()*+,-.:;<=>?@[]^_`{|}~")),
    "zero bytes": (100_000, repeated("\0")),
    "replacement characters": (100_000, repeated("\ufffd")),
    "private use": (100_000, repeated("\ue000\U0010fffd")),
    "beginnings of special tokens": (100_000, repeated("<|start|")),
    "special tokens as text": (100_000, repeated("<|start|>")),
    "reserved tokens as text": (100_000, repeated("<|reserved_200013|>")),
}


def encode(encoding: HarmonyEncoding, text: str) -> list[int]:
    return encoding.encode(text, disallowed_special=())


@pytest.mark.parametrize("name", CASES)
def test_it_is_encoded_as_tiktoken_does_and_comes_back(
    encoding: HarmonyEncoding, tiktoken_encoding: Any, name: str
) -> None:
    length, make = CASES[name]
    text = make(length)
    tokens = encode(encoding, text)
    assert tokens == tiktoken_encoding.encode_ordinary(text)
    assert encoding.decode_utf8(tokens) == text


def test_work_that_grows_as_the_square_would_be_noticed() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"16 times the input took [12]"):
        assert_linear(lambda length: lambda: sum(range(length * length)), 800)


@pytest.mark.parametrize("name", CASES)
def test_it_is_encoded_in_linear_time(encoding: HarmonyEncoding, name: str) -> None:
    length, make = CASES[name]

    def work(length: int) -> Callable[[], object]:
        text = make(length)
        return lambda: encode(encoding, text)

    assert_linear(work, length)


@pytest.mark.parametrize("allowed", ["all", {"<|end|>"}])
@pytest.mark.parametrize("unit", ["<|start|>", "<|end|>", "<|reserved_200013|>", "<|"])
def test_special_tokens_are_found_in_linear_time(
    encoding: HarmonyEncoding, allowed: Any, unit: str
) -> None:
    def work(length: int) -> Callable[[], object]:
        text = repeated(unit)(length)
        return lambda: encoding.encode(
            text, allowed_special=allowed, disallowed_special=()
        )

    assert_linear(work, 100_000)


def test_disallowed_tokens_are_looked_for_in_linear_time(
    encoding: HarmonyEncoding,
) -> None:
    def work(length: int) -> Callable[[], object]:
        text = "<|start|><|refusal|>" * (length // 20)
        return lambda: encoding.encode(
            text, allowed_special={"<|start|>"}, disallowed_special={"<|end|>"}
        )

    assert_linear(work, 100_000)


STREAMS: dict[str, list[int]] = {
    "text": [64],
    "halves of characters": [9552],
    "nothing but broken bytes": [187, 188],
    "unknown ids": [-1],
    "messages": [200006, 1428, 200008, 64, 200007],
}


@pytest.mark.parametrize("name", STREAMS)
def test_content_is_parsed_in_linear_time(encoding: HarmonyEncoding, name: str) -> None:
    def work(length: int) -> Callable[[], object]:
        unit = STREAMS[name]
        start = [] if unit[0] == 200006 else [200006, 1428, 200008]
        tokens = start + unit * (length // len(unit))
        parse = encoding.parse_messages_from_completion_tokens
        return lambda: parse(tokens)

    assert encoding.encode("user") == [1428]
    assert_linear(work, 200_000)


def test_a_long_header_is_parsed_in_linear_time(encoding: HarmonyEncoding) -> None:
    def work(length: int) -> Callable[[], object]:
        words = encoding.encode("a " * length + "a")
        tokens = [200006, *words, 200005, *words, 200008, 200007]

        def parse() -> None:
            with pytest.raises(RuntimeError, match="unexpected tokens remaining"):
                encoding.parse_messages_from_completion_tokens(tokens)

        return parse

    assert_linear(work, 100_000)
