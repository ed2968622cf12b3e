"""Two threads beside one."""

from __future__ import annotations

from .. import corpora
from ..driver import Bench, Worker, alternate, progress
from ..results import Table, entry, table


def measure(bench: Bench) -> list[Table]:
    """Encode documents to an array, or a list where there is no array."""
    result = table("threads", "Work of two threads over that of one", "times")
    progress("threads")
    documents = corpora.kept(bench.cache, "Python source")
    each = 6 if bench.quick else 14
    rounds = [
        [documents[at + i * each : at + (i + 1) * each] for i in range(3)]
        for at in range(0, 3 * each * bench.rounds, 3 * each)
    ]
    settling = documents[3 * each * bench.rounds :][:10]

    def gain(worker: Worker, number: int) -> float:
        one, *two = rounds[number]
        alone = worker.call("threads", parts=[one], settling=settling)["wall"]
        both = worker.call("threads", parts=two, settling=settling)["wall"]
        sizes = [sum(map(len, part)) for part in (one, *two)]
        return float((sizes[1] + sizes[2]) / both / (sizes[0] / alone))

    with bench.workers() as workers:
        gains = alternate(workers, bench.rounds, gain)
    result["cases"]["Python source"] = {
        name: entry(found) for name, found in gains.items()
    }
    return [result]
