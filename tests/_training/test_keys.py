"""Which keys rows may have."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony._training.keys import CHAT, HARMONY, is_known, unknown_key
from support import strategies
from support.requests import places
from support.rows import chat_row, harmony_row
from support.template import requests

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def chat(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": "hi", **fields}]}


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ({"messages": [], "id": 3}, "id"),
        ({"messages": [], "my id": 3}, "['my id']"),
        (chat(weight=0), "messages[0].weight"),
        (
            chat(content=[{"type": "text", "text": "", "x": 1}]),
            "messages[0].content[0].x",
        ),
        (chat(tool_calls=[{**CALL, "x": 1}]), "messages[0].tool_calls[0].x"),
        (
            chat(tool_calls=[{**CALL, "function": {"nam": "f"}}]),
            "messages[0].tool_calls[0].function.nam",
        ),
    ],
)
def test_an_unknown_key_is_named_by_its_path(row: Any, path: str) -> None:
    assert unknown_key(row, CHAT) == path
    assert not is_known(row, CHAT)


@given(requests(), st.data())
def test_both_ways_to_ask_agree(drawn: Any, data: st.DataObject) -> None:
    row = deepcopy(drawn)  # draws share parts
    for where, key in data.draw(st.lists(st.sampled_from(places(row)), max_size=2)):
        if isinstance(where, dict):
            where[data.draw(st.sampled_from(["x", "role", "id"]))] = where[key]
    for known in (CHAT, HARMONY):
        assert is_known(row, known) is (unknown_key(row, known) is None)


def test_rows_of_other_things_have_no_unknown_keys() -> None:
    """What is wrong with them is said by who reads them."""
    for row in ({"messages": [3, None]}, {"messages": {"role": {"x": 1}}}, 3):
        assert is_known(row, CHAT) and unknown_key(row, CHAT) is None


def test_what_is_null_says_nothing() -> None:
    assert is_known({**chat(weight=None), "id": None}, CHAT)
    assert unknown_key({**chat(weight=None), "id": None}, CHAT) is None


def test_schemas_and_arguments_may_have_any_key() -> None:
    row = chat_row(1, tools=True)
    row["tools"][0]["function"]["parameters"]["x-mine"] = {"a": 1}
    assert unknown_key(row, CHAT) is None
    arguments = {"name": "f", "arguments": {"any": 1}}
    assert unknown_key(chat(tool_calls=[{**CALL, "function": arguments}]), CHAT) is None


@given(strategies.conversations)
def test_all_that_a_conversation_writes_is_known(talk: Any) -> None:
    assert unknown_key(talk.to_dict(), HARMONY) is None
    assert is_known(talk.to_dict(), HARMONY)


def test_keys_of_conversations() -> None:
    assert unknown_key(harmony_row(1), HARMONY) is None
    row: Any = {"messages": [{"role": "user", "content": "", "tool_calls": []}]}
    assert unknown_key(row, HARMONY) == "messages[0].tool_calls"
    assert unknown_key({**row, "tools": []}, HARMONY) == "tools"
    row = {"messages": [{"author": {"role": "user", "nam": "x"}, "content": ""}]}
    assert unknown_key(row, HARMONY) == "messages[0].author.nam"
    tools = {"f": {"name": "f", "tools": [{"name": "g", "x": 1}]}}
    content = [{"type": "developer_content", "tools": tools}]
    row = {"messages": [{"role": "developer", "content": content}]}
    assert unknown_key(row, HARMONY) == "messages[0].content[0].tools.f.tools[0].x"
