"""Generated cases for comparing with openai-harmony 0.0.8, and the comparison.

Everything is made from a ``random.Random``, so a seed is a case. ``shortest`` makes a
failing sequence of tokens as short as it gets before it is printed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

import harmony
from harmony import HarmonyEncoding

from .schemas import schemas

COUNT = int(os.environ.get("HARMONY_DIFFERENTIAL", "100"))
"""How many cases each differential test tries."""

HARMONY_ERROR = "HarmonyError"
"""What stands for any error of either library."""

STOP_TOKENS = (200002, 200007, 200012)

TEXTS = [
    "",
    "hi",
    "What is 2 + 2?",
    "def f(x):\n    return x\n",
    "naïve café 😀👩‍👩‍👧",
    "<|start|>assistant<|end|>",
    "  \n\n ",
    "línea uno\r\nlínea dos",
    "数学 1234567",
    "x" * 50,
]
CHANNELS = [None, None, "analysis", "commentary", "final", "", "fi nal"]
RECIPIENTS = [None, None, None, "functions.f", "all", "assistant", "", "a b"]
CONTENT_TYPES = [
    None,
    None,
    "json",
    "<|constrain|>json",
    "<|constrain|> json",
    "<|constrain|>",
    "",
]
NAMES = [None, None, "bob", "functions.get_weather", ""]


# Conversations, as keyword arguments that both libraries take


def make_tools(random: Random, module: Any) -> Any:
    """Return a dict of namespaces, or None."""
    if random.random() < 0.5:
        return None
    tools = {}
    for _ in range(random.randrange(4)):
        key = random.choice(["functions", "browser", "python", "b", "a", "é"])
        tools[key] = random.choice(
            [
                module.ToolNamespaceConfig.browser,
                module.ToolNamespaceConfig.python,
                lambda: _namespace(random, module),
            ]
        )()
    return tools


def _namespace(random: Random, module: Any) -> Any:
    return module.ToolNamespaceConfig(
        name=random.choice(["functions", "b", "tools.x", ""]),
        description=random.choice([None, "", "One.", "Two\nlines.", "\n", "a\r\nb\n"]),
        tools=[
            module.ToolDescription(
                name=random.choice(["f", "get_x", "a-b", "ü"]),
                description=random.choice(["", "Does it.", "Two\nlines.", "\n\n"]),
                parameters=random.choice([None, next(schemas(random.getrandbits(32)))]),
            )
            for _ in range(random.randrange(3))
        ],
    )


def make_content(random: Random, module: Any, role: str) -> Any:
    """Return one content item; sometimes one that the role can't have."""
    kind = random.random()
    if (role == "system" and kind < 0.8) or kind < 0.02:
        return module.SystemContent(
            model_identity=random.choice([None, "", "You are X.\nReally."]),
            reasoning_effort=random.choice([None, *module.ReasoningEffort]),
            conversation_start_date=random.choice([None, "2025-06-28", ""]),
            knowledge_cutoff=random.choice([None, "2024-06", ""]),
            channel_config=random.choice(
                [
                    None,
                    module.ChannelConfig(valid_channels=[], channel_required=True),
                    module.ChannelConfig(valid_channels=["a"], channel_required=False),
                    module.ChannelConfig.require_channels(["analysis", "final"]),
                ]
            ),
            tools=make_tools(random, module),
        )
    if (role == "developer" and kind < 0.8) or kind < 0.04:
        return module.DeveloperContent(
            instructions=random.choice([None, "", "Be brief.", "Two\nlines.\n"]),
            tools=make_tools(random, module),
        )
    return module.TextContent(text=random.choice(TEXTS))


def make_message(random: Random, module: Any) -> Any:
    """Return a message."""
    role = random.choice(
        ["user", "assistant", "assistant", "system", "developer", "tool"]
    )
    name = random.choice(NAMES)
    if role == "tool" and random.random() < 0.9:
        name = "functions.f"
    return module.Message(
        author=module.Author(role=module.Role(role), name=name),
        content=[
            make_content(random, module, role)
            for _ in range(random.choice([0, 1, 1, 1, 1, 1, 2, 3]))
        ],
        channel=random.choice(CHANNELS),
        recipient=random.choice(RECIPIENTS),
        content_type=random.choice(CONTENT_TYPES),
    )


def rendered(seed: int, module: Any, encoding: Any) -> dict[str, Any]:
    """Return what all four ways of rendering make of the conversation of a seed."""
    random = Random(seed)
    messages = [make_message(random, module) for _ in range(random.randrange(8))]
    conversation = module.Conversation(messages=messages)
    drop = random.random() < 0.7
    config = module.RenderConversationConfig(auto_drop_analysis=drop)
    role = module.Role(random.choice(["assistant", "user", "tool"]))
    has_tools = random.random() < 0.5
    options = module.RenderOptions(conversation_has_function_tools=has_tools)
    ways: dict[str, Callable[[], Any]] = {
        "conversation": lambda: encoding.render_conversation(conversation, config),
        "completion": lambda: encoding.render_conversation_for_completion(
            conversation, role, config
        ),
        "training": lambda: encoding.render_conversation_for_training(
            conversation, config
        ),
        "messages": lambda: [encoding.render(m, options) for m in messages],
    }
    return {way: outcome(call) for way, call in ways.items()}


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or that it raised the library's error."""
    try:
        return call()
    except RuntimeError:
        return HARMONY_ERROR


