"""The C compiler, make, and a build of csrc."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from . import ROOT

CSRC = ROOT / "csrc"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang") or ""
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-pedantic",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
]
needs_make = pytest.mark.skipif(not shutil.which("make"), reason="there is no make")


def run(*command: str, cwd: Path = CSRC) -> str:
    """Run a command; what it says, on both channels.

    Nothing takes an hour but what never ends.
    """
    result = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3600,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def make(target: str, build: Path) -> str:
    return run(
        "make", target, f"BUILD={build}", f"CC={COMPILER}", f"PYTHON={sys.executable}"
    )
