"""What a message can hold: text, a system prompt, a developer prompt.

Each kind of content names itself by the ``type`` of its JSON form; the table
``CONTENT_TYPES`` at the end leads from there to the class.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from harmony._model import forms
from harmony._model.base import Model
from harmony._model.checks import (
    check_flag,
    check_form,
    check_optional_text,
    check_text,
    from_fields,
    instance,
    instances,
    items,
    json_object,
    member,
    unknown,
)
from harmony._model.refusal import refusal
from harmony.tools import NAMESPACE, ToolDescription, ToolNamespaceConfig, namespaces


class ReasoningEffort(str, Enum):
    """How much the model is to think before it answers.

    It can be spelled in upper and lower case.

    >>> ReasoningEffort("high")
    <ReasoningEffort.HIGH: 'High'>
    """

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"

    @classmethod
    def _missing_(cls, value: object) -> ReasoningEffort:
        if isinstance(value, str):
            for known in cls:
                if known.value.lower() == value.lower():
                    return known
        raise unknown("reasoning effort", value, (known.value for known in cls))


class Content(Model):
    """Base class of everything a message can hold."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Content:
        """Read the JSON form of any kind of content; see ``content_from_dict``."""
        return content_from_dict(data)

    @classmethod
    def _json_fields(cls) -> dict[str, tuple[Any, Any]]:
        """Return what the JSON form has: its type, and the fields."""
        (name,) = (name for name, kind in CONTENT_TYPES.items() if kind is cls)
        return {"type": (Literal[name], ...), **super()._json_fields()}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Tell pydantic what the JSON form looks like: any of those there are."""
        if cls is not Content:
            return super().__get_pydantic_json_schema__(schema, handler)
        from harmony._model.schema import any_of

        return any_of(cls, CONTENT_TYPES.values(), handler)


@dataclass
class TextContent(Content):
    """Plain text, as users, assistants and tools write it.

    >>> TextContent("What is 2 + 2?").to_dict()
    {'type': 'text', 'text': 'What is 2 + 2?'}
    """

    text: str

    def __post_init__(self) -> None:
        """Check the field."""
        if type(self.text) is not str:
            check_text("TextContent.text", self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"type": "text", "text": self.text}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TextContent:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("text",))


@dataclass
class ChannelConfig(Model):
    """The channels a model may write on, and whether it has to name one."""

    valid_channels: list[str]
    channel_required: bool

    def __post_init__(self) -> None:
        """Check the fields."""
        self.valid_channels = items("ChannelConfig.valid_channels", self.valid_channels)
        for index, channel in enumerate(self.valid_channels):
            if type(channel) is not str:
                check_text(f"ChannelConfig.valid_channels[{index}]", channel)
        check_flag("ChannelConfig.channel_required", self.channel_required)

    @classmethod
    def require_channels(cls, channels: Iterable[str]) -> ChannelConfig:
        """Make a config of channels of which every message has to name one."""
        return cls(items("ChannelConfig.valid_channels", channels), True)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "valid_channels": list(self.valid_channels),
            "channel_required": self.channel_required,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ChannelConfig:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("valid_channels", "channel_required"))


def _default_channels() -> ChannelConfig:
    """Return those the model was trained on, which need no check."""
    config = object.__new__(ChannelConfig)
    config.valid_channels = ["analysis", "commentary", "final"]
    config.channel_required = True
    return config


@dataclass
class SystemContent(Content):
    """The system prompt: who the model is, how it thinks, where it writes.

    Every field may be None, which leaves its part of the prompt out. The defaults
    are those the model was trained on, and every object has its own copy of them.
    The helpers change the object and return it.

    >>> system = SystemContent.new().with_reasoning_effort("High")
    >>> system.with_conversation_start_date("2025-06-28").with_browser_tool().tools
    {'browser': ToolNamespaceConfig(name='browser', ...)}
    """

    model_identity: str | None = (
        "You are ChatGPT, a large language model trained by OpenAI."
    )
    reasoning_effort: ReasoningEffort | None = ReasoningEffort.MEDIUM
    conversation_start_date: str | None = None
    knowledge_cutoff: str | None = "2024-06"
    channel_config: ChannelConfig | None = field(default_factory=_default_channels)
    tools: dict[str, ToolNamespaceConfig] | None = None

    def __post_init__(self) -> None:
        """Check the fields that are not of their usual types."""
        if type(self.model_identity) is not str:
            self.with_model_identity(self.model_identity)
        if type(self.reasoning_effort) is not ReasoningEffort:
            self.with_reasoning_effort(self.reasoning_effort)
        if self.conversation_start_date is not None:
            self.with_conversation_start_date(self.conversation_start_date)
        if type(self.knowledge_cutoff) is not str:
            self.with_knowledge_cutoff(self.knowledge_cutoff)
        if type(self.channel_config) is not ChannelConfig:
            self.with_channel_config(self.channel_config)
        if self.tools is not None:
            self.tools = namespaces("SystemContent.tools", self.tools)

    @classmethod
    def new(cls) -> SystemContent:
        """Make a system prompt of the defaults."""
        return cls()

    def with_model_identity(self, model_identity: str | None) -> SystemContent:
        """Say who the model is."""
        check_optional_text("SystemContent.model_identity", model_identity)
        self.model_identity = model_identity
        return self

    def with_reasoning_effort(
        self, reasoning_effort: ReasoningEffort | str | None
    ) -> SystemContent:
        """Say how much the model is to think: ``"low"``, ``"medium"``, ``"high"``."""
        self.reasoning_effort = (
            None
            if reasoning_effort is None
            else member(
                "SystemContent.reasoning_effort", ReasoningEffort, reasoning_effort
            )
        )
        return self

    def with_conversation_start_date(
        self, conversation_start_date: str | None
    ) -> SystemContent:
        """Say what day it is, in any form; the model was trained on ``2025-06-28``."""
        check_optional_text(
            "SystemContent.conversation_start_date", conversation_start_date
        )
        self.conversation_start_date = conversation_start_date
        return self

    def with_knowledge_cutoff(self, knowledge_cutoff: str | None) -> SystemContent:
        """Say up to when the model knows the world, as in ``2024-06``."""
        check_optional_text("SystemContent.knowledge_cutoff", knowledge_cutoff)
        self.knowledge_cutoff = knowledge_cutoff
        return self

    def with_channel_config(
        self, channel_config: ChannelConfig | None
    ) -> SystemContent:
        """Set the channels a model may write on."""
        self.channel_config = (
            None
            if channel_config is None
            else instance(
                "SystemContent.channel_config",
                channel_config,
                ChannelConfig,
                ChannelConfig.from_dict,
            )
        )
        return self

    def with_required_channels(self, channels: Iterable[str]) -> SystemContent:
        """Set the channels of which every message has to name one."""
        self.channel_config = ChannelConfig.require_channels(channels)
        return self

    def with_tools(self, ns_config: ToolNamespaceConfig) -> SystemContent:
        """Put a namespace under its own name, in place of one already there."""
        self.tools = _with_namespace("SystemContent.tools", self.tools, ns_config)
        return self

    def with_browser_tool(self) -> SystemContent:
        """Add the built-in browser."""
        return self.with_tools(ToolNamespaceConfig.browser())

    def with_python_tool(self) -> SystemContent:
        """Add the built-in Python tool."""
        return self.with_tools(ToolNamespaceConfig.python())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form.

        Fields that are None are left out, but for the four whose default is not
        None: for them absent means the default, so None is written as None.
        """
        effort, channels = self.reasoning_effort, self.channel_config
        form: dict[str, Any] = {
            "type": "system_content",
            "model_identity": self.model_identity,
            "reasoning_effort": None
            if effort is None
            else ReasoningEffort(effort).value,
            "knowledge_cutoff": self.knowledge_cutoff,
            "channel_config": None if channels is None else channels.to_dict(),
        }
        if self.conversation_start_date is not None:
            form["conversation_start_date"] = self.conversation_start_date
        if self.tools is not None:
            form["tools"] = _tools_form(self.tools)
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SystemContent:
        """Read the JSON form; ``type`` is not looked at.

        Raises ``ValueError`` beginning with the path to what is wrong.
        """
        return from_fields(cls, data)


