"""The tools of a request: what is declared, and which of it may or must be called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from harmony._openai.fields import (
    fault,
    optional_text,
    placed,
    required,
    table,
    text_under,
    unknown,
)
from harmony._openai.names import ClientName, ToolNames
from harmony.tools import ToolDescription, ToolNamespaceConfig

UnknownTools = Literal["error", "skip"]

BUILTIN = {
    "browser": ToolNamespaceConfig.browser,
    "python": ToolNamespaceConfig.python,
}
"""The tools that the model knows by itself; they stand in the system message."""

_CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}


@dataclass
class Function:
    """A function or custom tool of a request. ``where`` is the path of its fields."""

    client: ClientName
    where: str
    description: str | None
    parameters: dict[str, Any] | None
    custom: bool = False

    @property
    def name_where(self) -> str:
        """The path of its name."""
        return f"{self.where}.name"


@dataclass
class Tools:
    """What a request declares.

    ``skipped``: the types of what nobody here knows.
    """

    functions: list[Function] = field(default_factory=list)
    builtin: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def names(self, rename: bool) -> ToolNames:
        """Return the names of the functions, with room for those of the history."""
        declared = [(tool.name_where, tool.client) for tool in self.functions]
        return ToolNames(declared, rename=rename)

    def custom(self) -> frozenset[ClientName]:
        """Return the names of the custom tools, whose input is text."""
        return frozenset(tool.client for tool in self.functions if tool.custom)

    def described(self, names: ToolNames) -> list[ToolDescription]:
        """Return the functions under the model's names for them.

        Raises ``ValueError`` at the path of a parameter that is not JSON.
        """
        return [_described(tool, names) for tool in self.functions]

    def system_tools(self) -> dict[str, ToolNamespaceConfig] | None:
        """Return the built-in tools."""
        if not self.builtin:
            return None
        return {name: BUILTIN[name]() for name in self.builtin}

    def add_builtin(self, name: str) -> None:
        """Add a built-in tool, once."""
        if name not in self.builtin:
            self.builtin.append(name)


def _described(tool: Function, names: ToolNames) -> ToolDescription:
    name = names.add(tool.name_where, tool.client)
    try:
        return ToolDescription(name, tool.description, tool.parameters)
    except ValueError as error:
        inside = str(error).removeprefix("ToolDescription.")
        raise ValueError(f"{tool.where}.{inside}") from None


# Declarations


def read_chat_tools(value: object, unknown_tools: UnknownTools) -> Tools:
    """Read ``tools`` of a chat request: each tool's fields are under its type."""
    tools = Tools()
    for where, item in placed("tools", value):
        tool = table(where, item)
        kind = required(where, tool, "type")
        if kind in ("function", "custom"):
            inner = f"{where}.{kind}"
            tool = table(inner, required(where, tool, kind))
            _add_function(tools, inner, kind, tool)
        else:
            _skip(tools, where, kind, unknown_tools)
    _check_once(tools)
    return tools


def read_responses_tools(value: object, unknown_tools: UnknownTools) -> Tools:
    """Read ``tools`` of a Responses request: each tool's fields are its own."""
    tools = Tools()
    for where, item in placed("tools", value):
        tool = table(where, item)
        kind = required(where, tool, "type")
        if kind in ("function", "custom"):
            _add_function(tools, where, kind, tool)
        elif kind == "namespace":
            _add_namespace(tools, where, tool, unknown_tools)
        elif builtin_name(kind) is not None:
            tools.add_builtin(builtin_name(kind) or "")
        else:
            _skip(tools, where, kind, unknown_tools)
    _check_once(tools)
    return tools


def builtin_name(kind: object) -> str | None:
    """Return the built-in tool that a type of the Responses API stands for."""
    if isinstance(kind, str) and kind.startswith(("web_search", "browser_search")):
        return "browser"
    return "python" if kind == "code_interpreter" else None


def _skip(tools: Tools, where: str, kind: object, unknown_tools: UnknownTools) -> None:
    if unknown_tools == "error" or not isinstance(kind, str):
        raise fault(f"{where}.type", f"{kind!r} is no tool that is known here")
    tools.skipped.append(kind)


