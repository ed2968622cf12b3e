"""Runs tests in forks of this process, which has pytest loaded and nothing of harmony."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parents[2]
LOADED = ("hypothesis", "numpy", "orjson", "pydantic", "regex", "tiktoken")
"""What is loaded before forking, where it is installed."""

MEMORY = 8 << 30
"""Bytes that a mutant may take, which may ask for ever more of them."""

PATIENCE = 10
"""How many times the processor time of the tests, and how many seconds, it gets."""


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


# One run of tests in a fork


def forked(work: Callable[[], int], seconds: float) -> int:
    """Start a fork that does some work and ends with its result; return its id."""
    process = os.fork()
    if process:
        return process
    status = 70
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


def survives(status: int) -> bool:
    """Tell whether the tests of an ended fork have found nothing."""
    passed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) in passed


def run_mutant(module: str, path: Path, source: str, tests: Sequence[str]) -> int:
    """Run tests while a module has another source; return pytest's status."""
    loader = _MutantLoader(module, str(path), source)
    sys.meta_path.insert(0, _MutantFinder(module, loader))
    return _pytest(tests, [_Selection(tests)])


def _pytest(tests: Iterable[str], plugins: list[object]) -> int:
    files = sorted({test.partition("::")[0] for test in tests})
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # LOADED is
    return int(pytest.main([*options, *files], plugins=[_Examples(), *plugins]))


class _MutantFinder(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, loader: _MutantLoader) -> None:
        self.module = module
        self.loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
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
        if not survives(status):
            raise SystemExit(f"{path.name}: its tests fail without any mutant")
        data = json.loads(result.read_text())
    lines = {int(line): tests for line, tests in data["by_line"].items()}
    return Tests(data["seconds"], lines)


def _measured(path: Path, files: Sequence[str], result: Path) -> int:
    watch = coverage.Coverage(data_file=None, include=[str(path)], config_file=False)
    seen = _Seen(watch)
    watch.start()
    status = _pytest(files, [seen])
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
        self.seconds[item.nodeid] = time.process_time() - start
        self.watch.switch_context("")


def is_out_of_time(status: int) -> bool:
    """Tell whether a fork was ended for the time it took."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