@dataclass
class ResponseFormat(Model):
    """What the final answer has to be: JSON by a schema, under a name.

    ``schema`` is any JSON object; it is copied. Raises ``ValueError`` for a wrong
    type, wherever in it.

    >>> ResponseFormat("answer", {"type": "object"}).to_dict()
    {'name': 'answer', 'schema': {'type': 'object'}}
    """

    name: str
    schema: dict[str, Any]
    description: str | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        check_text("ResponseFormat.name", self.name)
        self.schema = json_object("ResponseFormat.schema", self.schema)
        check_optional_text("ResponseFormat.description", self.description)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with a description that is None left out.

        Raises ``ValueError`` if a value JSON cannot say was put into ``schema``
        since the object was made.
        """
        form: dict[str, Any] = {
            "name": self.name,
            "schema": json_object("ResponseFormat.schema", self.schema),
        }
        if self.description is not None:
            form["description"] = self.description
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ResponseFormat:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("name", "schema"))


@dataclass
class DeveloperContent(Content):
    """The developer prompt: instructions, functions the model may call, formats.

    ``response_formats``: what the final answer has to be, if it has to be JSON.

    The helpers change the object and return it.

    >>> weather = ToolDescription("weather", "The weather in a city.")
    >>> developer = DeveloperContent("Be brief.").with_function_tools([weather])
    >>> developer.to_dict()["tools"]["functions"]["tools"]
    [{'name': 'weather', 'description': 'The weather in a city.'}]
    """

    instructions: str | None = None
    tools: dict[str, ToolNamespaceConfig] | None = None
    response_formats: list[ResponseFormat] | None = None

    def __post_init__(self) -> None:
        """Check the fields."""
        self.with_instructions(self.instructions)
        self.tools = namespaces("DeveloperContent.tools", self.tools)
        if self.response_formats is not None:
            self.response_formats = instances(
                "DeveloperContent.response_formats",
                self.response_formats,
                ResponseFormat,
                ResponseFormat.from_dict,
            )

    @classmethod
    def new(cls) -> DeveloperContent:
        """Make an empty developer prompt."""
        return cls()

    def with_instructions(self, instructions: str | None) -> DeveloperContent:
        """Set what is elsewhere called the system prompt."""
        check_optional_text("DeveloperContent.instructions", instructions)
        self.instructions = instructions
        return self

    def with_tools(self, ns_config: ToolNamespaceConfig) -> DeveloperContent:
        """Put a namespace under its own name, in place of one already there."""
        self.tools = _with_namespace("DeveloperContent.tools", self.tools, ns_config)
        return self

    def with_function_tools(self, tools: Iterable[ToolDescription]) -> DeveloperContent:
        """Put these tools under ``functions``, in place of all that were there."""
        return self.with_tools(
            ToolNamespaceConfig(
                "functions", tools=items("ToolNamespaceConfig.tools", tools)
            )
        )

    def with_response_format(
        self, name: str, schema: dict[str, Any], description: str | None = None
    ) -> DeveloperContent:
        """Add a format that the final answer has to have.

        >>> schema = {"type": "object", "properties": {"sum": {"type": "number"}}}
        >>> developer = DeveloperContent().with_response_format("answer", schema)
        >>> developer.response_formats[0].name
        'answer'
        """
        added = ResponseFormat(name, schema, description)
        self.response_formats = [*(self.response_formats or []), added]
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the fields that are None left out."""
        form: dict[str, Any] = {"type": "developer_content"}
        if self.instructions is not None:
            form["instructions"] = self.instructions
        if self.tools is not None:
            form["tools"] = _tools_form(self.tools)
        if self.response_formats is not None:
            form["response_formats"] = [
                response_format.to_dict() for response_format in self.response_formats
            ]
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> DeveloperContent:
        """Read the JSON form; ``type`` is not looked at.

        Raises ``ValueError`` beginning with the path to what is wrong.
        """
        return from_fields(cls, data)


