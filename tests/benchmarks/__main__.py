"""The command; ``python -m tests.benchmarks --help``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .driver import Bench, progress
from .machine import describe
from .peers import IMPLEMENTATIONS
from .sections import SECTIONS
from .tables import figures, verdicts
from .targets import judge


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "--quick", action="store_true", help="less text, two minutes in all"
    )
    parser.add_argument(
        "--section",
        action="append",
        choices=SECTIONS,
        help="only this one; may be given again",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache/harmony-benchmarks",
        help="where environments and vocabularies are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("build/benchmarks.json"),
        help="where the results are written (default: %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    """Measure, print the tables, write the results."""
    options = arguments()
    bench = Bench(
        options.cache.resolve(), quick=options.quick, names=list(IMPLEMENTATIONS)
    )
    tables = []
    for name in options.section or SECTIONS:
        for table in SECTIONS[name](bench):
            tables.append(table)
            print(f"\n### {table['title']}\n\n{figures(table)}", flush=True)
    print(f"\n### Targets\n\n{verdicts(judge(tables))}")
    for name, reason in bench.absent.items():
        print(f"\n{name}: {reason}")
    results = describe(bench) | {"tables": tables}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, ensure_ascii=False)
    options.output.write_text(text + "\n", encoding="utf-8")
    progress(f"written: {options.output}")


if __name__ == "__main__":
    main()
