"""What ``harmony show`` prints without the library rich: a reading as mere text."""

from __future__ import annotations

from collections.abc import Iterator

from harmony.cli.show.layout import (
    BAR,
    COLUMNS,
    WORDS,
    Drawing,
    paragraphs,
    repairs,
    rows,
)
from harmony.cli.show.reading import Reading


def draw(reading: Reading, drawing: Drawing) -> str:
    """Return a reading as text, without colours, its lines as they come."""
    return "".join(f"{line}\n" for line in _lines(reading, drawing))


def _lines(reading: Reading, drawing: Drawing) -> Iterator[str]:
    for number, block in enumerate(reading.blocks, 1):
        for paragraph in paragraphs(reading, drawing, number, block):
            text = "".join(text for text, _ in paragraph.spans)
            for line in text.split("\n"):
                yield BAR + line
        yield ""
    yield from _table([COLUMNS, *rows(reading)])
    if words := repairs(reading):
        yield words


def _table(lines: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.ljust(width) if index < WORDS else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells)
