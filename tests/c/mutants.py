"""Mutants of csrc: which small changes do the C tests not notice? ::

    pip install libclang
    python tests/c/mutants.py parser.c stream.c
    python tests/c/mutants.py --sample 150 --seed 1 render.c

A mutant has one change: another operator, a number one off, a condition turned round, a
statement left out, another result. Each is compiled and linked with the test programs,
which run until one fails: the mutant is killed. Those that killed most come first, then
the quickest. What survives the quick ones, and is not compiled to the same machine
code, runs them again under the sanitizers, as ``make check`` does, and then the slow
ones; ``--quick`` leaves out both. What is in mutants_equal.txt, with a reason, is not
tried, but with ``--listed``.

Results are kept in csrc/build/mutants/results.jsonl. A run goes on where another ended;
``--again`` tries again what had survived, when there are new tests. The table at the
end counts what was asked for; its rate is what was killed of all that are not equal.
The exit status is 1 if anything survived.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from clang.cindex import Cursor, CursorKind, Index, TranslationUnit

HERE = Path(__file__).resolve().parent
CSRC = HERE.parents[1] / "csrc"
VOCABULARY = HERE.parents[1] / "harmony/data/o200k_base.vocabulary"
BUILD = CSRC / "build/mutants"
EQUAL = HERE / "mutants_equal.txt"

FLAGS = ["-std=c99", "-w", "-fPIC", "-pthread", f"-I{CSRC}"]
PLAIN = ["-O1"]
MUTANT = ["-O0"]  # for one file, compiling takes longer than what it saves
COMPARED = ["-O2", "-fno-semantic-interposition"]
SANITIZED = [
    *["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "-fno-omit-frame-pointer",
]
REFUSABLE = [f"-D{name}=support_{name}" for name in ("malloc", "calloc", "realloc")]
FUZZERS = ("parser", "stream", "text", "decode", "vocabulary", "render")
CASES = "3000"  # damaged streams, and headers
QUICK = 2.5  # seconds: what runs under the sanitizers as well
WORKERS = 2
SECONDS = 300  # for a command that waits for nothing to come
MEMORY = 4 << 20  # KiB for a test; a mutant may ask for more and more

# ---- What is changed -----------------------------------------------------------------

OPERATORS = {
    **{"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<")},
    **{"==": ("!=",), "!=": ("==",), "&&": ("||",), "||": ("&&",)},
    **{"+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "%": ("*",)},
    **{"&": ("|",), "|": ("&",), "^": ("&",), "<<": (">>",), ">>": ("<<",)},
    **{"+=": ("-=", "="), "-=": ("+=", "="), "*=": ("/=",), "/=": ("*=",)},
    **{"|=": ("&=", "="), "&=": ("|=", "="), "^=": ("=",)},
    **{"<<=": (">>=",), ">>=": ("<<=",)},
}
UNARY = {"++": ("--",), "--": ("++",), "!": ("",), "~": ("",)}
SAME = {"0": ("0", "NULL", "HARMONY_OK"), "1": ("1",)}
COMPARISONS = {"<", "<=", ">", ">=", "==", "!="}
BINARY = (CursorKind.BINARY_OPERATOR, CursorKind.COMPOUND_ASSIGNMENT_OPERATOR)
NUMBERS = (CursorKind.INTEGER_LITERAL, CursorKind.CHARACTER_LITERAL)
BODIES = (
    *(CursorKind.COMPOUND_STMT, CursorKind.IF_STMT, CursorKind.FOR_STMT),
    *(CursorKind.WHILE_STMT, CursorKind.DO_STMT, CursorKind.CASE_STMT),
    CursorKind.DEFAULT_STMT,
)
STATEMENTS = (
    *(*BINARY, CursorKind.CALL_EXPR, CursorKind.UNARY_OPERATOR),
    *(CursorKind.BREAK_STMT, CursorKind.CONTINUE_STMT),
)


Change = tuple[int, int, str]  # from where to where to write what


@dataclass(frozen=True)
class Mutant:
    """A file with other text in one place."""

    file: str
    line: int
    function: str
    before: str  # the lines of the place, on one line
    after: str
    source: str  # all of the file
    key: str  # by which its result is found again, while the function stays

    @property
    def place(self) -> tuple[str, str, str]:
        return f"{self.file}: {self.function}", self.before, self.after


def operator_place(text: str, cursor: Cursor) -> tuple[int, int] | None:
    """Return where the operator of an expression stands."""
    children = list(cursor.get_children())
    if cursor.kind in BINARY:
        start, end = children[0].extent.end.offset, children[1].extent.start.offset
    else:
        start, end = cursor.extent.start.offset, children[0].extent.start.offset
        if start == end:  # it stands behind
            start, end = children[0].extent.end.offset, cursor.extent.end.offset
    found = re.fullmatch(r"\s*([^\s\w()]+)\s*\(*", text[start:end])
    return (start + found.start(1), start + found.end(1)) if found else None


def condition_of(cursor: Cursor) -> Cursor | None:
    children = list(cursor.get_children())
    if cursor.kind == CursorKind.DO_STMT:
        return children[-1]
    if cursor.kind == CursorKind.FOR_STMT:
        return children[1] if len(children) == 4 else None
    if cursor.kind in (
        *(CursorKind.IF_STMT, CursorKind.WHILE_STMT),
        CursorKind.CONDITIONAL_OPERATOR,
    ):
        return children[0]
    return None


def span(cursor: Cursor) -> tuple[int, int]:
    return cursor.extent.start.offset, cursor.extent.end.offset


def operator_changes(text: str, cursor: Cursor) -> Iterator[Change]:
    place = operator_place(text, cursor)
    if place:
        operators = OPERATORS if cursor.kind in BINARY else UNARY
        for other in operators.get(text[slice(*place)], ()):
            yield *place, other


def condition_changes(text: str, cursor: Cursor) -> Iterator[Change]:
    """Turn a condition round, unless another operator does that."""
    condition = condition_of(cursor)
    if condition is None:
        return
    if condition.kind in (*BINARY, CursorKind.UNARY_OPERATOR):
        place = operator_place(text, condition)
        if place and text[slice(*place)] in COMPARISONS | {"!"}:
            return
    start, end = span(condition)
    yield start, end, f"!({text[start:end]})"


def statement_changes(cursor: Cursor) -> Iterator[Change]:
    """Leave out the statements of a body."""
    children = list(cursor.get_children())
    if cursor.kind == CursorKind.FOR_STMT:
        children = children[-1:]
    elif cursor.kind == CursorKind.DO_STMT:
        children = children[:1]
    elif cursor.kind != CursorKind.COMPOUND_STMT:
        children = children[1:]
    for child in children:
        if child.kind in STATEMENTS:
            yield *span(child), ""


def changes(text: str, cursor: Cursor) -> Iterator[Change]:
    """Yield what to write instead of what, from where to where, at one cursor."""
    start, end = span(cursor)
    if cursor.kind in (*BINARY, CursorKind.UNARY_OPERATOR):
        yield from operator_changes(text, cursor)
    elif cursor.kind in NUMBERS and re.match(r"[\d']", text[start:end]):
        number = text[start:end]
        if not text[:start].endswith("return "):
            yield start, end, f"({number} + 1)"
        if number != "0" and cursor.kind == CursorKind.INTEGER_LITERAL:
            yield start, end, f"({number} - 1)"
    elif cursor.kind == CursorKind.RETURN_STMT and list(cursor.get_children()):
        start, end = span(next(cursor.get_children()))
        for other in ("0", "1"):
            if text[start:end] not in SAME[other]:
                yield start, end, other
    if cursor.kind in BODIES:
        yield from statement_changes(cursor)
    yield from condition_changes(text, cursor)


def on_one_line(text: str, start: int, end: int) -> str:
    """Return the whole lines of a place, without what is more than one space."""
    start = text.rfind("\n", 0, start) + 1
    end = text.find("\n", end)
    return " ".join(text[start:end].split())


def mutant(file: str, text: str, function: Cursor, change: Change) -> Mutant:
    start, end, other = change
    source = text[:start] + other + text[end:]
    body = text[slice(*span(function))]
    before = on_one_line(text, start, end)
    after = on_one_line(source, start, start + len(other))
    key = f"{file} {zlib.crc32(body.encode()):08x} {start - span(function)[0]} {other}"
    line = text.count("\n", 0, start) + 1
    return Mutant(file, line, function.spelling, before, after, source, key)


def parsed(path: Path) -> TranslationUnit:
    # Of the compiler's own headers, libclang knows no builtins: that is no error.
    arguments = ["-std=c99", "-ferror-limit=0", f"-I{CSRC}"]
    place = subprocess.run(
        ["cc", "-print-file-name=include"], capture_output=True, text=True, check=True
    )
    arguments.append(f"-I{place.stdout.strip()}")
    unit = Index.create().parse(str(path), arguments)
    errors = [
        str(found)
        for found in unit.diagnostics
        if found.severity >= 3 and str(found.location.file) == str(path)
    ]
    if errors:
        sys.exit("\n".join(errors))
    return unit


def mutants_of(file: str) -> list[Mutant]:
    """Return all mutants of a file, in its order."""
    path = CSRC / file
    text = path.read_text(encoding="ascii")
    found = {}
    for function in parsed(path).cursor.get_children():
        if (
            function.kind != CursorKind.FUNCTION_DECL
            or function.location.file.name != str(path)
        ):
            continue
        for cursor in function.walk_preorder():
            for change in changes(text, cursor):
                found[change] = mutant(file, text, function, change)
    return numbered([found[change] for change in sorted(found)])


def numbered(mutants: list[Mutant]) -> list[Mutant]:
    """Tell places apart that read alike: the second in a function is `function 2`."""
    seen: Counter[tuple[str, str, str]] = Counter()
    named = []
    for one in mutants:
        seen[one.place] += 1
        again = f" {seen[one.place]}" if seen[one.place] > 1 else ""
        named.append(replace(one, function=one.function + again))
    return named


# ---- Building and running ------------------------------------------------------------


@dataclass(frozen=True)
class Test:
    """A command that ends with 0 if all is well, and how long it takes then."""

    program: str
    arguments: tuple[str, ...]
    seconds: float = 0

    @property
    def name(self) -> str:
        is_part = self.program.startswith("test_")
        return f"{self.program} {self.arguments[1]}" if is_part else self.program


def all_tests() -> list[Test]:
    found = []
    for program in ("test_api", "test_internals"):
        source = (HERE / f"{program}.c").read_text(encoding="ascii")
        for part in re.findall(r'{"(\w+)", test_\w+}', source):
            found.append(Test(program, (str(VOCABULARY), part)))
    for program in ("damage", "headers"):
        found.append(Test(program, (str(VOCABULARY), CASES)))
    for name in FUZZERS:
        inputs = sorted(map(str, (HERE / "corpus" / name).iterdir()))
        found.append(Test(f"replay_{name}", tuple(inputs)))
    return found


def parts_of(program: str) -> list[str]:
    """Return the files that make a test program, as in csrc/Makefile."""
    kind, _, part = program.partition("_")
    if kind == "test":
        parts = sorted(path.stem for path in HERE.glob(f"{part}_*.c"))
        return [program, "support", "guarded", *parts]
    parts = ["replay", f"fuzz_{part}", "fuzz"] if kind == "replay" else [program]
    return [*parts, "guarantees", "support"]


def is_older(output: Path, sources: list[Path]) -> bool:
    """Whether a file is not there, or older than what it is made of."""
    made = output.stat().st_mtime if output.exists() else 0
    return any(path.stat().st_mtime >= made for path in sources)


def run(*command: object, **environment: str) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        capture_output=True,
        env={**os.environ, **environment},
        timeout=SECONDS,
    )


class Programs:
    """The test programs, compiled once, on a library that a mutant replaces."""

    def __init__(self, flags: list[str], folder: Path) -> None:
        self.compiler = ["cc", *FLAGS, *flags]
        self.folder = folder
        (folder / "tests").mkdir(parents=True, exist_ok=True)
        for path in sorted(CSRC.glob("*.c")):
            self.compile(path, folder / f"{path.stem}.o")
        self.link(folder)
        for path in sorted(HERE.glob("*.c")):
            output = folder / "tests" / f"{path.stem}.o"
            if is_older(output, [path, *HERE.glob("*.h"), *CSRC.glob("*.h")]):
                run(*self.compiler, "-c", "-o", output, path)
        for program in sorted({test.program for test in all_tests()}):
            objects = [folder / "tests" / f"{stem}.o" for stem in parts_of(program)]
            library = folder / "libmutant.so"
            if is_older(folder / program, objects):
                output = folder / program
                run(*self.compiler, "-rdynamic", "-o", output, *objects, library)

    def compile(self, source: Path, output: Path, flags: Iterable[str] = ()) -> None:
        run(*self.compiler, *flags, *REFUSABLE, "-c", "-o", output, source)

    def link(self, folder: Path) -> None:
        """Link the library, with the objects in a folder in place of the original."""
        objects = {path.name: path for path in sorted(self.folder.glob("*.o"))}
        objects |= {path.name: path for path in folder.glob("*.o")}
        output = folder / "libmutant.so"
        name = "-Wl,-soname,libmutant.so"
        run(*self.compiler, "-shared", name, "-o", output, *objects.values())

    def passes(self, test: Test, folder: Path) -> bool:
        """Whether a test passes with the library in a folder."""
        limits = f"ulimit -t {int(1 + 5 * test.seconds)}"
        if "-fsanitize=address,undefined" in self.compiler:
            limits = f"ulimit -t {int(10 + 100 * test.seconds)}"
        elif test.name != "test_internals parser":  # it asks for gigabytes, in vain
            limits += f"; ulimit -v {MEMORY}"
        program = str(self.folder / test.program)
        try:
            run(
                *["sh", "-c", f'{limits}; exec "$@"', "sh", program, *test.arguments],
                LD_LIBRARY_PATH=str(folder),
                HARMONY_VOCABULARY=str(VOCABULARY),
                ASAN_OPTIONS="allocator_may_return_null=1:max_allocation_size_mb=4096",
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True


def timed(programs: Programs) -> list[Test]:
    """Return all tests, the quickest first; they have to pass without a mutant."""
    stored = BUILD / "seconds.json"
    if stored.exists():
        seconds = json.loads(stored.read_text(encoding="ascii"))
        found = [
            replace(test, seconds=seconds.get(test.name, 0)) for test in all_tests()
        ]
        return sorted(found, key=lambda test: test.seconds)
    found = []
    for test in all_tests():
        before = sum(os.times()[2:4])
        if not programs.passes(replace(test, seconds=10), programs.folder):
            sys.exit(f"{test.name} fails without any mutant")
        found.append(replace(test, seconds=sum(os.times()[2:4]) - before))
    seconds = {test.name: test.seconds for test in found}
    stored.write_text(json.dumps(seconds), encoding="ascii")
    return sorted(found, key=lambda test: test.seconds)


class Bench:
    """What tries mutants."""

    def __init__(self, quick: bool) -> None:
        self.plain = Programs(PLAIN, BUILD / "plain")
        self.sanitized = None if quick else Programs(SANITIZED, BUILD / "sanitized")
        tests = timed(self.plain)
        self.quick = [test for test in tests if test.seconds < QUICK]
        self.slow = [] if quick else tests[len(self.quick) :]
        self.kills: Counter[str] = Counter()

    def try_out(self, mutant: Mutant, folder: Path) -> str:
        """Say what becomes of a mutant; the folder is for what it needs."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        source, output = folder / mutant.file, folder / f"{Path(mutant.file).stem}.o"
        source.write_text(mutant.source, encoding="ascii")
        try:
            self.plain.compile(source, output, MUTANT)
        except subprocess.CalledProcessError:
            return "no build"
        tests = sorted(self.quick, key=lambda test: -self.kills[test.name])
        killer = self.killer(self.plain, tests, folder)
        if killer is None and self.is_same_code(source, folder):
            return "equal"
        if killer is None and self.sanitized:
            self.sanitized.compile(source, output)
            killer = self.killer(self.sanitized, self.quick, folder)
        if killer is None and self.slow:
            self.plain.compile(source, output, MUTANT)
            killer = self.killer(self.plain, self.slow, folder)
        if killer is None:
            return "survived"
        self.kills[killer.name] += 1
        return f"killed by {killer.name}"

    def killer(
        self, programs: Programs, tests: list[Test], folder: Path
    ) -> Test | None:
        programs.link(folder)
        for test in tests:
            if not programs.passes(test, folder):
                return test
        return None

    def is_same_code(self, source: Path, folder: Path) -> bool:
        mutant, original = folder / "mutant.object", folder / "original.object"
        self.plain.compile(source, mutant, COMPARED)
        self.plain.compile(CSRC / source.name, original, COMPARED)
        return mutant.read_bytes() == original.read_bytes()


