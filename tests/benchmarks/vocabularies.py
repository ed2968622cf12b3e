"""The o200k vocabulary in the forms that peers load, written from harmony's own."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

SINGLE_BYTE = 0xFFFFFF
HEAD, ENTRY = 48, 6
COMPACT = Path(__file__).parents[2] / "harmony/data/o200k_base.vocabulary"

PATTERN = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
"""The o200k pattern."""


def read_merges(data: bytes) -> list[tuple[int, int]]:
    """Return what each rank merges from; csrc/vocabulary.h has the format."""
    return [
        (
            int.from_bytes(data[at : at + 3], "little"),
            int.from_bytes(data[at + 3 : at + 6], "little"),
        )
        for at in range(HEAD, len(data), ENTRY)
    ]


def token_bytes(merges: list[tuple[int, int]]) -> list[bytes]:
    """Return the bytes of each rank."""
    tokens: list[bytes] = []
    for left, right in merges:
        single = right == SINGLE_BYTE
        tokens.append(bytes([left]) if single else tokens[left] + tokens[right])
    return tokens


def tiktoken_file(tokens: list[bytes]) -> bytes:
    """Return the .tiktoken file: a line "BASE64 RANK" for each token."""
    lines = (b"%s %d\n" % (base64.b64encode(t), rank) for rank, t in enumerate(tokens))
    return b"".join(lines)


def byte_letters() -> dict[int, str]:
    """Return the letter by which a tokenizer.json writes each byte.

    Printable Latin-1 stands for itself; the others are the letters from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    return letters | {byte: chr(0x100 + i) for i, byte in enumerate(others)}


def tokenizer_json(merges: list[tuple[int, int]], tokens: list[bytes]) -> str:
    """Return the vocabulary and the pattern in the form of Hugging Face."""
    letters = byte_letters()
    spelled = ["".join(letters[byte] for byte in token) for token in tokens]
    pairs = [
        [spelled[left], spelled[right]]
        for left, right in merges
        if right != SINGLE_BYTE
    ]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    split = {
        "type": "Split",
        "pattern": {"Regex": PATTERN},
        "behavior": "Isolated",
        "invert": False,
    }
    form: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "ignore_merges": True,
            "vocab": {text: rank for rank, text in enumerate(spelled)},
            "merges": pairs,
        },
    }
    return json.dumps(form, ensure_ascii=False)


def prepare(folder: Path) -> Path:
    """Write ``o200k_base.tiktoken`` and ``tokenizer.json``, if they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    targets = folder / "o200k_base.tiktoken", folder / "tokenizer.json"
    if not all(target.exists() for target in targets):
        merges = read_merges(COMPACT.read_bytes())
        tokens = token_bytes(merges)
        targets[0].write_bytes(tiktoken_file(tokens))
        targets[1].write_text(tokenizer_json(merges, tokens), encoding="utf-8")
    return folder
