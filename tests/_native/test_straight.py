"""The straight ways into C give what the methods written in Python give."""

from __future__ import annotations

import gc
import inspect
import os
import subprocess
import sys
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from operator import is_
from threading import Event, Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import HarmonyEncoding, _native, load_harmony_encoding
from harmony.recovering import HarmonyEncoding as Recovering
from support import ROOT
from support.blocks import blocks_left
from support.examples import times

needs_straight = pytest.mark.skipif(
    _native.EXTENSION is None, reason="there are no straight ways here"
)

OF_TEXT = ["encode", "encode_to_array", "count_tokens"]
OF_TOKENS = ["decode", "decode_utf8", "decode_bytes"]


def outcome(call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Return what a call gives, or the error it raises."""
    try:
        result = call(*args, **named)
    except Exception as error:
        return type(error), str(error), getattr(error, "position", None)
    return type(result), result


def both(encoding: HarmonyEncoding, name: str, *args: Any, **named: Any) -> None:
    """Compare both ways."""
    straight = outcome(getattr(encoding, name), *args, **named)
    assert straight == outcome(getattr(encoding, f"_{name}_in_full"), *args, **named)


class Text(str):
    pass


class Number(int):
    pass


TEXTS = [
    *("", "hello world", "Grüße, 世界 \U0001f600", "\ud83d", "a \ud83d\ude00", "a < b"),
    *("<|end|>", "<|reserved_200000|>", "<|nothing|>", "x" * 5_000, "é" * 5_000),
    *("word " * 300_000, Text("sub"), b"bytes", None, 5, ["a"]),
]
TOKENS: list[Any] = [
    *([], [2375], [200_007], [9552], [2375] * 5_000, (2375, 24912), [199_999]),
    *([-1], [201_089], [2**31], [2**70], [-(2**70)], ["a"], [None], [1.5], [True]),
    *([Number(2375)], [5, "a"], [999_999, "a"], [200_013] * 3_000),
    *(array("i", [2375, 9552]), array("q", [2375]), range(5), iter([2375]), "ab", 5),
]


@needs_straight
@pytest.mark.parametrize("name", OF_TEXT)
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text(encoding: HarmonyEncoding, name: str, text: Any) -> None:
    both(encoding, name, text)
    both(encoding, name, text=text)
    both(encoding, name, text, disallowed_special=())
    both(encoding, name, text, disallowed_special=[])
    both(encoding, name, text, allowed_special="all")
    both(encoding, name, text, allowed_special=())
    both(encoding, name, text, what=5)
    both(encoding, name, text, text)
    both(encoding, name)


@needs_straight
@pytest.mark.parametrize("name", OF_TOKENS)
@pytest.mark.parametrize("tokens", TOKENS, ids=range(len(TOKENS)))
def test_tokens(encoding: HarmonyEncoding, name: str, tokens: Any) -> None:
    if hasattr(tokens, "__next__"):
        tokens = list(tokens)
    both(encoding, name, tokens)
    both(encoding, name, tokens=tokens)
    both(encoding, name, tokens, what=5)
    both(encoding, name)
    for errors in ("replace", "strict", "ignore", "nothing"):
        both(encoding, name, tokens, errors)


@needs_straight
@pytest.mark.parametrize("token", [0, 199_997, 199_998, 201_088, 201_089, -1, 2**70])
def test_special_tokens(encoding: HarmonyEncoding, token: int) -> None:
    both(encoding, "is_special_token", token)
    both(encoding, "is_special_token", token=token)


@needs_straight
@times(20)
@given(st.text(st.sampled_from("ab <|>end\ud800é世\U0001f600 \n1"), max_size=99))
def test_any_text(text: str) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    for name in OF_TEXT:
        both(encoding, name, text)
        both(encoding, name, text, disallowed_special=())


@needs_straight
@times(20)
@given(st.lists(st.integers(-9, 201_100) | st.sampled_from([2**31, 9552, 2**64])))
def test_any_tokens(tokens: list[int]) -> None:
    encoding = load_harmony_encoding("HarmonyGptOss")
    for name in OF_TOKENS:
        both(encoding, name, tokens)
        both(encoding, name, tuple(tokens))


def parameters(method: Callable[..., Any]) -> Any:
    """Return what a method takes besides itself, without types."""
    _, *rest = inspect.signature(method).parameters.values()
    values = [() if each.default == frozenset() else each.default for each in rest]
    return [(each.name, each.kind) for each in rest], values


@needs_straight
@pytest.mark.parametrize("name", [*OF_TEXT, *OF_TOKENS, "is_special_token"])
def test_they_are_documented_as_written_in_python(name: str) -> None:
    straight = getattr(HarmonyEncoding, name)
    written = getattr(HarmonyEncoding, f"_{name}_in_full")
    assert not inspect.isfunction(straight)
    assert inspect.getdoc(straight) == inspect.getdoc(written)
    assert parameters(straight) == parameters(written)


@needs_straight
def test_an_unknown_method_has_none() -> None:
    assert _native.EXTENSION is not None
    with pytest.raises(LookupError, match="no such method: nothing"):
        _native.EXTENSION.straight(HarmonyEncoding, "nothing", "")


@needs_straight
def test_without_a_pool_all_is_done_in_full(encoding: HarmonyEncoding) -> None:
    bare = HarmonyEncoding.__new__(HarmonyEncoding)
    with pytest.raises(AttributeError):
        bare.encode("hello")
    bare.__dict__.update(encoding.__dict__)
    assert bare.encode("hello world") == [24912, 2375]
    assert bare.decode([24912, 2375]) == "hello world"


@needs_straight
def test_a_pool_is_given_once(encoding: HarmonyEncoding) -> None:
    with pytest.raises(ValueError):
        encoding._share(object())
    encoding._share(load_harmony_encoding("HarmonyGptOss")._native.pool)
    assert encoding.encode("hello world") == [24912, 2375]


def test_a_subclass_may_have_methods_of_its_own(encoding: HarmonyEncoding) -> None:
    class Shouting(Recovering):
        def encode(self, text: str, **options: Any) -> list[int]:
            return super().encode(text.upper(), **options)

    assert Shouting(encoding).encode("hi") == encoding.encode("HI")


def test_more_threads_than_rooms(encoding: HarmonyEncoding) -> None:
    text = "A word after another, " * 2_000
    tokens = encoding.encode(text)

    def work(_: int) -> bool:
        same = encoding.encode(text) == tokens
        return same and encoding.decode(tokens) == text

    with ThreadPoolExecutor(80) as threads:
        assert all(threads.map(work, range(160)))


@needs_straight
def test_long_lists_share_their_ints(encoding: HarmonyEncoding) -> None:
    """A long list had an int of its own for each token, of 32 bytes."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("without the GIL, none are shared")
    text = "".join(map(chr, range(0x20, 0x3000)))
    first, second = encoding.encode(text), encoding.encode(text + "!")
    assert first == encoding.encode_to_array(text).tolist()
    assert max(first) > 190_000
    assert all(map(is_, first, second[: len(first) - 9]))


@needs_straight
def test_a_list_that_is_not_filled_is_seen_by_nobody(encoding: HarmonyEncoding) -> None:
    """Other threads saw it in ``gc.get_objects``, with nothing where lists were due."""
    texts = ("A word after another, " * 500,) * 997
    done = Event()
    seen: list[bool] = []

    def watch() -> None:
        while not done.is_set():
            lists = (it for it in gc.get_objects() if type(it) is list)
            ours = (it for it in lists if len(it) == len(texts))
            seen.append(any(len(gc.get_referents(it)) < len(texts) for it in ours))

    watcher = Thread(target=watch)
    watcher.start()
    try:
        counts = encoding.count_batch(texts)
        tokens = encoding.encode_batch(texts)
    finally:
        done.set()
        watcher.join()
    assert seen and not any(seen)
    assert gc.is_tracked(counts) and gc.is_tracked(tokens)


def test_nothing_is_left_behind(encoding: HarmonyEncoding) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: encoding.encode("hello Grüße 1234567 <"),
        lambda: encoding.encode("hello", disallowed_special=()),
        lambda: encoding.encode_to_array("hello world"),
        lambda: encoding.count_tokens("hello"),
        lambda: encoding.decode([24912, 2375]),
        lambda: encoding.decode_bytes((24912, 2375)),
        lambda: outcome(encoding.decode_utf8, [9552]),
        lambda: outcome(encoding.decode, [5, "a"]),
        lambda: outcome(encoding.encode, "<|end|>"),
        lambda: encoding.is_special_token(5),
    ]
    for number, call in enumerate(calls):
        assert blocks_left(call) < 0.5, number


