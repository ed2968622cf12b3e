"""Chat completions: a test for each rule, and the given examples."""

from __future__ import annotations

import datetime
import json
from array import array
from typing import Any

import pytest

from harmony import HarmonyEncoding, chat, load_harmony_encoding
from support.convert import (
    DATE,
    cases,
    check_chat_reply,
    check_prompt,
    messages_of,
    system_of,
)
from support.replies import ChatReply, chat_reply, portions

ENCODING = load_harmony_encoding("HarmonyGptOss")
Json = dict[str, Any]

USER: Json = {"role": "user", "content": "Rome?"}
REPLY = "assistant"


def function(name: str, **fields: Any) -> Json:
    return {"type": "function", "function": {"name": name, **fields}}


def call(call_id: str | None, name: str, arguments: Any = "{}") -> Json:
    made = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return made if call_id is None else {"id": call_id, **made}


def calls(*made: Json, **fields: Any) -> Json:
    return {"role": "assistant", "tool_calls": list(made), **fields}


def result(call_id: str, content: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def prompt(*messages: Json, options: Json | None = None, **fields: Any) -> chat.Prompt:
    request = {"messages": list(messages), **fields}
    return chat.prompt(request, date=DATE, **(options or {}))


def said(*messages: Json, options: Json | None = None, **fields: Any) -> list[str]:
    """Return the messages of a prompt but the system's and the reply's beginning."""
    *found, last = messages_of(prompt(*messages, options=options, **fields))
    assert last == REPLY
    return found


def fault(*messages: Any, options: Json | None = None, **fields: Any) -> str:
    """Return the path that the complaint about a request begins with."""
    with pytest.raises(ValueError) as caught:
        prompt(*messages, options=options, **fields)
    return str(caught.value).partition(": ")[0]


ROME = "user<|message|>Rome?<|end|>"


@cases("chat_prompt")
def test_example_prompts(case: Json, encoding: HarmonyEncoding) -> None:
    check_prompt(chat, case, encoding)


@cases("chat_reply")
def test_example_replies(case: Json, encoding: HarmonyEncoding) -> None:
    check_chat_reply(case, encoding)


# The system message


@pytest.mark.parametrize(
    ("effort", "written"),
    [
        *(("none", "low"), ("minimal", "low"), ("low", "low"), ("medium", "medium")),
        *(("high", "high"), ("xhigh", "high"), ("max", "high"), (None, "medium")),
    ],
)
def test_reasoning_effort(effort: str | None, written: str) -> None:
    text = system_of(prompt(USER, reasoning_effort=effort))
    assert f"\n\nReasoning: {written}\n\n" in text


def test_no_reasoning_effort_is_medium() -> None:
    assert "\n\nReasoning: medium\n\n" in system_of(prompt(USER))


def test_the_system_message() -> None:
    options = {"model_identity": "You are Max.", "knowledge_cutoff": "2025-01"}
    text = system_of(prompt(USER, options=options))
    assert text == (
        "You are Max.\nKnowledge cutoff: 2025-01\nCurrent date: 2025-06-28\n\n"
        "Reasoning: medium\n\n# Valid channels: analysis, commentary, final. "
        "Channel must be included for every message."
    )


def test_without_a_date_it_is_today() -> None:
    before = datetime.date.today()
    text = system_of(chat.prompt({"messages": [USER]}))
    days = {before.isoformat(), datetime.date.today().isoformat()}
    assert any(f"Current date: {day}\n" in text for day in days)


def test_function_tools_are_told_of_in_the_system_message() -> None:
    text = system_of(prompt(USER, tools=[function("f")]))
    assert text.endswith(
        "\nCalls to these tools must go to the commentary channel: 'functions'."
    )


@pytest.mark.parametrize("names", [("browser",), ("python",), ("browser", "python")])
def test_builtin_tools(names: tuple[str, ...]) -> None:
    text = system_of(prompt(USER, options={"builtin_tools": names}))
    for name in ("browser", "python"):
        assert (f"## {name}\n" in text) is (name in names)
    assert "'functions'" not in text


# Instructions


def system(content: Any) -> Json:
    return {"role": "system", "content": content}


def developer(content: Any) -> Json:
    return {"role": "developer", "content": content}


def test_leading_instructions_are_joined() -> None:
    instructions = [system("A"), developer("B"), system(""), developer("C")]
    assert said(*instructions, USER) == [
        "developer<|message|># Instructions\n\nA\n\nB\n\nC<|end|>",
        ROME,
    ]


def test_later_instructions_stay_in_place() -> None:
    assert said(USER, system("A"), USER, developer("B")) == [
        ROME,
        "developer<|message|># Instructions\n\nA<|end|>",
        ROME,
        "developer<|message|># Instructions\n\nB<|end|>",
    ]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_empty_instructions_are_none(role: str) -> None:
    empty = {"role": role, "content": ""}
    assert said(empty, USER, empty) == [ROME]
    assert said({"role": role, "content": []}, USER) == [ROME]


def test_only_instructions() -> None:
    assert said(system("A")) == ["developer<|message|># Instructions\n\nA<|end|>"]


# Messages

REASONING = "assistant<|channel|>analysis<|message|>Hm.<|end|>"


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content", "thinking"])
def test_reasoning_has_three_names(key: str) -> None:
    assert said(USER, {"role": "assistant", key: "Hm."}) == [ROME, REASONING]


def test_the_first_name_of_reasoning_wins() -> None:
    message = {"role": "assistant", "thinking": "3", "reasoning_content": "2"}
    second = "assistant<|channel|>analysis<|message|>2<|end|>"
    assert said(USER, message) == [ROME, second]
    assert said(USER, {**message, "reasoning": None}) == [ROME, second]
    assert said(USER, {**message, "reasoning": "Hm."}) == [ROME, REASONING]


def test_an_answer_is_on_final() -> None:
    assert said(USER, {"role": "assistant", "content": "Yes."}) == [
        ROME,
        "assistant<|channel|>final<|message|>Yes.<|end|>",
    ]


def test_a_refusal_is_an_answer() -> None:
    message = {"role": "assistant", "content": None, "refusal": "No."}
    refused = "assistant<|channel|>final<|message|>No.<|end|>"
    assert said(USER, message) == [ROME, refused]
    assert said(USER, {**message, "content": ""}) == [ROME, refused]
    said_too = said(USER, {**message, "content": "Yes."})
    assert said_too == [ROME, refused.replace("No.", "Yes.")]


def test_content_beside_calls_is_a_preamble() -> None:
    message = calls(call("c", "f"), call("d", "g"), reasoning="Hm.", content="Wait.")
    assert said(USER, message) == [
        ROME,
        REASONING,
        "assistant<|channel|>commentary<|message|>Wait.<|end|>",
        "assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
        "assistant to=functions.g<|channel|>commentary json<|message|>{}<|call|>",
    ]


def test_the_header_as_the_model_writes_it() -> None:
    made = said(
        USER,
        calls(call("c", "f")),
        result("c", "x"),
        options={"header": "model"},
    )
    assert made == [
        ROME,
        "assistant<|channel|>commentary to=functions.f <|constrain|>json"
        "<|message|>{}<|call|>",
        "functions.f to=assistant<|channel|>commentary<|message|>x<|end|>",
    ]


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{ "a":1 }\n', '{ "a":1 }\n'),
        ("nonsense", "nonsense"),
        ("", ""),
        ({}, "{}"),
        (
            {"stadt": "Köln", "n": [1, 2.5, None]},
            '{"stadt": "Köln", "n": [1, 2.5, null]}',
        ),
    ],
)
def test_arguments(arguments: Any, written: str) -> None:
    made = said(USER, calls(call("c", "f", arguments)))[1]
    assert made.partition("<|message|>")[2] == f"{written}<|call|>"


