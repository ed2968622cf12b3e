"""What system and developer messages say: goldens, and answers that are JSON."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harmony import (
    DeveloperContent,
    Message,
    RenderError,
    ResponseFormat,
    Role,
    SystemContent,
    ToolDescription,
    ToolNamespaceConfig,
    prompts,
)
from harmony._native import EXTENSION
from harmony.cache import ENTRY_SIZE, Cache, size_of
from harmony.contents import content_from_dict
from harmony.messages import TextContent
from harmony.prompts import (
    DeveloperPrompt,
    SystemPrompt,
    content_text,
    developer_text,
    has_function_tools,
    system_text,
    tools_section,
    unwritten,
)
from support import TEST_DATA

SCHEMA = {"type": "object", "properties": {"größe": {"type": "number"}}}
COMPACT = '{"type":"object","properties":{"größe":{"type":"number"}}}'


def test_a_format_stands_behind_instructions_and_tools() -> None:
    content = (
        DeveloperContent("Be brief.")
        .with_function_tools([ToolDescription("now")])
        .with_response_format("size", SCHEMA, "One size.\nNo more.\n")
    )
    assert developer_text(content) == (
        "# Instructions\n\nBe brief.\n\n# Tools\n\n## functions\n\n"
        "namespace functions {\n\ntype now = () => any;\n\n} // namespace functions\n\n"
        "# Response Formats\n\n## size\n\n// One size.\n// No more.\n" + COMPACT
    )


def test_several_formats_have_one_heading() -> None:
    content = DeveloperContent().with_response_format("a", {})
    content.with_response_format("b", {}, "")
    expected = "# Response Formats\n\n## a\n\n{}\n\n## b\n\n{}"
    assert developer_text(content) == expected


def test_no_formats_say_nothing() -> None:
    assert developer_text(DeveloperContent("x", response_formats=[])) == (
        developer_text(DeveloperContent("x"))
    )


def test_a_helper_leaves_a_list_that_was_given_alone() -> None:
    given_list = [ResponseFormat("a", {})]
    content = DeveloperContent(response_formats=given_list)
    content.with_response_format("b", {})
    assert len(given_list) == 1


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abcü"), inner),
)


@given(schema=json_values)
def test_formats_come_back_from_json(schema: Any) -> None:
    content = DeveloperContent().with_response_format("f", {"default": schema}, "d")
    message = Message("developer", content)
    assert Message.from_json(message.to_json()) == message
    text = developer_text(content).rsplit("\n", 1)[-1]
    assert json.loads(text) == {"default": schema}


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ({"schema": {}}, "response_formats[0].name: missing key"),
        ({"name": "f"}, "response_formats[0].schema: missing key"),
        ({"name": 5, "schema": {}}, "response_formats[0].name: expected a string"),
        ({"name": "f", "schema": []}, "response_formats[0].schema: expected a dict"),
        ({"name": "f", "schema": {"a": {1}}}, "response_formats[0].schema.a: expected"),
        ("f", "response_formats[0]: expected a ResponseFormat"),
    ],
)
def test_a_bad_format_is_named_by_its_path(form: Any, path: str) -> None:
    with pytest.raises(ValueError) as caught:
        DeveloperContent.from_dict({"response_formats": [form]})
    assert str(caught.value).startswith(path)


# The goldens that the packages for other languages run too

CASES = [
    json.loads(line)
    for line in (TEST_DATA / "prompts.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
WRITTEN = [case for case in CASES if "text" in case]
REFUSED = [case for case in CASES if "error" in case]


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: case["why"])
def test_golden(case: dict[str, Any]) -> None:
    content = content_from_dict(case["content"])
    text = content_text(content, Role(case["role"]), case["function_tools"])
    assert text == case["text"]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["why"])
def test_golden_that_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        Message.from_dict(case["message"])
    assert str(caught.value).startswith(case["error"] + ":")


def test_every_golden_is_there_for_another_reason() -> None:
    assert len(WRITTEN) > 100 and len(REFUSED) > 20
    assert len({case["why"] for case in CASES}) == len(CASES)
    assert len(WRITTEN) + len(REFUSED) == len(CASES)


# What is said, before it is put together


SAID: Any = SystemPrompt(
    "I.", "2024", "2026", "Low", "# Tools", ("final",), True, False
)


class Text(str):
    """No plain string."""


class Channels(tuple[str, ...]):
    """No plain tuple."""


@pytest.mark.parametrize(
    ("prompt", "is_plain"),
    [
        (SAID, True),
        (SystemPrompt(None, None, None, None, None, None, False, True), True),
        (SAID._replace(identity=Text("I.")), False),
        (SAID._replace(tools=Text("# Tools")), False),
        (SAID._replace(channels=["final"]), False),
        (SAID._replace(channels=Channels(["final"])), False),
        (SAID._replace(channel_required=1), False),
        (SAID._replace(function_tools=None), False),
        (DeveloperPrompt("Be brief.", "# Tools", None), True),
        (DeveloperPrompt(None, None, None), True),
        (DeveloperPrompt(Text("Be brief."), None, None), False),
        (DeveloperPrompt(None, Text("# Tools"), None), False),
        (DeveloperPrompt(None, None, [ResponseFormat("size", {})]), False),
    ],
)
def test_a_prompt_is_plain_if_all_its_fields_are(prompt: Any, is_plain: bool) -> None:
    assert prompt.is_plain() is is_plain


def on_channels(channels: Any) -> SystemContent:
    content = SystemContent.new()
    assert content.channel_config is not None
    content.channel_config.valid_channels = channels
    return content


@pytest.mark.parametrize("channels", [["a", "b"], ["final"], None, []])
def test_of_a_plain_prompt_it_is_known_what_it_says(channels: Any) -> None:
    content = on_channels(channels)
    said = unwritten(content, Role.SYSTEM, True)
    assert isinstance(said, SystemPrompt)
    assert said.channels == (tuple(channels) if channels else None)
    assert said.channel_required is bool(channels)
    assert type(said.effort) is str
    assert said.text() == content_text(content, Role.SYSTEM, True)
    assert unwritten(DeveloperContent("x"), Role.DEVELOPER, False) == (
        DeveloperPrompt("x", None, None)
    )
    assert unwritten(TextContent("x"), Role.SYSTEM, False) == "x"


@pytest.mark.parametrize(
    "channels", [("a", "b"), [Text("a"), "b"], Channels(["a", "b"])]
)
def test_any_other_prompt_is_its_text(channels: Any) -> None:
    said = unwritten(on_channels(channels), Role.SYSTEM, True)
    assert type(said) is str
    assert said == content_text(on_channels(["a", "b"]), Role.SYSTEM, True)
    content = DeveloperContent("x").with_response_format("size", {})
    assert unwritten(content, Role.DEVELOPER, False) == developer_text(content)


@pytest.mark.parametrize("schemas", ["reference", "complete"])
def test_the_text_of_a_content_alone(schemas: str) -> None:
    system = SystemContent.new().with_tools(PLAIN["n"])
    for function_tools in (False, True):
        assert system_text(system, function_tools, schemas) == (
            content_text(system, Role.SYSTEM, function_tools, schemas)
        )
    assert system_text(system, False) == content_text(system, Role.SYSTEM, False)
    developer = DeveloperContent("x").with_tools(PLAIN["n"])
    assert developer_text(developer, schemas) == (
        content_text(developer, Role.DEVELOPER, False, schemas)
    )


# The section on tools


TYPED = {"type": "object", "properties": {"a": {"type": "string", "minLength": 1}}}
PLAIN = {"n": ToolNamespaceConfig("n", "N.", [ToolDescription("f", "F.", TYPED)])}


class Tools(dict[str, ToolNamespaceConfig]):
    """No plain dict."""


class Tool(ToolDescription):
    """No plain tool."""


class Namespace(ToolNamespaceConfig):
    """No plain namespace."""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache of sections."""
    cache = Cache(10_000)
    monkeypatch.setattr(prompts, "_sections", cache)
    monkeypatch.setattr(prompts, "_seen", Cache(10_000))
    return cache


