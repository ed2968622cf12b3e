"""``harmony doctor``: what is in use here, and whether it works."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from importlib.machinery import PathFinder

import harmony
from harmony.cli.screen import on_terminal, tell
from harmony.encoding import HarmonyEncoding
from harmony.errors import HarmonyError
from harmony.messages import Conversation, Message, Role
from harmony.parser import StreamableParser
from harmony.vocabulary import FOLDER_VARIABLE, PACKAGED, vocabulary_path

HELP = "Say what is in use here, and check that it works"

EXTRAS = {
    "orjson": "faster JSON",
    "regex": "tokenizers with patterns of their own",
    "rich": "harmony show in colour",
    "pyarrow": "batches of rows, Parquet",
    "llguidance": "constrained decoding",
    "pydantic": "fields of models, and errors of its kind",
}
"""What makes harmony do more, or faster, where it is installed."""

SAME_MODULE = ("openai-harmony", "oss-harmony", "harmony-format-compat")
"""The distributions that hold the module ``openai_harmony``."""

TEXT = "The quick brown fox: 1234567 naïve café\n\n  def f(x):\t世界 Привет 🙂"
TOKENS = [
    *(976, 4853, 19705, 68347, 25, 220, 7633, 19354, 22, 153475, 737, 30469, 279, 220),
    *(1056, 285, 4061, 3127, 197, 28428, 14917, 131903, 26192),
]
"""What tiktoken's ``o200k_harmony`` makes of ``TEXT``."""

PROMPT = "<|start|>user<|message|>Hi<|end|><|start|>assistant"
BROKEN = "<|channel|>final 4-word title<|message|>A parser<|return|>"
"""A header as models write it at times; only a parser that repairs takes it."""


def add_options(doctor: argparse.ArgumentParser) -> None:
    """Say what complaints name; the verb takes no FILE."""
    doctor.set_defaults(file="doctor")


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print. Raises ``HarmonyError`` if something does not work."""
    report = {
        "harmony": f"{harmony.__version__}, {os.path.dirname(harmony.__file__)}",
        "python": f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
        "vocabulary": _vocabulary(),
        "openai_harmony": _who_answers(),
        **dict(_extras()),
    }
    lines = [f"{name:<16}{text}" for name, text in report.items()]
    try:
        _check(encoding)
    except HarmonyError:
        tell("\n".join(lines))
        raise
    lines.append(f"{'check':<16}a text, a prompt and a broken reply are right")
    return on_terminal("\n".join(lines) + "\n")


def _vocabulary() -> str:
    path = vocabulary_path()
    why = "in the package" if path == PACKAGED else f"as {FOLDER_VARIABLE} says"
    return f"o200k_harmony, {path} ({why})"


def _who_answers() -> str:
    """Return what a program gets that imports ``openai_harmony``."""
    present = {name: version for name in SAME_MODULE if (version := _version(name))}
    found = PathFinder.find_spec("openai_harmony")
    if found is None:
        return "not here; harmony.compat.install() gives it to a process"
    named = ", ".join(f"{name} {version}" for name, version in present.items())
    text = f"{named or 'of no distribution'}, {found.origin}"
    if len(present) > 1:
        text += "; only one of these should be installed: they overwrite each other"
    return text


def _extras() -> Iterator[tuple[str, str]]:
    for name, use in EXTRAS.items():
        yield name, f"{_version(name) or 'not installed'} ({use})"


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _check(encoding: HarmonyEncoding) -> None:
    """Raise ``HarmonyError`` unless what is known by heart comes out."""
    tokens = encoding.encode(TEXT)
    _compare("the tokens of a text", tokens, TOKENS)
    _compare("their text", encoding.decode(tokens), TEXT)
    talk = Conversation([Message("user", "Hi")])
    prompt = encoding.render_conversation_for_completion(talk, Role.ASSISTANT)
    _compare("a prompt", encoding.decode(prompt), PROMPT)
    parser = StreamableParser(encoding, Role.ASSISTANT, on_error="recover")
    parser.feed(encoding.encode(BROKEN, allowed_special="all"))
    repaired = [(message.channel, message.text) for message in parser.messages]
    _compare("a broken reply", repaired, [("final", "A parser")])
    _compare("its warnings", len(parser.warnings), 1)


def _compare(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise HarmonyError(f"{what}: {found!r}, where {expected!r} is right")
