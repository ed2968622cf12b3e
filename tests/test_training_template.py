"""The masks of TRL's training template are those of ``mask="messages"``.

Token for token, on generated conversations. Where the two say other texts
(``support.template`` lists where), their masks can't be compared, and two more
differences are the template's choice of thinking: it keeps that of the very last
message and that of calls which no answer follows. Here, ``drop_analysis`` says which
thinking is kept; so the conversations have no other.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from harmony import chat, load_harmony_encoding, training
from support.convert import DATE
from support.template import BEGUN, ENDED, Json, requests, template, templated

ENCODING = load_harmony_encoding("HarmonyGptOss")
TEMPLATE: Any = template("gptoss_training.jinja")
pytestmark = pytest.mark.skipif(TEMPLATE is None, reason="trl is not installed")


def with_thinking_that_is_kept(request: Json) -> Json:
    """Return a request without the thinking that the template leaves out."""
    messages = [dict(message) for message in request["messages"]]
    final = False
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message["role"] != "assistant":
            continue
        calls = "tool_calls" in message
        if final or not (calls or index == len(messages) - 1):
            message.pop("reasoning", None)
        final = final or not calls
    return {**request, "messages": messages}


def check(request: Json) -> None:
    request = with_thinking_that_is_kept(request)
    text = templated(TEMPLATE, request, prompt=False)
    tokens: list[int] = []
    mask: list[int] = []
    for part in text.split(BEGUN):
        written, _, other = part.rpartition(ENDED)
        for piece, counts in ((written, 1), (other, 0)):
            added = ENCODING.encode(piece, allowed_special="all")
            tokens += added
            mask += [counts] * len(added)
    talk = chat.prompt(request, date=DATE).conversation
    made = training.example(ENCODING, talk, mask="messages")
    assert made.tokens.tolist() == tokens
    assert made.mask.tolist() == mask


@settings(deadline=None)
@given(requests())
def test_generated_conversations(request: Json) -> None:
    check(request)


@pytest.mark.slow
@settings(deadline=None, max_examples=1000)
@given(requests())
def test_a_thousand_generated_conversations(request: Json) -> None:
    check(request)
