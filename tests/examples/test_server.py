"""The example server, by the real ``openai`` client and by raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from harmony import HarmonyEncoding, chat, grammar
from support.serving import SERVER, Served, openai, served

ANSWER = "<|channel|>final<|message|>{}<|return|>"
REASONED = (
    "<|channel|>analysis<|message|>Easy.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>2 + 2 = 4.<|return|>"
)
CALL = (
    "<|channel|>analysis<|message|>Look.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.get_weather "
    '<|constrain|>json<|message|>{"city":"Rome"}<|call|>'
)
CUSTOM = (
    "<|channel|>commentary to=functions.shell <|constrain|>json"
    '<|message|>{"input":"echo \\"é\\"\\n"}<|call|>'
)
ASKED: Any = [{"role": "user", "content": "2 + 2?"}]
WEATHER = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"


def asked(run: Served, path: str, body: bytes | dict[str, Any]) -> tuple[int, Any]:
    """Return the status and the JSON that a body gets."""
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    connection = connected(run)
    with contextlib.closing(connection):
        connection.request("POST", path, body)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())


def connected(run: Served) -> http.client.HTTPConnection:
    address = run.url.removeprefix("http://").removesuffix("/v1")
    return http.client.HTTPConnection(address, timeout=60)


# Chat


def test_a_chat_reply() -> None:
    with served([REASONED]) as run, run.client() as client:
        reply = client.chat.completions.create(model="m", messages=ASKED)
    (choice,) = reply.choices
    assert choice.message.content == "2 + 2 = 4."
    assert choice.message.reasoning == "Easy."
    assert choice.finish_reason == "stop"
    assert reply.model == "m"
    assert reply.usage.completion_tokens == 20
    assert run.prompts[0].endswith(
        "<|start|>user<|message|>2 + 2?<|end|><|start|>assistant"
    )


def test_a_streamed_chat_reply() -> None:
    with served([REASONED]) as run, run.client() as client:
        chunks = list(
            client.chat.completions.create(
                model="m",
                messages=ASKED,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "2 + 2 = 4."
    assert "".join(getattr(d, "reasoning", "") for d in deltas) == "Easy."
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + 20


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_calls_a_tool_and_goes_on_from_its_result(stream: bool) -> None:
    tools: Any = [{"type": "function", "function": WEATHER}]
    messages = list(ASKED)
    with served([CALL, ANSWER.format("Sunny.")]) as run, run.client() as client:
        told = chat_message(client, messages, tools, stream)
        (call,) = told.tool_calls
        assert (call.type, call.function.name) == ("function", "get_weather")
        assert json.loads(call.function.arguments) == {"city": "Rome"}
        messages.append(told.to_dict())
        messages.append(
            {"role": "tool", "tool_call_id": call.id, "content": "20 degrees"}
        )
        assert chat_message(client, messages, tools, stream).content == "Sunny."
    written = run.prompts[0] + CALL
    assert run.prompts[1].startswith(written), "the engine's prefix cache is lost"
    assert run.prompts[1][len(written) :] == (
        "<|start|>functions.get_weather to=assistant<|channel|>commentary"
        "<|message|>20 degrees<|end|><|start|>assistant"
    )


def chat_message(client: Any, messages: Any, tools: Any, stream: bool) -> Any:
    """Return the message of a reply, whole or put together from a stream."""
    asking = {"model": "m", "messages": messages, "tools": tools}
    if not stream:
        return client.chat.completions.create(**asking).choices[0].message
    with client.chat.completions.stream(**asking) as events:
        return events.get_final_completion().choices[0].message


def test_a_custom_tool_of_a_chat() -> None:
    tools: Any = [{"type": "custom", "custom": {"name": "shell"}}]
    with served([CUSTOM, ANSWER.format("Done.")]) as run, run.client() as client:
        reply = client.chat.completions.create(model="m", messages=ASKED, tools=tools)
        (call,) = reply.choices[0].message.tool_calls
        assert (call.type, call.custom.name) == ("custom", "shell")
        assert call.custom.input == 'echo "é"\n'
        assert reply.choices[0].finish_reason == "tool_calls"
        told = {"role": "tool", "tool_call_id": call.id, "content": "é"}
        messages = [*ASKED, reply.choices[0].message.to_dict(), told]
        client.chat.completions.create(model="m", messages=messages, tools=tools)
    assert run.prompts[1].startswith(run.prompts[0] + CUSTOM)


# Responses


def test_a_response() -> None:
    with served([REASONED]) as run, run.client() as client:
        reply = client.responses.create(model="m", input="2 + 2?")
    assert reply.output_text == "2 + 2 = 4."
    assert [item.type for item in reply.output] == ["reasoning", "message"]
    assert reply.status == "completed"


def test_a_streamed_response() -> None:
    with (
        served([REASONED]) as run,
        run.client() as client,
        client.responses.stream(model="m", input="2 + 2?") as events,
    ):
        kinds = [event.type for event in events]
        reply = events.get_final_response()
    assert reply.output_text == "2 + 2 = 4."
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds.count("response.output_text.delta") == 8


@pytest.mark.parametrize("remembered", [False, True])
def test_a_response_calls_a_tool_and_goes_on_from_its_result(remembered: bool) -> None:
    tools: Any = [{"type": "function", **WEATHER}]
    with served([CALL, ANSWER.format("Sunny.")]) as run, run.client() as client:
        first = client.responses.create(model="m", input="2 + 2?", tools=tools)
        call = first.output[-1]
        assert (call.type, call.name) == ("function_call", "get_weather")
        items: Any = [
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": "20 degrees",
            }
        ]
        more: Any = {"previous_response_id": first.id}
        if not remembered:
            items = [*ASKED, *(item.to_dict() for item in first.output), *items]
            more = {"store": False}
        last = client.responses.create(model="m", input=items, tools=tools, **more)
    assert last.output_text == "Sunny."
    assert run.prompts[1].startswith(run.prompts[0] + CALL)


@pytest.mark.parametrize("stream", [False, True])
def test_a_custom_tool_of_a_response(stream: bool) -> None:
    tools: Any = [{"type": "custom", "name": "shell"}]
    asking: Any = {"model": "m", "input": "2 + 2?", "tools": tools}
    with served([CUSTOM]) as run, run.client() as client:
        if stream:
            events = list(client.responses.create(**asking, stream=True))
            kind = "response.custom_tool_call_input.delta"
            deltas = [event.delta for event in events if event.type == kind]
            assert "".join(deltas) == 'echo "é"\n' and len(deltas) > 1
            reply = events[-1].response
        else:
            reply = client.responses.create(**asking)
    (call,) = reply.output
    assert (call.type, call.name) == ("custom_tool_call", "shell")
    assert call.input == 'echo "é"\n'


def test_a_tool_in_a_namespace() -> None:
    call = CALL.replace("get_weather", "sky__get_weather")
    tool = {"type": "function", **WEATHER}
    tools: Any = [
        {"type": "namespace", "name": "sky", "description": "Above.", "tools": [tool]}
    ]
    with served([call]) as run, run.client() as client:
        reply = client.responses.create(model="m", input="2 + 2?", tools=tools)
    called = reply.output[-1]
    assert (called.namespace, called.name) == ("sky", "get_weather")
    assert "type sky__get_weather" in run.prompts[0]


def test_a_response_that_is_not_stored_is_not_remembered() -> None:
    with served([REASONED]) as run, run.client() as client:
        first = client.responses.create(model="m", input="2 + 2?", store=False)
        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(
                model="m", input="And?", previous_response_id=first.id
            )
    assert caught.value.param == "previous_response_id"


def test_the_oldest_responses_are_forgotten() -> None:
    count = 8
    with served(count * [REASONED], most_bytes=20_000) as run:
        long = {"input": 15_000 * "x"}
        replies = [asked(run, RESPONSES, long)[1] for _ in range(count)]
        known = []
        for reply in replies:
            body = {"input": 7, "previous_response_id": reply["id"]}
            _, error = asked(run, RESPONSES, body)
            known.append(error["error"]["param"] == "input")
    assert known == 3 * [False] + 5 * [True]


# Both


def test_the_models() -> None:
    with served([]) as run, run.client() as client:
        assert [model.id for model in client.models.list()] == ["gpt-oss"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_limit_of_tokens(stream: bool) -> None:
    with served(2 * [REASONED]) as run, run.client() as client:
        reply = client.chat.completions.create(
            model="m", messages=ASKED, max_completion_tokens=4
        )
        assert reply.choices[0].finish_reason == "length"
        assert reply.usage.completion_tokens == 4
        with client.responses.stream(
            model="m", input="2 + 2?", max_output_tokens=4
        ) as events:
            response = [event for event in events][-1].response
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("limit", [20, 0, -1])
def test_a_limit_that_is_met_exactly_is_no_limit_nor_is_one_below_1(limit: int) -> None:
    with served([REASONED]) as run, run.client() as client:
        reply = client.chat.completions.create(
            model="m", messages=ASKED, max_tokens=limit
        )
    assert reply.choices[0].finish_reason == "stop"


BROKEN = [
    "",
    "text without any header",
    "<|return|>",
    "<|channel|>analysis<|message|>cut off",
    "<|channel|><|message|><|end|><|start|><|start|>assistant<|message|>x",
    "<|channel|>final<|message|>a<|return|><|channel|>final<|message|>b<|return|>",
    "<|start|>user<|message|>hello<|end|><|start|>assistant to=functions.<|call|>",
    "<|channel|>commentary to=browser.search<|message|>no JSON<|call|>",
    "<|channel|>commentary to=python<|message|>print(1)<|call|>",
]


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_whatever_the_model_writes_the_client_gets_a_reply(path: str) -> None:
    with served([text for text in BROKEN for _ in range(2)]) as run:
        for _ in BROKEN:
            body = {"model": "m", "messages": ASKED, "input": "2 + 2?"}
            status, _whole = asked(run, path, body)
            assert status == 200
            with contextlib.closing(connected(run)) as connection:
                connection.request("POST", path, json.dumps({**body, "stream": True}))
                assert connection.getresponse().read()
    assert len(run.bodies) == 2 * len(BROKEN)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {}, "messages"),
        (CHAT, {"messages": [{"role": "x", "content": ""}]}, "messages[0].role"),
        (CHAT, {"messages": ASKED, "tools": [{"type": "x"}]}, "tools[0].type"),
        (CHAT, {"messages": ASKED, "stream": 1}, "stream"),
        (CHAT, {"messages": ASKED, "stream_options": []}, "stream_options"),
        (CHAT, {"messages": ASKED, "max_tokens": "8"}, "max_tokens"),
        (RESPONSES, {}, "input"),
        (RESPONSES, {"input": [{"type": "x"}]}, "input[0].type"),
        (RESPONSES, {"input": "x", "previous_response_id": {}}, "previous_response_id"),
        (RESPONSES, {"input": "x", "previous_response_id": ""}, "previous_response_id"),
    ],
)
def test_what_is_wrong_in_a_request_is_named_by_its_path(
    path: str, body: dict[str, Any], param: str
) -> None:
    with served([]) as run:
        status, reply = asked(run, path, body)
    assert status == 400
    error = reply["error"]
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")
    assert (error["type"], error["code"]) == ("invalid_request_error", None)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"{",
            b"no",
            b"[]",
            b"7",
            b"null",
            b'"text"',
            b"\xff\xfe\xfd",
            b"[" * 10**6,
        ),
        *(b'{"messages": NaN}', b'{"temperature": 1e999}', b"1" * 5000),
    ],
    ids=range(12),
)
def test_a_body_that_is_no_json_object(path: str, body: bytes) -> None:
    with served([]) as run:
        status, reply = asked(run, path, body)
    assert (status, reply["error"]["param"]) == (400, None)
    assert reply["error"]["message"].startswith("the body is no JSON object: ")


def test_half_a_character_in_a_request_is_taken() -> None:
    with served([ANSWER.format("é")]) as run:
        body = b'{"messages": [{"role": "user", "content": "cut: \\ud83d"}]}'
        status, reply = asked(run, CHAT, body)
    assert (status, reply["choices"][0]["message"]["content"]) == (200, "é")
    assert "cut: \ufffd<|end|>" in run.prompts[0]


def test_what_is_not_there() -> None:
    with served([]) as run, run.client() as client:
        with pytest.raises(openai.NotFoundError) as caught:
            client.embeddings.create(model="m", input="x")
        assert caught.value.body["message"] == "Not Found"
        with contextlib.closing(connected(run)) as connection:
            connection.request("GET", CHAT)
            reply = connection.getresponse()
            assert reply.status == 405 and json.load(reply)["error"]["param"] is None


def test_what_an_engine_refuses() -> None:
    def engine(tokens: list[int], form: dict[str, Any]) -> Any:
        raise ValueError("messages: too long for the model")

    with served(engine) as run:
        for stream in (False, True):
            status, reply = asked(run, CHAT, {"messages": ASKED, "stream": stream})
            assert (status, reply["error"]["param"]) == (400, "messages")


@pytest.mark.parametrize("kind", ["lark", "structural_tag", None])
def test_an_engine_that_takes_a_grammar_gets_it_with_the_request(
    encoding: HarmonyEncoding, kind: str | None
) -> None:
    grammars = []

    def engine(tokens: list[int], form: dict[str, Any]) -> Iterator[list[int]]:
        grammars.append(form.get("grammar"))
        yield encoding.encode(ANSWER.format("4."), allowed_special="all")

    if kind is not None:
        vars(engine)["grammar"] = kind
    request = {"messages": ASKED, "response_format": {"type": "json_object"}}
    with served(engine) as run:
        assert asked(run, CHAT, request)[0] == 200
    rules = grammar.for_prompt(chat.prompt(request))
    assert grammars == [None if kind is None else getattr(rules, kind)()]


def test_a_schema_that_can_not_be_enforced_is_the_request_s_fault() -> None:
    def engine(tokens: list[int], form: dict[str, Any]) -> Any:
        raise AssertionError("asked in spite of it")

    vars(engine)["grammar"] = "lark"
    tool = {"type": "function", "name": "f", "parameters": {"not": {}}}
    with served(engine) as run:
        status, reply = asked(run, RESPONSES, {"input": "x", "tools": [tool]})
    assert (status, reply["error"]["param"]) == (400, "f")


@pytest.mark.parametrize("stream", [False, True])
def test_an_engine_that_fails_leaves_no_reply_that_looks_whole(stream: bool) -> None:
    def engine(tokens: list[int], form: dict[str, Any]) -> Iterator[list[int]]:
        yield tokens[:3]
        raise RuntimeError("out of memory")

    with (
        served(engine) as run,
        contextlib.closing(connected(run)) as connection,
    ):
        connection.request(
            "POST", CHAT, json.dumps({"messages": ASKED, "stream": stream})
        )
        with pytest.raises(http.client.IncompleteRead):
            connection.getresponse().read()
    assert run.bodies == []


# Many at once, and clients that leave


def test_requests_are_served_side_by_side(encoding: HarmonyEncoding) -> None:
    count = 12
    together = threading.Barrier(count, timeout=60)

    def engine(_tokens: list[int], form: dict[str, Any]) -> Iterator[list[int]]:
        asked = form.get("input") or form["messages"][0]["content"]
        for token in encoding.encode(ANSWER.format(asked), allowed_special="all"):
            together.wait()  # a server that served one after the other would hang
            yield [token]

    async def everybody(url: str) -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=url, api_key="none", max_retries=0
        ) as client:
            return await asyncio.gather(
                *(reply_to(client, number) for number in range(count))
            )

    with served(engine) as run:
        assert asyncio.run(everybody(run.url)) == [f"{n:03}" for n in range(count)]


async def reply_to(client: Any, number: int) -> str:
    """Ask by one of the four ways; return the text of the reply."""
    text, stream = f"{number:03}", number % 2 == 1
    if number % 4 < 2:
        messages: Any = [{"role": "user", "content": text}]
        asking = {"model": "m", "messages": messages}
        if not stream:
            reply = await client.chat.completions.create(**asking)
            return str(reply.choices[0].message.content)
        async with client.chat.completions.stream(**asking) as events:
            whole = await events.get_final_completion()
        return str(whole.choices[0].message.content)
    if not stream:
        return str((await client.responses.create(model="m", input=text)).output_text)
    async with client.responses.stream(model="m", input=text) as events:
        return str((await events.get_final_response()).output_text)


class Endless:
    """An engine that writes for ever; tells when it is stopped."""

    def __init__(self, encoding: HarmonyEncoding, is_async: bool, pause: float) -> None:
        self.started, self.stopped = threading.Event(), threading.Event()
        self._first = encoding.encode(ANSWER[:-12], allowed_special="all")
        self._word = encoding.encode(" on")
        self._is_async, self._pause = is_async, pause

    def __call__(self, tokens: list[int], form: dict[str, Any]) -> Any:
        return self._waiting() if self._is_async else self._writing()

    def _writing(self) -> Iterator[list[int]]:
        try:
            yield self._first
            while True:
                self.started.set()
                self.stopped.wait(self._pause)
                yield self._word
        finally:
            self.stopped.set()

    async def _waiting(self) -> AsyncIterator[list[int]]:
        try:
            yield self._first
            while True:
                self.started.set()
                await asyncio.sleep(self._pause)
                yield self._word
        finally:
            self.stopped.set()


@pytest.fixture
def nothing_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what replies are made from, so that only closing it can stop an engine."""
    response = pytest.importorskip("starlette.responses").StreamingResponse
    make, kept = response.__init__, []

    def keeping(self: Any, content: Any, *more: Any) -> None:
        kept.append(content)
        make(self, content, *more)

    monkeypatch.setattr(response, "__init__", keeping)


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("pause", [0.0, 0.2])
@pytest.mark.usefixtures("nothing_is_collected")
def test_a_client_that_hangs_up_stops_the_engine(
    encoding: HarmonyEncoding, path: str, stream: bool, is_async: bool, pause: float
) -> None:
    engine = Endless(encoding, is_async, pause)
    with served(engine) as run:
        connection = connected(run)
        body = {"messages": ASKED, "input": "2 + 2?", "stream": stream}
        connection.request("POST", path, json.dumps(body))
        if stream:
            reply = connection.getresponse()
            assert reply.read(300)
            reply.close()
        assert engine.started.wait(30)
        assert not engine.stopped.is_set()
        connection.close()
        assert engine.stopped.wait(30)
    assert run.bodies == []


