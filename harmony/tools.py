"""Tools a model may call, among them the built-in browser and Python.

Wherever an object with a JSON form of its own is meant, a constructor takes that
form too: ``ToolNamespaceConfig("functions", tools=[{"name": "now"}])``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harmony._model import forms
from harmony._model.base import Model
from harmony._model.checks import (
    check_optional_text,
    check_text,
    copy_json,
    from_fields,
    instance,
    instances,
    path_step,
    plain_key,
    wrong,
)


@dataclass
class ToolDescription(Model):
    """One tool: its name, what it does, and its parameters as a JSON schema.

    ``parameters`` is any JSON object; it is copied, and None means that the tool
    takes nothing. Raises ``ValueError`` for a wrong type, wherever in it.

    >>> now = ToolDescription("now", "Tells the time.", {"type": "object"})
    >>> now.to_dict()["parameters"]
    {'type': 'object'}
    """

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        if type(self.name) is not str:
            check_text("ToolDescription.name", self.name)
        if type(self.description) is not str:
            check_optional_text("ToolDescription.description", self.description)
        if self.parameters is not None:
            self.parameters = _parameters("ToolDescription.parameters", self.parameters)

    @classmethod
    def new(
        cls,
        name: str,
        description: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> ToolDescription:
        """Make a tool; the same as the constructor."""
        return cls(name, description, parameters)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the fields that are None left out.

        Raises ``ValueError`` if a value JSON cannot say was put into
        ``parameters`` since the tool was made.
        """
        form: dict[str, Any] = {"name": self.name}
        if self.description is not None:
            form["description"] = self.description
        if self.parameters is not None:
            form["parameters"] = _parameters(
                "ToolDescription.parameters", self.parameters
            )
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ToolDescription:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("name",))


def _parameters(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong(where, "a dict or None", value, "dict_type")
    copy: dict[str, Any] = copy_json(where, value)
    return copy


@dataclass
class ToolNamespaceConfig(Model):
    """Tools that belong together, under one name.

    >>> functions = ToolNamespaceConfig("functions", tools=[ToolDescription("now")])
    >>> functions.to_dict()
    {'name': 'functions', 'tools': [{'name': 'now'}]}
    """

    name: str
    description: str | None = None
    tools: list[ToolDescription] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the fields."""
        check_text("ToolNamespaceConfig.name", self.name)
        check_optional_text("ToolNamespaceConfig.description", self.description)
        self.tools = instances(
            "ToolNamespaceConfig.tools",
            self.tools,
            ToolDescription,
            ToolDescription.from_dict,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``tools`` is always there, even if empty."""
        form: dict[str, Any] = {"name": self.name}
        if self.description is not None:
            form["description"] = self.description
        form["tools"] = [tool.to_dict() for tool in self.tools]
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ToolNamespaceConfig:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("name",))

    @staticmethod
    def browser() -> ToolNamespaceConfig:
        """Return the built-in browser: search, open and find.

        The wording is what the model was trained on, and must not be changed.
        """
        return ToolNamespaceConfig(
            "browser",
            _BROWSER,
            [
                ToolDescription("search", _SEARCH, _SEARCH_PARAMETERS),
                ToolDescription("open", _OPEN, _OPEN_PARAMETERS),
                ToolDescription("find", _FIND, _FIND_PARAMETERS),
            ],
        )

    @staticmethod
    def python() -> ToolNamespaceConfig:
        """Return the built-in Python tool, which is a description without tools.

        The wording is what the model was trained on, and must not be changed.
        """
        return ToolNamespaceConfig("python", _PYTHON)


TOOL = forms.shape(
    ToolDescription,
    forms.text("name"),
    forms.or_none(forms.text("description")),
    forms.or_none(forms.json_object("parameters")),
)
NAMESPACE = forms.shape(
    ToolNamespaceConfig,
    forms.text("name"),
    forms.or_none(forms.text("description")),
    forms.list_of(forms.one_of("tools", TOOL), []),
)


def namespaces(where: str, value: object) -> dict[str, ToolNamespaceConfig] | None:
    """Return a new dict of namespaces by key, each given itself or as JSON form."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise wrong(where, "a dict of ToolNamespaceConfig or None", value, "dict_type")
    return {
        plain_key(where, key): instance(
            where + path_step(key),
            item,
            ToolNamespaceConfig,
            ToolNamespaceConfig.from_dict,
        )
        for key, item in value.items()
    }


_BROWSER = (
    "Tool for browsing.\n"
    "The `cursor` appears in brackets before each browsing display: "
    "`[{cursor}]`.\n"
    "Cite information from the tool using the following format:\n"
    "`【{cursor}†L{line_start}(-L{line_end})?】`, for example: `【6†L9-L11】` or "
    "`【8†L3】`.\n"
    "Do not quote more than 10 words directly from the tool output.\n"
    "sources=web (default: web)"
)

_SEARCH = "Searches for information related to `query` and displays `topn` results."

_SEARCH_PARAMETERS = {
    "type": "object",
    "properties": {
        "query": {"type": "string"},
        "topn": {"type": "number", "default": 10},
        "source": {"type": "string"},
    },
    "required": ["query"],
}

_OPEN = (
    "Opens the link `id` from the page indicated by `cursor` starting at line "
    "number `loc`, showing `num_lines` lines.\n"
    "Valid link ids are displayed with the formatting: `【{id}†.*】`.\n"
    "If `cursor` is not provided, the most recent page is implied.\n"
    "If `id` is a string, it is treated as a fully qualified URL associated "
    "with `source`.\n"
    "If `loc` is not provided, the viewport will be positioned at the "
    "beginning of the document or centered on the most relevant passage, if "
    "available.\n"
    "Use this function without `id` to scroll to a new location of an opened "
    "page."
)

_OPEN_PARAMETERS = {
    "type": "object",
    "properties": {
        "id": {"type": ["number", "string"], "default": -1},
        "cursor": {"type": "number", "default": -1},
        "loc": {"type": "number", "default": -1},
        "num_lines": {"type": "number", "default": -1},
        "view_source": {"type": "boolean", "default": False},
        "source": {"type": "string"},
    },
}

_FIND = (
    "Finds exact matches of `pattern` in the current page, or the page given "
    "by `cursor`."
)

_FIND_PARAMETERS = {
    "type": "object",
    "properties": {
        "pattern": {"type": "string"},
        "cursor": {"type": "number", "default": -1},
    },
    "required": ["pattern"],
}

_PYTHON = (
    "Use this tool to execute Python code in your chain of thought. The code "
    "will not be shown to the user. This tool should be used for internal "
    "reasoning, but not for code that is intended to be visible to the user "
    "(e.g. when creating plots, tables, or files).\n"
    "\n"
    "When you send a message containing Python code to python, it will be "
    "executed in a stateful Jupyter notebook environment. python will respond "
    "with the output of the execution or time out after 120.0 seconds. The "
    "drive at '/mnt/data' can be used to save and persist user files. Internet "
    "access for this session is UNKNOWN. Depends on the cluster."
)
