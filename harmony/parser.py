"""``StreamableParser``: tokens to messages, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

from harmony import _native
from harmony._native import parser as native_parser
from harmony._native.straight import (
    ParserBase,
    forms,
    kept,
    parse_messages,
    straight,
)
from harmony.errors import not_a_token_id
from harmony.forks import once
from harmony.messages import Author, Message, Role, TextContent
from harmony.repairs import ParseWarning, WarningKind, Warnings

if TYPE_CHECKING:
    from harmony._native.encoding import Encoding

OnError = Literal["raise", "recover"]

_ROLES = list(Role)
_APPENDED_TOKEN = _native.APPENDED_TOKEN
_KNOWN_TEXTS = 2**14
"""How many tokens an encoding knows the text of: two megabytes."""


class StreamState(str, Enum):
    """Where in a message a parser is."""

    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


_CONTENT = StreamState.CONTENT
_STATES = list(StreamState)
_NO_WARNINGS = Warnings([], 0)


@dataclass(frozen=True)
class Segment:
    """Text that one call of ``feed`` or ``finish`` added to one message's content.

    ``message`` is the index of the message among all of the parser's; ``finished``
    tells whether that call ended it. The text may be empty, if it did.
    """

    role: Role
    channel: str | None
    recipient: str | None
    content_type: str | None
    text: str
    message: int
    finished: bool


FORMS = forms(
    message=Message,
    author=Author,
    text=TextContent,
    roles=tuple(_ROLES),
    segment=Segment,
    states=tuple(_STATES),
)
"""What the straight ways have to know of messages."""


@dataclass(frozen=True)
class TokenCount:
    """How many tokens were spent on headers and on contents.

    A header's tokens are those from ``<|start|>`` to ``<|message|>``, as far as they
    were fed; a content's are the others, with the one that ended the message.
    """

    header: int = 0
    content: int = 0


class HasBinding(Protocol):
    """What a parser has to know of a ``HarmonyEncoding``."""

    _native: Encoding


_Sums = dict[tuple[str | None, str | None], tuple[int, int, int, int]]
"""Tokens of headers and contents, and the special ones, by channel and recipient."""


class StreamableParser(ParserBase):
    """Takes the tokens of a completion as they come, and knows what they say so far.

    ``role``: who writes the message that is under way, if the tokens begin inside
    its header, as after a prompt for that role; None if they begin with
    ``<|start|>``. ``strict=False`` takes a header that ends in a stop token: its
    words are the content.

    After an error in a header the parser expects ``<|start|>`` again, and the header
    is gone; after any other error nothing has changed. Finished messages stay, and
    the parser goes on. One thread at a time: calls that meet raise
    ``HarmonyError``.

    With ``on_error="recover"`` nothing is an error, whatever the tokens: broken
    headers are repaired, no text is lost, and ``warnings`` tells what was done.
    ``strict`` then has no effect.

    >>> from harmony import load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> text = "<|channel|>final<|message|>2 + 2 = 4.<|return|>"
    >>> parser = StreamableParser(encoding, Role.ASSISTANT)
    >>> for token in encoding.encode(text, allowed_special="all"):
    ...     if parser.process(token).last_content_delta:
    ...         print(parser.current_channel, repr(parser.last_content_delta))
    final '2'
    final ' +'
    final ' '
    final '2'
    final ' ='
    final ' '
    final '4'
    final '.'
    >>> parser.messages[0].content
    [TextContent(text='2 + 2 = 4.')]
    """

    def __init__(
        self,
        encoding: HasBinding,
        role: Role | str | None,
        *,
        strict: bool = True,
        on_error: OnError = "raise",
    ) -> None:
        """Make a parser. Raises ``ValueError`` for an unknown role or ``on_error``."""
        if role is not None and type(role) is not Role:
            role = Role(role)
        if on_error not in ("raise", "recover"):
            raise ValueError(
                f"on_error: expected 'raise' or 'recover', got {on_error!r}"
            )
        self._encoding = encoding._native
        self._strict = strict
        self._recover = on_error == "recover"
        self._delta: str | None
        self._state: StreamState
        self._count: int
        self._messages: list[Message] = []
        self._warnings = _NO_WARNINGS
        self._all_warnings: list[ParseWarning] = []
        self._sums: _Sums = {}
        self._summed = 0
        self._share(self._encoding.pool)
        self._begin(self._encoding, FORMS, role, strict, self._recover, None)

    @straight
    def _begin(
        self,
        encoding: Encoding,
        forms: Any,
        role: Role | None,
        strict: bool,
        recover: bool,
        prompt: Iterable[int] | None,
    ) -> None:
        """Make the parser in C, and see what it says."""
        number = _native.NO_ROLE if role is None else _native.ROLES[role.value]
        given = number, strict, recover, prompt
        address, owner = native_parser.new_parser(encoding, *given)
        self._native = native_parser.Parser(encoding, address, owner)
        self._read(address, owner, forms, recover)
        self._look()

    @once
    def _native(self) -> native_parser.Parser:
        """The binding of the parser, for what has no straight way."""
        return native_parser.Parser(self._encoding, *self._lent())

    @classmethod
    def after(
        cls,
        encoding: HasBinding,
        prompt_tokens: Iterable[int],
        *,
        strict: bool = True,
        on_error: OnError = "raise",
    ) -> StreamableParser:
        """Make the parser for what a model writes after a prompt.

        The prompt may end behind a message, with ``<|start|>assistant``, inside a
        header or inside a content (a prefill). Its finished messages are not kept,
        and not read. The open one goes on; ``tokens`` begins with its ``<|start|>``,
        or is empty if nothing but a role follows that. Raises ``ParseError`` if the
        open message can't be read, with the position in the prompt.

        >>> from harmony import load_harmony_encoding
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> prompt = "<|start|>user<|message|>hi<|end|><|start|>assistant"
        >>> tokens = encoding.encode(prompt, allowed_special="all")
        >>> StreamableParser.after(encoding, tokens).current_role
        <Role.ASSISTANT: 'assistant'>
        """
        parser = cls(encoding, None, strict=strict, on_error=on_error)
        given = None, strict, parser._recover, prompt_tokens
        parser._begin(parser._encoding, FORMS, *given)
        return parser

    @straight
    def process(self, token: int) -> StreamableParser:
        """Take one token; return the parser. Raises ``ParseError``."""
        try:
            appended = self._native.append(token)
        except OverflowError:
            appended = _native.NOT_APPENDED
        except TypeError:
            raise not_a_token_id(token) from None
        if appended == _APPENDED_TOKEN:
            try:
                self._delta = self._encoding.texts[token]
            except KeyError:
                self._learn(token)
        elif appended:
            self._delta = self._native.delta()
        else:
            self._step(token)
        return self

    def _learn(self, token: int) -> None:
        """Remember the delta as the text of the token."""
        self._delta = self._native.delta()
        if len(self._encoding.texts) >= _KNOWN_TEXTS:
            self._encoding.texts.clear()
        self._encoding.texts[token] = self._delta

    def _step(self, token: int) -> None:
        try:
            self._native.process(token)
        finally:
            self._look()

    @straight
    def _look(self) -> None:
        """See what has become of the open message, and what was added to it."""
        native = self._native
        self._delta = native.delta()
        state, count = _STATES[native.state()], native.message_count()
        if state is _CONTENT and count == self._count and state is self._state:
            return  # the same message: each that ends is counted
        self._count = count
        self._state = state
        shown = native.current()
        if self._recover and self._delta is not None and state is not _CONTENT:
            (shown,) = native.messages(count - 1)
        self._role = None if shown.role == _native.NO_ROLE else _ROLES[shown.role]
        self._channel = shown.channel
        self._recipient = shown.recipient
        self._content_type = shown.content_type

    @straight
    def feed(self, tokens: Iterable[int]) -> list[Segment]:
        """Take many tokens at once; return the text they completed, by message.

        ``tokens`` is any iterable of ids; arrays and other buffers of int32, such as
        NumPy's, are not copied. Raises ``ParseError`` at the first token that is
        wrong; those before it have been taken.

        >>> from harmony import load_harmony_encoding
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> text = "<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant"
        >>> parser = StreamableParser(encoding, Role.ASSISTANT)
        >>> for segment in parser.feed(encoding.encode(text, allowed_special="all")):
        ...     print(segment.channel, segment.text, segment.finished)
        analysis Easy. True
        """
        if type(tokens) is list and len(tokens) == 1:
            token = tokens[0]
            if self._state is _CONTENT and type(token) is int:
                return self._feed_one(token)
        try:
            self._native.feed(tokens)
        finally:
            self._look()
        return self._segments()

    def _fail(self, status: int, position: int, words: bytes) -> None:
        """Raise an error that a straight way has met."""
        _native.raise_status(status, position, words)

    def _feed_one(self, token: int) -> list[Segment]:
        """Take one token inside a content, as servers do: the shortest way."""
        count = self._count
        role: Any = self._role
        message = self._channel, self._recipient, self._content_type
        self.process(token)
        finished = self._count != count
        if self._delta is None and not finished:
            return []
        return [Segment(role, *message, self._delta or "", count, finished)]

    @straight
    def _segments(self) -> list[Segment]:
        """Return what the last call added to contents."""
        segments = self._native.segments()
        if not segments:
            return []
        first, count = segments[0].message, self._native.message_count()
        records = self._native.messages(first) if first < count else []
        records.append(self._native.current())
        return [_segment(records[added.message - first], added) for added in segments]

    def finish(self) -> list[Segment]:
        """Take the end of the stream, which finishes an open message; see ``feed``.

        The text returned is what was held back until the end: half of a character,
        or words that might have become a header. Raises ``ParseError`` inside a
        header.

        >>> from harmony import load_harmony_encoding
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> parser = StreamableParser(encoding, None, on_error="recover")
        >>> parser.feed(encoding.encode("4, of course."))
        []
        >>> for segment in parser.finish():
        ...     print(segment.role.value, segment.text, segment.finished)
        assistant 4, of course. True
        """
        self.process_eos()
        return self._segments()

    @straight
    def process_eos(self) -> StreamableParser:
        """Take the end of the stream as ``finish`` does; return the parser."""
        try:
            self._native.finish()
        finally:
            self._look()
        return self

    @property
    def messages(self) -> list[Message]:
        """The finished messages; the same objects each time.

        The list is the same, too, until there is a further message; then there is a
        new one, so that a list once taken does not grow.
        """
        self._messages = self._with_new(self._messages)
        return self._messages

    @straight
    def _with_new(self, known: list[Message]) -> list[Message]:
        """Return the finished messages, of which some are known."""
        count = self._native.message_count()
        if len(known) >= count:
            return known
        records = self._native.messages(len(known))
        tallies = self._native.tallies(len(known), len(records))
        return [*known, *map(_message, records, tallies)]

    @property
    def warnings(self) -> Sequence[ParseWarning]:
        """What was repaired, with ``on_error="recover"``; like ``messages``."""
        known, count = self._all_warnings, self._native.warning_count()
        if len(known) < count:
            added = range(len(known), count)
            known.extend(_warning(self._native.warning(i)) for i in added)
            self._warnings = Warnings(known, count)
        return self._warnings

    @property
    def token_counts(self) -> dict[str | None, TokenCount]:
        """How many tokens each channel has had so far: ``count_tokens()``."""
        return self.count_tokens()

    @overload
    def count_tokens(
        self, *, by_recipient: Literal[False] = False, special: bool = True
    ) -> dict[str | None, TokenCount]: ...

    @overload
    def count_tokens(
        self, *, by_recipient: Literal[True], special: bool = True
    ) -> dict[tuple[str | None, str | None], TokenCount]: ...

    def count_tokens(self, *, by_recipient: bool = False, special: bool = True) -> Any:
        """Return how many tokens each channel has had, the open message included.

        ``by_recipient=True`` counts each channel and recipient apart, by a tuple of
        both. ``special=False`` leaves out special tokens, such as ``<|start|>``. An
        open header counts for the channel None until it is read. Tokens outside of
        messages, such as stray stop tokens, are not counted.

        >>> from harmony import load_harmony_encoding
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> text = "<|channel|>commentary to=functions.f<|message|>{}<|call|>"
        >>> parser = StreamableParser(encoding, Role.ASSISTANT)
        >>> segments = parser.feed(encoding.encode(text, allowed_special="all"))
        >>> parser.count_tokens()
        {'commentary': TokenCount(header=8, content=2)}
        >>> parser.count_tokens(by_recipient=True, special=False)
        {('commentary', 'functions.f'): TokenCount(header=6, content=1)}
        """
        counts: dict[Any, TokenCount] = {}
        for (channel, recipient), sums in self._sums_so_far().items():
            header, content, header_special, content_special = sums
            if not special:
                header -= header_special
                content -= content_special
            key = (channel, recipient) if by_recipient else channel
            before = counts.get(key, TokenCount())
            counts[key] = TokenCount(before.header + header, before.content + content)
        return counts

    def _sums_so_far(self) -> _Sums:
        records = self._native.messages(self._summed)
        tallies = self._native.tallies(self._summed, len(records))
        for record, tally in zip(records, tallies, strict=True):
            _add(self._sums, record.channel, record.recipient, tally)
        self._summed += len(records)
        sums = dict(self._sums)
        tally = self._native.open_tally()
        if tally.header or tally.content:
            current = self._native.current()
            _add(sums, current.channel, current.recipient, tally)
        return sums

    @property
    def next_role(self) -> Role | None:
        """Who is to write the open message, if that is all that is known of it.

        So it is where a prompt ends: the header is ``<|start|>`` and a role.
        """
        role = self._native.next_role()
        return None if role == _native.NO_ROLE else _ROLES[role]

    @kept
    def state(self) -> StreamState:
        """Where in a message the parser is."""
        return self._state

    @property
    def state_data(self) -> dict[str, Any]:
        """The state with the tokens of the open header or content.

        ``{"state": "ExpectStart"}``, ``{"state": "Header", "header_tokens": [...]}``,
        or ``{"state": "Content", "header": {...}, "content_tokens": [...]}``.
        """
        data: dict[str, Any] = {"state": self._state.value}
        if self._state is StreamState.HEADER:
            data["header_tokens"] = self._header_tokens()
        elif self._state is StreamState.CONTENT:
            data["header"] = _header(self._native.current())
            data["content_tokens"] = self._native.open_tokens()
        return data

    def _header_tokens(self) -> list[int]:
        """Return the tokens of the open header.

        A stop token is among them only if it can't end a header.
        """
        tokens = self._native.open_tokens()
        if self._strict:
            return tokens
        return [token for token in tokens if token not in _native.STOP_TOKENS]

    @property
    def tokens(self) -> list[int]:
        """Every token that was fed."""
        return self._native.tokens()

    @kept
    def current_role(self) -> Role | None:
        """Who writes the open message; the given role until its header is read."""
        return self._role

    @kept
    def current_channel(self) -> str | None:
        """The channel of the open message, from the end of its header on."""
        return self._channel

    @kept
    def current_recipient(self) -> str | None:
        """The recipient of the open message, from the end of its header on."""
        return self._recipient

    @kept
    def current_content_type(self) -> str | None:
        """The content type of the open message, from the end of its header on."""
        return self._content_type

    @property
    def current_content(self) -> str:
        """The content of the open message so far."""
        return self._native.content()

    @kept
    def last_content_delta(self) -> str | None:
        """What the last token added to a content, or None.

        The deltas joined are the contents joined. A token that ends inside a
        character adds it later; bytes that can't become one add U+FFFD.
        """
        return self._delta

    @property
    def last_segment(self) -> Segment | None:
        """``last_content_delta`` with the message it belongs to, or None.

        A delta can come with the token that ends its message. The ``current_…``
        properties then speak of no message, as in openai-harmony; with
        ``on_error="recover"`` they speak of the one that ended, until the next token.

        >>> from harmony import load_harmony_encoding
        >>> encoding = load_harmony_encoding("HarmonyGptOss")
        >>> text = "<|channel|>final 4.<|return|>"
        >>> parser = StreamableParser(encoding, Role.ASSISTANT, strict=False)
        >>> for token in encoding.encode(text, allowed_special="all"):
        ...     parser = parser.process(token)
        >>> parser.last_content_delta, parser.current_channel
        ('4.', None)
        >>> parser.last_segment.text, parser.last_segment.channel
        ('4.', 'final')
        """
        if self._delta is None:
            return None
        index = self._native.message_count()
        finished = self._state is not _CONTENT
        if finished:
            index -= 1
            (record,) = self._native.messages(index)
        else:
            record = self._native.current()
        return _segment(record, native_parser.Added(index, finished, self._delta))


def _add(
    sums: _Sums, channel: str | None, recipient: str | None, tally: native_parser.Tally
) -> None:
    header, content, header_special, content_special = sums.get(
        (channel, recipient), (0, 0, 0, 0)
    )
    sums[channel, recipient] = (
        header + tally.header,
        content + tally.content,
        header_special + tally.header_special,
        content_special + tally.content_special,
    )


def parse(
    encoding: HasBinding,
    tokens: Sequence[int],
    role: Role | str | None,
    strict: bool,
    on_error: OnError,
) -> list[Message]:
    """Return the messages of a completion, all of whose tokens are there."""
    if role is not None and type(role) is not Role:
        role = Role(role)
    found: list[Message] | None = None
    recover = on_error == "recover"
    if recover or on_error == "raise":
        given = tokens, role, strict, recover
        found = parse_messages(encoding._native.pool, FORMS, *given)
    if found is None:
        parser = StreamableParser(encoding, role, strict=strict, on_error=on_error)
        parser._native.feed(tokens)
        parser._native.finish()
        found = parser.messages
    return found


def places(parser: StreamableParser) -> list[tuple[int, int, int]]:
    """Return where each message begins, its content begins, and it ends, in tokens.

    The open message is the last, if it has tokens.
    """
    native = parser._native
    tallies = [*native.tallies(0, native.message_count()), native.open_tally()]
    if not tallies[-1].header + tallies[-1].content:
        tallies.pop()
    found = []
    for tally in tallies:
        body = tally.start + tally.header
        found.append((tally.start, body, body + tally.content))
    return found


def _message(record: native_parser.Record, tally: native_parser.Tally) -> Message:
    message = Message(
        Author(_ROLES[record.role], record.name),
        record.content or "",
        record.channel,
        record.recipient,
        record.content_type,
    )
    message.end_token = tally.end
    return message


def _segment(record: native_parser.Record, added: native_parser.Added) -> Segment:
    return Segment(
        _ROLES[record.role],
        record.channel,
        record.recipient,
        record.content_type,
        added.text,
        added.message,
        added.finished,
    )


def _warning(warning: tuple[str, int, bytes]) -> ParseWarning:
    kind, position, text = warning
    return ParseWarning(WarningKind(kind), position, text.decode(errors="replace"))


def _header(record: native_parser.Record) -> dict[str, Any]:
    author = {"role": _ROLES[record.role].value}
    if record.name is not None:
        author["name"] = record.name
    return {
        "author": author,
        "recipient": record.recipient,
        "channel": record.channel,
        "content_type": record.content_type,
    }
