"""How ``harmony render`` renders a conversation, alone or one of many.

And the options for that, which other verbs have too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harmony._training.options import HEADERS
from harmony.encoding import HarmonyEncoding
from harmony.messages import (
    DROP_RULES,
    SCHEMAS,
    Conversation,
    RenderConversationConfig,
    Role,
)

if TYPE_CHECKING:
    from argparse import ArgumentParser


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
    schemas: str = "reference"

    def tokens(self, encoding: HarmonyEncoding, json: bytes) -> list[int]:
        """Return the tokens of a conversation in JSON.

        Raises ``ValueError`` for a mistake in it, ``RenderError`` if it has no token
        form.
        """
        conversation = Conversation.from_json(json)
        config = RenderConversationConfig(
            drop_analysis=self.drop_analysis,
            channel_first=self.header == "model",
            schemas=self.schemas,
        )
        if self.purpose == "completion":
            return encoding.render_conversation_for_completion(
                conversation, self.role, config
            )
        if self.purpose == "training":
            return encoding.render_conversation_for_training(conversation, config)
        return encoding.render_conversation(conversation, config)


def add_render_options(verb: ArgumentParser, drop_analysis: str) -> None:
    """Add ``--drop-analysis``, with its default for this verb, and others."""
    verb.add_argument(
        "--drop-analysis",
        choices=DROP_RULES,
        default=drop_analysis,
        help="which messages on channel analysis are left out: none, those that "
        "openai-harmony leaves out, or those of all turns that are over "
        f"(default: {drop_analysis})",
    )
    verb.add_argument(
        "--header",
        choices=HEADERS,
        default="template",
        help="what is first in the assistant's headers: the recipient, as in "
        "openai-harmony's prompts, or the channel, as the model writes it "
        "(default: %(default)s)",
    )
    verb.add_argument(
        "--schemas",
        choices=SCHEMAS,
        default="reference",
        help="how the parameters of tools are written: as openai-harmony does, or so "
        "that all that their JSON schemas say is there (default: %(default)s)",
    )
