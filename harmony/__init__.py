"""The harmony response format of OpenAI's gpt-oss models.

Conversations to tokens, and tokens back to messages::

    >>> from harmony import Conversation, Message, Role, load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> talk = Conversation.from_messages([Message("user", "What is 2 + 2?")])
    >>> tokens = encoding.render_conversation_for_completion(talk, Role.ASSISTANT)
    >>> encoding.decode(tokens)
    '<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant'
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from harmony.encoding import HarmonyEncoding, load_harmony_encoding
    from harmony.encoding_name import HarmonyEncodingName
    from harmony.errors import (
        DecodeError,
        EncodeError,
        HarmonyError,
        ParseError,
        RenderError,
        VocabularyError,
    )
    from harmony.messages import (
        Author,
        ChannelConfig,
        Content,
        Conversation,
        DeveloperContent,
        Message,
        ReasoningEffort,
        RenderConversationConfig,
        RenderOptions,
        ResponseFormat,
        Role,
        SystemContent,
        TextContent,
        ToolDescription,
        ToolNamespaceConfig,
    )
    from harmony.parser import Segment, StreamableParser, StreamState, TokenCount
    from harmony.repairs import ParseWarning, WarningKind
    from harmony.tokenizer import Tokenizer

    __version__: str

__all__ = [
    "Author",
    "ChannelConfig",
    "Content",
    "Conversation",
    "DecodeError",
    "DeveloperContent",
    "EncodeError",
    "HarmonyEncoding",
    "HarmonyEncodingName",
    "HarmonyError",
    "Message",
    "ParseError",
    "ParseWarning",
    "ReasoningEffort",
    "RenderConversationConfig",
    "RenderError",
    "RenderOptions",
    "ResponseFormat",
    "Role",
    "Segment",
    "StreamState",
    "StreamableParser",
    "SystemContent",
    "TextContent",
    "TokenCount",
    "Tokenizer",
    "ToolDescription",
    "ToolNamespaceConfig",
    "VocabularyError",
    "WarningKind",
    "load_harmony_encoding",
]

_HOMES = {
    "Author": "messages",
    "ChannelConfig": "messages",
    "Content": "messages",
    "Conversation": "messages",
    "DecodeError": "errors",
    "DeveloperContent": "messages",
    "EncodeError": "errors",
    "HarmonyEncoding": "encoding",
    "HarmonyEncodingName": "encoding_name",
    "HarmonyError": "errors",
    "Message": "messages",
    "ParseError": "errors",
    "ParseWarning": "repairs",
    "ReasoningEffort": "messages",
    "RenderConversationConfig": "messages",
    "RenderError": "errors",
    "RenderOptions": "messages",
    "ResponseFormat": "messages",
    "Role": "messages",
    "Segment": "parser",
    "StreamState": "parser",
    "StreamableParser": "parser",
    "SystemContent": "messages",
    "TextContent": "messages",
    "TokenCount": "parser",
    "Tokenizer": "tokenizer",
    "ToolDescription": "messages",
    "ToolNamespaceConfig": "messages",
    "VocabularyError": "errors",
    "WarningKind": "repairs",
    "load_harmony_encoding": "encoding",
}
"""The module of each public name; it is imported when the name is first used."""


def _imported(name: str) -> object:
    """Import a public name (PEP 562): what is not used costs nothing."""
    home, known = _HOMES.get(name), name
    if name == "__version__":  # the one of harmony.h, which a test compares
        home, known = "_native", "VERSION"
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{home}", fromlist=[known]), known)
    globals()[name] = value
    return value


if not TYPE_CHECKING:  # for type checkers, a name that is not here is an error
    __getattr__ = _imported


def __dir__() -> list[str]:
    """Return all names, those too that have not been used yet."""
    return sorted({*globals(), *__all__, "__version__"})
