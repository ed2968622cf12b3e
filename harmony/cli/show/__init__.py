"""``harmony show``: text, tokens or a conversation, shown as messages."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from dataclasses import replace
from typing import Any

from harmony._model.jsontext import read_json
from harmony._training.keys import row_format
from harmony._training.options import FORMATS
from harmony.batch import MASK_KINDS, Rows
from harmony.cli.files import about, decoded, json_tokens, read, text_tokens
from harmony.cli.show.layout import Drawing
from harmony.cli.show.reading import Reading, read_messages
from harmony.encoding import HarmonyEncoding
from harmony.messages import Role

HELP = "Show text, tokens or a conversation as messages"


def add_options(show: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    show.add_argument(
        "--text", action="store_true", help="FILE is text, even if it looks like JSON"
    )
    show.add_argument(
        "--role",
        choices=[*(role.value for role in Role), "none"],
        help="who writes the first message, if its header is begun by the prompt "
        "(default: none if FILE begins with <|start|>, else assistant); a conversation "
        "in JSON says so itself",
    )
    show.add_argument(
        "--tokens",
        action="store_true",
        help="show where one token ends and the next begins",
    )
    show.add_argument("--ids", action="store_true", help="show the ids of tokens")
    show.add_argument(
        "--mask",
        choices=MASK_KINDS,
        help="show what is trained on of a conversation in JSON: what the model writes "
        "itself, the assistant's messages whole, or their contents",
    )
    show.add_argument(
        "--format",
        choices=FORMATS,
        help="what a conversation in JSON is: a chat, as OpenAI's API and Hugging "
        "Face's datasets have it, or harmony's JSON (default: found out by its keys)",
    )
    show.add_argument(
        "--date",
        metavar="DATE",
        help="what day it is for the model, in chats (default: today)",
    )
    show.add_argument(
        "--html",
        metavar="PAGE",
        help="write a page for the browser instead, which needs no other file",
    )


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    reading = _read(options, encoding)
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
    drawing = Drawing(options.tokens, options.ids)
    try:
        from harmony.cli.show import terminal
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "rich":
            raise
        from harmony.cli.show import plain

        return plain.draw(reading, drawing)
    return terminal.draw(reading, sys.stdout, drawing)


def _read(options: argparse.Namespace, encoding: HarmonyEncoding) -> Reading:
    """Return what FILE says, be it text, tokens or a conversation."""
    data = read(options.file)
    row = None if options.text else _row(data)
    if row is not None:
        return _read_row(row, options, encoding)
    if options.mask is not None:
        raise ValueError("--mask is for a conversation in JSON")
    if not options.text and _looks_like_ids(data):
        tokens = json_tokens(data)
    else:
        tokens = text_tokens(decoded(data), encoding)
    return read_messages(encoding, tokens, _first_role(options.role, tokens, encoding))


def _read_row(
    row: dict[str, Any], options: argparse.Namespace, encoding: HarmonyEncoding
) -> Reading:
    """Return what a conversation or a chat says, and what of it is trained on."""
    from harmony._training.job import Job

    job = Job(
        format=options.format or row_format(row),
        purpose="conversation" if options.mask is None else "training",
        mask=options.mask,
        date=options.date or time.strftime("%Y-%m-%d"),
    )
    rows = Rows()
    rows.add(job.reader()(row))
    batch = job.render(encoding, rows)
    reading = read_messages(encoding, batch.tokens.tolist())
    return reading if options.mask is None else replace(reading, mask=batch.mask)


def _first_role(
    given: str | None, tokens: list[int], encoding: HarmonyEncoding
) -> str | None:
    """Return who writes the first message; None if the tokens say that."""
    if given is not None:
        return None if given == "none" else given
    return None if encoding.decode(tokens[:1]) == "<|start|>" else "assistant"


def _looks_like_ids(data: bytes) -> bool:
    return re.match(rb"\s*\[\s*(-?[0-9]|\]\s*$)", data) is not None


def _row(data: bytes) -> dict[str, Any] | None:
    """Return the conversation in JSON, be it one message or a list of them.

    None if the data is anything else. Raises ``ValueError`` for broken JSON that has
    the keys of a conversation.
    """
    if not data.lstrip().startswith((b"{", b"[")) or _looks_like_ids(data):
        return None
    try:
        form = read_json("Conversation", data)
    except ValueError:
        if re.match(rb'\s*\{\s*"messages"\s*:\s*\[', data):
            raise
        return None
    if isinstance(form, dict) and "messages" in form:
        return form
    messages = form if isinstance(form, list) else [form]
    if messages and all(map(_looks_like_message, messages)):
        return {"messages": messages}
    return None


def _looks_like_message(form: object) -> bool:
    return isinstance(form, dict) and {"role", "content"} <= form.keys()
