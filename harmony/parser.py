"""``StreamableParser``: tokens to messages, one at a time."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any

from harmony import _native
from harmony.messages import Author, Message, Role
from harmony.rendering import ROLE_NUMBERS

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

_ROLES = list(Role)


class StreamState(str, Enum):
    """Where in a message a parser is."""

    EXPECT_START = "ExpectStart"
    HEADER = "Header"
    CONTENT = "Content"


class StreamableParser:
    """Takes the tokens of a completion as they come, and knows what they say so far.

    ``role``: who writes the message that is under way, if the tokens begin inside
    its header, as after a prompt for that role; None if they begin with
    ``<|start|>``. ``strict=False`` takes a header that ends in a stop token: what
    words it has are the content.

    After an error in a header the parser expects ``<|start|>`` again, and the header
    is gone; after any other error nothing has changed. Finished messages stay, and
    the parser goes on. One thread at a time.

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
        self, encoding: HarmonyEncoding, role: Role | str | None, *, strict: bool = True
    ) -> None:
        """Make a parser. Raises ``ValueError`` for an unknown role."""
        number = _native.NO_ROLE if role is None else ROLE_NUMBERS[Role(role)]
        self._native = _native.Parser(encoding._inner, number, strict)
        self._strict = strict
        self._messages: list[Message] = []

    def process(self, token: int) -> StreamableParser:
        """Take one token; return the parser. Raises ``ParseError``."""
        self._native.process(token)
        return self

    def feed(self, tokens: Iterable[int]) -> StreamableParser:
        """Take many tokens, up to the first that is wrong. Raises ``ParseError``."""
        self._native.feed(tokens)
        return self

    def process_eos(self) -> StreamableParser:
        """Take the end of the stream, which finishes an open message.

        Raises ``ParseError`` inside a header.
        """
        self._native.finish()
        return self

    @property
    def messages(self) -> list[Message]:
        """The finished messages; the same objects each time.

        The list is the same, too, until there is a further message; then there is a
        new one, so that a list once taken does not grow.
        """
        known, count = self._messages, self._native.message_count()
        if len(known) < count:
            added = range(len(known), count)
            known = [*known, *(_message(self._native.message(i)) for i in added)]
            self._messages = known
        return known

    @property
    def state(self) -> StreamState:
        """Where in a message the parser is."""
        return StreamState(self._native.state())

    @property
    def state_data(self) -> dict[str, Any]:
        """The state with the tokens of the open header or content.

        ``{"state": "ExpectStart"}``, ``{"state": "Header", "header_tokens": [...]}``,
        or ``{"state": "Content", "header": {...}, "content_tokens": [...]}``.
        """
        state = self._native.state()
        data: dict[str, Any] = {"state": state}
        if state == StreamState.HEADER:
            data["header_tokens"] = self._header_tokens()
        elif state == StreamState.CONTENT:
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

    @property
    def current_role(self) -> Role | None:
        """Who writes the open message; the given role until its header is read."""
        role = self._native.role()
        return None if role == _native.NO_ROLE else _ROLES[role]

    @property
    def current_channel(self) -> str | None:
        """The channel of the open message, from the end of its header on."""
        return _text(self._native.channel())

    @property
    def current_recipient(self) -> str | None:
        """The recipient of the open message, from the end of its header on."""
        return _text(self._native.recipient())

    @property
    def current_content_type(self) -> str | None:
        """The content type of the open message, from the end of its header on."""
        return _text(self._native.content_type())

    @property
    def current_content(self) -> str:
        """The content of the open message so far."""
        return self._native.content().decode()

    @property
    def last_content_delta(self) -> str | None:
        """What the last token added to a content, or None.

        The deltas joined are the contents joined. A token that ends inside a
        character adds it later; bytes that can't become one add U+FFFD.
        """
        return _text(self._native.delta())


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def _message(record: _native.Record) -> Message:
    return Message(
        Author(_ROLES[record.role], _text(record.name)),
        (record.content or b"").decode(),
        _text(record.channel),
        _text(record.recipient),
        _text(record.content_type),
    )


def _header(record: _native.Record) -> dict[str, Any]:
    author = {"role": _ROLES[record.role].value}
    if record.name is not None:
        author["name"] = record.name.decode()
    return {
        "author": author,
        "recipient": _text(record.recipient),
        "channel": _text(record.channel),
        "content_type": _text(record.content_type),
    }
