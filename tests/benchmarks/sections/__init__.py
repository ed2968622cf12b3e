"""What is measured: a module for each subject, with ``measure(bench)``."""

from __future__ import annotations

from collections.abc import Callable

from ..driver import Bench
from ..results import Table
from . import (
    converting,
    everyday,
    growth,
    pathological,
    rendering,
    start,
    streaming,
    texts,
    threads,
)

SECTIONS: dict[str, Callable[[Bench], list[Table]]] = {
    "array": texts.to_array,
    "list": texts.to_list,
    "count": texts.count,
    "lines": texts.lines,
    "decode": texts.decode,
    "rendering": rendering.measure,
    "everyday": everyday.measure,
    "converting": converting.measure,
    "streaming": streaming.measure,
    "start": start.measure,
    "threads": threads.measure,
    "pathological": pathological.measure,
    "growth": growth.measure,
}
"""By the names that ``--section`` takes, in the order of the report."""
