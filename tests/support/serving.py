"""The example server in a thread; all that it sends is checked by OpenAI's types."""

from __future__ import annotations

import importlib.util
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from harmony import load_harmony_encoding
from support import ROOT

pydantic = pytest.importorskip("pydantic")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("starlette")
openai = pytest.importorskip("openai")

from openai.types.chat import ChatCompletion, ChatCompletionChunk  # noqa: E402
from openai.types.responses import Response, ResponseStreamEvent  # noqa: E402

SERVER = ROOT / "examples" / "server" / "server.py"
EVENT = pydantic.TypeAdapter(ResponseStreamEvent)


def server_module() -> ModuleType:
    """Return examples/server/server.py as a module."""
    spec = importlib.util.spec_from_file_location("example_server", SERVER)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Served:
    """A server under way: where it is, and what it was asked and has sent.

    ``prompts``: the text of each prompt that the engine was given.
    """

    url: str
    prompts: list[str] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)

    def client(self) -> Any:
        """Return a client of its own for each call; it does not try twice."""
        return openai.OpenAI(base_url=self.url, api_key="none", max_retries=0)


@contextmanager
def served(engine: Any, most_bytes: int = 16 << 20) -> Iterator[Served]:
    """Run the server over an engine, or over texts that the model writes in turn.

    ``most_bytes``: of a request, in place of the server's own number.
    """
    module = server_module()
    module.__dict__["MOST_BYTES"] = most_bytes
    encoding = load_harmony_encoding("HarmonyGptOss")
    if not callable(engine):
        engine = texts_in_turn(engine)
    listener = socket.create_server(("127.0.0.1", 0))
    run = Served(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")

    def noting(tokens: list[int], form: dict[str, Any]) -> Any:
        run.prompts.append(encoding.decode(tokens))
        return engine(tokens, form)

    vars(noting).update(vars(engine))  # the kind of grammar that it takes
    app = recording(module.Server(noting, encoding, "gpt-oss"), run.bodies)
    config = uvicorn.Config(
        app, ws="none", log_level="error", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield run
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()
    for path, body in run.bodies:
        check_sent(path, body)


def texts_in_turn(texts: Sequence[str]) -> Any:
    """Return an engine that writes one text a generation, a token a portion."""
    encoding = load_harmony_encoding("HarmonyGptOss")
    written = [encoding.encode(text, allowed_special="all") for text in texts]

    def engine(_tokens: list[int], _form: dict[str, Any]) -> Any:
        return ([token] for token in written.pop(0))

    return engine


def recording(app: Any, bodies: list[tuple[str, bytes]]) -> Any:
    """Return an app that keeps whole replies: the path, and what was sent."""

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        status, parts = 0, []

        async def keeping(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            parts.append(message.get("body", b""))
            if status == 200 and not message.get("more_body", True):
                bodies.append((scope["path"], b"".join(parts)))
            await send(message)

        await app(scope, receive, keeping)

    return recorded


def check_sent(path: str, body: bytes) -> None:
    """Check a whole reply, or each event of a streamed one, by OpenAI's types."""
    if path == "/v1/models":
        assert openai.types.Model.model_validate(json.loads(body)["data"][0])
    elif body.startswith(b"{"):
        whole = ChatCompletion if path.endswith("completions") else Response
        whole.model_validate_json(body)
    elif path.endswith("completions"):
        *chunks, end = sent_data(body)
        assert chunks and end == b"[DONE]"
        for chunk in chunks:
            ChatCompletionChunk.model_validate_json(chunk)
    else:
        events = [EVENT.validate_json(event) for event in sent_data(body)]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type in ("response.completed", "response.incomplete")


def sent_data(body: bytes) -> list[bytes]:
    """Return the data of server-sent events; their names are those in the data."""
    found = []
    assert body.endswith(b"\n\n")
    for event in body[:-2].split(b"\n\n"):
        *name, data = event.split(b"\n")
        assert data.startswith(b"data: ")
        found.append(data[6:])
        if name:
            assert name == [b"event: " + json.loads(found[-1])["type"].encode()]
    return found
