"""The straight way through JSON forms gives what the way written in Python gives."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import _native
from harmony._model import forms
from harmony._model.base import Model
from harmony._model.checks import MAX_DEPTH
from harmony._native import straight
from harmony.contents import (
    ChannelConfig,
    DeveloperContent,
    ReasoningEffort,
    SystemContent,
    TextContent,
)
from harmony.messages import CONVERSATION, MESSAGE, Author, Conversation, Message, Role
from harmony.tools import ToolDescription, ToolNamespaceConfig
from support import strategies
from support.blocks import blocks_left
from support.examples import times

needs_straight = pytest.mark.skipif(
    _native.EXTENSION is None, reason="there are no straight ways here"
)


@contextmanager
def in_python() -> Iterator[None]:
    """Have no straight ways through forms meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("read_form", "write_form", "copy_json"):
            patch.setattr(straight, name, lambda *given: None)
        yield


def exactly(value: Any) -> Any:
    """Return a value so that things which are equal, but of other types, differ."""
    if isinstance(value, dict):
        return type(value), [(exactly(k), exactly(item)) for k, item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value), [exactly(item) for item in value]
    if isinstance(value, Model):
        fields = sorted(vars(value).items())
        return type(value), [(name, exactly(item)) for name, item in fields]
    return type(value), repr(value)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or the error it raises."""
    try:
        return exactly(call())
    except Exception as error:
        return type(error), str(error)


def both(call: Callable[[], Any]) -> Any:
    """Compare both ways; return what they give."""
    found = outcome(call)
    with in_python():
        assert outcome(call) == found
    return found


# What is of its shape


@needs_straight
@times(2)
@given(strategies.conversations)
def test_what_is_of_its_shape_goes_the_straight_way(talk: Conversation) -> None:
    with in_python():
        form = talk.to_dict()
    assert exactly(forms.write(CONVERSATION, talk)) == exactly(form)
    assert exactly(forms.write(CONVERSATION, talk, is_own=True)) == exactly(form)
    again = forms.read(CONVERSATION, Conversation, form)
    assert exactly(again) == exactly(talk)
    own = forms.read(CONVERSATION, Conversation, copy.deepcopy(form), is_own=True)
    assert exactly(own) == exactly(talk)
    for message in talk:
        said = forms.write(MESSAGE, message)
        assert exactly(said) == exactly(message.to_dict())
        assert exactly(forms.read(MESSAGE, Message, said)) == exactly(message)


SPARSE: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {"role": "user", "content": "hi", "id": 5, "author": None},
    {"role": "tool", "name": None, "content": []},
    {"role": "system", "content": [{"type": "system_content"}]},
    {"role": "developer", "content": [{"type": "developer_content"}]},
    {
        "role": "developer",
        "content": [
            {
                "type": "developer_content",
                "tools": {"a": {"name": "b"}, "c": {"name": "d", "tools": []}},
                "response_formats": [{"name": "x", "schema": {}}],
            }
        ],
    },
]


@needs_straight
@pytest.mark.parametrize("form", SPARSE)
def test_absent_keys_have_their_meaning_on_the_straight_way_too(form: Any) -> None:
    found = forms.read(MESSAGE, Message, form)
    with in_python():
        assert exactly(found) == exactly(Message.from_dict(form))


@needs_straight
def test_every_object_has_its_own_defaults() -> None:
    form = {"role": "system", "content": [{"type": "system_content"}]}
    first, second = (Message.from_dict(form).content[0] for _ in range(2))
    assert isinstance(first, SystemContent) and isinstance(second, SystemContent)
    assert first.channel_config is not None
    first.channel_config.valid_channels.append("other")
    assert second == SystemContent()


@needs_straight
@pytest.mark.parametrize("value", [*Role, *ReasoningEffort])
def test_every_member_of_an_enum_goes_the_straight_way(value: Any) -> None:
    message = Message("system", SystemContent())
    if isinstance(value, Role):
        message.author.role = value
    else:
        message.content = [SystemContent(reasoning_effort=value)]
    form = forms.write(MESSAGE, message)
    assert exactly(forms.read(MESSAGE, Message, form)) == exactly(message)


# What is not


class Text(str):
    pass


class Number(int):
    pass


class Said(Message):
    pass


class Prompt(DeveloperContent):
    pass


class Anonymous(Author):
    def to_dict(self) -> dict[str, Any]:
        return {**super().to_dict(), "name": None}


ODD: list[Any] = [
    *(None, True, 5, -0.0, 1e300, 2**70, float("nan"), float("inf"), b"x", object),
    *("user", "", "\ud800", Text("user"), Number(5), Role.USER, ReasoningEffort.LOW),
    *((), ("a",), [], ["a", None], {}, {1: 2}, {Text("a"): 1}, {"type": "text"}, {2}),
    *({"type": "text", "text": "a"}, {"type": Text("text"), "text": "a"}),
    *({"role": "user", "name": "bob"}, {"name": "f"}, [{"name": "f", "tools": None}]),
    *(TextContent("a"), Author("user"), ToolDescription("f", None, {"a": [1]})),
    *(Said("user", "a"), Prompt("a"), ToolNamespaceConfig("n"), Message("user", "a")),
    ChannelConfig(["a"], False),
]
GONE = object()

seeds = st.integers(0, 2**32)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return where something stands in a form or an object: what in, and under what."""
    if isinstance(value, Model):
        return places(vars(value))
    if not isinstance(value, (dict, list)):
        return []
    inner = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    deeper = [place for _, item in inner for place in places(item)]
    return [(value, key) for key, _ in inner] + deeper


