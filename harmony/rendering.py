"""What a prompt says: contents as text, and conversations as records for C.

Here is everything of the format that is not the frame of a message: system and
developer prompts and their sections. The frame (``<|start|>``, header, ``<|end|>``)
is written in csrc/render.c from what ``plan`` returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from harmony.errors import RenderError
from harmony.messages import (
    ChannelConfig,
    Content,
    DeveloperContent,
    Message,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from harmony.surrogates import well_formed
from harmony.typescript import typescript

ROLE_NUMBERS = {role: number for number, role in enumerate(Role)}
"""The number of each role: its place in ``Role``, as in ``harmony_role`` in C."""

CONTINUED = len(Role)
"""The role number of a further content item of the same message."""

FAULTS = (RenderError, AttributeError, TypeError, ValueError)
"""What is raised for a message that is not what it should be."""

Word: TypeAlias = str | None
Parts: TypeAlias = tuple[Role, Word, Word, Word, Word, list[str]]
"""What is rendered of a message: role, name, recipient, channel, content type, texts"""

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
        self._stand_ins: dict[tuple[Role, Word], tuple[int, ...]] = {}

    def add(self, parts: Parts) -> None:
        """Add a message."""
        role, name, recipient, channel, content_type, texts = parts
        word = self._word
        contents = [self._span(text) for text in texts] or [_ABSENT]
        self.records += (ROLE_NUMBERS[role], *word(name), *word(recipient))
        self.records += (*word(channel), *word(content_type), *contents[0])
        for content in contents[1:]:
            self.records += (CONTINUED, *_ABSENT * 4, *content)
        self.message_count += 1

    def add_stand_in(self, role: Role, channel: str | None) -> None:
        """Add a message that is all but empty, in the place of one already rendered.

        The role and the channel are what counts for leaving out messages.
        """
        record = self._stand_ins.get((role, channel))
        if record is None:
            before, after = (0, 0, *_ABSENT), (*_ABSENT, *_ABSENT)
            record = (ROLE_NUMBERS[role], *before, *self._word(channel), *after)
            self._stand_ins[role, channel] = record
        self.records += record
        self.message_count += 1

    def _word(self, word: Word) -> Span:
        """Add a word of a header, once for all headers that have it."""
        if word is None:
            return _ABSENT
        span = self._spans.get(word)
        if span is None:
            span = self._spans[word] = self._span(word)
        return span

    def _span(self, text: str) -> Span:
        """Add text; return where it is."""
        try:
            data = text.encode()
        except UnicodeEncodeError:
            data = well_formed(text).encode()
        start = len(self.text)
        self.text += data
        return start, len(data)


def message_parts(message: Message, function_tools: bool) -> Parts:
    """Return what is rendered of a message.

    ``function_tools``: whether its conversation has function tools. Raises one of
    ``FAULTS`` for a content that its author can't have, and for other objects.
    """
    author = message.author
    role = Role(author.role)
    texts = [content_text(item, role, function_tools) for item in message.content]
    name, recipient, channel = author.name, message.recipient, message.channel
    return role, name, recipient, channel, message.content_type, texts


def content_text(content: Content, role: Role, function_tools: bool) -> str:
    r"""Return the text of one content item of a message by a role.

    >>> content_text(DeveloperContent("Be brief."), Role.DEVELOPER, False)
    '# Instructions\n\nBe brief.'
    """
    if isinstance(content, TextContent):
        return content.text
    if isinstance(content, SystemContent):
        _check_author(content, role, Role.SYSTEM)
        return system_text(content, _section(content.tools), function_tools)
    if isinstance(content, DeveloperContent):
        _check_author(content, role, Role.DEVELOPER)
        return developer_text(content, _section(content.tools))
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


def system_text(content: SystemContent, tools: str | None, function_tools: bool) -> str:
    """Return a system prompt: its sections, with a blank line between them.

    ``tools``: the section on its tools, if it has any.
    """
    return "\n\n".join(_system_sections(content, tools, function_tools))


def _system_sections(
    content: SystemContent, tools: str | None, function_tools: bool
) -> Iterator[str]:
    about = [
        content.model_identity,
        _labelled("Knowledge cutoff", content.knowledge_cutoff),
        _labelled("Current date", content.conversation_start_date),
    ]
    lines = [line for line in about if line is not None]
    if lines:
        yield "\n".join(lines)
    if content.reasoning_effort is not None:
        yield f"Reasoning: {content.reasoning_effort.lower()}"
    if tools is not None:
        yield tools
    if content.channel_config is not None and content.channel_config.valid_channels:
        yield _channels_section(content.channel_config, function_tools)


def _labelled(label: str, value: str | None) -> str | None:
    return None if value is None else f"{label}: {value}"


def _channels_section(config: ChannelConfig, function_tools: bool) -> str:
    section = f"# Valid channels: {', '.join(config.valid_channels)}."
    if config.channel_required:
        section += " Channel must be included for every message."
    return section + _FUNCTIONS_CHANNEL if function_tools else section


def developer_text(content: DeveloperContent, tools: str | None) -> str:
    """Return a developer prompt: its sections, with a blank line between them.

    ``tools``: the section on its tools, if it has any.
    """
    sections = []
    if content.instructions is not None:
        sections += ["# Instructions", content.instructions]
    if tools is not None:
        sections.append(tools)
    return "\n\n".join(sections)


# Tools


def _section(tools: dict[str, ToolNamespaceConfig] | None) -> str | None:
    return tools_section(tools) if tools else None


def tools_section(tools: dict[str, ToolNamespaceConfig]) -> str:
    """Return the section on tools: its namespaces in the order of their keys."""
    namespaces = [_namespace_text(tools[key]) for key in sorted(tools)]
    return "\n\n".join(["# Tools", *namespaces])


def _namespace_text(namespace: ToolNamespaceConfig) -> str:
    mark = "// " if namespace.tools else ""
    parts = [f"## {namespace.name}\n", *_marked(mark, namespace.description)]
    if namespace.tools:
        parts.append(f"namespace {namespace.name} {{\n")
        for tool in namespace.tools:
            parts += _tool_lines(tool)
        parts.append(f"}} // namespace {namespace.name}")
    return "\n".join(parts)


def _tool_lines(tool: ToolDescription) -> Iterator[str]:
    yield from _marked("// ", tool.description)
    if tool.parameters is None:
        yield f"type {tool.name} = () => any;\n"
    else:
        yield f"type {tool.name} = (_: {typescript(tool.parameters)}) => any;\n"


def _marked(mark: str, text: str | None) -> list[str]:
    r"""Return the lines of a text, each behind a mark.

    A line ends in ``\n`` or ``\r\n``. Behind the last one there is no further line,
    and an empty text has none, as in the reference.
    """
    if not text:
        return []
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    return [mark + line for line in lines]
