"""``BatchRenderer``: columns give what one conversation at a time gives."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony import Conversation, Message, chat, load_harmony_encoding, training
from support.convert import DATE
from support.rows import TOOL, chat_row, harmony_row

np = pytest.importorskip("numpy")
pa = pytest.importorskip("pyarrow")
arrow = pytest.importorskip("harmony.arrow")

ENCODING = load_harmony_encoding("HarmonyGptOss")
Json = dict[str, Any]

CHAT = arrow.BatchRenderer(date=DATE)
HARMONY = arrow.BatchRenderer(format="harmony")


def text_of(row: Json) -> str:
    return json.dumps(row["messages"], ensure_ascii=False)


def expected(row: Json, **options: Any) -> training.Example:
    talk = chat.prompt(row, date=DATE).conversation
    return training.example(ENCODING, talk, **options)


def check(batch: Any, index: int, wanted: training.Example) -> None:
    assert batch.column("error")[index].as_py() is None
    assert batch.column("input_ids")[index].as_py() == wanted.tokens.tolist()
    assert batch.column("loss_mask")[index].as_py() == wanted.mask.tolist()


texts = st.sampled_from(["", "hi", "Two\nlines.", "é 😀", "<|end|>", "  spaced "])
plain = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"]), "content": texts},
    optional={"reasoning_content": texts},
)
NAMES = ["get_weather", "get-weather", "get_weather_2", "f", "2fa", "a b", "a_b"]
one_call = st.builds(
    lambda name, call_id, text, kind: {
        "id": call_id,
        **kind,
        "function": {"name": name, "arguments": text},
    },
    st.sampled_from(NAMES),
    st.sampled_from(["c1", "c2", "c3"]),
    texts,
    st.sampled_from([{"type": "function"}, {"type": None}, {}]),
)
called = st.fixed_dictionaries(
    {"role": st.just("assistant"), "tool_calls": st.lists(one_call, max_size=3)},
    optional={"content": st.none() | texts, "reasoning_content": texts},
)
result = st.fixed_dictionaries(
    {
        "role": st.just("tool"),
        "tool_call_id": st.sampled_from(["c1", "c1", "c2", "c3"]),
        "content": texts,
    },
    optional={"name": st.sampled_from(NAMES)},
)
OTHER_TOOL = {"type": "function", "function": {"name": "get-weather"}}
toolsets = st.sampled_from([None, [], [TOOL], [OTHER_TOOL], [OTHER_TOOL, TOOL]])
chats = st.builds(
    lambda first, rest, tools: {"messages": first + rest, "tools": tools},
    st.lists(plain | called, max_size=3),
    st.lists(plain | called | result | result, min_size=1, max_size=6),
    toolsets,
)


@settings(deadline=None)
@given(st.lists(chats, min_size=1, max_size=6))
def test_chats_in_structs_and_in_json_are_those_read_one_by_one(
    rows: list[Json],
) -> None:
    structs = CHAT(pa.RecordBatch.from_pylist(rows))
    in_json = [{key: json.dumps(row[key]) for key in row} for row in rows]
    assert structs.equals(CHAT(pa.RecordBatch.from_pylist(in_json)))
    for index, row in enumerate(rows):
        try:
            wanted = expected(row)
        except ValueError as error:
            assert structs.column("error")[index].as_py() == str(error)
        else:
            check(structs, index, wanted)


def call(call_id: str, name: str = "f") -> Json:
    function = {"name": name, "arguments": f'{{"of": "{call_id}"}}'}
    return {"id": call_id, "type": "function", "function": function}


def calls(*made: Json, **others: str) -> Json:
    return {"role": "assistant", "tool_calls": [*made], **others}


def answer(call_id: str) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": f"of {call_id}"}


USER = {"role": "user", "content": "hi"}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    "said",
    [
        [USER, calls(call("a"), call("b")), answer("a"), answer("b")],
        [USER, calls(call("a"), call("b")), answer("b"), answer("a")],
        [calls(call("a"), call("b")), answer("b"), calls(content=""), answer("a")],
        [calls(call("a"), call("b")), answer("b"), USER, answer("a")],
        [calls(call("a"), call("b")), answer("b"), calls(call("c")), answer("a")],
        [calls(call("a", "f")), answer("a"), calls(call("a", "g")), answer("a")],
        [calls(call("a", "f"), call("a", "g")), answer("a")],
        [USER, calls(call("a"), content="Look.", reasoning="Hm."), answer("a")],
        [SYSTEM, USER, calls(call("a")), answer("a")],
        [SYSTEM, USER],
        [USER, calls(call("a", "get-weather"), call("b", "get_weather"))],
        [USER, calls(call("a", "a b"), call("b", "a_b"))],
        [USER, calls(call("a")), {**answer("a"), "name": "g"}],
    ],
)
@pytest.mark.parametrize("tools", [None, [TOOL], [OTHER_TOOL]])
def test_calls_and_results_in_structs(said: list[Json], tools: list[Json]) -> None:
    # The others of the batch are rows whose calls have the same ids.
    rows = [{"messages": m, "tools": tools} for m in ([calls(call("a"))], said, said)]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    for index, row in enumerate(rows):
        check(batch, index, expected(row))


@pytest.mark.parametrize(
    "said",
    [
        [USER, answer("a")],
        [answer("a"), calls(call("a"))],
        [calls({**call("a"), "function": {"name": "f"}})],
        [calls({**call("a"), "type": "custom"})],
        [calls({**call("a"), "type": "browser"})],
        [{**USER, "tool_calls": [call("a")]}, answer("a")],
        [calls(call("a")), {**answer("a"), "tool_call_id": None}],
        [calls(call("a")), {**answer("a"), "content": None}],
        [calls({**call("a"), "index": 0})],
        [calls({**call("a"), "function": {"arguments": "{}"}})],
        [calls({**call("a"), "function": {"name": "a" * 65, "arguments": "{}"}})],
    ],
)
def test_what_is_wrong_with_calls_in_structs_is_told(said: list[Json]) -> None:
    rows = [{"messages": m} for m in ([calls(call("a")), answer("a")], said)]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    check(batch, 0, expected(rows[0]))
    try:
        check(batch, 1, expected(rows[1]))
    except ValueError as error:
        assert batch.column("error")[1].as_py() == str(error)


@pytest.mark.parametrize("function", [None, "f"])
def test_calls_whose_function_is_no_struct(function: str | None) -> None:
    made = {"id": "a", "type": "function", "function": function}
    rows = [{"messages": [USER, calls(made)]}]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    error = batch.column("error")[0].as_py()
    assert error.startswith("messages[1].tool_calls[0].function: ")


def test_a_key_that_conversations_do_not_have_is_named_where_it_says_something() -> (
    None
):
    said = [{**USER, "weight": weight} for weight in (None, 1)]
    batch = HARMONY(pa.RecordBatch.from_pylist([{"messages": [m]} for m in said]))
    check(batch, 0, training.example(ENCODING, [Message.from_dict(USER)]))
    error = batch.column("error")[1].as_py()
    assert error == "messages[0].weight: this key is not known"


def test_tools_with_values_that_json_can_not_have_are_an_error_of_their_row() -> None:
    schema = {"type": "object", "properties": {"since": {"default": date(2025, 6, 28)}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    rows = [{"messages": [USER], "tools": [tool]}, {"messages": [USER], "tools": None}]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    assert "expected a JSON value" in batch.column("error")[0].as_py()
    check(batch, 1, expected({"messages": [USER]}))


def test_a_conversation_that_can_not_be_rendered_is_an_error_of_its_row() -> None:
    """Which row it is of many that are rendered in one call is found out."""
    unnamed = {"role": "tool", "content": "18"}
    texts = [json.dumps([message]) for message in (USER, unnamed, USER)]
    batch = HARMONY(pa.table({"messages": texts}))
    errors = batch.column("error").to_pylist()
    assert "Tools should have a name" in errors[1]
    assert (errors[0], errors[2]) == (None, None)
    ids = batch.column("input_ids").to_pylist()
    assert ids[0] == ids[2] and ids[1] is None


def test_tools_that_are_wrong_are_an_error_of_their_row() -> None:
    """Whatever says so: read in columns, or row by row."""
    tools = ["[{", "[1]", json.dumps([TOOL]), '[{"type": "browser"}]']
    rows = [{"messages": [USER], "tools": text} for text in tools]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    errors = batch.column("error").to_pylist()
    assert [error is None for error in errors] == [False, False, True, False]
    check(batch, 2, expected({"messages": [USER], "tools": [TOOL]}))


harmony_messages = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "developer", "tool"]),
        "content": texts,
    },
    optional={
        "name": st.sampled_from(["", "functions.f"]),
        "channel": st.sampled_from(["analysis", "final", ""]),
        "recipient": st.sampled_from(["all", "functions.f"]),
        "content_type": st.just("<|constrain|>json"),
    },
)


@settings(deadline=None)
@given(
    st.lists(st.lists(harmony_messages, min_size=1, max_size=5), min_size=1, max_size=5)
)
def test_conversations_in_structs(rows: list[list[Json]]) -> None:
    batch = HARMONY(pa.RecordBatch.from_pylist([{"messages": row} for row in rows]))
    for index, row in enumerate(rows):
        talk = [Message.from_dict(message) for message in row]
        if any(m["role"] == "tool" and m.get("name") is None for m in row):
            assert "Tools should have a name" in batch.column("error")[index].as_py()
            assert batch.column("input_ids")[index].as_py() is None
        else:
            check(batch, index, training.example(ENCODING, talk))


@pytest.mark.parametrize("column", ["structs", "json"])
def test_tools_in_structs_and_in_json(column: str) -> None:
    rows = [chat_row(i, tools=i % 2 == 0) for i in range(20)]
    if column == "json":
        given_rows = [
            {"messages": text_of(row), "tools": json.dumps(row.get("tools"))}
            for row in rows
        ]
    else:
        given_rows = rows
    batch = CHAT(pa.RecordBatch.from_pylist(given_rows))
    for index, row in enumerate(rows):
        check(batch, index, expected(row))


def test_plain_rows_make_no_object_for_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise AssertionError("rows were read one by one")

    rows = [chat_row(i, tools=i % 2 == 0) for i in range(9)]
    for message in rows[0]["messages"]:
        message["name"] = "nobody reads it"
    chats_given = pa.RecordBatch.from_pylist(rows)
    talks = pa.RecordBatch.from_pylist([harmony_row(i) for i in range(9)])
    wanted = CHAT(chats_given), HARMONY(talks)
    monkeypatch.setattr(arrow.BatchRenderer, "_read", refuse)
    assert (CHAT(chats_given), HARMONY(talks)) == wanted


@pytest.mark.parametrize("start", [0, 1, 5])
def test_slices_of_a_batch(start: int) -> None:
    rows = [chat_row(i, turns=1 + i % 3) for i in range(9)]
    batch = pa.RecordBatch.from_pylist(rows)
    sliced = CHAT(batch.slice(start, 4))
    for index, row in enumerate(rows[start : start + 4]):
        check(sliced, index, expected(row))


@pytest.mark.parametrize(
    "options",
    [
        {"mask": "messages"},
        {"mask": "content", "channels": ["final"]},
        {"last_turn": True},
        {"drop_analysis": "per_turn"},
    ],
)
def test_options_are_those_of_examples(options: Json) -> None:
    rows = [chat_row(i) for i in range(3)]
    batch = arrow.BatchRenderer(date=DATE, **options)(pa.RecordBatch.from_pylist(rows))
    for index, row in enumerate(rows):
        check(batch, index, expected(row, **options))


@pytest.mark.parametrize("column", ["structs", "json"])
def test_schemas_and_formats_of_answers_are_said_in_full(column: str) -> None:
    count = {"type": "integer", "minimum": 1, "maximum": 9}
    schema = {"type": "object", "properties": {"count": count}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    row: Json = {"messages": [USER, calls(call("a"))], "tools": [tool]}
    given_row = row if column == "structs" else {k: json.dumps(row[k]) for k in row}
    render = arrow.BatchRenderer(date=DATE, schemas="complete")
    batch = render(pa.RecordBatch.from_pylist([given_row]))
    talk = chat.prompt(row, date=DATE).conversation
    check(batch, 0, training.example(ENCODING, talk, schemas="complete"))
    assert not batch.equals(CHAT(pa.RecordBatch.from_pylist([given_row])))
    named = {"name": "count", "schema": schema}
    row["response_format"] = {"type": "json_schema", "json_schema": named}
    batch = render(pa.record_batch({"messages": pa.array([json.dumps(row)])}))
    talk = chat.prompt(row, date=DATE).conversation
    check(batch, 0, training.example(ENCODING, talk, schemas="complete"))


@pytest.mark.parametrize("column", ["structs", "json"])
def test_prompts_have_no_mask(column: str) -> None:
    """Where no row was plain, ``concat_arrays`` refused masks of two types."""
    rows = [chat_row(i) for i in range(3)]
    given_rows = [text_of(r) if column == "json" else r["messages"] for r in rows]
    render = arrow.BatchRenderer(date=DATE, purpose="completion", header="model")
    table = render(pa.table({"messages": given_rows}))
    assert table.column_names == ["input_ids", "error"]
    for index, row in enumerate(rows):
        prompt = chat.prompt(row, date=DATE, drop_analysis="never", header="model")
        assert table["input_ids"][index].as_py() == prompt.tokens(ENCODING)


def test_tables_keep_their_kind_their_chunks_and_columns() -> None:
    table = pa.Table.from_batches(
        pa.RecordBatch.from_pylist([{"messages": chat_row(i)["messages"], "id": i}])
        for i in range(3)
    )
    render = arrow.BatchRenderer(date=DATE, keep=["id"])
    made = render(table)
    assert isinstance(made, pa.Table) and made["id"].to_pylist() == [0, 1, 2]
    assert made["input_ids"].num_chunks == 3
    assert made.schema.field("input_ids").type == pa.list_(pa.int32())
    assert made.schema.field("loss_mask").type == pa.list_(pa.int8())
    assert render(table.slice(0, 0)).schema == made.schema
    assert render(table.schema.empty_table()).num_rows == 0


def test_large_columns_give_large_lists() -> None:
    rows = pa.array([text_of(chat_row(1))], pa.large_string())
    batch = CHAT(pa.record_batch({"messages": rows}))
    assert batch.schema.field("input_ids").type == pa.large_list(pa.int32())
    check(batch, 0, expected(chat_row(1)))
    structs = pa.RecordBatch.from_pylist([chat_row(1)]).column("messages")
    kind = pa.large_list(structs.type.value_type)
    batch = CHAT(pa.record_batch({"messages": structs.cast(kind)}))
    check(batch, 0, expected(chat_row(1)))


def test_long_batches_are_rendered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [chat_row(i) for i in range(7)]
    batch = pa.RecordBatch.from_pylist(rows)
    wanted = CHAT(batch)
    monkeypatch.setattr(arrow, "LARGEST", 4000)
    assert CHAT(batch).equals(wanted)


def test_errors_are_of_their_rows() -> None:
    good = {"role": "user", "content": "hi"}
    rows = [
        {"messages": [good]},
        {"messages": [{**good, "weight": 1}]},
        {"messages": None},
        {"messages": [good]},
        {"messages": [{"role": "user"}]},
    ]
    batch = CHAT(pa.RecordBatch.from_pylist(rows))
    errors = batch.column("error").to_pylist()
    assert errors[0] is errors[3] is None
    assert errors[1] == "messages[0].weight: this key is not known"
    assert errors[2] == "messages: null"
    assert errors[4].startswith("messages[0].content: ")
    assert batch.column("input_ids").is_valid().to_pylist() == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert batch.column("loss_mask").null_count == 3
    loose = arrow.BatchRenderer(date=DATE, ignore_unknown=True)
    assert loose(pa.RecordBatch.from_pylist(rows[:2])).column("error").null_count == 2
    strict = arrow.BatchRenderer(date=DATE, on_error="raise")
    with pytest.raises(ValueError, match=r"row 1: messages\[0\].weight"):
        strict(pa.RecordBatch.from_pylist(rows))
    broken = pa.record_batch({"messages": pa.array(["[", text_of(chat_row(1))])})
    assert CHAT(broken).column("error").null_count == 1


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match=r"no column 'messages' .there are: talk"):
        CHAT(pa.table({"talk": ["[]"]}))
    with pytest.raises(ValueError, match="mask: unknown kind"):
        arrow.BatchRenderer(mask="all")
    with pytest.raises(ValueError, match="on_error: unknown way"):
        arrow.BatchRenderer(on_error="skip")


def test_one_name_is_not_several() -> None:
    """``channels`` was taken as letters, so that nothing was trained on."""
    for option in ("channels", "keep"):
        with pytest.raises(TypeError, match=f"{option}: expected several names"):
            arrow.BatchRenderer(**{option: "final"})


def test_no_column_takes_the_place_of_a_result() -> None:
    """A column ``error`` of the input hid the errors."""
    with pytest.raises(ValueError, match="keep: 'error' is a column of the result"):
        arrow.BatchRenderer(keep=["id", "error"])


def test_it_is_pickled_with_its_day() -> None:
    render = pickle.loads(pickle.dumps(arrow.BatchRenderer()))
    batch = pa.RecordBatch.from_pylist([chat_row(1)])
    assert render(batch).equals(render(batch))
    assert len(pickle.dumps(render)) < 1000


def test_a_row_in_json_may_have_its_own_tools() -> None:
    row = {**chat_row(1), "tools": [TOOL]}
    batch = CHAT(pa.record_batch({"messages": pa.array([json.dumps(row)])}))
    check(batch, 0, expected(row))


def test_a_row_in_json_does_not_lose_the_tools_beside_it() -> None:
    row = chat_row(1)
    texts = {"messages": json.dumps(row), "tools": json.dumps([TOOL])}
    check(
        CHAT(pa.RecordBatch.from_pylist([texts])), 0, expected({**row, "tools": [TOOL]})
    )


def test_nulls_in_the_json_of_tools_say_something() -> None:
    """They were left out, like those of structs, beside messages that are not plain."""
    unit = {"type": "string", "default": None}
    schema = {"type": "object", "properties": {"unit": unit}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    said = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    given_row = {"messages": said, "tools": json.dumps([tool])}
    batch = CHAT(pa.RecordBatch.from_pylist([given_row]))
    check(batch, 0, expected({"messages": said, "tools": [tool]}))


@pytest.mark.parametrize("column", [[5], [b"5"], ["5"], [["5"]], [[5]], [["{}", None]]])
def test_columns_of_something_else_are_errors_of_their_rows(column: list[Any]) -> None:
    for name in ("messages", "tools"):
        rows = {"messages": pa.array([text_of(chat_row(1))]), name: pa.array(column)}
        (error,) = CHAT(pa.record_batch(rows)).column("error").to_pylist()
        assert error.startswith(name)


def test_messages_and_tools_may_each_be_json() -> None:
    """Hugging Face datasets store structs that differ so."""
    row = chat_row(1, tools=True)
    texts = {key: [json.dumps(item) for item in row[key]] for key in row}
    check(CHAT(pa.RecordBatch.from_pylist([texts])), 0, expected(row))


def test_packing_takes_what_it_gives() -> None:
    rows = [harmony_row(i) for i in range(3)]
    batch = HARMONY(pa.RecordBatch.from_pylist(rows))
    names = ("input_ids", "loss_mask")
    columns = [batch.column(name).to_pylist() for name in names]
    given_rows = [training.Example.of(*row) for row in zip(*columns, strict=True)]
    talks = [Conversation.from_dict(row) for row in rows]
    wanted = training.pack([training.example(ENCODING, t) for t in talks], 1000)
    assert training.pack(given_rows, 1000) == wanted
