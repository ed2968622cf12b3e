"""The mutants that change nothing, as equal.json lists them with their reasons.

``old`` and ``new`` are the lines that differ, without their indentation; ``in`` is the
function or class they are in.
"""

from __future__ import annotations

import json
from pathlib import Path

from .making import Mutant

LIST = Path(__file__).with_name("equal.json")


class Equal:
    """Those of one file."""

    def __init__(self, name: str) -> None:
        """Read them."""
        self._all = {
            (entry["in"], entry["old"], entry["new"])
            for entry in json.loads(LIST.read_text(encoding="utf-8"))
            if entry["file"] == name
        }
        self._unseen = set(self._all)

    def has(self, mutant: Mutant) -> bool:
        """Tell whether a mutant is one of them."""
        key = (mutant.place, mutant.old, mutant.new)
        self._unseen.discard(key)
        return key in self._all

    def unused(self) -> list[str]:
        """Return what no mutant was found for."""
        return [" | ".join(entry) for entry in sorted(self._unseen)]
