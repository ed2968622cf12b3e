"""How work grows with its input, on a machine that may be busy with other things."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

TIMES = 16
"""How many times as long the long input is."""

LIMIT = 64
"""How many times as long it may take: linear work takes 16 times, square work 256."""

Work = Callable[[int], Callable[[], object]]
"""What gives the work on an input, by the length of the input."""


def cpu_seconds(call: Callable[[], object], times: int) -> float:
    """Return the processor time of some calls, without that of other processes."""
    start = time.thread_time()
    for _ in range(times):
        call()
    return time.thread_time() - start


def growth(work: Work, length: int) -> float:
    """Return how many times as long 16 times the input takes.

    The short input is worked on 16 times as often, so that both measurements are
    about as long, and whatever disturbs one of them disturbs the other alike.
    """
    short, long = work(length // TIMES), work(length)
    times = 1
    while (seconds := cpu_seconds(long, times)) < 0.002:
        times *= 2
    tick = time.get_clock_info("thread_time").resolution
    return TIMES * seconds / max(cpu_seconds(short, TIMES * times), tick)


def assert_linear(work: Work, length: int) -> None:
    """Assert that 16 times the input takes less than 64 times as long.

    Noise can make one try fail, so the best of ten counts. The collector of garbage
    rests meanwhile: what it looks at is what other tests have left.
    """
    tries: list[float] = []
    gc.disable()
    try:
        while len(tries) < 10:
            tries.append(growth(work, length))
            if tries[-1] < LIMIT:
                return
    finally:
        gc.enable()
    pytest.fail(f"{TIMES} times the input took {min(tries):.0f} times as long, or more")
