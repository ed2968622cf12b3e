"""``Prompt``: what the model is given, and how its reply is to be understood."""

from __future__ import annotations

import json
import time
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harmony._model.checks import check_flag, check_optional_text
from harmony._openai.fields import (
    Place,
    fault,
    flag,
    optional_text,
    path,
    required,
    table,
    text,
    unknown,
)
from harmony._openai.history import Header, History
from harmony._openai.names import ClientName, ToolNames
from harmony._openai.tools import BUILTIN, Choice, Tools, UnknownTools
from harmony.contents import (
    DeveloperContent,
    ReasoningEffort,
    ResponseFormat,
    SystemContent,
)
from harmony.messages import (
    SCHEMAS,
    Conversation,
    Message,
    RenderConversationConfig,
    Role,
)
from harmony.prompts import developer_sections, system_text

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding
    from harmony.rendering import Parts

DropAnalysis = Literal["never", "upstream", "per_turn"]
Schemas = Literal["reference", "complete"]

EFFORTS = {
    "none": ReasoningEffort.LOW,
    "minimal": ReasoningEffort.LOW,
    "low": ReasoningEffort.LOW,
    "medium": ReasoningEffort.MEDIUM,
    "high": ReasoningEffort.HIGH,
    "xhigh": ReasoningEffort.HIGH,
    "max": ReasoningEffort.HIGH,
}
"""The efforts of the APIs, of which the model knows three."""


class Options(NamedTuple):
    """What a server decides for all requests; keywords of ``prompt``."""

    date: str | None
    drop_analysis: DropAnalysis
    header: Header
    rename_tools: bool
    unknown_tools: UnknownTools
    schemas: Schemas
    model_identity: str | None
    knowledge_cutoff: str | None

    def check(self) -> None:
        """Raise ``ValueError`` beginning with the name of an option that is wrong."""
        check_optional_text("date", self.date)
        check_optional_text("model_identity", self.model_identity)
        check_optional_text("knowledge_cutoff", self.knowledge_cutoff)
        if self.drop_analysis not in ("never", "upstream", "per_turn"):
            known = ("never", "upstream", "per_turn")
            raise unknown("drop_analysis", self.drop_analysis, known)
        if self.header not in ("template", "model"):
            raise unknown("header", self.header, ("template", "model"))
        if self.unknown_tools not in ("error", "skip"):
            raise unknown("unknown_tools", self.unknown_tools, ("error", "skip"))
        if self.schemas not in SCHEMAS:
            raise unknown("schemas", self.schemas, SCHEMAS)
        check_flag("rename_tools", self.rename_tools)

    def config(self) -> RenderConversationConfig:
        """Return how conversations are rendered."""
        return RenderConversationConfig(
            drop_analysis=self.drop_analysis,
            channel_first=self.header == "model",
            schemas=self.schemas,
        )


class Settings(NamedTuple):
    """What a request says besides messages and tools."""

    effort: ReasoningEffort
    response_format: ResponseFormat | None
    choice: Choice
    parallel: bool
    open: bool = False


