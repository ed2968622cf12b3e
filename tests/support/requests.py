"""Requests as the types of the package ``openai`` allow them, and worse ones.

``of_type`` makes a strategy of a type of its ``…Params``. Text under some keys is
drawn from few words, so that calls have results and names meet. ``damaged`` puts junk
anywhere. ``stands`` tells whether a path is one of a request.
"""

from __future__ import annotations

import collections.abc
import re
import types
from copy import deepcopy
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st
from typing_extensions import (
    NotRequired,
    Required,
    get_type_hints,
    is_typeddict,
)

Json = dict[str, Any]

WORDS: dict[str, list[str]] = {
    "id": ["c1", "c2", "c3"],
    "call_id": ["c1", "c2", "c3"],
    "tool_call_id": ["c1", "c2", "c3"],
    "name": ["f", "g", "a-b", "a_b", "files.read", "2fa", "", "größe", "a b"],
    "namespace": ["n", "m-1"],
    "arguments": ["{}", '{"city": "Rome"}', "", "nonsense"],
}
TEXTS = ["", "Rome?", "Be brief.", "Two\nlines.", "é 😀", "<|end|>", "\ud83d", " "]

_free_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "a", ""]), inner, max_size=2)
    ),
    max_leaves=5,
)

_schemas = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional={
        "properties": st.dictionaries(
            st.sampled_from(["city", "unit", "n"]),
            st.sampled_from(
                [
                    {"type": "string", "description": "Where."},
                    {"type": "string", "enum": ["c", "f"], "default": "c"},
                    {"type": "array", "items": {"type": "integer"}},
                    {"oneOf": [{"type": "number"}, {"type": "null"}]},
                    {},
                ]
            ),
            max_size=3,
        ),
        "required": st.just(["city"]),
    },
)


def of_type(kind: Any, key: str = "", depth: int = 0) -> st.SearchStrategy[Any]:
    """Return a strategy of the JSON of a type that stands under a key."""
    kind = _bare(kind)
    if key in ("parameters", "schema"):
        return st.none() | _schemas | _free_dicts
    if is_typeddict(kind):
        return _table(kind, depth + 1)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _any_of(inner, key, depth)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (list, collections.abc.Iterable, collections.abc.Sequence):
        sizes = 6 if key in ("messages", "input") else 2
        least = 1 if key in ("messages", "input") else 0
        return st.lists(of_type(inner[0], "", depth), min_size=least, max_size=sizes)
    if kind is str:
        return st.sampled_from(WORDS.get(key, TEXTS))
    simple = {
        int: st.integers(0, 9),
        float: st.floats(0, 2),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple.get(kind, _free_dicts if origin is dict else _free_json)


_free_dicts = st.dictionaries(st.sampled_from(["type", "a"]), _free_json, max_size=2)


def _bare(kind: Any) -> Any:
    """Return a type without what says how it is sent."""
    while get_origin(kind) in _WRAPPERS:
        (kind,) = get_args(kind)
    return kind.__value__ if hasattr(kind, "__value__") else kind


def _any_of(kinds: tuple[Any, ...], key: str, depth: int) -> st.SearchStrategy[Any]:
    """Return a strategy of any of some types; what can be said comes oftener."""
    known = [kind for kind in kinds if not _is_hosted(kind)]
    hosted = [kind for kind in kinds if _is_hosted(kind)]
    choices = [of_type(kind, key, depth) for kind in known]
    if hosted and (depth < 2 or not known):
        choices.append(st.one_of([of_type(kind, key, depth) for kind in hosted]))
    return st.one_of(choices)


def _is_hosted(kind: Any) -> bool:
    """Tell whether a type is of something that is not said to this model."""
    if not is_typeddict(_bare(kind)):
        return False
    words = "Image|File|Audio|Computer|Mcp|Shell|Patch|Search|Compaction|Reference"
    words += "|Program|Agent|FunctionMessage"
    return re.search(words, _bare(kind).__name__) is not None


@cache
def _table(kind: Any, depth: int) -> st.SearchStrategy[Json]:
    return st.deferred(lambda: _fields(kind, depth))


_WRAPPERS: tuple[Any, ...] = (Required, NotRequired)


def _is_required(hint: Any) -> bool:
    return get_origin(hint) in _WRAPPERS[:1]


def _fields(kind: Any, depth: int) -> st.SearchStrategy[Json]:
    hints = get_type_hints(kind, include_extras=True)
    fields = {key: of_type(hint, key, depth) for key, hint in hints.items()}
    needed = {key for key, hint in hints.items() if _is_required(hint)}
    needed.update({"input", "type"}.intersection(hints))
    required = {key: fields[key] for key in hints if key in needed}
    optional = {key: fields[key] for key in hints if key not in needed}
    for key in _ERRORS.intersection(optional):
        optional[key] = st.none() | st.none() | optional[key]
    return st.fixed_dictionaries(required, optional=optional)


_ERRORS = frozenset({"function_call", "audio", "tool_choice"})
"""Keys of which most values are errors; they are null oftener."""


# Junk

JUNK: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**70, 1.5, float("nan"), float("inf")),
    *("", "x", "\ud83d", [], {}, [[]], [None], {"type": "x"}, {"": None}, ()),
    *(b"x", {1: 2}, {None: None}, {("a",): 1}, {1, 2}, ..., 1j, "auto"),
    *({"type": []}, {"type": "function"}, {"role": "user"}, {"role": []}),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each container in a JSON value with each of its keys or indices."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value))
    else:
        return found
    for key, item in steps:
        found.append((value, key))
        found += places(item)
    return found


def damaged(requests: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Return requests with junk in one or two places, or with something missing."""

    @st.composite
    def drawn(draw: st.DrawFn) -> Json:
        request = draw(requests)
        for _ in range(draw(st.integers(1, 2))):
            found = places(request)
            if not found:
                break
            where, key = draw(st.sampled_from(found))
            if draw(st.booleans()):
                # A copy: the next place may lie within it.
                where[key] = deepcopy(draw(st.sampled_from(JUNK)))
            else:
                del where[key]
        return request

    return drawn()


# Paths

_STEP = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[('[^']*'|\"[^\"]*\")\]")


def steps(path: str) -> list[str | int] | None:
    """Return the steps of a path; None if it is none."""
    found: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return None
        name, index, key = match.groups()
        if name is not None:
            found.append(name)
        else:
            found.append(int(index) if index is not None else key[1:-1])
        at = match.end()
    return found


def stands(complaint: str, value: Any) -> bool:
    """Tell whether a complaint begins with a path of a value, or a key it has not."""
    path, colon, _ = complaint.partition(": ")
    found = steps(path)
    if not colon or not found:
        return False
    for step in found[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    last = found[-1]
    if isinstance(last, int):
        return isinstance(value, (list, tuple)) and last < len(value)
    return isinstance(value, dict)
