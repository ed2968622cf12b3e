"""What system and developer messages say, their tools included.

The words are those the models were trained on. The frame around a message
(``<|start|>``, header, ``<|end|>``) is written in csrc/render.c.

The section on tools is remembered. The same tools come with every prompt of a
program, while the prompt itself changes, if only by its date; and of all that is
rendered, the types of their parameters take longest to write. But a tool can be
changed at any time, so the section is kept under what the tools say: their fields in
bytes, by ``marshal``. It tells apart what Python takes to be equal (1, 1.0 and True),
keeps the order of keys and takes no subclasses. The section is written from these
bytes too, never from the tools, so what is found for some bytes is what would be
written. Of tools with the same names, the fields that came first are kept beside their
bytes: C compares others with them (``are_same``) in a tenth of the time that bytes
take, and just as strictly.

What is remembered of a whole prompt is remembered under what it says (``SystemPrompt``,
``DeveloperPrompt``), so that it need not be put together to be found.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from harmony._native.straight import are_same
from harmony.cache import Cache, size_of
from harmony.errors import RenderError
from harmony.messages import (
    SCHEMAS,
    Content,
    DeveloperContent,
    Message,
    ReasoningEffort,
    ResponseFormat,
    Role,
    SystemContent,
    TextContent,
)
from harmony.tools import ToolDescription, ToolNamespaceConfig
from harmony.typescript import typescript

REFERENCE = SCHEMAS[0]

_FUNCTIONS_CHANNEL = (
    "\nCalls to these tools must go to the commentary channel: 'functions'."
)

SECTIONS_SIZE = 2**21
"""Bytes that the sections remembered may take."""

_MARSHAL_VERSION = 2
"""The version of marshal's format: later ones depend on reference counts."""

_WriteTools: TypeAlias = Callable[[ToolNamespaceConfig], Iterator[Iterable[str]]]

_WORDS = frozenset({str, type(None)})

_STRINGS = frozenset({str})

_LOADED = 8
"""How many times as much memory as their bytes values take, generously."""

_sections = Cache(SECTIONS_SIZE)
_seen = Cache(SECTIONS_SIZE)


def content_text(
    content: Content, role: Role, function_tools: bool, schemas: str = REFERENCE
) -> str:
    r"""Return the text of one content item of a message by a role.

    ``schemas``: how the parameters of tools are written, "reference" or "complete".

    >>> content_text(DeveloperContent("Be brief."), Role.DEVELOPER, False)
    '# Instructions\n\nBe brief.'
    """
    said = unwritten(content, role, function_tools, schemas)
    return said.text() if isinstance(said, PROMPTS) else said


def unwritten(
    content: Content, role: Role, function_tools: bool, schemas: str = REFERENCE
) -> str | Prompt:
    """Return the same, but of a plain prompt what it says, not yet put together."""
    if isinstance(content, TextContent):
        return content.text
    prompt: Prompt
    if isinstance(content, SystemContent):
        _check_author(content, role, Role.SYSTEM)
        prompt = _system_prompt(content, function_tools, schemas)
    elif isinstance(content, DeveloperContent):
        _check_author(content, role, Role.DEVELOPER)
        prompt = _developer_prompt(content, schemas)
    else:
        what = type(content).__name__
        raise RenderError(f"a {what} is no content that can be rendered")
    return prompt if prompt.is_plain() else prompt.text()


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