@pytest.mark.parametrize(
    "kind",
    [
        Tools,
        lambda tools: {"n": Namespace("n", "N.", tools["n"].tools)},
        lambda tools: {"n": ToolNamespaceConfig("n", "N.", [Tool("f", "F.", TYPED)])},
    ],
)
@pytest.mark.parametrize("schemas", ["reference", "complete"])
def test_what_is_not_plain_says_the_same_and_is_not_remembered(
    cache: Cache, kind: Any, schemas: str
) -> None:
    text = tools_section(kind(PLAIN), schemas)
    assert cache.size() == 0
    assert text == tools_section(PLAIN, schemas)
    assert cache.size() > 0


def test_a_section_is_written_once(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    write = prompts._written

    def counted(tools: dict[str, ToolNamespaceConfig], schemas: str) -> str:
        written.append(tools)
        return write(tools, schemas)

    monkeypatch.setattr(prompts, "_written", counted)
    assert tools_section(PLAIN) == tools_section(PLAIN)
    assert written == [PLAIN]
    assert written[0] is not PLAIN  # it is written from the bytes
    key = prompts._bytes(prompts._fields(PLAIN), "reference")
    assert cache.get(key) == tools_section(PLAIN)
    assert cache.size() == size_of(key) + size_of(tools_section(PLAIN)) + ENTRY_SIZE


@pytest.mark.skipif(EXTENSION is None, reason="only C compares")
def test_tools_are_compared_with_those_of_the_same_names(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tools_section(PLAIN)
    fields, said = prompts._seen.get(("reference", "f"))
    assert (fields, said) == (prompts._fields(PLAIN), text)
    data = prompts._bytes(prompts._fields(PLAIN), "reference")
    assert prompts._seen.size() == (
        prompts._LOADED * len(data) + size_of(text) + ENTRY_SIZE
    )
    other = {"n": ToolNamespaceConfig("n", "O.", [ToolDescription("f", "F.", TYPED)])}
    tools_section(other)
    assert prompts._seen.get(("reference", "f"))[1] == text  # the first ones stay

    def as_bytes(*fields: Any) -> bytes:
        raise AssertionError("bytes are made only of what is not the same")

    monkeypatch.setattr(prompts, "_bytes", as_bytes)
    assert tools_section(PLAIN) == text


def test_the_same_parameters_are_the_same_bytes_however_often_they_are_named() -> None:
    """Later versions of marshal's format write how often an object is referred to."""
    name = "".join(["na", "me"])
    once, twice = (
        {
            "n": ToolNamespaceConfig(
                "n", None, [ToolDescription("f", None, {"a": value})]
            )
        }
        for value in ([name, name], [name, "".join(["na", "me"])])
    )
    assert prompts._bytes(prompts._fields(once), "reference") == prompts._bytes(
        prompts._fields(twice), "reference"
    )


def test_sections_take_two_megabytes_at_most() -> None:
    assert prompts._sections._half == prompts._seen._half == 2**20


VALUES: list[Any] = [1, True, 1.0, -0.0, 0.0, "a", None, [1], {"a": 1}, {"a": 2}]


def test_tools_that_differ_in_their_parameters_alone(cache: Cache) -> None:
    """Their names are the same, by which C finds what it compares them with."""
    tool = ToolDescription("f", None, {"default": 0})
    tools = {"n": ToolNamespaceConfig("n", None, [tool])}
    for _ in range(3):
        for value in VALUES:
            assert tool.parameters is not None
            tool.parameters = {"type": "string", "default": value}
            again = {"n": ToolNamespaceConfig("n", None, [tool])}
            assert tools_section(tools) == prompts._written(again, "reference")
            tool.parameters["default"] = 5  # nobody has kept the dict itself


def test_tools_with_names_that_differ(cache: Cache) -> None:
    one, other = ToolDescription("f"), ToolDescription("g")
    for names, tools in (("ab", [one, other]), ("ba", [one, other]), ("ab", [one])):
        many = {key: ToolNamespaceConfig(key, None, tools) for key in names}
        for schemas in ("reference", "complete", "reference"):
            assert tools_section(many, schemas) == prompts._written(many, schemas)


@pytest.mark.parametrize("make", [SystemContent, DeveloperContent])
def test_complete_schemas_are_written_in_both_prompts(make: Any) -> None:
    content = make().with_tools(
        ToolNamespaceConfig("n", "N.\nMore.", [ToolDescription("f", "F.", TYPED)])
    )
    role = Role.SYSTEM if make is SystemContent else Role.DEVELOPER
    complete = content_text(content, role, False, "complete")
    assert "// N.\n// More.\nnamespace n {\n" in complete
    assert "\n// F.\ntype f = (_: {\n" in complete
    assert "minLength" in complete
    reference = content_text(content, role, False)
    assert reference == content_text(content, role, False, "reference") != complete


def test_complete_tools_without_parameters_or_words() -> None:
    tools = {
        "n": ToolNamespaceConfig(
            *("n", None),
            [ToolDescription("a", "A."), ToolDescription("b"), ToolDescription("c")],
        )
    }
    assert tools_section(tools, "complete") == (
        "# Tools\n\n## n\n\nnamespace n {\n\n// A.\ntype a = () => any;\n\n"
        "type b = () => any;\n\ntype c = () => any;\n\n} // namespace n"
    )


def test_a_type_of_its_own_has_no_name_that_a_tool_has() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    tools = [ToolDescription(name, None, tree) for name in ("f", "F")]
    text = tools_section({"n": ToolNamespaceConfig("n", None, tools)}, "complete")
    names = re.findall(r"^type (\w+) =", text, re.M)
    assert names == ["f_type", "f", "F_type", "F"]


# What belongs to whom


@pytest.mark.parametrize(
    ("content", "role", "complaint"),
    [
        (
            SystemContent(),
            Role.USER,
            "a SystemContent belongs in a message by 'system', not by 'user'",
        ),
        (
            DeveloperContent(),
            Role.SYSTEM,
            "a DeveloperContent belongs in a message by 'developer', not by 'system'",
        ),
        ("text", Role.USER, "a str is no content that can be rendered"),
    ],
)
def test_a_content_that_is_not_the_author_s_is_refused(
    content: Any, role: Role, complaint: str
) -> None:
    with pytest.raises(RenderError) as caught:
        content_text(content, role, False)
    assert str(caught.value) == complaint


def test_function_tools_are_those_under_functions() -> None:
    tool = [ToolDescription("f")]
    content = DeveloperContent()
    message = Message("developer", content)
    assert has_function_tools([message]) is False
    content.tools = {"n": ToolNamespaceConfig("n", None, tool)}
    assert has_function_tools([message]) is False
    content.tools["functions"] = ToolNamespaceConfig("functions", None, [])
    assert has_function_tools([message]) is False
    content.tools["functions"].tools = tool
    assert has_function_tools([Message("user", "hi"), message]) is True