# Token sequences


class Tokens:
    """Sequences of tokens: well-formed, damaged and random ones."""

    WORDS = (
        ["assistant", "user", "tool", "system", " to=", "functions.f", "functions"]
        + [" json", "final", "analysis", "commentary", " ", "  ", "\n", "\t", "a"]
        + ["b c", "{}", "é", "😀", "\u00a0", "<", "assistant to=x", "\x0b", "to= x"]
    )
    PARTS = (
        "<|channel|>final<|message|>",
        "<|start|>assistant",
        "<|channel|>analysis<|message|>hi",
        "<|end|>",
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
        "<|start|>user<|message|>",
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>{}<|end|>",
    )
    SPECIAL = [200005, 200006, 200007, 200008, 200002, 200012, 200003] + [
        199998,
        199999,
        200013,
        201088,
    ]

    def __init__(self, encoding: HarmonyEncoding) -> None:
        """Prepare the parts, and the tokens whose bytes are not valid UTF-8."""
        self.parts = [encoding.encode(p, allowed_special="all") for p in self.PARTS]
        self.words = [encoding.encode(word) for word in self.WORDS]
        self.broken = [
            token
            for token in range(199_998)
            if "\ufffd" in encoding.decode([token])
            and encoding.decode_bytes([token]).decode(errors="ignore") != "\ufffd"
        ]

    def sequence(self, random: Random) -> list[int]:
        """Return one sequence."""
        tokens: list[int] = []
        for _ in range(random.randrange(1, 14)):
            kind = random.random()
            if kind < 0.35:
                tokens += random.choice(self.parts)
            elif kind < 0.65:
                tokens += random.choice(self.words)
            elif kind < 0.85:
                tokens.append(random.choice(self.SPECIAL))
            elif kind < 0.97:
                tokens.append(random.choice(self.broken))
            else:
                tokens.append(random.randrange(201_089))
        return tokens


def observed(parser: Any, call: Callable[[], Any]) -> dict[str, Any]:
    """Return what can be seen of a parser after a call."""
    role = None
    result = outcome(call)
    if parser.current_role is not None:
        role = parser.current_role.value
    return {
        "error": result == HARMONY_ERROR,
        "state": parser.state.name,
        "role": role,
        "channel": parser.current_channel,
        "recipient": parser.current_recipient,
        "content_type": parser.current_content_type,
        "delta": parser.last_content_delta,
        "content": parser.current_content,
        "messages": [message_form(message) for message in parser.messages],
    }


def message_form(message: Any) -> dict[str, Any]:
    """Return a message's JSON form as ours is: without None, with plain strings."""
    form = {key: value for key, value in message.to_dict().items() if value is not None}
    form["role"] = message.author.role.value
    return form


def first_difference(
    tokens: list[int], role: str | None, strict: bool, theirs: Any, ours: Any
) -> str | None:
    """Return where two parsers begin to differ on tokens and the end of stream.

    ``theirs`` and ``ours`` make a parser from a role and ``strict``. One difference is
    documented in docs/differences.md: what a token that finishes a message completes
    is its delta with us, and no delta in the reference.
    """
    a, b = theirs(role, strict), ours(role, strict)
    for token in [*tokens, None]:
        their = observed(
            a, a.process_eos if token is None else lambda: a.process(token)
        )
        our = observed(b, b.process_eos if token is None else lambda: b.process(token))
        if token in (None, *STOP_TOKENS) and their["delta"] is None and our["delta"]:
            last = our["messages"][-1]["content"][0]["text"]
            if last.endswith(our["delta"]):
                our["delta"] = None
        if their != our:
            return f"{tokens} {role=} {strict=} at {token}:\n{their}\n{our}"
    return None


def shortest(tokens: list[int], differs: Callable[[list[int]], bool]) -> list[int]:
    """Return a sequence as short as it gets by leaving out stretches of it."""
    size = len(tokens) // 2
    while size > 0:
        for start in range(0, len(tokens), size):
            shorter = tokens[:start] + tokens[start + size :]
            if differs(shorter):
                return shortest(shorter, differs)
        size //= 2
    return tokens


def our_parser(encoding: HarmonyEncoding) -> Callable[[str | None, bool], Any]:
    """Return a maker of our parsers."""
    return lambda role, strict: harmony.StreamableParser(encoding, role, strict=strict)


def their_parser(reference: Any) -> Callable[[str | None, bool], Any]:
    """Return a maker of the reference's parsers."""
    module = reference.module
    return lambda role, strict: module.StreamableParser(
        reference.encoding, None if role is None else module.Role(role), strict=strict
    )