SHOWING = """
import copy
import harmony.parser
from harmony import Conversation, HarmonyEncoding, Message, Role, StreamableParser
from harmony import ToolDescription, load_harmony_encoding
harmony.parser._KNOWN_TEXTS = 2
encoding = load_harmony_encoding("HarmonyGptOss")
print(type(HarmonyEncoding.encode).__name__)
print(encoding.encode("hello world"))
talk = Conversation.from_messages([Message.from_role_and_content(Role.USER, "hi")])
print(encoding.render_conversation(talk))
print(encoding.render_conversation_for_training(talk))
print(Conversation.from_dict(talk.to_dict()).to_dict())
print(ToolDescription.new("f", "d", {"type": "object"}).to_dict())
parser = StreamableParser(encoding, Role.ASSISTANT)
text = "<|channel|>final<|message|>a b c a"
for token in encoding.encode(text, allowed_special="all"):
    print(parser.process(token).last_content_delta)
print(parser.current_channel)
try:
    copy.copy(parser)
except TypeError as error:
    print(error)
"""


def test_the_environment_switches_them_off() -> None:
    """Without them the same, and of what was said only so many texts are kept."""

    def shown(**variables: str) -> list[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        command = [sys.executable, "-c", SHOWING]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")

    found = shown(HARMONY_BINDING="cffi")
    error = "cannot pickle 'StreamableParser' object"
    assert found[:2] == ["function", "[24912, 2375]"]
    assert found[6:] == [*["None"] * 3, "a", " b", " c", " a", "final", error, ""]
    assert found[1:] == shown(HARMONY_BINDING="")[1:]
