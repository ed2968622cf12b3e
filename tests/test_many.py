"""Many at once: what one call gives is what a call for each gives."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest

from harmony import (
    Conversation,
    DecodeError,
    DeveloperContent,
    EncodeError,
    HarmonyEncoding,
    Message,
    RenderConversationConfig,
    RenderError,
    Role,
    ToolDescription,
)
from harmony.batch import Rows
from harmony.many import on_threads, spans

TEXTS = [
    *("hello world", "", "Grüße, 世界 \U0001f600", "a < b", "x" * 3_000, "lone \ud83d"),
    *("word " * 30_000, "1234567", "\n\n  \n", "def f(x):\n    return x\n" * 50),
]
THREADS = [1, 2, 3, 40]


def rows(arrays: tuple[array[int], array[int]]) -> list[list[int]]:
    """Return the tokens of each item."""
    values, offsets = arrays
    assert (values.typecode, offsets.typecode) == ("i", "q")
    assert (offsets[0], offsets[-1]) == (0, len(values))
    return [values[start:stop].tolist() for start, stop in pairwise(offsets)]


@pytest.mark.parametrize("threads", THREADS)
def test_texts(encoding: HarmonyEncoding, threads: int) -> None:
    for texts in (TEXTS, TEXTS[:5], TEXTS * 30, [], [""], ["hello"]):
        expected = [encoding.encode(text) for text in texts]
        assert encoding.encode_batch(texts, threads=threads) == expected
        arrays = encoding.encode_batch_to_arrays(texts, threads=threads)
        assert rows(arrays) == expected
        counts = encoding.count_batch(texts, threads=threads)
        assert counts == [len(tokens) for tokens in expected]
        assert encoding.decode_batch(expected, threads=threads) == [
            encoding.decode(tokens) for tokens in expected
        ]


@pytest.mark.parametrize(
    "options",
    [
        {"disallowed_special": ()},
        {"allowed_special": "all"},
        {"allowed_special": {"<|end|>"}, "disallowed_special": ()},
        {"disallowed_special": {"<|call|>"}},
    ],
    ids=str,
)
def test_special_tokens(encoding: HarmonyEncoding, options: dict[str, Any]) -> None:
    texts = ["a<|end|>", "<|start|>", "plain", "<|reserved_200000|>"]
    expected = [encoding.encode(text, **options) for text in texts]
    assert encoding.encode_batch(texts, **options) == expected
    assert rows(encoding.encode_batch_to_arrays(texts, **options)) == expected
    assert encoding.count_batch(texts, **options) == [*map(len, expected)]


@pytest.mark.parametrize("threads", THREADS)
def test_a_text_that_is_refused_is_named(
    encoding: HarmonyEncoding, threads: int
) -> None:
    calls: list[Callable[..., Any]] = [
        encoding.encode_batch,
        encoding.encode_batch_to_arrays,
        encoding.count_batch,
    ]
    for call in calls:
        with pytest.raises(EncodeError, match=r"^texts\[2\]: Encountered text"):
            call(["a", "b", "<|end|>", "<|end|>"], threads=threads)
    message = r"^texts\[1\]: expected a str, got 5 \(int\)$"
    for call in calls:
        with pytest.raises(TypeError, match=message):
            call(["a", 5], threads=threads)


@pytest.mark.parametrize("texts", ["hello", b"hello", {"a": 1}, 5, None, "array"])
def test_one_text_is_not_several(encoding: HarmonyEncoding, texts: Any) -> None:
    if texts == "array":  # its letters were taken for texts
        texts = pytest.importorskip("numpy").array("hello")
    with pytest.raises(TypeError, match=r"^texts: expected several, got "):
        encoding.encode_batch(texts)


def test_threads_are_a_number(encoding: HarmonyEncoding) -> None:
    with pytest.raises(ValueError, match="threads: expected at least 1, got 0"):
        encoding.encode_batch(["a"], threads=0)
    with pytest.raises(TypeError, match="threads: expected an int, got str"):
        encoding.encode_batch(["a"], threads="2")  # type: ignore[arg-type]


def test_any_iterable_is_taken(encoding: HarmonyEncoding) -> None:
    expected = encoding.encode_batch(["hello world", "a"])
    assert encoding.encode_batch(iter(["hello world", "a"])) == expected
    numpy = pytest.importorskip("numpy")
    assert encoding.encode_batch(numpy.array(["hello world", "a"])) == expected
    objects = numpy.array(["hello world", "a"], dtype=object)
    assert encoding.encode_batch(objects) == expected
    tokens = numpy.array([[24912, 2375]], dtype=numpy.int32)
    assert encoding.decode_batch(tokens) == ["hello world"]


@pytest.mark.parametrize("threads", THREADS)
def test_tokens_may_be_iterators(encoding: HarmonyEncoding, threads: int) -> None:
    """With threads, these had no length, and that was the error."""
    batch = [iter([24912, 2375]), iter([24912])]
    assert encoding.decode_batch(batch, threads=threads) == ["hello world", "hello"]


def test_decoding_says_where(encoding: HarmonyEncoding) -> None:
    assert encoding.decode_batch([[9552]], "ignore") == [" "]
    with pytest.raises(UnicodeDecodeError):
        encoding.decode_batch([[9552]], "strict")
    for errors in ("replace", "ignore"):
        with pytest.raises(DecodeError, match=r"^batch\[1\]: Invalid") as caught:
            encoding.decode_batch([[5], [5, 999_999]], errors)
        assert caught.value.position == 1
    with pytest.raises(TypeError, match=r"^batch\[0\]: tokens\[0\]: expected a token"):
        encoding.decode_batch([["a"]])  # type: ignore[list-item]


def test_parts_for_threads() -> None:
    assert spans(["a", "b", "c", "d", "e"], 2) == [(0, 3), (3, 5)]
    assert spans(["a" * 100, "b", "c"], 2) == [(0, 1), (1, 3)]
    assert spans(["a", "b", "c" * 100], 2) == [(0, 3)]
    assert spans(["a", 5, "c" * 100], 2) == [(0, 2), (2, 3)]
    assert spans(["", ""], 8) == [(0, 1), (1, 2)]
    assert spans([], 8) == [(0, 0)]


# Conversations


def talk(word: str) -> list[Message]:
    return [
        Message("user", f"What is {word}?"),
        Message("assistant", "Thinking.", "analysis"),
        Message("assistant", word * 40, "final"),
        Message("user", "And?"),
    ]


TALKS = [talk(word) for word in ("this", "世界", "")] * 20


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("at_once", [1, 2**20])
def test_conversations(
    encoding: HarmonyEncoding,
    threads: int,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harmony.many.AT_ONCE", at_once)
    config = RenderConversationConfig(drop_analysis="never")
    for given in (None, config):

        def check(one: Callable[..., Iterable[int]], **options: Any) -> None:
            many = encoding.render_batch_to_arrays(
                TALKS, given, threads=threads, **options
            )
            assert rows(many) == [list(one(each)) for each in TALKS]

        check(lambda each: encoding.render_conversation(each, given))
        check(
            lambda each: encoding.render_conversation_for_completion(
                each, Role.ASSISTANT, given
            ),
            next_turn_role="assistant",
        )
        check(
            lambda each: encoding.render_conversation_for_training(each, given),
            training=True,
        )
    assert rows(encoding.render_batch_to_arrays([])) == []


def test_schemas_are_those_of_the_config(encoding: HarmonyEncoding) -> None:
    """They were written as by openai-harmony, whatever the config said."""
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    tool = ToolDescription.new("f", "Does it.", parameters=schema)
    content = DeveloperContent.new().with_function_tools([tool])
    talk = Conversation([Message("developer", [content]), Message("user", "hi")])
    config = RenderConversationConfig(schemas="complete")
    wanted = encoding.render_conversation(talk, config)
    assert wanted != encoding.render_conversation(talk)
    assert rows(encoding.render_batch_to_arrays([talk.messages], config)) == [wanted]


def test_what_is_no_config_is_refused(encoding: HarmonyEncoding) -> None:
    for talks in ([], TALKS):
        with pytest.raises(TypeError, match=r"^config: expected a RenderConv"):
            encoding.render_batch_to_arrays(talks, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_conversation_that_is_refused_is_named(
    encoding: HarmonyEncoding, threads: int
) -> None:
    nameless = [Message("user", "hi"), Message("tool", "18 C")]
    wrong = r"^conversations\[2\]: messages\[1\]: Tools should have a name"
    with pytest.raises(RenderError, match=wrong):
        encoding.render_batch_to_arrays(
            [talk("a"), talk("b"), nameless], threads=threads
        )
    with pytest.raises(RenderError, match=r"^conversations\[0\]: messages\[0\]: exp"):
        encoding.render_batch_to_arrays([["hi"]])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"^conversations\[1\]: expected a Conv"):
        encoding.render_batch_to_arrays([[], 5])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="next_turn_role: there is none in training"):
        encoding.render_batch_to_arrays([], next_turn_role="user", training=True)


# As in tiktoken


def test_the_names_of_tiktoken(
    encoding: HarmonyEncoding, special_tiktoken: Any
) -> None:
    numpy = pytest.importorskip("numpy")
    text = "Grüße <|end|> 世界 \U0001f9d1\u200d\U0001f680 a  b"
    tokens = encoding.encode_ordinary(text)
    assert tokens == special_tiktoken.encode_ordinary(text)
    array = encoding.encode_to_numpy("hello world")
    theirs = special_tiktoken.encode_to_numpy("hello world")
    assert array.dtype == theirs.dtype
    assert numpy.array_equal(array, theirs)
    assert encoding.encode_to_numpy("<|end|>", allowed_special="all") == [200_007]
    assert encoding.encode_to_numpy("").shape == (0,)
    with pytest.raises(EncodeError):
        encoding.encode_to_numpy("<|end|>")
    ours = encoding.decode_with_offsets(tokens)
    assert ours == special_tiktoken.decode_with_offsets(tokens)
    for given in (tokens, [200_007, 9552]):
        theirs = special_tiktoken.decode_tokens_bytes(given)
        assert encoding.decode_tokens_bytes(given) == theirs
    assert encoding.eot_token == special_tiktoken.eot_token
    assert encoding.max_token_value == special_tiktoken.max_token_value
    assert encoding.n_vocab == special_tiktoken.n_vocab


def test_single_tokens(encoding: HarmonyEncoding, special_tiktoken: Any) -> None:
    for token in (" world", b" \xf0\x9f", "<|end|>", "<|reserved_201088|>"):
        ours = encoding.encode_single_token(token)
        assert ours == special_tiktoken.encode_single_token(token)
    for token in ("hello world", b"\xf0\x9f\x9f", "\ud83d", ""):
        with pytest.raises(KeyError):
            encoding.encode_single_token(token)
    for number in (2375, 9552, 200_007):
        data = encoding.decode_single_token_bytes(number)
        assert data == special_tiktoken.decode_single_token_bytes(number)
    for number in (201_089, -1, 2**40):
        with pytest.raises(KeyError):
            encoding.decode_single_token_bytes(number)
    with pytest.raises(DecodeError):
        encoding.decode_with_offsets([9552])


def test_all_ordinary_tokens(encoding: HarmonyEncoding, special_tiktoken: Any) -> None:
    values = encoding.token_byte_values()
    assert sorted(values) == special_tiktoken.token_byte_values()
    assert encoding.decode_bytes(range(300)) == b"".join(values[:300])


def test_an_error_that_does_not_come_again_is_raised_as_it_was(
    encoding: HarmonyEncoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    render = Rows.render
    calls = []

    def fails_once(self: Rows, *given: Any) -> Any:
        calls.append(self)
        if len(calls) == 1:
            raise RenderError("not now")
        return render(self, *given)

    monkeypatch.setattr(Rows, "render", fails_once)
    with pytest.raises(RenderError, match=r"^not now$"):
        encoding.render_batch_to_arrays([[Message("user", "hi")]])
    assert len(calls) == 2


def test_results_are_in_the_order_of_the_spans() -> None:
    assert on_threads(lambda start, stop: stop - start, [(0, 2), (2, 3)]) == [2, 1]
