"""``harmony encode``: text to tokens."""

from __future__ import annotations

import argparse

from harmony.cli.files import json_line, read_text
from harmony.encoding import HarmonyEncoding

HELP = "Turn text into tokens"


def add_options(encode: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    encode.add_argument(
        "--special",
        action="store_true",
        help="text that spells a special token becomes that token",
    )


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    text = read_text(options.file)
    if options.special:
        return json_line(encoding.encode(text, allowed_special="all"))
    return json_line(encoding.encode(text, disallowed_special=()))
