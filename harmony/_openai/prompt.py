"""``Prompt``: what the model is given, and how its reply is to be understood."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harmony._model.checks import check_flag, check_optional_text
from harmony._openai.fields import (
    flag,
    optional_text,
    required,
    table,
    text_under,
    unknown,
)
from harmony._openai.history import Header, History
from harmony._openai.names import ClientName, ToolNames
from harmony._openai.tools import Choice, Tools, UnknownTools
from harmony.contents import (
    DeveloperContent,
    ReasoningEffort,
    ResponseFormat,
    SystemContent,
)
from harmony.messages import Conversation, Message, RenderConversationConfig, Role
from harmony.tools import ToolNamespaceConfig

if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding

DropAnalysis = Literal["never", "upstream", "per_turn"]

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


@dataclass(frozen=True)
class Prompt:
    """What a request becomes.

    ``conversation``: the messages, the system message first. ``names``: the tools by
    the client's and the model's names. ``request``: what it was made of. ``open``: the
    last message goes on. For the server's grammar: ``must_call`` says that the reply
    has to have a call, ``may_call`` of which tools (the client's names; None is any).
    ``parallel``: the reply may have several calls. ``skipped_tools``: the types of the
    tools and items that were left out, with ``unknown_tools="skip"``.
    """

    conversation: Conversation
    names: ToolNames
    request: dict[str, Any]
    open: bool = False
    must_call: bool = False
    may_call: tuple[str, ...] | None = None
    parallel: bool = True
    skipped_tools: tuple[str, ...] = ()
    custom: frozenset[ClientName] = field(default=frozenset(), repr=False)
    config: RenderConversationConfig = field(
        default_factory=RenderConversationConfig, repr=False
    )

    def tokens(self, encoding: HarmonyEncoding) -> list[int]:
        """Return the tokens that the model is given.

        They end in ``<|start|>assistant``, or in the last message if it goes on.
        Raises ``RenderError`` for a conversation that was changed to one without
        token form.
        """
        if self.open:
            return encoding.render_conversation_to_go_on(self.conversation, self.config)
        return encoding.render_conversation_for_completion(
            self.conversation, Role.ASSISTANT, self.config
        )


@dataclass(frozen=True)
class Options:
    """What a server decides for all requests; the keywords of ``prompt``."""

    date: str | None = None
    drop_analysis: DropAnalysis = "per_turn"
    header: Header = "template"
    rename_tools: bool = True
    unknown_tools: UnknownTools = "error"
    model_identity: str | None = None
    knowledge_cutoff: str | None = None

    def __post_init__(self) -> None:
        """Check the options. Raises ``ValueError`` beginning with the name of one."""
        for name in ("date", "model_identity", "knowledge_cutoff"):
            check_optional_text(name, getattr(self, name))
        for name, known in (
            ("drop_analysis", ("never", "upstream", "per_turn")),
            ("header", ("template", "model")),
            ("unknown_tools", ("error", "skip")),
        ):
            if getattr(self, name) not in known:
                raise unknown(name, getattr(self, name), known)
        check_flag("rename_tools", self.rename_tools)

    def config(self) -> RenderConversationConfig:
        """Return how conversations are rendered."""
        return RenderConversationConfig(
            drop_analysis=self.drop_analysis, channel_first=self.header == "model"
        )


@dataclass(frozen=True)
class Settings:
    """What a request says besides messages and tools."""

    effort: ReasoningEffort
    response_format: ResponseFormat | None
    choice: Choice
    parallel: bool
    open: bool = False


def read_effort(where: str, value: object) -> ReasoningEffort:
    """Return the effort that an effort of the APIs becomes; null is medium."""
    if value is None:
        return ReasoningEffort.MEDIUM
    if isinstance(value, str) and value in EFFORTS:
        return EFFORTS[value]
    raise unknown(where, value, EFFORTS)


def read_format(where: str, value: object, nested: bool) -> ResponseFormat | None:
    """Return the format of a request; None if any text will do.

    ``nested``: the fields of a schema stand under ``json_schema``, as in chat.
    """
    if value is None:
        return None
    form = table(where, value)
    kind = required(where, form, "type")
    if kind == "text":
        return None
    if kind == "json_object":
        return ResponseFormat("json_object", {"type": "object"})
    if kind != "json_schema":
        raise unknown(f"{where}.type", kind, ("text", "json_object", "json_schema"))
    if nested:
        where = f"{where}.json_schema"
        form = table(where, required(where.rpartition(".")[0], form, "json_schema"))
    return _schema_format(where, form)


def _schema_format(where: str, form: dict[str, Any]) -> ResponseFormat:
    name = text_under(where, form, "name")
    schema = table(f"{where}.schema", required(where, form, "schema"))
    description = optional_text(where, form, "description")
    try:
        return ResponseFormat(name, schema, description)
    except ValueError as error:
        inside = str(error).removeprefix("ResponseFormat.")
        raise ValueError(f"{where}.{inside}") from None


def read_parallel(value: object) -> bool:
    """Return whether a reply may have several calls; null is yes."""
    return True if value is None else flag("parallel_tool_calls", value)


def build(
    request: dict[str, Any],
    options: Options,
    tools: Tools,
    names: ToolNames,
    history: History,
    settings: Settings,
) -> Prompt:
    """Put a prompt together: system message, developer message, and the rest."""
    written = Tools() if settings.choice.none else tools
    messages = [Message(Role.SYSTEM, _system(options, written, settings))]
    rest = history.messages()
    developer = _developer(history, written, names, settings)
    if developer is not None:
        messages.append(Message(Role.DEVELOPER, developer))
    return Prompt(
        Conversation(messages + rest),
        names,
        request,
        settings.open,
        settings.choice.must_call,
        settings.choice.may_call,
        settings.parallel,
        tuple(tools.skipped),
        tools.custom(),
        options.config(),
    )


def _system(options: Options, tools: Tools, settings: Settings) -> SystemContent:
    content = SystemContent(
        reasoning_effort=settings.effort,
        conversation_start_date=options.date or time.strftime("%Y-%m-%d"),
        tools=tools.system_tools(),
    )
    if options.model_identity is not None:
        content.model_identity = options.model_identity
    if options.knowledge_cutoff is not None:
        content.knowledge_cutoff = options.knowledge_cutoff
    return content


def _developer(
    history: History, tools: Tools, names: ToolNames, settings: Settings
) -> DeveloperContent | None:
    content = DeveloperContent()
    if history.instructions:
        content.instructions = "\n\n".join(history.instructions)
    if tools.functions:
        functions = tools.described(names)
        content.tools = {"functions": ToolNamespaceConfig("functions", tools=functions)}
    if settings.response_format is not None:
        content.response_formats = [settings.response_format]
    if content == DeveloperContent():
        return None
    return content
