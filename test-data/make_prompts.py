"""Make prompts.jsonl again: contents in JSON form, and the text they become.

Each line has ``why`` it is there, ``role``, ``content`` and ``function_tools``, and
then ``text``; or, for a message that is refused, ``message`` and ``error``, the path
that the complaint begins with. The text is the reference's, but for what the reference
does not know (``"source": "rule"``): that is written by ``harmony`` itself, so read its
difference. Run with a Python that has openai-harmony 0.0.8, and
TIKTOKEN_ENCODINGS_BASE set to the folder of o200k_base.tiktoken:

    python test-data/make_prompts.py            # write
    python test-data/make_prompts.py --check    # only compare; exit 1 if different
"""

import importlib
import itertools
import json
import sys
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "tests")]

from harmony.contents import content_from_dict  # noqa: E402
from harmony.messages import Role  # noqa: E402
from harmony.prompts import content_text  # noqa: E402
from harmony.tools import ToolNamespaceConfig  # noqa: E402
from support.schemas import any_json, schemas  # noqa: E402

RANDOM_CASES = 32
CITY = {"type": "string", "description": "Where to look"}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city.\nNow.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": CITY,
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        },
        "required": ["city"],
    },
}
BROWSER = ToolNamespaceConfig.browser().to_dict()
PYTHON = ToolNamespaceConfig.python().to_dict()
LINES = ["", "one", "one\n", "one\r\ntwo", "\n", "one\n\ntwo\n\n", "a\rb", "x\u2028y"]


def namespace(name: str, *tools: Any, **fields: Any) -> dict[str, Any]:
    """Return a namespace by its name, as the tools of a content."""
    return {name: {"name": name, **fields, "tools": list(tools)}}


def system(why: str, function_tools: bool = False, **fields: Any) -> dict[str, Any]:
    """Return the case of a system prompt."""
    return case(why, "system", function_tools, {"type": "system_content", **fields})


def developer(why: str, **fields: Any) -> dict[str, Any]:
    """Return the case of a developer prompt."""
    return case(why, "developer", False, {"type": "developer_content", **fields})


def case(why: str, role: str, function_tools: bool, content: Any) -> dict[str, Any]:
    """Return a case without its text."""
    return {
        "why": why,
        "role": role,
        "content": content,
        "function_tools": function_tools,
    }


def systems() -> list[dict[str, Any]]:
    """Return system prompts, by field."""
    channels = {"valid_channels": ["final"], "channel_required": False}
    return [
        system("the defaults"),
        system("the defaults, with function tools", True),
        system("a date", conversation_start_date="2025-06-28"),
        system("no identity", model_identity=None),
        system("no cutoff", knowledge_cutoff=None),
        system("an empty identity", model_identity="", knowledge_cutoff=""),
        system("no effort", reasoning_effort=None),
        *(system(f"effort {e}", reasoning_effort=e) for e in ("Low", "High")),
        system("no channels", channel_config=None),
        system("no channels, with function tools", True, channel_config=None),
        system("an empty list of channels", channel_config={**channels, **NO_CHANNELS}),
        system("a channel that is not required", True, channel_config=channels),
        system(
            "nothing at all",
            **dict.fromkeys(("model_identity", "reasoning_effort"), None),
            **dict.fromkeys(("knowledge_cutoff", "channel_config"), None),
        ),
        system("the browser", tools={"browser": BROWSER}),
        system(
            "python, then the browser", tools={"python": PYTHON, "browser": BROWSER}
        ),
        system("no tools in the table", tools={}),
        system("functions in the system prompt", tools=namespace("functions", WEATHER)),
    ]


NO_CHANNELS = {"valid_channels": []}


