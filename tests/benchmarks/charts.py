"""Charts as SVG, the same bytes for the same figures; legible on light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot

from .front import Row, front
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

THEMES = {"light": "#24292f", "dark": "#e6edf3"}
"""What the chart of the first page is written in."""

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


def draw_front(tables: list[Table], folder: Path) -> None:
    """Write ``front-light.svg`` and ``front-dark.svg``."""
    rows = front(tables)
    for theme, ink in THEMES.items():
        with matplotlib.rc_context({**STYLE, "text.color": ink, "ytick.color": ink}):
            figure = factors(rows)
            path = folder / f"front-{theme}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None})
            pyplot.close(figure)


def factors(rows: list[Row]) -> Any:
    """Return a figure of how many times as fast as the reference it is."""
    figure, axes = pyplot.subplots(figsize=(8, 0.4 * len(rows) + 1.1))
    heights = range(len(rows) - 1, -1, -1)
    axes.set_yticks(heights, [row.name for row in rows], fontsize=10)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    for at, row in zip(heights, rows, strict=True):
        pairs = [(row.ours, OURS, "harmony")]
        if row.best is not None:
            pairs.append((row.best, OTHERS, "the best of the other tokenizers"))
        for place, (factor, colour, name) in enumerate(pairs):
            thick = 0.76 / len(pairs)
            y = at + 0.38 - thick * (place + 0.5)
            axes.barh(y, factor, height=thick, color=colour, label=name)
            axes.text(factor, y, f" {number(factor)} x", va="center", fontsize=9)
    axes.axvline(1, color=INK, linewidth=0.8, linestyle="--")
    axes.set_xlim(0, 1.12 * max(row.ours for row in rows))
    handles, names = axes.get_legend_handles_labels()
    shown = dict(zip(names, handles, strict=True))
    axes.set_title("times as fast as openai-harmony (dashed: as fast)", fontsize=10)
    figure.legend(
        *(shown.values(), shown), loc="lower center", ncols=len(shown), frameon=False
    )
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return figure
