"""``harmony decode``: tokens to text."""

from __future__ import annotations

import argparse

from harmony.cli.files import read_tokens
from harmony.encoding import HarmonyEncoding

HELP = "Turn tokens into text"


def add_options(decode: argparse.ArgumentParser) -> None:
    """Add nothing: the verb takes FILE alone."""


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    return encoding.decode(read_tokens(options.file))
