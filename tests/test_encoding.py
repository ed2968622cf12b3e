"""Text to tokens and back, against tiktoken and the oracle of reference.py."""

from __future__ import annotations

import os
import random
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harmony import (
    DecodeError,
    EncodeError,
    HarmonyEncoding,
    StreamableParser,
)
from support import TEST_DATA
from support.examples import times
from support.o200k import LIMIT, NAMED
from support.reference import Oracle, assigned

Encode = Callable[[str], list[int]]


@pytest.fixture(scope="session")
def oracle(ranks: dict[bytes, int]) -> Oracle:
    return Oracle(ranks)


# Every code point

AROUND = [
    "{0}",
    "{0}{0}",
    "ab{0}cd",
    "AB{0}Cd",
    "a{0}",
    " {0}b",
    "{0}'s",
    "{0}'S!",
    "1{0}2",
    "\n{0}",
    "x\n{0}y",
    "!{0}/",
    "{0} \u0301{0}",
    "  {0}",
    "{0}\n\n",
    "'{0}e",
]


def code_points() -> Iterator[list[str]]:
    """Give every code point that is a character, 2 048 at a time."""
    for start in range(0, 0x110000, 2048):
        if not 0xD800 <= start < 0xE000:
            yield [chr(code) for code in range(start, start + 2048)]


def first_difference(texts: list[str], ours: Encode, theirs: Encode) -> str | None:
    """Compare texts joined by a line each; on a difference, one by one."""
    joined = "\n".join(texts)
    if ours(joined) == theirs(joined):
        return None
    for text in texts:
        if ours(text) != theirs(text):
            return f"{text!r}: {ours(text)}, tiktoken has {theirs(text)}"
    return "only in the context of each other: " + ascii(joined[:200])


@pytest.mark.slow
def test_every_code_point_is_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any
) -> None:
    def compare(characters: list[str]) -> str | None:
        texts = [around.format(c) for c in characters for around in AROUND]
        return first_difference(
            texts, encoding.encode, tiktoken_encoding.encode_ordinary
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        differences = [d for d in pool.map(compare, code_points()) if d]
    assert not differences, differences[0]


@pytest.mark.slow
def test_every_code_point_alone_is_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any
) -> None:
    count = 0
    for characters in code_points():
        count += len(characters)
        theirs = list(map(tiktoken_encoding.encode_ordinary, characters))
        ours = list(map(encoding.encode, characters))
        assert ours == theirs, hex(ord(characters[0]))
    assert count == 1_112_064


# Generated text

FRAGMENTS = [
    *["'s", "'T", "'re", "'VE", "'m", "'lL", "'D", "'\u017f", "'", "''", "\u2019s"],
    *["'R", "'v", "'l", "'le", "s", "re", "ll", "\u017f", "\u212a"],
    *["a", "Z", "hello", "World", "HTTP", "iPhone", "straße", "İstanbul", "ǅ", "ʰ"],
    *["é", "e\u0301", "\u0301", "\u0300\u0323", "\u093f", "का", "\u20dd", "\ufe0f"],
    *[
        "中",
        "文字",
        "\u0627",
        "ب\u064b",
        "한국",
        "ไทย",
        "\U0001d49c",
        "𐐀",
        "𐐨",
        "ª",
        "º",
    ],
    *["1", "12", "345", "6789", "½", "Ⅷ", "٣", "१२", "²", "\U0001d7d8"],
    *[" ", "  ", "   ", "\t", "\v", "\f", "\x1c", "\x1f", "\x85", "\u00a0", "\u2003"],
    *["\u2028", "\u2029", "\u3000", "\u200b", "\u180e", "\ufeff", "\u1680"],
    *["\n", "\r", "\r\n", "\n\n", " \n", "\n "],
    *["/", "//", "/\n", "\n/", ".", "...", "!", "?!", "(", ")", "{}", "_", "$", "€"],
    *["<|", "|>", "<|start|", "😀", "👩\u200d👩\u200d👧", "👍🏽", "\U000e0041", "\0"],
    *["\ue000", "\U0010ffff", "\ufffd", "\u0378"],
]
biased_text = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)
mixed_text = st.lists(
    st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=20
).map("".join)
texts = st.text() | biased_text | mixed_text
many = times(6)


