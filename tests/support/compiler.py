"""The TypeScript compiler, which judges types; it comes from npm, where that is."""

import atexit
import functools
import re
import shutil
import subprocess
import tempfile
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

import pytest

PACKAGE = "typescript@7.0.2"
LINE_END = re.compile("\r\n|[\n\r\u2028\u2029]")


@functools.cache
def installed(package: str) -> Path:
    """Install a package of npm, once; return the folder. Skips the test without npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip(f"left out: no npm here, which has {package}")
    folder = tempfile.mkdtemp(prefix="npm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    install = ["npm", "install", "--silent", "--prefix", folder, package]
    done = subprocess.run(install, capture_output=True)
    if done.returncode:
        pytest.skip(f"left out: npm says {done.stderr.decode()[-200:]!r}")
    return Path(folder)


def complaints(sources: Sequence[str]) -> dict[int, list[str]]:
    """Return what the compiler says, by the number of the source it says it of.

    Each source is a module part of its own: what it declares, the others don't see.
    """
    parts, starts, line = [], [], 1
    for number, source in enumerate(sources):
        parts.append(f"export namespace n{number} {{\n{source}\n}}\n")
        starts.append(line)
        line += len(LINE_END.split(parts[-1])) - 1
    options = ["--noEmit", "--strict", "--pretty", "false", "--target", "esnext"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "all.ts"
        path.write_bytes("".join(parts).encode())
        package = installed(PACKAGE) / "node_modules" / "typescript"
        compiler = package / "lib" / "tsc.js"
        command = ["node", str(compiler), *options, "--types", "", str(path)]
        done = subprocess.run(command, capture_output=True, encoding="utf-8")
    said: dict[int, list[str]] = {}
    for row, message in re.findall(r"all\.ts\((\d+),\d+\): (.*)", done.stdout):
        said.setdefault(bisect(starts, int(row)) - 1, []).append(message)
    assert bool(said) == bool(done.returncode), done.stdout + done.stderr
    return said
