"""How ``harmony render`` renders a conversation, alone or one of many."""

from __future__ import annotations

from dataclasses import dataclass

from harmony.encoding import HarmonyEncoding
from harmony.messages import Conversation, RenderConversationConfig, Role

HEADERS = ("template", "model")
"""Whose headers messages get: those of openai-harmony's prompts, or the model's own."""

PURPOSES = ("completion", "training", "conversation")
"""What tokens can be for; each is a ``render_conversation…`` of the encoding."""


@dataclass(frozen=True)
class RenderJob:
    """How to render: for what, who writes next, which thinking goes, whose header.

    >>> from harmony import load_harmony_encoding
    >>> encoding = load_harmony_encoding("HarmonyGptOss")
    >>> talk = b'{"messages": [{"role": "user", "content": "hi"}]}'
    >>> encoding.decode(RenderJob("completion").tokens(encoding, talk))
    '<|start|>user<|message|>hi<|end|><|start|>assistant'
    """

    purpose: str = "completion"
    role: str = Role.ASSISTANT.value
    drop_analysis: str = "upstream"
    header: str = "template"

    def tokens(self, encoding: HarmonyEncoding, json: bytes) -> list[int]:
        """Return the tokens of a conversation in JSON.

        Raises ``ValueError`` for a mistake in it, ``RenderError`` if it has no token
        form.
        """
        conversation = Conversation.from_json(json)
        config = RenderConversationConfig(
            drop_analysis=self.drop_analysis, channel_first=self.header == "model"
        )
        if self.purpose == "completion":
            return encoding.render_conversation_for_completion(
                conversation, self.role, config
            )
        if self.purpose == "training":
            return encoding.render_conversation_for_training(conversation, config)
        return encoding.render_conversation(conversation, config)
