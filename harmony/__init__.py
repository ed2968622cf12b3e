"""The harmony response format of OpenAI's gpt-oss models.

Conversations to tokens, and tokens back to messages::

    >>> from harmony import Conversation, Message, Role, load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> talk = Conversation.from_messages([Message("user", "What is 2 + 2?")])
    >>> tokens = encoding.render_conversation_for_completion(talk, Role.ASSISTANT)
    >>> encoding.decode(tokens)
    '<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant'
"""

from harmony.encoding import (
    HarmonyEncoding,
    HarmonyEncodingName,
    load_harmony_encoding,
)
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
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from harmony.parser import Segment, StreamableParser, StreamState, TokenCount
from harmony.repairs import ParseWarning, WarningKind
from harmony.tokenizer import Tokenizer

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
