"""What a cache keeps, and how much."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from harmony.cache import Cache, _estimated_size, _open_locks


def entry(number: int, tokens: int) -> tuple[Any, tuple[int, ...], int]:
    return number, (1000,) * tokens, 40 * tokens


@pytest.mark.parametrize("tokens", [0, 10, 100])
def test_what_is_kept_stays_within_the_bound(tokens: int) -> None:
    size = 40_000
    cache = Cache(size)
    for number in range(1000):
        cache.put(*entry(number, tokens))
        cache.get(entry(number // 2, tokens)[0])
        assert cache.size() <= size
    assert cache.size() > size // 3


def test_what_was_asked_for_last_is_kept() -> None:
    cache = Cache(40_000)
    for number in range(1000):
        cache.put(*entry(number, 10))
        assert number < 1 or cache.get(entry(0, 10)[0]) == (1000,) * 10
    assert cache.get(entry(999, 10)[0])
    assert cache.get(entry(1, 10)[0]) is None


def test_many_are_asked_for_at_once() -> None:
    cache, kept = Cache(40_000), (1000,) * 10
    cache.put(*entry(1, 10))
    assert cache.get_all([2, 1, 1]) == [None, kept, kept]
    while cache._young.get(1):
        cache.put(*entry(len(cache._young) + 10, 10))
    assert cache.get_all([2, 1]) == [None, kept]  # from the old half
    assert cache._young[1][0] == kept
    assert cache.get_all([]) == []


def test_what_is_kept_already_stays_and_costs_nothing() -> None:
    cache = Cache(40_000)
    cache.put(*entry(1, 10))
    size = cache.size(), cache._left
    cache.put(1, (), 0)
    assert cache.get(1) == (1000,) * 10
    assert (cache.size(), cache._left) == size


def test_a_message_that_is_too_large_is_not_kept_and_drives_out_none() -> None:
    cache = Cache(40_000)
    cache.put(*entry(1, 10))
    cache.put(*entry(2, 1000))
    assert cache.get(entry(1, 10)[0])
    assert cache.get(entry(2, 1000)[0]) is None


def test_what_two_threads_made_is_kept_once() -> None:
    """Both found nothing; the second one's is as good as the first one's."""
    cache = Cache(40_000)
    cache.put("key", "first", 100)
    size = cache.size()
    cache.put("key", "second", 100)
    assert (cache.get("key"), cache.size()) == ("first", size)


def test_what_replaces_another_is_kept_unless_it_is_too_large() -> None:
    cache = Cache(40_000)
    cache.replace("key", "first", 100)
    cache.replace("key", "second", 200)
    size = cache.size()
    cache.replace("key", "third", 40_000)
    assert (cache.get("key"), cache.size()) == ("second", size)


@pytest.mark.skipif(sys.implementation.name == "pypy", reason="it has no getsizeof")
def test_without_the_sizes_of_objects_they_are_estimated_from_above() -> None:
    """PyPy has no getsizeof, and rendering failed there."""
    for text in (None, "", "a" * 1000, "\u00e9" * 1000, "\U0001f600" * 1000, b"ab" * 9):
        assert _estimated_size(text) >= sys.getsizeof(text) - 16


def test_a_lock_that_nobody_will_open_is_replaced() -> None:
    """What the child of a fork does (tests/test_forks.py), in this process."""
    cache = Cache(40_000)
    cache._lock.acquire()
    _open_locks()
    cache.put(*entry(1, 10))
    assert cache.get(1) == (1000,) * 10
