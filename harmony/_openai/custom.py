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
        self._waiting = ""  # text that nothing is certain about yet
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
        rest = ("\ufffd" if self._high else "") + self._waiting
        self._state, self._waiting, self._high = _CLOSED, "", ""
        return rest

    def _begin(self, text: str) -> str:
        """Look for the beginning; return the text behind it, or all if it is none."""
        text = self._waiting + text
        at = 0
        for word in _BEGINNING:
            while at < len(text) and text[at] in " \t\n\r":
                at += 1
            found = text[at : at + len(word)]
            if found != word:
                if word.startswith(found) and at + len(found) == len(text):
                    self._waiting = text
                    return ""
                self._state, self._waiting = _RAW, ""
                return text
            at += len(word)
        self._state, self._waiting = _DECODING, ""
        return text[at:]

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
