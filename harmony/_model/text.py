"""Surrogates, which Python strings may hold and Unicode text may not."""


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