def _with_namespace(
    where: str, tools: dict[str, ToolNamespaceConfig] | None, added: object
) -> dict[str, ToolNamespaceConfig]:
    namespace = instance(
        where, added, ToolNamespaceConfig, ToolNamespaceConfig.from_dict
    )
    if tools is None:
        tools = {}
    tools[namespace.name] = namespace
    return tools


def _tools_form(tools: dict[str, ToolNamespaceConfig]) -> dict[str, Any]:
    return {key: namespace.to_dict() for key, namespace in tools.items()}


CONTENT_TYPES: dict[str, type[TextContent | SystemContent | DeveloperContent]] = {
    "text": TextContent,
    "system_content": SystemContent,
    "developer_content": DeveloperContent,
}
"""The class of each ``type`` that a content's JSON form may have."""


CHANNELS = forms.shape(
    ChannelConfig,
    forms.list_of(forms.text("valid_channels")),
    forms.flag("channel_required"),
)
RESPONSE_FORMAT = forms.shape(
    ResponseFormat,
    forms.text("name"),
    forms.json_object("schema"),
    forms.or_none(forms.text("description")),
)
TEXT = forms.shape(TextContent, forms.called("text"), forms.text("text"))
SYSTEM = forms.shape(
    SystemContent,
    forms.called("system_content"),
    forms.or_none(forms.text("model_identity", SystemContent.model_identity)),
    forms.or_none(forms.choice("reasoning_effort", ReasoningEffort, "Medium")),
    forms.or_none(forms.text("knowledge_cutoff", SystemContent.knowledge_cutoff)),
    forms.or_none(
        forms.one_of("channel_config", CHANNELS, absent=[_default_channels().to_dict()])
    ),
    forms.or_none(forms.text("conversation_start_date")),
    forms.or_none(forms.dict_of(forms.one_of("tools", NAMESPACE))),
)
DEVELOPER = forms.shape(
    DeveloperContent,
    forms.called("developer_content"),
    forms.or_none(forms.text("instructions")),
    forms.or_none(forms.dict_of(forms.one_of("tools", NAMESPACE))),
    forms.or_none(forms.list_of(forms.one_of("response_formats", RESPONSE_FORMAT))),
)


def content_from_dict(data: dict[str, Any]) -> Content:
    """Read the JSON form of any kind of content.

    Raises ``ValueError`` beginning with the path to what is wrong; the type first.

    >>> content_from_dict({"type": "text", "text": "hi"})
    TextContent(text='hi')
    """
    if type(data) is dict and data.get("type") == "text":
        text = data.get("text")
        if type(text) is str:  # as nearly all is
            return TextContent(text)
    check_form(Content, data, ("type",))
    kind = data["type"]
    if not isinstance(kind, str) or kind not in CONTENT_TYPES:
        what = str(unknown("content type", kind, CONTENT_TYPES))
        raise refusal("type", what, kind, "enum")
    return CONTENT_TYPES[kind].from_dict(data)
