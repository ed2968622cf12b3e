"""``harmony show``: text, tokens or a conversation, shown as messages."""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import replace

from harmony import training
from harmony._model.jsontext import read_json
from harmony.batch import MASK_KINDS, MaskKind
from harmony.cli.files import about, decoded, json_tokens, read, text_tokens
from harmony.cli.show.layout import Drawing
from harmony.cli.show.reading import Reading, read_messages
from harmony.encoding import HarmonyEncoding
from harmony.messages import Conversation, RenderConversationConfig, Role

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
    conversation = None if options.text else _conversation(data)
    if options.mask is not None:
        return _read_example(conversation, options.mask, encoding)
    if conversation is not None:
        config = RenderConversationConfig(auto_drop_analysis=False)
        return read_messages(
            encoding, encoding.render_conversation(conversation, config)
        )
    if not options.text and _looks_like_ids(data):
        tokens = json_tokens(data)
    else:
        tokens = text_tokens(decoded(data), encoding)
    return read_messages(encoding, tokens, _first_role(options.role, tokens, encoding))


def _read_example(
    conversation: Conversation | None, mask: MaskKind, encoding: HarmonyEncoding
) -> Reading:
    """Return what a conversation is trained on."""
    if conversation is None:
        raise ValueError("--mask is for a conversation in JSON")
    example = training.example(encoding, conversation, mask=mask)
    reading = read_messages(encoding, example.tokens)
    return replace(reading, mask=example.mask)


def _first_role(
    given: str | None, tokens: list[int], encoding: HarmonyEncoding
) -> str | None:
    """Return who writes the first message; None if the tokens say that."""
    if given is not None:
        return None if given == "none" else given
    return None if encoding.decode(tokens[:1]) == "<|start|>" else "assistant"


def _looks_like_ids(data: bytes) -> bool:
    return re.match(rb"\s*\[\s*(-?[0-9]|\]\s*$)", data) is not None


def _conversation(data: bytes) -> Conversation | None:
    """Return the conversation in JSON, be it one message or a list of them.

    None if the data is anything else. Raises ``ValueError`` for a mistake in what has
    the keys of a conversation or of messages.
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
        return Conversation.from_dict(form)
    messages = form if isinstance(form, list) else [form]
    if messages and all(map(_looks_like_message, messages)):
        return Conversation.from_dict({"messages": messages})
    return None


def _looks_like_message(form: object) -> bool:
    return isinstance(form, dict) and {"role", "content"} <= form.keys()
