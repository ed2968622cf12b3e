"""``harmony render --engine ray``: a folder of files over a machine or a cluster.

Each file of rows becomes one Parquet file, which has its name when it is whole. So the
engine can repeat the work of a worker that died, and the next run does the files that
are missing. All machines have to see both folders.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from harmony._training.job import Job
from harmony.cli.bulk import journal
from harmony.cli.bulk.journal import COUNTS, Checkpoint
from harmony.cli.bulk.lock import only_run
from harmony.cli.bulk.run import BulkRun
from harmony.cli.bulk.sources import ENDINGS, files_of, lines_of
from harmony.cli.files import FileError, are_one
from harmony.errors import HarmonyError


@dataclass(frozen=True)
class FileWork:
    """What is done with each file, in whatever process. ``skips``: as of a run."""

    job: Job
    skips: bool

    def __call__(self, item: dict[str, str]) -> dict[str, Any]:
        """Render the file at ``source`` to the one at ``target``; return counts."""
        source, target = item["source"], item["target"]
        told: list[str] = []

        def tell_of(line: int, reason: str) -> None:
            told.append(f"{source}: line {line}: {reason}")

        run = BulkRun(target, self.job, skips=self.skips, resumes=True)
        try:
            with lines_of(source) as lines:
                done = run(lines, tell_of, lambda reached: None)
        except (RuntimeError, ValueError, OSError) as error:
            return {"error": f"{source}: {error}", "told": told}
        counts = (done or Checkpoint()).counts()  # None: it was done already
        return {"error": "", "told": told, **counts}


def known_job(folder: str) -> dict[str, Any]:
    """Return what an earlier run into a folder was told to do; nothing if none was."""
    begun = journal.read(os.path.join(folder, "render"))
    return {} if begun is None else begun.job


def render_folder(
    source: str, target: str, job: Job, skips: bool, told: Callable[[str], None]
) -> dict[str, int]:
    """Render each file of a folder that is not rendered yet; return counts.

    ``told`` is called with each line that was left out, and why. Raises ``FileError``
    for a run with other options, into the folder itself, and for files that would
    become the same one; ``HarmonyError`` for a bad line or file, when the other files
    are done.
    """
    if are_one(source, target):
        raise FileError(f"{source}: --out has to be another folder")
    work = _targets(source, target)
    os.makedirs(target, exist_ok=True)
    with only_run(os.path.join(target, "render")):
        known = known_job(target)
        if known and known != asdict(job):
            raise FileError(f"{target} was begun with other options: {known}")
        journal.write(os.path.join(target, "render"), Checkpoint(asdict(job)))
        todo = [item for item in work if _is_to_do(item["target"])]
        results = _mapped(FileWork(job, skips), todo)
    for result in results:
        for line in result["told"]:
            told(line)
    errors = [result["error"] for result in results if result["error"]]
    if errors:
        raise HarmonyError("; ".join(errors))
    total: Counter[str] = Counter()
    for result in results:
        total.update({name: result[name] for name in COUNTS})
    return {name: total[name] for name in COUNTS}


def _targets(source: str, target: str) -> list[dict[str, str]]:
    """Return from where to where each file of a folder goes."""
    found: dict[str, str] = {}
    for name in files_of(source):
        stem = name[: -len(next(end for end in ENDINGS if name.endswith(end)))]
        path = os.path.join(os.path.abspath(target), f"{stem}.parquet")
        if path in found:
            both = f"{os.path.basename(found[path])} and {name}"
            raise FileError(f"{source}: {both} would both become {stem}.parquet")
        found[path] = os.path.join(os.path.abspath(source), name)
    return [{"source": name, "target": path} for path, name in found.items()]


def _is_to_do(target: str) -> bool:
    return not os.path.exists(target) or journal.read(target) is not None


def _mapped(work: FileWork, items: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Let Ray do the work on each item; it shows how far it is."""
    import ray

    if not items:
        return []
    data = ray.data.from_items(items, override_num_blocks=len(items))
    return list(data.map(lambda item: work(item)).take_all())
