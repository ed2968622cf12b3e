"""What is made of each row, and the making of it for many rows in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harmony._model.checks import check_choice, check_flag, check_text
from harmony._training.options import FORMATS, HEADERS, PURPOSES
from harmony._training.reading import ChatRows, HarmonyRows, RowReader
from harmony.batch import MASK_KINDS, Rows, mask_rule, render_records
from harmony.messages import DROP_RULES, SCHEMAS, RenderConversationConfig
from harmony.rendering import Parts

if TYPE_CHECKING:
    from harmony._native.batch import Batch, Mask
    from harmony.encoding import HarmonyEncoding

FAULTS = (RuntimeError, ValueError)
"""What is wrong with a row alone. ``RecursionError`` is a ``RuntimeError``."""

Read = Callable[[Any], Sequence[Parts]]


@dataclass(frozen=True)
class Job:
    """How rows are read and rendered. Raises ``ValueError`` naming an option.

    ``format``: "chat", rows of OpenAI and Hugging Face, or "harmony". ``purpose``: what
    the tokens are for; those for a completion end where ``role`` is to go on.
    ``mask``, ``channels`` and ``last_turn``: as of ``training.example``; None is no
    mask. ``date``: what day it is for the model, in chats. ``strict``: unknown keys are
    an error.
    """

    format: str = "chat"
    purpose: str = "training"
    role: str = "assistant"
    mask: str | None = "sampled"
    channels: tuple[str, ...] | None = None
    last_turn: bool = False
    drop_analysis: str = "never"
    header: str = "template"
    date: str = ""
    schemas: str = "reference"
    strict: bool = True

    def __post_init__(self) -> None:
        """Check the options."""
        check_choice("format", "format", self.format, FORMATS)
        check_choice("purpose", "purpose", self.purpose, PURPOSES)
        check_choice("drop_analysis", "rule", self.drop_analysis, DROP_RULES)
        check_choice("header", "header", self.header, HEADERS)
        check_choice("schemas", "form", self.schemas, SCHEMAS)
        if self.mask is not None:
            check_choice("mask", "kind", self.mask, MASK_KINDS)
        check_flag("last_turn", self.last_turn)
        check_flag("strict", self.strict)
        check_text("date", self.date)

    def reader(self) -> RowReader:
        """Return what reads rows."""
        schemas: Any = self.schemas
        if self.format == "harmony":
            return HarmonyRows(self.strict, schemas)
        header: Any = self.header
        return ChatRows(self.date, header, self.strict, schemas)

    def rule(self) -> Mask | None:
        """Return what is trained on; None if there is no mask."""
        if self.mask is None:
            return None
        return mask_rule(self.mask, self.channels, self.last_turn)

    def render(self, encoding: HarmonyEncoding, rows: Rows) -> Batch:
        """Render rows. Raises ``RenderError`` naming the message, but not the row."""
        return rows.render(encoding, *self._how())

    def render_records(self, encoding: HarmonyEncoding, given: Any) -> Batch:
        """Render what C takes, as ``batch.render_records`` does."""
        return render_records(encoding, given, *self._how())

    def _how(self) -> tuple[RenderConversationConfig, Mask | None, str | None, bool]:
        config = RenderConversationConfig(
            drop_analysis=self.drop_analysis, channel_first=self.header == "model"
        )
        next_role = self.role if self.purpose == "completion" else None
        return config, self.rule(), next_role, self.purpose == "training"


class Rendered(NamedTuple):
    """The good rows of many, rendered; and what is wrong with the others, by index."""

    batch: Batch
    errors: list[tuple[int, str]]

    def dropped(self) -> int:
        """Return how many messages were left out."""
        parts = self.batch.parts
        pairs = zip(parts[0::4].tolist(), parts[3::4].tolist(), strict=True)
        return sum([start == stop for start, stop in pairs])


def render_rows(
    encoding: HarmonyEncoding,
    job: Job,
    given: Iterable[Any],
    read: Read,
    stops: bool = False,
) -> Rendered:
    """Render rows, as ``read`` reads them. ``stops``: behind the first bad row.

    ``given``: what can be gone through twice, if a row can't be rendered.
    """
    errors: dict[int, str] = {}
    rows = _added(given, read, errors, stops)
    try:
        batch = job.render(encoding, rows)
    except FAULTS:  # which row it is about is found by rendering each

        def tried(row: Any) -> Sequence[Parts]:
            parts = read(row)
            alone = Rows()
            alone.add(parts)
            job.render(encoding, alone)
            return parts

        errors.clear()
        batch = job.render(encoding, _added(given, tried, errors, stops))
    return Rendered(batch, list(errors.items()))


def _added(
    given: Iterable[Any], read: Read, errors: dict[int, str], stops: bool
) -> Rows:
    """Return the rows that can be read, and what is wrong with the others."""
    rows = Rows()
    for index, row in enumerate(given):
        try:
            rows.add(read(row))
        except FAULTS as error:
            errors[index] = one_line(error)
            if stops:
                break
    return rows


def one_line(error: Exception) -> str:
    """Return what an error says, on one line."""
    return " ".join(str(error).split())
