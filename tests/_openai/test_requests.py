"""Any request gives a prompt, or a ``ValueError`` that begins with a path of it."""

from __future__ import annotations

from copy import deepcopy
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from harmony import chat, load_harmony_encoding, responses
from support.requests import damaged, of_type, stands

chats = pytest.importorskip("openai.types.chat.completion_create_params")
ours = pytest.importorskip("openai.types.responses.response_create_params")

ENCODING = load_harmony_encoding("HarmonyGptOss")
DATE = "2025-06-28"

chat_requests = of_type(chats.CompletionCreateParamsNonStreaming)
responses_requests = of_type(ours.ResponseCreateParamsNonStreaming)
options = st.fixed_dictionaries(
    {},
    optional={
        "header": st.sampled_from(["template", "model"]),
        "rename_tools": st.booleans(),
        "unknown_tools": st.sampled_from(["error", "skip"]),
        "drop_analysis": st.sampled_from(["never", "upstream", "per_turn"]),
    },
)
any_speed = settings(deadline=None, suppress_health_check=list(HealthCheck))


def check(module: ModuleType, request: Any, given: dict[str, Any]) -> None:
    """Check what any request gives, and that the request is as it was."""
    before = shown(request)
    try:
        prompt = module.prompt(request, date=DATE, **given)
    except ValueError as error:
        event("an error")
        assert stands(str(error), request), str(error)
        assert type(error) is ValueError
    else:
        event("a prompt")
        tokens = prompt.tokens(ENCODING)
        assert tokens == module.prompt(request, date=DATE, **given).tokens(ENCODING)
        conversation = prompt.conversation
        assert conversation.messages[0].author.role == "system"
        assert prompt.tokens(ENCODING) == tokens  # of the messages, and without them
        repr(prompt)
    assert shown(request) == before


def shown(value: Any) -> str:
    """Return a value as text; with NaN it is not equal to its copy."""
    return repr(deepcopy(value))


@any_speed
@given(chat_requests, options)
def test_a_chat_request(request: Any, given: dict[str, Any]) -> None:
    check(chat, request, given)


@any_speed
@given(damaged(chat_requests), options)
def test_a_damaged_chat_request(request: Any, given: dict[str, Any]) -> None:
    check(chat, request, given)


@any_speed
@given(responses_requests, options)
def test_a_responses_request(request: Any, given: dict[str, Any]) -> None:
    check(responses, request, given)


@any_speed
@given(damaged(responses_requests), options)
def test_a_damaged_responses_request(request: Any, given: dict[str, Any]) -> None:
    check(responses, request, given)
