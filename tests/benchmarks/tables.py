"""Tables as Markdown, and their places in a page."""

from __future__ import annotations

import re

from .peers import IMPLEMENTATIONS
from .results import Entry, Table, advantages, best_peer
from .targets import Verdict


def number(value: float) -> str:
    """Return a number with three digits that matter."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", "\u202f")
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(each: Entry | None) -> str:
    """Return what a table shows for one entry."""
    if each is None:
        return "-"
    shown = "" if each["value"] is None else number(each["value"])
    note = f"({each['note']})" if each["note"] else ""
    return f"{shown} {note}".strip()


def rows(lines: list[list[str]]) -> str:
    """Return a Markdown table; the first line is its head, numbers to the right."""
    head, *body = lines
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def participants(table: Table) -> list[str]:
    """Return who is in a table, in the order of ``peers``."""
    present = {name for case in table["cases"].values() for name in case}
    return [name for name in IMPLEMENTATIONS if name in present]


def figures(table: Table) -> str:
    """Return a line for each implementation and a column for each case."""
    cases = table["cases"]
    lines = [[table["unit"], *cases]]
    for name in participants(table):
        lines.append([name, *(cell(case.get(name)) for case in cases.values())])
    lines.append(["**best peer**", *(best(table, case) for case in cases.values())])
    return rows(lines)


def best(table: Table, case: dict[str, Entry]) -> str:
    """Return how harmony stands to the best peer of a case."""
    found = best_peer(table["unit"], case)
    return f"**{number(found[1])} x {found[0]}**" if found else "-"


def ratios(table: Table) -> str:
    """Return how many times better harmony is than each peer, case by case."""
    cases = table["cases"]
    found = {
        case: advantages(table["unit"], entries) for case, entries in cases.items()
    }
    lines = [["harmony is better by", *cases]]
    for name in participants(table):
        shown = [number(f[name]) if name in f else "-" for f in found.values()]
        if any(text != "-" for text in shown):
            lines.append([name, *shown])
    return rows(lines)


def verdicts(found: list[Verdict]) -> str:
    """Return the targets with what was measured."""
    lines = [["target", "wanted", "measured", "met"]]
    for each in found:
        sign = "at least" if each.at_least else "at most"
        lines.append(
            [
                f"{each.number}. {each.what}",
                f"{sign} {each.bound:g}",
                f"{number(each.measured)} {each.unit}",
                "yes" if each.met else "**no**",
            ]
        )
    return rows(lines)


def replace(page: str, name: str, text: str) -> str:
    """Return a page with new text between two markers."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    written, count = re.subn(
        pattern, lambda _: f"{begin}\n\n{text}\n\n{end}", page, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"no place for {name}, or several")
    return written
