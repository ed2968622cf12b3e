"""The oracle: the tokenizer as section 1 of the format says it, slow and obvious.

**Trap.** The PyPI module ``regex`` follows the newest Unicode, the o200k pattern
means Unicode 16. So the oracle can be asked only about text whose every character is
assigned in Unicode 16: ``assigned`` tells.
"""

from __future__ import annotations

import itertools
import math

import regex
import unicodedata2

from .o200k import PATTERN


def assigned(text: str) -> bool:
    """Tell whether every character of text is assigned in Unicode 16."""
    assert unicodedata2.unidata_version == "16.0.0"
    return all(unicodedata2.category(character) != "Cn" for character in text)


class Oracle:
    """Encodes text with a dict from the bytes of each token to its rank."""

    def __init__(self, ranks: dict[bytes, int]) -> None:
        self.ranks = ranks

    def encode(self, text: str) -> list[int]:
        """Return the tokens of text, all of it taken as ordinary text."""
        assert assigned(text)
        tokens: list[int] = []
        for piece in split(text):
            tokens += self.merge(piece.encode())
        return tokens

    def merge(self, piece: bytes) -> list[int]:
        """Join the pair of lowest rank, the leftmost of equals, until none is left."""
        parts = [bytes([byte]) for byte in piece]
        while len(parts) > 1:
            pairs = [left + right for left, right in itertools.pairwise(parts)]
            rank, at = min(
                (self.ranks.get(p, math.inf), i) for i, p in enumerate(pairs)
            )
            if rank == math.inf:
                break
            parts[at : at + 2] = [pairs[at]]
        return [self.ranks[part] for part in parts]


def split(text: str) -> list[str]:
    """Return the pieces of text."""
    pieces: list[str] = regex.findall(PATTERN, text)
    assert "".join(pieces) == text
    return pieces
