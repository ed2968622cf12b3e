"""A new process: import, load, first encode; and the memory it then has."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from ..driver import Bench, progress, worker_environment
from ..peers import HARMONY, REFERENCE
from ..results import Table, entry, table

MEMORY = """
for line in open("/proc/self/status"):
    if line.startswith("VmRSS"):
        print(line.split()[1])
"""
LOAD = """
import {module}
{module}.load_harmony_encoding("HarmonyGptOss").encode("hello world")
"""
PROGRAMS = {HARMONY.name: "harmony", REFERENCE.name: "openai_harmony"}


def run(python: Path, code: str, environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds that a program took, and its resident megabytes."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(python), "-c", code + MEMORY],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=os.sep,
        check=True,
    )
    return time.perf_counter() - start, int(done.stdout) / 1024


def measure(bench: Bench) -> list[Table]:
    """Compare with a bare interpreter of the same environment, each time anew."""
    clock = table("start", "Import, load, first encode, over a bare interpreter", "ms")
    memory = table("memory", "Resident memory over a bare interpreter", "MB")
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    sizes: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    progress("start")
    for _ in range(7 if bench.quick else 25):
        for name, module in PROGRAMS.items():
            python, environment = bench.pythons[name], worker_environment()
            if name == REFERENCE.name:
                environment["TIKTOKEN_ENCODINGS_BASE"] = str(bench.vocabularies)
            bare, loaded = (
                run(python, code, environment)
                for code in ("", LOAD.format(module=module))
            )
            times[name].append((loaded[0] - bare[0]) * 1e3)
            sizes[name].append(loaded[1] - bare[1])
    clock["cases"]["new process"] = {n: entry(each) for n, each in times.items()}
    memory["cases"]["new process"] = {n: entry(each) for n, each in sizes.items()}
    return [clock, memory]
