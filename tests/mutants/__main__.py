"""The command; ``python -m tests.mutants --help``."""

from __future__ import annotations

import argparse
import os
import sys
from collections import deque
from pathlib import Path

from . import __doc__ as about
from .equal import Equal
from .making import Mutant, mutants
from .running import ROOT, Tests, forked, load, measure, run_mutant, survives
from .targets import TARGETS


def main() -> int:
    """Run mutants of some files; the status is 1 if too many of them survive."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", help="in harmony/ (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--at-least", type=float, default=95, metavar="PERCENT")
    parser.add_argument("--place", help="only those in this function")
    options = parser.parse_args()
    if unknown := set(options.files) - TARGETS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    load()
    rates = [
        _file(name, options.jobs, options.place) for name in options.files or TARGETS
    ]
    return any(rate < options.at_least for rate in rates)


def _file(name: str, jobs: int, place: str | None) -> float:
    """Run the mutants of a file, and report; return how many of a hundred die."""
    path = ROOT / "harmony" / name
    equal = Equal(name)
    made = [
        mutant
        for mutant in mutants(path.read_text(encoding="utf-8"))
        if place is None or mutant.place.startswith(place)
    ]
    wanted = [mutant for mutant in made if not equal.has(mutant)]
    tests = measure(path, [f"tests/{file}" for file in TARGETS[name]])
    survivors = _run(path, wanted, tests, jobs)
    for mutant in survivors:
        print(f"\n{name}:{mutant.line} in {mutant.place or 'the module'}")
        print("\n".join(f"- {line}" for line in mutant.old.splitlines()))
        print("\n".join(f"+ {line}" for line in mutant.new.splitlines()))
    if place is None:
        for entry in equal.unused():
            print(f"\n{name}: no such mutant any more: {entry}")
    killed = len(wanted) - len(survivors)
    rate = 100 * killed / (len(wanted) or 1)
    print(
        f"\n{name}: {len(made)} mutants, {len(made) - len(wanted)} equal, "
        f"{killed} of {len(wanted)} killed: {rate:.1f} %",
        flush=True,
    )
    return rate


def _run(path: Path, made: list[Mutant], tests: Tests, jobs: int) -> list[Mutant]:
    """Run mutants, some at a time; return those that survive all tests."""
    waiting = deque((mutant, tests.of_line(mutant.line)) for mutant in made)
    running: dict[int, tuple[Mutant, list[str]]] = {}
    survivors = []
    while waiting or running:
        while waiting and len(running) < jobs:
            job = waiting.popleft()
            running[_start(path, *job, tests)] = job
        process, status = os.wait()
        mutant, ran = running.pop(process)
        if not survives(status):
            continue
        every = tests.all()
        if len(ran) < len(every):
            # What a test has left behind, such as a cache, can hide a line from others.
            waiting.append((mutant, every))
        else:
            survivors.append(mutant)
    return sorted(survivors, key=lambda mutant: mutant.line)


def _start(path: Path, mutant: Mutant, ran: list[str], tests: Tests) -> int:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    seconds = sum(tests.seconds[test] for test in ran)
    return forked(lambda: run_mutant(module, path, mutant.source, ran), seconds)


if __name__ == "__main__":
    sys.exit(main())
