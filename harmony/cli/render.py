"""``harmony render``: a conversation in JSON to tokens, or many of them."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys

from harmony.cli.files import are_one, json_line, opened, read, size
from harmony.cli.job import PURPOSES, RenderJob, add_render_options
from harmony.cli.screen import on_terminal, tell
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
    lines.add_argument(
        "--jsonl",
        action="store_true",
        help="FILE has a conversation on each line; write their tokens to OUT, and "
        "print how many there are",
    )
    lines.add_argument(
        "--out",
        metavar="OUT",
        type=_record_file,
        help="what to write: NAME.jsonl, a list of tokens on each line; or NAME.bin, "
        "tokens as int32, and NAME.idx, where each list begins, as uint64",
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


def _record_file(path: str) -> str:
    if not path.endswith((".jsonl", ".bin")):
        raise argparse.ArgumentTypeError("a name in .jsonl or .bin says what to write")
    return path


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def check(options: argparse.Namespace) -> str | None:
    """Return what is wrong with options that exclude one another, or None."""
    if options.keep_analysis and options.drop_analysis not in (None, "never"):
        return f"--keep-analysis contradicts --drop-analysis {options.drop_analysis}"
    if options.jsonl != (options.out is not None):
        return "--jsonl and --out go together"
    if options.jsonl and options.text:
        return "--jsonl writes tokens, not --text"
    if options.jsonl:
        return None
    for option in ("--processes", "--on-error", "--resume"):
        if getattr(options, option[2:].replace("-", "_")):
            return f"{option} goes with --jsonl and --out"
    return None


def how_to_go_on(options: argparse.Namespace, given: list[str]) -> str:
    """Return what to say about going on after a run that was stopped.

    ``given`` is the command line. Nothing is said if there is nothing to go on with.
    """
    from harmony.cli.bulk.journal import journal_path

    if not options.jsonl or not os.path.exists(journal_path(options.out)):
        return ""
    verb, *others = given
    resume = [] if options.resume else ["--resume"]
    command = ["harmony", verb, *resume, *others]
    join = subprocess.list2cmdline if sys.platform == "win32" else shlex.join
    return f"; to go on: {join(command)}"


def run(options: argparse.Namespace, encoding: HarmonyEncoding) -> str:
    """Return what to print."""
    drop = "never" if options.keep_analysis else options.drop_analysis or "upstream"
    job = RenderJob(
        options.purpose, options.role, drop, options.header, options.schemas
    )
    if options.jsonl:
        return _render_lines(options, job)
    tokens = job.tokens(encoding, read(options.file))
    if options.text:
        return on_terminal(encoding.decode(tokens))
    return json_line(tokens)


def _render_lines(options: argparse.Namespace, job: RenderJob) -> str:
    from harmony.cli.bulk.journal import Checkpoint
    from harmony.cli.bulk.progress import meter
    from harmony.cli.bulk.records import written_files
    from harmony.cli.bulk.run import BulkRun

    bulk = BulkRun(
        options.out,
        job,
        options.processes or os.cpu_count() or 1,
        skips=options.on_error == "skip",
        resumes=options.resume,
    )
    for name in written_files(options.out):
        if are_one(options.file, name):
            raise ValueError(f"--out would write over it, to {name}")
    with opened(options.file) as source, meter("render", size(source)) as screen:
        seen, told = screen

        def tell_of(line: int, reason: str) -> None:
            told(f"harmony: {options.file}: line {line}: {reason}")

        def see(reached: Checkpoint) -> None:
            seen(reached.offset, f"{reached.records} records")

        done = bulk(source, tell_of, see)
    if done is None:
        tell(f"harmony: {options.out}: finished, nothing to resume")
        return ""
    counts = ("lines", "records", "skipped", "tokens")
    return json_line({count: getattr(done, count) for count in counts})
