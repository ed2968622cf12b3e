"""What is wanted, and whether a run shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .peers import HARMONY, REFERENCE
from .results import Table, advantages, best_peer
from .sections.converting import RENDERING, REQUEST
from .sections.everyday import LISTS, LISTS_LOOP, RENDERED, RENDERED_LOOP
from .sections.pathological import PROSE
from .sections.threads import PROCESSES, THREADS

LEVEL = 0.95
"""From this ratio on two implementations are level."""


@dataclass(frozen=True)
class Verdict:
    """A target, the bound, and what was measured; ``unit`` says of what."""

    what: str
    bound: float
    measured: float
    unit: str
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Tell whether the bound was kept."""
        if self.at_least:
            return self.measured >= self.bound
        return self.measured <= self.bound


def over_best_peer(
    bound: float, **others: float
) -> Callable[[Table], Iterator[Verdict]]:
    """Want an advantage over the best peer in each case; another one in some."""

    def judge(table: Table) -> Iterator[Verdict]:
        for case, entries in table["cases"].items():
            best = best_peer(table["unit"], entries)
            if best is not None:
                what = f"{table['title']}: {case}"
                wanted = others.get(case, bound)
                yield Verdict(what, wanted, best[1], f"x {best[0]}")

    return judge


def over_reference(*bounds: float) -> Callable[[Table], Iterator[Verdict]]:
    """Want an advantage over the reference, case by case; the last bound repeats."""

    def judge(table: Table) -> Iterator[Verdict]:
        for at, (case, entries) in enumerate(table["cases"].items()):
            ratio = advantages(table["unit"], entries).get(REFERENCE.name)
            if ratio is not None:
                bound = bounds[min(at, len(bounds) - 1)]
                what = f"{table['title']}: {case}"
                yield Verdict(what, bound, ratio, f"x {REFERENCE.name}")

    return judge


def ours(table: Table) -> dict[str, float]:
    """Return harmony's value in each case."""
    return {
        case: entries[HARMONY.name]["value"]
        for case, entries in table["cases"].items()
        if HARMONY.name in entries and entries[HARMONY.name]["rounds"]
    }


def value(bound: float, *, at_least: bool) -> Callable[[Table], Iterator[Verdict]]:
    """Want harmony's own value within a bound."""

    def judge(table: Table) -> Iterator[Verdict]:
        for measured in ours(table).values():
            unit = table["unit"]
            yield Verdict(table["title"], bound, measured, unit, at_least)

    return judge


def flat(bound: float = 1.3) -> Callable[[Table], Iterator[Verdict]]:
    """Want harmony's dearest case to cost little more than its cheapest."""

    def judge(table: Table) -> Iterator[Verdict]:
        costs = ours(table).values()
        if len(costs) > 1:
            what = f"{table['title']}: dearest length over cheapest"
            spread = max(costs) / min(costs)
            yield Verdict(what, bound, spread, "times", at_least=False)

    return judge


def conversion(table: Table) -> Iterator[Verdict]:
    """Want a request to cost little more than rendering its conversation."""
    costs = ours(table)
    if RENDERING in costs and REQUEST in costs:
        ratio = costs[REQUEST] / costs[RENDERING]
        what = f"{table['title']}: {REQUEST} over {RENDERING}"
        yield Verdict(what, 1.5, ratio, "times", at_least=False)


def pathological(table: Table) -> Iterator[Verdict]:
    """Want no text to be much slower than prose, and no peer to be faster."""
    costs = ours(table)
    for case, cost in costs.items():
        if case != PROSE and PROSE in costs:
            what = f"speed on {case!r} over that on prose"
            yield Verdict(what, 0.25, costs[PROSE] / cost, "times")
    for verdict in over_best_peer(LEVEL)(table):
        if not verdict.what.endswith(PROSE):
            yield verdict


def batches(table: Table) -> Iterator[Verdict]:
    """Want one call for many to cost much less than a call for each."""
    costs = ours(table)
    pairs = {LISTS: (LISTS_LOOP, 3.0), RENDERED: (RENDERED_LOOP, 5.0)}
    for case, (loop, bound) in pairs.items():
        if case in costs and loop in costs:
            yield Verdict(case, bound, costs[loop] / costs[case], "times a loop")


def threads(table: Table) -> Iterator[Verdict]:
    """Want two threads to reach 1.9, or what two processes reach at the same time."""
    gains = ours(table)
    if THREADS in gains:
        bound = min(1.9, gains.get(PROCESSES, 1.9))
        yield Verdict("Work of two threads", bound, gains[THREADS], "times that of one")


JUDGES: dict[str, tuple[Callable[[Table], Iterator[Verdict]], ...]] = {
    "array": (over_best_peer(1.25),),
    "list": (over_best_peer(1.2, JSON=1.1),),
    "count": (over_best_peer(1.8),),
    "lines": (over_best_peer(1.0, **{"with the check": 1.2}),),
    "decode": (over_best_peer(1.2),),
    "short": (over_reference(3, 3, 3, 1.5),),
    "rendering": (over_reference(50, 25, 12, 75),),
    "stream": (over_reference(10), flat(1.2)),
    "process": (over_reference(8),),
    "feed": (value(40, at_least=False),),
    "parse": (over_reference(25),),
    "objects": (over_reference(3, 3, 4),),
    "batches": (batches,),
    "threads": (threads,),
    "start": (value(20, at_least=False),),
    "memory": (value(15, at_least=False),),
    "pathological": (pathological,),
    "growth of rendering": (flat(),),
    "growth of parsing": (flat(),),
    "requests": (conversion,),
    "replies": (value(15, at_least=False), flat()),
}
"""By the name of the table that shows them."""


def judge(tables: list[Table]) -> list[Verdict]:
    """Return the verdicts on all targets that these tables show."""
    return [
        verdict
        for table in tables
        for each in JUDGES[table["name"]]
        for verdict in each(table)
    ]