def test_a_silent_engine_is_stopped_too(encoding: HarmonyEncoding) -> None:
    engine = Endless(encoding, is_async=True, pause=3600)
    with served(engine) as run:
        with run.client() as client:
            events = client.responses.create(model="m", input="2 + 2?", stream=True)
            for event in events:
                if event.type == "response.in_progress":
                    break
            assert engine.started.wait(30)
            events.close()
        assert engine.stopped.wait(30)


def test_a_client_that_leaves_while_it_asks() -> None:
    with served([REASONED]) as run, run.client() as client:
        connection = connected(run)
        connection.putrequest("POST", CHAT)
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b'{"messages": [')
        connection.close()
        client.chat.completions.create(model="m", messages=ASKED)


@pytest.mark.usefixtures("nothing_is_collected")
def test_a_client_that_reads_slowly_holds_the_engine_back(
    encoding: HarmonyEncoding,
) -> None:
    written, stopped = 0, threading.Event()
    portion = encoding.encode(50_000 * " on")

    def engine(tokens: list[int], form: dict[str, Any]) -> Iterator[list[int]]:
        nonlocal written
        try:
            yield encoding.encode(ANSWER[:-12], allowed_special="all")
            while written < 1000:
                written += 1
                yield portion
        finally:
            stopped.set()

    with served(engine) as run, contextlib.closing(connected(run)) as connection:
        connection.request(
            "POST", CHAT, json.dumps({"messages": ASKED, "stream": True})
        )
        reply = connection.getresponse()
        assert reply.status == 200
        before = -1
        while before != written:
            before = written
            threading.Event().wait(0.5)
        assert written < 500  # of 150 kB each: the kernel holds some megabytes
        reply.close()
        connection.close()
        assert stopped.wait(30)
    assert written < 500