class Prompt:
    """What a request becomes.

    ``conversation``: the messages, the system message first. ``names``: the tools by
    the client's and the model's names. ``request``: what it was made of. ``open``: the
    last message goes on. For the server's grammar: ``must_call`` says that the reply
    has to have a call, ``may_call`` of which tools (the client's names; None is any).
    ``parallel``: the reply may have several calls. ``skipped_tools``: the types of the
    tools and items that were left out, with ``unknown_tools="skip"``.
    """

    request: dict[str, Any]
    names: ToolNames
    open: bool
    must_call: bool
    may_call: tuple[str, ...] | None
    parallel: bool
    skipped_tools: tuple[str, ...]

    def __init__(
        self,
        *,
        request: dict[str, Any],
        options: Options,
        tools: Tools,
        builtin: tuple[str, ...],
        history: History,
        names: ToolNames,
        settings: Settings,
        skipped: tuple[str, ...],
    ) -> None:
        """Put a prompt together; ``chat.prompt`` and ``responses.prompt`` do."""
        written = not settings.choice.none
        self.__dict__.update(
            request=request,
            names=names,
            open=settings.open,
            must_call=settings.choice.must_call,
            may_call=settings.choice.may_call,
            parallel=settings.parallel,
            skipped_tools=skipped,
            _custom=tools.custom,
            _config=options.config(),
            _functions=tools if written and tools.described else None,
            _system=_SystemFields(
                options.model_identity,
                settings.effort,
                options.date or time.strftime("%Y-%m-%d"),
                options.knowledge_cutoff,
                builtin if written else (),
            ),
            _format=settings.response_format,
            _history=history,
        )

    _custom: frozenset[ClientName]
    _config: RenderConversationConfig
    _functions: Tools | None
    _system: _SystemFields
    _format: ResponseFormat | None
    _history: History

    def __setattr__(self, name: str, value: object) -> None:
        """Raise ``AttributeError``: a prompt stays what its request made it."""
        raise AttributeError(f"a Prompt is not to be changed: {name}")

    def is_custom(self, name: ClientName) -> bool:
        """Tell whether a tool is a custom one, whose input is text."""
        return name in self._custom

    @property
    def functions(self) -> dict[str, dict[str, Any] | None]:
        """The functions that may be called: their schemas by the model's names."""
        if self._functions is None:
            return {}
        return {
            tool.name: tool.parameters
            for tool in self._functions.described
            if self._may_call(self.names.to_client(tool.name))
        }

    @property
    def builtin_tools(self) -> tuple[str, ...]:
        """The built-in tools that may be called."""
        return tuple(filter(self._may_call, self._system.builtin))

    def _may_call(self, name: str) -> bool:
        return self.may_call is None or name in self.may_call

    @property
    def inputs(self) -> dict[str, tuple[str, str]]:
        """The grammars of custom tools: syntax and definition by the model's names."""
        return {} if self._functions is None else self._functions.inputs

    @property
    def response_format(self) -> ResponseFormat | None:
        """What the answer has to be; None if any text will do."""
        return self._format

    @property
    def begun(self) -> str | None:
        """The channel of the message that goes on, with ``open``; else None."""
        return self._history.last_channel() if self.open else None

    def __repr__(self) -> str:
        """Show what a person asks first: how many messages, what is to come."""
        flags = [
            name for name in ("open", "must_call", "parallel") if getattr(self, name)
        ]
        count = len(self._history.parts())
        return f"<Prompt of {count} messages{''.join(f', {name}' for name in flags)}>"

    def tokens(self, encoding: HarmonyEncoding) -> list[int]:
        """Return the tokens that the model is given.

        They end in ``<|start|>assistant``, or in the last message if it goes on.
        Raises ``RenderError`` for a conversation that was changed to one without
        token form.
        """
        if "conversation" not in self.__dict__:
            return encoding._renderer.render_prompt(
                self._parts(), self._config, self.open
            )
        if self.open:
            return encoding.render_conversation_for_continuation(
                self.conversation, self._config
            )
        return encoding.render_conversation_for_completion(
            self.conversation, Role.ASSISTANT, self._config
        )

    @cached_property
    def conversation(self) -> Conversation:
        """The messages. They may be changed; ``tokens`` goes by them."""
        messages = [Message(Role.SYSTEM, self._system.content())]
        content = self._developer_content()
        if content is not None:
            messages.append(Message(Role.DEVELOPER, content))
        return Conversation(messages + self._history.messages())

    def _developer_content(self) -> DeveloperContent | None:
        content = DeveloperContent(
            self._instructions(),
            self._functions.functions() if self._functions else None,
            None if self._format is None else [self._format],
        )
        return None if content == DeveloperContent() else content

    def _instructions(self) -> str | None:
        given = self._history.instructions
        return "\n\n".join(given) if given else None

    def _parts(self) -> list[Parts]:
        """Return what is rendered of the conversation, without making it."""
        system = self._system.text(self._functions is not None)
        parts: list[Parts] = [(Role.SYSTEM, None, None, None, None, system)]
        developer = developer_sections(
            self._instructions(),
            self._functions.section if self._functions else None,
            None if self._format is None else [self._format],
        )
        if developer:
            parts.append((Role.DEVELOPER, None, None, None, None, developer))
        return parts + self._history.parts()


class _SystemFields(NamedTuple):
    """What a system message says."""

    identity: str | None
    effort: ReasoningEffort
    date: str
    cutoff: str | None
    builtin: tuple[str, ...]

    def content(self) -> SystemContent:
        """Return the content of the message."""
        content = SystemContent(
            reasoning_effort=self.effort,
            conversation_start_date=self.date,
            tools={name: BUILTIN[name]() for name in self.builtin} or None,
        )
        if self.identity is not None:
            content.model_identity = self.identity
        if self.cutoff is not None:
            content.knowledge_cutoff = self.cutoff
        return content

    def text(self, function_tools: bool) -> str:
        """Return its text."""
        return _system_text(self, function_tools)


@lru_cache(maxsize=64)
def _system_text(fields: _SystemFields, function_tools: bool) -> str:
    return system_text(fields.content(), function_tools)


def read_effort(place: Place, value: object) -> ReasoningEffort:
    """Return the effort that an effort of the APIs becomes; null is medium."""
    if value is None:
        return ReasoningEffort.MEDIUM
    if isinstance(value, str) and value in EFFORTS:
        return EFFORTS[value]
    raise unknown(place, value, EFFORTS)


def read_format(place: Place, value: object, nested: bool) -> ResponseFormat | None:
    """Return the format of a request; None if any text will do.

    ``nested``: the fields of a schema stand under ``json_schema``, as in chat.
    """
    if value is None:
        return None
    form = table(place, value)
    kind = required(place, form, "type")
    if kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat("json_object", {"type": "object"})
    if kind != "json_schema":
        raise unknown((place, "type"), kind, ("text", "json_object", "json_schema"))
    if nested:
        inner = required(place, form, "json_schema")
        place = place, "json_schema"
        form = table(place, inner)
    return _schema_format(place, form)


def _schema_format(place: Place, form: dict[str, Any]) -> ResponseFormat:
    name = text(place, form, "name")
    schema = table((place, "schema"), required(place, form, "schema"))
    description = optional_text(place, form, "description")
    try:
        response_format = ResponseFormat(name, schema, description)
    except ValueError as error:
        inside = str(error).removeprefix("ResponseFormat.")
        raise ValueError(f"{path(place)}.{inside}") from None
    try:
        json.dumps(response_format.schema)
    except ValueError as error:  # an integer of very many digits
        raise fault((place, "schema"), f"no JSON: {error}") from None
    return response_format


def read_parallel(value: object) -> bool:
    """Return whether a reply may have several calls; null is yes."""
    return True if value is None else flag("parallel_tool_calls", value)
