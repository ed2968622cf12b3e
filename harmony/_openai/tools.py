"""The tools of a request: what is declared, and which of it may or must be called.

The same tools come with every request of a program, and reading them takes longest of
all. So what was read is remembered under the request's own ``tools`` in bytes; see
``harmony.prompts``, which remembers their text in the same way.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harmony._model.checks import shown
from harmony._openai.fields import (
    Place,
    fault,
    optional_text,
    path,
    placed,
    required,
    table,
    text,
    unknown,
)
from harmony._openai.names import ClientName, ToolNames
from harmony.cache import Cache, size_of
from harmony.prompts import tools_section
from harmony.tools import ToolDescription, ToolNamespaceConfig

UnknownTools = Literal["error", "skip"]
Api = Literal["chat", "responses"]

BUILTIN = {
    "browser": ToolNamespaceConfig.browser,
    "python": ToolNamespaceConfig.python,
}
"""The tools that the model knows by itself; they stand in the system message."""

CACHE_SIZE = 2**21
"""Bytes that the tools remembered may take, about."""

_CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}
_MARSHAL_VERSION = 2
_SHARE = 8  # what is read of tools takes about so many times their bytes

_cache = Cache(CACHE_SIZE)


@dataclass(frozen=True)
class Tools:
    """What a request declares. It is shared by requests, and never changed.

    ``names``: of the functions. ``custom``: the tools whose input is text.
    ``described``: the functions, under the model's names for them; ``section`` is
    what the prompt says of them. ``inputs``: of custom tools whose input has a
    grammar, the syntax and the definition, by the same names. ``skipped``: the types
    of what nobody here knows.
    """

    names: ToolNames
    custom: frozenset[ClientName]
    described: tuple[ToolDescription, ...]
    inputs: dict[str, tuple[str, str]]
    section: str | None
    builtin: tuple[str, ...]
    skipped: tuple[str, ...]

    def functions(self) -> dict[str, ToolNamespaceConfig]:
        """Return the namespace of the functions, a new one each time."""
        copies = [ToolDescription.from_dict(tool.to_dict()) for tool in self.described]
        return {"functions": ToolNamespaceConfig("functions", tools=copies)}


def read_tools(
    value: object,
    api: Api,
    unknown_tools: UnknownTools,
    rename: bool,
    schemas: str = "reference",
) -> Tools:
    """Read ``tools`` of a request of one of the APIs.

    Raises ``ValueError`` at the path of what is wrong.
    """
    said: Any = (value, api, unknown_tools, rename, schemas)
    try:
        key = marshal.dumps(said, _MARSHAL_VERSION)
    except ValueError:  # not made of plain objects, which can still be right
        return _read(*said)
    tools: Tools | None = _cache.get(key)
    if tools is None:
        tools = _read(*said)
        _cache.put(key, tools, _SHARE * size_of(key))
    return tools


def _read(
    value: object, api: Api, unknown_tools: UnknownTools, rename: bool, schemas: str
) -> Tools:
    reader = _Reader(nested=api == "chat", unknown_tools=unknown_tools)
    for place, item in placed("tools", value):
        reader.read(place, item)
    functions = reader.functions
    _check_once(functions)
    names = ToolNames([((f.place, "name"), f.client) for f in functions], rename=rename)
    described = tuple(_described(function, names) for function in functions)
    section = None
    if described:
        namespace = ToolNamespaceConfig("functions", tools=list(described))
        section = tools_section({"functions": namespace}, schemas)
    return Tools(
        names,
        frozenset(function.client for function in functions if function.custom),
        described,
        {
            names.to_harmony(*function.client): function.grammar
            for function in functions
            if function.grammar is not None
        },
        section,
        tuple(dict.fromkeys(reader.builtin)),
        tuple(reader.skipped),
    )


# Declarations


class _Function(NamedTuple):
    """A function or custom tool of a request."""

    place: Place
    client: ClientName
    description: str | None
    parameters: Any
    custom: bool
    grammar: tuple[str, str] | None = None


@dataclass
class _Reader:
    """Reads declarations.

    ``nested``: a tool's fields are under its type, as in chat, and not its own.
    """

    nested: bool
    unknown_tools: UnknownTools
    functions: list[_Function] = field(default_factory=list)
    builtin: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def read(self, place: Place, item: object) -> None:
        """Read one tool."""
        tool = table(place, item)
        kind = required(place, tool, "type")
        if kind in ("function", "custom"):
            if self.nested:
                inner = required(place, tool, kind)
                place = place, kind
                tool = table(place, inner)
            self.functions.append(_function(place, kind, tool))
        elif kind == "namespace" and not self.nested:
            self._read_namespace(place, tool)
        elif builtin_name(kind) is not None and not self.nested:
            self.builtin.append(builtin_name(kind) or "")
        else:
            self._skip(place, kind)

    def _read_namespace(self, place: Place, namespace: dict[str, Any]) -> None:
        """Read the tools of a namespace; its description is above the first."""
        name = text(place, namespace, "name")
        about = optional_text(place, namespace, "description")
        listed = required(place, namespace, "tools")
        for inner, item in placed((place, "tools"), listed):
            tool = table(inner, item)
            kind = required(inner, tool, "type")
            if kind not in ("function", "custom"):
                self._skip(inner, kind)
                continue
            function = _function(inner, kind, tool, name)
            if about:
                said = _joined(about.removesuffix("\n"), function.description)
                function = function._replace(description=said)
                about = None
            self.functions.append(function)

    def _skip(self, place: Place, kind: object) -> None:
        if self.unknown_tools == "error" or not isinstance(kind, str):
            raise fault((place, "type"), f"{shown(kind)} is no tool that is known here")
        self.skipped.append(kind)


def builtin_name(kind: object) -> str | None:
    """Return the built-in tool that a type of the Responses API stands for."""
    if isinstance(kind, str) and kind.startswith(("web_search", "browser_search")):
        return "browser"
    return "python" if kind == "code_interpreter" else None


def _function(
    place: Place, kind: str, tool: dict[str, Any], namespace: str | None = None
) -> _Function:
    name = ClientName(text(place, tool, "name"), namespace)
    description = optional_text(place, tool, "description")
    if kind == "custom":
        grammar = _input_grammar((place, "format"), tool.get("format"))
        if grammar is not None:
            syntax, definition = grammar
            must = f"Input must match this {syntax} grammar:\n{definition}"
            description = _joined(description, must)
        return _Function(place, name, description, _CUSTOM_PARAMETERS, True, grammar)
    parameters = tool.get("parameters")
    if parameters is not None:
        table((place, "parameters"), parameters)
    return _Function(place, name, description, parameters, custom=False)


def _joined(first: str | None, second: str | None) -> str:
    return "\n".join(filter(None, (first, second)))


def _input_grammar(place: Place, form: object) -> tuple[str, str] | None:
    """Return the syntax and the definition that a custom tool's input has to match."""
    if form is None:
        return None
    grammar = table(place, form)
    kind = required(place, grammar, "type")
    if kind == "text":
        return None
    if kind != "grammar":
        raise unknown((place, "type"), kind, ("text", "grammar"))
    if "grammar" in grammar:  # a chat request has its fields one level down
        place = place, "grammar"
        grammar = table(place, grammar["grammar"])
    return text(place, grammar, "syntax"), text(place, grammar, "definition")


