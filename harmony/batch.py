"""Conversations as one block of text and records, for one call of csrc/batch.c.

So ``many.py``, ``training.py`` and ``arrow.py`` render; ``_native/batch.py`` makes the
call. Nothing of them is remembered: what is trained on is rendered once.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, get_args

from harmony import _native
from harmony._model.checks import check_choice, check_flag
from harmony._model.text import utf8
from harmony._native.batch import RECORD_LENGTH, Batch, Mask, render_batch
from harmony.messages import RenderConversationConfig
from harmony.rendering import ROLE_NUMBERS, TEXTS, Parts, manner

if TYPE_CHECKING:
    from harmony._native.batch import Bytes, Sizes
    from harmony.encoding import HarmonyEncoding

MaskKind = Literal["sampled", "messages", "content"]
MASK_KINDS: tuple[str, ...] = get_args(MaskKind)

_ABSENT = (-1, 0)
_NOWHERE = (0, 0)
_CONTINUED = array("i", [_native.CONTINUED, *_ABSENT * 4, *_NOWHERE]).tobytes()
_OF_ONE_TEXT = frozenset({TEXTS + 1})


def mask_rule(
    mask: str, channels: Iterable[str] | None = None, last_turn: bool = False
) -> Mask:
    """Return which tokens are trained on. Raises ``ValueError``, ``TypeError``."""
    check_choice("mask", "kind", mask, MASK_KINDS)
    check_flag("last_turn", last_turn)
    names = several_names("channels", channels)
    return Mask(_native.MASKS[mask], names, last_turn)


def several_names(where: str, names: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return names as a tuple. Raises ``TypeError`` for one in place of several."""
    if isinstance(names, str):
        raise TypeError(f"{where}: expected several names, got {names!r}")
    return None if names is None else tuple(names)


class _Heads(dict[Parts, bytes]):
    """Records of headers, made when they are first asked for, and their words."""

    def __init__(self) -> None:
        super().__init__()
        self.words = bytearray()

    def __missing__(self, head: Parts) -> bytes:
        role, *words = head
        record = array("i", [ROLE_NUMBERS[role]])
        for word in words:
            record.extend(_ABSENT if word is None else self._word(word))
        record.extend(_NOWHERE)
        known = self[head] = record.tobytes()
        return known

    def _word(self, word: str) -> tuple[int, int]:
        data = utf8(word)
        start = len(self.words)
        self.words += data
        return start, len(data)


class Rows:
    """Conversations that are rendered together: their texts, and records of them.

    A record is eleven int32: the role number, then start and length of name,
    recipient, channel, content type and content (``harmony_message`` in harmony.h).
    Few headers differ, so a record is bytes that are known, and where its content is
    is filled in for all of them at once.
    """

    def __init__(self) -> None:
        """Make one of no conversations."""
        self._records: list[bytes] = []
        self._texts: list[str] = []
        self._ends = array("q")
        self._heads = _Heads()
        self._size = 0
        self.message_count = 0

    def __len__(self) -> int:
        """Return how many conversations there are."""
        return len(self._ends)

    def size(self) -> int:
        """Return how many characters their texts have."""
        return self._size

    def add(self, said: Sequence[Parts]) -> None:
        """Add a conversation, given what is rendered of each message."""
        heads = self._heads
        if _OF_ONE_TEXT.issuperset(map(len, said)):
            self._records += [heads[parts[:TEXTS]] for parts in said]
            texts = [parts[TEXTS] for parts in said]
            self._texts += texts
            self._size += sum(map(len, texts))
        else:
            for parts in said:
                self._add_contents(heads[parts[:TEXTS]], parts[TEXTS:] or ("",))
        self.message_count += len(said)
        self._ends.append(len(self._records))

    def _add_contents(self, head: bytes, contents: Sequence[str]) -> None:
        self._records += [head, *[_CONTINUED] * (len(contents) - 1)]
        self._texts += contents
        self._size += sum(map(len, contents))

    def _filled(self) -> tuple[bytes, array[int]]:
        """Return all text in one block, and the records with their contents."""
        try:
            texts = list(map(str.encode, self._texts))
        except (UnicodeEncodeError, TypeError):  # surrogates, or a subclass of str
            texts = list(map(utf8, self._texts))
        lengths = list(map(len, texts))
        records = array("i")
        records.frombytes(b"".join(self._records))
        starts = accumulate(lengths, initial=len(self._heads.words))
        records[RECORD_LENGTH - 2 :: RECORD_LENGTH] = array("i", list(starts)[:-1])
        records[RECORD_LENGTH - 1 :: RECORD_LENGTH] = array("i", lengths)
        return b"".join([self._heads.words, *texts]), records

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
        text, records = self._filled()
        given = text, records, self._ends, self.message_count
        return render_records(encoding, given, config, mask, next_role, training)


def render_records(
    encoding: HarmonyEncoding,
    given: tuple[Bytes, Bytes, Sizes, int],
    config: RenderConversationConfig,
    mask: Mask | None,
    next_role: str | None = None,
    training: bool = True,
) -> Batch:
    """Render many conversations, of which the first arguments of C are given."""
    drop_analysis, channel_first = manner(config)
    return render_batch(
        encoding._native,
        *given,
        mask=mask,
        drop_analysis=drop_analysis,
        next_role=_native.NO_ROLE if next_role is None else _native.ROLES[next_role],
        training=training and next_role is None,
        channel_first=channel_first,
    )
