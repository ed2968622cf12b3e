"""What a model is trained on: tokens, a loss mask over them, and where they are from.

A mask has a 1 for each token whose loss counts. Three kinds of it, for a conversation
of a user's question, the assistant's thinking, and its answer; ``^`` is a 1::

    <|start|>user<|message|>2 + 2?<|end|>
    <|start|>assistant<|channel|>analysis<|message|>Add.<|end|>
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ "sampled"
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ "messages"
                                                    ^^^^^^^^^^^ "content"
    <|start|>assistant<|channel|>final<|message|>4.<|return|>
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^   "sampled"
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^   "messages"
                                                 ^^^^^^^^^^^^   "content"

- ``"sampled"``: what the model itself writes. The ``<|start|>assistant`` of its first
  message behind one by anyone else is the end of the prompt; behind its own
  ``<|end|>`` it writes that, too.
- ``"messages"``: the assistant's messages, whole.
- ``"content"``: their contents and stop tokens.

The mask is told by where messages and their parts begin, which rendering knows; tokens
are never looked at. It is not shifted: ``mask[i]`` is about ``tokens[i]``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harmony.batch import MaskKind, Rows, mask_rule
from harmony.messages import Message, RenderConversationConfig
from harmony.rendering import messages_of, said

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

__all__ = ["Example", "Packed", "Span", "example", "pack"]

PARTS: tuple[Literal["header", "content", "end"], ...] = ("header", "content", "end")


class Span(NamedTuple):
    """Tokens ``start`` to ``stop``, a part of the message of an index.

    ``"header"``: from ``<|start|>`` to ``<|message|>``; ``"content"``; ``"end"``: the
    stop token.
    """

    message: int
    part: Literal["header", "content", "end"]
    start: int
    stop: int


@dataclass(frozen=True)
class Example:
    """A conversation as it is trained on.

    ``tokens``: int32. ``mask``: as many int8, 1 where the loss counts, else 0.
    ``spans``: all tokens, in order, without gaps; what is empty has none. Both arrays
    give their memory to ``numpy.asarray`` and ``torch.frombuffer`` without a copy.
    """

    tokens: array[int]
    mask: array[int]
    spans: list[Span]

    @classmethod
    def of(cls, tokens: Iterable[int], mask: Iterable[int]) -> Example:
        """Make one of tokens and a mask, such as a row of ``BatchRenderer``'s.

        It has no spans.

        >>> Example.of([200006, 1428], [0, 1]).mask
        array('b', [0, 1])
        """
        return cls(array("i", tokens), array("b", mask), [])


def example(
    encoding: HarmonyEncoding,
    conversation: Iterable[Message],
    *,
    mask: MaskKind = "sampled",
    drop_analysis: Literal["never", "upstream", "per_turn"] = "never",
    channel_first: bool = False,
    schemas: Literal["reference", "complete"] = "reference",
    channels: Iterable[str] | None = None,
    last_turn: bool = False,
) -> Example:
    """Return what a conversation is trained on.

    ``conversation``: a ``Conversation``, or an iterable of messages. ``mask``: see the
    top of the module. ``channels``: only messages on these channels count.
    ``last_turn``: only what is behind the last message by a user counts.
    ``drop_analysis``, ``channel_first`` and ``schemas`` are those of
    ``RenderConversationConfig``.

    Thinking is kept unless ``drop_analysis`` says otherwise. That is not what
    ``render_conversation_for_training`` does by default: as in openai-harmony, it
    leaves out the thinking before the first answer, so of a conversation of one turn
    all of it. Raises ``RenderError``, ``ValueError`` for an unknown option and
    ``TypeError``.

    >>> from harmony import Message, load_harmony_encoding, training
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> talk = [Message("user", "2 + 2?"), Message("assistant", "4.", "final")]
    >>> example = training.example(encoding, talk)
    >>> counted = [t for t, m in zip(example.tokens, example.mask, strict=True) if m]
    >>> encoding.decode(counted)
    '<|channel|>final<|message|>4.<|return|>'
    >>> example.spans[3]
    Span(message=1, part='header', start=9, stop=14)
    """
    rule = mask_rule(mask, channels, last_turn)
    config = RenderConversationConfig(
        drop_analysis=drop_analysis, channel_first=channel_first, schemas=schemas
    )
    rows = Rows()
    rows.add(said(messages_of(conversation), schemas))
    batch = rows.render(encoding, config, rule)
    tokens, trained = array("i"), array("b")
    tokens.frombytes(batch.tokens.cast("B"))
    trained.frombytes(batch.mask.cast("B"))
    return Example(tokens, trained, spans(batch.parts))


def spans(parts: Sequence[int] | memoryview) -> list[Span]:
    """Return the spans of a conversation, given four numbers for each message."""
    return [
        Span(place // 4, part, parts[place + number], parts[place + number + 1])
        for place in range(0, len(parts), 4)
        for number, part in enumerate(PARTS)
        if parts[place + number] < parts[place + number + 1]
    ]


@dataclass(frozen=True)
class Packed:
    """Examples in rows of one length: ``tokens, mask, boundaries = packed``.

    ``tokens`` and ``mask``: an array for each row, int32 and int8. ``boundaries``: for
    each row where its examples begin, and where the last one stops; behind that is
    padding. ``indices``: for each row which examples they are.
    """

    tokens: list[array[int]] = field(default_factory=list)
    mask: list[array[int]] = field(default_factory=list)
    boundaries: list[list[int]] = field(default_factory=list)
    indices: list[list[int]] = field(default_factory=list)

    def __iter__(self) -> Iterator[list[Any]]:
        """Give ``tokens``, ``mask`` and ``boundaries``."""
        return iter((self.tokens, self.mask, self.boundaries))


def pack(
    examples: Iterable[Example],
    length: int,
    *,
    separator: int | None = None,
    padding: int = 0,
) -> Packed:
    """Put examples into rows of ``length`` tokens, each into the first with room.

    Nothing is cut. ``separator``: a token that stands behind each example and is not
    trained on. ``padding``: the token that fills a row, not trained on either.
    ``boundaries`` are for an attention that does not look from one example into
    another: they are the cumulative lengths that variable-length attention takes, and
    positions begin at each of them anew.

    Raises ``ValueError`` naming an example that is longer than a row, or whose mask is
    not as long as its tokens.

    >>> from harmony import Message, load_harmony_encoding, training
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> talk = [Message("user", "2 + 2?"), Message("assistant", "4.", "final")]
    >>> examples = [training.example(encoding, talk)] * 3
    >>> packed = training.pack(examples, 40)
    >>> packed.boundaries
    [[0, 17, 34], [0, 17]]
    >>> tokens, mask, boundaries = packed
    """
    between = array("i", [] if separator is None else [separator])
    unmasked = array("b", bytes(len(between)))
    rows = _FirstFit(length)
    packed = Packed()
    for index, example in enumerate(examples):
        _check_mask(index, example)
        size = len(example.tokens) + len(between)
        if size > length:
            raise ValueError(
                f"examples[{index}]: {size} tokens do not fit into rows of {length}"
            )
        row = rows.place(size)
        if row == len(packed.tokens):
            packed.tokens.append(array("i"))
            packed.mask.append(array("b"))
            packed.boundaries.append([0])
            packed.indices.append([])
        packed.tokens[row].extend(example.tokens)
        packed.tokens[row].extend(between)
        packed.mask[row].extend(example.mask)
        packed.mask[row].extend(unmasked)
        packed.boundaries[row].append(len(packed.tokens[row]))
        packed.indices[row].append(index)
    for tokens, mask in zip(packed.tokens, packed.mask, strict=True):
        missing = length - len(tokens)
        tokens.extend(array("i", [padding]) * missing)
        mask.extend(array("b", [0]) * missing)
    return packed


def _check_mask(index: int, example: Example) -> None:
    """Raise ``ValueError`` for a mask that would put those behind it out of place."""
    count, size = len(example.tokens), len(example.mask)
    if count != size:
        raise ValueError(f"examples[{index}]: {count} tokens, but a mask of {size}")


class _FirstFit:
    """Rows by the room that is left: a tree whose inner nodes are the larger of two.

    Finding the first row with room takes one step for each level.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._count = 1  # leaves; rows that nothing is in yet have all their room
        self._room = [length, length]  # the root is 1, the children of n 2n and 2n + 1

    def place(self, size: int) -> int:
        """Return the first row with room for so many tokens, and take it."""
        if self._room[1] < size:
            self._double()
        node = 1
        while node < self._count:
            node *= 2
            if self._room[node] < size:
                node += 1
        row = node - self._count
        self._room[node] -= size
        while node > 1:
            node //= 2
            self._room[node] = max(self._room[2 * node], self._room[2 * node + 1])
        return row

    def _double(self) -> None:
        """Put as many rows of all their room beside those there are."""
        room = [self._length] * (4 * self._count)
        width = 1
        while width <= self._count:
            room[2 * width : 3 * width] = self._room[width : 2 * width]
            width *= 2
        self._room = room
        self._count *= 2
