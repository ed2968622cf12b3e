"""Run the test suites of real clients on openai-harmony and on harmony; compare them.

    cd tests && python -m clients --python VENV/bin/python vllm=TREE gpt-oss=TREE ...

Each ``NAME=TREE`` is a client and its source tree, which is only read. The interpreter
has what the clients need, openai-harmony 0.0.8 and cffi; PYTHONPATH puts harmony before
openai-harmony. docs/clients.md says where the trees are from, and has the results. The
exit status is 1 if a test passes on openai-harmony and not on harmony.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clients.suites import SUITES, Outcome, differences, run_suite, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="clients", description=__doc__)
    parser.add_argument("trees", nargs="+", metavar="NAME=TREE")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--timeout", type=int, default=1800, help="seconds a suite")
    options = parser.parse_args()
    trees = dict(tree.split("=", 1) for tree in options.trees)
    unknown = trees.keys() - SUITES.keys()
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)} (known: {', '.join(SUITES)})")
    results: dict[str, tuple[Outcome, Outcome]] = {}
    for name, tree in trees.items():
        suite = SUITES[name]
        theirs, ours = (
            run_suite(suite, Path(tree), options.python, side, options.timeout)
            for side in ("reference", "harmony")
        )
        results[name] = theirs, ours
        print(f"{name}: done", file=sys.stderr)
    print(table(results))
    found = {name: differences(*both) for name, both in results.items()}
    for name, lines in found.items():
        print("\n".join(f"{name}: {line}" for line in lines))
    return any(
        ours.get(test) != "passed"
        for theirs, ours in results.values()
        for test, status in theirs.items()
        if status == "passed"
    )


if __name__ == "__main__":
    sys.exit(main())
