"""What a prompt is, besides its tokens."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from harmony import Message, Role, chat, load_harmony_encoding, responses
from harmony._openai.names import ClientName
from support.convert import DATE

ENCODING = load_harmony_encoding("HarmonyGptOss")
REQUEST: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Rome?"},
        {"role": "system", "content": "Still."},
    ],
    "tools": [{"type": "function", "function": {"name": "f"}}],
}


def prompt() -> chat.Prompt:
    return chat.prompt(REQUEST, date=DATE)


@pytest.mark.parametrize("name", ["open", "must_call", "request", "conversation", "x"])
def test_it_is_frozen(name: str) -> None:
    made = prompt()
    with pytest.raises(AttributeError, match=name):
        setattr(made, name, True)


def test_its_conversation_may_be_changed() -> None:
    made = prompt()
    before = made.tokens(ENCODING)
    assert made.conversation is made.conversation
    made.conversation.messages.append(Message(Role.USER, "Well?"))
    added = made.tokens(ENCODING)
    assert added[: len(before) - 2] == before[:-2]
    assert ENCODING.decode(added).endswith(
        "<|start|>user<|message|>Well?<|end|><|start|>assistant"
    )
    assert prompt().tokens(ENCODING) == before


def test_an_open_conversation() -> None:
    messages = [*REQUEST["messages"], {"role": "assistant", "content": "Yes"}]
    made = chat.prompt({"messages": messages, "continue_final_message": True})
    tokens = made.tokens(ENCODING)
    assert made.conversation.messages[-1].channel == "final"
    assert made.tokens(ENCODING) == tokens
    assert ENCODING.decode(tokens).endswith("final<|message|>Yes")


def test_the_conversation_of_one_prompt_is_its_own() -> None:
    first, second = prompt(), prompt()
    first.conversation.messages[1].content.clear()
    assert second.conversation.messages[1].content
    assert prompt().tokens(ENCODING) == second.tokens(ENCODING)


def test_copies() -> None:
    made = prompt()
    for other in (
        copy.copy(made),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
    ):
        assert other.tokens(ENCODING) == made.tokens(ENCODING)


def test_how_it_is_shown() -> None:
    assert repr(prompt()) == "<Prompt of 2 messages, parallel>"


def test_both_apis_have_the_same_prompt() -> None:
    made = responses.prompt({"input": "Rome?"}, date=DATE)
    same = chat.prompt({"messages": [{"role": "user", "content": "Rome?"}]}, date=DATE)
    assert type(made) is type(same) is chat.Prompt is responses.Prompt
    assert made.tokens(ENCODING) == same.tokens(ENCODING)
    assert made.request == {"input": "Rome?"}


def test_the_request_is_kept_as_it_is() -> None:
    made = chat.prompt(REQUEST)
    assert made.request is REQUEST


def test_what_one_prompt_is_changed_to_is_not_seen_in_the_next() -> None:
    """Tools and messages that were read before are shared inside."""
    first = prompt()
    wanted = first.tokens(ENCODING)
    developer = first.conversation.messages[1].content[0]
    developer.tools["functions"].tools[0].name = "then"  # type: ignore[attr-defined]
    for message in first.conversation.messages[2:]:
        message.channel = "final"
    first.names.add("somewhere", ClientName("new"))
    assert prompt().tokens(ENCODING) == wanted
    assert prompt().conversation.messages[1:] != first.conversation.messages[1:]