def developers() -> list[dict[str, Any]]:
    """Return developer prompts, by field."""
    now = {"name": "now"}
    cases = [
        developer("nothing"),
        developer("instructions", instructions="Be brief."),
        developer("instructions that end in a line feed", instructions="Be brief.\n"),
        developer("empty instructions", instructions=""),
        developer("a tool", tools=namespace("functions", WEATHER)),
        developer("a tool of a name alone", tools=namespace("functions", now)),
        developer("several tools", tools=namespace("functions", now, WEATHER)),
        developer("an empty namespace", tools=namespace("functions")),
        developer("no namespaces", tools={}, instructions="x"),
        developer(
            "both parts",
            instructions="Be brief.",
            tools=namespace("functions", WEATHER, description="All of them.\nHere."),
        ),
        developer(
            "namespaces in the order of their keys, not of their names",
            tools={
                "b": {"name": "one", "tools": [now]},
                "a": {"name": "two", "tools": []},
                "ab": {"name": "three", "description": "d", "tools": []},
                "é": {"name": "é", "tools": []},
                "\uffff": {"name": "last but one", "tools": []},
                "😀": {"name": "by bytes, not by UTF-16", "tools": []},
            },
        ),
        developer("an empty schema", tools=namespace("f", {**now, "parameters": {}})),
    ]
    for text in LINES:
        shown = json.dumps(text)
        about = {"name": "f", "description": text}
        cases += [
            developer(f"tool described {shown}", tools=namespace("n", about)),
            developer(
                f"namespace described {shown}",
                tools=namespace("n", now, description=text),
            ),
            developer(
                f"empty namespace described {shown}",
                tools=namespace("n", description=text),
            ),
        ]
    return cases


NUMBERS: list[Any] = [
    *(1.0, -0.0, 0.5, 1e16, 1e-5, 1e-6, 1.5e300, 5e-324, 1000000000000000.5),
    *(0, -1, 2**53 + 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**30),
]


def numbers() -> list[dict[str, Any]]:
    """Return what JavaScript would lose: numbers, and the order of keys."""
    cases = []
    for number in NUMBERS:
        schema = {"type": "object", "properties": {"a": {"default": number}}}
        tool = {"name": "f", "parameters": schema}
        cases.append(developer(f"default {number!r}", tools=namespace("n", tool)))
    digits = {"10": {"type": "string"}, "b": {}, "9": {"default": {"2": 0, "1": 0}}}
    schema = {"type": "object", "properties": digits}
    tool = {"name": "f", "parameters": schema}
    return [*cases, developer("keys of digits", tools=namespace("n", tool))]


def formats() -> list[dict[str, Any]]:
    """Return developer prompts with response formats, which the reference has not."""
    schema = {"type": "object", "properties": {"größe": {"type": "number"}}}
    one = {"name": "size", "schema": schema}
    values = {"enum": [*NUMBERS, '\u0000\u001f\u007f\u2028\\"/', None, True, [], {}]}
    keys = {"properties": {"10": {"9": 1, "8": 2}, "b": {}, "1": {}}}
    digits = {"name": "digits", "schema": keys}
    said = {"instructions": "Be brief.", "tools": namespace("functions", WEATHER)}
    return [
        developer("a format", response_formats=[one]),
        developer("no format in the list", response_formats=[]),
        developer("a format behind all else", **said, response_formats=[one]),
        developer("two formats", response_formats=[one, {"name": "b", "schema": {}}]),
        developer("JSON values", response_formats=[{"name": "v", "schema": values}]),
        developer("keys of digits in a format", response_formats=[digits]),
        *(
            developer(
                f"format described {json.dumps(text)}",
                response_formats=[{**one, "description": text}],
            )
            for text in LINES
        ),
    ]