class SystemPrompt(NamedTuple):
    """What a system prompt says, before it is put together.

    Like any tuple it never changes; if it is plain, two are equal only if they have
    the same text. C makes them too (``plain_parts``).
    """

    identity: str | None
    cutoff: str | None
    date: str | None
    effort: str | None
    tools: str | None
    channels: tuple[str, ...] | None
    channel_required: bool
    function_tools: bool

    def is_plain(self) -> bool:
        """Tell whether all fields are of their very types."""
        *words, channels, channel_required, function_tools = self
        return (
            _WORDS.issuperset(map(type, words))
            and (channels is None or type(channels) is tuple)
            and type(channel_required) is type(function_tools) is bool
        )

    def text(self) -> str:
        """Return its sections, with a blank line between them."""
        sections, about = [], []
        if self.identity is not None:
            about.append(self.identity)
        if self.cutoff is not None:
            about.append(f"Knowledge cutoff: {self.cutoff}")
        if self.date is not None:
            about.append(f"Current date: {self.date}")
        if about:
            sections.append("\n".join(about))
        if self.effort is not None:
            sections.append(f"Reasoning: {self.effort.lower()}")
        if self.tools is not None:
            sections.append(self.tools)
        if self.channels is not None:
            sections.append(self._channels_section(self.channels))
        return "\n\n".join(sections)

    def _channels_section(self, channels: tuple[str, ...]) -> str:
        section = f"# Valid channels: {', '.join(channels)}."
        if self.channel_required:
            section += " Channel must be included for every message."
        return section + _FUNCTIONS_CHANNEL if self.function_tools else section


class DeveloperPrompt(NamedTuple):
    """What a developer prompt says, likewise."""

    instructions: str | None
    tools: str | None
    response_formats: list[ResponseFormat] | None

    def is_plain(self) -> bool:
        """Tell whether there are only strings."""
        *words, formats = self
        return formats is None and _WORDS.issuperset(map(type, words))

    def text(self) -> str:
        """Return its sections, with a blank line between them."""
        return developer_sections(*self)


Prompt: TypeAlias = SystemPrompt | DeveloperPrompt
PROMPTS = SystemPrompt, DeveloperPrompt


def system_text(
    content: SystemContent, function_tools: bool, schemas: str = REFERENCE
) -> str:
    """Return a system prompt: its sections, with a blank line between them."""
    return _system_prompt(content, function_tools, schemas).text()


def _system_prompt(
    content: SystemContent, function_tools: bool, schemas: str
) -> SystemPrompt:
    config, effort = content.channel_config, content.reasoning_effort
    channels = None if config is None else config.valid_channels or None
    return SystemPrompt(
        content.model_identity,
        content.knowledge_cutoff,
        content.conversation_start_date,
        effort.value if type(effort) is ReasoningEffort else effort,
        tools_section(content.tools, schemas) if content.tools else None,
        _as_field(channels),
        config is not None and channels is not None and config.channel_required,
        function_tools,
    )


def _as_field(channels: Any) -> Any:
    """Return plain channels as a tuple, and what is not plain as no tuple."""
    if type(channels) is list and _STRINGS.issuperset(map(type, channels)):
        return tuple(channels)
    return list(channels) if type(channels) is tuple else channels


def developer_text(content: DeveloperContent, schemas: str = REFERENCE) -> str:
    """Return a developer prompt: its sections, with a blank line between them."""
    return _developer_prompt(content, schemas).text()


def _developer_prompt(content: DeveloperContent, schemas: str) -> DeveloperPrompt:
    tools = tools_section(content.tools, schemas) if content.tools else None
    formats = content.response_formats or None
    return DeveloperPrompt(content.instructions, tools, formats)


def developer_sections(
    instructions: str | None,
    tools: str | None,
    response_formats: list[ResponseFormat] | None,
) -> str:
    """Return the same, of instructions, a section on tools, and formats."""
    sections = []
    if instructions is not None:
        sections += ["# Instructions", instructions]
    if tools is not None:
        sections.append(tools)
    if response_formats:
        sections.append("# Response Formats")
        sections += map(_format_text, response_formats)
    return "\n\n".join(sections)


def _format_text(response_format: ResponseFormat) -> str:
    """Return one response format; its schema is compact JSON, keys as they came."""
    import json  # late: only who wants JSON answers needs it

    schema = json.dumps(
        response_format.schema, ensure_ascii=False, separators=(",", ":")
    )
    comment = _marked("// ", response_format.description)
    return "\n".join([f"## {response_format.name}\n", *comment, schema])


# The section on tools


