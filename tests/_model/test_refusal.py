"""What is refused: a ValueError in our words, and pydantic's error as well."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from harmony import (
    Author,
    Content,
    Conversation,
    DeveloperContent,
    Message,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)
from harmony._model import refusal

pydantic = pytest.importorskip("pydantic")
core = pytest.importorskip("pydantic_core")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Errors as they are where pydantic is loaded."""
    monkeypatch.setattr(refusal, "_pydantic", lambda: core)
    yield


USER = {"role": "user", "content": "x"}

# What is refused; our words; pydantic's title, place, type and value.
REFUSED: list[tuple[Callable[[], Any], str, str, tuple[Any, ...], str, Any]] = [
    (
        lambda: Conversation.from_messages([Message("user", "x"), 5]),  # type: ignore[list-item]
        "Conversation.messages[1]: expected a Message, got 5 (int)",
        *("Conversation", ("messages", 1), "model_type", 5),
    ),
    (
        lambda: Message("bob", "x"),
        "Message.author: unknown role 'bob' "
        "(known: user, assistant, system, developer, tool)",
        *("Message", ("author",), "enum", "bob"),
    ),
    (
        lambda: Message(5, "x"),  # type: ignore[arg-type]
        "Message.author: expected an Author or a role, got 5 (int)",
        *("Message", ("author",), "model_type", 5),
    ),
    (
        lambda: Author("user", 5),  # type: ignore[arg-type]
        "Author.name: expected a string or None, got 5 (int)",
        *("Author", ("name",), "string_type", 5),
    ),
    (
        lambda: Message("user", "x").with_channel(5),  # type: ignore[arg-type]
        "Message.channel: expected a string or None, got 5 (int)",
        *("Message", ("channel",), "string_type", 5),
    ),
    (
        lambda: Message("user", "x").adding_content(5),  # type: ignore[arg-type]
        "Message.content: expected a string or a Content, got 5 (int)",
        *("Message", ("content",), "model_type", 5),
    ),
    (
        lambda: Message("user", None),  # type: ignore[arg-type]
        "Message.content: expected a string, a Content or a list, got None",
        *("Message", ("content",), "list_type", None),
    ),
    (
        lambda: Message.from_dict({**USER, "content": None}),
        "content: expected a string or a list, got None",
        *("Message", ("content",), "list_type", None),
    ),
    (
        lambda: Message.from_dict({"role": "user"}),
        "content: missing key",
        *("Message", ("content",), "missing", {"role": "user"}),
    ),
    (
        lambda: Conversation.from_dict(
            {"messages": [USER, {**USER, "content": [{"type": "text", "text": 5}]}]}
        ),
        "messages[1].content[0].text: expected a string, got 5 (int)",
        *("Conversation", ("messages", 1, "content", 0, "text"), "string_type", 5),
    ),
    (
        lambda: Message.from_dict({**USER, "content": [{"type": "image"}]}),
        "content[0].type: unknown content type 'image' "
        "(known: text, system_content, developer_content)",
        *("Message", ("content", 0, "type"), "enum", "image"),
    ),
    (
        lambda: DeveloperContent(tools={"my \"'tools": {"name": 5}}),  # type: ignore[dict-item]
        "DeveloperContent.tools['my \"\\'tools'].name: expected a string, got 5 (int)",
        *("DeveloperContent", ("tools", "my \"'tools", "name"), "string_type", 5),
    ),
    (
        lambda: ToolNamespaceConfig("f", tools=5),  # type: ignore[arg-type]
        "ToolNamespaceConfig.tools: expected a list, got 5 (int)",
        *("ToolNamespaceConfig", ("tools",), "list_type", 5),
    ),
    (
        lambda: ToolDescription("f", None, {"a": [1, {2}]}),
        "ToolDescription.parameters.a[1]: expected a JSON value, got {2} (set)",
        *("ToolDescription", ("parameters", "a", 1), "value_error", {2}),
    ),
    (
        lambda: SystemContent(channel_config={"valid_channels": []}),  # type: ignore[arg-type]
        "SystemContent.channel_config.channel_required: missing key",
        "SystemContent",
        ("channel_config", "channel_required"),
        "missing",
        {"valid_channels": []},
    ),
    (
        lambda: TextContent.from_dict([]),  # type: ignore[arg-type]
        "TextContent.from_dict: expected a dict, got [] (list)",
        *("TextContent", (), "dict_type", []),
    ),
    (
        lambda: Message.from_json("{"),
        "Message.from_json: unexpected end of data: line 1 column 2 (char 1)",
        *("Message", (), "json_invalid", "{"),
    ),
    (
        lambda: Content.model_validate(5),
        "Content: expected a Content, got 5 (int)",
        *("Content", (), "model_type", 5),
    ),
]