@pytest.mark.parametrize("fields", [{}, {"content": ""}, {"reasoning": ""}])
def test_an_assistant_that_says_nothing(fields: Json) -> None:
    assert said(USER, {"role": "assistant", **fields}) == [ROME]
    assert said(USER, {"role": "assistant", "tool_calls": [], **fields}) == [ROME]
    assert said(USER, {"role": "assistant", "tool_calls": None, **fields}) == [ROME]


def test_an_empty_user_message_is_a_message() -> None:
    assert said({"role": "user", "content": ""}) == ["user<|message|><|end|>"]


@pytest.mark.parametrize("content", ["sunny", '{"a": 1}', '"quoted"', ""])
def test_a_result_is_as_it_is(content: str) -> None:
    made = said(USER, calls(call("c", "f")), result("c", content))[-1]
    head = "functions.f to=assistant<|channel|>commentary<|message|>"
    assert made == f"{head}{content}<|end|>"


def test_a_result_belongs_to_the_latest_call_of_its_id() -> None:
    made = said(
        USER,
        calls(call("c", "f")),
        result("c", "1"),
        calls(call("c", "g")),
        result("c", "2"),
    )
    assert made[-3].startswith("functions.f ")
    assert made[-1].startswith("functions.g ")


def test_a_result_without_an_id_goes_by_name() -> None:
    made = said(USER, {"role": "tool", "name": "f", "content": "x"})[-1]
    assert made.startswith("functions.f to=assistant")


