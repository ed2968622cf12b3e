"""``Tokenizer``: any .tiktoken vocabulary with any split pattern.

Text is split by the ``regex`` module, which is imported only here and only when a
tokenizer is made (``pip install harmony-format[regex]``). Merging is done in C.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from harmony._model.text import utf8, well_formed
from harmony._native import is_token_id, list_of_ids
from harmony._native.vocabulary import Vocabulary
from harmony.errors import (
    DecodeError,
    VocabularyError,
    invalid_utf8,
    not_a_token_id,
    not_text,
)
from harmony.special import SpecialTokens
from harmony.vocabulary import read_vocabulary

if TYPE_CHECKING:
    from regex import Pattern

    from harmony.special import Allowed, Disallowed


class Tokenizer:
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
        self._native = Vocabulary(vocabulary)
        self._pattern = _compiled(pattern)
        ids = _checked(dict(special_tokens or {}), self._native)
        self._special = SpecialTokens(ids, self._spelled)
        self._special_bytes = {token: text.encode() for text, token in ids.items()}

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
        return set(self._special.ids)

    def is_special_token(self, token: int) -> bool:
        """Tell whether an id is that of a special token."""
        return token in self._special_bytes

    def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = frozenset(),
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Return the tokens of text; see ``HarmonyEncoding.encode``."""
        if not isinstance(text, str):
            raise not_text(text)
        allowed = self._special.allowed(utf8(text), allowed_special, disallowed_special)
        return self._encode_allowed(well_formed(text), allowed)

    def _spelled(
        self, data: bytes, names: AbstractSet[str]
    ) -> Iterator[tuple[int, str]]:
        """Give the special tokens of some names that a text spells."""
        names = self._special.ids.keys() & names
        if names:
            text = data.decode()
            for match in self._alternatives(names).finditer(text):
                yield len(text[: match.start()].encode()), match.group()

    def _alternatives(self, names: AbstractSet[str]) -> Pattern[str]:
        if len(names) == len(self._special.ids):
            return self._any_special
        return _compiled("|".join(map(_escaped, sorted(names))))

    @cached_property
    def _any_special(self) -> Pattern[str]:
        return _compiled("|".join(map(_escaped, sorted(self._special.ids))))

    def _encode_allowed(self, text: str, allowed: AbstractSet[str]) -> list[int]:
        if not allowed:
            return self._encode_ordinary(text)
        tokens: list[int] = []
        start = 0
        for match in self._alternatives(allowed).finditer(text):
            tokens += self._encode_ordinary(text[start : match.start()])
            tokens.append(self._special.ids[match.group()])
            start = match.end()
        return tokens + self._encode_ordinary(text[start:])

    def _encode_ordinary(self, text: str) -> list[int]:
        pieces = [match.group().encode() for match in self._pattern.finditer(text)]
        ends = array("i", accumulate(map(len, pieces)))
        return self._native.encode(b"".join(pieces), ends)

    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        """Return the text of tokens; see ``HarmonyEncoding.decode``."""
        return self.decode_bytes(tokens).decode("utf-8", errors)

    def decode_utf8(self, tokens: Iterable[int]) -> str:
        """Return the text of tokens; raise ``DecodeError`` if it is not valid UTF-8."""
        try:
            return self.decode_bytes(tokens).decode()
        except UnicodeDecodeError as error:
            raise invalid_utf8(error) from None

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        """Return the bytes of tokens. Raises ``DecodeError`` for an unknown id."""
        return b"".join(
            self._token_bytes(index, token)
            for index, token in enumerate(list_of_ids(tokens))
        )

    def _token_bytes(self, index: int, token: int) -> bytes:
        if not is_token_id(token):
            raise not_a_token_id(token, index)
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


def _checked(special: dict[str, int], native: Vocabulary) -> dict[str, int]:
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