def _check_once(functions: list[_Function]) -> None:
    seen = set()
    for function in functions:
        if function.client in seen:
            complaint = f"{shown(function.client.name)} is there twice"
            raise fault((function.place, "name"), complaint)
        seen.add(function.client)


def _described(function: _Function, names: ToolNames) -> ToolDescription:
    name = names.add((function.place, "name"), function.client)
    try:
        return ToolDescription(name, function.description, function.parameters)
    except ValueError as error:
        inside = str(error).removeprefix("ToolDescription.")
        raise ValueError(f"{path(function.place)}.{inside}") from None


# Choice


class Choice(NamedTuple):
    """What ``tool_choice`` says.

    ``none``: no tools are written. ``must_call``: the reply has to have a call.
    ``may_call``: the names of the tools that may be called; None is any.
    """

    none: bool = False
    must_call: bool = False
    may_call: tuple[str, ...] | None = None


def read_choice(value: object, tools: Tools) -> Choice:
    """Read ``tool_choice`` of either API.

    Raises ``ValueError`` for an unknown choice, or for a tool that is not there.
    """
    if value is None or value == "auto":
        return Choice()
    if value == "none":
        return Choice(none=True)
    if value == "required":
        return Choice(must_call=True)
    if isinstance(value, str):
        raise unknown("tool_choice", value, ("none", "auto", "required"))
    choice = table("tool_choice", value)
    if required("tool_choice", choice, "type") == "allowed_tools":
        return _allowed(choice, tools)
    return Choice(must_call=True, may_call=(_chosen("tool_choice", choice, tools),))


def _allowed(choice: dict[str, Any], tools: Tools) -> Choice:
    place: Place = "tool_choice"
    if "allowed_tools" in choice:  # a chat request has its fields one level down
        place = place, "allowed_tools"
        choice = table(place, choice["allowed_tools"])
    mode = required(place, choice, "mode")
    if mode not in ("auto", "required"):
        raise unknown((place, "mode"), mode, ("auto", "required"))
    listed = required(place, choice, "tools")
    names = [
        _chosen(where, table(where, item), tools)
        for where, item in placed((place, "tools"), listed)
    ]
    return Choice(must_call=mode == "required", may_call=tuple(dict.fromkeys(names)))


def _chosen(place: Place, tool: dict[str, Any], tools: Tools) -> str:
    """Return the name of a tool that is chosen. ``place`` is that of the choice."""
    kind = required(place, tool, "type")
    builtin = builtin_name(kind)
    if builtin is not None:
        if builtin in tools.builtin:
            return builtin
        raise fault("tool_choice", f"there is no {shown(kind)} among the tools")
    if kind not in ("function", "custom"):
        known = ("function", "custom", "allowed_tools")
        raise unknown((place, "type"), kind, known)
    inner = place
    if kind in tool:  # a chat request has its fields one level down
        inner = place, kind
        tool = table(inner, tool[kind])
    name = text(inner, tool, "name")
    if not tools.names.is_declared(name):
        raise fault("tool_choice", f"there is no tool {shown(name)}")
    return name
