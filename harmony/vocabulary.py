"""Which vocabulary file is read.

In this order: a path that the caller gives; ``o200k_base.tiktoken`` in the folder
that the environment variable ``TIKTOKEN_ENCODINGS_BASE`` names; the compact file
that comes with the package. Nothing is ever downloaded.

The compact file holds the SHA-256 of the .tiktoken file it was made from, so either
kind can be told to be the right one.
"""

from __future__ import annotations

import os

from harmony.errors import VocabularyError

SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""The SHA-256 of o200k_base.tiktoken."""

FOLDER_VARIABLE = "TIKTOKEN_ENCODINGS_BASE"
FILE_NAME = "o200k_base.tiktoken"
PACKAGED = os.path.join(os.path.dirname(__file__), "data", "o200k_base.vocabulary")

_COMPACT = b"harmvoc1"
_COMPACT_SHA256 = slice(16, 48)


def vocabulary_path(path: str | os.PathLike[str] | None = None) -> str:
    """Return the path of the vocabulary file to read."""
    if path is not None:
        return os.fspath(path)
    folder = os.environ.get(FOLDER_VARIABLE)
    return os.path.join(folder, FILE_NAME) if folder else PACKAGED


def read_vocabulary(path: str) -> bytes:
    """Return the bytes of a vocabulary file.

    Raises ``VocabularyError`` naming the file if it can't be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise VocabularyError(
            f"{path}: can't read the vocabulary: {error.strerror}"
        ) from None


def check_vocabulary(path: str, data: bytes) -> None:
    """Raise ``VocabularyError`` unless a well-formed file is that of o200k_base."""
    if data.startswith(_COMPACT):
        found = data[_COMPACT_SHA256].hex()
    else:
        import hashlib  # not needed for the packaged file, and slow to load

        found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise VocabularyError(
            f"{path}: altered, or another vocabulary: its SHA-256 is {found}, "
            f"that of {FILE_NAME} is {SHA256}"
        )
