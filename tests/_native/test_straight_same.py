"""Values that C takes for the same are those that marshal writes the same way."""

from __future__ import annotations

import copy
import marshal
from sysconfig import get_config_var
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import _native
from harmony._native.straight import are_same
from support.blocks import blocks_left
from support.examples import times

if _native.EXTENSION is None or get_config_var("Py_GIL_DISABLED"):
    pytest.skip("there are no straight ways here", allow_module_level=True)

leaves = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(width=16)
leaves |= st.sampled_from(["", "a", "é", "世", "\ud800", 2**70, -(2**70), 0.0, -0.0])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "b", 1, True, 1.0]), inner, max_size=3)
    ),
    max_leaves=8,
)


@times(20)
@given(values, values)
def test_any_values(one: Any, other: Any) -> None:
    same = marshal.dumps(one, 2) == marshal.dumps(other, 2)
    assert are_same(one, other) is same
    assert are_same(one, copy.deepcopy(one))
    assert are_same([one, other], [one, copy.deepcopy(other)])
    assert not are_same([one], [one, other])
    assert not are_same({"a": one, "b": other}, {"b": other, "a": one})


class Word(str):
    pass


class Fields(dict[str, Any]):
    pass


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *((1, True), (1, 1.0), (0, False), (0.0, -0.0), ("a", b"a"), ([], ())),
        *(("a", Word("a")), ({}, Fields()), (None, False), (2**70, 2**70 + 1)),
        *((b"a", b"a"), ({1}, {1}), (1j, 1j), (Ellipsis, Ellipsis), (int, int)),
    ],
    ids=str,
)
def test_what_is_not_the_same_for_sure(one: Any, other: Any) -> None:
    for left, right in ((one, other), ([one], [other]), ({"a": one}, {"a": other})):
        assert are_same(left, right) is False
        assert are_same(right, left) is False


def test_deep_values_are_not_looked_at() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert are_same(deep, deep) is False
    shallow: Any = []
    for _ in range(99):
        shallow = {"a": shallow}
    assert are_same(shallow, copy.deepcopy(shallow))
    assert not are_same([shallow], [copy.deepcopy(shallow)])


def test_nothing_is_left_behind() -> None:
    one = {"a": [1, 2.5, ("b", None, True)], "c": {"d": "e" * 100}}
    other = copy.deepcopy(one)
    assert blocks_left(lambda: are_same(one, other)) < 0.5