def tools_section(
    tools: dict[str, ToolNamespaceConfig], schemas: str = REFERENCE
) -> str:
    """Return the section on tools: its namespaces in the order of their keys."""
    try:
        fields = _fields(tools)
        names = schemas, *[name for *_, tools in fields for name, *_ in tools]
        seen = _seen.get(names)
        if seen is not None and are_same(fields, seen[0]):
            return seen[1]  # type: ignore[no-any-return]
        data = _bytes(fields, schemas)
        section: str | None = _sections.get(data)
        if section is None:
            section = _written(_tools(data), schemas)
            _sections.put(data, section, size_of(data) + size_of(section))
        if seen is None:
            kept = marshal.loads(data)[1]
            _seen.put(names, (kept, section), _LOADED * len(data) + size_of(section))
    except (AttributeError, TypeError, ValueError):
        # Not made of plain objects, which can still be right, or not JSON: marshal
        # also takes bytes and sets, of which no tools can be made again.
        return _written(tools, schemas)
    return section


# Tools as fields and bytes


def _bytes(fields: list[tuple[Any, ...]], schemas: str) -> bytes:
    return marshal.dumps((schemas, fields), _MARSHAL_VERSION)


def _fields(tools: dict[str, ToolNamespaceConfig]) -> list[tuple[Any, ...]]:
    if type(tools) is not dict:
        raise TypeError("no plain dict")
    return [(key, *_namespace_fields(item)) for key, item in tools.items()]


def _namespace_fields(namespace: ToolNamespaceConfig) -> tuple[Any, ...]:
    tools = namespace.tools
    if type(namespace) is not ToolNamespaceConfig or type(tools) is not list:
        raise TypeError("no plain namespace")
    if not all([type(tool) is ToolDescription for tool in tools]):
        raise TypeError("no plain tool")
    fields = [(tool.name, tool.description, tool.parameters) for tool in tools]
    return namespace.name, namespace.description, fields


def _tools(data: bytes) -> dict[str, ToolNamespaceConfig]:
    """Make tools of bytes; the constructors check all fields but the parameters."""
    return {
        key: ToolNamespaceConfig(name, description, [_tool(*tool) for tool in tools])
        for key, name, description, tools in marshal.loads(data)[1]
    }


def _tool(name: str, description: str | None, parameters: Any) -> ToolDescription:
    tool = ToolDescription(name, description)
    tool.parameters = parameters  # not copied again; writing their type checks them
    return tool


# Tools as text


def _written(tools: dict[str, ToolNamespaceConfig], schemas: str) -> str:
    write = _complete_tools if schemas == "complete" else _tools_as_known
    namespaces = [_namespace_text(tools[key], write) for key in sorted(tools)]
    return "\n\n".join(["# Tools", *namespaces])


def _namespace_text(namespace: ToolNamespaceConfig, write: _WriteTools) -> str:
    parts = [f"## {namespace.name}\n"]
    if not namespace.tools:
        return "\n".join(parts + _marked("", namespace.description))
    about, *tools = write(namespace)
    parts += [*about, f"namespace {namespace.name} {{\n"]
    for lines in tools:
        parts += lines
    parts.append(f"}} // namespace {namespace.name}")
    return "\n".join(parts)


def _tools_as_known(namespace: ToolNamespaceConfig) -> Iterator[Iterable[str]]:
    """Give the lines above a namespace, then each tool's, as the models know them."""
    yield _marked("// ", namespace.description)
    yield from map(_tool_lines, namespace.tools)


def _complete_tools(namespace: ToolNamespaceConfig) -> Iterator[Iterable[str]]:
    """Give the same, with all that the schemas say."""
    from harmony.complete_typescript import comment_lines, complete_typescript

    yield [f"// {line}" for line in comment_lines(namespace.description or None)]
    taken = {tool.name for tool in namespace.tools}
    for tool in namespace.tools:
        comment = [f"// {line}" for line in comment_lines(tool.description or None)]
        if tool.parameters is None:
            yield [*comment, f"type {tool.name} = () => any;\n"]
            continue
        declared, text = complete_typescript(tool.parameters, tool.name, taken)
        yield [*declared, *comment, f"type {tool.name} = (_: {text}) => any;\n"]


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