# ---- All of them ---------------------------------------------------------------------


def known_results() -> dict[str, str]:
    path = BUILD / "results.jsonl"
    if not path.exists():
        return {}
    lines = path.read_text(encoding="ascii").splitlines()
    return dict(json.loads(line) for line in lines)


def try_all(mutants: list[Mutant], results: dict[str, str], quick: bool) -> None:
    """Fill the results, and write them as they come."""
    bench = Bench(quick)
    lock = Lock()
    free = [BUILD / f"worker{i}" for i in range(WORKERS)]
    done = 0

    def one(mutant: Mutant) -> None:
        nonlocal done
        with lock:
            folder = free.pop()
        outcome = bench.try_out(mutant, folder)
        with lock:
            free.append(folder)
            done += 1
            results[mutant.key] = outcome
            log.write(json.dumps([mutant.key, outcome]) + "\n")
            log.flush()
            if outcome == "survived" or done % 50 == 0:
                print(f"{done}/{len(mutants)}", described(mutant, outcome), flush=True)

    with (
        open(BUILD / "results.jsonl", "a", encoding="ascii") as log,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        list(pool.map(one, mutants))


def described(mutant: Mutant, outcome: str) -> str:
    place = f"{mutant.file}:{mutant.line}: {mutant.function}: {outcome}"
    return f"{place}\n    - {mutant.before}\n    + {mutant.after}"


def equal_places() -> set[tuple[str, str, str]]:
    """Return what the list of equal mutants has: see its head."""
    found = set()
    place = before = ""
    for line in EQUAL.read_text(encoding="utf-8").splitlines():
        if line.startswith("- "):
            before = line[2:]
        elif line.startswith("+"):
            found.add((place, before, line[2:]))
        elif re.fullmatch(r"\w+\.c: \w+( \d+)?", line):
            place = line
    return found


def report(file: str, mutants: list[Mutant], results: dict[str, str]) -> int:
    """Print a line of the table; how many survived."""
    listed = equal_places()
    count: Counter[str] = Counter()
    for mutant in mutants:
        outcome = results.get(mutant.key, "survived").partition(" by ")[0]
        if outcome == "survived" and mutant.place in listed:
            outcome = "listed"
        elif mutant.place in listed and outcome == "killed":
            print("listed as equal, but", described(mutant, results[mutant.key]))
        count[outcome] += 1
    rate = 100 * count["killed"] / max(count["killed"] + count["survived"], 1)
    numbers = [count[name] for name in OUTCOMES]
    row = "".join(f"{number:>10}" for number in [len(mutants), *numbers])
    print(f"{file:<20}{row}{rate:>9.1f}%")
    return count["survived"]


OUTCOMES = ("no build", "equal", "listed", "killed", "survived")


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutants of csrc; see the head.")
    parser.add_argument("files", nargs="+", help="parser.c and so on")
    parser.add_argument("--sample", type=int, help="so many of each file, at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="what survived, too")
    parser.add_argument("--quick", action="store_true", help="no slow tests")
    parser.add_argument("--listed", action="store_true", help="what is equal, too")
    options = parser.parse_args()
    chosen = {}
    for file in options.files:
        mutants = mutants_of(file)
        if options.sample and options.sample < len(mutants):
            mutants = random.Random(options.seed).sample(mutants, options.sample)
        chosen[file] = mutants
    results = known_results()
    if options.again or options.listed:
        results = {key: how for key, how in results.items() if how != "survived"}
    listed = set() if options.listed else equal_places()
    wanted = [
        mutant
        for mutants in chosen.values()
        for mutant in mutants
        if mutant.key not in results and mutant.place not in listed
    ]
    if wanted:
        try_all(wanted, results, options.quick)
    titles = "".join(f"{title:>10}" for title in ("mutants", *OUTCOMES, "rate"))
    print(f"{'':<20}{titles}")
    survived = [report(file, chosen[file], results) for file in chosen]
    return int(any(survived))


if __name__ == "__main__":
    sys.exit(main())
