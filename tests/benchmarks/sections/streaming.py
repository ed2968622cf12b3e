"""Tokens to messages, beside the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conversations import agent
from ..driver import Bench, JobFailed, Worker, alternate, progress
from ..peers import HARMONY
from ..results import Entry, Table, absent, entry, table
from .rendering import PAIR, paragraphs
from .texts import corpus

LENGTHS = (1_000, 10_000, 100_000)


def nanoseconds(results: dict[str, list[Any]], amounts: list[int]) -> dict[str, Entry]:
    """Turn passes into nanoseconds a token; note who found other messages."""
    entries = {}
    for name, passes in results.items():
        if isinstance(passes[-1], JobFailed):
            entries[name] = absent(str(passes[-1]))
            continue
        pairs = zip(passes, amounts, strict=True)
        entries[name] = entry([each["cpu"] / amount * 1e9 for each, amount in pairs])
        expected = [each["digest"] for each in results[HARMONY.name]]
        if [each["digest"] for each in passes] != expected:
            entries[name]["note"] = "other messages"
    return entries


def completion(worker: Worker, texts: list[str], length: int) -> list[int]:
    """Return a completion of about a length: thinking, then an answer."""
    head, middle, end = worker.call(
        "marked_tokens",
        texts=[
            "<|channel|>analysis<|message|>",
            "<|end|><|start|>assistant<|channel|>final<|message|>",
            "<|return|>",
        ],
    )
    content: list[int] = []
    while len(content) < length:
        for tokens in worker.call("tokens", texts=texts):
            content += tokens
    return [
        *head,
        *content[: length // 4],
        *middle,
        *content[length // 4 : length],
        *end,
    ]


def measure(bench: Bench) -> list[Table]:
    """Token by token as servers do, in one chunk, and as whole completions."""
    unit = "ns a token"
    one = table("stream", "Process a token and read what it changed", unit)
    bare = table("process", "Process a token and read nothing", unit)
    chunk = table("feed", "Feed a chunk of 1 000 tokens", unit)
    whole = table("parse", "Parse a completion", unit)
    with bench.workers(PAIR) as workers:
        ours = workers[HARMONY.name]
        texts = corpus(bench, "English").all

        def compare(
            run: Callable[[Worker, int], Any], amount: int, only_ours: bool = False
        ) -> dict[str, Entry]:
            taking = {HARMONY.name: ours} if only_ours else workers
            results = alternate(taking, bench.rounds, run)
            return nanoseconds(results, [amount] * bench.rounds)

        for length in LENGTHS[:2] if bench.quick else LENGTHS:
            progress(f"stream: {length:,} tokens")
            tokens = completion(ours, texts, length)
            one["cases"][f"{length:,} tokens"] = compare(
                lambda worker, _: worker.call(
                    "stream",
                    tokens=tokens,
                    settling=tokens[:1_000],
                    state=worker is ours,
                ),
                len(tokens),
            )
        for length in LENGTHS[:2]:
            progress(f"process: {length:,} tokens")
            tokens = completion(ours, texts, length)
            bare["cases"][f"{length:,} tokens"] = compare(
                lambda worker, _: worker.call(
                    "process", tokens=tokens, settling=tokens[:1_000]
                ),
                len(tokens),
            )
        tokens = completion(ours, texts, 1_000)
        chunk["cases"]["1,000 tokens"] = compare(
            lambda worker, _: worker.call("feed", tokens=tokens, settling=tokens),
            len(tokens),
            only_ours=True,
        )
        script = agent(paragraphs(bench))
        date = "2025-06-28"
        rendered = ours.call("rendered", script=(date, script), tools=True)
        answer = completion(ours, texts, 1_000)
        cases = {
            "an answer of 1,000": (answer, "assistant"),
            "an agent's": (rendered, None),
        }
        for case, (tokens, role) in cases.items():
            progress(f"parse: {case}")
            whole["cases"][case] = compare(
                lambda worker, _: worker.call("parse", completions=[tokens], role=role),
                len(tokens),
            )
    return [one, bare, chunk, whole]
