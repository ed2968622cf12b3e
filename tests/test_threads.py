"""Threads where one parser is for one: what they do to it is an error, not a crash."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from harmony import HarmonyEncoding, HarmonyError, StreamableParser
from harmony.messages import TextContent

TEXT = "<|channel|>final<|message|>Grüße 🌍, one two three.<|end|><|start|>assistant"
ROUNDS = 60


def together(calls: list[Callable[[], None]]) -> None:
    """Call all at the same time, each in a thread of its own."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], None]) -> None:
        start.wait()
        call()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_that_share_a_parser_get_an_error(encoding: HarmonyEncoding) -> None:
    """Four of them ended the process: "double free or corruption"."""
    tokens = encoding.encode(TEXT, allowed_special="all")
    many = array("i", tokens * 300)
    parser = StreamableParser(encoding, "assistant")
    taken = [0] * 4
    refused: list[HarmonyError] = []
    surprises: list[BaseException] = []

    def feed(index: int) -> None:
        for _ in range(ROUNDS):
            try:
                parser._native.feed(many)
            except HarmonyError as error:
                refused.append(error)
            except BaseException as error:
                surprises.append(error)
            else:
                taken[index] += 300

    together([partial(feed, index) for index in range(4)])
    assert not surprises
    assert {str(error) for error in refused} <= {
        "the parser is in use by another call: one at a time"
    }
    assert len(parser.tokens) == sum(taken) * len(tokens)
    assert len(parser.messages) == sum(taken)
    wanted = [TextContent("Grüße 🌍, one two three.")]
    assert all(message.content == wanted for message in parser.messages)
    if not refused:
        pytest.skip("no two calls met")


READS: list[Callable[[StreamableParser], object]] = [
    lambda parser: parser.messages[-1:],
    lambda parser: parser.tokens,
    lambda parser: parser.warnings,
    lambda parser: parser.current_content,
    lambda parser: parser.state_data,
    lambda parser: parser.token_counts,
    lambda parser: parser.process(11),
    lambda parser: parser.next_role,
]


def test_reading_while_another_thread_feeds_is_safe(encoding: HarmonyEncoding) -> None:
    """What the view points to moves when a call makes it grow."""
    tokens = encoding.encode(TEXT * 20, allowed_special="all")
    parser = StreamableParser(encoding, "assistant", on_error="recover")
    many = array("i", tokens * 10)
    parser.feed(many)  # what is finished never changes
    ended = threading.Event()
    surprises: list[BaseException] = []

    def feed() -> None:
        try:
            for _ in range(ROUNDS):
                try:
                    parser.feed(many)
                except HarmonyError:
                    continue
        finally:
            ended.set()

    def read(what: Callable[[StreamableParser], object]) -> None:
        while not ended.is_set():
            try:
                what(parser)
            except HarmonyError:
                continue
            except BaseException as error:
                surprises.append(error)

    together([feed, *(partial(read, what) for what in READS)])
    assert not surprises
    assert parser.finish() is not None
    assert parser.messages[0].content[0] == TextContent("Grüße 🌍, one two three.")


def test_a_call_from_within_a_call_is_no_danger(encoding: HarmonyEncoding) -> None:
    """The tokens are there before the parser is entered."""
    parser = StreamableParser(encoding, "assistant")

    def tokens() -> list[int]:
        return encoding.encode(TEXT, allowed_special="all")

    def and_feeds() -> Iterator[int]:
        yield from tokens()
        parser.feed(tokens())

    parser.feed(and_feeds())
    assert len(parser.messages) == 2
