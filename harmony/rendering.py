"""What a prompt says: contents as text, and conversations as records for C.

Here is everything of the format that is not the frame of a message: system and
developer prompts and their sections. The frame (``<|start|>``, header, ``<|end|>``)
is written in csrc/render.c from what ``plan`` returns.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harmony.errors import RenderError
from harmony.jsontext import well_formed
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
from harmony.typescript import typescript

ROLE_NUMBERS = {role: number for number, role in enumerate(Role)}
"""The number of each role: its place in ``Role``, as in ``harmony_role`` in C."""

CONTINUED = len(Role)
"""The role number of a further content item of the same message."""

_ABSENT = (-1, 0)

_FUNCTIONS_CHANNEL = (
    "\nCalls to these tools must go to the commentary channel: 'functions'."
)


@dataclass
class Plan:
    """What the C side renders: one block of text and records that point into it.

    ``records`` has eleven int32 for each message and each further content item: the
    role number, then start and length of name, recipient, channel, content type and
    content (``harmony_message`` in harmony.h).
    """

    text: bytes
    records: array[int]


def plan(messages: Iterable[Message], *, function_tools: bool | None = None) -> Plan:
    """Return the plan of some messages.

    ``function_tools``: whether the conversation they are from has function tools;
    None to look for them. Raises ``RenderError`` for a content that its author can't
    have and for objects of other types.
    """
    messages = list(messages)
    if function_tools is None:
        function_tools = has_function_tools(messages)
    block = _Block()
    for index, message in enumerate(messages):
        try:
            _add_message(block, message, function_tools)
        except (RenderError, AttributeError, TypeError, ValueError) as error:
            raise RenderError(f"messages[{index}]: {error}") from error
    return Plan(bytes(block.text), block.records)


class _Block:
    """Text in the making, and the records that point into it."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.records = array("i")

    def span(self, text: str | None) -> tuple[int, int]:
        """Add text; return where it is."""
        if text is None:
            return _ABSENT
        start = len(self.text)
        self.text += well_formed(text).encode()
        return start, len(self.text) - start


def _add_message(block: _Block, message: Message, function_tools: bool) -> None:
    author = message.author
    header = (
        *block.span(author.name),
        *block.span(message.recipient),
        *block.span(message.channel),
        *block.span(message.content_type),
    )
    role = Role(author.role)
    spans = [
        block.span(content_text(content, role, function_tools))
        for content in message.content
    ] or [_ABSENT]
    block.records.extend((ROLE_NUMBERS[role], *header, *spans[0]))
    for span in spans[1:]:
        block.records.extend((CONTINUED, *_ABSENT * 4, *span))


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
    if content.tools:
        yield tools_section(content.tools)
    if content.channel_config is not None and content.channel_config.valid_channels:
        yield _channels_section(content.channel_config, function_tools)


def _labelled(label: str, value: str | None) -> str | None:
    return None if value is None else f"{label}: {value}"


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


# Tools


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
