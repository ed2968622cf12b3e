"""What a worker does: the timed passes, each with a digest of what came out.

A job takes the operations of the implementation first. A timed one returns
``{"wall": seconds, "cpu": seconds, "digest": str}`` and whatever else it says; ``cpu``
is that of the whole process, threads included. Digests are made when the clock has
stopped.
"""

from __future__ import annotations

import gc
import hashlib
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

from .peers import Operations

Timing = dict[str, Any]


def timed(run: Callable[[], Any], settle: Callable[[], Any]) -> tuple[Any, Timing]:
    """Run once without the garbage collector; return the result and the times.

    ``settle`` runs before the clock starts: since the last pass of this process others
    have had the processor, and its caches are full of their tables.
    """
    gc.collect()
    gc.disable()
    settle()
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.enable()
    return result, {"wall": wall, "cpu": cpu}


def as_bytes(result: Any) -> bytes:
    """Return what a call gave, in one form for all: tokens as int32, text as UTF-8."""
    if isinstance(result, str):
        return result.encode()
    if isinstance(result, int):
        return b"%d," % result
    if isinstance(result, (list, tuple)):
        return array("i", result).tobytes()
    return memoryview(result).tobytes()


def digest(results: Iterable[Any]) -> str:
    """Return a digest of results in their order."""
    sum_of_all = hashlib.blake2b(digest_size=16)
    for result in results:
        data = as_bytes(result)
        sum_of_all.update(b"%d:" % len(data) + data)
    return sum_of_all.hexdigest()


def calls(operations: Operations) -> list[str]:
    """Return the names of the operations that there are."""
    return [each.name for each in fields(operations) if getattr(operations, each.name)]


def check(operations: Operations, texts: list[str]) -> dict[str, str]:
    """Return the digest of what each way of encoding makes of texts.

    The digest of ``count`` is that of the lengths of the lists where there is no call.
    """
    lists = [list(operations.to_list(text)) for text in texts]
    count = operations.count
    counts = [count(text) for text in texts] if count else [len(x) for x in lists]
    found = {"to_list": digest(lists), "count": digest(counts)}
    to_array = operations.to_array
    found["to_array"] = digest(map(to_array, texts)) if to_array else found["to_list"]
    return found


def apply(
    operations: Operations, call: str, inputs: list[Any], settling: list[Any]
) -> Timing:
    """Call one operation on each input, in turn."""
    run = getattr(operations, call)
    results, timing = timed(
        lambda: [run(each) for each in inputs], lambda: [run(each) for each in settling]
    )
    return timing | {"digest": digest(results)}


def tokens(operations: Operations, texts: list[str]) -> list[list[int]]:
    """Return the tokens of texts, untimed."""
    return [list(operations.to_list(text)) for text in texts]


JOBS: dict[str, Callable[..., Any]] = {
    "calls": calls,
    "check": check,
    "apply": apply,
    "tokens": tokens,
}
