"""The command ``harmony``: a module for each verb."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from harmony import __version__
from harmony.cli import chat, decode, doctor, encode, parse, render, show
from harmony.cli.files import FileError, closed
from harmony.cli.screen import tell, visible
from harmony.encoding import load_harmony_encoding
from harmony.errors import VocabularyError

VERBS = {
    "render": render,
    "chat": chat,
    "parse": parse,
    "show": show,
    "encode": encode,
    "decode": decode,
    "doctor": doctor,
}
BAD_INPUT = 1
BAD_USAGE = 2
STOPPED = 128  # and the number of the signal, as shells have it


class _Terminated(KeyboardInterrupt):
    """SIGTERM, which ends the command as Ctrl-C does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    0, 1 for bad input, 2 for bad usage, 130 if it was stopped by Ctrl-C, 143 by
    SIGTERM.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if sys.stderr is None:  # Python was started without one
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    parser = _parser()
    options = parser.parse_args(given)
    if options.verb is None:
        parser.print_help(sys.stderr)
        return BAD_USAGE
    if options.verb == "render":
        options.file = options.files[0]
    if options.verb == "render" and (fault := render.check(options)):
        parser.error(fault)
    try:
        with _sigterm_stops():
            return _run(options)
    except KeyboardInterrupt as stop:
        is_render = options.verb == "render"
        hint = render.how_to_go_on(options, given) if is_render else ""
        tell(f"harmony: stopped{hint}")
        by_sigterm = isinstance(stop, _Terminated)
        return STOPPED + (signal.SIGTERM if by_sigterm else signal.SIGINT)


@contextmanager
def _sigterm_stops() -> Iterator[None]:
    """Let SIGTERM raise, unless the program that calls ``main`` handles it."""
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _run(options: argparse.Namespace) -> int:
    try:
        encoding = load_harmony_encoding("HarmonyGptOss")
    except VocabularyError as error:
        return _complain(error)
    try:
        output = VERBS[options.verb].run(options, encoding)
    except FileError as error:
        return _complain(error)
    except (RuntimeError, ValueError, MemoryError) as error:
        return _complain(error, f"{options.file}: ")
    except OSError as error:
        # An error that names no file comes from reading.
        return _complain(error, f"{error.filename or options.file}: ")
    return _write(output) if output else 0


def _write(output: str) -> int:
    if sys.stdout is None:
        return _complain(closed("standard output"), "standard output: ")
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
    tell(f"harmony: {where}{_one_line(error)}")
    return BAD_INPUT


def _one_line(error: Exception) -> str:
    if isinstance(error, MemoryError):  # mostly without words
        return "not enough memory"
    message = error.strerror if isinstance(error, OSError) else None
    return " ".join((message or str(error)).split())


class _Parser(argparse.ArgumentParser):
    """One whose complaints are made visible, too: they repeat the command line."""

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="harmony",
        description="Conversations to tokens and back, in the harmony response format "
        "of gpt-oss models. FILE is a path, or - for standard input.",
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"%(prog)s {__version__}",
        help="print the name and the version",
    )
    commands = parser.add_subparsers(metavar="COMMAND", dest="verb")
    for name, verb in VERBS.items():
        added = commands.add_parser(name, help=verb.HELP, description=f"{verb.HELP}.")
        if verb is render:
            added.add_argument(
                "files",
                metavar="FILE",
                nargs="+",
                help="a path, or - for standard input",
            )
        elif verb is not doctor:
            added.add_argument(
                "file", metavar="FILE", help="a path, or - for standard input"
            )
        verb.add_options(added)
    return parser
