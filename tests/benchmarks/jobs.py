"""What a worker does: the timed passes, each with a digest of what came out.

A job takes the operations of the implementation first. A timed one returns
``{"wall": seconds, "cpu": seconds, "digest": str}`` and whatever else it says; ``cpu``
is that of the whole process, threads included. Digests are made when the clock has
stopped.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import pickle
import select
import signal
import time
from array import array
from collections.abc import Callable, Iterable
from dataclasses import fields
from threading import Barrier, Thread
from typing import Any

from . import conversations
from .peers import Operations

Timing = dict[str, Any]

DATE = "2025-06-28"
"""What day it is in requests."""


def timed(run: Callable[[], Any], settle: Callable[[], Any]) -> tuple[Any, Timing]:
    """Run once without the garbage collector; return the result and the times.

    ``settle`` runs before the clock starts: since the last pass of this process others
    have had the processor, and its caches are full of their tables.
    """
    gc.collect()
    gc.disable()
    settle()
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    gc.enable()
    return result, {"wall": wall, "cpu": cpu}


def as_bytes(result: Any) -> bytes:
    """Return what a call gave, in one form for all: tokens as int32, text as UTF-8."""
    if isinstance(result, str):
        return result.encode()
    if isinstance(result, int):
        return b"%d," % result
    if isinstance(result, (list, tuple)):
        return array("i", result).tobytes()
    return memoryview(result).tobytes()


def digest(results: Iterable[Any]) -> str:
    """Return a digest of results in their order."""
    sum_of_all = hashlib.blake2b(digest_size=16)
    for result in results:
        data = as_bytes(result)
        sum_of_all.update(b"%d:" % len(data) + data)
    return sum_of_all.hexdigest()


def calls(operations: Operations) -> list[str]:
    """Return the names of the operations that there are."""
    return [each.name for each in fields(operations) if getattr(operations, each.name)]


def check(operations: Operations, texts: list[str]) -> dict[str, str]:
    """Return the digest of what each way of encoding makes of texts.

    The digest of ``count`` is that of the lengths of the lists where there is no call.
    """
    lists = [list(operations.to_list(text)) for text in texts]
    count = operations.count
    counts = [count(text) for text in texts] if count else [len(x) for x in lists]
    found = {"to_list": digest(lists), "count": digest(counts)}
    to_array = operations.to_array
    found["to_array"] = digest(map(to_array, texts)) if to_array else found["to_list"]
    return found


def apply(
    operations: Operations, call: str, inputs: list[Any], settling: list[Any]
) -> Timing:
    """Call one operation on each input, in turn."""
    run = getattr(operations, call)
    results, timing = timed(
        lambda: [run(each) for each in inputs], lambda: [run(each) for each in settling]
    )
    return timing | {"digest": digest(results)}


def method(operations: Operations, name: str, inputs: list[Any]) -> Timing:
    """Call a method of the encoding on each input, in turn."""
    run = getattr(operations.encoding, name)
    results, timing = timed(
        lambda: [run(each) for each in inputs], lambda: [run(each) for each in inputs]
    )
    return timing | {"digest": digest(results)}


def make(operations: Operations, what: str, calls: int) -> Timing:
    """Make an object again and again."""
    library = operations.library

    def run() -> Any:
        if what == "SystemContent.new":
            return library.SystemContent.new()
        return conversations.developer(library, "Work step by step.")

    _, timing = timed(
        lambda: [run() and None for _ in range(calls)],
        lambda: [run() and None for _ in range(calls)],
    )
    return timing | {"digest": ""}


def json_form(
    operations: Operations, script: Any, tools: bool, way: str, calls: int
) -> Timing:
    """Read or write the JSON of a conversation again and again."""
    (made,) = conversations_of(operations, [script], tools)
    text = made.to_json()
    read = operations.library.Conversation.from_json

    def run() -> Any:
        return read(text) if way == "from_json" else made.to_json()

    _, timing = timed(
        lambda: [run() and None for _ in range(calls)],
        lambda: [run() and None for _ in range(calls // 10)],
    )
    return timing | {"digest": str(len(run().messages if way == "from_json" else ""))}


def many(operations: Operations, way: str, texts: list[str]) -> Timing:
    """Encode texts in one call, or in a call for each."""
    encoding = operations.encoding
    ways: dict[str, Callable[[], Any]] = {
        "texts to lists: one call": lambda: encoding.encode_batch(texts),
        "texts to lists: a call for each": lambda: [*map(encoding.encode, texts)],
        "texts to an array: one call": lambda: encoding.encode_batch_to_arrays(texts),
        "texts to an array: a call for each": lambda: [
            *map(encoding.encode_to_array, texts)
        ],
    }
    _, timing = timed(ways[way], lambda: encoding.count_batch(texts[:1]))
    return timing | {"digest": ""}


def many_talks(operations: Operations, one_call: bool, scripts: list[Any]) -> Timing:
    """Render conversations in one call, or in a call for each."""
    encoding = operations.encoding
    made = conversations_of(operations, scripts, tools=False)
    if one_call:
        _, timing = timed(lambda: encoding.render_batch_to_arrays(made), lambda: None)
    else:
        run = encoding.render_conversation
        _, timing = timed(lambda: [*map(run, made)], lambda: None)
    return timing | {"digest": ""}


def tokens(operations: Operations, texts: list[str]) -> list[list[int]]:
    """Return the tokens of texts, untimed."""
    return [list(operations.to_list(text)) for text in texts]


def marked_tokens(operations: Operations, texts: list[str]) -> list[list[int]]:
    """Return the tokens of texts with special tokens spelled in them, untimed."""
    encode = operations.encoding.encode
    return [list(encode(text, allowed_special="all")) for text in texts]


def conversations_of(
    operations: Operations, scripts: list[Any], tools: bool
) -> list[Any]:
    """Return scripts as conversations, each on a day of its own."""
    library = operations.library
    return [
        library.Conversation.from_messages(
            conversations.messages(library, script, date, tools=tools)
        )
        for date, script in scripts
    ]


def render(
    operations: Operations, scripts: list[Any], settling: list[Any], *, tools: bool
) -> Timing:
    """Render conversations for completion, one after the other."""
    made = conversations_of(operations, scripts, tools)
    before = conversations_of(operations, settling, tools)
    run, role = renderer(operations)
    results, timing = timed(
        lambda: [run(each, role) for each in made],
        lambda: [run(each, role) for each in before],
    )
    return timing | {"digest": digest(results), "tokens": sum(map(len, results))}


def rendered(operations: Operations, script: Any, *, tools: bool) -> list[int]:
    """Return the tokens of a conversation, untimed."""
    (conversation,) = conversations_of(operations, [script], tools)
    tokens: list[int] = operations.encoding.render_conversation(conversation)
    return tokens


def render_growing(
    operations: Operations, script: Any, settling: list[Any], *, steps: int
) -> Timing:
    """Render a running chat after each of its last messages."""
    library = operations.library
    date, turns = script
    messages = conversations.messages(library, turns, date, tools=True)
    before = conversations_of(operations, settling, tools=True)
    first, *rest = [
        library.Conversation.from_messages(messages[:end])
        for end in range(len(messages) - steps, len(messages) + 1)
    ]
    run, role = renderer(operations)
    results, timing = timed(
        lambda: [run(each, role) for each in rest],
        lambda: [run(each, role) for each in (*before, first)],
    )
    return timing | {"digest": digest(results), "tokens": sum(map(len, results))}


def render_chat(
    operations: Operations, chats: list[str], settling: list[str]
) -> Timing:
    """Render a running chat, given as JSON after each of its last messages."""
    read = operations.library.Conversation.from_json
    made, before = [read(each) for each in chats], [read(each) for each in settling]
    run, role = renderer(operations)
    results, timing = timed(
        lambda: [run(each, role) for each in made],
        lambda: [run(each, role) for each in before],
    )
    return timing | {"digest": digest(results)}


def conversations_in(
    operations: Operations, requests: list[dict[str, Any]]
) -> list[str]:
    """Return what requests of chat completions become, as JSON, untimed."""
    chat = importlib.import_module("harmony.chat")
    return [chat.prompt(each, date=DATE).conversation.to_json() for each in requests]


def convert_chat(
    operations: Operations, requests: list[str], settling: list[str]
) -> Timing:
    """Turn requests of a running chat into tokens; JSON is read before the clock."""
    chat = importlib.import_module("harmony.chat")
    encoding = operations.encoding
    made = [json.loads(each) for each in requests]
    before = [json.loads(each) for each in settling]

    def run(request: dict[str, Any]) -> list[int]:
        tokens: list[int] = chat.prompt(request, date=DATE).tokens(encoding)
        return tokens

    results, timing = timed(lambda: [*map(run, made)], lambda: [*map(run, before)])
    return timing | {"digest": digest(results)}


def reply(
    operations: Operations, tokens: list[int], settling: list[int], *, api: str
) -> Timing:
    """Stream a reply token by token, as chunks of chat or as events of responses."""
    module = importlib.import_module(f"harmony.{api}")
    message = {"role": "user", "content": "?"}
    prompt = module.prompt({"messages": [message], "input": [message]}, date=DATE)
    stream = module.ChatStream if api == "chat" else module.ResponseStream

    def run(tokens: list[int]) -> list[dict[str, Any]]:
        made = stream(operations.encoding, prompt)
        portions = [[token] for token in tokens]
        return [each for portion in portions for each in made.feed(portion)]

    results, timing = timed(lambda: run(tokens), lambda: run(settling))
    return timing | {"count": len(results)}


def renderer(operations: Operations) -> tuple[Callable[..., Any], Any]:
    """Return the call that renders, and whose turn is next."""
    run = operations.encoding.render_conversation_for_completion
    return run, operations.library.Role.ASSISTANT


def process(operations: Operations, tokens: list[int], settling: list[int]) -> Timing:
    """Process tokens one by one and read nothing."""
    library = operations.library

    def run(tokens: list[int]) -> Any:
        parser = library.StreamableParser(operations.encoding, library.Role.ASSISTANT)
        take = parser.process
        for token in tokens:
            take(token)
        return parser

    parser, timing = timed(lambda: run(tokens), lambda: run(settling))
    return timing | {"digest": digest(map(as_text, parser.messages))}


def stream(
    operations: Operations, tokens: list[int], settling: list[int], *, state: bool
) -> Timing:
    """Process tokens one by one and read what a server reads after each.

    What is read is thrown away, so that nothing else is timed; a second time, by no
    clock, it is what the digest is of.
    """
    _, timing = timed(
        lambda: read_stream(operations, tokens, state),
        lambda: read_stream(operations, settling, state),
    )
    return timing | {"digest": digest(what_is_read(operations, tokens))}


def read_stream(operations: Operations, tokens: list[int], state: bool) -> None:
    """Read after each token."""
    library = operations.library
    parser = library.StreamableParser(operations.encoding, library.Role.ASSISTANT)
    process = parser.process
    for token in tokens:
        process(token)
        _ = parser.last_content_delta
        _ = parser.current_channel
        _ = parser.current_recipient
        _ = parser.current_role
        if state:
            _ = parser.state


def what_is_read(operations: Operations, tokens: list[int]) -> list[str]:
    """Return the deltas, each with channel, recipient and role."""
    library = operations.library
    parser = library.StreamableParser(operations.encoding, library.Role.ASSISTANT)
    found = []
    for token in tokens:
        parser.process(token)
        if parser.last_content_delta:
            role = parser.current_role and parser.current_role.value
            place = f"{parser.current_channel}|{parser.current_recipient}|{role}"
            found.append(f"{place}|{parser.last_content_delta}")
    return found


def feed(operations: Operations, tokens: list[int], settling: list[int]) -> Timing:
    """Feed a chunk of tokens in one call."""
    library = operations.library

    def run(chunk: list[int]) -> Any:
        parser = library.StreamableParser(operations.encoding, library.Role.ASSISTANT)
        parser.feed(chunk)
        return parser

    parser, timing = timed(lambda: run(tokens), lambda: run(settling))
    return timing | {"digest": digest(map(as_text, parser.messages))}


def parse(
    operations: Operations, completions: list[list[int]], role: str | None
) -> Timing:
    """Parse completions to messages, after one of them to settle."""
    call = operations.encoding.parse_messages_from_completion_tokens
    author = role and operations.library.Role(role)
    results, timing = timed(
        lambda: [call(tokens, author) for tokens in completions],
        lambda: call(completions[0], author),
    )
    return timing | {"digest": digest(as_text(m) for found in results for m in found)}


def as_text(message: Any) -> str:
    """Return a message in a form that is the same for both libraries."""
    author, content = message.author, "".join(each.text for each in message.content)
    return "|".join(
        [author.role.value, str(author.name), str(message.channel), content]
    )


def threads(
    operations: Operations, parts: list[list[str]], settling: list[str]
) -> Timing:
    """Encode each part on a thread of its own; ``wall`` is from first to last."""
    run = operations.to_array or operations.to_list
    together = Barrier(len(parts))
    times: list[float] = []

    def work(texts: list[str]) -> None:
        for text in settling:
            run(text)
        together.wait()
        start = time.perf_counter()
        for text in texts:
            run(text)
        times.extend((start, time.perf_counter()))

    workers = [Thread(target=work, args=(part,)) for part in parts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {"wall": max(times) - min(times)}


def first_call(operations: Operations, text: str, limit: float) -> Timing:
    """Encode one text in a copy of this process, which has encoded next to nothing.

    Raises ``TimeoutError`` after ``limit`` seconds.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        answer_once(operations, text, sender)
    os.close(sender)
    ready = select.select([receiver], [], [], limit)[0]
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(receiver, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    if not ready:
        raise TimeoutError(f"more than {limit:g} s")
    if not data:
        raise RuntimeError("crashed")
    reply: Timing | str = pickle.loads(data)
    if isinstance(reply, str):
        raise RuntimeError(reply)
    return reply


def answer_once(operations: Operations, text: str, sender: int) -> None:
    """Time one call, write the answer and end the process."""
    run = operations.to_list
    try:
        result, reply = timed(lambda: run(text), lambda: run("hello world"))
        answer: Any = reply | {"digest": digest([result])}
    except BaseException as error:
        answer = f"{type(error).__name__}: {error}"
    with os.fdopen(sender, "wb") as pipe:
        pipe.write(pickle.dumps(answer))
    os._exit(0)


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (
        *(apply, calls, check, conversations_in, convert_chat, feed, first_call),
        *(json_form, make, many, many_talks, method),
        *(marked_tokens, parse, process, render, render_chat, render_growing, rendered),
        *(reply, stream, threads, tokens),
    )
}
