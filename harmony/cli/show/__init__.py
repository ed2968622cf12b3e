"""``harmony show``: text or tokens, to look at as messages."""

from __future__ import annotations

import argparse
import os
import re
import sys

from harmony.cli.files import about, decoded, json_tokens, read
from harmony.cli.show.reading import Reading, read_messages
from harmony.encoding import HarmonyEncoding
from harmony.errors import HarmonyError
from harmony.messages import Role

HELP = "Text or tokens, to look at as messages"

RICH_IS_MISSING = (
    "to show this on a terminal takes the library rich: pip install "
    "'harmony-format[show]' (--html does without)"
)


def add_options(show: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    show.add_argument(
        "--text", action="store_true", help="a JSON list in FILE is text, not token ids"
    )
    show.add_argument(
        "--role",
        choices=[*(role.value for role in Role), "none"],
        help="who writes the first message, whose header is open (default: none if "
        "FILE begins with <|start|>, else assistant)",
    )
    show.add_argument(
        "--tokens", action="store_true", help="show where a token ends and one begins"
    )
    show.add_argument("--ids", action="store_true", help="show the ids of tokens")
    show.add_argument(
        "--html",
        metavar="PAGE",
        help="write a page for the browser, which needs nothing else",
    )


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    tokens = _shown_tokens(options, encoding)
    role = options.role
    if role is None:
        begins = encoding.decode(tokens[:1]) == "<|start|>"
        role = "none" if begins else "assistant"
    reading = read_messages(encoding, tokens, None if role == "none" else role)
    if options.html is None:
        return _drawn(reading, options)
    from harmony.cli.show.page import page

    name = "standard input" if options.file == "-" else os.path.basename(options.file)
    with (
        about(options.html),
        open(options.html, "w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(page(reading, name, options.tokens, options.ids))
    return ""


def _drawn(reading: Reading, options: argparse.Namespace) -> str:
    try:
        from harmony.cli.show.terminal import Drawing, draw
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "rich":
            raise
        raise HarmonyError(RICH_IS_MISSING) from None
    return draw(reading, sys.stdout, Drawing(options.tokens, options.ids))


def _shown_tokens(options: argparse.Namespace, encoding: HarmonyEncoding) -> list[int]:
    """Return tokens as they are given, or those of text."""
    data = read(options.file)
    if not options.text and _looks_like_ids(data):
        return json_tokens(data)
    return encoding.encode(decoded(data), allowed_special="all")


def _looks_like_ids(data: bytes) -> bool:
    return re.match(rb"\s*\[\s*(-?[0-9]|\]\s*$)", data) is not None
