"""The input of a custom tool: text, which the model writes as a JSON string."""

from __future__ import annotations

import re

_BEGINNING = ("{", '"input"', ":", '"')
"""What arguments begin with; white space may stand between."""

_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\]+')
_HIGH = range(0xD800, 0xDC00)
_LOW = range(0xDC00, 0xE000)
_WAITING, _DECODING, _RAW, _CLOSED = range(4)


class CustomInput:
    r"""Decodes arguments such as ``{"input": "text"}`` as they stream.

    Nothing comes out until it is certain that they begin so. If they do not, all of
    them are the input, as the model wrote them. An escape, or half a surrogate pair,
    waits until it is whole; a lone half becomes U+FFFD, an escape that JSON does not
    have stays as it is. What follows the string is not part of the input.

    >>> decoder = CustomInput()
    >>> [decoder.feed(part) for part in ('{"inp', 'ut": "a\\', 'n', 'b"}')]
    ['', 'a', '\n', 'b']
    """

    def __init__(self) -> None:
        """Begin before the first character."""
        self._state = _WAITING
        self._seen: list[str] = []  # all text, until it is certain how it begins
        self._word = 0  # which word of the beginning comes next
        self._matched = 0  # how much of that word is there
        self._waiting = ""  # an escape that is not whole
        self._high = ""  # the first half of a surrogate pair

    def feed(self, text: str) -> str:
        """Take some of the arguments; return what is certain of the input."""
        if self._state == _WAITING:
            text = self._begin(text)
        if self._state == _RAW:
            return text
        if self._state == _DECODING:
            return self._decode(text)
        return ""

    def finish(self) -> str:
        """Take the end of the arguments; return the rest of the input."""
        if self._state == _CLOSED:
            return ""
        rest = "".join(self._seen) + ("\ufffd" if self._high else "") + self._waiting
        self._state, self._seen, self._waiting, self._high = _CLOSED, [], "", ""
        return rest

    def _begin(self, text: str) -> str:
        """Look for the beginning; return the text behind it, or all if it is none."""
        self._seen.append(text)
        at = 0
        while self._state == _WAITING:
            if not self._matched:
                at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
            if at == len(text):
                return ""
            word = _BEGINNING[self._word]
            found = text[at : at + len(word) - self._matched]
            if not word.startswith(found, self._matched):
                self._state, text = _RAW, "".join(self._seen)
                at = 0
                break
            at += len(found)
            self._match(len(found))
        self._seen.clear()
        return text[at:]

    def _match(self, length: int) -> None:
        """Note that some more of the beginning is there."""
        self._matched += length
        if self._matched == len(_BEGINNING[self._word]):
            self._word, self._matched = self._word + 1, 0
        if self._word == len(_BEGINNING):
            self._state = _DECODING

    def _decode(self, text: str) -> str:
        text = self._waiting + text
        self._waiting = ""
        out: list[str] = []
        at = 0
        while at < len(text) and self._state == _DECODING:
            plain = _PLAIN.match(text, at)
            if plain is not None:
                self._put(out, plain[0])
                at = plain.end()
            elif text[at] == '"':
                self._put(out, "")
                self._state = _CLOSED
            else:
                size = self._escape(out, text[at : at + 6])
                if size == 0:
                    self._waiting = text[at:]
                    break
                at += size
        return "".join(out)

    def _put(self, out: list[str], text: str) -> None:
        """Put text behind what is there; a half that waits is a lone one."""
        if self._high:
            out.append("\ufffd")
            self._high = ""
        out.append(text)

    def _escape(self, out: list[str], escape: str) -> int:
        """Put what an escape means; return its length, or 0 if it is not whole."""
        if len(escape) < 2:
            return 0
        if escape[1] != "u":
            self._put(out, _ESCAPES.get(escape[1], escape[:2]))
            return 2
        digits = re.match(r"[0-9a-fA-F]*", escape[2:])
        count = len(digits[0]) if digits else 0
        if count == 4:
            self._put_unit(out, int(escape[2:], 16))
            return 6
        if 2 + count < len(escape):
            self._put(out, escape[: 2 + count])
            return 2 + count
        return 0

    def _put_unit(self, out: list[str], unit: int) -> None:
        """Put a UTF-16 unit: a character, or half of one."""
        if self._high and unit in _LOW:
            both = (ord(self._high) - _HIGH.start) << 10 | (unit - _LOW.start)
            out.append(chr(0x10000 + both))
            self._high = ""
        elif unit in _HIGH:
            self._put(out, "")
            self._high = chr(unit)
        else:
            self._put(out, "\ufffd" if unit in _LOW else chr(unit))
