"""What a prompt says: contents as text, and conversations as records for C.

Here is everything of the format that is not the frame of a message: system and
developer prompts and their sections. The frame (``<|start|>``, header, ``<|end|>``)
is written in csrc/render.c from what ``plan`` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from harmony.errors import RenderError
from harmony.messages import (
    ChannelConfig,
    Content,
    DeveloperContent,
    Message,
    Role,
    SystemContent,
    TextContent,
)
from harmony.sections import tools_section
from harmony.surrogates import well_formed

ROLE_NUMBERS = {role: number for number, role in enumerate(Role)}
"""The number of each role: its place in ``Role``, as in ``harmony_role`` in C."""

CONTINUED = len(Role)
"""The role number of a further content item of the same message."""

FAULTS = (RenderError, AttributeError, TypeError, ValueError)
"""What is raised for a message that is not what it should be."""

Parts: TypeAlias = tuple[Any, ...]
"""All of a message: role, name, recipient, channel, content type, and its texts."""

ROLE, CHANNEL = 0, 3
"""Where in the parts of a message these two are."""

Span: TypeAlias = tuple[int, int]

_ABSENT = (-1, 0)

_FUNCTIONS_CHANNEL = (
    "\nCalls to these tools must go to the commentary channel: 'functions'."
)


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
            records += (CONTINUED, *_ABSENT * 4, *content)
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

    def _span(self, text: str | None) -> Span:
        """Add text; return where it is."""
        if text is None:
            return _ABSENT
        data = utf8(text)
        start = len(self.text)
        self.text += data
        return start, len(data)


def utf8(text: str) -> bytes:
    """Return text in UTF-8, as ``well_formed`` makes it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return well_formed(text).encode()


def message_parts(message: Message, function_tools: bool) -> Parts:
    """Return what is rendered of a message.

    ``function_tools``: whether its conversation has function tools. Raises one of
    ``FAULTS`` for a content that its author can't have, and for other objects.
    """
    author = message.author
    role = author.role if type(author.role) is Role else Role(author.role)
    texts = [content_text(item, role, function_tools) for item in message.content]
    name, recipient, channel = author.name, message.recipient, message.channel
    return role, name, recipient, channel, message.content_type, *texts


def content_text(content: Content, role: Role, function_tools: bool) -> str:
    r"""Return the text of one content item of a message by a role.

    >>> content_text(DeveloperContent("Be brief."), Role.DEVELOPER, False)
    '# Instructions\n\nBe brief.'
    """
    if isinstance(content, TextContent):
        return content.text
    if isinstance(content, SystemContent):
        _check_author(content, role, Role.SYSTEM)
        return system_text(content, function_tools)
    if isinstance(content, DeveloperContent):
        _check_author(content, role, Role.DEVELOPER)
        return developer_text(content)
    raise RenderError(f"a {type(content).__name__} is no content that can be rendered")


def _check_author(content: Content, role: Role, wanted: Role) -> None:
    if role is not wanted:
        raise RenderError(
            f"a {type(content).__name__} belongs in a message by "
            f"{wanted.value!r}, not by {role.value!r}"
        )


def has_function_tools(messages: Iterable[Message]) -> bool:
    """Tell whether a developer prompt brings functions: tools under ``functions``."""
    for message in messages:
        for content in message.content:
            if isinstance(content, DeveloperContent) and content.tools:
                functions = content.tools.get("functions")
                if functions is not None and functions.tools:
                    return True
    return False


# Prompts


def system_text(content: SystemContent, function_tools: bool) -> str:
    """Return a system prompt: its sections, with a blank line between them."""
    return "\n\n".join(_system_sections(content, function_tools))


def _system_sections(content: SystemContent, function_tools: bool) -> Iterator[str]:
    about = []
    if content.model_identity is not None:
        about.append(content.model_identity)
    if content.knowledge_cutoff is not None:
        about.append(f"Knowledge cutoff: {content.knowledge_cutoff}")
    if content.conversation_start_date is not None:
        about.append(f"Current date: {content.conversation_start_date}")
    if about:
        yield "\n".join(about)
    if content.reasoning_effort is not None:
        yield f"Reasoning: {content.reasoning_effort.lower()}"
    if content.tools:
        yield tools_section(content.tools)
    if content.channel_config is not None and content.channel_config.valid_channels:
        yield _channels_section(content.channel_config, function_tools)


def _channels_section(config: ChannelConfig, function_tools: bool) -> str:
    section = f"# Valid channels: {', '.join(config.valid_channels)}."
    if config.channel_required:
        section += " Channel must be included for every message."
    return section + _FUNCTIONS_CHANNEL if function_tools else section


def developer_text(content: DeveloperContent) -> str:
    """Return a developer prompt: its sections, with a blank line between them."""
    sections = []
    if content.instructions is not None:
        sections += ["# Instructions", content.instructions]
    if content.tools:
        sections.append(tools_section(content.tools))
    return "\n\n".join(sections)
