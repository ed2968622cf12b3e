"""Runs tests in forks of this process, which knows pytest and nothing of harmony."""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import coverage
import pytest

from .making import Mutant

Start = Callable[[Mutant, list[str]], int]

ROOT = Path(__file__).parents[2]
LOADED = ("hypothesis", "numpy", "orjson", "pydantic", "regex", "tiktoken")
"""What is loaded before forking, where it is installed."""

DEAR = {"ranks", "reference"}
"""Fixtures made once a run, which take about a second."""

MEMORY = 8 << 30
"""Bytes that a mutant may take, which may ask for ever more of them."""

PATIENCE = 10
"""How many times the processor time of the tests, and how many seconds, it gets."""


BROKEN = 70
"""The status of a fork that could not do its work."""


@dataclass(frozen=True)
class Tests:
    """The tests of a file: their seconds, and which of them run each line of it."""

    seconds: dict[str, float]
    by_line: dict[int, list[str]]

    def of_line(self, line: int) -> list[str]:
        """Return those that run a line, or all if it is run by an import."""
        found = self.by_line.get(line) or list(self.seconds)
        return sorted(found, key=self.seconds.__getitem__)

    def all(self) -> list[str]:
        """Return all that run any line of the file."""
        found = {test for tests in self.by_line.values() for test in tests}
        return sorted(found or self.seconds, key=self.seconds.__getitem__)


def load() -> None:
    """Load what all forks need."""
    sys.dont_write_bytecode = False
    for name in LOADED:
        if importlib.util.find_spec(name):
            importlib.import_module(name)


# Forks


def forked(work: Callable[[], int], seconds: float) -> int:
    """Start a fork that does some work and ends with its result; return its id."""
    process = os.fork()
    if process:
        return process
    status = BROKEN
    try:
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(silent, stream)
        os.chdir(ROOT)
        limit = int(seconds * PATIENCE + PATIENCE)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        status = work()
    finally:
        os._exit(status)


def survivors(made: list[Mutant], tests: Tests, start: Start, jobs: int) -> list[int]:
    """Run mutants, some at a time; return the places of those that survive all tests.

    ``start`` starts the fork for a mutant and tests, and returns its id.
    """
    waiting = deque(
        (place, tests.of_line(mutant.line)) for place, mutant in enumerate(made)
    )
    running: dict[int, tuple[int, list[str]]] = {}
    left = []
    while waiting or running:
        while waiting and len(running) < jobs:
            place, ran = waiting.popleft()
            running[start(made[place], ran)] = place, ran
        process, status = os.wait()
        place, ran = running.pop(process)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == BROKEN:
            raise RuntimeError(f"a mutant could not be run: {made[place]}")
        if not _passed(status):
            continue
        every = tests.all()
        if len(ran) < len(every):
            # What a test has left behind, such as a cache, can hide a line from others.
            waiting.append((place, every))
        else:
            left.append(place)
    return sorted(left)


def _passed(status: int) -> bool:
    passed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) in passed


