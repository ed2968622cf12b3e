"""The command ``harmony``: a module for each verb."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from harmony.cli import chat, decode, encode, parse, render, show
from harmony.encoding import load_harmony_encoding
from harmony.errors import VocabularyError

VERBS = {
    "render": render,
    "chat": chat,
    "parse": parse,
    "show": show,
    "encode": encode,
    "decode": decode,
}
BAD_INPUT = 1
STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0, 1 for bad input, 2 for bad usage, 130 if it was stopped by Ctrl-C.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.verb == "render" and (fault := render.check(options)):
        parser.error(fault)
    try:
        encoding = load_harmony_encoding("HarmonyGptOss")
    except VocabularyError as error:
        return _complain(error)
    try:
        output = VERBS[options.verb].run(options, encoding)
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
    commands = parser.add_subparsers(metavar="COMMAND", dest="verb", required=True)
    for name, verb in VERBS.items():
        added = commands.add_parser(name, help=verb.HELP, description=f"{verb.HELP}.")
        added.add_argument("file", metavar="FILE", help="a path, or - for stdin")
        verb.add_options(added)
    return parser
