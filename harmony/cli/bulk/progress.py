"""How far a long run has come, told on the standard error of a terminal.

With the library rich, a bar; without it, a line. Where standard error is no terminal,
nothing: logs hold what happened, not what is happening.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harmony.cli.screen import tell, visible

Seen = Callable[[int, str], None]
"""Takes how many bytes are done with, and a few words."""

LINE_SECONDS = 0.5
"""How often the plain line is written."""


@contextmanager
def meter(
    title: str, total: int | None
) -> Iterator[tuple[Seen, Callable[[str], None]]]:
    """Give what shows how much of ``total`` bytes is done, and what tells of trouble.

    ``total`` is None if it is not known. What is told stays on the screen.
    """
    if not sys.stderr.isatty():
        yield lambda done, words: None, tell
        return
    yield from (_bar if _has_rich() else _line)(title, total)


def _has_rich() -> bool:
    return importlib.util.find_spec("rich") is not None


def _bar(title: str, total: int | None) -> Iterator[tuple[Seen, Callable[[str], None]]]:
    from rich import progress
    from rich.console import Console
    from rich.text import Text

    columns = [
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
        progress.TextColumn("{task.fields[words]}", markup=False),
    ]
    console = Console(stderr=True)
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, words="")
        yield (
            lambda done, words: bar.update(task, completed=done, words=words),
            lambda text: console.print(Text(visible(text)), soft_wrap=True),
        )


def _line(
    title: str, total: int | None
) -> Iterator[tuple[Seen, Callable[[str], None]]]:
    shown = 0
    due = 0.0

    def clear() -> None:
        sys.stderr.write("\r" + " " * shown + "\r")

    def seen(done: int, words: str) -> None:
        nonlocal shown, due
        if time.monotonic() < due:
            return
        due = time.monotonic() + LINE_SECONDS
        share = f"{100 * done // total}%, " if total else ""
        line = f"{title}: {share}{words}"
        clear()
        sys.stderr.write(line)
        sys.stderr.flush()
        shown = len(line)

    def told(text: str) -> None:
        clear()
        tell(text)

    try:
        yield seen, told
    finally:
        clear()