def put(where: Any, key: Any, odd: Any) -> None:
    """Put something odd there, or take out what is there."""
    if odd is not GONE:
        where[key] = copy.deepcopy(odd)
    elif isinstance(where, dict) and key in where:
        del where[key]


def rename(where: Any, key: Any, new: Any) -> None:
    """Put what is there under another key."""
    if isinstance(where, dict):
        where[new] = where.pop(key)


def spoiled(thing: Any) -> Iterator[Any]:
    """Give a form or an object with each odd thing in each of its places."""
    for index in range(len(places(thing))):
        for odd in [*ODD, GONE]:
            other = copy.deepcopy(thing)
            put(*places(other)[index], odd)
            yield other
        for key in (5, Text("a"), "\ud800"):
            other = copy.deepcopy(thing)
            rename(*places(other)[index], key)
            yield other


def spoil(thing: Any, random: Random) -> None:
    """Put something odd into some place."""
    found = places(thing)
    if found:
        put(*random.choice(found), random.choice([*ODD, GONE]))


TOOLS = {"t": ToolNamespaceConfig("n", "d", [ToolDescription("f", "d", {"a": [1]})])}
SYSTEM = SystemContent("i", ReasoningEffort.LOW, "d", "k", ChannelConfig(["a"], True))
SYSTEM.tools = TOOLS
DEVELOPER = DeveloperContent("i", TOOLS).with_response_format("n", {"a": {}}, "d")
WHOLE = Message(Author("tool", "f"), [TextContent("a")], "c", "r", "t")


@pytest.mark.parametrize("content", [SYSTEM, DEVELOPER, TextContent("a")])
def test_whatever_is_odd_in_a_form_is_read_alike(content: Any) -> None:
    message = copy.deepcopy(WHOLE)
    message.content = [content]
    for form in spoiled(message.to_dict()):
        both(partial(Message.from_dict, form))


@pytest.mark.parametrize("content", [SYSTEM, DEVELOPER, TextContent("a")])
def test_whatever_is_odd_in_an_object_is_written_alike(content: Any) -> None:
    message = copy.deepcopy(WHOLE)
    message.content = [content]
    for spoilt in spoiled(message):
        both(spoilt.to_dict)
        both(spoilt.to_json)


@times(2)
@given(strategies.conversations, seeds, st.integers(1, 3))
def test_a_form_with_odd_things_is_read_alike(
    talk: Conversation, seed: int, times: int
) -> None:
    form, random = talk.to_dict(), Random(seed)
    for _ in range(times):
        spoil(form, random)
    both(lambda: Conversation.from_dict(form))
    try:
        text = json.dumps(form)
    except (TypeError, ValueError):
        return
    both(lambda: Conversation.from_json(text))


@times(2)
@given(strategies.conversations, seeds, st.integers(1, 3))
def test_an_object_with_odd_things_is_written_alike(
    talk: Conversation, seed: int, times: int
) -> None:
    random = Random(seed)
    for _ in range(times):
        spoil(talk, random)
    both(lambda: talk.to_dict())
    both(lambda: talk.to_json())


@times(2)
@given(strategies.json_dicts, seeds, st.integers(0, 2))
def test_parameters_are_copied_alike(parameters: Any, seed: int, times: int) -> None:
    random = Random(seed)
    for _ in range(times):
        spoil(parameters, random)
    both(lambda: ToolDescription("f", None, parameters))


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_form_is_refused_alike(odd: Any) -> None:
    for kind in (Message, Conversation):
        both(partial(kind.from_dict, odd))
    both(lambda: Conversation.from_dict({"messages": odd}))
    both(lambda: ToolDescription("f", None, odd))


def test_a_class_based_on_ours_is_made_of_its_form() -> None:
    form = {"role": "user", "content": "hi"}
    assert type(Said.from_dict(form)) is Said
    assert type(Said.from_json(json.dumps(form))) is Said
    assert Said("user", "hi").to_dict() == Message("user", "hi").to_dict()
    assert forms.write(MESSAGE, Said("user", "hi")) is None


def test_a_class_based_on_ours_may_have_a_form_of_its_own() -> None:
    author = Anonymous("tool", "f")
    assert Message(author, "a").to_dict()["name"] is None
    assert json.loads(Conversation([Message(author, "a")]).to_json()) == {
        "messages": [Message("tool", "a").to_dict()]
    }


class Angry(str):
    def __eq__(self, other: object) -> bool:
        raise ArithmeticError("no")

    __hash__ = str.__hash__


