"""``Tokenizer``: any .tiktoken vocabulary with any split pattern.

Text is split by the ``regex`` module, which is imported only here and only when a
tokenizer is made (``pip install harmony-format[regex]``). Merging is done in C.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

from harmony import _native
from harmony.codec import TextCodec, disallowed
from harmony.errors import DecodeError, VocabularyError
from harmony.surrogates import well_formed
from harmony.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from regex import Pattern


class Tokenizer(TextCodec):
    """A byte-pair tokenizer: ranks, a split pattern and special tokens.

    Get one from ``from_tiktoken``. It never changes and may be shared by threads.
    ``encode`` and ``decode`` are those of ``HarmonyEncoding``.
    """

    def __init__(
        self,
        vocabulary: bytes,
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
    ) -> None:
        """Make one from the bytes of a vocabulary file.

        Raises ``VocabularyError`` for a bad one, ``ValueError`` for a bad pattern or
        special token, ``ModuleNotFoundError`` if ``regex`` is not installed.
        """
        self._native = _native.Vocabulary(vocabulary)
        self._pattern = _compiled(pattern)
        self._special = _checked(dict(special_tokens or {}), self._native)
        self._special_bytes = {
            token: text.encode() for text, token in self._special.items()
        }

    @classmethod
    def from_tiktoken(
        cls,
        path: str | os.PathLike[str],
        *,
        pattern: str,
        special_tokens: Mapping[str, int] | None = None,
        sha256: str | None = None,
    ) -> Tokenizer:
        """Read a .tiktoken file.

        ``pattern`` splits text into pieces, in the syntax of ``regex``; text that it
        does not match is left out, as in tiktoken. ``special_tokens`` gives the id of
        each special token's text. ``sha256``, in hex, is what the file must have.
        Raises ``VocabularyError`` naming the file and what is wrong with it.
        """
        path = os.fspath(path)
        data = read_vocabulary(path)
        _check_sha256(path, data, sha256)
        try:
            return cls(data, pattern=pattern, special_tokens=special_tokens)
        except VocabularyError as error:
            raise VocabularyError(f"{path}: {error}") from None

    @property
    def special_tokens_set(self) -> set[str]:
        """The texts of the special tokens."""
        return set(self._special)

    def is_special_token(self, token: int) -> bool:
        """Tell whether an id is that of a special token."""
        return token in self._special_bytes

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = frozenset(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Return the tokens of text; see ``HarmonyEncoding.encode``."""
        if not isinstance(text, str):
            raise TypeError(f"encode: expected a str, got {type(text).__name__}")
        text = well_formed(text)
        special = self._special.keys()
        allowed = special if allowed_special == "all" else special & allowed_special
        if disallowed_special == "all":
            refused = special - allowed
        else:
            refused = special & set(disallowed_special)
        found = self._find(refused, text)
        if found is not None:
            raise disallowed(found)
        return self._encode_allowed(text, allowed)

    def _find(self, special: Collection[str], text: str) -> str | None:
        """Return the first of some special tokens that is spelled in text."""
        if not special:
            return None
        match = self._alternatives(special).search(text)
        return None if match is None else match.group()

    def _alternatives(self, special: Collection[str]) -> Pattern[str]:
        if len(special) == len(self._special):
            return self._any_special
        return _compiled("|".join(map(_escaped, sorted(special))))

    @cached_property
    def _any_special(self) -> Pattern[str]:
        return _compiled("|".join(map(_escaped, sorted(self._special))))

    def _encode_allowed(self, text: str, allowed: Collection[str]) -> list[int]:
        if not allowed:
            return self._encode_ordinary(text)
        tokens: list[int] = []
        start = 0
        for match in self._alternatives(allowed).finditer(text):
            tokens += self._encode_ordinary(text[start : match.start()])
            tokens.append(self._special[match.group()])
            start = match.end()
        return tokens + self._encode_ordinary(text[start:])

    def _encode_ordinary(self, text: str) -> list[int]:
        pieces = [match.group().encode() for match in self._pattern.finditer(text)]
        ends = array("i", accumulate(map(len, pieces)))
        return self._native.encode(b"".join(pieces), ends)

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of tokens. Raises ``DecodeError`` for an unknown id."""
        return b"".join(
            self._token_bytes(index, token) for index, token in enumerate(tokens)
        )

    def _token_bytes(self, index: int, token: int) -> bytes:
        data = self._special_bytes.get(token)
        if data is None and 0 <= token < self._native.size:
            data = self._native.token_bytes(token)
        if data is None:
            raise DecodeError(f"Invalid token for decoding: {token}", position=index)
        return data


def _regex() -> Any:
    try:
        import regex
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "splitting by a pattern needs the module regex: "
            "pip install harmony-format[regex]",
            name="regex",
        ) from None
    return regex


def _compiled(pattern: str) -> Pattern[str]:
    regex = _regex()
    try:
        compiled: Pattern[str] = regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"pattern: {error}") from None
    return compiled


def _escaped(text: str) -> str:
    escaped: str = _regex().escape(text)
    return escaped


def _checked(special: dict[str, int], native: _native.Vocabulary) -> dict[str, int]:
    for text, token in special.items():
        if not isinstance(text, str) or not text or type(token) is not int or token < 0:
            raise ValueError(
                f"special_tokens: expected texts and ids, got {text!r}: {token!r}"
            )
        if token < native.size and native.token_bytes(token) is not None:
            raise ValueError(
                f"special_tokens: {text!r} has id {token}, which is a token already"
            )
    if len(set(special.values())) < len(special):
        raise ValueError("special_tokens: two of them have the same id")
    return special


def _check_sha256(path: str, data: bytes, sha256: str | None) -> None:
    if sha256 is None:
        return
    import hashlib  # slow to load, and rarely needed

    found = hashlib.sha256(data).hexdigest()
    if found != sha256.lower():
        raise VocabularyError(f"{path}: its SHA-256 is {found}, not {sha256.lower()}")
