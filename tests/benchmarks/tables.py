"""Tables as Markdown, and their places in a page."""

from __future__ import annotations

import re

from .peers import HARMONY, IMPLEMENTATIONS, REFERENCE
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
                each.what,
                f"{sign} {each.bound:g}",
                f"{number(each.measured)} {each.unit}",
                "yes" if each.met else "**no**",
            ]
        )
    return rows(lines)


SUMMARY = (
    ("list", "English", "encode English to a list"),
    ("decode", "English", "decode English"),
    ("short", "decode, one token", "decode a token"),
    ("stream", "1,000 tokens", "parse a token and read what it changed"),
    ("parse", "an answer of 1,000", "parse an answer"),
    ("rendering", "the agent's, one more message", "render a running chat"),
    ("rendering", "system and user, new in every word", "render a new prompt"),
    ("objects", "from_json, plain", "read a conversation from JSON"),
)
"""What the page begins with: tables, cases, and what users call them."""


def summary(tables: list[Table]) -> dict[str, float]:
    """Return how many times as fast as the reference harmony does what users do."""
    by_name = {table["name"]: table for table in tables}
    found = {}
    for name, case, label in SUMMARY:
        table = by_name.get(name)
        if table is not None and case in table["cases"]:
            ratios = advantages(table["unit"], table["cases"][case])
            if REFERENCE.name in ratios:
                found[label] = ratios[REFERENCE.name]
    return found


def sentences(tables: list[Table]) -> str:
    """Return what the figures come to, as far as they are there."""
    by_name = {table["name"]: table for table in tables}
    found = summary(tables)
    said = []
    if found:
        shown = ", ".join(f"{number(ratio)} to {what}" for what, ratio in found.items())
        said.append(f"Times as fast as openai-harmony: {shown}.")
    if "array" in by_name:
        best = [best_peer("MB/s", case) for case in by_name["array"]["cases"].values()]
        each = sorted(ratio for _, ratio in filter(None, best))
        said.append(
            "To arrays, five kinds of text are encoded at "
            f"{number(each[0])} to {number(each[-1])} times the speed of whichever "
            "tokenizer on the package index is best at it."
        )
    if "start" in by_name and "memory" in by_name:
        start, memory = (
            next(iter(by_name[name]["cases"].values()))[HARMONY.name]["value"]
            for name in ("start", "memory")
        )
        said.append(
            f"The first token is there {number(start)} ms after a bare interpreter, "
            f"for {number(memory)} MB."
        )
    return "\n".join(said)


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