def _add_function(
    tools: Tools,
    where: str,
    kind: str,
    tool: dict[str, Any],
    namespace: str | None = None,
) -> None:
    name = ClientName(text_under(where, tool, "name"), namespace)
    description = optional_text(where, tool, "description")
    parameters = tool.get("parameters")
    if kind == "custom":
        description = _with_grammar(where, description, tool.get("format"))
        parameters = _CUSTOM_PARAMETERS
    elif parameters is not None:
        table(f"{where}.parameters", parameters)
    tools.functions.append(
        Function(name, where, description, parameters, custom=kind == "custom")
    )


def _with_grammar(where: str, description: str | None, form: object) -> str | None:
    """Return a custom tool's description with what its input has to match."""
    if form is None:
        return description
    where = f"{where}.format"
    grammar = table(where, form)
    kind = required(where, grammar, "type")
    if kind == "text":
        return description
    if kind != "grammar":
        raise unknown(f"{where}.type", kind, ("text", "grammar"))
    if "grammar" in grammar:  # a chat request has its fields one level down
        where = f"{where}.grammar"
        grammar = table(where, grammar["grammar"])
    syntax = text_under(where, grammar, "syntax")
    definition = text_under(where, grammar, "definition")
    rule = f"Input must match this {syntax} grammar:\n{definition}"
    return f"{description}\n{rule}" if description else rule


def _add_namespace(
    tools: Tools, where: str, namespace: dict[str, Any], unknown_tools: UnknownTools
) -> None:
    """Add the tools of a namespace, its description above the first of them."""
    name = text_under(where, namespace, "name")
    about = optional_text(where, namespace, "description")
    first = len(tools.functions)
    for inner, item in placed(f"{where}.tools", namespace.get("tools")):
        tool = table(inner, item)
        kind = required(inner, tool, "type")
        if kind in ("function", "custom"):
            _add_function(tools, inner, kind, tool, name)
        else:
            _skip(tools, inner, kind, unknown_tools)
    if about and len(tools.functions) > first:
        top = tools.functions[first]
        top.description = f"{about}\n{top.description}" if top.description else about


def _check_once(tools: Tools) -> None:
    seen = set()
    for tool in tools.functions:
        if tool.client in seen:
            raise fault(tool.name_where, f"{tool.client.name!r} is there twice")
        seen.add(tool.client)


# Choice


@dataclass(frozen=True)
class Choice:
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
    kind = required("tool_choice", choice, "type")
    if kind == "allowed_tools":
        return _allowed(choice, tools)
    return Choice(must_call=True, may_call=(_chosen("tool_choice", choice, tools),))


def _allowed(choice: dict[str, Any], tools: Tools) -> Choice:
    where = "tool_choice"
    if "allowed_tools" in choice:  # a chat request has its fields one level down
        where = "tool_choice.allowed_tools"
        choice = table(where, choice["allowed_tools"])
    mode = required(where, choice, "mode")
    if mode not in ("auto", "required"):
        raise unknown(f"{where}.mode", mode, ("auto", "required"))
    listed = required(where, choice, "tools")
    names = [
        _chosen(
            f"{where}.tools[{index}]", table(f"{where}.tools[{index}]", item), tools
        )
        for index, item in enumerate(listed)
    ]
    return Choice(must_call=mode == "required", may_call=tuple(dict.fromkeys(names)))


def _chosen(where: str, tool: dict[str, Any], tools: Tools) -> str:
    """Return the name of a tool that is chosen. ``where`` is the path of the choice."""
    kind = required(where, tool, "type")
    builtin = builtin_name(kind)
    if builtin is not None:
        if builtin in tools.builtin:
            return builtin
        raise fault(where, f"there is no {kind!r} among the tools")
    if kind not in ("function", "custom"):
        known = ("function", "custom", "allowed_tools")
        raise unknown(f"{where}.type", kind, known)
    inner = where
    if kind in tool:  # a chat request has its fields one level down
        inner = f"{where}.{kind}"
        tool = table(inner, tool[kind])
    name = text_under(inner, tool, "name")
    if name not in {function.client.name for function in tools.functions}:
        raise fault(where, f"there is no tool {name!r}")
    return name
