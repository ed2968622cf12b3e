"""Tokens as people look at them: messages as blocks, with what was repaired in them.

This is what is shown, however it is shown: every token is in one block, in order, and
nothing is left out. ``terminal`` and ``page`` draw it.
"""

from __future__ import annotations

from bisect import bisect_left
from codecs import getincrementaldecoder
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harmony.encoding import HarmonyEncoding
from harmony.errors import DecodeError
from harmony.messages import Message, Role, TextContent
from harmony.parser import StreamableParser, places
from harmony.repairs import ParseWarning, WarningKind

LONGEST_CELL = 8
"""How many tokens may be held back; a character has four bytes at most."""

_END_BEFORE = {WarningKind.RESTARTED_HEADER, WarningKind.WHITE_SPACE}
_IN_RUNS = {WarningKind.AFTER_END, WarningKind.STRAY_STOP, WarningKind.UNKNOWN_TOKEN}


@dataclass(frozen=True)
class Note:
    """A repair, or several of one kind made at one token after the other.

    ``position`` is the index of the first of these tokens, ``text`` what was left
    out at all of them.
    """

    kind: WarningKind
    position: int
    text: str
    count: int = 1


@dataclass
class Block:
    """Tokens ``start`` to ``end``; from ``body`` on, those of the content.

    ``message``: what they say; None if they are no message. ``role``: who is to write
    the message that they open, as at the end of a prompt; else None.
    """

    start: int
    body: int
    end: int
    message: Message | None = None
    role: Role | None = None

    @property
    def header_count(self) -> int:
        """How many tokens the header has, ``<|message|>`` included."""
        return self.body - self.start

    @property
    def content_count(self) -> int:
        """How many tokens the content has, the stop token included."""
        return self.end - self.body


@dataclass(frozen=True)
class Count:
    """What the messages of one role on one channel come to."""

    role: Role
    channel: str | None
    messages: int = 0
    header: int = 0
    content: int = 0


@dataclass(frozen=True)
class Cell:
    """The fewest tokens that are whole characters: nearly always one.

    ``data``: the bytes of each, none for an id outside the vocabulary.
    """

    position: int
    tokens: tuple[int, ...]
    data: tuple[bytes, ...]
    text: str
    special: bool


@dataclass
class Reading:
    """All tokens, in blocks, and what had to be repaired to read them.

    ``mask``: for each token whether it is trained on; nothing if that is not shown.

    >>> from harmony import load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> text = "<|channel|>final<|message|>4.<|return|><|end|>"
    >>> tokens = encoding.encode(text, allowed_special="all")
    >>> reading = read_messages(encoding, tokens, "assistant")
    >>> [(block.start, block.body, block.end) for block in reading.blocks]
    [(0, 3, 6), (6, 7, 7)]
    >>> [(note.kind.value, note.position) for note in reading.notes]
    [('stray_stop', 6)]
    """

    encoding: HarmonyEncoding
    tokens: Sequence[int]
    blocks: list[Block]
    notes: list[Note]
    mask: Sequence[int] = ()

    def notes_of(self, block: Block) -> list[Note]:
        """Return the notes to be shown in a block, in order."""
        if block is self.blocks[-1]:
            return self.notes[self.first_note(block.start) :]
        return self.notes[self.first_note(block.start) : self.first_note(block.end)]

    def first_note(self, position: int) -> int:
        """Return the index of the first note at or behind a position."""
        return bisect_left(self.notes, position, key=lambda note: note.position)

    def counts(self) -> list[Count]:
        """Return what roles and channels come to, in the order of their first."""
        found: dict[tuple[Role, str | None], Count] = {}
        for block in self.blocks:
            if block.message is None:
                continue
            key = block.message.author.role, block.message.channel
            count = found.get(key, Count(*key))
            found[key] = Count(
                *key,
                count.messages + 1,
                count.header + block.header_count,
                count.content + block.content_count,
            )
        return list(found.values())

    def unread(self) -> int:
        """Return how many tokens are in no message."""
        return sum(b.end - b.start for b in self.blocks if b.message is None)

    def trained(self, start: int, end: int) -> int:
        """Return how many of tokens ``start`` to ``end`` are trained on."""
        return sum(self.mask[start:end])

    def cells(self, start: int, end: int) -> Iterator[Cell]:
        """Give the cells of tokens ``start`` to ``end``."""
        first = start
        decoder = getincrementaldecoder("utf-8")("replace")
        for position in range(start, end):
            token = self.tokens[position]
            special = self.encoding.is_special_token(token)
            data = self._bytes(token)
            if first < position and (special or not data):
                yield self._cell(first, position)
                first = position
                decoder.reset()
            decoder.decode(data)
            is_whole = special or not decoder.getstate()[0]
            if is_whole or position - first == LONGEST_CELL - 1:
                yield self._cell(first, position + 1, special)
                first = position + 1
                decoder.reset()
        if first < end:
            yield self._cell(first, end)

    def _cell(self, start: int, end: int, special: bool = False) -> Cell:
        tokens = tuple(self.tokens[start:end])
        data = tuple(map(self._bytes, tokens))
        text = b"".join(data).decode("utf-8", "replace") or "\ufffd"
        return Cell(start, tokens, data, text, special)

    def _bytes(self, token: int) -> bytes:
        """Return the bytes of a token; none if there is no such token."""
        try:
            return self.encoding.decode_bytes([token])
        except DecodeError:
            return b""


