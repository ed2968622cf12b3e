"""What ``harmony show --html`` writes: a reading as one page that needs nothing else.

Whatever a message says is text: it is escaped wherever it stands, and the page's own
policy lets a browser run no script and take no style but the two of this module.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Iterator
from html import escape

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

CHUNK = 400
"""After so many cells a text is cut at the next end of a line, to be laid out apart."""

LARGE = 20_000
"""From so many tokens on, what is not on the screen is not laid out."""

KNOWN_CHANNELS = ("analysis", "commentary", "final")
_FOLDER = os.path.dirname(__file__)


def page(
    reading: Reading, name: str, tokens: bool = False, ids: bool = False
) -> Iterator[str]:
    """Give the page of a reading in pieces of HTML.

    ``name`` is what was read; ``tokens`` and ``ids``: whether their boundaries and
    ids are shown from the beginning, without being asked for.
    """
    style, script = _data("page.css"), _data("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    large = ' class="large"' if len(reading.tokens) >= LARGE else ""
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(name)} - harmony show</title>\n"
        f"<style>{style}</style>\n</head>\n<body{large}>\n"
        '<a class="skip" href="#messages">To the messages</a>\n'
        '<div class="layout">\n'
    )
    yield from _aside(reading, name, tokens, ids)
    yield '<main id="messages" tabindex="-1" aria-label="Messages">\n'
    for number, block in enumerate(reading.blocks, 1):
        yield from _block(reading, number, block)
    yield (
        "</main>\n</div>\n"
        '<div id="token" role="status">Point at a token to see its id and bytes, or '
        "go to one with Tab and on with the arrow keys.</div>\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _data(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _text(text: str) -> str:
    """Return text as it may stand in an element or an attribute."""
    return escape(visible(text))


# What is beside the messages


def _aside(reading: Reading, name: str, tokens: bool, ids: bool) -> Iterator[str]:
    messages = sum(block.message is not None for block in reading.blocks)
    repairs = sum(note.count for note in reading.notes)
    yield (
        f"<aside>\n<h1>{_text(name)}</h1>\n"
        f'<p class="quiet">{_many(messages, "message")}, '
        f"{_many(len(reading.tokens), 'token')}, {_many(repairs, 'warning')}</p>\n"
        "<fieldset>\n<legend>Show</legend>\n"
        f"{_switch('special', 'Headers and special tokens', True)}"
        f"{_switch('tokens', 'Where tokens begin', tokens)}"
        f"{_switch('ids', 'Ids of tokens', ids)}"
        f"{_switch('mask', 'What is trained on', True) if reading.mask else ''}"
        "</fieldset>\n"
    )
    yield from _warnings(reading)
    yield from _counts(reading)
    yield '<nav aria-labelledby="list">\n<h2 id="list">Messages</h2>\n<ol>\n'
    for number, block in enumerate(reading.blocks, 1):
        yield (
            f'<li><a href="#m{number}"><span>{number}</span>'
            f'<span class="who {_who(block)}">{_text(title(block))}</span>'
            f"<span>{block.end - block.start:,}</span></a></li>\n"
        )
    yield "</ol>\n</nav>\n</aside>\n"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _switch(name: str, label: str, on: bool) -> str:
    checked = " checked" if on else ""
    return (
        f'<label><input type="checkbox" id="{name}" autocomplete="off"{checked}> '
        f"{label}</label>\n"
    )


def _warnings(reading: Reading) -> Iterator[str]:
    if not reading.notes:
        return
    yield '<nav class="warnings" aria-labelledby="warnings">\n'
    yield '<h2 id="warnings">Warnings</h2>\n<ul>\n'
    for number, note in enumerate(reading.notes, 1):
        yield (
            f'<li><a href="#w{number}"><span>⚠</span><span>{note.kind.value}</span>'
            f"<span>at token {note.position:,}</span></a></li>\n"
        )
    yield "</ul>\n</nav>\n"


def _counts(reading: Reading) -> Iterator[str]:
    yield "<table>\n<caption>Tokens</caption>\n<thead><tr>"
    for name in ("role and channel", "messages", "header", "content"):
        yield f'<th scope="col">{name}</th>'
    yield "</tr></thead>\n<tbody>\n"
    for count in reading.counts():
        channel = "" if count.channel is None else f" {_text(count.channel)}"
        yield (
            f'<tr><th scope="row">{count.role.value}{channel}</th>'
            f"<td>{count.messages:,}</td><td>{count.header:,}</td>"
            f"<td>{count.content:,}</td></tr>\n"
        )
    if reading.unread():
        yield (
            '<tr><th scope="row">in no message</th><td></td><td></td>'
            f"<td>{reading.unread():,}</td></tr>\n"
        )
    if reading.mask:
        yield (
            '<tr><th scope="row">trained on</th><td></td><td></td>'
            f"<td>{reading.trained(0, len(reading.tokens)):,}</td></tr>\n"
        )
    yield (
        '</tbody>\n<tfoot><tr><th scope="row">all</th><td></td><td></td>'
        f"<td>{len(reading.tokens):,}</td></tr></tfoot>\n</table>\n"
    )


# Messages


def _who(block: Block) -> str:
    role = block.message.author.role if block.message else block.role
    return role.value if role else ""


def _block(reading: Reading, number: int, block: Block) -> Iterator[str]:
    yield (
        f'<article class="{_who(block)}" id="m{number}" aria-labelledby="t{number}">\n'
        f'<header><h2 id="t{number}"><span class="quiet">{number}</span> '
        f"{_text(title(block))}</h2>{_chips(block)}"
        f'<span class="count">{counted(reading, block)}</span></header>\n'
    )
    first = reading.first_note(block.start)
    notes = list(enumerate(reading.notes_of(block), first + 1))
    header = [pair for pair in notes if pair[1].position < block.body]
    content = [pair for pair in notes if pair[1].position >= block.body]
    what = f"message {number}"
    if block.header_count or header:
        cells = reading.cells(block.start, block.body)
        kind, label = "text head", f"Header of {what}"
        yield from _cells(reading, cells, header, block.start, kind, label)
    if block.content_count or content:
        cells = reading.cells(block.body, block.end)
        kind, label = "text", f"Content of {what}"
        yield from _cells(reading, cells, content, block.body, kind, label)
    read = as_read(reading, block)
    if read is not None:
        yield f'<p class="read quiet">Read as:</p><div class="text">{_text(read)}</div>'
    yield "</article>\n"


def _chips(block: Block) -> str:
    if block.message is None:
        return ""
    chips = ""
    channel, kind = block.message.channel, block.message.content_type
    if channel is not None:
        known = f" {channel}" if channel in KNOWN_CHANNELS else ""
        chips += f' <span class="chip{known}">{_text(channel)}</span>'
    if kind is not None:
        chips += f' <span class="chip">{_text(kind)}</span>'
    return chips


def _cells(
    reading: Reading,
    cells: Iterable[Cell],
    notes: list[tuple[int, Note]],
    position: int,
    kind: str,
    label: str,
) -> Iterator[str]:
    """Give the texts of cells, each token in an element, notes before the tokens."""
    left = notes[::-1]
    count = 0
    yield _opening(kind, position, label)
    for cell in cells:
        end = cell.position + len(cell.tokens)
        while left and left[-1][1].position < end:
            yield _note(*left.pop())
        trained = reading.trained(cell.position, cell.position + 1) > 0
        yield _cell(cell, trained, first=count == 0)
        count += 1
        if count >= CHUNK and cell.text.endswith("\n"):
            yield "</div>\n" + _opening(kind, end, label)
            count = 0
    while left:
        yield _note(*left.pop())
    yield "</div>\n"


def _opening(kind: str, position: int, label: str) -> str:
    return (
        f'<div class="{kind}" data-at="{position}" role="group" aria-label="{label}">'
    )


def _cell(cell: Cell, trained: bool, first: bool) -> str:
    text = visible(cell.text)
    known = ""
    if text.encode() != b"".join(cell.data) or len(cell.tokens) > 1:
        known = f' data-b="{"|".join(data.hex(" ") for data in cell.data)}"'
    kinds = "s" * cell.special + " " * (cell.special and trained) + "t" * trained
    kind = f' class="{kinds}"' if kinds else ""
    reached = "0" if first else "-1"
    ids = " ".join(map(str, cell.tokens))
    # Behind its line feed, an id would stand on the next line.
    shown = escape(text).replace("\n", f'<i data-t="{ids}"></i>\n', 1)
    return f'<span data-t="{ids}"{known}{kind} tabindex="{reached}">{shown}</span>'


def _note(number: int, note: Note) -> str:
    words = f" “{_text(note.text)}”" if note.text else ""
    times = f", {note.count} times" if note.count > 1 else ""
    return (
        f'<span class="warning" id="w{number}">⚠ {note.kind.value}{times}{words}</span>'
    )
