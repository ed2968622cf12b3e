"""What a token costs as conversations get longer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

from ..conversations import talk
from ..driver import Bench, progress
from ..peers import HARMONY
from ..results import Table, entry, table
from .rendering import Dated, dates, paragraphs

LENGTHS = {1_000: 40, 10_000: 8, 100_000: 1, 1_000_000: 1}
"""Tokens of a conversation, and how many such conversations a pass has."""
TOKENS_A_TURN = 150
SETTLING = 10_000


def maker(bench: Bench) -> Callable[[int, int], list[Dated]]:
    """Return a function that makes so many dated talks of a length, all different."""
    texts, days = cycle(paragraphs(bench)), dates()

    def make(length: int, count: int) -> list[Dated]:
        turns = length // TOKENS_A_TURN
        return [(next(days), talk(texts, turns)) for _ in range(count)]

    return make


def measure(bench: Bench) -> list[Table]:
    """Render and parse conversations of each length, all lengths in each round."""
    lengths = list(LENGTHS)[:3] if bench.quick else list(LENGTHS)
    make = maker(bench)
    settling = make(SETTLING, 1)
    costs: dict[str, dict[int, list[float]]] = {
        job: {length: [] for length in lengths} for job in ("render", "parse")
    }
    with bench.workers([HARMONY.name]) as workers:
        call = workers[HARMONY.name].call
        for number in range(bench.rounds):
            progress(f"growth: round {number + 1} of {bench.rounds}")
            for length in lengths:
                scripts = make(length, LENGTHS[length])
                timing = call("render", scripts=scripts, settling=settling, tools=False)
                amount = timing["tokens"]
                costs["render"][length].append(timing["cpu"] / amount * 1e9)
                tokens = [call("rendered", script=s, tools=False) for s in scripts]
                timing = call("parse", completions=tokens, role=None)
                amount = sum(map(len, tokens))
                costs["parse"][length].append(timing["cpu"] / amount * 1e9)
    return [
        by_length("growth of rendering", "Render, by length", costs["render"]),
        by_length("growth of parsing", "Parse, by length", costs["parse"]),
    ]


def by_length(name: str, title: str, costs: dict[int, list[float]]) -> Table:
    """Return the table of one job."""
    result = table(name, title, "ns a token")
    for length, found in costs.items():
        result["cases"][f"{length:,}"] = {HARMONY.name: entry(found)}
    return result
