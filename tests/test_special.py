"""Text that spells special tokens, for both kinds of encoding."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from harmony import EncodeError, HarmonyEncoding, HarmonyError, Tokenizer
from support.examples import times
from support.o200k import LIMIT, SPECIAL
from support.trained import SPECIAL as TRAINED
from support.trained import WORDS

many = times(6)


def test_every_special_token_has_its_text_and_id(encoding: HarmonyEncoding) -> None:
    assert encoding.special_tokens_set == SPECIAL.keys()
    for text, token in SPECIAL.items():
        assert encoding.encode(text, allowed_special="all") == [token]
        assert encoding.encode(text, allowed_special={text}) == [token]
        assert encoding.decode([token]) == encoding.decode_utf8([token]) == text
        assert encoding.decode(encoding.encode(text, disallowed_special=())) == text


def test_special_tokens_are_the_ids_from_199998_to_201088_but_two(
    encoding: HarmonyEncoding,
) -> None:
    special = [i for i in range(-10, LIMIT + 10) if encoding.is_special_token(i)]
    assert special == sorted(SPECIAL.values())
    assert set(range(199_998, LIMIT)) == set(special)
    assert not encoding.is_special_token(2**40)
    assert not encoding.is_special_token(-(2**40))


def test_stop_tokens_are_return_end_and_call(encoding: HarmonyEncoding) -> None:
    assert sorted(encoding.stop_tokens()) == [200002, 200007, 200012]
    assert sorted(encoding.stop_tokens_for_assistant_actions()) == [200002, 200012]
    encoding.stop_tokens().clear()
    encoding.stop_tokens_for_assistant_actions().clear()
    assert len(encoding.stop_tokens()) == 3
    assert len(encoding.stop_tokens_for_assistant_actions()) == 2


@pytest.mark.reference
def test_the_reference_has_the_same_special_and_stop_tokens(
    encoding: HarmonyEncoding, reference: Any
) -> None:
    theirs = reference.encoding
    assert encoding.name == theirs.name
    assert encoding.special_tokens_set == theirs.special_tokens_set
    assert sorted(encoding.stop_tokens()) == sorted(theirs.stop_tokens())
    assert sorted(encoding.stop_tokens_for_assistant_actions()) == sorted(
        theirs.stop_tokens_for_assistant_actions()
    )
    for token in range(199_990, LIMIT):
        assert encoding.is_special_token(token) == theirs.is_special_token(token)


@pytest.mark.parametrize(
    "text",
    [
        *["<|refusal|>", "<|untrusted|>", "<|end_untrusted|>"],
        *["<|reserved_199999|>", "<|reserved_201089|>", "<|reserved_200006|>"],
        *["<|reserved_0200013|>", "<|reserved_20001|>", "<|reserved_|>"],
        *["<|START|>", "<|start |>", "<start>", "<|start|", "|start|>", "<|>"],
    ],
)
def test_names_without_an_id_are_ordinary_text(
    encoding: HarmonyEncoding, tiktoken_encoding: Any, text: str
) -> None:
    tokens = tiktoken_encoding.encode_ordinary(text)
    assert encoding.encode(text) == tokens
    assert encoding.encode(text, allowed_special="all") == tokens
    assert encoding.encode(text, allowed_special={text}) == tokens
    assert encoding.encode(text, disallowed_special=()) == tokens


@pytest.mark.parametrize("token", ["<|start|>", "<|reserved_200013|>"])
def test_a_disallowed_special_token_is_refused_with_a_way_out(
    encoding: HarmonyEncoding, token: str
) -> None:
    for disallowed in ("all", {token}, [token]):
        with pytest.raises(EncodeError) as caught:
            encoding.encode(f"a {token}", disallowed_special=disallowed)
        message = str(caught.value)
        assert message.startswith(
            f"Encountered text corresponding to disallowed special token '{token}'.\n"
        )
        assert f"allowed_special={{{token!r}}}" in message
        assert "disallowed_special=()" in message
    assert issubclass(EncodeError, HarmonyError)


def outcome(encode: Any, text: str, allowed: Any, disallowed: Any) -> Any:
    """Return the tokens, or the first line of the complaint."""
    try:
        return encode(text, allowed_special=allowed, disallowed_special=disallowed)
    except (ValueError, EncodeError) as error:
        return str(error).splitlines()[0].rstrip(".")


SOME = ["<|start|>", "<|end|>", "<|reserved_200013|>", "<|message|>", "<|refusal|>"]
special_text = st.lists(
    st.sampled_from([*SOME, "<", "|", ">", "<|", "|>", " ", "a", "é", "<|start|", "\n"])
).map("".join)
choices = st.just("all") | st.sets(st.sampled_from(SOME))


@many
@given(text=special_text, allowed=choices, disallowed=choices)
def test_special_tokens_are_allowed_and_disallowed_as_in_tiktoken(
    encoding: HarmonyEncoding,
    special_tiktoken: Any,
    text: str,
    allowed: Any,
    disallowed: Any,
) -> None:
    options = text, allowed, disallowed
    assert outcome(encoding.encode, *options) == outcome(
        special_tiktoken.encode, *options
    )


def test_any_disallowed_string_is_refused_as_in_tiktoken(
    encoding: HarmonyEncoding, special_tiktoken: Any
) -> None:
    """It used to be that strings that are no special tokens were not looked for."""
    for text, disallowed in [
        ("a <|refusal|>", {"<|refusal|>"}),
        ("plain words", {"words"}),
        ("b a", ["a", "b"]),
    ]:
        with pytest.raises(ValueError, match="disallowed special token") as theirs:
            special_tiktoken.encode(text, disallowed_special=disallowed)
        with pytest.raises(EncodeError) as ours:
            encoding.encode(text, disallowed_special=disallowed)
        first = str(theirs.value).splitlines()[0].rstrip(".")
        assert str(ours.value).splitlines()[0].rstrip(".") == first


@given(
    parts=st.lists(st.sampled_from(["<|end|>", "<|endless|>", "<|", "a", "|>"])),
    allowed=st.sets(st.sampled_from(sorted(TRAINED))),
    disallowed=st.sets(st.sampled_from(sorted(TRAINED))) | st.just("all"),
)
def test_special_tokens_are_as_in_tiktoken(
    tokenizer: Tokenizer,
    trained_tiktoken: Any,
    parts: list[str],
    allowed: Any,
    disallowed: Any,
) -> None:
    text = "".join(parts)
    options = {"allowed_special": allowed, "disallowed_special": disallowed}
    try:
        expected = trained_tiktoken.encode(text, **options)
    except ValueError:
        with pytest.raises(EncodeError, match="disallowed special token"):
            tokenizer.encode(text, **options)
    else:
        assert tokenizer.encode(text, **options) == expected
        assert tokenizer.decode(expected) == text


# Any strings, for both kinds of encoding


@pytest.fixture(params=["harmony", "tokenizer"])
def pair(
    request: pytest.FixtureRequest,
    encoding: HarmonyEncoding,
    special_tiktoken: Any,
    tokenizer: Tokenizer,
    trained_tiktoken: Any,
) -> tuple[Any, Any]:
    """One of our encodings, and tiktoken with the same tokens."""
    if request.param == "harmony":
        return encoding, special_tiktoken
    return tokenizer, trained_tiktoken


def test_a_string_that_is_no_special_token_is_refused(tokenizer: Tokenizer) -> None:
    """``Tokenizer`` did not look for it."""
    with pytest.raises(EncodeError, match="disallowed special token 'foo'"):
        tokenizer.encode("foo bar", disallowed_special={"foo"})


@pytest.mark.parametrize(
    ("text", "disallowed"),
    [
        ("foo bar", {"foo"}),
        ("foo bar", {"bar", "baz"}),
        ("foo bar", {"baz"}),
        ("foo bar foo", {"foo", "bar"}),
        ("foo bar", ["o b", "oo", "oo"]),
        ("foo bar", {""}),
        ("foo bar", {"\ud83d"}),
        ("foo bar", ()),
        # The string ends before the token begins, counted in bytes and in characters.
        ("é" * 9 + "<|end|> foo", {"foo", "<|end|>"}),
        ("é" * 9 + "foo <|end|>", {"foo", "<|end|>"}),
        ("😀" * 9 + "<|end|> é foo", {"foo", "é", "<|end|>"}),
        ("東京 foo 東京", {"foo"}),
        ("東京", {"京"}),
        ("東京", {"\u4eab"}),
        ("<|end|>", {"end"}),
        ("a <|end|>", {"<|end|>", "|end"}),
        ("a <|end|>", {"<|end|>", "a <"}),
    ],
)
def test_any_string_is_looked_for_as_in_tiktoken(
    pair: tuple[Any, Any], text: str, disallowed: Any
) -> None:
    ours, theirs = pair
    for allowed in (set(), {"<|end|>"}, {"foo"}, "all"):
        found = outcome(ours.encode, text, allowed, disallowed)
        assert found == outcome(theirs.encode, text, allowed, disallowed)


def choices_of(names: list[str]) -> list[Any]:
    """Return "all" and every set of some names."""
    sizes = range(len(names) + 1)
    return ["all", *(set(c) for n in sizes for c in itertools.combinations(names, n))]


def test_special_tokens_that_overlap_are_found_as_in_tiktoken(
    trained: dict[bytes, int], trained_file: Path
) -> None:
    special = {"ab": 1000, "bc": 1001, "cd": 1002}
    ours = Tokenizer.from_tiktoken(trained_file, pattern=WORDS, special_tokens=special)
    theirs = tiktoken.Encoding(
        "overlap", pat_str=WORDS, mergeable_ranks=trained, special_tokens=special
    )
    names = choices_of(list(special))
    for text in ("abcd", "bcd", "abc cd", "aabccd", "éabcd"):
        for allowed, disallowed in itertools.product(names, names):
            assert outcome(ours.encode, text, allowed, disallowed) == outcome(
                theirs.encode, text, allowed, disallowed
            )


@pytest.mark.parametrize("where", ["allowed_special", "disallowed_special"])
def test_a_bare_string_is_refused_with_the_set_it_should_be(
    pair: tuple[Any, Any], where: str
) -> None:
    with pytest.raises(ValueError) as caught:
        pair[0].encode("<|end|>", **{where: "<|end|>"})
    assert str(caught.value) == (
        f"{where}: expected 'all' or a collection of strings, got '<|end|>' (str); "
        "for one token: {'<|end|>'}"
    )


@pytest.mark.parametrize("where", ["allowed_special", "disallowed_special"])
@pytest.mark.parametrize(
    ("choice", "got"),
    [
        ({200006}, "{200006} (set)"),
        (["<|end|>", None], "['<|end|>', None] (list)"),
        (b"<|end|>", "b'<|end|>' (bytes)"),
    ],
)
def test_what_are_no_strings_is_refused(
    pair: tuple[Any, Any], where: str, choice: Any, got: str
) -> None:
    with pytest.raises(ValueError) as caught:
        pair[0].encode("<|end|>", **{where: choice})
    assert str(caught.value) == (
        f"{where}: expected 'all' or a collection of strings, got {got}"
    )


def test_a_name_that_is_no_special_token_is_named_in_the_complaint(
    pair: tuple[Any, Any],
) -> None:
    ours, _ = pair
    with pytest.raises(EncodeError) as caught:
        ours.encode("<|end|>", allowed_special={"<|ende|>", "<|emd|>"})
    assert str(caught.value).splitlines() == [
        "Encountered text corresponding to disallowed special token '<|end|>'.",
        "To encode it as the special token, allow it: allowed_special={'<|end|>'}.",
        "To encode it as ordinary text: "
        "disallowed_special=(encoding.special_tokens_set - {'<|end|>'}), "
        "or disallowed_special=() for all special tokens.",
        "In allowed_special, there is no such special token: '<|emd|>', '<|ende|>' "
        "(encoding.special_tokens_set has all of them).",
    ]
    with pytest.raises(EncodeError) as caught:
        ours.encode("<|end|>", allowed_special=set())
    assert len(str(caught.value).splitlines()) == 3
    assert ours.encode("a", allowed_special={"<|ende|>"}) == ours.encode("a")
