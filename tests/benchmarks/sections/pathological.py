"""Texts on which tokenizers break down: the first call on each, in a fresh state."""

from __future__ import annotations

import base64
import random
from functools import cache
from typing import Any

from .. import corpora
from ..driver import Bench, JobFailed, Worker, progress
from ..peers import HARMONY
from ..results import Entry, Table, absent, entry, table

SIZE = 200_000
LIMIT, QUICK_LIMIT = 20.0, 2.0
"""Seconds after which a call is given up."""
PATIENCE = 1.0
"""Seconds of one call after which it is not repeated."""

PROSE = "English prose"


def letters(count: int, low: int, high: int) -> str:
    """Return random characters of a range."""
    return "".join(map(chr, random.Random(low).choices(range(low, high), k=count)))


@cache
def cases(bench: Bench) -> dict[str, str]:
    """Return the texts by name; the first is what the others are compared with."""
    english = "".join(corpora.kept(bench.cache, "English"))
    chinese = "".join(
        letter
        for letter in "".join(corpora.kept(bench.cache, "20 languages"))
        if "\u4e00" <= letter < "\ua000"
    )
    noise = random.Random(7).randbytes(SIZE)
    return {
        PROSE: english[:SIZE],
        "a": "a" * 100_000,
        "ab": "ab" * 50_000,
        "Chinese, no spaces": chinese[: SIZE // 3],
        "random CJK": letters(SIZE // 3, 0x4E00, 0x9FA0),
        "random letters": letters(SIZE, 0x61, 0x7B),
        "base64": base64.b64encode(noise).decode(),
        "digits": letters(SIZE, 0x30, 0x3A),
        "=": "=" * 1_000_000,
        "spaces": " " * SIZE,
        "line ends": "\n" * SIZE,
        "combining marks": letters(SIZE // 2, 0x300, 0x370),
        "emoji": letters(SIZE // 4, 0x1F600, 0x1F640),
        "markers begun": "<|" * (SIZE // 2),
    }


def measure(bench: Bench) -> list[Table]:
    """Compare all implementations on each text."""
    result = table("pathological", "First call on a text, to a list", "ns a byte")
    texts = cases(bench)
    names = list(texts)[:6] if bench.quick else list(texts)
    with bench.workers() as workers:
        for name in names:
            progress(f"pathological: {name}")
            result["cases"][name] = compare(workers, texts[name], bench)
    return [result]


def compare(workers: dict[str, Worker], text: str, bench: Bench) -> dict[str, Entry]:
    """Let each take the text in turn; who is slow is not asked again."""
    found: dict[str, list[Any]] = {name: [] for name in workers}
    limit = QUICK_LIMIT if bench.quick else LIMIT
    for _ in range(3 if bench.quick else 7):
        for name, worker in workers.items():
            passes = found[name]
            if not passes or passes[-1]["cpu"] < PATIENCE:
                passes.append(first_call(worker, text, limit))
    expected = found[HARMONY.name][0]["digest"]
    size = len(text.encode())
    return {name: judged(passes, expected, size) for name, passes in found.items()}


def first_call(worker: Worker, text: str, limit: float) -> dict[str, Any]:
    """Return the timing of a call, infinite with the reason if it failed."""
    try:
        timing: dict[str, Any] = worker.call("first_call", text=text, limit=limit)
    except JobFailed as error:
        return {"cpu": float("inf"), "reason": str(error)}
    return timing


def judged(passes: list[dict[str, Any]], expected: str, size: int) -> Entry:
    """Turn calls into nanoseconds a byte."""
    if "reason" in passes[-1]:
        return absent(passes[-1]["reason"].removeprefix("TimeoutError: "))
    same = all(each["digest"] == expected for each in passes)
    rounds = [each["cpu"] / size * 1e9 for each in passes]
    return entry(rounds, "" if same else "other tokens")
