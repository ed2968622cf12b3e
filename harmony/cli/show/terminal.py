"""What ``harmony show`` prints: a reading, drawn with the library rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harmony.cli.show.reading import (
    Block,
    Cell,
    Note,
    Reading,
    as_read,
    counted,
    title,
    visible,
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
SHADES = ("", "on grey19")
"""Backgrounds of tokens, in turn, where boundaries are shown."""


@dataclass(frozen=True)
class Drawing:
    """What is drawn: ``tokens``, their boundaries; ``ids``, their ids too."""

    tokens: bool = False
    ids: bool = False


def draw(reading: Reading, file: IO[str], drawing: Drawing) -> str:
    """Return a reading as it is to be written to a file: in colour on a terminal.

    ``NO_COLOR`` in the environment leaves out colours. Lines are folded to the width
    of a terminal; elsewhere they are as they come.
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    artist = _Artist(reading, console, drawing)
    with console.capture() as written:
        for number, block in enumerate(reading.blocks, 1):
            artist.block(number, block)
        artist.summary()
    return written.get()


class _Artist:
    def __init__(self, reading: Reading, console: Console, drawing: Drawing) -> None:
        self._reading = reading
        self._console = console
        self._drawing = drawing
        self._shades = console.is_terminal and not console.no_color

    def block(self, number: int, block: Block) -> None:
        """Print a heading, the header, the content, each behind a bar."""
        role = block.message.author.role if block.message else block.role
        bar = ROLE_STYLES[role] if role else WARNING_STYLE
        notes = self._reading.notes_of(block)
        self._print(_heading(number, block, bar), bar)
        header = [note for note in notes if note.position < block.body]
        content = [note for note in notes if note.position >= block.body]
        if block.header_count or header:
            self._print(self._line(block.start, block.body, header, dim=True), bar)
        if block.content_count or content:
            self._print(self._line(block.body, block.end, content), bar)
        text = as_read(self._reading, block)
        if text is not None:
            self._print(Text(f"read as: {visible(text)}", "italic"), bar)
        self._console.print()

    def _print(self, text: Text, bar: str) -> None:
        """Print text with a bar before each line."""
        width = self._console.width - 2
        folds = self._console.is_terminal
        lines: Iterable[Text] = (
            text.wrap(self._console, width) if folds else text.split(allow_blank=True)
        )
        for line in lines:
            self._console.print(Text.assemble(("▍ ", bar), line), soft_wrap=True)

    def _line(self, start: int, end: int, notes: list[Note], dim: bool = False) -> Text:
        """Return tokens as text, with notes before the token that they are about."""
        line = Text(style="dim" if dim else "")
        left = iter([*notes, None])
        note = next(left)
        cells = list(self._reading.cells(start, end))
        for turn, cell in enumerate(cells):
            while note and note.position < cell.position + len(cell.tokens):
                line.append_text(_note(note, line))
                note = next(left)
            is_stop = cell.special and not dim
            if is_stop and turn and not cells[turn - 1].text.endswith("\n"):
                line.append("\n")
            self._cell(line, cell, turn)
        while note:
            line.append_text(_note(note, line))
            note = next(left)
        return line

    def _cell(self, line: Text, cell: Cell, turn: int) -> None:
        text = visible(cell.text)
        style = SPECIAL_STYLE if cell.special else ""
        if self._drawing.tokens and not cell.special:
            text = text.replace("\n", "↵\n")
            if self._shades:
                style = SHADES[turn % 2]
            elif turn and not self._drawing.ids:
                line.append("│")
        head, feed, tail = text.partition("\n")
        line.append(head, style)
        if self._drawing.ids:
            ids = " ".join(map(str, cell.tokens))
            line.append(f"⟨{ids}⟩", "dim")
        line.append(feed + tail, style)

    def summary(self) -> None:
        """Print how many tokens each role has on each channel."""
        table = Table("role", "channel", box=None, pad_edge=False)
        for name in ("messages", "header", "content", "tokens"):
            table.add_column(name, justify="right")
        for row in _rows(self._reading):
            table.add_row(*row)
        self._console.print(table)
        if self._reading.notes:
            count = sum(note.count for note in self._reading.notes)
            self._console.print(Text(f"{count} repaired ⚠", WARNING_STYLE))


def _heading(number: int, block: Block, style: str) -> Text:
    heading = Text()
    heading.append(f"{number} ", "dim")
    message = block.message
    heading.append(visible(title(block)), f"bold {style}")
    if message and message.channel is not None:
        channel = CHANNEL_STYLES.get(message.channel, "")
        heading.append(f"  {visible(message.channel)}", channel)
    if message and message.content_type is not None:
        heading.append(f"  {visible(message.content_type)}", "italic")
    heading.append(f"  {counted(block)}", "dim")
    return heading


def _note(note: Note, line: Text) -> Text:
    gap = " " if line and not line.plain[-1:].isspace() else ""
    words = f" {visible(note.text)!r}" if note.text else ""
    times = f", {note.count} times" if note.count > 1 else ""
    return Text(f"{gap}⚠ {note.kind.value}{times}{words} ", WARNING_STYLE)


def _rows(reading: Reading) -> Iterator[tuple[str, ...]]:
    for count in reading.counts():
        tokens = count.header + count.content
        numbers = (count.messages, count.header, count.content, tokens)
        channel = "" if count.channel is None else visible(count.channel)
        yield (count.role.value, channel, *map(str, numbers))
    if reading.unread():
        yield ("in no message", "", "", "", "", str(reading.unread()))
    yield ("all", "", "", "", "", str(len(reading.tokens)))