def test_results_are_put_in_the_order_of_their_calls() -> None:
    by_name = {"role": "tool", "name": "h", "content": "4"}
    results = [by_name, result("e", "3"), result("c", "1"), result("d", "2")]
    made = said(
        USER, calls(call("c", "f"), call("d", "f"), call("e", "g")), *results, USER
    )
    texts = [message.partition("<|message|>")[2] for message in made[-5:-1]]
    assert texts == ["1<|end|>", "2<|end|>", "3<|end|>", "4<|end|>"]


def test_runs_of_results_are_ordered_on_their_own() -> None:
    both = calls(call("c", "f"), call("d", "g"))
    made = said(USER, both, result("d", "2"), USER, result("c", "1"))
    assert [message.partition(" ")[0] for message in made[3:]] == [
        "functions.g",
        ROME,
        "functions.f",
    ]


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant"])
def test_content_parts_are_joined_with_nothing(role: str) -> None:
    parts = [
        {"type": "text", "text": "a\n"},
        {"type": "input_text", "text": " b"},
        {"type": "output_text", "text": ""},
        {"type": "refusal", "refusal": "c"},
    ]
    made = said(USER, {"role": role, "content": parts})
    assert made[-1].endswith("a\n bc<|end|>")


def test_content_parts_of_a_result() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    made = said(USER, calls(call("c", "f")), result("c", parts))
    assert made[-1].endswith("<|message|>ab<|end|>")


def test_text_that_spells_special_tokens_stays_text() -> None:
    tokens = prompt({"role": "user", "content": "<|end|>"}).tokens(ENCODING)
    plain = ENCODING.encode("<|end|>", disallowed_special=())
    assert tokens[-len(plain) - 3 : -3] == plain


# Which reasoning is left out


def turn(question: str, thought: str, answer: str) -> list[Json]:
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "reasoning": thought, "content": answer},
    ]


def thoughts(*messages: Json, rule: str, **fields: Any) -> list[str]:
    made = said(*messages, options={"drop_analysis": rule}, **fields)
    return [m.partition("<|message|>")[2][:-7] for m in made if "|>analysis<|" in m]


@pytest.mark.parametrize(
    ("rule", "kept"), [("per_turn", []), ("upstream", ["a2"]), ("never", ["a1", "a2"])]
)
def test_reasoning_of_turns_before(rule: str, kept: list[str]) -> None:
    two = turn("u", "a1", "f1") + turn("u", "a2", "f2")
    assert thoughts(*two, USER, rule=rule) == kept


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("per_turn", ["a2"]), ("upstream", ["a1", "a2"]), ("never", ["a1", "a2"])],
)
def test_reasoning_before_a_call(rule: str, kept: list[str]) -> None:
    called = [calls(call("c", "f"), reasoning="a2"), result("c", "x")]
    assert thoughts(*turn("u", "a1", "f1"), USER, *called, rule=rule) == kept


# Tools


def tools_text(*tools: Json, **fields: Any) -> str:
    return said(USER, tools=list(tools), **fields)[0]


def test_tools_are_functions_in_order() -> None:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    }
    tools = [
        function("g", description="Tells.\nAll.", parameters=parameters, strict=True),
        function("f"),
    ]
    assert tools_text(*tools) == (
        "developer<|message|># Tools\n\n## functions\n\nnamespace functions {\n\n"
        "// Tells.\n// All.\ntype g = (_: {\ncity: string,\n}) => any;\n\n"
        "type f = () => any;\n\n} // namespace functions<|end|>"
    )


@pytest.mark.parametrize("tools", [[], None])
def test_no_tools(tools: Any) -> None:
    assert said(USER, tools=tools) == [ROME]


def test_tool_choice_none_writes_no_tools() -> None:
    tools = [function("f")]
    options = {"builtin_tools": ("python",)}
    made = prompt(USER, tools=tools, tool_choice="none", options=options)
    assert messages_of(made) == [ROME, REPLY]
    assert "functions" not in system_of(made) and "python" not in system_of(made)
    assert (made.must_call, made.may_call) == (False, None)


ALLOWED = {"mode": "auto", "tools": [function("g"), function("f")]}


@pytest.mark.parametrize(
    ("choice", "must_call", "may_call"),
    [
        (None, False, None),
        ("auto", False, None),
        ("required", True, None),
        (function("f"), True, ("f",)),
        ({"type": "allowed_tools", "allowed_tools": ALLOWED}, False, ("g", "f")),
        (
            {"type": "allowed_tools", "allowed_tools": {**ALLOWED, "mode": "required"}},
            True,
            ("g", "f"),
        ),
        ({"type": "custom", "custom": {"name": "c-1"}}, True, ("c-1",)),
    ],
)
def test_tool_choice(choice: Any, must_call: bool, may_call: Any) -> None:
    tools = [
        function("f"),
        function("g"),
        {"type": "custom", "custom": {"name": "c-1"}},
    ]
    made = prompt(USER, tools=tools, tool_choice=choice)
    assert (made.must_call, made.may_call) == (must_call, may_call)
    assert made.tokens(ENCODING) == prompt(USER, tools=tools).tokens(ENCODING)


