"""Conversations: messages, who wrote them, and their dict and JSON forms.

What a message can hold is in ``harmony.contents``, tools are in ``harmony.tools``;
both are importable from here too. Nothing here renders, parses or tokenizes.

The JSON form of a message is flat: ``role``, ``name``, ``content``, ``channel``,
``recipient``, ``content_type``. Reading also takes role and name in an ``author``.
Keys that are not known are ignored, as in the reference. Writing and reading back gives
an equal object, always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from harmony._model import forms
from harmony._model.base import Model
from harmony._model.checks import (
    check_choice,
    check_flag,
    check_form,
    check_optional_text,
    from_fields,
    instance,
    instances,
    items,
    member,
    unknown,
    wrong,
)
from harmony._model.jsontext import read_json, write_json
from harmony._model.refusal import without_class
from harmony.contents import (
    CONTENT_TYPES,
    DEVELOPER,
    SYSTEM,
    TEXT,
    ChannelConfig,
    Content,
    DeveloperContent,
    ReasoningEffort,
    ResponseFormat,
    SystemContent,
    TextContent,
    content_from_dict,
)
from harmony.tools import ToolDescription, ToolNamespaceConfig

__all__ = [
    "CONTENT_TYPES",
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DeveloperContent",
    "Message",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderOptions",
    "ResponseFormat",
    "Role",
    "SystemContent",
    "TextContent",
    "ToolDescription",
    "ToolNamespaceConfig",
]


class Role(str, Enum):
    """Who speaks in a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    DEVELOPER = "developer"
    TOOL = "tool"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise unknown("role", value, (known.value for known in cls))


_ROLES = {role.value: role for role in Role}


