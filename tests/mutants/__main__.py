"""The command; ``python -m tests.mutants --help``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import __doc__ as about
from .equal import Equal
from .making import Mutant, mutants
from .running import (
    ROOT,
    Tests,
    forked,
    load,
    measure,
    run_anew,
    run_quick,
    survivors,
)
from .targets import TARGETS

BINDINGS = ("cffi", "")
"""What tests are run by, one after the other. Where methods have straight ways in C,
tests would hardly run those in Python; and what these ways use is not run without them.
"""


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
    parser.add_argument("--every", type=int, default=1, help="only each so many-th")
    options = parser.parse_args()
    if unknown := set(options.files) - TARGETS.keys():
        parser.error(
            f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}"
        )
    load()
    rates = [_file(name, options) for name in options.files or TARGETS]
    return any(rate < options.at_least for rate in rates)


def _file(name: str, options: argparse.Namespace) -> float:
    """Run the mutants of a file, and report; return how many of a hundred die."""
    path = ROOT / "harmony" / name
    equal = Equal(name)
    made = [
        mutant
        for mutant in mutants(path.read_text(encoding="utf-8"))
        if mutant.place.startswith(options.place or "")
    ][:: options.every]
    wanted = [mutant for mutant in made if not equal.has(mutant)]
    left = wanted
    for binding in BINDINGS:
        os.environ["HARMONY_BINDING"] = binding
        if left:
            tests = measure(path, [f"tests/{file}" for file in TARGETS[name]])
            left = _run(path, left, tests, options.jobs)
    for mutant in left:
        print(f"\n{name}:{mutant.line} in {mutant.place or 'the module'}")
        print("\n".join(f"- {line}" for line in mutant.old.splitlines()))
        print("\n".join(f"+ {line}" for line in mutant.new.splitlines()))
    if options.place is None and options.every == 1:
        for entry in equal.unused():
            print(f"\n{name}: no such mutant any more: {entry}")
    killed = len(wanted) - len(left)
    rate = 100 * killed / (len(wanted) or 1)
    print(
        f"\n{name}: {len(made)} mutants, {len(made) - len(wanted)} equal, "
        f"{killed} of {len(wanted)} killed: {rate:.1f} %",
        flush=True,
    )
    return rate


def _run(path: Path, made: list[Mutant], tests: Tests, jobs: int) -> list[Mutant]:
    """Return the mutants that survive all tests."""
    left, others = run_quick(path, made, tests, jobs)

    def start(mutant: Mutant, ran: list[str]) -> int:
        seconds = sum(tests.seconds[test] for test in ran)
        return forked(lambda: run_anew(path, mutant, ran), seconds)

    slow = [made[place] for place in others]
    left += [others[place] for place in survivors(slow, tests, start, jobs)]
    return [made[place] for place in sorted(left)]


if __name__ == "__main__":
    sys.exit(main())