def test_an_error_while_a_key_is_looked_up_is_raised() -> None:
    form = {"role": "user", "content": "a", Angry("channel"): "final"}
    assert both(lambda: Message.from_dict(form)) == (ArithmeticError, "no")


# JSON values: whose they are, how deep


def with_parameters(parameters: Any) -> dict[str, Any]:
    """Return the form of a message with a tool of these parameters."""
    tool = {"name": "f", "parameters": parameters}
    content = {
        "type": "developer_content",
        "tools": {"functions": {"name": "functions", "tools": [tool]}},
    }
    return {"role": "developer", "content": [content]}


def parameters_in(form: dict[str, Any]) -> Any:
    """Return the parameters in such a form."""
    return form["content"][0]["tools"]["functions"]["tools"][0]["parameters"]


def test_a_later_change_of_the_form_does_not_show_in_the_object() -> None:
    form = with_parameters({"a": {"b": [1, {"c": 2.5}]}})
    message = Message.from_dict(form)
    parameters_in(form)["a"]["b"][1]["c"] = 3
    written = message.to_dict()
    assert parameters_in(written) == {"a": {"b": [1, {"c": 2.5}]}}
    parameters_in(written)["a"]["b"].append(4)
    text = message.to_json()
    assert parameters_in(json.loads(text)) == {"a": {"b": [1, {"c": 2.5}]}}


@pytest.mark.parametrize("odd", [*ODD, Number(5), {"a": 1}, [1.5, {}]])
def test_what_is_put_into_parameters_later_is_written_or_refused_alike(
    odd: Any,
) -> None:
    tool = ToolDescription("f", None, {"a": [{}]})
    functions = DeveloperContent().with_function_tools([tool])
    message = Message("developer", functions)
    assert tool.parameters is not None
    tool.parameters["a"][0]["b"] = odd
    both(message.to_dict)
    both(message.to_json)


def nested(levels: int) -> dict[str, Any]:
    """Return a dict in a list in a dict …, so many deep."""
    value: Any = 0.5
    for level in range(levels):
        value = [value] if (levels - level) % 2 == 0 else {"a": value}
    found: dict[str, Any] = value
    return found


@pytest.mark.parametrize("levels", [MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 240])
def test_how_deep_parameters_may_be(levels: int) -> None:
    form = with_parameters(nested(levels))
    found = both(lambda: Message.from_dict(form))
    assert both(lambda: Message.from_json(json.dumps(form))) == found
    assert (found[0] is Message) == (levels <= MAX_DEPTH)
    tool = ToolDescription("f", None, {})
    message = Message("developer", DeveloperContent().with_function_tools([tool]))
    tool.parameters = nested(levels)
    assert (both(message.to_json)[0] is str) == (levels <= MAX_DEPTH)


def test_parameters_that_hold_themselves_are_refused() -> None:
    circle: dict[str, Any] = {}
    circle["again"] = [circle, circle]
    assert "nested deeper" in both(lambda: ToolDescription("f", None, circle))[1]


# Memory


@needs_straight
def test_nothing_is_left_behind() -> None:
    form = with_parameters({"a": {"b": [1, {"c": 2.5}], "d": "e"}})
    message = Message.from_dict(form)
    text = message.to_json()
    wrong = with_parameters({"a": {"b": [1, {"c": b"x"}]}})
    assert forms.read(MESSAGE, Message, wrong) is None

    def run() -> None:
        Message.from_dict(form)
        Message.from_json(text)
        message.to_dict()
        message.to_json()
        forms.read(MESSAGE, Message, wrong)
        forms.read(MESSAGE, Message, {"role": "user", "content": [5]})
        forms.write(MESSAGE, Message)

    assert blocks_left(run) < 1


@needs_straight
def test_a_shape_lives_as_long_as_it_is_used() -> None:
    def run() -> None:
        inner = forms.shape(TextContent, forms.called("text"), forms.text("text"))
        content = forms.list_or_text(forms.one_of("content", inner))
        outer = forms.shape(Message, content, forms.unsaid("end_token"))
        read = forms.read(outer, Message, {"content": "a"})
        assert read is not None and read.text == "a"

    assert blocks_left(run) < 1


@needs_straight
@pytest.mark.parametrize(
    "call",
    [
        lambda: straight.shape(TextContent, (("text", "t"),)),
        lambda: straight.shape(TextContent, (forms.text("a"), ("text",))),
        lambda: straight.shape(5, ()),  # type: ignore[arg-type]
        lambda: straight.read_form(MESSAGE, Message, {}, False),  # type: ignore[call-arg]
        lambda: straight.write_form(MESSAGE, {}, False),  # type: ignore[call-arg]
        lambda: straight.copy_json({}),  # type: ignore[call-arg]
        lambda: straight.copy_json({}, "deep"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_an_error(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


@needs_straight
def test_what_is_no_shape_is_an_error() -> None:
    with pytest.raises(ValueError):
        straight.read_form(object(), Message, {}, False, MAX_DEPTH)
    with pytest.raises(ValueError):
        straight.write_form(object(), Message("user"), False, MAX_DEPTH)
