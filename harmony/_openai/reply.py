"""What the model writes, as the parts of a reply; both APIs are made from these."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from harmony._openai.custom import CustomInput
from harmony._openai.fields import unknown
from harmony._openai.names import ClientName
from harmony._openai.prompt import Prompt
from harmony.messages import Message, Role
from harmony.parser import Segment, StreamableParser
from harmony.repairs import ParseWarning

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

Reason = Literal["stop", "length", "content_filter"]
REASONS = ("stop", "length", "content_filter")
"""Why an engine stopped."""

_TO_THE_USER = (None, "assistant", "user", "all")
_BROWSER = ("browser.search", "browser.open", "browser.find")


class Kind(Enum):
    """What a message of the model is to the client."""

    REASONING = "reasoning"
    PREAMBLE = "preamble"
    ANSWER = "answer"
    CALL = "call"
    CUSTOM = "custom"
    PYTHON = "python"
    SEARCH = "search"


TEXTS = frozenset({Kind.REASONING, Kind.PREAMBLE, Kind.ANSWER})


class Part:
    """One message of the reply.

    ``name``: the tool that is called, by the client's name. ``text``: what was given
    out of it so far. ``interrupted``: it was still open when the stream ended.
    """

    __slots__ = ("begun", "blank", "custom", "interrupted", "kind", "name", "texts")

    def __init__(self, kind: Kind, name: ClientName) -> None:
        """Make one of which nothing was given out."""
        self.kind = kind
        self.name = name
        self.texts: list[str] = []
        self.begun = False
        self.blank = True
        self.interrupted = False
        self.custom = CustomInput() if kind is Kind.CUSTOM else None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self.texts)


class Piece(NamedTuple):
    """Some text of a part, which may be its first or its last; it may be empty."""

    part: Part
    text: str
    begins: bool
    ends: bool


class Reply:
    """Follows the model's tokens, whatever they are, and gives pieces of parts.

    ``fills``: the kinds of calls whose arguments become ``{}`` if they are nothing
    but white space.
    """

    def __init__(
        self, encoding: HarmonyEncoding, prompt: Prompt, fills: Collection[Kind]
    ) -> None:
        """Begin behind the prompt."""
        tokens = prompt.tokens(encoding)
        self.prompt_tokens = len(tokens)
        self.completion_tokens = 0
        self.has_call = False
        self.reason: Reason | None = None
        self._prompt = prompt
        self._fills = fills
        self._parser = StreamableParser.after(encoding, tokens, on_error="recover")
        self._reasoned_before = self._analysis_tokens()
        self._open: dict[int, Part | None] = {}

    @property
    def messages(self) -> list[Message]:
        """All finished messages, by whomever."""
        return self._parser.messages

    @property
    def warnings(self) -> Sequence[ParseWarning]:
        """What was repaired in what the model wrote."""
        return self._parser.warnings

    def reasoning_tokens(self) -> int:
        """Return how many of the tokens fed are on channel analysis."""
        return self._analysis_tokens() - self._reasoned_before

    def _analysis_tokens(self) -> int:
        count = self._parser.token_counts.get("analysis")
        return 0 if count is None else count.header + count.content

    def feed(self, tokens: Iterable[int]) -> list[Piece]:
        """Take some tokens. Raises ``RuntimeError`` after ``finish``."""
        if self.reason is not None:
            raise RuntimeError("the reply is finished: no tokens can follow")
        if not hasattr(tokens, "__len__"):
            tokens = list(tokens)
        segments = self._parser.feed(tokens)
        self.completion_tokens += len(tokens)  # type: ignore[arg-type]
        return self._pieces(segments)

    def finish(self, reason: Reason) -> list[Piece]:
        """Take the end of the stream, and why it ended.

        Raises ``ValueError`` for an unknown reason, ``RuntimeError`` the second time.
        """
        if reason not in REASONS:
            raise unknown("reason", reason, REASONS)
        if self.reason is not None:
            raise RuntimeError("the reply is finished already")
        self.reason = reason
        pieces = self._pieces(self._parser.finish())
        for piece in pieces:
            piece.part.interrupted = reason != "stop"
        return pieces

    def _pieces(self, segments: list[Segment]) -> list[Piece]:
        found = [self._piece(segment) for segment in segments]
        return [piece for piece in found if piece is not None]

    def _piece(self, segment: Segment) -> Piece | None:
        if segment.message in self._open:
            part = self._open[segment.message]
        else:
            part = self._open[segment.message] = self._part(segment)
        if segment.finished:
            del self._open[segment.message]
        return None if part is None else self._of_part(part, segment)

    def _of_part(self, part: Part, segment: Segment) -> Piece | None:
        text, ends = segment.text, segment.finished
        if part.custom is not None:
            text = part.custom.feed(text) + (part.custom.finish() if ends else "")
        elif part.kind in self._fills:
            part.blank = part.blank and (not text or text.isspace())
            if ends and part.blank:
                text += "{}"
        begins = not part.begun and (bool(text) or part.kind not in TEXTS)
        part.begun = part.begun or begins
        if not part.begun or not (text or begins or ends):
            return None
        if text:
            part.texts.append(text)
        return Piece(part, text, begins, ends)

    def _part(self, segment: Segment) -> Part | None:
        """Return the part that a message begins; None if the reply has it not."""
        if segment.role is not Role.ASSISTANT:
            return None
        kind, name = self._classified(segment.recipient, segment.channel)
        if kind not in TEXTS:
            if self.has_call and not self._prompt.parallel:
                return None
            self.has_call = True
        return Part(kind, name)

    def _classified(
        self, recipient: str | None, channel: str | None
    ) -> tuple[Kind, ClientName]:
        if recipient in _TO_THE_USER:
            kinds = {"analysis": Kind.REASONING, "commentary": Kind.PREAMBLE}
            return kinds.get(channel or "", Kind.ANSWER), ClientName("")
        name = self._prompt.names.called(recipient or "")
        if name is not None:
            is_custom = self._prompt.is_custom(name)
            return Kind.CUSTOM if is_custom else Kind.CALL, name
        name = ClientName(recipient or "")
        if recipient == "python":
            return Kind.PYTHON, name
        return Kind.SEARCH if recipient in _BROWSER else Kind.CALL, name


class ReplyStream:
    """What both APIs' streams give besides chunks or events."""

    _reply: Reply

    @property
    def messages(self) -> list[Message]:
        """All messages that are finished, by whomever the model wrote them."""
        return self._reply.messages

    @property
    def warnings(self) -> Sequence[ParseWarning]:
        """What was repaired in what the model wrote."""
        return self._reply.warnings


def new_id(prefix: str) -> str:
    """Return an id that no other call has: the prefix, ``_`` and 32 hex digits."""
    return f"{prefix}_{secrets.token_hex(16)}"
