"""The journal of a run over many conversations: how far it has come, on the disk.

It lies beside the file that is written, ``OUT.journal``, while the run is not
finished. It never says more than is on the disk, so whatever lies beyond what it says
can be cut off, and the run goes on from there. A new journal takes the place of the
old one as a whole.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from harmony._model.jsontext import dump, load
from harmony.cli.files import FileError, about

COUNTS = ("lines", "records", "skipped", "dropped", "tokens")


@dataclass(frozen=True)
class Checkpoint:
    """How far a run has come, counted in the input and in the output.

    ``job``: what it was told to do. ``offset`` and ``lines``: how much of the input is
    done with, in bytes and lines; ``tail``: the CRC-32 of the last bytes of it.
    ``records``, ``tokens`` and ``size``: how much was written, ``size`` in bytes, or in
    shards.
    ``skipped``: how many lines gave no record. ``dropped``: how many messages were
    left out of the records.
    """

    job: dict[str, object] = field(default_factory=dict)
    offset: int = 0
    lines: int = 0
    tail: int = 0
    records: int = 0
    tokens: int = 0
    size: int = 0
    skipped: int = 0
    dropped: int = 0

    def counts(self) -> dict[str, int]:
        """Return what a run tells when it is done."""
        return {name: getattr(self, name) for name in COUNTS}


def journal_path(path: str) -> str:
    """Return the name of the journal of a file."""
    return f"{path}.journal"


def read(path: str) -> Checkpoint | None:
    """Return how far the run that writes ``path`` has come; None if there is none.

    Raises ``FileError`` for what is no journal.
    """
    try:
        with open(journal_path(path), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    try:
        return Checkpoint(**load(data))
    except (TypeError, ValueError):
        raise FileError(f"{journal_path(path)} is no journal") from None


def write(path: str, checkpoint: Checkpoint) -> None:
    """Keep how far the run has come; what it says must be on the disk already.

    If that fails, with an ``OSError``, the old journal stays.
    """
    name = journal_path(path)
    with about(name):
        try:
            _write(f"{name}.new", dump(asdict(checkpoint)).encode())
            os.replace(f"{name}.new", name)
        except BaseException:
            with suppress(OSError):
                os.remove(f"{name}.new")
            raise


def _write(name: str, data: bytes) -> None:
    with open(name, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def remove(path: str) -> None:
    """Say that there is nothing to go on with."""
    with suppress(FileNotFoundError):
        os.remove(journal_path(path))