@many
@given(text=texts)
def test_any_text_is_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any, text: str
) -> None:
    ours = encoding.encode(text, disallowed_special=())
    assert ours == tiktoken_encoding.encode_ordinary(text)


def test_random_mixes_of_fragments_are_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any
) -> None:
    dice = random.Random(16)
    texts = ["".join(dice.choices(FRAGMENTS, k=12)) for _ in range(30_000)]
    for text in texts:
        theirs = tiktoken_encoding.encode_ordinary(text)
        assert encoding.encode(text) == theirs, ascii(text)


def test_long_random_mixes_of_fragments_are_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any
) -> None:
    dice = random.Random(64)
    for _ in range(1_000):
        some = dice.choices(FRAGMENTS, k=dice.randint(2, 12))
        text = "".join(dice.choices([*some, " ", "a"], k=1_000))
        theirs = tiktoken_encoding.encode_ordinary(text)
        assert encoding.encode(text, disallowed_special=()) == theirs, ascii(text)


@many
@given(text=texts)
def test_any_text_is_encoded_as_the_oracle_does(
    encoding: HarmonyEncoding, oracle: Oracle, text: str
) -> None:
    assume(assigned(text))
    assert encoding.encode(text, disallowed_special=()) == oracle.encode(text)


@many
@given(text=texts)
def test_any_text_comes_back(encoding: HarmonyEncoding, text: str) -> None:
    tokens = encoding.encode(text, disallowed_special=())
    assert encoding.decode(tokens) == text
    assert encoding.decode_utf8(tokens) == text
    assert encoding.decode_bytes(tokens) == text.encode()


# Written text


def library_sources(limit: int = 10_000_000) -> Iterator[tuple[Path, str]]:
    """Give the standard library's sources, about ``limit`` characters of them."""
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if "site-packages" in path.parts:
            continue
        try:
            text = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        yield path, text
        limit -= len(text)
        if limit < 0:
            return


def test_the_standard_library_is_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any
) -> None:
    for path, text in library_sources():
        tokens = encoding.encode(text, disallowed_special=())
        assert tokens == tiktoken_encoding.encode_ordinary(text), path
        assert encoding.decode_utf8(tokens) == text, path


