"""The official chat templates, run as transformers runs them, and requests for them.

They are read from the package trl, which is not imported: that would need PyTorch. The
requests are those on which template and ``harmony.chat`` agree. They have one call in a
message and no text beside it, one system message, arguments and results that are
objects (the template quotes text), and schemas without defaults, nested objects and
arrays of anything. One difference is left to undo: the template ends instructions
without tools in two newlines.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from .convert import DATE

jinja2 = pytest.importorskip("jinja2")
sandbox = pytest.importorskip("jinja2.sandbox")
extensions = pytest.importorskip("jinja2.ext")
nodes = pytest.importorskip("jinja2.nodes")

Json = dict[str, Any]
BEGUN, ENDED = "\ue000", "\ue001"
"""Stand before and behind what the training template says the model writes."""


def template_file(name: str) -> Path | None:
    """Return a template's file; None if trl is not installed."""
    found = find_spec("trl")
    folders = found.submodule_search_locations if found else None
    files = [Path(folder, "chat_templates", name) for folder in folders or ()]
    return next((file for file in files if file.exists()), None)


class Generation(extensions.Extension):  # type: ignore[misc, name-defined]
    """The tags ``generation`` and ``endgeneration``, which mark what is between."""

    tags = frozenset({"generation"})

    def parse(self, parser: Any) -> Any:
        line = next(parser.stream).lineno
        inside = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("marked")
        return nodes.CallBlock(call, [], [], inside).set_lineno(line)

    def marked(self, caller: Any) -> str:
        return f"{BEGUN}{caller()}{ENDED}"


def refuse(message: str) -> None:
    raise AssertionError(message)


def template(name: str) -> Any:
    """Return a template, set up as transformers sets it up; None without trl."""
    file = template_file(name)
    if file is None:
        return None
    environment = sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation]
    )
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: DATE
    return environment.from_string(file.read_text(encoding="utf-8"))


def templated(template: Any, request: Json, prompt: bool = True) -> str:
    """Return what a template makes of a request, with the difference undone.

    ``prompt``: whether it ends where the model is to go on.
    """
    fields = {"add_generation_prompt": prompt}
    for key in ("tools", "reasoning_effort"):
        if key in request:
            fields[key] = request[key]
    messages = [_for_template(message) for message in request["messages"]]
    text: str = template.render(messages=messages, **fields)
    first = request["messages"][0]
    if first["role"] in ("system", "developer") and not request.get("tools"):
        said = f"# Instructions\n\n{first['content']}"
        assert f"{said}\n\n<|end|>" in text
        text = text.replace(f"{said}\n\n<|end|>", f"{said}<|end|>", 1)
    return text


def _for_template(message: Json) -> Json:
    """Return a message with its JSON as objects, and without what is null."""
    made = {key: value for key, value in message.items() if value is not None}
    if made["role"] == "tool":
        made["content"] = json.loads(made["content"])
    for key in ("reasoning", "reasoning_content"):
        if key in made:
            made["thinking"] = made.pop(key)
    if "tool_calls" in made:
        made["tool_calls"] = [_objects(call) for call in made["tool_calls"]]
    return made


def _objects(call: Json) -> Json:
    function = dict(call["function"])
    if isinstance(function["arguments"], str):
        function["arguments"] = json.loads(function["arguments"])
    return {**call, "function": function}


words = st.sampled_from(
    ["Rome?", "é 😀", "<tag> & 'q' \"d\"", "Two\nlines.", "{}", "  spaced  "]
)
lines = st.sampled_from(["Tells it.", "Wo? Größe & <b>", "a // b"])
names = st.sampled_from(["get_weather", "clock", "f", "größe", "$x"])
objects = st.dictionaries(
    st.sampled_from(["city", "größe", "n"]),
    st.none() | st.booleans() | st.integers(-9, 9) | words | st.just([1, {"a": []}]),
    max_size=3,
)
KINDS = ["string", "number", "integer", "boolean"]
plain = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS)}, optional={"description": lines}
)
properties = (
    plain
    | st.just({"type": "string", "enum": ["c", "f"]})
    | st.sampled_from(KINDS).map(
        lambda kind: {"type": "array", "items": {"type": kind}}
    )
)


@st.composite
def tools(draw: st.DrawFn) -> list[Json]:
    made = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        fields: Json = {"name": name, "description": draw(lines)}
        if draw(st.booleans()):
            inner = draw(
                st.dictionaries(
                    st.sampled_from(["city", "unit", "n"]), properties, min_size=1
                )
            )
            required = [key for key in inner if draw(st.booleans())]
            fields["parameters"] = {
                "type": "object",
                "properties": inner,
                "required": required,
            }
        made.append({"type": "function", "function": fields})
    return made


@st.composite
def requests(draw: st.DrawFn) -> Json:
    messages: list[Json] = []
    if draw(st.booleans()):
        role = draw(st.sampled_from(["system", "developer"]))
        messages.append({"role": role, "content": draw(words)})
    for number in range(draw(st.integers(1, 5))):
        messages.append({"role": "user", "content": draw(words)})
        for step in range(draw(st.integers(0, 2))):
            messages += _called(draw, f"c{number}{step}")
        if draw(st.booleans()):
            answer = {"role": "assistant", "content": draw(words)}
            thought = draw(st.none() | words)
            messages.append({**answer, **({"reasoning": thought} if thought else {})})
    request: Json = {"messages": messages}
    if draw(st.booleans()):
        request["tools"] = draw(tools())
    if draw(st.booleans()):
        request["reasoning_effort"] = draw(st.sampled_from(["low", "medium", "high"]))
    return request


def _called(draw: st.DrawFn, call_id: str) -> list[Json]:
    """Return a call, perhaps with reasoning before it, and its result."""
    value = draw(objects)
    arguments: Any = (
        value if draw(st.booleans()) else json.dumps(value, ensure_ascii=False)
    )
    function = {"name": draw(names), "arguments": arguments}
    call = {"id": call_id, "type": "function", "function": function}
    message: Json = {"role": "assistant", "tool_calls": [call]}
    thought = draw(st.none() | words)
    if thought is not None:
        message["reasoning"] = thought
    result = json.dumps(draw(objects), ensure_ascii=False)
    return [message, {"role": "tool", "tool_call_id": call_id, "content": result}]
