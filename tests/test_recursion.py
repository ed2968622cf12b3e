"""A recursion limit of 200, as programs with small stacks set it, is enough."""

from __future__ import annotations

import subprocess
import sys

import pytest

from support import TEST_DATA

BEGIN = """
import sys
sys.setrecursionlimit(200)

def nested(depth):
    schema = {"type": "string", "description": "innermost"}
    for _ in range(depth):
        schema = {
            "type": "object",
            "properties": {"a": schema, "b": {"type": "array", "items": schema}},
            "required": ["a"],
        } if depth < 6 else {"type": "object", "properties": {"a": schema}}
    return schema

def talk(depth):
    from harmony import Conversation, DeveloperContent, Message, ToolDescription
    tool = ToolDescription.new("f", "Does it.", nested(depth))
    content = DeveloperContent.new().with_function_tools([tool])
    return Conversation.from_messages(
        [Message("developer", content), Message("user", "hi")]
    )

from harmony import load_harmony_encoding
encoding = load_harmony_encoding("HarmonyGptOss")
"""
DEPTH = 20
"""Objects in objects; schemas of real tools have four or five."""

PARTS = {
    "import": "import harmony; [getattr(harmony, name) for name in harmony.__all__]",
    "import of all": "import harmony.chat, harmony.responses, harmony.cli, "
    "harmony.compat, harmony.tokenizer",
    "render": f"""
tokens = encoding.render_conversation_for_completion(talk({DEPTH}), "assistant")
assert "innermost" in encoding.decode(tokens)
encoding.render_conversation_for_training(talk(4))
""",
    "typescript": f"""
tokens = encoding.render(talk({DEPTH}).messages[0])
assert encoding.decode(tokens).count("a?: {{") >= {DEPTH - 1}
""",
    "JSON": f"""
from harmony import Conversation
form = talk({DEPTH}).to_json()
assert Conversation.from_json(form).to_json() == form
assert Conversation.from_dict(talk({DEPTH}).to_dict()) == talk({DEPTH})
""",
    "JSON without orjson": f"""
sys.modules["orjson"] = None
from harmony import Conversation
form = talk({DEPTH}).to_json()
assert Conversation.from_json(form).to_json() == form
""",
    "parse": """
from harmony import StreamableParser
text = "<|channel|>commentary to=functions.f<|message|>{}<|call|>" + "x" * 9999
for on_error in ("raise", "recover"):
    parser = StreamableParser(encoding, "assistant", on_error=on_error)
    for token in encoding.encode(text[:70], allowed_special="all"):
        try:
            parser.process(token)
        except RuntimeError as error:
            assert type(error).__name__ == "ParseError"
    assert parser.messages[0].recipient == "functions.f"
""",
    "chat": """
from harmony import chat
function = {"name": "f", "parameters": nested(4)}
request = {
    "model": "gpt-oss",
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"type": "function", "function": function}],
}
chat.prompt(request, date="2026-01-01").tokens(encoding)
""",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_small_recursion_limit_is_enough(part: str) -> None:
    subprocess.run([sys.executable, "-c", BEGIN + PARTS[part]], check=True, timeout=60)


@pytest.mark.parametrize("verb", ["render", "show", "encode"])
def test_the_command_needs_no_deep_stack(verb: str) -> None:
    code = (
        "import sys; sys.setrecursionlimit(200); from harmony.cli import main; "
        f"sys.exit(main([{verb!r}, {str(TEST_DATA / 'weather.json')!r}]))"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
