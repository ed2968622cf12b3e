"""``harmony render``: a conversation in JSON to tokens, or many of them."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys

from harmony._training.options import FORMATS, PURPOSES
from harmony.batch import MASK_KINDS
from harmony.cli.files import json_line, read
from harmony.cli.job import RenderJob, add_render_options
from harmony.cli.screen import on_terminal
from harmony.encoding import HarmonyEncoding
from harmony.messages import Role

HELP = "Turn a conversation in JSON into tokens"


def add_options(render: argparse.ArgumentParser) -> None:
    """Add what the verb takes besides FILE."""
    render.add_argument(
        "--text", action="store_true", help="print the text of the tokens instead"
    )
    render.add_argument(
        "--for",
        dest="purpose",
        choices=PURPOSES,
        default="completion",
        help="what the tokens are for; those for a completion end where the model is "
        "to go on (default: %(default)s)",
    )
    render.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default="assistant",
        help="who is to go on, with --for completion (default: %(default)s)",
    )
    render.add_argument(
        "--keep-analysis",
        action="store_true",
        help="keep the messages on channel analysis: --drop-analysis never",
    )
    add_render_options(render, drop_analysis="upstream")
    # None: not given, so --keep-analysis does not contradict it.
    render.set_defaults(drop_analysis=None)
    _add_options_for_lines(render)


def _add_options_for_lines(render: argparse.ArgumentParser) -> None:
    lines = render.add_argument_group("many conversations")
    _add_options_for_rows(lines)
    _add_options_for_runs(lines)


def _add_options_for_rows(lines: argparse._ArgumentGroup) -> None:
    lines.add_argument(
        "--jsonl",
        action="store_true",
        help="FILE has a conversation on each line; write their tokens to OUT, and "
        "print how many there are. There may be several FILEs, which are taken as one, "
        "and folders, which stand for their files",
    )
    lines.add_argument(
        "--out",
        metavar="OUT",
        help="what to write: NAME.jsonl, a list of tokens on each line; NAME.bin, "
        "tokens as int32, and NAME.idx, where each list begins, as uint64; "
        "NAME.parquet; or, with --shard-size, a folder",
    )
    lines.add_argument(
        "--format",
        choices=FORMATS,
        help="what the lines are: chats, as OpenAI's API and Hugging Face's datasets "
        "have them, or conversations in harmony's JSON (default: found out by the "
        "first line)",
    )
    lines.add_argument(
        "--ignore-unknown",
        action="store_true",
        help="take rows with keys that are not known, and lose what they say",
    )
    lines.add_argument(
        "--mask",
        choices=MASK_KINDS,
        help="write loss masks too, for --for training: of what the model writes "
        "itself, of the assistant's messages whole, or of their contents; analysis "
        "is kept unless --drop-analysis says otherwise",
    )
    lines.add_argument(
        "--date",
        metavar="DATE",
        help="what day it is for the model, in chats (default: today)",
    )


def _add_options_for_runs(lines: argparse._ArgumentGroup) -> None:
    lines.add_argument(
        "--shard-size",
        metavar="N",
        type=_count,
        help="OUT is a folder of Parquet files of about N records each",
    )
    lines.add_argument(
        "--engine",
        choices=["ray"],
        help="FILE and OUT are folders: let Ray render each file of rows to a Parquet "
        "file, on this machine or on a cluster; a second run does what is missing",
    )
    lines.add_argument(
        "--processes",
        metavar="N",
        type=_count,
        help="how many processes render (default: one for each CPU)",
    )
    lines.add_argument(
        "--on-error",
        choices=["stop", "skip"],
        help="whether a line that can't be rendered ends the run or is left out "
        "(default: stop)",
    )
    lines.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run into OUT that was stopped",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def check(options: argparse.Namespace) -> str | None:
    """Return what is wrong with options that exclude one another, or None."""
    if options.keep_analysis and options.drop_analysis not in (None, "never"):
        return f"--keep-analysis contradicts --drop-analysis {options.drop_analysis}"
    if len(options.files) > 1 and (not options.jsonl or options.engine is not None):
        return "there can be one FILE only, but with --jsonl"
    if options.jsonl != (options.out is not None):
        return "--jsonl and --out go together"
    if options.jsonl and options.text:
        return "--jsonl writes tokens, not --text"
    if options.jsonl:
        return _check_lines(options)
    for option in _FOR_LINES:
        if getattr(options, option[2:].replace("-", "_")):
            return f"{option} goes with --jsonl and --out"
    return None


_FOR_LINES = (
    *("--format", "--ignore-unknown", "--mask", "--date", "--shard-size", "--engine"),
    *("--processes", "--on-error", "--resume"),
)


def _check_lines(options: argparse.Namespace) -> str | None:
    is_file = options.out.endswith((".jsonl", ".bin", ".parquet"))
    if options.mask is not None and options.purpose != "training":
        return "--mask goes with --for training"
    if options.engine is not None:
        given = options.shard_size or options.processes or options.resume
        return "--engine has folders and processes of its own" if given else None
    if options.shard_size is None and not is_file:
        return "--out: a name in .jsonl, .bin or .parquet says what to write"
    if options.shard_size is not None and is_file:
        return "--shard-size is for a folder"
    return None


def how_to_go_on(options: argparse.Namespace, given: list[str]) -> str:
    """Return what to say about going on after a run that was stopped.

    ``given`` is the command line. Nothing is said if there is nothing to go on with.
    """
    from harmony.cli.bulk.journal import journal_path

    if not options.jsonl or not os.path.exists(journal_path(options.out.rstrip("/"))):
        return ""
    verb, *others = given
    resume = [] if options.resume else ["--resume"]
    command = ["harmony", verb, *resume, *others]
    join = subprocess.list2cmdline if sys.platform == "win32" else shlex.join
    return f"; to go on: {join(command)}"


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    if options.jsonl:
        from harmony.cli.bulk.command import render_folder, render_lines

        many = render_lines if options.engine is None else render_folder
        counts = many(options)
        return "" if counts is None else json_line(counts)
    drop = "never" if options.keep_analysis else options.drop_analysis or "upstream"
    job = RenderJob(
        options.purpose, options.role, drop, options.header, options.schemas
    )
    tokens = job.tokens(encoding, read(options.file))
    if options.text:
        return on_terminal(encoding.decode(tokens))
    return json_line(tokens)
