"""Whether calls leave something behind: counted in blocks of memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

RUNS = 200


def blocks_left(call: Callable[[], Any]) -> float:
    """Return how many blocks a call leaves: the least of some measurements.

    Free lists of Python grow and shrink, by some blocks at times; what leaks does it
    each time.
    """
    if not hasattr(sys, "getallocatedblocks"):
        pytest.skip("nobody counts here")
    return min(_left(call) for _ in range(4)) / RUNS


def _left(call: Callable[[], Any]) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(RUNS):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before
