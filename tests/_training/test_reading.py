"""Rows are read the short way as they are the long way."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import Conversation
from harmony._training.reading import ChatRows, HarmonyRows
from harmony.rendering import said
from support import strategies
from support.convert import CASES, DATE
from support.rows import chat_row, harmony_row
from support.template import requests

CHAT = ChatRows(DATE)
HARMONY = HarmonyRows()
Json = dict[str, Any]


@given(requests(), st.sampled_from(["template", "model"]))
def test_chats(row: Json, header: Any) -> None:
    reader = ChatRows(DATE, header)
    assert reader(copy.deepcopy(row)) == reader._full(row)


@pytest.mark.parametrize(
    "case",
    [
        c
        for c in CASES
        if c["kind"] == "chat-prompt" or "messages" in c.get("request", {})
    ],
    ids=lambda case: case["name"],
)
def test_the_examples_of_requests(case: Json) -> None:
    reader = ChatRows(DATE, strict=False)
    row = {k: v for k, v in case["request"].items() if k != "continue_final_message"}
    try:
        wanted = reader._full(row)
    except ValueError as error:
        with pytest.raises(ValueError) as caught:
            reader(row)
        assert str(caught.value) == str(error)
    else:
        assert reader(row) == wanted


@pytest.mark.parametrize("tools", [False, True])
def test_rows_that_are_made_for_speed_take_the_short_way(tools: bool) -> None:
    row = chat_row(1, tools=tools)
    assert CHAT.plain(row) == CHAT._full(row)
    nulls = [
        {**m, "name": None, "tool_calls": m.get("tool_calls")} for m in row["messages"]
    ]
    assert CHAT.plain({**row, "messages": nulls}) == CHAT._full(row)
    assert HARMONY.plain(harmony_row(1)) == HARMONY._full(harmony_row(1))


def message(role: str, **fields: Any) -> Json:
    return {"role": role, "content": "hi", **fields}


@pytest.mark.parametrize(
    "odd",
    [
        message("user", name="Bob"),
        message("user", content=[{"type": "text", "text": "hi"}]),
        message("user", reasoning_content="no"),
        message("assistant", thinking="Hm."),
        message("assistant", refusal="No."),
        message("assistant", reasoning="", reasoning_content="Hm."),
        message("assistant", content=None),
        message("assistant", content=""),
        message("system", content=""),
        message("developer", content="Later."),
        message("assistant", tool_calls=[]),
        message("assistant", reasoning_content=None),
    ],
)
def test_odd_messages(odd: Json) -> None:
    for before in ([], [message("user")]):
        row = {"messages": [*before, odd, message("user")]}
        assert CHAT(row) == CHAT._full(row)


def function(**fields: Any) -> Json:
    return {"name": "f", "arguments": "{}", **fields}


def call(**fields: Any) -> Json:
    return {"id": "c", "type": "function", "function": function(), **fields}


def outcome(read: Any, row: Any) -> Any:
    try:
        return read(copy.deepcopy(row))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    "odd",
    [
        message("assistant", tool_calls="no list"),
        *[
            message("assistant", tool_calls=[made])
            for made in (
                3,
                call(type="custom"),
                call(function=None),
                call(id=3),
                call(function=function(arguments={"a": 1})),
                call(extra=1),
                call(function=function(extra=1)),
            )
        ],
        message("assistant", content=[{"type": "text", "text": "hi"}]),
        message("tool", tool_call_id=3),
        message("tool", name="f"),
        3,
    ],
)
def test_what_is_not_plain_is_read_the_long_way(odd: Any) -> None:
    reader = ChatRows(DATE, strict=False)
    row = {"messages": [message("user"), odd]}
    assert reader.plain(row) is None
    assert outcome(reader, row) == outcome(reader._full, row)


class Row(dict[str, Any]):
    """A row of a kind of its own."""


def test_rows_of_other_kinds() -> None:
    row = {"messages": [message("user")]}
    assert CHAT(Row(row)) == CHAT(row)
    assert HARMONY(Row(row)) == HARMONY({**row, "id": None}) == HARMONY(row)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"messages": [message("user", weight=1)]}, "messages[0].weight: this key"),
        ({"messages": [message("bob")]}, "messages[0].role: 'bob' is not known"),
        ({"messages": []}, "messages: there are none"),
        ({"messages": [3]}, "messages[0]: expected an object"),
        ({"tools": []}, "messages: "),
        ([1], "row: expected an object"),
        (
            {"messages": [message("tool", tool_call_id="c")]},
            "messages[0].tool_call_id: no call before has the id 'c'",
        ),
        (
            {"messages": [message("assistant", tool_calls=[{"id": "c"}])]},
            "messages[0].tool_calls[0].function: missing",
        ),
    ],
)
def test_what_is_wrong_is_named(row: Any, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        CHAT(row)
    assert str(caught.value).startswith(complaint)


def test_unknown_keys_are_taken_if_asked_for() -> None:
    row = {"messages": [message("user", weight=1)], "id": 3}
    assert ChatRows(DATE, strict=False)(row) == CHAT({"messages": [message("user")]})


@given(strategies.conversations)
def test_conversations(talk: Conversation) -> None:
    try:
        wanted = said(talk.messages, "reference")
    except RuntimeError as error:
        with pytest.raises(RuntimeError) as caught:
            HARMONY(talk.to_dict())
        assert str(caught.value) == str(error)
    else:
        assert HARMONY(talk.to_dict()) == wanted


def test_texts_of_conversations() -> None:
    row = harmony_row(3)
    row["messages"][1]["content_type"] = None
    assert HARMONY.plain(row) == HARMONY._full(row)
    for odd in ({"content": 3}, {"role": "bob"}, {"channel": 1}, {"x": 1}):
        bad = {"messages": [{"role": "user", "content": "hi", **odd}]}
        with pytest.raises(ValueError):
            HARMONY(bad)
