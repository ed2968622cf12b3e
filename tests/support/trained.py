"""A small vocabulary, trained on a little text."""

from __future__ import annotations

import base64
import inspect
from collections import Counter
from itertools import pairwise

import regex

from harmony import parser

WORDS = r"\p{L}+|\p{N}+|[^\p{L}\p{N}]+"
SPECIAL = {"<|end|>": 1000, "<|endless|>": 1001}


def ranks() -> dict[bytes, int]:
    """Return a vocabulary with a token that nothing merges into, and a rank unused."""
    ranks = train(inspect.getsource(parser)[:4000], 500)
    return {**ranks, b"\xffzq\xfe": len(ranks) + 1}


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