@pytest.mark.parametrize(
    ("make", "words", "title", "place", "kind", "value"),
    REFUSED,
    ids=[words.partition(":")[0] for _, words, *_ in REFUSED],
)
def test_where_pydantic_is_loaded_a_refusal_is_its_error_in_our_words(
    *,
    loaded: None,
    make: Callable[[], Any],
    words: str,
    title: str,
    place: tuple[Any, ...],
    kind: str,
    value: Any,
) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        make()
    error: Any = caught.value
    assert issubclass(type(error), ValueError)
    assert str(error).splitlines()[:2] == [words, f"1 validation error for {title}"]
    (found,) = error.errors()
    assert (found["loc"], found["type"]) == (place, kind)
    assert found["input"] == value
    assert "ctx" not in found or kind == "model_type"


@pytest.mark.parametrize(
    ("make", "words"),
    [case[:2] for case in REFUSED],
    ids=[words.partition(":")[0] for _, words, *_ in REFUSED],
)
def test_without_pydantic_a_refusal_is_a_plain_value_error(
    make: Callable[[], Any], words: str
) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert type(caught.value) is ValueError
    assert str(caught.value) == words


def test_the_words_that_clients_look_for_are_there(loaded: None) -> None:
    wanted = "Input should be a valid dictionary or instance of Message"
    with pytest.raises(pydantic.ValidationError, match=wanted):
        Conversation.from_messages([SystemContent.new()])  # type: ignore[list-item]


def test_a_refusal_goes_to_another_process_as_a_value_error(loaded: None) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Message("user", lambda: 5)  # type: ignore[arg-type]  # it can't be pickled
    there = pickle.loads(pickle.dumps(caught.value))
    assert type(there) is ValueError
    assert str(there).startswith("Message.content: expected a string, a Content or")


def test_an_error_of_someone_elses_gets_its_place(loaded: None) -> None:
    class Mine(Message):
        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> Any:
            raise ValueError("colour: no such colour")

    with pytest.raises(pydantic.ValidationError) as caught:
        Mine.model_validate({})
    assert str(caught.value).startswith("Mine.colour: no such colour\n")
    assert caught.value.errors()[0]["loc"] == ("colour",)


def test_where_pydantics_error_can_have_no_subclass_it_is_raised_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So it is before pydantic 2.10."""

    class Final(ValueError):
        def __init_subclass__(cls) -> None:
            raise TypeError("not an acceptable base type")

        @classmethod
        def from_exception_data(cls, title: str, lines: list[Any]) -> Final:
            return cls(f"1 validation error for {title}", lines)

    old = SimpleNamespace(ValidationError=Final)
    monkeypatch.setattr(refusal, "_pydantic", lambda: old)
    with pytest.raises(Final) as caught:
        Message("user", None)  # type: ignore[arg-type]
    title, (line,) = caught.value.args
    assert title == (
        "1 validation error for Message.content: "
        "expected a string, a Content or a list, got None"
    )
    assert line == {"loc": ("content",), "input": None, "type": "list_type"}


@pytest.mark.parametrize("is_loaded", [False, True])
def test_pydantic_is_found_where_it_is_loaded_and_never_imported(
    is_loaded: bool,
) -> None:
    code = (
        f"{'import pydantic' if is_loaded else ''}\n"
        "import sys, harmony\n"
        "try:\n    harmony.Message('user', 5)\n"
        "except ValueError as error:\n    print(type(error).__name__)\n"
        "print('pydantic_core' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    kind = "ValidationError" if is_loaded else "ValueError"
    assert run.stdout.split() == [kind, str(is_loaded)]