LANGUAGES = dict(
    line.split("\t")
    for line in (TEST_DATA / "languages.tsv").read_text("utf-8").split("\n")[:-1]
)
"""A sentence in each of many languages, by its name."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_are_encoded_as_tiktoken_and_the_oracle_do(
    encoding: HarmonyEncoding, tiktoken_encoding: Any, oracle: Oracle, language: str
) -> None:
    text = LANGUAGES[language]
    for form in (text, text.upper(), text.title(), text.replace(" ", "\n")):
        tokens = encoding.encode(form)
        assert tokens == tiktoken_encoding.encode_ordinary(form)
        assert tokens == oracle.encode(form)
        assert encoding.decode(tokens) == form


# Surrogates


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("\ud83d\ude00", "😀"),
        ("a\ud83d\ude00b", "a😀b"),
        ("\ud83d", "\ufffd"),
        ("\ude00", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("a\ud83db<\ude00", "a\ufffdb<\ufffd"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("<|\ud83d", "<|\ufffd"),
        ("\ufeff\ud83d", "\ufeff\ufffd"),
    ],
)
def test_lone_surrogates_are_replaced_and_pairs_are_joined(
    encoding: HarmonyEncoding, text: str, meant: str
) -> None:
    assert encoding.encode(text) == encoding.encode(meant)
    assert encoding.decode(encoding.encode(text)) == meant


surrogates = st.sampled_from("\ud83d\ude00\ufeff") | st.characters(categories=["Cs"])


@many
@given(text=st.text(surrogates | st.characters()))
def test_surrogates_are_encoded_as_tiktoken_does(
    encoding: HarmonyEncoding, tiktoken_encoding: Any, text: str
) -> None:
    tokens = tiktoken_encoding.encode_ordinary(text)
    assert encoding.encode(text, disallowed_special=()) == tokens


# Decoding

PARTIAL = 9552  # b" \xf0\x9f"


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ("replace", "a \ufffdb"),
        ("ignore", "a b"),
        ("backslashreplace", "a \\xf0\\x9fb"),
        ("surrogateescape", "a \udcf0\udc9fb"),
    ],
)
def test_decode_treats_broken_text_as_bytes_decode_does(
    encoding: HarmonyEncoding, errors: str, text: str
) -> None:
    tokens = [*encoding.encode("a"), PARTIAL, *encoding.encode("b")]
    assert encoding.decode_bytes(tokens) == b"a \xf0\x9fb"
    assert encoding.decode(tokens, errors) == text
    assert encoding.decode(tokens, errors=errors) == text


def test_decode_replaces_by_default_and_raises_if_told_to(
    encoding: HarmonyEncoding,
) -> None:
    assert encoding.decode([PARTIAL]) == " \ufffd"
    with pytest.raises(UnicodeDecodeError):
        encoding.decode([PARTIAL], errors="strict")
    with pytest.raises(LookupError):
        encoding.decode([PARTIAL], errors="no such handler")


def test_decode_utf8_refuses_broken_text(encoding: HarmonyEncoding) -> None:
    for tokens in ([PARTIAL], [PARTIAL, *encoding.encode("b")]):
        with pytest.raises(DecodeError, match="Invalid utf-8") as caught:
            encoding.decode_utf8(tokens)
        assert "at byte 1" in str(caught.value)
        assert caught.value.position is None


@pytest.mark.parametrize(
    "token", [99_999_999, LIMIT, -1, -(2**31), 2**31 - 1, 2**31, 2**64, -(2**64)]
)
def test_an_unknown_id_is_refused_by_name_and_place(
    encoding: HarmonyEncoding, token: int
) -> None:
    for decode in (encoding.decode, encoding.decode_utf8, encoding.decode_bytes):
        for tokens in ([5, 6, token, 7], (5, 6, token, 7), iter([5, 6, token, 7])):
            with pytest.raises(DecodeError) as caught:
                decode(tokens)
            assert str(caught.value) == f"Invalid token for decoding: {token}"
            assert caught.value.position == 2


@pytest.mark.parametrize("tokens", [5, None, "abc", ["a"], [1.5], [None], [[1]]])
def test_what_are_no_tokens_is_a_type_error(
    encoding: HarmonyEncoding, tokens: Any
) -> None:
    for decode in (encoding.decode, encoding.decode_utf8, encoding.decode_bytes):
        with pytest.raises(TypeError):
            decode(tokens)


@pytest.mark.parametrize("text", [None, 5, b"bytes", ["a"]])
def test_what_is_no_text_is_a_type_error(encoding: HarmonyEncoding, text: Any) -> None:
    with pytest.raises(TypeError, match="expected a str"):
        encoding.encode(text)


WRONG_TOKENS = [
    (5, "expected token ids, got 5 (int)"),
    (None, "expected token ids, got None"),
    ("abc", "expected token ids, got 'abc' (str)"),
    ("a" * 10**6, "expected token ids, got '" + "a" * 59 + " (str)"),
    (["a"], "tokens[0]: expected a token id, got 'a' (str)"),
    ((1, "a"), "tokens[1]: expected a token id, got 'a' (str)"),
    ([1, 2, None], "tokens[2]: expected a token id, got None"),
    (iter([1, 1.5]), "tokens[1]: expected a token id, got 1.5 (float)"),
    ([0] * 20_000 + [[5]], "tokens[20000]: expected a token id, got [5] (list)"),
]


@pytest.mark.parametrize("way", ["decode", "decode_utf8", "decode_bytes", "feed"])
@pytest.mark.parametrize(("tokens", "complaint"), WRONG_TOKENS)
def test_what_is_no_token_id_is_told_and_where(
    encoding: HarmonyEncoding, way: str, tokens: Any, complaint: str
) -> None:
    """It used to be "'str' object cannot be interpreted as an integer"."""
    if isinstance(tokens, Iterator):
        tokens = iter([1, 1.5])
    parser = StreamableParser(encoding, None, on_error="recover")
    with pytest.raises(TypeError) as caught:
        getattr(parser if way == "feed" else encoding, way)(tokens)
    assert str(caught.value) == complaint
    assert parser.tokens == []


@pytest.mark.parametrize(
    ("token", "shown"), [("a", "'a' (str)"), (None, "None"), (1.5, "1.5 (float)")]
)
def test_what_is_no_token_id_is_told_by_process(
    encoding: HarmonyEncoding, token: Any, shown: str
) -> None:
    """It used to be "an integer is required"."""
    with pytest.raises(TypeError) as caught:
        StreamableParser(encoding, "user").process(token)
    assert str(caught.value) == f"expected a token id, got {shown}"


@pytest.mark.parametrize("way", ["encode", "encode_to_array", "count_tokens"])
@pytest.mark.parametrize(
    ("text", "shown"), [(5, "5 (int)"), (None, "None"), (b"a", "b'a' (bytes)")]
)
def test_what_is_no_text_is_told(
    encoding: HarmonyEncoding, way: str, text: Any, shown: str
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(encoding, way)(text)
    assert str(caught.value) == f"text: expected a str, got {shown}"


def test_any_iterable_of_ints_is_decoded(encoding: HarmonyEncoding) -> None:
    tokens = encoding.encode("any iterable")
    for given_tokens in (
        tuple(tokens),
        iter(tokens),
        array("i", tokens),
        array("q", tokens),
        dict.fromkeys(tokens),
        (token for token in tokens),
    ):
        assert encoding.decode(given_tokens) == "any iterable"
    assert encoding.decode(range(64, 67)) == "abc"
    assert encoding.decode([]) == encoding.decode_utf8(()) == ""


def test_bytes_are_a_sequence_of_small_ids(encoding: HarmonyEncoding) -> None:
    """They used to be taken as the memory of an array: four bytes to an id."""
    assert encoding.decode(b"\x40\x41\x42\x43") == "abcd"
    assert encoding.decode(bytearray(b"\x40")) == "a"


@many
@given(data=st.lists(st.integers(0, LIMIT - 1)) | st.lists(st.integers(0, 255)))
def test_any_tokens_are_decoded_to_the_bytes_of_each(
    encoding: HarmonyEncoding, data: list[int]
) -> None:
    joined = b"".join(encoding.decode_bytes([token]) for token in data)
    assert encoding.decode_bytes(data) == joined
    assert encoding.decode(data) == joined.decode(errors="replace")


def test_every_token_is_decoded_as_tiktoken_does(
    encoding: HarmonyEncoding, special_tiktoken: Any
) -> None:
    dice = random.Random(8)
    tokens = dice.sample(range(LIMIT), LIMIT)
    assert encoding.decode_bytes(tokens) == special_tiktoken.decode_bytes(tokens)


# Arrays and counts


@many
@given(text=texts, allowed=st.sets(st.sampled_from(sorted(NAMED))))
def test_arrays_and_counts_are_those_of_the_list(
    encoding: HarmonyEncoding, text: str, allowed: set[str]
) -> None:
    text += "".join(allowed)
    tokens = encoding.encode(text, allowed_special=allowed, disallowed_special=())
    again = encoding.encode_to_array(
        text, allowed_special=allowed, disallowed_special=()
    )
    assert again == array("i", tokens)
    count = encoding.count_tokens(text, allowed_special=allowed, disallowed_special=())
    assert count == len(tokens)


def test_arrays_and_counts_refuse_special_tokens_too(encoding: HarmonyEncoding) -> None:
    for function in (encoding.encode_to_array, encoding.count_tokens):
        with pytest.raises(EncodeError):
            function("a <|end|>")


def test_numpy_takes_an_array_without_a_copy(encoding: HarmonyEncoding) -> None:
    numpy = pytest.importorskip("numpy")
    tokens = encoding.encode_to_array("hello world")
    taken = numpy.asarray(tokens)
    tokens[0] = 7
    assert taken.dtype == numpy.int32
    assert taken.tolist() == [7, 2375]


def test_long_and_short_texts_take_turns(encoding: HarmonyEncoding) -> None:
    """The room for tokens grows, and what is very much of it is given back."""
    long = "hello world " * 60_000
    assert encoding.count_tokens(long) == len(encoding.encode(long)) == 120_001
    assert encoding.encode("hello world") == [24912, 2375]
    assert encoding.encode_to_array(long)[:2] == array("i", [24912, 2375])


# Threads


def test_threads_share_an_encoding(encoding: HarmonyEncoding) -> None:
    texts = [" ".join([word, *LANGUAGES.values()]) * 20 for word in LANGUAGES]
    expected = [encoding.encode(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            assert list(pool.map(encoding.encode, texts)) == expected
            assert list(pool.map(encoding.decode, expected)) == texts