@pytest.mark.parametrize(
    ("value", "many"), [(None, True), (True, True), (False, False)]
)
def test_parallel_tool_calls(value: Any, many: bool) -> None:
    assert prompt(USER, parallel_tool_calls=value).parallel is many


def test_custom_tools() -> None:
    grammar = {"syntax": "lark", "definition": "start: A\nA: 'a'"}
    plain = {"type": "custom", "custom": {"name": "p", "format": {"type": "text"}}}
    fields = {
        "name": "edit",
        "description": "Edits.",
        "format": {"type": "grammar", "grammar": grammar},
    }
    made = tools_text({"type": "custom", "custom": fields}, plain)
    assert (
        "// Edits.\n// Input must match this lark grammar:\n// start: A\n// A: 'a'\n"
        "type edit = (_: {\ninput: string,\n}) => any;\n\n"
        "type p = (_: {\ninput: string,\n}) => any;\n\n"
    ) in made


def test_a_call_without_type_and_id() -> None:
    made = {"function": {"name": "f", "arguments": "{}"}}
    by_name = {"role": "tool", "name": "f", "content": "x"}
    assert said(USER, calls(made), by_name)[1:] == [
        "assistant to=functions.f<|channel|>commentary json<|message|>{}<|call|>",
        "functions.f to=assistant<|channel|>commentary<|message|>x<|end|>",
    ]


def test_custom_calls() -> None:
    made = {"id": "c", "type": "custom", "custom": {"name": "edit", "input": 'ä"\n'}}
    assert said(USER, calls(made), result("c", "x"))[1:] == [
        "assistant to=functions.edit<|channel|>commentary json<|message|>"
        '{"input":"ä\\"\\n"}<|call|>',
        "functions.edit to=assistant<|channel|>commentary<|message|>x<|end|>",
    ]


def test_unknown_tools_are_skipped_on_demand() -> None:
    tools = [{"type": "web_search"}, function("f"), {"type": "mcp", "x": 1}]
    assert fault(USER, tools=tools) == "tools[0].type"
    made = prompt(USER, tools=tools, options={"unknown_tools": "skip"})
    assert made.skipped_tools == ("web_search", "mcp")
    assert "type f = " in messages_of(made)[0]


def test_parameters_are_written_in_the_form_that_is_asked_for() -> None:
    """Also the second time, when the tools are remembered; and in the conversation."""
    schema = {"type": "object", "properties": {"a": {"const": 1}}}
    tools = [function("f", parameters=schema)]
    for form, line in [("reference", "a?: any,"), ("complete", "a?: 1,")] * 2:
        made = prompt(USER, tools=tools, options={"schemas": form})
        assert f"\n{line}\n" in messages_of(made)[0]


# Response format


def test_json_schema() -> None:
    schema = {"type": "object", "properties": {"größe": {"type": "integer"}}}
    inner = {"name": "n", "description": "One.\nTwo.", "schema": schema, "strict": True}
    made = said(
        system("A"),
        USER,
        tools=[function("f")],
        response_format={"type": "json_schema", "json_schema": inner},
    )[0]
    assert made.startswith("developer<|message|># Instructions\n\nA\n\n# Tools\n\n")
    assert made.endswith(
        "} // namespace functions\n\n# Response Formats\n\n## n\n\n// One.\n// Two.\n"
        '{"type":"object","properties":{"größe":{"type":"integer"}}}<|end|>'
    )


def test_json_object() -> None:
    assert said(USER, response_format={"type": "json_object"})[0] == (
        "developer<|message|># Response Formats\n\n## json_object\n\n"
        '{"type":"object"}<|end|>'
    )


@pytest.mark.parametrize("value", [None, {"type": "text"}])
def test_no_response_format(value: Any) -> None:
    assert said(USER, response_format=value) == [ROME]


# Going on


@pytest.mark.parametrize(
    ("fields", "last"),
    [
        ({"content": "Yes"}, "assistant<|channel|>final<|message|>Yes"),
        ({"reasoning": "Hm"}, "assistant<|channel|>analysis<|message|>Hm"),
        (
            {"reasoning": "a", "content": "Yes"},
            "assistant<|channel|>final<|message|>Yes",
        ),
        ({"refusal": "No"}, "assistant<|channel|>final<|message|>No"),
    ],
)
def test_the_last_message_goes_on(fields: Json, last: str) -> None:
    message = {"role": "assistant", **fields}
    made = prompt(USER, message, continue_final_message=True)
    assert made.open
    assert messages_of(made)[-1] == last
    made = prompt(USER, message, continue_final_message=False)
    assert not made.open
    assert messages_of(made)[-1] == REPLY