def random_developers() -> list[dict[str, Any]]:
    """Return developer prompts whose tools have generated schemas."""
    draw = Random(18)
    cases = []
    for number, schema in enumerate(itertools.islice(schemas(18), RANDOM_CASES)):
        tool = {"name": f"f{number}", "parameters": schema}
        if draw.random() < 0.5:
            tool["description"] = draw.choice(LINES)
        cases.append(developer(f"random {number}", tools=namespace("n", tool)))
    for number in range(RANDOM_CASES // 4):
        property_ = {"default": any_json(draw, 3)}
        schema = {"type": "object", "properties": {"a": property_}}
        tool = {"name": "f", "parameters": schema}
        cases.append(developer(f"random default {number}", tools=namespace("n", tool)))
    return cases


def refused() -> list[dict[str, Any]]:
    """Return messages that are refused, each with the path of what is wrong."""

    def of(role: str, content: Any, **fields: Any) -> dict[str, Any]:
        return {"role": role, "content": content, **fields}

    def inside(**fields: Any) -> dict[str, Any]:
        return of("developer", [{"type": "developer_content", **fields}])

    def asked(**fields: Any) -> dict[str, Any]:
        return of("system", [{"type": "system_content", **fields}])

    tool = {"name": "f", "parameters": []}
    return [
        {"why": f"refused {number}: {error}", "message": message, "error": error}
        for number, (message, error) in enumerate(
            [
                ({"content": "x"}, "role"),
                ({"role": "user"}, "content"),
                (of("bob", "x"), "role"),
                (of("user", 5), "content"),
                (of("user", [5]), "content[0]"),
                (of("user", [{"text": "x"}]), "content[0].type"),
                (of("user", [{"type": "image"}]), "content[0].type"),
                (of("user", [{"type": "text"}]), "content[0].text"),
                (of("user", [{"type": "text", "text": 5}]), "content[0].text"),
                (of("user", "x", channel=5), "channel"),
                (of("user", "x", recipient=[]), "recipient"),
                (of("user", "x", content_type={}), "content_type"),
                (of("tool", "x", name=5), "name"),
                (asked(reasoning_effort="huge"), "content[0].reasoning_effort"),
                (asked(model_identity=5), "content[0].model_identity"),
                (asked(knowledge_cutoff=5), "content[0].knowledge_cutoff"),
                (
                    asked(conversation_start_date=5),
                    "content[0].conversation_start_date",
                ),
                (asked(channel_config=5), "content[0].channel_config"),
                (asked(channel_config={}), "content[0].channel_config.valid_channels"),
                (asked(tools=[]), "content[0].tools"),
                (inside(instructions=5), "content[0].instructions"),
                (inside(tools={"n": 5}), "content[0].tools.n"),
                (inside(tools={"n": {}}), "content[0].tools.n.name"),
                (inside(tools={"a b": {}}), "content[0].tools['a b'].name"),
                (inside(tools=namespace("n", {})), "content[0].tools.n.tools[0].name"),
                (
                    inside(tools=namespace("n", tool)),
                    "content[0].tools.n.tools[0].parameters",
                ),
                (inside(response_formats={}), "content[0].response_formats"),
                (inside(response_formats=[{}]), "content[0].response_formats[0].name"),
                (
                    inside(response_formats=[{"name": "f", "schema": []}]),
                    "content[0].response_formats[0].schema",
                ),
            ],
            1,
        )
    ]


def with_text(asked: Any, case: dict[str, Any]) -> dict[str, Any]:
    """Return a case with its text, and who says so."""
    if "message" in case:
        return case
    if "response_formats" in case["content"]:
        return {**case, "text": rule_text(case), "source": "rule"}
    return {**case, "text": reference_text(asked, case)}


def rule_text(case: dict[str, Any]) -> str:
    """Return the text that harmony writes."""
    content = content_from_dict(case["content"])
    return content_text(content, Role(case["role"]), case["function_tools"])


def reference_text(asked: Any, case: dict[str, Any]) -> str:
    """Return the text that the reference writes."""
    module, encoding = asked
    content = described(case["content"])
    message = module.Message.from_dict({"role": case["role"], "content": [content]})
    options = module.RenderOptions(
        conversation_has_function_tools=case["function_tools"]
    )
    said: str = encoding.decode_utf8(encoding.render(message, options))
    before = f"<|start|>{case['role']}<|message|>"
    return said.removeprefix(before).removesuffix("<|end|>")


def described(content: Any) -> Any:
    """Return a content whose tools have a description each: the reference wants one."""
    copy = json.loads(json.dumps(content))
    for group in (copy.get("tools") or {}).values():
        for tool in group["tools"]:
            tool.setdefault("description", "")
    return copy


def file() -> str:
    """Return the text of the file."""
    module = importlib.import_module("openai_harmony")
    encoding = module.load_harmony_encoding(module.HarmonyEncodingName.HARMONY_GPT_OSS)
    cases = [*systems(), *developers(), *numbers(), *formats()]
    cases += [*random_developers(), *refused()]
    made = [with_text((module, encoding), case) for case in cases]
    return "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in made)


def main() -> int:
    """Write the file, or compare it with what would be written."""
    path = FOLDER / "prompts.jsonl"
    if "--check" in sys.argv[1:]:
        return int(path.read_text(encoding="utf-8") != file())
    path.write_text(file(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
