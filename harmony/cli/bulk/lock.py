"""One run at a time writes a file: the lock that says so.

It is a lock of the system on ``OUT.lock``, and ends with the process that has it,
however that ends: what a run that was killed has left there hinders nobody.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from harmony.cli.files import FileError, about

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems without locks say. There, two runs have to see to it themselves."""


@contextmanager
def only_run(path: str) -> Iterator[None]:
    """Let no other run write ``path`` meanwhile.

    Raises ``FileError`` if another one does, ``OSError`` if there is no place for the
    lock.
    """
    name = f"{os.path.realpath(path)}.lock"
    with about(name):
        descriptor = _locked(name)
    if descriptor is None:
        raise FileError(f"{path} is being written by another run")
    try:
        yield
    finally:
        _give_up(name, descriptor)


def _locked(name: str) -> int | None:
    """Return a lock file, open and locked; None if another process has it."""
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            if _is_there(name, descriptor):
                return descriptor
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return descriptor
            os.close(descriptor)
            if error.errno in _TAKEN:
                return None
            raise
        os.close(descriptor)  # the run that had it has just removed it


def _is_there(name: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(name), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _give_up(name: str, descriptor: int) -> None:
    """Remove a lock file, while it is locked where systems let us, and close it."""
    if sys.platform != "win32":
        with suppress(OSError):
            os.remove(name)
    os.close(descriptor)
    if sys.platform == "win32":
        with suppress(OSError):
            os.remove(name)