def test_what_is_not_looked_at() -> None:
    ignored: Json = {
        "stop": ["x"],
        "n": 3,
        "temperature": 9,
        "functions": [{"name": "f"}],
        "logprobs": True,
        "stream_options": 7,
    }
    assert said(USER, **ignored) == [ROME]


# Tool names


def test_names_are_given_out_in_order() -> None:
    tools = [function("a-b"), function("a.b"), function("a_b"), function("2x")]
    made = prompt(USER, calls(call("c", "a b")), tools=tools)
    assert [made.names.to_harmony(n) for n in ("a-b", "a.b", "a_b", "2x", "a b")] == [
        *("a_b_2", "a_b_3", "a_b", "_2x", "a_b_4"),
    ]
    assert "to=functions.a_b_4<" in messages_of(made)[-2]


def test_names_as_they_are() -> None:
    tools = [function("get-weather")]
    made = tools_text(*tools, options={"rename_tools": False})
    assert "type get-weather = () => any;" in made


@pytest.mark.parametrize("name", ["a b", "a\tb", "a<|b", "<|end|>"])
def test_names_that_would_break_a_header(name: str) -> None:
    options = {"rename_tools": False}
    path = "tools[0].function.name"
    assert fault(USER, tools=[function(name)], options=options) == path
    path = "messages[1].tool_calls[0].function.name"
    assert fault(USER, calls(call("c", name)), options=options) == path


# Errors


BAD_CONTENT = [None, 5, {"type": "text", "text": "x"}, True]


@pytest.mark.parametrize("role", ["system", "developer", "user"])
def test_faults_of_content(role: str) -> None:
    path = "messages[0].content"
    assert fault({"role": role}) == path
    for content in BAD_CONTENT:
        assert fault({"role": role, "content": content}) == path
    assert fault({"role": role, "content": ["x"]}) == f"{path}[0]"
    assert fault({"role": role, "content": [{}]}) == f"{path}[0].type"
    assert fault({"role": role, "content": [{"type": "text"}]}) == f"{path}[0].text"


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", "video", 5, None])
def test_parts_that_are_no_text(role: str, kind: Any) -> None:
    parts = [{"type": "text", "text": "x"}, {"type": kind}]
    path = "messages[1].content[1].type"
    assert fault(USER, {"role": role, "content": parts}) == path


ASSISTANT: Json = {"role": "assistant"}
CALL = "messages[1].tool_calls[0]"


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({}, "messages[1].role"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[1].role"),
        ({"role": None}, "messages[1].role"),
        ({"role": ["user"]}, "messages[1].role"),
        ("user", "messages[1]"),
        ({**ASSISTANT, "content": 5}, "messages[1].content"),
        ({**ASSISTANT, "reasoning": 5}, "messages[1].reasoning"),
        ({**ASSISTANT, "reasoning_content": []}, "messages[1].reasoning_content"),
        ({**ASSISTANT, "thinking": {}}, "messages[1].thinking"),
        ({**ASSISTANT, "refusal": 5}, "messages[1].refusal"),
        ({**ASSISTANT, "content": "x", "refusal": 5}, "messages[1].refusal"),
        ({**ASSISTANT, "function_call": {"name": "f"}}, "messages[1].function_call"),
        ({**ASSISTANT, "tool_calls": {}}, "messages[1].tool_calls"),
        (calls({"type": "web"}), f"{CALL}.type"),
        (calls({"type": 0}), f"{CALL}.type"),
        (calls({"type": "function"}), f"{CALL}.function"),
        (calls({"type": "function", "function": 5}), f"{CALL}.function"),
        (calls(function(None)), f"{CALL}.function.name"),  # type: ignore[arg-type]
        (calls({"type": "function", "function": {}}), f"{CALL}.function.name"),
        (calls(function("f")), f"{CALL}.function.arguments"),
        (calls(call("c", "f", 5)), f"{CALL}.function.arguments"),
        (calls(call("c", "f", None)), f"{CALL}.function.arguments"),
        (calls(call("c", "f", {"a": {1}})), f"{CALL}.function.arguments"),
        (result("c", "x"), "messages[1].tool_call_id"),
        (result("", "x"), "messages[1].tool_call_id"),
        ({"role": "tool", "content": "x"}, "messages[1].tool_call_id"),
        ({"role": "tool", "tool_call_id": 5}, "messages[1].tool_call_id"),
    ],
)
def test_faults_of_messages(message: Any, path: str) -> None:
    assert fault(USER, message) == path


