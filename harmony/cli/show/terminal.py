"""What ``harmony show`` prints: a reading, drawn with the library rich."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harmony.cli.show.layout import (
    BAR,
    COLUMNS,
    WARNING_STYLE,
    WORDS,
    Drawing,
    Paragraph,
    paragraphs,
    repairs,
    rows,
)
from harmony.cli.show.reading import Reading


def draw(reading: Reading, file: IO[str], drawing: Drawing) -> str:
    """Return a reading as it is to be written to a file: in colour on a terminal.

    ``NO_COLOR`` in the environment leaves out colours. Lines are folded to the width
    of a terminal; elsewhere they are as they come.
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    drawing = replace(drawing, shades=console.is_terminal and not console.no_color)
    with console.capture() as written:
        for number, block in enumerate(reading.blocks, 1):
            for paragraph in paragraphs(reading, drawing, number, block):
                _print(console, paragraph)
            console.print()
        _print_summary(console, reading)
    return written.get()


def _print(console: Console, paragraph: Paragraph) -> None:
    """Print text with a bar before each line."""
    text = Text.assemble(*paragraph.spans, style=paragraph.style)
    width = console.width - len(BAR)
    lines: Iterable[Text] = (
        text.wrap(console, width)
        if console.is_terminal
        else text.split(allow_blank=True)
    )
    for line in lines:
        console.print(Text.assemble((BAR, paragraph.bar), line), soft_wrap=True)


def _print_summary(console: Console, reading: Reading) -> None:
    """Print how many tokens each role has on each channel."""
    table = Table(*COLUMNS[:WORDS], box=None, pad_edge=False)
    for name in COLUMNS[WORDS:]:
        table.add_column(name, justify="right")
    for row in rows(reading):
        table.add_row(*row)
    console.print(table)
    if words := repairs(reading):
        console.print(Text(words, WARNING_STYLE))
