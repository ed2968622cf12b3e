"""Text that spells special tokens, for both kinds of encoding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harmony import EncodeError, HarmonyEncoding, HarmonyError, Tokenizer
from support.o200k import LIMIT, SPECIAL
from support.trained import SPECIAL as TRAINED

many = settings(max_examples=600, deadline=None)


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
    def outcome(encode: Any) -> Any:
        try:
            return encode(text, allowed_special=allowed, disallowed_special=disallowed)
        except (ValueError, EncodeError) as error:
            return str(error).splitlines()[0].rstrip(".")

    assert outcome(encoding.encode) == outcome(special_tiktoken.encode)


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
