"""What a prompt is once it is made."""

from __future__ import annotations

import pickle

import pytest

from harmony import HarmonyEncoding, Message, chat
from harmony._openai.names import ClientName

REQUEST = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rome?"},
        {"role": "assistant", "content": "Sunny."},
        {"role": "system", "content": "In verse."},
        {"role": "user", "content": "Oslo?"},
    ],
    "tools": [{"type": "function", "function": {"name": "now"}}],
    "response_format": {"type": "json_object"},
}


def prompt() -> chat.Prompt:
    return chat.prompt(REQUEST, date="2025-06-28")


@pytest.mark.parametrize("name", ["open", "conversation", "request", "more"])
def test_a_prompt_is_not_changed(name: str) -> None:
    with pytest.raises(AttributeError, match=f"not to be changed: {name}"):
        setattr(prompt(), name, None)


def test_tokens_are_those_of_the_conversation(encoding: HarmonyEncoding) -> None:
    """They are made without it until somebody asks for it."""
    plain, asked = prompt(), prompt()
    roles = [message.author.role.value for message in asked.conversation]
    assert roles == ["system", "developer", "user", "assistant", "developer", "user"]
    assert plain.tokens(encoding) == asked.tokens(encoding)
    assert "conversation" not in vars(plain)


def test_tokens_follow_a_conversation_that_was_changed(
    encoding: HarmonyEncoding,
) -> None:
    changed = prompt()
    before = changed.tokens(encoding)
    changed.conversation.messages.append(Message("user", "And now?"))
    assert len(changed.tokens(encoding)) > len(before)


def test_what_one_prompt_is_changed_to_is_not_seen_in_the_next(
    encoding: HarmonyEncoding,
) -> None:
    """Tools and messages that were read before are shared inside."""
    first = prompt()
    wanted = first.tokens(encoding)
    developer = first.conversation.messages[1].content[0]
    developer.tools["functions"].tools[0].name = "then"  # type: ignore[attr-defined]
    for message in first.conversation.messages[2:]:
        message.channel = "final"
    first.names.add("somewhere", ClientName("new"))
    assert prompt().tokens(encoding) == wanted
    assert prompt().conversation.messages[1:] != first.conversation.messages[1:]


def test_a_prompt_can_be_pickled(encoding: HarmonyEncoding) -> None:
    copy = pickle.loads(pickle.dumps(prompt()))
    assert copy.tokens(encoding) == prompt().tokens(encoding)


def test_a_prompt_says_what_it_is() -> None:
    assert repr(prompt()) == "<Prompt of 4 messages, parallel>"
