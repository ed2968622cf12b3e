"""``harmony render --jsonl``: from options to a run, or to an engine."""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

from harmony._training.job import Job
from harmony.cli.bulk import engine, journal
from harmony.cli.bulk.journal import Checkpoint
from harmony.cli.bulk.progress import meter
from harmony.cli.bulk.records import written_files
from harmony.cli.bulk.run import BadLine, BulkRun
from harmony.cli.bulk.sources import (
    Inputs,
    Source,
    expanded,
    files_of,
    first_line,
    format_of,
    lines_of,
)
from harmony.cli.files import FileError, are_one, size
from harmony.cli.screen import tell


def render_folder(options: argparse.Namespace) -> dict[str, int]:
    """Let an engine render a folder; return counts."""
    first = os.path.join(options.file, files_of(options.file)[0])
    with lines_of(first) as source:
        job = _job(options, first, source, engine.known_job(options.out))
    skips = options.on_error == "skip"
    return engine.render_folder(
        *(options.file, options.out, job, skips),
        lambda line: tell(f"harmony: {line}"),
    )


def render_lines(options: argparse.Namespace) -> dict[str, int] | None:
    """Render files; return counts, or None if there was nothing to do.

    Raises ``FileError`` for a bad line, naming its file.
    """
    target = options.out.rstrip("/")
    paths = expanded(options.files)
    for path in paths:
        _check_apart(path, options)
    begun = journal.read(target) if options.resume else None
    inputs = Inputs(paths)
    with inputs.opened() as source:
        bulk = BulkRun(
            target,
            _job(options, paths[0], source, {} if begun is None else begun.job),
            options.processes or os.cpu_count() or 1,
            skips=options.on_error == "skip",
            resumes=options.resume,
            shard_size=options.shard_size,
        )
        try:
            done = _done(bulk, source, inputs)
        except BadLine as error:
            raise FileError(_told(inputs, error.line, error.reason)) from None
    if done is None:
        tell(f"harmony: {options.out}: finished, nothing to resume")
        return None
    return done.counts()


def _done(bulk: BulkRun, source: Source, inputs: Inputs) -> Checkpoint | None:
    """Let a run go; show how far it is, and tell of lines that are left out."""
    with meter("render", size(source)) as (seen, told):

        def tell_of(line: int, reason: str) -> None:
            told(f"harmony: {_told(inputs, line, reason)}")

        def see(reached: Checkpoint) -> None:
            seen(reached.offset, f"{reached.records} records")

        return bulk(source, tell_of, see)


def _told(inputs: Inputs, line: int, reason: str) -> str:
    path, number = inputs.place(line)
    return f"{path}: line {number}: {reason}"


def _check_apart(path: str, options: argparse.Namespace) -> None:
    """Raise ``FileError`` for a file that the run would write over.

    And ``OSError`` for one that is not there: it could be found out hours later.
    """
    if path != "-":
        os.stat(path)
    for name in written_files(options.out):
        if are_one(path, name):
            raise FileError(f"{path}: --out would write over it, to {name}")
    folder = os.path.dirname(os.path.abspath(path))
    if options.shard_size and path != "-" and are_one(folder, options.out):
        raise FileError(f"{path}: it is in the folder of --out")


def _job(
    options: argparse.Namespace, path: str, source: Source, known: dict[str, Any]
) -> Job:
    """Return how the lines of a file are read and rendered.

    ``known``: how an earlier run did it, which this one goes on with.
    """
    rows = options.format or known.get("format")
    if rows is None:
        rows = format_of(first_line(source))
        if rows == "chat":
            tell(f"harmony: {path}: lines are chats (--format chat)")
    drop = options.drop_analysis
    if options.keep_analysis or (drop is None and options.mask is not None):
        drop = "never"
    return Job(
        format=rows,
        purpose=options.purpose,
        role=options.role,
        mask=options.mask,
        drop_analysis=drop or "upstream",
        header=options.header,
        date=options.date or known.get("date") or time.strftime("%Y-%m-%d"),
        schemas=options.schemas,
        strict=not options.ignore_unknown,
    )
