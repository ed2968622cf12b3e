"""Other vocabularies: against tiktoken on one that is trained here, and on o200k."""

from __future__ import annotations

import base64
import hashlib
import inspect
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import regex
import tiktoken
import unicodedata2
from conftest import PATTERN
from hypothesis import given
from hypothesis import strategies as st

import harmony
from harmony import EncodeError, HarmonyEncoding, HarmonyError, Tokenizer

WORDS = r"\p{L}+|\p{N}+|[^\p{L}\p{N}]+"
SPECIAL = {"<|end|>": 1000, "<|endless|>": 1001}


def train(text: str, size: int) -> dict[bytes, int]:
    """Train a byte-pair vocabulary: the most frequent pair becomes a token."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    pieces = [[bytes([b]) for b in m.encode()] for m in regex.findall(WORDS, text)]
    while len(ranks) < size:
        pairs = Counter(pair for piece in pieces for pair in pairwise(piece))
        merge = max(pairs, key=lambda pair: (pairs[pair], pair))
        ranks.setdefault(b"".join(merge), len(ranks))
        pieces = [merged(piece, merge) for piece in pieces]
    return ranks


def merged(piece: list[bytes], merge: tuple[bytes, ...]) -> list[bytes]:
    result: list[bytes] = []
    for part in piece:
        if result and (result[-1], part) == merge:
            result[-1] += part
        else:
            result.append(part)
    return result


def tiktoken_lines(ranks: dict[bytes, int]) -> bytes:
    return b"".join(
        b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in ranks.items()
    )


@pytest.fixture(scope="module")
def trained() -> dict[bytes, int]:
    ranks = train(inspect.getsource(harmony.parser)[:4000], 500)
    # A token that nothing merges into, and a rank that is not used.
    return {**ranks, b"\xffzq\xfe": len(ranks) + 1}


@pytest.fixture(scope="module")
def path(trained: dict[bytes, int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trained") / "trained.tiktoken"
    path.write_bytes(tiktoken_lines(trained))
    return path


@pytest.fixture(scope="module")
def tokenizer(path: Path) -> Tokenizer:
    return Tokenizer.from_tiktoken(path, pattern=WORDS, special_tokens=SPECIAL)


@pytest.fixture(scope="module")
def other(trained: dict[bytes, int]) -> Any:
    return tiktoken.Encoding(
        "trained", pat_str=WORDS, mergeable_ranks=trained, special_tokens=SPECIAL
    )


@given(text=st.text() | st.text("abcdefinrst <|>", max_size=200))
def test_text_is_encoded_as_in_tiktoken(
    tokenizer: Tokenizer, other: Any, text: str
) -> None:
    tokens = tokenizer.encode(text, disallowed_special=())
    assert tokens == other.encode(text, disallowed_special=())
    assert tokenizer.decode(tokens) == text


def test_long_pieces_are_encoded_as_in_tiktoken(
    tokenizer: Tokenizer, other: Any
) -> None:
    text = "".join(inspect.getsource(harmony.messages).split())
    for piece in (text, "return" * 300, "a" * 1000):
        assert tokenizer.encode(piece) == other.encode(piece)


@given(
    parts=st.lists(st.sampled_from(["<|end|>", "<|endless|>", "<|", "a", "|>"])),
    allowed=st.sets(st.sampled_from(sorted(SPECIAL))),
    disallowed=st.sets(st.sampled_from(sorted(SPECIAL))) | st.just("all"),
)
def test_special_tokens_are_as_in_tiktoken(
    tokenizer: Tokenizer, other: Any, parts: list[str], allowed: Any, disallowed: Any
) -> None:
    text = "".join(parts)
    options = {"allowed_special": allowed, "disallowed_special": disallowed}
    try:
        expected = other.encode(text, **options)
    except ValueError:
        with pytest.raises(EncodeError, match="disallowed special token"):
            tokenizer.encode(text, **options)
    else:
        assert tokenizer.encode(text, **options) == expected
        assert tokenizer.decode(expected) == text


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


def test_other_bad_arguments(path: Path) -> None:
    def make(**options: Any) -> Tokenizer:
        return Tokenizer.from_tiktoken(path, **{"pattern": WORDS, **options})

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


def test_without_regex_the_error_says_what_to_install(path: Path) -> None:
    code = (
        "import sys; sys.modules['regex'] = None\n"
        "from harmony import Tokenizer\n"
        f"Tokenizer.from_tiktoken({str(path)!r}, pattern='a')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "pip install harmony-format[regex]" in result.stderr
