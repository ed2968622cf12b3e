"""Many conversations as one block of text and records, rendered in one call.

Nothing of them is remembered: what is trained on is rendered once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from harmony import _native
from harmony._model.checks import check_choice, check_flag
from harmony._model.text import utf8
from harmony._native.batch import RECORD_LENGTH, Batch, Mask, render_batch
from harmony.messages import RenderConversationConfig
from harmony.rendering import ROLE_NUMBERS, Parts, manner

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

MaskKind = Literal["sampled", "messages", "content"]
MASK_KINDS: tuple[str, ...] = get_args(MaskKind)

_ABSENT = (-1, 0)
_NOTHING = (_native.CONTINUED, *_ABSENT * 4)
HEAD = 5
"""How many parts of a message are its header; its texts follow."""


def mask_rule(
    mask: str, channels: Iterable[str] | None = None, last_turn: bool = False
) -> Mask:
    """Return which tokens are trained on. Raises ``ValueError``, ``TypeError``."""
    check_choice("mask", "kind", mask, MASK_KINDS)
    check_flag("last_turn", last_turn)
    if isinstance(channels, str):
        raise TypeError(f"channels: expected several names, got {channels!r}")
    names = None if channels is None else list(channels)
    return Mask(_native.MASKS[mask], names, last_turn)


class Rows:
    """Conversations that are rendered together: their texts, and records of them.

    A record is eleven int32: the role number, then start and length of name,
    recipient, channel, content type and content (``harmony_message`` in harmony.h).
    """

    def __init__(self) -> None:
        """Make one of no conversations."""
        self._text = bytearray()
        self._records: list[int] = []
        self._ends = array("q")
        self._heads: dict[Parts, tuple[int, ...]] = {}
        self.message_count = 0

    def __len__(self) -> int:
        """Return how many conversations there are."""
        return len(self._ends)

    def size(self) -> int:
        """Return how many bytes their texts have."""
        return len(self._text)

    def add(self, said: Sequence[Parts]) -> None:
        """Add a conversation, given what is rendered of each message."""
        text, records, heads = self._text, self._records, self._heads
        for parts in said:
            head = parts[:HEAD]
            record = heads.get(head)
            if record is None:
                record = heads[head] = self._head(head)
            records += record
            contents = parts[HEAD:]
            if len(contents) == 1:
                data = utf8(contents[0])
                records += (len(text), len(data))
                text += data
            else:
                self._add_contents(contents)
        self.message_count += len(said)
        self._ends.append(len(records) // RECORD_LENGTH)

    def _add_contents(self, contents: Sequence[str]) -> None:
        self._records += self._span(contents[0]) if contents else _ABSENT
        for content in contents[1:]:
            self._records += (*_NOTHING, *self._span(content))

    def _head(self, head: Parts) -> tuple[int, ...]:
        role, *words = head
        spans = [_ABSENT if word is None else self._span(word) for word in words]
        return ROLE_NUMBERS[role], *(number for span in spans for number in span)

    def _span(self, text: str) -> tuple[int, int]:
        data = utf8(text)
        start = len(self._text)
        self._text += data
        return start, len(data)

    def render(
        self,
        encoding: HarmonyEncoding,
        config: RenderConversationConfig,
        mask: Mask | None,
        next_role: str | None = None,
        training: bool = True,
    ) -> Batch:
        """Return the tokens, in one call; with a next role they are not for training.

        Raises ``RenderError`` naming a message, but not its conversation.
        """
        drop_analysis, channel_first = manner(config)
        role = _native.NO_ROLE if next_role is None else _native.ROLES[next_role]
        return render_batch(
            encoding._native,
            self._text,
            array("i", self._records),
            self._ends,
            self.message_count,
            mask=mask,
            drop_analysis=drop_analysis,
            next_role=role,
            training=training and next_role is None,
            channel_first=channel_first,
        )
