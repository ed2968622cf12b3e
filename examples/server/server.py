"""A server of OpenAI's two APIs on harmony; bring your own engine.

What harmony leaves: HTTP, an engine that is stopped when nobody reads on, a memory.
"""

import argparse
import json
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from harmony import HarmonyEncoding, chat, grammar, load_harmony_encoding, responses

Json = dict[str, Any]
# Takes a prompt's tokens and the request; if it has an attribute `grammar`, with one.
# Gives tokens up to <|return|> or <|call|>, in portions. Refuses with a ValueError.
Engine = Callable[[list[int], Json], Generator[list[int]] | AsyncGenerator[list[int]]]

MOST_BYTES = 16 << 20  # of a request; all remembered responses have four times as many
LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
TYPES = {"stream": bool, "stream_options": dict, "previous_response_id": str}


async def refuse(_request: Request, error: Exception) -> Response:
    """Return an error in OpenAI's form. A ValueError begins with a path."""
    said = getattr(error, "detail", str(error))
    path = said.partition(": ")[0] if isinstance(error, ValueError) else None
    form = {"message": said, "type": "invalid_request_error", "param": path}
    status = getattr(error, "status_code", 400)
    return JSONResponse({"error": {**form, "code": None}}, status)


async def read(request: Request) -> Json:
    """Return a request's JSON. A body that is too long is read, but not kept."""
    body = bytearray()
    async for part in request.stream():
        body += part[: MOST_BYTES + 1 - len(body)]
    if len(body) > MOST_BYTES:
        raise HTTPException(413, f"the body has more than {MOST_BYTES} bytes")
    try:
        form = json.loads(body)
        json.dumps({**form}, allow_nan=False)  # no list, no NaN, no 1e999
    except (TypeError, ValueError, RecursionError) as error:
        raise HTTPException(400, f"the body is no JSON object: {error}") from None
    for key, kind in {**TYPES, **dict.fromkeys(LIMITS, int)}.items():
        if not isinstance(form.get(key), kind | None):
            raise ValueError(f"{key}: expected {kind.__name__}, got {form[key]!r:.40}")
    return form


def events(chunks: list[Json]) -> str:
    """Return server-sent events; those of the Responses API have names."""
    named = [(f"event: {c['type']}\n" if "type" in c else "", c) for c in chunks]
    return "".join(f"{name}data: {json.dumps(chunk)}\n\n" for name, chunk in named)


async def sent(form: Any, source: Any, stream: Any, whole: Any, end: str) -> Any:
    """Give what the client gets: events, or nothing and in the end the whole reply."""
    room = min([form[k] for k in LIMITS if (form.get(k) or 0) > 0], default=1 << 30)
    write = events if form.get("stream") else lambda chunks: ""
    is_async = isinstance(source, AsyncGenerator)
    portions = source if is_async else iterate_in_threadpool(source)
    try:
        yield write(stream.feed([]))
        async for portion in portions:
            yield write(stream.feed(portion[:room]))
            if (room := room - len(portion)) < 0:
                break
    finally:
        await source.aclose() if is_async else source.close()
    chunks, reply = stream.finish("length" if room < 0 else "stop"), whole()
    yield write(chunks) + end if form.get("stream") else json.dumps(reply)


class Server(Starlette):
    """The two APIs over an engine."""

    def __init__(self, engine: Engine, encoding: HarmonyEncoding, model: str) -> None:
        self.engine, self.encoding = engine, encoding
        self.memory: dict[str, str] = {}  # a response's id -> all items, as JSON
        about = {"id": model, "object": "model", "created": 0, "owned_by": "harmony"}
        models = Route("/v1/models", JSONResponse({"object": "list", "data": [about]}))
        posts = {"/v1/chat/completions": self.chat, "/v1/responses": self.responses}
        routes = [Route(path, post, methods=["POST"]) for path, post in posts.items()]
        refused = dict.fromkeys((ValueError, HTTPException, ClientDisconnect), refuse)
        super().__init__(routes=[*routes, models], exception_handlers=refused)

    async def chat(self, request: Request) -> Response:
        form = await read(request)
        prompt = chat.prompt(form, header="model")
        usage = (form.get("stream_options") or {}).get("include_usage") is True
        stream = chat.ChatStream(self.encoding, prompt, include_usage=usage)
        return self.reply(form, prompt, stream, stream.completion, "data: [DONE]\n\n")

    async def responses(self, request: Request) -> Response:
        form = await read(request)
        last, said = form.get("previous_response_id"), form.get("input")
        if last is not None and last not in self.memory:
            raise ValueError(f"previous_response_id: no response {last!r} is known")
        before = [] if last is None else json.loads(self.memory[last])
        prompt = responses.prompt(form, previous=before, header="model")
        stream = responses.ResponseStream(self.encoding, prompt)
        before += [{"role": "user", "content": said}] if type(said) is str else said

        def whole() -> Json:
            response = stream.response()
            if form.get("store") is not False:
                self.memory[response["id"]] = json.dumps(before + response["output"])
            while sum(map(len, self.memory.values())) > 4 * MOST_BYTES:
                del self.memory[next(iter(self.memory))]
            return response

        return self.reply(form, prompt, stream, whole, "")

    def reply(self, form: Json, prompt: Any, stream: Any, whole: Any, end: str) -> Any:
        if kind := getattr(self.engine, "grammar", None):  # "lark", "structural_tag"
            form = {**form, "grammar": getattr(grammar.for_prompt(prompt), kind)()}
        source = self.engine(prompt.tokens(self.encoding), form)
        texts = sent(form, source, stream, whole, end)
        kind = "text/event-stream" if form.get("stream") else "application/json"
        return StreamingResponse(texts, 200, None, kind, BackgroundTask(texts.aclose))


def script(path: str, encoding: HarmonyEncoding) -> Engine:
    """Return an engine that writes a line of a file each time, in the end the last."""
    with open(path, encoding="utf-8") as file:
        lines = [encoding.encode(json.loads(s), allowed_special="all") for s in file]
    return lambda tokens, form: ([t] for t in (lines.pop(0) if lines[1:] else lines[0]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--script", required=True, help="a file: a JSON string a line")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    encoding = load_harmony_encoding("HarmonyGptOss")
    server = Server(script(options.script, encoding), encoding, "gpt-oss")
    listener = socket.create_server(("127.0.0.1", options.port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1 is ready", flush=True)
    uvicorn.Server(uvicorn.Config(server, log_level="warning")).run([listener])
