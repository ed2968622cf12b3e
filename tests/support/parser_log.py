"""The event logs of test-data/parser.txt: reading them, and writing them again.

A block is a title, what is fed, and what can be seen of the parser after each token::

    == one message
    role: assistant
    text: <|channel|>final<|message|>hi<|end|>
      <|channel|>   Header role=assistant
      ...

``text`` is harmony text in which special tokens are special; ``tokens`` is a list of
ids in its place, where text can't say it. ``role`` and ``strict: no`` are optional.
``differs`` says why the reference does not do the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from harmony import HarmonyEncoding, HarmonyError, StreamableParser

from . import TEST_DATA

FILE = TEST_DATA / "parser.txt"
KEYS = ("role", "strict", "text", "tokens", "differs")


@dataclass
class Block:
    """One case: what comes before it in the file, its title, its inputs, its log."""

    comment: str
    title: str
    inputs: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    @property
    def role(self) -> str | None:
        return self.inputs.get("role")

    @property
    def strict(self) -> bool:
        return self.inputs.get("strict", "yes") == "yes"

    def tokens(self, encoding: HarmonyEncoding) -> list[int]:
        if "tokens" in self.inputs:
            ids: list[int] = json.loads(self.inputs["tokens"])
            return ids
        text: str = self.inputs["text"].encode().decode("unicode_escape")
        text = text.encode("latin-1").decode()
        return encoding.encode(text, allowed_special="all")


def read(text: str) -> list[Block]:
    """Return the blocks of a log file."""
    blocks: list[Block] = []
    comment = ""
    for line in text.splitlines():
        if line.startswith("== "):
            blocks.append(Block(comment, line[3:]))
            comment = ""
        elif line.startswith("  "):
            blocks[-1].log.append(line)
        elif line.startswith("#"):
            comment += line + "\n"
        elif line:
            key, _, value = line.partition(": ")
            assert key in KEYS, line
            blocks[-1].inputs[key] = value
    return blocks


def write(blocks: list[Block]) -> str:
    """Return the text of a log file."""
    parts = []
    for block in blocks:
        inputs = [f"{key}: {value}" for key, value in block.inputs.items()]
        lines = [f"== {block.title}", *inputs, *block.log]
        parts.append((block.comment and block.comment + "\n") + "\n".join(lines) + "\n")
    return "\n".join(parts)


def log(block: Block, encoding: HarmonyEncoding) -> list[str]:
    """Return the log of a block: a line for each token, the end, each message."""
    parser = StreamableParser(encoding, block.role, strict=block.strict)
    lines = []
    for token in [*block.tokens(encoding), None]:
        try:
            parser.process_eos() if token is None else parser.process(token)
            error = ""
        except HarmonyError as caught:
            error = f" error={caught}"
        name = "end of stream" if token is None else token_name(token, encoding)
        lines.append(f"  {name:<16}{' '.join(seen(parser))}{error}")
    messages = [json.dumps(m.to_dict(), ensure_ascii=False) for m in parser.messages]
    return [*lines, *(f"  -> {message}" for message in messages)]


def token_name(token: int, encoding: HarmonyEncoding) -> str:
    """Return a special token or an unknown id as it is, other tokens in quotes."""
    try:
        data = encoding.decode_bytes([token])
    except HarmonyError:
        return str(token)
    if encoding.is_special_token(token):
        return data.decode()
    try:
        return repr(data.decode())
    except UnicodeDecodeError:
        return repr(data)


def seen(parser: StreamableParser) -> Iterator[str]:
    """Give what can be seen of a parser and is not None."""
    yield parser.state.value
    if parser.current_role is not None:
        yield f"role={parser.current_role.value}"
    for name in ("channel", "recipient", "content_type"):
        value = getattr(parser, f"current_{name}")
        if value is not None:
            yield f"{name}={value!r}"
    if parser.last_content_delta is not None:
        yield f"delta={parser.last_content_delta!r}"
