"""Charts as SVG, the same bytes for the same figures; legible on light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from .peers import HARMONY
from .results import HIGHER, Table
from .tables import number, participants

OURS, OTHERS, UNCOUNTED, INK = "#e8590c", "#748ffc", "#adb5bd", "#868e96"
LOGARITHMIC = {"rendering", "stream", "process", "parse", "pathological"}
CURVES = {"growth of rendering", "growth of parsing"}
LEFT_OUT = {"feed", "start", "memory", "batches"}
"""Tables of one or two figures."""
A_ROW = 5
"""Panels side by side."""

STYLE = {
    "svg.hashsalt": "harmony",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def colour(name: str, note: str) -> str:
    """Return the colour of a bar: harmony's, a peer's, or one that doesn't count."""
    if name == HARMONY.name:
        return OURS
    return UNCOUNTED if note else OTHERS


def panel(axes: Any, table: Table, case: str) -> None:
    """Draw the bars of one case, harmony's on top."""
    entries = table["cases"][case]
    names = list(reversed(participants(table)))
    axes.set_title(case, fontsize=9, color=INK)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    for at, name in enumerate(names):
        entry = entries.get(name)
        if entry is None or entry["value"] is None:
            continue
        axes.barh(at, entry["value"], height=0.72, color=colour(name, entry["note"]))
        label = f" {number(entry['value'])}"
        axes.text(entry["value"], at, label, va="center", fontsize=8, color=INK)
    values = [entry["value"] for entry in entries.values() if entry["value"]]
    if table["name"] in LOGARITHMIC:
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 3, max(values) * 6)
    elif values:
        axes.set_xlim(0, max(values) * 1.3)


def bars(table: Table) -> Any:
    """Return a figure with a panel for each case."""
    cases = list(table["cases"])
    columns = min(A_ROW, len(cases))
    lines = -(-len(cases) // columns)
    height = lines * (0.6 + 0.2 * len(participants(table)))
    figure, grid = pyplot.subplots(
        lines, columns, figsize=(2.3 * columns + 1, height + 0.5), squeeze=False
    )
    for at, axes in enumerate(grid.flat):
        if at < len(cases):
            panel(axes, table, cases[at])
            if at % columns:
                axes.set_yticklabels([])
        else:
            axes.set_visible(False)
    better = "more is better" if table["unit"] in HIGHER else "less is better"
    figure.suptitle(f"{table['title']} ({table['unit']}, {better})", fontsize=11)
    return figure


def curve(table: Table) -> Any:
    """Return a figure of harmony's cost by length."""
    figure, axes = pyplot.subplots(figsize=(5, 2.6))
    lengths = [int(case.replace(",", "")) for case in table["cases"]]
    costs = [entries[HARMONY.name]["value"] for entries in table["cases"].values()]
    axes.plot(lengths, costs, marker="o", color=OURS)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.3 * max(costs))
    axes.set_xlabel("tokens")
    axes.set_ylabel(table["unit"])
    figure.suptitle(table["title"], fontsize=11)
    return figure


def draw_summary(found: dict[str, float], folder: Path) -> Path:
    """Write the chart of how many times as fast as the reference harmony is."""
    path = folder / "summary.svg"
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(7, 0.6 + 0.32 * len(found)))
        labels, ratios = list(found), list(found.values())
        axes.barh(labels, ratios, height=0.7, color=OURS)
        axes.axvline(1, color=OTHERS)
        for at, ratio in enumerate(ratios):
            shown = f" {number(ratio)} x"
            axes.text(ratio, at, shown, va="center", fontsize=8, color=INK)
        axes.set_xscale("log")
        axes.set_xlim(0.5, max(ratios) * 3)
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        figure.suptitle("Times as fast as openai-harmony (the line)", fontsize=11)
        figure.tight_layout()
        figure.savefig(path, transparent=True, metadata={"Date": None})
        pyplot.close(figure)
    return path


def draw(table: Table, folder: Path) -> Path | None:
    """Write the chart of a table and return where, None if it has none."""
    if table["name"] in LEFT_OUT:
        return None
    path = folder / f"{table['name'].replace(' ', '-')}.svg"
    with matplotlib.rc_context(STYLE):
        figure = curve(table) if table["name"] in CURVES else bars(table)
        figure.tight_layout()
        figure.savefig(path, transparent=True, metadata={"Date": None})
        pyplot.close(figure)
    return path
