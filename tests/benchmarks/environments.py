"""Environments with the peers, one each, at exact versions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .peers import Implementation

CORPORA = ("Django==5.2.8", "wagtail==8.0.1")
"""Packages whose translations are the text in many languages; only read, never run."""


class NotInstalled(Exception):
    """An environment that could not be made, with the reason."""


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    windows = folder / "Scripts/python.exe"
    return windows if windows.exists() else folder / "bin/python"


def prepare(folder: Path, requirements: tuple[str, ...], *options: str) -> Path:
    """Make an environment, unless it is there, and return its interpreter.

    What it was made with is written down in it last, so that half an environment, or
    one of other versions, is made again.
    """
    stamp = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        run(
            str(python_of(folder)),
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *options,
            *requirements,
        )
        stamp.write_text(wanted)
    return python_of(folder)


def run(*command: str) -> None:
    """Run a command; raise ``NotInstalled`` with its last line if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise NotInstalled(lines[-1])


def interpreter(cache: Path, implementation: Implementation) -> Path:
    """Return the interpreter in which an implementation is installed."""
    if not implementation.requirements:
        return Path(sys.executable)
    folder = cache / "environments" / implementation.name
    return prepare(folder, implementation.requirements)


def translations(cache: Path) -> Path:
    """Return the folder with the translations of ``CORPORA``."""
    folder = cache / "environments/corpora"
    prepare(folder, CORPORA, "--no-deps")
    return folder
