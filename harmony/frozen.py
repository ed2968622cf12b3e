"""Messages as values: hashable, unchangeable, and holding all that is rendered.

``frozen`` puts a message down as a value, ``thawed`` returns what is rendered of that
value, and never looks at the message. So equal values are rendered alike.

A prompt is put down as bytes, by ``marshal``, which tells apart what Python takes to
be equal (1, 1.0 and True), keeps the order of keys and takes no subclasses. What it
takes beyond JSON, such as bytes, is refused when the prompt is made again.
"""

from __future__ import annotations

import marshal
from sys import getsizeof
from typing import Any, TypeAlias

from harmony.cache import Cache
from harmony.checks import plain_key
from harmony.contents import (
    ChannelConfig,
    DeveloperContent,
    ReasoningEffort,
    SystemContent,
    TextContent,
)
from harmony.messages import Author, Message, Role
from harmony.rendering import (
    FAULTS,
    Parts,
    developer_text,
    system_text,
    tools_section,
)
from harmony.tools import ToolDescription, ToolNamespaceConfig

Frozen: TypeAlias = tuple[Any, ...]
"""Role, name, recipient, channel, content type; then each content: its text, or for a
prompt its class, its tools in bytes if it has any, and its other fields in bytes."""

ROLE, CHANNEL = 0, 3
"""Where in a value these two are."""

_DETERMINISTIC = 2
"""The version of marshal's format: those behind it depend on reference counts."""


def frozen(message: Message, function_tools: bool) -> Frozen:
    """Return a message as a value, or () if some part of it is not of a plain type.

    ``function_tools``: whether its conversation has function tools.
    """
    if type(message) is not Message:
        return ()
    try:
        author = message.author
        role, name = author.role, author.name
        recipient, channel = message.recipient, message.channel
        content_type, contents = message.content_type, message.content
        if (
            type(author) is Author
            and type(role) is Role
            and (name is None or type(name) is str)
            and (recipient is None or type(recipient) is str)
            and (channel is None or type(channel) is str)
            and (content_type is None or type(content_type) is str)
            and type(contents) is list
        ):
            items = [_item(content, role, function_tools) for content in contents]
            return role, name, recipient, channel, content_type, *items
    except FAULTS:
        pass
    return ()


def thawed(value: Frozen) -> Parts | None:
    """Return what is rendered of a value, or None for () and a prompt with a fault."""
    if not value:
        return None
    role, name, recipient, channel, content_type, *items = value
    try:
        texts = [item if type(item) is str else _prompt(*item) for item in items]
    except FAULTS:
        return None
    return role, name, recipient, channel, content_type, texts


def _item(content: Any, role: Role, function_tools: bool) -> Any:
    kind = type(content)
    if kind is TextContent and type(content.text) is str:
        return content.text
    if kind is SystemContent and role is Role.SYSTEM:
        return kind, _tool_bytes(content.tools), _system_bytes(content, function_tools)
    if kind is DeveloperContent and role is Role.DEVELOPER:
        return kind, _tool_bytes(content.tools), _developer_bytes(content)
    raise TypeError("no plain content")


def _prompt(kind: type, tools: bytes | None, fields: bytes) -> str:
    section = None if tools is None else _section(tools)
    if kind is SystemContent:
        return _system_prompt(section, fields)
    return _developer_prompt(section, fields)


# System and developer prompts: to bytes, and made again from these. The constructors
# check what they are given, so whatever is no JSON value raises ValueError here.


def _system_bytes(content: SystemContent, function_tools: bool) -> bytes:
    effort = content.reasoning_effort
    fields = (
        content.model_identity,
        effort.value if type(effort) is ReasoningEffort else effort,
        content.conversation_start_date,
        content.knowledge_cutoff,
        _channel_fields(content.channel_config),
        function_tools,
    )
    return marshal.dumps(fields, _DETERMINISTIC)


def _system_prompt(section: str | None, data: bytes) -> str:
    identity, effort, date, cutoff, channels, function_tools = marshal.loads(data)
    config = None if channels is None else ChannelConfig(*channels)
    content = SystemContent(identity, effort, date, cutoff, config)
    return system_text(content, section, function_tools)


def _channel_fields(config: ChannelConfig | None) -> Any:
    if config is None:
        return None
    if type(config) is not ChannelConfig or type(config.valid_channels) is not list:
        raise TypeError("no plain channels")
    return config.valid_channels, config.channel_required


def _developer_bytes(content: DeveloperContent) -> bytes:
    return marshal.dumps(content.instructions, _DETERMINISTIC)


def _developer_prompt(section: str | None, data: bytes) -> str:
    return developer_text(DeveloperContent(marshal.loads(data)), section)


# The tools of a prompt. They are often the same in prompts that differ, by their date
# for one, and their text takes longest to make, so it is kept.


_sections = Cache(2**21)


def _section(data: bytes) -> str:
    """Return the text of tools."""
    section: str | None = _sections.get(data)
    if section is None:
        section = tools_section(_tools(marshal.loads(data)))
        _sections.put(data, section, getsizeof(data) + getsizeof(section))
    return section


def _tool_bytes(tools: dict[str, ToolNamespaceConfig] | None) -> bytes | None:
    if tools is None:
        return None
    if type(tools) is not dict:
        raise TypeError("no plain tools")
    fields = [(key, *_namespace_fields(item)) for key, item in tools.items()]
    return marshal.dumps(fields, _DETERMINISTIC) if fields else None


def _namespace_fields(namespace: ToolNamespaceConfig) -> tuple[Any, ...]:
    tools = namespace.tools
    if type(namespace) is not ToolNamespaceConfig or type(tools) is not list:
        raise TypeError("no plain namespace")
    if not all(type(tool) is ToolDescription for tool in tools):
        raise TypeError("no plain tool")
    fields = [(tool.name, tool.description, tool.parameters) for tool in tools]
    return namespace.name, namespace.description, fields


def _tools(fields: Any) -> dict[str, ToolNamespaceConfig]:
    return {
        plain_key("tools", key): ToolNamespaceConfig(
            name, description, [_tool(*tool) for tool in tools]
        )
        for key, name, description, tools in fields
    }


def _tool(name: str, description: str | None, parameters: Any) -> ToolDescription:
    tool = ToolDescription(name, description)
    tool.parameters = parameters  # not copied again; rendering checks it
    return tool
