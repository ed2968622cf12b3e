"""The command ``harmony``: render, parse, encode and decode from the shell."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict

from harmony.encoding import HarmonyEncoding, load_harmony_encoding
from harmony.errors import VocabularyError
from harmony.jsontext import dump, load
from harmony.messages import Conversation, RenderConversationConfig, Role
from harmony.parser import OnError, StreamableParser, StreamState, role_of_header

BAD_INPUT = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 for bad input, 2 for bad usage."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace, HarmonyEncoding], str] = options.run
    try:
        encoding = load_harmony_encoding("HarmonyGptOss")
    except VocabularyError as error:
        return _complain(error)
    try:
        output = run(options, encoding)
    except (RuntimeError, ValueError, OSError) as error:
        return _complain(error, f"{options.file}: ")
    return _write(output)


def _write(output: str) -> int:
    try:
        sys.stdout.buffer.write(output.encode())
        sys.stdout.flush()
    except OSError as error:
        # What is still in the buffer would be written, and fail, again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0  # The reader has gone, as in `harmony decode FILE | head`.
        return _complain(error, "standard output: ")
    return 0


def _complain(error: Exception, where: str = "") -> int:
    sys.stderr.write(f"harmony: {where}{_one_line(error)}\n")
    return BAD_INPUT


def _one_line(error: Exception) -> str:
    message = error.strerror if isinstance(error, OSError) else None
    return " ".join((message or str(error)).split())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harmony",
        description="The harmony response format of gpt-oss models. "
        "FILE is a path, or - for standard input.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace, HarmonyEncoding], str], what: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=f"{what}.")
        added.add_argument("file", metavar="FILE", help="a path, or - for stdin")
        added.set_defaults(run=run)
        return added

    _add_render_options(command("render", _render, "A conversation in JSON, to tokens"))
    _add_parse_options(command("parse", _parse, "Tokens, to messages in JSON"))
    command("encode", _encode, "Text, to tokens").add_argument(
        "--special", action="store_true", help="take special tokens in text as such"
    )
    command("decode", _decode, "Tokens, to text")
    return parser


def _add_render_options(render: argparse.ArgumentParser) -> None:
    render.add_argument(
        "--text", action="store_true", help="print the prompt's text, not its tokens"
    )
    render.add_argument(
        "--for",
        dest="purpose",
        choices=["completion", "training", "conversation"],
        default="completion",
        help="what the tokens are for (default: %(default)s)",
    )
    render.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default="assistant",
        help="who writes the next message of a completion (default: %(default)s)",
    )
    render.add_argument(
        "--keep-analysis",
        action="store_true",
        help="keep the messages on channel analysis of finished turns",
    )


def _add_parse_options(parse: argparse.ArgumentParser) -> None:
    parse.add_argument(
        "--text", action="store_true", help="read harmony text, not token ids"
    )
    parse.add_argument(
        "--role",
        choices=[*(role.value for role in Role), "none"],
        default="assistant",
        help="who writes the first message, whose header is open; none if the "
        "tokens begin with <|start|> (default: %(default)s)",
    )
    parse.add_argument(
        "--recover",
        action="store_true",
        help="repair what is broken, and print the warnings too",
    )


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read()
    with open(path, "rb") as file:
        return file.read()


def _read_text(path: str) -> str:
    data = _read(path)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"byte {error.start}: the text is not UTF-8 ({error.reason})"
        ) from None


def _read_tokens(path: str) -> list[int]:
    """Read token ids: a JSON array, or numbers separated by white space."""
    data = _read(path)
    if not data.lstrip().startswith(b"["):
        return [_token_id(index, word) for index, word in enumerate(data.split())]
    try:
        tokens = load(data)
    except ValueError as error:
        raise ValueError(f"not a JSON array of token ids: {error}") from None
    for index, token in enumerate(tokens):
        if type(token) is not int:
            raise ValueError(f"token {index}: {token!r} is not a token id")
    return list(tokens)


def _token_id(index: int, word: bytes) -> int:
    # int() takes 1_000 for a number too.
    if not re.fullmatch(rb"-?[0-9]{1,20}", word):
        shown = word[:20].decode(errors="replace")
        raise ValueError(f"token {index}: {shown!r} is not a token id")
    return int(word)


def _json(value: object) -> str:
    return dump(value) + "\n"


def _tokens_or_text(tokens: list[int], encoding: HarmonyEncoding, text: bool) -> str:
    return encoding.decode(tokens) if text else _json(tokens)


def _render(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    conversation = Conversation.from_json(_read(options.file))
    config = RenderConversationConfig(auto_drop_analysis=not options.keep_analysis)
    if options.purpose == "completion":
        tokens = encoding.render_conversation_for_completion(
            conversation, options.role, config
        )
    elif options.purpose == "training":
        tokens = encoding.render_conversation_for_training(conversation, config)
    else:
        tokens = encoding.render_conversation(conversation, config)
    return _tokens_or_text(tokens, encoding, options.text)


def _parse(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    if options.text:
        text = _read_text(options.file)
        tokens = encoding.encode(text, allowed_special="all")
    else:
        tokens = _read_tokens(options.file)
    role = None if options.role == "none" else options.role
    on_error: OnError = "recover" if options.recover else "raise"
    parser = StreamableParser(encoding, role, on_error=on_error)
    parser.feed(tokens)
    if not _waits_for_next_message(parser, encoding):
        parser.process_eos()
    output: dict[str, object] = {
        "messages": [message.to_dict() for message in parser.messages]
    }
    if options.recover:
        output["warnings"] = [asdict(warning) for warning in parser.warnings]
    return _json(output)


def _waits_for_next_message(
    parser: StreamableParser, encoding: HarmonyEncoding
) -> bool:
    """Tell whether the tokens are a prompt, which ends in ``<|start|>`` and a role."""
    if parser.state != StreamState.HEADER:
        return False
    header = parser.state_data["header_tokens"]
    return role_of_header(encoding, header) is not None


def _encode(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    text = _read_text(options.file)
    if options.special:
        return _json(encoding.encode(text, allowed_special="all"))
    return _json(encoding.encode(text, disallowed_special=()))


def _decode(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    return encoding.decode(_read_tokens(options.file))
