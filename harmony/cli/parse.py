"""``harmony parse``: tokens to messages in JSON."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from harmony.cli.files import json_line, read_text, read_tokens, text_tokens
from harmony.encoding import HarmonyEncoding
from harmony.messages import Role
from harmony.parser import OnError, StreamableParser

HELP = "Turn tokens into messages in JSON"


def add_options(parse: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    parse.add_argument(
        "--text",
        action="store_true",
        help="FILE is text that spells special tokens, not token ids",
    )
    parse.add_argument(
        "--role",
        choices=[*(role.value for role in Role), "none"],
        default="assistant",
        help="who writes the first message, if its header is begun by the prompt; "
        "none if FILE begins with <|start|> (default: %(default)s)",
    )
    parse.add_argument(
        "--recover",
        action="store_true",
        help="repair what is broken instead of complaining, and print the repairs too",
    )


def _read_tokens(path: str) -> list[int]:
    try:
        return read_tokens(path)
    except ValueError as error:
        raise ValueError(f"{error}; --text reads text") from None


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    if options.text:
        tokens = text_tokens(read_text(options.file), encoding)
    else:
        tokens = _read_tokens(options.file)
    role = None if options.role == "none" else options.role
    on_error: OnError = "recover" if options.recover else "raise"
    parser = StreamableParser(encoding, role, on_error=on_error)
    parser.feed(tokens)
    if parser.next_role is None:
        parser.process_eos()
    output: dict[str, object] = {
        "messages": [message.to_dict() for message in parser.messages]
    }
    if options.recover:
        output["warnings"] = [asdict(warning) for warning in parser.warnings]
    return json_line(output)
