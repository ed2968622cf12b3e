"""Tool names, by the client and by the model."""

from __future__ import annotations

from itertools import islice, product
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony._openai.names import ClientName, ToolNames, is_good, rewritten


@pytest.mark.parametrize(
    "name", ["f", "get_weather", "$x", "_", "größe", "天気", "a1", "A", "x²"]
)
def test_good_names(name: str) -> None:
    assert is_good(name) and rewritten(name) == name


@pytest.mark.parametrize(
    ("name", "good"),
    [
        *(("", "unnamed"), ("a-b", "a_b"), ("files.read", "files_read")),
        *(("a b", "a_b"), ("2fa", "_2fa"), ("7", "_7"), ("-", "_"), ("--", "__")),
        *(("é!", "é_"), ("😀", "_"), ("a\nb", "a_b"), ("<|end|>", "__end__")),
        *(("1-", "_1_"), ("\ud83d", "_"), ("٣x", "_٣x")),
    ],
)
def test_other_names(name: str, good: str) -> None:
    assert not is_good(name) and rewritten(name) == good


def names(*declared: str | ClientName, rename: bool = True) -> ToolNames:
    places = [(f"tools[{index}].name", name) for index, name in enumerate(declared)]
    return ToolNames(places, rename=rename)


def test_good_names_are_given_out_first() -> None:
    made = names("a-b", "a b", "a_b", "a_b_2")
    given_out = [made.to_harmony(name) for name in ("a-b", "a b", "a_b", "a_b_2")]
    assert given_out == ["a_b_3", "a_b_4", "a_b", "a_b_2"]


def test_names_of_the_history_come_last() -> None:
    made = names("a-b")
    assert made.add("messages[0]", ClientName("a_b")) == "a_b_2"
    assert made.add("messages[1]", ClientName("a_b")) == "a_b_2"
    assert made.to_client("a_b") == "a-b" and made.to_client("a_b_2") == "a_b"


def test_a_copy_has_names_of_its_own() -> None:
    made = names("f")
    copy = made.copy()
    copy.add("messages[0]", ClientName("g-1"))
    assert copy.to_client("g_1") == "g-1" and made.to_client("g_1") == "g_1"
    assert copy.is_declared("f") and not copy.is_declared("g-1")


def test_unknown_names() -> None:
    made = names("f")
    assert made.to_harmony("a-b") == "a_b" and made.to_client("a-b") == "a-b"
    assert names(rename=False).to_harmony("a-b") == "a-b"


@given(st.lists(st.text(alphabet="ab_-.2$ é", max_size=3), unique=True))
def test_both_ways(declared: list[str]) -> None:
    made = names(*declared)
    given_out = [made.to_harmony(name) for name in declared]
    assert len(set(given_out)) == len(declared)
    assert [made.to_client(name) for name in given_out] == declared
    for name, harmony in zip(declared, given_out, strict=True):
        assert is_good(harmony)
        assert harmony == name or not is_good(name)
        assert made.called(harmony) == made.called(f"functions.{harmony}")
        assert made.called(harmony) == ClientName(name)


def test_what_a_recipient_stands_for() -> None:
    made = names("f", "a-b", ClientName("g", "n"))
    made.add("messages[0]", ClientName("old"))
    assert made.called("functions.f") == made.called("f") == ClientName("f")
    assert made.called("functions.a_b") == made.called("a_b") == ClientName("a-b")
    for recipient in ("functions.n__g", "n__g", "n.g", "functions.n.g"):
        assert made.called(recipient) == ClientName("g", "n")
    assert made.called("functions.old") == ClientName("old")
    assert made.called("old") is None
    assert made.called("functions.files.read") == ClientName("files.read")
    assert made.called("python") is None


def test_a_namespace_beside_a_function_of_the_joined_name() -> None:
    made = names(ClientName("g", "n"), "n__g")
    assert made.to_harmony("g", "n") == "n__g"
    assert made.to_harmony("n__g") == "n__g_2"


@pytest.mark.parametrize("name", ["", "a b", "a\u2003b", "<|", "x<|y"])
def test_names_that_break_a_header_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^tools\[0\]\.name: "):
        names(name, rename=False)


def test_many_names_that_become_one() -> None:
    """The next number is not looked for from 2 on each time."""

    def seconds(count: int) -> float:
        clashing = ["".join(c) for c in islice(product("-+*/=!?", repeat=6), count)]
        start = process_time()
        made = names(*clashing)
        assert made.to_harmony(clashing[-1]) == f"______{'_'}{count}"
        return process_time() - start

    seconds(1000)
    assert seconds(40_000) < 40 * max(seconds(4000), 0.002)
