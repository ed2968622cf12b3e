"""Rates of rows of training data, by every way that there is; and peak memory.

Run it in ``tests``, with the extra ``arrow``; what it prints is the tables of
docs/training.md::

    python -m benchmarks.rows                 one core: loop, columns, the command
    python -m benchmarks.rows --beside FOLDER that, and another checkout, built
    python -m benchmarks.rows threads         threads over the batch call, or processes
    python -m benchmarks.rows engines         the engines, start-up included
    python -m benchmarks.rows memory          peak memory by the number of rows

The ways take turns; what is told is the best of the rounds. Rates of one core are of
processor time, and those of a command are without its start: a run over one row.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from harmony import HarmonyEncoding, chat, load_harmony_encoding, training
from harmony._training.job import Job
from harmony.arrow import BatchRenderer
from harmony.cli.bulk.run import CHUNK_SIZE
from harmony.cli.bulk.workers import LineRenderer, in_order
from support import ROOT
from support.rows import chat_row, lines

DATE = "2025-06-28"
MASKED = ("--for", "training", "--mask", "sampled")
KINDS = {"texts": False, "calls": True}
BATCH = 1000
"""Rows of a record batch."""

Json = dict[str, Any]
Way = Callable[[], None]


def main() -> None:
    """Measure what the command line says, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", nargs="?", default="core", choices=["core", *OTHERS], help="what to do"
    )
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, help="another checkout, built")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "core":
            for kind in KINDS:
                core(kind, options, Path(folder))
        else:
            OTHERS[options.what](options, Path(folder))