def _pytest(tests: Iterable[str], *plugins: object) -> int:
    files = sorted({test.partition("::")[0] for test in tests})
    options = ["-x", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options += ["--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *files], plugins=[_Examples(), *plugins]))


class _Examples:
    """The same examples for each mutant; none is made smaller or kept."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        if importlib.util.find_spec("hypothesis"):
            from hypothesis import Phase, settings

            settings.register_profile(
                "mutants",
                settings.default,
                database=None,
                derandomize=True,
                phases=[Phase.explicit, Phase.generate],
            )
            settings.load_profile("mutants")


# The quick way: tests are collected, and the module is imported, before the fork, in
# which a function gets the code of the mutant. It is the way for what is in a function
# that no import calls.


def run_quick(
    path: Path, made: list[Mutant], tests: Tests, jobs: int
) -> tuple[list[int], list[int]]:
    """Return the places of the mutants that survive, and of those not to be run so."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "survivors.json"
        loop = _Loop(path, made, tests, jobs, result)
        process = forked(lambda: _pytest(tests.seconds, loop), 100_000)
        os.waitpid(process, 0)
        left, others = json.loads(result.read_text())
    return left, others


class _Loop:
    """In place of pytest's own: not each test, but each mutant."""

    def __init__(
        self, path: Path, made: list[Mutant], tests: Tests, jobs: int, result: Path
    ) -> None:
        self.path = path
        self.made = made
        self.tests = tests
        self.jobs = jobs
        self.result = result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        module = importlib.import_module(module_name(self.path))
        codes = []
        for mutant in self.made:
            known = self.tests.by_line.get(mutant.line)
            codes.append(_replaced(module, self.path, mutant) if known else None)
        quick = [place for place, found in enumerate(codes) if found is not None]
        others = [place for place, found in enumerate(codes) if found is None]
        by_mutant = {id(self.made[place]): codes[place] for place in quick}
        gc.collect()
        gc.freeze()

        def start(mutant: Mutant, ran: list[str]) -> int:
            found = by_mutant[id(mutant)]
            assert found is not None
            return forked(
                lambda: _run_items(session, [items[test] for test in ran], *found),
                sum(self.tests.seconds[test] for test in ran),
            )

        made = [self.made[place] for place in quick]
        left = survivors(made, self.tests, start, self.jobs)
        self.result.write_text(json.dumps([[quick[place] for place in left], others]))
        return True


def _run_items(
    session: pytest.Session, items: list[pytest.Item], function: Any, code: CodeType
) -> int:
    function.__code__ = code
    session.items = items
    for index, item in enumerate(items):
        following = items[index + 1] if index + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def _replaced(
    module: ModuleType, path: Path, mutant: Mutant
) -> tuple[Any, CodeType] | None:
    """Return the function that a mutant is in, and its code, if that is all of it."""
    try:
        code = compile(mutant.source, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    found: Any = module
    for name in mutant.place.split("."):
        inner = [c for c in code.co_consts if isinstance(c, CodeType)]
        inner = [c for c in inner if c.co_name == name]
        found = vars(found).get(name) if hasattr(found, "__dict__") else None
        found = getattr(found, "fget", None) or getattr(found, "__func__", found)
        found = inspect.unwrap(found) if callable(found) else None
        if len(inner) != 1 or found is None:
            return None
        code = inner[0]
        if isinstance(found, FunctionType):
            same = code.co_freevars == found.__code__.co_freevars
            return (found, code) if same and code != found.__code__ else None
    return None


# The way for all others: the module is imported anew, by all that use it.


def run_anew(path: Path, mutant: Mutant, tests: Sequence[str]) -> int:
    """Run tests while a module has another source; return pytest's status."""
    module = module_name(path)
    loader = _MutantLoader(module, str(path), mutant.source)
    sys.meta_path.insert(0, _MutantFinder(module, loader))
    return _pytest(tests, _Selection(tests))


def module_name(path: Path) -> str:
    """Return the name of the module in a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


class _MutantFinder(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, loader: _MutantLoader) -> None:
        self.module = module
        self.loader = loader

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self.module:
            return None
        return importlib.util.spec_from_file_location(
            fullname, self.loader.path, loader=self.loader
        )


class _MutantLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, module: str, path: str, source: str) -> None:
        super().__init__(module, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec", dont_inherit=True)


class _Selection:
    """Runs some tests, in their order, and leaves out all others."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.order = {test: index for index, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]
        items.sort(key=lambda item: self.order[item.nodeid])


# Which test runs which line


def measure(path: Path, files: Sequence[str]) -> Tests:
    """Run the tests of some files as they are, and see what they run of a file."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "tests.json"
        process = forked(lambda: _measured(path, files, result), 3600)
        _, status = os.waitpid(process, 0)
        if not _passed(status):
            raise SystemExit(f"{path.name}: its tests fail without any mutant")
        data = json.loads(result.read_text())
    lines = {int(line): tests for line, tests in data["by_line"].items()}
    return Tests(data["seconds"], lines)


def _measured(path: Path, files: Sequence[str], result: Path) -> int:
    watch = coverage.Coverage(data_file=None, include=[str(path)], config_file=False)
    seen = _Seen(watch)
    watch.start()
    status = _pytest(files, seen)
    watch.stop()
    by_line = watch.get_data().contexts_by_lineno(str(path))
    tests = {
        line: [] if "" in names else sorted(set(names) & seen.seconds.keys())
        for line, names in by_line.items()
    }
    result.write_text(json.dumps({"seconds": seen.seconds, "by_line": tests}))
    return status


class _Seen:
    def __init__(self, watch: Any) -> None:
        self.watch = watch
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.watch.switch_context(item.nodeid)
        start = time.process_time()
        yield
        seconds = time.process_time() - start
        if DEAR & set(getattr(item, "fixturenames", ())):
            seconds += 1  # for all but the first test of a run, and for each mutant
        self.seconds[item.nodeid] = seconds
        self.watch.switch_context("")
