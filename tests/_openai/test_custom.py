"""The input of a custom tool, decoded while the model writes it."""

from __future__ import annotations

import json
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harmony._openai.custom import CustomInput


def decoded(parts: list[str]) -> list[str]:
    """Return what comes out after each part, and at the end."""
    decoder = CustomInput()
    return [*(decoder.feed(part) for part in parts), decoder.finish()]


def whole(text: str) -> str:
    return "".join(decoded([text]))


@given(st.text(), st.booleans(), st.sampled_from(["", " ", "\n\t "]))
@example('a\n"\\/\b\f\r\té😀\x00\x7f', True, " ")
def test_what_json_writes_is_read(text: str, ascii_only: bool, space: str) -> None:
    value = json.dumps(text, ensure_ascii=ascii_only)
    arguments = f'{space}{{{space}"input"{space}:{space}{value}{space}}}{space}'
    assert whole(arguments) == text
    assert "".join(decoded(list(arguments))) == text


pieces = st.sampled_from(
    [
        *('{"input":"', "{", '"input"', ":", '"', "}", " ", "\n", "a", "é😀", "\\"),
        *("\\n", "\\u00e9", "\\ud83d", "\\ude00", "\\u", "\\ud8", "\\x", "input", "in"),
        *("\\u12G4", "\\\\", '\\"', "u", "00e9", "\x00", "null"),
    ]
)


@given(st.lists(pieces), st.booleans())
def test_the_same_however_it_comes(parts: list[str], begins: bool) -> None:
    if begins:
        parts.insert(0, '{"input": "')
    text = "".join(parts)
    assert "".join(decoded(parts)) == whole(text) == "".join(decoded(list(text)))


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "{", '{"inp', '{"input":', '{"input" : ', "[]", "x", '{"a":1}'),
        *(
            '{"input":7}',
            '{"input":null}',
            '{"inputs":"x"}',
            '"input"',
            '{"INPUT":"x"}',
        ),
        *('{"a":1,"input":"x"}', "{ }", '{{"input":"x"}', '\u00a0{"input":"x"}'),
    ],
)
def test_anything_else_is_the_input_itself(text: str) -> None:
    assert whole(text) == text
    assert "".join(decoded(list(text))) == text


@pytest.mark.parametrize(
    ("text", "given_out"),
    [
        ('{"input":"cut o', "cut o"),
        ('{"input":"a", "more": 1}', "a"),
        ('{"input":"a"} and more', "a"),
        ('{"input":"\\ud83d"}', "\ufffd"),
        ('{"input":"\\ude00"}', "\ufffd"),
        ('{"input":"\\ud83dx"}', "\ufffdx"),
        ('{"input":"\\ud83d\\ud83d\\ude00"}', "\ufffd😀"),
        ('{"input":"\\ud83d', "\ufffd"),
        ('{"input":"\\ud83d\\u', "\ufffd\\u"),
        ('{"input":"\\u00', "\\u00"),
        ('{"input":"\\', "\\"),
        ('{"input":"\\x\\u00G"}', "\\x\\u00G"),
        ('{"input":"line\nbreak"}', "line\nbreak"),
    ],
)
def test_what_is_not_well_formed(text: str, given_out: str) -> None:
    assert whole(text) == given_out
    assert "".join(decoded(list(text))) == given_out


def test_nothing_comes_before_it_is_certain() -> None:
    assert decoded(list('{"input":"ab"}')) == [*[""] * 10, "a", "b", "", "", ""]
    assert decoded(['{"inp', 'ut"', "x"]) == ["", "", '{"input"x', ""]
    assert decoded(['{"input":"\\', "u00", "e9", "\\ud83d", "\\ude00"]) == [
        *("", "", "é", "", "😀", ""),
    ]


@pytest.mark.parametrize("unit", [" ", '{"input":"\\u00e9', "\\n", "x"])
def test_each_piece_costs_the_same(unit: str) -> None:
    """White space before the beginning was read again with each piece."""

    def seconds(count: int) -> float:
        start = process_time()
        decoded([unit] * count)
        return process_time() - start

    seconds(1000)
    assert seconds(40_000) < 40 * max(seconds(4000), 0.002)