def core(kind: str, options: argparse.Namespace, folder: Path) -> None:
    """Print the rates of one core, for rows of a kind."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    rows = [chat_row(i, tools=KINDS[kind]) for i in range(options.rows)]
    made = examples(encoding, rows)
    tokens = sum(len(example.tokens) for example in made)
    chats, talks, one = (folder / f"{kind}-{n}.jsonl" for n in ("chats", "talks", "1"))
    chats.write_bytes(lines(rows))
    talks.write_bytes(lines([conversation(row).to_dict() for row in rows]))
    one.write_bytes(lines([conversation(rows[0]).to_dict()]))
    structs = [pa.RecordBatch.from_pylist(part) for part in parts(rows)]
    texts = [pa.RecordBatch.from_pylist(part) for part in parts([*map(as_text, rows)])]
    render = BatchRenderer(date=DATE, on_error="raise")
    ways: dict[str, Callable[[], float]] = {
        "`training.example`, one by one": timed(lambda: examples(encoding, rows)),
        "`BatchRenderer`, structs": timed(lambda: [*map(render, structs)]),
        "`BatchRenderer`, JSON text": timed(lambda: [*map(render, texts)]),
        "`harmony render`, chats": command(ROOT, chats, *MASKED),
        "`harmony render`, conversations": command(ROOT, talks, *MASKED),
    }
    starts = {way: command(ROOT, one, *MASKED) for way in [*ways][3:]}
    if options.beside:
        other = "the same, of the other checkout"
        ways[other] = command(options.beside, talks, "--for", "training")
        starts[other] = command(options.beside, one, "--for", "training")
    gc.freeze()  # the rows are no work of the ways
    found = best(ways, options.rounds)
    for way, seconds in best(starts, options.rounds).items():
        found[way] -= seconds
    told = [
        (way, f"{len(rows) / seconds:,.0f}", f"{tokens / seconds / 1e6:.1f}")
        for way, seconds in found.items()
    ]
    size = chats.stat().st_size // len(rows)
    count = sum(len(row["messages"]) for row in rows) // len(rows)
    head = f"{kind}: {count} messages, {size} bytes"
    table((head, "conversations/s", "M tokens/s"), told)


def examples(encoding: HarmonyEncoding, rows: list[Json]) -> list[training.Example]:
    """Make examples, one by one."""
    return [training.example(encoding, conversation(row)) for row in rows]


def conversation(row: Json) -> Any:
    """Return what a row says."""
    return chat.prompt(row, date=DATE).conversation


def parts(rows: list[Json]) -> Iterator[list[Json]]:
    """Give the rows of each batch."""
    return (rows[i : i + BATCH] for i in range(0, len(rows), BATCH))


def as_text(row: Json) -> Json:
    """Return a row whose messages and tools are JSON text."""
    return {key: json.dumps(row[key], ensure_ascii=False) for key in row}


def timed(way: Callable[[], object]) -> Callable[[], float]:
    """Return what tells the processor time of a way."""

    def run() -> float:
        start = time.process_time()
        way()
        return time.process_time() - start

    return run


def command(root: Path, source: Path, *others: str) -> Callable[[], float]:
    """Return what tells the processor time of ``harmony render``, in one process."""

    def run() -> float:
        return finished(root, source, "x.bin", *others, "--processes", "1")[0]

    return run


RUN = """
import sys
from harmony.cli import main
status = main(sys.argv[1:])
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
sys.exit(status or peak[0].split()[1])
"""
"""Runs the command, and ends with its peak memory in kB as the last word."""


def finished(
    root: Path, source: str | Path, out: str, *others: str | Path
) -> tuple[float, int]:
    """Let a command run; return its processor time, and its peak memory in kB."""
    target = Path(source).parent / out
    given = ["render", "--jsonl", source, "--out", target, *others]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *map(str, given)],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    told = process.stderr.read().decode().split()
    process.stderr.close()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert told and told[-1].isdigit(), " ".join(told)
    return used.ru_utime + used.ru_stime, int(told[-1])


def best(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each way; they take turns."""
    found = {way: float("inf") for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            found[way] = min(found[way], run())
    return found


def table(head: tuple[str, ...], told: Sequence[tuple[str, ...]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(head)} |\n|---|{'---:|' * (len(head) - 1)}")
    for line in told:
        print(f"| {' | '.join(line)} |")
    print(flush=True)


# Threads or processes


def threads(options: argparse.Namespace, folder: Path) -> None:
    """Print the rates of two threads and of two processes, by the clock."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    renderer = LineRenderer(Job(date=DATE), stops=True)
    told = []
    for kind, tools in KINDS.items():
        rows = [chat_row(i, tools=tools) for i in range(options.rows)]
        data = lines(rows).splitlines(keepends=True)
        size = max(1, CHUNK_SIZE // len(data[0]))
        chunks = [b"".join(data[i : i + size]) for i in range(0, len(data), size)]

        def over_threads(
            chunks: list[bytes] = chunks,
        ) -> None:
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda chunk: renderer(encoding, chunk), chunks))

        ways = {
            "one process": clocked(chunks, renderer, 1),
            "two threads": elapsed(over_threads),
            "two processes": clocked(chunks, renderer, 2),
        }
        found = best(ways, options.rounds)
        told.append((kind, *(f"{len(rows) / s:,.0f}" for s in found.values())))
    table(("rows/s, by the clock", *ways), told)


def clocked(
    chunks: list[bytes], renderer: LineRenderer, count: int
) -> Callable[[], float]:
    """Return what tells the time of processes, their start not counted."""

    def run() -> float:
        with in_order(renderer, iter([*chunks[:count], *chunks]), count) as batches:
            for _ in range(count):
                next(batches)
            start = time.perf_counter()
            for _ in batches:
                pass
            return time.perf_counter() - start

    return run


def elapsed(way: Way) -> Callable[[], float]:
    """Return what tells the time of a way, by the clock."""

    def run() -> float:
        start = time.perf_counter()
        way()
        return time.perf_counter() - start

    return run


# Engines


def engines(options: argparse.Namespace, folder: Path) -> None:
    """Print the rates of the engines that are installed, and of a plain loop."""
    source, plain_source = folder / "in", folder / "plain"
    source.mkdir()
    plain_source.mkdir()
    rows = [chat_row(i, turns=1 + i % 3, tools=i % 4 == 0) for i in range(options.rows)]
    texts = [{**row, "tools": json.dumps(row.get("tools"))} for row in rows]
    for number in range(4):
        (source / f"{number}.jsonl").write_bytes(lines(texts[number::4]))
        (plain_source / f"{number}.jsonl").write_bytes(lines(rows[number::4]))
    whole = folder / "whole.jsonl"
    whole.write_bytes(lines(texts))
    plain = "import sys, pyarrow.json, pyarrow.parquet as pq; from harmony.arrow "
    plain += "import BatchRenderer; pq.write_table(BatchRenderer(date='2025-06-28')("
    plain += "pyarrow.json.read_json(sys.argv[1])), sys.argv[2])"
    render = ["-m", "harmony", "render", "--jsonl"]
    given = ["--date", DATE, "--format", "chat", *MASKED]
    out = folder / "out.parquet"
    ways = {"pyarrow alone": ["-c", plain, whole, out]}
    ways["`harmony render`, two processes"] = [
        *render,
        folder / "r.jsonl",
        "--out",
        out,
        "--processes",
        "2",
        *given,
    ]
    (folder / "r.jsonl").write_bytes(lines(rows))
    if find_spec("datasets"):
        script = ROOT / "examples" / "datasets_map.py"
        ways["Hugging Face datasets"] = [script, whole, out]
    if find_spec("ray"):
        ways["Ray Data"] = [ROOT / "examples" / "ray_data.py", source, out]
        ways["`harmony render --engine ray`"] = [
            *render,
            plain_source,
            "--out",
            out,
            "--engine",
            "ray",
            *given,
        ]
    if find_spec("pyspark") and shutil.which("java"):
        ways["Spark"] = [ROOT / "examples" / "spark.py", source, out]
    runs = {way: elapsed(started(line, out)) for way, line in ways.items()}
    found = best(runs, options.rounds)
    told = [
        (way, f"{seconds:.1f}", f"{len(rows) / seconds:,.0f}")
        for way, seconds in found.items()
    ]
    table((f"{len(rows):,} rows", "seconds", "rows/s"), told)


def started(line: list[Any], out: Path) -> Way:
    """Return what runs a Python with arguments, with no output there."""

    def run() -> None:
        shutil.rmtree(out, ignore_errors=True)
        out.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, *map(str, line)],
            env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(out.parent)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        shutil.rmtree(out.parent / "datasets", ignore_errors=True)

    return run


# Memory


def memory(options: argparse.Namespace, folder: Path) -> None:
    """Print the peak memory of the command, for rows and for four times as many."""
    outputs = {
        "JSONL to `.bin`": ("x.bin", ()),
        "JSONL to `.parquet`": ("x.parquet", ()),
        "JSONL to shards": ("x", ("--shard-size", "500")),
        "Parquet to shards": ("y", ("--shard-size", "500")),
    }
    counts = options.rows, 4 * options.rows
    found: dict[str, list[str]] = {way: [] for way in outputs}
    for count in counts:
        rows = [chat_row(i, tools=i % 2 == 0) for i in range(count)]
        sources = folder / f"{count}.jsonl", folder / f"{count}.parquet"
        sources[0].write_bytes(lines(rows))
        write_parquet(rows, sources[1])
        for way, (out, others) in outputs.items():
            source = sources[way.startswith("Parquet")]
            peak = finished(ROOT, source, out, *others, *MASKED, "--processes", "1")[1]
            found[way].append(f"{peak / 1024:.0f}")
    told = [(way, *peaks) for way, peaks in found.items()]
    table(("peak, MB", *(f"{count:,} rows" for count in counts)), told)


def write_parquet(rows: list[Json], path: Path) -> None:
    """Write rows in groups of a thousand."""
    import pyarrow.parquet as pq

    pq.write_table(
        pa.Table.from_pylist([*map(as_text, rows)]), path, row_group_size=BATCH
    )


OTHERS = {"threads": threads, "engines": engines, "memory": memory}

if __name__ == "__main__":
    main()
