"""Two threads beside one; and what two processes reach at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .. import corpora
from ..driver import Bench, JobFailed, Worker, alternate, progress
from ..peers import HARMONY
from ..results import Table, absent, entry, table

THREADS = "two threads"
PROCESSES = "two processes"
LIMIT = 30.0
"""Seconds for a pass; there are peers whose threads wait for each other for ever."""


def measure(bench: Bench) -> list[Table]:
    """Encode Python source to an array, or a list where there is no array."""
    result = table("threads", "Work of two over that of one", "times")
    progress("threads")
    documents = corpora.kept(bench.cache, "Python source")
    each = 6 if bench.quick else 14
    rounds = [
        [documents[at + i * each : at + (i + 1) * each] for i in range(3)]
        for at in range(0, 3 * each * bench.rounds, 3 * each)
    ]
    settling = documents[3 * each * bench.rounds :][:10]

    def over_one(number: int, wall: float, alone: float) -> float:
        one, *two = (sum(map(len, part)) for part in rounds[number])
        return sum(two) / wall / (one / alone)

    def wall(worker: Worker, *parts: list[str]) -> float:
        timing = worker.call(
            "threads", timeout=LIMIT, parts=list(parts), settling=settling
        )
        return float(timing["wall"])

    processes: list[float] = []

    def gain(worker: Worker, number: int) -> float:
        one, *two = rounds[number]
        if worker.name in others:
            pair = worker, others[worker.name]
            with ThreadPoolExecutor(2) as pool:
                both = max(pool.map(wall, pair, two))
            processes.append(over_one(number, both, wall(worker, one)))
        return over_one(number, wall(worker, *two), wall(worker, one))

    with bench.workers() as workers, bench.workers([HARMONY.name]) as others:
        gains = alternate(workers, bench.rounds, gain)
    result["cases"][THREADS] = {
        name: absent(f"threads: {found[-1]}")
        if isinstance(found[-1], JobFailed)
        else entry(found)
        for name, found in gains.items()
    }
    if processes:
        result["cases"][PROCESSES] = {HARMONY.name: entry(processes)}
    return [result]
