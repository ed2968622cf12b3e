"""Other vocabularies: against tiktoken on one that is trained here, and on o200k."""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import unicodedata2
from hypothesis import given
from hypothesis import strategies as st

from harmony import HarmonyEncoding, HarmonyError, Tokenizer, messages
from support.o200k import PATTERN
from support.trained import SPECIAL, WORDS, tiktoken_lines


@given(text=st.text() | st.text("abcdefinrst <|>", max_size=200))
def test_text_is_encoded_as_in_tiktoken(
    tokenizer: Tokenizer, trained_tiktoken: Any, text: str
) -> None:
    tokens = tokenizer.encode(text, disallowed_special=())
    assert tokens == trained_tiktoken.encode(text, disallowed_special=())
    assert tokenizer.decode(tokens) == text


def test_long_pieces_are_encoded_as_in_tiktoken(
    tokenizer: Tokenizer, trained_tiktoken: Any
) -> None:
    text = "".join(inspect.getsource(messages).split())
    for piece in (text, "return" * 300, "a" * 1000):
        assert tokenizer.encode(piece) == trained_tiktoken.encode(piece)


def in_unicode_16(text: str) -> bool:
    return all(unicodedata2.category(character) != "Cn" for character in text)


@given(text=st.text().filter(in_unicode_16))
def test_o200k_by_pattern_equals_our_own_splitter(
    o200k: Tokenizer, encoding: HarmonyEncoding, text: str
) -> None:
    assert o200k.encode(text) == encoding.encode(text, disallowed_special=())


@pytest.fixture(scope="module")
def o200k(tiktoken_file: Path) -> Tokenizer:
    return Tokenizer.from_tiktoken(
        tiktoken_file,
        pattern=PATTERN,
        sha256=hashlib.sha256(tiktoken_file.read_bytes()).hexdigest(),
    )


def test_o200k_by_pattern_equals_our_own_splitter_on_every_character(
    o200k: Tokenizer, encoding: HarmonyEncoding
) -> None:
    characters = [
        chr(c)
        for c in range(0x110000)
        if unicodedata2.category(chr(c)) not in ("Cn", "Cs")
    ]
    for start in range(0, len(characters), 2000):
        text = " a".join(characters[start : start + 2000])
        assert o200k.encode(text) == encoding.encode(text)


def test_a_whole_piece_may_be_a_token_that_nothing_merges_into(
    tokenizer: Tokenizer, trained: dict[bytes, int]
) -> None:
    assert tokenizer.decode_bytes([501]) == b"\xffzq\xfe"
    with pytest.raises(HarmonyError, match="Invalid token for decoding: 500"):
        tokenizer.decode([500])


@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        (5, "expected token ids, got 5 (int)"),
        (None, "expected token ids, got None"),
        ("abc", "expected token ids, got 'abc' (str)"),
        ([1, "a"], "tokens[1]: expected a token id, got 'a' (str)"),
        ([[1]], "tokens[0]: expected a token id, got [1] (list)"),
    ],
)
def test_what_is_no_token_id_is_told_and_where(
    tokenizer: Tokenizer, tokens: Any, complaint: str
) -> None:
    """It used to be "'<=' not supported between instances of 'int' and 'str'"."""
    with pytest.raises(TypeError) as caught:
        tokenizer.decode(tokens)
    assert str(caught.value) == complaint


def test_what_is_no_text_is_told(tokenizer: Tokenizer) -> None:
    text: Any = 5
    with pytest.raises(TypeError, match=r"^text: expected a str, got 5 \(int\)$"):
        tokenizer.encode(text)


def test_decoding_errors_name_the_token(tokenizer: Tokenizer) -> None:
    for token in (-1, 999, 10**12):
        with pytest.raises(HarmonyError, match=f"Invalid token for decoding: {token}"):
            tokenizer.decode([0, token])
    with pytest.raises(HarmonyError, match="Invalid utf-8"):
        tokenizer.decode_utf8([255])
    assert tokenizer.is_special_token(1000) and not tokenizer.is_special_token(5)
    assert tokenizer.special_tokens_set == set(SPECIAL)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no token for byte 0"),
        (b"AA== 0\nnonsense\n", 'line 2 is not "BASE64 RANK"'),
        (b"AA== 0\nAQ== 0\n", "line 2 repeats a rank"),
        (b"AA== 0\nAA== 1\n", "ranks 0 and 1 have the same bytes"),
    ],
)
def test_a_bad_file_is_named_with_what_is_wrong(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "bad.tiktoken"
    path.write_bytes(content)
    with pytest.raises(HarmonyError, match=f"bad.tiktoken: .*{message}"):
        Tokenizer.from_tiktoken(path, pattern=WORDS)


def test_a_vocabulary_whose_merges_go_down_is_refused(tmp_path: Path) -> None:
    ranks = {bytes([byte]): byte for byte in range(256)}
    path = tmp_path / "down.tiktoken"
    path.write_bytes(tiktoken_lines({**ranks, b"ab": 300, b"abc": 299}))
    with pytest.raises(HarmonyError, match="rank 299 merges from a higher one"):
        Tokenizer.from_tiktoken(path, pattern=WORDS)


def test_other_bad_arguments(trained_file: Path) -> None:
    def make(**options: Any) -> Tokenizer:
        return Tokenizer.from_tiktoken(trained_file, **{"pattern": WORDS, **options})

    with pytest.raises(
        HarmonyError, match=r"trained.tiktoken: its SHA-256 is .*not 00"
    ):
        make(sha256="00")
    with pytest.raises(ValueError, match="pattern: "):
        make(pattern="(")
    with pytest.raises(ValueError, match="has id 5, which is a token already"):
        make(special_tokens={"<|x|>": 5})
    with pytest.raises(ValueError, match="two of them have the same id"):
        make(special_tokens={"<|x|>": 1000, "<|y|>": 1000})
    with pytest.raises(ValueError, match="expected texts and ids"):
        make(special_tokens={"": 1000})
    with pytest.raises(TypeError, match="expected a str"):
        make().encode(b"x")  # type: ignore[arg-type]


def test_without_regex_the_error_says_what_to_install(trained_file: Path) -> None:
    code = (
        "import sys; sys.modules['regex'] = None\n"
        "from harmony import Tokenizer\n"
        f"Tokenizer.from_tiktoken({str(trained_file)!r}, pattern='a')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "pip install harmony-format[regex]" in result.stderr