def read_messages(
    encoding: HarmonyEncoding, tokens: Sequence[int], role: Role | str | None = None
) -> Reading:
    """Return what tokens say; nothing is an error but an id that is no int32.

    ``role``: who writes the first message, if its header is open, as that of a
    completion; None if they begin with ``<|start|>``.
    """
    parser = StreamableParser(encoding, role, on_error="recover")
    parser.feed(tokens)
    next_role = parser.next_role
    if next_role is None:
        parser.process_eos()
    blocks = [Block(*place) for place in places(parser)]
    for block, message in zip(blocks, parser.messages, strict=False):
        block.message = message
    if next_role is not None:
        blocks[-1].role = next_role
    notes = _notes(parser.warnings)
    return Reading(encoding, tokens, _with_gaps(blocks, len(tokens), notes), notes)


def _notes(warnings: Sequence[ParseWarning]) -> list[Note]:
    """Return notes of what was repaired, those that are in a row as one."""
    notes: list[Note] = []
    for warning in warnings:
        kind, position, text, count = warning.kind, warning.position, warning.text, 1
        if notes and kind in _IN_RUNS and notes[-1].kind is kind:
            last = notes[-1]
            if last.position + last.count == position:
                notes.pop()
                position, text, count = last.position, last.text + text, last.count + 1
        notes.append(Note(kind, position, text, count))
    return notes


def _with_gaps(blocks: list[Block], end: int, notes: list[Note]) -> list[Block]:
    """Return blocks with those of the tokens before, between and behind them.

    Where a header is begun again or dropped, or white space ends, one of these ends.
    No such place is inside a message.
    """
    borders = {0, end}
    for block in blocks:
        borders.update((block.start, block.end))
    for note in notes:
        if note.kind in _END_BEFORE:
            borders.add(note.position)
        elif note.kind is WarningKind.DROPPED_HEADER:
            borders.add(min(note.position + 1, end))
    known = {block.start: block for block in blocks}
    return [
        known.get(start) or Block(start, stop, stop)
        for start, stop in pairwise(sorted(borders))
    ]


def title(block: Block) -> str:
    """Return who speaks to whom, or what else a block is.

    >>> title(Block(0, 1, 2, Message("assistant", "{}", recipient="functions.f")))
    'assistant → functions.f'
    """
    if block.message is None:
        return f"{block.role.value}, to be written" if block.role else "no message"
    author, recipient = block.message.author, block.message.recipient
    name = "" if author.name is None else f" {author.name}"
    return f"{author.role.value}{name}" + (f" → {recipient}" if recipient else "")


def counted(reading: Reading, block: Block) -> str:
    """Return how many tokens a block has, in words: of its header and its content.

    With a mask, how many of them are trained on, too.
    """
    count = block.end - block.start
    words = "1 token" if count == 1 else f"{count} tokens"
    if block.message is not None:
        words = f"{block.header_count} + {block.content_count} tokens"
    if reading.mask:
        words += f", {reading.trained(block.start, block.end)} trained on"
    return words


def as_read(reading: Reading, block: Block) -> str | None:
    """Return the content that was read, if the tokens of the content don't show it."""
    if block.message is None:
        return None
    cells = reading.cells(block.body, block.end)
    written = "".join(cell.text for cell in cells if not cell.special)
    contents = block.message.content
    read = "".join(item.text for item in contents if isinstance(item, TextContent))
    return None if read == written else read