def test_an_id_only_counts_behind_its_call() -> None:
    assert fault(result("c", "x"), calls(call("c", "f"))) == "messages[0].tool_call_id"


@pytest.mark.parametrize("messages", [None, [], {}, "Rome?", 5])
def test_faults_of_the_messages_themselves(messages: Any) -> None:
    with pytest.raises(ValueError, match=r"^messages: "):
        chat.prompt({"messages": messages})


def test_no_messages() -> None:
    with pytest.raises(ValueError, match=r"^messages: "):
        chat.prompt({})


SCHEMA = "response_format.json_schema"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [function("f"), function("f")]}, "tools[1].function.name"),
        (
            {"tools": [function("f", parameters=[])]},
            "tools[0].function.parameters",
        ),
        (
            {"tools": [function("f", parameters="{}")]},
            "tools[0].function.parameters",
        ),
        ({"tool_choice": "all"}, "tool_choice"),
        ({"tool_choice": 5}, "tool_choice"),
        ({"tool_choice": function("f")}, "tool_choice"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": ALLOWED}},
            "tool_choice",
        ),
        ({"tool_choice": {"type": "web"}}, "tool_choice.type"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, SCHEMA),
        ({"response_format": {"type": "json_schema", "json_schema": 5}}, SCHEMA),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "x", "tools": []}},
            "tool_choice.mode",
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "c", "format": {}}}]},
            "tools[0].custom.format.type",
        ),
        (
            {
                "tools": [
                    {"type": "custom", "custom": {"name": "c", "format": {"type": 5}}}
                ]
            },
            "tools[0].custom.format.type",
        ),
        ({"reasoning_effort": "huge"}, "reasoning_effort"),
        ({"reasoning_effort": 5}, "reasoning_effort"),
        ({"continue_final_message": True}, "continue_final_message"),
    ],
)
def test_faults_of_fields(fields: Json, path: str) -> None:
    assert fault(USER, **fields) == path


@pytest.mark.parametrize(
    ("inner", "path"),
    [
        ({"schema": {}}, "name"),
        ({"name": 5, "schema": {}}, "name"),
        ({"name": "n"}, "schema"),
        ({"name": "n", "schema": []}, "schema"),
        ({"name": "n", "schema": {}, "description": 5}, "description"),
        ({"name": "n", "schema": {"maximum": 10**5000}}, "schema"),
        ({"name": "n", "schema": {"a": float("nan")}}, "schema.a"),
    ],
)
def test_faults_of_a_schema(inner: Json, path: str) -> None:
    form = {"type": "json_schema", "json_schema": inner}
    assert fault(USER, response_format=form) == f"{SCHEMA}.{path}"


@pytest.mark.parametrize(
    "last",
    [USER, calls(call("c", "f"), content="x"), ASSISTANT, {**ASSISTANT, "content": ""}],
)
def test_what_can_not_go_on(last: Json) -> None:
    path = fault(USER, last, continue_final_message=True)
    assert path == "continue_final_message"


def test_complaints_are_short() -> None:
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    for role in ("x" * 10**6, deep, 10**5000):
        with pytest.raises(ValueError) as caught:
            prompt({"role": role})
        assert str(caught.value).startswith("messages[0].role: ")
        assert len(str(caught.value)) < 200


# Replies

TOOLS = [
    function("f"),
    function("files.read"),
    {"type": "custom", "custom": {"name": "edit"}},
]


def replied(text: str, reason: str = "stop", **options: Any) -> ChatReply:
    """Return a reply, which is the same however its tokens come."""
    fields = {
        key: options.pop(key) for key in ("parallel_tool_calls",) if key in options
    }
    made = prompt(USER, tools=TOOLS, **fields)
    tokens = ENCODING.encode(text, allowed_special="all")
    replies = [
        chat_reply(ENCODING, made, fed, reason, **options)
        for fed in portions(tokens, len(tokens))
    ]
    assert all(reply.deltas == replies[0].deltas for reply in replies)
    assert all(reply.completion == replies[0].completion for reply in replies)
    return replies[1]


def called(reply: ChatReply) -> list[tuple[str, str]]:
    return [
        (item[item["type"]]["name"], item[item["type"]].get("arguments", ""))
        for item in reply.calls
    ]


@pytest.mark.parametrize("to", ["", " to=assistant", " to=user", " to=all"])
@pytest.mark.parametrize(
    ("channel", "key"),
    [
        ("analysis", "reasoning"),
        ("commentary", "content"),
        ("final", "content"),
        ("aside", "content"),
    ],
)
def test_texts(to: str, channel: str, key: str) -> None:
    reply = replied(f"<|channel|>{channel}{to}<|message|>Hm.<|end|>")
    assert reply.message[key] == "Hm."
    assert reply.finish_reason == "stop" and not reply.calls


