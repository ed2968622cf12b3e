"""How many instructions a few fixed jobs take, compared with what is stored::

    python tests/benchmarks/instructions.py
    python tests/benchmarks/instructions.py --update
    python tests/benchmarks/instructions.py --base CHECKOUT

The jobs are in ``instructions.c``; callgrind counts. What was counted when the figures
were last accepted is in ``instructions.json``; more than ``BOUND`` times that is a
failure, exit status 1. The bound is generous since compilers and C libraries differ.
With ``--base`` the same jobs are counted with the library of another checkout too, and
the table, in Markdown, compares the two; nothing stored is read.
Only the standard library is needed, a C compiler, and valgrind.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORED = HERE / "instructions.json"
VOCABULARY = ROOT / "harmony/data/o200k_base.vocabulary"
BOUND = 1.15

PROSE = ROOT / "LICENSE"
SOURCE = HERE / "data/source.txt"
LANGUAGES = ROOT / "test-data/languages.tsv"

JOBS = {
    "load": ("load", PROSE),
    "encode prose": ("encode", PROSE),
    "encode source": ("encode", SOURCE),
    "encode languages": ("encode", LANGUAGES),
    "decode prose": ("decode", PROSE),
    "render a conversation": ("render", PROSE),
    "parse its tokens": ("parse", PROSE),
}


def build(folder: Path, checkout: Path = ROOT) -> Path:
    """Compile a checkout's jobs with its library, as it is built for the package."""
    program = folder / "instructions"
    jobs = checkout / "tests/benchmarks/instructions.c"
    sources = [jobs, *sorted((checkout / "csrc").glob("*.c"))]
    options = ["-std=c99", "-O2", "-g", "-pthread", f"-I{checkout / 'csrc'}"]
    command = ["cc", *options, "-o", str(program), *map(str, sources)]
    subprocess.run(command, check=True)
    return program


def count(program: Path, job: str, text: Path) -> int:
    """Return the instructions that were run inside a job."""
    command = [
        "valgrind",
        "--tool=callgrind",
        "--toggle-collect=job_*",
        f"--callgrind-out-file={program}.out",
        *map(str, (program, VOCABULARY, text, job)),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"{job}: {done.stderr}")
    return int(found[1])


def compare(counted: dict[str, int], stored: dict[str, int]) -> tuple[str, bool]:
    """Return a table of counts beside the stored ones, and whether all are bounded."""
    lines = [f"{'instructions':24}{'stored':>14}{'now':>14}{'ratio':>8}"]
    good = True
    for name, now in counted.items():
        before = stored.get(name)
        if before is None:
            lines.append(f"{name:24}{'-':>14}{now:14,}   not stored")
            good = False
            continue
        ratio = now / before
        verdict = "" if ratio <= BOUND else f"   more than {BOUND:g} times"
        good = good and ratio <= BOUND
        lines.append(f"{name:24}{before:14,}{now:14,}{ratio:8.3f}{verdict}")
    return "\n".join(lines), good


def beside(counted: dict[str, int], base: dict[str, int]) -> str:
    """Return a Markdown table of counts beside those of another checkout."""
    lines = ["| instructions | base | here | ratio |", "|---|--:|--:|--:|"]
    for name, now in counted.items():
        before = base[name]
        ratio = now / before
        lines.append(f"| {name} | {before:,} | {now:,} | {ratio:.3f} |")
    return "\n".join(lines)


def count_all(checkout: Path = ROOT) -> dict[str, int]:
    """Count every job with the library of a checkout; the texts are those here."""
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder), checkout)
        return {name: count(program, *job) for name, job in JOBS.items()}


def main() -> int:
    """Count, print the table, and compare or store."""
    options = argparse.ArgumentParser(description="Count instructions of fixed jobs.")
    options.add_argument("--update", action="store_true", help="store the counts")
    options.add_argument("--base", type=Path, help="compare with this checkout")
    given = options.parse_args()
    counted = count_all()
    if given.base:
        print(beside(counted, count_all(given.base)))
        return 0
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    table, good = compare(counted, stored)
    print(table)
    if given.update:
        STORED.write_text(json.dumps(counted, indent=2) + "\n", encoding="utf-8")
        return 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
