"""Text to tokens and back: to an array, to a list, counted, in short lines, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from .. import corpora
from ..driver import Bench, JobFailed, Worker, alternate, progress
from ..peers import HARMONY, TIKTOKEN
from ..results import Entry, Table, absent, entry, table

CALLS = ("to_array", "to_list", "count")
WARMING = 30
"""Documents to warm up on: 600 000 characters, so that caches of words are full."""

FEWEST = 3
"""Documents of a round at least. How many there are depends on Python's version."""


@dataclass(frozen=True)
class Passes:
    """What to warm up on, and what each round is timed with."""

    warming: list[Any]
    rounds: list[list[Any]]

    @classmethod
    def deal(cls, warming: list[Any], rest: list[Any], rounds: int) -> Passes:
        """Deal the rest out to equal rounds; what is left over is dropped."""
        size = len(rest) // rounds
        return cls(warming, [rest[i * size : (i + 1) * size] for i in range(rounds)])

    @property
    def settling(self) -> list[Any]:
        """What is done again before each pass."""
        return self.warming[: max(10, len(self.warming) // 10)]

    @property
    def all(self) -> list[Any]:
        """What a worker gets to see."""
        return [*self.warming, *chain(*self.rounds)]

    def sizes(self) -> list[int]:
        """Return the bytes of each round's texts."""
        return [sum(len(text.encode()) for text in texts) for texts in self.rounds]


@cache
def corpus(bench: Bench, kind: str) -> Passes:
    """Return the documents of a kind."""
    progress(f"corpus: {kind}")
    documents = corpora.kept(bench.cache, kind)
    warming, rest = documents[:WARMING], documents[WARMING:]
    each = min(FEWEST if bench.quick else 5, len(rest) // bench.rounds)
    if each < FEWEST:
        raise SystemExit(f"{kind}: {len(documents)} documents are too few")
    return Passes.deal(warming, rest[: each * bench.rounds], bench.rounds)


@cache
def chat_lines(bench: Bench) -> Passes:
    """Return 10 000 lines, fewer in a quick run, after others to warm up on."""
    progress("corpus: lines")
    texts = corpora.kept(bench.cache, "lines")
    warming, timed = texts[:1_000], texts[1_000:]
    if bench.quick:
        warming, timed = warming[:500], timed[:1_000]
    return Passes.deal(warming, timed, bench.rounds)


@cache
def inexact(bench: Bench) -> dict[str, dict[str, set[str]]]:
    """Return, by kind of text, who gets other tokens than tiktoken, by which call."""
    with bench.workers() as workers:
        return {
            kind: differing(workers, passes.all)
            for kind, passes in [
                *((kind, corpus(bench, kind)) for kind in corpora.KINDS),
                ("lines", chat_lines(bench)),
            ]
        }


def differing(workers: dict[str, Worker], texts: list[str]) -> dict[str, set[str]]:
    """Return which calls of which implementation differ from tiktoken on texts."""
    expected = workers[TIKTOKEN.name].call("check", texts=texts)
    found: dict[str, set[str]] = {}
    for name, worker in workers.items():
        try:
            got = worker.call("check", texts=texts)
        except JobFailed:
            found[name] = set(CALLS)
        else:
            found[name] = {call for call in expected if got[call] != expected[call]}
    if found[HARMONY.name]:
        raise SystemExit(f"harmony differs from tiktoken: {found[HARMONY.name]}")
    return found


def able(workers: dict[str, Worker], call: str) -> dict[str, Worker]:
    """Return the workers whose implementation has a call."""
    return {name: w for name, w in workers.items() if call in w.call("calls")}


def rates(results: dict[str, list[Any]], amounts: list[int]) -> dict[str, Entry]:
    """Turn passes into entries, in megabytes a second."""
    entries = {}
    for name, timings in results.items():
        if isinstance(timings[-1], JobFailed):
            entries[name] = absent(str(timings[-1]))
            continue
        speeds = [a / t["cpu"] / 1e6 for a, t in zip(amounts, timings, strict=True)]
        entries[name] = entry(speeds)
    return entries


def compare(
    workers: dict[str, Worker], call: str, passes: Passes
) -> dict[str, list[Any]]:
    """Time a call in each round, after all have warmed up."""
    for worker in workers.values():
        worker.call("apply", call=call, inputs=[], settling=passes.warming)
    return alternate(
        workers,
        len(passes.rounds),
        lambda worker, number: worker.call(
            "apply",
            call=call,
            inputs=passes.rounds[number],
            settling=passes.settling,
        ),
    )


def encode(bench: Bench, call: str, name: str, title: str) -> list[Table]:
    """Compare one way of encoding on each kind of text."""
    result = table(name, title, "MB/s")
    others = inexact(bench)
    with bench.workers() as started:
        workers = able(started, call)
        for kind in corpora.KINDS:
            progress(f"{title}: {kind}")
            passes = corpus(bench, kind)
            entries = rates(compare(workers, call, passes), passes.sizes())
            mark_inexact(entries, others[kind], call)
            result["cases"][kind] = entries
    return [result]


def mark_inexact(
    entries: dict[str, Entry], others: dict[str, set[str]], call: str
) -> None:
    """Note who got other tokens."""
    for name, each in entries.items():
        if call in others[name]:
            each["note"] = "other tokens"


def to_array(bench: Bench) -> list[Table]:
    """Documents to an array, a buffer or bytes."""
    return encode(bench, "to_array", "array", "Encode to an array or a buffer")


def to_list(bench: Bench) -> list[Table]:
    """Documents to a list."""
    return encode(bench, "to_list", "list", "Encode to a list")


def count(bench: Bench) -> list[Table]:
    """Documents to the number of their tokens."""
    return encode(bench, "count", "count", "Count tokens")


def lines(bench: Bench) -> list[Table]:
    """Short lines, one call each, without and with the check for special tokens.

    harmony's call has the check in both rows.
    """
    result = table("lines", "Encode a line of 60 bytes to a list", "us a call")
    passes = chat_lines(bench)
    others = inexact(bench)["lines"]
    cases = {"fastest call": "to_list", "with the check": "to_list_checked"}
    for case, call in cases.items():
        progress(f"lines: {case}")
        with bench.workers() as started:
            results = compare(able(started, call), call, passes)
        entries = {
            name: entry([t["cpu"] / len(passes.rounds[0]) * 1e6 for t in timings])
            for name, timings in results.items()
        }
        mark_inexact(entries, others, "to_list")
        result["cases"][case] = entries
    return [result]


def decode(bench: Bench) -> list[Table]:
    """Lists of tokens to a string."""
    result = table("decode", "Decode a list to a string", "MB/s")
    with bench.workers() as started:
        workers = able(started, "decode")
        ours = started[HARMONY.name]
        for kind in corpora.KINDS:
            progress(f"decode: {kind}")
            passes = corpus(bench, kind)
            warming, *rounds = [
                ours.call("tokens", texts=texts)
                for texts in (passes.warming, *passes.rounds)
            ]
            results = compare(workers, "decode", Passes(warming, rounds))
            entries = rates(results, passes.sizes())
            mark_other_texts(entries, results)
            result["cases"][kind] = entries
    return [result]


def mark_other_texts(entries: dict[str, Entry], results: dict[str, list[Any]]) -> None:
    """Note who decoded to another text than harmony did."""
    expected = [timing["digest"] for timing in results[HARMONY.name]]
    for name, each in entries.items():
        if each["rounds"] and [t["digest"] for t in results[name]] != expected:
            each["note"] = "other text"
