"""The mutants that change nothing, as equal.toml lists them with their reasons."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .making import Mutant

if sys.version_info >= (3, 11):
    import tomllib
else:  # pip has it
    from pip._vendor import tomli as tomllib

LIST = Path(__file__).with_name("equal.toml")


class Equal:
    """Those of one file."""

    def __init__(self, name: str) -> None:
        """Read them."""
        data: dict[str, Any] = tomllib.loads(LIST.read_text(encoding="utf-8"))
        self._unseen = {
            (entry["in"], entry["old"], entry["new"])
            for entry in data.get("equal", [])
            if entry["file"] == name
        }
        self._all = set(self._unseen)

    def has(self, mutant: Mutant) -> bool:
        """Tell whether a mutant is one of them."""
        key = (mutant.place, mutant.old, mutant.new)
        self._unseen.discard(key)
        return key in self._all

    def unused(self) -> list[str]:
        """Return what no mutant was found for."""
        return [" | ".join(entry) for entry in sorted(self._unseen)]
