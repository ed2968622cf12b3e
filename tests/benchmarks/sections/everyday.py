"""What servers and jobs call all day: short calls, building, JSON, many at once."""

from __future__ import annotations

from typing import Any

from ..conversations import agent, talk
from ..driver import Bench, alternate, progress
from ..peers import HARMONY
from ..results import Table, table
from .rendering import PAIR, dates, microseconds, paragraphs
from .texts import chat_lines

CALLS = 500
"""Calls of a pass."""
TEXTS, TALKS = 100, 20
"""Of a pass that has many at once."""

SHORT = {
    "decode, one token": ("decode", 1),
    "decode_utf8, one token": ("decode_utf8", 1),
    "decode, ten tokens": ("decode", 10),
    "is_special_token": ("is_special_token", 0),
}
"""A method, and how many tokens it gets: a list of them, or one for 0."""

LISTS = "texts to lists: one call"
LISTS_LOOP = "texts to lists: a call for each"
ARRAYS = "texts to an array: one call"
ARRAYS_LOOP = "texts to an array: a call for each"
RENDERED = "conversations: one call"
RENDERED_LOOP = "conversations: a call for each"


def measure(bench: Bench) -> list[Table]:
    """Measure short calls and objects beside the reference; many beside one by one."""
    return [short_calls(bench), objects(bench), batches(bench)]


def short_calls(bench: Bench) -> Table:
    """Decode some tokens, as servers do for each that is sampled."""
    result = table("short", "Short calls", "us a call")
    with bench.workers(PAIR) as workers:
        ours = workers[HARMONY.name]
        lists = ours.call("tokens", texts=chat_lines(bench).all[:CALLS])
        tokens = [token for line in lists for token in line][: CALLS * 10]
        for case, (method, count) in SHORT.items():
            progress(f"short calls: {case}")
            size = count or 1
            rows = [tokens[at : at + size] for at in range(0, CALLS * size, size)]
            inputs: list[Any] = rows if count else [row[0] for row in rows]
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, _: worker.call("method", name=method, inputs=inputs),
            )
            result["cases"][case] = microseconds(passes, CALLS)
    return result


def objects(bench: Bench) -> Table:
    """Make prompts and tools; read and write conversations as JSON."""
    result = table("objects", "Make objects, read and write JSON", "us a call")
    texts = paragraphs(bench, 300)
    date = next(dates())
    scripts = {"plain": (talk(texts, 10), False), "ten tools": (agent(texts, 10), True)}
    with bench.workers(PAIR) as workers:
        for case in ("SystemContent.new", "a message with ten tools"):
            progress(f"objects: {case}")
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, _: worker.call("make", what=case, calls=CALLS),
            )
            result["cases"][case] = microseconds(passes, CALLS)
        for kind, (script, tools) in scripts.items():
            for call in ("from_json", "to_json"):
                progress(f"objects: {call}, {kind}")
                passes = alternate(
                    workers,
                    bench.rounds,
                    lambda worker, _: worker.call(
                        "json_form",
                        script=(date, script),
                        tools=tools,
                        way=call,
                        calls=CALLS,
                    ),
                )
                result["cases"][f"{call}, {kind}"] = microseconds(passes, CALLS)
    return result


def batches(bench: Bench) -> Table:
    """Texts of 200 characters and short talks: one call for all, a call for each."""
    result = table("batches", "Many at once", "us for each of them")
    texts = paragraphs(bench, 200)
    days = dates()
    with bench.workers([HARMONY.name]) as workers:
        for case in (LISTS_LOOP, LISTS, ARRAYS_LOOP, ARRAYS):
            progress(f"batches: {case}")
            rounds = [[next(texts) for _ in range(TEXTS)] for _ in range(bench.rounds)]
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, number: worker.call(
                    "many", way=case, texts=rounds[number]
                ),
            )
            result["cases"][case] = microseconds(passes, TEXTS)
        for case in (RENDERED_LOOP, RENDERED):
            progress(f"batches: {case}")
            talks = [
                [(next(days), talk(texts, 6)) for _ in range(TALKS)]
                for _ in range(bench.rounds)
            ]
            passes = alternate(
                workers,
                bench.rounds,
                lambda worker, number: worker.call(
                    "many_talks", one_call=case == RENDERED, scripts=talks[number]
                ),
            )
            result["cases"][case] = microseconds(passes, TALKS)
    return result
