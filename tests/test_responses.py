"""The Responses API: a test for each rule, and the given examples.

What it shares with chat has its tests in test_chat.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from harmony import HarmonyEncoding, load_harmony_encoding, responses
from support.convert import (
    DATE,
    cases,
    check_prompt,
    check_responses_reply,
    messages_of,
    system_of,
)
from support.replies import ResponsesReply, portions, responses_reply

ENCODING = load_harmony_encoding("HarmonyGptOss")
Json = dict[str, Any]

USER: Json = {"role": "user", "content": "Rome?"}
ROME = "user<|message|>Rome?<|end|>"
REPLY = "assistant"


def function(name: str, **fields: Any) -> Json:
    return {"type": "function", "name": name, **fields}


def call(call_id: str, name: str, arguments: Any = "{}", **fields: Any) -> Json:
    made = {"type": "function_call", "call_id": call_id, "name": name}
    return {**made, "arguments": arguments, **fields}


def output(call_id: str, value: Any) -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": value}


def reasoning(*texts: str) -> Json:
    content = [{"type": "reasoning_text", "text": text} for text in texts]
    return {"type": "reasoning", "id": "rs", "summary": [], "content": content}


def prompt(*items: Json, options: Json | None = None, **fields: Any) -> Any:
    request = {"input": list(items), **fields}
    return responses.prompt(request, date=DATE, **(options or {}))


def said(*items: Json, options: Json | None = None, **fields: Any) -> list[str]:
    """Return the messages of a prompt but the system's and the reply's beginning."""
    *found, last = messages_of(prompt(*items, options=options, **fields))
    assert last == REPLY
    return found


def fault(*items: Any, options: Json | None = None, **fields: Any) -> str:
    """Return the path that the complaint about a request begins with."""
    with pytest.raises(ValueError) as caught:
        prompt(*items, options=options, **fields)
    return str(caught.value).partition(": ")[0]


@cases("responses_prompt")
def test_example_prompts(case: Json, encoding: HarmonyEncoding) -> None:
    check_prompt(responses, case, encoding)


@cases("responses_reply")
def test_example_replies(case: Json, encoding: HarmonyEncoding) -> None:
    check_responses_reply(case, encoding)


# Input


def test_input_text() -> None:
    made = responses.prompt({"input": "Rome?"}, date=DATE)
    assert messages_of(made) == [ROME, REPLY]


def test_instructions_come_before_leading_messages() -> None:
    items: list[Json] = [
        {"role": "developer", "content": [{"type": "input_text", "text": "B"}]},
        {"type": "message", "role": "system", "content": "C"},
        {**USER, "type": "message"},
        {"role": "developer", "content": "D"},
    ]
    assert said(*items, instructions="A") == [
        "developer<|message|># Instructions\n\nA\n\nB\n\nC<|end|>",
        ROME,
        "developer<|message|># Instructions\n\nD<|end|>",
    ]


@pytest.mark.parametrize("instructions", [None, ""])
def test_no_instructions(instructions: Any) -> None:
    assert said(USER, instructions=instructions) == [ROME]


@pytest.mark.parametrize(
    ("phase", "channel"),
    [(None, "final"), ("final_answer", "final"), ("commentary", "commentary")],
)
def test_what_the_assistant_said(phase: str | None, channel: str) -> None:
    content = [{"type": "output_text", "text": "Yes.", "annotations": []}]
    item = {"type": "message", "role": "assistant", "content": content}
    written = f"assistant<|channel|>{channel}<|message|>Yes.<|end|>"
    assert said(USER, {**item, "phase": phase}) == [ROME, written]
    if phase is None:
        assert said(USER, item) == [ROME, written]


def test_reasoning() -> None:
    written = "assistant<|channel|>analysis<|message|>ab<|end|>"
    assert said(USER, reasoning("a", "b")) == [ROME, written]


@pytest.mark.parametrize(
    "fields", [{}, {"content": None}, {"content": []}, {"encrypted_content": "x"}]
)
def test_reasoning_without_content_is_nothing(fields: Json) -> None:
    summary = [{"type": "summary_text", "text": "Thought."}]
    item = {"type": "reasoning", "id": "rs", "summary": summary, **fields}
    assert said(USER, item) == [ROME]


def test_a_call_and_its_output() -> None:
    assert said(USER, call("c", "f", '{ "a":1}'), output("c", "x")) == [
        ROME,
        'assistant to=functions.f<|channel|>commentary json<|message|>{ "a":1}<|call|>',
        "functions.f to=assistant<|channel|>commentary<|message|>x<|end|>",
    ]


def test_outputs_are_put_in_the_order_of_their_calls() -> None:
    parts = [{"type": "input_text", "text": "1"}, {"type": "input_text", "text": "!"}]
    items = [call("c", "f"), call("d", "g"), output("d", "2"), output("c", parts)]
    texts = [message.partition("<|message|>")[2] for message in said(USER, *items)]
    assert texts[-2:] == ["1!<|end|>", "2<|end|>"]


def interpreted(outputs: Any) -> Json:
    return {
        "type": "code_interpreter_call",
        "id": "ci",
        "code": "print(1)",
        "container_id": "c",
        "outputs": outputs,
    }


def test_code_with_outputs() -> None:
    logs = [{"type": "logs", "logs": "1"}, {"type": "logs", "logs": "2"}]
    assert said(USER, interpreted(logs)) == [
        ROME,
        "assistant to=python<|channel|>analysis code<|message|>print(1)<|call|>",
        "python to=assistant<|channel|>analysis<|message|>1\n2<|end|>",
    ]


def test_code_without_outputs_is_nothing() -> None:
    assert said(USER, interpreted(None)) == [ROME]


def test_a_search_is_nothing() -> None:
    action = {"type": "search", "query": "x"}
    item = {"type": "web_search_call", "id": "ws", "action": action}
    assert said(USER, item) == [ROME]


def test_previous_items_come_first() -> None:
    previous = [USER, reasoning("Hm."), call("c", "f")]
    made = said(output("c", "x"), options={"previous": previous}, instructions="A")
    assert [message.partition("<|")[0] for message in made] == [
        *("developer", "user", "assistant", "assistant to=functions.f"),
        "functions.f to=assistant",
    ]


# Tools


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("web_search", "browser"), ("web_search_preview", "browser")),
        *(("web_search_preview_2025_03_11", "browser"), ("browser_search", "browser")),
        ("code_interpreter", "python"),
    ],
)
def test_hosted_tools(kind: str, name: str) -> None:
    made = prompt(USER, tools=[{"type": kind}, {"type": kind}])
    assert system_of(made).count(f"## {name}\n") == 1
    assert messages_of(made) == [ROME, REPLY]
    none = prompt(USER, tools=[{"type": kind}], tool_choice="none")
    assert name not in system_of(none)


def test_the_format_and_the_effort() -> None:
    schema = {"type": "object"}
    form = {"type": "json_schema", "name": "n", "schema": schema, "strict": True}
    made = prompt(USER, text={"format": form}, reasoning={"effort": "high"})
    assert "Reasoning: high" in system_of(made)
    assert messages_of(made)[0] == (
        'developer<|message|># Response Formats\n\n## n\n\n{"type":"object"}<|end|>'
    )
    plain = prompt(
        USER, text={"format": {"type": "text"}}, reasoning={"summary": "auto"}
    )
    assert "Reasoning: medium" in system_of(plain)


@pytest.mark.parametrize(
    ("choice", "must_call", "may_call"),
    [
        ("required", True, None),
        ({"type": "function", "name": "f"}, True, ("f",)),
        ({"type": "custom", "name": "edit"}, True, ("edit",)),
        ({"type": "web_search"}, True, ("browser",)),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [function("f")]},
            False,
            ("f",),
        ),
    ],
)
def test_tool_choice(choice: Any, must_call: bool, may_call: Any) -> None:
    tools = [function("f"), {"type": "custom", "name": "edit"}, {"type": "web_search"}]
    made = prompt(USER, tools=tools, tool_choice=choice)
    assert (made.must_call, made.may_call) == (must_call, may_call)


NAMESPACE: Json = {
    "type": "namespace",
    "name": "crm",
    "description": "Customers.\nAll.",
    "tools": [
        function("find", description="Finds.", parameters={"type": "object"}),
        {"type": "custom", "name": "note"},
    ],
}


def test_namespaces() -> None:
    assert said(USER, tools=[NAMESPACE])[0] == (
        "developer<|message|># Tools\n\n## functions\n\nnamespace functions {\n\n"
        "// Customers.\n// All.\n// Finds.\ntype crm__find = (_: {\n}) => any;\n\n"
        "type crm__note = (_: {\ninput: string,\n}) => any;\n\n"
        "} // namespace functions<|end|>"
    )


def test_a_namespace_described_by_a_line() -> None:
    described = {**NAMESPACE, "description": "Customers.\n"}
    text = said(USER, tools=[described])[0]
    assert "// Customers.\n// Finds.\ntype crm__find" in text


def test_what_the_codex_cli_sends() -> None:
    """Its first request as it was seen, and the second one of a tool loop."""
    texts = [{"type": "input_text", "text": text} for text in ("a", "b")]
    leading = {"type": "message", "role": "developer", "content": texts}
    user = {"type": "message", "role": "user", "content": texts[:1]}
    fields: Json = {
        "model": "gpt-oss-20b",
        "tools": [function("exec", strict=False), NAMESPACE, {"type": "web_search"}],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "stream": True,
        "prompt_cache_key": "x",
        "client_metadata": {"x": "y"},
    }
    first = [leading, leading, user, user]
    developer, *rest = said(*first, **fields)
    assert developer.startswith(
        "developer<|message|># Instructions\n\nab\n\nab\n\n# Tools"
    )
    assert len(rest) == 2
    thought = {**reasoning("Hm."), "encrypted_content": None}
    loop = [thought, call("c", "exec"), output("c", "x")]
    assert [made.partition("<|")[0] for made in said(*first, *loop, **fields)[3:]] == [
        *("assistant", "assistant to=functions.exec", "functions.exec to=assistant"),
    ]


def test_calls_in_namespaces() -> None:
    made = said(USER, call("c", "find", namespace="crm"), tools=[NAMESPACE])
    assert made[-1].startswith("assistant to=functions.crm__find<|channel|>commentary")


def test_custom_tools_and_calls() -> None:
    form = {"type": "grammar", "syntax": "regex", "definition": "a+"}
    tool = {"type": "custom", "name": "edit", "format": form}
    item = {"type": "custom_tool_call", "call_id": "c", "name": "edit", "input": "ä\n"}
    done = {"type": "custom_tool_call_output", "call_id": "c", "output": "x"}
    developer, *rest = said(USER, item, done, tools=[tool])
    assert (
        "// Input must match this regex grammar:\n// a+\n"
        "type edit = (_: {\ninput: string,\n}) => any;"
    ) in developer
    assert rest[1:] == [
        "assistant to=functions.edit<|channel|>commentary json<|message|>"
        '{"input":"ä\\n"}<|call|>',
        "functions.edit to=assistant<|channel|>commentary<|message|>x<|end|>",
    ]


def test_what_nobody_knows_is_skipped_on_demand() -> None:
    items = [USER, {"type": "mcp_call", "id": "m"}]
    tools = [{"type": "mcp"}, {**NAMESPACE, "tools": [{"type": "shell"}]}]
    assert fault(*items) == "input[1].type"
    assert fault(USER, tools=tools) == "tools[0].type"
    assert fault(USER, tools=tools[1:]) == "tools[0].tools[0].type"
    made = prompt(*items, tools=tools, options={"unknown_tools": "skip"})
    assert made.skipped_tools == ("mcp", "shell", "mcp_call")
    assert messages_of(made) == [ROME, REPLY]


# Errors


@pytest.mark.parametrize("value", [None, [], {}, 5])
def test_faults_of_the_input_itself(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^input: "):
        responses.prompt({"input": value})
    with pytest.raises(ValueError, match=r"^input: "):
        responses.prompt({})


CALL: Json = {"type": "function_call", "call_id": "c", "name": "f", "arguments": ""}


def without(key: str, item: Json) -> Json:
    return {name: value for name, value in item.items() if name != key}


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("Rome?", "input[1]"),
        ({}, "input[1].type"),
        ({"type": "image_generation_call"}, "input[1].type"),
        ({"type": 5, "role": "user", "content": "x"}, "input[1].type"),
        ({"type": "message", "content": "x"}, "input[1].role"),
        ({"role": "tool", "content": "x"}, "input[1].role"),
        ({"role": "user"}, "input[1].content"),
        ({"role": "user", "content": 5}, "input[1].content"),
        ({"role": "user", "content": [{}]}, "input[1].content[0].type"),
        (
            {"role": "user", "content": [{"type": "input_image"}]},
            "input[1].content[0].type",
        ),
        (
            {"role": "user", "content": [{"type": "input_text"}]},
            "input[1].content[0].text",
        ),
        ({"role": "assistant", "content": "x", "phase": "x"}, "input[1].phase"),
        (without("call_id", CALL), "input[1].call_id"),
        (without("name", CALL), "input[1].name"),
        (without("arguments", CALL), "input[1].arguments"),
        ({**CALL, "arguments": 5}, "input[1].arguments"),
        (output("c", "x"), "input[1].call_id"),
        ({"type": "function_call_output", "output": "x"}, "input[1].call_id"),
        (
            {"type": "reasoning", "content": [{"type": "x"}]},
            "input[1].content[0].type",
        ),
        (interpreted([{"type": "image", "url": "x"}]), "input[1].outputs[0].type"),
    ],
)
def test_faults_of_items(item: Any, path: str) -> None:
    assert fault(USER, item) == path
    before = {"previous": [USER, item]}
    assert fault(USER, options=before) == path.replace("input", "previous")


def test_an_output_without_its_output() -> None:
    item = without("output", output("c", "x"))
    assert fault(USER, call("c", "f"), item) == "input[2].output"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"instructions": 5}, "instructions"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [function("f"), function("f")]}, "tools[1].name"),
        ({"tools": [function("f", parameters=5)]}, "tools[0].parameters"),
        ({"tools": [{"type": "file_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "namespace", "tools": []}]}, "tools[0].name"),
        ({"tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools"),
        (
            {"tools": [{"type": "namespace", "name": "n", "tools": [{}]}]},
            "tools[0].tools[0].type",
        ),
        ({"tool_choice": {"type": "function", "name": "g"}}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice.type"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema",
        ),
        ({"text": 5}, "text"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": 5}, "reasoning"),
        ({"parallel_tool_calls": 5}, "parallel_tool_calls"),
    ],
)
def test_faults_of_fields(fields: Json, path: str) -> None:
    assert fault(USER, **fields) == path


# Replies

TOOLS = [
    function("f"),
    function("a-b"),
    {"type": "custom", "name": "edit"},
    {
        **NAMESPACE,
        "name": "n",
        "tools": [function("f"), {"type": "custom", "name": "e"}],
    },
]


def replied(written: str, reason: str = "stop", **fields: Any) -> ResponsesReply:
    """Return a reply, which is the same however its tokens come."""
    made = prompt(USER, tools=TOOLS, **fields)
    tokens = ENCODING.encode(written, allowed_special="all")
    replies = [
        responses_reply(ENCODING, made, fed, reason)
        for fed in portions(tokens, len(tokens))
    ]
    assert all(reply.joined == replies[0].joined for reply in replies)
    return replies[1]


def item(text: str, reason: str = "stop") -> Json:
    """Return the only item of a reply."""
    (only,) = replied(text, reason).output
    return only


def names(reply: ResponsesReply) -> list[str]:
    """Return the names of the events between the first two and the last."""
    kinds = [str(said[0]).removeprefix("response.") for said in reply.joined]
    return kinds[2:-1]


@pytest.mark.parametrize("to", ["", " to=assistant", " to=user", " to=all"])
def test_a_reasoning_item(to: str) -> None:
    reply = replied(f"<|channel|>analysis{to}<|message|>Hm.<|end|>")
    assert reply.output == [
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
            "status": "completed",
        }
    ]
    assert names(reply) == [
        *("output_item.added", "content_part.added", "reasoning_text.delta"),
        *("reasoning_text.done", "content_part.done", "output_item.done"),
    ]


@pytest.mark.parametrize(
    ("channel", "phase"),
    [
        *(("<|channel|>final", "final_answer"), ("<|channel|>aside", "final_answer")),
        *(("", "final_answer"), ("<|channel|>commentary", "commentary")),
    ],
)
def test_a_message_item(channel: str, phase: str) -> None:
    reply = replied(f"{channel}<|message|>Yes.<|end|>")
    part = {"type": "output_text", "text": "Yes.", "annotations": [], "logprobs": []}
    assert reply.output == [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "phase": phase,
            "content": [part],
        }
    ]
    added, part_added = reply.events[2:4]
    assert added["item"]["content"] == [] and added["item"]["phase"] == phase
    assert part_added["part"] == {**part, "text": ""}


def called(recipient: str, content: str = "{}") -> str:
    return f"<|channel|>commentary to={recipient}<|message|>{content}<|call|>"


@pytest.mark.parametrize(
    ("recipient", "name", "namespace"),
    [
        *(("functions.f", "f", None), ("f", "f", None), ("functions.a_b", "a-b", None)),
        *(("a_b", "a-b", None), ("nobody", "nobody", None)),
        *(("functions.nobody", "nobody", None), ("a.b", "a.b", None)),
        *(("functions.n__f", "f", "n"), ("n__f", "f", "n"), ("n.f", "f", "n")),
    ],
)
def test_a_function_call(recipient: str, name: str, namespace: str | None) -> None:
    made = item(called(recipient, '{ "a":1}'))
    expected = {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": name,
        "arguments": '{ "a":1}',
        "status": "completed",
    }
    if namespace is not None:
        expected["namespace"] = namespace
    assert made == expected


def test_the_events_of_a_function_call() -> None:
    reply = replied(called("functions.f", "\n"))
    assert reply.output[0]["arguments"] == "\n{}"
    assert names(reply) == [
        *("output_item.added", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done"),
    ]


@pytest.mark.parametrize(
    ("recipient", "name", "namespace"),
    [("functions.edit", "edit", None), ("edit", "edit", None), ("n.e", "e", "n")],
)
def test_a_custom_call(recipient: str, name: str, namespace: str | None) -> None:
    reply = replied(called(recipient, '{"input": "a\\n"}'))
    (made,) = reply.output
    assert (made["type"], made["name"], made["input"]) == (
        *("custom_tool_call", name, "a\n"),
    )
    assert made["id"] == "ctc_1" and made.get("namespace") == namespace
    assert names(reply) == [
        *("output_item.added", "custom_tool_call_input.delta"),
        *("custom_tool_call_input.done", "output_item.done"),
    ]


def test_python() -> None:
    reply = replied("<|channel|>analysis to=python code<|message|>1+1<|call|>")
    assert reply.output == [
        {
            "id": "ci_1",
            "type": "code_interpreter_call",
            "status": "completed",
            "code": "1+1",
            "container_id": "auto",
            "outputs": None,
        }
    ]
    assert names(reply) == [
        *("output_item.added", "code_interpreter_call.in_progress"),
        *("code_interpreter_call_code.delta", "code_interpreter_call_code.done"),
        *("code_interpreter_call.interpreting", "code_interpreter_call.completed"),
        "output_item.done",
    ]


SEARCH = {"type": "search"}


@pytest.mark.parametrize(
    ("recipient", "arguments", "action"),
    [
        ("search", '{"query": "tides"}', {**SEARCH, "query": "tides"}),
        ("search", "tides", {**SEARCH, "query": "tides"}),
        ("search", '["tides"]', {**SEARCH, "query": '["tides"]'}),
        ("search", "", {**SEARCH, "query": ""}),
        ("open", "{", {**SEARCH, "query": "{"}),
        ("open", '{"id": "http://x"}', {"type": "open_page", "url": "http://x"}),
        ("open", '{"id": 7}', {"type": "open_page", "url": None}),
        ("open", "{}", {"type": "open_page", "url": None}),
        (
            "find",
            '{"pattern": "x", "cursor": 1}',
            {"type": "find_in_page", "pattern": "x", "url": ""},
        ),
        ("find", "x", {**SEARCH, "query": "x"}),
    ],
)
def test_searches(recipient: str, arguments: str, action: Json) -> None:
    reply = replied(called(f"browser.{recipient}", arguments))
    expected = {"id": "ws_1", "type": "web_search_call", "action": action}
    assert reply.output == [{**expected, "status": "completed"}]
    assert reply.events[2]["item"] == {**expected, "status": "in_progress"}
    assert names(reply) == [
        *("output_item.added", "web_search_call.in_progress"),
        *("web_search_call.searching", "web_search_call.completed", "output_item.done"),
    ]


def test_an_item_a_message() -> None:
    text = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant"
    two = text.format("a") + text.format("") + text.format("b")
    reply = replied(two + "<|channel|>final<|message|>c<|return|>")
    kinds = [made["type"] for made in reply.output]
    assert kinds == ["reasoning", "reasoning", "message"]


def test_what_others_say_is_not_in_the_reply() -> None:
    text = "<|channel|>final<|message|>a<|end|><|start|>user<|message|>b<|end|>"
    assert item(text)["content"][0]["text"] == "a"


def test_only_the_first_call_without_parallel_calls() -> None:
    two = called("f") + "<|start|>assistant" + called("python", "1")
    assert len(replied(two).output) == 2
    reply = replied(two, parallel_tool_calls=False)
    assert [made["type"] for made in reply.output] == ["function_call"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
@pytest.mark.parametrize(
    "text",
    [
        *("<|channel|>analysis<|message|>a", "<|channel|>final<|message|>a"),
        *(
            "<|channel|>commentary to=functions.f<|message|>{",
            "<|channel|>analysis to=python<|message|>1",
        ),
        *(called("edit", '{"input":"x')[:-8], called("browser.search", "x")[:-8]),
    ],
)
def test_incomplete(reason: str, told: str, text: str) -> None:
    done = "<|channel|>final<|message|>Yes.<|end|><|start|>assistant"
    reply = replied(done + text, reason)
    assert reply.response["status"] == "incomplete"
    assert reply.response["incomplete_details"] == {"reason": told}
    assert [made["status"] for made in reply.output] == ["completed", "incomplete"]
    assert reply.events[-1]["type"] == "response.incomplete"


def test_length_between_messages() -> None:
    reply = replied("<|channel|>final<|message|>Yes.<|end|>", "length")
    assert reply.output[0]["status"] == "completed"
    assert reply.response["status"] == "incomplete"


def test_an_open_message_is_complete_with_stop() -> None:
    reply = replied("<|channel|>final<|message|>Yes")
    assert reply.output[0]["status"] == reply.response["status"] == "completed"
    assert reply.response["incomplete_details"] is None


def test_what_is_repeated_of_the_request() -> None:
    given: Json = {
        "instructions": "A",
        "metadata": {"a": "b"},
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}},
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 100,
        "previous_response_id": "resp_0",
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "store": True,
    }
    made = replied("", **given).response
    del given["store"]
    assert {key: made[key] for key in given} == given
    assert made["tools"] == TOOLS and "store" not in made


def test_what_is_said_without_being_asked() -> None:
    stream = responses.ResponseStream(ENCODING, prompt(USER), id="r", created_at=7)
    created = stream.start()[0]["response"]
    assert created == {
        "id": "r",
        "object": "response",
        "created_at": 7,
        "model": "",
        "error": None,
        "incomplete_details": None,
        "status": "in_progress",
        "output": [],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "usage": None,
    }


def test_usage() -> None:
    text = (
        "<|channel|>analysis<|message|>Look.<|end|><|start|>assistant<|channel|>"
        "commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"city":"Rome"}<|call|>'
    )
    count = len(prompt(USER, tools=TOOLS).tokens(ENCODING))
    assert replied(text).response["usage"] == {
        "input_tokens": count,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 26,
        "output_tokens_details": {"reasoning_tokens": 6},
        "total_tokens": count + 26,
    }


def test_messages_and_warnings() -> None:
    stream = responses.ResponseStream(ENCODING, prompt(USER))
    text = "<|channel|>final<|message|>a<|return|>b"
    stream.feed(ENCODING.encode(text, allowed_special="all"))
    stream.finish()
    assert stream.messages[0].channel == "final"
    assert stream.warnings


def test_start_may_be_left_out() -> None:
    stream = responses.ResponseStream(ENCODING, prompt(USER))
    kinds = [event["type"] for event in stream.feed([]) + stream.finish()]
    assert kinds == ["response.created", "response.in_progress", "response.completed"]


def test_misuse() -> None:
    stream = responses.ResponseStream(ENCODING, prompt(USER))
    stream.start()
    with pytest.raises(RuntimeError):
        stream.start()
    with pytest.raises(RuntimeError):
        stream.response()
    with pytest.raises(ValueError, match=r"^reason: "):
        stream.finish("bored")  # type: ignore[arg-type]
    stream.finish()
    with pytest.raises(RuntimeError):
        stream.feed([1])
    with pytest.raises(RuntimeError):
        stream.finish()


def test_ids_are_made_of_a_prefix_and_32_hex_digits() -> None:
    text = called("f") + "<|start|>assistant" + called("edit")
    tokens = ENCODING.encode(text, allowed_special="all")
    made = responses.response(ENCODING, prompt(USER, tools=TOOLS), tokens)
    first, second = made["output"]
    ids = [made["id"], first["id"], first["call_id"], second["id"], second["call_id"]]
    prefixes = [value.partition("_")[0] for value in ids]
    assert prefixes == ["resp", "fc", "call", "ctc", "call"]
    assert all(len(value.partition("_")[2]) == 32 for value in ids)