def test_text_without_a_channel() -> None:
    assert replied("<|message|>Yes.<|end|>").message["content"] == "Yes."


@pytest.mark.parametrize("channel", ["analysis", "commentary", "final", "aside"])
@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        *(("functions.f", "f"), ("f", "f"), ("functions.files_read", "files.read")),
        *(("files_read", "files.read"), ("functions.nobody", "nobody")),
        *(("functions.a.b", "a.b"), ("nobody", "nobody"), ("a.b", "a.b")),
        *(("python", "python"), ("browser.search", "browser.search")),
        *(("browser.open", "browser.open"), ("container.exec", "container.exec")),
    ],
)
def test_calls(channel: str, recipient: str, name: str) -> None:
    text = f"<|channel|>{channel} to={recipient} <|constrain|>json<|message|>"
    reply = replied(text + '{ "a": 1}\n<|call|>')
    assert called(reply) == [(name, '{ "a": 1}\n')]
    assert reply.finish_reason == "tool_calls"
    assert reply.message["content"] is None and reply.message["reasoning"] is None


@pytest.mark.parametrize("content", ["", " ", "\n\t "])
def test_no_arguments_are_an_empty_object(content: str) -> None:
    reply = replied(f"<|channel|>commentary to=functions.f<|message|>{content}<|call|>")
    assert called(reply) == [("f", content + "{}")]


def test_two_messages_of_a_kind_are_joined_by_a_newline() -> None:
    reply = replied(
        "<|channel|>analysis<|message|>a<|end|>"
        "<|start|>assistant<|channel|>commentary<|message|>b<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|><|end|>"
        "<|start|>assistant<|channel|>analysis<|message|>c<|end|>"
        "<|start|>assistant<|channel|>final<|message|>d<|return|>"
    )
    assert reply.deltas == [
        *(["reasoning", "a"], ["content", "b"], ["reasoning", "\nc"]),
        ["content", "\nd"],
    ]
    assert reply.message["reasoning"] == "a\nc" and reply.message["content"] == "b\nd"


def test_what_others_say_is_only_in_the_messages() -> None:
    text = "<|channel|>final<|message|>a<|end|><|start|>user<|message|>b<|end|>"
    tokens = ENCODING.encode(text, allowed_special="all")
    assert replied(text).message["content"] == "a"
    stream = chat.ChatStream(ENCODING, prompt(USER))
    stream.feed(tokens)
    assert [message.author.role for message in stream.messages] == ["assistant", "user"]


def test_only_the_first_call_without_parallel_calls() -> None:
    two = (
        "<|channel|>commentary to=functions.f<|message|>{}<|call|><|start|>assistant"
        "<|channel|>commentary to=functions.g<|message|>{}<|call|>"
    )
    assert called(replied(two)) == [("f", "{}"), ("g", "{}")]
    assert called(replied(two, parallel_tool_calls=False)) == [("f", "{}")]


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_finish_reasons(reason: str) -> None:
    open_call = "<|channel|>commentary to=functions.f<|message|>{"
    text = replied("<|channel|>final<|message|>Ye", reason)
    assert text.finish_reason == reason and text.message["content"] == "Ye"
    reply = replied(open_call, reason)
    assert reply.finish_reason == ("tool_calls" if reason == "stop" else reason)
    assert called(reply) == [("f", "{")]


def test_nothing_written() -> None:
    reply = replied("")
    assert reply.message == {
        **{"role": "assistant", "content": None, "refusal": None, "reasoning": None}
    }
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content", "thinking"])
def test_the_field_of_reasoning(key: str) -> None:
    reply = replied("<|channel|>analysis<|message|>Hm.<|end|>", reasoning_field=key)
    assert reply.deltas == [[key, "Hm."]] and reply.message[key] == "Hm."


def test_several_fields_of_reasoning() -> None:
    fields = ("reasoning", "reasoning_content")
    stream = chat.ChatStream(ENCODING, prompt(USER), reasoning_field=fields)
    text = "<|channel|>analysis<|message|>Hm"
    _, chunk = stream.feed(ENCODING.encode(text, allowed_special="all"))
    both = dict.fromkeys(fields, "Hm")
    assert chunk["choices"][0]["delta"] == both
    stream.finish()
    message = stream.completion()["choices"][0]["message"]
    assert {key: message[key] for key in fields} == both


