"""Conversations to tokens: what each message says, as records for C.

Each run of text between special tokens is encoded on its own, so the tokens of a
message depend on nothing but its role, the words of its header and its texts. These, as
one tuple of plain strings, are what the tokens are made from and remembered under.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from harmony import _native
from harmony._model.text import utf8
from harmony._native.straight import forms, plain_parts
from harmony.cache import Cache, size_of
from harmony.errors import RenderError
from harmony.messages import (
    Author,
    ChannelConfig,
    Conversation,
    Message,
    ReasoningEffort,
    RenderConversationConfig,
    Role,
    SystemContent,
    TextContent,
)
from harmony.prompts import (
    PROMPTS,
    REFERENCE,
    SystemPrompt,
    has_function_tools,
    unwritten,
)

if TYPE_CHECKING:
    from harmony._native.encoding import Encoding

ROLE_NUMBERS = {role: _native.ROLES[role.value] for role in Role}
"""The number of each role in C."""

CACHE_SIZE = 2**24
"""Bytes that the messages remembered for one encoding may take, about."""

TOKEN_SIZE = 40
"""Bytes that a token takes in a tuple: a pointer, and an int of its own."""

Tokens: TypeAlias = tuple[int, ...]

Kept: TypeAlias = bytes | Tokens | None
"""What is remembered of a message: int32 at first, ints when it has come again."""

ROLES = tuple(Role)
"""In the order of their numbers."""

FORMS = forms(
    message=Message,
    author=Author,
    text=TextContent,
    roles=ROLES,
    system=SystemContent,
    channels=ChannelConfig,
    effort=ReasoningEffort,
    prompt=SystemPrompt,
)
"""What ``plain_parts`` has to know of messages."""

FAULTS = (RenderError, AttributeError, TypeError, ValueError)
"""What reading a message raises if a field of it has been set to a wrong value."""

Parts: TypeAlias = tuple[Any, ...]
"""All of a message: role, name, recipient, channel, content type, and its texts."""

ROLE, RECIPIENT, CHANNEL, TEXTS = 0, 2, 3, 5
"""Where in the parts of a message these are."""

NEVER = _native.DROP_RULES["never"]

Manner: TypeAlias = tuple[int, bool]
"""How to render: the rule for dropping analysis, and whether channels come first."""

Span: TypeAlias = tuple[int, int]

_ABSENT = (-1, 0)
_PLAIN = frozenset({Role, str, type(None)})
_PLAIN_TEXTS = frozenset({str, *PROMPTS})


BY_DEFAULT: Manner = (_native.DROP_RULES["upstream"], False)

OPEN = "open"
"""Stands before the key of a message that goes on."""


def manner(config: RenderConversationConfig | None) -> Manner:
    """Return what a config says. Raises ``TypeError`` for what is none."""
    if config is None:
        return BY_DEFAULT
    if not isinstance(config, RenderConversationConfig):
        raise TypeError(
            "config: expected a RenderConversationConfig or None, got "
            f"{type(config).__name__}"
        )
    config.__post_init__()  # its fields may have been set since it was made
    return _native.DROP_RULES[config.drop_rule], config.channel_first


def schemas_of(config: RenderConversationConfig | None) -> str:
    """Return how a config, already checked, wants parameters to be written."""
    return REFERENCE if config is None else config.schemas


def messages_of(conversation: Iterable[Message]) -> list[Message]:
    """Return the messages of a conversation, or of any iterable of messages."""
    if type(conversation) is Conversation and type(conversation.messages) is list:
        return conversation.messages[:]
    if not isinstance(conversation, (dict, str, bytes, Message)):
        try:
            messages = iter(conversation)
        except TypeError:
            pass
        else:
            return list(messages)
    raise TypeError(
        "conversation: expected a Conversation or its messages, got "
        f"{type(conversation).__name__}"
    )


class Renderer:
    """Renders for one encoding. Any number of threads may use it at once."""

    def __init__(self, native: Encoding) -> None:
        """Make one that remembers nothing yet."""
        self._native = native
        self._cache = Cache(CACHE_SIZE)
        self._openings: dict[Role, Tokens] = {}

    def render_conversation(
        self,
        conversation: Iterable[Message],
        config: RenderConversationConfig | None,
        *,
        open_last: bool = False,
    ) -> list[int]:
        """Return the tokens of a conversation. Raises as ``render``, ``TypeError``."""
        given = manner(config)
        parts = _unwritten(messages_of(conversation), schemas_of(config))
        return self._render(parts, given, open_last)

    def render(self, message: Message, function_tools: bool, schemas: str) -> list[int]:
        """Return the tokens of a message. Raises ``RenderError`` if it has none.

        ``function_tools``: whether the conversation it is from has function tools.
        ``schemas``: how the parameters of tools are written.
        """
        parts = _unwritten([message], schemas, function_tools)
        return self._render(parts, (NEVER, False), open_last=False)

    def render_prompt(
        self,
        said: Iterable[Parts],
        config: RenderConversationConfig,
        open_last: bool,
    ) -> list[int]:
        """Return the prompt that messages make, given what is rendered of each.

        It ends in ``<|start|>assistant``, or in the last message if that goes on.
        """
        tokens = self._render([*map(_plain_parts, said)], manner(config), open_last)
        if not open_last:
            tokens += self.opening(Role.ASSISTANT)
        return tokens

    def _render(self, said: list[Parts], manner: Manner, open_last: bool) -> list[int]:
        drop_analysis, channel_first = manner
        keys = [_key(parts) for parts in said] if channel_first else said
        if open_last and said:
            keys = [*keys[:-1], (OPEN, *keys[-1])]
        cache = self._cache
        known = cache.get_all(keys)
        if None in known:
            pairs = zip(said, known, strict=True)
            said = [each if before else _written(each) for each, before in pairs]
        tokens, kept = self._native.render_said(
            said, known, ROLES, drop_analysis, channel_first, open_last
        ) or self._in_full(said, known, manner, open_last=open_last)
        for key, before, part in zip(keys, known, kept or (), strict=False):
            if part is not None:
                keep = cache.put if before is None else cache.replace
                keep(key, part, _size(key, part))
        return tokens

    def _in_full(
        self,
        said: list[Parts],
        known: list[Kept],
        manner: Manner,
        *,
        open_last: bool = False,
        training: bool = False,
    ) -> tuple[list[int], list[Kept]]:
        """Do the same where there is no straight way."""
        drop_analysis, channel_first = manner
        drops = drop_analysis != NEVER and _is_on_channels(said)
        if None not in known and not drops:
            return _concatenated(known), [None] * len(known)
        plan = Plan()
        for parts, remembered in zip(said, known, strict=True):
            if remembered is None:
                plan.add(parts)
            else:
                plan.add_stand_in(parts)
        tokens, places = self._native.render(
            *(plan.text, plan.records, plan.message_count),
            drop_analysis=drop_analysis,
            channel_first=channel_first,
            open_last=open_last,
            training=training,
        )
        return _joined(tokens, places[3::4], known)

    def render_for_training(
        self, conversation: Iterable[Message], config: RenderConversationConfig | None
    ) -> list[int]:
        """Return the tokens to train on, and remember nothing of them."""
        given = manner(config)
        parts = said(messages_of(conversation), schemas_of(config))
        nothing: list[Kept] = [None] * len(parts)
        tokens, _ = self._native.render_said(
            parts, nothing, ROLES, *given, training=True
        ) or self._in_full(parts, nothing, given, training=True)
        return tokens

    def opening(self, role: Role | str) -> Tokens:
        """Return the tokens that begin a message by a role."""
        if type(role) is not Role:
            role = Role(role)
        tokens = self._openings.get(role)
        if tokens is None:
            nothing = Plan()
            opening, _ = self._native.render(
                nothing.text, nothing.records, 0, next_role=ROLE_NUMBERS[role]
            )
            tokens = self._openings[role] = tuple(opening)
        return tokens


def _joined(
    tokens: list[int], ends: list[int], known: list[Kept]
) -> tuple[list[int], list[Kept]]:
    """Put what is known in place of its stand-ins; tell what else to remember."""
    joined: list[int] = []
    kept: list[Kept] = []
    start = 0
    for remembered, end in zip(known, ends, strict=True):
        part = None
        if start < end and remembered is None:
            part = tuple(tokens[start:end])
        if start < end:
            joined += part or _ints(remembered)
        kept.append(part)
        start = end
    return joined, kept


def _concatenated(parts: Iterable[Kept]) -> list[int]:
    tokens: list[int] = []
    for part in parts:
        tokens += _ints(part)
    return tokens


def _ints(kept: Kept) -> Iterable[int]:
    """Return the tokens that are remembered of a message."""
    return array("i", kept) if isinstance(kept, bytes) else kept or ()


def _key(parts: Parts) -> Parts:
    """Return what a message is kept under where channels come first.

    Only with both a channel and a recipient does the assistant's header differ.
    """
    role, recipient, channel = parts[ROLE], parts[RECIPIENT], parts[CHANNEL]
    if role is Role.ASSISTANT and recipient is not None and channel is not None:
        return (None, *parts)
    return parts


def _is_on_channels(said: Iterable[Parts]) -> bool:
    """Tell whether any message is on a channel: no other can be left out."""
    return any([parts[CHANNEL] is not None for parts in said])


def _unwritten_parts(message: Message, function_tools: bool, schemas: str) -> Parts:
    """Return what is rendered of a message, with prompts that are not put together.

    ``function_tools``: whether its conversation has function tools. Raises one of
    ``FAULTS`` for a content that its author can't have, and for other objects.
    """
    author = message.author
    role = author.role if type(author.role) is Role else Role(author.role)
    texts = [unwritten(item, role, function_tools, schemas) for item in message.content]
    name, recipient, channel = author.name, message.recipient, message.channel
    return role, name, recipient, channel, message.content_type, *texts


def _written(parts: Parts) -> Parts:
    """Return the parts of a message with its prompts put together."""
    if len(parts) == TEXTS + 1 and type(parts[TEXTS]) is str:
        return parts  # nearly all
    return tuple([each.text() if type(each) in PROMPTS else each for each in parts])


def said(messages: list[Message], schemas: str) -> list[Parts]:
    """Return what is rendered of each message. Raises ``RenderError`` naming it."""
    return [*map(_written, _unwritten(messages, schemas))]


def _unwritten(
    messages: list[Message], schemas: str, function_tools: bool | None = None
) -> list[Parts]:
    """Return the same, but with prompts that are not put together.

    ``function_tools``: whether their conversation has function tools; None to look.
    """
    found: list[Any] = plain_parts(tuple(messages), FORMS, bool(function_tools))
    if not all(found):
        if function_tools is None:
            function_tools = _has_function_tools(messages)
        for index, parts in enumerate(found):
            # A system prompt was taken for one without function tools.
            if parts is None or (function_tools and parts[ROLE] is Role.SYSTEM):
                message = messages[index]
                found[index] = _parts(index, message, function_tools, schemas)
    return found


def _parts(index: int, message: Message, function_tools: bool, schemas: str) -> Parts:
    """Return what is rendered of a message, or complain about it."""
    try:
        return _plain_parts(_unwritten_parts(message, function_tools, schemas))
    except FAULTS as error:
        raise _fault(index, message, error) from error


def _has_function_tools(messages: list[Message]) -> bool:
    """Tell whether messages bring function tools, or complain about one of them."""
    try:
        return has_function_tools(messages)
    except FAULTS:
        for index, message in enumerate(messages):
            try:
                has_function_tools([message])
            except FAULTS as error:
                raise _fault(index, message, error) from error
        raise


def _fault(index: int, message: object, error: Exception) -> RenderError:
    """Return the complaint about a message that is not what it should be."""
    what = str(error)
    if not isinstance(message, Message):
        what = f"expected a Message, got {type(message).__name__}"
    elif not isinstance(message.content, Iterable):
        what = f"content: expected a list, got {type(message.content).__name__}"
    return RenderError(f"messages[{index}]: {what}")


def _plain_parts(parts: Parts) -> Parts:
    """Return the same with strings of no class of their own."""
    head, texts = parts[:TEXTS], parts[TEXTS:]
    if _PLAIN.issuperset(map(type, head)) and _PLAIN_TEXTS.issuperset(map(type, texts)):
        return parts
    role, *words = head
    return (
        role,
        *[word if word is None else _plain(word) for word in words],
        *[text if type(text) in PROMPTS else _plain(text) for text in texts],
    )


def _plain(text: str) -> str:
    """Return the text of a string of any class, which may compare as it likes."""
    return utf8(text).decode()


def _size(key: Parts, kept: bytes | Tokens) -> int:
    """Return the bytes that a message and its tokens take."""
    each = 1 if type(kept) is bytes else TOKEN_SIZE
    return each * len(kept) + _size_of_texts(key)


def _size_of_texts(parts: Parts) -> int:
    size = 0
    for part in parts:
        if type(part) is str:
            size += size_of(part)
        elif isinstance(part, tuple):
            size += _size_of_texts(part)
    return size


class Plan:
    """What the C side renders: one block of text and records that point into it.

    ``records`` has eleven int32 for each message and each further content item: the
    role number, then start and length of name, recipient, channel, content type and
    content (``harmony_message`` in harmony.h).
    """

    def __init__(self) -> None:
        """Make one of no messages."""
        self.text = bytearray()
        self.records: list[int] = []
        self.message_count = 0
        self._spans: dict[str, Span] = {}
        self._stand_ins: dict[tuple[Role, str | None], tuple[int, ...]] = {}

    def add(self, parts: Parts) -> None:
        """Add a message."""
        role, name, recipient, channel, content_type, *texts = parts
        contents = [self._span(text) for text in texts] or [_ABSENT]
        records = self.records
        records.append(ROLE_NUMBERS[role])
        for word in (name, recipient, channel, content_type):
            records += _ABSENT if word is None else self._word(word)
        records += contents[0]
        for content in contents[1:]:
            records += (_native.CONTINUED, *_ABSENT * 4, *content)
        self.message_count += 1

    def add_stand_in(self, parts: Parts) -> None:
        """Add a message that is all but empty, in the place of one already rendered.

        The role and the channel are what counts for leaving out messages.
        """
        role, channel = parts[ROLE], parts[CHANNEL]
        record = self._stand_ins.get((role, channel))
        if record is None:
            before, after = (0, 0, *_ABSENT), (*_ABSENT, *_ABSENT)
            span = _ABSENT if channel is None else self._word(channel)
            record = (ROLE_NUMBERS[role], *before, *span, *after)
            self._stand_ins[role, channel] = record
        self.records += record
        self.message_count += 1

    def _word(self, word: str) -> Span:
        """Add a word of a header, once for all headers that have it."""
        span = self._spans.get(word)
        if span is None:
            span = self._spans[word] = self._span(word)
        return span

    def _span(self, text: str) -> Span:
        """Add text; return where it is."""
        data = utf8(text)
        start = len(self.text)
        self.text += data
        return start, len(data)
