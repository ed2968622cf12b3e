"""``Cache``: what was asked for last, up to some size in bytes."""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from typing import Any
from weakref import WeakSet

ENTRY_SIZE = 500
"""Bytes that an entry takes beside what its owner counts, generously."""


def _estimated_size(value: str | bytes | None) -> int:
    """Return about the most bytes that a text takes, as PyPy doesn't say."""
    return 64 + 4 * len(value or "")


size_of = _estimated_size if sys.implementation.name == "pypy" else sys.getsizeof
"""Gives the bytes that a text, or None, takes."""


class Cache:
    """Values by key, for any number of threads.

    There are two halves. What is put in or found goes to the young one; when that is
    full, it becomes the old one, and what was in the old one is forgotten.
    """

    def __init__(self, size: int) -> None:
        """Make an empty one of a size in bytes."""
        self._half = size // 2
        self._left = self._half
        self._young: dict[Any, tuple[Any, int]] = {}
        self._old: dict[Any, tuple[Any, int]] = {}
        self._lock = allocate_lock()
        _caches.add(self)

    def get(self, key: Any) -> Any:
        """Return the value of a key, or None if it is not known."""
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None:
                return None
            self.put(key, *entry)
        return entry[0]

    def get_all(self, keys: list[Any]) -> list[Any]:
        """Return the value of each key, None for those that are not known."""
        young, old = self._young, self._old
        values = []
        for key in keys:
            entry = young.get(key)
            if entry is None and old:
                values.append(self.get(key))
            else:
                values.append(entry and entry[0])
        return values

    def put(self, key: Any, value: Any, size: int) -> None:
        """Keep a value of a size in bytes, unless it takes more than half of all."""
        if size > self._half - ENTRY_SIZE:
            return
        entry = value, size
        with self._lock:
            if size + ENTRY_SIZE > self._left and key not in self._young:
                self._old, self._young = self._young, {}
                self._left = self._half
            if self._young.setdefault(key, entry) is entry:
                self._left -= size + ENTRY_SIZE

    def replace(self, key: Any, value: Any, size: int) -> None:
        """Keep another value of a key; what can't be kept changes nothing."""
        if size > self._half - ENTRY_SIZE:
            return
        with self._lock:
            before = self._young.pop(key, None)
            if before is not None:
                self._left += before[1] + ENTRY_SIZE
        self.put(key, value, size)

    def size(self) -> int:
        """Return the bytes that all entries take."""
        entries = [*self._young.values(), *self._old.values()]
        return sum(size + ENTRY_SIZE for _, size in entries)


_caches: WeakSet[Cache] = WeakSet()


def _open_locks() -> None:
    """In the child of a fork, where a thread that had a lock is no more."""
    for cache in _caches:
        cache._lock = allocate_lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_open_locks)
