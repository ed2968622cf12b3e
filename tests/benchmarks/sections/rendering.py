"""Conversations to tokens, beside the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..conversations import Script, agent
from ..driver import Bench, JobFailed, Worker, alternate, progress
from ..peers import HARMONY, REFERENCE
from ..results import Entry, Table, absent, entry, table
from .texts import corpus

PAIR = [HARMONY.name, REFERENCE.name]
SIMPLE = 50
"""Conversations of a pass with a system message and a user's."""
STEPS = 4
"""Messages that a running chat grows by in a pass."""

Dated = tuple[str, Script]


def paragraphs(bench: Bench, size: int = 850) -> Iterator[str]:
    """Give texts of a size, each once."""
    for documents in (corpus(bench, "Python source"), corpus(bench, "English")):
        for text in documents.all:
            yield from (text[at : at + size] for at in range(0, len(text), size))


def dates() -> Iterator[str]:
    """Give days, each once."""
    for number in range(100_000):
        year, rest = divmod(number, 12 * 28)
        yield f"{2025 + year}-{rest // 28 + 1:02}-{rest % 28 + 1:02}"


def microseconds(results: dict[str, list[Any]], calls: int) -> dict[str, Entry]:
    """Turn passes into microseconds a call; note who has other tokens."""
    entries = {}
    for name, passes in results.items():
        if isinstance(passes[-1], JobFailed):
            entries[name] = absent(str(passes[-1]))
            continue
        entries[name] = entry([each["cpu"] / calls * 1e6 for each in passes])
        expected = [each["digest"] for each in results[HARMONY.name]]
        if [each["digest"] for each in passes] != expected:
            entries[name]["note"] = "other tokens"
    return entries


def measure(bench: Bench) -> list[Table]:
    """System and user; an agent's conversation; the same while it grows."""
    result = table("rendering", "Render a conversation", "us a call")
    days = dates()
    with bench.workers(PAIR) as workers:

        def compare(case: str, calls: int, run: Callable[[Worker, int], Any]) -> None:
            progress(f"render: {case}")
            passes = alternate(workers, bench.rounds, run)
            result["cases"][case] = microseconds(passes, calls)

        rounds = range(bench.rounds + 1)
        short = paragraphs(bench, 60)
        users: list[list[Dated]] = [
            [
                (next(days), [("user", None, None, None, next(short))])
                for _ in range(SIMPLE)
            ]
            for _ in rounds
        ]
        compare(
            "system and user, again and again",
            SIMPLE,
            lambda worker, number: worker.call(
                "render",
                scripts=users[number][:1] * SIMPLE,
                settling=users[-1],
                tools=False,
            ),
        )
        compare(
            "system and user, new in every word",
            SIMPLE,
            lambda worker, number: worker.call(
                "render", scripts=users[number], settling=users[-1], tools=False
            ),
        )
        texts = paragraphs(bench)
        agents: list[Dated] = [(next(days), agent(texts)) for _ in rounds]
        compare(
            "agent, 40 messages",
            1,
            lambda worker, number: worker.call(
                "render", scripts=[agents[number]], settling=agents[-1:], tools=True
            ),
        )
        growing: list[Dated] = [(next(days), agent(texts, 41)) for _ in rounds]
        compare(
            "the agent's, one more message",
            STEPS,
            lambda worker, number: worker.call(
                "render_growing",
                script=growing[number],
                settling=growing[-1:],
                steps=STEPS,
            ),
        )
    return [result]
