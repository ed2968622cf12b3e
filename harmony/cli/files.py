"""What the verbs read and write: files, standard streams, token ids, text."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BufferedReader
from typing import Any, cast

from harmony._model.jsontext import dump, load
from harmony.cli.screen import escaped
from harmony.encoding import HarmonyEncoding
from harmony.messages import Role


class FileError(ValueError):
    """Something is wrong with another file than FILE; the message names it."""


def opened(path: str) -> AbstractContextManager[BufferedReader]:
    """Return a file to read, and to close unless it is standard input."""
    if path != "-":
        return open(path, "rb")
    if sys.stdin is None:
        raise closed(path)
    return nullcontext(cast(BufferedReader, sys.stdin.buffer))


def closed(name: str) -> OSError:
    """Return the complaint about a standard stream that Python was started without."""
    return OSError(errno.EBADF, os.strerror(errno.EBADF), name)


@contextmanager
def about(path: str) -> Iterator[None]:
    """Let each ``OSError`` inside name a file.

    Python names a file that it can't open, but none that it can't read or write.
    """
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def size(file: Any) -> int | None:
    """Return the bytes of a file; None if it is no regular file."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def read(path: str) -> bytes:
    """Return what is in a file."""
    with about(path), opened(path) as file:
        return file.read()


def read_text(path: str) -> str:
    """Return the text of a file. Raises ``ValueError`` if it is not UTF-8."""
    return decoded(read(path))


def decoded(data: bytes) -> str:
    """Return text that is UTF-8; raise ``ValueError`` if it is not."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"byte {error.start}: the text is not UTF-8 ({error.reason})"
        ) from None


def text_tokens(text: str, encoding: HarmonyEncoding) -> list[int]:
    """Return the tokens of text in which special tokens are spelled out.

    A line feed at its end, behind a stop token or the beginning of a message, is that
    of the last line of a file, and no token.
    """
    stops = [encoding.decode([token]) for token in encoding.stop_tokens()]
    openings = [f"<|start|>{role.value}" for role in Role]
    line = re.sub(r"\r?\n\Z", "", text)
    if line.endswith((*stops, *openings)):
        text = line
    return encoding.encode(text, allowed_special="all")


def read_tokens(path: str) -> list[int]:
    """Read token ids: a JSON array, or numbers separated by white space."""
    data = read(path)
    if not data.lstrip().startswith(b"["):
        return [_token_id(index, word) for index, word in enumerate(data.split())]
    return json_tokens(data)


def json_tokens(data: bytes) -> list[int]:
    """Read a JSON array of token ids. Raises ``ValueError`` for anything else."""
    try:
        tokens = load(data)
    except ValueError as error:
        raise ValueError(f"not a JSON array of token ids: {error}") from None
    for index, token in enumerate(tokens):
        if type(token) is not int:
            raise ValueError(f"token {index}: {token!r} is not a token id")
    return list(tokens)


def _token_id(index: int, word: bytes) -> int:
    # int() takes 1_000 for a number too.
    if not re.fullmatch(rb"-?[0-9]{1,20}", word):
        shown = word[:20].decode(errors="replace")
        raise ValueError(
            f"token {index}: {shown!r} is not a token id (expected a JSON list of "
            "them, or numbers with white space between)"
        )
    return int(word)


def json_line(value: object) -> str:
    """Return a JSON value as a line of text."""
    return escaped(dump(value)) + "\n"


def are_one(source: str, target: str) -> bool:
    """Tell whether two paths lead to the same file."""
    both = os.path.exists(source) and os.path.exists(target)
    return both and os.path.samefile(source, target)
