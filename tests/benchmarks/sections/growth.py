"""What a token costs as conversations get longer."""

from __future__ import annotations

from itertools import cycle

from ..conversations import Script, talk
from ..driver import Bench, alternate, progress
from ..peers import HARMONY
from ..results import Table, entry, table
from .rendering import dates, paragraphs

LENGTHS = {1_000: 40, 10_000: 8, 100_000: 1, 1_000_000: 1}
"""Tokens of a conversation, and how many such conversations a pass has."""
TOKENS_A_TURN = 150


def measure(bench: Bench) -> list[Table]:
    """Render and parse conversations of each length."""
    render = table("growth of rendering", "Render, by length", "ns a token")
    parse = table("growth of parsing", "Parse, by length", "ns a token")
    texts, days = cycle(paragraphs(bench)), dates()
    settling = [(next(days), talk(texts, 10_000 // TOKENS_A_TURN))]
    lengths = list(LENGTHS)[:3] if bench.quick else list(LENGTHS)
    with bench.workers([HARMONY.name]) as workers:
        for length in lengths:
            progress(f"growth: {length:,} tokens")

            def scripts(length: int = length) -> list[tuple[str, Script]]:
                turns = max(1, length // TOKENS_A_TURN)
                count = LENGTHS[length]
                return [(next(days), talk(texts, turns)) for _ in range(count)]

            rounds = [scripts() for _ in range(bench.rounds)]
            case = f"{length:,}"
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, number: worker.call(
                    "render", scripts=rounds[number], settling=settling, tools=False
                ),
            )
            costs = [p["cpu"] / p["tokens"] * 1e9 for p in passes[HARMONY.name]]
            render["cases"][case] = {HARMONY.name: entry(costs)}
            ours = workers[HARMONY.name]
            completions = [
                ours.call("rendered", script=s, tools=False) for s in rounds[0]
            ]
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, _: worker.call(
                    "parse", completions=completions, role=None
                ),
            )
            amount = sum(map(len, completions))
            costs = [p["cpu"] / amount * 1e9 for p in passes[HARMONY.name]]
            parse["cases"][case] = {HARMONY.name: entry(costs)}
    return [render, parse]
