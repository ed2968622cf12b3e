"""Workers, one process for each implementation, and passes that alternate."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import environments, vocabularies
from .peers import HARMONY, IMPLEMENTATIONS, TIKTOKEN

TESTS = Path(__file__).parents[1]
LOADING = 120
JOB = 600


class JobFailed(Exception):
    """What an implementation said, or that it took too long or died."""


def worker_environment() -> dict[str, str]:
    """Return the environment of workers: one thread, no vocabulary from outside."""
    kept = {k: v for k, v in os.environ.items() if k != "TIKTOKEN_ENCODINGS_BASE"}
    single = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return kept | single | {"PYTHONPATH": str(TESTS), "PYTHONHASHSEED": "0"}


class Worker:
    """A process in which one implementation is loaded."""

    def __init__(self, python: Path, name: str, folder: Path) -> None:
        """Start it; ``wait`` says when it has loaded."""
        self.name = name
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", name, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=worker_environment(),
            cwd=folder,
        )

    def call(self, job: str, *, timeout: float = JOB, **arguments: Any) -> Any:
        """Do a job and return its result; raise ``JobFailed``."""
        assert self._process.stdin is not None
        try:
            pickle.dump((job, arguments), self._process.stdin, protocol=4)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise JobFailed("the process has died") from None
        return self.wait(timeout)

    def wait(self, timeout: float = LOADING) -> Any:
        """Return the next reply."""
        output = self._process.stdout
        assert output is not None
        if not select.select([output], [], [], timeout)[0]:
            self.stop()
            raise JobFailed(f"more than {timeout:g} s")
        try:
            reply = pickle.load(output)
        except EOFError:
            raise JobFailed(f"the process died: {self._process.wait()}") from None
        if "error" in reply:
            raise JobFailed(reply["error"])
        return reply["result"]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


class Bench:
    """What all sections share: environments, files, the implementations that run."""

    def __init__(self, cache: Path, *, quick: bool, names: list[str]) -> None:
        """Install what is missing; who can't be is in ``absent`` with the reason."""
        self.cache = cache
        self.quick = quick
        self.rounds = 7 if quick else 9
        self.absent: dict[str, str] = {}
        self.pythons: dict[str, Path] = {}
        self.vocabularies = vocabularies.prepare(cache / "vocabularies")
        for name in names:
            self._install(name)

    def _install(self, name: str) -> None:
        progress(f"environment of {name}")
        try:
            python = environments.interpreter(self.cache, IMPLEMENTATIONS[name])
        except environments.NotInstalled as error:
            self.absent[name] = f"not installed: {error}"
        else:
            self.pythons[name] = python

    @property
    def peers(self) -> list[str]:
        """The peers that are there."""
        return [name for name in self.pythons if name != HARMONY.name]

    @contextmanager
    def workers(self, names: list[str] | None = None) -> Iterator[dict[str, Worker]]:
        """Give loaded workers by name; they end with the block."""
        asked = [n for n in names or list(self.pythons) if n in self.pythons]
        started = {
            name: Worker(self.pythons[name], name, self.vocabularies) for name in asked
        }
        try:
            yield {n: w for n, w in started.items() if self._is_loaded(n, w)}
        finally:
            for worker in started.values():
                worker.stop()

    def _is_loaded(self, name: str, worker: Worker) -> bool:
        try:
            worker.wait()
        except JobFailed as error:
            if name in (HARMONY.name, TIKTOKEN.name):
                raise
            self.absent[name] = f"not loaded: {error}"
            return False
        return True


def alternate(
    workers: dict[str, Worker], rounds: int, run: Callable[[Worker, int], Any]
) -> dict[str, list[Any]]:
    """Let each worker do a pass in each round, and another one begin each time.

    Who fails in a round gets no further: its list ends with the ``JobFailed``.
    """
    results: dict[str, list[Any]] = {name: [] for name in workers}
    order = list(workers)
    for number in range(rounds):
        order.append(order.pop(0))
        for name in order:
            passes = results[name]
            if passes and isinstance(passes[-1], JobFailed):
                continue
            try:
                passes.append(run(workers[name], number))
            except JobFailed as error:
                passes.append(error)
    return results


_started = time.monotonic()


def progress(text: str) -> None:
    """Say on standard error what is being done."""
    print(f"[{time.monotonic() - _started:6.1f} s] {text}", file=sys.stderr, flush=True)