def test_usage() -> None:
    text = (
        "<|channel|>analysis<|message|>Look.<|end|><|start|>assistant<|channel|>"
        "commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"city":"Rome"}<|call|>'
    )
    made = prompt(USER)
    tokens = ENCODING.encode(text, allowed_special="all")
    usage = chat.completion(ENCODING, made, tokens)["usage"]
    count = len(made.tokens(ENCODING))
    assert usage == {
        "prompt_tokens": count,
        "completion_tokens": 26,
        "total_tokens": count + 26,
        "completion_tokens_details": {"reasoning_tokens": 6},
    }


def test_an_open_message_goes_on_in_the_reply() -> None:
    made = prompt(USER, {**ASSISTANT, "reasoning": "Well"}, continue_final_message=True)
    tokens = ENCODING.encode(", yes.<|end|>", allowed_special="all")
    for fed in portions(tokens, 1):
        reply = chat_reply(ENCODING, made, fed)
        assert reply.message["reasoning"] == ", yes."
        details = reply.completion["usage"]["completion_tokens_details"]
        assert details["reasoning_tokens"] == len(tokens)


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"input":"a b"}', "a b"),
        ('{"input": "a\\nb\\u00e9\\ud83d\\ude00"}', "a\nbé😀"),
        ("raw text", "raw text"),
        ('{"inp": 5}', '{"inp": 5}'),
        ('{"input": 5}', '{"input": 5}'),
        ("", ""),
        (" ", " "),
        ('{"input":"cut o', "cut o"),
    ],
)
def test_custom_calls_of_the_reply(arguments: str, given: str) -> None:
    reply = replied(f"<|channel|>commentary to=functions.edit<|message|>{arguments}")
    (made,) = reply.calls
    assert made == {
        "id": "call_1",
        "type": "custom",
        "custom": {"name": "edit", "input": given},
    }


def test_usage_in_the_last_chunk() -> None:
    reply = replied("<|channel|>final<|message|>a", include_usage=True)
    assert reply.chunks[-1]["usage"] == reply.completion["usage"]


def test_warnings_are_not_in_the_reply() -> None:
    stream = chat.ChatStream(ENCODING, prompt(USER))
    text = "<|channel|>final<|message|>a<|return|><|return|>b<|call|>"
    stream.feed(ENCODING.encode(text, allowed_special="all"))
    stream.finish()
    assert stream.warnings
    assert "warnings" not in json.dumps(stream.completion())


def test_choices_share_an_id() -> None:
    made = prompt(USER)
    streams = [chat.ChatStream(ENCODING, made, id="x", index=i) for i in range(2)]
    for index, stream in enumerate(streams):
        (chunk,) = stream.feed([])
        assert (chunk["id"], chunk["choices"][0]["index"]) == ("x", index)


def test_ids_are_made_of_a_prefix_and_32_hex_digits() -> None:
    stream = chat.ChatStream(ENCODING, prompt(USER))
    prefix, _, digits = stream.feed([])[0]["id"].partition("_")
    assert prefix == "chatcmpl" and len(digits) == 32 and int(digits, 16)


def test_tokens_may_be_any_iterable() -> None:
    tokens = ENCODING.encode("<|channel|>final<|message|>Yes", allowed_special="all")
    made = prompt(USER)
    for given in (iter(tokens), tuple(tokens), array("i", tokens)):
        whole = chat.completion(ENCODING, made, given)
        assert whole["choices"][0]["message"]["content"] == "Yes"
        assert whole["usage"]["completion_tokens"] == len(tokens)


@pytest.mark.parametrize("field", ["", [], ["a", 5], "content", ["x", "role"]])
def test_what_can_be_no_field_of_reasoning(field: Any) -> None:
    with pytest.raises(ValueError, match=r"^reasoning_field: "):
        chat.ChatStream(ENCODING, prompt(USER), reasoning_field=field)


def test_misuse() -> None:
    stream = chat.ChatStream(ENCODING, prompt(USER))
    with pytest.raises(RuntimeError):
        stream.completion()
    with pytest.raises(ValueError, match=r"^reason: "):
        stream.finish("bored")  # type: ignore[arg-type]
    stream.finish()
    with pytest.raises(RuntimeError):
        stream.feed([1])
    with pytest.raises(RuntimeError):
        stream.finish()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("date", 5), ("drop_analysis", "x"), ("header", "x"), ("rename_tools", 1)),
        *(("unknown_tools", "x"), ("model_identity", 5), ("knowledge_cutoff", 5)),
        ("schemas", "all"),
    ],
)
def test_faults_of_options(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{option}: "):
        chat.prompt({"messages": [USER]}, **{option: value})


def test_unknown_builtin_tools() -> None:
    with pytest.raises(ValueError, match=r"^builtin_tools\[1\]: "):
        chat.prompt({"messages": [USER]}, builtin_tools=("python", "shell"))