# As a program


@contextlib.contextmanager
def program(folder: Path, texts: list[str]) -> Iterator[tuple[Served, int]]:
    """Run the server as the README says; give it and the process's number."""
    script = folder / "script.jsonl"
    script.write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    command = [sys.executable, str(SERVER), "--script", str(script), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url, _, said = process.stdout.readline().partition(" ")
            assert said == "is ready\n"
            yield Served(url), process.pid
        finally:
            process.terminate()


def test_generations_take_the_lines_in_turn_and_then_the_last(tmp_path: Path) -> None:
    texts = [REASONED, ANSWER.format("line\u2028two"), ANSWER.format("last")]
    with program(tmp_path, texts) as (run, _), run.client() as client:
        said = [
            client.responses.create(model="m", input="x").output_text for _ in range(5)
        ]
    assert said == ["2 + 2 = 4.", "line\u2028two", "last", "last", "last"]


def test_the_script_of_the_readme(tmp_path: Path) -> None:
    readme = (SERVER.parent / "README.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```json\n(.*?)```", readme, re.S)
    texts = [json.loads(line) for line in script.splitlines()]
    with program(tmp_path, texts) as (run, _), run.client() as client:
        first = client.responses.create(model="m", input="What time is it?")
        assert first.output[0].name == "now"
        assert (
            client.responses.create(model="m", input="x").output_text == "It is noon."
        )


def test_it_is_heard_on_this_machine_alone(tmp_path: Path) -> None:
    with program(tmp_path, [REASONED]) as (run, _):
        assert run.url.startswith("http://127.0.0.1:")
        other = Served(run.url.replace("127.0.0.1", "127.0.0.2"))
        connection = connected(other)
        with contextlib.closing(connection), pytest.raises(OSError):
            connection.request("GET", "/v1/models")


def most_memory(process: int) -> int:
    """Return the most memory that a process had, in bytes."""
    text = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_body_of_50_megabytes_is_refused_and_not_kept(tmp_path: Path) -> None:
    with program(tmp_path, [REASONED]) as (run, process), run.client() as client:
        assert client.responses.create(model="m", input="x").output_text
        before = most_memory(process)
        with pytest.raises(openai.APIStatusError) as caught:
            client.responses.create(model="m", input=50_000_000 * "x")
        assert caught.value.status_code == 413
        assert caught.value.body["type"] == "invalid_request_error"
        assert most_memory(process) - before < 40 << 20
        status, _ = asked(run, CHAT, b"[" * 50_000_000)
        assert status == 413
        assert client.responses.create(model="m", input="x").output_text == "2 + 2 = 4."


def test_it_can_be_read_in_one_go() -> None:
    assert len(SERVER.read_text(encoding="utf-8").splitlines()) < 150
