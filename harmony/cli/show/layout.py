"""What is printed of a reading, line by line, with the styles of its parts.

``terminal`` prints it in colour, ``plain`` as mere text: both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from harmony.cli.screen import visible
from harmony.cli.show.reading import (
    Block,
    Cell,
    Note,
    Reading,
    as_read,
    counted,
    title,
)
from harmony.messages import Role

ROLE_STYLES = {
    Role.SYSTEM: "magenta",
    Role.DEVELOPER: "blue",
    Role.USER: "cyan",
    Role.ASSISTANT: "green",
    Role.TOOL: "yellow",
}
CHANNEL_STYLES = {"analysis": "yellow", "commentary": "cyan", "final": "green"}
SPECIAL_STYLE = "bold reverse dim"
WARNING_STYLE = "bold red"
TRAINED_STYLE = "bold white on green4"
TRAINED = "⟦", "⟧"
"""Stand around what is trained on where there are no colours."""

SHADES = ("", "on grey19")
"""Backgrounds of tokens, in turn, where boundaries are shown."""

BAR = "▍ "
"""What stands before each line of a block."""

Span: TypeAlias = tuple[str, str]
"""Text, and its style in the words of rich."""

COLUMNS = ("role", "channel", "messages", "header", "content", "tokens")
WORDS = 2
"""How many of these columns hold words; the others hold numbers."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn: ``tokens``, their boundaries; ``ids``, their ids too.

    ``shades``: boundaries are shown by backgrounds, not by bars.
    """

    tokens: bool = False
    ids: bool = False
    shades: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Lines of a block: their spans, the style of them all, and that of the bar."""

    spans: list[Span]
    style: str
    bar: str


def paragraphs(
    reading: Reading, drawing: Drawing, number: int, block: Block
) -> Iterator[Paragraph]:
    """Give a heading, the header, the content, and what was read if it differs."""
    role = block.message.author.role if block.message else block.role
    bar = ROLE_STYLES[role] if role else WARNING_STYLE
    notes = reading.notes_of(block)
    yield Paragraph(list(_heading(reading, number, block, bar)), "", bar)
    header = [note for note in notes if note.position < block.body]
    content = [note for note in notes if note.position >= block.body]
    if block.header_count or header:
        line = _Line(reading, drawing, in_header=True)
        line.add(reading.cells(block.start, block.body), header)
        yield Paragraph(line.spans, "dim", bar)
    if block.content_count or content:
        line = _Line(reading, drawing, in_header=False)
        line.add(reading.cells(block.body, block.end), content)
        yield Paragraph(line.spans, "", bar)
    text = as_read(reading, block)
    if text is not None:
        yield Paragraph([(f"read as: {visible(text)}", "italic")], "", bar)


class _Line:
    """Tokens as text, with notes before the token that they are about."""

    def __init__(self, reading: Reading, drawing: Drawing, in_header: bool) -> None:
        self.spans: list[Span] = []
        self._reading = reading
        self._drawing = drawing
        self._in_header = in_header

    def add(self, cells: Iterator[Cell], notes: list[Note]) -> None:
        left = notes[::-1]
        before = "\n"
        for turn, cell in enumerate(cells):
            while left and left[-1].position < cell.position + len(cell.tokens):
                self._note(left.pop())
            is_stop = cell.special and not self._in_header
            if is_stop and not before.endswith("\n"):
                self.spans.append(("\n", ""))
            self._cell(cell, turn)
            before = cell.text
        while left:
            self._note(left.pop())

    def _note(self, note: Note) -> None:
        last = next((text for text, _ in reversed(self.spans) if text), "")
        gap = " " if last and not last[-1].isspace() else ""
        words = f" {visible(note.text)!r}" if note.text else ""
        times = f", {note.count} times" if note.count > 1 else ""
        text = f"{gap}⚠ {note.kind.value}{times}{words} "
        self.spans.append((text, WARNING_STYLE))

    def _cell(self, cell: Cell, turn: int) -> None:
        text = visible(cell.text)
        style = SPECIAL_STYLE if cell.special else ""
        if self._drawing.tokens and not cell.special:
            text = text.replace("\n", "↵\n")
            if self._drawing.shades:
                style = SHADES[turn % 2]
            elif turn and not self._drawing.ids:
                self.spans.append(("│", ""))
        if self._reading.trained(cell.position, cell.position + 1):
            style = TRAINED_STYLE
            if not self._drawing.shades:
                text = self._bracketed(cell, text)
        head, feed, tail = text.partition("\n")
        self.spans.append((head, style))
        if self._drawing.ids:
            ids = " ".join(map(str, cell.tokens))
            self.spans.append((f"⟨{ids}⟩", "dim"))
        self.spans.append((feed + tail, style))

    def _bracketed(self, cell: Cell, text: str) -> str:
        """Return the text of a cell with what begins and ends a run of trained ones."""
        first, end = cell.position, cell.position + len(cell.tokens)
        begins = first == 0 or not self._reading.trained(first - 1, first)
        ends = not self._reading.trained(end, end + 1)
        return TRAINED[0] * begins + text + TRAINED[1] * ends


def _heading(reading: Reading, number: int, block: Block, style: str) -> Iterator[Span]:
    yield f"{number} ", "dim"
    yield visible(title(block)), f"bold {style}"
    message = block.message
    if message and message.channel is not None:
        yield f"  {visible(message.channel)}", CHANNEL_STYLES.get(message.channel, "")
    if message and message.content_type is not None:
        yield f"  {visible(message.content_type)}", "italic"
    yield f"  {counted(reading, block)}", "dim"


def rows(reading: Reading) -> Iterator[tuple[str, ...]]:
    """Give how many tokens each role has on each channel, in columns."""
    for count in reading.counts():
        tokens = count.header + count.content
        numbers = (count.messages, count.header, count.content, tokens)
        channel = "" if count.channel is None else visible(count.channel)
        yield (count.role.value, channel, *map(str, numbers))
    if reading.unread():
        yield ("in no message", "", "", "", "", str(reading.unread()))
    if reading.mask:
        trained = reading.trained(0, len(reading.tokens))
        yield ("trained on", "", "", "", "", str(trained))
    yield ("all", "", "", "", "", str(len(reading.tokens)))


def repairs(reading: Reading) -> str:
    """Return how much was repaired, in words; nothing if nothing was."""
    count = sum(note.count for note in reading.notes)
    return f"{count} repaired ⚠" if count else ""
