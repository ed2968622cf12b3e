"""What a section finds: tables of cases by implementations.

A table is plain data, so that it is the same in memory and in the JSON file::

    {"name": "array", "title": "Encode to an array", "unit": "MB/s",
     "cases": {"English": {"fastokens": {"value": 198.0, "rounds": [...], "note": ""}}}}

``value`` is the median of the rounds. An entry with a note doesn't count as a peer:
the note says why, and the value may be None.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from .peers import HARMONY

Entry = dict[str, Any]
Table = dict[str, Any]

HIGHER = {"MB/s", "times"}
"""The units in which more is better."""


def table(name: str, title: str, unit: str) -> Table:
    """Return an empty table."""
    return {"name": name, "title": title, "unit": unit, "cases": {}}


def entry(rounds: Sequence[float], note: str = "") -> Entry:
    """Return the entry of an implementation that took part in all rounds."""
    kept = [float(f"{each:.5g}") for each in rounds]
    return {"value": median(kept), "rounds": kept, "note": note}


def absent(note: str) -> Entry:
    """Return the entry of an implementation that didn't."""
    return {"value": None, "rounds": [], "note": note}


def advantage(unit: str, ours: Entry, theirs: Entry) -> float:
    """Return how many times better ours is: the median over the rounds they share."""
    pairs = zip(ours["rounds"], theirs["rounds"], strict=False)
    higher = unit in HIGHER
    return float(median(a / b if higher else b / a for a, b in pairs))


def advantages(unit: str, case: dict[str, Entry]) -> dict[str, float]:
    """Return our advantage over each peer that counts."""
    ours = case.get(HARMONY.name)
    if ours is None or not ours["rounds"]:
        return {}
    return {
        name: advantage(unit, ours, theirs)
        for name, theirs in case.items()
        if name != HARMONY.name and theirs["rounds"] and not theirs["note"]
    }


def best_peer(unit: str, case: dict[str, Entry]) -> tuple[str, float] | None:
    """Return the peer over which our advantage is least, and that advantage."""
    found = advantages(unit, case)
    return min(found.items(), key=lambda item: item[1]) if found else None
