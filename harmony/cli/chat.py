"""``harmony chat``: a request of the OpenAI APIs, to the prompt it becomes."""

from __future__ import annotations

import argparse
from typing import Any

from harmony import chat, grammar, responses
from harmony._model.jsontext import load
from harmony.cli.files import json_line, read
from harmony.cli.job import add_render_options
from harmony.cli.screen import on_terminal
from harmony.encoding import HarmonyEncoding

HELP = "Turn a request of the OpenAI APIs into tokens"


def add_options(verb: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    verb.add_argument(
        "--responses",
        action="store_true",
        help="FILE is a request of the Responses API, not of chat completions",
    )
    verb.add_argument(
        "--text", action="store_true", help="print the prompt's text, not its tokens"
    )
    verb.add_argument(
        "--grammar",
        choices=["lark", "structural_tag"],
        help="print what the model may write instead: Lark for llguidance, or a "
        "structural tag for xgrammar",
    )
    verb.add_argument(
        "--date", metavar="DATE", help="what day it is for the model (default: today)"
    )
    add_render_options(verb, drop_analysis="per_turn")
    verb.add_argument(
        "--unknown-tools",
        choices=["error", "skip"],
        default="error",
        help="what to do about tools that are not known here (default: %(default)s)",
    )


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    make = responses.prompt if options.responses else chat.prompt
    prompt = make(
        _request(options.file),
        date=options.date,
        drop_analysis=options.drop_analysis,
        header=options.header,
        unknown_tools=options.unknown_tools,
        schemas=options.schemas,
    )
    if options.grammar == "lark":
        return on_terminal(grammar.for_prompt(prompt).lark())
    if options.grammar == "structural_tag":
        return json_line(grammar.for_prompt(prompt).structural_tag())
    tokens = prompt.tokens(encoding)
    if options.text:
        return on_terminal(encoding.decode(tokens))
    return json_line(tokens)


def _request(path: str) -> Any:
    try:
        return load(read(path))
    except ValueError as error:
        raise ValueError(f"not a request in JSON: {error}") from None
