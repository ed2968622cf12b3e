"""Text in Python and in UTF-8: surrogates, which only Python's strings may hold."""

from __future__ import annotations


def well_formed(text: str) -> str:
    r"""Return text that is valid Unicode, as JSON and tokens need it.

    A pair of surrogates becomes the character it spells, a lone one U+FFFD.

    >>> well_formed("\ud83d\ude00 \ud83d") == "\U0001f600 \ufffd"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def utf8(text: str) -> bytes:
    """Return text in UTF-8, as ``well_formed`` makes it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return well_formed(text).encode()
