"""The keys that rows may have. Any other is an error, since its value would be lost.

A key with the value null says nothing and is no error: tables fill in the keys that
other rows have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from harmony._model.checks import path_step

Keys: TypeAlias = "Mapping[str, Keys | None]"
"""What may stand under each key; None is anything."""

_PART: Keys = dict.fromkeys(("type", "text", "refusal"))
_CALL: Keys = {
    **dict.fromkeys(("id", "type", "index")),
    "function": dict.fromkeys(("name", "arguments")),
    "custom": dict.fromkeys(("name", "input")),
}
_CHAT_MESSAGE: Keys = {
    **dict.fromkeys(("role", "name", "refusal", "tool_call_id")),
    **dict.fromkeys(("reasoning", "reasoning_content", "thinking")),
    **dict.fromkeys(("function_call", "audio")),  # which are errors of their own
    "content": _PART,
    "tool_calls": _CALL,
}
CHAT: Keys = {
    **dict.fromkeys(("tools", "tool_choice", "parallel_tool_calls")),
    **dict.fromkeys(("reasoning_effort", "response_format")),
    "messages": _CHAT_MESSAGE,
}
"""The keys of a chat, as OpenAI's API and Hugging Face's datasets have them."""

_TOOL: Keys = dict.fromkeys(("name", "description", "parameters"))
_NAMESPACE: Keys = {**dict.fromkeys(("name", "description")), "tools": _TOOL}
_CONTENT: Keys = {
    **dict.fromkeys(("type", "text", "model_identity", "reasoning_effort")),
    **dict.fromkeys(("conversation_start_date", "knowledge_cutoff")),
    "channel_config": dict.fromkeys(("valid_channels", "channel_required")),
    "instructions": None,
    "tools": {"": _NAMESPACE},
    "response_formats": dict.fromkeys(("name", "schema", "description")),
}
MESSAGE: Keys = {
    **dict.fromkeys(("role", "name", "channel", "recipient", "content_type")),
    "author": dict.fromkeys(("role", "name")),
    "content": _CONTENT,
}
HARMONY: Keys = {"messages": MESSAGE}
"""The keys of a conversation in harmony's JSON; "" stands for any key."""


def row_format(row: Any) -> str:
    """Return the format of a row, "chat" or "harmony".

    Harmony's keys are known, and its assistant speaks on channels. What can't be read
    is left to who reads it.

    >>> row_format({"messages": [{"role": "assistant", "content": "Hi."}]})
    'chat'
    """
    try:
        said = [m for m in row["messages"] if m.get("role") == "assistant"]
    except (TypeError, KeyError, AttributeError):
        return "harmony"
    if unknown_key(row, HARMONY) is not None:
        return "chat"
    return "chat" if any(m.get("channel") is None for m in said) else "harmony"


def is_known(value: Any, known: Keys) -> bool:
    """Tell whether all keys are known, without saying which is not."""
    if isinstance(value, (list, tuple)):
        return all([is_known(item, known) for item in value])
    if not isinstance(value, dict):
        return True
    for key, item in value.items():
        if key not in known and "" not in known:
            if item is not None:
                return False
        elif isinstance(item, (dict, list)):
            inner = known.get(key, known.get(""))
            if inner is not None and not is_known(item, inner):
                return False
    return True


def unknown_key(value: Any, known: Keys | None, place: str = "") -> str | None:
    """Return the path of the first key that is not known; None if all are.

    >>> unknown_key({"messages": [{"role": "user", "weight": 0}]}, CHAT)
    'messages[0].weight'
    """
    if known is None:
        return None
    if isinstance(value, (list, tuple)):
        steps: list[tuple[str, Any, Keys | None]] = [
            (f"[{index}]", item, known) for index, item in enumerate(value)
        ]
    elif isinstance(value, dict):
        for key, item in value.items():
            if item is not None and key not in known and "" not in known:
                return f"{place}{path_step(key)}".removeprefix(".")
        steps = [
            (path_step(key), item, known.get(key, known.get("")))
            for key, item in value.items()
        ]
    else:
        return None
    found = (unknown_key(item, inner, place + step) for step, item, inner in steps)
    return next(filter(None, found), None)
