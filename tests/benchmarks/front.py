"""The chart on the first page: how many times as fast as openai-harmony, job by job."""

from __future__ import annotations

from typing import NamedTuple

from .peers import HARMONY, REFERENCE
from .results import Table, advantage


class Job(NamedTuple):
    """What a row is called, and the table and the case that measured it."""

    name: str
    table: str
    case: str


JOBS = (
    Job("a prompt, again", "rendering", "system and user, again and again"),
    Job("a prompt, all words new", "rendering", "system and user, new in every word"),
    Job("a chat, one message more", "rendering", "the agent's, one more message"),
    Job("each token of a stream", "stream", "1,000 tokens"),
    Job("a reply, whole", "parse", "an answer of 1,000"),
    Job("text to tokens", "list", "English"),
    Job("tokens to text", "decode", "English"),
    Job("start", "start", "new process"),
)


class Row(NamedTuple):
    """How many times as fast as the reference: harmony, and the best of the others."""

    name: str
    ours: float
    best: float | None


def front(tables: list[Table]) -> list[Row]:
    """Return the rows of the chart, as far as they were measured."""
    by_name = {table["name"]: table for table in tables}
    return [_row(job, by_name[job.table]) for job in JOBS if job.table in by_name]


def _row(job: Job, table: Table) -> Row:
    entries = table["cases"][job.case]
    reference = entries[REFERENCE.name]
    factors = {
        name: advantage(table["unit"], entry, reference)
        for name, entry in entries.items()
        if name != REFERENCE.name and entry["rounds"] and not entry["note"]
    }
    ours = factors.pop(HARMONY.name)
    return Row(job.name, ours, max(factors.values(), default=None))