@dataclass(init=False)
class Author(Model):
    """Who wrote a message: a role, and a name if there are several of that role.

    >>> Author("tool", "browser.search")
    Author(role=<Role.TOOL: 'tool'>, name='browser.search')
    """

    role: Role
    name: str | None = None

    def __init__(self, role: Role | str, name: str | None = None) -> None:
        """Check and keep the fields."""
        known = _ROLES.get(role) if type(role) is str else role
        self.role = known if type(known) is Role else member("Author.role", Role, role)
        if name is not None:
            check_optional_text("Author.name", name)
        self.name = name

    @classmethod
    def new(cls, role: Role | str, name: str | None) -> Author:
        """Make an author with a name."""
        return cls(role, name)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; ``name`` is always there, even if None."""
        role = self.role if type(self.role) is Role else Role(self.role)
        return {"role": str.__str__(role), "name": self.name}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Author:
        """Read the JSON form. Raises ``ValueError`` beginning with the key."""
        return from_fields(cls, data, ("role",))


@dataclass(init=False)
class Message(Model):
    """One message: an author, content, and what its header says.

    ``content`` is given as one string, one ``Content`` or a list of them, and kept
    as a list; ``author`` may be given as a role. The helpers change the message and
    return it. Raises ``ValueError`` naming the field for a wrong type.

    ``end_token`` tells how a parsed message ended: ``"end"``, ``"call"``,
    ``"return"``, or None if it was cut off or not parsed. It is no part of equality
    or of the JSON form.

    >>> Message("user", "What is 2 + 2?").to_dict()
    {'role': 'user', 'name': None, 'content': [{'type': 'text', 'text': 'What is ...
    """

    author: Author
    content: list[Content] = field(default_factory=list)
    channel: str | None = None
    recipient: str | None = None
    content_type: str | None = None
    end_token: str | None = field(default=None, init=False, compare=False, repr=False)

    def __init__(
        self,
        author: Author | Role | str,
        content: str | Content | Iterable[Content] = (),
        channel: str | None = None,
        recipient: str | None = None,
        content_type: str | None = None,
    ) -> None:
        """Check and keep the fields."""
        self.author = author if type(author) is Author else _author(author)
        self.content = _contents(content)
        if channel is not None:
            check_optional_text("Message.channel", channel)
        if recipient is not None:
            check_optional_text("Message.recipient", recipient)
        if content_type is not None:
            check_optional_text("Message.content_type", content_type)
        self.channel = channel
        self.recipient = recipient
        self.content_type = content_type
        self.end_token = None

    @property
    def text(self) -> str:
        """The texts of the ``TextContent`` items, joined with nothing between.

        All that a user, the assistant or a tool says; of a message that is parsed, the
        content. System and developer contents add nothing, because their text is made
        when they are rendered: a message of these alone has the text ``""``.

        >>> Message("user", [TextContent("2 + 2"), TextContent(" = ?")]).text
        '2 + 2 = ?'
        """
        items = self.content
        return "".join([item.text for item in items if isinstance(item, TextContent)])

    @classmethod
    def from_author_and_content(
        cls, author: Author | Role | str, content: str | Content
    ) -> Message:
        """Make a message of one content item by an author."""
        return cls(author, content)

    @classmethod
    def from_role_and_content(cls, role: Role | str, content: str | Content) -> Message:
        """Make a message of one content item by a role.

        >>> Message.from_role_and_content(Role.ASSISTANT, "4").with_channel("final")
        Message(author=Author(role=<Role.ASSISTANT: 'assistant'>, name=None), ...)
        """
        return cls(Author(role), content)

    @classmethod
    def from_role_and_contents(
        cls, role: Role | str, contents: Iterable[Content]
    ) -> Message:
        """Make a message of several content items by a role."""
        return cls(Author(role), contents)

    def adding_content(self, content: str | Content) -> Message:
        """Add one content item at the end."""
        self.content.append(_content(content))
        return self

    def with_channel(self, channel: str | None) -> Message:
        """Set the channel: ``analysis``, ``commentary`` or ``final``."""
        check_optional_text("Message.channel", channel)
        self.channel = channel
        return self

    def with_recipient(self, recipient: str | None) -> Message:
        """Set who is to read it, such as the tool that is called."""
        check_optional_text("Message.recipient", recipient)
        self.recipient = recipient
        return self

    def with_content_type(self, content_type: str | None) -> Message:
        """Set what the content is, such as ``<|constrain|>json``."""
        check_optional_text("Message.content_type", content_type)
        self.content_type = content_type
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, of plain strings, lists and dicts.

        ``role``, ``name`` and ``content`` are always there, the others unless None.
        """
        return forms.write(MESSAGE, self) or self._to_dict_in_full()

    def _to_dict_in_full(self) -> dict[str, Any]:
        form = self.author.to_dict()
        form["content"] = [content.to_dict() for content in self.content]
        if self.channel is not None:
            form["channel"] = self.channel
        if self.recipient is not None:
            form["recipient"] = self.recipient
        if self.content_type is not None:
            form["content_type"] = self.content_type
        return form

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Message:
        """Read the JSON form; ``content`` may be a string.

        Without ``role``, it and ``name`` are read from ``author``, as pydantic writes
        the messages of openai-harmony. Raises ``ValueError`` beginning with the path
        to what is wrong.

        >>> Message.from_dict({"role": "user", "content": [{"type": "image"}]})
        Traceback (most recent call last):
        ValueError: content[0].type: unknown content type 'image' (known: text, ...
        """
        return forms.read(MESSAGE, cls, data) or cls._from_dict_in_full(data)

    @classmethod
    def _from_dict_in_full(cls, data: dict[str, Any]) -> Message:
        author = "role"
        if type(data) is not dict or "role" not in data or "content" not in data:
            check_form(cls, data, ())
            author = "author" if "author" in data and "role" not in data else "role"
            check_form(cls, data, (author, "content"))
        content = data["content"]
        if not isinstance(content, (str, list, tuple)):
            where, expected = "Message.content", "a string or a list"
            raise without_class(wrong(where, expected, content, "list_type"))
        try:
            return cls(
                instance("Message.author", data["author"], Author, Author.from_dict)
                if author == "author"
                else Author(data["role"], data.get("name")),
                content,
                data.get("channel"),
                data.get("recipient"),
                data.get("content_type"),
            )
        except ValueError as error:
            raise without_class(error) from None

    @classmethod
    def _json_fields(cls) -> dict[str, tuple[Any, Any]]:
        """Return what the JSON form has: the author's fields, and the others."""
        others = super()._json_fields()
        del others["author"]
        others["content"] = str | list[Content], ...
        return {**Author._json_fields(), **others}

    def to_json(self) -> str:
        """Return the JSON form as text. Raises ``ValueError`` as in Conversation."""
        return write_json(forms.write(MESSAGE, self, is_own=True) or self.to_dict())

    @classmethod
    def from_json(cls, payload: str | bytes) -> Message:
        """Read JSON text. Raises ``ValueError`` saying where it is wrong."""
        form = read_json("Message", payload)
        return forms.read(MESSAGE, cls, form, is_own=True) or cls.from_dict(form)


@dataclass
class Conversation(Model):
    """Messages in the order they were said; iterating gives them.

    >>> talk = Conversation.from_messages([Message("user", "What is 2 + 2?")])
    >>> Conversation.from_json(talk.to_json()) == talk
    True
    """

    messages: list[Message] = field(default_factory=list)

    @classmethod
    def _json_fields(cls) -> dict[str, tuple[Any, Any]]:
        """Return what the JSON form has, which must have messages."""
        return {"messages": (list[Message], ...)}

    def __post_init__(self) -> None:
        """Check the field."""
        self.messages = instances(
            "Conversation.messages", self.messages, Message, Message.from_dict
        )

    @classmethod
    def from_messages(cls, messages: Iterable[Message]) -> Conversation:
        """Make a conversation of messages; the list is copied, they are not."""
        return cls(items("Conversation.messages", messages))

    def __iter__(self) -> Iterator[Message]:
        """Go through the messages."""
        return iter(self.messages)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: a dict with ``messages``."""
        return forms.write(CONVERSATION, self) or self._to_dict_in_full()

    def _to_dict_in_full(self) -> dict[str, Any]:
        return {"messages": [message.to_dict() for message in self.messages]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Conversation:
        """Read the JSON form.

        Raises ``ValueError`` beginning with the path to what is wrong.
        """
        return forms.read(CONVERSATION, cls, data) or cls._from_dict_in_full(data)

    @classmethod
    def _from_dict_in_full(cls, data: dict[str, Any]) -> Conversation:
        check_form(cls, data, ("messages",))
        try:
            return cls(data["messages"])
        except ValueError as error:
            raise without_class(error) from None

    def to_json(self) -> str:
        """Return the JSON form as text.

        Lone surrogates are written as U+FFFD (see ``well_formed``). Raises
        ``ValueError`` with the path for what orjson cannot write: integers below
        -2**63 or from 2**64 on.
        """
        form = forms.write(CONVERSATION, self, is_own=True)
        return write_json(form or self.to_dict())

    @classmethod
    def from_json(cls, payload: str | bytes) -> Conversation:
        """Read JSON text. Raises ``ValueError`` saying where it is wrong.

        Integers beyond 64 bits become the nearest float, as orjson reads them.
        """
        form = read_json("Conversation", payload)
        return forms.read(CONVERSATION, cls, form, is_own=True) or cls.from_dict(form)


AUTHOR = forms.shape(
    Author,
    forms.choice("role", Role),
    forms.or_none(forms.text("name"), is_written=True),
)
MESSAGE = forms.shape(
    Message,
    forms.within("author", AUTHOR),
    forms.list_or_text(forms.one_of("content", TEXT, SYSTEM, DEVELOPER)),
    forms.or_none(forms.text("channel")),
    forms.or_none(forms.text("recipient")),
    forms.or_none(forms.text("content_type")),
    forms.unsaid("end_token"),
)
CONVERSATION = forms.shape(
    Conversation, forms.list_of(forms.one_of("messages", MESSAGE))
)


DROP_RULES = ("never", "upstream", "per_turn")
"""Which messages on channel analysis are left out of a conversation."""

SCHEMAS = ("reference", "complete")
"""How the parameters of tools are written."""


@dataclass
class RenderConversationConfig:
    """How a conversation is rendered.

    ``drop_analysis``: which messages on channel ``analysis`` are left out, whoever
    wrote them.

    - ``"never"``: none;
    - ``"upstream"``: as openai-harmony does. If the assistant's last message is on
      channel ``final``, those before the first message on channel ``final``;
    - ``"per_turn"``: the thinking of all turns that are over, those before the
      assistant's last message on channel ``final``;
    - None: ``auto_drop_analysis`` decides, "upstream" if it is True, else "never".

    ``channel_first``: in the header of the assistant's messages, the channel stands
    before the recipient, as the model writes it.

    ``schemas``: how the parameters of tools are written.

    - ``"reference"``: the TypeScript that openai-harmony writes, byte for byte;
    - ``"complete"``: TypeScript that says all that the JSON schema says, and is valid;
      the same text wherever the reference's is complete.

    >>> config = RenderConversationConfig(drop_analysis="per_turn")
    >>> RenderConversationConfig(drop_analysis="always")
    Traceback (most recent call last):
    ValueError: RenderConversationConfig.drop_analysis: unknown rule 'always' ...
    """

    auto_drop_analysis: bool = True
    drop_analysis: str | None = None
    channel_first: bool = False
    schemas: str = "reference"

    def __post_init__(self) -> None:
        """Check the fields."""
        name = type(self).__name__
        check_flag(f"{name}.auto_drop_analysis", self.auto_drop_analysis)
        check_flag(f"{name}.channel_first", self.channel_first)
        if self.drop_analysis is not None:
            where = f"{name}.drop_analysis"
            check_choice(where, "rule", self.drop_analysis, DROP_RULES)
        check_choice(f"{name}.schemas", "form", self.schemas, SCHEMAS)

    @property
    def drop_rule(self) -> str:
        """The rule that counts, whichever field it is from."""
        if self.drop_analysis is not None:
            return self.drop_analysis
        return "upstream" if self.auto_drop_analysis else "never"


@dataclass
class RenderOptions:
    """What rendering a single message has to know of its conversation.

    ``conversation_has_function_tools``: some developer message brings functions.
    ``schemas``: as in ``RenderConversationConfig``.
    """

    conversation_has_function_tools: bool = False
    schemas: str = "reference"

    def __post_init__(self) -> None:
        """Check the fields."""
        check_flag(
            "RenderOptions.conversation_has_function_tools",
            self.conversation_has_function_tools,
        )
        check_choice("RenderOptions.schemas", "form", self.schemas, SCHEMAS)


def _author(author: object) -> Author:
    if isinstance(author, Author):
        return author
    if isinstance(author, str):
        return Author(member("Message.author", Role, author))
    raise wrong(
        *("Message.author", "an Author or a role", author), "model_type", "Author"
    )


def _content(content: object) -> Content:
    if isinstance(content, str):
        return TextContent(content)
    if isinstance(content, Content):
        return content
    raise wrong(
        *("Message.content", "a string or a Content", content), "model_type", "Content"
    )


def _contents(content: object) -> list[Content]:
    if type(content) is str:
        return [TextContent(content)]
    if type(content) is list:
        return instances("Message.content", content, Content, content_from_dict)
    if isinstance(content, (str, Content)):
        return [_content(content)]
    if isinstance(content, dict) or not isinstance(content, Iterable):
        raise wrong(
            *("Message.content", "a string, a Content or a list", content), "list_type"
        )
    return instances("Message.content", content, Content, content_from_dict)
