"""Text of others on a terminal: what acts on a screen, or hides, is made visible.

What a model, a file or its name says can hold sequences that write over the screen,
and marks that turn the direction of writing. Whatever the command says in its own
words goes through ``tell``; what it prints as text, through ``on_terminal``; JSON has
escapes of its own, ``escaped``.
"""

from __future__ import annotations

import re
import sys


def visible(text: str) -> str:
    r"""Return text with characters that act on a screen, or hide, replaced.

    Control characters, but for tabs and line feeds, become the pictures of them that
    Unicode has; marks that turn the direction of writing, tags and other invisible
    characters, their names in brackets.

    >>> visible("\x1b[2Jhi\u202e")
    '␛[2Jhi⟨U+202E⟩'
    """
    return _HIDDEN.sub(_shown, text)


_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def escaped(json: str) -> str:
    r"""Return JSON on one line that says the same without such characters.

    >>> escaped('["\u202e"]')
    '["\\u202e"]'
    """
    return _HIDDEN.sub(_escape, json)


def _escape(found: re.Match[str]) -> str:
    code = found[0].encode("utf-16-be")
    return "".join(f"\\u{code[i : i + 2].hex()}" for i in range(0, len(code), 2))


def on_terminal(text: str) -> str:
    """Return text for standard output: as it is, but made visible on a terminal."""
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return visible(text) if is_terminal else text


def tell(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{visible(text)}\n")
