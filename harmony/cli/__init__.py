"""The command ``harmony``: render, parse, encode and decode from the shell."""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import IO

from harmony.encoding import HarmonyEncoding, load_harmony_encoding
from harmony.errors import HarmonyError, VocabularyError
from harmony.jobs import PURPOSES, RenderJob
from harmony.jsontext import dump, load
from harmony.messages import Role
from harmony.parser import OnError, StreamableParser, awaits_message
from harmony.show import Reading, read

BAD_INPUT = 1
STOPPED = 130
RICH_IS_MISSING = (
    "to show this on a terminal takes the library rich: pip install "
    "'harmony-format[show]' (--html does without)"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0, 1 for bad input, 2 for bad usage, 130 if it was stopped by Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is _render and options.jsonl != (options.out is not None):
        parser.error("--jsonl and --out go together")
    if options.run is _render and options.jsonl and options.text:
        parser.error("--jsonl writes tokens, not --text")
    if options.run is _render and not options.jsonl and options.resume:
        parser.error("--resume goes on with --jsonl and --out")
    run: Callable[[argparse.Namespace, HarmonyEncoding], str] = options.run
    try:
        encoding = load_harmony_encoding("HarmonyGptOss")
    except VocabularyError as error:
        return _complain(error)
    try:
        output = run(options, encoding)
    except (RuntimeError, ValueError, OSError) as error:
        return _complain(error, f"{options.file}: ")
    except KeyboardInterrupt:
        sys.stderr.write("harmony: stopped\n")
        return STOPPED
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
    _add_show_options(command("show", _show, "Text or tokens, to look at as messages"))
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
        choices=PURPOSES,
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
    lines = render.add_argument_group("many conversations")
    lines.add_argument(
        "--jsonl",
        action="store_true",
        help="FILE is a conversation a line; write their tokens to --out, print counts",
    )
    lines.add_argument(
        "--out",
        metavar="OUT",
        type=_record_file,
        help="OUT.jsonl: a list of tokens a line; OUT.bin: int32, with their starts in "
        "OUT.idx, uint64",
    )
    lines.add_argument(
        "--processes",
        metavar="N",
        type=_count,
        default=os.cpu_count() or 1,
        help="how many processes render (default: as many as there are CPUs)",
    )
    lines.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        default="stop",
        help="what to do at a line that can't be rendered (default: %(default)s)",
    )
    lines.add_argument(
        "--resume",
        action="store_true",
        help="go on where the last run into OUT was stopped",
    )


def _record_file(path: str) -> str:
    if not path.endswith((".jsonl", ".bin")):
        raise argparse.ArgumentTypeError("a name in .jsonl or .bin says what to write")
    return path


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def _add_show_options(show: argparse.ArgumentParser) -> None:
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
    with _opened(path) as file:
        return file.read()


def _read_text(path: str) -> str:
    return _utf8(_read(path))


def _utf8(data: bytes) -> str:
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
    return _json_tokens(data)


def _json_tokens(data: bytes) -> list[int]:
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
    job = RenderJob(options.purpose, options.role, options.keep_analysis)
    if options.jsonl:
        return _render_lines(options, job)
    return _tokens_or_text(
        job.tokens(encoding, _read(options.file)), encoding, options.text
    )


def _render_lines(options: argparse.Namespace, job: RenderJob) -> str:
    from harmony.bulk import BulkRun
    from harmony.journal import Checkpoint
    from harmony.meter import meter

    run = BulkRun(
        options.out,
        job,
        options.processes,
        skips=options.on_error == "skip",
        resumes=options.resume,
    )
    if _are_one(options.file, options.out):
        raise ValueError("--out is the same file")
    with _opened(options.file) as source, meter("render", _size(source)) as screen:
        seen, told = screen

        def tell(line: int, reason: str) -> None:
            told(f"harmony: {options.file}: line {line}: {reason}")

        def see(reached: Checkpoint) -> None:
            seen(reached.offset, f"{reached.records} records")

        done = run(source, tell, see)
    if done is None:
        sys.stderr.write(f"harmony: {options.out}: finished, nothing to resume\n")
        return ""
    counts = ("lines", "records", "skipped", "tokens")
    return _json({count: getattr(done, count) for count in counts})


def _are_one(source: str, target: str) -> bool:
    both = os.path.exists(source) and os.path.exists(target)
    return both and os.path.samefile(source, target)


def _opened(path: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb")


def _size(file: IO[bytes]) -> int | None:
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


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
    if not awaits_message(parser, encoding):
        parser.process_eos()
    output: dict[str, object] = {
        "messages": [message.to_dict() for message in parser.messages]
    }
    if options.recover:
        output["warnings"] = [asdict(warning) for warning in parser.warnings]
    return _json(output)


def _show(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    tokens = _shown_tokens(options, encoding)
    role = options.role
    if role is None:
        begins = encoding.decode(tokens[:1]) == "<|start|>"
        role = "none" if begins else "assistant"
    reading = read(encoding, tokens, None if role == "none" else role)
    if options.html is None:
        return _drawn(reading, options)
    from harmony.page import page

    name = "standard input" if options.file == "-" else os.path.basename(options.file)
    with open(options.html, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(page(reading, name, options.tokens, options.ids))
    return ""


def _drawn(reading: Reading, options: argparse.Namespace) -> str:
    try:
        from harmony.terminal import Drawing, draw
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "rich":
            raise
        raise HarmonyError(RICH_IS_MISSING) from None
    return draw(reading, sys.stdout, Drawing(options.tokens, options.ids))


def _shown_tokens(options: argparse.Namespace, encoding: HarmonyEncoding) -> list[int]:
    """Return tokens as they are given, or those of text."""
    data = _read(options.file)
    if not options.text and _looks_like_ids(data):
        return _json_tokens(data)
    return encoding.encode(_utf8(data), allowed_special="all")


def _looks_like_ids(data: bytes) -> bool:
    return re.match(rb"\s*\[\s*(-?[0-9]|\]\s*$)", data) is not None


def _encode(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    text = _read_text(options.file)
    if options.special:
        return _json(encoding.encode(text, allowed_special="all"))
    return _json(encoding.encode(text, disallowed_special=()))


def _decode(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    return encoding.decode(_read_tokens(options.file))
